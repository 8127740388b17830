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
#include <string.h>

void cs_order_tear(clstep_optimizer *optimizer)
{
    optimizer->torn = true;
    for (size_t i = 0; i < CS_ALL_SLOTS; i++)
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

/* Makes the optimizer ready for a call on another queue than its last one's:
 * work there can wait for it only if it was submitted. */
static clstep_status turn_from(clstep_optimizer *optimizer,
                               cl_command_queue queue, clstep_error *error)
{
    cl_int code;

    if (queue == optimizer->last_queue || optimizer->last == NULL)
        return CLSTEP_OK;
    code = clFlush(optimizer->last_queue);
    return code == CL_SUCCESS ? CLSTEP_OK : cs_fail_cl(error, code, "clFlush");
}

/* Says whether the caller's events can be waited for by the 'owner', which is
 * of the context 'wanted'. */
static clstep_status
check_events(cl_context wanted, const char *owner, cl_uint count,
             const cl_event *list, clstep_error *error)
{
    if ((count == 0) != (list == NULL))
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT,
                       "wait_list is %s, but wait_count is %u",
                       list == NULL ? "NULL" : "not NULL", (unsigned)count);
    for (cl_uint i = 0; i < count; i++) {
        cl_context context = NULL;

        if (list[i] == NULL)
            return cs_fail(error, CLSTEP_INVALID_ARGUMENT,
                           "event %u of wait_list is NULL", (unsigned)i);

        const cl_int code = clGetEventInfo(list[i], CL_EVENT_CONTEXT,
                                           sizeof(context), &context, NULL);

        if (code != CL_SUCCESS)
            return cs_fail_cl(error, code, "clGetEventInfo");
        if (context != wanted)
            return cs_fail(error, CLSTEP_INVALID_ARGUMENT,
                           "event %u of wait_list belongs to another context "
                           "than the %s",
                           (unsigned)i, owner);
    }
    return CLSTEP_OK;
}

/* Looks at the last call, and at what it left. */
static clstep_status
look(clstep_optimizer *optimizer, bool mends, clstep_error *error)
{
    const clstep_status status = cs_order_look(optimizer, error);

    if (status == CLSTEP_OK && optimizer->torn && !mends)
        return cs_fail(error, CLSTEP_STATE_TORN,
                       "an earlier step failed on the device: write the state "
                       "and set the steps, reset, or release the optimizer");
    return status;
}

/* Takes over the caller's events, with room for one more; without memory the
 * call ends. */
static clstep_status copy_events(struct cs_call *call, cl_uint count,
                                 const cl_event *list, clstep_error *error)
{
    const size_t places = sizeof(call->inline_) / sizeof(*call->inline_);

    call->events = call->inline_;
    if (count >= places)
        call->events = malloc(((size_t)count + 1) * sizeof(*call->events));
    if (call->events == NULL) {
        cs_call_end(call);
        return cs_fail(error, CLSTEP_OUT_OF_MEMORY,
                       "no memory for a wait list of %u events",
                       (unsigned)count);
    }
    for (cl_uint i = 0; i < count; i++)
        call->events[call->count++] = list[i];
    return CLSTEP_OK;
}

clstep_status cs_call_begin(clstep_optimizer *optimizer, cl_command_queue queue,
                            bool mends, cl_uint count, const cl_event *list,
                            struct cs_call *call, clstep_error *error)
{
    *call = (struct cs_call){.queue = queue};

    clstep_status status = check_events(optimizer->device->context, "optimizer",
                                        count, list, error);

    if (status == CLSTEP_OK)
        status = look(optimizer, mends, error);
    if (status == CLSTEP_OK)
        status = turn_from(optimizer, queue, error);
    if (status == CLSTEP_OK && queue != optimizer->last_queue) {
        const cl_int code = clRetainCommandQueue(queue);

        call->retained = code == CL_SUCCESS;
        if (code != CL_SUCCESS)
            status = cs_fail_cl(error, code, "clRetainCommandQueue");
    }
    if (status == CLSTEP_OK)
        status = copy_events(call, count, list, error);
    if (status == CLSTEP_OK && optimizer->last != NULL)
        call->events[call->count++] = optimizer->last;
    return status;
}

clstep_status
cs_call_open(cl_context context, cl_command_queue queue, cl_uint count,
             const cl_event *list, struct cs_call *call, clstep_error *error)
{
    *call = (struct cs_call){.queue = queue};

    const clstep_status status =
        check_events(context, "device", count, list, error);

    return status == CLSTEP_OK ? copy_events(call, count, list, error) : status;
}

clstep_status cs_call_join(clstep_optimizer *optimizer, struct cs_call *call,
                           clstep_error *error)
{
    clstep_status status = look(optimizer, false, error);

    if (status == CLSTEP_OK)
        status = turn_from(optimizer, call->queue, error);
    if (status != CLSTEP_OK || optimizer->last == NULL)
        return status;

    const size_t places = sizeof(call->inline_) / sizeof(*call->inline_);
    const bool outside = call->events != call->inline_;

    if (outside || call->count == places) {
        cl_event *events = realloc(outside ? call->events : NULL,
                                   ((size_t)call->count + 1) * sizeof(*events));

        if (events == NULL)
            return cs_fail(error, CLSTEP_OUT_OF_MEMORY,
                           "no memory for a wait list of %u events",
                           (unsigned)call->count + 1);
        if (!outside)
            memcpy(events, call->inline_, call->count * sizeof(*events));
        call->events = events;
    }
    call->events[call->count++] = optimizer->last;
    return CLSTEP_OK;
}

