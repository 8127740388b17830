/*
 * initialize.c - the beginning of parameters
 * SPDX-License-Identifier: MIT
 */
#include "initializer.h"
#include "error.h"
#include "kernels.h"
#include "optimizer.h"
#include "sizes.h"

/* What a call is about. */
struct task {
    clstep_device *device;
    const clstep_initializer *initializer;
    double value[CS_INITIALIZER_OWN];
    uint64_t seed;
    cl_mem parameters;
    uint64_t offset; /* of the layout in it */
    struct cs_kernel kernel;
    size_t local;
};

/* The kernel is the call's own: the arguments of one cannot be set by two
 * threads at once. */
static clstep_status create_kernel(struct task *task, clstep_error *error)
{
    static const char *const declarations[] = {
        [CS_CONSTANT] = "#define CONSTANT\n",
        [CS_UNIFORM] = "#define UNIFORM\n",
        [CS_NORMAL] = "#define NORMAL\n",
    };
    const char *const texts[CS_MAX_TEXTS] = {cs_kernel_text("initialize")};
    struct cs_program *entry;
    const clstep_status status = cs_device_program(
        task->device, declarations[task->initializer->distribution], texts,
        &entry, error);

    task->local = CS_WORK_GROUP;
    return status == CLSTEP_OK
               ? cs_kernel_create(task->device, entry->program,
                                  "clstep_initialize", &task->kernel,
                                  &task->local, error)
               : status;
}

/* The fans of a tensor: of a matrix, the columns go in and the rows out; what
 * is behind them, as in a convolution, counts for both. */
static struct cs_fans fans_of(const clstep_tensor *tensor)
{
    const size_t rank = tensor->rank;
    const double out = rank >= 1 ? (double)tensor->shape[0] : 1.0;
    const double in = rank >= 2 ? (double)tensor->shape[1] : out;
    double field = 1.0;

    for (size_t i = 2; i < rank; i++)
        field *= (double)tensor->shape[i];
    return (struct cs_fans){.in = in * field, .out = out * field};
}

/* As in kernels/initialize.cl, of random bits. */
static uint32_t mixed(uint32_t h)
{
    h = h ^ h >> 16;
    h = h * 0x7feb352du;
    h = h ^ h >> 15;
    h = h * 0x846ca68bu;
    return h ^ h >> 16;
}

/* What the seed makes of 'constant'; in an initialisation the step is 0. */
static cl_uint key_of(uint64_t seed, uint32_t constant)
{
    const uint32_t step = 0;
    uint32_t h = mixed(constant ^ (uint32_t)seed);

    h = mixed(h ^ (uint32_t)(seed >> 32));
    return mixed(mixed(h ^ step) ^ step);
}

static clstep_status launch(struct task *task, const clstep_tensor *tensor,
                            struct cs_call *call, clstep_error *error)
{
    const struct cs_fans fans = fans_of(tensor);
    const cl_ulong count = tensor->count, index = tensor->offset;
    const cl_ulong begin = task->offset + tensor->offset;
    const cl_uint keys[] = {key_of(task->seed, 0x9e3779b9u),
                            key_of(task->seed, 0x7f4a7c15u)};
    struct cs_arguments arguments = {&task->kernel, 0, CL_SUCCESS};
    double number[2] = {0.0, 0.0};
    cl_float rounded[2];
    size_t global = 0;

    task->initializer->prepare(task->value, &fans, number);
    rounded[0] = (float)number[0];
    rounded[1] = (float)number[1];
    cs_push(&arguments, sizeof(count), &count);
    cs_push(&arguments, sizeof(cl_mem), &task->parameters);
    cs_push(&arguments, sizeof(begin), &begin);
    cs_push(&arguments, sizeof(index), &index);
    cs_push(&arguments, sizeof(*keys), &keys[0]);
    cs_push(&arguments, sizeof(*keys), &keys[1]);
    cs_push(&arguments, sizeof(*rounded), &rounded[0]);
    cs_push(&arguments, sizeof(*rounded), &rounded[1]);
    if (arguments.code != CL_SUCCESS)
        return cs_fail_cl(error, arguments.code, "clSetKernelArg");
    if (!cs_size_global(count, task->local, task->device->address_bits,
                        &global))
        return cs_fail(error, CLSTEP_OUT_OF_RANGE,
                       "tensor '%.64s' has %llu elements, more than the device "
                       "can number",
                       tensor->name, (unsigned long long)count);
    return cs_call_launch(call, &task->kernel, global, task->local, error);
}

