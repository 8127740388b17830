/*
 * test_layout.c - tensors, their names and their places
 * SPDX-License-Identifier: MIT
 */
#include "scene.h"

#include <stdio.h>
#include <string.h>

enum { MANY = 10000, LONG = 5000 };

#define SHAPE(...)                                                             \
    (uint64_t[])                                                               \
    {                                                                          \
        __VA_ARGS__                                                            \
    }

static clstep_layout *create(void)
{
    clstep_layout *layout;
    clstep_error error;

    fixture_ok(clstep_layout_create(&layout, &error), &error);
    return layout;
}

static void
add(clstep_layout *layout, const char *name, size_t rank, const uint64_t *shape)
{
    clstep_error error;

    fixture_ok(clstep_layout_add(layout, name, rank, shape, 0, &error), &error);
}

/* The tensor is found by its index and by its name, and is this. */
static void
check(const clstep_layout *layout, size_t index, const char *name, size_t rank,
      const uint64_t *shape, uint64_t offset, uint64_t count)
{
    clstep_tensor at, found;

    assert_int_equal(clstep_layout_tensor(layout, index, &at), 1);
    assert_int_equal(clstep_layout_find(layout, name, &found), 1);
    assert_ptr_equal(at.name, found.name);
    assert_ptr_equal(at.shape, found.shape);
    assert_string_equal(at.name, name);
    assert_ptr_not_equal(at.name, name);
    assert_true(at.rank == rank && found.rank == rank);
    for (size_t i = 0; i < rank; i++)
        assert_true(at.shape[i] == shape[i]);
    assert_true(at.offset == offset && found.offset == offset);
    assert_true(at.count == count && found.count == count);
}

static void check_sums(const clstep_layout *layout, size_t tensors,
                       uint64_t count, uint64_t parameters)
{
    assert_true(clstep_layout_tensors(layout) == tensors);
    assert_true(clstep_layout_count(layout) == count);
    assert_true(clstep_layout_parameters(layout) == parameters);
}

/* The tensor is refused, with and without an error, and nothing changes. */
static void
refused(clstep_layout *layout, const char *name, size_t rank,
        const uint64_t *shape, clstep_status status, const char *words)
{
    const size_t tensors = clstep_layout_tensors(layout);
    const uint64_t count = clstep_layout_count(layout);
    const uint64_t parameters = clstep_layout_parameters(layout);
    clstep_error error = {CLSTEP_OK, 1, ""};
    clstep_tensor tensor;
    const int had = name != NULL && clstep_layout_find(layout, name, &tensor);

    assert_int_equal(clstep_layout_add(layout, name, rank, shape, 0, &error),
                     status);
    check_error(&error, status, words);
    assert_int_equal(clstep_layout_add(layout, name, rank, shape, 0, NULL),
                     status);
    check_sums(layout, tensors, count, parameters);
    if (name != NULL)
        assert_int_equal(clstep_layout_find(layout, name, &tensor), had);
}

/* --- places --------------------------------------------------------------- */

static const struct {
    const char *name;
    size_t rank;
    uint64_t shape[4];
    uint64_t offset, count; /* of the tensor */
    uint64_t end;           /* the layout's count behind it */
} places[] = {
    {"one", 1, {1}, 0, 1, 1},
    {"scalar", 0, {0}, 256, 1, 257},
    {"full", 1, {256}, 512, 256, 768},
    {"next", 2, {16, 16}, 768, 256, 1024},
    {"more", 1, {257}, 1024, 257, 1281},
    {"matrix", 2, {3, 100}, 1536, 300, 1836},
    {"nothing", 1, {0}, 2048, 0, 1836},
    {"no rows", 3, {7, 0, 5}, 2048, 0, 1836},
    {"kernel", 4, {2, 3, 5, 7}, 2048, 210, 2258},
    {"ones", 4, {1, 1, 1, 1}, 2304, 1, 2305},
    {"last", 1, {255}, 2560, 255, 2815},
    {"end", 2, {0, 0}, 2816, 0, 2815},
};

static void tensors_have_their_places(void **state)
{
    clstep_layout *layout = create();
    uint64_t parameters = 0;

    (void)state;
    check_sums(layout, 0, 0, 0);
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
        add(layout, places[i].name, places[i].rank, places[i].shape);
        parameters += places[i].count;
        check_sums(layout, i + 1, places[i].end, parameters);
    }
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
        check(layout, i, places[i].name, places[i].rank, places[i].shape,
              places[i].offset, places[i].count);
    clstep_layout_release(layout);
}

