/*
 * state.c - reading and writing an optimizer's slots
 * SPDX-License-Identifier: MIT
 */
#include "optimizer.h"
#include "error.h"
#include "sizes.h"

#include <stdio.h>
#include <string.h>

static clstep_status
fail_slot(const clstep_optimizer *opt, const char *name, clstep_error *error)
{
    char names[160] = "none";
    size_t used = 0;

    for (size_t i = 0; i < opt->slot_count && used < sizeof(names); i++)
        used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s",
                                 i == 0 ? "" : ", ", opt->slot_rows[i]->name);
    return cs_fail(error, CLSTEP_INVALID_ARGUMENT,
                   "this %s has no slot '%.64s'; its slots: %s",
                   opt->settings->rule->name, name, names);
}

/* Finds the slot called 'name' and checks the range; '*slot' is its index. */
static clstep_status check(const clstep_optimizer *opt, cl_command_queue queue,
                           const char *name, uint64_t offset, uint64_t count,
                           const void *data, size_t *slot, clstep_error *error)
{
    uint64_t end;
    size_t i = 0;

    if (opt == NULL || name == NULL || (data == NULL && count != 0))
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT, "%s is NULL",
                       opt == NULL    ? "optimizer"
                       : name == NULL ? "slot"
                                      : "data");
    while (i < opt->slot_count && strcmp(opt->slot_rows[i]->name, name) != 0)
        i++;
    if (i == opt->slot_count)
        return fail_slot(opt, name, error);
    if (!cs_size_add(offset, count, &end) || end > cs_slot_count(opt, i))
        return cs_fail(
            error, CLSTEP_INVALID_ARGUMENT,
            "slot %s has %llu elements, too few for %llu from offset "
            "%llu",
            name, (unsigned long long)cs_slot_count(opt, i),
            (unsigned long long)count, (unsigned long long)offset);
    *slot = i;
    return cs_check_queue(opt, queue, error);
}

clstep_status
clstep_optimizer_read(clstep_optimizer *opt, cl_command_queue queue,
                      const char *slot, uint64_t offset, uint64_t count,
                      float *data, clstep_error *error)
{
    struct cs_call call;
    size_t index;
    clstep_status status =
        check(opt, queue, slot, offset, count, data, &index, error);

    if (status != CLSTEP_OK || count == 0)
        return status;
    status = cs_call_begin(opt, queue, false, 0, NULL, &call, error);
    if (status != CLSTEP_OK)
        return status;

    status = cs_call_read(&call, opt->slots[index], CL_TRUE,
                          (size_t)offset * sizeof(*data),
                          (size_t)count * sizeof(*data), data, error);
    cs_call_end(&call);
    return status;
}

/* Says whether a slot has nothing that counts from 'begin' up to 'end': only
 * the padding between two tensors. */
static bool is_padding(const clstep_optimizer *opt, size_t slot, uint64_t begin,
                       uint64_t end)
{
    for (size_t t = 0; t < opt->tensor_count; t++) {
        const struct cs_tensor *tensor = &opt->tensors[t];

        if (tensor->offset < end && tensor->offset + tensor->count > begin &&
            tensor->count != 0)
            return false;
    }
    return !opt->slot_rows[slot]->per_tensor;
}

/* Notes what was written of a torn slot, as long as it goes on from the front;
 * padding may be left out. */
static void
note_written(clstep_optimizer *opt, size_t slot, uint64_t begin, uint64_t end)
{
    uint64_t *rewritten = &opt->rewritten[slot];

    if (opt->torn && end > *rewritten &&
        (begin <= *rewritten || is_padding(opt, slot, *rewritten, begin)))
        *rewritten = end;
}

clstep_status
clstep_optimizer_write(clstep_optimizer *opt, cl_command_queue queue,
                       const char *slot, uint64_t offset, uint64_t count,
                       const float *data, clstep_error *error)
{
    struct cs_call call;
    size_t index;
    clstep_status status =
        check(opt, queue, slot, offset, count, data, &index, error);

    if (status != CLSTEP_OK || count == 0)
        return status;

    status = cs_call_begin(opt, queue, true, 0, NULL, &call, error);
    if (status != CLSTEP_OK)
        return status;

    status = cs_call_write(&call, opt->slots[index], CL_TRUE,
                           (size_t)offset * sizeof(*data),
                           (size_t)count * sizeof(*data), data, error);
    cs_call_end(&call);
    if (status == CLSTEP_OK)
        note_written(opt, index, offset, offset + count);
    return status;
}
