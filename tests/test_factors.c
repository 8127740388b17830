/*
 * test_factors.c - rules that sum over tensors and rows before they step
 * SPDX-License-Identifier: MIT
 *
 * That they equal the reference, test_rules and test_features say for a tensor;
 * here are layouts of many, with what is special among them.
 *
 * Needs launches.c: launches are counted, and one may fail.
 */
#include "launches.h"
#include "rule.h"
#include "scene.h"
#include "whole.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MANY = 10000, GROUPS = 4, MAX_SHAPES = 64 };

static unsigned failing; /* the launch that fails, from 1 on; 0 for none */

static cl_int fail_one(cl_command_queue queue, cl_kernel kernel, size_t global)
{
    (void)kernel;
    (void)global;
    if (failing == 0)
        return CL_SUCCESS;

    /* Events of launches that have ended are gone, and their places in memory
     * are taken again. */
    clFinish(queue);
    return launches == failing ? CL_INVALID_OPERATION : CL_SUCCESS;
}

/* What needs such a pass, with settings under which it matters. */
static const struct subject {
    const char *rule;
    clstep_setting settings[5];
} subjects[] = {
    {"lamb", {NUMBER("lr", 0.25)}},
    {"lars", {NUMBER("lr", 10), NUMBER("weight_decay", 0.1)}},
    {"novograd", {NUMBER("lr", 0.25), NUMBER("weight_decay", 0.1)}},
    {"stable_adamw", {NUMBER("lr", 0.25)}},
    {"adamp", {NUMBER("delta", 1.5), NUMBER("weight_decay", 0.1)}},
    {"sgdp",
     {NUMBER("delta", 1.5), NUMBER("weight_decay", 0.1),
      NUMBER("nesterov", 1)}},
    {"adamw", {NUMBER("cautious_update", 1)}},
    {"lion", {NUMBER("cautious_update", 1), NUMBER("lr", 0.25)}},
};

enum { SUBJECTS = sizeof(subjects) / sizeof(*subjects) };

/* The settings of a subject, and one more. */
static const clstep_setting *
with(const struct subject *subject, const char *name, double value,
     clstep_setting list[6])
{
    size_t n = 0;

    memset(list, 0, 6 * sizeof(*list));
    for (; subject->settings[n].name != NULL; n++)
        list[n] = subject->settings[n];
    list[n] = (clstep_setting){name, value, NULL};
    return list;
}

static void every_rule_is_a_subject(void **state)
{
    (void)state;
    for (const clstep_rule *rule = cs_rules; rule->name != NULL; rule++) {
        bool found = rule->pass.sums == 0 && !rule->cautious;

        for (size_t i = 0; i < SUBJECTS; i++)
            found = found || strcmp(subjects[i].rule, rule->name) == 0;
        if (!found)
            fail_msg("%s is missing", rule->name);
        assert_int_equal(clstep_rule_sums_bytes(rule) != 0,
                         rule->pass.sums != 0);
    }
}

/* --- layouts -------------------------------------------------------------- */

/* Of all kinds: empty, of one element, around blocks, chunks and nodes. */
static const struct whole_shape kinds[] = {
    {1, {1}, 0},        {1, {0}, 1},        {2, {2, 2}, 1},
    {1, {255}, 2},      {2, {1, 256}, 3},   {2, {256, 1}, 0},
    {1, {257}, 1},      {2, {0, 7}, 2},     {2, {5, 4096}, 3},
    {2, {4097, 2}, 0},  {2, {3, 5000}, 1},  {1, {8193}, 2},
    {2, {1, 1}, 3},     {2, {7, 33}, 0},    {2, {300, 3}, 1},
    {2, {9, 255}, 2},   {2, {40, 257}, 3},  {1, {0}, 0},
    {2, {2, 20000}, 0}, {2, {1000, 11}, 2}, {1, {3}, 3},
};

enum { KINDS = sizeof(kinds) / sizeof(*kinds) };

/* The same for a slow simulator, where each row takes 30 ms. */
static const struct whole_shape small_kinds[KINDS] = {
    {1, {1}, 0},       {1, {0}, 1},     {2, {2, 2}, 1},    {1, {255}, 2},
    {2, {1, 256}, 3},  {2, {9, 1}, 0},  {1, {257}, 1},     {2, {0, 7}, 2},
    {2, {1, 4096}, 3}, {2, {17, 2}, 0}, {2, {1, 5000}, 1}, {1, {4097}, 2},
    {2, {1, 1}, 3},    {2, {7, 33}, 0}, {2, {20, 3}, 1},   {2, {3, 255}, 2},
    {2, {4, 257}, 3},  {1, {0}, 0},     {2, {1, 300}, 0},  {2, {5, 11}, 2},
    {1, {3}, 3},
};

