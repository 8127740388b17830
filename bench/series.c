/*
 * series.c - see series.h
 * SPDX-License-Identifier: MIT
 */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif

#include "series.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* --- times ---------------------------------------------------------------- */

double bench_now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

double bench_event_ms(cl_event event)
{
    cl_ulong begin = 0, end = 0;

    clGetEventProfilingInfo(event, CL_PROFILING_COMMAND_START, sizeof(begin),
                            &begin, NULL);
    clGetEventProfilingInfo(event, CL_PROFILING_COMMAND_END, sizeof(end), &end,
                            NULL);
    clReleaseEvent(event);
    return 1e-6 * (double)(end - begin);
}

int bench_time_limit(const struct bench_limit *before,
                     const struct bench_limit *limit, cl_command_queue queue,
                     double *ms, double *device_ms)
{
    cl_event done = NULL;
    const double begin = bench_now_ms();
    cl_int cl = before->array_count != 0 ? bench_limit_run(before, queue, NULL)
                                         : CL_SUCCESS;

    if (cl == CL_SUCCESS)
        cl = bench_limit_run(limit, queue, device_ms != NULL ? &done : NULL);
    if (cl == CL_SUCCESS)
        cl = clFinish(queue);
    *ms = bench_now_ms() - begin;
    if (done != NULL)
        *device_ms = bench_event_ms(done);
    if (cl != CL_SUCCESS)
        return cli_fail("the limit kernel failed (OpenCL says %d)", (int)cl);
    return CLI_OK;
}

/* --- results -------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double bench_median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof(*values), compare);
    return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

const char *bench_name_of(const struct bench_case *c)
{
    return c->rule != NULL ? clstep_rule_name(c->rule) : CLI_LBFGS;
}

void bench_fill_result(const struct bench_case *c, const char *part,
                       uint64_t bytes, const struct bench_series *series,
                       struct bench_result *r)
{
    *r = (struct bench_result){
        .rule = bench_name_of(c),
        .what = c->what,
        .given = c->given,
        .part = part != NULL ? part : "step",
        .count = clstep_layout_parameters(c->layout),
        .tensors = clstep_layout_tensors(c->layout),
        .groups = clstep_layout_groups(c->layout),
        .runs = c->rounds,
        .bytes_per_parameter = bytes,
        .host_us = NAN,
    };
    snprintf(r->name, sizeof(r->name), "%s/%s%s%s", r->rule, r->what,
             part != NULL ? "/" : "", part != NULL ? part : "");

    for (int i = 0; i < c->rounds; i++)
        series->shares[i] = series->limit[i] / series->step[i];
    r->share = bench_median(series->shares, c->rounds);
    r->median_ms = bench_median(series->step, c->rounds);
    r->best_ms = series->step[0];

    const double gigabytes = 1e-9 * (double)bytes * (double)r->count;

    r->gb_per_s = gigabytes / (1e-3 * r->median_ms);
    r->limit_gb_per_s =
        gigabytes / (1e-3 * bench_median(series->limit, c->rounds));
}
