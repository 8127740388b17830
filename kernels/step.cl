/*
 * step.cl - the one kernel that every optimizer runs
 * SPDX-License-Identifier: MIT
 *
 * In front of it stand the declarations that src/plan.c makes from the rule's
 * row (struct hyper, struct state, SLOT_..., LOAD_STATE, STORE_STATE and a
 * macro for each choice and each feature), numerics.cl, the rule's text and
 * update.cl.
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

#ifdef TAIL
    if (i >= count)
        return;
#endif
#ifdef ROWS
    const ulong block = block_of(first);
    const uint row = table[entries + ENTRY_WORDS * groups[block] + ENTRY_ROW];

#ifdef ZERO_GRAD
    if (row == ROW_SKIPPED) {
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

    const struct arrays a = {
        parameters + parameters_offset,
        gradients + gradients_offset,
#if defined(COPY_OF) && !defined(WITH_MAX_NORM)
        copy + copy_offset,
#endif
        SLOT_NAMES
    };
    struct state s;

#ifdef FACTORS
    LOAD_FACTORS
#endif
#ifdef ROW_FACTORS
    const uint4 rows = block_rows[block];

    LOAD_ROW_FACTORS
#endif

    /* Only the last work-group asks each element whether it is there: compilers
     * make a loop of the others without the question. */
#ifndef ROWS
    if ((get_group_id(0) + 1) * get_local_size(0) > count) {
        for (size_t j = i; j < count; j += get_local_size(0))
            step_element(j, first + j, &a, &s, &h, unscale, clip);
        return;
    }
#endif
    step_element(i, at, &a, &s, &h, unscale, clip);
}
