/*
 * oclgrind.c - keeps Oclgrind's record of written memory right
 * SPDX-License-Identifier: MIT
 *
 * Loaded in front of libOpenCL by scripts/drivers.sh.  Oclgrind 21.10 notes
 * what was written under the number of a buffer, and keeps the note when the
 * buffer is released: the next one with that number is taken for written as far
 * as the old one was, and for unwritten beyond.  And a write from the host
 * makes it forget what was noted of the rest.  So here a new buffer without
 * contents is written with nothing, and behind a write of a part the whole is
 * written once more, as it is.
 */
#define _GNU_SOURCE
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

/* The function called 'name' of the library behind this one. */
static void find(const char *name, void *function)
{
    void *found = dlsym(RTLD_NEXT, name);

    if (found == NULL)
        abort();
    memcpy(function, &found, sizeof(found));
}

/* Writes 'size' bytes of 'data' to the buffer's beginning. */
static cl_int
put(cl_command_queue queue, cl_mem buffer, size_t size, const void *data)
{
    __typeof__(clEnqueueWriteBuffer) *write;

    find("clEnqueueWriteBuffer", &write);
    return write(queue, buffer, CL_TRUE, 0, size, data, 0, NULL, NULL);
}

/* --- a new buffer --------------------------------------------------------- */

/* Makes Oclgrind forget what was written under the buffer's number. */
static cl_int forget(cl_context context, cl_mem buffer)
{
    __typeof__(clGetContextInfo) *get_info;
    __typeof__(clCreateCommandQueue) *create;
    __typeof__(clReleaseCommandQueue) *release;
    cl_device_id id;
    cl_int code;

    find("clGetContextInfo", &get_info);
    find("clCreateCommandQueue", &create);
    find("clReleaseCommandQueue", &release);
    code = get_info(context, CL_CONTEXT_DEVICES, sizeof(id), &id, NULL);
    if (code != CL_SUCCESS)
        return code;

    cl_command_queue queue = create(context, id, 0, &code);

    if (code == CL_SUCCESS)
        code = put(queue, buffer, 0, "");
    if (queue != NULL)
        release(queue);
    return code;
}

CL_API_ENTRY cl_mem CL_API_CALL clCreateBuffer(cl_context context,
                                               cl_mem_flags flags, size_t size,
                                               void *from, cl_int *code)
{
    __typeof__(clCreateBuffer) *create;

    find("clCreateBuffer", &create);

    cl_mem buffer = create(context, flags, size, from, code);

    if (buffer != NULL && from == NULL && forget(context, buffer) != CL_SUCCESS)
        abort();
    return buffer;
}

/* --- a write -------------------------------------------------------------- */

/* Writes all of 'buffer' with what it has. */
static cl_int write_again(cl_command_queue queue, cl_mem buffer)
{
    __typeof__(clEnqueueReadBuffer) *read;
    __typeof__(clGetMemObjectInfo) *get_info;
    cl_int code;
    size_t size = 0;

    find("clEnqueueReadBuffer", &read);
    find("clGetMemObjectInfo", &get_info);
    code = get_info(buffer, CL_MEM_SIZE, sizeof(size), &size, NULL);

    void *data = code == CL_SUCCESS ? malloc(size) : NULL;

    if (data == NULL)
        return CL_OUT_OF_HOST_MEMORY;
    code = read(queue, buffer, CL_TRUE, 0, size, data, 0, NULL, NULL);
    if (code == CL_SUCCESS)
        code = put(queue, buffer, size, data);
    free(data);
    return code;
}

CL_API_ENTRY cl_int CL_API_CALL
clEnqueueWriteBuffer(cl_command_queue queue, cl_mem buffer, cl_bool blocking,
                     size_t offset, size_t size, const void *data,
                     cl_uint count, const cl_event *list, cl_event *event)
{
    __typeof__(clEnqueueWriteBuffer) *write;

    find("clEnqueueWriteBuffer", &write);

    const cl_int code =
        write(queue, buffer, blocking, offset, size, data, count, list, event);

    return code == CL_SUCCESS && blocking ? write_again(queue, buffer) : code;
}
