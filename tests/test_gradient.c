/*
 * test_gradient.c - the gradient check
 * SPDX-License-Identifier: MIT
 *
 * The loss is a function whose gradient is known, computed on the host from
 * what the device's buffer holds.
 */
#define _POSIX_C_SOURCE 200809L
#include "fixture.h"
#include "scene.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { TENSORS = 4, COUNT = 2048, FRONT = 5, TOTAL = FRONT + COUNT };

/* A matrix, a tensor without elements, a scalar and a vector. */
struct model {
    clstep_layout *layout;
    cl_mem parameters, gradients;
    float w[TOTAL], g[TOTAL];
    unsigned calls;
    unsigned fails_at; /* the call that fails, or 0 */
    double bad_loss;   /* what it gives, or 0 for a code */
    double rounding;   /* the loss is a multiple of it; 0: a double's */
    bool wipes;        /* it overwrites the gradients */
};

/* sum of w^3 / 3 + w cos(i) + 2. */
static int loss(void *user, double *out)
{
    struct model *m = user;
    static float w[TOTAL];
    const float zeros[TOTAL] = {0};

    if (++m->calls == m->fails_at) {
        *out = m->bad_loss;
        return m->bad_loss == 0.0 ? 7 : 0;
    }
    if (m->wipes)
        assert_int_equal(
            clEnqueueWriteBuffer(fixture_place()->queue, m->gradients, CL_TRUE,
                                 0, sizeof(zeros), zeros, 0, NULL, NULL),
            CL_SUCCESS);
    fixture_read(m->parameters, w, TOTAL);
    *out = 2.0;
    for (size_t i = FRONT; i < TOTAL; i++)
        *out += pow((double)w[i], 3.0) / 3.0 + (double)w[i] * cos((double)i);
    if (m->rounding != 0.0)
        *out = m->rounding * nearbyint(*out / m->rounding);
    return 0;
}

static void open_model(struct model *m)
{
    static const uint64_t shapes[TENSORS][2] = {{10, 30}, {0, 3}, {0}, {700}};
    static const size_t ranks[TENSORS] = {2, 2, 0, 1};
    struct trial_random random = {fixture_seed()};
    clstep_error error;

    memset(m, 0, sizeof(*m));
    fixture_ok(clstep_layout_create(&m->layout, &error), &error);
    for (size_t t = 0; t < TENSORS; t++)
        fixture_ok(clstep_layout_add(m->layout, (char[]){(char)('a' + t), 0},
                                     ranks[t], shapes[t], 0, &error),
                   &error);
    assert_true(clstep_layout_count(m->layout) <= COUNT);
    for (size_t i = 0; i < TOTAL; i++) {
        m->w[i] = (float)(4.0 * trial_random_unit(&random) - 2.0);
        if (i == FRONT + 512)
            m->w[i] = 1.5f; /* the scalar, whose gradient is not small */
        m->g[i] = (float)((double)m->w[i] * (double)m->w[i] + cos((double)i));
    }
    m->parameters = fixture_buffer(TOTAL, m->w);
    m->gradients = fixture_buffer(TOTAL, m->g);
}

static void close_model(struct model *m)
{
    clReleaseMemObject(m->parameters);
    clReleaseMemObject(m->gradients);
    clstep_layout_release(m->layout);
}

static clstep_status
check(struct model *m, const clstep_gradient_options *options,
      clstep_gradient_result results[TENSORS], clstep_error *error)
{
    return clstep_check_gradient(m->layout, fixture_place()->queue,
                                 m->parameters, FRONT, m->gradients, FRONT,
                                 loss, m, options, results, error);
}

/* No bit of the parameters is another. */
static void check_parameters(const struct model *m)
{
    float w[TOTAL];

    fixture_read(m->parameters, w, TOTAL);
    assert_memory_equal(w, m->w, sizeof(w));
}

static void write_gradients(const struct model *m)
{
    assert_int_equal(clEnqueueWriteBuffer(fixture_place()->queue, m->gradients,
                                          CL_TRUE, 0, sizeof(m->g), m->g, 0,
                                          NULL, NULL),
                     CL_SUCCESS);
}

/* --- what is found -------------------------------------------------------- */

