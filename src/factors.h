/*
 * factors.h - what a rule wants of whole tensors, or rows, before the step
 * SPDX-License-Identifier: MIT
 *
 * kernels/factors.cl says what runs: sums of chunks of 4096 elements, their
 * fold to sums of rows and tensors, and what the rule makes of these, which the
 * step then finds.  Their number does not depend on the tensors'.
 */
#ifndef CS_FACTORS_H
#define CS_FACTORS_H

#include "optimizer.h"

struct cs_factors {
    struct cs_program *entry;
    struct cs_kernel terms, rows, nodes, tensors;
    size_t terms_local, local;
    bool grouped; /* a work-group a chunk */
    bool by_rows;
    uint64_t chunk_count, row_count, node_count;
    uint64_t spread_count; /* elements whose factors are there one by one */

    cl_mem regions, node_table;
    cl_mem chunk_sums, row_sums, node_sums;
    cl_mem tensor_factors, row_factors;
    cl_mem block_rows; /* where rows are, for each block of 256 elements */
};

/* Makes what 'optimizer', whose settings need it, has as 'factors'. */
clstep_status
cs_factors_create(clstep_optimizer *optimizer, clstep_error *error);
void cs_factors_release(struct cs_factors *factors);

/* Enqueues zeros for the factors of rows: padding looks at some that may be
 * those of a frozen group, or of no matrix at all. */
clstep_status cs_factors_fill(clstep_optimizer *optimizer, struct cs_call *call,
                              clstep_error *error);

/* Forgets the arguments of the kernels, where a table goes. */
void cs_factors_forget(struct cs_factors *factors);

/* Enqueues it all, for the parameters and gradients of 'buffers': those of the
 * layout, or each tensor's where 'apart'. */
clstep_status
cs_factors_add(clstep_optimizer *optimizer, struct cs_call *call,
               const clstep_buffers *buffers, bool apart, clstep_error *error);

/* How many launches that is. */
size_t cs_factors_launches(const clstep_optimizer *optimizer, bool apart);

/* Launches every kernel over nothing. */
clstep_status cs_factors_warm(clstep_optimizer *optimizer, clstep_error *error);

#endif /* CS_FACTORS_H */
