/*
 * lbfgs_vectors.h - the vectors of L-BFGS, on the device
 * SPDX-License-Identifier: MIT
 *
 * kernels/lbfgs.cl says what runs.  All that is asked of the vectors, sums of
 * products and largest values, comes to the host in one reading.
 */
#ifndef CS_LBFGS_VECTORS_H
#define CS_LBFGS_VECTORS_H

#include "optimizer.h"

/* As in kernels/lbfgs.cl. */
enum cs_vector {
    CS_GRADIENT,  /* the caller's buffer */
    CS_DIRECTION, /* of the search */
    CS_BEFORE,    /* the gradient at the base */
    CS_BASE,      /* the parameters where the search begins */
    CS_KEPT,      /* the gradient at the best point of a search */
    CS_HISTORY    /* s of each place, then y of each place */
};

enum { CS_WORK_VECTORS = CS_HISTORY - CS_DIRECTION };

enum { CS_PRODUCT, CS_SIZE, CS_LARGEST };

struct cs_question {
    cl_uint kind, a, b;
};

struct cs_vectors {
    clstep_device *device;
    struct cs_tensor *tensors;
    size_t tensor_count;
    uint64_t count;  /* elements of each vector */
    uint64_t stride; /* from one to the next in a buffer */
    size_t places;   /* for pairs */

    struct cs_program *entry;
    struct cs_kernel chunks, nodes, all, pair, direction, move, copy, zero;
    size_t local, global; /* of a launch over 'count' elements */
    bool grouped;         /* a work-group a chunk */
    uint64_t chunk_count, node_count;
    uint64_t list_length; /* of the numbers that a question folds at last */
    size_t most;          /* questions at a time */

    cl_mem work, s, y;
    cl_mem chunk_table, node_table, parts;
    cl_mem asks, chunk_sums, node_sums, list, answers;
    cl_mem coefficients;
};

/* Builds the kernels, and makes room for pairs in 'places' places, all zero,
 * and for 'most' questions.  '*vectors' was zero; what is left after a failure
 * is to be released too. */
clstep_status
cs_vectors_create(struct cs_vectors *vectors, clstep_device *device,
                  const clstep_layout *layout, size_t places, size_t most,
                  clstep_error *error);
void cs_vectors_release(struct cs_vectors *vectors);

/* A range of elements in a buffer. */
struct cs_place {
    cl_mem buffer;
    uint64_t offset;
};

/* Where vector 'v', which is not the caller's, stands. */
struct cs_place cs_vectors_place(const struct cs_vectors *vectors, size_t v);

/*
 * Commands of a call.  Each reads the caller's parameters and gradients.  What
 * is handed over has to live until they have run.
 */

/* Writes a pair to 'place': what has changed since the base. */
clstep_status cs_vectors_pair(struct cs_vectors *vectors, struct cs_call *call,
                              const clstep_buffers *buffers, size_t place,
                              clstep_error *error);

/* Reads the answers to 'count' questions, at most 'most', and waits. */
clstep_status
cs_vectors_ask(struct cs_vectors *vectors, struct cs_call *call,
               const clstep_buffers *buffers, const struct cs_question *asks,
               size_t count, float *answers, clstep_error *error);

/* Begins a search: the direction, of the coefficients of the gradient, and of s
 * and y of 'pairs' pairs from the place 'first' on; base and gradient there. */
clstep_status
cs_vectors_direct(struct cs_vectors *vectors, struct cs_call *call,
                  const clstep_buffers *buffers, const float *coefficients,
                  size_t first, size_t pairs, clstep_error *error);

/* Moves the parameters to where they are 't' directions from the base. */
clstep_status
cs_vectors_move(struct cs_vectors *vectors, struct cs_call *call,
                const clstep_buffers *buffers, float t, clstep_error *error);

clstep_status
cs_vectors_copy(struct cs_vectors *vectors, struct cs_call *call,
                struct cs_place from, struct cs_place to, clstep_error *error);

#endif /* CS_LBFGS_VECTORS_H */
