/*
 * lbfgs_vectors.c - see lbfgs_vectors.h
 * SPDX-License-Identifier: MIT
 */
#include "lbfgs_vectors.h"
#include "chunks.h"
#include "error.h"
#include "kernels.h"
#include "sizes.h"

#include <stdlib.h>

/* --- create --------------------------------------------------------------- */

static clstep_status
copy_layout(struct cs_vectors *v, const clstep_layout *layout,
            clstep_error *error)
{
    clstep_tensor tensor;

    v->count = clstep_layout_count(layout);
    v->tensor_count = clstep_layout_tensors(layout);
    v->tensors = calloc(v->tensor_count, sizeof(*v->tensors));
    if (v->tensors == NULL)
        return cs_fail(error, CLSTEP_OUT_OF_MEMORY, "no memory for %zu tensors",
                       v->tensor_count);
    for (size_t t = 0; clstep_layout_tensor(layout, t, &tensor); t++)
        v->tensors[t] = (struct cs_tensor){tensor.offset, tensor.packed,
                                           tensor.count, 0, 0};
    if (!cs_size_round_up(v->count, CLSTEP_ALIGNMENT, &v->stride))
        return cs_fail(error, CLSTEP_OUT_OF_RANGE,
                       "%llu elements are more than can be numbered",
                       (unsigned long long)v->count);
    cs_chunks_count(v->tensors, v->tensor_count, &v->chunk_count,
                    &v->node_count);
    return cs_chunks_check(v->chunk_count, v->tensor_count, error);
}

static clstep_status create_kernels(struct cs_vectors *v, clstep_error *error)
{
    const struct {
        const char *name;
        struct cs_kernel *kernel;
    } kernels[] = {
        {"clstep_lbfgs_chunks", &v->chunks},
        {"clstep_lbfgs_nodes", &v->nodes},
        {"clstep_lbfgs_all", &v->all},
        {"clstep_lbfgs_pair", &v->pair},
        {"clstep_lbfgs_direction", &v->direction},
        {"clstep_lbfgs_move", &v->move},
        {"clstep_lbfgs_copy", &v->copy},
        {"clstep_lbfgs_zero", &v->zero},
    };
    const char *const texts[CS_MAX_TEXTS] = {cs_kernel_text("fold"),
                                             cs_kernel_text("lbfgs")};
    clstep_status status;

    v->local = CS_WORK_GROUP;
    v->grouped = v->device->grouped;
    status = cs_device_program(v->device,
                               v->grouped ? "#define GROUP_A_CHUNK\n" : "",
                               texts, &v->entry, error);
    for (size_t i = 0; i < sizeof(kernels) / sizeof(*kernels); i++)
        if (status == CLSTEP_OK)
            status =
                cs_kernel_create(v->device, v->entry->program, kernels[i].name,
                                 kernels[i].kernel, &v->local, error);
    if (status == CLSTEP_OK &&
        !cs_size_global(v->count, v->local, v->device->address_bits,
                        &v->global))
        return cs_fail(
            error, CLSTEP_OUT_OF_RANGE,
            "%llu elements are more than the device, whose addresses "
            "have %u bits, can number",
            (unsigned long long)v->count, v->device->address_bits);
    return status;
}

static clstep_status create_tables(struct cs_vectors *v, clstep_error *error)
{
    struct cs_chunk_lists lists;
    clstep_status status = cs_chunks_open(&lists, v->chunk_count, v->node_count,
                                          v->tensor_count, error);

    for (size_t t = 0; t < v->tensor_count && status == CLSTEP_OK; t++)
        cs_chunks_add(&lists, &v->tensors[t], 0);
    if (status == CLSTEP_OK)
        status = cs_chunks_upload(v->device, lists.chunks, v->chunk_count,
                                  sizeof(*lists.chunks), "the table of chunks",
                                  &v->chunk_table, error);
    if (status == CLSTEP_OK)
        status = cs_chunks_upload(v->device, lists.nodes, v->node_count,
                                  sizeof(*lists.nodes), "the table of nodes",
                                  &v->node_table, error);
    if (status == CLSTEP_OK)
        status = cs_chunks_upload(v->device, lists.parts, v->tensor_count,
                                  sizeof(*lists.parts), "the table of tensors",
                                  &v->parts, error);
    cs_chunks_close(&lists);
    return status;
}

