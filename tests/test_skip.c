/*
 * test_skip.c - steps that the device skips, and what it counts
 * SPDX-License-Identifier: MIT
 *
 * Every bit against the scalar reference: bad gradients at every place, the
 * dynamic scale, and many calls under way before any has run.
 */
#define _POSIX_C_SOURCE 200809L
#include "scene.h"
#include "sweep.h"
#include "table.h"
#include "whole.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { COUNT = 4400, EDGE = 257, GRADIENTS = 6, CALLS = 300 };

static const struct whole_shape shapes[] = {
    {1, {COUNT}, 0}, {1, {1}, 1}, {2, {3, 100}, 2}, {1, {258}, 0}};
enum { SHAPES = sizeof(shapes) / sizeof(*shapes) };

static float bad_number(size_t index)
{
    return index % 3 == 0 ? NAN : index % 3 == 1 ? INFINITY : -INFINITY;
}

/* --- bad gradients -------------------------------------------------------- */

static uint64_t skipped(struct whole *whole)
{
    struct reference_report report;

    reference_report(whole->reference, &report);
    return report.skipped;
}

/* Takes a step with a bad number at 'at' of the tensor, which is skipped. */
static void bad_step(struct whole *whole, size_t tensor, uint64_t at, float bad)
{
    const uint64_t before = skipped(whole);
    const float was =
        ((float *)whole_g(whole))[whole->tensors[tensor].offset + at];
    clstep_report report;
    clstep_error error;

    whole_poison(whole, tensor, at, bad);
    whole_step(whole);
    assert_int_equal(skipped(whole), before + 1);
    fixture_ok(clstep_optimizer_report(whole->optimizer, queue_of_all(),
                                       &report, NULL, &error),
               &error);
    if (report.skipped != before + 1 || report.skip != 1)
        fail_msg("%g at %llu of tensor %zu was not skipped", (double)bad,
                 (unsigned long long)at, tensor);
    whole_poison(whole, tensor, at, was);
}

/* The first steps of all are skipped, at the first and last places of tensors;
 * then one is taken, and is the first. */
static void skip_everywhere(const clstep_rule *rule,
                            const struct sweep_list *list, size_t offset)
{
    struct whole whole;

    whole_open(&whole, clstep_rule_name(rule), list->settings, shapes, SHAPES,
               fixture_seed());
    for (size_t i = 0; i < EDGE; i++) {
        bad_step(&whole, 0, i, bad_number(i + offset));
        bad_step(&whole, 0, COUNT - 1 - i, bad_number(i + offset + 1));
        bad_step(&whole, 3, i, bad_number(i + offset + 2));
    }
    bad_step(&whole, 1, 0, bad_number(offset));
    whole_check(&whole);
    assert_int_equal(clstep_optimizer_steps(whole.optimizer), 0);
    for (int i = 0; i < 3; i++) {
        whole_gradients(&whole, WHOLE_FINITE);
        whole_step(&whole);
        whole_check(&whole);
        assert_int_equal(clstep_optimizer_group_steps(whole.optimizer, 2),
                         i + 1);
        bad_step(&whole, 2, 299, bad_number(offset));
        whole_check(&whole);
    }
    whole_close(&whole);
}

static void bad_steps_change_nothing(void **state)
{
    const clstep_rule *rule = *state;
    struct sweep_list list;

    for (size_t c = 0; sweep_choices(rule, c, &list); c++) {
        sweep_add(&list, (clstep_setting)NUMBER("check_finite", 1));
        if (c % 2 != 0)
            sweep_add(&list, (clstep_setting)NUMBER("grad_scale", 64));
        for (size_t offset = 0; offset < (c == 0 ? 3 : 1); offset++)
            skip_everywhere(rule, &list, offset + c);
    }
}

/* What is finite, but not once it is divided by the scale; and the reverse is
 * not: an infinity stays one. */
static void the_scale_comes_first(void **state)
{
    const clstep_setting settings[] = {
        NUMBER("check_finite", 1), NUMBER("grad_scale", 0x1p-10), {0}};
    struct whole whole;

    (void)state;
    whole_open(&whole, "adam", settings, shapes, SHAPES, fixture_seed());
    bad_step(&whole, 2, 17, 0x1p120f);
    bad_step(&whole, 2, 17, -0x1p118f);
    whole_poison(&whole, 2, 17, 0x1p117f);
    whole_step(&whole);
    whole_check(&whole);
    assert_int_equal(clstep_optimizer_steps(whole.optimizer), 1);
    whole_close(&whole);
}

