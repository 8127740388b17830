/*
 * test_evaluate.c - the parameters that a schedule-free rule is evaluated at
 * SPDX-License-Identifier: MIT
 */
#include "whole.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct whole_shape shapes[] = {
    {1, {300}, 0}, {1, {0}, 1}, {2, {5, 77}, 2}, {1, {1}, 0}, {1, {257}, 1}};
enum { SHAPES = sizeof(shapes) / sizeof(*shapes), OFFSET = 3 };

static const float guard = -77.0f;

static bool same(float a, float b)
{
    return memcmp(&a, &b, sizeof(a)) == 0 || (isnan(a) && isnan(b));
}

/* What docs/numerics.md says of one number, 'b' being beta1 or momentum. */
static float evaluated(float w, float z, uint64_t steps, double b)
{
    const float factor = (float)(1.0 - 1.0 / b);
    const float distance = z - w;
    const float way = factor * distance;

    return steps == 0 ? w : w + way;
}

static cl_mem open_output(const struct whole *whole)
{
    const size_t count = (size_t)whole->count + 2 * OFFSET;
    float *x = malloc(count * sizeof(*x));

    assert_non_null(x);
    for (size_t i = 0; i < count; i++)
        x[i] = guard;

    cl_mem output = fixture_buffer(count, x);

    free(x);
    return output;
}

/* Compares with each group's own number, and what is around. */
static void check_output(struct whole *whole, cl_mem output, const double *b)
{
    const size_t count = (size_t)whole->count + 2 * OFFSET;
    const float *w = whole_w(whole), *z = reference_slot(whole->reference, "z");
    float *x = malloc(count * sizeof(*x));

    assert_non_null(x);
    fixture_read(output, x, count);
    for (size_t i = 0; i < OFFSET; i++)
        assert_true(x[i] == guard && x[count - 1 - i] == guard);
    for (size_t t = 0; t < whole->tensor_count; t++) {
        const struct reference_tensor *tensor = &whole->tensors[t];
        const uint64_t steps =
            reference_group_steps(whole->reference, tensor->group);

        for (uint64_t i = tensor->offset; i < tensor->offset + tensor->count;
             i++)
            if (!same(x[OFFSET + i],
                      evaluated(w[i], z[i], steps, b[tensor->group])))
                fail_msg("%a of tensor %zu is not what %a and %a give",
                         (double)x[OFFSET + i], t, (double)w[i], (double)z[i]);
    }
    free(x);
}

/* Steps and evaluations in turn change nothing else. */
static void
evaluates(const char *rule, const char *name, const clstep_setting *settings)
{
    static const double b[] = {0.9, 0.75, 0.5};
    struct whole whole;
    clstep_error error;

    whole_open(&whole, rule, settings, shapes, SHAPES, fixture_seed());
    for (size_t g = 1; g < 3; g++)
        whole_set_group(&whole, g, name, b[g]);
    whole_freeze(&whole, 1, true);
    for (int i = 0; i < 5; i++) {
        cl_mem output = open_output(&whole);
        cl_event done = NULL;

        if (i == 3)
            whole_freeze(&whole, 1, false);
        fixture_ok(clstep_optimizer_evaluate(
                       whole.optimizer, fixture_place()->queue, &whole.buffers,
                       output, OFFSET, 0, NULL, &done, &error),
                   &error);
        assert_int_equal(clWaitForEvents(1, &done), CL_SUCCESS);
        clReleaseEvent(done);
        check_output(&whole, output, b);
        clReleaseMemObject(output);
        whole_check(&whole);
        whole_gradients(&whole, i == 1 ? WHOLE_WILD : WHOLE_CALM);
        whole_step(&whole);
        whole_check(&whole);
    }
    whole_close(&whole);
}

static void groups_are_evaluated(void **state)
{
    static const clstep_setting settings[][3] = {
        {NUMBER("weight_decay", 0.1)},
        {NUMBER("check_finite", 1), NUMBER("warmup", 3)},
    };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        evaluates("schedule_free_sgd", "momentum", settings[i]);
        evaluates("schedule_free_adamw", "beta1", settings[i]);
    }
}

/* One group has its factor as an argument. */
static void one_group_is_evaluated(void **state)
{
    static const struct whole_shape one[] = {{1, {1027}, 0}};
    static const double b[] = {0.9};
    struct whole whole;
    clstep_error error;

    (void)state;
    whole_open(&whole, "schedule_free_adamw", NULL, one, 1, fixture_seed());
    for (int i = 0; i < 3; i++) {
        cl_mem output = open_output(&whole);

        fixture_ok(clstep_optimizer_evaluate(
                       whole.optimizer, fixture_place()->queue, &whole.buffers,
                       output, OFFSET, 0, NULL, NULL, &error),
                   &error);
        check_output(&whole, output, b);
        clReleaseMemObject(output);
        whole_gradients(&whole, WHOLE_CALM);
        whole_step(&whole);
        whole_check(&whole);
    }
    whole_close(&whole);
}

