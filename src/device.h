/*
 * device.h - a cl_device_id within a cl_context, and its programs
 * SPDX-License-Identifier: MIT
 */
#ifndef CS_DEVICE_H
#define CS_DEVICE_H

#include "clstep/clstep.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

enum { CS_MAX_TEXTS = 7 };

/* A program that was built, found again by the text that specialises it. */
struct cs_program {
    struct cs_program *next;
    char *declarations;
    const char *texts[CS_MAX_TEXTS]; /* behind the declarations */
    cl_program program;
    atomic_size_t warm; /* work-items of the largest warm-up of its kernel */
};

struct clstep_device {
    atomic_uint references;
    cl_context context;
    cl_device_id id;
    cl_command_queue queue; /* for creation alone: probe, filling, warm-up */
    clstep_numerics numerics;
    bool through_double;
    bool grouped; /* sums by work-groups: many cores, as a GPU has */

    uint64_t max_bytes;    /* of one buffer */
    unsigned address_bits; /* of the device */

    pthread_mutex_t lock; /* of what follows */
    struct cs_program *programs;
    char *build_log;
};

void cs_device_retain(clstep_device *device);

/*
 * Builds the program of 'declarations', of what every kernel may use, and of
 * 'texts', each of which is NULL or lives as long as the library; the caller
 * releases it.
 */
clstep_status cs_device_build(clstep_device *device, const char *declarations,
                              const char *const texts[CS_MAX_TEXTS],
                              cl_program *program, clstep_error *error);

/*
 * The same, but a program of the same texts that was built earlier serves
 * again.  '*entry' is the device's, and lives as long as that does.
 */
clstep_status cs_device_program(clstep_device *device, const char *declarations,
                                const char *const texts[CS_MAX_TEXTS],
                                struct cs_program **entry, clstep_error *error);

/* Runs the numerics probe and chooses the build options. */
clstep_status cs_probe(clstep_device *device, clstep_error *error);

/* A buffer of 'count' floats. */
clstep_status
cs_device_buffer(clstep_device *device, uint64_t count, const char *what,
                 cl_mem *buffer, clstep_error *error);

/* The same with 'words' in it. */
clstep_status
cs_device_upload(clstep_device *device, const void *words, uint64_t count,
                 const char *what, cl_mem *buffer, clstep_error *error);

/* The work-group size for 'kernel': CS_WORK_GROUP, or what it allows. */
clstep_status cs_device_local(clstep_device *device, cl_kernel kernel,
                              size_t *local, clstep_error *error);

#endif /* CS_DEVICE_H */
