/*
 * gradient_check.c - central differences of the caller's loss
 * SPDX-License-Identifier: MIT
 */
#include "error.h"
#include "optimizer.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const double agrees = 1e-3, suspicious = 1e-2;
static const uint64_t usual_samples = 16;
static const double usual_step = 0x1p-8, usual_precision = 0x1p-23;

const char *clstep_agreement_name(clstep_agreement agreement)
{
    switch (agreement) {
    case CLSTEP_AGREES:
        return "agrees";
    case CLSTEP_SUSPICIOUS:
        return "suspicious";
    case CLSTEP_WRONG:
        return "wrong";
    }
    return "unknown agreement";
}

/* What a check is about. */
struct check {
    cl_command_queue queue;
    cl_mem parameters, gradients;
    uint64_t parameters_offset, gradients_offset;
    clstep_loss *loss;
    void *user;
    clstep_gradient_options options;
    clstep_tensor tensor; /* the one that is tried */
};

/* --- the device's memory ---------------------------------------------------
 */

static clstep_status read_one(const struct check *check, cl_mem buffer,
                              uint64_t at, float *x, clstep_error *error)
{
    const cl_int code =
        clEnqueueReadBuffer(check->queue, buffer, CL_TRUE, at * sizeof(*x),
                            sizeof(*x), x, 0, NULL, NULL);

    return code == CL_SUCCESS ? CLSTEP_OK
                              : cs_fail_cl(error, code, "clEnqueueReadBuffer");
}

static clstep_status
write_one(const struct check *check, uint64_t at, float x, clstep_error *error)
{
    const cl_int code =
        clEnqueueWriteBuffer(check->queue, check->parameters, CL_TRUE,
                             at * sizeof(x), sizeof(x), &x, 0, NULL, NULL);

    return code == CL_SUCCESS ? CLSTEP_OK
                              : cs_fail_cl(error, code, "clEnqueueWriteBuffer");
}

/* --- a parameter ------------------------------------------------------------
 */

/* The loss with 'x' at place 'at' of the parameters, element 'e' of the tensor.
 */
static clstep_status loss_at(const struct check *check, uint64_t at, uint64_t e,
                             float x, double *loss, clstep_error *error)
{
    const clstep_status status = write_one(check, at, x, error);

    if (status != CLSTEP_OK)
        return status;
    *loss = NAN;

    const int code = check->loss(check->user, loss);

    if (code != 0)
        return cs_fail(error, CLSTEP_CALLBACK_FAILED,
                       "loss returned %d for element %llu of tensor '%.64s'; "
                       "it returns 0, or ends the check",
                       code, (unsigned long long)e, check->tensor.name);
    if (!isfinite(*loss))
        return cs_fail(error, CLSTEP_OUT_OF_RANGE,
                       "loss is %g with element %llu of tensor '%.64s' at "
                       "%.9g; it has to be finite",
                       *loss, (unsigned long long)e, check->tensor.name,
                       (double)x);
    return CLSTEP_OK;
}

/* A central difference, and how far off the loss's rounding may have put it. */
static clstep_status
differentiate(const struct check *check, uint64_t e, double *numeric,
              double *noise, clstep_error *error)
{
    const uint64_t at = check->parameters_offset + check->tensor.offset + e;
    double above = 0.0, below = 0.0;
    float w;
    clstep_status status = read_one(check, check->parameters, at, &w, error);

    if (status != CLSTEP_OK)
        return status;

    const double size = fabs((double)w);
    const double h = check->options.step * (size > 1.0 ? size : 1.0);
    const float high = (float)((double)w + h), low = (float)((double)w - h);

    if (!isfinite(high) || !isfinite(low))
        return cs_fail(error, CLSTEP_OUT_OF_RANGE,
                       "element %llu of tensor '%.64s' is %.9g; it and the "
                       "numbers beside it have to be finite",
                       (unsigned long long)e, check->tensor.name, (double)w);
    status = loss_at(check, at, e, high, &above, error);
    if (status == CLSTEP_OK)
        status = loss_at(check, at, e, low, &below, error);

    /* It gets its number back, whatever happened. */
    const clstep_status restored =
        write_one(check, at, w, status == CLSTEP_OK ? error : NULL);
    const double apart = (double)high - (double)low;

    *numeric = (above - below) / apart;
    *noise = check->options.precision * fmax(fabs(above), fabs(below)) / apart;
    return status == CLSTEP_OK ? restored : status;
}

