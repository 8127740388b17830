/*
 * lbfgs.c - the time of an iteration of L-BFGS, beside that of its limit
 * SPDX-License-Identifier: MIT
 *
 * An iteration with line_search=none, once all pairs of the history are there:
 * from the loss and its gradient to the parameters that have moved.  Times that
 * the closure takes are left out; it has the gradient of a bowl, and lr is so
 * small that no round comes near its bottom.  The first pairs are made by
 * moving the parameters from outside: without pairs its steps are shorter than
 * a float.
 *
 * The bytes of an iteration are those of its passes, with h pairs:
 *
 *     the largest of the gradient      1 vector
 *     the new pair                     4 are read, 2 written
 *     the products                     2 h + 3: gradient and h + 1 pairs
 *     the direction, and the base      2 h + 2 are read, 3 written
 *     the move                         2 are read, 1 written
 *
 * Its limit is that of the products and of the direction, a kernel each of as
 * many arrays as one may have, at the same rate for all of the bytes.
 */
#include "limit.h"
#include "measure.h"
#include "series.h"

#include <inttypes.h>
#include <stdlib.h>

enum { WARM_UP_ROUNDS = 3, MOST_PAIRS = (BENCH_MAX_ARRAYS - 5) / 2 };

/* What a case holds on the device. */
struct subject {
    const struct bench_case *c;
    cl_command_queue queue;
    clstep_lbfgs *lbfgs;
    clstep_buffers buffers;
    struct bench_limit products, direction;
    double closure_ms; /* of the present iteration */
};

static uint64_t bytes_of(uint64_t history)
{
    return sizeof(float) * (4 * history + 18);
}

/* Pairs that the limit has arrays for. */
static uint64_t pairs_of(uint64_t history)
{
    return history < MOST_PAIRS ? history : MOST_PAIRS;
}

int bench_check_memory_lbfgs(const struct cli_device *device,
                             const struct bench_case *c)
{
    const double gib = 1024.0 * 1024.0 * 1024.0;
    const double vectors = (double)(2 * c->history + 8),
                 arrays = (double)(2 * pairs_of(c->history) + 5);
    const double needed = (vectors + arrays) * sizeof(float) *
                          (double)clstep_layout_count(c->layout);
    cl_ulong available = 0;

    if (clGetDeviceInfo(device->id, CL_DEVICE_GLOBAL_MEM_SIZE,
                        sizeof(available), &available, NULL) != CL_SUCCESS ||
        needed <= (double)available)
        return CLI_OK;
    return cli_fail("%s with history=%" PRIu64 " on %" PRIu64 " parameters "
                    "needs %.1f GiB with what it is measured against, and %s "
                    "has %.1f GiB",
                    CLI_LBFGS, c->history, clstep_layout_parameters(c->layout),
                    needed / gib, device->name, (double)available / gib);
}

/* --- opening -------------------------------------------------------------- */

static int open_limits(struct subject *s, const struct cli_device *device)
{
    const uint64_t pairs = pairs_of(s->c->history);
    struct bench_traffic products = {.count = 0}, direction = {.count = 0};
    const uint64_t count = clstep_layout_count(s->c->layout);
    int code;

    for (uint64_t i = 0; i < 2 * pairs + 3; i++)
        bench_traffic_add(&products, BENCH_F32, BENCH_READ);
    for (uint64_t i = 0; i < 2 * pairs + 2; i++)
        bench_traffic_add(&direction, BENCH_F32, BENCH_READ);
    for (int i = 0; i < 3; i++)
        bench_traffic_add(&direction, BENCH_F32, BENCH_WRITE);
    code = bench_limit_open(&s->direction, device, &direction, count, NULL);
    if (code == CLI_OK)
        code = bench_limit_open(&s->products, device, &products, count,
                                &s->direction);
    return code;
}

static int open_subject(struct subject *s, const struct cli_device *device)
{
    const clstep_setting settings[] = {{"history", (double)s->c->history, NULL},
                                       {"line_search", 0, "none"},
                                       {"lr", 0x1p-10, NULL},
                                       {"max_iterations", 1, NULL},
                                       {"tolerance_gradient", 0, NULL},
                                       {"tolerance_change", 0, NULL},
                                       {0}};
    clstep_error error;
    int code;

    if (clstep_lbfgs_create(device->device, settings, s->c->layout, &s->lbfgs,
                            &error) != CLSTEP_OK)
        return cli_fail("%s of %s: %s", CLI_LBFGS, s->c->what, error.message);
    code = open_limits(s, device);
    if (code != CLI_OK)
        return code;
    s->buffers.parameters =
        bench_limit_buffer(&s->direction, device, BENCH_F32, 0.1f);
    if (s->buffers.parameters == NULL)
        return CLI_FAILED;
    s->buffers.gradients =
        bench_limit_buffer(&s->direction, device, BENCH_F32, 0.1f);
    return s->buffers.gradients != NULL ? CLI_OK : CLI_FAILED;
}