/* Padding and frozen groups are not looked at, and zero_grad acts. */
static void only_what_takes_part(void **state)
{
    static const clstep_setting settings[][4] = {
        {NUMBER("check_finite", 1)},
        {NUMBER("check_finite", 1), NUMBER("zero_grad", 1)},
        {NUMBER("check_finite", 1), NUMBER("zero_grad", 1),
         CHOICE("grad_type", "f16")},
    };
    struct whole whole;

    (void)state;
    for (size_t s = 0; s < 3; s++) {
        whole_open(&whole, "adam", settings[s], shapes, SHAPES, fixture_seed());
        for (int i = 0; i < 6; i++) {
            whole_gradients(&whole, i % 2 ? WHOLE_WILD : WHOLE_CALM);
            whole_poison(&whole, 1, 0, INFINITY);
            whole_freeze(&whole, 1, i != 4);
            whole_freeze(&whole, 2, i % 3 == 0);
            whole_step(&whole);
            whole_check(&whole);
        }
        for (size_t g = 0; g < 3; g++)
            whole_freeze(&whole, g, true);
        whole_gradients(&whole, WHOLE_CALM);
        whole_step(&whole);
        whole_check(&whole);
        whole_close(&whole);
    }
}

/* --- the dynamic scale ---------------------------------------------------- */

static float read_scale(struct whole *whole)
{
    float scale = 0.0f;

    fixture_read(clstep_optimizer_scale(whole->optimizer), &scale, 1);
    return scale;
}

static void the_scale_adapts(void **state)
{
    static const clstep_setting settings[] = {
        NUMBER("check_finite", 1),    NUMBER("scale_start", 12),
        NUMBER("scale_growth", 4),    NUMBER("scale_interval", 3),
        NUMBER("scale_backoff", 0.5), {0}};
    static const struct {
        bool bad;
        float scale;
        uint32_t steps;
    } sequence[] = {
        {false, 12, 1}, {false, 12, 2}, {false, 48, 0}, {false, 48, 1},
        {true, 24, 0},  {true, 12, 0},  {false, 12, 1}, {false, 12, 2},
        {true, 6, 0},   {false, 6, 1},  {false, 6, 2},  {false, 24, 0},
    };
    struct whole whole;

    (void)state;
    whole_open(&whole, "adam", settings, shapes, SHAPES, fixture_seed());
    assert_true(read_scale(&whole) == 12.0f);
    for (size_t i = 0; i < sizeof(sequence) / sizeof(*sequence); i++) {
        clstep_report report;

        whole_gradients(&whole, WHOLE_CALM);
        if (sequence[i].bad)
            whole_poison(&whole, 3, i, bad_number(i));
        whole_step(&whole);
        whole_check(&whole);
        fixture_ok(clstep_optimizer_report(whole.optimizer, queue_of_all(),
                                           &report, NULL, NULL),
                   NULL);
        assert_true(report.scale == sequence[i].scale);
        assert_int_equal(report.scale_steps, sequence[i].steps);
        assert_int_equal(report.skip, sequence[i].bad);
        assert_true(read_scale(&whole) == sequence[i].scale);
    }
    whole_close(&whole);
}

/* Growth that overflows is left out; backing off stops at the smallest normal
 * float. */
static void the_scale_at_its_ends(void **state)
{
    static const clstep_setting settings[][5] = {
        {NUMBER("check_finite", 1), NUMBER("scale_start", 3e38),
         NUMBER("scale_interval", 1)},
        {NUMBER("check_finite", 1), NUMBER("scale_start", 2e-38),
         NUMBER("scale_backoff", 0x1p-20)},
    };
    struct whole whole;

    (void)state;
    for (size_t s = 0; s < 2; s++) {
        whole_open(&whole, "momentum", settings[s], shapes, SHAPES,
                   fixture_seed());
        for (int i = 0; i < 5; i++) {
            whole_gradients(&whole, s == 1 ? WHOLE_WILD : WHOLE_CALM);
            whole_step(&whole);
            whole_check(&whole);
        }
        assert_true(read_scale(&whole) == (s == 1 ? 0x1p-126f : 3e38f));
        whole_close(&whole);
    }
}

