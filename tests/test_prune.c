/*
 * test_prune.c - which parameters prune holds at zero, and how many are
 * SPDX-License-Identifier: MIT
 *
 * Against a sort by hand, and bit for bit against the scalar reference; every
 * test as on devices of few cores and of many.  Linked with
 * --wrap=clEnqueueNDRangeKernel, which counts.
 */
#include "device.h"
#include "launches.h"
#include "scene.h"
#include "whole.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- by hand -------------------------------------------------------------- */

static const float *sorted; /* what indices are sorted by */

static int by_size(const void *a, const void *b)
{
    const uint32_t i = *(const uint32_t *)a, k = *(const uint32_t *)b;
    uint32_t x, y;

    memcpy(&x, &sorted[i], sizeof(x));
    memcpy(&y, &sorted[k], sizeof(y));
    x = isnan(sorted[i]) ? 0x7fffffff : x & 0x7fffffff;
    y = isnan(sorted[k]) ? 0x7fffffff : y & 0x7fffffff;
    return x != y ? (x < y ? -1 : 1) : i < k ? -1 : i > k;
}

/* Sets the 'chosen' smallest of 'w' to +0, and says which in 'pruned'. */
static void choose(float *w, float *pruned, uint32_t count, uint32_t chosen)
{
    uint32_t *order = malloc((count + 1) * sizeof(*order));

    assert_non_null(order);
    for (uint32_t i = 0; i < count; i++) {
        order[i] = i;
        pruned[i] = 0.0f;
    }
    sorted = w;
    qsort(order, count, sizeof(*order), by_size);
    for (uint32_t i = 0; i < chosen; i++) {
        w[order[i]] = 0.0f;
        pruned[order[i]] = 1.0f;
    }
    free(order);
}

/* What the parameters of a matrix are like. */
enum kind { WILD, EQUAL, FEW, ZEROS, NANS, KINDS };

/* A quiet NaN of any sign and payload; all count alike. */
static float any_nan(uint32_t bits)
{
    float nan;

    bits |= 0x7fc00000;
    memcpy(&nan, &bits, sizeof(nan));
    return nan;
}

static void
fill(struct trial_random *random, enum kind kind, float *w, uint32_t count)
{
    trial_random_fill(random, w, count);
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t r = trial_random_next(random);

        if (kind == EQUAL)
            w[i] = r & 1 ? 0.75f : -0.75f;
        else if (kind == FEW)
            w[i] = (float)(r % 5) - 2.0f;
        else if (kind == ZEROS)
            w[i] = r & 1 ? 0.0f : -0.0f;
        else if (kind == NANS)
            w[i] = r & 1 ? w[i] : any_nan((uint32_t)(r >> 32));
    }
}

/* A step of nothing else, on a matrix. */
static void try_matrix(uint32_t rows, uint32_t columns, double share,
                       enum kind kind, uint64_t seed)
{
    const uint32_t count = rows * columns;
    const uint64_t shape[] = {rows, columns};
    const clstep_setting settings[] = {
        {"lr", 0.0, NULL}, {"prune", share, NULL}, {0}};
    struct trial_random random = {seed};
    float *w = malloc(count * sizeof(float));
    float *pruned = malloc(count * sizeof(float));
    float *found = malloc(count * sizeof(float));
    clstep_layout *layout;
    clstep_optimizer *sgd;
    clstep_error error;

    assert_true(w != NULL && pruned != NULL && found != NULL);
    fill(&random, kind, w, count);
    fixture_ok(clstep_layout_create(&layout, &error), &error);
    fixture_ok(clstep_layout_add(layout, "w", 2, shape, 0, &error), &error);
    fixture_ok(clstep_optimizer_create(fixture_place()->device, "sgd", settings,
                                       layout, &sgd, &error),
               &error);

    const clstep_buffers buffers = {.parameters = fixture_buffer(count, w),
                                    .gradients = fixture_buffer(count, NULL)};

    fixture_ok(clstep_optimizer_step(sgd, fixture_place()->queue, &buffers, 0,
                                     NULL, NULL, &error),
               &error);
    choose(w, pruned, count, (uint32_t)floor(share * (double)count + 0.5));
    fixture_read(buffers.parameters, found, count);
    check_floats("w", w, found, count);
    fixture_ok(clstep_optimizer_read(sgd, fixture_place()->queue, "pruned", 0,
                                     count, found, &error),
               &error);
    check_floats("pruned", pruned, found, count);
    clReleaseMemObject(buffers.parameters);
    clReleaseMemObject(buffers.gradients);
    clstep_optimizer_release(sgd);
    clstep_layout_release(layout);
    free(w);
    free(pruned);
    free(found);
}

