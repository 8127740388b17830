/*
 * chunks.h - how the sums of tensors are cut into pieces
 * SPDX-License-Identifier: MIT
 *
 * docs/numerics.md section 4: a chunk is 4096 elements of a tensor, a node is
 * 256 of its chunks, a part is the nodes of a tensor.  The tables are as in
 * kernels/fold.cl.
 */
#ifndef CS_CHUNKS_H
#define CS_CHUNKS_H

#include "optimizer.h"

enum { CS_CHUNK = 4096, CS_NODE = 256, CS_MAX_CHUNKS = 0x7fffffff };

struct cs_chunk {
    cl_ulong begin;
    cl_uint count, group;
};

struct cs_part {
    cl_uint first, count;
};

/* The tables, on the host, and how long they are so far. */
struct cs_chunk_lists {
    struct cs_chunk *chunks;
    struct cs_part *nodes, *parts;
    uint64_t chunk_count, node_count;
    size_t part_count;
};

/* How many pieces of 'size' cover 'count'. */
uint64_t cs_pieces(uint64_t count, uint64_t size);

/* Adds the chunks and nodes of 'tensors' to '*chunks' and '*nodes'. */
void cs_chunks_count(const struct cs_tensor *tensors, size_t count,
                     uint64_t *chunks, uint64_t *nodes);

/* Fails if so many are more than can be added. */
clstep_status
cs_chunks_check(uint64_t chunks, size_t tensors, clstep_error *error);

/* Makes room for tables of these lengths, and one more of each. */
clstep_status
cs_chunks_open(struct cs_chunk_lists *lists, uint64_t chunks, uint64_t nodes,
               size_t tensors, clstep_error *error);
void cs_chunks_close(struct cs_chunk_lists *lists);

/* Adds a tensor, whose group counts from 'group' on. */
void cs_chunks_add(struct cs_chunk_lists *lists, const struct cs_tensor *tensor,
                   size_t group);

/* Makes a buffer of the 'count' entries of 'data', of 'size' bytes, and of the
 * one that stands behind them. */
clstep_status cs_chunks_upload(clstep_device *device, const void *data,
                               uint64_t count, size_t size, const char *what,
                               cl_mem *buffer, clstep_error *error);

#endif /* CS_CHUNKS_H */
