/*
 * trial.c - see trial.h
 * SPDX-License-Identifier: MIT
 */
#include "trial.h"
#include "reference.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    /* The numbers beside a range; both buffers have as many, since Oclgrind's
     * record of what is initialised suffers where sizes change. */
    MARGIN = 384,
    MAX_SETTINGS = 32
};

/* 1.234: a NaN would stay one, whatever a step that goes too far did to it. */
static const uint32_t guard_bits = 0x3f9df3b6;

/* --- random numbers ------------------------------------------------------- */

uint64_t trial_random_next(struct trial_random *random)
{
    uint64_t x = random->state += 0x9e3779b97f4a7c15u;

    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

double trial_random_unit(struct trial_random *random)
{
    return (double)(trial_random_next(random) >> 11) * 0x1p-53;
}

static float float_of(uint32_t bits)
{
    float x;

    memcpy(&x, &bits, sizeof(x));
    return x;
}

/* 2^'exponent' times a number in [1, 2), of either sign. */
static float scaled(uint64_t random, int exponent)
{
    return float_of((uint32_t)(random >> 63) << 31 |
                    (uint32_t)(127 + exponent) << 23 |
                    (uint32_t)(random & 0x7fffff));
}

void trial_random_fill(struct trial_random *random, float *x, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        const uint64_t r = trial_random_next(random);
        const unsigned kind = (unsigned)(r >> 40 & 0xff);
        const uint32_t sign = (uint32_t)(r >> 63) << 31;

        if (kind < 128) /* ordinary: 2^-8 to 2^1 */
            x[i] = scaled(r, (int)(r >> 30 & 7) - 7);
        else if (kind < 224) /* 2^-100 to 2^99 */
            x[i] = scaled(r, (int)((r >> 24 & 0xffff) % 200) - 100);
        else if (kind < 240)
            x[i] = float_of(sign);
        else if (kind < 250)
            x[i] = float_of(sign | (uint32_t)(r & 0x7fffff));
        else if (kind < 253)
            x[i] = float_of(sign | 0x7f800000);
        else if (kind < 254)
            x[i] = float_of(sign | 0x7fc00000);
        else
            x[i] = 1.0f;
    }
}

/* --- words ---------------------------------------------------------------- */

void trial_describe(const clstep_setting *settings, char *text, size_t size)
{
    size_t used = 0;

    text[0] = '\0';
    for (; settings != NULL && settings->name != NULL && used < size;
         settings++) {
        const char *blank = used == 0 ? "" : " ";
        const int added =
            settings->choice != NULL
                ? snprintf(text + used, size - used, "%s%s=%s", blank,
                           settings->name, settings->choice)
                : snprintf(text + used, size - used, "%s%s=%.9g", blank,
                           settings->name, settings->value);

        used += added > 0 ? (size_t)added : 0;
    }
}

/* --- comparison ----------------------------------------------------------- */

static bool same(float a, float b)
{
    return memcmp(&a, &b, sizeof(a)) == 0 || (isnan(a) && isnan(b));
}

struct session {
    const struct trial_place *place;
    const struct trial *trial;
    struct trial_result *result;
    clstep_optimizer *optimizer;
    struct reference *reference;
    cl_mem parameters, gradients;
    float *w, *g;   /* the reference's, with guards around */
    float *device;  /* what the device has */
    uint64_t total; /* numbers in each of w, g and device */
    unsigned step;
};

/* Compares 'count' numbers; 'offset' of them are a guard in front. */
static void compare(struct session *s, const char *name, const float *expected,
                    uint64_t count, uint64_t offset)
{
    s->result->compared += count;
    for (uint64_t i = 0; i < count; i++) {
        if (same(expected[i], s->device[i]))
            continue;
        if (s->result->mismatches++ != 0)
            continue;

        char settings[160];

        trial_describe(s->trial->settings, settings, sizeof(settings));
        snprintf(s->result->first, sizeof(s->result->first),
                 "%s %s: %s[%lld] of %llu at step %u is %a and not %a, offsets "
                 "%llu and %llu, seed %llu",
                 clstep_rule_name(s->trial->rule), settings, name,
                 (long long)(i - offset), (unsigned long long)s->trial->count,
                 s->step, (double)s->device[i], (double)expected[i],
                 (unsigned long long)s->trial->parameters_offset,
                 (unsigned long long)s->trial->gradients_offset,
                 (unsigned long long)s->trial->seed);
    }
}

