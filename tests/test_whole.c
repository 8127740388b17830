/*
 * test_whole.c - the whole step: layouts, groups, norms, averages, copies
 * SPDX-License-Identifier: MIT
 *
 * Against the scalar reference, bit for bit, on layouts of every kind.  Linked
 * with --wrap=clEnqueueNDRangeKernel and --wrap=clEnqueueWriteBuffer, which
 * count.
 */
#include "launches.h"
#include "whole.h"
#include "device.h"
#include "scene.h"
#include "sweep.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MANY = 10000, VERY_MANY = 70000, GROUPS = 500, MAX_SHAPES = 32 };

/* --- counts --------------------------------------------------------------- */

static unsigned writes;

extern __typeof__(clEnqueueWriteBuffer) __real_clEnqueueWriteBuffer,
    __wrap_clEnqueueWriteBuffer;

cl_int __wrap_clEnqueueWriteBuffer(cl_command_queue queue, cl_mem buffer,
                                   cl_bool blocking, size_t offset, size_t size,
                                   const void *data, cl_uint count,
                                   const cl_event *list, cl_event *event)
{
    writes++;
    return __real_clEnqueueWriteBuffer(queue, buffer, blocking, offset, size,
                                       data, count, list, event);
}

/* --- layouts -------------------------------------------------------------- */

/* On a slow simulator: what is there by the million, or in its thousands, is
 * 'small' instead. */
static uint64_t at_most(uint64_t count, uint64_t small)
{
    return fixture_is_small() && count > small ? small : count;
}

static const struct whole_shape small[] = {
    {1, {300}, 0},  {1, {0}, 1},   {2, {5, 77}, 2}, {1, {1}, 0},
    {2, {0, 4}, 1}, {1, {256}, 1}, {1, {255}, 2},   {1, {257}, 0},
};
enum { SMALL = sizeof(small) / sizeof(*small) };

/* Tensors of all the counts at which something begins or ends, in random order
 * and groups; the last may be without elements. */
static size_t
draw_shapes(struct trial_random *random, bool large, struct whole_shape *shapes)
{
    static const uint64_t counts[] = {0,    1,    255,  256,  257, 4095,
                                      4096, 4097, 8192, 9001, 512};
    const size_t count = 4 + trial_random_next(random) % 12;
    size_t groups = 1;

    for (size_t i = 0; i < count; i++) {
        const uint64_t n = at_most(counts[trial_random_next(random) % 11], 300);
        const uint64_t rows = 1 + trial_random_next(random) % 5;

        shapes[i] = trial_random_next(random) % 3 == 0
                        ? (struct whole_shape){2, {rows, n}, 0}
                        : (struct whole_shape){1, {n, 0}, 0};
        if (i != 0 && trial_random_next(random) % 2 == 0 && groups < 6)
            shapes[i].group = groups++;
        else
            shapes[i].group = trial_random_next(random) % groups;
    }
    if (large)
        shapes[0] = (struct whole_shape){1, {(1 << 20) + 1, 0}, 0};
    if (shapes[0].shape[0] == 0)
        shapes[0].shape[0] = 3;
    if (shapes[0].rank == 2 && shapes[0].shape[1] == 0)
        shapes[0].shape[1] = 2;
    return count;
}

/* --- random runs ---------------------------------------------------------- */

