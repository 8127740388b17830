/*
 * test_lbfgs_errors.c - what L-BFGS refuses, and that it changes nothing then
 * SPDX-License-Identifier: MIT
 */
#include "problem.h"
#include "scene.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const long counts[] = {300, 7, -1};

static void fails(clstep_status status, clstep_status wanted,
                  const clstep_error *error, const char *words)
{
    assert_int_equal(status, wanted);
    check_error(error, wanted, words);
}

static void settings_are_checked(void **state)
{
    static const struct {
        clstep_setting setting;
        clstep_status status;
        const char *words;
    } cases[] = {
        {{"lr", 0, NULL}, CLSTEP_OUT_OF_RANGE, "lr of lbfgs is 0"},
        {{"lr", -1, NULL}, CLSTEP_OUT_OF_RANGE, "lr of lbfgs is -1"},
        {{"lr", NAN, NULL}, CLSTEP_OUT_OF_RANGE, "lr of lbfgs is nan"},
        {{"lr", 0, "one"}, CLSTEP_INVALID_ARGUMENT, "it is a number"},
        {{"history", 0, NULL}, CLSTEP_OUT_OF_RANGE, "in [1, 100]"},
        {{"history", 101, NULL},
         CLSTEP_OUT_OF_RANGE,
         "history of lbfgs is 101"},
        {{"history", 2.5, NULL}, CLSTEP_OUT_OF_RANGE, "not a whole number"},
        {{"line_search", 0, NULL}, CLSTEP_INVALID_ARGUMENT, "wolfe, none"},
        {{"line_search", 0, "armijo"},
         CLSTEP_INVALID_ARGUMENT,
         "line_search of lbfgs is 'armijo'"},
        {{"max_iterations", 0, NULL}, CLSTEP_OUT_OF_RANGE, "max_iterations"},
        {{"max_evaluations", 0, NULL}, CLSTEP_OUT_OF_RANGE, "max_evaluations"},
        {{"max_evaluations", 0x1p54, NULL}, CLSTEP_OUT_OF_RANGE, "max_eval"},
        {{"tolerance_gradient", -1e-9, NULL},
         CLSTEP_OUT_OF_RANGE,
         "tolerance_gradient of lbfgs is -1e-09"},
        {{"tolerance_change", INFINITY, NULL},
         CLSTEP_OUT_OF_RANGE,
         "tolerance_change of lbfgs is inf"},
        {{"weight_decay", 0.1, NULL},
         CLSTEP_INVALID_ARGUMENT,
         "lbfgs has no setting 'weight_decay'; it has lr, history, "
         "line_search, max_iterations, max_evaluations, tolerance_gradient, "
         "tolerance_change"},
    };
    clstep_device *device = fixture_place()->device;
    clstep_layout *layout = fixture_layout(10), *empty = fixture_layout(0);
    clstep_setting twice[] = {{"lr", 1, NULL}, {"lr", 1, NULL}, {0}};
    clstep_lbfgs *lbfgs, *good;
    clstep_error error;

    (void)state;
    fixture_ok(clstep_lbfgs_create(device, NULL, layout, &good, &error),
               &error);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const clstep_setting settings[] = {cases[i].setting, {0}};

        lbfgs = (clstep_lbfgs *)(uintptr_t)&error;
        fails(clstep_lbfgs_create(device, settings, layout, &lbfgs, &error),
              cases[i].status, &error, cases[i].words);
        assert_null(lbfgs);

        const bool is_number = cases[i].setting.choice == NULL &&
                               cases[i].status == CLSTEP_OUT_OF_RANGE &&
                               strcmp(cases[i].setting.name, "history") != 0;
        double before = 0.0, after = 0.0;

        if (!is_number)
            continue;
        clstep_lbfgs_get(good, cases[i].setting.name, &before, NULL);
        fails(clstep_lbfgs_set(good, cases[i].setting.name,
                               cases[i].setting.value, &error),
              cases[i].status, &error, cases[i].words);
        clstep_lbfgs_get(good, cases[i].setting.name, &after, NULL);
        assert_true(before == after);
    }
    fails(clstep_lbfgs_create(device, twice, layout, &lbfgs, &error),
          CLSTEP_INVALID_ARGUMENT, &error, "lr of lbfgs is given twice");
    fails(clstep_lbfgs_create(device, NULL, empty, &lbfgs, &error),
          CLSTEP_INVALID_ARGUMENT, &error, "layout has no elements");
    fails(clstep_lbfgs_create(NULL, NULL, layout, &lbfgs, &error),
          CLSTEP_INVALID_ARGUMENT, &error, "device is NULL");
    fails(clstep_lbfgs_create(device, NULL, NULL, &lbfgs, &error),
          CLSTEP_INVALID_ARGUMENT, &error, "layout is NULL");
    fails(clstep_lbfgs_create(device, NULL, layout, NULL, &error),
          CLSTEP_INVALID_ARGUMENT, &error, "out is NULL");
    fails(clstep_lbfgs_set(good, "history", 3, &error), CLSTEP_INVALID_ARGUMENT,
          &error, "history of lbfgs is fixed at creation");
    fails(clstep_lbfgs_set(good, "line_search", 1, &error),
          CLSTEP_INVALID_ARGUMENT, &error, "line_search of lbfgs is fixed");
    fails(clstep_lbfgs_set(good, "momentum", 1, &error),
          CLSTEP_INVALID_ARGUMENT, &error, "has no setting 'momentum'");
    clstep_lbfgs_release(good);
    clstep_lbfgs_release(NULL);
    clstep_layout_release(layout);
    clstep_layout_release(empty);
}

