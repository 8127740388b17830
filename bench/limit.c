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

/* By bench_type: the name in OpenCL C, the number in limit.cl that is stored,
 * the bytes. */
static const struct {
    const char *name;
    char number;
    size_t size;
} types[] = {
    [BENCH_F32] = {"float", 'x', 4},
    [BENCH_F16] = {"ushort", 'y', 2},
    [BENCH_BF16] = {"ushort", 'y', 2},
};

size_t bench_type_size(enum bench_type type)
{
    return types[type].size;
}

void bench_traffic_add(struct bench_traffic *traffic, enum bench_type type,
                       enum bench_access access)
{
    if (traffic->count < BENCH_MAX_ARRAYS) {
        traffic->arrays[traffic->count].type = type;
        traffic->arrays[traffic->count].access = access;
    }
    traffic->count++;
}

uint64_t bench_traffic_bytes(const struct bench_traffic *traffic)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < traffic->count && i < BENCH_MAX_ARRAYS; i++)
        bytes += types[traffic->arrays[i].type].size *
                 (traffic->arrays[i].access == BENCH_BOTH ? 2 : 1);
    return bytes;
}

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

static bool writes(const struct bench_traffic *traffic)
{
    for (size_t i = 0; i < traffic->count; i++)
        if ((traffic->arrays[i].access & BENCH_WRITE) != 0)
            return true;
    return false;
}

/* What limit.cl expects to be defined. */
static void
write_definitions(struct text *text, const struct bench_traffic *traffic)
{
    const bool written = writes(traffic);

    write_text(text, "#define ARRAYS");
    for (size_t i = 0; i < traffic->count; i++)
        write_text(text, " , %sglobal %s *restrict a%zu",
                   written && traffic->arrays[i].access == BENCH_READ ? "const "
                                                                      : "",
                   types[traffic->arrays[i].type].name, i);

    write_text(text, "\n#define SUM_READ");
    for (size_t i = 0; i < traffic->count; i++)
        if (traffic->arrays[i].access == BENCH_READ)
            write_text(text, " + a%zu[i]", i);

    write_text(text, written
                         ? "\n#define WRITE_EACH"
                         : "\n#define KEEP(x, i) if (x > 1e30f) a0[i] = 0;");
    for (size_t i = 0; i < traffic->count; i++)
        if ((traffic->arrays[i].access & BENCH_WRITE) != 0)
            write_text(text, " a%zu[i] %s %c;", i,
                       traffic->arrays[i].access == BENCH_BOTH ? "+=" : "=",
                       types[traffic->arrays[i].type].number);
    write_text(text, "\n");
}

static cl_int create_kernels(struct bench_limit *limit)
{
    const struct {
        const char *name;
        cl_kernel *kernel;
    } kernels[] = {
        {"clstep_limit", &limit->limit},
        {"clstep_nothing", &limit->nothing},
        {"clstep_fill", &limit->fill[BENCH_F32]},
        {"clstep_fill_f16", &limit->fill[BENCH_F16]},
        {"clstep_fill_bf16", &limit->fill[BENCH_BF16]},
        {"clstep_slope", &limit->slope},
    };
    cl_int cl = CL_SUCCESS;

    for (size_t i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++)
        if (cl == CL_SUCCESS)
            *kernels[i].kernel =
                clCreateKernel(limit->program, kernels[i].name, &cl);
    return cl;
}

static cl_int build(struct bench_limit *limit, const struct cli_device *device,
                    const struct bench_traffic *traffic)
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
    return cl == CL_SUCCESS ? create_kernels(limit) : cl;
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

static cl_int
launch(cl_command_queue queue, cl_kernel kernel, uint64_t count, cl_event *done)
{
    size_t local;
    const cl_int cl = choose_local(queue, kernel, &local);

    if (cl != CL_SUCCESS)
        return cl;

    const size_t groups = (size_t)((count + local - 1) / local);
    const size_t global = groups * local;

    return clEnqueueNDRangeKernel(queue, kernel, 1, NULL, &global, &local, 0,
                                  NULL, done);
}

cl_int bench_limit_run(const struct bench_limit *limit, cl_command_queue queue,
                       cl_event *done)
{
    const uint64_t items = limit->only_reads
                               ? limit->count / 4 + (limit->count % 4 != 0)
                               : limit->count;

    return launch(queue, limit->limit, items, done);
}