/* Says whether a slow simulator has the matrix: one kind of numbers for each
 * size and share, and none of the large ones. */
static bool is_small(const uint32_t size[2], size_t at, int kind)
{
    return size[0] * size[1] <= 4096 && (int)(at % KINDS) == kind;
}

static void smallest_are_chosen(void **state)
{
    static const uint32_t sizes[][2] = {
        {1, 1},   {1, 2},  {3, 1},   {2, 2},     {1, 5},    {16, 16},
        {257, 1}, {7, 43}, {64, 64}, {128, 129}, {300, 400}};
    static const double shares[] = {0.0, 0.3, 0.5, 0.7, 0.99, 1.0};
    uint64_t seed = fixture_seed();

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
        for (size_t s = 0; s < sizeof(shares) / sizeof(*shares); s++)
            for (int kind = 0; kind < KINDS; kind++)
                if (!fixture_is_small() || is_small(sizes[i], i + s, kind))
                    try_matrix(sizes[i][0], sizes[i][1], shares[s],
                               (enum kind)kind, seed++);
}

/* Shares whose products, or the sums behind them, lie in the middle between two
 * doubles, or beside it: how many are chosen shows which way they round. */
static void numbers_are_rounded_to_even(void **state)
{
    static const struct {
        uint32_t count;
        double share;
        uint32_t chosen;
    } cases[] = {
        /* A sum of 1 less half of its last place is 1. */
        {1, 0x1.fffffffffffffp-2, 1},
        {10, 0x1.9999999999999p-5, 1},
        /* A product of k + 1/2 less half of its last place is k + 1/2. */
        {3, 0x1.aaaaaaaaaaaaap-1, 3},
        {11, 0x1.1745d1745d174p-3, 2},
        /* Nearer to one than to the other. */
        {5, 0x1.3333333333333p-2, 2},
        {3, 0x1.fffffffffffffp-2, 1},
        /* A product of 1/2 less three halves is 1/2 less two; less one would
         * make a sum of 1. */
        {36217, 0x1.cf3dd06694p-17, 0},
        {72434, 0x1.cf3dd06694p-18, 0},
        /* Next to nothing. */
        {72434, 0x1p-60, 0},
        {72434, 1e-300, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const double exact = cases[i].share * (double)cases[i].count + 0.5;

        assert_int_equal((uint32_t)floor(exact), cases[i].chosen);
        if (!fixture_is_small() || cases[i].count <= 4096)
            try_matrix(1, cases[i].count, cases[i].share, WILD,
                       fixture_seed() + i);
    }
}

/* --- against the reference ------------------------------------------------ */

static struct whole_shape shapes[] = {
    {2, {7, 43}, 0},  {1, {300}, 0},     {2, {0, 4}, 1}, {2, {1, 1}, 1},
    {2, {16, 16}, 2}, {2, {5, 4099}, 2}, {1, {1}, 1},    {2, {1, 5}, 0},
    {2, {2, 1}, 1},   {2, {257, 1}, 0},
};
enum { SHAPES = sizeof(shapes) / sizeof(*shapes) };

/* Some equal numbers in every tensor, and a tensor of nothing else. */
static void flatten(struct whole *whole)
{
    for (size_t t = 0; t < whole->tensor_count; t++) {
        float *w = whole_w(whole) + whole->tensors[t].offset;

        for (uint64_t i = 0; i < whole->tensors[t].count; i++)
            if (t == 4 || i % 3 == 0)
                w[i] = i % 2 == 0 ? 0.5f : -0.5f;
    }
    assert_int_equal(clEnqueueWriteBuffer(queue_of_all(),
                                          whole->buffers.parameters, CL_TRUE,
                                          WHOLE_FRONT * sizeof(float),
                                          whole->count * sizeof(float),
                                          whole_w(whole), 0, NULL, NULL),
                     CL_SUCCESS);
}

/* Updates at 3, 5, 7 and 8; in group 1 later at 2, 6, 9; group 2 is frozen for
 * a while, over one of its updates. */
static void take_course(struct whole *whole)
{
    whole_set_group(whole, 1, "prune_begin", 2.0);
    whole_set_group(whole, 1, "prune_end", 9.0);
    whole_set_group(whole, 1, "prune_every", 4.5);
    for (unsigned t = 1; t <= 12; t++) {
        if (t == 4 || t == 6)
            whole_freeze(whole, 2, t == 4);
        if (t == 10) {
            whole_set_group(whole, 0, "prune", 0.25);
            whole_set_group(whole, 0, "prune_end", 11.0);
        }
        whole_gradients(whole, t % 4 != 0 ? WHOLE_CALM : WHOLE_FINITE);
        whole_step(whole);
        whole_check(whole);
    }
}

static void course_equals_reference(void **state)
{
#define COURSE                                                                 \
    NUMBER("prune", 0.7), NUMBER("prune_begin", 3), NUMBER("prune_end", 8),    \
        NUMBER("prune_every", 2)
    static const clstep_setting lists[][12] = {
        {COURSE, {0}},
        {COURSE, NUMBER("ema_decay", 0.75), CHOICE("copy_type", "f16"), {0}},
        {COURSE, NUMBER("max_norm", 1.5), {0}},
        {COURSE,
         NUMBER("max_norm", 1.5),
         CHOICE("ema_form", "equal"),
         CHOICE("copy_type", "bf16"),
         CHOICE("grad_type", "f16"),
         {0}},
        {COURSE,
         NUMBER("check_finite", 1),
         NUMBER("clip_norm_tensor", 1),
         NUMBER("ema_decay", 0.5),
         NUMBER("zero_grad", 1),
         {0}},
    };
    static const char *const rules[] = {"momentum", "adam", "ftrl", "adopt"};

    for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
        struct whole whole;

        whole_open(&whole, rules[i % 4], lists[i], shapes, SHAPES,
                   fixture_seed() + i);
        flatten(&whole);
        take_course(&whole);
        whole_close(&whole);
    }
    (void)state;
}