/* The settings can be listed; no rule is called so, and it is said which call
 * is meant. */
static void it_is_listed_and_no_rule(void **state)
{
    static const char *const names[] = {"lr",
                                        "history",
                                        "line_search",
                                        "max_iterations",
                                        "max_evaluations",
                                        "tolerance_gradient",
                                        "tolerance_change"};
    static const double initials[] = {1, 10, 0, 20, 25, 1e-7, 1e-9};
    clstep_layout *layout = fixture_layout(10);
    clstep_optimizer *optimizer;
    clstep_setting_info info;
    clstep_error error;
    size_t i = 0;

    (void)state;
    for (; clstep_lbfgs_setting(i, &info); i++) {
        assert_string_equal(info.name, names[i]);
        assert_true(info.initial == initials[i]);
        assert_false(info.feature);
        assert_true(strlen(info.summary) > 10);
    }
    assert_int_equal(i, 7);
    assert_false(clstep_lbfgs_setting(0, NULL));
    assert_non_null(strstr(clstep_lbfgs_formula(), "Nocedal"));
    assert_null(clstep_rule_find("lbfgs"));
    fails(clstep_optimizer_create(fixture_place()->device, "lbfgs", NULL,
                                  layout, &optimizer, &error),
          CLSTEP_INVALID_ARGUMENT, &error, "clstep_lbfgs_create() makes it");
    assert_null(optimizer);
    for (int stop = CLSTEP_LBFGS_GOES_ON; stop <= CLSTEP_LBFGS_NOT_FINITE;
         stop++)
        for (int other = CLSTEP_LBFGS_GOES_ON; other < stop; other++)
            assert_string_not_equal(
                clstep_lbfgs_stop_name((clstep_lbfgs_stop)stop),
                clstep_lbfgs_stop_name((clstep_lbfgs_stop)other));
    clstep_layout_release(layout);
}

/* --- calls ---------------------------------------------------------------- */

static cl_mem sub_buffer(cl_mem buffer, size_t origin, size_t size)
{
    const cl_buffer_region region = {origin, size};
    cl_int code;
    cl_mem part =
        clCreateSubBuffer(buffer, CL_MEM_READ_WRITE,
                          CL_BUFFER_CREATE_TYPE_REGION, &region, &code);

    assert_int_equal(code, CL_SUCCESS);
    return part;
}

