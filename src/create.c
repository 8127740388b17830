/*
 * create.c - an optimizer's beginning and its end
 * SPDX-License-Identifier: MIT
 */
#include "optimizer.h"
#include "error.h"
#include "factors.h"
#include "kernels.h"
#include "lbfgs.h"
#include "plan.h"
#include "prune.h"
#include "sizes.h"
#include "sums.h"

#include <stdlib.h>
#include <string.h>

/* A row of max_norm adds 256 times 256 chunks of 4096 at most. */
static const uint64_t longest_row = (uint64_t)1 << 28;

/* Those that are warmed up: the step's, that of what follows it, and prune's.
 */
enum { PROGRAMS = 3 };

/* --- kernels -------------------------------------------------------------- */

/* Creates the kernel called 'name' of 'entry'. */
static clstep_status
create_kernel(clstep_optimizer *opt, const struct cs_program *entry,
              const char *name, struct cs_kernel *kernel, clstep_error *error)
{
    return cs_kernel_create(opt->device, entry->program, name, kernel,
                            &opt->local, error);
}

/*
 * The program of the 'count' first of 'texts' and of 'last', which with a table
 * is there once more: behind TAIL, as the kernel of what is left behind whole
 * blocks.
 */
static clstep_status
create_program(clstep_optimizer *opt, const char *texts[CS_MAX_TEXTS],
               size_t count, const char *last, struct cs_program **entry,
               clstep_error *error)
{
    static const char tail[] = "#define TAIL\n";
    const bool rows = opt->table != NULL;
    struct cs_text declarations = {0};
    clstep_status status;

    texts[count] = last;
    texts[count + 1] = rows ? tail : NULL;
    texts[count + 2] = rows ? last : NULL;
    cs_plan_write(opt->settings, rows, &declarations);
    status = declarations.failed
                 ? cs_fail(error, CLSTEP_OUT_OF_MEMORY,
                           "no memory for the text of a kernel")
                 : cs_device_program(opt->device, declarations.data, texts,
                                     entry, error);
    cs_text_release(&declarations);
    return status;
}

/* The kernels of the step. */
static clstep_status create_step(clstep_optimizer *opt,
                                 struct cs_program **entry, clstep_error *error)
{
    const char *texts[CS_MAX_TEXTS] = {NULL};
    size_t count = cs_plan_texts(opt->settings, texts);
    clstep_status status;

    texts[count++] = cs_kernel_text("update");
    status =
        create_program(opt, texts, count, cs_kernel_text("step"), entry, error);
    opt->local = CS_WORK_GROUP;
    if (status == CLSTEP_OK)
        status = create_kernel(opt, *entry, "clstep_step", &opt->kernel, error);
    if (status == CLSTEP_OK && opt->table != NULL)
        status =
            create_kernel(opt, *entry, "clstep_step_tail", &opt->tail, error);
    return status;
}

/* What runs after the step with max_norm or prune. */
static clstep_status create_rest(clstep_optimizer *opt,
                                 struct cs_program **entry, clstep_error *error)
{
    const bool rows = opt->matrices != NULL;
    const bool prunes = cs_settings_has_feature(opt->settings, CS_PRUNE);
    const bool finish =
        prunes ||
        (rows && (cs_settings_has_average(opt->settings) ||
                  cs_settings_feature(opt->settings, CS_COPY_TYPE) != 0.0));
    const char *texts[CS_MAX_TEXTS] = {rows ? cs_kernel_text("rows") : NULL};
    clstep_status status = CLSTEP_OK;

    if (rows || finish)
        status = create_program(opt, texts, rows,
                                finish ? cs_kernel_text("finish") : NULL, entry,
                                error);
    if (status == CLSTEP_OK && rows)
        status = create_kernel(opt, *entry, "clstep_rows", &opt->rows, error);
    if (status == CLSTEP_OK && opt->rows_of_all.longs != 0)
        status = create_kernel(opt, *entry, "clstep_rows_fold", &opt->rows_fold,
                               error);
    if (status == CLSTEP_OK && opt->rows_of_all.longs != 0)
        status = create_kernel(opt, *entry, "clstep_rows_limit",
                               &opt->rows_limit, error);
    if (status == CLSTEP_OK && finish)
        status =
            create_kernel(opt, *entry, "clstep_finish", &opt->finish, error);
    if (status == CLSTEP_OK && finish && opt->table != NULL)
        status = create_kernel(opt, *entry, "clstep_finish_tail",
                               &opt->finish_tail, error);
    return status == CLSTEP_OK && prunes ? cs_prune_create(opt, error) : status;
}