static void the_scale_in_the_callers_buffer(void **state)
{
    static const clstep_setting settings[][4] = {
        {NUMBER("device_scale", 1)},
        {NUMBER("device_scale", 1), NUMBER("check_finite", 1)},
        {NUMBER("device_scale", 1), NUMBER("clip_norm", 0.5)},
    };
    static const float scales[] = {1.0f,      65536.0f, 3.0f,
                                   0x1p-126f, 0.0f,     0x1p-149f};
    struct whole whole;

    (void)state;
    for (size_t s = 0; s < 3; s++) {
        whole_open(&whole, "adam", settings[s], shapes, SHAPES, fixture_seed());
        for (size_t i = 0; i < sizeof(scales) / sizeof(*scales); i++) {
            whole_scale(&whole, scales[i]);
            whole_gradients(&whole, WHOLE_CALM);
            whole_step(&whole);
            whole_check(&whole);
        }
        whole_close(&whole);
    }
}

/* --- many calls under way ------------------------------------------------- */

/* Gradients that are there before the first call, some of them bad. */
struct supply {
    cl_mem buffers[GRADIENTS];
    float *copies[GRADIENTS];
};

static void fill_supply(struct whole *whole, struct supply *supply)
{
    const size_t bytes =
        (WHOLE_FRONT + whole->count + WHOLE_BACK) * sizeof(float);

    for (size_t i = 0; i < GRADIENTS; i++) {
        cl_int code;

        whole_gradients(whole, i % 3 == 2 ? WHOLE_WILD : WHOLE_CALM);
        supply->copies[i] = test_malloc(bytes);
        memcpy(supply->copies[i], whole->g, bytes);
        supply->buffers[i] = clCreateBuffer(
            fixture_place()->context, CL_MEM_READ_WRITE | CL_MEM_COPY_HOST_PTR,
            bytes, whole->g, &code);
        assert_int_equal(code, CL_SUCCESS);
    }
}

static void release_supply(struct supply *supply)
{
    for (size_t i = 0; i < GRADIENTS; i++) {
        test_free(supply->copies[i]);
        clReleaseMemObject(supply->buffers[i]);
    }
}

/* A call with random gradients and numbers, and the same on the host. */
static void random_call(struct whole *whole, const struct supply *supply,
                        cl_command_queue queue, cl_event start, cl_event *done)
{
    struct trial_random *random = &whole->random;
    const size_t which = trial_random_next(random) % GRADIENTS;
    clstep_buffers buffers = whole->buffers;
    clstep_error error;
    float *kept = whole->g;

    if (trial_random_next(random) % 4 == 0)
        whole_set_group(whole, trial_random_next(random) % 3, "lr",
                        trial_random_unit(random) + 0.001);
    if (trial_random_next(random) % 4 == 0)
        whole_freeze(whole, trial_random_next(random) % 3,
                     trial_random_next(random) % 2 == 0);
    buffers.gradients = supply->buffers[which];
    fixture_ok(clstep_optimizer_step(
                   whole->optimizer, queue, &buffers, start != NULL ? 1 : 0,
                   start != NULL ? &start : NULL, done, &error),
               &error);
    whole->g = supply->copies[which];
    whole_step_host(whole);
    whole->g = kept;
}

static const clstep_setting dynamic[] = {
    NUMBER("check_finite", 1),   NUMBER("scale_start", 16),
    NUMBER("scale_interval", 4), NUMBER("clip_norm", 0.5),
    NUMBER("ema_decay", 0.9),    {0}};

static void *open_later(void *event)
{
    const struct timespec pause = {0, 200000000};

    nanosleep(&pause, NULL);
    clSetUserEventStatus(event, CL_COMPLETE);
    return NULL;
}

