/*
 * limit.h - the kernel that a step is measured against
 * SPDX-License-Identifier: MIT
 *
 * The limit of a step is an OpenCL kernel with the same loads and stores and
 * one addition for each array, on the same device: limit.cl.  It works on
 * arrays of its own, as many and as long as those of the step.  A step of
 * several passes has such a kernel for each.
 */
#ifndef BENCH_LIMIT_H
#define BENCH_LIMIT_H

#include "cli.h"

enum { BENCH_MAX_ARRAYS = 32 };

/* The type of an array's elements; 4 bytes, or 2. */
enum bench_type { BENCH_F32, BENCH_F16, BENCH_BF16 };
size_t bench_type_size(enum bench_type type);

enum bench_access { BENCH_READ = 1, BENCH_WRITE = 2, BENCH_BOTH = 3 };

/* The arrays that a step touches, each once. */
struct bench_traffic {
    struct {
        enum bench_type type;
        enum bench_access access;
    } arrays[BENCH_MAX_ARRAYS];
    size_t count; /* at most BENCH_MAX_ARRAYS, beyond which none are kept */
};

void bench_traffic_add(struct bench_traffic *traffic, enum bench_type type,
                       enum bench_access access);

/* The bytes that are read and written for each element. */
uint64_t bench_traffic_bytes(const struct bench_traffic *traffic);

struct bench_limit {
    cl_program program;
    cl_kernel limit, nothing;
    cl_kernel fill[3]; /* by bench_type */
    cl_kernel slope;
    cl_mem arrays[BENCH_MAX_ARRAYS];
    size_t array_count;
    uint64_t count; /* elements of each array */
    bool only_reads;
};

/*
 * Builds the kernels and allocates and fills the arrays; those of 'lender', if
 * that is not NULL, are used too, where they are large enough.  Returns CLI_OK,
 * or CLI_FAILED after a line; bench_limit_close() is due in both cases.
 */
int bench_limit_open(struct bench_limit *limit, const struct cli_device *device,
                     const struct bench_traffic *traffic, uint64_t count,
                     const struct bench_limit *lender);
void bench_limit_close(struct bench_limit *limit);

/* Enqueues the limit once, or a kernel that does nothing; return OpenCL's code.
 * '*done', unless 'done' is NULL, becomes the launch's event. */
cl_int bench_limit_run(const struct bench_limit *limit, cl_command_queue queue,
                       cl_event *done);
cl_int
bench_limit_nothing(const struct bench_limit *limit, cl_command_queue queue);

/*
 * A new buffer of as many elements as the limit's arrays have, filled as below,
 * or NULL after a line.
 */
cl_mem bench_limit_buffer(const struct bench_limit *limit,
                          const struct cli_device *device, enum bench_type type,
                          float scale);

/*
 * Fills 'buffer' with numbers of both signs of at most 'scale', and blocks
 * until that is done; returns OpenCL's code.
 */
cl_int bench_limit_fill(const struct bench_limit *limit, cl_command_queue queue,
                        cl_mem buffer, enum bench_type type, float scale);

/* Enqueues the gradients of a bowl, a sum of squares of the parameters with
 * factors from 0.5 to 2.5; returns OpenCL's code. */
cl_int
bench_limit_slope(const struct bench_limit *limit, cl_command_queue queue,
                  cl_mem parameters, cl_mem gradients);

#endif /* BENCH_LIMIT_H */
