/*
 * joint.c - several optimizers that step together
 * SPDX-License-Identifier: MIT
 *
 * A joint is a table of all their groups, with one decision.  While it lives,
 * its members' launches take their rows from it.
 */
#include "error.h"
#include "sums.h"

#include <stdlib.h>
#include <string.h>

struct clstep_joint {
    struct cs_table *table;
};

/* What the members have to agree in: features that all share. */
static const struct {
    enum cs_feature feature;
    const char *name;
} common[] = {
    {CS_GRAD_TYPE, "grad_type"},
    {CS_GRAD_SCALE, "grad_scale"},
    {CS_DEVICE_SCALE, "device_scale"},
    {CS_SCALE_START, "scale_start"},
    {CS_SCALE_GROWTH, "scale_growth"},
    {CS_SCALE_INTERVAL, "scale_interval"},
    {CS_SCALE_BACKOFF, "scale_backoff"},
    {CS_CHECK_FINITE, "check_finite"},
    {CS_CLIP_VALUE, "clip_value"},
    {CS_CLIP_NORM, "clip_norm"},
    {CS_CLIP_NORM_TENSOR, "clip_norm_tensor"},
};

/* Fails where optimizer 'index' cannot share what the first decides. */
static clstep_status
check_common(const clstep_optimizer *first, const clstep_optimizer *other,
             size_t index, clstep_error *error)
{
    for (size_t i = 0; i < sizeof(common) / sizeof(*common); i++) {
        const enum cs_feature f = common[i].feature;

        if (cs_settings_has_feature(first->settings, f) !=
                cs_settings_has_feature(other->settings, f) ||
            cs_settings_feature(first->settings, f) !=
                cs_settings_feature(other->settings, f))
            return cs_fail(error, CLSTEP_INVALID_ARGUMENT,
                           "%s of optimizer %zu is not that of optimizer 0; a "
                           "joint has one",
                           common[i].name, index);
    }
    return CLSTEP_OK;
}

static clstep_status check_members(clstep_optimizer *const *optimizers,
                                   size_t count, clstep_error *error)
{
    clstep_status status = CLSTEP_OK;

    for (size_t i = 0; i < count && status == CLSTEP_OK; i++) {
        const clstep_optimizer *opt = optimizers[i];

        if (opt == NULL)
            return cs_fail(error, CLSTEP_INVALID_ARGUMENT,
                           "optimizer %zu is NULL", i);
        for (size_t j = 0; j < i; j++)
            if (optimizers[j] == opt)
                return cs_fail(error, CLSTEP_INVALID_ARGUMENT,
                               "optimizers %zu and %zu are the same", j, i);
        if (opt->device != optimizers[0]->device)
            return cs_fail(error, CLSTEP_INVALID_ARGUMENT,
                           "optimizer %zu is on another device than optimizer "
                           "0",
                           i);
        if (opt->table != opt->own_table)
            return cs_fail(error, CLSTEP_INVALID_ARGUMENT,
                           "optimizer %zu is in a joint already", i);
        if (opt->own_table == NULL || opt->own_table->sums == NULL)
            return cs_fail(error, CLSTEP_INVALID_ARGUMENT,
                           "optimizer %zu has nothing to share: give "
                           "check_finite, clip_norm, clip_norm_tensor or "
                           "device_scale at creation",
                           i);
        status = check_common(optimizers[0], opt, i, error);
    }
    return status;
}

/* The places of a lone optimizer in its own table. */
static void leave(clstep_optimizer *opt)
{
    opt->table = opt->own_table;
    opt->member = opt->first_group = opt->first_tensor = 0;
    opt->first_chunk = 0;
    cs_launch_forget(opt);
}

/* Sets what the device keeps to its initial values. */
static clstep_status begin(struct cs_table *table, clstep_error *error)
{
    struct cs_call call = {.queue = table->device->queue};
    clstep_status status = cs_sums_reset(table->sums, table, &call, error);
    const cl_int code = clFinish(call.queue);

    if (status == CLSTEP_OK && code != CL_SUCCESS)
        status = cs_fail_cl(error, code, "clFinish");
    cs_call_end(&call);
    return status;
}

