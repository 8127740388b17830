/*
 * sums.c - see sums.h
 * SPDX-License-Identifier: MIT
 */
#include "sums.h"
#include "chunks.h"
#include "error.h"
#include "kernels.h"
#include "plan.h"
#include "sizes.h"

#include <stdlib.h>

bool cs_sums_needed(const struct cs_settings *settings)
{
    return cs_settings_has_norm(settings) ||
           cs_settings_has_dynamic_scale(settings) ||
           cs_settings_feature(settings, CS_DEVICE_SCALE) != 0.0;
}

static const struct cs_settings *settings_of(const struct cs_table *table)
{
    return table->members[0]->settings;
}

/* --- create --------------------------------------------------------------- */

/* Counts chunks and nodes, and tells each member where its own begin. */
static clstep_status
count_all(struct cs_sums *sums, const struct cs_table *table,
          clstep_error *error)
{
    size_t group = 0;

    for (size_t m = 0; m < table->member_count; m++) {
        clstep_optimizer *opt = table->members[m];

        opt->member = m;
        opt->first_tensor = sums->tensor_count;
        opt->first_chunk = sums->chunk_count;
        opt->first_group = group;
        group += opt->group_count;
        sums->tensor_count += opt->tensor_count;
        cs_chunks_count(opt->tensors, opt->tensor_count, &sums->chunk_count,
                        &sums->node_count);
        opt->chunk_count = sums->chunk_count - opt->first_chunk;
    }
    return cs_chunks_check(sums->chunk_count, sums->tensor_count, error);
}

static clstep_status
make_lists(const struct cs_sums *sums, const struct cs_table *table,
           struct cs_chunk_lists *lists, clstep_error *error)
{
    const clstep_status status = cs_chunks_open(
        lists, sums->chunk_count, sums->node_count, sums->tensor_count, error);

    for (size_t m = 0; m < table->member_count && status == CLSTEP_OK; m++) {
        const clstep_optimizer *opt = table->members[m];

        for (size_t t = 0; t < opt->tensor_count; t++)
            cs_chunks_add(lists, &opt->tensors[t], opt->first_group);
    }
    return status;
}

static clstep_status
create_buffers(struct cs_sums *sums, const struct cs_table *table,
               clstep_error *error)
{
    clstep_device *device = table->device;
    struct cs_chunk_lists lists;
    clstep_status status = make_lists(sums, table, &lists, error);
    const struct {
        cl_mem *buffer;
        uint64_t count;
    } plain[] = {
        {&sums->chunk_sums, sums->chunk_count + 1},
        {&sums->node_sums, sums->node_count + 1},
        {&sums->list,
         sums->tensor_count + cs_pieces(sums->tensor_count, CS_NODE)},
        {&sums->factors, sums->tensor_count + 1},
        {&sums->control,
         (sizeof(struct cs_control) + table->entry_count * sizeof(cl_ulong)) /
             sizeof(float)},
    };

    if (status == CLSTEP_OK)
        status = cs_chunks_upload(device, lists.chunks, sums->chunk_count,
                                  sizeof(*lists.chunks), "the table of chunks",
                                  &sums->chunk_table, error);
    if (status == CLSTEP_OK)
        status = cs_chunks_upload(device, lists.nodes, sums->node_count,
                                  sizeof(*lists.nodes), "the table of nodes",
                                  &sums->node_table, error);
    if (status == CLSTEP_OK)
        status = cs_chunks_upload(device, lists.parts, sums->tensor_count,
                                  sizeof(*lists.parts), "the table of tensors",
                                  &sums->parts, error);
    cs_chunks_close(&lists);
    for (size_t i = 0; i < sizeof(plain) / sizeof(*plain); i++)
        if (status == CLSTEP_OK)
            status =
                cs_device_buffer(device, plain[i].count, "a buffer of sums",
                                 plain[i].buffer, error);
    if (status == CLSTEP_OK &&
        cs_settings_has_dynamic_scale(settings_of(table)))
        status = cs_device_buffer(device, 1, "the scale", &sums->scale, error);
    return status;
}

