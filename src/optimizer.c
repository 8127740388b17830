/*
 * optimizer.c - an optimizer's steps, settings and counts
 * SPDX-License-Identifier: MIT
 */
#include "optimizer.h"
#include "error.h"
#include "factors.h"
#include "plan.h"
#include "prune.h"
#include "sums.h"

#include <float.h>
#include <stdlib.h>

static double feature(const clstep_optimizer *opt, enum cs_feature which)
{
    return cs_settings_feature(opt->settings, which);
}

static const struct cs_sums *sums_of(const clstep_optimizer *opt)
{
    return opt->table != NULL ? opt->table->sums : NULL;
}

/* --- step ----------------------------------------------------------------- */

clstep_status
cs_check_step(const clstep_optimizer *opt, cl_command_queue queue,
              const clstep_buffers *buffers, const clstep_buffers *scaled,
              bool apart, clstep_error *error)
{
    const uint64_t uncounted = opt->table != NULL ? opt->table->uncounted : 0;

    for (size_t g = 0; g < opt->group_count; g++)
        if (!opt->groups[g].frozen &&
            opt->groups[g].steps >= UINT64_MAX - uncounted)
            return cs_fail(error, CLSTEP_OUT_OF_RANGE,
                           "%llu steps were taken by group %zu; no more can "
                           "be counted",
                           (unsigned long long)opt->groups[g].steps, g);

    clstep_status status = cs_check_queue(opt, queue, error);

    if (status != CLSTEP_OK)
        return status;
    if (buffers == NULL)
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT, "buffers is NULL");
    if (!apart)
        return cs_check_buffers(opt, buffers, opt->count, scaled, error);
    status = cs_check_scale(opt, scaled, error);
    for (size_t t = 0; t < opt->tensor_count && status == CLSTEP_OK; t++) {
        const struct cs_tensor *tensor = &opt->tensors[t];

        if (tensor->count != 0 && !opt->groups[tensor->group].frozen)
            status = cs_check_buffers(opt, &buffers[t], tensor->count, scaled,
                                      error);
        if (status != CLSTEP_OK)
            return cs_fail_in(error, status, "tensor", t);
    }
    return status;
}

clstep_status cs_give_event(clstep_optimizer *opt, const struct cs_call *call,
                            cl_event *done, clstep_error *error)
{
    if (done == NULL)
        return CLSTEP_OK;

    const cl_int code = clRetainEvent(call->last);

    if (code != CL_SUCCESS) {
        /* The caller cannot know when the call ends. */
        cs_order_tear(opt);
        return cs_fail_cl(error, code, "clRetainEvent");
    }
    *done = call->last;
    return CLSTEP_OK;
}

/* The step of an optimizer whose scalars are an argument. */
static clstep_status step_plainly(clstep_optimizer *opt, struct cs_call *call,
                                  const clstep_buffers *buffers, bool apart,
                                  bool *torn, clstep_error *error)
{
    const clstep_status status =
        cs_launch_update(opt, call, buffers, apart, error);

    *torn = call->last != NULL;
    if (status != CLSTEP_OK)
        return status;
    opt->steps++;
    opt->groups[0].steps += !opt->groups[0].frozen;
    return CLSTEP_OK;
}

bool cs_is_frozen(const clstep_optimizer *opt)
{
    bool frozen = true;

    for (size_t g = 0; g < opt->group_count; g++)
        frozen = frozen && opt->groups[g].frozen;
    return frozen;
}