static clstep_status create_buffers(struct cs_vectors *v, clstep_error *error)
{
    const uint64_t words = sizeof(struct cs_question) / sizeof(float);
    const struct {
        cl_mem *buffer;
        uint64_t each, times;
        const char *what;
    } plain[] = {
        {&v->work, v->stride, CS_WORK_VECTORS, "the vectors of a line search"},
        {&v->s, v->stride, v->places, "the history of moves"},
        {&v->y, v->stride, v->places, "the history of gradients"},
        {&v->asks, words, v->most, "a buffer of questions"},
        {&v->chunk_sums, v->chunk_count + 1, v->most, "a buffer of sums"},
        {&v->node_sums, v->node_count + 1, v->most, "a buffer of sums"},
        {&v->list, v->list_length, v->most, "a buffer of sums"},
        {&v->answers, 1, v->most, "a buffer of answers"},
        {&v->coefficients, 2, v->places, "a buffer of coefficients"},
    };
    clstep_status status = CLSTEP_OK;

    for (size_t i = 0; i < sizeof(plain) / sizeof(*plain); i++) {
        uint64_t count = UINT64_MAX;

        if (!cs_size_multiply(plain[i].each, plain[i].times, &count))
            count = UINT64_MAX;
        if (status == CLSTEP_OK)
            status = cs_device_buffer(v->device, count, plain[i].what,
                                      plain[i].buffer, error);
    }
    return status;
}

/* --- launches ------------------------------------------------------------- */

/* Launches a kernel of the elements, if its arguments could be set. */
static clstep_status
launch(const struct cs_vectors *v, struct cs_call *call,
       const struct cs_arguments *arguments, size_t global, clstep_error *error)
{
    if (arguments->code != CL_SUCCESS)
        return cs_fail_cl(error, arguments->code, "clSetKernelArg");
    return cs_call_launch(call, arguments->kernel, global, v->local, error);
}

/* The arguments of a kernel, with a number of elements as the first. */
static struct cs_arguments begin(struct cs_kernel *kernel, uint64_t count)
{
    struct cs_arguments arguments = {kernel, 0, CL_SUCCESS};
    const cl_ulong elements = count;

    cs_push_own(&arguments, sizeof(elements), &elements);
    return arguments;
}

static void push_long(struct cs_arguments *arguments, uint64_t value)
{
    const cl_ulong number = value;

    cs_push_own(arguments, sizeof(number), &number);
}

static void push_int(struct cs_arguments *arguments, size_t value)
{
    const cl_uint number = (cl_uint)value;

    cs_push_own(arguments, sizeof(number), &number);
}

static void push_own(struct cs_arguments *arguments, cl_mem buffer)
{
    cs_push_own(arguments, sizeof(buffer), &buffer);
}

/* One of the caller's. */
static void
push_place(struct cs_arguments *arguments, cl_mem buffer, uint64_t offset)
{
    cs_push(arguments, sizeof(buffer), &buffer);
    push_long(arguments, offset);
}

struct cs_place cs_vectors_place(const struct cs_vectors *v, size_t vector)
{
    if (vector < CS_HISTORY)
        return (struct cs_place){v->work, (vector - CS_DIRECTION) * v->stride};
    vector -= CS_HISTORY;
    return vector < v->places
               ? (struct cs_place){v->s, vector * v->stride}
               : (struct cs_place){v->y, (vector - v->places) * v->stride};
}

/* The number of work-items for 'count' pieces, with a work-group each where
 * 'grouped'; they are fewer than the device can number. */
static size_t items(const struct cs_vectors *v, uint64_t count, bool grouped)
{
    size_t global = 0;

    cs_size_global(grouped ? count * v->local : count, v->local,
                   v->device->address_bits, &global);
    return global;
}

/* The kernels that answer 'asked' questions, over 'chunks' and 'nodes' of them
 * each and 'tensors' tensors. */
static clstep_status
answer(struct cs_vectors *v, struct cs_call *call,
       const clstep_buffers *buffers, size_t asked, uint64_t chunks,
       uint64_t nodes, size_t tensors, size_t global, clstep_error *error)
{
    struct cs_arguments arguments = begin(&v->chunks, asked * chunks);
    clstep_status status;

    push_long(&arguments, v->chunk_count);
    push_int(&arguments, asked);
    push_own(&arguments, v->chunk_table);
    push_own(&arguments, v->asks);
    push_place(&arguments, buffers->gradients, buffers->gradients_offset);
    push_own(&arguments, v->work);
    push_own(&arguments, v->s);
    push_own(&arguments, v->y);
    push_long(&arguments, v->stride);
    push_int(&arguments, v->places);
    push_own(&arguments, v->chunk_sums);
    status = launch(v, call, &arguments,
                    global != 0 ? global : items(v, asked * chunks, v->grouped),
                    error);
    if (status != CLSTEP_OK)
        return status;

    arguments = begin(&v->nodes, asked * nodes);
    push_long(&arguments, v->node_count);
    push_long(&arguments, v->chunk_count);
    push_own(&arguments, v->node_table);
    push_own(&arguments, v->asks);
    push_own(&arguments, v->chunk_sums);
    push_own(&arguments, v->node_sums);
    status =
        launch(v, call, &arguments,
               global != 0 ? global : items(v, asked * nodes, false), error);
    if (status != CLSTEP_OK)
        return status;

    arguments = (struct cs_arguments){&v->all, 0, CL_SUCCESS};
    push_int(&arguments, tensors);
    push_own(&arguments, v->parts);
    push_own(&arguments, v->asks);
    push_long(&arguments, v->node_count);
    push_own(&arguments, v->node_sums);
    push_long(&arguments, v->list_length);
    push_own(&arguments, v->list);
    push_own(&arguments, v->answers);
    return launch(v, call, &arguments, items(v, asked, true), error);
}

