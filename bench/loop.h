/*
 * loop.h - a sum of squares in plain C, which a norm is measured against
 * SPDX-License-Identifier: MIT
 *
 * All cores read an array once, as the norm's pass of a step does: squares are
 * added, and what is not finite is noticed.
 */
#ifndef BENCH_LOOP_H
#define BENCH_LOOP_H

#include <stdint.h>

struct bench_loop;

/* For 'count' floats, with a thread for each core; NULL without memory. */
struct bench_loop *bench_loop_open(uint64_t count);
void bench_loop_close(struct bench_loop *loop);

/* Reads the array once.  Returns the sum, a NaN if something is not finite. */
float bench_loop_run(struct bench_loop *loop);

#endif /* BENCH_LOOP_H */
