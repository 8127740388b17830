/*
 * measure.c - see measure.h
 * SPDX-License-Identifier: MIT
 *
 * The machine may be shared, and its speed drifts: so limit and step take
 * turns, and the share is formed within each round before the median is taken.
 * Both are timed alike, by the host, from the enqueuing to the end of the
 * queue's work.
 */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif

#include "measure.h"

#include "limit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { WARM_UP_ROUNDS = 3 };

/* Ordinary numbers: a step of any rule keeps them far from subnormals. */
static const float parameter_scale = 0.1f, gradient_scale = 1e-3f;

/* What a case holds on the device. */
struct subject {
    clstep_optimizer *optimizer;
    clstep_buffers buffers;
    struct bench_limit limit;
    bool zeroes; /* the step zeroes the gradients */
};

/* --- opening -------------------------------------------------------------- */

/*
 * An array that is moved costs 8 bytes a parameter, one that is only read 4:
 * so the bytes of a step say how many of its arrays are of which kind.
 */
static struct bench_traffic traffic_of(const clstep_optimizer *optimizer)
{
    const size_t words = (size_t)clstep_optimizer_bytes(optimizer) / 4;
    size_t arrays = 2; /* parameters and gradients */

    while (clstep_optimizer_slot(optimizer, arrays - 2) != NULL)
        arrays++;
    return (struct bench_traffic){.moved = words - arrays,
                                  .read = 2 * arrays - words};
}

/*
 * A device that is a CPU may grant more memory than there is, and the process
 * is killed when it is used.  So what is surely needed is compared first: the
 * step's arrays and as many of the limit's, without slots of a condition.
 */
int bench_check_memory(const struct cli_device *device,
                       const struct bench_case *c)
{
    const double gib = 1024.0 * 1024.0 * 1024.0;
    clstep_slot_info slot;
    cl_ulong available = 0;
    size_t arrays = 2;

    for (size_t i = 0; clstep_rule_slot(c->rule, i, &slot); i++)
        arrays += slot.condition == NULL;
    if (clGetDeviceInfo(device->id, CL_DEVICE_GLOBAL_MEM_SIZE,
                        sizeof(available), &available, NULL) != CL_SUCCESS)
        return CLI_OK;

    const double needed = 2.0 * (double)arrays * (double)sizeof(float) *
                          (double)clstep_layout_count(c->layout);

    if (needed <= (double)available)
        return CLI_OK;
    return cli_fail("%s on %" PRIu64 " parameters needs %.1f GiB, half of it "
                    "for the limit, and %s has %.1f GiB",
                    clstep_rule_name(c->rule),
                    clstep_layout_parameters(c->layout), needed / gib,
                    device->name, (double)available / gib);
}

static int open_subject(struct subject *s, const struct cli_device *device,
                        const struct bench_case *c)
{
    const char *rule = clstep_rule_name(c->rule);
    double zero_grad = 0;
    clstep_error error;
    int code;

    if (clstep_optimizer_create(device->device, rule, c->settings, c->layout,
                                &s->optimizer, &error) != CLSTEP_OK)
        return cli_fail("%s of %s: %s", rule, c->what, error.message);
    clstep_optimizer_get(s->optimizer, "zero_grad", &zero_grad, NULL);
    s->zeroes = zero_grad != 0;

    code = bench_limit_open(&s->limit, device, traffic_of(s->optimizer),
                            clstep_layout_count(c->layout));
    if (code != CLI_OK)
        return code;
    s->buffers.parameters =
        bench_limit_buffer(&s->limit, device, parameter_scale);
    if (s->buffers.parameters == NULL)
        return CLI_FAILED;
    s->buffers.gradients =
        bench_limit_buffer(&s->limit, device, gradient_scale);
    return s->buffers.gradients != NULL ? CLI_OK : CLI_FAILED;
}

static void close_subject(struct subject *s)
{
    clstep_optimizer_release(s->optimizer);
    bench_limit_close(&s->limit);
    if (s->buffers.parameters != NULL)
        clReleaseMemObject(s->buffers.parameters);
    if (s->buffers.gradients != NULL)
        clReleaseMemObject(s->buffers.gradients);
}

/* --- timing --------------------------------------------------------------- */

static double now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

