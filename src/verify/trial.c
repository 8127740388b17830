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
    MAX_SETTINGS = 64,
    SCALES = 8,   /* numbers in the buffer of device_scale */
    SCALE_AT = 3, /* the one that counts */
};

/* 1.234: a NaN would stay one, whatever a step that goes too far did to it.
 * The second is for 16 bits, a number in both types. */
static const uint32_t guard_bits = 0x3f9df3b6;
static const uint16_t guard_half = 0x3fa5;

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

/* The types of elements; also the index of the name in grad_type. */
enum type { F32, F16, BF16 };

struct session {
    const struct trial_place *place;
    const struct trial *trial;
    struct trial_result *result;
    clstep_optimizer *optimizer;
    struct reference *reference;
    enum type grad_type, copy_type; /* F32: there is no copy */
    cl_mem parameters, gradients, copy, scale;
    float *w; /* the reference's, with guards around */
    void *g;
    uint16_t *c;
    void *device;   /* what the device has */
    uint64_t total; /* numbers in each of these */
    unsigned step;
    bool calm; /* norms and checks need gradients that are not all wild */
    bool tame; /* norms of parameters need these to be like that */
};

static const clstep_setting *find(const struct trial *trial, const char *name)
{
    for (const clstep_setting *t = trial->settings;
         t != NULL && t->name != NULL; t++)
        if (strcmp(t->name, name) == 0)
            return t;
    return NULL;
}

static enum type type_of(const struct trial *trial, const char *name)
{
    const clstep_setting *setting = find(trial, name);

    if (setting == NULL || setting->choice == NULL)
        return F32;
    return strcmp(setting->choice, "f16") == 0    ? F16
           : strcmp(setting->choice, "bf16") == 0 ? BF16
                                                  : F32;
}

static bool is_nan_half(uint16_t bits, enum type type)
{
    return (bits & 0x7fff) > (type == F16 ? 0x7c00 : 0x7f80);
}

/* The number at 'index' of 'x' in words that every bit can be seen in. */
static double number_at(const void *x, uint64_t index, enum type type)
{
    const uint16_t *halves = x;

    return type == F32   ? (double)((const float *)x)[index]
           : type == F16 ? (double)reference_from_f16(halves[index])
                         : (double)reference_from_bf16(halves[index]);
}

static bool
same_at(const void *a, const void *b, uint64_t index, enum type type)
{
    const uint16_t *x = a, *y = b;

    if (type == F32)
        return same(((const float *)a)[index], ((const float *)b)[index]);
    return x[index] == y[index] ||
           (is_nan_half(x[index], type) && is_nan_half(y[index], type));
}

