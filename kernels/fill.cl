/*
 * fill.cl - sets a slot, or a part of it, to its initial value
 * SPDX-License-Identifier: MIT
 *
 * A kernel and not clEnqueueFillBuffer(), whose result Oclgrind takes for
 * uninitialised memory.
 */
kernel void clstep_fill(const ulong count, global float *restrict slot,
                        const ulong first, const float value)
{
    const size_t i = get_global_id(0);

    if (i >= count)
        return;
    slot[first + i] = value;
}
