/*
 * zeros.cl - how many parameters are zero
 * SPDX-License-Identifier: MIT
 *
 * One work-item a chunk of a tensor.
 */
struct zeros_chunk {
    ulong begin; /* of its elements in the layout */
    uint count, unused;
};

kernel void
clstep_zeros(const ulong count,
             const global struct zeros_chunk *restrict chunks,
             const global float *restrict parameters,
             const ulong parameters_offset, global uint *restrict found)
{
    const size_t i = get_global_id(0);

    if (i >= count)
        return;

    const global float *w = parameters + (parameters_offset + chunks[i].begin);
    const uint length = chunks[i].count;
    uint zeros = 0;

    for (uint e = 0; e < length; e++)
        zeros += w[e] == 0.0f ? 1 : 0;
    found[i] = zeros;
}
