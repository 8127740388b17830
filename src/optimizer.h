/*
 * optimizer.h - what the parts of an optimizer share
 * SPDX-License-Identifier: MIT
 */
#ifndef CS_OPTIMIZER_H
#define CS_OPTIMIZER_H

#include "device.h"
#include "kernel.h"
#include "settings.h"

struct cs_table;
struct cs_factors;
struct cs_prune;

enum { CS_ALL_SLOTS = CS_MAX_SLOTS + 2 }; /* with those of features */

/* Tensors that share their numbers. */
struct cs_group {
    struct cs_settings settings;
    struct cs_memo memo;
    uint64_t steps; /* taken; with check_finite, those that are known to be */
    bool frozen;
};

/* The rows of matrices, as kernels/rows.cl takes them: one work-item for each
 * chunk of 4096 elements, and a sum where a row has more than one. */
struct cs_rows {
    uint64_t items, sums, longs; /* longs: rows of more than one chunk */
};

/* What a step needs to know of a tensor. */
struct cs_tensor {
    uint64_t offset, packed, count;
    uint64_t rows; /* of a matrix; 0 for a tensor of rank 0 or 1 */
    size_t group;
};

struct clstep_optimizer {
    clstep_device *device;
    const struct cs_settings *settings; /* of group 0: choices are the same */
    struct cs_group *groups;
    size_t group_count;
    struct cs_tensor *tensors;
    size_t tensor_count;
    uint64_t count; /* elements of each buffer */
    uint64_t steps; /* calls that took a step, as far as is known */

    /* The step: 'kernel' has a guard where its scalars are an argument, and
     * none where they are in 'table'; 'tail' is the same with one. */
    struct cs_kernel kernel, tail;
    struct cs_kernel rows, rows_fold, rows_limit; /* with max_norm */
    struct cs_kernel finish, finish_tail;         /* with it, or prune */
    struct cs_kernel fill, swap, evaluate;
    size_t local, global; /* of a launch over 'count' elements */
    cl_mem slots[CS_ALL_SLOTS];
    const struct cs_slot *slot_rows[CS_ALL_SLOTS];
    size_t slot_count;
    cl_mem block_groups;  /* the group of each 256 elements, with a table */
    cl_mem block_tensors; /* and the tensor, where something is by tensor */
    struct cs_factors *factors; /* of a rule that needs sums, or NULL */
    cl_mem matrices, row_sums;  /* with max_norm */
    struct cs_prune *prune;
    size_t matrix_count;
    struct cs_rows rows_of_all;

    /* Where the scalars are in the device's memory: the optimizer's own, or a
     * joint's, in which the optimizer's groups, tensors and chunks begin
     * there. */
    struct cs_table *table, *own_table;
    size_t floats; /* in a row */
    size_t member, first_group, first_tensor;
    uint64_t first_chunk, chunk_count;

    /* The last call: each call waits for the one before it, so that a failure
     * on the device reaches all later ones. */
    cl_event last;
    cl_command_queue last_queue;
    bool torn;
    uint64_t rewritten[CS_ALL_SLOTS]; /* elements, from the front, since */
};

/* --- buffers.c ------------------------------------------------------------ */

/* Says whether 'queue' can run work of this optimizer, or of the 'owner', which
 * is on 'device'. */
clstep_status cs_check_queue(const clstep_optimizer *optimizer,
                             cl_command_queue queue, clstep_error *error);
clstep_status cs_check_queue_of(const clstep_device *device, const char *owner,
                                cl_command_queue queue, clstep_error *error);

/* What is done with a buffer: bits. */
enum { CS_READ = 1, CS_WRITE = 2 };

/* Says whether parameters and the buffer called 'name', of 'count' floats each,
 * can be used so and do not overlap. */
clstep_status
cs_check_beside(cl_context context, const clstep_buffers *buffers, unsigned use,
                cl_mem other, uint64_t offset, uint64_t count, const char *name,
                unsigned other_use, clstep_error *error);

/* Says whether the caller's buffers, of 'count' elements, can be stepped, with
 * the scale of 'scaled'. */
clstep_status
cs_check_buffers(const clstep_optimizer *optimizer,
                 const clstep_buffers *buffers, uint64_t count,
                 const clstep_buffers *scaled, clstep_error *error);

/* Says the same of the scale alone. */
clstep_status
cs_check_scale(const clstep_optimizer *optimizer, const clstep_buffers *buffers,
               clstep_error *error);

/* Says whether 'buffer' can be used so, and holds 'count' elements of 'size'
 * bytes. */
clstep_status
cs_check_buffer(cl_context context, cl_mem buffer, uint64_t offset,
                uint64_t count, uint64_t size, const char *name, unsigned use,
                clstep_error *error);

/* The numbers in the slot at 'index'. */
static inline uint64_t
cs_slot_count(const clstep_optimizer *optimizer, size_t index)
{
    return optimizer->slot_rows[index]->per_tensor ? optimizer->tensor_count
                                                   : optimizer->count;
}

/* --- order.c -------------------------------------------------------------- */

/*
 * The commands of one call, each of which waits for the one before it, and the
 * first for the caller's events and the optimizer's last call.
 */