/* As many as can be under way return at once; the next one waits. */
static void
many_calls(const char *rule, cl_command_queue first, cl_command_queue second)
{
    cl_command_queue queues[] = {first, second};
    cl_event start = create_event(), last = NULL;
    cl_int status = CL_COMPLETE;
    struct supply supply;
    struct whole whole;
    pthread_t thread;

    whole_open(&whole, rule, dynamic, shapes, SHAPES, fixture_seed());
    fill_supply(&whole, &supply);
    for (int i = 0; i < CLSTEP_IN_FLIGHT; i++)
        random_call(&whole, &supply, queues[i % 2], i == 0 ? start : NULL,
                    i == CLSTEP_IN_FLIGHT - 1 ? &last : NULL);
    assert_int_equal(clGetEventInfo(last, CL_EVENT_COMMAND_EXECUTION_STATUS,
                                    sizeof(status), &status, NULL),
                     CL_SUCCESS);
    assert_true(status > CL_COMPLETE);
    clReleaseEvent(last);
    assert_int_equal(clFlush(first), CL_SUCCESS);
    assert_int_equal(clFlush(second), CL_SUCCESS);
    assert_int_equal(pthread_create(&thread, NULL, open_later, start), 0);
    for (int i = CLSTEP_IN_FLIGHT; i < CALLS; i++)
        random_call(&whole, &supply, queues[i % 2], NULL, NULL);
    assert_int_equal(pthread_join(thread, NULL), 0);
    whole_write_gradients(&whole);
    whole_check(&whole);

    /* And some more, without an event. */
    for (int i = 0; i < 40; i++)
        random_call(&whole, &supply, queues[i % 2], NULL, NULL);
    whole_check(&whole);
    clReleaseEvent(start);
    release_supply(&supply);
    whole_close(&whole);
}

static void many_calls_before_any_runs(void **state)
{
    const bool both = has_out_of_order();
    cl_command_queue queues[] = {create_queue(false), create_queue(false),
                                 create_queue(both), create_queue(both)};

    (void)state;
    many_calls("adam", queues[0], queues[0]);
    many_calls("nadam", queues[0], queues[1]);
    many_calls("momentum", queues[2], queues[2]);
    many_calls("radam", queues[2], queues[3]);
    for (size_t i = 0; i < 4; i++)
        clReleaseCommandQueue(queues[i]);
}

/* A step is seen to have waited for the first of those under way: the event
 * that this one waits for is set by another thread. */
static void one_more_call(const struct whole_shape *some, size_t count,
                          const clstep_setting *settings, unsigned most)
{
    cl_command_queue queue = create_queue(false);
    cl_event start = create_event(), first = NULL;
    cl_int status = CL_QUEUED;
    struct whole whole;
    pthread_t thread;

    whole_open(&whole, "adam", settings, some, count, fixture_seed());
    assert_int_equal(whole.optimizer->table->most, most);
    for (unsigned i = 0; i < most; i++) {
        whole_step_device(&whole, queue, i == 0, i == 0 ? &start : NULL,
                          i == 0 ? &first : NULL);
        whole_step_host(&whole);
    }
    assert_int_equal(clFlush(queue), CL_SUCCESS);
    assert_int_equal(pthread_create(&thread, NULL, open_later, start), 0);
    whole_step_device(&whole, queue, 0, NULL, NULL);
    whole_step_host(&whole);
    assert_int_equal(clGetEventInfo(first, CL_EVENT_COMMAND_EXECUTION_STATUS,
                                    sizeof(status), &status, NULL),
                     CL_SUCCESS);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(status, CL_COMPLETE);
    whole_check(&whole);
    whole_close(&whole);
    clReleaseEvent(first);
    clReleaseEvent(start);
    clReleaseCommandQueue(queue);
}

/* The host sends a row for each step that the next may be, and the table has
 * as many; very many groups make both fewer. */
static void one_call_more_than_can_be_under_way(void **state)
{
    enum { MANY = 5000 };
    static const clstep_setting settings[][2] = {{NUMBER("check_finite", 1)},
                                                 {NUMBER("clip_norm", 0.5)}};
    static struct whole_shape many[MANY];

    (void)state;
    for (size_t i = 0; i < MANY; i++)
        many[i] = (struct whole_shape){1, {1 + i % 3}, i};
    one_more_call(shapes, SHAPES, settings[0], CLSTEP_IN_FLIGHT);
    one_more_call(shapes, SHAPES, settings[1], CLSTEP_IN_FLIGHT);
    one_more_call(many, MANY, settings[0], CLSTEP_IN_FLIGHT / 2);
}

