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

/* A way to fail, and the calls that are to fail so: 'first', and each
 * 'stride'-th behind it. */
struct fault_way {
    bool other_code, from;
    unsigned first, stride;
};

/*
 * The ways: once and then again without, each call with one of two codes; or
 * from there on, also while all is released.  With small counts each
 * 'small_stride'-th call fails in each of these ways; deep, each call in all.
 * Returns false past the last.
 */
bool fault_way(unsigned index, unsigned small_stride, struct fault_way *way);

/* Ends the test unless the failure says what has failed. */
void check_fault(const clstep_error *error);

#endif /* FAULTS_H */
