/*
 * limit.cl - the least that a step could cost on this device
 * SPDX-License-Identifier: MIT
 *
 * The limit has the loads and stores of a step and one addition for each array,
 * in the shape that a step has: one work-item an element, the last work-group's
 * guarded by an argument.  limit.c defines what depends on the arrays, as here
 * for a rule with one slot and a copy:
 *
 *     #define ARRAYS     , global float *restrict a0 \
 *                        , const global float *restrict a1 \
 *                        , global float *restrict a2 \
 *                        , global ushort *restrict a3
 *     #define SUM_READ   + a1[i]
 *     #define WRITE_EACH a0[i] += x; a2[i] += x; a3[i] = y;
 *
 * A limit that only reads, without WRITE_EACH, has KEEP(x, i), a store that
 * never happens.  Its question costs as much as a load: a work-item reads 4
 * elements.
 */
#ifdef WRITE_EACH

kernel void clstep_limit(const ulong n ARRAYS)
{
    const size_t i = get_global_id(0);

    if ((get_group_id(0) + 1) * get_local_size(0) > n && i >= n)
        return;

    /* The constant keeps an 'x' in a step that only reads and writes. */
    const float x = 1e-3f SUM_READ;
    const ushort y = (ushort)(as_uint(x) >> 16);

    WRITE_EACH
}

#else

kernel void clstep_limit(const ulong n ARRAYS)
{
    const size_t wide = get_local_size(0);
    const size_t first = 4 * wide * get_group_id(0) + get_local_id(0);
    float x = 0.0f;

    if (4 * wide * (get_group_id(0) + 1) <= n) {
#pragma unroll
        for (uint k = 0; k < 4; k++) {
            const size_t i = first + k * wide;

            x = x SUM_READ;
        }
    } else {
        for (size_t i = first; i < n; i += wide)
            x = x SUM_READ;
    }
    KEEP(x, first)
}

#endif

/* What a launch costs at least. */
kernel void clstep_nothing(void)
{
}

/*
 * Ordinary numbers: both signs, at most 'scale', at least a 128th of that, so
 * that no square or product of a few is subnormal.
 */
static float number_at(size_t i, float scale)
{
    uint h = (uint)i * 0x9e3779b9u;

    h = (h ^ (h >> 16)) * 0x85ebca6bu;
    h = (h ^ (h >> 13)) * 0xc2b2ae35u;

    const float size = (float)((h & 127u) + 1u) * 0x1p-7f;

    return (h >> 31) != 0u ? -scale * size : scale * size;
}

/* Fill an array with such numbers: floats, or halves or bfloats. */
kernel void
clstep_fill(const ulong n, const float scale, global float *restrict a)
{
    const size_t i = get_global_id(0);

    if (i < n)
        a[i] = number_at(i, scale);
}

kernel void clstep_fill_f16(const ulong n, const float scale, global ushort *a)
{
    const size_t i = get_global_id(0);

    if (i < n)
        vstore_half(number_at(i, scale), i, (global half *)a);
}

kernel void
clstep_fill_bf16(const ulong n, const float scale, global ushort *restrict a)
{
    const size_t i = get_global_id(0);

    if (i < n)
        a[i] = (ushort)(as_uint(number_at(i, scale)) >> 16);
}

/* The gradient of the sum of a[i] w[i]^2 / 2, with a[i] from 0.5 to 2.5. */
kernel void clstep_slope(const ulong n, const global float *restrict parameters,
                         global float *restrict gradients)
{
    const size_t i = get_global_id(0);

    if (i < n)
        gradients[i] = (1.5f + number_at(i, 1.0f)) * parameters[i];
}
