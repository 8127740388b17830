/*
 * safetensors.c - see safetensors.h
 * SPDX-License-Identifier: MIT
 *
 * Everything that the header says is checked before anything is believed: no
 * allocation follows a number of the file that the file's size does not back.
 */
#define _POSIX_C_SOURCE   200809L
#define _XOPEN_SOURCE     700
#define _FILE_OFFSET_BITS 64

#include "safetensors_private.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "the data of a file are copied as they are");
_Static_assert(sizeof(float) == 4 && sizeof(off_t) == 8,
               "F32 is float, and files have 64-bit sizes");

enum { MAX_DEPTH = 64 /* of JSON; a header needs three levels */ };

struct safetensors {
    char *path;
    int fd;
    uint64_t data;       /* where the data begin in the file, in bytes */
    uint64_t data_bytes; /* up to the file's end */
    json_t *header;      /* owns the names */
    size_t count;
    struct safetensors_tensor *tensors;        /* in the order of their data */
    const struct safetensors_tensor **by_name; /* sorted */
    uint64_t *extents;                         /* of all shapes */
};

bool safetensors_fail(struct safetensors_error *error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(error->message, sizeof(error->message), format, arguments);
    va_end(arguments);
    return false;
}

bool safetensors_fail_memory(const char *path, struct safetensors_error *error)
{
    return safetensors_fail(error, "'%s': no memory for its header", path);
}

/* --- types ---------------------------------------------------------------- */

static const struct {
    const char *name;
    size_t size;
} dtypes[] = {
    [SAFETENSORS_F32] = {"F32", 4},
    [SAFETENSORS_F16] = {"F16", 2},
    [SAFETENSORS_BF16] = {"BF16", 2},
};

enum { DTYPES = sizeof(dtypes) / sizeof(dtypes[0]) };

const char *safetensors_dtype_name(enum safetensors_dtype dtype)
{
    return dtypes[dtype].name;
}

size_t safetensors_dtype_size(enum safetensors_dtype dtype)
{
    return dtypes[dtype].size;
}

/* --- bytes ---------------------------------------------------------------- */

/* Reads 'bytes' bytes from 'offset' on, both within the file's first size. */
static bool
read_bytes(const struct safetensors *file, uint64_t offset, void *data,
           size_t bytes, struct safetensors_error *error)
{
    char *to = data;

    while (bytes > 0) {
        const ssize_t got = pread(file->fd, to, bytes, (off_t)offset);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return safetensors_fail(error, "cannot read '%s': %s", file->path,
                                    strerror(errno));
        if (got == 0)
            return safetensors_fail(
                error, "'%s' became shorter while it was read", file->path);
        to += got;
        offset += (uint64_t)got;
        bytes -= (size_t)got;
    }
    return true;
}

/* Opens the file; of a pipe or a terminal nothing is ever waited for. */
static bool open_file(struct safetensors *file, uint64_t *size,
                      struct safetensors_error *error)
{
    struct stat status;

    file->fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file->fd < 0 || fstat(file->fd, &status) != 0)
        return safetensors_fail(error, "cannot open '%s': %s", file->path,
                                strerror(errno));
    if (!S_ISREG(status.st_mode))
        return safetensors_fail(
            error, "cannot read '%s': it is not a regular file", file->path);
    *size = (uint64_t)status.st_size;
    return true;
}

/* --- the header's text ---------------------------------------------------- */

/* Whether a number -0 is at 'at', which is not the beginning of the text. */
static bool is_minus_zero(const char *at)
{
    return at[0] == '-' && at[1] == '0' && at[2] != '.' && at[2] != 'e' &&
           at[2] != 'E' && at[-1] != 'e' && at[-1] != 'E';
}

/*
 * Refuses what the JSON library lets pass and the format's implementation does
 * not: a NUL behind a number, a -0, which is no whole number, and deep nesting.
 * A NUL follows 'text'.
 */
static bool check_text(const char *path, const char *text, size_t length,
                       struct safetensors_error *error)
{
    bool quoted = false;
    int depth = 0;

    if (text[0] != '{')
        return safetensors_fail(
            error, "'%s': its header does not begin with '{'", path);

    if (memchr(text, '\0', length) != NULL)
        return safetensors_fail(error, "'%s': its header has a NUL byte", path);

    for (size_t i = 0; i < length; i++) {
        if (text[i] == '"')
            quoted = !quoted;
        else if (quoted && text[i] == '\\')
            i++;
        else if (!quoted && (text[i] == '{' || text[i] == '['))
            depth++;
        else if (!quoted && (text[i] == '}' || text[i] == ']'))
            depth--;
        else if (!quoted && is_minus_zero(&text[i]))
            return safetensors_fail(error, "'%s': its header has the number -0",
                                    path);
        if (depth > MAX_DEPTH)
            return safetensors_fail(
                error, "'%s': its header is nested too deeply", path);
    }
    return true;
}

