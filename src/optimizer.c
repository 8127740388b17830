/*
 * optimizer.c - an optimizer's life: create, set, step, release
 * SPDX-License-Identifier: MIT
 */
#include "optimizer.h"
#include "error.h"
#include "kernels.h"
#include "plan.h"
#include "sizes.h"

#include <stdlib.h>

/* --- create --------------------------------------------------------------- */

/* Creates the kernel called 'name' of 'entry'. */
static clstep_status
create_kernel(const struct cs_program *entry, const char *name,
              cl_kernel *kernel, clstep_error *error)
{
    cl_int code;

    *kernel = clCreateKernel(entry->program, name, &code);
    return code == CL_SUCCESS ? CLSTEP_OK
                              : cs_fail_cl(error, code, "clCreateKernel");
}

/* Creates the step's kernel, of the program '*entry', and the one that fills.
 */
static clstep_status
create_kernels(clstep_optimizer *opt, struct cs_program **entry,
               clstep_error *error)
{
    struct cs_text declarations = {0};
    struct cs_program *fill;
    clstep_status status;

    cs_plan_write(&opt->settings, &declarations);
    if (declarations.failed)
        status = cs_fail(error, CLSTEP_OUT_OF_MEMORY,
                         "no memory for the text of a kernel");
    else
        status = cs_device_program(opt->device, declarations.data,
                                   cs_plan_kernel(opt->settings.rule), "step",
                                   entry, error);
    cs_text_release(&declarations);

    if (status == CLSTEP_OK)
        status = create_kernel(*entry, "clstep_step", &opt->kernel, error);
    if (status == CLSTEP_OK)
        status = cs_device_program(opt->device, "", cs_kernel_text("fill"),
                                   NULL, &fill, error);
    if (status == CLSTEP_OK)
        status = create_kernel(fill, "clstep_fill", &opt->fill, error);
    return status;
}

static clstep_status allocate_slots(clstep_optimizer *opt, clstep_error *error)
{
    for (const struct cs_slot *slot = opt->settings.rule->slots;
         slot->name != NULL; slot++) {
        if (!cs_settings_has_slot(&opt->settings, slot))
            continue;

        const clstep_status status =
            cs_device_buffer(opt->device, opt->count, slot->name,
                             &opt->slots[opt->slot_count], error);

        if (status != CLSTEP_OK)
            return status;
        opt->slot_rows[opt->slot_count++] = slot;
    }
    return CLSTEP_OK;
}

/* The arguments of a kernel; after the first failure, push() does nothing. */
struct arguments {
    cl_kernel kernel;
    cl_uint count;
    cl_int code;
};

static void push(struct arguments *arguments, size_t size, const void *value)
{
    if (arguments->code == CL_SUCCESS)
        arguments->code =
            clSetKernelArg(arguments->kernel, arguments->count++, size, value);
}

/* Sets the arguments of the step's kernel for step 't'. */
static clstep_status
set_arguments(clstep_optimizer *opt, cl_ulong count,
              const clstep_buffers *buffers, uint64_t t, clstep_error *error)
{
    struct arguments arguments = {opt->kernel, 0, CL_SUCCESS};
    const cl_ulong parameters_offset = buffers->parameters_offset;
    const cl_ulong gradients_offset = buffers->gradients_offset;
    float hyper[CS_MAX_FLOATS];
    const size_t floats = cs_plan_pack(&opt->settings, t, &opt->memo, hyper);

    push(&arguments, sizeof(count), &count);
    push(&arguments, sizeof(cl_mem), &buffers->parameters);
    push(&arguments, sizeof(parameters_offset), &parameters_offset);
    push(&arguments, sizeof(cl_mem), &buffers->gradients);
    push(&arguments, sizeof(gradients_offset), &gradients_offset);
    push(&arguments, floats * sizeof(*hyper), hyper);
    for (size_t i = 0; i < opt->slot_count; i++)
        push(&arguments, sizeof(cl_mem), &opt->slots[i]);
    return arguments.code == CL_SUCCESS
               ? CLSTEP_OK
               : cs_fail_cl(error, arguments.code, "clSetKernelArg");
}

