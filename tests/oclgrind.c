/*
 * oclgrind.c - keeps Oclgrind's record of written memory right
 * SPDX-License-Identifier: MIT
 *
 * Loaded in front of libOpenCL by scripts/drivers.sh.  Oclgrind 21.10 notes
 * what was written under the number of a buffer, and keeps the note when the
 * buffer is released: the next one with that number is taken for written as far
 * as the old one was, and for unwritten beyond.  So here no buffer is released,
 * and no number is used twice.  And a write of a part from the host makes it
 * forget the rest: here the whole is written once more, as it is.
 */
#define _GNU_SOURCE
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

typedef __typeof__(clEnqueueReadBuffer) read_function;
typedef __typeof__(clEnqueueWriteBuffer) write_function;
typedef __typeof__(clGetMemObjectInfo) info_function;

/* The function called 'name' of the library behind this one. */
static void find(const char *name, void *function)
{
    void *found = dlsym(RTLD_NEXT, name);

    if (found == NULL)
        abort();
    memcpy(function, &found, sizeof(found));
}

CL_API_ENTRY cl_int CL_API_CALL clReleaseMemObject(cl_mem buffer)
{
    return buffer != NULL ? CL_SUCCESS : CL_INVALID_MEM_OBJECT;
}

/* Writes all of 'buffer' with what it has. */
static cl_int
write_again(write_function *write, cl_command_queue queue, cl_mem buffer)
{
    read_function *read;
    info_function *get_info;
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
        code = write(queue, buffer, CL_TRUE, 0, size, data, 0, NULL, NULL);
    free(data);
    return code;
}

CL_API_ENTRY cl_int CL_API_CALL
clEnqueueWriteBuffer(cl_command_queue queue, cl_mem buffer, cl_bool blocking,
                     size_t offset, size_t size, const void *data,
                     cl_uint count, const cl_event *list, cl_event *event)
{
    write_function *write;

    find("clEnqueueWriteBuffer", &write);

    const cl_int code =
        write(queue, buffer, blocking, offset, size, data, count, list, event);

    return code == CL_SUCCESS && blocking ? write_again(write, queue, buffer)
                                          : code;
}
