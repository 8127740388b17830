/*
 * whole.c - see whole.h
 * SPDX-License-Identifier: MIT
 */
#include "whole.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SETTINGS = 64, SCALE_AT = 2, SCALES = 5 };

/* A guard of floats, and one of 16 bits: a number in both types. */
static const float guard = 1.2321f;
static const uint16_t guard_half = 0x3fa5;

static void *array(uint64_t count, size_t size)
{
    void *p = calloc((size_t)count + 1, size);

    assert_non_null(p);
    return p;
}

static uint64_t total_of(const struct whole *whole)
{
    return WHOLE_FRONT + whole->count + WHOLE_BACK;
}

static size_t size_of(enum whole_type type)
{
    return type == WHOLE_F32 ? sizeof(float) : sizeof(uint16_t);
}

float *whole_w(const struct whole *whole)
{
    return whole->w + WHOLE_FRONT;
}

void *whole_g(const struct whole *whole)
{
    return (char *)whole->g + WHOLE_FRONT * size_of(whole->grad_type);
}

uint16_t *whole_c(const struct whole *whole)
{
    return whole->copy_type != WHOLE_F32 ? whole->c + WHOLE_FRONT : NULL;
}

/* --- life ----------------------------------------------------------------- */

static enum whole_type type_of(const clstep_setting *settings, const char *name)
{
    for (; settings != NULL && settings->name != NULL; settings++)
        if (strcmp(settings->name, name) == 0 && settings->choice != NULL)
            return strcmp(settings->choice, "f16") == 0    ? WHOLE_F16
                   : strcmp(settings->choice, "bf16") == 0 ? WHOLE_BF16
                                                           : WHOLE_F32;
    return WHOLE_F32;
}

static bool is_set(const clstep_setting *settings, const char *name)
{
    for (; settings != NULL && settings->name != NULL; settings++)
        if (strcmp(settings->name, name) == 0)
            return settings->value != 0.0;
    return false;
}

/* Fills in the tensors from the layout, as a caller would find them. */
static void
add_tensors(struct whole *whole, const struct whole_shape *shapes, size_t count)
{
    clstep_error error;

    fixture_ok(clstep_layout_create(&whole->layout, &error), &error);
    whole->tensors = array(count, sizeof(*whole->tensors));
    whole->tensor_count = count;
    for (size_t i = 0; i < count; i++) {
        char name[32];
        clstep_tensor tensor;

        snprintf(name, sizeof(name), "t%zu", i);
        fixture_ok(clstep_layout_add(whole->layout, name, shapes[i].rank,
                                     shapes[i].shape, shapes[i].group, &error),
                   &error);
        assert_true(clstep_layout_tensor(whole->layout, i, &tensor));
        whole->tensors[i] = (struct reference_tensor){
            tensor.offset, tensor.count,
            shapes[i].rank >= 2 && tensor.count != 0 ? shapes[i].shape[0] : 0,
            tensor.group};
    }
    whole->count = clstep_layout_count(whole->layout);
    whole->group_count = clstep_layout_groups(whole->layout);
}

void whole_renew(struct whole *whole, const char *rule,
                 const clstep_setting *settings)
{
    struct reference_setting list[MAX_SETTINGS] = {{0}};
    clstep_error error;

    clstep_optimizer_release(whole->optimizer);
    reference_release(whole->reference);
    fixture_ok(clstep_optimizer_create(fixture_place()->device, rule, settings,
                                       whole->layout, &whole->optimizer,
                                       &error),
               &error);
    for (size_t i = 0; settings != NULL && settings[i].name != NULL; i++)
        list[i] = (struct reference_setting){
            settings[i].name, settings[i].value, settings[i].choice};
    whole->reference = reference_create_layout(rule, list, whole->tensors,
                                               whole->tensor_count);
    assert_non_null(whole->reference);
}

