/*
 * probe.c - what the device's arithmetic really does
 * SPDX-License-Identifier: MIT
 *
 * Drivers' flags lie in both directions, so a kernel computes quotients, roots,
 * a b + c and small products of operands that are hard: quotients and roots
 * next to the middle between two floats, sums whose product has bits to lose,
 * and products below the smallest normal number.  The host knows the right
 * results.
 */
#include "device.h"
#include "error.h"
#include "kernels.h"
#include "sizes.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CASES = 8192, KINDS = 6, INPUTS = 3, OUTPUTS = 4 };

struct table {
    float a[CASES], b[CASES], c[CASES];
    float right[OUTPUTS][CASES]; /* in the order of probe.cl's arguments */
    float found[OUTPUTS][CASES];
};

static uint32_t hash(uint32_t x)
{
    x = (x ^ x >> 16) * 0x7feb352du;
    x = (x ^ x >> 15) * 0x846ca68bu;
    return x ^ x >> 16;
}

static float float_of(uint32_t bits)
{
    float x;

    memcpy(&x, &bits, sizeof(x));
    return x;
}

/* A float in [1, 2) times 2^'exponent'. */
static float mantissa(uint32_t random, int exponent)
{
    return float_of((uint32_t)(127 + exponent) << 23 | random >> 9);
}

/* The numbers of case 'i'; its kind is what the case is hard for. */
static void choose(struct table *table, uint32_t i)
{
    const uint32_t r0 = hash(3 * i + 1), r1 = hash(3 * i + 2),
                   r2 = hash(3 * i + 3);
    const float half_ulp = 0x1p-24f;
    double a, b = mantissa(r1, (int)(r2 % 120) - 60), c;

    switch (i % KINDS) {
    case 0: /* a / b next to the middle between two floats */
        a = ((double)mantissa(r0, 0) + half_ulp) * b;
        c = -(double)mantissa(r2, 0);
        break;
    case 1: /* sqrt(a) next to the middle between two floats */
        a = ((double)mantissa(r0, 0) + half_ulp) *
            ldexp(1.0, (int)(r2 % 120) - 60);
        a = a * a;
        b = mantissa(r1, (int)(r2 % 120) - 60 > 0 ? 3 : -3);
        c = mantissa(r2, -10);
        break;
    case 2: /* a b + c with c close to -a b */
        a = mantissa(r0, 0);
        c = -(double)(float)(a * b);
        break;
    case 3: /* 1 / b is subnormal, or close to it */
        a = mantissa(r0, 0);
        b = mantissa(r1, 120 + (int)(r2 % 8));
        c = -a;
        break;
    case 4: /* a, and b c, are subnormal */
        a = float_of(r0 >> 9 | 1);
        b = mantissa(r1, -60 - (int)(r2 % 8));
        c = mantissa(r2, -70);
        break;
    default: /* a / b, b c and a b + c are subnormal */
        a = mantissa(r0, -120);
        b = mantissa(r1, -126 + (int)(r2 % 4));
        c = mantissa(r2, -10);
        if (i / KINDS % 2 == 0) {
            b = mantissa(r1, 6 + (int)(r2 % 14));
            c = -(double)mantissa(r2, -126 + (int)(r2 % 4));
        }
        break;
    }
    table->a[i] = (float)a;
    table->b[i] = (float)b;
    table->c[i] = (float)c;

    /* One operation a statement, so that no compiler contracts them. */
    const volatile float product = table->a[i] * table->b[i];

    table->right[0][i] = table->a[i] / table->b[i];
    table->right[1][i] = sqrtf(table->a[i]);
    table->right[2][i] = product + table->c[i];
    table->right[3][i] = table->b[i] * table->c[i];
}

static clstep_status
launch(clstep_device *device, cl_kernel kernel, cl_mem *buffers,
       struct table *table, clstep_error *error)
{
    const cl_ulong count = CASES;
    size_t local, global;
    clstep_status status = cs_device_local(device, kernel, &local, error);

    if (status != CLSTEP_OK)
        return status;
    if (!cs_size_global(CASES, local, device->address_bits, &global))
        return cs_fail(error, CLSTEP_CL_FAILED,
                       "the device has addresses of "
                       "too few bits");

    cl_int code = clSetKernelArg(kernel, 0, sizeof(count), &count);
    for (cl_uint i = 0; i < INPUTS + OUTPUTS && code == CL_SUCCESS; i++)
        code = clSetKernelArg(kernel, i + 1, sizeof(*buffers), &buffers[i]);
    if (code != CL_SUCCESS)
        return cs_fail_cl(error, code, "clSetKernelArg");

    code = clEnqueueNDRangeKernel(device->queue, kernel, 1, NULL, &global,
                                  &local, 0, NULL, NULL);
    if (code != CL_SUCCESS)
        return cs_fail_cl(error, code, "clEnqueueNDRangeKernel");
    for (int i = 0; i < OUTPUTS && code == CL_SUCCESS; i++)
        code = clEnqueueReadBuffer(device->queue, buffers[INPUTS + i], CL_TRUE,
                                   0, sizeof(table->found[i]), table->found[i],
                                   0, NULL, NULL);
    return code == CL_SUCCESS ? CLSTEP_OK
                              : cs_fail_cl(error, code, "clEnqueueReadBuffer");
}