static clstep_status
step(clstep_optimizer *opt, cl_command_queue queue,
     const clstep_buffers *buffers, bool apart, cl_uint wait_count,
     const cl_event *wait_list, cl_event *done, clstep_error *error)
{
    struct cs_call call;
    bool torn = false;
    clstep_status status;

    if (done != NULL)
        *done = NULL;
    if (opt == NULL)
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT, "optimizer is NULL");
    if (opt->table != opt->own_table)
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT,
                       "optimizer is in a joint, whose step is "
                       "clstep_joint_step()");
    status = cs_check_step(opt, queue, buffers, buffers, apart, error);
    if (status == CLSTEP_OK)
        status = cs_call_begin(opt, queue, false, wait_count, wait_list, &call,
                               error);
    if (status != CLSTEP_OK)
        return status;

    if (cs_is_frozen(opt))
        status = CLSTEP_OK;
    else
        status =
            opt->table != NULL
                ? cs_table_step(opt->table, &call, buffers, apart, &torn, error)
                : step_plainly(opt, &call, buffers, apart, &torn, error);
    if (status == CLSTEP_OK)
        status = cs_call_mark(&call, error);
    if (status != CLSTEP_OK && torn)
        cs_order_tear(opt);
    status = cs_call_keep(opt, &call, status, error);
    if (status == CLSTEP_OK)
        status = cs_give_event(opt, &call, done, error);
    cs_call_end(&call);
    return status;
}

clstep_status
clstep_optimizer_step(clstep_optimizer *opt, cl_command_queue queue,
                      const clstep_buffers *buffers, cl_uint wait_count,
                      const cl_event *wait_list, cl_event *done,
                      clstep_error *error)
{
    return step(opt, queue, buffers, false, wait_count, wait_list, done, error);
}

clstep_status
clstep_optimizer_step_tensors(clstep_optimizer *opt, cl_command_queue queue,
                              const clstep_buffers *buffers, cl_uint wait_count,
                              const cl_event *wait_list, cl_event *done,
                              clstep_error *error)
{
    return step(opt, queue, buffers, true, wait_count, wait_list, done, error);
}

size_t clstep_optimizer_launches(const clstep_optimizer *opt, int apart)
{
    size_t launches = 0;

    if (opt == NULL)
        return 0;

    const bool norm = cs_settings_has_norm(opt->settings);
    const struct cs_tensor whole = {.count = opt->count};
    const struct cs_tensor *tensors = apart ? opt->tensors : &whole;
    const size_t count = apart ? opt->tensor_count : 1;

    for (size_t t = 0; t < count; t++) {
        const uint64_t rest = tensors[t].count % CLSTEP_ALIGNMENT;
        const bool split = opt->table != NULL && rest != 0;
        const size_t once = split && tensors[t].count != rest ? 2 : 1;

        if (tensors[t].count == 0)
            continue;
        launches += once * (opt->finish.cl != NULL ? 2 : 1);
        if (opt->rows.cl != NULL) {
            const struct cs_rows rows =
                apart ? cs_rows_of(&tensors[t]) : opt->rows_of_all;

            launches += rows.longs != 0 ? 3 : rows.items != 0;
        }
        launches +=
            norm + cs_prune_launches(
                       opt, apart ? cs_prune_chunks(opt, t, 1)
                                  : cs_prune_chunks(opt, 0, opt->tensor_count));
    }
    return launches + norm + (sums_of(opt) != NULL) +
           cs_factors_launches(opt, apart);
}

/* --- swap ----------------------------------------------------------------- */

/* Which groups have taken a step, in the device's memory. */
static clstep_status
send_started(clstep_optimizer *opt, cl_mem *buffer, clstep_error *error)
{
    cl_uint *started = calloc(opt->group_count, sizeof(*started));
    bool known = true;
    clstep_status status = CLSTEP_OK;

    cs_table_look(opt->table);
    for (size_t g = 0; g < opt->group_count; g++)
        known = known && opt->groups[g].steps != 0;
    if (!known && opt->table->uncounted != 0)
        status = cs_table_wait(opt->table, error);
    if (status == CLSTEP_OK && started == NULL)
        status = cs_fail(error, CLSTEP_OUT_OF_MEMORY,
                         "no memory for %zu groups", opt->group_count);
    for (size_t g = 0; g < opt->group_count && status == CLSTEP_OK; g++)
        started[g] = opt->groups[g].steps != 0;
    if (status == CLSTEP_OK) {
        cl_int code;

        *buffer = clCreateBuffer(
            opt->device->context, CL_MEM_READ_ONLY | CL_MEM_COPY_HOST_PTR,
            opt->group_count * sizeof(*started), started, &code);
        if (code != CL_SUCCESS)
            status = cs_fail_cl(error, code, "clCreateBuffer");
    }
    free(started);
    return status;
}

