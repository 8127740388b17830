/*
 * swap.cl - exchanges the parameters and their average
 * SPDX-License-Identifier: MIT
 *
 * With a table there are groups; one whose entry in 'started' is 0 has no
 * average yet.
 */
kernel void
clstep_swap(const ulong count, global float *restrict parameters,
            const ulong parameters_offset, global float *restrict average
#ifdef ROWS
            ,
            const global uint *restrict groups,
            const global uint *restrict started
#endif
)
{
    const size_t i = get_global_id(0);

    if (i >= count)
        return;
#ifdef ROWS
    if (!started[groups[i / 256]])
        return;
#endif

    const float w = parameters[parameters_offset + i];

    parameters[parameters_offset + i] = average[i];
    average[i] = w;
}
