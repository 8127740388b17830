/*
 * probe.cl - what the device's arithmetic does with hard cases
 * SPDX-License-Identifier: MIT
 *
 * src/probe.c chooses the operands and knows the right results.
 */
kernel void
clstep_probe(const ulong count, global const float *restrict a,
             global const float *restrict b, global const float *restrict c,
             global float *restrict quotient,
             global float *restrict square_root,
             global float *restrict product_sum, global float *restrict product)
{
    const size_t i = get_global_id(0);

    if (i >= count)
        return;
    quotient[i] = divide(a[i], b[i]);
    square_root[i] = root(a[i]);
    product_sum[i] = a[i] * b[i] + c[i];
    product[i] = b[i] * c[i];
}
