/*
 * sums.h - the norm of the gradients, and what the device decides by it
 * SPDX-License-Identifier: MIT
 *
 * kernels/sums.cl says what runs: a sum for each chunk of 4096 elements, the
 * fold of these to one number for each tensor and one for all, and a decision.
 */
#ifndef CS_SUMS_H
#define CS_SUMS_H

#include "table.h"

/* What the device keeps between steps, as in kernels/sums.cl; the count of each
 * group follows. */
struct cs_control {
    cl_ulong steps, skipped;
    cl_float norm, unused;
    cl_uint scale_steps, skip;
};

struct cs_sums {
    struct cs_program *entry;
    struct cs_kernel chunks, nodes, decide;
    size_t chunks_local, nodes_local, decide_local;
    bool grouped; /* a work-group a chunk */
    uint64_t chunk_count, node_count;
    size_t tensor_count;

    cl_mem chunk_table, node_table, parts;
    cl_mem chunk_sums, node_sums, list;
    cl_mem factors; /* 1 / scale, then what clips: all, or each tensor */
    cl_mem control;
    cl_mem scale; /* the dynamic one, or NULL */
};

/* Does what the device has to do for the members of 'table', which get the
 * places of their tensors and chunks. */
clstep_status cs_sums_create(struct cs_table *table, struct cs_sums **sums,
                             clstep_error *error);
void cs_sums_release(struct cs_sums *sums);

/* Says whether settings need it. */
bool cs_sums_needed(const struct cs_settings *settings);

/* Enqueues the initial values of what is kept between steps. */
clstep_status cs_sums_reset(struct cs_sums *sums, const struct cs_table *table,
                            struct cs_call *call, clstep_error *error);

/* Enqueues the sums.  Nothing is decided, and no state changed, by them. */
clstep_status cs_sums_add(struct cs_sums *sums, const struct cs_table *table,
                          struct cs_call *call, const clstep_buffers *buffers,
                          bool apart, clstep_error *error);

/* Enqueues the decision. */
clstep_status
cs_sums_decide(struct cs_sums *sums, const struct cs_table *table,
               struct cs_call *call, const clstep_buffers *buffers,
               clstep_error *error);

/* Launches every kernel over nothing. */
clstep_status cs_sums_warm(struct cs_sums *sums, const struct cs_table *table,
                           clstep_error *error);

#endif /* CS_SUMS_H */