/* The milliseconds that the limit, or a step, takes in '*ms'. */
static int
time_limit(const struct subject *s, cl_command_queue queue, double *ms)
{
    const double begin = now_ms();
    cl_int cl = bench_limit_run(&s->limit, queue);

    if (cl == CL_SUCCESS)
        cl = clFinish(queue);
    *ms = now_ms() - begin;
    if (cl != CL_SUCCESS)
        return cli_fail("the limit kernel failed (OpenCL says %d)", (int)cl);
    return CLI_OK;
}

static int
time_step(const struct subject *s, cl_command_queue queue, double *ms)
{
    clstep_error error;
    const double begin = now_ms();

    if (clstep_optimizer_step(s->optimizer, queue, &s->buffers, 0, NULL, NULL,
                              &error) != CLSTEP_OK)
        return cli_fail("the step failed: %s", error.message);

    const cl_int cl = clFinish(queue);

    *ms = now_ms() - begin;
    if (cl != CL_SUCCESS)
        return cli_fail("clFinish after a step failed with %d", (int)cl);
    return CLI_OK;
}

/*
 * New gradients, as a backward pass would write them: with zeros alone, the
 * averages of a long run would decay to subnormal numbers.
 */
static int renew_gradients(const struct subject *s, cl_command_queue queue)
{
    const cl_int cl = bench_limit_fill(&s->limit, queue, s->buffers.gradients,
                                       gradient_scale);

    if (cl != CL_SUCCESS)
        return cli_fail("filling the gradients failed (OpenCL says %d)",
                        (int)cl);
    return CLI_OK;
}

/* The rounds that count, after some that do not. */
static int
time_rounds(const struct subject *s, cl_command_queue queue,
            const struct bench_case *c, double *limit_ms, double *step_ms)
{
    for (int i = -WARM_UP_ROUNDS; i < c->rounds; i++) {
        const int at = i < 0 ? 0 : i;
        int code = s->zeroes ? renew_gradients(s, queue) : CLI_OK;

        if (code == CLI_OK)
            code = time_limit(s, queue, &limit_ms[at]);
        if (code == CLI_OK)
            code = time_step(s, queue, &step_ms[at]);
        if (code != CLI_OK)
            return code;
        if (i >= 0)
            cli_progress("%s of %s: round %d of %d", clstep_rule_name(c->rule),
                         c->what, i + 1, c->rounds);
    }
    return CLI_OK;
}

/* --- results -------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Sorts the values. */
static double median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof(*values), compare);
    return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

static void
fill_result(const struct bench_case *c, uint64_t bytes, double *limit_ms,
            double *step_ms, double *shares, struct bench_result *r)
{
    *r = (struct bench_result){
        .rule = clstep_rule_name(c->rule),
        .what = c->what,
        .count = clstep_layout_parameters(c->layout),
        .tensors = clstep_layout_tensors(c->layout),
        .runs = c->rounds,
        .bytes_per_parameter = bytes,
    };
    snprintf(r->name, sizeof(r->name), "%s/%s", r->rule, r->what);

    for (int i = 0; i < c->rounds; i++)
        shares[i] = limit_ms[i] / step_ms[i];
    r->share = median(shares, c->rounds);
    r->median_ms = median(step_ms, c->rounds);
    r->best_ms = step_ms[0];

    const double gigabytes = 1e-9 * (double)bytes * (double)r->count;

    r->gb_per_s = gigabytes / (1e-3 * r->median_ms);
    r->limit_gb_per_s = gigabytes / (1e-3 * median(limit_ms, c->rounds));
}

int bench_measure(const struct cli_device *device, const struct bench_case *c,
                  struct bench_result *result)
{
    const size_t rounds = (size_t)c->rounds;
    struct subject s = {0};
    double *times = calloc(3 * rounds, sizeof(*times));
    int code;

    if (times == NULL)
        return cli_fail("no memory for the times of %zu rounds", rounds);

    cli_progress("%s of %s: building", clstep_rule_name(c->rule), c->what);
    code = open_subject(&s, device, c);
    if (code != CLI_OK)
        goto done;
    code = time_rounds(&s, device->queue, c, times, times + rounds);
    if (code != CLI_OK)
        goto done;
    fill_result(c, clstep_optimizer_bytes(s.optimizer), times, times + rounds,
                times + 2 * rounds, result);

done:
    close_subject(&s);
    free(times);
    return code;
}