/* Lists of features; what they leave out has its default. */
static const struct {
    const char *rule;
    clstep_setting settings[24];
} lists[] = {
    {"sgd", {{0}}},
    {"adam", {NUMBER("weight_decay", 0.1)}},
    {"adam", {NUMBER("clip_norm", 0.5)}},
    {"momentum", {NUMBER("clip_norm_tensor", 0.25)}},
    {"adagrad", {NUMBER("check_finite", 1)}},
    {"rmsprop", {NUMBER("max_norm", 0.5)}},
    {"sgd", {NUMBER("max_norm", 2), NUMBER("ema_decay", 0.5)}},
    {"ftrl", {CHOICE("copy_type", "f16"), NUMBER("max_norm", 1)}},
    {"nadam",
     {NUMBER("ema_decay", 0.9), NUMBER("ema_begin", 2),
      NUMBER("zero_grad", 1)}},
    {"lion", {CHOICE("ema_form", "equal"), NUMBER("ema_begin", 1)}},
    {"adamax", {CHOICE("ema_form", "equal"), CHOICE("copy_type", "bf16")}},
    {"radam", {CHOICE("grad_type", "f16"), NUMBER("clip_norm", 1)}},
    {"signum",
     {CHOICE("grad_type", "bf16"), NUMBER("check_finite", 1),
      NUMBER("zero_grad", 1)}},
    {"adamw", {NUMBER("device_scale", 1), NUMBER("clip_value", 0.5)}},
    {"adadelta",
     {NUMBER("scale_start", 1024), NUMBER("scale_interval", 2),
      NUMBER("check_finite", 1), CHOICE("grad_type", "f16")}},
    {"adam",
     {CHOICE("grad_type", "bf16"), NUMBER("scale_start", 8),
      NUMBER("scale_growth", 4), NUMBER("scale_interval", 1),
      NUMBER("scale_backoff", 0.25), NUMBER("check_finite", 1),
      NUMBER("maximize", 1), NUMBER("clip_value", 3), NUMBER("clip_norm", 0.75),
      NUMBER("l1", 0.01), NUMBER("l2", 0.02), NUMBER("weight_decay", 0.1),
      CHOICE("decay_form", "cautious"), NUMBER("prox_l1", 0.01),
      NUMBER("max_norm", 0.5), NUMBER("ema_decay", 0.75),
      NUMBER("ema_begin", 1), CHOICE("copy_type", "bf16"),
      NUMBER("zero_grad", 1)}},
    {"momentum",
     {CHOICE("grad_type", "f16"), NUMBER("device_scale", 1),
      NUMBER("check_finite", 1), NUMBER("clip_norm_tensor", 0.75),
      NUMBER("weight_decay", 0.1), CHOICE("decay_form", "proximal"),
      NUMBER("max_norm", 0.5), CHOICE("ema_form", "equal"),
      CHOICE("copy_type", "f16"), NUMBER("zero_grad", 1)}},
};

static bool is_given(const clstep_setting *settings, const char *name)
{
    for (; settings->name != NULL; settings++)
        if (strcmp(settings->name, name) == 0)
            return true;
    return false;
}

/* Other numbers in some groups, some frozen, and other gradients. */
static void disturb(struct whole *whole, const clstep_setting *settings)
{
    static const char *const names[] = {"weight_decay", "l1", "max_norm",
                                        "ema_decay", "ema_begin"};
    struct trial_random *random = &whole->random;

    for (size_t g = 0; g < whole->group_count; g++) {
        if (trial_random_next(random) % 2 == 0)
            whole_set_group(whole, g, "lr", trial_random_unit(random) + 0.001);
        for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
            if (is_given(settings, names[i]) &&
                trial_random_next(random) % 4 == 0)
                whole_set_group(whole, g, names[i],
                                0.99 * trial_random_unit(random));
        whole_freeze(whole, g, trial_random_next(random) % 4 == 0);
    }
    if (whole->buffers.scale != NULL)
        whole_scale(whole, (float)(1 + trial_random_next(random) % 1000));
    whole_gradients(whole,
                    (enum whole_kind)(trial_random_next(random) % 5 % 3));
}

static void run_list(size_t index, bool large, int steps)
{
    struct trial_random random = {fixture_seed() + index};
    struct whole_shape shapes[MAX_SHAPES];
    const size_t count = draw_shapes(&random, large, shapes);
    struct whole whole;

    whole_open(&whole, lists[index].rule, lists[index].settings, shapes, count,
               trial_random_next(&random));
    for (int i = 0; i < steps; i++) {
        disturb(&whole, lists[index].settings);
        whole_step(&whole);
        whole_check(&whole);
    }
    whole_close(&whole);
}