static cl_mem create_buffer(size_t bytes, void *from)
{
    cl_int code;
    cl_mem buffer = clCreateBuffer(fixture_place()->context,
                                   CL_MEM_READ_WRITE | CL_MEM_COPY_HOST_PTR,
                                   bytes, from, &code);

    assert_int_equal(code, CL_SUCCESS);
    return buffer;
}

static void create_buffers(struct whole *whole, bool scales)
{
    const uint64_t total = total_of(whole);
    float ones[SCALES] = {1.0f, 1.0f, 1.0f, 1.0f, 1.0f};

    whole->buffers.parameters = create_buffer(total * sizeof(float), whole->w);
    whole->buffers.gradients =
        create_buffer(total * size_of(whole->grad_type), whole->g);
    whole->buffers.parameters_offset = WHOLE_FRONT;
    whole->buffers.gradients_offset = WHOLE_FRONT;
    if (whole->copy_type != WHOLE_F32) {
        whole->buffers.copy = create_buffer(total * sizeof(uint16_t), whole->c);
        whole->buffers.copy_offset = WHOLE_FRONT;
    }
    if (scales) {
        whole->buffers.scale = create_buffer(sizeof(ones), ones);
        whole->buffers.scale_offset = SCALE_AT;
    }
}

void whole_open(struct whole *whole, const char *rule,
                const clstep_setting *settings,
                const struct whole_shape *shapes, size_t count, uint64_t seed)
{
    *whole = (struct whole){.random = {seed},
                            .grad_type = type_of(settings, "grad_type"),
                            .copy_type = type_of(settings, "copy_type")};
    add_tensors(whole, shapes, count);

    const uint64_t total = total_of(whole);

    whole->w = array(total, sizeof(float));
    whole->g = array(total, sizeof(float));
    whole->c = array(total, sizeof(uint16_t));
    whole->scratch = array(total + count, sizeof(float));
    trial_random_fill(&whole->random, whole->w, total);
    for (uint64_t i = 0; i < total; i++) {
        if (i < WHOLE_FRONT || i >= WHOLE_FRONT + whole->count)
            whole->w[i] = guard;
        whole->c[i] = guard_half;
    }
    create_buffers(whole, is_set(settings, "device_scale"));
    whole_renew(whole, rule, settings);
    whole_gradients(whole, WHOLE_CALM);
}

void whole_close(struct whole *whole)
{
    const cl_mem buffers[] = {whole->buffers.parameters,
                              whole->buffers.gradients, whole->buffers.copy,
                              whole->buffers.scale};

    clstep_optimizer_release(whole->optimizer);
    reference_release(whole->reference);
    clstep_layout_release(whole->layout);
    for (size_t i = 0; i < sizeof(buffers) / sizeof(*buffers); i++)
        if (buffers[i] != NULL)
            clReleaseMemObject(buffers[i]);
    free(whole->tensors);
    free(whole->w);
    free(whole->g);
    free(whole->c);
    free(whole->scratch);
}

/* --- gradients ------------------------------------------------------------ */

static void put(struct whole *whole, uint64_t at, float x)
{
    uint16_t *halves = whole->g;

    if (whole->grad_type == WHOLE_F32)
        ((float *)whole->g)[at] = x;
    else if (whole->grad_type == WHOLE_F16)
        halves[at] = reference_to_f16(x);
    else
        halves[at] = reference_to_bf16(x);
}

static float gradient(struct whole *whole, float x, enum whole_kind kind)
{
    const float size = fabsf(x);

    if (kind == WHOLE_WILD)
        return x;
    if (!isfinite(x) || (size > 60000.0f && whole->grad_type == WHOLE_F16))
        return 1.0f;
    return kind == WHOLE_CALM && size > 4.0f ? 0x1p-3f : x;
}

void whole_write_gradients(struct whole *whole)
{
    assert_int_equal(
        clEnqueueWriteBuffer(fixture_place()->queue, whole->buffers.gradients,
                             CL_TRUE, 0,
                             total_of(whole) * size_of(whole->grad_type),
                             whole->g, 0, NULL, NULL),
        CL_SUCCESS);
}