/* Enqueues the exchange; with a table, by the groups that are in 'started'. */
static clstep_status
launch_swap(clstep_optimizer *opt, struct cs_call *call,
            const clstep_buffers *buffers, cl_mem started, clstep_error *error)
{
    const cl_ulong count = opt->count, offset = buffers->parameters_offset;
    struct cs_arguments arguments = {&opt->swap, 0, CL_SUCCESS};

    cs_push(&arguments, sizeof(count), &count);
    cs_push(&arguments, sizeof(cl_mem), &buffers->parameters);
    cs_push(&arguments, sizeof(offset), &offset);
    cs_push(&arguments, sizeof(cl_mem), &opt->slots[opt->slot_count - 1]);
    if (opt->table != NULL) {
        cs_push(&arguments, sizeof(cl_mem), &opt->block_groups);
        cs_push(&arguments, sizeof(cl_mem), &started);
    }
    if (arguments.code != CL_SUCCESS)
        return cs_fail_cl(error, arguments.code, "clSetKernelArg");
    return cs_call_launch(call, &opt->swap, opt->global, opt->local, error);
}

static clstep_status
check_swap(const clstep_optimizer *opt, cl_command_queue queue,
           const clstep_buffers *buffers, clstep_error *error)
{
    clstep_status status;

    if (opt == NULL)
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT, "optimizer is NULL");
    if (opt->swap.cl == NULL)
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT,
                       "this %s has no average: give ema_decay or "
                       "ema_form=equal at creation",
                       opt->settings->rule->name);
    status = cs_check_queue(opt, queue, error);
    if (status == CLSTEP_OK && buffers == NULL)
        status = cs_fail(error, CLSTEP_INVALID_ARGUMENT, "buffers is NULL");
    if (status == CLSTEP_OK)
        status = cs_check_buffer(opt->device->context, buffers->parameters,
                                 buffers->parameters_offset, opt->count,
                                 sizeof(float), "parameters",
                                 CS_READ | CS_WRITE, error);
    return status;
}

clstep_status
clstep_optimizer_swap(clstep_optimizer *opt, cl_command_queue queue,
                      const clstep_buffers *buffers, cl_uint wait_count,
                      const cl_event *wait_list, cl_event *done,
                      clstep_error *error)
{
    struct cs_call call;
    cl_mem started = NULL;
    clstep_status status;

    if (done != NULL)
        *done = NULL;
    status = check_swap(opt, queue, buffers, error);
    if (status == CLSTEP_OK && opt->table != NULL)
        status = send_started(opt, &started, error);
    if (status == CLSTEP_OK)
        status = cs_call_begin(opt, queue, false, wait_count, wait_list, &call,
                               error);
    if (status == CLSTEP_OK) {
        status = opt->table != NULL || opt->groups[0].steps != 0
                     ? launch_swap(opt, &call, buffers, started, error)
                     : cs_call_mark(&call, error);
        status = cs_call_keep(opt, &call, status, error);
        if (status == CLSTEP_OK)
            status = cs_give_event(opt, &call, done, error);
        cs_call_end(&call);
    }
    if (started != NULL)
        clReleaseMemObject(started);
    return status;
}

/* --- settings ------------------------------------------------------------- */

/* Says whether 'opt' has the group; 'name' is what the caller gave. */
static clstep_status check_group(const clstep_optimizer *opt, size_t group,
                                 const char *name, clstep_error *error)
{
    if (opt == NULL || name == NULL)
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT, "%s is NULL",
                       opt == NULL ? "optimizer" : "name");
    if (group >= opt->group_count)
        return cs_fail(error, CLSTEP_OUT_OF_RANGE,
                       "group is %zu; the optimizer has %zu, from 0 on", group,
                       opt->group_count);
    return CLSTEP_OK;
}

clstep_status clstep_optimizer_set(clstep_optimizer *opt, const char *name,
                                   double value, clstep_error *error)
{
    clstep_status status = check_group(opt, 0, name, error);

    /* What one group refuses, all do: nothing changes then. */
    for (size_t g = 0; g < (opt != NULL ? opt->group_count : 0); g++) {
        struct cs_settings tried;

        if (status != CLSTEP_OK)
            return status;
        tried = opt->groups[g].settings;
        status = cs_settings_set(&tried, name, value, error);
    }
    for (size_t g = 0; status == CLSTEP_OK && g < opt->group_count; g++)
        status = cs_settings_set(&opt->groups[g].settings, name, value, error);
    return status;
}