/*
 * CLSTEP_TEST_SMALL leaves out: the large layouts, most steps, most lengths of
 * rows and limits of theirs, and more than 20 tensors where launches are
 * counted.  Every subject still takes steps, frozen and thawed, good and bad.
 */
static const struct whole_shape *shapes_of_all_kinds(void)
{
    return fixture_is_small() ? small_kinds : kinds;
}

static bool is_left_out(uint64_t length, size_t delta)
{
    return fixture_is_small() &&
           ((length > 16 && length != 257 && length != 4097) || delta < 3 ||
            delta > 4);
}

static void write_parameters(const struct whole *whole)
{
    assert_int_equal(clEnqueueWriteBuffer(fixture_place()->queue,
                                          whole->buffers.parameters, CL_TRUE,
                                          WHOLE_FRONT * sizeof(float),
                                          whole->count * sizeof(float),
                                          whole_w(whole), 0, NULL, NULL),
                     CL_SUCCESS);
}

/* Parameters of a size that a norm can be taken of, but in tensor 'but'. */
static void calm_parameters(const struct whole *whole, size_t but)
{
    for (size_t t = 0; t < whole->tensor_count; t++) {
        float *w = whole_w(whole) + whole->tensors[t].offset;

        for (uint64_t i = 0; i < whole->tensors[t].count && t != but; i++)
            if (!(fabsf(w[i]) <= 4.0f))
                w[i] = 0.125f;
    }
    write_parameters(whole);
}

static void layouts_of_all_kinds(void **state)
{
    const char *acts = fixture_is_small() ? "sfbt" : "sfsbstsbFsTs";
    clstep_setting list[6];

    (void)state;
    for (size_t i = 0; i < SUBJECTS; i++) {
        struct whole whole;

        print_message("  %s\n", subjects[i].rule);
        whole_open(&whole, subjects[i].rule,
                   with(&subjects[i], "check_finite", 1, list),
                   shapes_of_all_kinds(), KINDS, fixture_seed() + i);
        calm_parameters(&whole, 10);
        for (const char *act = acts; *act != '\0'; act++) {
            if (*act == 'f' || *act == 't')
                whole_freeze(&whole, 1, *act == 'f');
            if (*act == 'F' || *act == 'T')
                whole_freeze(&whole, 0, *act == 'F');
            whole_gradients(&whole, *act == 'b' ? WHOLE_WILD : WHOLE_CALM);
            whole_step(&whole);
            whole_check(&whole);
        }
        whole_close(&whole);
    }
}

/* Norms of zero. */
static void parameters_and_gradients_of_zero(void **state)
{
    (void)state;
    for (size_t i = 0; i < SUBJECTS; i++) {
        struct whole whole;

        whole_open(&whole, subjects[i].rule, subjects[i].settings,
                   shapes_of_all_kinds(), KINDS, fixture_seed() + i);
        for (size_t t = 0; t < KINDS; t++)
            for (uint64_t k = 0; k < whole.tensors[t].count; k++) {
                const uint64_t at = whole.tensors[t].offset + k;

                if (t % 2 == 0)
                    whole_w(&whole)[at] = k % 2 ? 0.0f : -0.0f;
                if (t % 3 == 0)
                    ((float *)whole_g(&whole))[at] = k % 2 ? 0.0f : -0.0f;
            }
        assert_int_equal(clEnqueueWriteBuffer(fixture_place()->queue,
                                              whole.buffers.parameters, CL_TRUE,
                                              WHOLE_FRONT * sizeof(float),
                                              whole.count * sizeof(float),
                                              whole_w(&whole), 0, NULL, NULL),
                         CL_SUCCESS);
        for (int s = 0; s < (fixture_is_small() ? 1 : 3); s++) {
            whole_write_gradients(&whole);
            whole_step(&whole);
            whole_check(&whole);
        }
        whole_close(&whole);
    }
}

/* Rows from 1 to 5000 long, some rows each, under limits that some tensors
 * meet by rows, some as a whole and some not at all. */
