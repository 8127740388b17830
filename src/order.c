/*
 * order.c - how the calls of one optimizer follow each other
 * SPDX-License-Identifier: MIT
 *
 * Each call waits on the device for the one before it, whatever the queues.  On
 * one in-order queue that is not needed for the order, but it carries a failure
 * on: a command whose wait list has failed fails itself, so that the last event
 * alone tells whether all calls have gone well.
 */
#include "optimizer.h"
#include "error.h"

#include <stdlib.h>

void cs_order_tear(clstep_optimizer *optimizer)
{
    optimizer->torn = true;
    for (size_t i = 0; i < CS_MAX_SLOTS; i++)
        optimizer->rewritten[i] = 0;
}

void cs_order_forget(clstep_optimizer *optimizer)
{
    if (optimizer->last != NULL)
        clReleaseEvent(optimizer->last);
    if (optimizer->last_queue != NULL)
        clReleaseCommandQueue(optimizer->last_queue);
    optimizer->last = NULL;
    optimizer->last_queue = NULL;
}

clstep_status cs_order_look(clstep_optimizer *optimizer, clstep_error *error)
{
    cl_int state = CL_QUEUED;

    if (optimizer->last == NULL)
        return CLSTEP_OK;

    const cl_int code =
        clGetEventInfo(optimizer->last, CL_EVENT_COMMAND_EXECUTION_STATUS,
                       sizeof(state), &state, NULL);

    if (code != CL_SUCCESS)
        return cs_fail_cl(error, code, "clGetEventInfo");
    if (state < 0)
        cs_order_tear(optimizer);
    if (state <= CL_COMPLETE)
        cs_order_forget(optimizer);
    return CLSTEP_OK;
}

/* Makes the optimizer ready for a call on 'queue', which it retains for it. */
static clstep_status
turn_to(clstep_optimizer *optimizer, cl_command_queue queue,
        struct cs_waits *waits, clstep_error *error)
{
    cl_int code;

    if (queue == optimizer->last_queue)
        return CLSTEP_OK;

    /* Work on another queue can wait for this one only if it was submitted. */
    if (optimizer->last != NULL) {
        code = clFlush(optimizer->last_queue);
        if (code != CL_SUCCESS)
            return cs_fail_cl(error, code, "clFlush");
    }
    code = clRetainCommandQueue(queue);
    if (code != CL_SUCCESS)
        return cs_fail_cl(error, code, "clRetainCommandQueue");
    waits->queue = queue;
    return CLSTEP_OK;
}

/* Says whether the caller's events can be waited for. */
static clstep_status
check_events(const clstep_optimizer *optimizer, cl_uint count,
             const cl_event *list, clstep_error *error)
{
    for (cl_uint i = 0; i < count; i++) {
        cl_context context = NULL;

        if (list[i] == NULL)
            return cs_fail(error, CLSTEP_INVALID_ARGUMENT,
                           "event %u of wait_list is NULL", (unsigned)i);

        const cl_int code = clGetEventInfo(list[i], CL_EVENT_CONTEXT,
                                           sizeof(context), &context, NULL);

        if (code != CL_SUCCESS)
            return cs_fail_cl(error, code, "clGetEventInfo");
        if (context != optimizer->device->context)
            return cs_fail(error, CLSTEP_INVALID_ARGUMENT,
                           "event %u of wait_list belongs to another context "
                           "than the optimizer",
                           (unsigned)i);
    }
    return CLSTEP_OK;
}

clstep_status
cs_order_begin(clstep_optimizer *optimizer, cl_command_queue queue, bool mends,
               cl_uint count, const cl_event *list, struct cs_waits *waits,
               clstep_error *error)
{
    *waits = (struct cs_waits){0};
    if ((count == 0) != (list == NULL))
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT,
                       "wait_list is %s, but wait_count is %u",
                       list == NULL ? "NULL" : "not NULL", (unsigned)count);

    clstep_status status = check_events(optimizer, count, list, error);

    if (status == CLSTEP_OK)
        status = cs_order_look(optimizer, error);
    if (status == CLSTEP_OK && optimizer->torn && !mends)
        status =
            cs_fail(error, CLSTEP_STATE_TORN,
                    "an earlier step failed on the device: write the state "
                    "and set the steps, reset, or release the optimizer");
    if (status == CLSTEP_OK)
        status = turn_to(optimizer, queue, waits, error);
    if (status != CLSTEP_OK)
        return status;

    const size_t places = sizeof(waits->inline_) / sizeof(*waits->inline_);

    waits->events = waits->inline_;
    if (count >= places)
        waits->events = malloc(((size_t)count + 1) * sizeof(*waits->events));
    if (waits->events == NULL) {
        cs_waits_release(waits);
        return cs_fail(error, CLSTEP_OUT_OF_MEMORY,
                       "no memory for a wait list of %u events",
                       (unsigned)count);
    }
    for (cl_uint i = 0; i < count; i++)
        waits->events[waits->count++] = list[i];
    if (optimizer->last != NULL)
        waits->events[waits->count++] = optimizer->last;
    return CLSTEP_OK;
}

void cs_waits_release(struct cs_waits *waits)
{
    if (waits->events != waits->inline_)
        free(waits->events);
    waits->events = NULL;
    if (waits->queue != NULL)
        clReleaseCommandQueue(waits->queue);
    waits->queue = NULL;
}

void cs_order_end(clstep_optimizer *optimizer, struct cs_waits *waits,
                  cl_event event)
{
    /* The same queue again is the usual case, and needs no reference more. */
    if (waits->queue != NULL) {
        if (optimizer->last_queue != NULL)
            clReleaseCommandQueue(optimizer->last_queue);
        optimizer->last_queue = waits->queue;
        waits->queue = NULL;
    }
    if (optimizer->last != NULL)
        clReleaseEvent(optimizer->last);
    optimizer->last = event;
}
