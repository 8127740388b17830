/*
 * launches.c - see launches.h
 * SPDX-License-Identifier: MIT
 */
#include "launches.h"

#include <CL/cl.h>

unsigned launches;

extern __typeof__(clEnqueueNDRangeKernel) __real_clEnqueueNDRangeKernel,
    __wrap_clEnqueueNDRangeKernel;

cl_int __wrap_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel,
                                     cl_uint dimensions, const size_t *offset,
                                     const size_t *global, const size_t *local,
                                     cl_uint count, const cl_event *list,
                                     cl_event *event)
{
    launches++;
    return __real_clEnqueueNDRangeKernel(queue, kernel, dimensions, offset,
                                         global, local, count, list, event);
}