clstep_status
cs_vectors_ask(struct cs_vectors *v, struct cs_call *call,
               const clstep_buffers *buffers, const struct cs_question *asks,
               size_t count, float *answers, clstep_error *error)
{
    clstep_status status = cs_call_write(call, v->asks, CL_FALSE, 0,
                                         count * sizeof(*asks), asks, error);

    if (status == CLSTEP_OK)
        status = answer(v, call, buffers, count, v->chunk_count, v->node_count,
                        v->tensor_count, 0, error);
    if (status == CLSTEP_OK)
        status = cs_call_read(call, v->answers, CL_TRUE, 0,
                              count * sizeof(*answers), answers, error);
    return status;
}

/* A kernel of the elements, over 'count' of them. */

static clstep_status
pair(struct cs_vectors *v, struct cs_call *call, const clstep_buffers *buffers,
     size_t place, uint64_t count, size_t global, clstep_error *error)
{
    struct cs_arguments arguments = begin(&v->pair, count);

    push_place(&arguments, buffers->parameters, buffers->parameters_offset);
    push_place(&arguments, buffers->gradients, buffers->gradients_offset);
    push_own(&arguments, v->work);
    push_long(&arguments, v->stride);
    push_long(&arguments, place * v->stride);
    push_own(&arguments, v->s);
    push_own(&arguments, v->y);
    return launch(v, call, &arguments, global, error);
}

clstep_status cs_vectors_pair(struct cs_vectors *v, struct cs_call *call,
                              const clstep_buffers *buffers, size_t place,
                              clstep_error *error)
{
    return pair(v, call, buffers, place, v->count, v->global, error);
}

static clstep_status
direct(struct cs_vectors *v, struct cs_call *call,
       const clstep_buffers *buffers, size_t first, size_t pairs,
       uint64_t count, size_t global, clstep_error *error)
{
    struct cs_arguments arguments = begin(&v->direction, count);

    push_place(&arguments, buffers->parameters, buffers->parameters_offset);
    push_place(&arguments, buffers->gradients, buffers->gradients_offset);
    push_own(&arguments, v->s);
    push_own(&arguments, v->y);
    push_long(&arguments, v->stride);
    push_int(&arguments, v->places);
    push_int(&arguments, first);
    push_int(&arguments, pairs);
    push_own(&arguments, v->coefficients);
    push_own(&arguments, v->work);
    return launch(v, call, &arguments, global, error);
}

clstep_status
cs_vectors_direct(struct cs_vectors *v, struct cs_call *call,
                  const clstep_buffers *buffers, const float *coefficients,
                  size_t first, size_t pairs, clstep_error *error)
{
    const clstep_status status = cs_call_write(
        call, v->coefficients, CL_FALSE, 0,
        (2 * pairs + 1) * sizeof(*coefficients), coefficients, error);

    return status == CLSTEP_OK ? direct(v, call, buffers, first, pairs,
                                        v->count, v->global, error)
                               : status;
}

static clstep_status
move(struct cs_vectors *v, struct cs_call *call, const clstep_buffers *buffers,
     float t, uint64_t count, size_t global, clstep_error *error)
{
    struct cs_arguments arguments = begin(&v->move, count);

    push_own(&arguments, v->work);
    push_long(&arguments, v->stride);
    cs_push_own(&arguments, sizeof(t), &t);
    push_place(&arguments, buffers->parameters, buffers->parameters_offset);
    return launch(v, call, &arguments, global, error);
}

clstep_status
cs_vectors_move(struct cs_vectors *v, struct cs_call *call,
                const clstep_buffers *buffers, float t, clstep_error *error)
{
    return move(v, call, buffers, t, v->count, v->global, error);
}

