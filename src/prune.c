/*
 * prune.c - see prune.h
 * SPDX-License-Identifier: MIT
 */
#include "prune.h"
#include "error.h"
#include "kernels.h"
#include "plan.h"
#include "sizes.h"
#include "table.h"

#include <stdlib.h>

enum { CHUNK = 16384, BINS = 256, SELECTION_WORDS = 6, VALUE_DIGITS = 4 };

/* As in kernels/prune.cl. */
struct prune_tensor {
    cl_ulong begin;
    cl_uint count, group;
};

struct prune_chunk {
    cl_ulong begin;
    cl_uint index, count, tensor, unused;
};

static uint64_t chunks_of(const struct cs_tensor *tensor)
{
    return tensor->rows == 0 ? 0 : (tensor->count - 1) / CHUNK + 1;
}

uint64_t
cs_prune_chunks(const clstep_optimizer *opt, uint64_t first, uint64_t count)
{
    uint64_t chunks = 0;

    if (count == opt->tensor_count && opt->prune != NULL)
        return opt->prune->chunk_count;
    for (uint64_t t = first; t < first + count; t++)
        chunks += chunks_of(&opt->tensors[t]);
    return chunks;
}

/* --- create --------------------------------------------------------------- */

/* Looks at the sizes of the matrices. */
static clstep_status measure(clstep_optimizer *opt, clstep_error *error)
{
    struct cs_prune *prune = opt->prune;
    uint64_t largest = 0;

    for (size_t t = 0; t < opt->tensor_count; t++) {
        const struct cs_tensor *tensor = &opt->tensors[t];

        if (tensor->rows == 0)
            continue;
        if (tensor->count > UINT32_MAX)
            return cs_fail(error, CLSTEP_OUT_OF_RANGE,
                           "prune takes tensors of fewer than 2^32 elements; "
                           "tensor %zu has %llu",
                           t, (unsigned long long)tensor->count);
        largest = tensor->count > largest ? tensor->count : largest;
        prune->chunk_count += chunks_of(tensor);
    }
    for (; largest > 1; largest = (largest + BINS - 1) / BINS)
        prune->index_digits++;
    return CLSTEP_OK;
}

/* The tables, which have one entry more than is needed. */
static clstep_status
make_tables(const clstep_optimizer *opt, struct prune_tensor **tensors,
            struct prune_chunk **chunks, clstep_error *error)
{
    uint64_t chunk = 0;

    *tensors = calloc(opt->tensor_count + 1, sizeof(**tensors));
    *chunks = calloc(opt->prune->chunk_count + 1, sizeof(**chunks));
    if (*tensors == NULL || *chunks == NULL)
        return cs_fail(error, CLSTEP_OUT_OF_MEMORY,
                       "no memory for the chunks of %zu tensors",
                       opt->tensor_count);
    for (size_t t = 0; t < opt->tensor_count; t++) {
        const struct cs_tensor *tensor = &opt->tensors[t];
        const uint64_t count = tensor->rows != 0 ? tensor->count : 0;

        (*tensors)[t] = (struct prune_tensor){tensor->offset, (cl_uint)count,
                                              (cl_uint)tensor->group};
        for (uint64_t i = 0; i < count; i += CHUNK)
            (*chunks)[chunk++] = (struct prune_chunk){
                tensor->offset + i, (cl_uint)i,
                (cl_uint)(count - i < CHUNK ? count - i : CHUNK), (cl_uint)t,
                0};
    }
    return CLSTEP_OK;
}

static clstep_status create_buffers(clstep_optimizer *opt, clstep_error *error)
{
    struct cs_prune *prune = opt->prune;
    const uint64_t tensors = opt->tensor_count + (uint64_t)1;
    struct prune_tensor *tensor_table = NULL;
    struct prune_chunk *chunk_table = NULL;
    clstep_status status = make_tables(opt, &tensor_table, &chunk_table, error);

    if (status == CLSTEP_OK)
        status = cs_device_upload(
            opt->device, tensor_table, tensors * (sizeof(*tensor_table) / 4),
            "the table of matrices", &prune->tensors, error);
    if (status == CLSTEP_OK)
        status = cs_device_upload(opt->device, chunk_table,
                                  (prune->chunk_count + 1) *
                                      (sizeof(*chunk_table) / 4),
                                  "the table of chunks", &prune->chunks, error);
    if (status == CLSTEP_OK)
        status = cs_device_buffer(opt->device, tensors * SELECTION_WORDS,
                                  "the state of a choice", &prune->selections,
                                  error);
    if (status == CLSTEP_OK)
        status =
            cs_device_buffer(opt->device, tensors * BINS,
                             "the counts of a choice", &prune->bins, error);
    free(tensor_table);
    free(chunk_table);
    return status;
}

