/*
 * handles.c - see handles.h
 * SPDX-License-Identifier: MIT
 */
#include "handles.h"

#include <string.h>

enum { MAX_GONE = 256, MAX_KEPT = 4096 };

/* Handles whose buffer is gone, or was once, the longest gone first. */
static struct {
    cl_mem handle;
    size_t size;
    unsigned lives; /* buffers that had it, but for the first */
    bool gone;
} handles[MAX_GONE];

/* Arguments that are buffers, as they were set. */
static struct {
    cl_kernel kernel;
    cl_uint index;
    cl_mem handle;
    unsigned lives;
} kept[MAX_KEPT];

static size_t handle_count, kept_count;
static unsigned again;
static bool is_open;

/* The place of 'handle', or 'handle_count'. */
static size_t find(cl_mem handle)
{
    size_t i = 0;

    while (i < handle_count && handles[i].handle != handle)
        i++;
    return i;
}

/* How often 'handle' had a buffer before; odd where it has none now. */
static unsigned lives_of(cl_mem handle)
{
    const size_t i = find(handle);

    return i == handle_count ? 0 : 2 * handles[i].lives - handles[i].gone;
}

void handles_open(void)
{
    is_open = true;
    again = 0;
    handle_count = kept_count = 0;
}

/* --- what the linker puts in the library's way (-Wl,--wrap) --------------- */

extern __typeof__(clCreateBuffer) __real_clCreateBuffer, __wrap_clCreateBuffer;
extern __typeof__(clReleaseMemObject) __real_clReleaseMemObject,
    __wrap_clReleaseMemObject;
extern __typeof__(clCreateKernel) __real_clCreateKernel, __wrap_clCreateKernel;
extern __typeof__(clSetKernelArg) __real_clSetKernelArg, __wrap_clSetKernelArg;

cl_mem __wrap_clCreateBuffer(cl_context context, cl_mem_flags flags,
                             size_t size, void *from, cl_int *code)
{
    for (size_t i = 0; i < handle_count && is_open && from == NULL; i++) {
        if (!handles[i].gone || handles[i].size != size)
            continue;
        handles[i].gone = false;
        again++;
        if (code != NULL)
            *code = CL_SUCCESS;
        return handles[i].handle;
    }
    return __real_clCreateBuffer(context, flags, size, from, code);
}

cl_int __wrap_clReleaseMemObject(cl_mem buffer)
{
    const size_t i = find(buffer);
    cl_uint references = 0;
    size_t size = 0;

    clGetMemObjectInfo(buffer, CL_MEM_REFERENCE_COUNT, sizeof(references),
                       &references, NULL);
    clGetMemObjectInfo(buffer, CL_MEM_SIZE, sizeof(size), &size, NULL);
    if (!is_open || references != 1 || i == MAX_GONE)
        return __real_clReleaseMemObject(buffer);
    if (i == handle_count)
        handle_count++;
    handles[i].handle = buffer;
    handles[i].size = size;
    handles[i].lives++;
    handles[i].gone = true;
    return CL_SUCCESS;
}

unsigned handles_close(void)
{
    is_open = false;
    for (size_t i = 0; i < handle_count; i++)
        if (handles[i].gone)
            __real_clReleaseMemObject(handles[i].handle);
    handle_count = kept_count = 0;
    return again;
}

/* A new kernel has no arguments yet. */
cl_kernel
__wrap_clCreateKernel(cl_program program, const char *name, cl_int *code)
{
    const cl_kernel kernel = __real_clCreateKernel(program, name, code);

    for (size_t i = 0; i < kept_count; i++)
        if (kept[i].kernel == kernel)
            kept[i].kernel = NULL;
    return kernel;
}

cl_int __wrap_clSetKernelArg(cl_kernel kernel, cl_uint index, size_t size,
                             const void *value)
{
    size_t i = 0;

    while (i < kept_count &&
           (kept[i].kernel != kernel || kept[i].index != index))
        i++;
    if (is_open && size == sizeof(cl_mem) && value != NULL && i < MAX_KEPT) {
        kept_count += i == kept_count;
        kept[i].kernel = kernel;
        kept[i].index = index;
        memcpy(&kept[i].handle, value, sizeof(cl_mem));
        kept[i].lives = lives_of(kept[i].handle);
    }
    return __real_clSetKernelArg(kernel, index, size, value);
}

void handles_check(cl_kernel kernel)
{
    char name[64] = "";

    for (size_t i = 0; i < kept_count && is_open; i++) {
        if (kept[i].kernel != kernel ||
            kept[i].lives == lives_of(kept[i].handle))
            continue;
        is_open = false;
        clGetKernelInfo(kernel, CL_KERNEL_FUNCTION_NAME, sizeof(name), name,
                        NULL);
        fail_msg("argument %u of %s is a buffer that is gone", kept[i].index,
                 name);
    }
}
