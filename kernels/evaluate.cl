/*
 * evaluate.cl - the parameters that a schedule-free rule is evaluated at
 * SPDX-License-Identifier: MIT
 *
 * With a table there is a factor for each group; 0 is for one that has taken no
 * step.
 */
kernel void
clstep_evaluate(const ulong count, const global float *restrict parameters,
                const ulong parameters_offset, const global float *restrict end,
                global float *restrict output, const ulong output_offset,
#ifdef ROWS
                const global uint *restrict groups,
                const global float *restrict factors
#else
                const float factor
#endif
)
{
    const size_t i = get_global_id(0);

    if (i >= count)
        return;
#ifdef ROWS
    const float factor = factors[groups[i / 256]];
#endif

    const float w = parameters[parameters_offset + i];

    output[output_offset + i] = factor != 0.0f ? w + factor * (end[i] - w) : w;
}
