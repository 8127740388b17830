/*
 * limit.c - see limit.h
 * SPDX-License-Identifier: MIT
 */
#include "limit.h"

#include "limit_kernel.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { LOCAL_SIZE = 256 };

/* --- the program ---------------------------------------------------------- */

/* The text of the definitions; it is cut, and so refused, never overrun. */
struct text {
    char data[96 * BENCH_MAX_ARRAYS];
    size_t length;
};

static void write_text(struct text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void write_text(struct text *text, const char *format, ...)
{
    const size_t room = sizeof(text->data) - text->length;
    va_list arguments;

    va_start(arguments, format);
    const int added =
        vsnprintf(text->data + text->length, room, format, arguments);
    va_end(arguments);
    if (added > 0)
        text->length += (size_t)added < room ? (size_t)added : room - 1;
}

/* What limit.cl expects to be defined. */
static void write_definitions(struct text *text, struct bench_traffic traffic)
{
    write_text(text, "#define ARRAYS");
    for (size_t i = 0; i < traffic.moved; i++)
        write_text(text, " , global float *restrict a%zu", i);
    for (size_t i = 0; i < traffic.read; i++)
        write_text(text, " , const global float *restrict b%zu", i);

    write_text(text, "\n#define SUM_READ");
    for (size_t i = 0; i < traffic.read; i++)
        write_text(text, " + b%zu[i]", i);

    write_text(text, "\n#define ADD_EACH");
    for (size_t i = 0; i < traffic.moved; i++)
        write_text(text, " a%zu[i] += x;", i);
    write_text(text, "\n");
}

static cl_int build(struct bench_limit *limit, const struct cli_device *device,
                    struct bench_traffic traffic)
{
    struct text definitions = {.length = 0};
    const char *texts[] = {definitions.data, bench_kernel_text("limit")};
    cl_int cl;

    write_definitions(&definitions, traffic);
    limit->program = clCreateProgramWithSource(
        device->context, sizeof(texts) / sizeof(texts[0]), texts, NULL, &cl);
    if (cl != CL_SUCCESS)
        return cl;
    cl = clBuildProgram(limit->program, 1, &device->id, "-cl-std=CL1.2", NULL,
                        NULL);
    if (cl != CL_SUCCESS)
        return cl;
    limit->limit = clCreateKernel(limit->program, "clstep_limit", &cl);
    if (cl != CL_SUCCESS)
        return cl;
    limit->fill = clCreateKernel(limit->program, "clstep_fill", &cl);
    return cl;
}

/* --- launches ------------------------------------------------------------- */

/* The work-group size of the step, or what the device allows for 'kernel'. */
static cl_int
choose_local(cl_command_queue queue, cl_kernel kernel, size_t *local)
{
    cl_device_id id = NULL;
    size_t most = 0;
    cl_int cl =
        clGetCommandQueueInfo(queue, CL_QUEUE_DEVICE, sizeof(id), &id, NULL);

    if (cl == CL_SUCCESS)
        cl = clGetKernelWorkGroupInfo(kernel, id, CL_KERNEL_WORK_GROUP_SIZE,
                                      sizeof(most), &most, NULL);
    for (*local = LOCAL_SIZE; *local > most && *local > 1;)
        *local /= 2;
    return cl;
}

static cl_int launch(cl_command_queue queue, cl_kernel kernel, uint64_t count)
{
    size_t local;
    const cl_int cl = choose_local(queue, kernel, &local);

    if (cl != CL_SUCCESS)
        return cl;

    const size_t groups = (size_t)((count + local - 1) / local);
    const size_t global = groups * local;

    return clEnqueueNDRangeKernel(queue, kernel, 1, NULL, &global, &local, 0,
                                  NULL, NULL);
}

cl_int bench_limit_run(const struct bench_limit *limit, cl_command_queue queue)
{
    return launch(queue, limit->limit, limit->count);
}

cl_int bench_limit_fill(const struct bench_limit *limit, cl_command_queue queue,
                        cl_mem buffer, float scale)
{
    const cl_ulong n = limit->count;
    cl_int cl = clSetKernelArg(limit->fill, 0, sizeof(n), &n);

    if (cl == CL_SUCCESS)
        cl = clSetKernelArg(limit->fill, 1, sizeof(scale), &scale);
    if (cl == CL_SUCCESS)
        cl = clSetKernelArg(limit->fill, 2, sizeof(buffer), &buffer);
    if (cl == CL_SUCCESS)
        cl = launch(queue, limit->fill, limit->count);
    return cl == CL_SUCCESS ? clFinish(queue) : cl;
}

/* --- life ----------------------------------------------------------------- */

cl_mem bench_limit_buffer(const struct bench_limit *limit,
                          const struct cli_device *device, float scale)
{
    const size_t bytes = (size_t)limit->count * sizeof(float);
    cl_int cl;
    cl_mem buffer =
        clCreateBuffer(device->context, CL_MEM_READ_WRITE, bytes, NULL, &cl);

    if (cl == CL_SUCCESS)
        cl = bench_limit_fill(limit, device->queue, buffer, scale);
    if (cl == CL_SUCCESS)
        return buffer;

    if (buffer != NULL)
        clReleaseMemObject(buffer);
    cli_fail("%s cannot hold one more buffer of %zu bytes (OpenCL says %d)",
             device->name, bytes, (int)cl);
    return NULL;
}

static cl_int set_arguments(struct bench_limit *limit)
{
    const cl_ulong n = limit->count;
    cl_int cl = clSetKernelArg(limit->limit, 0, sizeof(n), &n);

    for (size_t i = 0; i < limit->array_count && cl == CL_SUCCESS; i++)
        cl = clSetKernelArg(limit->limit, (cl_uint)(i + 1), sizeof(cl_mem),
                            &limit->arrays[i]);
    return cl;
}

int bench_limit_open(struct bench_limit *limit, const struct cli_device *device,
                     struct bench_traffic traffic, uint64_t count)
{
    const size_t arrays = traffic.moved + traffic.read;
    cl_int cl;

    *limit = (struct bench_limit){.count = count};
    if (arrays > BENCH_MAX_ARRAYS)
        return cli_fail("a step of %zu arrays is more than bench can measure",
                        arrays);

    cl = build(limit, device, traffic);
    if (cl != CL_SUCCESS)
        return cli_fail("%s refused the limit kernel (OpenCL says %d)",
                        device->name, (int)cl);

    for (size_t i = 0; i < arrays; i++) {
        limit->arrays[i] = bench_limit_buffer(limit, device, 0.1f);
        if (limit->arrays[i] == NULL)
            return CLI_FAILED;
        limit->array_count++;
    }
    cl = set_arguments(limit);
    if (cl != CL_SUCCESS)
        return cli_fail("clSetKernelArg of the limit kernel failed with %d",
                        (int)cl);
    return CLI_OK;
}

void bench_limit_close(struct bench_limit *limit)
{
    for (size_t i = 0; i < limit->array_count; i++)
        clReleaseMemObject(limit->arrays[i]);
    if (limit->fill != NULL)
        clReleaseKernel(limit->fill);
    if (limit->limit != NULL)
        clReleaseKernel(limit->limit);
    if (limit->program != NULL)
        clReleaseProgram(limit->program);
    *limit = (struct bench_limit){0};
}
