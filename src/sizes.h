/*
 * sizes.h - the arithmetic of counts, offsets and bytes
 * SPDX-License-Identifier: MIT
 *
 * Pure functions of 64-bit numbers.  Each returns false, and leaves '*out'
 * alone, where the result would not fit.
 */
#ifndef CS_SIZES_H
#define CS_SIZES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CS_WORK_GROUP = 256 };

bool cs_size_add(uint64_t a, uint64_t b, uint64_t *out);
bool cs_size_multiply(uint64_t a, uint64_t b, uint64_t *out);

/* 'count' rounded up to a multiple of 'unit', which is not 0. */
bool cs_size_round_up(uint64_t count, uint64_t unit, uint64_t *out);

/*
 * Where 'count' elements of 'size' bytes from element 'offset' on begin and
 * end, in bytes from 'base': '*begin' inclusive, '*end' exclusive.
 */
bool cs_size_range(uint64_t base, uint64_t offset, uint64_t count,
                   uint64_t size, uint64_t *begin, uint64_t *end);

/*
 * The number of work-items that a launch over 'count' elements has: a multiple
 * of 'local' that a size_t and a device with addresses of 'address_bits' hold.
 */
bool cs_size_global(uint64_t count, size_t local, unsigned address_bits,
                    size_t *out);

#endif /* CS_SIZES_H */