/* The program of 'text' alone. */
static clstep_status
create_small(clstep_optimizer *opt, const char *declarations, const char *text,
             const char *name, struct cs_kernel *kernel, clstep_error *error)
{
    const char *const texts[CS_MAX_TEXTS] = {cs_kernel_text(text)};
    struct cs_program *entry;
    clstep_status status =
        cs_device_program(opt->device, declarations, texts, &entry, error);

    if (status == CLSTEP_OK)
        status = create_kernel(opt, entry, name, kernel, error);
    return status;
}

/* Creates all kernels; 'entries' are the programs that are to be warmed up, or
 * NULL. */
static clstep_status
create_kernels(clstep_optimizer *opt, struct cs_program *entries[PROGRAMS],
               clstep_error *error)
{
    clstep_status status = create_step(opt, &entries[0], error);

    if (status == CLSTEP_OK)
        status = create_rest(opt, &entries[1], error);
    if (status == CLSTEP_OK && opt->prune != NULL)
        entries[2] = opt->prune->entry;
    if (status == CLSTEP_OK)
        status =
            create_small(opt, "", "fill", "clstep_fill", &opt->fill, error);
    if (status == CLSTEP_OK && cs_settings_has_average(opt->settings))
        status = create_small(opt, opt->table != NULL ? "#define ROWS\n" : "",
                              "swap", "clstep_swap", &opt->swap, error);
    if (status == CLSTEP_OK && opt->settings->rule->evaluated != NULL)
        status =
            create_small(opt, opt->table != NULL ? "#define ROWS\n" : "",
                         "evaluate", "clstep_evaluate", &opt->evaluate, error);
    return status;
}

/* --- tables --------------------------------------------------------------- */

/* The group, or the tensor, of each block of 256 elements. */
static clstep_status create_blocks(clstep_optimizer *opt, bool tensors,
                                   cl_mem *buffer, clstep_error *error)
{
    /* Warming up looks at as many blocks as 65,536 elements have. */
    const uint64_t least = CS_WARM_LARGE / CLSTEP_ALIGNMENT;
    const uint64_t needed =
        opt->count / CLSTEP_ALIGNMENT + (opt->count % CLSTEP_ALIGNMENT != 0);
    const uint64_t count = needed < least ? least : needed;
    cl_uint *words = calloc((size_t)count, sizeof(*words));
    clstep_status status;

    if (words == NULL)
        return cs_fail(error, CLSTEP_OUT_OF_MEMORY,
                       "no memory for the blocks of %llu elements",
                       (unsigned long long)opt->count);
    for (size_t t = 0; t < opt->tensor_count; t++) {
        const struct cs_tensor *tensor = &opt->tensors[t];
        const uint64_t first = tensor->offset / CLSTEP_ALIGNMENT;

        for (uint64_t b = 0; b * CLSTEP_ALIGNMENT < tensor->count; b++)
            words[first + b] = (cl_uint)(tensors ? t : tensor->group);
    }
    status = cs_device_upload(opt->device, words, count, "the table of blocks",
                              buffer, error);
    free(words);
    return status;
}

/* The matrices, whose rows have a norm; as in kernels/rows.cl. */
static clstep_status create_matrices(clstep_optimizer *opt, clstep_error *error)
{
    struct matrix {
        cl_ulong first[3], begin, length, group;
    } *matrices = calloc(opt->tensor_count + 1, sizeof(*matrices));
    struct cs_rows *all = &opt->rows_of_all;
    clstep_status status = CLSTEP_OK;

    if (matrices == NULL)
        return cs_fail(error, CLSTEP_OUT_OF_MEMORY, "no memory for matrices");
    for (size_t t = 0; t < opt->tensor_count && status == CLSTEP_OK; t++) {
        const struct cs_tensor *tensor = &opt->tensors[t];

        if (tensor->rows == 0)
            continue;

        const uint64_t length = tensor->count / tensor->rows;

        if (length > longest_row)
            status = cs_fail(error, CLSTEP_OUT_OF_RANGE,
                             "max_norm takes rows of at most 2^28 elements; "
                             "those of tensor %zu have %llu",
                             t, (unsigned long long)length);
        matrices[opt->matrix_count++] =
            (struct matrix){{all->items, all->sums, all->longs},
                            tensor->offset,
                            length,
                            tensor->group};

        const struct cs_rows rows = cs_rows_of(tensor);

        all->items += rows.items;
        all->sums += rows.sums;
        all->longs += rows.longs;
    }
    if (status == CLSTEP_OK)
        status =
            cs_device_upload(opt->device, matrices,
                             (opt->matrix_count + 1) * (sizeof(*matrices) / 4),
                             "the table of matrices", &opt->matrices, error);
    if (status == CLSTEP_OK)
        status = cs_device_buffer(opt->device, all->sums + 1, "sums of rows",
                                  &opt->row_sums, error);
    free(matrices);
    return status;
}

