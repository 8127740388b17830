/*
 * factors.c - see factors.h
 * SPDX-License-Identifier: MIT
 */
#include "factors.h"
#include "error.h"
#include "kernels.h"
#include "plan.h"
#include "sizes.h"
#include "sums.h"

#include <stdlib.h>
#include <string.h>

enum {
    CHUNK = 4096,
    NODE = 256,
    MAX_PIECES = 0x7fffffff,
    /* Work-items that are chunks: few, so that all cores have some. */
    CHUNKS_LOCAL = 8,
    /* Factors behind those of the last row: the step loads two rows' for each
     * block, and of blocks without rows the first two. */
    ROWS_BEHIND = 2
};

/* As in kernels/factors.cl. */
struct region {
    cl_ulong begin, length, first_chunk, first_row;
    cl_uint chunks, group, first_node, nodes;
    cl_ulong spread;
    cl_float count, row_count;
};

struct part {
    cl_uint first, count;
};

static uint64_t pieces(uint64_t count, uint64_t size)
{
    return count / size + (count % size != 0);
}

/* Says whether a block may have elements of more than two rows. */
static bool is_short(uint64_t length)
{
    return length < CLSTEP_ALIGNMENT - 1 && length != CLSTEP_ALIGNMENT / 2;
}

/* The elements of the blocks of a tensor. */
static uint64_t padded(const struct cs_tensor *tensor)
{
    return pieces(tensor->count, CLSTEP_ALIGNMENT) * CLSTEP_ALIGNMENT;
}

/* --- create --------------------------------------------------------------- */

/* The region of 'tensor', behind what was counted; counts it too. */
static struct region
next_region(struct cs_factors *factors, const struct cs_tensor *tensor)
{
    const uint64_t rows = !factors->by_rows    ? 1
                          : tensor->count != 0 ? tensor->rows
                                               : 0;
    const uint64_t length = rows != 0 ? tensor->count / rows : 0;
    const uint64_t chunks = pieces(length, CHUNK);
    const uint64_t nodes = pieces(factors->by_rows ? rows : chunks, NODE);
    const bool spreads = factors->by_rows && rows != 0 && is_short(length);
    const struct region region = {
        .begin = tensor->offset,
        .length = length,
        .first_chunk = factors->chunk_count,
        .first_row = factors->row_count,
        .chunks = (cl_uint)chunks,
        .group = (cl_uint)tensor->group,
        .first_node = (cl_uint)factors->node_count,
        .nodes = (cl_uint)nodes,
        .spread = spreads ? ROWS_BEHIND + factors->spread_count : 0,
        .count = rows != 0 ? (cl_float)tensor->count : 0.0f,
        .row_count = (cl_float)length,
    };

    factors->chunk_count += rows * chunks;
    factors->row_count += factors->by_rows ? rows : 0;
    factors->node_count += nodes;
    factors->spread_count += spreads ? padded(tensor) : 0;
    return region;
}

/* The nodes of a region: parts of its chunks, or of its rows. */
static void list_nodes(const struct region *region, uint64_t first,
                       uint64_t count, struct part *nodes)
{
    for (uint64_t i = 0; i < region->nodes; i++) {
        const uint64_t left = count - i * NODE;

        nodes[region->first_node + i] = (struct part){
            (cl_uint)(first + i * NODE), (cl_uint)(left < NODE ? left : NODE)};
    }
}

/* A buffer with 'count' entries of 'size' bytes. */
static clstep_status
upload(clstep_device *device, const void *data, uint64_t count, size_t size,
       const char *what, cl_mem *buffer, clstep_error *error)
{
    const clstep_status status = cs_device_buffer(
        device, count * (size / sizeof(float)), what, buffer, error);

    if (status != CLSTEP_OK)
        return status;

    const cl_int code =
        clEnqueueWriteBuffer(device->queue, *buffer, CL_TRUE, 0,
                             (size_t)count * size, data, 0, NULL, NULL);

    return code == CL_SUCCESS ? CLSTEP_OK
                              : cs_fail_cl(error, code, "clEnqueueWriteBuffer");
}