/* --- commands ------------------------------------------------------------- */

/* What the next command waits for. */
static cl_uint waits_of(const struct cs_call *call, const cl_event **list)
{
    const cl_uint count = call->last != NULL ? 1 : call->count;

    *list = call->last != NULL ? &call->last : count != 0 ? call->events : NULL;
    return count;
}

/* Takes 'event' over as that of the last command. */
static clstep_status took(struct cs_call *call, cl_int code, cl_event event,
                          const char *function, clstep_error *error)
{
    if (code != CL_SUCCESS)
        return cs_fail_cl(error, code, function);
    if (call->last != NULL && !call->lent)
        clReleaseEvent(call->last);
    call->last = event;
    call->lent = false;
    call->taken++;
    return CLSTEP_OK;
}

/* The same of a command that was waited for.  Some drivers say that it was done
 * where it was not, since what it waited for has failed: its event knows. */
static clstep_status
took_whole(struct cs_call *call, cl_int code, cl_bool blocking, cl_event event,
           const char *function, clstep_error *error)
{
    const clstep_status status = took(call, code, event, function, error);
    cl_int state = CL_COMPLETE;

    if (status != CLSTEP_OK || !blocking)
        return status;
    clGetEventInfo(event, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof(state),
                   &state, NULL);
    return state < 0 ? cs_fail_cl(error, state, function) : CLSTEP_OK;
}

clstep_status
cs_call_launch(struct cs_call *call, const struct cs_kernel *kernel,
               size_t global, size_t local, clstep_error *error)
{
    const cl_event *list;
    cl_event event = NULL;
    const cl_uint count = waits_of(call, &list);
    const cl_int code = clEnqueueNDRangeKernel(
        call->queue, kernel->cl, 1, NULL, &global, &local, count, list, &event);

    return took(call, code, event, "clEnqueueNDRangeKernel", error);
}

clstep_status cs_call_write(struct cs_call *call, cl_mem buffer,
                            cl_bool blocking, size_t offset, size_t bytes,
                            const void *data, clstep_error *error)
{
    const cl_event *list;
    cl_event event = NULL;
    const cl_uint count = waits_of(call, &list);
    const cl_int code =
        clEnqueueWriteBuffer(call->queue, buffer, blocking, offset, bytes, data,
                             count, list, &event);

    return took_whole(call, code, blocking, event, "clEnqueueWriteBuffer",
                      error);
}

clstep_status
cs_call_read(struct cs_call *call, cl_mem buffer, cl_bool blocking,
             size_t offset, size_t bytes, void *data, clstep_error *error)
{
    const cl_event *list;
    cl_event event = NULL;
    const cl_uint count = waits_of(call, &list);
    const cl_int code =
        clEnqueueReadBuffer(call->queue, buffer, blocking, offset, bytes, data,
                            count, list, &event);

    return took_whole(call, code, blocking, event, "clEnqueueReadBuffer",
                      error);
}

clstep_status cs_call_mark(struct cs_call *call, clstep_error *error)
{
    const cl_event *list;
    cl_event event = NULL;
    const cl_uint count = waits_of(call, &list);

    if (call->last != NULL)
        return CLSTEP_OK;

    const cl_int code =
        clEnqueueMarkerWithWaitList(call->queue, count, list, &event);

    return took(call, code, event, "clEnqueueMarkerWithWaitList", error);
}

/* The call is under way, and nobody can know when it ends. */
static clstep_status
lose(clstep_optimizer *optimizer, clstep_status status, cl_int code,
     const char *function, clstep_error *error)
{
    cs_order_tear(optimizer);
    return status != CLSTEP_OK ? status : cs_fail_cl(error, code, function);
}

clstep_status cs_call_keep(clstep_optimizer *optimizer, struct cs_call *call,
                           clstep_status status, clstep_error *error)
{
    cl_int code;

    if (call->last == NULL)
        return status;

    /* The same queue again is the usual case, and needs no reference more. */
    if (optimizer->last_queue != call->queue) {
        code = call->retained ? CL_SUCCESS : clRetainCommandQueue(call->queue);
        if (code != CL_SUCCESS)
            return lose(optimizer, status, code, "clRetainCommandQueue", error);
        call->retained = false;
        if (optimizer->last_queue != NULL)
            clReleaseCommandQueue(optimizer->last_queue);
        optimizer->last_queue = call->queue;
    }
    code = clRetainEvent(call->last);
    if (code != CL_SUCCESS)
        return lose(optimizer, status, code, "clRetainEvent", error);
    if (optimizer->last != NULL)
        clReleaseEvent(optimizer->last);
    optimizer->last = call->last;
    return status;
}

void cs_call_end(struct cs_call *call)
{
    if (call->events != call->inline_)
        free(call->events);
    call->events = NULL;
    if (call->retained)
        clReleaseCommandQueue(call->queue);
    call->retained = false;
    if (call->last != NULL && !call->lent)
        clReleaseEvent(call->last);
    call->last = NULL;
}