static clstep_status
fail(clstep_error *error, clstep_status status, const char *what, cl_int code)
{
    if (error != NULL) {
        error->status = status;
        error->cl_code = code;
        snprintf(error->message, sizeof(error->message), "%s (code %d)", what,
                 (int)code);
    }
    return status;
}

static clstep_status read_buffer(struct session *s, cl_mem buffer,
                                 uint64_t count, clstep_error *error)
{
    const cl_int code =
        clEnqueueReadBuffer(s->place->queue, buffer, CL_TRUE, 0,
                            count * sizeof(float), s->device, 0, NULL, NULL);

    return code == CL_SUCCESS ? CLSTEP_OK
                              : fail(error, CLSTEP_CL_FAILED,
                                     "clEnqueueReadBuffer failed", code);
}

static clstep_status compare_all(struct session *s, clstep_error *error)
{
    const char *name;
    clstep_status status = read_buffer(s, s->parameters, s->total, error);

    if (status != CLSTEP_OK)
        return status;
    compare(s, "parameters", s->w, s->total, s->trial->parameters_offset);
    status = read_buffer(s, s->gradients, s->total, error);
    if (status != CLSTEP_OK)
        return status;
    compare(s, "gradients", s->g, s->total, s->trial->gradients_offset);

    for (size_t i = 0; (name = clstep_optimizer_slot(s->optimizer, i)) != NULL;
         i++) {
        const float *expected = reference_slot(s->reference, name);

        if (expected == NULL)
            return fail(error, CLSTEP_INVALID_ARGUMENT,
                        "the reference lacks a slot of the rule", 0);
        status = clstep_optimizer_read(s->optimizer, s->place->queue, name, 0,
                                       s->trial->count, s->device, error);
        if (status != CLSTEP_OK)
            return status;
        compare(s, name, expected, s->trial->count, 0);
    }
    for (size_t i = 0; (name = reference_slot_name(s->reference, i)) != NULL;
         i++)
        if (clstep_optimizer_slot(s->optimizer, i) == NULL)
            return fail(error, CLSTEP_INVALID_ARGUMENT,
                        "the rule lacks a slot of the reference", 0);
    return CLSTEP_OK;
}

/* --- a trial -------------------------------------------------------------- */

static void
fill_guards(float *x, uint64_t total, uint64_t offset, uint64_t count)
{
    for (uint64_t i = 0; i < total; i++)
        if (i < offset || i >= offset + count)
            x[i] = float_of(guard_bits);
}

static cl_mem
create_buffer(const struct trial_place *place, uint64_t count, float *from)
{
    return clCreateBuffer(place->context,
                          CL_MEM_READ_WRITE | CL_MEM_COPY_HOST_PTR,
                          count * sizeof(float), from, NULL);
}

static clstep_status open_optimizer(struct session *s, clstep_error *error)
{
    const struct trial *trial = s->trial;
    struct reference_setting settings[MAX_SETTINGS] = {{0}};
    clstep_layout *layout = NULL;
    size_t n = 0;
    clstep_status status = clstep_layout_create(&layout, error);

    if (status == CLSTEP_OK)
        status = clstep_layout_add(layout, "w", 1, &trial->count, 0, error);
    if (status == CLSTEP_OK)
        status = clstep_optimizer_create(
            s->place->device, clstep_rule_name(trial->rule), trial->settings,
            layout, &s->optimizer, error);
    clstep_layout_release(layout);
    if (status != CLSTEP_OK)
        return status;

    for (const clstep_setting *t = trial->settings;
         t != NULL && t->name != NULL && n + 1 < MAX_SETTINGS; t++)
        settings[n++] =
            (struct reference_setting){t->name, t->value, t->choice};
    s->reference = reference_create(clstep_rule_name(trial->rule), settings,
                                    (size_t)trial->count);
    return s->reference != NULL
               ? CLSTEP_OK
               : fail(error, CLSTEP_OUT_OF_MEMORY,
                      "the reference has no such rule, or no memory", 0);
}