static bool parse_text(struct safetensors *file, const char *text,
                       size_t length, struct safetensors_error *error)
{
    json_error_t json;

    if (!check_text(file->path, text, length, error))
        return false;
    file->header = json_loadb(text, length, JSON_REJECT_DUPLICATES, &json);
    if (file->header == NULL)
        return safetensors_fail(error, "'%s': its header cannot be parsed: %s",
                                file->path, json.text);
    return true;
}

/* Reads the header and parses it; 'size' is the file's. */
static bool read_header(struct safetensors *file, uint64_t size,
                        struct safetensors_error *error)
{
    unsigned char prefix[SAFETENSORS_LENGTH_BYTES];
    uint64_t length = 0;
    bool ok = false;

    if (size < sizeof(prefix))
        return safetensors_fail(error,
                                "'%s' has %" PRIu64
                                " bytes, which are too few for a"
                                " safetensors file",
                                file->path, size);
    if (!read_bytes(file, 0, prefix, sizeof(prefix), error))
        return false;
    for (size_t i = sizeof(prefix); i-- > 0;)
        length = length << 8 | prefix[i];
    if (length > SAFETENSORS_MAX_HEADER)
        return safetensors_fail(
            error,
            "'%s': its header would have %" PRIu64 " bytes; at most %d"
            " are allowed; is it a safetensors file?",
            file->path, length, (int)SAFETENSORS_MAX_HEADER);
    if (length > size - sizeof(prefix))
        return safetensors_fail(error,
                                "'%s': its header should have %" PRIu64
                                " bytes, but only"
                                " %" PRIu64 " follow",
                                file->path, length, size - sizeof(prefix));

    char *text = malloc((size_t)length + 1);
    if (text == NULL)
        return safetensors_fail_memory(file->path, error);
    text[length] = '\0';
    ok = read_bytes(file, sizeof(prefix), text, (size_t)length, error) &&
         parse_text(file, text, (size_t)length, error);
    free(text);
    file->data = sizeof(prefix) + length;
    file->data_bytes = size - file->data;
    return ok;
}

/* --- the header's entries ------------------------------------------------- */

/* A tensor on its way in. */
struct entry {
    struct safetensors_tensor tensor;
    uint64_t end;
    size_t index; /* within the header */
};

static bool check_metadata(const char *path, json_t *metadata,
                           struct safetensors_error *error)
{
    const char *key;
    json_t *value;

    if (!json_is_object(metadata))
        return safetensors_fail(error, "'%s': its %s are not an object", path,
                                SAFETENSORS_METADATA);
    json_object_foreach(metadata, key, value)
    {
        if (!json_is_string(value))
            return safetensors_fail(error,
                                    "'%s': '%.200s' of its %s is not a string",
                                    path, key, SAFETENSORS_METADATA);
    }
    return true;
}

/* The whole number 'value', which 'what' of the tensor called 'name' has. */
static bool whole_number(const char *path, const char *name, const char *what,
                         const json_t *value, uint64_t *number,
                         struct safetensors_error *error)
{
    if (!json_is_integer(value))
        return safetensors_fail(
            error,
            "'%s': the %s of tensor '%.200s' has a member that is not a"
            " whole number",
            path, what, name);
    if (json_integer_value(value) < 0)
        return safetensors_fail(
            error,
            "'%s': the %s of tensor '%.200s' has the negative"
            " number %" JSON_INTEGER_FORMAT,
            path, what, name, json_integer_value(value));
    *number = (uint64_t)json_integer_value(value);
    return true;
}

static bool
parse_dtype(const char *path, const json_t *dtype,
            struct safetensors_tensor *tensor, struct safetensors_error *error)
{
    const char *name = tensor->name;

    if (dtype == NULL)
        return safetensors_fail(error, "'%s': tensor '%.200s' has no dtype",
                                path, name);
    if (!json_is_string(dtype))
        return safetensors_fail(
            error, "'%s': the dtype of tensor '%.200s' is not a string", path,
            name);
    for (int i = 0; i < DTYPES; i++) {
        if (strcmp(json_string_value(dtype), dtypes[i].name) == 0) {
            tensor->dtype = (enum safetensors_dtype)i;
            return true;
        }
    }
    return safetensors_fail(
        error,
        "'%s': tensor '%.200s' is of dtype %.40s; only F32, F16 and BF16 are"
        " supported",
        path, name, json_string_value(dtype));
}

/*
 * Takes the shape into 'extents'.  The product is formed from left to right, as
 * the format's implementation does: an extent of 0 after an overflow does not
 * mend it.
 */