/* What the caller gave may change afterwards. */
static void names_and_shapes_are_copied(void **state)
{
    clstep_layout *layout = create();
    char name[] = "first";
    uint64_t shape[] = {2, 3};

    (void)state;
    add(layout, name, 2, shape);
    memcpy(name, "xxxxx", 5);
    shape[0] = shape[1] = 9;
    check(layout, 0, "first", 2, SHAPE(2, 3), 0, 6);
    add(layout, name, 2, shape);
    check(layout, 1, "xxxxx", 2, SHAPE(9, 9), 256, 81);
    add(layout, "without a shape", 0, NULL);
    check(layout, 2, "without a shape", 0, NULL, 512, 1);
    clstep_layout_release(layout);
}

/* --- names ---------------------------------------------------------------- */

static const char *const good_names[] = {
    "",
    " ",
    "w",
    "W",
    "a.b/c:d e",
    "\x01",
    "two\nlines",
    "\x7f",
    "\xc2\x80",     /* the smallest of two bytes */
    "\xdf\xbf",     /* the largest */
    "\xe0\xa0\x80", /* the smallest of three */
    "\xe1\x80\x80",
    "\xed\x9f\xbf",     /* the last before the surrogates */
    "\xee\x80\x80",     /* the first behind them */
    "\xef\xbf\xbf",     /* the largest of three */
    "\xf0\x90\x80\x80", /* the smallest of four */
    "\xf1\x80\x80\x80",
    "\xf4\x8f\xbf\xbf", /* the largest of all */
    "gew\xc3\xb6hnlich \xe6\xa8\xa1 \xf0\x9f\x98\x80!",
};

static const char *const bad_names[] = {
    "\x80", /* no beginning */
    "\xbf",
    "a\x80",
    "\xc0\x80", /* overlong */
    "\xc1\xbf",
    "\xe0\x80\x80",
    "\xe0\x9f\xbf",
    "\xf0\x80\x80\x80",
    "\xf0\x8f\xbf\xbf",
    "\xed\xa0\x80", /* surrogates */
    "\xed\xbf\xbf",
    "\xf4\x90\x80\x80", /* beyond the last */
    "\xf5\x80\x80\x80",
    "\xf8\x88\x80\x80\x80",
    "\xfe",
    "\xff",
    "\xc3", /* cut */
    "\xe6\xa8",
    "\xe6",
    "\xf0\x9f\x98",
    "\xf0\x9f",
    "\xf0",
    "\xc3(", /* broken off */
    "\xe6\xa8(",
    "\xe6(\xa8",
    "\xf0\x9f\x98(",
    "\xf0\x9f(\x80",
    "\xf0(\x98\x80",
    "good \xc3\xb6 and bad \xc3",
};

static void names_are_utf8(void **state)
{
    const size_t good = sizeof(good_names) / sizeof(*good_names);
    clstep_layout *layout = create();

    (void)state;
    for (size_t i = 0; i < sizeof(bad_names) / sizeof(*bad_names); i++)
        refused(layout, bad_names[i], 1, SHAPE(4), CLSTEP_INVALID_ARGUMENT,
                "tensor 0|UTF-8");
    for (size_t i = 0; i < good; i++)
        add(layout, good_names[i], 1, SHAPE(4));
    for (size_t i = 0; i < good; i++)
        check(layout, i, good_names[i], 1, SHAPE(4), i * CLSTEP_ALIGNMENT, 4);
    for (size_t i = 0; i < sizeof(bad_names) / sizeof(*bad_names); i++)
        refused(layout, bad_names[i], 1, SHAPE(4), CLSTEP_INVALID_ARGUMENT,
                "UTF-8");
    clstep_layout_release(layout);
}

static void ranks_are_limited(void **state)
{
    uint64_t shape[CLSTEP_MAX_RANK + 1];
    clstep_layout *layout = create();

    (void)state;
    for (size_t i = 0; i <= CLSTEP_MAX_RANK; i++)
        shape[i] = i == 7 ? 3 : 1;
    refused(layout, "w", CLSTEP_MAX_RANK + 1, shape, CLSTEP_OUT_OF_RANGE,
            "rank|'w'|65|at most 64");
    refused(layout, "w", SIZE_MAX, shape, CLSTEP_OUT_OF_RANGE, "rank|at most");
    add(layout, "w", CLSTEP_MAX_RANK, shape);
    check(layout, 0, "w", CLSTEP_MAX_RANK, shape, 0, 3);
    clstep_layout_release(layout);
}