static void close_subject(struct subject *s)
{
    clstep_lbfgs_release(s->lbfgs);
    bench_limit_close(&s->products);
    bench_limit_close(&s->direction);
    if (s->buffers.parameters != NULL)
        clReleaseMemObject(s->buffers.parameters);
    if (s->buffers.gradients != NULL)
        clReleaseMemObject(s->buffers.gradients);
}

/* --- timing --------------------------------------------------------------- */

/* What was enqueued before it is the iteration's, and waited for first. */
static int closure(void *user, double *loss)
{
    struct subject *s = user;
    cl_int cl = clFinish(s->queue);
    const double begin = bench_now_ms();

    if (cl == CL_SUCCESS)
        cl = bench_limit_slope(&s->direction, s->queue, s->buffers.parameters,
                               s->buffers.gradients);
    if (cl == CL_SUCCESS)
        cl = clFinish(s->queue);
    s->closure_ms += bench_now_ms() - begin;
    *loss = 1.0;
    return cl == CL_SUCCESS ? 0 : 1;
}

static int time_iteration(struct subject *s, double *ms)
{
    clstep_lbfgs_result result;
    clstep_error error;
    const double begin = bench_now_ms();

    s->closure_ms = 0.0;
    if (clstep_lbfgs_step(s->lbfgs, s->queue, &s->buffers, closure, s, &result,
                          &error) != CLSTEP_OK)
        return cli_fail("an iteration failed: %s", error.message);
    *ms = bench_now_ms() - begin - s->closure_ms;
    if (result.stop != CLSTEP_LBFGS_ITERATIONS)
        return cli_fail("an iteration has stopped for another reason: %s",
                        clstep_lbfgs_stop_name(result.stop));
    return CLI_OK;
}

/* Fills the history. */
static int find_pairs(struct subject *s)
{
    float scale = 0.1f;
    double ms;
    int code = CLI_OK;

    for (uint64_t i = 0; i <= s->c->history && code == CLI_OK; i++) {
        const cl_int cl = bench_limit_fill(
            &s->direction, s->queue, s->buffers.parameters, BENCH_F32, scale);

        if (cl != CL_SUCCESS)
            return cli_fail("filling the parameters failed (OpenCL says %d)",
                            (int)cl);
        code = time_iteration(s, &ms);
        scale *= 0.97f;
    }
    return code;
}

static int time_rounds(struct subject *s, const struct bench_series *series)
{
    int code = find_pairs(s);

    for (int i = -WARM_UP_ROUNDS; i < s->c->rounds && code == CLI_OK; i++) {
        const int at = i < 0 ? 0 : i;

        code = bench_time_limit(&s->products, &s->direction, s->queue,
                                &series->limit[at], NULL);
        if (code == CLI_OK)
            code = time_iteration(s, &series->step[at]);
        if (i >= 0)
            cli_progress("%s of %s: round %d of %d", CLI_LBFGS, s->c->what,
                         i + 1, s->c->rounds);
    }
    return code;
}

/* Says whether the history has been full all the while. */
static int check_pairs(const struct subject *s)
{
    clstep_lbfgs_progress progress;

    clstep_lbfgs_state(s->lbfgs, &progress);
    if (progress.pairs == s->c->history)
        return CLI_OK;
    return cli_fail("%" PRIu64 " pairs were kept, and not history=%" PRIu64,
                    progress.pairs, s->c->history);
}

int bench_measure_lbfgs(const struct cli_device *device,
                        const struct bench_case *c, struct bench_result *result)
{
    const size_t rounds = (size_t)c->rounds;
    struct subject s = {.c = c, .queue = device->queue};
    double *numbers = calloc(3 * rounds, sizeof(*numbers));
    const struct bench_series series = {numbers, numbers + rounds,
                                        numbers + 2 * rounds};
    const uint64_t bytes = bytes_of(c->history);
    int code = CLI_OK;

    if (numbers == NULL)
        return cli_fail("no memory for the times of %zu rounds", rounds);
    cli_progress("%s of %s: building", CLI_LBFGS, c->what);
    code = open_subject(&s, device);
    if (code == CLI_OK)
        code = time_rounds(&s, &series);
    if (code == CLI_OK)
        code = check_pairs(&s);
    if (code == CLI_OK) {
        const double of_limit =
            (double)(sizeof(float) * (4 * pairs_of(c->history) + 8));

        for (int i = 0; i < c->rounds; i++)
            series.limit[i] *= (double)bytes / of_limit;
        bench_fill_result(c, c->part, bytes, &series, result);
    }
    close_subject(&s);
    free(numbers);
    return code;
}