static void bad_calls_change_nothing(void **state)
{
    struct problem p;
    clstep_lbfgs *lbfgs;
    clstep_error error;
    cl_int code;
    const cl_device_id id = fixture_id();

    (void)state;
    problem_open(&p, wells, NULL, counts, wells_start);
    memset(p.g, 0, p.count * sizeof(*p.g));
    fixture_ok(clstep_lbfgs_create(fixture_place()->device, NULL, p.layout,
                                   &lbfgs, &error),
               &error);

    cl_context foreign = clCreateContext(NULL, 1, &id, NULL, NULL, &code);
    cl_command_queue queue = clCreateCommandQueue(foreign, id, 0, &code);
    cl_mem alien =
        clCreateBuffer(foreign, CL_MEM_READ_WRITE, 4096, NULL, &code);
    cl_mem locked = clCreateBuffer(fixture_place()->context, CL_MEM_READ_ONLY,
                                   4096, NULL, &code);
    cl_mem part = sub_buffer(p.buffers.parameters, 0, 2048);
    const clstep_buffers good = p.buffers;
    const struct {
        clstep_buffers buffers;
        const char *words;
    } cases[] = {
        {{.gradients = good.gradients}, "parameters is NULL"},
        {{.parameters = good.parameters}, "gradients is NULL"},
        {{.parameters = alien, .gradients = good.gradients},
         "parameters belongs to another context"},
        {{.parameters = good.parameters, .gradients = alien},
         "gradients belongs to another context"},
        {{.parameters = locked, .gradients = good.gradients},
         "parameters is a read-only buffer"},
        {{.parameters = good.parameters, .gradients = locked},
         "gradients is a read-only buffer"},
        {{.parameters = good.parameters,
          .parameters_offset = 400,
          .gradients = good.gradients},
         "parameters has 856 elements, too few for 519 from offset 400"},
        {{.parameters = good.parameters,
          .gradients = good.gradients,
          .gradients_offset = UINT64_MAX},
         "gradients has 856 elements, too few for 519"},
        {{.parameters = good.parameters,
          .gradients = good.parameters,
          .gradients_offset = 337},
         "parameters and gradients overlap"},
        {{.parameters = good.parameters,
          .parameters_offset = 100,
          .gradients = part},
         "gradients has 512 elements, too few"},
        {{.parameters = good.parameters,
          .gradients = good.gradients,
          .copy = good.parameters},
         "copy is a buffer, but lbfgs has none"},
        {{.parameters = good.parameters,
          .gradients = good.gradients,
          .scale = good.parameters},
         "scale is a buffer, but lbfgs has none"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        fails(clstep_lbfgs_step(lbfgs, p.queue, &cases[i].buffers,
                                problem_closure, &p, NULL, &error),
              CLSTEP_INVALID_ARGUMENT, &error, cases[i].words);
    fails(clstep_lbfgs_step(NULL, p.queue, &good, problem_closure, &p, NULL,
                            &error),
          CLSTEP_INVALID_ARGUMENT, &error, "lbfgs is NULL");
    fails(clstep_lbfgs_step(lbfgs, NULL, &good, problem_closure, &p, NULL,
                            &error),
          CLSTEP_INVALID_ARGUMENT, &error, "queue is NULL");
    fails(clstep_lbfgs_step(lbfgs, queue, &good, problem_closure, &p, NULL,
                            &error),
          CLSTEP_INVALID_ARGUMENT, &error, "queue belongs to another context");
    fails(clstep_lbfgs_step(lbfgs, p.queue, NULL, problem_closure, &p, NULL,
                            &error),
          CLSTEP_INVALID_ARGUMENT, &error, "buffers is NULL");
    fails(clstep_lbfgs_step(lbfgs, p.queue, &good, NULL, &p, NULL, &error),
          CLSTEP_INVALID_ARGUMENT, &error, "closure is NULL");
    assert_int_equal(
        clstep_lbfgs_step(lbfgs, p.queue, &good, NULL, &p, NULL, NULL),
        CLSTEP_INVALID_ARGUMENT);
    assert_int_equal(p.calls, 0);

    clstep_lbfgs_progress progress;

    clstep_lbfgs_state(lbfgs, &progress);
    assert_int_equal(progress.iterations, 0);
    problem_read(&p, p.scratch);
    check_floats("parameters", p.scratch, p.w, 300);
    clReleaseMemObject(part);
    clReleaseMemObject(locked);
    clReleaseMemObject(alien);
    clReleaseCommandQueue(queue);
    clReleaseContext(foreign);
    clstep_lbfgs_release(lbfgs);
    problem_close(&p);
}

static void a_failing_closure_is_told(void **state)
{
    struct problem p;
    clstep_lbfgs *lbfgs;
    clstep_lbfgs_result result = {.iterations = 77};
    clstep_error error;

    (void)state;
    problem_open(&p, wells, NULL, counts, wells_start);
    fixture_ok(clstep_lbfgs_create(fixture_place()->device, NULL, p.layout,
                                   &lbfgs, &error),
               &error);
    p.fails_at = 3;
    fails(clstep_lbfgs_step(lbfgs, p.queue, &p.buffers, problem_closure, &p,
                            &result, &error),
          CLSTEP_CALLBACK_FAILED, &error,
          "closure returned 9 in evaluation 3 of this call");
    assert_int_equal(result.iterations, 77);
    clstep_lbfgs_release(lbfgs);
    problem_close(&p);
}

/* --- state ---------------------------------------------------------------- */

/* Slots that were not written are no pairs: nothing moves, and a reset helps.
 */
static void pairs_that_are_none_are_refused(void **state)
{
    static const long seven[] = {7, -1};
    static const clstep_lbfgs_progress progress = {.iterations = 3, .pairs = 2};
    struct problem p;
    clstep_lbfgs *lbfgs;
    clstep_error error;
    float before[512], after[512];

    (void)state;
    problem_open(&p, wells, NULL, seven, wells_start);
    assert_true(p.count <= sizeof(before) / sizeof(*before));
    fixture_ok(clstep_lbfgs_create(fixture_place()->device, NULL, p.layout,
                                   &lbfgs, &error),
               &error);
    fixture_ok(clstep_lbfgs_restore(lbfgs, &progress, &error), &error);
    problem_read(&p, before);
    for (int i = 0; i < 2; i++)
        fails(clstep_lbfgs_step(lbfgs, p.queue, &p.buffers, problem_closure, &p,
                                NULL, &error),
              CLSTEP_INVALID_ARGUMENT, &error,
              "the sum of s1 times y1 is 0, and of a pair it is more than 0");
    problem_read(&p, after);
    assert_memory_equal(before, after, p.count * sizeof(*before));
    fixture_ok(clstep_lbfgs_reset(lbfgs, &error), &error);
    fixture_ok(clstep_lbfgs_step(lbfgs, p.queue, &p.buffers, problem_closure,
                                 &p, NULL, &error),
               &error);
    clstep_lbfgs_release(lbfgs);
    problem_close(&p);
}

static void bad_states_are_refused(void **state)
{
    static const clstep_lbfgs_progress bad[] = {
        {.iterations = 20, .pairs = 11},
        {.iterations = 3, .pairs = 3},
        {.iterations = 0, .pairs = 1},
        {.iterations = 2, .pairs = UINT64_MAX},
        {.iterations = UINT64_MAX, .pairs = 10},
        {.iterations = 20, .evaluations = UINT64_MAX}};
    static const clstep_setting few[] = {{"max_iterations", 3, NULL}, {0}};
    const cl_command_queue queue = fixture_place()->queue;
    clstep_lbfgs_progress progress;
    struct problem p;
    clstep_lbfgs *lbfgs;
    clstep_error error;
    float data[16] = {0};

    (void)state;
    problem_open(&p, wells, NULL, counts, wells_start);
    fixture_ok(clstep_lbfgs_create(fixture_place()->device,
                                   fixture_is_small() ? few : NULL, p.layout,
                                   &lbfgs, &error),
               &error);
    assert_null(clstep_lbfgs_slot(lbfgs, 0));
    fails(clstep_lbfgs_read(lbfgs, queue, "base", 0, 1, data, &error),
          CLSTEP_INVALID_ARGUMENT, &error,
          "lbfgs has no slot 'base' after 0 iterations");
    fixture_ok(clstep_lbfgs_step(lbfgs, queue, &p.buffers, problem_closure, &p,
                                 NULL, &error),
               &error);
    clstep_lbfgs_state(lbfgs, &progress);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        clstep_lbfgs_progress after;

        fails(clstep_lbfgs_restore(lbfgs, &bad[i], &error), CLSTEP_OUT_OF_RANGE,
              &error,
              bad[i].iterations > INT64_MAX    ? "iterations is "
              : bad[i].evaluations > INT64_MAX ? "evaluations is "
                                               : "pairs is ");
        clstep_lbfgs_state(lbfgs, &after);
        assert_memory_equal(&after, &progress, sizeof(after));
    }

    const struct {
        clstep_lbfgs *lbfgs;
        const char *slot;
        uint64_t offset, count;
        float *data;
        cl_command_queue queue;
        const char *words;
    } calls[] = {
        {NULL, "base", 0, 1, data, queue, "lbfgs is NULL"},
        {lbfgs, NULL, 0, 1, data, queue, "slot is NULL"},
        {lbfgs, "base", 0, 1, NULL, queue, "data is NULL"},
        {lbfgs, "base", 0, 1, data, NULL, "queue is NULL"},
        {lbfgs, "s0", 0, 1, data, queue, "lbfgs has no slot 's0'"},
        {lbfgs, "s11", 0, 1, data, queue, "lbfgs has no slot 's11'"},
        {lbfgs, "y1", 510, 10, data, queue,
         "slot y1 has 519 elements, too few for 10 from offset 510"},
        {lbfgs, "y1", UINT64_MAX, 2, data, queue, "slot y1 has 519 elements"},
    };

    for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
        fails(clstep_lbfgs_read(calls[i].lbfgs, calls[i].queue, calls[i].slot,
                                calls[i].offset, calls[i].count, calls[i].data,
                                &error),
              CLSTEP_INVALID_ARGUMENT, &error, calls[i].words);
        fails(clstep_lbfgs_write(calls[i].lbfgs, calls[i].queue, calls[i].slot,
                                 calls[i].offset, calls[i].count, calls[i].data,
                                 &error),
              CLSTEP_INVALID_ARGUMENT, &error, calls[i].words);
    }
    fails(clstep_lbfgs_reset(NULL, &error), CLSTEP_INVALID_ARGUMENT, &error,
          "lbfgs is NULL");
    fails(clstep_lbfgs_restore(NULL, &progress, &error),
          CLSTEP_INVALID_ARGUMENT, &error, "lbfgs is NULL");
    fails(clstep_lbfgs_restore(lbfgs, NULL, &error), CLSTEP_INVALID_ARGUMENT,
          &error, "progress is NULL");
    clstep_lbfgs_state(NULL, &progress);
    assert_int_equal(progress.iterations, 0);
    clstep_lbfgs_state(lbfgs, NULL);
    assert_null(clstep_lbfgs_slot(NULL, 0));
    fixture_ok(clstep_lbfgs_reset(lbfgs, &error), &error);
    assert_null(clstep_lbfgs_slot(lbfgs, 0));
    clstep_lbfgs_release(lbfgs);
    problem_close(&p);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_are_checked),
        cmocka_unit_test(it_is_listed_and_no_rule),
        cmocka_unit_test(bad_calls_change_nothing),
        cmocka_unit_test(a_failing_closure_is_told),
        cmocka_unit_test(pairs_that_are_none_are_refused),
        cmocka_unit_test(bad_states_are_refused),
    };

    return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
