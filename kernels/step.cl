/*
 * step.cl - the one kernel that every optimizer runs
 * SPDX-License-Identifier: MIT
 *
 * In front of it stand the declarations that src/plan.c makes from the rule's
 * row (struct hyper, struct state, SLOT_ARGUMENTS, LOAD_STATE, STORE_STATE and
 * a macro for each choice and each feature), numerics.cl and the rule's text.
 * One pass over memory does it all: each array is read once and written once.
 * The features are in the order in which docs/numerics.md has them.
 *
 * One work-item is one element: a loop over elements would keep CPU drivers
 * from vectorising across work-items.  For the same reason a kernel that reads
 * its scalars from memory has no guard: it runs over whole blocks, and
 * clstep_step_tail, which is this text once more with TAIL, over the rest.
 *
 * The elements are those from 'first' on, a multiple of 256, within the slots;
 * in the caller's buffers they begin at the offsets.  'factors' are what the
 * gradients of the device's own scale are multiplied by, and what clips the
 * norm, of all or of each tensor.  'tensor_factors' and 'row_factors' are what
 * factors.cl has made for the rule, which finds them in its state.
 */
#ifndef STEP_SIZE
#define STEP_SIZE h.step_size
#endif

kernel void
#ifdef TAIL
clstep_step_tail(
#else
clstep_step(
#endif
    const ulong count, const ulong first, global float *restrict parameters,
    const ulong parameters_offset, global gradient_t *restrict gradients,
    const ulong gradients_offset,
#if defined(COPY_OF) && !defined(WITH_MAX_NORM)
    global ushort *restrict copy, const ulong copy_offset,
#endif
#ifdef ROWS
    const global uint *restrict table, const uint entries,
    const global uint *restrict groups, const global float *restrict factors,
    const uint tensors_first, const global uint *restrict tensors
#ifdef FACTORS
    ,
    const global float *restrict tensor_factors
#endif
#ifdef ROW_FACTORS
    ,
    const global uint4 *restrict block_rows,
    const global float *restrict row_factors
#endif
#else
    const struct hyper hyper
#endif
        SLOT_ARGUMENTS)
{
    const size_t i = get_global_id(0);
    const ulong at = first + i;

#ifdef ROWS
    const ulong block = block_of(first);
    const uint row = table[entries + ENTRY_WORDS * groups[block] + ENTRY_ROW];

#ifdef ZERO_GRAD
    if (row == ROW_SKIPPED) {
#ifdef TAIL
        if (i >= count)
            return;
#endif
        gradients[gradients_offset + i] = 0;
        return;
    }
#endif
    if (row >= ROW_SKIPPED)
        return;

    const struct hyper h = *(const global struct hyper *)(table + row);
#if defined(WITH_CLIP_NORM_TENSOR) || defined(FACTORS)
    const uint tensor = tensors[block];
#else
    const uint tensor = 0;
#endif
    const float unscale = unscale_of(factors);
    const float clip = clip_of(factors, tensors_first + tensor);
#else
    const struct hyper h = hyper;
    const float unscale = 1.0f, clip = 1.0f;
#endif

    /* Only the last work-group asks it of each element: so compilers leave the
     * question out of the loop that they make of the others. */
#if defined(TAIL) || !defined(ROWS)
    if ((get_group_id(0) + 1) * get_local_size(0) > count && i >= count)
        return;
#endif

    struct state s;
    float w = parameters[parameters_offset + i];
    const float x =
        gradient_of(gradients[gradients_offset + i], w, unscale, clip, &h);

    LOAD_STATE
#ifdef FACTORS
    LOAD_FACTORS
#endif
#ifdef ROW_FACTORS
    const uint line = row_of(block_rows[block]);

    LOAD_ROW_FACTORS
#endif
#ifdef DECAY_BEFORE
    w = w * h.decay_factor;
#endif

#ifdef SETS_PARAMETER
    w = new_parameter(w, x, &s, &h);
#else
#ifdef CAUTIOUS_UPDATE
    const float u0 = direction(w, x, &s, &h);
    const float u = is_against(u0, x) ? 0.0f : u0 * s.lead;
#else
    const float u = direction(w, x, &s, &h);
#endif

#ifdef DECAY_CAUTIOUS
    w = (u > 0.0f && w < 0.0f) || (u < 0.0f && w > 0.0f) ? w
                                                         : w * h.decay_factor;
#endif
    w = w - STEP_SIZE * u;
#endif

#ifdef DECAY_AFTER
    w = w * h.decay_factor;
#endif
#ifdef WITH_PROX_L1
    w = h.soft_threshold > 0.0f && fabs(w) <= h.soft_threshold ? 0.0f
        : w > h.soft_threshold  ? w - h.soft_threshold
        : w < -h.soft_threshold ? w + h.soft_threshold
                                : w;
#endif
#if defined(WITH_PRUNE) && !defined(WITH_MAX_NORM)
    w = s.pruned != 0.0f ? 0.0f : w;
#endif
#if defined(AVERAGE) && !defined(WITH_MAX_NORM)
#ifdef WITH_PRUNE
    /* Where it chooses elements, finish.cl has the average. */
    if (h.share_exponent < 0.0f)
#endif
        s.ema = mean(s.ema, w, h.ema_share);
#endif

    parameters[parameters_offset + i] = w;
    STORE_STATE
#if defined(COPY_OF) && !defined(WITH_MAX_NORM)
    copy[copy_offset + i] = COPY_OF(w);
#endif
#ifdef ZERO_GRAD
    gradients[gradients_offset + i] = 0;
#endif
}
