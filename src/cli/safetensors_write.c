/*
 * safetensors_write.c - the writing half of safetensors.h
 * SPDX-License-Identifier: MIT
 *
 * A file is written beside its target and renamed when it is whole and on the
 * disk: whatever fails, the target is the old file or the new one.
 */
#define _POSIX_C_SOURCE   200809L
#define _XOPEN_SOURCE     700
#define _FILE_OFFSET_BITS 64

#include "safetensors_private.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct safetensors_writer {
    char *target, *temporary; /* 'temporary' is NULL while it does not exist */
    FILE *stream;
    size_t size;   /* bytes of an element */
    uint64_t left; /* elements that are still to be written */
};

static char *join(const char *folder, const char *name)
{
    const size_t size = strlen(folder) + strlen(name) + 2;
    char *path = malloc(size);

    if (path != NULL)
        snprintf(path, size, "%s/%s", folder, name);
    return path;
}

/*
 * The full path of the file that 'path' leads to, through any links, or that
 * would be made there; NULL with errno set if there cannot be one.
 */
static char *full_path(const char *path)
{
    char *full = realpath(path, NULL);
    const char *slash = strrchr(path, '/');
    const char *base = slash != NULL ? slash + 1 : path;
    char *folder = NULL, *parent = NULL;

    if (full != NULL || errno != ENOENT || *base == '\0')
        return full;

    folder = slash != NULL ? strndup(path, (size_t)(base - path)) : strdup(".");
    if (folder == NULL)
        return NULL;
    parent = realpath(folder, NULL);
    if (parent != NULL)
        full = join(parent, base);
    free(parent);
    free(folder);
    return full;
}

/* Fills in the full path of a target, and its mode: 0 if it does not exist. */
static bool find_target(const char *path, char **full, mode_t *mode,
                        struct safetensors_error *error)
{
    struct stat status;

    *mode = 0;
    *full = full_path(path);
    if (*full == NULL)
        return safetensors_fail(error, "cannot write '%s': %s", path,
                                strerror(errno));
    if (lstat(*full, &status) != 0)
        return true;
    if (!S_ISREG(status.st_mode))
        return safetensors_fail(
            error, "cannot write '%s': it is not a regular file", path);
    if (access(*full, W_OK) != 0)
        return safetensors_fail(error, "cannot write '%s': %s", path,
                                strerror(errno));
    *mode = status.st_mode & 0777;
    return true;
}

bool safetensors_writable(const char *path, struct safetensors_error *error)
{
    char *full = NULL;
    mode_t mode;
    bool ok = find_target(path, &full, &mode, error);

    if (ok) {
        strrchr(full, '/')[1] = '\0';
        ok = access(full, W_OK | X_OK) == 0 ||
             safetensors_fail(error, "cannot write '%s': %s", path,
                              strerror(errno));
    }
    free(full);
    return ok;
}

bool safetensors_same_target(const char *a, const char *b)
{
    char *full_a = full_path(a), *full_b = full_path(b);
    const bool same =
        full_a != NULL && full_b != NULL && strcmp(full_a, full_b) == 0;

    free(full_a);
    free(full_b);
    return same;
}

/* A new file beside the target, with the target's mode if that exists. */
static bool open_temporary(struct safetensors_writer *writer, const char *path,
                           mode_t mode, struct safetensors_error *error)
{
    const int folder = (int)(strrchr(writer->target, '/') - writer->target);
    const size_t size = (size_t)folder + 64;
    char *name = malloc(size);
    int fd = -1;

    if (name == NULL)
        return safetensors_fail_memory(path, error);
    for (int i = 0; i < 100 && fd < 0 && (i == 0 || errno == EEXIST); i++) {
        snprintf(name, size, "%.*s/.clstep-%ld-%d.tmp", folder, writer->target,
                 (long)getpid(), i);
        fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    }
    if (fd < 0) {
        safetensors_fail(error, "cannot write '%s': %s", path, strerror(errno));
        free(name);
        return false;
    }
    writer->temporary = name;
    if (mode != 0 && fchmod(fd, mode) != 0) {
        safetensors_fail(error, "cannot write '%s': %s", path, strerror(errno));
        close(fd);
        return false;
    }
    writer->stream = fdopen(fd, "wb");
    if (writer->stream == NULL) {
        close(fd);
        return safetensors_fail_memory(path, error);
    }
    return true;
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
    if (fwrite(data, 1, bytes, writer->stream) != bytes)
        return safetensors_fail(error, "cannot write '%s': %s", writer->target,
                                strerror(errno));
    return true;
}

static bool write_header(struct safetensors_writer *writer, const char *text,
                         size_t length, struct safetensors_error *error)
{
    unsigned char prefix[SAFETENSORS_LENGTH_BYTES];

    if (text == NULL)
        return safetensors_fail_memory(writer->target, error);
    if (length > SAFETENSORS_MAX_HEADER)
        return safetensors_fail(
            error,
            "cannot write '%s': its header would have %zu bytes; at most"
            " %d are allowed",
            writer->target, length, (int)SAFETENSORS_MAX_HEADER);
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
    mode_t mode;

    *out = NULL;
    if (writer == NULL)
        return safetensors_fail_memory(path, error);
    if (!find_target(path, &writer->target, &mode, error) ||
        !open_temporary(writer, path, mode, error))
        goto fail;
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
            writer->target);
    writer->left -= count;
    return write_bytes(writer, data, writer->size * (size_t)count, error);
}

bool safetensors_finish(struct safetensors_writer *writer,
                        struct safetensors_error *error)
{
    FILE *stream = writer->stream;
    bool ok;

    if (writer->left != 0)
        return safetensors_fail(
            error, "'%s' lacks data that its header tells of", writer->target);
    errno = 0;
    ok = (fflush(stream) == 0 && fsync(fileno(stream)) == 0) ||
         safetensors_fail(error, "cannot write '%s': %s", writer->target,
                          strerror(errno));
    writer->stream = NULL;
    if (fclose(stream) != 0 && ok)
        ok = safetensors_fail(error, "cannot write '%s': %s", writer->target,
                              strerror(errno));
    return ok;
}

bool safetensors_commit(struct safetensors_writer *writer,
                        struct safetensors_error *error)
{
    if (rename(writer->temporary, writer->target) != 0)
        return safetensors_fail(error, "cannot write '%s': %s", writer->target,
                                strerror(errno));
    free(writer->temporary);
    writer->temporary = NULL;
    return true;
}

void safetensors_release(struct safetensors_writer *writer)
{
    if (writer == NULL)
        return;
    if (writer->stream != NULL)
        fclose(writer->stream);
    if (writer->temporary != NULL)
        unlink(writer->temporary);
    free(writer->temporary);
    free(writer->target);
    free(writer);
}