/*
 * Launches the step's kernel over a count of 0, unless 'entry' is as warm as
 * the optimizer needs it.  Drivers compile once more at the first launch, and
 * PoCL again at the first of 65,536 work-items and more, which only an
 * optimizer of as many pays for: on a slow device they take long.
 */
static clstep_status
warm_up(clstep_optimizer *opt, struct cs_program *entry, clstep_error *error)
{
    static const size_t sizes[] = {CS_WORK_GROUP, 65536};
    const size_t warm = atomic_load(&entry->warm);
    const size_t wanted = opt->global < sizes[1] ? sizes[0] : sizes[1];
    cl_command_queue queue = opt->device->queue;
    cl_mem dummy = NULL;
    cl_int code = CL_SUCCESS;
    clstep_status status;

    if (warm >= wanted)
        return CLSTEP_OK;
    status = cs_device_buffer(opt->device, 1, "a buffer for warming up", &dummy,
                              error);
    if (status != CLSTEP_OK)
        return status;
    status = set_arguments(
        opt, 0, &(clstep_buffers){.parameters = dummy, .gradients = dummy}, 1,
        error);
    for (size_t i = 0; i < 2 && status == CLSTEP_OK; i++) {
        if (sizes[i] <= warm || sizes[i] > wanted)
            continue;
        code = clEnqueueNDRangeKernel(queue, opt->kernel, 1, NULL, &sizes[i],
                                      &opt->local, 0, NULL, NULL);
        if (code != CL_SUCCESS)
            status = cs_fail_cl(error, code, "clEnqueueNDRangeKernel");
    }
    if (status == CLSTEP_OK) {
        code = clFinish(queue);
        if (code != CL_SUCCESS)
            status = cs_fail_cl(error, code, "clFinish");
    }
    clReleaseMemObject(dummy);
    if (status == CLSTEP_OK)
        atomic_store(&entry->warm, wanted);
    return status;
}

/* Enqueues the initial value of each slot; '*event' is that of the last one
 * that was enqueued, also on failure. */
static clstep_status
fill_slots(clstep_optimizer *opt, cl_command_queue queue,
           const struct cs_waits *waits, cl_event *event, clstep_error *error)
{
    const cl_ulong count = opt->count;

    *event = NULL;
    for (size_t i = 0; i < opt->slot_count; i++) {
        const char *initial = opt->slot_rows[i]->initial;
        const int index = initial != NULL
                              ? cs_settings_find(opt->settings.rule, initial)
                              : -1;
        const float value =
            index >= 0 ? (float)opt->settings.value[index] : 0.0f;
        struct arguments arguments = {opt->fill, 0, CL_SUCCESS};
        const char *call = "clSetKernelArg";
        cl_event after = NULL;

        push(&arguments, sizeof(count), &count);
        push(&arguments, sizeof(cl_mem), &opt->slots[i]);
        push(&arguments, sizeof(value), &value);
        if (arguments.code == CL_SUCCESS) {
            call = "clEnqueueNDRangeKernel";
            arguments.code = clEnqueueNDRangeKernel(
                queue, opt->fill, 1, NULL, &opt->global, &opt->local,
                *event != NULL ? 1 : waits->count,
                *event != NULL      ? event
                : waits->count != 0 ? waits->events
                                    : NULL,
                &after);
        }
        if (arguments.code != CL_SUCCESS)
            return cs_fail_cl(error, arguments.code, call);
        if (*event != NULL)
            clReleaseEvent(*event);
        *event = after;
    }
    return CLSTEP_OK;
}