/* Skipped steps, which are no updates: known to the host, and not. */
static void skipped_steps_do_not_count(void **state)
{
    static const clstep_setting settings[] = {
        COURSE, NUMBER("check_finite", 1), NUMBER("ema_decay", 0.5), {0}};
    struct whole whole;
    cl_int code;

    (void)state;
    whole_open(&whole, "adagrad", settings, shapes, SHAPES, fixture_seed());
    flatten(&whole);
    whole_set_group(&whole, 1, "prune_begin", 2.0);
    for (unsigned call = 0; call < 12; call++) {
        cl_event start = clCreateUserEvent(fixture_place()->context, &code);

        /* Three calls of one gradient are under way before one of them runs. */
        assert_int_equal(code, CL_SUCCESS);
        whole_gradients(&whole, WHOLE_CALM);
        if (call % 3 == 1)
            whole_poison(&whole, 5, call, NAN);
        for (unsigned i = 0; i < 3; i++) {
            whole_step_host(&whole);
            whole_step_device(&whole, queue_of_all(), i == 0,
                              i == 0 ? &start : NULL, NULL);
        }
        assert_int_equal(clSetUserEventStatus(start, CL_COMPLETE), CL_SUCCESS);
        clReleaseEvent(start);
        whole_check(&whole);
    }
    whole_close(&whole);
}

/* What is written to the slot is held, in tensors that are never chosen in too,
 * until the next update. */
