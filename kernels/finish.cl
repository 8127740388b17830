/*
 * finish.cl - the average and the copy of a step with max_norm
 * SPDX-License-Identifier: MIT
 *
 * Behind rows.cl, since both are of the parameters that it leaves.  One
 * work-item an element, and a tail, as in step.cl.
 */
kernel void
#ifdef TAIL
clstep_finish_tail(
#else
clstep_finish(
#endif
    const ulong count, const ulong first,
    const global float *restrict parameters, const ulong parameters_offset,
#ifdef COPY_OF
    global ushort *restrict copy, const ulong copy_offset,
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
#if defined(TAIL) || !defined(ROWS)
    if (i >= count)
        return;
#endif

    const float w = parameters[parameters_offset + i];

#ifdef AVERAGE
    average[first + i] = averaged(average[first + i], w, h.ema_share);
#endif
#ifdef COPY_OF
    copy[copy_offset + i] = COPY_OF(w);
#endif
}