static clstep_status create_tables(clstep_optimizer *opt, clstep_error *error)
{
    struct cs_factors *factors = opt->factors;
    struct region *regions = calloc(opt->tensor_count, sizeof(*regions));
    struct part *nodes = NULL;
    clstep_status status = CLSTEP_OK;

    if (regions != NULL) {
        for (size_t t = 0; t < opt->tensor_count; t++)
            regions[t] = next_region(factors, &opt->tensors[t]);
        nodes = calloc((size_t)factors->node_count + 1, sizeof(*nodes));
    }
    if (nodes == NULL)
        status =
            cs_fail(error, CLSTEP_OUT_OF_MEMORY,
                    "no memory for the sums of %zu tensors", opt->tensor_count);
    else if (factors->chunk_count > MAX_PIECES)
        status = cs_fail(error, CLSTEP_OUT_OF_RANGE,
                         "sums of %llu chunks of %d elements are more than "
                         "the %d that can be added",
                         (unsigned long long)factors->chunk_count, CHUNK,
                         MAX_PIECES);
    for (size_t t = 0; t < opt->tensor_count && status == CLSTEP_OK; t++) {
        if (regions[t].spread != 0)
            regions[t].spread += factors->row_count;
        list_nodes(
            &regions[t],
            factors->by_rows ? regions[t].first_row : regions[t].first_chunk,
            factors->by_rows ? opt->tensors[t].rows : regions[t].chunks, nodes);
    }
    if (status == CLSTEP_OK)
        status =
            upload(opt->device, regions, opt->tensor_count, sizeof(*regions),
                   "the table of regions", &factors->regions, error);
    if (status == CLSTEP_OK)
        status =
            upload(opt->device, nodes, factors->node_count + 1, sizeof(*nodes),
                   "the table of nodes", &factors->node_table, error);
    free(regions);
    free(nodes);
    return status;
}

/* What the step needs to find the factors of an element's row; as in
 * element.cl. */
struct block {
    cl_uint row, left, spread, spread_high;
};

/* Writes the blocks of a matrix whose rows begin at 'row', and whose elements'
 * factors begin at 'spread' if they are short. */
static void write_blocks(const struct cs_tensor *tensor, uint64_t row,
                         uint64_t spread, struct block *blocks)
{
    const uint64_t length = tensor->count / tensor->rows;

    for (uint64_t at = 0; at < tensor->count; at += CLSTEP_ALIGNMENT) {
        const uint64_t left = length - at % length;
        struct block *block = blocks + at / CLSTEP_ALIGNMENT;

        block->row = (cl_uint)(row + at / length);
        block->left =
            (cl_uint)(left < CLSTEP_ALIGNMENT ? left : CLSTEP_ALIGNMENT);
        if (is_short(length)) {
            block->left = 0;
            block->spread = (cl_uint)(spread + at);
            block->spread_high = (cl_uint)((spread + at) >> 32);
        }
    }
}

static clstep_status create_blocks(clstep_optimizer *opt, clstep_error *error)
{
    /* Warming up looks at as many blocks as 65,536 elements have. */
    const uint64_t least = CS_WARM_LARGE / CLSTEP_ALIGNMENT;
    const uint64_t needed = pieces(opt->count, CLSTEP_ALIGNMENT);
    const uint64_t count = needed < least ? least : needed;
    struct block *blocks = calloc((size_t)count, sizeof(*blocks));
    uint64_t row = 0, spread = opt->factors->row_count + ROWS_BEHIND;
    clstep_status status;

    if (blocks == NULL)
        return cs_fail(error, CLSTEP_OUT_OF_MEMORY,
                       "no memory for the blocks of %llu elements",
                       (unsigned long long)opt->count);
    for (uint64_t b = 0; b < count; b++)
        blocks[b].left = CLSTEP_ALIGNMENT;
    for (size_t t = 0; t < opt->tensor_count; t++) {
        const struct cs_tensor *tensor = &opt->tensors[t];

        if (tensor->rows == 0)
            continue;
        write_blocks(tensor, row, spread,
                     blocks + tensor->offset / CLSTEP_ALIGNMENT);
        row += tensor->rows;
        if (is_short(tensor->count / tensor->rows))
            spread += padded(tensor);
    }
    status = upload(opt->device, blocks, count, sizeof(*blocks),
                    "the table of rows", &opt->factors->block_rows, error);
    free(blocks);
    return status;
}

