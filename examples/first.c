/*
 * first.c - the first program of the header and of the README: a step of Adam
 * SPDX-License-Identifier: MIT
 */
/* clang-format off */
#include <clstep/clstep.h>
#include <stdio.h>

int main(void)
{
    float w[] = {1, 2, 3, 4}, g[] = {1, -1, 0.5f, 0};
    clstep_setting settings[] = {{.name = "lr", .value = 0.1}, {0}};
    clstep_device *device;
    clstep_layout *layout;
    clstep_optimizer *adam;
    clstep_error error;
    cl_platform_id platform;
    cl_device_id id;

    if (clGetPlatformIDs(1, &platform, NULL) ||
        clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 1, &id, NULL))
        return puts("no OpenCL device"), 1;
    cl_context context = clCreateContext(NULL, 1, &id, NULL, NULL, NULL);
    cl_command_queue queue = clCreateCommandQueue(context, id, 0, NULL);
    clstep_buffers b = {
        .parameters = clCreateBuffer(context, CL_MEM_COPY_HOST_PTR,
                                     sizeof(w), w, NULL),
        .gradients = clCreateBuffer(context, CL_MEM_COPY_HOST_PTR,
                                    sizeof(g), g, NULL),
    };

    if (clstep_device_create(context, id, &device, &error) ||
        clstep_layout_create(&layout, &error) ||
        clstep_layout_add(layout, "w", 1, (uint64_t[]){4}, 0, &error) ||
        clstep_optimizer_create(device, "adam", settings, layout, &adam,
                                &error) ||
        clstep_optimizer_step(adam, queue, &b, 0, NULL, NULL, &error))
        return puts(error.message), 1;
    clEnqueueReadBuffer(queue, b.parameters, CL_TRUE, 0, sizeof(w), w, 0,
                        NULL, NULL);
    printf("%g %g %g %g\n", w[0], w[1], w[2], w[3]);
    clstep_optimizer_release(adam);
    clstep_layout_release(layout);
    clstep_device_release(device);
    return 0;
}