static void right_gradients_agree(void **state)
{
    const clstep_gradient_options all = {.samples = UINT64_MAX,
                                         .precision = 0x1p-52};
    clstep_gradient_result results[TENSORS];
    struct model m;
    clstep_error error;

    (void)state;
    open_model(&m);
    fixture_ok(check(&m, NULL, results, &error), &error);
    assert_true(m.calls == 2 * (16 + 0 + 1 + 16));
    for (size_t t = 0; t < TENSORS; t++)
        assert_int_equal(results[t].samples, t == 1 ? 0 : t == 2 ? 1 : 16);
    check_parameters(&m);

    /* The loss is allowed to overwrite the gradients. */
    m.wipes = true;
    fixture_ok(check(&m, &all, results, &error), &error);
    for (size_t t = 0; t < TENSORS; t++) {
        clstep_tensor tensor;

        clstep_layout_tensor(m.layout, t, &tensor);
        assert_true(results[t].samples == tensor.count);
        assert_true(results[t].error < 1e-4);
        assert_true(results[t].noise < 1e-6);
        assert_int_equal(results[t].agreement, CLSTEP_AGREES);
    }
    check_parameters(&m);
    close_model(&m);
}

static void mistakes_are_found(void **state)
{
    const clstep_gradient_options options = {
        .samples = 64, .seed = fixture_seed(), .precision = 0x1p-50};
    clstep_gradient_result results[TENSORS];
    clstep_tensor tensor;
    struct model m;
    clstep_error error;

    (void)state;
    open_model(&m);
    clstep_layout_tensor(m.layout, 3, &tensor);

    /* Twice too large in one tensor: the others are right. */
    for (uint64_t i = 0; i < tensor.count; i++)
        m.g[FRONT + tensor.offset + i] *= 2.0f;
    write_gradients(&m);
    fixture_ok(check(&m, &options, results, &error), &error);
    assert_int_equal(results[0].agreement, CLSTEP_AGREES);
    assert_int_equal(results[2].agreement, CLSTEP_AGREES);
    assert_int_equal(results[3].agreement, CLSTEP_WRONG);
    assert_true(fabs(results[3].error - 0.5) < 1e-3);

    /* One element of a tensor that is tried whole. */
    for (uint64_t i = 0; i < tensor.count; i++)
        m.g[FRONT + tensor.offset + i] /= 2.0f;
    m.g[FRONT + tensor.offset + 699] += 8.0f;
    write_gradients(&m);

    const clstep_gradient_options all = {.samples = 700, .precision = 0x1p-50};

    fixture_ok(check(&m, &all, results, &error), &error);
    assert_int_equal(results[3].agreement, CLSTEP_WRONG);
    assert_true(results[3].worst == 699);
    assert_true(results[3].analytic ==
                (double)m.g[FRONT + tensor.offset + 699]);
    assert_true(fabs(results[3].analytic - results[3].numeric - 8.0) < 1e-3);

    /* Half a per cent. */
    m.g[FRONT + tensor.offset + 699] -= 8.0f;
    for (uint64_t i = 0; i < tensor.count; i++)
        m.g[FRONT + tensor.offset + i] *= 1.005f;
    write_gradients(&m);
    fixture_ok(check(&m, &options, results, &error), &error);
    assert_int_equal(results[3].agreement, CLSTEP_SUSPICIOUS);

    /* A NaN, and zeros where the gradient is not zero. */
    for (uint64_t i = 0; i < tensor.count; i++)
        m.g[FRONT + tensor.offset + i] = 0.0f;
    clstep_layout_tensor(m.layout, 2, &tensor);
    m.g[FRONT + tensor.offset] = NAN;
    write_gradients(&m);
    fixture_ok(check(&m, &options, results, &error), &error);
    assert_int_equal(results[0].agreement, CLSTEP_AGREES);
    assert_int_equal(results[2].agreement, CLSTEP_WRONG);
    assert_true(isinf(results[2].error) && isnan(results[2].analytic));
    assert_int_equal(results[3].agreement, CLSTEP_WRONG);
    assert_true(results[3].error == 1.0);
    check_parameters(&m);
    close_model(&m);
}

/* Where the loss is coarse, nothing that is right is called wrong. */
static void noise_is_not_a_mistake(void **state)
{
    clstep_gradient_options options = {.samples = 32, .precision = 0x1p-24};
    clstep_gradient_result results[TENSORS];
    struct model m;
    clstep_error error;

    (void)state;
    open_model(&m);
    fixture_ok(check(&m, &options, results, &error), &error);
    assert_int_equal(results[0].agreement, CLSTEP_AGREES);
    for (int bits = 12; bits < 24; bits++) {
        double value;

        m.rounding = 0.0;
        loss(&m, &value);
        m.rounding = ldexp(1.0, -bits + ilogb(value));
        options.precision = ldexp(1.0, -bits);
        fixture_ok(check(&m, &options, results, &error), &error);
        for (size_t t = 0; t < TENSORS; t++)
            assert_int_not_equal(results[t].agreement, CLSTEP_WRONG);
        if (bits == 12)
            assert_int_equal(results[0].agreement, CLSTEP_SUSPICIOUS);
    }

    /* A step that no parameter feels compares nothing, with zeros either. */
    options.step = 1e-12;
    memset(m.g, 0, sizeof(m.g));
    write_gradients(&m);
    fixture_ok(check(&m, &options, results, &error), &error);
    assert_true(isnan(results[0].error));
    assert_int_equal(results[0].agreement, CLSTEP_SUSPICIOUS);
    check_parameters(&m);
    close_model(&m);
}