static void rows_of_every_length(void **state)
{
    static const double deltas[] = {0.05, 0.5, 1, 1.5, 2, 3, 1e6};
    static const uint64_t lengths[] = {
        1,   2,   3,    5,    7,    16,   31,   64,   100,  127, 128, 129,
        200, 254, 255,  256,  257,  258,  300,  511,  512,  513, 767, 768,
        769, 999, 1024, 1025, 2047, 3000, 4095, 4096, 4097, 5000};
    static const char *const rules[] = {"adamp", "sgdp"};
    struct whole_shape shapes[MAX_SHAPES];
    size_t count = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++)
        if (!is_left_out(lengths[i], 3))
            shapes[count++] =
                (struct whole_shape){2, {1 + i * 5 % 7, lengths[i]}, i % 2};
    if (fixture_is_small())
        shapes[0].shape[0] = 260; /* more than one node of rows */
    for (size_t d = 0; d < sizeof(deltas) / sizeof(*deltas); d++) {
        if (is_left_out(1, d))
            continue;

        const clstep_setting settings[] = {
            NUMBER("delta", deltas[d]), NUMBER("weight_decay", 0.5), {0}};
        struct whole whole;

        whole_open(&whole, rules[d % 2], settings, shapes, count,
                   fixture_seed() + d);
        calm_parameters(&whole, count);
        for (int s = 0; s < (fixture_is_small() ? 1 : 4); s++) {
            whole_gradients(&whole, WHOLE_CALM);
            whole_step(&whole);
            whole_check(&whole);
        }
        whole_close(&whole);
    }
}

/* --- launches ------------------------------------------------------------- */

static struct whole_shape many[MANY];

/* What a step of 'count' matrices in 'groups' groups launches. */
static unsigned
launched(const struct subject *subject, size_t count, size_t groups)
{
    struct whole whole;

    if (fixture_is_small() && count > 20)
        count = 20;
    for (size_t i = 0; i < count; i++)
        many[i] = (struct whole_shape){2, {3, 1 + i % 100}, i % groups};
    many[0].shape[1] = 1000; /* whole blocks, and some elements more */
    whole_open(&whole, subject->rule, subject->settings, many, count,
               fixture_seed());
    for (int s = 0; s < 2; s++) {
        launches = 0;
        whole_step(&whole);
        assert_int_equal(launches,
                         clstep_optimizer_launches(whole.optimizer, 0));
    }
    whole_check(&whole);
    whole_close(&whole);
    return launches;
}

static void launches_do_not_grow(void **state)
{
    (void)state;
    for (size_t i = 0; i < SUBJECTS; i++) {
        const unsigned one = launched(&subjects[i], 1, 1);

        assert_int_equal(launched(&subjects[i], 2, 2), one);
        assert_int_equal(launched(&subjects[i], MANY, GROUPS), one);
    }
}

/* --- a slot of one number a tensor ---------------------------------------- */

static void slots_of_tensors(void **state)
{
    static const char slot[] = "exp_avg_sq";
    const cl_command_queue queue = fixture_place()->queue;
    float numbers[KINDS], read[KINDS + 1];
    struct whole whole;
    clstep_error error;

    (void)state;
    whole_open(&whole, "novograd", NULL, shapes_of_all_kinds(), KINDS,
               fixture_seed());
    assert_string_equal(clstep_optimizer_slot(whole.optimizer, 1), slot);
    assert_true(clstep_optimizer_slot_count(whole.optimizer, 0) == whole.count);
    assert_true(clstep_optimizer_slot_count(whole.optimizer, 1) == KINDS);
    assert_true(clstep_optimizer_slot_count(whole.optimizer, 2) == 0);
    assert_true(clstep_optimizer_slot_count(NULL, 0) == 0);
    whole_step(&whole);
    whole_check(&whole);

    /* What is written is what the next step finds. */
    for (size_t t = 0; t < KINDS; t++)
        numbers[t] = 0.5f + (float)t;
    fixture_ok(clstep_optimizer_write(whole.optimizer, queue, slot, 0, KINDS,
                                      numbers, &error),
               &error);
    memcpy(reference_slot(whole.reference, slot), numbers, sizeof(numbers));
    fixture_ok(
        clstep_optimizer_read(whole.optimizer, queue, slot, 3, 5, read, &error),
        &error);
    assert_memory_equal(read, numbers + 3, 5 * sizeof(*read));
    whole_step(&whole);
    whole_check(&whole);

    assert_int_equal(clstep_optimizer_read(whole.optimizer, queue, slot, 0,
                                           KINDS + 1, read, &error),
                     CLSTEP_INVALID_ARGUMENT);
    check_error(&error, CLSTEP_INVALID_ARGUMENT, "exp_avg_sq|21|22");

    fixture_ok(clstep_optimizer_reset(whole.optimizer, queue, &error), &error);
    fixture_ok(clstep_optimizer_read(whole.optimizer, queue, slot, 0, KINDS,
                                     read, &error),
               &error);
    for (size_t t = 0; t < KINDS; t++)
        assert_true(read[t] == 0.0f);
    whole_close(&whole);
}

/* --- bytes ---------------------------------------------------------------- */