static bool
parse_shape(const char *path, const json_t *shape, uint64_t *extents,
            struct safetensors_tensor *tensor, struct safetensors_error *error)
{
    const char *name = tensor->name;
    const uint64_t most = UINT64_MAX / dtypes[tensor->dtype].size;

    if (shape == NULL)
        return safetensors_fail(error, "'%s': tensor '%.200s' has no shape",
                                path, name);
    if (!json_is_array(shape))
        return safetensors_fail(
            error, "'%s': the shape of tensor '%.200s' is not an array", path,
            name);
    tensor->rank = json_array_size(shape);
    tensor->shape = extents;
    tensor->count = 1;
    for (size_t i = 0; i < tensor->rank; i++) {
        if (!whole_number(path, name, "shape", json_array_get(shape, i),
                          &extents[i], error))
            return false;
        if (extents[i] != 0 && tensor->count > most / extents[i])
            return safetensors_fail(
                error,
                "'%s': the shape of tensor '%.200s' has more bytes"
                " than 64 bits can count",
                path, name);
        tensor->count *= extents[i];
    }
    return true;
}

static bool parse_offsets(const char *path, const json_t *offsets,
                          struct entry *entry, struct safetensors_error *error)
{
    const char *name = entry->tensor.name;
    const uint64_t bytes =
        dtypes[entry->tensor.dtype].size * entry->tensor.count;
    uint64_t *begin = &entry->tensor.offset, *end = &entry->end;

    if (offsets == NULL)
        return safetensors_fail(
            error, "'%s': tensor '%.200s' has no data_offsets", path, name);
    if (!json_is_array(offsets) || json_array_size(offsets) != 2)
        return safetensors_fail(
            error,
            "'%s': the data_offsets of tensor '%.200s' are not an array"
            " of two numbers",
            path, name);
    if (!whole_number(path, name, "data_offsets", json_array_get(offsets, 0),
                      begin, error) ||
        !whole_number(path, name, "data_offsets", json_array_get(offsets, 1),
                      end, error))
        return false;
    if (*end < *begin)
        return safetensors_fail(
            error,
            "'%s': the data of tensor '%.200s' end at %" PRIu64
            ", before they begin at %" PRIu64,
            path, name, *end, *begin);
    if (*end - *begin != bytes)
        return safetensors_fail(
            error,
            "'%s': tensor '%.200s' has %" PRIu64 " elements, so %" PRIu64
            " bytes, but its data_offsets span %" PRIu64,
            path, name, entry->tensor.count, bytes, *end - *begin);
    return true;
}

/* Keys other than the three are left alone, as the implementation does. */
static bool parse_entry(const char *path, const char *name, const json_t *value,
                        uint64_t *extents, struct entry *entry,
                        struct safetensors_error *error)
{
    entry->tensor.name = name;
    if (!json_is_object(value))
        return safetensors_fail(
            error, "'%s': the entry of tensor '%.200s' is not an object", path,
            name);
    return parse_dtype(path, json_object_get(value, "dtype"), &entry->tensor,
                       error) &&
           parse_shape(path, json_object_get(value, "shape"), extents,
                       &entry->tensor, error) &&
           parse_offsets(path, json_object_get(value, "data_offsets"), entry,
                         error);
}

static int compare_places(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;

    if (a->tensor.offset != b->tensor.offset)
        return a->tensor.offset < b->tensor.offset ? -1 : 1;
    if (a->end != b->end)
        return a->end < b->end ? -1 : 1;
    return a->index < b->index ? -1 : 1;
}

/* The data are one tensor after the other, from 0 to the end of the file. */
static bool
check_places(const struct safetensors *file, const struct entry *entries,
             struct safetensors_error *error)
{
    uint64_t position = 0;

    for (size_t i = 0; i < file->count; i++) {
        const struct safetensors_tensor *tensor = &entries[i].tensor;

        if (tensor->offset > position)
            return safetensors_fail(
                error,
                "'%s': the %" PRIu64 " bytes in front of tensor '%.200s'"
                " belong to no tensor",
                file->path, tensor->offset - position, tensor->name);
        if (tensor->offset < position)
            return safetensors_fail(
                error,
                "'%s': the data of tensor '%.200s' overlap those of"
                " tensor '%.200s'",
                file->path, tensor->name, entries[i - 1].tensor.name);
        position = entries[i].end;
    }
    if (position > file->data_bytes)
        return safetensors_fail(error,
                                "'%s' is truncated: its tensors have %" PRIu64
                                " bytes of"
                                " data, the file has %" PRIu64,
                                file->path, position, file->data_bytes);
    if (position < file->data_bytes)
        return safetensors_fail(
            error, "'%s': its last %" PRIu64 " bytes belong to no tensor",
            file->path, file->data_bytes - position);
    return true;
}

