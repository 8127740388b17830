/*
 * lbfgs.c - the interface of L-BFGS: its settings, its life, its state
 * SPDX-License-Identifier: MIT
 */
#include "lbfgs.h"
#include "error.h"
#include "kernels.h"
#include "names.h"
#include "sizes.h"

#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char cs_lbfgs_name[] = "lbfgs";

static const clstep_setting_info own[CS_LBFGS_SETTINGS] = {
    [CS_LBFGS_LR] = {"lr", "length of the first step that is tried",
                     CLSTEP_NUMBER, 0, 0, 1.0, FLT_MIN, FLT_MAX, NULL},
    [CS_LBFGS_HISTORY] = {"history", "pairs of vectors that are kept",
                          CLSTEP_COUNT, 0, 0, 10.0, 1.0, 100.0, NULL},
    [CS_LBFGS_LINE_SEARCH] = {"line_search",
                              "how far to go: until the strong Wolfe "
                              "conditions hold, or the first length",
                              CLSTEP_CHOICE, 0, 0, 0.0, 0.0, 0.0,
                              (const char *const[]){"wolfe", "none", NULL}},
    [CS_LBFGS_MAX_ITERATIONS] = {"max_iterations", "iterations of a call",
                                 CLSTEP_COUNT, 0, 0, 20.0, 1.0, 0x1p53, NULL},
    [CS_LBFGS_MAX_EVALUATIONS] =
        {"max_evaluations",
         "evaluations after which a call begins no further iteration",
         CLSTEP_COUNT, 0, 0, 25.0, 1.0, 0x1p53, NULL},
    [CS_LBFGS_TOLERANCE_GRADIENT] =
        {"tolerance_gradient", "done if no element of the gradient is above it",
         CLSTEP_NUMBER, 0, 0, 1e-7, 0.0, FLT_MAX, NULL},
    [CS_LBFGS_TOLERANCE_CHANGE] =
        {"tolerance_change",
         "done if no parameter, or the loss, changes by more", CLSTEP_NUMBER, 0,
         0, 1e-9, 0.0, FLT_MAX, NULL},
};

static const struct cs_names names = {
    .owner = cs_lbfgs_name, .own = own, .own_count = CS_LBFGS_SETTINGS};

/* --- settings ------------------------------------------------------------- */

int clstep_lbfgs_setting(size_t index, clstep_setting_info *info)
{
    if (info == NULL || index >= CS_LBFGS_SETTINGS)
        return 0;
    *info = own[index];
    return 1;
}

const char *clstep_lbfgs_formula(void)
{
    return cs_kernel_comment(cs_lbfgs_name);
}

const char *clstep_lbfgs_stop_name(clstep_lbfgs_stop stop)
{
    switch (stop) {
    case CLSTEP_LBFGS_GOES_ON:
        return "goes on";
    case CLSTEP_LBFGS_ITERATIONS:
        return "iterations";
    case CLSTEP_LBFGS_EVALUATIONS:
        return "evaluations";
    case CLSTEP_LBFGS_GRADIENT:
        return "gradient";
    case CLSTEP_LBFGS_STEP:
        return "step";
    case CLSTEP_LBFGS_LOSS:
        return "loss";
    case CLSTEP_LBFGS_SLOPE:
        return "slope";
    case CLSTEP_LBFGS_NOT_FINITE:
        return "not finite";
    }
    return "unknown";
}

static clstep_status
resolve(const clstep_setting *settings, double *value, clstep_error *error)
{
    bool given[CS_LBFGS_SETTINGS] = {false}, seen[CS_LBFGS_SETTINGS] = {false};
    clstep_status status = CLSTEP_OK;

    for (size_t i = 0; i < CS_LBFGS_SETTINGS; i++)
        value[i] = own[i].initial;
    for (const clstep_setting *s = settings;
         s != NULL && s->name != NULL && status == CLSTEP_OK; s++)
        status = cs_names_take(&names, s, value, given, seen, error);
    return status;
}

