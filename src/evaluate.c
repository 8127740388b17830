/*
 * evaluate.c - the parameters that a schedule-free rule is evaluated at
 * SPDX-License-Identifier: MIT
 */
#include "optimizer.h"
#include "error.h"
#include "table.h"

#include <stdlib.h>

/* How far a group goes from its parameters towards the slot and beyond; 0 for
 * one that has taken no step. */
static float factor_of(const struct cs_group *group)
{
    const clstep_rule *rule = group->settings.rule;
    const int index = cs_settings_find(rule, rule->evaluated);

    return group->steps != 0 ? (float)(1.0 - 1.0 / group->settings.value[index])
                             : 0.0f;
}

/* Each group's factor, in the device's memory.  Waits where only the device
 * knows whether a group has taken a step. */
static clstep_status
send_factors(clstep_optimizer *opt, cl_mem *buffer, clstep_error *error)
{
    float *factors = calloc(opt->group_count, sizeof(*factors));
    clstep_status status = CLSTEP_OK;
    bool known = true;
    cl_int code;

    if (factors == NULL)
        return cs_fail(error, CLSTEP_OUT_OF_MEMORY, "no memory for %zu groups",
                       opt->group_count);
    cs_table_look(opt->table);
    for (size_t g = 0; g < opt->group_count; g++)
        known = known && opt->groups[g].steps != 0;
    if (!known && opt->table->uncounted != 0)
        status = cs_table_wait(opt->table, error);
    for (size_t g = 0; g < opt->group_count; g++)
        factors[g] = factor_of(&opt->groups[g]);
    if (status == CLSTEP_OK) {
        *buffer = clCreateBuffer(
            opt->device->context, CL_MEM_READ_ONLY | CL_MEM_COPY_HOST_PTR,
            opt->group_count * sizeof(*factors), factors, &code);
        if (code != CL_SUCCESS)
            status = cs_fail_cl(error, code, "clCreateBuffer");
    }
    free(factors);
    return status;
}

static cl_mem end_of(const clstep_optimizer *opt)
{
    return opt->slots[0]; /* by the row */
}

static clstep_status
launch(clstep_optimizer *opt, struct cs_call *call,
       const clstep_buffers *buffers, cl_mem output, uint64_t output_offset,
       cl_mem factors, clstep_error *error)
{
    const cl_ulong count = opt->count, from = buffers->parameters_offset;
    const cl_ulong to = output_offset;
    const cl_mem end = end_of(opt);
    const float factor = factor_of(&opt->groups[0]);
    struct cs_arguments arguments = {&opt->evaluate, 0, CL_SUCCESS};

    cs_push(&arguments, sizeof(count), &count);
    cs_push(&arguments, sizeof(cl_mem), &buffers->parameters);
    cs_push(&arguments, sizeof(from), &from);
    cs_push(&arguments, sizeof(cl_mem), &end);
    cs_push(&arguments, sizeof(cl_mem), &output);
    cs_push(&arguments, sizeof(to), &to);
    if (opt->table != NULL) {
        cs_push(&arguments, sizeof(cl_mem), &opt->block_groups);
        cs_push(&arguments, sizeof(cl_mem), &factors);
    } else {
        cs_push(&arguments, sizeof(factor), &factor);
    }
    if (arguments.code != CL_SUCCESS)
        return cs_fail_cl(error, arguments.code, "clSetKernelArg");
    return cs_call_launch(call, &opt->evaluate, opt->global, opt->local, error);
}

static clstep_status check(const clstep_optimizer *opt, cl_command_queue queue,
                           const clstep_buffers *buffers, cl_mem output,
                           uint64_t output_offset, clstep_error *error)
{
    clstep_status status;

    if (opt == NULL || buffers == NULL)
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT, "%s is NULL",
                       opt == NULL ? "optimizer" : "buffers");
    if (opt->evaluate.cl == NULL)
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT,
                       "%s is evaluated at its parameters; only the "
                       "schedule-free rules are not",
                       opt->settings->rule->name);
    status = cs_check_queue(opt, queue, error);
    if (status == CLSTEP_OK && output == buffers->parameters && output != NULL)
        status = cs_fail(error, CLSTEP_INVALID_ARGUMENT,
                         "output is the buffer of the parameters, which "
                         "training goes on from");
    if (status == CLSTEP_OK)
        status = cs_check_beside(opt->device->context, buffers, CS_READ, output,
                                 output_offset, opt->count, "output", CS_WRITE,
                                 error);
    return status;
}

clstep_status
clstep_optimizer_evaluate(clstep_optimizer *opt, cl_command_queue queue,
                          const clstep_buffers *buffers, cl_mem output,
                          uint64_t output_offset, cl_uint wait_count,
                          const cl_event *wait_list, cl_event *done,
                          clstep_error *error)
{
    struct cs_call call;
    cl_mem factors = NULL;
    clstep_status status;

    if (done != NULL)
        *done = NULL;
    status = check(opt, queue, buffers, output, output_offset, error);
    if (status == CLSTEP_OK && opt->table != NULL)
        status = send_factors(opt, &factors, error);
    if (status == CLSTEP_OK)
        status = cs_call_begin(opt, queue, false, wait_count, wait_list, &call,
                               error);
    if (status == CLSTEP_OK) {
        status =
            launch(opt, &call, buffers, output, output_offset, factors, error);
        status = cs_call_keep(opt, &call, status, error);
        if (status == CLSTEP_OK)
            status = cs_give_event(opt, &call, done, error);
        cs_call_end(&call);
    }
    if (factors != NULL)
        clReleaseMemObject(factors);
    return status;
}