/* Compares 'count' numbers; 'offset' of them are a guard in front. */
static void compare(struct session *s, const char *name, const void *expected,
                    enum type type, uint64_t count, uint64_t offset)
{
    s->result->compared += count;
    for (uint64_t i = 0; i < count; i++) {
        if (same_at(expected, s->device, i, type))
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
                 s->step, number_at(s->device, i, type),
                 number_at(expected, i, type),
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

static size_t size_of(enum type type)
{
    return type == F32 ? sizeof(float) : sizeof(uint16_t);
}

/* Compares a buffer with guards around with what is expected. */
static clstep_status
compare_buffer(struct session *s, const char *name, cl_mem buffer,
               const void *expected, enum type type, uint64_t offset,
               clstep_error *error)
{
    const cl_int code =
        clEnqueueReadBuffer(s->place->queue, buffer, CL_TRUE, 0,
                            s->total * size_of(type), s->device, 0, NULL, NULL);

    if (code != CL_SUCCESS)
        return fail(error, CLSTEP_CL_FAILED, "clEnqueueReadBuffer failed",
                    code);
    compare(s, name, expected, type, s->total, offset);
    return CLSTEP_OK;
}

/* Compares one number that is not in a buffer of the caller's. */
static void
compare_number(struct session *s, const char *name, double is, double expected)
{
    ((float *)s->device)[0] = (float)is;
    compare(s, name, &(float){(float)expected}, F32, 1, 0);
}

static clstep_status compare_report(struct session *s, clstep_error *error)
{
    struct reference_report expected;
    clstep_report report;
    const clstep_status status = clstep_optimizer_report(
        s->optimizer, s->place->queue, &report, NULL, error);

    if (status != CLSTEP_OK)
        return status;
    reference_report(s->reference, &expected);
    compare_number(s, "report.steps", (double)report.steps,
                   (double)expected.steps);
    compare_number(s, "report.skipped", (double)report.skipped,
                   (double)expected.skipped);
    compare_number(s, "report.norm", (double)report.norm,
                   (double)expected.norm);
    compare_number(s, "report.scale", (double)report.scale,
                   (double)expected.scale);
    compare_number(s, "report.scale_steps", report.scale_steps,
                   expected.scale_steps);
    compare_number(s, "steps", (double)clstep_optimizer_steps(s->optimizer),
                   (double)expected.steps);
    return CLSTEP_OK;
}

static clstep_status compare_slots(struct session *s, clstep_error *error)
{
    const char *name;

    for (size_t i = 0; (name = clstep_optimizer_slot(s->optimizer, i)) != NULL;
         i++) {
        const float *expected = reference_slot(s->reference, name);

        if (expected == NULL)
            return fail(error, CLSTEP_INVALID_ARGUMENT,
                        "the reference lacks a slot of the rule", 0);

        const uint64_t count = clstep_optimizer_slot_count(s->optimizer, i);
        const clstep_status status = clstep_optimizer_read(
            s->optimizer, s->place->queue, name, 0, count, s->device, error);

        if (status != CLSTEP_OK)
            return status;
        if (reference_slot_count(s->reference, name) != count)
            return fail(error, CLSTEP_INVALID_ARGUMENT,
                        "the reference has another count in a slot", 0);
        compare(s, name, expected, F32, count, 0);
    }
    for (size_t i = 0; (name = reference_slot_name(s->reference, i)) != NULL;
         i++)
        if (clstep_optimizer_slot(s->optimizer, i) == NULL)
            return fail(error, CLSTEP_INVALID_ARGUMENT,
                        "the rule lacks a slot of the reference", 0);
    return CLSTEP_OK;
}

static clstep_status compare_all(struct session *s, clstep_error *error)
{
    clstep_status status =
        compare_buffer(s, "parameters", s->parameters, s->w, F32,
                       s->trial->parameters_offset, error);

    if (status == CLSTEP_OK)
        status =
            compare_buffer(s, "gradients", s->gradients, s->g, s->grad_type,
                           s->trial->gradients_offset, error);
    if (status == CLSTEP_OK && s->copy != NULL)
        status = compare_buffer(s, "copy", s->copy, s->c, s->copy_type,
                                s->trial->gradients_offset, error);
    if (status == CLSTEP_OK)
        status = compare_slots(s, error);
    if (status == CLSTEP_OK)
        status = compare_report(s, error);
    return status;
}

/* --- gradients ------------------------------------------------------------ */

/* A number that a norm can be taken of. */
static float calm_number(float x)
{
    const float size = fabsf(x);

    return !isfinite(x) ? 1.0f : size > 4.0f ? 0x1p-3f : x;
}

static uint16_t
half_of(struct session *s, struct trial_random *random, float x, bool wild)
{
    const uint64_t r = trial_random_next(random);
    const uint16_t bits =
        s->grad_type == F16 ? reference_to_f16(x) : reference_to_bf16(x);
    const uint16_t infinity = s->grad_type == F16 ? 0x7c00 : 0x7f80;

    if (wild)
        return r % 4 == 0 ? (uint16_t)(r >> 32) : bits;
    return (bits & infinity) == infinity ? guard_half : bits;
}

/* New gradients: any numbers; or, where a bad one skips the step and a large
 * one makes the norm an infinity, mostly without these. */
static void fill_gradients(struct session *s, struct trial_random *random)
{
    enum { CALM, CALM_TOO, FINITE, WILD };
    const unsigned kind =
        s->calm ? (unsigned)(trial_random_next(random) % 4) : WILD;
    const uint64_t count = s->trial->count;
    const uint64_t offset = s->trial->gradients_offset;
    float *x = s->device; /* which nobody needs now */

    trial_random_fill(random, x, count);
    for (uint64_t i = 0; i < count && kind != WILD; i++)
        if (kind < FINITE || !isfinite(x[i]))
            x[i] = calm_number(x[i]);
    for (uint64_t i = 0; i < count && s->trial->zero_gradients; i++)
        x[i] = 0.0f;
    if (s->grad_type == F32)
        memcpy((float *)s->g + offset, x, count * sizeof(float));
    for (uint64_t i = 0; i < count && s->grad_type != F32; i++)
        ((uint16_t *)s->g)[offset + i] = half_of(s, random, x[i], kind == WILD);
}

/* --- a trial -------------------------------------------------------------- */

static void
fill_guards(float *x, uint64_t total, uint64_t offset, uint64_t count)
{
    for (uint64_t i = 0; i < total; i++)
        if (i < offset || i >= offset + count)
            x[i] = float_of(guard_bits);
}

static void fill_halves(uint16_t *x, uint64_t total)
{
    for (uint64_t i = 0; i < total; i++)
        x[i] = guard_half;
}

static cl_mem
create_buffer(const struct trial_place *place, uint64_t bytes, void *from)
{
    return clCreateBuffer(place->context,
                          CL_MEM_READ_WRITE | CL_MEM_COPY_HOST_PTR, bytes, from,
                          NULL);
}

/* The first extent of a matrix of 'count' elements, as square as can be. */
static uint64_t rows_of(uint64_t count)
{
    uint64_t rows = 1;

    for (uint64_t i = 1; i * i <= count; i++)
        if (count % i == 0)
            rows = i;
    return rows;
}

/* Says whether the parameters are a matrix: where a feature acts on matrices,
 * and where rules sum over rows, three times in four. */
static bool is_matrix(const struct trial *trial)
{
    return find(trial, "max_norm") != NULL || find(trial, "prune") != NULL ||
           (clstep_rule_sums_bytes(trial->rule) != 0 && trial->seed % 4 != 0);
}

static clstep_status open_optimizer(struct session *s, clstep_error *error)
{
    const struct trial *trial = s->trial;
    const bool matrix = is_matrix(trial);
    const uint64_t rows = rows_of(trial->count);
    const uint64_t shape[] = {matrix ? rows : trial->count,
                              trial->count / rows};
    const struct reference_tensor tensor = {.count = trial->count,
                                            .rows = matrix ? rows : 0};
    struct reference_setting settings[MAX_SETTINGS] = {{0}};
    clstep_layout *layout = NULL;
    size_t n = 0;
    clstep_status status = clstep_layout_create(&layout, error);

    if (status == CLSTEP_OK)
        status =
            clstep_layout_add(layout, "w", matrix ? 2 : 1, shape, 0, error);
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
    s->reference = reference_create_layout(clstep_rule_name(trial->rule),
                                           settings, &tensor, 1);
    return s->reference != NULL
               ? CLSTEP_OK
               : fail(error, CLSTEP_OUT_OF_MEMORY,
                      "the reference has no such rule, or no memory", 0);
}

static clstep_status create_buffers(struct session *s, clstep_error *error)
{
    const bool copies = s->copy_type != F32;
    const bool scales = find(s->trial, "device_scale") != NULL;
    float ones[SCALES];

    for (size_t i = 0; i < SCALES; i++)
        ones[i] = i == SCALE_AT ? 1.0f : float_of(guard_bits);
    s->parameters = create_buffer(s->place, s->total * sizeof(float), s->w);
    s->gradients =
        create_buffer(s->place, s->total * size_of(s->grad_type), s->g);
    if (copies)
        s->copy = create_buffer(s->place, s->total * sizeof(uint16_t), s->c);
    if (scales)
        s->scale = create_buffer(s->place, sizeof(ones), ones);
    if (s->parameters == NULL || s->gradients == NULL ||
        (copies && s->copy == NULL) || (scales && s->scale == NULL))
        return fail(error, CLSTEP_OUT_OF_MEMORY,
                    "no memory for a trial on the device", 0);
    return CLSTEP_OK;
}

static clstep_status
open_session(struct session *s, struct trial_random *random,
             clstep_error *error)
{
    const struct trial *trial = s->trial;

    s->total = trial->count + MARGIN;
    s->grad_type = type_of(trial, "grad_type");
    s->copy_type = type_of(trial, "copy_type");
    s->tame = clstep_rule_sums_bytes(trial->rule) != 0 && trial->seed % 8 != 1;
    s->calm = s->tame || find(trial, "check_finite") != NULL ||
              find(trial, "clip_norm") != NULL ||
              find(trial, "clip_norm_tensor") != NULL;
    s->w = malloc(s->total * sizeof(float));
    s->g = malloc(s->total * sizeof(float));
    s->c = malloc(s->total * sizeof(uint16_t));
    s->device = malloc(s->total * sizeof(float));
    if (s->w == NULL || s->g == NULL || s->c == NULL || s->device == NULL)
        return fail(error, CLSTEP_OUT_OF_MEMORY, "no memory for a trial", 0);
    fill_guards(s->w, s->total, trial->parameters_offset, trial->count);
    if (s->grad_type == F32)
        fill_guards(s->g, s->total, trial->gradients_offset, trial->count);
    else
        fill_halves(s->g, s->total);
    fill_halves(s->c, s->total);
    trial_random_fill(random, s->w + trial->parameters_offset, trial->count);
    for (uint64_t i = 0; i < trial->count && s->tame; i++)
        s->w[trial->parameters_offset + i] =
            calm_number(s->w[trial->parameters_offset + i]);
    for (uint64_t i = 0; i < trial->count && trial->zero_parameters; i++)
        s->w[trial->parameters_offset + i] = 0.0f;
    fill_gradients(s, random);

    clstep_status status = create_buffers(s, error);

    if (status == CLSTEP_OK)
        status = open_optimizer(s, error);
    if (status == CLSTEP_OK && trial->before != 0) {
        reference_set_steps(s->reference, trial->before);
        status = clstep_optimizer_set_steps(s->optimizer, trial->before, error);
    }
    return status;
}

static void close_session(struct session *s)
{
    const cl_mem buffers[] = {s->parameters, s->gradients, s->copy, s->scale};

    for (size_t i = 0; i < sizeof(buffers) / sizeof(*buffers); i++)
        if (buffers[i] != NULL)
            clReleaseMemObject(buffers[i]);
    clstep_optimizer_release(s->optimizer);
    if (s->reference != NULL)
        reference_release(s->reference);
    free(s->w);
    free(s->g);
    free(s->c);
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
    const uint64_t taken[] = {s->trial->seed % 2, 4, 1, 0};

    if (s->step >= 2 && s->step <= 4)
        halve_numbers(s, s->step - 2);
    if (s->step < 5 || s->step > 8)
        return CLSTEP_OK;
    reference_set_steps(s->reference, taken[s->step - 5]);
    return clstep_optimizer_set_steps(s->optimizer, taken[s->step - 5], error);
}

/* The gradients of this step, and the scale that they have. */
static clstep_status
write_gradients(struct session *s, struct trial_random *random,
                clstep_error *error)
{
    static const float scales[] = {1.0f, 65536.0f, 3.7f, 0x1p-20f};
    cl_int code = CL_SUCCESS;

    if (s->step != 1) {
        fill_gradients(s, random);
        code = clEnqueueWriteBuffer(s->place->queue, s->gradients, CL_TRUE, 0,
                                    s->total * size_of(s->grad_type), s->g, 0,
                                    NULL, NULL);
    }
    if (code == CL_SUCCESS && s->scale != NULL) {
        const float scale = scales[trial_random_next(random) % 4];

        reference_set_device_scale(s->reference, scale);
        code = clEnqueueWriteBuffer(s->place->queue, s->scale, CL_TRUE,
                                    SCALE_AT * sizeof(scale), sizeof(scale),
                                    &scale, 0, NULL, NULL);
    }
    return code == CL_SUCCESS ? CLSTEP_OK
                              : fail(error, CLSTEP_CL_FAILED,
                                     "clEnqueueWriteBuffer failed", code);
}

/* What the caller brings in slots that a step only reads: now and then. */
static clstep_status
write_slots(struct session *s, struct trial_random *random, clstep_error *error)
{
    const uint64_t count = s->trial->count;
    clstep_status status = CLSTEP_OK;
    clstep_slot_info slot;

    for (size_t i = 0; status == CLSTEP_OK && s->step % 2 == 1 &&
                       clstep_rule_slot(s->trial->rule, i, &slot);
         i++) {
        float *expected = reference_slot(s->reference, slot.name);

        if (!slot.read_only || expected == NULL)
            continue;
        trial_random_fill(random, expected, count);
        status = clstep_optimizer_write(s->optimizer, s->place->queue,
                                        slot.name, 0, count, expected, error);
    }
    return status;
}

static clstep_status
take_step(struct session *s, struct trial_random *random, clstep_error *error)
{
    const struct trial *trial = s->trial;
    const uint64_t offset = trial->gradients_offset;
    const clstep_buffers buffers = {
        .parameters = s->parameters,
        .parameters_offset = trial->parameters_offset,
        .gradients = s->gradients,
        .gradients_offset = offset,
        .copy = s->copy,
        .copy_offset = s->copy != NULL ? offset : 0,
        .scale = s->scale,
        .scale_offset = s->scale != NULL ? SCALE_AT : 0,
    };
    clstep_status status = write_gradients(s, random, error);

    if (status == CLSTEP_OK)
        status = write_slots(s, random, error);
    if (status == CLSTEP_OK && trial->disturb)
        status = disturb(s, error);
    if (status != CLSTEP_OK)
        return status;
    reference_step(s->reference, s->w + trial->parameters_offset,
                   (char *)s->g + offset * size_of(s->grad_type),
                   s->copy != NULL ? s->c + offset : NULL);
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