clstep_status clstep_lbfgs_set(clstep_lbfgs *l, const char *name, double value,
                               clstep_error *error)
{
    if (l == NULL || name == NULL)
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT, "%s is NULL",
                       l == NULL ? "lbfgs" : "name");

    const int index = cs_names_find(&names, name);

    if (index < 0)
        return cs_names_unknown(&names, name, error);
    if (index == CS_LBFGS_HISTORY || index == CS_LBFGS_LINE_SEARCH)
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT,
                       "%s of lbfgs is fixed at creation: give it there; it "
                       "cannot become %.9g now",
                       name, value);

    const clstep_status status =
        cs_names_check(&names, &own[index], value, error);

    if (status == CLSTEP_OK)
        l->value[index] = value + 0.0;
    return status;
}

clstep_status clstep_lbfgs_get(const clstep_lbfgs *l, const char *name,
                               double *value, clstep_error *error)
{
    if (l == NULL || name == NULL || value == NULL)
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT, "%s is NULL",
                       l == NULL      ? "lbfgs"
                       : name == NULL ? "name"
                                      : "value");

    const int index = cs_names_find(&names, name);

    if (index < 0)
        return cs_names_unknown(&names, name, error);
    *value = l->value[index];
    return CLSTEP_OK;
}

/* --- life ----------------------------------------------------------------- */

/* The questions about a new pair and the gradient, lbfgs_direction.c. */
static size_t most_asked(size_t places)
{
    return 4 * places + 3;
}

/* What the host keeps. */
static clstep_status
allocate(clstep_lbfgs *l, size_t places, clstep_error *error)
{
    l->sy = calloc(places * places, sizeof(*l->sy));
    l->yy = calloc(places * places, sizeof(*l->yy));
    l->by_age = calloc(5 * places, sizeof(*l->by_age));
    l->coefficients = calloc(2 * places, sizeof(*l->coefficients));
    l->asks = calloc(most_asked(places), sizeof(*l->asks));
    l->answers = calloc(most_asked(places), sizeof(*l->answers));
    l->slots = calloc(2 * places, sizeof(*l->slots));
    if (l->sy == NULL || l->yy == NULL || l->by_age == NULL ||
        l->coefficients == NULL || l->asks == NULL || l->answers == NULL ||
        l->slots == NULL)
        return cs_fail(error, CLSTEP_OUT_OF_MEMORY,
                       "no memory for a history of %zu", places - 1);
    l->sg = l->by_age;
    l->yg = l->sg + places;
    l->of_s = l->yg + places;
    l->of_y = l->of_s + places;
    l->steps = l->of_y + places;
    snprintf(l->slots[0], sizeof(l->slots[0]), "base");
    snprintf(l->slots[1], sizeof(l->slots[1]), "before");
    for (size_t i = 1; i < places; i++) {
        snprintf(l->slots[2 * i], sizeof(l->slots[0]), "s%u", (unsigned)i);
        snprintf(l->slots[2 * i + 1], sizeof(l->slots[0]), "y%u", (unsigned)i);
    }
    return CLSTEP_OK;
}

clstep_status
clstep_lbfgs_create(clstep_device *device, const clstep_setting *settings,
                    const clstep_layout *layout, clstep_lbfgs **out,
                    clstep_error *error)
{
    double value[CS_LBFGS_SETTINGS];
    clstep_status status;

    if (out == NULL)
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT, "out is NULL");
    *out = NULL;
    if (device == NULL || layout == NULL)
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT, "%s is NULL",
                       device == NULL ? "device" : "layout");
    if (clstep_layout_count(layout) == 0)
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT,
                       "layout has no elements; lbfgs needs at least 1");
    status = resolve(settings, value, error);
    if (status != CLSTEP_OK)
        return status;

    clstep_lbfgs *l = calloc(1, sizeof(*l));
    const size_t places = (size_t)value[CS_LBFGS_HISTORY] + 1;

    if (l == NULL)
        return cs_fail(error, CLSTEP_OUT_OF_MEMORY, "no memory for lbfgs");
    memcpy(l->value, value, sizeof(value));
    l->known = true;
    cs_device_retain(device);
    l->vectors.device = device;
    status = allocate(l, places, error);
    if (status == CLSTEP_OK)
        status = cs_vectors_create(&l->vectors, device, layout, places,
                                   most_asked(places), error);
    if (status != CLSTEP_OK) {
        clstep_lbfgs_release(l);
        return status;
    }
    *out = l;
    return CLSTEP_OK;
}