clstep_status
clstep_optimizer_set_group(clstep_optimizer *opt, size_t group,
                           const char *name, double value, clstep_error *error)
{
    const clstep_status status = check_group(opt, group, name, error);

    if (status != CLSTEP_OK)
        return status;
    if (cs_settings_is_shared(name))
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT,
                       "%s of %s is the same in all groups: set it with "
                       "clstep_optimizer_set()",
                       name, opt->settings->rule->name);
    return cs_settings_set(&opt->groups[group].settings, name, value, error);
}

clstep_status
clstep_optimizer_get_group(const clstep_optimizer *opt, size_t group,
                           const char *name, double *value, clstep_error *error)
{
    const clstep_status status = check_group(opt, group, name, error);

    if (status != CLSTEP_OK)
        return status;
    if (value == NULL)
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT, "value is NULL");

    const int index = cs_settings_find(opt->settings->rule, name);

    if (index < 0)
        return cs_settings_unknown(opt->settings->rule, name, error);
    *value = opt->groups[group].settings.value[index];
    return CLSTEP_OK;
}

clstep_status
clstep_optimizer_get(const clstep_optimizer *opt, const char *name,
                     double *value, clstep_error *error)
{
    return clstep_optimizer_get_group(opt, 0, name, value, error);
}

clstep_status clstep_optimizer_freeze(clstep_optimizer *opt, size_t group,
                                      int frozen, clstep_error *error)
{
    const clstep_status status = check_group(opt, group, "", error);

    if (status == CLSTEP_OK)
        opt->groups[group].frozen = frozen != 0;
    return status;
}

/* --- counts --------------------------------------------------------------- */

/* Makes sure that the host knows the counts. */
static clstep_status count(clstep_optimizer *opt, clstep_error *error)
{
    return opt->table != NULL && opt->table->uncounted != 0
               ? cs_table_wait(opt->table, error)
               : CLSTEP_OK;
}

uint64_t clstep_optimizer_steps(clstep_optimizer *opt)
{
    return opt != NULL && count(opt, NULL) == CLSTEP_OK ? opt->steps : 0;
}

uint64_t clstep_optimizer_group_steps(clstep_optimizer *opt, size_t group)
{
    return opt != NULL && group < opt->group_count &&
                   count(opt, NULL) == CLSTEP_OK
               ? opt->groups[group].steps
               : 0;
}

/* Makes the host's counts known, and ends torn state if all of it is new. */
static clstep_status mend(clstep_optimizer *opt, clstep_error *error)
{
    clstep_status status = cs_order_look(opt, error);

    for (size_t i = 0; i < opt->slot_count && opt->torn && status == CLSTEP_OK;
         i++)
        if (opt->rewritten[i] < cs_slot_count(opt, i))
            status =
                cs_fail(error, CLSTEP_STATE_TORN,
                        "an earlier step failed on the device, and slot %s "
                        "was not written since: write every slot before the "
                        "steps are set",
                        opt->slot_rows[i]->name);
    if (status == CLSTEP_OK)
        status = count(opt, error);
    if (status == CLSTEP_OK && opt->table != NULL)
        cs_table_recount(opt->table, true);
    return status;
}

clstep_status clstep_optimizer_set_steps(clstep_optimizer *opt, uint64_t steps,
                                         clstep_error *error)
{
    clstep_status status = check_group(opt, 0, "", error);

    if (status == CLSTEP_OK)
        status = mend(opt, error);
    if (status != CLSTEP_OK)
        return status;
    opt->torn = false;
    opt->steps = steps;
    for (size_t g = 0; g < opt->group_count; g++)
        opt->groups[g].steps = steps;
    return CLSTEP_OK;
}

