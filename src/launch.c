/*
 * launch.c - the launches of one optimizer's update
 * SPDX-License-Identifier: MIT
 *
 * One, over all elements, where the scalars are an argument.  Where they are in
 * the device's memory there is one over all whole blocks of 256 elements, and
 * one with a guard over what is left, if any: a guard beside such scalars would
 * keep CPU drivers from vectorising.
 */
#include "optimizer.h"
#include "error.h"
#include "plan.h"
#include "sizes.h"
#include "sums.h"

#include <stdlib.h>
#include <string.h>

/* Elements that lie side by side everywhere. */
struct range {
    uint64_t first, count;  /* in the slots; 'first' is a multiple of 256 */
    clstep_buffers buffers; /* with the offsets of 'first' */
};

static bool has(const clstep_optimizer *opt, enum cs_feature feature)
{
    return cs_settings_has_feature(opt->settings, feature);
}

static bool copies(const clstep_optimizer *opt)
{
    return cs_settings_feature(opt->settings, CS_COPY_TYPE) != 0.0;
}

/* What follows the buffers in each kernel: where the scalars are. */
static void
push_table(const clstep_optimizer *opt, struct cs_arguments *arguments)
{
    const cl_uint entries =
        (cl_uint)(CS_TABLE_HEADER + CS_ENTRY_WORDS * opt->first_group);

    cs_push_own(arguments, sizeof(cl_mem), &opt->table->words);
    cs_push_own(arguments, sizeof(entries), &entries);
}

static void push_hyper(clstep_optimizer *opt, struct cs_arguments *arguments)
{
    struct cs_group *group = &opt->groups[0];
    float hyper[CS_MAX_FLOATS];
    const size_t floats =
        cs_plan_pack(&group->settings, group->steps + 1, &group->memo, hyper);

    cs_push(arguments, floats * sizeof(*hyper), hyper);
}

/* The arguments of 'kernel', which runs step.cl. */
static cl_int set_step(clstep_optimizer *opt, struct cs_kernel *kernel,
                       const struct range *range)
{
    struct cs_arguments arguments = {kernel, 0, CL_SUCCESS};
    const clstep_buffers *b = &range->buffers;
    const cl_ulong count = range->count, first = range->first;
    const cl_ulong offsets[] = {b->parameters_offset, b->gradients_offset,
                                b->copy_offset};
    const bool later = has(opt, CS_MAX_NORM);
    const size_t slots =
        opt->slot_count - (later && cs_settings_has_average(opt->settings));

    cs_push_own(&arguments, sizeof(count), &count);
    cs_push_own(&arguments, sizeof(first), &first);
    cs_push(&arguments, sizeof(cl_mem), &b->parameters);
    cs_push_own(&arguments, sizeof(cl_ulong), &offsets[0]);
    cs_push(&arguments, sizeof(cl_mem), &b->gradients);
    cs_push_own(&arguments, sizeof(cl_ulong), &offsets[1]);
    if (copies(opt) && !later) {
        cs_push(&arguments, sizeof(cl_mem), &b->copy);
        cs_push_own(&arguments, sizeof(cl_ulong), &offsets[2]);
    }
    if (opt->table != NULL) {
        const struct cs_sums *sums = opt->table->sums;
        const cl_uint tensor = (cl_uint)opt->first_tensor;

        push_table(opt, &arguments);
        cs_push_own(&arguments, sizeof(cl_mem), &opt->block_groups);
        cs_push_own(&arguments, sizeof(cl_mem),
                    sums != NULL ? &sums->factors : &opt->table->words);
        cs_push_own(&arguments, sizeof(tensor), &tensor);
        cs_push_own(&arguments, sizeof(cl_mem),
                    opt->block_tensors != NULL ? &opt->block_tensors
                                               : &opt->block_groups);
    } else {
        push_hyper(opt, &arguments);
    }
    for (size_t i = 0; i < slots; i++)
        cs_push_own(&arguments, sizeof(cl_mem), &opt->slots[i]);
    return arguments.code;
}

