/*
 * prune.h - the choice of the parameters that prune holds at zero
 * SPDX-License-Identifier: MIT
 *
 * kernels/prune.cl says what runs.  Beside the slot "pruned", which tells what
 * is held, nothing is kept from one step to the next.
 */
#ifndef CS_PRUNE_H
#define CS_PRUNE_H

#include "optimizer.h"

struct cs_prune {
    struct cs_program *entry;
    struct cs_kernel begin, count, choose;
    size_t count_local;
    unsigned index_digits; /* of 8 bits, of an index in the largest matrix */
    uint64_t chunk_count;
    cl_mem tensors, chunks, selections, bins;
};

/* Some tensors of an optimizer, and their chunks. */
struct cs_prune_part {
    uint64_t first_tensor, tensors;
    uint64_t first_chunk, chunks;
};

/* Creates 'opt->prune', for an optimizer with the tables of its tensors. */
clstep_status cs_prune_create(clstep_optimizer *opt, clstep_error *error);
void cs_prune_release(struct cs_prune *prune);

/* Says whether the next call may have to choose: where only the device knows
 * which step comes, whether one that may come does. */
bool cs_prune_is_due(const clstep_optimizer *opt);

/* The chunks of 'count' tensors from 'first' on; 0 without prune. */
uint64_t
cs_prune_chunks(const clstep_optimizer *opt, uint64_t first, uint64_t count);

/* Enqueues the choice among the tensors of 'part', of parameters that hold the
 * layout from 'offset' on. */
clstep_status
cs_prune_launch(clstep_optimizer *opt, struct cs_call *call,
                const struct cs_prune_part *part, cl_mem parameters,
                uint64_t offset, clstep_error *error);

/* The kernels that this launches for a part of so many chunks. */
size_t cs_prune_launches(const clstep_optimizer *opt, uint64_t chunks);

/* The arguments of kernels/finish.cl. */
void cs_prune_push(const clstep_optimizer *opt, struct cs_arguments *arguments);

/* Launches every kernel over nothing with so many work-items. */
clstep_status cs_prune_warm(clstep_optimizer *opt, struct cs_call *call,
                            cl_mem dummy, size_t items, clstep_error *error);

void cs_prune_forget(clstep_optimizer *opt);

#endif /* CS_PRUNE_H */