static void bytes_of_both_passes(void **state)
{
    static const struct {
        const char *rule;
        clstep_setting settings[3];
        uint64_t bytes, before;
    } cases[] = {
        {"lamb", {{0}}, 28, 16},
        {"lars", {{0}}, 20, 8},
        {"novograd", {{0}}, 20, 4},
        {"novograd", {NUMBER("l2", 0.1)}, 20, 8},
        {"novograd", {{"grad_type", 0, "f16"}}, 18, 2},
        {"stable_adamw", {{0}}, 28, 8},
        {"adamp", {{0}}, 28, 16},
        {"sgdp", {{0}}, 20, 12},
        {"adamw", {NUMBER("cautious_update", 1)}, 28, 12},
        {"lion", {NUMBER("cautious_update", 1), NUMBER("l1", 1)}, 20, 12},
        {"adamw", {NUMBER("cautious_update", 0)}, 28, 0},
        {"lion",
         {NUMBER("ema_decay", 0.5), NUMBER("cautious_update", 1)},
         28,
         8},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct whole whole;

        whole_open(&whole, cases[i].rule, cases[i].settings, kinds, KINDS,
                   fixture_seed());
        assert_true(clstep_optimizer_bytes(whole.optimizer) == cases[i].bytes);
        assert_true(clstep_optimizer_sums_bytes(whole.optimizer) ==
                    cases[i].before);
        whole_close(&whole);
    }

    /* A vector has no rows. */
    clstep_optimizer *adamp = fixture_optimizer("adamp", NULL, 300);
    clstep_optimizer *lamb = fixture_optimizer("lamb", NULL, 300);

    assert_true(clstep_optimizer_sums_bytes(adamp) == 0);
    assert_true(clstep_optimizer_sums_bytes(lamb) == 16);
    clstep_optimizer_release(adamp);
    clstep_optimizer_release(lamb);
    assert_true(clstep_optimizer_sums_bytes(NULL) == 0);
    assert_true(clstep_rule_sums_bytes(NULL) == 0);
    assert_true(clstep_rule_sums_bytes(clstep_rule_find("adam")) == 0);
    assert_true(clstep_rule_sums_bytes(clstep_rule_find("sgdp")) == 12);
}

/* Whichever launch of a step fails: what has begun is known to be torn. */
static void a_launch_that_fails_tears(void **state)
{
    static const clstep_setting settings[] = {
        {"max_norm", 1.0, NULL}, {"ema_decay", 0.5, NULL}, {0}};
    const struct trial_place *place = fixture_place();
    const uint64_t shape[] = {3, 100};
    float ones[512];
    clstep_error error;

    (void)state;
    for (size_t i = 0; i < 512; i++)
        ones[i] = 1.0f;
    for (unsigned at = 1;; at++) {
        const clstep_buffers buffers = {.parameters = fixture_buffer(512, ones),
                                        .gradients = fixture_buffer(512, ones)};
        clstep_layout *layout = NULL;
        clstep_optimizer *optimizer = NULL;

        fixture_ok(clstep_layout_create(&layout, &error), &error);
        fixture_ok(clstep_layout_add(layout, "w", 2, shape, 0, &error), &error);
        fixture_ok(clstep_optimizer_create(place->device, "lamb", settings,
                                           layout, &optimizer, &error),
                   &error);
        launches = 0;
        launches_look = fail_one;
        failing = at;

        const clstep_status first = clstep_optimizer_step(
            optimizer, place->queue, &buffers, 0, NULL, NULL, &error);

        failing = 0;

        const clstep_status second = clstep_optimizer_step(
            optimizer, place->queue, &buffers, 0, NULL, NULL, &error);

        clFinish(place->queue);
        clstep_optimizer_release(optimizer);
        clstep_layout_release(layout);
        clReleaseMemObject(buffers.parameters);
        clReleaseMemObject(buffers.gradients);
        if (first == CLSTEP_OK) {
            assert_int_equal(second, CLSTEP_OK);
            assert_true(at > 4);
            return;
        }
        assert_int_equal(first, CLSTEP_CL_FAILED);
        assert_int_equal(second, at == 1 ? CLSTEP_OK : CLSTEP_STATE_TORN);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_rule_is_a_subject),
        cmocka_unit_test(layouts_of_all_kinds),
        cmocka_unit_test(parameters_and_gradients_of_zero),
        cmocka_unit_test(rows_of_every_length),
        cmocka_unit_test(launches_do_not_grow),
        cmocka_unit_test(slots_of_tensors),
        cmocka_unit_test(bytes_of_both_passes),
        cmocka_unit_test(a_launch_that_fails_tears),
    };

    return cmocka_run_group_tests_name("factors", tests, fixture_open,
                                       fixture_close);
}