static size_t count_names(const char *const *names)
{
    size_t count = 0;

    while (names[count] != NULL)
        count++;
    return count;
}

/* The numbers in 'row_factors': of the rows, and behind them of the elements of
 * short ones. */
static uint64_t count_row_factors(const clstep_optimizer *opt)
{
    const struct cs_factors *factors = opt->factors;

    return count_names(cs_settings_pass(opt->settings)->row_factors) *
           (factors->row_count + ROWS_BEHIND + factors->spread_count);
}

static clstep_status create_buffers(clstep_optimizer *opt, clstep_error *error)
{
    struct cs_factors *factors = opt->factors;
    const struct cs_pass *pass = cs_settings_pass(opt->settings);
    const uint64_t sums = (uint64_t)pass->sums;
    const uint64_t lists = sums + (uint64_t)pass->row_sums;
    const struct {
        cl_mem *buffer;
        uint64_t count;
    } buffers[] = {
        {&factors->chunk_sums, sums * (factors->chunk_count + 1)},
        {&factors->node_sums, lists * (factors->node_count + 1)},
        {&factors->tensor_factors,
         count_names(pass->factors) * opt->tensor_count},
        /* With rows. */
        {&factors->row_sums, lists * (factors->row_count + 1)},
        {&factors->row_factors, count_row_factors(opt)},
    };
    const size_t needed = factors->by_rows ? 5 : 3;
    clstep_status status = CLSTEP_OK;

    for (size_t i = 0; i < needed && status == CLSTEP_OK; i++)
        status = cs_device_buffer(opt->device, buffers[i].count,
                                  "a buffer of sums", buffers[i].buffer, error);
    return status;
}

clstep_status cs_factors_fill(clstep_optimizer *opt, struct cs_call *call,
                              clstep_error *error)
{
    const struct cs_factors *factors = opt->factors;

    if (factors == NULL || !factors->by_rows)
        return CLSTEP_OK;
    return cs_fill(opt, call, factors->row_factors, 0, count_row_factors(opt),
                   0.0f, error);
}

static clstep_status create_kernels(clstep_optimizer *opt, clstep_error *error)
{
    struct cs_factors *factors = opt->factors;
    const struct {
        const char *name;
        struct cs_kernel *kernel;
        size_t *local;
    } kernels[] = {
        {"clstep_terms", &factors->terms, &factors->terms_local},
        {"clstep_factor_nodes", &factors->nodes, &factors->local},
        {"clstep_tensor_factors", &factors->tensors, &factors->local},
        {"clstep_row_factors", &factors->rows, &factors->local},
    };
    const char *texts[CS_MAX_TEXTS] = {NULL};
    const size_t count = cs_plan_texts(opt->settings, texts);
    struct cs_text declarations = {0};
    clstep_status status;

    texts[count] = cs_kernel_text("factors");
    if (factors->grouped)
        cs_text_add(&declarations, "#define GROUP_A_CHUNK\n");
    cs_plan_write(opt->settings, true, &declarations);
    status = declarations.failed
                 ? cs_fail(error, CLSTEP_OUT_OF_MEMORY,
                           "no memory for the text of a kernel")
                 : cs_device_program(opt->device, declarations.data, texts,
                                     &factors->entry, error);
    cs_text_release(&declarations);
    factors->terms_local = factors->grouped ? CS_WORK_GROUP : CHUNKS_LOCAL;
    factors->local = CS_WORK_GROUP;
    for (size_t i = 0; i < (factors->by_rows ? 4 : 3); i++)
        if (status == CLSTEP_OK)
            status = cs_kernel_create(opt->device, factors->entry->program,
                                      kernels[i].name, kernels[i].kernel,
                                      kernels[i].local, error);
    return status;
}

