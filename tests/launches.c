/*
 * launches.c - see launches.h
 * SPDX-License-Identifier: MIT
 */
#include "launches.h"

atomic_uint launches;
cl_int (*launches_look)(cl_command_queue queue, cl_kernel kernel,
                        size_t global);

extern __typeof__(clEnqueueNDRangeKernel) __real_clEnqueueNDRangeKernel,
    __wrap_clEnqueueNDRangeKernel;

cl_int __wrap_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel,
                                     cl_uint dimensions, const size_t *offset,
                                     const size_t *global, const size_t *local,
                                     cl_uint count, const cl_event *list,
                                     cl_event *event)
{
    launches++;
    if (launches_look != NULL) {
        const cl_int code = launches_look(queue, kernel, *global);

        if (code != CL_SUCCESS)
            return code;
    }
    return __real_clEnqueueNDRangeKernel(queue, kernel, dimensions, offset,
                                         global, local, count, list, event);
}