static void names_are_given_once(void **state)
{
    clstep_layout *layout = create();
    char longer[LONG + 1];

    (void)state;
    memset(longer, 'n', LONG);
    longer[LONG] = '\0';
    add(layout, "w", 1, SHAPE(4));
    add(layout, "", 1, SHAPE(4));
    add(layout, "two\nlines", 1, SHAPE(0));
    add(layout, longer, 1, SHAPE(4));
    refused(layout, "w", 1, SHAPE(4), CLSTEP_INVALID_ARGUMENT, "'w'|already");
    refused(layout, "w", 0, NULL, CLSTEP_INVALID_ARGUMENT, "'w'|already");
    refused(layout, "", 1, SHAPE(4), CLSTEP_INVALID_ARGUMENT, "''|already");
    refused(layout, "two\nlines", 1, SHAPE(4), CLSTEP_INVALID_ARGUMENT,
            "already");
    refused(layout, longer, 1, SHAPE(4), CLSTEP_INVALID_ARGUMENT, "nnnn");
    longer[LONG - 1] = 'm';
    add(layout, longer, 1, SHAPE(4));
    check(layout, 4, longer, 1, SHAPE(4), 768, 4);
    clstep_layout_release(layout);
}

/* --- sizes ---------------------------------------------------------------- */

static const struct {
    size_t rank;
    uint64_t shape[4];
    bool fits;
} sizes[] = {
    {1, {UINT64_C(1) << 60}, true},
    {1, {(UINT64_C(1) << 61) - 1}, true}, /* 2^63 - 4 bytes */
    {1, {UINT64_C(1) << 61}, false},      /* 2^63 */
    {1, {(UINT64_C(1) << 61) + 1}, false},
    {1, {UINT64_C(1) << 62}, false}, /* 2^64: its bytes would be 0 */
    {1, {(UINT64_C(1) << 62) + 1}, false},
    {1, {UINT64_MAX}, false},
    {1, {UINT64_MAX / 2}, false},
    {2, {UINT64_C(1) << 32, UINT64_C(1) << 32}, false}, /* 2^64: 0 */
    {2, {UINT64_C(1) << 32, (UINT64_C(1) << 32) + 1}, false},
    {2, {UINT64_C(1) << 30, UINT64_C(1) << 30}, true},
    {2, {UINT64_C(1) << 31, UINT64_C(1) << 30}, false},
    {2, {UINT64_MAX, UINT64_MAX}, false},
    {3, {UINT64_C(1) << 22, UINT64_C(1) << 21, UINT64_C(1) << 21}, false},
    {4, {1 << 16, 1 << 16, 1 << 16, 1 << 16}, false}, /* 2^64: 0 */
    {4, {1 << 15, 1 << 15, 1 << 15, 1 << 15}, true},
    {3, {UINT64_MAX, UINT64_MAX, 0}, true}, /* no elements at all */
    {3, {0, UINT64_MAX, UINT64_MAX}, true},
    {4, {UINT64_MAX, 0, UINT64_MAX, 3}, true},
};

static void sizes_are_bounded(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        clstep_layout *layout = create();
        uint64_t count = 1;

        for (size_t k = 0; k < sizes[i].rank; k++)
            count *= sizes[i].shape[k];
        if (sizes[i].fits) {
            add(layout, "w", sizes[i].rank, sizes[i].shape);
            check_sums(layout, 1, count, count);
        } else {
            refused(layout, "w", sizes[i].rank, sizes[i].shape,
                    CLSTEP_OUT_OF_RANGE, "'w'|2^63");
            add(layout, "w", 1, SHAPE(4));
            check(layout, 0, "w", 1, SHAPE(4), 0, 4);
        }
        clstep_layout_release(layout);
    }
}

/* The last tensor that fits, padding included, and the first that does not. */
static void the_end_is_bounded(void **state)
{
    const uint64_t end = UINT64_C(1) << 61, most = end - 1;
    clstep_layout *layout = create();

    (void)state;
    add(layout, "large", 1, SHAPE(end - 512));
    refused(layout, "w", 1, SHAPE(512), CLSTEP_OUT_OF_RANGE, "'w'|2^63");
    add(layout, "w", 1, SHAPE(255));
    check(layout, 1, "w", 1, SHAPE(255), end - 512, 255);
    refused(layout, "x", 1, SHAPE(256), CLSTEP_OUT_OF_RANGE, "'x'|2^63");
    add(layout, "x", 1, SHAPE(255));
    check_sums(layout, 3, most, end - 512 + 510);
    refused(layout, "scalar", 0, NULL, CLSTEP_OUT_OF_RANGE, "2^63");
    refused(layout, "y", 1, SHAPE(UINT64_MAX), CLSTEP_OUT_OF_RANGE, "2^63");
    add(layout, "none", 2, SHAPE(0, 3));
    check_sums(layout, 4, most, end - 512 + 510);
    clstep_layout_release(layout);
}