static void a_slot_that_is_written_is_held(void **state)
{
    static const clstep_setting lists[][6] = {
        {COURSE, {0}},
        {COURSE, NUMBER("max_norm", 1.5), {0}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
        struct whole whole;
        clstep_error error;
        float *pruned;

        whole_open(&whole, "sgd", lists[i], shapes, SHAPES, fixture_seed() + i);
        flatten(&whole);
        pruned = reference_slot(whole.reference, "pruned");
        assert_non_null(pruned);
        for (size_t t = 0; t < whole.tensor_count; t++) {
            const struct reference_tensor *tensor = &whole.tensors[t];

            for (uint64_t k = 0; k < tensor->count; k++)
                pruned[tensor->offset + k] = k % 3 == 0 ? -1.0f : 0.0f;
            fixture_ok(clstep_optimizer_write(whole.optimizer, queue_of_all(),
                                              "pruned", tensor->offset,
                                              tensor->count,
                                              pruned + tensor->offset, &error),
                       &error);
        }
        take_course(&whole);
        whole_close(&whole);
    }
}

/* What a checkpoint has: the slots by name, and the steps of the groups. */
static void goes_on_from_a_checkpoint(void **state)
{
    static const clstep_setting settings[] = {
        COURSE, NUMBER("ema_decay", 0.5), {0}};
    struct whole whole;
    clstep_error error;
    const char *slot;

    (void)state;
    whole_open(&whole, "adam", settings, shapes, SHAPES, fixture_seed());
    flatten(&whole);
    for (unsigned t = 1; t <= 10; t++) {
        clstep_optimizer *fresh;

        whole_gradients(&whole, WHOLE_CALM);
        whole_step(&whole);
        fixture_ok(clstep_optimizer_create(fixture_place()->device, "adam",
                                           settings, whole.layout, &fresh,
                                           &error),
                   &error);
        for (size_t i = 0;
             (slot = clstep_optimizer_slot(whole.optimizer, i)) != NULL; i++) {
            fixture_ok(clstep_optimizer_read(whole.optimizer, queue_of_all(),
                                             slot, 0, whole.count,
                                             whole.scratch, &error),
                       &error);
            fixture_ok(clstep_optimizer_write(fresh, queue_of_all(), slot, 0,
                                              whole.count, whole.scratch,
                                              &error),
                       &error);
        }
        fixture_ok(clstep_optimizer_set_steps(fresh, t, &error), &error);
        clstep_optimizer_release(whole.optimizer);
        whole.optimizer = fresh;
        whole_check(&whole);
    }
    whole_close(&whole);
}

/* --- many tensors --------------------------------------------------------- */

/* The launches of a step with 'count' tensors, the first of which is large. */
static unsigned launches_of(size_t count, bool updates)
{
    static const clstep_setting settings[] = {NUMBER("prune", 0.5),
                                              NUMBER("prune_begin", 2),
                                              NUMBER("prune_end", 2),
                                              {0}};
    struct whole_shape *many = calloc(count, sizeof(*many));
    struct whole whole;

    assert_non_null(many);
    for (size_t t = 0; t < count; t++)
        many[t] = (struct whole_shape){2, {1 + t % 3, t == 0 ? 300 : t % 4}, 0};
    whole_open(&whole, "sgd", settings, many, count, fixture_seed());
    whole_step(&whole);
    launches = 0;
    if (!updates)
        whole_step(&whole);
    launches = 0;
    whole_step(&whole);

    const unsigned found = launches;

    whole_check(&whole);
    if (updates)
        assert_int_equal(found, clstep_optimizer_launches(whole.optimizer, 0));
    whole_close(&whole);
    free(many);
    return found;
}

static void launches_do_not_grow(void **state)
{
    const size_t most = fixture_is_small() ? 100 : 10000;
    const unsigned updates = launches_of(1, true);

    (void)state;
    assert_int_equal(launches_of(most, true), updates);
    assert_int_equal(launches_of(1, false), 1);
    assert_int_equal(launches_of(most, false), 1);
    print_message("%u launches where elements are chosen\n", updates);
}

/* --- how many are zero ---------------------------------------------------- */

static void zeros_are_counted(void **state)
{
    uint64_t zeros[SHAPES], expected;
    struct whole whole;
    clstep_error error;

    (void)state;
    whole_open(&whole, "sgd", NULL, shapes, SHAPES, fixture_seed());
    fixture_ok(clstep_count_zeros(fixture_place()->device, queue_of_all(),
                                  whole.layout, whole.buffers.parameters,
                                  WHOLE_FRONT, zeros, &error),
               &error);
    for (size_t t = 0; t < SHAPES; t++) {
        expected = 0;
        for (uint64_t i = 0; i < whole.tensors[t].count; i++)
            expected += whole_w(&whole)[whole.tensors[t].offset + i] == 0.0f;
        assert_int_equal(zeros[t], expected);
    }
    assert_true(zeros[5] != 0);
    whole_check(&whole);
    whole_close(&whole);
}

/* --- errors --------------------------------------------------------------- */

static void create_fails(const clstep_setting *settings, uint64_t rows,
                         clstep_status status, const char *words)
{
    const uint64_t shape[] = {rows, 65536};
    clstep_layout *layout;
    clstep_optimizer *optimizer;
    clstep_error error;

    fixture_ok(clstep_layout_create(&layout, &error), &error);
    fixture_ok(clstep_layout_add(layout, "w", 2, shape, 0, &error), &error);
    assert_int_equal(clstep_optimizer_create(fixture_place()->device, "sgd",
                                             settings, layout, &optimizer,
                                             &error),
                     status);
    check_error(&error, status, words);
    assert_null(optimizer);
    clstep_layout_release(layout);
}

static void bad_settings_are_refused(void **state)
{
    static const char *const needy[] = {"prune_begin", "prune_end",
                                        "prune_every"};
    clstep_error error;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        const clstep_setting alone[] = {NUMBER(needy[i], 1), {0}};
        char words[64];

        snprintf(words, sizeof(words), "%s of sgd needs prune", needy[i]);
        create_fails(alone, 1, CLSTEP_INVALID_ARGUMENT, words);
    }
    create_fails((clstep_setting[]){NUMBER("prune", 1.5), {0}}, 1,
                 CLSTEP_OUT_OF_RANGE, "prune of sgd is 1.5|[0, 1]");
    create_fails((clstep_setting[]){NUMBER("prune", NAN), {0}}, 1,
                 CLSTEP_OUT_OF_RANGE, "prune of sgd|[0, 1]");
    create_fails(
        (clstep_setting[]){NUMBER("prune", 1), NUMBER("prune_every", 0), {0}},
        1, CLSTEP_OUT_OF_RANGE, "prune_every of sgd is 0|[1,");
    create_fails((clstep_setting[]){NUMBER("prune", 1), {0}}, 65536,
                 CLSTEP_OUT_OF_RANGE, "2^32|tensor 0|4294967296");

    clstep_optimizer *sgd = fixture_optimizer("sgd", NULL, 5);

    assert_int_equal(clstep_optimizer_set(sgd, "prune", 0.5, &error),
                     CLSTEP_INVALID_ARGUMENT);
    check_error(&error, CLSTEP_INVALID_ARGUMENT, "prune of sgd|creation");
    clstep_optimizer_release(sgd);
}