/* The same seed tries the same elements, another one others; all differ. */
static void samples_are_drawn(void **state)
{
    clstep_gradient_result a[TENSORS], b[TENSORS];
    clstep_gradient_options options = {.samples = 8};
    bool differs = false;
    struct model m;
    clstep_error error;

    (void)state;
    open_model(&m);
    for (uint64_t seed = 0; seed < 4; seed++) {
        options.seed = 0;
        fixture_ok(check(&m, &options, a, &error), &error);
        options.seed = seed;
        fixture_ok(check(&m, &options, b, &error), &error);
        differs = differs || a[3].worst != b[3].worst;
        if (seed == 0)
            assert_memory_equal(&a[3], &b[3], sizeof(a[3]));
    }
    assert_true(differs);
    close_model(&m);
}

static void *open_later(void *event)
{
    const struct timespec pause = {0, 100000000};

    nanosleep(&pause, NULL);
    clSetUserEventStatus(event, CL_COMPLETE);
    return NULL;
}

/* What computes the gradients is in front, on an out-of-order queue, and has
 * not run yet: it waits for an event that another thread sets. */
static void commands_in_front_are_waited_for(void **state)
{
    const struct trial_place *place = fixture_place();
    const clstep_gradient_options options = {.precision = 0x1p-52};
    cl_command_queue_properties properties = 0;
    const float wrong[TOTAL] = {0};
    clstep_gradient_result results[TENSORS];
    struct model m;
    clstep_error error;
    pthread_t thread;
    cl_int code;

    (void)state;
    clGetDeviceInfo(fixture_id(), CL_DEVICE_QUEUE_PROPERTIES,
                    sizeof(properties), &properties, NULL);
    if (scene_is_simulated() ||
        (properties & CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE) == 0) {
        print_message("skipped: no out-of-order queues\n");
        skip();
    }

    cl_command_queue queue =
        clCreateCommandQueue(place->context, fixture_id(),
                             CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE, &code);

    assert_int_equal(code, CL_SUCCESS);

    cl_event start = clCreateUserEvent(place->context, &code);

    assert_int_equal(code, CL_SUCCESS);
    open_model(&m);
    assert_int_equal(clEnqueueWriteBuffer(place->queue, m.gradients, CL_TRUE, 0,
                                          sizeof(wrong), wrong, 0, NULL, NULL),
                     CL_SUCCESS);
    assert_int_equal(clEnqueueWriteBuffer(queue, m.gradients, CL_FALSE, 0,
                                          sizeof(m.g), m.g, 1, &start, NULL),
                     CL_SUCCESS);
    assert_int_equal(clFlush(queue), CL_SUCCESS);
    assert_int_equal(pthread_create(&thread, NULL, open_later, start), 0);

    const clstep_status status =
        clstep_check_gradient(m.layout, queue, m.parameters, FRONT, m.gradients,
                              FRONT, loss, &m, &options, results, &error);

    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(clFinish(queue), CL_SUCCESS);
    fixture_ok(status, &error);
    for (size_t t = 0; t < TENSORS; t++)
        assert_int_equal(results[t].agreement, CLSTEP_AGREES);
    check_parameters(&m);
    close_model(&m);
    clReleaseEvent(start);
    clReleaseCommandQueue(queue);
}

/* --- what goes wrong ------------------------------------------------------ */

static void fails(clstep_status status, clstep_status wanted,
                  const clstep_error *error, const char *words)
{
    assert_int_equal(status, wanted);
    assert_int_equal(error->status, wanted);
    if (strstr(error->message, words) == NULL)
        fail_msg("'%s' lacks '%s'", error->message, words);
}

static void failures_change_nothing(void **state)
{
    clstep_gradient_result results[TENSORS], before[TENSORS];
    struct model m;
    clstep_error error;

    (void)state;
    open_model(&m);
    memset(results, 0x5a, sizeof(results));
    memcpy(before, results, sizeof(results));
    for (unsigned at = 1; at <= 8; at++) {
        m.calls = 0;
        m.fails_at = at;
        m.bad_loss = 0.0;
        fails(check(&m, NULL, results, &error), CLSTEP_CALLBACK_FAILED, &error,
              "loss returned 7 for element ");
        check_parameters(&m);
        m.calls = 0;
        m.bad_loss = at % 2 == 0 ? (double)INFINITY : (double)NAN;
        fails(check(&m, NULL, results, &error), CLSTEP_OUT_OF_RANGE, &error,
              at % 2 == 0 ? "loss is inf" : "nan with element");
        check_parameters(&m);
    }
    m.fails_at = 0;
    m.w[FRONT] = INFINITY;
    clReleaseMemObject(m.parameters);
    m.parameters = fixture_buffer(TOTAL, m.w);
    fails(
        check(&m, &(clstep_gradient_options){.samples = 300}, results, &error),
        CLSTEP_OUT_OF_RANGE, &error, "element 0 of tensor 'a' is inf");
    check_parameters(&m);
    assert_memory_equal(results, before, sizeof(results));
    close_model(&m);
}