void clstep_lbfgs_release(clstep_lbfgs *l)
{
    if (l == NULL)
        return;
    cs_vectors_release(&l->vectors);
    clstep_device_release(l->vectors.device);
    free(l->sy);
    free(l->yy);
    free(l->by_age);
    free(l->coefficients);
    free(l->asks);
    free(l->answers);
    free(l->slots);
    free(l);
}

/* --- a call --------------------------------------------------------------- */

static clstep_status check_torn(const clstep_lbfgs *l, clstep_error *error)
{
    if (l == NULL || !l->torn)
        return CLSTEP_OK;
    return cs_fail(error, CLSTEP_STATE_TORN,
                   "an earlier call failed on the device: restore the state, "
                   "reset, or release lbfgs");
}

static clstep_status
check_buffers(const clstep_lbfgs *l, cl_command_queue queue,
              const clstep_buffers *buffers, clstep_error *error)
{
    const struct cs_vectors *v = &l->vectors;
    clstep_status status = cs_check_queue_of(v->device, "lbfgs", queue, error);

    if (status == CLSTEP_OK &&
        (buffers->copy != NULL || buffers->scale != NULL))
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT,
                       "%s is a buffer, but lbfgs has none; it has to be NULL",
                       buffers->copy != NULL ? "copy" : "scale");
    if (status == CLSTEP_OK)
        status =
            cs_check_beside(v->device->context, buffers, CS_READ | CS_WRITE,
                            buffers->gradients, buffers->gradients_offset,
                            v->count, "gradients", CS_READ | CS_WRITE, error);
    return status;
}

clstep_status
clstep_lbfgs_step(clstep_lbfgs *l, cl_command_queue queue,
                  const clstep_buffers *buffers, clstep_closure *closure,
                  void *user, clstep_lbfgs_result *result, clstep_error *error)
{
    clstep_lbfgs_result found = {0};
    struct cs_lbfgs_call call = {.lbfgs = l,
                                 .queue = queue,
                                 .buffers = buffers,
                                 .closure = closure,
                                 .user = user,
                                 .result = &found};
    cl_command_queue_properties properties = 0;

    if (l == NULL || buffers == NULL || closure == NULL)
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT, "%s is NULL",
                       l == NULL         ? "lbfgs"
                       : buffers == NULL ? "buffers"
                                         : "closure");

    clstep_status status = check_buffers(l, queue, buffers, error);

    if (status == CLSTEP_OK)
        status = check_torn(l, error);
    if (status != CLSTEP_OK)
        return status;

    const cl_int code = clGetCommandQueueInfo(
        queue, CL_QUEUE_PROPERTIES, sizeof(properties), &properties, NULL);

    if (code != CL_SUCCESS)
        return cs_fail_cl(error, code, "clGetCommandQueueInfo");
    call.out_of_order =
        (properties & CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE) != 0;
    status = cs_lbfgs_run(&call, error);
    if (status == CLSTEP_OK && result != NULL)
        *result = found;
    return status;
}

/* --- state ---------------------------------------------------------------- */

clstep_status clstep_lbfgs_reset(clstep_lbfgs *l, clstep_error *error)
{
    const clstep_lbfgs_progress none = {0};

    return clstep_lbfgs_restore(l, &none, error);
}

void clstep_lbfgs_state(const clstep_lbfgs *l, clstep_lbfgs_progress *progress)
{
    if (progress != NULL)
        *progress = l != NULL ? l->state : (clstep_lbfgs_progress){0};
}

clstep_status
clstep_lbfgs_restore(clstep_lbfgs *l, const clstep_lbfgs_progress *progress,
                     clstep_error *error)
{
    if (l == NULL || progress == NULL)
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT, "%s is NULL",
                       l == NULL ? "lbfgs" : "progress");

    const uint64_t most = l->vectors.places - 1;
    const uint64_t made =
        progress->iterations == 0 ? 0 : progress->iterations - 1;

    if (progress->iterations > INT64_MAX || progress->evaluations > INT64_MAX)
        return cs_fail(error, CLSTEP_OUT_OF_RANGE,
                       "%s is %llu; at most 2^63 - 1 are counted",
                       progress->iterations > INT64_MAX ? "iterations"
                                                        : "evaluations",
                       (unsigned long long)(progress->iterations > INT64_MAX
                                                ? progress->iterations
                                                : progress->evaluations));
    if (progress->pairs > most || progress->pairs > made)
        return cs_fail(error, CLSTEP_OUT_OF_RANGE,
                       "pairs is %llu after %llu iterations; at most %llu are "
                       "kept, and fewer than there were iterations",
                       (unsigned long long)progress->pairs,
                       (unsigned long long)progress->iterations,
                       (unsigned long long)most);
    l->state = *progress;
    l->first = 0;
    l->known = l->state.pairs == 0;
    l->torn = false;
    return CLSTEP_OK;
}

