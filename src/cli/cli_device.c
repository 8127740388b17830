/*
 * cli_device.c - the devices of this machine
 * SPDX-License-Identifier: MIT
 */
#define _POSIX_C_SOURCE 200809L

#include "cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_PLATFORMS = 64, MAX_DEVICES = 256 };

size_t cli_device_ids(cl_device_id *ids, size_t capacity)
{
    cl_platform_id platforms[MAX_PLATFORMS];
    cl_uint platform_count = 0, found;
    size_t count = 0;

    if (clGetPlatformIDs(MAX_PLATFORMS, platforms, &platform_count) !=
        CL_SUCCESS)
        return 0;
    if (platform_count > MAX_PLATFORMS)
        platform_count = MAX_PLATFORMS;
    for (cl_uint i = 0; i < platform_count && count < capacity; i++) {
        const cl_uint room = (cl_uint)(capacity - count);

        if (clGetDeviceIDs(platforms[i], CL_DEVICE_TYPE_ALL, room, ids + count,
                           &found) == CL_SUCCESS)
            count += found < room ? found : room;
    }
    return count;
}

static void
device_text(cl_device_id id, cl_device_info what, char *text, size_t size)
{
    if (clGetDeviceInfo(id, what, size, text, NULL) != CL_SUCCESS)
        snprintf(text, size, "unknown");
}

/* Fills in what is known of a device before anything is made for it. */
static void describe(struct cli_device *device, cl_device_id id)
{
    *device = (struct cli_device){.id = id};
    clGetDeviceInfo(id, CL_DEVICE_PLATFORM, sizeof(device->platform),
                    &device->platform, NULL);
    if (clGetPlatformInfo(device->platform, CL_PLATFORM_NAME,
                          sizeof(device->platform_name), device->platform_name,
                          NULL) != CL_SUCCESS)
        snprintf(device->platform_name, sizeof(device->platform_name),
                 "unknown");
    device_text(id, CL_DEVICE_NAME, device->name, sizeof(device->name));
    device_text(id, CL_DEVICE_VERSION, device->version,
                sizeof(device->version));
    device_text(id, CL_DRIVER_VERSION, device->driver, sizeof(device->driver));
}

bool cli_device_start(cl_device_id id, struct cli_device *device,
                      clstep_error *error)
{
    cl_command_queue_properties properties = 0;
    cl_int cl;

    describe(device, id);
    const cl_context_properties on[] = {
        CL_CONTEXT_PLATFORM, (cl_context_properties)device->platform, 0};

    device->context = clCreateContext(on, 1, &id, NULL, NULL, &cl);
    if (cl != CL_SUCCESS) {
        snprintf(error->message, sizeof(error->message),
                 "clCreateContext failed with %d", (int)cl);
        return false;
    }
    clGetDeviceInfo(id, CL_DEVICE_QUEUE_PROPERTIES, sizeof(properties),
                    &properties, NULL);
    device->queue = clCreateCommandQueue(
        device->context, id, properties & CL_QUEUE_PROFILING_ENABLE, &cl);
    if (cl != CL_SUCCESS) {
        snprintf(error->message, sizeof(error->message),
                 "clCreateCommandQueue failed with %d", (int)cl);
        return false;
    }
    return clstep_device_create(device->context, id, &device->device, error) ==
           CLSTEP_OK;
}

/* Whether 'part' occurs in 'text', in any case of letters. */
static bool contains(const char *text, const char *part)
{
    const size_t length = strlen(part);

    for (; *text != '\0'; text++)
        if (strncasecmp(text, part, length) == 0)
            return true;
    return false;
}

static cl_device_type type_of(cl_device_id id)
{
    cl_device_type type = 0;

    clGetDeviceInfo(id, CL_DEVICE_TYPE, sizeof(type), &type, NULL);
    return type;
}

/* The first GPU, else the first CPU, else the first. */
static size_t choose_default(const cl_device_id *ids, size_t count)
{
    const cl_device_type wanted[] = {CL_DEVICE_TYPE_GPU, CL_DEVICE_TYPE_CPU};

    for (size_t t = 0; t < sizeof(wanted) / sizeof(wanted[0]); t++)
        for (size_t i = 0; i < count; i++)
            if ((type_of(ids[i]) & wanted[t]) != 0)
                return i;
    return 0;
}

/* The index of the device that 'selector' names, or 'count'. */
static size_t
choose(const char *selector, const cl_device_id *ids, size_t count)
{
    struct cli_device device;

    if (selector[0] == '\0')
        return count;
    if (selector[strspn(selector, "0123456789")] == '\0') {
        const unsigned long long index = strtoull(selector, NULL, 10);

        return index < count ? (size_t)index : count;
    }
    for (size_t i = 0; i < count; i++) {
        describe(&device, ids[i]);
        if (contains(device.name, selector) ||
            contains(device.platform_name, selector))
            return i;
    }
    return count;
}

int cli_device_open(const char *selector, struct cli_device *device)
{
    cl_device_id ids[MAX_DEVICES];
    const size_t count = cli_device_ids(ids, MAX_DEVICES);
    clstep_error error;
    size_t index;

    *device = (struct cli_device){0};
    if (count == 0)
        return cli_fail("this machine has no OpenCL device");
    index = selector != NULL ? choose(selector, ids, count)
                             : choose_default(ids, count);
    if (index == count)
        return cli_fail(
            "--device: no device is called '%s'; there are %zu, from 0 on, and"
            " `clstep devices` lists them",
            selector, count);
    cli_progress("probing the device");
    if (!cli_device_start(ids[index], device, &error)) {
        cli_fail("%s: %s", device->name, error.message);
        cli_device_close(device);
        return CLI_FAILED;
    }
    cli_progress_end();
    return -1;
}

void cli_device_close(struct cli_device *device)
{
    clstep_device_release(device->device);
    if (device->queue != NULL)
        clReleaseCommandQueue(device->queue);
    if (device->context != NULL)
        clReleaseContext(device->context);
    device->device = NULL;
    device->queue = NULL;
    device->context = NULL;
}
