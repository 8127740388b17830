/*
 * launches.h - counts launches, with --wrap=clEnqueueNDRangeKernel
 * SPDX-License-Identifier: MIT
 */
#ifndef LAUNCHES_H
#define LAUNCHES_H

#include <CL/cl.h>
#include <stdatomic.h>

extern atomic_uint launches;

/* Sees each launch of 'global' work-items before it is enqueued: what it
 * returns but CL_SUCCESS is what the launch fails with.  NULL at first: all go
 * on. */
extern cl_int (*launches_look)(cl_command_queue queue, cl_kernel kernel,
                               size_t global);

#endif /* LAUNCHES_H */