/* --- a tensor ---------------------------------------------------------------
 */

/* A number below 'count' for the sample 'k' of a tensor: splitmix64, by G. L.
 * Steele, D. Lea and C. H. Flood (2014). */
static uint64_t draw(uint64_t seed, uint64_t k, uint64_t count)
{
    uint64_t x = seed + (k + 1) * 0x9e3779b97f4a7c15u;

    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return (x ^ x >> 31) % count;
}

/* The place of sample 'k' of 'samples': any in the k-th of as many parts. */
static uint64_t place(const struct check *check, uint64_t k, uint64_t samples)
{
    const uint64_t count = check->tensor.count;
    const uint64_t each = count / samples, more = count % samples;
    const uint64_t begin = k * each + (k < more ? k : more);

    return begin + draw(check->options.seed ^ check->tensor.packed, k,
                        each + (k < more));
}

static clstep_agreement judge(const clstep_gradient_result *result)
{
    const double error = result->error - result->noise;

    /* Nothing was compared, or with what is not finite. */
    if (isnan(error))
        return CLSTEP_SUSPICIOUS;
    if (error > suspicious)
        return CLSTEP_WRONG;
    return error > agrees || result->noise > suspicious ? CLSTEP_SUSPICIOUS
                                                        : CLSTEP_AGREES;
}

/* Tries the tensor's samples.  Their gradients are read in front of the first
 * call of 'loss', which may overwrite them. */
static clstep_status
check_tensor(const struct check *check, const float *a, uint64_t samples,
             clstep_gradient_result *result, clstep_error *error)
{
    double n_size = 0.0, a_size = 0.0, off = 0.0, noises = 0.0, most = -1.0;

    *result = (clstep_gradient_result){.samples = samples};
    for (uint64_t k = 0; k < samples; k++) {
        const uint64_t e = place(check, k, samples);
        const double analytic = (double)a[k];
        double n = 0.0, noise = 0.0;
        const clstep_status status = differentiate(check, e, &n, &noise, error);

        if (status != CLSTEP_OK)
            return status;
        const bool finite = isfinite(analytic) != 0;
        const double difference = finite ? fabs(n - analytic) : INFINITY;

        n_size = hypot(n_size, n);
        a_size = finite ? hypot(a_size, analytic) : a_size;
        off = hypot(off, difference);
        noises = hypot(noises, noise);
        if (difference > most) {
            most = difference;
            result->worst = e;
            result->numeric = n;
            result->analytic = analytic;
        }
    }

    const double size = fmax(n_size, a_size);

    result->error = size > 0.0 ? off / size : off;
    result->noise = size > 0.0 ? noises / size : 0.0;
    result->agreement = judge(result);
    return CLSTEP_OK;
}

/* --- the whole --------------------------------------------------------------
 */

/* Replaces what is 0 by what is usual. */
static clstep_status
check_options(clstep_gradient_options *options, clstep_error *error)
{
    if (!(options->step >= 0.0 && options->step <= 1.0))
        return cs_fail(error, CLSTEP_OUT_OF_RANGE,
                       "step is %g; it is above 0 and at most 1, or 0 for 2^-8",
                       options->step);
    if (!(options->precision >= 0.0 && options->precision < 1.0))
        return cs_fail(error, CLSTEP_OUT_OF_RANGE,
                       "precision is %g; it is above 0 and below 1, or 0 for "
                       "2^-23",
                       options->precision);
    options->samples = options->samples != 0 ? options->samples : usual_samples;
    options->step = options->step != 0.0 ? options->step : usual_step;
    options->precision =
        options->precision != 0.0 ? options->precision : usual_precision;
    return CLSTEP_OK;
}

static clstep_status
check_buffers(const struct check *check, uint64_t count, clstep_error *error)
{
    const clstep_buffers buffers = {
        .parameters = check->parameters,
        .parameters_offset = check->parameters_offset,
        .gradients = check->gradients,
        .gradients_offset = check->gradients_offset,
    };
    cl_context context = NULL;
    cl_int code;

    if (check->queue == NULL)
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT, "queue is NULL");
    code = clGetCommandQueueInfo(check->queue, CL_QUEUE_CONTEXT,
                                 sizeof(context), &context, NULL);
    if (code != CL_SUCCESS)
        return cs_fail_cl(error, code, "clGetCommandQueueInfo");
    return cs_check_beside(context, &buffers, CS_READ | CS_WRITE,
                           check->gradients, check->gradients_offset, count,
                           "gradients", CS_READ, error);
}

