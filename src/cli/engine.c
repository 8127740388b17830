/*
 * engine.c - see engine.h
 * SPDX-License-Identifier: MIT
 */
#include "engine.h"

#include <stdlib.h>
#include <string.h>

enum safetensors_dtype
cli_engine_dtype(const clstep_setting *settings, const char *name)
{
    for (; settings->name != NULL; settings++)
        if (strcmp(settings->name, name) == 0)
            return strcmp(settings->choice, "f16") == 0    ? SAFETENSORS_F16
                   : strcmp(settings->choice, "bf16") == 0 ? SAFETENSORS_BF16
                                                           : SAFETENSORS_F32;
    return SAFETENSORS_F32;
}

/* The size of a flat array in bytes; it was allocated, so this fits. */
static size_t
bytes_of(const struct cli_engine *engine, enum safetensors_dtype dtype)
{
    return safetensors_dtype_size(dtype) * (size_t)engine->count;
}

/* --- opening -------------------------------------------------------------- */

static int begin(struct cli_engine *engine, const struct cli_engine_task *task)
{
    *engine = (struct cli_engine){
        .rule = clstep_rule_find(task->rule),
        .tensors = task->tensors,
        .tensor_count = task->count,
        .gradient_type = cli_engine_dtype(task->settings, "grad_type"),
        .copy_type = cli_engine_dtype(task->settings, "copy_type"),
    };
    engine->offsets = calloc(engine->tensor_count + 1, sizeof(uint64_t));
    return engine->offsets != NULL
               ? -1
               : cli_fail("no memory for %zu tensors", engine->tensor_count);
}

static int allocate_arrays(struct cli_engine *engine)
{
    const bool copies = engine->copy_type != SAFETENSORS_F32;
    const size_t size = safetensors_dtype_size(engine->gradient_type);

    if (engine->count < SIZE_MAX / sizeof(float)) {
        engine->parameters = calloc((size_t)engine->count + 1, sizeof(float));
        engine->gradients = calloc((size_t)engine->count + 1, size);
        if (copies)
            engine->copies =
                calloc((size_t)engine->count + 1, sizeof(uint16_t));
    }
    if (engine->parameters == NULL || engine->gradients == NULL ||
        (copies && engine->copies == NULL))
        return cli_fail("no memory for arrays of %llu elements",
                        (unsigned long long)engine->count);
    return -1;
}

/* The settings in the reference's form; the names are not copied. */
static struct reference_setting *translate(const clstep_setting *settings)
{
    struct reference_setting *list;
    size_t count = 0;

    while (settings[count].name != NULL)
        count++;
    list = calloc(count + 1, sizeof(*list));
    for (size_t i = 0; list != NULL && i < count; i++)
        list[i] = (struct reference_setting){.name = settings[i].name,
                                             .number = settings[i].value,
                                             .choice = settings[i].choice};
    return list;
}

/* The tensors in the reference's form. */
static struct reference_tensor *
translate_tensors(const struct cli_engine *engine)
{
    struct reference_tensor *list =
        calloc(engine->tensor_count + 1, sizeof(*list));

    for (size_t i = 0; list != NULL && i < engine->tensor_count; i++) {
        const struct safetensors_tensor *t = &engine->tensors[i];

        list[i] = (struct reference_tensor){
            .offset = engine->offsets[i],
            .count = t->count,
            .rows = t->rank >= 2 && t->count > 0 ? t->shape[0] : 0};
    }
    return list;
}

static int
create_reference(struct cli_engine *engine, const struct cli_engine_task *task)
{
    struct reference_setting *settings = translate(task->settings);
    struct reference_tensor *tensors = translate_tensors(engine);

    if (settings != NULL && tensors != NULL)
        engine->reference = reference_create_layout(
            task->rule, settings, tensors, engine->tensor_count);
    free(settings);
    free(tensors);
    if (engine->reference == NULL)
        return cli_fail("the reference cannot be made for %s: no memory, or"
                        " no such rule",
                        task->rule);
    reference_set_device_scale(engine->reference, task->loss_scale);
    return -1;
}

