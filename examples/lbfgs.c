/*
 * lbfgs.c - a curve through 12 points, by L-BFGS
 * SPDX-License-Identifier: MIT
 *
 * The curve is a exp(-b t) + c, the loss the sum of its squared distances from
 * the points.  Loss and gradient are computed on the host, in double, to keep
 * this short; a closure that enqueues kernels is no different.
 */
#include <clstep/clstep.h>
#include <math.h>
#include <stdio.h>

enum { POINTS = 12, PARAMETERS = 3 };

/* About 4 exp(-0.7 t) + 1 at t = 0, 0.5, 1 ... */
static const double points[POINTS] = {5.02, 3.79, 3.01, 2.38, 2.00, 1.68,
                                      1.51, 1.33, 1.26, 1.15, 1.13, 1.07};

struct fit {
    cl_command_queue queue;
    clstep_buffers buffers;
};

static int evaluate(void *user, double *loss)
{
    const struct fit *fit = user;
    float w[PARAMETERS], g[PARAMETERS];
    double slope[PARAMETERS] = {0};

    if (clEnqueueReadBuffer(fit->queue, fit->buffers.parameters, CL_TRUE, 0,
                            sizeof(w), w, 0, NULL, NULL) != CL_SUCCESS)
        return 1;
    *loss = 0;
    for (int i = 0; i < POINTS; i++) {
        const double t = 0.5 * i, fall = exp(-(double)w[1] * t);
        const double off = (double)w[0] * fall + (double)w[2] - points[i];

        *loss += off * off;
        slope[0] += 2 * off * fall;
        slope[1] -= 2 * off * (double)w[0] * t * fall;
        slope[2] += 2 * off;
    }
    for (int k = 0; k < PARAMETERS; k++)
        g[k] = (float)slope[k];
    return clEnqueueWriteBuffer(fit->queue, fit->buffers.gradients, CL_TRUE, 0,
                                sizeof(g), g, 0, NULL, NULL) != CL_SUCCESS;
}

int main(void)
{
    float w[PARAMETERS] = {1, 1, 0}, g[PARAMETERS] = {0};
    uint64_t evaluations = 0;
    clstep_lbfgs_result result;
    clstep_device *device;
    clstep_layout *layout;
    clstep_lbfgs *lbfgs;
    clstep_error error;
    cl_platform_id platform;
    cl_device_id id;

    if (clGetPlatformIDs(1, &platform, NULL) ||
        clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 1, &id, NULL))
        return puts("no OpenCL device"), 1;

    cl_context context = clCreateContext(NULL, 1, &id, NULL, NULL, NULL);
    struct fit fit = {
        .queue = clCreateCommandQueue(context, id, 0, NULL),
        .buffers = {.parameters = clCreateBuffer(context, CL_MEM_COPY_HOST_PTR,
                                                 sizeof(w), w, NULL),
                    .gradients = clCreateBuffer(context, CL_MEM_COPY_HOST_PTR,
                                                sizeof(g), g, NULL)}};

    if (clstep_device_create(context, id, &device, &error) ||
        clstep_layout_create(&layout, &error) ||
        clstep_layout_add(layout, "a, b, c", 1, (uint64_t[]){PARAMETERS}, 0,
                          &error) ||
        clstep_lbfgs_create(device, NULL, layout, &lbfgs, &error))
        return puts(error.message), 1;
    do {
        if (clstep_lbfgs_step(lbfgs, fit.queue, &fit.buffers, evaluate, &fit,
                              &result, &error))
            return puts(error.message), 1;
        evaluations += result.evaluations;
    } while (result.stop <= CLSTEP_LBFGS_EVALUATIONS);
    clEnqueueReadBuffer(fit.queue, fit.buffers.parameters, CL_TRUE, 0,
                        sizeof(w), w, 0, NULL, NULL);
    printf("%.3f exp(-%.3f t) + %.3f, loss %.6f after %u evaluations: %s\n",
           (double)w[0], (double)w[1], (double)w[2], result.loss,
           (unsigned)evaluations, clstep_lbfgs_stop_name(result.stop));
    clstep_lbfgs_release(lbfgs);
    clstep_layout_release(layout);
    clstep_device_release(device);
    clReleaseMemObject(fit.buffers.parameters);
    clReleaseMemObject(fit.buffers.gradients);
    clReleaseCommandQueue(fit.queue);
    clReleaseContext(context);
    return 0;
}
