/*
 * engine.c - see engine.h
 * SPDX-License-Identifier: MIT
 */
#include "engine.h"

#include <stdlib.h>
#include <string.h>

/* The size of a flat array in bytes; it was allocated, so this fits. */
static size_t bytes_of(const struct cli_engine *engine)
{
    return sizeof(float) * (size_t)engine->count;
}

/* --- opening -------------------------------------------------------------- */

static int allocate_offsets(struct cli_engine *engine)
{
    engine->offsets = calloc(engine->tensor_count + 1, sizeof(uint64_t));
    return engine->offsets != NULL
               ? -1
               : cli_fail("no memory for %zu tensors", engine->tensor_count);
}

static int allocate_arrays(struct cli_engine *engine)
{
    if (engine->count < SIZE_MAX / sizeof(float)) {
        engine->parameters = calloc((size_t)engine->count + 1, sizeof(float));
        engine->gradients = calloc((size_t)engine->count + 1, sizeof(float));
    }
    if (engine->parameters == NULL || engine->gradients == NULL)
        return cli_fail("no memory for two arrays of %llu floats",
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

static int create_reference(struct cli_engine *engine, const char *rule,
                            const clstep_setting *settings)
{
    struct reference_setting *list = translate(settings);
    const size_t count = engine->count > 0 ? (size_t)engine->count : 1;

    if (list != NULL)
        engine->reference = reference_create(rule, list, count);
    free(list);
    return engine->reference != NULL
               ? -1
               : cli_fail("the reference cannot be made for %s: no memory, or"
                          " no such rule",
                          rule);
}

int cli_engine_open_reference(struct cli_engine *engine, const char *rule,
                              const clstep_setting *settings,
                              const struct safetensors_tensor *tensors,
                              size_t count)
{
    *engine = (struct cli_engine){.tensors = tensors, .tensor_count = count};
    int code = allocate_offsets(engine);

    for (size_t i = 0; i < count && code < 0; i++) {
        engine->offsets[i] = engine->count;
        engine->count += tensors[i].count;
    }
    if (code < 0)
        code = allocate_arrays(engine);
    if (code < 0)
        code = create_reference(engine, rule, settings);
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

static int create_buffers(struct cli_engine *engine)
{
    cl_mem *const buffers[] = {&engine->buffers.parameters,
                               &engine->buffers.gradients};
    cl_int cl;

    for (size_t i = 0; i < 2; i++) {
        *buffers[i] = clCreateBuffer(engine->device.context, CL_MEM_READ_WRITE,
                                     bytes_of(engine), NULL, &cl);
        if (cl != CL_SUCCESS)
            return cli_fail("%s: clCreateBuffer of %zu bytes failed with %d",
                            engine->device.name, bytes_of(engine), (int)cl);
    }
    return -1;
}

static int create_optimizer(struct cli_engine *engine, const char *rule,
                            const clstep_setting *settings)
{
    clstep_error error;

    cli_progress("building the kernel");
    if (clstep_optimizer_create(engine->device.device, rule, settings,
                                engine->layout, &engine->optimizer,
                                &error) != CLSTEP_OK)
        return cli_fail("%s: %s", engine->device.name, error.message);
    cli_progress_end();
    return -1;
}

int cli_engine_open_device(struct cli_engine *engine, const char *selector,
                           const char *rule, const clstep_setting *settings,
                           const struct safetensors_tensor *tensors,
                           size_t count)
{
    *engine = (struct cli_engine){.tensors = tensors, .tensor_count = count};
    int code = allocate_offsets(engine);

    if (code < 0)
        code = create_layout(engine);
    if (code < 0)
        code = allocate_arrays(engine);
    if (code < 0)
        code = cli_device_open(selector, &engine->device);
    if (code < 0)
        code = create_buffers(engine);
    if (code < 0)
        code = create_optimizer(engine, rule, settings);
    if (code >= 0)
        cli_engine_close(engine);
    return code;
}

void cli_engine_close(struct cli_engine *engine)
{
    clstep_optimizer_release(engine->optimizer);
    if (engine->buffers.parameters != NULL)
        clReleaseMemObject(engine->buffers.parameters);
    if (engine->buffers.gradients != NULL)
        clReleaseMemObject(engine->buffers.gradients);
    clstep_layout_release(engine->layout);
    cli_device_close(&engine->device);
    reference_release(engine->reference);
    free(engine->parameters);
    free(engine->gradients);
    free(engine->offsets);
    *engine = (struct cli_engine){0};
}

/* --- steps ---------------------------------------------------------------- */

static int upload(struct cli_engine *engine, cl_mem buffer, const float *array)
{
    const cl_int cl =
        clEnqueueWriteBuffer(engine->device.queue, buffer, CL_TRUE, 0,
                             bytes_of(engine), array, 0, NULL, NULL);

    return cl == CL_SUCCESS ? -1
                            : cli_fail("%s: clEnqueueWriteBuffer failed with"
                                       " %d",
                                       engine->device.name, (int)cl);
}

int cli_engine_start(struct cli_engine *engine)
{
    if (engine->reference != NULL)
        return -1;
    return upload(engine, engine->buffers.parameters, engine->parameters);
}

int cli_engine_step(struct cli_engine *engine)
{
    clstep_error error;

    if (engine->reference != NULL) {
        reference_step(engine->reference, engine->parameters, engine->gradients,
                       NULL);
        return -1;
    }

    const int code =
        upload(engine, engine->buffers.gradients, engine->gradients);

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
    if (engine->reference != NULL)
        return -1;

    const cl_int cl = clEnqueueReadBuffer(
        engine->device.queue, engine->buffers.parameters, CL_TRUE, 0,
        bytes_of(engine), engine->parameters, 0, NULL, NULL);

    return cl == CL_SUCCESS ? -1
                            : cli_fail("%s: clEnqueueReadBuffer failed with %d",
                                       engine->device.name, (int)cl);
}

/* --- state ---------------------------------------------------------------- */

const char *cli_engine_slot(const struct cli_engine *engine, size_t index)
{
    return engine->reference != NULL
               ? reference_slot_name(engine->reference, index)
               : clstep_optimizer_slot(engine->optimizer, index);
}

int cli_engine_read(struct cli_engine *engine, const char *slot, size_t tensor,
                    float *data)
{
    const uint64_t offset = engine->offsets[tensor];
    const uint64_t count = engine->tensors[tensor].count;
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
    const uint64_t offset = engine->offsets[tensor];
    const uint64_t count = engine->tensors[tensor].count;
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
