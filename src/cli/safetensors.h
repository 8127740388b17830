/*
 * safetensors.h - files of named tensors of floats, halves or bfloats
 * SPDX-License-Identifier: MIT
 *
 * The format: 8 bytes with the length of the header, least significant first;
 * the header, JSON that gives each tensor's type, shape and place; the data.
 * Only F32, F16 and BF16 are read and written here.  Of what a file may say,
 * this reader takes nothing that the format's own implementation refuses.
 *
 * A function that returns false has filled in 'error' with one sentence that
 * names the file, and the tensor where there is one.
 */
#ifndef CS_SAFETENSORS_H
#define CS_SAFETENSORS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct safetensors_error {
    char message[6144];
};

enum safetensors_dtype { SAFETENSORS_F32, SAFETENSORS_F16, SAFETENSORS_BF16 };

struct safetensors_tensor {
    const char *name;
    enum safetensors_dtype dtype;
    size_t rank;
    const uint64_t *shape;
    uint64_t count;  /* of elements: the product of the extents, 1 for rank 0 */
    uint64_t offset; /* of the first byte, from the beginning of the data */
};

/* "F32", "F16" or "BF16", and the bytes of an element: 4 or 2. */
const char *safetensors_dtype_name(enum safetensors_dtype dtype);
size_t safetensors_dtype_size(enum safetensors_dtype dtype);

/* --- reading -------------------------------------------------------------- */

/* A file that is open, with a header that was found valid. */
struct safetensors;

/* On failure '*out' is NULL. */
bool safetensors_open(const char *path, struct safetensors **out,
                      struct safetensors_error *error);
void safetensors_close(struct safetensors *file);

const char *safetensors_path(const struct safetensors *file);

/* The number of tensors. */
size_t safetensors_count(const struct safetensors *file);

/* The tensors, in the order of their data. */
const struct safetensors_tensor *
safetensors_tensors(const struct safetensors *file);

/* The tensor called 'name', or NULL. */
const struct safetensors_tensor *
safetensors_find(const struct safetensors *file, const char *name);

/* The header's metadata, an object of strings, or NULL; owned by 'file'. */
json_t *safetensors_metadata(const struct safetensors *file);

/* Reads 'count' elements of 'tensor', from element 'first' on, bit for bit. */
bool safetensors_read(const struct safetensors *file,
                      const struct safetensors_tensor *tensor, uint64_t first,
                      uint64_t count, void *data,
                      struct safetensors_error *error);

/* --- writing -------------------------------------------------------------- */

/*
 * A file that is being written under a temporary name beside its target.  The
 * target keeps its old content, or stays missing, until the commit.
 */
struct safetensors_writer;

/* Says whether a file could be written at 'path', as far as can be told. */
bool safetensors_writable(const char *path, struct safetensors_error *error);

/*
 * Begins a file of 'count' tensors, of which name, dtype, rank and shape are
 * looked at.  Names are UTF-8, and all different; the dtype is the same for
 * all. 'metadata', an object of strings, may be NULL.  On failure '*out' is
 * NULL.
 */
bool safetensors_create(const char *path,
                        const struct safetensors_tensor *tensors, size_t count,
                        json_t *metadata, struct safetensors_writer **out,
                        struct safetensors_error *error);

/* Appends 'count' elements: the tensors' data, in their order. */
bool safetensors_write(struct safetensors_writer *writer, const void *data,
                       uint64_t count, struct safetensors_error *error);

/* Brings all of the file to the disk; every element was written. */
bool safetensors_finish(struct safetensors_writer *writer,
                        struct safetensors_error *error);

/* Gives the finished file its name, in one step. */
bool safetensors_commit(struct safetensors_writer *writer,
                        struct safetensors_error *error);

/* Releases 'writer'; without a commit, also removes what it wrote. */
void safetensors_release(struct safetensors_writer *writer);

#endif /* CS_SAFETENSORS_H */