/* How many slots there are. */
static size_t slot_count(const clstep_lbfgs *l)
{
    return l->state.iterations == 0 ? 0 : 2 + 2 * (size_t)l->state.pairs;
}

const char *clstep_lbfgs_slot(const clstep_lbfgs *l, size_t index)
{
    return l != NULL && index < slot_count(l) ? l->slots[index] : NULL;
}

/* The vector of the slot at 'index'. */
static size_t vector_of(const clstep_lbfgs *l, size_t index)
{
    if (index < 2)
        return index == 0 ? CS_BASE : CS_BEFORE;

    const size_t place = cs_lbfgs_place(l, index / 2 - 1);

    return CS_HISTORY + place + (index % 2 == 0 ? 0 : l->vectors.places);
}

/* Finds the slot called 'name' and checks the range; '*place' is where. */
static clstep_status
check_slot(const clstep_lbfgs *l, cl_command_queue queue, const char *name,
           uint64_t offset, uint64_t count, const void *data,
           struct cs_place *place, clstep_error *error)
{
    uint64_t end;
    size_t i = 0;

    if (l == NULL || name == NULL || data == NULL)
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT, "%s is NULL",
                       l == NULL      ? "lbfgs"
                       : name == NULL ? "slot"
                                      : "data");
    while (i < slot_count(l) && strcmp(l->slots[i], name) != 0)
        i++;
    if (i == slot_count(l))
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT,
                       "lbfgs has no slot '%.64s' after %llu iterations with "
                       "%llu pairs",
                       name, (unsigned long long)l->state.iterations,
                       (unsigned long long)l->state.pairs);
    if (!cs_size_add(offset, count, &end) || end > l->vectors.count)
        return cs_fail(
            error, CLSTEP_INVALID_ARGUMENT,
            "slot %s has %llu elements, too few for %llu from offset %llu",
            name, (unsigned long long)l->vectors.count,
            (unsigned long long)count, (unsigned long long)offset);
    *place = cs_vectors_place(&l->vectors, vector_of(l, i));
    place->offset += offset;
    return cs_check_queue_of(l->vectors.device, "lbfgs", queue, error);
}

clstep_status
clstep_lbfgs_read(clstep_lbfgs *l, cl_command_queue queue, const char *slot,
                  uint64_t offset, uint64_t count, float *data,
                  clstep_error *error)
{
    struct cs_call call = {.queue = queue};
    struct cs_place place;
    clstep_status status = check_torn(l, error);

    if (status == CLSTEP_OK)
        status = check_slot(l, queue, slot, offset, count, data, &place, error);
    if (status != CLSTEP_OK || count == 0)
        return status;
    status = cs_call_read(&call, place.buffer, CL_TRUE,
                          (size_t)place.offset * sizeof(*data),
                          (size_t)count * sizeof(*data), data, error);
    cs_call_end(&call);
    return status;
}

clstep_status
clstep_lbfgs_write(clstep_lbfgs *l, cl_command_queue queue, const char *slot,
                   uint64_t offset, uint64_t count, const float *data,
                   clstep_error *error)
{
    struct cs_call call = {.queue = queue};
    struct cs_place place;
    clstep_status status = check_torn(l, error);

    if (status == CLSTEP_OK)
        status = check_slot(l, queue, slot, offset, count, data, &place, error);
    if (status != CLSTEP_OK || count == 0)
        return status;
    l->known = false;
    status = cs_call_write(&call, place.buffer, CL_TRUE,
                           (size_t)place.offset * sizeof(*data),
                           (size_t)count * sizeof(*data), data, error);
    cs_call_end(&call);
    return status;
}
