/*
 * zeros.c - how many parameters of each tensor are zero
 * SPDX-License-Identifier: MIT
 */
#include "error.h"
#include "kernels.h"
#include "optimizer.h"
#include "sizes.h"

#include <stdlib.h>

enum { CHUNK = 4096 };

/* As in kernels/zeros.cl. */
struct zeros_chunk {
    cl_ulong begin;
    cl_uint count, unused;
};

/* A count under way. */
struct census {
    clstep_device *device;
    const clstep_layout *layout;
    uint64_t chunk_count;
    cl_mem chunks, found;
    cl_uint *counts; /* of each chunk, on the host */
    struct cs_kernel kernel;
    size_t local;
};

static uint64_t chunks_of(const clstep_tensor *tensor)
{
    return tensor->count / CHUNK + (tensor->count % CHUNK != 0);
}

/* The table of chunks, and where their counts go. */
static clstep_status create_buffers(struct census *c, clstep_error *error)
{
    struct zeros_chunk *chunks;
    clstep_tensor tensor;
    uint64_t chunk = 0;
    clstep_status status = CLSTEP_OK;

    for (size_t t = 0; clstep_layout_tensor(c->layout, t, &tensor); t++)
        c->chunk_count += chunks_of(&tensor);
    chunks = calloc(c->chunk_count + 1, sizeof(*chunks));
    c->counts = calloc(c->chunk_count + 1, sizeof(*c->counts));
    if (chunks == NULL || c->counts == NULL)
        status = cs_fail(error, CLSTEP_OUT_OF_MEMORY,
                         "no memory for %llu chunks of tensors",
                         (unsigned long long)c->chunk_count);
    for (size_t t = 0;
         status == CLSTEP_OK && clstep_layout_tensor(c->layout, t, &tensor);
         t++)
        for (uint64_t i = 0; i < tensor.count; i += CHUNK)
            chunks[chunk++] = (struct zeros_chunk){
                tensor.offset + i,
                (cl_uint)(tensor.count - i < CHUNK ? tensor.count - i : CHUNK),
                0};
    if (status == CLSTEP_OK)
        status = cs_device_upload(c->device, chunks,
                                  (c->chunk_count + 1) * (sizeof(*chunks) / 4),
                                  "the table of chunks", &c->chunks, error);
    if (status == CLSTEP_OK)
        status = cs_device_buffer(c->device, c->chunk_count + 1,
                                  "the counts of chunks", &c->found, error);
    free(chunks);
    return status;
}

static clstep_status create_kernel(struct census *c, clstep_error *error)
{
    const char *const texts[CS_MAX_TEXTS] = {cs_kernel_text("zeros")};
    struct cs_program *entry;
    const clstep_status status =
        cs_device_program(c->device, "", texts, &entry, error);

    c->local = CS_WORK_GROUP;
    return status == CLSTEP_OK
               ? cs_kernel_create(c->device, entry->program, "clstep_zeros",
                                  &c->kernel, &c->local, error)
               : status;
}

/* Counts, and waits for it. */
static clstep_status
run(struct census *c, cl_command_queue queue, cl_mem parameters,
    uint64_t offset, clstep_error *error)
{
    const cl_ulong chunks = c->chunk_count, begin = offset;
    struct cs_arguments arguments = {&c->kernel, 0, CL_SUCCESS};
    struct cs_call call = {.queue = queue};
    size_t global = 0;
    clstep_status status;

    cs_push(&arguments, sizeof(chunks), &chunks);
    cs_push(&arguments, sizeof(cl_mem), &c->chunks);
    cs_push(&arguments, sizeof(cl_mem), &parameters);
    cs_push(&arguments, sizeof(begin), &begin);
    cs_push(&arguments, sizeof(cl_mem), &c->found);
    if (arguments.code != CL_SUCCESS)
        return cs_fail_cl(error, arguments.code, "clSetKernelArg");
    if (!cs_size_global(chunks, c->local, c->device->address_bits, &global))
        return cs_fail(error, CLSTEP_OUT_OF_RANGE,
                       "%llu chunks are more than the device can number",
                       (unsigned long long)chunks);
    status = cs_call_launch(&call, &c->kernel, global, c->local, error);
    if (status == CLSTEP_OK)
        status =
            cs_call_read(&call, c->found, CL_TRUE, 0,
                         (size_t)chunks * sizeof(*c->counts), c->counts, error);
    cs_call_end(&call);
    return status;
}

static void add_up(const struct census *c, uint64_t *zeros)
{
    const cl_uint *counts = c->counts;
    clstep_tensor tensor;

    for (size_t t = 0; clstep_layout_tensor(c->layout, t, &tensor); t++) {
        zeros[t] = 0;
        for (uint64_t i = chunks_of(&tensor); i > 0; i--)
            zeros[t] += *counts++;
    }
}

clstep_status
clstep_count_zeros(clstep_device *device, cl_command_queue queue,
                   const clstep_layout *layout, cl_mem parameters,
                   uint64_t offset, uint64_t *zeros, clstep_error *error)
{
    struct census c = {.device = device, .layout = layout};
    clstep_status status;

    if (device == NULL || layout == NULL || zeros == NULL)
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT, "%s is NULL",
                       device == NULL   ? "device"
                       : layout == NULL ? "layout"
                                        : "zeros");
    status = cs_check_queue_of(device, "device", queue, error);
    if (status == CLSTEP_OK)
        status = cs_check_buffer(device->context, parameters, offset,
                                 clstep_layout_count(layout), sizeof(float),
                                 "parameters", CS_READ, error);
    if (status == CLSTEP_OK)
        status = create_buffers(&c, error);
    if (status == CLSTEP_OK)
        status = create_kernel(&c, error);
    if (status == CLSTEP_OK && c.chunk_count != 0)
        status = run(&c, queue, parameters, offset, error);
    if (status == CLSTEP_OK)
        add_up(&c, zeros);
    if (c.chunks != NULL)
        clReleaseMemObject(c.chunks);
    if (c.found != NULL)
        clReleaseMemObject(c.found);
    cs_kernel_release(&c.kernel);
    free(c.counts);
    return status;
}
