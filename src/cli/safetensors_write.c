/*
 * safetensors_write.c - the writing half of safetensors.h
 * SPDX-License-Identifier: MIT
 */
#define _POSIX_C_SOURCE   200809L
#define _FILE_OFFSET_BITS 64

#include "output.h"
#include "safetensors_private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct safetensors_writer {
    struct output output;
    size_t size;   /* bytes of an element */
    uint64_t left; /* elements that are still to be written */
};

static bool
cannot_write(const char *path, const char *why, struct safetensors_error *error)
{
    return safetensors_fail(error, "cannot write '%s': %s", path, why);
}

bool safetensors_writable(const char *path, struct safetensors_error *error)
{
    const char *why = output_check(path);

    return why == NULL || cannot_write(path, why, error);
}

/* The header's entry of 'tensor', whose data begin at '*offset'; moves that. */
static json_t *describe(const struct safetensors_tensor *tensor,
                        uint64_t *offset, uint64_t *count)
{
    json_t *shape = json_array();
    uint64_t begin = *offset;

    *count = 1;
    for (size_t i = 0; i < tensor->rank; i++) {
        if (json_array_append_new(
                shape, json_integer((json_int_t)tensor->shape[i])) != 0) {
            json_decref(shape);
            return NULL;
        }
        *count *= tensor->shape[i];
    }
    *offset += safetensors_dtype_size(tensor->dtype) * *count;
    return json_pack("{s:s, s:o, s:[I, I]}", "dtype",
                     safetensors_dtype_name(tensor->dtype), "shape", shape,
                     "data_offsets", (json_int_t)begin, (json_int_t)*offset);
}

/* The header's text, padded so that the data begin at a multiple of 8. */
static char *make_header(const struct safetensors_tensor *tensors, size_t count,
                         json_t *metadata, uint64_t *elements, size_t *length)
{
    json_t *header = json_object();
    char *text = NULL, *padded = NULL;
    uint64_t offset = 0;

    *elements = 0;
    if (metadata != NULL &&
        json_object_set(header, SAFETENSORS_METADATA, metadata) != 0)
        goto done;
    for (size_t i = 0; i < count; i++) {
        uint64_t one;

        if (json_object_set_new(header, tensors[i].name,
                                describe(&tensors[i], &offset, &one)) != 0)
            goto done;
        *elements += one;
    }
    text = json_dumps(header, JSON_COMPACT);
    if (text == NULL)
        goto done;
    *length = (strlen(text) + 7) / 8 * 8;
    padded = malloc(*length + 1);
    if (padded != NULL) {
        memset(padded, ' ', *length + 1);
        memcpy(padded, text, strlen(text));
    }

done:
    free(text);
    json_decref(header);
    return padded;
}

static bool write_bytes(struct safetensors_writer *writer, const void *data,
                        size_t bytes, struct safetensors_error *error)
{
    errno = 0;
    if (fwrite(data, 1, bytes, writer->output.stream) != bytes)
        return cannot_write(writer->output.target, strerror(errno), error);
    return true;
}

static bool write_header(struct safetensors_writer *writer, const char *text,
                         size_t length, struct safetensors_error *error)
{
    unsigned char prefix[SAFETENSORS_LENGTH_BYTES];

    if (text == NULL)
        return safetensors_fail_memory(writer->output.target, error);
    if (length > SAFETENSORS_MAX_HEADER)
        return safetensors_fail(
            error,
            "cannot write '%s': its header would have %zu bytes; at most"
            " %d are allowed",
            writer->output.target, length, (int)SAFETENSORS_MAX_HEADER);
    for (size_t i = 0; i < sizeof(prefix); i++)
        prefix[i] = (unsigned char)((uint64_t)length >> 8 * i);
    return write_bytes(writer, prefix, sizeof(prefix), error) &&
           write_bytes(writer, text, length, error);
}

bool safetensors_create(const char *path,
                        const struct safetensors_tensor *tensors, size_t count,
                        json_t *metadata, struct safetensors_writer **out,
                        struct safetensors_error *error)
{
    struct safetensors_writer *writer = calloc(1, sizeof(*writer));
    char *header = NULL;
    size_t length = 0;
    const char *why;

    *out = NULL;
    if (writer == NULL)
        return safetensors_fail_memory(path, error);
    why = output_open(path, &writer->output);
    if (why != NULL) {
        cannot_write(path, why, error);
        goto fail;
    }
    writer->size =
        safetensors_dtype_size(count > 0 ? tensors[0].dtype : SAFETENSORS_F32);
    header = make_header(tensors, count, metadata, &writer->left, &length);
    if (!write_header(writer, header, length, error))
        goto fail;
    free(header);
    *out = writer;
    return true;

fail:
    free(header);
    safetensors_release(writer);
    return false;
}

bool safetensors_write(struct safetensors_writer *writer, const void *data,
                       uint64_t count, struct safetensors_error *error)
{
    if (count > writer->left)
        return safetensors_fail(
            error, "'%s' would get more data than its header tells of",
            writer->output.target);
    writer->left -= count;
    return write_bytes(writer, data, writer->size * (size_t)count, error);
}

bool safetensors_finish(struct safetensors_writer *writer,
                        struct safetensors_error *error)
{
    const char *why;

    if (writer->left != 0)
        return safetensors_fail(error,
                                "'%s' lacks data that its header tells of",
                                writer->output.target);
    why = output_finish(&writer->output);
    return why == NULL || cannot_write(writer->output.target, why, error);
}

bool safetensors_commit(struct safetensors_writer *writer,
                        struct safetensors_error *error)
{
    const char *why = output_commit(&writer->output);

    return why == NULL || cannot_write(writer->output.target, why, error);
}

void safetensors_release(struct safetensors_writer *writer)
{
    if (writer == NULL)
        return;
    output_release(&writer->output);
    free(writer);
}