clstep_status cs_factors_create(clstep_optimizer *opt, clstep_error *error)
{
    struct cs_factors *factors = calloc(1, sizeof(*factors));
    clstep_status status;

    if (factors == NULL)
        return cs_fail(error, CLSTEP_OUT_OF_MEMORY, "no memory for factors");
    opt->factors = factors;
    factors->by_rows = cs_settings_pass(opt->settings)->row_sums != 0;
    factors->grouped = opt->device->grouped;
    status = create_tables(opt, error);
    if (status == CLSTEP_OK && factors->by_rows)
        status = create_blocks(opt, error);
    if (status == CLSTEP_OK)
        status = create_buffers(opt, error);
    if (status == CLSTEP_OK)
        status = create_kernels(opt, error);
    return status;
}

void cs_factors_release(struct cs_factors *factors)
{
    if (factors == NULL)
        return;

    const cl_mem buffers[] = {
        factors->regions,        factors->node_table,  factors->chunk_sums,
        factors->row_sums,       factors->node_sums,   factors->block_rows,
        factors->tensor_factors, factors->row_factors,
    };

    cs_kernel_release(&factors->terms);
    cs_kernel_release(&factors->rows);
    cs_kernel_release(&factors->nodes);
    cs_kernel_release(&factors->tensors);
    for (size_t i = 0; i < sizeof(buffers) / sizeof(*buffers); i++)
        if (buffers[i] != NULL)
            clReleaseMemObject(buffers[i]);
    free(factors);
}

void cs_factors_forget(struct cs_factors *factors)
{
    if (factors == NULL)
        return;
    cs_kernel_forget(&factors->terms);
    cs_kernel_forget(&factors->rows);
    cs_kernel_forget(&factors->tensors);
}

/* --- launches ------------------------------------------------------------- */

static void
push_table(const clstep_optimizer *opt, struct cs_arguments *arguments)
{
    const cl_uint entries =
        (cl_uint)(CS_TABLE_HEADER + CS_ENTRY_WORDS * opt->first_group);

    cs_push_own(arguments, sizeof(cl_mem), &opt->table->words);
    cs_push_own(arguments, sizeof(entries), &entries);
}

/* Launches a kernel for 'items' work-items. */
static clstep_status launch(const clstep_optimizer *opt, struct cs_call *call,
                            const struct cs_arguments *arguments,
                            uint64_t items, size_t local, clstep_error *error)
{
    size_t global = 0;

    if (arguments->code != CL_SUCCESS)
        return cs_fail_cl(error, arguments->code, "clSetKernelArg");
    if (!cs_size_global(items, local, opt->device->address_bits, &global))
        return cs_fail(error, CLSTEP_OUT_OF_RANGE,
                       "%llu sums are more than the device can number",
                       (unsigned long long)items);
    return cs_call_launch(call, arguments->kernel, global, local, error);
}

/* What a launch is over: numbers from 'first' on; 'items', at least as many,
 * are launched. */
struct span {
    uint64_t first, count, items;
};

/* The sums of chunks.  The layout's first element is 'before' elements in front
 * of where 'buffers' begin. */
