/*
 * kernel.h - a kernel, and the arguments that it has already
 * SPDX-License-Identifier: MIT
 *
 * Most arguments of a step are those of the step before.  What is the library's
 * own is set only where it changes; the caller's buffers are set each time,
 * since a new one may have the handle of one that is gone.
 */
#ifndef CS_KERNEL_H
#define CS_KERNEL_H

#include "device.h"

enum { CS_MAX_ARGUMENTS = 32 };

struct cs_kernel {
    cl_kernel cl;   /* NULL where there is none */
    uint32_t known; /* a bit for each argument whose value is kept */
    uint64_t values[CS_MAX_ARGUMENTS]; /* of at most 8 bytes */
};

/* Creates the kernel called 'name' of 'program'; '*local' becomes its
 * work-group size where that is less. */
clstep_status
cs_kernel_create(clstep_device *device, cl_program program, const char *name,
                 struct cs_kernel *kernel, size_t *local, clstep_error *error);
void cs_kernel_release(struct cs_kernel *kernel);

/* Keeps no argument any longer. */
static inline void cs_kernel_forget(struct cs_kernel *kernel)
{
    kernel->known = 0;
}

/* The arguments of a kernel, one after the other; after the first failure
 * nothing is set any more. */
struct cs_arguments {
    struct cs_kernel *kernel;
    cl_uint count;
    cl_int code;
};

/* Sets the next argument. */
void cs_push(struct cs_arguments *arguments, size_t size, const void *value);

/* The same for one of the library's own, of at most 8 bytes. */
void cs_push_own(struct cs_arguments *arguments, size_t size,
                 const void *value);

#endif /* CS_KERNEL_H */
