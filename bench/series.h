/*
 * series.h - times, and what becomes of them
 * SPDX-License-Identifier: MIT
 */
#ifndef BENCH_SERIES_H
#define BENCH_SERIES_H

#include "limit.h"
#include "measure.h"

/* Of the host's clock. */
double bench_now_ms(void);

/* The milliseconds of a command that has ended; releases its event. */
double bench_event_ms(cl_event event);

/*
 * The time of a limit, with another in front of it that may have no arrays, in
 * '*ms'; and its own in '*device_ms', unless that is NULL, as the device tells
 * it.  CLI_OK, or CLI_FAILED after a line.
 */
int bench_time_limit(const struct bench_limit *before,
                     const struct bench_limit *limit, cl_command_queue queue,
                     double *ms, double *device_ms);

/* Sorts the values. */
double bench_median(double *values, int count);

/* The times of a result and of its limit, with room for their shares. */
struct bench_series {
    double *limit, *step, *shares;
};

/* The rule's name, or "lbfgs". */
const char *bench_name_of(const struct bench_case *c);

/* Makes of the times of a case's rounds, which it sorts, the result of a part
 * or, of NULL, of all. */
void bench_fill_result(const struct bench_case *c, const char *part,
                       uint64_t bytes, const struct bench_series *series,
                       struct bench_result *r);

#endif /* BENCH_SERIES_H */