static clstep_status
add_terms(clstep_optimizer *opt, struct cs_call *call, struct span span,
          const clstep_buffers *buffers, uint64_t before, clstep_error *error)
{
    struct cs_factors *factors = opt->factors;
    const struct cs_sums *sums = opt->table->sums;
    const cl_ulong first = span.first, count = span.count;
    const cl_ulong parameters_offset = buffers->parameters_offset - before;
    const cl_ulong gradients_offset = buffers->gradients_offset - before;
    const cl_uint regions = (cl_uint)opt->tensor_count;
    const cl_uint tensor = (cl_uint)opt->first_tensor;
    const size_t local = factors->terms_local;
    struct cs_arguments arguments = {&factors->terms, 0, CL_SUCCESS};

    cs_push_own(&arguments, sizeof(first), &first);
    cs_push_own(&arguments, sizeof(count), &count);
    cs_push_own(&arguments, sizeof(cl_mem), &factors->regions);
    cs_push_own(&arguments, sizeof(regions), &regions);
    cs_push(&arguments, sizeof(cl_mem), &buffers->parameters);
    cs_push_own(&arguments, sizeof(cl_ulong), &parameters_offset);
    cs_push(&arguments, sizeof(cl_mem), &buffers->gradients);
    cs_push_own(&arguments, sizeof(cl_ulong), &gradients_offset);
    push_table(opt, &arguments);
    cs_push_own(&arguments, sizeof(cl_mem),
                sums != NULL ? &sums->factors : &opt->table->words);
    cs_push_own(&arguments, sizeof(tensor), &tensor);
    cs_push_own(&arguments, sizeof(cl_mem), &factors->chunk_sums);
    for (size_t i = 0; i < opt->slot_count; i++)
        if (cs_settings_pass_reads(opt->settings, opt->slot_rows[i]->name))
            cs_push_own(&arguments, sizeof(cl_mem), &opt->slots[i]);
    return launch(opt, call, &arguments,
                  factors->grouped ? span.items * local : span.items, local,
                  error);
}

static clstep_status add_rows(clstep_optimizer *opt, struct cs_call *call,
                              struct span span, clstep_error *error)
{
    struct cs_factors *factors = opt->factors;
    const cl_ulong count = span.count;
    const cl_uint regions = (cl_uint)opt->tensor_count;
    struct cs_arguments arguments = {&factors->rows, 0, CL_SUCCESS};

    cs_push_own(&arguments, sizeof(count), &count);
    cs_push_own(&arguments, sizeof(cl_mem), &factors->regions);
    cs_push_own(&arguments, sizeof(regions), &regions);
    push_table(opt, &arguments);
    cs_push_own(&arguments, sizeof(cl_mem), &factors->chunk_sums);
    cs_push_own(&arguments, sizeof(cl_mem), &factors->row_sums);
    cs_push_own(&arguments, sizeof(cl_mem), &factors->row_factors);
    return launch(opt, call, &arguments, span.items, factors->local, error);
}

static clstep_status add_nodes(clstep_optimizer *opt, struct cs_call *call,
                               struct span span, clstep_error *error)
{
    struct cs_factors *factors = opt->factors;
    const cl_ulong count = span.count;
    struct cs_arguments arguments = {&factors->nodes, 0, CL_SUCCESS};

    cs_push_own(&arguments, sizeof(count), &count);
    cs_push_own(&arguments, sizeof(cl_mem), &factors->node_table);
    cs_push_own(&arguments, sizeof(cl_mem),
                factors->by_rows ? &factors->row_sums : &factors->chunk_sums);
    cs_push_own(&arguments, sizeof(cl_mem), &factors->node_sums);
    return launch(opt, call, &arguments, span.items, factors->local, error);
}

static clstep_status add_tensors(clstep_optimizer *opt, struct cs_call *call,
                                 struct span span, clstep_error *error)
{
    struct cs_factors *factors = opt->factors;
    const cl_uint count = (cl_uint)span.count;
    struct cs_arguments arguments = {&factors->tensors, 0, CL_SUCCESS};

    cs_push_own(&arguments, sizeof(count), &count);
    cs_push_own(&arguments, sizeof(cl_mem), &factors->regions);
    push_table(opt, &arguments);
    cs_push_own(&arguments, sizeof(cl_mem), &factors->node_sums);
    cs_push_own(&arguments, sizeof(cl_mem), &factors->tensor_factors);
    for (size_t i = 0; i < opt->slot_count; i++)
        if (opt->slot_rows[i]->per_tensor)
            cs_push_own(&arguments, sizeof(cl_mem), &opt->slots[i]);
    return launch(opt, call, &arguments, span.items, factors->local, error);
}

/* The chunks of a tensor. */
static uint64_t
chunks_of(const clstep_optimizer *opt, const struct cs_tensor *tensor)
{
    const uint64_t rows = opt->factors->by_rows ? tensor->rows : 1;

    return rows != 0 ? rows * pieces(tensor->count / rows, CHUNK) : 0;
}

/* The terms of each tensor in its own buffers.  Those of a frozen tensor are
 * not looked at. */