static clstep_status
copy(struct cs_vectors *v, struct cs_call *call, struct cs_place from,
     struct cs_place to, uint64_t count, size_t global, clstep_error *error)
{
    struct cs_arguments arguments = begin(&v->copy, count);

    push_place(&arguments, from.buffer, from.offset);
    push_place(&arguments, to.buffer, to.offset);
    return launch(v, call, &arguments, global, error);
}

clstep_status
cs_vectors_copy(struct cs_vectors *v, struct cs_call *call,
                struct cs_place from, struct cs_place to, clstep_error *error)
{
    return copy(v, call, from, to, v->count, v->global, error);
}

/* --- the beginning and the end -------------------------------------------- */

/* Launches every kernel over nothing, as drivers compile at a first launch. */
static clstep_status
warm_up(struct cs_vectors *v, struct cs_call *call, clstep_error *error)
{
    const size_t wanted =
        v->global < CS_WARM_LARGE ? CS_WORK_GROUP : CS_WARM_LARGE;
    const clstep_buffers own = {.parameters = v->list, .gradients = v->list};
    const struct cs_place place = {v->list, 0}, other = {v->answers, 0};
    clstep_status status = CLSTEP_OK;

    for (size_t global = CS_WORK_GROUP; global <= wanted;
         global *= CS_WARM_LARGE / CS_WORK_GROUP) {
        if (status == CLSTEP_OK)
            status = answer(v, call, &own, 1, 0, 0, 0, global, error);
        if (status == CLSTEP_OK)
            status = pair(v, call, &own, 0, 0, global, error);
        if (status == CLSTEP_OK)
            status = direct(v, call, &own, 0, 0, 0, global, error);
        if (status == CLSTEP_OK)
            status = move(v, call, &own, 0.0f, 0, global, error);
        if (status == CLSTEP_OK)
            status = copy(v, call, place, other, 0, global, error);
    }
    return status;
}

/* What a state that is written from outside leaves out is zero. */
static clstep_status
clear(struct cs_vectors *v, struct cs_call *call, clstep_error *error)
{
    const struct {
        cl_mem buffer;
        uint64_t count;
    } all[] = {{v->work, CS_WORK_VECTORS * v->stride},
               {v->s, v->places * v->stride},
               {v->y, v->places * v->stride}};
    clstep_status status = CLSTEP_OK;

    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
        struct cs_arguments arguments = begin(&v->zero, all[i].count);

        push_own(&arguments, all[i].buffer);
        if (status == CLSTEP_OK)
            status = launch(v, call, &arguments, items(v, all[i].count, false),
                            error);
    }
    return status;
}

clstep_status cs_vectors_create(struct cs_vectors *v, clstep_device *device,
                                const clstep_layout *layout, size_t places,
                                size_t most, clstep_error *error)
{
    struct cs_call call = {.queue = device->queue};
    clstep_status status;

    v->device = device;
    v->places = places;
    v->most = most;
    status = copy_layout(v, layout, error);
    v->list_length = v->tensor_count + cs_pieces(v->tensor_count, CS_NODE);
    if (status == CLSTEP_OK)
        status = create_kernels(v, error);
    if (status == CLSTEP_OK)
        status = create_tables(v, error);
    if (status == CLSTEP_OK)
        status = create_buffers(v, error);
    if (status != CLSTEP_OK)
        return status;

    status = warm_up(v, &call, error);
    if (status == CLSTEP_OK)
        status = clear(v, &call, error);

    const cl_int code = clFinish(call.queue);

    cs_call_end(&call);
    return status == CLSTEP_OK && code != CL_SUCCESS
               ? cs_fail_cl(error, code, "clFinish")
               : status;
}

void cs_vectors_release(struct cs_vectors *v)
{
    const cl_mem buffers[] = {v->work,        v->s,          v->y,
                              v->chunk_table, v->node_table, v->parts,
                              v->asks,        v->chunk_sums, v->node_sums,
                              v->list,        v->answers,    v->coefficients};
    struct cs_kernel *const kernels[] = {&v->chunks, &v->nodes,     &v->all,
                                         &v->pair,   &v->direction, &v->move,
                                         &v->copy,   &v->zero};

    for (size_t i = 0; i < sizeof(buffers) / sizeof(*buffers); i++)
        if (buffers[i] != NULL)
            clReleaseMemObject(buffers[i]);
    for (size_t i = 0; i < sizeof(kernels) / sizeof(*kernels); i++)
        cs_kernel_release(kernels[i]);
    free(v->tensors);
}