/* Waits for what computes the gradients, on an out-of-order queue too. */
static clstep_status wait_for_all(cl_command_queue queue, clstep_error *error)
{
    const cl_int code = clFinish(queue);

    return code == CL_SUCCESS ? CLSTEP_OK : cs_fail_cl(error, code, "clFinish");
}

/* The samples of the check's tensor. */
static uint64_t samples_of(const struct check *check)
{
    return check->tensor.count < check->options.samples
               ? check->tensor.count
               : check->options.samples;
}

/* Reads the gradients of all samples, tensor by tensor. */
static clstep_status
read_gradients(struct check *check, const clstep_layout *layout, float **out,
               clstep_error *error)
{
    clstep_status status = CLSTEP_OK;
    uint64_t total = 1;
    float *a;

    for (size_t t = 0; clstep_layout_tensor(layout, t, &check->tensor); t++)
        total += samples_of(check);
    *out = a = total <= SIZE_MAX / sizeof(*a)
                   ? malloc((size_t)total * sizeof(*a))
                   : NULL;
    if (a == NULL)
        return cs_fail(error, CLSTEP_OUT_OF_MEMORY,
                       "no memory for the gradients of %llu samples",
                       (unsigned long long)(total - 1));
    for (size_t t = 0; clstep_layout_tensor(layout, t, &check->tensor); t++) {
        const uint64_t samples = samples_of(check);
        const uint64_t begin = check->gradients_offset + check->tensor.offset;

        for (uint64_t k = 0; k < samples && status == CLSTEP_OK; k++)
            status = read_one(check, check->gradients,
                              begin + place(check, k, samples), a++, error);
    }
    return status;
}

/* Checks all tensors, and gives their results where none fails. */
static clstep_status
check_all(struct check *check, const clstep_layout *layout, const float *a,
          clstep_gradient_result *results, clstep_error *error)
{
    const size_t count = clstep_layout_tensors(layout);
    clstep_gradient_result *found = calloc(count + 1, sizeof(*found));
    clstep_status status = CLSTEP_OK;

    if (found == NULL)
        return cs_fail(error, CLSTEP_OUT_OF_MEMORY,
                       "no memory for the results of %zu tensors", count);
    for (size_t t = 0;
         status == CLSTEP_OK && clstep_layout_tensor(layout, t, &check->tensor);
         t++) {
        status = check_tensor(check, a, samples_of(check), &found[t], error);
        a += samples_of(check);
    }
    if (status == CLSTEP_OK && count != 0)
        memcpy(results, found, count * sizeof(*found));
    free(found);
    return status;
}

clstep_status
clstep_check_gradient(const clstep_layout *layout, cl_command_queue queue,
                      cl_mem parameters, uint64_t parameters_offset,
                      cl_mem gradients, uint64_t gradients_offset,
                      clstep_loss *loss, void *user,
                      const clstep_gradient_options *options,
                      clstep_gradient_result *results, clstep_error *error)
{
    struct check check = {
        .queue = queue,
        .parameters = parameters,
        .gradients = gradients,
        .parameters_offset = parameters_offset,
        .gradients_offset = gradients_offset,
        .loss = loss,
        .user = user,
    };
    float *gradient = NULL;

    if (layout == NULL || loss == NULL || results == NULL)
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT, "%s is NULL",
                       layout == NULL ? "layout"
                       : loss == NULL ? "loss"
                                      : "results");
    if (options != NULL)
        check.options = *options;

    clstep_status status = check_options(&check.options, error);

    if (status == CLSTEP_OK)
        status = check_buffers(&check, clstep_layout_count(layout), error);
    if (status == CLSTEP_OK)
        status = wait_for_all(queue, error);
    if (status == CLSTEP_OK)
        status = read_gradients(&check, layout, &gradient, error);
    if (status == CLSTEP_OK)
        status = check_all(&check, layout, gradient, results, error);
    free(gradient);
    return status;
}