static clstep_status
add_terms_apart(clstep_optimizer *opt, struct cs_call *call,
                const clstep_buffers *buffers, clstep_error *error)
{
    clstep_status status = CLSTEP_OK;
    uint64_t chunk = 0;

    for (size_t t = 0; t < opt->tensor_count && status == CLSTEP_OK; t++) {
        const struct cs_tensor *tensor = &opt->tensors[t];
        const uint64_t chunks = chunks_of(opt, tensor);

        if (chunks != 0 && !opt->groups[tensor->group].frozen)
            status = add_terms(opt, call, (struct span){chunk, chunks, chunks},
                               &buffers[t], tensor->offset, error);
        chunk += chunks;
    }
    return status;
}

static struct span all(uint64_t count)
{
    return (struct span){0, count, count};
}

clstep_status
cs_factors_add(clstep_optimizer *opt, struct cs_call *call,
               const clstep_buffers *buffers, bool apart, clstep_error *error)
{
    const struct cs_factors *factors = opt->factors;
    clstep_status status = CLSTEP_OK;

    if (apart)
        status = add_terms_apart(opt, call, buffers, error);
    else if (factors->chunk_count != 0)
        status =
            add_terms(opt, call, all(factors->chunk_count), buffers, 0, error);
    if (status == CLSTEP_OK && factors->row_count != 0)
        status = add_rows(opt, call, all(factors->row_count), error);
    if (status == CLSTEP_OK && factors->node_count != 0)
        status = add_nodes(opt, call, all(factors->node_count), error);
    if (status == CLSTEP_OK)
        status = add_tensors(opt, call, all(opt->tensor_count), error);
    return status;
}

size_t cs_factors_launches(const clstep_optimizer *opt, bool apart)
{
    const struct cs_factors *factors = opt->factors;
    size_t launches = 0;

    if (factors == NULL)
        return 0;
    for (size_t t = 0; t < opt->tensor_count && apart; t++)
        launches += chunks_of(opt, &opt->tensors[t]) != 0;
    if (!apart)
        launches = factors->chunk_count != 0;
    return launches + (factors->row_count != 0) + (factors->node_count != 0) +
           1;
}

clstep_status cs_factors_warm(clstep_optimizer *opt, clstep_error *error)
{
    struct cs_factors *factors = opt->factors;
    const size_t items_of_chunk = factors->grouped ? factors->terms_local : 1;
    const bool large = factors->chunk_count >= CS_WARM_LARGE / items_of_chunk ||
                       factors->row_count >= CS_WARM_LARGE ||
                       opt->tensor_count >= CS_WARM_LARGE;
    const size_t wanted = large ? CS_WARM_LARGE : CS_WORK_GROUP;
    const clstep_buffers none = {.parameters = opt->table->words,
                                 .gradients = opt->table->words};
    struct cs_call call = {.queue = opt->device->queue};
    clstep_status status = CLSTEP_OK;

    for (size_t items = CS_WORK_GROUP; items <= wanted;
         items *= CS_WARM_LARGE / CS_WORK_GROUP) {
        const struct span nothing = {0, 0, items};
        const struct span no_chunks = {0, 0, items / items_of_chunk};

        if (items <= atomic_load(&factors->entry->warm))
            continue;
        if (status == CLSTEP_OK)
            status = add_terms(opt, &call, no_chunks, &none, 0, error);
        if (status == CLSTEP_OK && factors->by_rows)
            status = add_rows(opt, &call, nothing, error);
        if (status == CLSTEP_OK)
            status = add_nodes(opt, &call, nothing, error);
        if (status == CLSTEP_OK)
            status = add_tensors(opt, &call, nothing, error);
    }
    if (status == CLSTEP_OK) {
        const cl_int code = clFinish(call.queue);

        if (code != CL_SUCCESS)
            status = cs_fail_cl(error, code, "clFinish");
    }
    cs_call_end(&call);
    if (status == CLSTEP_OK && atomic_load(&factors->entry->warm) < wanted)
        atomic_store(&factors->entry->warm, wanted);
    return status;
}