static void random_layouts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
        print_message("  %s\n", lists[i].rule);
        for (uint64_t k = 0; k < at_most(3, 1); k++)
            run_list(i, false, (int)at_most(4, 2));
        if (!fixture_is_small())
            run_list(i, true, 2);
    }
}

/* The same with the other shape of the sums: the device's is put back. */
static void other_sums(void **state)
{
    clstep_device *device = fixture_place()->device;

    (void)state;
    if (scene_is_simulated()) {
        print_message("Oclgrind ends by a signal at vectors\n");
        skip();
    }
    device->grouped = !device->grouped;
    for (size_t i = 2; i < sizeof(lists) / sizeof(*lists); i++) {
        run_list(i, false, 3);
        run_list(i, i % 4 == 2, 1);
    }
    device->grouped = !device->grouped;
}

/* --- many tensors --------------------------------------------------------- */

static void many_tensors(void **state)
{
    static struct whole_shape shapes[MANY];
    static const clstep_setting settings[][4] = {
        {NUMBER("clip_norm", 2), NUMBER("check_finite", 1)},
        {NUMBER("clip_norm_tensor", 0.5), CHOICE("copy_type", "f16")},
        {NUMBER("weight_decay", 0.5)},
    };
    const size_t many = (size_t)at_most(MANY, 260);
    struct trial_random random = {fixture_seed()};
    struct whole whole;

    (void)state;
    for (size_t i = 0; i < many; i++)
        shapes[i] = (struct whole_shape){
            1, {1 + trial_random_next(&random) % 300, 0}, i % GROUPS};
    for (size_t s = 0; s < 3; s++) {
        whole_open(&whole, s == 1 ? "adam" : "momentum", settings[s], shapes,
                   many, fixture_seed() + s);
        for (int i = 0; i < 3; i++) {
            disturb(&whole, settings[s]);
            whole_step(&whole);
            whole_check(&whole);
        }
        whole_close(&whole);
    }
}

/* More tensors than 256 times 256: most have no elements, which count too. */
static void sums_of_very_many_tensors(void **state)
{
    static struct whole_shape shapes[VERY_MANY];
    static const clstep_setting settings[][3] = {
        {NUMBER("clip_norm", 0.25), NUMBER("check_finite", 1)},
        {NUMBER("clip_norm_tensor", 0.25)},
    };
    const uint64_t full = fixture_is_small() ? 2048 : 64; /* one of so many */
    struct trial_random random = {fixture_seed()};
    struct whole whole;

    (void)state;
    for (size_t i = 0; i < VERY_MANY; i++) {
        const bool empty = trial_random_next(&random) % full != 0;

        shapes[i] = (struct whole_shape){
            1, {empty ? 0 : 1 + trial_random_next(&random) % 5, 0}, 0};
    }
    for (size_t s = 0; s < 2; s++) {
        whole_open(&whole, "sgd", settings[s], shapes, VERY_MANY,
                   fixture_seed());
        whole_step(&whole);
        whole_check(&whole);
        whole_close(&whole);
    }
}

/* --- averages ------------------------------------------------------------- */

static void swaps(const clstep_setting *settings, const char *rule)
{
    struct whole whole;
    clstep_error error;

    whole_open(&whole, rule, settings, small, SMALL, fixture_seed());
    whole_freeze(&whole, 1, true); /* has no average yet */
    for (int i = 0; i < 4; i++) {
        if (i == 2)
            whole_freeze(&whole, 1, false);
        for (int k = 0; k < 2; k++) {
            fixture_ok(
                clstep_optimizer_swap(whole.optimizer, fixture_place()->queue,
                                      &whole.buffers, 0, NULL, NULL, &error),
                &error);
            reference_swap(whole.reference, whole_w(&whole));
            whole_check(&whole);
        }
        whole_gradients(&whole, i == 1 ? WHOLE_WILD : WHOLE_CALM);
        whole_step(&whole);
        whole_check(&whole);
    }
    whole_close(&whole);
}

