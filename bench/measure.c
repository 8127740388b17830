/*
 * measure.c - see measure.h
 * SPDX-License-Identifier: MIT
 *
 * The machine may be shared, and its speed drifts: so limit and step take
 * turns, and the share is formed within each round before the median is taken.
 * Both are timed alike, by the host, from the enqueuing to the end of the
 * queue's work.  The limit of a step that sums before it updates is two
 * kernels, one behind the other: the first only reads what the sums are of.
 *
 * A step with a norm has four launches where its elements are whole blocks of
 * 256, and the last is the update.  So its event tells the time of that pass,
 * and what is left of the step is the norm's, which takes turns with a loop in
 * C on all cores, or where the device is no CPU, with a limit that only reads.
 */
#include "measure.h"

#include "limit.h"
#include "loop.h"
#include "series.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WARM_UP_ROUNDS = 3, LAUNCHES_WITH_NORM = 4 };

/* A device's clock may be coarse, and not the host's; nothing takes no time. */
#define LEAST_MS 1e-6

/* Ordinary numbers: a step of any rule keeps them far from subnormals. */
static const float parameter_scale = 0.1f, gradient_scale = 1e-3f;

/* What a case holds on the device. */
struct subject {
    clstep_optimizer *optimizer;
    clstep_buffers buffers;
    struct bench_limit limit;
    struct bench_limit before; /* of what is read before, if something is */
    enum bench_type gradient_type;
    bool zeroes; /* the step zeroes the gradients */
    size_t launches;

    /* With passes: one of these reads what the norm's pass reads. */
    bool passes;
    struct bench_loop *loop;
    struct bench_limit reading;
};

/* What one round takes, in milliseconds. */
struct times {
    double limit, step;
    double enqueue, nothing; /* of the host: the step's, empty launches */
    double limit_event, last_event; /* with passes: of the device */
    double read;                    /* by the loop, or its like */
};

/* --- opening -------------------------------------------------------------- */

/* The present value of a setting, which every rule has. */
static int setting_of(const clstep_optimizer *optimizer, const char *name)
{
    double value = 0;

    clstep_optimizer_get(optimizer, name, &value, NULL);
    return (int)value;
}

/* Adds how a step meets the slot called 'name'.  One of a number a tensor is
 * nothing beside the others; "ema" and "pruned" are no rule's, and the latter
 * is written only in a step that chooses. */
static void add_slot(struct bench_traffic *traffic, const clstep_rule *rule,
                     const char *name)
{
    enum bench_access access =
        strcmp(name, "pruned") == 0 ? BENCH_READ : BENCH_BOTH;
    clstep_slot_info slot;

    for (size_t i = 0; clstep_rule_slot(rule, i, &slot); i++) {
        if (strcmp(slot.name, name) != 0)
            continue;
        if (slot.per_tensor)
            return;
        if (slot.read_only)
            access = BENCH_READ;
    }
    bench_traffic_add(traffic, BENCH_F32, access);
}

/* What a step reads and writes. */
static struct bench_traffic
traffic_of(const clstep_rule *rule, const clstep_optimizer *optimizer)
{
    const enum bench_type gradient =
        (enum bench_type)setting_of(optimizer, "grad_type");
    const enum bench_type copy =
        (enum bench_type)setting_of(optimizer, "copy_type");
    struct bench_traffic traffic = {.count = 0};
    const char *slot;

    bench_traffic_add(&traffic, BENCH_F32, BENCH_BOTH);
    bench_traffic_add(&traffic, gradient,
                      setting_of(optimizer, "zero_grad") != 0 ? BENCH_BOTH
                                                              : BENCH_READ);
    for (size_t i = 0; (slot = clstep_optimizer_slot(optimizer, i)) != NULL;
         i++)
        add_slot(&traffic, rule, slot);
    if (copy != BENCH_F32)
        bench_traffic_add(&traffic, copy, BENCH_WRITE);
    return traffic;
}

/* What the passes before the update read: the gradients for the norm; these and
 * some vectors for a rule with sums. */
static struct bench_traffic
traffic_before(const struct subject *s, uint64_t norm, uint64_t sums)
{
    struct bench_traffic traffic = {.count = 0};
    uint64_t bytes = bench_type_size(s->gradient_type);

    if (norm != 0)
        bench_traffic_add(&traffic, s->gradient_type, BENCH_READ);
    if (sums != 0)
        bench_traffic_add(&traffic, s->gradient_type, BENCH_READ);
    for (; bytes < sums; bytes += bench_type_size(BENCH_F32))
        bench_traffic_add(&traffic, BENCH_F32, BENCH_READ);
    return traffic;
}