/* The arguments of 'kernel', which is clstep_finish of rows.cl. */
static cl_int set_finish(clstep_optimizer *opt, struct cs_kernel *kernel,
                         const struct range *range)
{
    struct cs_arguments arguments = {kernel, 0, CL_SUCCESS};
    const clstep_buffers *b = &range->buffers;
    const cl_ulong count = range->count, first = range->first;
    const cl_ulong parameters_offset = b->parameters_offset;
    const cl_ulong copy_offset = b->copy_offset;

    cs_push_own(&arguments, sizeof(count), &count);
    cs_push_own(&arguments, sizeof(first), &first);
    cs_push(&arguments, sizeof(cl_mem), &b->parameters);
    cs_push_own(&arguments, sizeof(cl_ulong), &parameters_offset);
    if (copies(opt)) {
        cs_push(&arguments, sizeof(cl_mem), &b->copy);
        cs_push_own(&arguments, sizeof(cl_ulong), &copy_offset);
    }
    if (cs_settings_has_average(opt->settings))
        cs_push_own(&arguments, sizeof(cl_mem),
                    &opt->slots[opt->slot_count - 1]);
    if (opt->table != NULL) {
        cs_push_own(&arguments, sizeof(cl_mem), &opt->block_groups);
        push_table(opt, &arguments);
    } else {
        push_hyper(opt, &arguments);
    }
    return arguments.code;
}

typedef cl_int set_function(clstep_optimizer *opt, struct cs_kernel *kernel,
                            const struct range *range);

static clstep_status
launch(clstep_optimizer *opt, struct cs_call *call, set_function *set,
       struct cs_kernel *kernel, const struct range *range, clstep_error *error)
{
    size_t global = 0;
    const cl_int code = set(opt, kernel, range);

    if (code != CL_SUCCESS)
        return cs_fail_cl(error, code, "clSetKernelArg");

    /* Creation has seen that all elements can be numbered. */
    cs_size_global(range->count != 0 ? range->count : 1, opt->local,
                   opt->device->address_bits, &global);
    return cs_call_launch(call, kernel, global, opt->local, error);
}

/* Moves the beginning of a range by 'count' elements. */
static struct range behind(const struct range *range, uint64_t count)
{
    struct range rest = *range;

    rest.first += count;
    rest.count -= count;
    rest.buffers.parameters_offset += count;
    rest.buffers.gradients_offset += count;
    rest.buffers.copy_offset += count;
    return rest;
}

/* Launches 'kernel', and 'tail' for what it leaves. */
static clstep_status
launch_range(clstep_optimizer *opt, struct cs_call *call, set_function *set,
             struct cs_kernel *kernel, struct cs_kernel *tail,
             const struct range *range, clstep_error *error)
{
    struct range whole = *range;
    clstep_status status = CLSTEP_OK;

    if (opt->table == NULL)
        return launch(opt, call, set, kernel, range, error);

    const uint64_t rest = range->count % CLSTEP_ALIGNMENT;
    const struct range last = behind(range, range->count - rest);

    whole.count -= rest;
    if (whole.count != 0)
        status = launch(opt, call, set, kernel, &whole, error);
    if (status == CLSTEP_OK && rest != 0)
        status = launch(opt, call, set, tail, &last, error);
    return status;
}

struct cs_rows cs_rows_of(const struct cs_tensor *tensor)
{
    const uint64_t length =
        tensor->rows != 0 ? tensor->count / tensor->rows : 0;
    const uint64_t items = tensor->rows * ((length + 4095) / 4096);
    const bool one = items == tensor->rows;

    return (struct cs_rows){items, one ? 0 : items, one ? 0 : tensor->rows};
}

/* Launches one of the kernels of rows.cl with 'global' work-items, of which
 * 'count' from 'first' on have something to do. */
