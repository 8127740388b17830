/*
 * handles.h - buffers that get the handle of one that is gone
 * SPDX-License-Identifier: MIT
 *
 * A driver may give a new buffer the handle of a released one, and a kernel
 * that has the old buffer as an argument then has not got the new one.  Whether
 * that happens is chance; here it happens always.
 *
 * A program with handles.c in it is linked with --wrap=clCreateBuffer,
 * --wrap=clReleaseMemObject, --wrap=clCreateKernel and --wrap=clSetKernelArg,
 * and calls handles_check() for each launch.
 */
#ifndef HANDLES_H
#define HANDLES_H

#include "fixture.h"

/* From here on a buffer that is made without contents gets the handle of the
 * one of its size that has been gone for the longest; until handles_close(). */
void handles_open(void);

/* How many buffers got the handle of another. */
unsigned handles_close(void);

/* Ends the test if an argument of 'kernel' is a buffer that was released since
 * the argument was set. */
void handles_check(cl_kernel kernel);

#endif /* HANDLES_H */