static clstep_status create_kernels(clstep_optimizer *opt, clstep_error *error)
{
    struct cs_prune *prune = opt->prune;
    const struct {
        const char *name;
        struct cs_kernel *kernel;
        size_t *local;
    } kernels[] = {{"clstep_prune_begin", &prune->begin, &opt->local},
                   {"clstep_prune_count", &prune->count, &prune->count_local},
                   {"clstep_prune_choose", &prune->choose, &opt->local}};
    const char *const texts[CS_MAX_TEXTS] = {cs_kernel_text("prune")};
    struct cs_text declarations = {0};
    clstep_status status;

    cs_plan_write(opt->settings, opt->table != NULL, &declarations);
    if (opt->device->grouped)
        cs_text_add(&declarations, "#define GROUP_A_CHUNK\n");
    status = declarations.failed
                 ? cs_fail(error, CLSTEP_OUT_OF_MEMORY,
                           "no memory for the text of a kernel")
                 : cs_device_program(opt->device, declarations.data, texts,
                                     &prune->entry, error);
    cs_text_release(&declarations);

    /* On a device of few cores one work-item is a work-group. */
    prune->count_local = opt->device->grouped ? CS_WORK_GROUP : 1;
    for (size_t i = 0; i < 3 && status == CLSTEP_OK; i++)
        status = cs_kernel_create(opt->device, prune->entry->program,
                                  kernels[i].name, kernels[i].kernel,
                                  kernels[i].local, error);
    return status;
}

clstep_status cs_prune_create(clstep_optimizer *opt, clstep_error *error)
{
    clstep_status status;

    opt->prune = calloc(1, sizeof(*opt->prune));
    if (opt->prune == NULL)
        return cs_fail(error, CLSTEP_OUT_OF_MEMORY, "no memory for prune");
    status = measure(opt, error);
    if (status == CLSTEP_OK)
        status = create_kernels(opt, error);
    if (status == CLSTEP_OK)
        status = create_buffers(opt, error);
    return status;
}

void cs_prune_release(struct cs_prune *prune)
{
    if (prune == NULL)
        return;

    const cl_mem buffers[] = {prune->tensors, prune->chunks, prune->selections,
                              prune->bins};

    cs_kernel_release(&prune->begin);
    cs_kernel_release(&prune->count);
    cs_kernel_release(&prune->choose);
    for (size_t i = 0; i < sizeof(buffers) / sizeof(*buffers); i++)
        if (buffers[i] != NULL)
            clReleaseMemObject(buffers[i]);
    free(prune);
}

/* --- launches ------------------------------------------------------------- */

bool cs_prune_is_due(const clstep_optimizer *opt)
{
    const uint64_t candidates =
        opt->table != NULL ? opt->table->uncounted + (uint64_t)1 : 1;

    for (size_t g = 0; opt->prune != NULL && g < opt->group_count; g++) {
        const struct cs_group *group = &opt->groups[g];

        for (uint64_t c = 1; c <= candidates && !group->frozen; c++)
            if (cs_plan_prunes(&group->settings, group->steps + c))
                return true;
    }
    return false;
}

static clstep_status launch(const clstep_optimizer *opt, struct cs_call *call,
                            const struct cs_arguments *arguments,
                            uint64_t items, size_t local, clstep_error *error)
{
    size_t global = 0;

    if (arguments->code != CL_SUCCESS)
        return cs_fail_cl(error, arguments->code, "clSetKernelArg");

    /* Tensors and chunks are fewer than elements, which can be numbered. */
    cs_size_global(items, local, opt->device->address_bits, &global);
    return cs_call_launch(call, arguments->kernel, global, local, error);
}

static clstep_status
begin(clstep_optimizer *opt, struct cs_call *call,
      const struct cs_prune_part *part, uint64_t items, clstep_error *error)
{
    struct cs_prune *prune = opt->prune;
    struct cs_arguments arguments = {&prune->begin, 0, CL_SUCCESS};
    const cl_ulong first = part->first_tensor, count = part->tensors;

    cs_push_own(&arguments, sizeof(first), &first);
    cs_push_own(&arguments, sizeof(count), &count);
    cs_push_own(&arguments, sizeof(cl_mem), &prune->tensors);
    cs_push_own(&arguments, sizeof(cl_mem), &prune->selections);
    cs_push_own(&arguments, sizeof(cl_mem), &prune->bins);
    cs_push_scalars(opt, &arguments);
    return launch(opt, call, &arguments, items, opt->local, error);
}

/* A digit of 8 bits: of the index, or of the value, from bit 'shift' on. */
struct digit {
    cl_uint by_index, shift;
};