/* --- slots ---------------------------------------------------------------- */

static clstep_status
allocate_slot(clstep_optimizer *opt, const struct cs_slot *slot,
              clstep_error *error)
{
    const size_t index = opt->slot_count;

    opt->slot_rows[index] = slot;

    const clstep_status status =
        cs_device_buffer(opt->device, cs_slot_count(opt, index), slot->name,
                         &opt->slots[index], error);

    if (status == CLSTEP_OK)
        opt->slot_count++;
    return status;
}

static clstep_status allocate_slots(clstep_optimizer *opt, clstep_error *error)
{
    clstep_status status = CLSTEP_OK;

    for (const struct cs_slot *slot = opt->settings->rule->slots;
         slot->name != NULL && status == CLSTEP_OK; slot++)
        if (cs_settings_has_slot(opt->settings, slot))
            status = allocate_slot(opt, slot, error);
    if (status == CLSTEP_OK && cs_settings_has_feature(opt->settings, CS_PRUNE))
        status = allocate_slot(opt, &cs_pruned_slot, error);
    if (status == CLSTEP_OK && cs_settings_has_average(opt->settings))
        status = allocate_slot(opt, &cs_average_slot, error);
    return status;
}

size_t cs_feature_slots(const clstep_optimizer *opt)
{
    return (size_t)cs_settings_has_feature(opt->settings, CS_PRUNE) +
           cs_settings_has_average(opt->settings);
}

const cl_mem *cs_pruned_slot_of(const clstep_optimizer *opt)
{
    return &opt->slots[opt->slot_count - cs_feature_slots(opt)];
}

clstep_status
cs_fill(clstep_optimizer *opt, struct cs_call *call, cl_mem buffer,
        uint64_t first, uint64_t count, float value, clstep_error *error)
{
    const cl_ulong items = count, begin = first;
    struct cs_arguments arguments = {&opt->fill, 0, CL_SUCCESS};
    size_t global = 0;

    cs_push(&arguments, sizeof(items), &items);
    cs_push(&arguments, sizeof(cl_mem), &buffer);
    cs_push(&arguments, sizeof(begin), &begin);
    cs_push(&arguments, sizeof(value), &value);
    if (arguments.code != CL_SUCCESS)
        return cs_fail_cl(error, arguments.code, "clSetKernelArg");
    cs_size_global(count, opt->local, opt->device->address_bits, &global);
    return cs_call_launch(call, &opt->fill, global, opt->local, error);
}

/* Enqueues a slot's initial value, the setting at 'index', where a group's is
 * not that of the first. */
static clstep_status fill_groups(clstep_optimizer *opt, struct cs_call *call,
                                 cl_mem slot, int index, clstep_error *error)
{
    const float usual = (float)opt->settings->value[index];
    clstep_status status = CLSTEP_OK;

    for (size_t t = 0; t < opt->tensor_count && status == CLSTEP_OK; t++) {
        const struct cs_tensor *tensor = &opt->tensors[t];
        const float value =
            (float)opt->groups[tensor->group].settings.value[index];

        if (value != usual && tensor->count != 0)
            status = cs_fill(opt, call, slot, tensor->offset, tensor->count,
                             value, error);
    }
    return status;
}

clstep_status
cs_fill_slots(clstep_optimizer *opt, struct cs_call *call, clstep_error *error)
{
    clstep_status status = CLSTEP_OK;

    for (size_t i = 0; i < opt->slot_count && status == CLSTEP_OK; i++) {
        const char *initial = opt->slot_rows[i]->initial;
        const int index = initial != NULL
                              ? cs_settings_find(opt->settings->rule, initial)
                              : -1;

        status = cs_fill(opt, call, opt->slots[i], 0, cs_slot_count(opt, i),
                         index >= 0 ? (float)opt->settings->value[index] : 0.0f,
                         error);
        if (status == CLSTEP_OK && index >= 0)
            status = fill_groups(opt, call, opt->slots[i], index, error);
    }
    return status;
}

