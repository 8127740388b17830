/*
 * optimizer.h - what the parts of an optimizer share
 * SPDX-License-Identifier: MIT
 */
#ifndef CS_OPTIMIZER_H
#define CS_OPTIMIZER_H

#include "device.h"
#include "settings.h"

struct clstep_optimizer {
    clstep_device *device;
    struct cs_settings settings;
    uint64_t count; /* elements of each buffer */
    uint64_t steps; /* steps taken */
    struct cs_memo memo;

    cl_kernel kernel, fill;
    size_t local, global; /* of a launch over 'count' elements */
    cl_mem slots[CS_MAX_SLOTS];
    const struct cs_slot *slot_rows[CS_MAX_SLOTS];
    size_t slot_count;

    /* The last call: each call waits for the one before it, so that a failure
     * on the device reaches all later ones. */
    cl_event last;
    cl_command_queue last_queue;
    bool torn;
    uint64_t rewritten[CS_MAX_SLOTS]; /* elements, from the front, since then */
};

/* --- buffers.c ------------------------------------------------------------ */

/* Says whether 'queue' can run work of this optimizer. */
clstep_status cs_check_queue(const clstep_optimizer *optimizer,
                             cl_command_queue queue, clstep_error *error);

/* Says whether the caller's buffers can be stepped. */
clstep_status
cs_check_buffers(const clstep_optimizer *optimizer,
                 const clstep_buffers *buffers, clstep_error *error);

/* --- order.c -------------------------------------------------------------- */

/* What a call waits for: the caller's events and the optimizer's last call. */
struct cs_waits {
    cl_uint count;
    cl_event *events;       /* NULL for none */
    cl_event inline_[8];    /* where they fit */
    cl_command_queue queue; /* retained for cs_order_end(), or NULL */
};

/* Looks whether the last call has ended, and whether the state is torn. */
clstep_status cs_order_look(clstep_optimizer *optimizer, clstep_error *error);

/*
 * Fills in '*waits' for a call on 'queue'; cs_waits_release() ends it.  Torn
 * state is CLSTEP_STATE_TORN, unless 'mends' says that the call replaces it.
 */
clstep_status
cs_order_begin(clstep_optimizer *optimizer, cl_command_queue queue, bool mends,
               cl_uint count, const cl_event *list, struct cs_waits *waits,
               clstep_error *error);
void cs_waits_release(struct cs_waits *waits);

/* Makes 'event', which it takes over, the last call's, which began with
 * 'waits'. */
void cs_order_end(clstep_optimizer *optimizer, struct cs_waits *waits,
                  cl_event event);

/* Says that the state is torn: nothing of it is as it should be. */
void cs_order_tear(clstep_optimizer *optimizer);

/* Forgets the last call. */
void cs_order_forget(clstep_optimizer *optimizer);

#endif /* CS_OPTIMIZER_H */