clstep_status
clstep_optimizer_set_group_steps(clstep_optimizer *opt, size_t group,
                                 uint64_t steps, clstep_error *error)
{
    clstep_status status = check_group(opt, group, "", error);

    if (status == CLSTEP_OK)
        status = mend(opt, error);
    if (status == CLSTEP_OK)
        opt->groups[group].steps = steps;
    return status;
}

/* --- report --------------------------------------------------------------- */

/* Enqueues the report.  Where the host says which step comes next, the device
 * may not know yet how many were taken. */
static clstep_status
read_report(const clstep_optimizer *opt, struct cs_call *call,
            clstep_report *report, clstep_error *error)
{
    const struct cs_sums *sums = sums_of(opt);
    const size_t from = sums != NULL && opt->table->counted
                            ? offsetof(clstep_report, skipped)
                            : 0;
    clstep_status status;

    *report = (clstep_report){.steps = opt->steps};
    if (sums == NULL)
        return cs_call_mark(call, error);
    status = cs_call_read(call, sums->control, CL_FALSE, from,
                          sizeof(*report) - from, (char *)report + from, error);
    if (status == CLSTEP_OK && from == 0 && opt->table != opt->own_table)
        status = cs_call_read(call, sums->control, CL_FALSE,
                              cs_table_steps_at(opt->table, opt->member),
                              sizeof(report->steps), &report->steps, error);
    if (status == CLSTEP_OK && sums->scale != NULL)
        status = cs_call_read(call, sums->scale, CL_FALSE, 0, sizeof(float),
                              &report->scale, error);
    return status;
}

clstep_status
clstep_optimizer_report(clstep_optimizer *opt, cl_command_queue queue,
                        clstep_report *report, cl_event *done,
                        clstep_error *error)
{
    struct cs_call call;
    clstep_status status;

    if (done != NULL)
        *done = NULL;
    if (opt == NULL || report == NULL)
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT, "%s is NULL",
                       opt == NULL ? "optimizer" : "report");
    status = cs_check_queue(opt, queue, error);
    if (status == CLSTEP_OK)
        status = cs_call_begin(opt, queue, false, 0, NULL, &call, error);
    if (status != CLSTEP_OK)
        return status;

    status = read_report(opt, &call, report, error);
    if (status == CLSTEP_OK && done != NULL) {
        /* The next step waits for it. */
        status = cs_call_keep(opt, &call, status, error);
        *done = status == CLSTEP_OK ? call.last : NULL;
        call.last = status == CLSTEP_OK ? NULL : call.last;
    }
    if (call.last != NULL) {
        const cl_int code = clWaitForEvents(1, &call.last);

        if (code != CL_SUCCESS && status == CLSTEP_OK)
            status = cs_fail_cl(error, code, "clWaitForEvents");
    }
    cs_call_end(&call);
    return status;
}

clstep_status
clstep_optimizer_resume(clstep_optimizer *opt, cl_command_queue queue,
                        const clstep_report *report, clstep_error *error)
{
    struct cs_call call;
    clstep_status status;

    if (opt == NULL || report == NULL)
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT, "%s is NULL",
                       opt == NULL ? "optimizer" : "report");

    const struct cs_sums *sums = sums_of(opt);
    const bool scaled = sums != NULL && sums->scale != NULL;

    if (scaled && !(report->scale >= FLT_MIN && report->scale <= FLT_MAX))
        return cs_fail(error, CLSTEP_OUT_OF_RANGE,
                       "scale of the report is %.9g; it is in [%.9g, %.9g]",
                       (double)report->scale, (double)FLT_MIN, (double)FLT_MAX);
    status = cs_check_queue(opt, queue, error);
    if (status == CLSTEP_OK)
        status = cs_call_begin(opt, queue, true, 0, NULL, &call, error);
    if (status != CLSTEP_OK)
        return status;
    if (sums != NULL)
        status = cs_call_write(
            &call, sums->control, CL_TRUE, offsetof(struct cs_control, skipped),
            sizeof(report->skipped), &report->skipped, error);
    if (status == CLSTEP_OK && scaled)
        status = cs_call_write(&call, sums->control, CL_TRUE,
                               offsetof(struct cs_control, scale_steps),
                               sizeof(report->scale_steps),
                               &report->scale_steps, error);
    if (status == CLSTEP_OK && scaled)
        status = cs_call_write(&call, sums->scale, CL_TRUE, 0, sizeof(float),
                               &report->scale, error);
    cs_call_end(&call);
    return status;
}