/* Sets all state to its initial values, and waits for it. */
static clstep_status fill_all(clstep_optimizer *opt, clstep_error *error)
{
    struct cs_call call = {.queue = opt->device->queue};
    clstep_status status = cs_fill_slots(opt, &call, error);

    if (status == CLSTEP_OK)
        status = cs_factors_fill(opt, &call, error);
    if (status == CLSTEP_OK && opt->table != NULL && opt->table->sums != NULL)
        status = cs_sums_reset(opt->table->sums, opt->table, &call, error);

    const cl_int code = clFinish(call.queue);

    if (status == CLSTEP_OK && code != CL_SUCCESS)
        status = cs_fail_cl(error, code, "clFinish");
    cs_call_end(&call);
    return status;
}

/* --- create --------------------------------------------------------------- */

/* Takes over what is needed of the layout. */
static clstep_status
copy_layout(clstep_optimizer *opt, const clstep_layout *layout,
            const struct cs_settings *settings, clstep_error *error)
{
    clstep_tensor tensor;

    opt->count = clstep_layout_count(layout);
    opt->tensor_count = clstep_layout_tensors(layout);
    opt->group_count = clstep_layout_groups(layout);
    opt->tensors = calloc(opt->tensor_count, sizeof(*opt->tensors));
    opt->groups = calloc(opt->group_count, sizeof(*opt->groups));
    if (opt->tensors == NULL || opt->groups == NULL)
        return cs_fail(error, CLSTEP_OUT_OF_MEMORY,
                       "no memory for %zu tensors in %zu groups",
                       opt->tensor_count, opt->group_count);
    for (size_t g = 0; g < opt->group_count; g++)
        opt->groups[g].settings = *settings;
    opt->settings = &opt->groups[0].settings;
    for (size_t t = 0; clstep_layout_tensor(layout, t, &tensor); t++)
        opt->tensors[t] = (struct cs_tensor){
            tensor.offset, tensor.packed, tensor.count,
            tensor.rank >= 2 && tensor.count != 0 ? tensor.shape[0] : 0,
            tensor.group};
    return CLSTEP_OK;
}

/* What stands in the device's memory beside the slots. */
static clstep_status create_tables(clstep_optimizer *opt, clstep_error *error)
{
    float hyper[CS_MAX_FLOATS];
    struct cs_memo memo = {0};
    const bool sums = cs_sums_needed(opt->settings);
    const bool pass = cs_settings_pass(opt->settings) != NULL;
    clstep_status status = CLSTEP_OK;

    opt->floats = cs_plan_pack(opt->settings, 1, &memo, hyper);
    if (opt->group_count > 1 || sums || pass) {
        status = cs_table_create(&opt, 1, &opt->own_table, error);
        opt->table = opt->own_table;
        if (status == CLSTEP_OK)
            status = create_blocks(opt, false, &opt->block_groups, error);
    }
    if (status == CLSTEP_OK &&
        (pass || cs_settings_has_feature(opt->settings, CS_CLIP_NORM_TENSOR) ||
         cs_settings_has_feature(opt->settings, CS_PRUNE)))
        status = create_blocks(opt, true, &opt->block_tensors, error);
    if (status == CLSTEP_OK &&
        cs_settings_has_feature(opt->settings, CS_MAX_NORM))
        status = create_matrices(opt, error);
    if (status == CLSTEP_OK && pass)
        status = cs_factors_create(opt, error);
    return status;
}

/*
 * Launches what was never launched before with as many work-items as this
 * optimizer's: drivers compile at a first launch.  'entries' are the programs
 * of its kernels.
 */
static clstep_status
warm_up(clstep_optimizer *opt, struct cs_program *const entries[PROGRAMS],
        clstep_error *error)
{
    const size_t wanted =
        opt->global < CS_WARM_LARGE ? CS_WORK_GROUP : CS_WARM_LARGE;
    clstep_status status = CLSTEP_OK;
    size_t warm = wanted;

    for (size_t i = 0; i < PROGRAMS; i++)
        if (entries[i] != NULL && atomic_load(&entries[i]->warm) < warm)
            warm = atomic_load(&entries[i]->warm);
    if (warm < wanted)
        status = cs_launch_warm(opt, warm, wanted, error);
    if (status == CLSTEP_OK && opt->table != NULL && opt->table->sums != NULL)
        status = cs_sums_warm(opt->table->sums, opt->table, error);
    if (status == CLSTEP_OK && opt->factors != NULL)
        status = cs_factors_warm(opt, error);
    for (size_t i = 0; i < PROGRAMS && status == CLSTEP_OK; i++)
        if (entries[i] != NULL && atomic_load(&entries[i]->warm) < wanted)
            atomic_store(&entries[i]->warm, wanted);
    return status;
}