void whole_gradients(struct whole *whole, enum whole_kind kind)
{
    float *x = whole->scratch;

    for (uint64_t i = 0; i < total_of(whole); i++)
        put(whole, i,
            i < WHOLE_FRONT || i >= WHOLE_FRONT + whole->count ? guard
            : trial_random_next(&whole->random) % 2 != 0       ? NAN
                                                               : INFINITY);
    for (size_t t = 0; t < whole->tensor_count; t++) {
        const struct reference_tensor *tensor = &whole->tensors[t];

        trial_random_fill(&whole->random, x, tensor->count);
        for (uint64_t i = 0; i < tensor->count; i++)
            put(whole, WHOLE_FRONT + tensor->offset + i,
                gradient(whole, x[i], kind));
    }
    whole_write_gradients(whole);
}

void whole_poison(struct whole *whole, size_t tensor, uint64_t at, float x)
{
    assert_true(at < whole->tensors[tensor].count);
    put(whole, WHOLE_FRONT + whole->tensors[tensor].offset + at, x);
    whole_write_gradients(whole);
}

void whole_scale(struct whole *whole, float scale)
{
    reference_set_device_scale(whole->reference, scale);
    assert_int_equal(clEnqueueWriteBuffer(fixture_place()->queue,
                                          whole->buffers.scale, CL_TRUE,
                                          SCALE_AT * sizeof(scale),
                                          sizeof(scale), &scale, 0, NULL, NULL),
                     CL_SUCCESS);
}

/* --- steps ---------------------------------------------------------------- */

void whole_step_host(struct whole *whole)
{
    reference_step(whole->reference, whole_w(whole), whole_g(whole),
                   whole_c(whole));
}

void whole_step_device(struct whole *whole, cl_command_queue queue,
                       cl_uint count, const cl_event *list, cl_event *done)
{
    clstep_error error;

    fixture_ok(clstep_optimizer_step(whole->optimizer, queue, &whole->buffers,
                                     count, list, done, &error),
               &error);
}

void whole_step(struct whole *whole)
{
    whole_step_host(whole);
    whole_step_device(whole, fixture_place()->queue, 0, NULL, NULL);
}

void whole_set_group(struct whole *whole, size_t group, const char *name,
                     double value)
{
    clstep_error error;

    fixture_ok(clstep_optimizer_set_group(whole->optimizer, group, name, value,
                                          &error),
               &error);
    reference_set_group(whole->reference, group, name, value);
}

void whole_freeze(struct whole *whole, size_t group, bool frozen)
{
    clstep_error error;

    fixture_ok(clstep_optimizer_freeze(whole->optimizer, group, frozen, &error),
               &error);
    reference_freeze(whole->reference, group, frozen);
}

/* --- comparison ----------------------------------------------------------- */

static bool same(const void *a, const void *b, uint64_t i, enum whole_type type)
{
    if (type == WHOLE_F32) {
        const float x = ((const float *)a)[i], y = ((const float *)b)[i];

        return memcmp(&x, &y, sizeof(x)) == 0 || (isnan(x) && isnan(y));
    }

    const uint16_t x = ((const uint16_t *)a)[i], y = ((const uint16_t *)b)[i];
    const uint16_t infinity = type == WHOLE_F16 ? 0x7c00 : 0x7f80;

    return x == y || ((x & 0x7fff) > infinity && (y & 0x7fff) > infinity);
}

/* Compares 'count' numbers from 'first' on; 'zero' is where the layout is. */
static void
compare(const char *what, const void *is, const void *expected,
        enum whole_type type, uint64_t first, uint64_t count, uint64_t zero)
{
    for (uint64_t i = first; i < first + count; i++) {
        if (same(is, expected, i, type))
            continue;
        if (type == WHOLE_F32)
            fail_msg("%s[%lld] is %a and not %a", what, (long long)(i - zero),
                     (double)((const float *)is)[i],
                     (double)((const float *)expected)[i]);
        fail_msg("%s[%lld] is 0x%04x and not 0x%04x", what,
                 (long long)(i - zero), ((const uint16_t *)is)[i],
                 ((const uint16_t *)expected)[i]);
    }
}