cl_mem clstep_optimizer_scale(const clstep_optimizer *opt)
{
    return opt != NULL && sums_of(opt) != NULL ? sums_of(opt)->scale : NULL;
}

/* --- state ---------------------------------------------------------------- */

const char *clstep_optimizer_slot(const clstep_optimizer *opt, size_t index)
{
    return opt != NULL && index < opt->slot_count ? opt->slot_rows[index]->name
                                                  : NULL;
}

uint64_t clstep_optimizer_slot_count(const clstep_optimizer *opt, size_t index)
{
    return opt != NULL && index < opt->slot_count ? cs_slot_count(opt, index)
                                                  : 0;
}

/* The bytes of an element whose type is the choice 'which'. */
static uint64_t size_of(const clstep_optimizer *opt, enum cs_feature which)
{
    return feature(opt, which) == CS_TYPE_F32 ? sizeof(float) : 2;
}

/* Says whether a step only reads 'slot': what prune holds is written where it
 * is chosen. */
static bool is_read_only(const struct cs_slot *slot)
{
    return slot->read_only || slot == &cs_pruned_slot;
}

uint64_t clstep_optimizer_bytes(const clstep_optimizer *opt)
{
    if (opt == NULL)
        return 0;

    const bool zero = feature(opt, CS_ZERO_GRAD) != 0.0;
    const bool copy = feature(opt, CS_COPY_TYPE) != 0.0;
    size_t floats = 2;

    for (size_t i = 0; i < opt->slot_count; i++)
        if (!opt->slot_rows[i]->per_tensor)
            floats += is_read_only(opt->slot_rows[i]) ? 1 : 2;
    return sizeof(float) * floats +
           size_of(opt, CS_GRAD_TYPE) * (zero ? 2 : 1) + (copy ? 2 : 0);
}

uint64_t clstep_optimizer_norm_bytes(const clstep_optimizer *opt)
{
    return opt != NULL && cs_settings_has_norm(opt->settings)
               ? size_of(opt, CS_GRAD_TYPE)
               : 0;
}

uint64_t clstep_optimizer_sums_bytes(const clstep_optimizer *opt)
{
    if (opt == NULL || opt->factors == NULL || opt->factors->chunk_count == 0)
        return 0;

    size_t floats = cs_settings_pass_reads(opt->settings, "parameters");

    for (size_t i = 0; i < opt->slot_count; i++)
        floats +=
            cs_settings_pass_reads(opt->settings, opt->slot_rows[i]->name);
    return sizeof(float) * floats + size_of(opt, CS_GRAD_TYPE);
}

clstep_status
clstep_optimizer_reset(clstep_optimizer *opt, cl_command_queue queue,
                       clstep_error *error)
{
    struct cs_call call;
    clstep_status status;

    if (opt == NULL)
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT, "optimizer is NULL");

    const bool joined = opt->table != opt->own_table;

    status = cs_check_queue(opt, queue, error);

    /* What the device keeps for a joint is not one member's. */
    if (status == CLSTEP_OK && joined)
        status = count(opt, error);
    if (status == CLSTEP_OK)
        status = cs_call_begin(opt, queue, true, 0, NULL, &call, error);
    if (status != CLSTEP_OK)
        return status;

    status = cs_fill_slots(opt, &call, error);
    if (status == CLSTEP_OK && sums_of(opt) != NULL && !joined)
        status = cs_sums_reset(opt->table->sums, opt->table, &call, error);
    if (status != CLSTEP_OK && call.last != NULL)
        cs_order_tear(opt);
    status = cs_call_keep(opt, &call, status, error);
    cs_call_end(&call);
    if (status != CLSTEP_OK)
        return status;
    if (opt->table != NULL)
        cs_table_recount(opt->table, true);
    opt->torn = false;
    opt->steps = 0;
    for (size_t g = 0; g < opt->group_count; g++)
        opt->groups[g].steps = 0;
    return CLSTEP_OK;
}