static bool is_given(const struct bench_case *c, const char *name)
{
    for (const clstep_setting *s = c->settings; s->name != NULL; s++)
        if (strcmp(s->name, name) == 0)
            return true;
    return false;
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
    size_t bytes = sizeof(float);

    bytes += is_given(c, "grad_type") ? sizeof(cl_ushort) : sizeof(float);
    bytes += is_given(c, "ema_decay") ? sizeof(float) : 0;
    for (size_t i = 0; clstep_rule_slot(c->rule, i, &slot); i++)
        bytes += slot.condition == NULL && !slot.per_tensor ? sizeof(float) : 0;
    if (clGetDeviceInfo(device->id, CL_DEVICE_GLOBAL_MEM_SIZE,
                        sizeof(available), &available, NULL) != CL_SUCCESS)
        return CLI_OK;

    const double needed =
        2.0 * (double)bytes * (double)clstep_layout_count(c->layout);

    if (needed <= (double)available)
        return CLI_OK;
    return cli_fail("%s on %" PRIu64 " parameters needs %.1f GiB, half of it "
                    "for the limit, and %s has %.1f GiB",
                    clstep_rule_name(c->rule),
                    clstep_layout_parameters(c->layout), needed / gib,
                    device->name, (double)available / gib);
}

static int open_optimizer(struct subject *s, const struct cli_device *device,
                          const struct bench_case *c)
{
    const char *rule = clstep_rule_name(c->rule);
    clstep_error error;

    if (clstep_optimizer_create(device->device, rule, c->settings, c->layout,
                                &s->optimizer, &error) != CLSTEP_OK)
        return cli_fail("%s of %s: %s", rule, c->what, error.message);
    s->gradient_type = (enum bench_type)setting_of(s->optimizer, "grad_type");
    s->zeroes = setting_of(s->optimizer, "zero_grad") != 0;
    s->launches = clstep_optimizer_launches(s->optimizer, 0);
    return CLI_OK;
}

/* The caller's buffers; the scale of device_scale is 1. */
static int open_buffers(struct subject *s, const struct cli_device *device)
{
    const enum bench_type copy =
        (enum bench_type)setting_of(s->optimizer, "copy_type");
    clstep_buffers *b = &s->buffers;
    float one = 1.0f;
    cl_int cl = CL_SUCCESS;

    b->parameters =
        bench_limit_buffer(&s->limit, device, BENCH_F32, parameter_scale);
    if (b->parameters == NULL)
        return CLI_FAILED;
    b->gradients =
        bench_limit_buffer(&s->limit, device, s->gradient_type, gradient_scale);
    if (b->gradients == NULL)
        return CLI_FAILED;
    if (copy != BENCH_F32) {
        b->copy = bench_limit_buffer(&s->limit, device, copy, parameter_scale);
        if (b->copy == NULL)
            return CLI_FAILED;
    }
    if (setting_of(s->optimizer, "device_scale") != 0)
        b->scale = clCreateBuffer(device->context, CL_MEM_COPY_HOST_PTR,
                                  sizeof(one), &one, &cl);
    return cl == CL_SUCCESS
               ? CLI_OK
               : cli_fail("%s cannot hold a scale (OpenCL says %d)",
                          device->name, (int)cl);
}

/* Whether the last launch is the update, and its time can be had. */
static bool can_part(const struct subject *s, const struct cli_device *device)
{
    cl_command_queue_properties properties = 0;

    clGetCommandQueueInfo(device->queue, CL_QUEUE_PROPERTIES,
                          sizeof(properties), &properties, NULL);
    return (properties & CL_QUEUE_PROFILING_ENABLE) != 0 &&
           clstep_optimizer_norm_bytes(s->optimizer) != 0 &&
           s->launches == LAUNCHES_WITH_NORM;
}

/* The limit of what is read before the update. */
static int open_before(struct subject *s, const struct cli_device *device)
{
    const uint64_t norm = clstep_optimizer_norm_bytes(s->optimizer);
    const uint64_t sums = clstep_optimizer_sums_bytes(s->optimizer);
    const struct bench_traffic traffic = traffic_before(s, norm, sums);

    if (bench_traffic_bytes(&traffic) != norm + sums)
        return cli_fail("the limit would read %" PRIu64 " bytes a parameter "
                        "before the update, but the step reads %" PRIu64,
                        bench_traffic_bytes(&traffic), norm + sums);
    return traffic.count != 0 ? bench_limit_open(&s->before, device, &traffic,
                                                 s->limit.count, &s->limit)
                              : CLI_OK;
}