static clstep_status
launch_rows(clstep_optimizer *opt, struct cs_call *call,
            struct cs_kernel *kernel, uint64_t first, uint64_t count,
            uint64_t items, cl_mem parameters, uint64_t offset,
            clstep_error *error)
{
    struct cs_arguments arguments = {kernel, 0, CL_SUCCESS};
    const cl_ulong begin = first, some = count, parameters_offset = offset;
    const cl_uint matrices = (cl_uint)opt->matrix_count;
    size_t global = 0;

    cs_push_own(&arguments, sizeof(begin), &begin);
    cs_push_own(&arguments, sizeof(some), &some);
    cs_push_own(&arguments, sizeof(cl_mem), &opt->matrices);
    cs_push_own(&arguments, sizeof(matrices), &matrices);
    cs_push(&arguments, sizeof(cl_mem), &parameters);
    cs_push_own(&arguments, sizeof(parameters_offset), &parameters_offset);
    cs_push_own(&arguments, sizeof(cl_mem), &opt->row_sums);
    if (opt->table != NULL)
        push_table(opt, &arguments);
    else
        push_hyper(opt, &arguments);
    if (arguments.code != CL_SUCCESS)
        return cs_fail_cl(error, arguments.code, "clSetKernelArg");
    cs_size_global(items, opt->local, opt->device->address_bits, &global);
    return cs_call_launch(call, kernel, global, opt->local, error);
}

/* Limits the norms of the rows 'rows', which begin at 'first'. */
static clstep_status
limit_rows(clstep_optimizer *opt, struct cs_call *call,
           const struct cs_rows *first, const struct cs_rows *rows,
           const struct range *range, clstep_error *error)
{
    const struct {
        struct cs_kernel *kernel;
        uint64_t first, count;
    } launches[] = {{&opt->rows, first->items, rows->items},
                    {&opt->rows_fold, first->longs, rows->longs},
                    {&opt->rows_limit, first->sums, rows->sums}};
    clstep_status status = CLSTEP_OK;

    for (size_t i = 0; i < 3 && status == CLSTEP_OK; i++)
        if (launches[i].count != 0)
            status = launch_rows(
                opt, call, launches[i].kernel, launches[i].first,
                launches[i].count, launches[i].count, range->buffers.parameters,
                range->buffers.parameters_offset - range->first, error);
    return status;
}

/* All launches for one range; the rows of its matrices begin at 'first'. */
static clstep_status
update(clstep_optimizer *opt, struct cs_call *call, const struct range *range,
       const struct cs_rows *first, const struct cs_rows *rows,
       clstep_error *error)
{
    clstep_status status = launch_range(opt, call, set_step, &opt->kernel,
                                        &opt->tail, range, error);

    if (status == CLSTEP_OK && opt->rows.cl != NULL)
        status = limit_rows(opt, call, first, rows, range, error);
    if (status == CLSTEP_OK && opt->finish.cl != NULL)
        status = launch_range(opt, call, set_finish, &opt->finish,
                              &opt->finish_tail, range, error);
    return status;
}

clstep_status
cs_launch_update(clstep_optimizer *opt, struct cs_call *call,
                 const clstep_buffers *buffers, bool apart, clstep_error *error)
{
    const struct range all = {0, opt->count, *buffers};
    struct cs_rows first = {0};
    clstep_status status = CLSTEP_OK;

    if (!apart)
        return update(opt, call, &all, &first, &opt->rows_of_all, error);
    for (size_t t = 0; t < opt->tensor_count && status == CLSTEP_OK; t++) {
        const struct cs_tensor *tensor = &opt->tensors[t];
        const struct range range = {tensor->offset, tensor->count, buffers[t]};
        const struct cs_rows rows = cs_rows_of(tensor);

        if (tensor->count != 0 && !opt->groups[tensor->group].frozen)
            status = update(opt, call, &range, &first, &rows, error);
        first.items += rows.items;
        first.sums += rows.sums;
        first.longs += rows.longs;
    }
    return status;
}

void cs_launch_forget(clstep_optimizer *opt)
{
    cs_kernel_forget(&opt->kernel);
    cs_kernel_forget(&opt->tail);
    cs_kernel_forget(&opt->rows);
    cs_kernel_forget(&opt->rows_fold);
    cs_kernel_forget(&opt->rows_limit);
    cs_kernel_forget(&opt->finish);
    cs_kernel_forget(&opt->finish_tail);
}

/* --- warming up ----------------------------------------------------------- */

