/*
 * finish.cl - what is done with the parameters that a step has left
 * SPDX-License-Identifier: MIT
 *
 * With max_norm behind rows.cl, and where prune chooses elements behind
 * prune.cl: holding elements at zero, the average, the copy.  One work-item an
 * element, and a tail, as in step.cl.
 */
kernel void
#ifdef TAIL
clstep_finish_tail(
#else
clstep_finish(
#endif
    const ulong count, const ulong first, global float *restrict parameters,
    const ulong parameters_offset,
#ifdef COPY_OF
    global ushort *restrict copy, const ulong copy_offset,
#endif
#ifdef WITH_PRUNE
    global float *restrict pruned, const global uint *restrict tensors,
    const global uint *restrict selections,
#endif
#ifdef AVERAGE
    global float *restrict average,
#endif
#ifdef ROWS
    const global uint *restrict groups,
#endif
    SCALARS)
{
    const size_t i = get_global_id(0);

#ifdef ROWS
    const uint row = ROW_OF(groups[block_of(first)]);

    if (row >= ROW_SKIPPED)
        return;
    const struct hyper h = HYPER(row);
#else
    const struct hyper h = hyper;
#endif
#ifdef WITH_PRUNE
    const bool chooses = h.share_exponent >= 0.0f;

#ifndef WITH_MAX_NORM
    if (!chooses)
        return;
#endif

    const ulong at = first + i;
    const global uint *s =
        selections + SELECTION_WORDS * (ulong)tensors[block_of(first)];
    const uint value = chooses ? s[SELECTION_VALUE] : 0;
    const ulong end =
        chooses ? s[SELECTION_END] | (ulong)s[SELECTION_END_HIGH] << 32 : 0;
#endif
#if defined(TAIL) || !defined(ROWS)
    if (i >= count)
        return;
#endif

    float w = parameters[parameters_offset + i];

#ifdef WITH_PRUNE
    const float before = pruned[at];
    const uint size = size_of(w, before);
    const float chosen =
        size < value || (size == value && at < end) ? 1.0f : 0.0f;
    const float held = chooses ? chosen : before;

    w = before != 0.0f || held != 0.0f ? 0.0f : w;
    parameters[parameters_offset + i] = w;
    pruned[at] = held;
#endif
#ifdef AVERAGE
    average[first + i] = mean(average[first + i], w, h.ema_share);
#endif
#ifdef COPY_OF
    copy[copy_offset + i] = COPY_OF(w);
#endif
}