int cli_engine_open_reference(struct cli_engine *engine,
                              const struct cli_engine_task *task)
{
    int code = begin(engine, task);

    for (size_t i = 0; i < task->count && code < 0; i++) {
        engine->offsets[i] = engine->count;
        engine->count += task->tensors[i].count;
    }
    if (code < 0)
        code = allocate_arrays(engine);
    if (code < 0)
        code = create_reference(engine, task);
    if (code >= 0)
        cli_engine_close(engine);
    return code;
}

/* The layout of the tensors, and with it the offsets and the count. */
static int create_layout(struct cli_engine *engine)
{
    clstep_error error;
    clstep_tensor tensor;

    if (clstep_layout_create(&engine->layout, &error) != CLSTEP_OK)
        return cli_fail("%s", error.message);
    for (size_t i = 0; i < engine->tensor_count; i++) {
        const struct safetensors_tensor *t = &engine->tensors[i];

        if (clstep_layout_add(engine->layout, t->name, t->rank, t->shape, 0,
                              &error) != CLSTEP_OK)
            return cli_fail("tensor '%.200s': %s", t->name, error.message);
        clstep_layout_tensor(engine->layout, i, &tensor);
        engine->offsets[i] = tensor.offset;
    }
    engine->count = clstep_layout_count(engine->layout);
    return -1;
}

static int
create_buffer(struct cli_engine *engine, size_t bytes, cl_mem *buffer)
{
    cl_int cl;

    *buffer = clCreateBuffer(engine->device.context, CL_MEM_READ_WRITE, bytes,
                             NULL, &cl);
    return cl == CL_SUCCESS
               ? -1
               : cli_fail("%s: clCreateBuffer of %zu bytes failed with %d",
                          engine->device.name, bytes, (int)cl);
}

static int upload(struct cli_engine *engine, cl_mem buffer, size_t bytes,
                  const void *array)
{
    const cl_int cl = clEnqueueWriteBuffer(
        engine->device.queue, buffer, CL_TRUE, 0, bytes, array, 0, NULL, NULL);

    return cl == CL_SUCCESS ? -1
                            : cli_fail("%s: clEnqueueWriteBuffer failed with"
                                       " %d",
                                       engine->device.name, (int)cl);
}

static int
download(struct cli_engine *engine, cl_mem buffer, size_t bytes, void *array)
{
    const cl_int cl = clEnqueueReadBuffer(engine->device.queue, buffer, CL_TRUE,
                                          0, bytes, array, 0, NULL, NULL);

    return cl == CL_SUCCESS ? -1
                            : cli_fail("%s: clEnqueueReadBuffer failed with %d",
                                       engine->device.name, (int)cl);
}

static int create_buffers(struct cli_engine *engine, float loss_scale)
{
    clstep_buffers *b = &engine->buffers;
    int code = create_buffer(engine, bytes_of(engine, SAFETENSORS_F32),
                             &b->parameters);

    if (code < 0)
        code = create_buffer(engine, bytes_of(engine, engine->gradient_type),
                             &b->gradients);
    if (code < 0 && engine->copies != NULL)
        code = create_buffer(engine, bytes_of(engine, engine->copy_type),
                             &b->copy);
    if (code < 0 && loss_scale > 0.0f) {
        code = create_buffer(engine, sizeof(loss_scale), &b->scale);
        if (code < 0)
            code = upload(engine, b->scale, sizeof(loss_scale), &loss_scale);
    }
    return code;
}

static int
create_optimizer(struct cli_engine *engine, const struct cli_engine_task *task)
{
    clstep_error error;

    cli_progress("building the kernel");
    if (clstep_optimizer_create(engine->device.device, task->rule,
                                task->settings, engine->layout,
                                &engine->optimizer, &error) != CLSTEP_OK)
        return cli_fail("%s: %s", engine->device.name, error.message);
    cli_progress_end();
    return -1;
}

int cli_engine_open_device(struct cli_engine *engine, const char *selector,
                           const struct cli_engine_task *task)
{
    int code = begin(engine, task);

    if (code < 0)
        code = create_layout(engine);
    if (code < 0)
        code = allocate_arrays(engine);
    if (code < 0)
        code = cli_device_open(selector, &engine->device);
    if (code < 0)
        code = create_buffers(engine, task->loss_scale);
    if (code < 0)
        code = create_optimizer(engine, task);
    if (code >= 0)
        cli_engine_close(engine);
    return code;
}