/* The optimizer goes while its calls wait; then they run, and are right. */
static void release_while_calls_wait(void **state)
{
    cl_command_queue queue = create_queue(false);
    struct whole whole;

    (void)state;
    for (int calls = 1; calls < 20; calls += 6) {
        cl_event start = create_event(), done = NULL;
        struct supply supply;

        whole_open(&whole, "adam", dynamic, shapes, SHAPES, fixture_seed());
        fill_supply(&whole, &supply);
        for (int i = 0; i < calls; i++)
            random_call(&whole, &supply, queue, i == 0 ? start : NULL,
                        i == calls - 1 ? &done : NULL);
        assert_int_equal(clFlush(queue), CL_SUCCESS);
        clstep_optimizer_release(whole.optimizer);
        whole.optimizer = NULL;
        set_event(start, CL_COMPLETE);
        clReleaseEvent(start);
        assert_int_equal(clWaitForEvents(1, &done), CL_SUCCESS);
        clReleaseEvent(done);
        fixture_read(whole.buffers.parameters, whole.scratch,
                     WHOLE_FRONT + whole.count);
        for (size_t t = 0; t < SHAPES; t++)
            check_floats("parameters",
                         (float *)whole.scratch + WHOLE_FRONT +
                             whole.tensors[t].offset,
                         whole_w(&whole) + whole.tensors[t].offset,
                         whole.tensors[t].count);
        release_supply(&supply);
        whole_close(&whole);
    }
    clReleaseCommandQueue(queue);
}

/* --- between calls -------------------------------------------------------- */

static void reset_reference(struct whole *whole)
{
    struct reference_report report = {.scale = 16.0f};
    const char *slot;

    for (size_t i = 0;
         (slot = reference_slot_name(whole->reference, i)) != NULL; i++)
        memset(reference_slot(whole->reference, slot), 0,
               whole->count * sizeof(float));
    reference_set_steps(whole->reference, 0);
    reference_resume(whole->reference, &report);
}

/* What a caller may do to the state, at once after calls that still run. */
static void meddle(struct whole *whole, cl_command_queue queue, unsigned how)
{
    struct trial_random *random = &whole->random;
    const uint64_t steps = trial_random_next(random) % 50;
    const size_t group = trial_random_next(random) % 3;
    const uint64_t at = trial_random_next(random) % COUNT;
    float *slot = reference_slot(whole->reference, "exp_avg");
    float data[100] = {0};
    clstep_report report;
    clstep_error error = {0};
    clstep_status status = CLSTEP_OK;

    switch (how) {
    case 0:
        status = clstep_optimizer_set_steps(whole->optimizer, steps, &error);
        reference_set_steps(whole->reference, steps);
        break;
    case 1:
        status = clstep_optimizer_set_group_steps(whole->optimizer, group,
                                                  steps, &error);
        reference_set_group_steps(whole->reference, group, steps);
        break;
    case 2:
        status = clstep_optimizer_read(whole->optimizer, queue, "exp_avg", 0,
                                       100, data, &error);
        check_floats("exp_avg", data, slot, 100);
        break;
    case 3:
        trial_random_fill(random, data, 1);
        status = clstep_optimizer_write(whole->optimizer, queue, "exp_avg", at,
                                        1, data, &error);
        slot[at] = data[0];
        break;
    case 4:
        report =
            (clstep_report){.skipped = steps, .scale = 3.0f, .scale_steps = 2};
        status =
            clstep_optimizer_resume(whole->optimizer, queue, &report, &error);
        reference_resume(whole->reference,
                         &(struct reference_report){.skipped = steps,
                                                    .scale = 3.0f,
                                                    .scale_steps = 2});
        break;
    case 5:
        whole_check_report(whole);
        break;
    default:
        break;
    }
    fixture_ok(status, &error);
}

static void state_between_calls(void **state)
{
    cl_command_queue queues[] = {create_queue(false),
                                 create_queue(has_out_of_order())};
    struct supply supply;
    struct whole whole;

    (void)state;
    whole_open(&whole, "adam", dynamic, shapes, SHAPES, fixture_seed());
    fill_supply(&whole, &supply);
    for (unsigned i = 0; i < 100; i++) {
        const unsigned calls = (unsigned)(trial_random_next(&whole.random) % 9);

        for (unsigned k = 0; k < calls; k++)
            random_call(&whole, &supply, queues[k % 2], NULL, NULL);
        meddle(&whole, queues[i % 2],
               (unsigned)(trial_random_next(&whole.random) % 7));
        if (i % 16 == 15)
            whole_check(&whole);
    }
    whole_check(&whole);
    release_supply(&supply);
    whole_close(&whole);
    clReleaseCommandQueue(queues[0]);
    clReleaseCommandQueue(queues[1]);
}