/* Does all that create has to do with the device. */
static clstep_status open_optimizer(clstep_optimizer *opt, clstep_error *error)
{
    cl_event filled = NULL;
    struct cs_program *entry = NULL;
    size_t fill_local;
    clstep_status status = create_kernels(opt, &entry, error);

    if (status == CLSTEP_OK)
        status = cs_device_local(opt->device, opt->kernel, &opt->local, error);
    if (status == CLSTEP_OK)
        status = cs_device_local(opt->device, opt->fill, &fill_local, error);
    if (status != CLSTEP_OK)
        return status;
    opt->local = fill_local < opt->local ? fill_local : opt->local;
    if (!cs_size_global(opt->count, opt->local, opt->device->address_bits,
                        &opt->global))
        return cs_fail(
            error, CLSTEP_OUT_OF_RANGE,
            "%llu elements are more than the device, whose addresses "
            "have %u bits, can number",
            (unsigned long long)opt->count, opt->device->address_bits);

    status = allocate_slots(opt, error);
    if (status == CLSTEP_OK)
        status = fill_slots(opt, opt->device->queue, &(struct cs_waits){0},
                            &filled, error);
    if (filled != NULL) {
        const cl_int code = clWaitForEvents(1, &filled);

        if (status == CLSTEP_OK && code != CL_SUCCESS)
            status = cs_fail_cl(error, code, "clWaitForEvents");
        clReleaseEvent(filled);
    }
    return status == CLSTEP_OK ? warm_up(opt, entry, error) : status;
}

clstep_status
clstep_optimizer_create(clstep_device *device, const char *rule,
                        const clstep_setting *settings,
                        const clstep_layout *layout, clstep_optimizer **out,
                        clstep_error *error)
{
    struct cs_settings resolved;

    if (out == NULL)
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT, "out is NULL");
    *out = NULL;
    if (device == NULL || rule == NULL || layout == NULL)
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT, "%s is NULL",
                       device == NULL ? "device"
                       : rule == NULL ? "rule"
                                      : "layout");

    const clstep_rule *row = clstep_rule_find(rule);

    if (row == NULL)
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT,
                       "no rule is called '%.64s'; clstep_rule_at() lists them",
                       rule);
    if (clstep_layout_count(layout) == 0)
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT,
                       "layout has no elements; an optimizer needs at least 1");

    clstep_status status = cs_settings_resolve(row, settings, &resolved, error);

    if (status != CLSTEP_OK)
        return status;

    clstep_optimizer *opt = calloc(1, sizeof(*opt));

    if (opt == NULL)
        return cs_fail(error, CLSTEP_OUT_OF_MEMORY,
                       "no memory for an optimizer");
    cs_device_retain(device);
    opt->device = device;
    opt->settings = resolved;
    opt->count = clstep_layout_count(layout);

    status = open_optimizer(opt, error);
    if (status != CLSTEP_OK) {
        clstep_optimizer_release(opt);
        return status;
    }
    *out = opt;
    return CLSTEP_OK;
}

void clstep_optimizer_release(clstep_optimizer *opt)
{
    if (opt == NULL)
        return;
    cs_order_forget(opt);
    for (size_t i = 0; i < CS_MAX_SLOTS; i++)
        if (opt->slots[i] != NULL)
            clReleaseMemObject(opt->slots[i]);
    if (opt->kernel != NULL)
        clReleaseKernel(opt->kernel);
    if (opt->fill != NULL)
        clReleaseKernel(opt->fill);
    clstep_device_release(opt->device);
    free(opt);
}

/* --- step ----------------------------------------------------------------- */

clstep_status
clstep_optimizer_step(clstep_optimizer *opt, cl_command_queue queue,
                      const clstep_buffers *buffers, cl_uint wait_count,
                      const cl_event *wait_list, cl_event *done,
                      clstep_error *error)
{
    struct cs_waits waits;
    cl_event event = NULL;
    clstep_status status;

    if (done != NULL)
        *done = NULL;
    if (opt == NULL)
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT, "optimizer is NULL");
    if (opt->steps == UINT64_MAX)
        return cs_fail(error, CLSTEP_OUT_OF_RANGE,
                       "2^64 - 1 steps were taken; no more can be counted");
    status = cs_check_queue(opt, queue, error);
    if (status == CLSTEP_OK)
        status = cs_check_buffers(opt, buffers, error);
    if (status == CLSTEP_OK)
        status = set_arguments(opt, opt->count, buffers, opt->steps + 1, error);
    if (status != CLSTEP_OK)
        return status;

    status =
        cs_order_begin(opt, queue, false, wait_count, wait_list, &waits, error);
    if (status != CLSTEP_OK)
        return status;

    cl_int code = clEnqueueNDRangeKernel(
        queue, opt->kernel, 1, NULL, &opt->global, &opt->local, waits.count,
        waits.count != 0 ? waits.events : NULL, &event);

    if (code == CL_SUCCESS)
        cs_order_end(opt, &waits, event);
    cs_waits_release(&waits);
    if (code != CL_SUCCESS)
        return cs_fail_cl(error, code, "clEnqueueNDRangeKernel");

    opt->steps++;
    if (done == NULL)
        return CLSTEP_OK;
    code = clRetainEvent(event);
    if (code != CL_SUCCESS) {
        /* The step is under way, and the caller cannot know when it ends. */
        cs_order_tear(opt);
        return cs_fail_cl(error, code, "clRetainEvent");
    }
    *done = event;
    return CLSTEP_OK;
}

