/*
 * chunks.c - see chunks.h
 * SPDX-License-Identifier: MIT
 */
#include "chunks.h"
#include "error.h"

#include <stdlib.h>

uint64_t cs_pieces(uint64_t count, uint64_t size)
{
    return count / size + (count % size != 0);
}

void cs_chunks_count(const struct cs_tensor *tensors, size_t count,
                     uint64_t *chunks, uint64_t *nodes)
{
    for (size_t t = 0; t < count; t++) {
        const uint64_t of_tensor = cs_pieces(tensors[t].count, CS_CHUNK);

        *chunks += of_tensor;
        *nodes += cs_pieces(of_tensor, CS_NODE);
    }
}

clstep_status
cs_chunks_check(uint64_t chunks, size_t tensors, clstep_error *error)
{
    if (chunks > CS_MAX_CHUNKS || tensors > CS_MAX_CHUNKS)
        return cs_fail(error, CLSTEP_OUT_OF_RANGE,
                       "a norm of %llu chunks of %d elements is more than the "
                       "%d that can be added",
                       (unsigned long long)chunks, CS_CHUNK, CS_MAX_CHUNKS);
    return CLSTEP_OK;
}

clstep_status
cs_chunks_open(struct cs_chunk_lists *lists, uint64_t chunks, uint64_t nodes,
               size_t tensors, clstep_error *error)
{
    *lists = (struct cs_chunk_lists){
        .chunks = calloc(chunks + 1, sizeof(*lists->chunks)),
        .nodes = calloc(nodes + 1, sizeof(*lists->nodes)),
        .parts = calloc(tensors + 1, sizeof(*lists->parts)),
    };
    if (lists->chunks == NULL || lists->nodes == NULL || lists->parts == NULL)
        return cs_fail(error, CLSTEP_OUT_OF_MEMORY,
                       "no memory for the chunks of %zu tensors", tensors);
    return CLSTEP_OK;
}

void cs_chunks_close(struct cs_chunk_lists *lists)
{
    free(lists->chunks);
    free(lists->nodes);
    free(lists->parts);
}

void cs_chunks_add(struct cs_chunk_lists *lists, const struct cs_tensor *tensor,
                   size_t group)
{
    const uint64_t chunks = cs_pieces(tensor->count, CS_CHUNK);
    const uint64_t nodes = cs_pieces(chunks, CS_NODE);

    lists->parts[lists->part_count++] =
        (struct cs_part){(cl_uint)lists->node_count, (cl_uint)nodes};
    for (uint64_t i = 0; i < nodes; i++) {
        const uint64_t left = chunks - i * CS_NODE;

        lists->nodes[lists->node_count++] =
            (struct cs_part){(cl_uint)(lists->chunk_count + i * CS_NODE),
                             (cl_uint)(left < CS_NODE ? left : CS_NODE)};
    }
    for (uint64_t i = 0; i < chunks; i++) {
        const uint64_t left = tensor->count - i * CS_CHUNK;

        lists->chunks[lists->chunk_count++] =
            (struct cs_chunk){tensor->offset + i * CS_CHUNK,
                              (cl_uint)(left < CS_CHUNK ? left : CS_CHUNK),
                              (cl_uint)(group + tensor->group)};
    }
}

clstep_status cs_chunks_upload(clstep_device *device, const void *data,
                               uint64_t count, size_t size, const char *what,
                               cl_mem *buffer, clstep_error *error)
{
    const clstep_status status = cs_device_buffer(
        device, (count + 1) * (size / sizeof(float)), what, buffer, error);

    if (status != CLSTEP_OK)
        return status;

    const cl_int code =
        clEnqueueWriteBuffer(device->queue, *buffer, CL_TRUE, 0,
                             (size_t)(count + 1) * size, data, 0, NULL, NULL);

    return code == CL_SUCCESS ? CLSTEP_OK
                              : cs_fail_cl(error, code, "clEnqueueWriteBuffer");
}