static clstep_status
open_session(struct session *s, struct trial_random *random,
             clstep_error *error)
{
    const struct trial *trial = s->trial;

    s->total = trial->count + MARGIN;
    s->w = malloc(s->total * sizeof(float));
    s->g = malloc(s->total * sizeof(float));
    s->device = malloc(s->total * sizeof(float));
    if (s->w == NULL || s->g == NULL || s->device == NULL)
        return fail(error, CLSTEP_OUT_OF_MEMORY, "no memory for a trial", 0);
    fill_guards(s->w, s->total, trial->parameters_offset, trial->count);
    fill_guards(s->g, s->total, trial->gradients_offset, trial->count);
    trial_random_fill(random, s->w + trial->parameters_offset, trial->count);
    trial_random_fill(random, s->g + trial->gradients_offset, trial->count);
    s->parameters = create_buffer(s->place, s->total, s->w);
    s->gradients = create_buffer(s->place, s->total, s->g);
    if (s->parameters == NULL || s->gradients == NULL)
        return fail(error, CLSTEP_OUT_OF_MEMORY,
                    "no memory for a trial on the device", 0);
    return open_optimizer(s, error);
}

static void close_session(struct session *s)
{
    if (s->parameters != NULL)
        clReleaseMemObject(s->parameters);
    if (s->gradients != NULL)
        clReleaseMemObject(s->gradients);
    clstep_optimizer_release(s->optimizer);
    if (s->reference != NULL)
        reference_release(s->reference);
    free(s->w);
    free(s->g);
    free(s->device);
}

/* Halves every third number from 'first' on, where the rule allows the half. */
static void halve_numbers(struct session *s, size_t first)
{
    clstep_setting_info info;

    for (size_t i = first; clstep_rule_setting(s->trial->rule, i, &info);
         i += 3) {
        double value = 0.0;

        clstep_optimizer_get(s->optimizer, info.name, &value, NULL);
        if (clstep_optimizer_set(s->optimizer, info.name, value / 2, NULL) ==
            CLSTEP_OK)
            reference_set(s->reference, info.name, value / 2);
    }
}

/* Does what a caller may do between two steps. */
static clstep_status disturb(struct session *s, clstep_error *error)
{
    if (s->step >= 2 && s->step <= 4)
        halve_numbers(s, s->step - 2);
    if (s->step != 5)
        return CLSTEP_OK;
    reference_set_steps(s->reference, 1);
    return clstep_optimizer_set_steps(s->optimizer, 1, error);
}

static clstep_status
take_step(struct session *s, struct trial_random *random, clstep_error *error)
{
    const struct trial *trial = s->trial;
    const clstep_buffers buffers = {s->parameters, trial->parameters_offset,
                                    s->gradients, trial->gradients_offset};
    float *w = s->w + trial->parameters_offset;
    float *g = s->g + trial->gradients_offset;

    if (s->step != 1) {
        trial_random_fill(random, g, trial->count);

        const cl_int code =
            clEnqueueWriteBuffer(s->place->queue, s->gradients, CL_TRUE, 0,
                                 s->total * sizeof(float), s->g, 0, NULL, NULL);

        if (code != CL_SUCCESS)
            return fail(error, CLSTEP_CL_FAILED, "clEnqueueWriteBuffer failed",
                        code);
    }
    if (trial->disturb) {
        const clstep_status status = disturb(s, error);

        if (status != CLSTEP_OK)
            return status;
    }
    reference_step(s->reference, w, g, NULL);
    return clstep_optimizer_step(s->optimizer, s->place->queue, &buffers, 0,
                                 NULL, NULL, error);
}

clstep_status
trial_run(const struct trial_place *place, const struct trial *trial,
          struct trial_result *result, clstep_error *error)
{
    struct trial_random random = {trial->seed};
    struct session s = {.place = place, .trial = trial, .result = result};
    clstep_status status = open_session(&s, &random, error);

    for (s.step = 1; s.step <= trial->steps && status == CLSTEP_OK; s.step++) {
        status = take_step(&s, &random, error);
        if (status == CLSTEP_OK)
            status = compare_all(&s, error);
    }
    close_session(&s);
    return status;
}
