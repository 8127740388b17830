/*
 * test_sizes.c - the arithmetic of counts, offsets and bytes, up to its ends
 * SPDX-License-Identifier: MIT
 *
 * The oracle is the same arithmetic with 128 bits.  A result that does not fit
 * leaves '*out' alone.
 */
#include "sizes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { SINGLES = 256, RANDOM = 2000000 };

__extension__ typedef unsigned __int128 wide;

static const uint64_t untouched = 0x5a5a5a5a5a5a5a5au;

static uint64_t numbers[SINGLES];
static size_t count;

/* Powers of two, what is next to them, and some that are no such. */
static void fill_numbers(void)
{
    static const uint64_t others[] = {3,
                                      5,
                                      7,
                                      10,
                                      100,
                                      255,
                                      1000003,
                                      UINT64_C(0x123456789abcdef),
                                      UINT64_MAX / 3,
                                      UINT64_MAX / 5,
                                      UINT64_C(6148914691236517205)};

    count = 0;
    for (unsigned bit = 0; bit < 64; bit++) {
        const uint64_t power = UINT64_C(1) << bit;

        numbers[count++] = power;
        numbers[count++] = power - 1;
        if (bit > 1)
            numbers[count++] = power + 1;
    }
    numbers[count++] = UINT64_MAX;
    numbers[count++] = UINT64_MAX - 1;
    for (size_t i = 0; i < sizeof(others) / sizeof(*others) && count < SINGLES;
         i++)
        numbers[count++] = others[i];
}

static uint64_t next(uint64_t *state)
{
    uint64_t x = *state += 0x9e3779b97f4a7c15u;

    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

/* A number of any magnitude. */
static uint64_t any(uint64_t *state)
{
    const uint64_t r = next(state);

    return r >> (next(state) & 63);
}

/* 'fits' and 'out' are what a function gave for the result 'right'. */
static void check(const char *what, bool fits, uint64_t out, wide right,
                  uint64_t a, uint64_t b)
{
    const bool should = right <= UINT64_MAX;

    if (fits != should || out != (should ? (uint64_t)right : untouched))
        fail_msg("%s of %llu and %llu", what, (unsigned long long)a,
                 (unsigned long long)b);
}

static void check_pair(uint64_t a, uint64_t b)
{
    uint64_t out = untouched;
    bool fits = cs_size_add(a, b, &out);

    check("the sum", fits, out, (wide)a + b, a, b);
    out = untouched;
    fits = cs_size_multiply(a, b, &out);
    check("the product", fits, out, (wide)a * b, a, b);
    if (b == 0)
        return;
    out = untouched;
    fits = cs_size_round_up(a, b, &out);
    check("the multiple", fits, out, ((wide)a + b - 1) / b * b, a, b);
}

static void pairs(void **state)
{
    uint64_t seed = 1;

    (void)state;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < count; k++)
            check_pair(numbers[i], numbers[k]);
    for (int i = 0; i < RANDOM; i++) {
        const uint64_t a = any(&seed);

        check_pair(a, any(&seed));
    }
}

static void
check_range(uint64_t base, uint64_t offset, uint64_t n, uint64_t size)
{
    uint64_t begin = untouched, end = untouched;
    const bool fits = cs_size_range(base, offset, n, size, &begin, &end);
    const wide bytes = (wide)offset * size, more = (wide)n * size;
    const bool should = bytes <= UINT64_MAX && more <= UINT64_MAX &&
                        base + bytes + more <= UINT64_MAX;

    if (fits != should ||
        begin != (should ? (uint64_t)(base + bytes) : untouched) ||
        end != (should ? (uint64_t)(base + bytes + more) : untouched))
        fail_msg("the range of %llu from %llu, each %llu, at %llu",
                 (unsigned long long)n, (unsigned long long)offset,
                 (unsigned long long)size, (unsigned long long)base);
}

static void ranges(void **state)
{
    static const uint64_t sizes[] = {0, 1, 2, 4, 8, 3};
    uint64_t seed = 2;

    (void)state;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < count; k++)
            for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++) {
                check_range(0, numbers[i], numbers[k], sizes[s]);
                check_range(numbers[i], 0, numbers[k], sizes[s]);
                check_range(numbers[i], numbers[k], 1, sizes[s]);
                check_range(4096, numbers[i], numbers[k], sizes[s]);
            }
    for (int i = 0; i < RANDOM; i++) {
        const uint64_t base = any(&seed), offset = any(&seed);

        check_range(base, offset, any(&seed), 4);
    }
}

/* The bounds of what a layout may have: 2^63 bytes of floats. */
static void known_values(void **state)
{
    uint64_t out = untouched, begin = untouched, end = untouched;

    (void)state;
    assert_true(cs_size_multiply(UINT64_C(1) << 61, 4, &out));
    assert_true(out == UINT64_C(1) << 63);
    assert_true(cs_size_multiply(0, 0, &out) && out == 0);
    assert_true(cs_size_round_up(0, 256, &out) && out == 0);
    assert_true(cs_size_round_up(1, 256, &out) && out == 256);
    assert_true(cs_size_round_up(256, 256, &out) && out == 256);
    assert_true(cs_size_round_up(UINT64_MAX - 255, 256, &out) &&
                out == UINT64_MAX - 255);
    assert_false(cs_size_round_up(UINT64_MAX - 254, 256, &out));
    assert_true(cs_size_round_up(UINT64_MAX, UINT64_MAX, &out) &&
                out == UINT64_MAX);
    assert_true(cs_size_range(16, 3, 5, 4, &begin, &end));
    assert_true(begin == 28 && end == 48);
    assert_false(cs_size_range(0, UINT64_C(1) << 62, 1, 4, &begin, &end));
    assert_false(cs_size_range(0, 1, UINT64_MAX, 4, &begin, &end));
    assert_true(begin == 28 && end == 48);
}

static void check_global(uint64_t n, size_t local, unsigned bits)
{
    const size_t before = (size_t)untouched;
    size_t out = before;
    const bool fits = cs_size_global(n, local, bits, &out);
    const wide right = ((wide)n + local - 1) / local * local;
    const wide most = bits >= 64 ? (wide)UINT64_MAX : ((wide)1 << bits) - 1;
    const bool should = right <= most && right <= SIZE_MAX;

    if (fits != should || out != (should ? (size_t)right : before))
        fail_msg("%llu work-items in groups of %zu with %u bits",
                 (unsigned long long)n, local, bits);
}

static void launches(void **state)
{
    static const unsigned bits[] = {32, 64};
    uint64_t seed = 3;

    (void)state;
    for (size_t b = 0; b < 2; b++) {
        for (size_t i = 0; i < count; i++)
            for (size_t local = 1; local <= CS_WORK_GROUP; local *= 2)
                check_global(numbers[i], local, bits[b]);
        for (int i = 0; i < RANDOM; i++)
            check_global(any(&seed), CS_WORK_GROUP, bits[b]);
    }

    size_t out = 7;

    assert_true(cs_size_global(UINT32_MAX - 255, 256, 32, &out));
    assert_true(out == UINT32_MAX - 255);
    assert_false(cs_size_global(UINT32_MAX - 254, 256, 32, &out));
    assert_true(out == UINT32_MAX - 255);
    assert_true(cs_size_global(0, 256, 32, &out) && out == 0);
    assert_int_equal(CS_WORK_GROUP, 256);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_values),
        cmocka_unit_test(pairs),
        cmocka_unit_test(ranges),
        cmocka_unit_test(launches),
    };

    fill_numbers();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