cl_int
bench_limit_nothing(const struct bench_limit *limit, cl_command_queue queue)
{
    const size_t one = 1;

    return clEnqueueNDRangeKernel(queue, limit->nothing, 1, NULL, &one, &one, 0,
                                  NULL, NULL);
}

cl_int bench_limit_fill(const struct bench_limit *limit, cl_command_queue queue,
                        cl_mem buffer, enum bench_type type, float scale)
{
    const cl_ulong n = limit->count;
    const cl_kernel kernel = limit->fill[type];
    cl_int cl = clSetKernelArg(kernel, 0, sizeof(n), &n);

    if (cl == CL_SUCCESS)
        cl = clSetKernelArg(kernel, 1, sizeof(scale), &scale);
    if (cl == CL_SUCCESS)
        cl = clSetKernelArg(kernel, 2, sizeof(buffer), &buffer);
    if (cl == CL_SUCCESS)
        cl = launch(queue, kernel, limit->count, NULL);
    return cl == CL_SUCCESS ? clFinish(queue) : cl;
}

/* --- life ----------------------------------------------------------------- */

cl_int
bench_limit_slope(const struct bench_limit *limit, cl_command_queue queue,
                  cl_mem parameters, cl_mem gradients)
{
    const cl_ulong n = limit->count;
    cl_int cl = clSetKernelArg(limit->slope, 0, sizeof(n), &n);

    if (cl == CL_SUCCESS)
        cl = clSetKernelArg(limit->slope, 1, sizeof(cl_mem), &parameters);
    if (cl == CL_SUCCESS)
        cl = clSetKernelArg(limit->slope, 2, sizeof(cl_mem), &gradients);
    return cl == CL_SUCCESS ? launch(queue, limit->slope, limit->count, NULL)
                            : cl;
}

cl_mem bench_limit_buffer(const struct bench_limit *limit,
                          const struct cli_device *device, enum bench_type type,
                          float scale)
{
    const size_t bytes = (size_t)limit->count * types[type].size;
    cl_int cl;
    cl_mem buffer =
        clCreateBuffer(device->context, CL_MEM_READ_WRITE, bytes, NULL, &cl);

    if (cl == CL_SUCCESS)
        cl = bench_limit_fill(limit, device->queue, buffer, type, scale);
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

/* Array 'i' of 'lender', if it has as many bytes; else a new one. */
static cl_mem
array_of(const struct bench_limit *limit, const struct cli_device *device,
         enum bench_type type, const struct bench_limit *lender, size_t i)
{
    size_t bytes = 0;

    if (lender != NULL && i < lender->array_count &&
        clGetMemObjectInfo(lender->arrays[i], CL_MEM_SIZE, sizeof(bytes),
                           &bytes, NULL) == CL_SUCCESS &&
        bytes >= limit->count * types[type].size &&
        clRetainMemObject(lender->arrays[i]) == CL_SUCCESS)
        return lender->arrays[i];
    return bench_limit_buffer(limit, device, type, 0.1f);
}

int bench_limit_open(struct bench_limit *limit, const struct cli_device *device,
                     const struct bench_traffic *traffic, uint64_t count,
                     const struct bench_limit *lender)
{
    cl_int cl;

    *limit =
        (struct bench_limit){.count = count, .only_reads = !writes(traffic)};
    if (traffic->count > BENCH_MAX_ARRAYS)
        return cli_fail("a step of %zu arrays is more than bench can measure",
                        traffic->count);

    cl = build(limit, device, traffic);
    if (cl != CL_SUCCESS)
        return cli_fail("%s refused the limit kernel (OpenCL says %d)",
                        device->name, (int)cl);

    for (size_t i = 0; i < traffic->count; i++) {
        limit->arrays[i] =
            array_of(limit, device, traffic->arrays[i].type, lender, i);
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

    const cl_kernel kernels[] = {limit->limit,   limit->nothing, limit->fill[0],
                                 limit->fill[1], limit->fill[2], limit->slope};

    for (size_t i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++)
        if (kernels[i] != NULL)
            clReleaseKernel(kernels[i]);
    if (limit->program != NULL)
        clReleaseProgram(limit->program);
    *limit = (struct bench_limit){0};
}