/* Builds the probe with the device's options and runs it. */
static clstep_status
run(clstep_device *device, struct table *table, clstep_error *error)
{
    const float *inputs[INPUTS] = {table->a, table->b, table->c};
    cl_mem buffers[INPUTS + OUTPUTS] = {NULL};
    cl_program program = NULL;
    cl_kernel kernel = NULL;
    cl_int code = CL_SUCCESS;
    const char *const texts[CS_MAX_TEXTS] = {cs_kernel_text("probe")};
    clstep_status status = cs_device_build(device, "", texts, &program, error);

    if (status != CLSTEP_OK)
        return status;
    kernel = clCreateKernel(program, "clstep_probe", &code);
    if (code != CL_SUCCESS)
        status = cs_fail_cl(error, code, "clCreateKernel");
    for (int i = 0; i < INPUTS + OUTPUTS && status == CLSTEP_OK; i++)
        status = cs_device_buffer(device, CASES, "a buffer of the probe",
                                  &buffers[i], error);
    for (int i = 0; i < INPUTS && status == CLSTEP_OK; i++) {
        code = clEnqueueWriteBuffer(device->queue, buffers[i], CL_TRUE, 0,
                                    sizeof(table->a), inputs[i], 0, NULL, NULL);
        if (code != CL_SUCCESS)
            status = cs_fail_cl(error, code, "clEnqueueWriteBuffer");
    }
    if (status == CLSTEP_OK)
        status = launch(device, kernel, buffers, table, error);

    for (int i = 0; i < INPUTS + OUTPUTS; i++)
        if (buffers[i] != NULL)
            clReleaseMemObject(buffers[i]);
    if (kernel != NULL)
        clReleaseKernel(kernel);
    clReleaseProgram(program);
    return status;
}

/* Counts the results of one operation that differ in a bit.  Those of the
 * subnormal cases count apart: they say nothing about the operation. */
static uint32_t
count_wrong(const struct table *table, int output, bool subnormal)
{
    uint32_t wrong = 0;

    for (uint32_t i = 0; i < CASES; i++)
        if ((i % KINDS >= 3) == subnormal &&
            memcmp(&table->right[output][i], &table->found[output][i],
                   sizeof(float)) != 0)
            wrong++;
    return wrong;
}

static void judge(const struct table *table, clstep_numerics *numerics)
{
    numerics->cases = CASES;
    numerics->wrong_division = count_wrong(table, 0, false);
    numerics->wrong_root = count_wrong(table, 1, false);
    numerics->wrong_contraction = count_wrong(table, 2, false);
    numerics->wrong_subnormal = 0;
    for (int output = 0; output < OUTPUTS; output++)
        numerics->wrong_subnormal += count_wrong(table, output, true);
}

static uint32_t all_wrong(const clstep_numerics *numerics)
{
    return numerics->wrong_division + numerics->wrong_root +
           numerics->wrong_contraction + numerics->wrong_subnormal;
}

static bool has_double(cl_device_id id)
{
    cl_device_fp_config config = 0;

    return clGetDeviceInfo(id, CL_DEVICE_DOUBLE_FP_CONFIG, sizeof(config),
                           &config, NULL) == CL_SUCCESS &&
           config != 0;
}

clstep_status cs_probe(clstep_device *device, clstep_error *error)
{
    static const struct {
        const char *options;
        bool through_double;
        clstep_verdict verdict;
    } ways[] = {
        {"-cl-std=CL1.2 -cl-fp32-correctly-rounded-divide-sqrt", false,
         CLSTEP_EXACT},
        {"-cl-std=CL1.2", false, CLSTEP_EXACT},
        {"-cl-std=CL1.2", true, CLSTEP_EXACT_THROUGH_DOUBLE},
    };
    clstep_numerics *numerics = &device->numerics, best = {0};
    clstep_status status = CLSTEP_OK;
    bool found = false, through_double = false;
    struct table *table = calloc(1, sizeof(*table));

    if (table == NULL)
        return cs_fail(error, CLSTEP_OUT_OF_MEMORY, "no memory for the probe");
    for (uint32_t i = 0; i < CASES; i++)
        choose(table, i);

    /* A way that the compiler refuses is no way; of the others, the best. */
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        if (ways[i].through_double && !has_double(device->id))
            continue;
        snprintf(numerics->build_options, sizeof(numerics->build_options), "%s",
                 ways[i].options);
        numerics->verdict = ways[i].verdict;
        device->through_double = ways[i].through_double;
        status = run(device, table, error);
        if (status == CLSTEP_BUILD_FAILED)
            continue;
        if (status != CLSTEP_OK)
            break;
        judge(table, numerics);
        if (!found || all_wrong(numerics) < all_wrong(&best)) {
            best = *numerics;
            through_double = device->through_double;
        }
        found = true;
        if (all_wrong(numerics) == 0)
            break;
    }
    free(table);
    if (!found || (status != CLSTEP_OK && status != CLSTEP_BUILD_FAILED))
        return status;
    if (all_wrong(&best) != 0)
        best.verdict = CLSTEP_INEXACT;
    *numerics = best;
    device->through_double = through_double;
    return CLSTEP_OK;
}

const char *clstep_verdict_name(clstep_verdict verdict)
{
    switch (verdict) {
    case CLSTEP_EXACT:
        return "exact";
    case CLSTEP_EXACT_THROUGH_DOUBLE:
        return "exact through double";
    case CLSTEP_INEXACT:
        return "inexact";
    }
    return "unknown verdict";
}
