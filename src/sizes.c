/*
 * sizes.c - see sizes.h
 * SPDX-License-Identifier: MIT
 */
#include "sizes.h"

bool cs_size_add(uint64_t a, uint64_t b, uint64_t *out)
{
    if (a > UINT64_MAX - b)
        return false;
    *out = a + b;
    return true;
}

bool cs_size_multiply(uint64_t a, uint64_t b, uint64_t *out)
{
    if (b != 0 && a > UINT64_MAX / b)
        return false;
    *out = a * b;
    return true;
}

bool cs_size_round_up(uint64_t count, uint64_t unit, uint64_t *out)
{
    const uint64_t rest = count % unit;

    return cs_size_add(count, rest == 0 ? 0 : unit - rest, out);
}

bool cs_size_range(uint64_t base, uint64_t offset, uint64_t count,
                   uint64_t size, uint64_t *begin, uint64_t *end)
{
    uint64_t first, last, bytes;

    if (!cs_size_multiply(offset, size, &first) ||
        !cs_size_add(base, first, &first) ||
        !cs_size_multiply(count, size, &bytes) ||
        !cs_size_add(first, bytes, &last))
        return false;
    *begin = first;
    *end = last;
    return true;
}

bool cs_size_global(uint64_t count, size_t local, unsigned address_bits,
                    size_t *out)
{
    uint64_t global;

    if (!cs_size_round_up(count, local, &global) || global > SIZE_MAX ||
        (address_bits < 64 && global >> address_bits != 0))
        return false;
    *out = (size_t)global;
    return true;
}
