/*
 * limit.h - the kernel that a step is measured against
 * SPDX-License-Identifier: MIT
 *
 * The limit of a step is an OpenCL kernel with the same loads and stores and
 * one addition for each array, on the same device: limit.cl.  It works on
 * arrays of its own, as many and as long as those of the step.
 */
#ifndef BENCH_LIMIT_H
#define BENCH_LIMIT_H

#include "cli.h"

/* Arrays that a step touches: 'moved' are read and written, 'read' are read. */
struct bench_traffic {
    size_t moved, read;
};

enum { BENCH_MAX_ARRAYS = 32 };

struct bench_limit {
    cl_program program;
    cl_kernel limit, fill;
    cl_mem arrays[BENCH_MAX_ARRAYS];
    size_t array_count;
    uint64_t count; /* elements of each array */
};

/*
 * Builds the kernels and allocates and fills the arrays.  Returns CLI_OK, or
 * CLI_FAILED after a line; bench_limit_close() is due in both cases.
 */
int bench_limit_open(struct bench_limit *limit, const struct cli_device *device,
                     struct bench_traffic traffic, uint64_t count);
void bench_limit_close(struct bench_limit *limit);

/* Enqueues the limit once; returns OpenCL's code. */
cl_int bench_limit_run(const struct bench_limit *limit, cl_command_queue queue);

/*
 * A new buffer as long as the limit's arrays, filled as below, or NULL after a
 * line.
 */
cl_mem bench_limit_buffer(const struct bench_limit *limit,
                          const struct cli_device *device, float scale);

/*
 * Fills 'buffer' with numbers of both signs of at most 'scale', and blocks
 * until that is done; returns OpenCL's code.
 */
cl_int bench_limit_fill(const struct bench_limit *limit, cl_command_queue queue,
                        cl_mem buffer, float scale);

#endif /* BENCH_LIMIT_H */