static clstep_status
create_kernels(struct cs_sums *sums, const struct cs_table *table,
               clstep_error *error)
{
    const struct {
        const char *name;
        struct cs_kernel *kernel;
        size_t *local;
    } kernels[] = {
        {"clstep_chunks", &sums->chunks, &sums->chunks_local},
        {"clstep_nodes", &sums->nodes, &sums->nodes_local},
        {"clstep_decide", &sums->decide, &sums->decide_local},
    };
    const char *const texts[CS_MAX_TEXTS] = {cs_kernel_text("fold"),
                                             cs_kernel_text("sums")};
    struct cs_text declarations = {0};
    clstep_status status;

    sums->grouped = table->device->grouped;
    cs_plan_write_sums(settings_of(table), sums->grouped, &declarations);
    status = declarations.failed
                 ? cs_fail(error, CLSTEP_OUT_OF_MEMORY,
                           "no memory for the text of a kernel")
                 : cs_device_program(table->device, declarations.data, texts,
                                     &sums->entry, error);
    cs_text_release(&declarations);
    for (size_t i = 0; i < 3 && status == CLSTEP_OK; i++) {
        *kernels[i].local = CS_WORK_GROUP;
        status = cs_kernel_create(table->device, sums->entry->program,
                                  kernels[i].name, kernels[i].kernel,
                                  kernels[i].local, error);
    }
    return status;
}

clstep_status cs_sums_create(struct cs_table *table, struct cs_sums **out,
                             clstep_error *error)
{
    struct cs_sums *sums = calloc(1, sizeof(*sums));
    clstep_status status;

    if (sums == NULL)
        return cs_fail(error, CLSTEP_OUT_OF_MEMORY, "no memory for sums");
    *out = sums;
    status = count_all(sums, table, error);
    if (status == CLSTEP_OK)
        status = create_kernels(sums, table, error);
    if (status == CLSTEP_OK)
        status = create_buffers(sums, table, error);
    return status;
}

void cs_sums_release(struct cs_sums *sums)
{
    if (sums == NULL)
        return;

    const cl_mem buffers[] = {sums->chunk_table, sums->node_table, sums->parts,
                              sums->chunk_sums,  sums->node_sums,  sums->list,
                              sums->factors,     sums->control,    sums->scale};

    cs_kernel_release(&sums->chunks);
    cs_kernel_release(&sums->nodes);
    cs_kernel_release(&sums->decide);
    for (size_t i = 0; i < sizeof(buffers) / sizeof(*buffers); i++)
        if (buffers[i] != NULL)
            clReleaseMemObject(buffers[i]);
    free(sums);
}

clstep_status cs_sums_reset(struct cs_sums *sums, const struct cs_table *table,
                            struct cs_call *call, clstep_error *error)
{
    clstep_optimizer *opt = table->members[0];
    clstep_status status = cs_fill(
        opt, call, sums->control, 0,
        (sizeof(struct cs_control) + table->entry_count * sizeof(cl_ulong)) /
            sizeof(float),
        0.0f, error);

    if (status == CLSTEP_OK && sums->scale != NULL)
        status = cs_fill(
            opt, call, sums->scale, 0, 1,
            (float)cs_settings_feature(opt->settings, CS_SCALE_START), error);
    return status;
}

/* --- launches ------------------------------------------------------------- */

/* Adds the sums of 'count' chunks from 'first' on; 'pieces', at least as many,
 * are launched. */