/* --- settings ------------------------------------------------------------- */

clstep_status clstep_optimizer_set(clstep_optimizer *opt, const char *name,
                                   double value, clstep_error *error)
{
    if (opt == NULL || name == NULL)
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT, "%s is NULL",
                       opt == NULL ? "optimizer" : "name");
    return cs_settings_set(&opt->settings, name, value, error);
}

clstep_status
clstep_optimizer_get(const clstep_optimizer *opt, const char *name,
                     double *value, clstep_error *error)
{
    if (opt == NULL || name == NULL || value == NULL)
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT, "%s is NULL",
                       opt == NULL    ? "optimizer"
                       : name == NULL ? "name"
                                      : "value");

    const int index = cs_settings_find(opt->settings.rule, name);

    if (index < 0)
        return cs_settings_unknown(opt->settings.rule, name, error);
    *value = opt->settings.value[index];
    return CLSTEP_OK;
}

/* --- state ---------------------------------------------------------------- */

uint64_t clstep_optimizer_steps(const clstep_optimizer *opt)
{
    return opt != NULL ? opt->steps : 0;
}

clstep_status clstep_optimizer_set_steps(clstep_optimizer *opt, uint64_t steps,
                                         clstep_error *error)
{
    if (opt == NULL)
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT, "optimizer is NULL");

    const clstep_status status = cs_order_look(opt, error);

    if (status != CLSTEP_OK)
        return status;
    for (size_t i = 0; i < opt->slot_count && opt->torn; i++)
        if (opt->rewritten[i] < opt->count)
            return cs_fail(error, CLSTEP_STATE_TORN,
                           "an earlier step failed on the device, and slot %s "
                           "was not written since: write every slot before the "
                           "steps are set",
                           opt->slot_rows[i]->name);
    opt->torn = false;
    opt->steps = steps;
    return CLSTEP_OK;
}

const char *clstep_optimizer_slot(const clstep_optimizer *opt, size_t index)
{
    return opt != NULL && index < opt->slot_count ? opt->slot_rows[index]->name
                                                  : NULL;
}

uint64_t clstep_optimizer_bytes(const clstep_optimizer *opt)
{
    if (opt == NULL)
        return 0;

    const bool zero = cs_settings_feature(&opt->settings, CS_ZERO_GRAD) != 0.0;

    return sizeof(float) * (3 + 2 * opt->slot_count + (zero ? 1 : 0));
}

clstep_status
clstep_optimizer_reset(clstep_optimizer *opt, cl_command_queue queue,
                       clstep_error *error)
{
    struct cs_waits waits;
    cl_event event = NULL;
    clstep_status status;

    if (opt == NULL)
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT, "optimizer is NULL");
    status = cs_check_queue(opt, queue, error);
    if (status != CLSTEP_OK)
        return status;
    status = cs_order_begin(opt, queue, true, 0, NULL, &waits, error);
    if (status != CLSTEP_OK)
        return status;

    status = fill_slots(opt, queue, &waits, &event, error);
    if (event != NULL)
        cs_order_end(opt, &waits, event);
    cs_waits_release(&waits);
    if (status != CLSTEP_OK) {
        if (event != NULL)
            cs_order_tear(opt);
        return status;
    }
    opt->torn = false;
    opt->steps = 0;
    return CLSTEP_OK;
}
