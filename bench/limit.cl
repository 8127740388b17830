/*
 * limit.cl - the least that a step could cost on this device
 * SPDX-License-Identifier: MIT
 *
 * The limit has the loads and stores of a step and one addition for each array,
 * in the shape that a step has: one work-item an element, the tail guarded by
 * an argument.  limit.c defines what depends on the number of arrays, as here
 * for a rule with one slot:
 *
 *     #define ARRAYS   , global float *restrict a0 \
 *                      , global float *restrict a1 \
 *                      , const global float *restrict b0
 *     #define SUM_READ + b0[i]
 *     #define ADD_EACH a0[i] += x; a1[i] += x;
 */
kernel void clstep_limit(const ulong n ARRAYS)
{
    const size_t i = get_global_id(0);

    if (i >= n)
        return;

    /* The constant keeps an 'x' in a step that only reads and writes. */
    const float x = 1e-3f SUM_READ;

    ADD_EACH
}

/*
 * Fills an array with ordinary numbers: both signs, at most 'scale', at least a
 * 128th of that, so that no square or product of a few is subnormal.
 */
kernel void
clstep_fill(const ulong n, const float scale, global float *restrict a)
{
    const size_t i = get_global_id(0);

    if (i >= n)
        return;

    uint h = (uint)i * 0x9e3779b9u;

    h = (h ^ (h >> 16)) * 0x85ebca6bu;
    h = (h ^ (h >> 13)) * 0xc2b2ae35u;

    const float size = (float)((h & 127u) + 1u) * 0x1p-7f;

    a[i] = (h >> 31) != 0u ? -scale * size : scale * size;
}