static void bad_counts_are_refused(void **state)
{
    const struct trial_place *place = fixture_place();
    clstep_layout *layout = fixture_layout(5);
    cl_mem buffer = fixture_buffer(5, NULL);
    uint64_t zeros = 17;
    clstep_error error;
    const struct {
        clstep_device *device;
        cl_command_queue queue;
        const clstep_layout *layout;
        cl_mem buffer;
        uint64_t offset, *zeros;
        const char *words;
    } calls[] = {
        {NULL, place->queue, layout, buffer, 0, &zeros, "device is NULL"},
        {place->device, NULL, layout, buffer, 0, &zeros, "queue is NULL"},
        {place->device, place->queue, NULL, buffer, 0, &zeros,
         "layout is NULL"},
        {place->device, place->queue, layout, NULL, 0, &zeros,
         "parameters is NULL"},
        {place->device, place->queue, layout, buffer, 1, &zeros,
         "parameters has 5 elements|offset 1"},
        {place->device, place->queue, layout, buffer, 0, NULL, "zeros is NULL"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
        assert_int_equal(clstep_count_zeros(calls[i].device, calls[i].queue,
                                            calls[i].layout, calls[i].buffer,
                                            calls[i].offset, calls[i].zeros,
                                            &error),
                         CLSTEP_INVALID_ARGUMENT);
        check_error(&error, CLSTEP_INVALID_ARGUMENT, calls[i].words);
        assert_int_equal(zeros, 17);
    }
    clReleaseMemObject(buffer);
    clstep_layout_release(layout);
}

/* -------------------------------------------------------------------------- */

/* As on a device with many cores, where a work-group is a chunk's. */
static int open_grouped(void **state)
{
    const int code = fixture_open(state);

    if (code == 0)
        fixture_place()->device->grouped = true;
    return code;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(smallest_are_chosen),
        cmocka_unit_test(numbers_are_rounded_to_even),
        cmocka_unit_test(course_equals_reference),
        cmocka_unit_test(skipped_steps_do_not_count),
        cmocka_unit_test(a_slot_that_is_written_is_held),
        cmocka_unit_test(goes_on_from_a_checkpoint),
        cmocka_unit_test(launches_do_not_grow),
        cmocka_unit_test(zeros_are_counted),
        cmocka_unit_test(bad_settings_are_refused),
        cmocka_unit_test(bad_counts_are_refused),
    };
    const int failed = cmocka_run_group_tests_name("prune, few cores", tests,
                                                   fixture_open, fixture_close);

    return failed + cmocka_run_group_tests_name("prune, many cores", tests,
                                                open_grouped, fixture_close);
}