static void parameters_and_average_are_swapped(void **state)
{
    static const clstep_setting settings[][4] = {
        {NUMBER("ema_decay", 0.5)},
        {CHOICE("ema_form", "equal"), NUMBER("ema_begin", 1)},
        {NUMBER("ema_decay", 0.5), NUMBER("check_finite", 1)},
        {NUMBER("ema_decay", 0.5), NUMBER("max_norm", 0.5),
         CHOICE("copy_type", "bf16")},
    };

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        swaps(settings[i], "adam");
        swaps(settings[i], "ftrl");
    }
}

/* --- rows ----------------------------------------------------------------- */

static void rows_of_every_length(void **state)
{
    static const uint64_t lengths[] = {1,    255,  256,  257,
                                       4095, 4096, 4097, (1 << 20) + 5};
    static const clstep_setting settings[] = {NUMBER("max_norm", 0.75), {0}};
    static const clstep_setting more[] = {NUMBER("max_norm", 0.75),
                                          NUMBER("ema_decay", 0.5),
                                          CHOICE("copy_type", "f16"),
                                          NUMBER("check_finite", 1),
                                          {0}};

    (void)state;
    for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
        if (lengths[i] != at_most(lengths[i], 4097))
            continue;

        const uint64_t rows = lengths[i] > 4096 ? 2 : 9;
        const struct whole_shape shapes[] = {{1, {lengths[i] % 1000}, 0},
                                             {2, {rows, lengths[i]}, 0},
                                             {2, {3, 5}, 1}};
        struct whole whole;

        for (int k = 0; k < 3; k++) {
            whole_open(&whole, "sgd", k == 0 ? settings : more, shapes,
                       k == 1 ? 2 : 3, fixture_seed() + i);
            for (int step = 0; step < 3; step++) {
                whole_gradients(&whole, step == 1 ? WHOLE_FINITE : WHOLE_CALM);
                if (step == 2)
                    fixture_ok(clstep_optimizer_set(whole.optimizer, "max_norm",
                                                    0, NULL),
                               NULL),
                        reference_set(whole.reference, "max_norm", 0);
                whole_step(&whole);
                whole_check(&whole);
            }
            whole_close(&whole);
        }
    }
}

/* --- halves --------------------------------------------------------------- */

/* Every one as a gradient: sgd with lr = 1 shows it, from parameters 0. */
static void every_half(void **state)
{
    static const char *const types[] = {"f16", "bf16"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const clstep_setting settings[] = {CHOICE("grad_type", types[i]),
                                           CHOICE("copy_type", types[i]),
                                           NUMBER("lr", 1),
                                           {0}};
        const struct whole_shape shape = {1, {65536}, 0};
        struct whole whole;

        whole_open(&whole, "sgd", settings, &shape, 1, fixture_seed());
        for (uint32_t bits = 0; bits < 65536; bits++)
            ((uint16_t *)whole_g(&whole))[bits] = (uint16_t)bits;
        whole_write_gradients(&whole);
        whole_step(&whole);
        whole_check(&whole);
        whole_close(&whole);
    }
}

/* Numbers around every half, and between two: which way a copy rounds. */
static void every_copy(void **state)
{
    static const char *const types[] = {"f16", "bf16"};
    enum { COUNT = 65536 * 3 };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const clstep_setting settings[] = {
            CHOICE("copy_type", types[i]), NUMBER("lr", 1), {0}};
        const struct whole_shape shape = {1, {COUNT}, 0};
        struct whole whole;

        whole_open(&whole, "sgd", settings, &shape, 1, fixture_seed());
        for (uint32_t k = 0; k < COUNT; k++) {
            const uint16_t bits = (uint16_t)(k / 3);
            const float x =
                i == 0 ? reference_from_f16(bits) : reference_from_bf16(bits);
            const float y = i == 0 ? reference_from_f16(bits + 1)
                                   : reference_from_bf16(bits + 1);
            const float middle = x + (y - x) / 2;
            const float away = k % 3 == 0 ? -INFINITY : INFINITY;

            ((float *)whole_g(&whole))[k] =
                -(k % 3 == 1 ? middle : nextafterf(middle, away));
            whole_w(&whole)[k] = 0.0f;
        }
        whole_write_gradients(&whole);
        assert_int_equal(__real_clEnqueueWriteBuffer(
                             fixture_place()->queue, whole.buffers.parameters,
                             CL_TRUE, WHOLE_FRONT * sizeof(float),
                             COUNT * sizeof(float), whole_w(&whole), 0, NULL,
                             NULL),
                         CL_SUCCESS);
        whole_step(&whole);
        whole_check(&whole);
        whole_close(&whole);
    }
}