/* Compares all tensors; the padding between them may be anything. */
static void
compare_tensors(struct whole *whole, const char *what, const void *expected,
                enum whole_type type, uint64_t zero)
{
    for (size_t t = 0; t < whole->tensor_count; t++) {
        char name[64];

        snprintf(name, sizeof(name), "%s of tensor %zu: ", what, t);
        compare(name, whole->scratch, expected, type,
                zero + whole->tensors[t].offset, whole->tensors[t].count,
                zero + whole->tensors[t].offset);
    }
}

static void compare_buffer(struct whole *whole, const char *what, cl_mem buffer,
                           const void *expected, enum whole_type type)
{
    assert_int_equal(clEnqueueReadBuffer(fixture_place()->queue, buffer,
                                         CL_TRUE, 0,
                                         total_of(whole) * size_of(type),
                                         whole->scratch, 0, NULL, NULL),
                     CL_SUCCESS);
    compare(what, whole->scratch, expected, type, 0, WHOLE_FRONT, WHOLE_FRONT);
    compare(what, whole->scratch, expected, type, WHOLE_FRONT + whole->count,
            WHOLE_BACK, WHOLE_FRONT);
    compare_tensors(whole, what, expected, type, WHOLE_FRONT);
}

void whole_check_report(struct whole *whole)
{
    struct reference_report expected;
    clstep_report report;
    clstep_error error;

    fixture_ok(clstep_optimizer_report(whole->optimizer, fixture_place()->queue,
                                       &report, NULL, &error),
               &error);
    reference_report(whole->reference, &expected);
    assert_int_equal(report.steps, expected.steps);
    assert_int_equal(report.skipped, expected.skipped);
    assert_int_equal(report.scale_steps, expected.scale_steps);
    compare("the norm", &report.norm, &expected.norm, WHOLE_F32, 0, 1, 0);
    compare("the scale", &report.scale, &expected.scale, WHOLE_F32, 0, 1, 0);
    assert_int_equal(clstep_optimizer_steps(whole->optimizer), expected.steps);
    for (size_t g = 0; g < whole->group_count; g++)
        assert_int_equal(clstep_optimizer_group_steps(whole->optimizer, g),
                         reference_group_steps(whole->reference, g));
}

void whole_check(struct whole *whole)
{
    clstep_error error;
    const char *slot;

    /* Whatever queue the last step is on. */
    whole_check_report(whole);
    compare_buffer(whole, "parameters", whole->buffers.parameters, whole->w,
                   WHOLE_F32);
    compare_buffer(whole, "gradients", whole->buffers.gradients, whole->g,
                   whole->grad_type);
    if (whole->copy_type != WHOLE_F32)
        compare_buffer(whole, "copy", whole->buffers.copy, whole->c,
                       whole->copy_type);
    for (size_t i = 0;
         (slot = clstep_optimizer_slot(whole->optimizer, i)) != NULL; i++) {
        assert_string_equal(slot, reference_slot_name(whole->reference, i));
        const float *expected = reference_slot(whole->reference, slot);
        const uint64_t count = clstep_optimizer_slot_count(whole->optimizer, i);

        fixture_ok(clstep_optimizer_read(whole->optimizer,
                                         fixture_place()->queue, slot, 0, count,
                                         whole->scratch, &error),
                   &error);
        if (count == whole->count)
            compare_tensors(whole, slot, expected, WHOLE_F32, 0);
        else
            compare(slot, whole->scratch, expected, WHOLE_F32, 0,
                    reference_slot_count(whole->reference, slot), 0);
    }
}