/* Does all that create has to do with the device. */
static clstep_status open_optimizer(clstep_optimizer *opt, clstep_error *error)
{
    struct cs_program *entries[PROGRAMS] = {NULL};
    clstep_status status = create_tables(opt, error);

    if (status == CLSTEP_OK)
        status = create_kernels(opt, entries, error);
    if (status != CLSTEP_OK)
        return status;
    if (!cs_size_global(opt->count, opt->local, opt->device->address_bits,
                        &opt->global))
        return cs_fail(
            error, CLSTEP_OUT_OF_RANGE,
            "%llu elements are more than the device, whose addresses "
            "have %u bits, can number",
            (unsigned long long)opt->count, opt->device->address_bits);

    status = allocate_slots(opt, error);
    if (status == CLSTEP_OK)
        status = warm_up(opt, entries, error);
    if (status == CLSTEP_OK)
        status = fill_all(opt, error);
    return status;
}

clstep_status
clstep_optimizer_create(clstep_device *device, const char *rule,
                        const clstep_setting *settings,
                        const clstep_layout *layout, clstep_optimizer **out,
                        clstep_error *error)
{
    struct cs_settings resolved;

    if (out == NULL)
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT, "out is NULL");
    *out = NULL;
    if (device == NULL || rule == NULL || layout == NULL)
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT, "%s is NULL",
                       device == NULL ? "device"
                       : rule == NULL ? "rule"
                                      : "layout");

    const clstep_rule *row = clstep_rule_find(rule);

    if (row == NULL && strcmp(rule, cs_lbfgs_name) == 0)
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT,
                       "rule is '%s', which evaluates the loss itself and is "
                       "no optimizer's; clstep_lbfgs_create() makes it",
                       rule);
    if (row == NULL)
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT,
                       "no rule is called '%.64s'; clstep_rule_at() lists them",
                       rule);
    if (clstep_layout_count(layout) == 0)
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT,
                       "layout has no elements; an optimizer needs at least 1");

    clstep_status status = cs_settings_resolve(row, settings, &resolved, error);

    if (status != CLSTEP_OK)
        return status;

    clstep_optimizer *opt = calloc(1, sizeof(*opt));

    if (opt == NULL)
        return cs_fail(error, CLSTEP_OUT_OF_MEMORY,
                       "no memory for an optimizer");
    cs_device_retain(device);
    opt->device = device;

    status = copy_layout(opt, layout, &resolved, error);
    if (status == CLSTEP_OK)
        status = open_optimizer(opt, error);
    if (status != CLSTEP_OK) {
        clstep_optimizer_release(opt);
        return status;
    }
    *out = opt;
    return CLSTEP_OK;
}

void clstep_optimizer_release(clstep_optimizer *opt)
{
    if (opt == NULL)
        return;
    cs_order_forget(opt);
    cs_table_release(opt->own_table);
    cs_factors_release(opt->factors);
    cs_prune_release(opt->prune);
    for (size_t i = 0; i < CS_ALL_SLOTS; i++)
        if (opt->slots[i] != NULL)
            clReleaseMemObject(opt->slots[i]);

    const cl_mem buffers[] = {opt->block_groups, opt->block_tensors,
                              opt->matrices, opt->row_sums};
    struct cs_kernel *const kernels[] = {
        &opt->kernel,     &opt->tail,    &opt->rows,        &opt->rows_fold,
        &opt->rows_limit, &opt->finish,  &opt->finish_tail, &opt->fill,
        &opt->swap,       &opt->evaluate};

    for (size_t i = 0; i < sizeof(buffers) / sizeof(*buffers); i++)
        if (buffers[i] != NULL)
            clReleaseMemObject(buffers[i]);
    for (size_t i = 0; i < sizeof(kernels) / sizeof(*kernels); i++)
        cs_kernel_release(kernels[i]);
    clstep_device_release(opt->device);
    free(opt->tensors);
    free(opt->groups);
    free(opt);
}