static void reset_between_calls(void **state)
{
    cl_command_queue queue = create_queue(false);
    struct supply supply;
    struct whole whole;

    (void)state;
    whole_open(&whole, "adam", dynamic, shapes, SHAPES, fixture_seed());
    fill_supply(&whole, &supply);
    for (int i = 0; i < 6; i++) {
        cl_event start = create_event();
        clstep_report report;
        struct reference_report expected;
        clstep_error error;

        for (int k = 0; k < 5; k++)
            random_call(&whole, &supply, queue, k == 0 ? start : NULL, NULL);

        /* Does not wait, though nothing has run yet. */
        fixture_ok(clstep_optimizer_reset(whole.optimizer, queue, &error),
                   &error);
        reset_reference(&whole);
        for (int k = 0; k < i; k++)
            random_call(&whole, &supply, queue, NULL, NULL);
        set_event(start, CL_COMPLETE);
        clReleaseEvent(start);
        fixture_ok(clstep_optimizer_report(whole.optimizer, queue, &report,
                                           NULL, &error),
                   &error);

        /* Until a call after the reset finds a group that is not frozen, the
         * reference tells the norm before it. */
        reference_report(whole.reference, &expected);
        if (reference_steps(whole.reference) + expected.skipped != 0)
            whole_check(&whole);
    }
    release_supply(&supply);
    whole_close(&whole);
    clReleaseCommandQueue(queue);
}

/* Calls that wait for an event which another thread sets, none of which is
 * known to have been a step: the first is skipped, and group 1 is frozen. */
static void steps_under_way(struct whole *whole, cl_command_queue queue,
                            cl_event start, pthread_t *thread)
{
    cl_mem good = whole->buffers.gradients;
    float *g = whole_g(whole);
    const float was = g[0];
    cl_int code;

    whole_freeze(whole, 1, true);
    g[0] = NAN;
    whole->buffers.gradients = clCreateBuffer(
        fixture_place()->context, CL_MEM_READ_WRITE | CL_MEM_COPY_HOST_PTR,
        (WHOLE_FRONT + whole->count + WHOLE_BACK) * sizeof(float), whole->g,
        &code);
    assert_int_equal(code, CL_SUCCESS);
    whole_step_device(whole, queue, 1, &start, NULL);
    whole_step_host(whole);
    clReleaseMemObject(whole->buffers.gradients);
    whole->buffers.gradients = good;
    g[0] = was;
    for (int i = 0; i < 3; i++) {
        whole_step_device(whole, queue, 0, NULL, NULL);
        whole_step_host(whole);
    }
    assert_int_equal(clFlush(queue), CL_SUCCESS);
    assert_int_equal(pthread_create(thread, NULL, open_later, start), 0);
}

/* Which groups have an average is known when the first steps have run. */
static void swap_behind_the_first_steps(void **state)
{
    static const clstep_setting settings[] = {
        NUMBER("check_finite", 1), NUMBER("ema_decay", 0.5), {0}};
    cl_command_queue queue = create_queue(false);
    cl_event start = create_event();
    struct whole whole;
    clstep_error error;
    pthread_t thread;

    (void)state;
    whole_open(&whole, "adam", settings, shapes, SHAPES, fixture_seed());
    steps_under_way(&whole, queue, start, &thread);
    for (int i = 0; i < 2; i++) {
        fixture_ok(clstep_optimizer_swap(whole.optimizer, queue, &whole.buffers,
                                         0, NULL, NULL, &error),
                   &error);
        reference_swap(whole.reference, whole_w(&whole));
        if (i == 0)
            assert_int_equal(pthread_join(thread, NULL), 0);
        whole_check(&whole);
    }
    whole_close(&whole);
    clReleaseEvent(start);
    clReleaseCommandQueue(queue);
}