/* What the norm's pass is measured against. */
static int open_reading(struct subject *s, const struct cli_device *device)
{
    struct bench_traffic traffic = {.count = 0};
    cl_device_type type = 0;

    clGetDeviceInfo(device->id, CL_DEVICE_TYPE, sizeof(type), &type, NULL);
    if ((type & CL_DEVICE_TYPE_CPU) == 0) {
        bench_traffic_add(&traffic, s->gradient_type, BENCH_READ);
        return bench_limit_open(&s->reading, device, &traffic, s->limit.count,
                                &s->limit);
    }
    s->loop = bench_loop_open(
        s->limit.count * bench_type_size(s->gradient_type) / sizeof(float));
    return s->loop != NULL ? CLI_OK
                           : cli_fail("no memory for the loop in C, or no"
                                      " threads");
}

static int open_subject(struct subject *s, const struct cli_device *device,
                        const struct bench_case *c)
{
    int code = open_optimizer(s, device, c);

    if (code != CLI_OK)
        return code;

    const struct bench_traffic traffic = traffic_of(c->rule, s->optimizer);

    if (bench_traffic_bytes(&traffic) != clstep_optimizer_bytes(s->optimizer))
        return cli_fail("%s of %s: the limit would move %" PRIu64 " bytes a"
                        " parameter, but the step moves %" PRIu64,
                        clstep_rule_name(c->rule), c->what,
                        bench_traffic_bytes(&traffic),
                        clstep_optimizer_bytes(s->optimizer));
    code = bench_limit_open(&s->limit, device, &traffic,
                            clstep_layout_count(c->layout), NULL);
    if (code == CLI_OK)
        code = open_before(s, device);
    if (code == CLI_OK)
        code = open_buffers(s, device);
    s->passes = code == CLI_OK && c->passes && can_part(s, device);
    if (s->passes)
        code = open_reading(s, device);
    return code;
}

static void close_subject(struct subject *s)
{
    const cl_mem buffers[] = {s->buffers.parameters, s->buffers.gradients,
                              s->buffers.copy, s->buffers.scale};

    clstep_optimizer_release(s->optimizer);
    bench_limit_close(&s->before);
    bench_limit_close(&s->reading);
    bench_limit_close(&s->limit);
    bench_loop_close(s->loop);
    for (size_t i = 0; i < sizeof(buffers) / sizeof(buffers[0]); i++)
        if (buffers[i] != NULL)
            clReleaseMemObject(buffers[i]);
}

/* --- timing --------------------------------------------------------------- */

static int
time_step(const struct subject *s, cl_command_queue queue, struct times *times)
{
    clstep_error error;
    cl_event done = NULL;
    const double begin = bench_now_ms();

    if (clstep_optimizer_step(s->optimizer, queue, &s->buffers, 0, NULL,
                              s->passes ? &done : NULL, &error) != CLSTEP_OK)
        return cli_fail("the step failed: %s", error.message);
    times->enqueue = bench_now_ms() - begin;

    const cl_int cl = clFinish(queue);

    times->step = bench_now_ms() - begin;
    if (done != NULL)
        times->last_event = bench_event_ms(done);
    if (cl != CL_SUCCESS)
        return cli_fail("clFinish after a step failed with %d", (int)cl);
    return CLI_OK;
}

/* The host's time for as many launches as a step has, of nothing. */
static int time_nothing(const struct subject *s, cl_command_queue queue,
                        struct times *times)
{
    const double begin = bench_now_ms();
    cl_int cl = CL_SUCCESS;

    for (size_t i = 0; i < s->launches && cl == CL_SUCCESS; i++)
        cl = bench_limit_nothing(&s->limit, queue);
    times->nothing = bench_now_ms() - begin;
    if (cl == CL_SUCCESS)
        cl = clFinish(queue);
    return cl == CL_SUCCESS
               ? CLI_OK
               : cli_fail("an empty kernel failed (OpenCL says %d)", (int)cl);
}

/* What the norm's pass is measured against. */
static int time_reading(const struct subject *s, cl_command_queue queue,
                        struct times *times)
{
    const struct bench_limit none = {.array_count = 0};
    volatile float sum;

    if (s->loop == NULL)
        return bench_time_limit(&none, &s->reading, queue, &times->read, NULL);

    const double begin = bench_now_ms();

    sum = bench_loop_run(s->loop);
    (void)sum;
    times->read = bench_now_ms() - begin;
    return CLI_OK;
}