static clstep_status
add_chunks(struct cs_sums *sums, const struct cs_table *table,
           struct cs_call *call, uint64_t first, uint64_t count,
           uint64_t pieces, cl_mem gradients, uint64_t offset,
           const clstep_buffers *scale, clstep_error *error)
{
    const struct cs_settings *settings = settings_of(table);
    const cl_ulong chunk = first, chunks = count, begin = offset;
    const cl_ulong scale_offset = sums->scale != NULL ? 0 : scale->scale_offset;
    const cl_mem from = sums->scale != NULL    ? sums->scale
                        : scale->scale != NULL ? scale->scale
                                               : sums->factors;
    const cl_float unscale =
        1.0f / (float)cs_settings_feature(settings, CS_GRAD_SCALE);
    const cl_float clip = (float)cs_settings_feature(settings, CS_CLIP_VALUE);
    const cl_uint entries = CS_TABLE_HEADER;
    struct cs_arguments arguments = {&sums->chunks, 0, CL_SUCCESS};
    size_t global = 0;

    cs_push_own(&arguments, sizeof(chunk), &chunk);
    cs_push_own(&arguments, sizeof(chunks), &chunks);
    cs_push_own(&arguments, sizeof(cl_mem), &sums->chunk_table);
    cs_push(&arguments, sizeof(cl_mem), &gradients);
    cs_push_own(&arguments, sizeof(begin), &begin);
    cs_push_own(&arguments, sizeof(unscale), &unscale);
    cs_push(&arguments, sizeof(cl_mem), &from);
    cs_push_own(&arguments, sizeof(scale_offset), &scale_offset);
    cs_push_own(&arguments, sizeof(clip), &clip);
    cs_push_own(&arguments, sizeof(cl_mem), &table->words);
    cs_push_own(&arguments, sizeof(entries), &entries);
    cs_push_own(&arguments, sizeof(cl_mem), &sums->chunk_sums);
    if (arguments.code != CL_SUCCESS)
        return cs_fail_cl(error, arguments.code, "clSetKernelArg");
    if (!cs_size_global(sums->grouped ? pieces * sums->chunks_local : pieces,
                        sums->chunks_local, table->device->address_bits,
                        &global))
        return cs_fail(error, CLSTEP_OUT_OF_RANGE,
                       "%llu chunks are more than the device can number",
                       (unsigned long long)count);
    return cs_call_launch(call, &sums->chunks, global, sums->chunks_local,
                          error);
}

static clstep_status
add_nodes(struct cs_sums *sums, const struct cs_table *table,
          struct cs_call *call, uint64_t count, uint64_t items,
          clstep_error *error)
{
    const cl_ulong nodes = count;
    struct cs_arguments arguments = {&sums->nodes, 0, CL_SUCCESS};
    size_t global = 0;

    cs_push_own(&arguments, sizeof(nodes), &nodes);
    cs_push_own(&arguments, sizeof(cl_mem), &sums->node_table);
    cs_push_own(&arguments, sizeof(cl_mem), &sums->chunk_sums);
    cs_push_own(&arguments, sizeof(cl_mem), &sums->node_sums);
    if (arguments.code != CL_SUCCESS)
        return cs_fail_cl(error, arguments.code, "clSetKernelArg");
    cs_size_global(items, sums->nodes_local, table->device->address_bits,
                   &global);
    return cs_call_launch(call, &sums->nodes, global, sums->nodes_local, error);
}

clstep_status cs_sums_add(struct cs_sums *sums, const struct cs_table *table,
                          struct cs_call *call, const clstep_buffers *buffers,
                          bool apart, clstep_error *error)
{
    clstep_status status = CLSTEP_OK;

    if (!cs_settings_has_norm(settings_of(table)))
        return CLSTEP_OK;
    for (size_t m = 0; m < table->member_count && !apart; m++) {
        const clstep_optimizer *opt = table->members[m];

        if (status == CLSTEP_OK)
            status = add_chunks(sums, table, call, opt->first_chunk,
                                opt->chunk_count, opt->chunk_count,
                                buffers[m].gradients,
                                buffers[m].gradients_offset, buffers, error);
    }

    const clstep_optimizer *opt = table->members[0];
    uint64_t chunk = opt->first_chunk;

    for (size_t t = 0; t < opt->tensor_count && apart; t++) {
        const struct cs_tensor *tensor = &opt->tensors[t];
        const uint64_t chunks = cs_pieces(tensor->count, CS_CHUNK);

        /* Of a frozen tensor the kernel makes zeros without a look. */
        const bool frozen = opt->groups[tensor->group].frozen;

        if (status == CLSTEP_OK && chunks != 0)
            status = add_chunks(sums, table, call, chunk, chunks, chunks,
                                frozen ? sums->factors : buffers[t].gradients,
                                buffers[t].gradients_offset - tensor->offset,
                                buffers, error);
        chunk += chunks;
    }
    if (status == CLSTEP_OK)
        status = add_nodes(sums, table, call, sums->node_count,
                           sums->node_count, error);
    return status;
}