/* --- launches ------------------------------------------------------------- */

/* What a step of 'count' matrices of 7 rows in 'groups' groups launches. */
static unsigned launched(const clstep_setting *settings, size_t length,
                         size_t count, size_t groups)
{
    static struct whole_shape shapes[MANY];
    struct whole whole;

    count = (size_t)at_most(count, 6);
    for (size_t i = 0; i < count; i++)
        shapes[i] = (struct whole_shape){2, {7, length}, i % groups};
    whole_open(&whole, "adam", settings, shapes, count, fixture_seed());
    for (int i = 0; i < 2; i++) {
        launches = writes = 0;
        whole_step_device(&whole, fixture_place()->queue, 0, NULL, NULL);
        assert_int_equal(launches,
                         clstep_optimizer_launches(whole.optimizer, 0));
    }
    whole_close(&whole);
    return launches;
}

static void launches_do_not_grow(void **state)
{
    static const clstep_setting settings[][12] = {
        {{0}},
        {NUMBER("check_finite", 1)},
        {NUMBER("clip_norm", 1)},
        {NUMBER("clip_norm_tensor", 1)},
        {NUMBER("device_scale", 0)},
        {NUMBER("max_norm", 1)},
        {NUMBER("max_norm", 1), NUMBER("ema_decay", 0.5)},
        {NUMBER("max_norm", 1), CHOICE("copy_type", "f16"),
         NUMBER("check_finite", 1)},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++) {
        const unsigned one = launched(settings[i], 100, 1, 1);
        const unsigned two = launched(settings[i], 100, 2, 2);

        assert_int_equal(launched(settings[i], 100, 300, 1), one);
        assert_int_equal(launched(settings[i], 100, 300, 3), two);
        if (i % 3 == 1)
            assert_int_equal(launched(settings[i], 100, MANY, GROUPS), two);
        if (!fixture_is_small())
            assert_int_equal(launched(settings[i], 4097, 30, 3),
                             launched(settings[i], 4097, 2, 2));
    }
}

/* A plain optimizer is one launch and writes nothing. */
static void what_is_off_costs_nothing(void **state)
{
    static const clstep_setting zero[] = {NUMBER("check_finite", 0),
                                          NUMBER("device_scale", 0),
                                          CHOICE("grad_type", "f32"),
                                          CHOICE("copy_type", "none"),
                                          {0}};

    (void)state;
    assert_int_equal(launched(NULL, 100, 1, 1), 1);
    assert_int_equal(writes, 0);
    assert_int_equal(launched(NULL, 100, MANY, 1), 1);
    assert_int_equal(writes, 0);
    assert_int_equal(launched(zero, 100, 20, 1), 1);
    assert_int_equal(writes, 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(launches_do_not_grow),
        cmocka_unit_test(what_is_off_costs_nothing),
        cmocka_unit_test(every_half),
        cmocka_unit_test(every_copy),
        cmocka_unit_test(random_layouts),
        cmocka_unit_test(other_sums),
        cmocka_unit_test(many_tensors),
        cmocka_unit_test(sums_of_very_many_tensors),
        cmocka_unit_test(parameters_and_average_are_swapped),
        cmocka_unit_test(rows_of_every_length),
    };

    return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