/* Launches 'kernel' over no elements, with each number of work-items above
 * 'from' and up to 'to' at which a driver compiles: any, and PoCL's 65,536. */
static clstep_status
warm(clstep_optimizer *opt, struct cs_call *call, set_function *set,
     struct cs_kernel *kernel, const struct range *range, size_t from,
     size_t to, clstep_error *error)
{
    static const size_t sizes[] = {CS_WORK_GROUP, CS_WARM_LARGE};
    clstep_status status = CLSTEP_OK;

    if (kernel->cl == NULL)
        return CLSTEP_OK;

    const cl_int code = set(opt, kernel, range);

    if (code != CL_SUCCESS)
        return cs_fail_cl(error, code, "clSetKernelArg");
    for (size_t i = 0; i < 2 && status == CLSTEP_OK; i++)
        if (sizes[i] > from && sizes[i] <= to)
            status = cs_call_launch(call, kernel, sizes[i], opt->local, error);
    return status;
}

/* The same for all kernels, with 'dummy' for each buffer. */
static clstep_status warm_all(clstep_optimizer *opt, cl_mem dummy, size_t from,
                              size_t to, clstep_error *error)
{
    const struct range none = {
        0, 0, {.parameters = dummy, .gradients = dummy, .copy = dummy}};
    const struct {
        set_function *set;
        struct cs_kernel *kernel;
        size_t to; /* a tail is one work-group */
    } kernels[] = {{set_step, &opt->kernel, to},
                   {set_step, &opt->tail, CS_WORK_GROUP},
                   {set_finish, &opt->finish, to},
                   {set_finish, &opt->finish_tail, CS_WORK_GROUP}};
    struct cs_call call = {.queue = opt->device->queue};
    clstep_status status = CLSTEP_OK;

    for (size_t i = 0; i < 4 && status == CLSTEP_OK; i++)
        status = warm(opt, &call, kernels[i].set, kernels[i].kernel, &none,
                      from, kernels[i].to, error);

    struct cs_kernel *const rows[] = {&opt->rows, &opt->rows_fold,
                                      &opt->rows_limit};

    for (size_t i = 0; i < 3 && status == CLSTEP_OK; i++)
        if (rows[i]->cl != NULL)
            status =
                launch_rows(opt, &call, rows[i], 0, 0, to, dummy, 0, error);
    if (status == CLSTEP_OK) {
        const cl_int code = clFinish(call.queue);

        if (code != CL_SUCCESS)
            status = cs_fail_cl(error, code, "clFinish");
    }
    cs_call_end(&call);
    return status;
}

clstep_status cs_launch_warm(clstep_optimizer *opt, size_t from, size_t to,
                             clstep_error *error)
{
    /* A table in which every group is frozen: nothing is written. */
    struct cs_table frozen = {.device = opt->device};
    struct cs_table *const table = opt->table;
    const uint64_t count =
        CS_TABLE_HEADER + CS_ENTRY_WORDS * (uint64_t)opt->group_count;
    uint32_t *words = malloc((size_t)count * sizeof(*words));
    clstep_status status;

    if (words == NULL)
        return cs_fail(error, CLSTEP_OUT_OF_MEMORY, "no memory for warming up");
    memset(words, 0xff, (size_t)count * sizeof(*words));
    status = cs_device_buffer(opt->device, count, "a buffer for warming up",
                              &frozen.words, error);
    if (status == CLSTEP_OK) {
        const cl_int code = clEnqueueWriteBuffer(
            opt->device->queue, frozen.words, CL_TRUE, 0,
            (size_t)count * sizeof(*words), words, 0, NULL, NULL);

        if (code != CL_SUCCESS)
            status = cs_fail_cl(error, code, "clEnqueueWriteBuffer");
    }
    if (status == CLSTEP_OK) {
        opt->table = table != NULL ? &frozen : NULL;
        status = warm_all(opt, frozen.words, from, to, error);
        opt->table = table;
        cs_launch_forget(opt);
    }
    if (frozen.words != NULL)
        clReleaseMemObject(frozen.words);
    free(words);
    return status;
}