static int compare_names(const void *left, const void *right)
{
    const struct safetensors_tensor *const *a = left, *const *b = right;

    return strcmp((*a)->name, (*b)->name);
}

/* Moves the entries into 'file', where they are found by name too. */
static bool keep_entries(struct safetensors *file, const struct entry *entries,
                         struct safetensors_error *error)
{
    file->tensors = calloc(file->count + 1, sizeof(*file->tensors));
    file->by_name = calloc(file->count + 1, sizeof(*file->by_name));
    if (file->tensors == NULL || file->by_name == NULL)
        return safetensors_fail_memory(file->path, error);
    for (size_t i = 0; i < file->count; i++) {
        file->tensors[i] = entries[i].tensor;
        file->by_name[i] = &file->tensors[i];
    }
    qsort(file->by_name, file->count, sizeof(*file->by_name), compare_names);
    return true;
}

/* The extents of all shapes together, so far as they are shapes. */
static size_t count_extents(json_t *header)
{
    const char *name;
    json_t *value;
    size_t count = 0;

    json_object_foreach(header, name, value)
    {
        count += json_array_size(json_object_get(value, "shape"));
    }
    return count;
}

static bool parse_entries(struct safetensors *file, struct entry *entries,
                          struct safetensors_error *error)
{
    uint64_t *extents = file->extents;
    const char *name;
    json_t *value;

    json_object_foreach(file->header, name, value)
    {
        struct entry *entry = &entries[file->count];

        if (strcmp(name, SAFETENSORS_METADATA) == 0) {
            if (!check_metadata(file->path, value, error))
                return false;
            continue;
        }
        if (!parse_entry(file->path, name, value, extents, entry, error))
            return false;
        entry->index = file->count++;
        extents += entry->tensor.rank;
    }
    return true;
}

static bool
take_entries(struct safetensors *file, struct safetensors_error *error)
{
    struct entry *entries =
        calloc(json_object_size(file->header) + 1, sizeof(*entries));
    bool ok = false;

    file->extents =
        calloc(count_extents(file->header) + 1, sizeof(*file->extents));
    if (entries == NULL || file->extents == NULL) {
        safetensors_fail_memory(file->path, error);
        goto done;
    }
    if (!parse_entries(file, entries, error))
        goto done;
    qsort(entries, file->count, sizeof(*entries), compare_places);
    ok = check_places(file, entries, error) &&
         keep_entries(file, entries, error);

done:
    free(entries);
    return ok;
}

bool safetensors_open(const char *path, struct safetensors **out,
                      struct safetensors_error *error)
{
    struct safetensors *file = calloc(1, sizeof(*file));
    uint64_t size = 0;

    *out = NULL;
    if (file == NULL)
        return safetensors_fail_memory(path, error);
    file->fd = -1;
    file->path = strdup(path);
    if (file->path == NULL) {
        safetensors_fail_memory(path, error);
        goto fail;
    }
    if (!open_file(file, &size, error) || !read_header(file, size, error) ||
        !take_entries(file, error))
        goto fail;
    *out = file;
    return true;

fail:
    safetensors_close(file);
    return false;
}

void safetensors_close(struct safetensors *file)
{
    if (file == NULL)
        return;
    if (file->fd >= 0)
        close(file->fd);
    json_decref(file->header);
    free(file->path);
    free(file->tensors);
    free(file->by_name);
    free(file->extents);
    free(file);
}

const char *safetensors_path(const struct safetensors *file)
{
    return file->path;
}

size_t safetensors_count(const struct safetensors *file)
{
    return file->count;
}

const struct safetensors_tensor *
safetensors_tensors(const struct safetensors *file)
{
    return file->tensors;
}

const struct safetensors_tensor *
safetensors_find(const struct safetensors *file, const char *name)
{
    const struct safetensors_tensor wanted = {.name = name}, *key = &wanted;
    const struct safetensors_tensor **found =
        bsearch(&key, file->by_name, file->count, sizeof(*file->by_name),
                compare_names);

    return found != NULL ? *found : NULL;
}

json_t *safetensors_metadata(const struct safetensors *file)
{
    return json_object_get(file->header, SAFETENSORS_METADATA);
}

bool safetensors_read(const struct safetensors *file,
                      const struct safetensors_tensor *tensor, uint64_t first,
                      uint64_t count, void *data,
                      struct safetensors_error *error)
{
    const size_t size = dtypes[tensor->dtype].size;

    return read_bytes(file, file->data + tensor->offset + size * first, data,
                      size * (size_t)count, error);
}