/* The same of a schedule-free rule's groups. */
static void evaluate_behind_the_first_steps(void **state)
{
    static const clstep_setting settings[] = {NUMBER("check_finite", 1), {0}};
    cl_command_queue queue = create_queue(false);
    cl_event start = create_event(), done = NULL;
    struct whole whole;
    clstep_error error;
    pthread_t thread;

    (void)state;
    whole_open(&whole, "schedule_free_adamw", settings, shapes, SHAPES,
               fixture_seed());

    float *expected = test_calloc(whole.count, sizeof(*expected));
    float *found = test_calloc(whole.count, sizeof(*found));
    cl_mem output = fixture_buffer(whole.count, NULL);

    steps_under_way(&whole, queue, start, &thread);
    fixture_ok(clstep_optimizer_evaluate(whole.optimizer, queue, &whole.buffers,
                                         output, 0, 0, NULL, &done, &error),
               &error);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(clWaitForEvents(1, &done), CL_SUCCESS);
    fixture_read(output, found, whole.count);
    assert_true(reference_evaluate(whole.reference, whole_w(&whole), expected));
    for (size_t t = 0; t < SHAPES; t++)
        check_floats("what it is evaluated at", found + whole.tensors[t].offset,
                     expected + whole.tensors[t].offset,
                     whole.tensors[t].count);
    whole_check(&whole);
    test_free(expected);
    test_free(found);
    clReleaseMemObject(output);
    clReleaseEvent(done);
    whole_close(&whole);
    clReleaseEvent(start);
    clReleaseCommandQueue(queue);
}

/* A report with an event is of the calls before it, not of those behind. */
static void reports_are_in_order(void **state)
{
    enum { REPORTS = 40 };
    cl_command_queue queues[] = {create_queue(has_out_of_order()),
                                 create_queue(false)};
    static clstep_report reports[REPORTS];
    struct reference_report expected[REPORTS];
    cl_event start = create_event(), done[REPORTS];
    struct supply supply;
    struct whole whole;

    (void)state;
    whole_open(&whole, "adam", dynamic, shapes, SHAPES, fixture_seed());
    fill_supply(&whole, &supply);
    for (int i = 0; i < REPORTS; i++) {
        clstep_error error;

        random_call(&whole, &supply, queues[i % 2], i == 0 ? start : NULL,
                    NULL);
        fixture_ok(clstep_optimizer_report(whole.optimizer, queues[i / 2 % 2],
                                           &reports[i], &done[i], &error),
                   &error);
        reference_report(whole.reference, &expected[i]);
    }
    clFlush(queues[0]);
    clFlush(queues[1]);
    set_event(start, CL_COMPLETE);
    clReleaseEvent(start);
    for (int i = 0; i < REPORTS; i++) {
        assert_int_equal(clWaitForEvents(1, &done[i]), CL_SUCCESS);
        clReleaseEvent(done[i]);
        assert_int_equal(reports[i].steps, expected[i].steps);
        assert_int_equal(reports[i].skipped, expected[i].skipped);
        assert_int_equal(reports[i].scale_steps, expected[i].scale_steps);
        check_floats("the scale", &reports[i].scale, &expected[i].scale, 1);
        check_floats("the norm", &reports[i].norm, &expected[i].norm, 1);
    }
    whole_check(&whole);
    release_supply(&supply);
    whole_close(&whole);
    clReleaseCommandQueue(queues[0]);
    clReleaseCommandQueue(queues[1]);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_scale_comes_first),
        cmocka_unit_test(only_what_takes_part),
        cmocka_unit_test(the_scale_adapts),
        cmocka_unit_test(the_scale_at_its_ends),
        cmocka_unit_test(the_scale_in_the_callers_buffer),
        cmocka_unit_test(state_between_calls),
        cmocka_unit_test(reset_between_calls),
        cmocka_unit_test(reports_are_in_order),
        cmocka_unit_test(many_calls_before_any_runs),
        cmocka_unit_test(one_call_more_than_can_be_under_way),
        cmocka_unit_test(release_while_calls_wait),
        cmocka_unit_test(swap_behind_the_first_steps),
        cmocka_unit_test(evaluate_behind_the_first_steps),
    };
    static const struct property properties[] = {
        {"bad steps change nothing", bad_steps_change_nothing},
    };

    if (scene_is_simulated())
        return puts("skipped: Oclgrind has no asynchronous queues"), 77;
    return run_properties("skip", tests, sizeof(tests) / sizeof(*tests),
                          properties, sizeof(properties) / sizeof(*properties));
}