void cli_engine_close(struct cli_engine *engine)
{
    const cl_mem buffers[] = {engine->buffers.parameters,
                              engine->buffers.gradients, engine->buffers.copy,
                              engine->buffers.scale};

    clstep_optimizer_release(engine->optimizer);
    for (size_t i = 0; i < sizeof(buffers) / sizeof(buffers[0]); i++)
        if (buffers[i] != NULL)
            clReleaseMemObject(buffers[i]);
    clstep_layout_release(engine->layout);
    cli_device_close(&engine->device);
    reference_release(engine->reference);
    free(engine->parameters);
    free(engine->gradients);
    free(engine->copies);
    free(engine->offsets);
    *engine = (struct cli_engine){0};
}

/* --- steps ---------------------------------------------------------------- */

/* Where all steps are skipped, the copies are those of the first parameters. */
int cli_engine_start(struct cli_engine *engine)
{
    int code = -1;

    for (uint64_t i = 0; i < engine->count && engine->copies != NULL; i++)
        engine->copies[i] = engine->copy_type == SAFETENSORS_F16
                                ? reference_to_f16(engine->parameters[i])
                                : reference_to_bf16(engine->parameters[i]);
    if (engine->reference != NULL)
        return -1;
    if (engine->copies != NULL)
        code = upload(engine, engine->buffers.copy,
                      bytes_of(engine, engine->copy_type), engine->copies);
    return code < 0
               ? upload(engine, engine->buffers.parameters,
                        bytes_of(engine, SAFETENSORS_F32), engine->parameters)
               : code;
}

int cli_engine_step(struct cli_engine *engine)
{
    clstep_error error;

    if (engine->reference != NULL) {
        reference_step(engine->reference, engine->parameters, engine->gradients,
                       engine->copies);
        return -1;
    }

    const int code =
        upload(engine, engine->buffers.gradients,
               bytes_of(engine, engine->gradient_type), engine->gradients);

    if (code >= 0)
        return code;
    if (clstep_optimizer_step(engine->optimizer, engine->device.queue,
                              &engine->buffers, 0, NULL, NULL,
                              &error) != CLSTEP_OK)
        return cli_fail("%s: %s", engine->device.name, error.message);
    return -1;
}

int cli_engine_stop(struct cli_engine *engine)
{
    int code = -1;

    if (engine->reference != NULL)
        return -1;
    if (engine->copies != NULL)
        code = download(engine, engine->buffers.copy,
                        bytes_of(engine, engine->copy_type), engine->copies);
    return code < 0
               ? download(engine, engine->buffers.parameters,
                          bytes_of(engine, SAFETENSORS_F32), engine->parameters)
               : code;
}

static int
evaluate_on_device(struct cli_engine *engine, cl_mem output, float *x)
{
    clstep_error error;
    const clstep_status status = clstep_optimizer_evaluate(
        engine->optimizer, engine->device.queue, &engine->buffers, output, 0, 0,
        NULL, NULL, &error);

    if (status == CLSTEP_INVALID_ARGUMENT)
        return cli_misuse("%s", error.message);
    if (status != CLSTEP_OK)
        return cli_fail("%s: %s", engine->device.name, error.message);
    return download(engine, output, bytes_of(engine, SAFETENSORS_F32), x);
}

int cli_engine_evaluate(struct cli_engine *engine, float *x)
{
    cl_mem output;

    if (engine->reference != NULL)
        return reference_evaluate(engine->reference, engine->parameters, x)
                   ? -1
                   : cli_misuse("the rule is evaluated at its parameters; only"
                                " the schedule-free rules are not");

    int code =
        create_buffer(engine, bytes_of(engine, SAFETENSORS_F32), &output);

    if (code < 0) {
        code = evaluate_on_device(engine, output, x);
        clReleaseMemObject(output);
    }
    return code;
}

/* --- state ---------------------------------------------------------------- */

const char *cli_engine_slot(const struct cli_engine *engine, size_t index)
{
    return engine->reference != NULL
               ? reference_slot_name(engine->reference, index)
               : clstep_optimizer_slot(engine->optimizer, index);
}

