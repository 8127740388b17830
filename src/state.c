/*
 * state.c - reading and writing an optimizer's slots
 * SPDX-License-Identifier: MIT
 */
#include "optimizer.h"
#include "error.h"
#include "sizes.h"

#include <string.h>

/* Finds the slot called 'name' and checks the range; '*slot' is its buffer. */
static clstep_status check(const clstep_optimizer *opt, cl_command_queue queue,
                           const char *name, uint64_t offset, uint64_t count,
                           const void *data, cl_mem *slot, clstep_error *error)
{
    uint64_t end;
    size_t i = 0;

    if (opt == NULL || name == NULL || data == NULL)
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT, "%s is NULL",
                       opt == NULL    ? "optimizer"
                       : name == NULL ? "slot"
                                      : "data");
    while (i < opt->slot_count && strcmp(opt->slot_rows[i]->name, name) != 0)
        i++;
    if (i == opt->slot_count)
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT,
                       "this %s has no slot '%.64s'", opt->settings.rule->name,
                       name);
    if (!cs_size_add(offset, count, &end) || end > opt->count)
        return cs_fail(
            error, CLSTEP_INVALID_ARGUMENT,
            "slot %s has %llu elements, too few for %llu from offset "
            "%llu",
            name, (unsigned long long)opt->count, (unsigned long long)count,
            (unsigned long long)offset);
    *slot = opt->slots[i];
    return cs_check_queue(opt, queue, error);
}

clstep_status
clstep_optimizer_read(clstep_optimizer *opt, cl_command_queue queue,
                      const char *slot, uint64_t offset, uint64_t count,
                      float *data, clstep_error *error)
{
    struct cs_waits waits;
    cl_mem buffer;
    clstep_status status =
        check(opt, queue, slot, offset, count, data, &buffer, error);

    if (status != CLSTEP_OK || count == 0)
        return status;
    status = cs_order_begin(opt, queue, false, 0, NULL, &waits, error);
    if (status != CLSTEP_OK)
        return status;

    const cl_int code = clEnqueueReadBuffer(
        queue, buffer, CL_TRUE, (size_t)offset * sizeof(*data),
        (size_t)count * sizeof(*data), data, waits.count,
        waits.count != 0 ? waits.events : NULL, NULL);

    cs_waits_release(&waits);
    return code == CL_SUCCESS ? CLSTEP_OK
                              : cs_fail_cl(error, code, "clEnqueueReadBuffer");
}

clstep_status
clstep_optimizer_write(clstep_optimizer *opt, cl_command_queue queue,
                       const char *slot, uint64_t offset, uint64_t count,
                       const float *data, clstep_error *error)
{
    struct cs_waits waits;
    cl_mem buffer;
    clstep_status status =
        check(opt, queue, slot, offset, count, data, &buffer, error);

    if (status != CLSTEP_OK || count == 0)
        return status;

    status = cs_order_begin(opt, queue, true, 0, NULL, &waits, error);
    if (status != CLSTEP_OK)
        return status;

    const cl_int code = clEnqueueWriteBuffer(
        queue, buffer, CL_TRUE, (size_t)offset * sizeof(*data),
        (size_t)count * sizeof(*data), data, waits.count,
        waits.count != 0 ? waits.events : NULL, NULL);

    cs_waits_release(&waits);
    return code == CL_SUCCESS ? CLSTEP_OK
                              : cs_fail_cl(error, code, "clEnqueueWriteBuffer");
}