/* Enqueues the tensors from 'first' to 'last'. */
static clstep_status
launch_all(struct task *task, const clstep_layout *layout, size_t first,
           size_t last, struct cs_call *call, clstep_error *error)
{
    clstep_tensor tensor;
    clstep_status status = CLSTEP_OK;

    for (size_t t = first; status == CLSTEP_OK && t <= last &&
                           clstep_layout_tensor(layout, t, &tensor);
         t++)
        if (tensor.count != 0)
            status = launch(task, &tensor, call, error);
    return status == CLSTEP_OK ? cs_call_mark(call, error) : status;
}

static clstep_status
check(const clstep_device *device, cl_command_queue queue,
      const clstep_layout *layout, size_t tensor, const char *name,
      cl_mem parameters, uint64_t offset, clstep_error *error)
{
    if (device == NULL || layout == NULL || name == NULL)
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT, "%s is NULL",
                       device == NULL   ? "device"
                       : layout == NULL ? "layout"
                                        : "name");
    if (tensor != CLSTEP_ALL_TENSORS && tensor >= clstep_layout_tensors(layout))
        return cs_fail(error, CLSTEP_OUT_OF_RANGE,
                       "tensor is %zu; the layout has %zu, from 0 on", tensor,
                       clstep_layout_tensors(layout));

    const clstep_status status =
        cs_check_queue_of(device, "device", queue, error);

    return status == CLSTEP_OK
               ? cs_check_buffer(device->context, parameters, offset,
                                 clstep_layout_count(layout), sizeof(float),
                                 "parameters", CS_WRITE, error)
               : status;
}

clstep_status
clstep_initialize(clstep_device *device, cl_command_queue queue,
                  const clstep_layout *layout, size_t tensor, const char *name,
                  const clstep_setting *settings, uint64_t seed,
                  cl_mem parameters, uint64_t offset, cl_uint wait_count,
                  const cl_event *wait_list, cl_event *done,
                  clstep_error *error)
{
    const bool all = tensor == CLSTEP_ALL_TENSORS;
    struct task task = {.device = device,
                        .initializer = clstep_initializer_find(name),
                        .seed = seed,
                        .parameters = parameters,
                        .offset = offset};
    struct cs_call call;
    clstep_status status;

    if (done != NULL)
        *done = NULL;
    status =
        check(device, queue, layout, tensor, name, parameters, offset, error);
    if (status == CLSTEP_OK && task.initializer == NULL)
        status = cs_fail(error, CLSTEP_INVALID_ARGUMENT,
                         "no initializer is called '%.64s'; "
                         "clstep_initializer_at() lists them",
                         name);
    if (status == CLSTEP_OK)
        status = cs_initializer_resolve(task.initializer, settings, task.value,
                                        error);
    if (status == CLSTEP_OK)
        status = cs_call_open(device->context, queue, wait_count, wait_list,
                              &call, error);
    if (status != CLSTEP_OK)
        return status;

    status = create_kernel(&task, error);
    if (status == CLSTEP_OK)
        status = launch_all(&task, layout, all ? 0 : tensor,
                            all ? SIZE_MAX - 1 : tensor, &call, error);
    if (status == CLSTEP_OK && done != NULL) {
        *done = call.last;
        call.last = NULL;
    }
    cs_call_end(&call);
    cs_kernel_release(&task.kernel);
    return status;
}