struct cs_call {
    cl_command_queue queue;
    cl_uint count;
    cl_event *events;    /* what the first command waits for; NULL for none */
    cl_event inline_[8]; /* where they fit */
    bool retained;       /* 'queue' is, for cs_call_end() */
    cl_event last;       /* the last command's, or NULL */
    uint64_t taken;      /* commands so far */
    bool lent; /* 'last' is somebody else's, who keeps it until it completes */
};

/* Looks whether the last call has ended, and whether the state is torn. */
clstep_status cs_order_look(clstep_optimizer *optimizer, clstep_error *error);

/*
 * Begins a call on 'queue'; cs_call_end() ends it.  Torn state is
 * CLSTEP_STATE_TORN, unless 'mends' says that the call replaces it.
 */
clstep_status cs_call_begin(clstep_optimizer *optimizer, cl_command_queue queue,
                            bool mends, cl_uint count, const cl_event *list,
                            struct cs_call *call, clstep_error *error);

/* Begins a call of no optimizer: only the caller's events are waited for. */
clstep_status
cs_call_open(cl_context context, cl_command_queue queue, cl_uint count,
             const cl_event *list, struct cs_call *call, clstep_error *error);

/* Lets the call wait for the last one of a further optimizer as well. */
clstep_status cs_call_join(clstep_optimizer *optimizer, struct cs_call *call,
                           clstep_error *error);

/* Adds a launch to the call. */
clstep_status
cs_call_launch(struct cs_call *call, const struct cs_kernel *kernel,
               size_t global, size_t local, clstep_error *error);

/* Adds a copy from or to the host's memory, which is not waited for unless
 * 'blocking' is CL_TRUE. */
clstep_status cs_call_write(struct cs_call *call, cl_mem buffer,
                            cl_bool blocking, size_t offset, size_t bytes,
                            const void *data, clstep_error *error);
clstep_status
cs_call_read(struct cs_call *call, cl_mem buffer, cl_bool blocking,
             size_t offset, size_t bytes, void *data, clstep_error *error);

/* Adds a command that does nothing, where there is none yet. */
clstep_status cs_call_mark(struct cs_call *call, clstep_error *error);

/* Makes the call the optimizer's last one; may be done for several.  Returns
 * 'status', or where that is CLSTEP_OK why it could not, which tears. */
clstep_status cs_call_keep(clstep_optimizer *optimizer, struct cs_call *call,
                           clstep_status status, clstep_error *error);

void cs_call_end(struct cs_call *call);

/* Says that the state is torn: nothing of it is as it should be. */
void cs_order_tear(clstep_optimizer *optimizer);

/* Forgets the last call. */
void cs_order_forget(clstep_optimizer *optimizer);

/* --- create.c ------------------------------------------------------------- */

/* Enqueues the initial value of each slot. */
clstep_status cs_fill_slots(clstep_optimizer *optimizer, struct cs_call *call,
                            clstep_error *error);

/* The slots that are those of features, behind the rule's. */
size_t cs_feature_slots(const clstep_optimizer *optimizer);

/* What prune holds at zero. */
const cl_mem *cs_pruned_slot_of(const clstep_optimizer *optimizer);

/* Enqueues 'value' for 'count' words of 'buffer', from 'first' on. */
clstep_status
cs_fill(clstep_optimizer *optimizer, struct cs_call *call, cl_mem buffer,
        uint64_t first, uint64_t count, float value, clstep_error *error);

/* --- optimizer.c ---------------------------------------------------------- */

/* Says whether no group takes a step. */
bool cs_is_frozen(const clstep_optimizer *optimizer);

/* Says whether a step can be taken with these; the scale is that of 'scaled'.
 */
clstep_status
cs_check_step(const clstep_optimizer *optimizer, cl_command_queue queue,
              const clstep_buffers *buffers, const clstep_buffers *scaled,
              bool apart, clstep_error *error);

/* Gives the caller the event of a call that is under way. */
clstep_status
cs_give_event(clstep_optimizer *optimizer, const struct cs_call *call,
              cl_event *done, clstep_error *error);

/* --- launch.c ------------------------------------------------------------- */

/* The rows of one tensor. */
struct cs_rows cs_rows_of(const struct cs_tensor *tensor);

/* Enqueues the update of all tensors: in buffers of the layout, or in those of
 * each tensor where 'apart'. */
clstep_status
cs_launch_update(clstep_optimizer *optimizer, struct cs_call *call,
                 const clstep_buffers *buffers, bool apart,
                 clstep_error *error);

/* The last arguments of a kernel that follows the step: its scalars. */
void cs_push_scalars(clstep_optimizer *optimizer,
                     struct cs_arguments *arguments);

/* Forgets the arguments of these kernels, where a table goes. */
void cs_launch_forget(clstep_optimizer *optimizer);

/* PoCL compiles again at the first launch of so many work-items. */
enum { CS_WARM_LARGE = 65536 };

/* Launches every kernel of the update over no elements, with more work-items
 * than 'from' and at most 'to'. */
clstep_status cs_launch_warm(clstep_optimizer *optimizer, size_t from,
                             size_t to, clstep_error *error);

#endif /* CS_OPTIMIZER_H */