static bool is_per_tensor(const struct cli_engine *engine, const char *name)
{
    clstep_slot_info slot;

    for (size_t i = 0; clstep_rule_slot(engine->rule, i, &slot); i++)
        if (strcmp(slot.name, name) == 0)
            return slot.per_tensor != 0;
    return false;
}

struct safetensors_tensor
cli_engine_slot_tensor(const struct cli_engine *engine, const char *slot,
                       size_t tensor)
{
    struct safetensors_tensor part = engine->tensors[tensor];

    if (is_per_tensor(engine, slot)) {
        part.rank = 0;
        part.count = 1;
    }
    return part;
}

/* Where that part begins. */
static uint64_t
offset_of(const struct cli_engine *engine, const char *slot, size_t tensor)
{
    return is_per_tensor(engine, slot) ? tensor : engine->offsets[tensor];
}

int cli_engine_read(struct cli_engine *engine, const char *slot, size_t tensor,
                    float *data)
{
    const uint64_t offset = offset_of(engine, slot, tensor);
    const uint64_t count = cli_engine_slot_tensor(engine, slot, tensor).count;
    clstep_error error;

    if (count == 0)
        return -1;
    if (engine->reference != NULL) {
        memcpy(data, reference_slot(engine->reference, slot) + offset,
               sizeof(float) * (size_t)count);
        return -1;
    }
    if (clstep_optimizer_read(engine->optimizer, engine->device.queue, slot,
                              offset, count, data, &error) != CLSTEP_OK)
        return cli_fail("%s: %s", engine->device.name, error.message);
    return -1;
}

int cli_engine_write(struct cli_engine *engine, const char *slot, size_t tensor,
                     const float *data)
{
    const uint64_t offset = offset_of(engine, slot, tensor);
    const uint64_t count = cli_engine_slot_tensor(engine, slot, tensor).count;
    clstep_error error;

    if (count == 0)
        return -1;
    if (engine->reference != NULL) {
        memcpy(reference_slot(engine->reference, slot) + offset, data,
               sizeof(float) * (size_t)count);
        return -1;
    }
    if (clstep_optimizer_write(engine->optimizer, engine->device.queue, slot,
                               offset, count, data, &error) != CLSTEP_OK)
        return cli_fail("%s: %s", engine->device.name, error.message);
    return -1;
}

uint64_t cli_engine_steps(const struct cli_engine *engine)
{
    return engine->reference != NULL
               ? reference_steps(engine->reference)
               : clstep_optimizer_steps(engine->optimizer);
}

int cli_engine_set_steps(struct cli_engine *engine, uint64_t steps)
{
    clstep_error error;

    if (engine->reference != NULL) {
        reference_set_steps(engine->reference, steps);
        return -1;
    }
    if (clstep_optimizer_set_steps(engine->optimizer, steps, &error) !=
        CLSTEP_OK)
        return cli_fail("%s", error.message);
    return -1;
}

int cli_engine_report(struct cli_engine *engine, clstep_report *report)
{
    struct reference_report from;
    clstep_error error;

    if (engine->reference != NULL) {
        reference_report(engine->reference, &from);
        *report = (clstep_report){.steps = from.steps,
                                  .skipped = from.skipped,
                                  .norm = from.norm,
                                  .scale = from.scale,
                                  .scale_steps = from.scale_steps};
        return -1;
    }
    if (clstep_optimizer_report(engine->optimizer, engine->device.queue, report,
                                NULL, &error) != CLSTEP_OK)
        return cli_fail("%s: %s", engine->device.name, error.message);

    /* Steps that were set are the device's at the next step only. */
    report->steps = clstep_optimizer_steps(engine->optimizer);
    return -1;
}

int cli_engine_resume(struct cli_engine *engine, const clstep_report *report)
{
    const struct reference_report to = {.skipped = report->skipped,
                                        .scale = report->scale,
                                        .scale_steps = report->scale_steps};
    clstep_error error;

    if (engine->reference != NULL) {
        reference_resume(engine->reference, &to);
        return -1;
    }
    if (clstep_optimizer_resume(engine->optimizer, engine->device.queue, report,
                                &error) != CLSTEP_OK)
        return cli_fail("%s: %s", engine->device.name, error.message);
    return -1;
}