clstep_status
clstep_joint_create(clstep_optimizer *const *optimizers, size_t count,
                    clstep_joint **out, clstep_error *error)
{
    clstep_joint *joint = NULL;
    clstep_status status;

    if (out == NULL)
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT, "out is NULL");
    *out = NULL;
    if (optimizers == NULL || count == 0)
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT, "%s",
                       optimizers == NULL ? "optimizers is NULL"
                                          : "count is 0; a joint has one "
                                            "optimizer or more");
    status = check_members(optimizers, count, error);
    for (size_t i = 0; i < count && status == CLSTEP_OK; i++)
        status = cs_table_wait(optimizers[i]->own_table, error);
    if (status != CLSTEP_OK)
        return status;

    joint = calloc(1, sizeof(*joint));
    if (joint == NULL)
        return cs_fail(error, CLSTEP_OUT_OF_MEMORY, "no memory for a joint");
    status = cs_table_create(optimizers, count, &joint->table, error);
    if (status == CLSTEP_OK)
        status = cs_sums_warm(joint->table->sums, joint->table, error);
    if (status == CLSTEP_OK)
        status = begin(joint->table, error);
    if (status != CLSTEP_OK) {
        cs_table_release(joint->table);
        free(joint);
        for (size_t i = 0; i < count; i++)
            leave(optimizers[i]);
        return status;
    }
    for (size_t i = 0; i < count; i++) {
        optimizers[i]->table = joint->table;
        cs_launch_forget(optimizers[i]);
    }
    *out = joint;
    return CLSTEP_OK;
}

void clstep_joint_release(clstep_joint *joint)
{
    if (joint == NULL)
        return;
    cs_table_wait(joint->table, NULL);
    for (size_t i = 0; i < joint->table->member_count; i++) {
        leave(joint->table->members[i]);
        cs_table_recount(joint->table->members[i]->own_table, true);
    }
    cs_table_release(joint->table);
    free(joint);
}

/* Whether all optimizers can take a step, as the check of one alone. */
static clstep_status check(const clstep_joint *joint, cl_command_queue queue,
                           const clstep_buffers *buffers, clstep_error *error)
{
    clstep_status status = CLSTEP_OK;

    if (joint == NULL || buffers == NULL)
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT, "%s is NULL",
                       joint == NULL ? "joint" : "buffers");
    for (size_t i = 0; i < joint->table->member_count; i++) {
        status = cs_check_step(joint->table->members[i], queue, &buffers[i],
                               buffers, false, error);
        if (status != CLSTEP_OK)
            return cs_fail_in(error, status, "optimizer", i);
    }
    return status;
}

/* Says whether no member takes a step. */
static bool is_frozen(const struct cs_table *table)
{
    for (size_t i = 0; i < table->member_count; i++)
        if (!cs_is_frozen(table->members[i]))
            return false;
    return true;
}

clstep_status clstep_joint_step(clstep_joint *joint, cl_command_queue queue,
                                const clstep_buffers *buffers,
                                cl_uint wait_count, const cl_event *wait_list,
                                cl_event *done, clstep_error *error)
{
    struct cs_call call;
    bool torn = false;
    clstep_status status;

    if (done != NULL)
        *done = NULL;
    status = check(joint, queue, buffers, error);
    if (status != CLSTEP_OK)
        return status;

    struct cs_table *table = joint->table;

    status = cs_call_begin(table->members[0], queue, false, wait_count,
                           wait_list, &call, error);
    if (status != CLSTEP_OK)
        return status;
    for (size_t i = 1; i < table->member_count && status == CLSTEP_OK; i++)
        status = cs_call_join(table->members[i], &call, error);
    if (status == CLSTEP_OK)
        status = is_frozen(table) ? cs_call_mark(&call, error)
                                  : cs_table_step(table, &call, buffers, false,
                                                  &torn, error);
    for (size_t i = 0; i < table->member_count; i++) {
        if (status != CLSTEP_OK && torn)
            cs_order_tear(table->members[i]);
        status = cs_call_keep(table->members[i], &call, status, error);
    }
    if (status == CLSTEP_OK)
        status = cs_give_event(table->members[0], &call, done, error);
    cs_call_end(&call);
    return status;
}