static void bad_arguments_are_refused(void **state)
{
    static const struct {
        clstep_gradient_options options;
        const char *words;
    } options[] = {
        {{.step = -1.0}, "step is -1; it is above 0 and at most 1"},
        {{.step = 1.5}, "step is 1.5;"},
        {{.step = (double)NAN}, "step is nan;"},
        {{.precision = -1e-9}, "precision is -1e-09; it is above 0"},
        {{.precision = 1.0}, "precision is 1;"},
        {{.precision = (double)NAN}, "precision is nan;"},
    };
    const cl_command_queue queue = fixture_place()->queue;
    clstep_gradient_result results[TENSORS];
    struct model m;
    clstep_error error;

    (void)state;
    open_model(&m);
    for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
        fails(check(&m, &options[i].options, results, &error),
              CLSTEP_OUT_OF_RANGE, &error, options[i].words);

    const struct {
        const clstep_layout *layout;
        cl_command_queue queue;
        cl_mem parameters, gradients;
        uint64_t offsets[2];
        clstep_loss *loss;
        clstep_gradient_result *results;
        const char *words;
    } calls[] = {
        {NULL,
         queue,
         m.parameters,
         m.gradients,
         {0},
         loss,
         results,
         "layout is NULL"},
        {m.layout,
         NULL,
         m.parameters,
         m.gradients,
         {0},
         loss,
         results,
         "queue is NULL"},
        {m.layout,
         queue,
         NULL,
         m.gradients,
         {0},
         loss,
         results,
         "parameters is NULL"},
        {m.layout,
         queue,
         m.parameters,
         NULL,
         {0},
         loss,
         results,
         "gradients is NULL"},
        {m.layout,
         queue,
         m.parameters,
         m.gradients,
         {TOTAL, 0},
         loss,
         results,
         "parameters has 2053 elements, too few for"},
        {m.layout,
         queue,
         m.parameters,
         m.gradients,
         {0, UINT64_MAX},
         loss,
         results,
         "gradients has 2053 elements, too few for"},
        {m.layout,
         queue,
         m.parameters,
         m.parameters,
         {0, 1},
         loss,
         results,
         "parameters and gradients overlap"},
        {m.layout,
         queue,
         m.parameters,
         m.gradients,
         {0},
         NULL,
         results,
         "loss is NULL"},
        {m.layout,
         queue,
         m.parameters,
         m.gradients,
         {0},
         loss,
         NULL,
         "results is NULL"},
    };

    cl_int code;
    cl_mem locked = clCreateBuffer(fixture_place()->context, CL_MEM_WRITE_ONLY,
                                   TOTAL * sizeof(float), NULL, &code);

    assert_int_equal(code, CL_SUCCESS);
    fails(clstep_check_gradient(m.layout, queue, m.parameters, 0, locked, 0,
                                loss, &m, NULL, results, &error),
          CLSTEP_INVALID_ARGUMENT, &error,
          "gradients is a write-only buffer; it is read");
    clReleaseMemObject(locked);
    for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
        fails(clstep_check_gradient(
                  calls[i].layout, calls[i].queue, calls[i].parameters,
                  calls[i].offsets[0], calls[i].gradients, calls[i].offsets[1],
                  calls[i].loss, &m, NULL, calls[i].results, &error),
              CLSTEP_INVALID_ARGUMENT, &error, calls[i].words);
    assert_int_equal(m.calls, 0);
    assert_int_equal(clstep_check_gradient(NULL, queue, m.parameters, 0,
                                           m.gradients, 0, loss, &m, NULL,
                                           results, NULL),
                     CLSTEP_INVALID_ARGUMENT);
    check_parameters(&m);
    close_model(&m);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(right_gradients_agree),
        cmocka_unit_test(mistakes_are_found),
        cmocka_unit_test(noise_is_not_a_mistake),
        cmocka_unit_test(samples_are_drawn),
        cmocka_unit_test(commands_in_front_are_waited_for),
        cmocka_unit_test(failures_change_nothing),
        cmocka_unit_test(bad_arguments_are_refused),
    };

    return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