/*
 * New gradients, as a backward pass would write them: with zeros alone, the
 * averages of a long run would decay to subnormal numbers.
 */
static int renew_gradients(const struct subject *s, cl_command_queue queue)
{
    const cl_int cl = bench_limit_fill(&s->limit, queue, s->buffers.gradients,
                                       s->gradient_type, gradient_scale);

    if (cl != CL_SUCCESS)
        return cli_fail("filling the gradients failed (OpenCL says %d)",
                        (int)cl);
    return CLI_OK;
}

static int
time_round(const struct subject *s, cl_command_queue queue, struct times *times)
{
    int code = s->zeroes ? renew_gradients(s, queue) : CLI_OK;

    if (code == CLI_OK)
        code = bench_time_limit(&s->before, &s->limit, queue, &times->limit,
                                s->passes ? &times->limit_event : NULL);
    if (code == CLI_OK)
        code = time_step(s, queue, times);
    if (code == CLI_OK)
        code = time_nothing(s, queue, times);
    if (code == CLI_OK && s->passes)
        code = time_reading(s, queue, times);
    return code;
}

/* The rounds that count, after some that do not. */
static int time_rounds(const struct subject *s, cl_command_queue queue,
                       const struct bench_case *c, struct times *times)
{
    for (int i = -WARM_UP_ROUNDS; i < c->rounds; i++) {
        const int code = time_round(s, queue, &times[i < 0 ? 0 : i]);

        if (code != CLI_OK)
            return code;
        if (i >= 0)
            cli_progress("%s of %s%s%s: round %d of %d",
                         clstep_rule_name(c->rule), c->what,
                         c->part != NULL ? ", " : "",
                         c->part != NULL ? c->part : "", i + 1, c->rounds);
    }
    return CLI_OK;
}

/* --- results -------------------------------------------------------------- */

/* The host's time for a step, by way of 'series'. */
static double host_us(const struct times *times, int rounds,
                      const struct bench_series *series)
{
    for (int i = 0; i < rounds; i++) {
        series->step[i] = times[i].enqueue;
        series->limit[i] = times[i].nothing;
    }
    return 1e3 * (bench_median(series->step, rounds) -
                  bench_median(series->limit, rounds));
}

static size_t
fill_results(const struct subject *s, const struct bench_case *c,
             const struct times *times, const struct bench_series *series,
             struct bench_result results[BENCH_MAX_RESULTS])
{
    const uint64_t bytes = clstep_optimizer_bytes(s->optimizer);
    const uint64_t before = clstep_optimizer_norm_bytes(s->optimizer) +
                            clstep_optimizer_sums_bytes(s->optimizer);

    for (int i = 0; i < c->rounds; i++) {
        series->limit[i] = times[i].limit;
        series->step[i] = times[i].step;
    }
    bench_fill_result(c, c->part, bytes + before, series, &results[0]);
    results[0].host_us = host_us(times, c->rounds, series);
    if (!s->passes)
        return 1;

    for (int i = 0; i < c->rounds; i++) {
        series->limit[i] = fmax(times[i].limit_event, LEAST_MS);
        series->step[i] = fmax(times[i].last_event, LEAST_MS);
    }
    bench_fill_result(c, "everything: update pass", bytes, series, &results[1]);
    for (int i = 0; i < c->rounds; i++) {
        series->limit[i] = times[i].read;
        series->step[i] = fmax(times[i].step - times[i].last_event, LEAST_MS);
    }
    bench_fill_result(c, "norm pass", clstep_optimizer_norm_bytes(s->optimizer),
                      series, &results[2]);
    return 3;
}

int bench_measure(const struct cli_device *device, const struct bench_case *c,
                  struct bench_result results[BENCH_MAX_RESULTS], size_t *count)
{
    const size_t rounds = (size_t)c->rounds;
    struct subject s = {0};
    struct times *times = calloc(rounds, sizeof(*times));
    double *numbers = calloc(3 * rounds, sizeof(*numbers));
    const struct bench_series series = {numbers, numbers + rounds,
                                        numbers + 2 * rounds};
    int code = CLI_OK;

    if (times == NULL || numbers == NULL) {
        code = cli_fail("no memory for the times of %zu rounds", rounds);
        goto done;
    }
    cli_progress("%s of %s: building", clstep_rule_name(c->rule), c->what);
    code = open_subject(&s, device, c);
    if (code == CLI_OK)
        code = time_rounds(&s, device->queue, c, times);
    if (code == CLI_OK)
        *count = fill_results(&s, c, times, &series, results);

done:
    close_subject(&s);
    free(times);
    free(numbers);
    return code;
}