/* --- many ----------------------------------------------------------------- */

static void name_of(size_t i, char *name, size_t size)
{
    snprintf(name, size, "layer.%zu.weight", i);
}

/* All are found at any size of the table, and keep their names' addresses. */
static void many_tensors(void **state)
{
    clstep_layout *layout = create();
    clstep_tensor first, tensor;
    char name[32];
    uint64_t parameters = 0;

    (void)state;
    for (size_t i = 0; i < MANY; i++) {
        name_of(i, name, sizeof(name));
        add(layout, name, 2, SHAPE(i % 7, 3));
        parameters += i % 7 * 3;
        if (i == 1)
            assert_int_equal(clstep_layout_tensor(layout, 1, &first), 1);
        if ((i & (i - 1)) != 0)
            continue;
        for (size_t k = 0; k <= i + 1; k++) {
            name_of(k, name, sizeof(name));
            assert_int_equal(clstep_layout_find(layout, name, &tensor), k <= i);
        }
    }
    assert_true(clstep_layout_tensors(layout) == MANY);
    assert_true(clstep_layout_parameters(layout) == parameters);
    for (size_t i = 0; i < MANY; i++) {
        name_of(i, name, sizeof(name));
        assert_int_equal(clstep_layout_tensor(layout, i, &tensor), 1);
        check(layout, i, name, 2, SHAPE(i % 7, 3), tensor.offset, i % 7 * 3);
        assert_true(tensor.offset % CLSTEP_ALIGNMENT == 0);
        assert_int_equal(clstep_layout_add(layout, name, 0, NULL, 0, NULL),
                         CLSTEP_INVALID_ARGUMENT);
    }
    assert_int_equal(clstep_layout_tensor(layout, 1, &tensor), 1);
    assert_ptr_equal(tensor.name, first.name);
    assert_ptr_equal(tensor.shape, first.shape);
    assert_string_equal(first.name, "layer.1.weight");
    clstep_layout_release(layout);
}

/* --- NULL ----------------------------------------------------------------- */

static void null_is_refused(void **state)
{
    clstep_layout *layout = create();
    clstep_tensor tensor = {.name = "untouched"};
    clstep_error error = {0};

    (void)state;
    assert_int_equal(clstep_layout_create(NULL, &error),
                     CLSTEP_INVALID_ARGUMENT);
    check_error(&error, CLSTEP_INVALID_ARGUMENT, "out|NULL");
    assert_int_equal(clstep_layout_create(NULL, NULL), CLSTEP_INVALID_ARGUMENT);
    refused(layout, NULL, 1, SHAPE(4), CLSTEP_INVALID_ARGUMENT, "name|NULL");
    refused(layout, "w", 1, NULL, CLSTEP_INVALID_ARGUMENT, "shape|NULL");
    assert_int_equal(clstep_layout_add(NULL, "w", 1, SHAPE(4), 0, &error),
                     CLSTEP_INVALID_ARGUMENT);
    check_error(&error, CLSTEP_INVALID_ARGUMENT, "layout|NULL");

    assert_int_equal(clstep_layout_find(layout, "w", &tensor), 0);
    assert_int_equal(clstep_layout_tensor(layout, 0, &tensor), 0);
    add(layout, "w", 1, SHAPE(4));
    assert_int_equal(clstep_layout_find(layout, "v", &tensor), 0);
    assert_int_equal(clstep_layout_find(layout, NULL, &tensor), 0);
    assert_int_equal(clstep_layout_find(layout, "w", NULL), 0);
    assert_int_equal(clstep_layout_find(NULL, "w", &tensor), 0);
    assert_int_equal(clstep_layout_tensor(layout, 1, &tensor), 0);
    assert_int_equal(clstep_layout_tensor(layout, SIZE_MAX, &tensor), 0);
    assert_int_equal(clstep_layout_tensor(layout, 0, NULL), 0);
    assert_int_equal(clstep_layout_tensor(NULL, 0, &tensor), 0);
    assert_string_equal(tensor.name, "untouched");
    check_sums(NULL, 0, 0, 0);
    clstep_layout_release(layout);
    clstep_layout_release(NULL);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(tensors_have_their_places),
        cmocka_unit_test(names_and_shapes_are_copied),
        cmocka_unit_test(names_are_utf8),
        cmocka_unit_test(ranks_are_limited),
        cmocka_unit_test(names_are_given_once),
        cmocka_unit_test(sizes_are_bounded),
        cmocka_unit_test(the_end_is_bounded),
        cmocka_unit_test(many_tensors),
        cmocka_unit_test(null_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