clstep_status cs_sums_decide(struct cs_sums *sums, const struct cs_table *table,
                             struct cs_call *call,
                             const clstep_buffers *buffers, clstep_error *error)
{
    const cl_uint tensors = buffers != NULL ? (cl_uint)sums->tensor_count : 0;
    const cl_uint groups = (cl_uint)table->entry_count;
    const cl_uint entries = CS_TABLE_HEADER;
    const bool given = buffers != NULL && buffers->scale != NULL;
    const cl_mem scale = sums->scale != NULL ? sums->scale
                         : given             ? buffers->scale
                                             : sums->factors;
    const cl_ulong scale_offset =
        sums->scale == NULL && given ? buffers->scale_offset : 0;
    struct cs_arguments arguments = {&sums->decide, 0, CL_SUCCESS};

    cs_push_own(&arguments, sizeof(tensors), &tensors);
    cs_push_own(&arguments, sizeof(cl_mem), &sums->parts);
    cs_push_own(&arguments, sizeof(cl_mem), &sums->node_sums);
    cs_push_own(&arguments, sizeof(cl_mem), &sums->list);
    cs_push_own(&arguments, sizeof(groups), &groups);
    cs_push_own(&arguments, sizeof(entries), &entries);
    cs_push_own(&arguments, sizeof(cl_mem), &table->words);
    cs_push_own(&arguments, sizeof(cl_mem), &sums->control);
    cs_push_own(&arguments, sizeof(cl_mem), &sums->factors);
    cs_push(&arguments, sizeof(cl_mem), &scale);
    cs_push_own(&arguments, sizeof(scale_offset), &scale_offset);
    if (arguments.code != CL_SUCCESS)
        return cs_fail_cl(error, arguments.code, "clSetKernelArg");
    return cs_call_launch(call, &sums->decide, sums->decide_local,
                          sums->decide_local, error);
}

clstep_status cs_sums_warm(struct cs_sums *sums, const struct cs_table *table,
                           clstep_error *error)
{
    const size_t items_of_chunk = sums->grouped ? sums->chunks_local : 1;
    const size_t wanted = sums->chunk_count < CS_WARM_LARGE / items_of_chunk
                              ? CS_WORK_GROUP
                              : CS_WARM_LARGE;
    const clstep_buffers none = {.scale = NULL};
    struct cs_call call = {.queue = table->device->queue};
    clstep_status status = CLSTEP_OK;

    for (size_t items = CS_WORK_GROUP; items <= wanted;
         items *= CS_WARM_LARGE / CS_WORK_GROUP) {
        if (items <= atomic_load(&sums->entry->warm))
            continue;
        if (status == CLSTEP_OK)
            status =
                add_chunks(sums, table, &call, 0, 0, items / items_of_chunk,
                           sums->factors, 0, &none, error);
        if (status == CLSTEP_OK)
            status = add_nodes(sums, table, &call, 0, items, error);
        if (status == CLSTEP_OK)
            status = cs_sums_decide(sums, table, &call, NULL, error);
    }
    if (status == CLSTEP_OK) {
        const cl_int code = clFinish(call.queue);

        if (code != CL_SUCCESS)
            status = cs_fail_cl(error, code, "clFinish");
    }
    cs_call_end(&call);
    if (status == CLSTEP_OK && atomic_load(&sums->entry->warm) < wanted)
        atomic_store(&sums->entry->warm, wanted);
    return status;
}
