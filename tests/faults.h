/*
 * faults.h - the k-th call of OpenCL, or allocation, fails
 * SPDX-License-Identifier: MIT
 *
 * Every OpenCL function and every allocation that the library uses is wrapped
 * by the linker, in the programs that have faults.c.  Functions that release do
 * not fail: there is nothing to be done about it.
 */
#ifndef FAULTS_H
#define FAULTS_H

#include "fixture.h"

enum fault_kind {
    CONTEXTS,
    QUEUES,
    PROGRAMS,
    KERNELS,
    BUFFERS,
    EVENTS,
    MEMORY,
    KINDS
};

extern struct faults {
    bool armed, from; /* from: all calls from 'at' on fail */
    unsigned at, calls, struck;
    const char *first, *last; /* the functions that failed */
    bool other_code;          /* than that of a lack of memory */
    cl_int code;      /* what that function returned; 0 for an allocation */
    long live[KINDS]; /* objects made and retained, less those released */
} fault;

/* Ends the test unless the failure says what has failed. */
void check_fault(const clstep_error *error);

#endif /* FAULTS_H */
