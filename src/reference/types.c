/*
 * types.c - floats of 16 bits
 * SPDX-License-Identifier: MIT
 *
 * A half has 5 bits of exponent and 10 of fraction, a bfloat the upper half of
 * a float's bits.
 */
#include "reference.h"

#include <math.h>
#include <string.h>

static const uint32_t infinity_bits = 0x7f800000;

static float float_of(uint32_t bits)
{
    float x;

    memcpy(&x, &bits, sizeof(x));
    return x;
}

static uint32_t bits_of(float x)
{
    uint32_t bits;

    memcpy(&bits, &x, sizeof(bits));
    return bits;
}

/* x / 2^shift to the nearest integer, of two to the even one. */
static uint32_t shift_to_even(uint32_t x, unsigned shift)
{
    const uint32_t whole = x >> shift;
    const uint32_t rest = x & ((1u << shift) - 1);
    const uint32_t middle = 1u << (shift - 1);

    return rest > middle || (rest == middle && (whole & 1)) ? whole + 1 : whole;
}

float reference_from_f16(uint16_t bits)
{
    const uint32_t sign = (uint32_t)(bits & 0x8000) << 16;
    const uint32_t exponent = bits >> 10 & 0x1f;
    const uint32_t fraction = bits & 0x3ff;

    if (exponent == 0x1f)
        return float_of(sign | infinity_bits | fraction << 13);
    if (exponent != 0)
        return float_of(sign | (exponent - 15 + 127) << 23 | fraction << 13);

    /* Zero or subnormal: a multiple of 2^-24. */
    const float size = (float)fraction * 0x1p-24f;

    return sign != 0 ? -size : size;
}

float reference_from_bf16(uint16_t bits)
{
    return float_of((uint32_t)bits << 16);
}

uint16_t reference_to_f16(float x)
{
    const uint32_t bits = bits_of(x);
    const uint32_t size = bits & 0x7fffffff;
    const uint32_t exponent = size >> 23;
    const uint32_t fraction = size & 0x7fffff;
    uint32_t half;

    if (size > infinity_bits)
        half = 0x7e00;
    else if (exponent >= 127 + 16) /* 2^16 and more */
        half = 0x7c00;
    else if (exponent >= 127 - 14) /* a carry may make it an infinity */
        half = shift_to_even((exponent - 127 + 15) << 23 | fraction, 13);
    else if (exponent >= 127 - 25) /* in units of 2^-24 */
        half = shift_to_even(0x800000 | fraction, 126 - exponent);
    else
        half = 0;
    return (uint16_t)((bits >> 16 & 0x8000) | half);
}

uint16_t reference_to_bf16(float x)
{
    const uint32_t bits = bits_of(x);

    if (isnan(x))
        return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)shift_to_even(bits, 16);
}