/* Counts the elements of each chunk by the digit. */
static clstep_status
count_digit(clstep_optimizer *opt, struct cs_call *call,
            const struct cs_prune_part *part, struct digit digit,
            uint64_t groups, cl_mem parameters, uint64_t offset,
            clstep_error *error)
{
    struct cs_prune *prune = opt->prune;
    struct cs_arguments arguments = {&prune->count, 0, CL_SUCCESS};
    const cl_ulong first = part->first_chunk, count = part->chunks;
    const cl_ulong parameters_offset = offset;

    cs_push_own(&arguments, sizeof(first), &first);
    cs_push_own(&arguments, sizeof(count), &count);
    cs_push_own(&arguments, sizeof(cl_mem), &prune->chunks);
    cs_push(&arguments, sizeof(cl_mem), &parameters);
    cs_push_own(&arguments, sizeof(parameters_offset), &parameters_offset);
    cs_push_own(&arguments, sizeof(cl_mem), cs_pruned_slot_of(opt));
    cs_push_own(&arguments, sizeof(cl_mem), &prune->selections);
    cs_push_own(&arguments, sizeof(cl_mem), &prune->bins);
    cs_push_own(&arguments, sizeof(digit.by_index), &digit.by_index);
    cs_push_own(&arguments, sizeof(digit.shift), &digit.shift);
    return launch(opt, call, &arguments, groups * prune->count_local,
                  prune->count_local, error);
}

/* Takes the digit of each tensor's k-th element. */
static clstep_status
choose_digit(clstep_optimizer *opt, struct cs_call *call,
             const struct cs_prune_part *part, struct digit digit,
             uint64_t items, clstep_error *error)
{
    struct cs_prune *prune = opt->prune;
    struct cs_arguments arguments = {&prune->choose, 0, CL_SUCCESS};
    const cl_ulong first = part->first_tensor, count = part->tensors;

    cs_push_own(&arguments, sizeof(first), &first);
    cs_push_own(&arguments, sizeof(count), &count);
    cs_push_own(&arguments, sizeof(cl_mem), &prune->tensors);
    cs_push_own(&arguments, sizeof(cl_mem), &prune->selections);
    cs_push_own(&arguments, sizeof(cl_mem), &prune->bins);
    cs_push_own(&arguments, sizeof(digit.by_index), &digit.by_index);
    cs_push_own(&arguments, sizeof(digit.shift), &digit.shift);
    return launch(opt, call, &arguments, items, opt->local, error);
}

clstep_status
cs_prune_launch(clstep_optimizer *opt, struct cs_call *call,
                const struct cs_prune_part *part, cl_mem parameters,
                uint64_t offset, clstep_error *error)
{
    const unsigned digits[] = {VALUE_DIGITS, opt->prune->index_digits};
    clstep_status status = begin(opt, call, part, part->tensors, error);

    for (cl_uint by_index = 0; by_index < 2 && part->chunks != 0; by_index++)
        for (unsigned d = digits[by_index]; d > 0; d--) {
            const struct digit digit = {by_index, 8 * (d - 1)};

            if (status == CLSTEP_OK)
                status = count_digit(opt, call, part, digit, part->chunks,
                                     parameters, offset, error);
            if (status == CLSTEP_OK)
                status =
                    choose_digit(opt, call, part, digit, part->tensors, error);
        }
    return status;
}

size_t cs_prune_launches(const clstep_optimizer *opt, uint64_t chunks)
{
    const struct cs_prune *prune = opt->prune;

    return prune == NULL ? 0
           : chunks == 0 ? 1
                         : 1 + 2 * ((size_t)VALUE_DIGITS + prune->index_digits);
}

void cs_prune_push(const clstep_optimizer *opt, struct cs_arguments *arguments)
{
    cs_push_own(arguments, sizeof(cl_mem), cs_pruned_slot_of(opt));
    cs_push_own(arguments, sizeof(cl_mem), &opt->block_tensors);
    cs_push_own(arguments, sizeof(cl_mem), &opt->prune->selections);
}

clstep_status cs_prune_warm(clstep_optimizer *opt, struct cs_call *call,
                            cl_mem dummy, size_t items, clstep_error *error)
{
    const struct cs_prune_part none = {0};
    const struct digit digit = {0};
    clstep_status status = begin(opt, call, &none, items, error);

    if (status == CLSTEP_OK)
        status = count_digit(opt, call, &none, digit,
                             items / opt->prune->count_local, dummy, 0, error);
    if (status == CLSTEP_OK)
        status = choose_digit(opt, call, &none, digit, items, error);
    return status;
}

void cs_prune_forget(clstep_optimizer *opt)
{
    if (opt->prune == NULL)
        return;
    cs_kernel_forget(&opt->prune->begin);
    cs_kernel_forget(&opt->prune->count);
    cs_kernel_forget(&opt->prune->choose);
}
