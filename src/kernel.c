/*
 * kernel.c - see kernel.h
 * SPDX-License-Identifier: MIT
 */
#include "kernel.h"
#include "error.h"

#include <string.h>

clstep_status
cs_kernel_create(clstep_device *device, cl_program program, const char *name,
                 struct cs_kernel *kernel, size_t *local, clstep_error *error)
{
    size_t most = 0;
    cl_int code;

    *kernel = (struct cs_kernel){0};
    kernel->cl = clCreateKernel(program, name, &code);
    if (code != CL_SUCCESS)
        return cs_fail_cl(error, code, "clCreateKernel");

    const clstep_status status =
        cs_device_local(device, kernel->cl, &most, error);

    if (status == CLSTEP_OK && most < *local)
        *local = most;
    return status;
}

void cs_kernel_release(struct cs_kernel *kernel)
{
    if (kernel->cl != NULL)
        clReleaseKernel(kernel->cl);
    kernel->cl = NULL;
}

void cs_push(struct cs_arguments *arguments, size_t size, const void *value)
{
    struct cs_kernel *kernel = arguments->kernel;
    const cl_uint index = arguments->count++;

    if (arguments->code == CL_SUCCESS)
        arguments->code = clSetKernelArg(kernel->cl, index, size, value);
}

void cs_push_own(struct cs_arguments *arguments, size_t size, const void *value)
{
    struct cs_kernel *kernel = arguments->kernel;
    const cl_uint index = arguments->count;
    const uint32_t bit = (uint32_t)1 << index;
    uint64_t bits = 0;

    memcpy(&bits, value, size);
    if ((kernel->known & bit) != 0 && kernel->values[index] == bits) {
        arguments->count++;
        return;
    }
    kernel->known &= ~bit;
    cs_push(arguments, size, value);
    if (arguments->code == CL_SUCCESS) {
        kernel->known |= bit;
        kernel->values[index] = bits;
    }
}