static void
check_refused(clstep_status status, const char *word, const clstep_error *error)
{
    assert_int_equal(status, CLSTEP_INVALID_ARGUMENT);
    assert_int_equal(error->status, CLSTEP_INVALID_ARGUMENT);
    if (strstr(error->message, word) == NULL)
        fail_msg("'%s' does not say '%s'", error->message, word);
}

static void mistakes_are_refused(void **state)
{
    cl_command_queue queue = fixture_place()->queue;
    struct whole whole;
    clstep_error error;

    (void)state;
    whole_open(&whole, "schedule_free_sgd", NULL, shapes, SHAPES, 1);

    cl_mem output = open_output(&whole), parameters = whole.buffers.parameters;
    const uint64_t from = whole.buffers.parameters_offset;

    check_refused(clstep_optimizer_evaluate(NULL, queue, &whole.buffers, output,
                                            0, 0, NULL, NULL, &error),
                  "optimizer", &error);
    check_refused(clstep_optimizer_evaluate(whole.optimizer, queue, NULL,
                                            output, 0, 0, NULL, NULL, &error),
                  "buffers", &error);
    check_refused(clstep_optimizer_evaluate(whole.optimizer, queue,
                                            &whole.buffers, NULL, 0, 0, NULL,
                                            NULL, &error),
                  "output", &error);
    check_refused(clstep_optimizer_evaluate(
                      whole.optimizer, queue, &whole.buffers, output,
                      2 * OFFSET + 1, 0, NULL, NULL, &error),
                  "output", &error);
    check_refused(clstep_optimizer_evaluate(whole.optimizer, queue,
                                            &whole.buffers, parameters, from, 0,
                                            NULL, NULL, &error),
                  "parameters", &error);

    /* The same memory under another name. */
    size_t size = 0;

    assert_int_equal(
        clGetMemObjectInfo(parameters, CL_MEM_SIZE, sizeof(size), &size, NULL),
        CL_SUCCESS);

    const cl_buffer_region region = {.size = size};
    cl_int code;
    cl_mem part =
        clCreateSubBuffer(parameters, CL_MEM_READ_WRITE,
                          CL_BUFFER_CREATE_TYPE_REGION, &region, &code);

    assert_int_equal(code, CL_SUCCESS);
    check_refused(clstep_optimizer_evaluate(whole.optimizer, queue,
                                            &whole.buffers, part, from, 0, NULL,
                                            NULL, &error),
                  "output overlap", &error);
    clReleaseMemObject(part);

    /* Parameters are read, and the output is written. */
    float *zeros = calloc(1, size);

    assert_non_null(zeros);
    for (int i = 0; i < 2; i++) {
        clstep_buffers buffers = whole.buffers;
        cl_mem locked =
            clCreateBuffer(fixture_place()->context,
                           (i == 0 ? CL_MEM_WRITE_ONLY : CL_MEM_READ_ONLY) |
                               CL_MEM_COPY_HOST_PTR,
                           size, zeros, &code);

        assert_int_equal(code, CL_SUCCESS);
        buffers.parameters = i == 0 ? locked : parameters;
        check_refused(clstep_optimizer_evaluate(
                          whole.optimizer, queue, &buffers,
                          i == 0 ? output : locked, 0, 0, NULL, NULL, &error),
                      i == 0 ? "parameters is a write-only buffer; it is read"
                             : "output is a read-only buffer; it is written",
                      &error);
        buffers.parameters = i == 0 ? parameters : locked;
        fixture_ok(clstep_optimizer_evaluate(whole.optimizer, queue, &buffers,
                                             i == 0 ? locked : output, 0, 0,
                                             NULL, NULL, &error),
                   &error);
        assert_int_equal(clFinish(queue), CL_SUCCESS);
        clReleaseMemObject(locked);
    }
    free(zeros);
    whole_check(&whole);
    whole_close(&whole);

    whole_open(&whole, "adamw", NULL, shapes, SHAPES, 1);
    check_refused(clstep_optimizer_evaluate(whole.optimizer, queue,
                                            &whole.buffers, output, 0, 0, NULL,
                                            NULL, &error),
                  "adamw", &error);
    whole_close(&whole);
    clReleaseMemObject(output);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups_are_evaluated),
        cmocka_unit_test(one_group_is_evaluated),
        cmocka_unit_test(mistakes_are_refused),
    };

    return cmocka_run_group_tests_name("evaluate", tests, fixture_open,
                                       fixture_close);
}
