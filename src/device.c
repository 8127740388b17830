/*
 * device.c - see device.h
 * SPDX-License-Identifier: MIT
 */
#include "device.h"
#include "error.h"
#include "kernels.h"
#include "sizes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- life ----------------------------------------------------------------- */

static clstep_status query(cl_device_id id, cl_device_info name, size_t size,
                           void *value, clstep_error *error)
{
    const cl_int code = clGetDeviceInfo(id, name, size, value, NULL);

    return code == CL_SUCCESS ? CLSTEP_OK
                              : cs_fail_cl(error, code, "clGetDeviceInfo");
}

/* Says whether 'id' is one of the context's devices. */
static clstep_status
check_member(cl_context context, cl_device_id id, clstep_error *error)
{
    cl_device_id ids[64];
    size_t bytes = 0;
    const cl_int code =
        clGetContextInfo(context, CL_CONTEXT_DEVICES, sizeof(ids), ids, &bytes);

    if (code != CL_SUCCESS)
        return cs_fail_cl(error, code, "clGetContextInfo");
    for (size_t i = 0; i < bytes / sizeof(*ids); i++)
        if (ids[i] == id)
            return CLSTEP_OK;
    return cs_fail(error, CLSTEP_INVALID_ARGUMENT,
                   "id is a device that the context does not have");
}

static clstep_status open_device(clstep_device *device, clstep_error *error)
{
    cl_ulong max_bytes = 0;
    cl_uint address_bits = 0;
    cl_device_type type = 0;
    cl_int code;
    clstep_status status = query(device->id, CL_DEVICE_MAX_MEM_ALLOC_SIZE,
                                 sizeof(max_bytes), &max_bytes, error);

    if (status == CLSTEP_OK)
        status = query(device->id, CL_DEVICE_ADDRESS_BITS, sizeof(address_bits),
                       &address_bits, error);
    if (status == CLSTEP_OK)
        status = query(device->id, CL_DEVICE_TYPE, sizeof(type), &type, error);
    if (status != CLSTEP_OK)
        return status;
    device->grouped = (type & CL_DEVICE_TYPE_CPU) == 0;
    device->max_bytes = max_bytes;
    device->address_bits = address_bits;

    device->queue = clCreateCommandQueue(device->context, device->id, 0, &code);
    if (code != CL_SUCCESS)
        return cs_fail_cl(error, code, "clCreateCommandQueue");
    return cs_probe(device, error);
}

/* Retains what the device keeps; what was retained, its release releases. */
static clstep_status retain(clstep_device *device, cl_context context,
                            cl_device_id id, clstep_error *error)
{
    cl_int code = clRetainContext(context);

    if (code != CL_SUCCESS)
        return cs_fail_cl(error, code, "clRetainContext");
    device->context = context;
    code = clRetainDevice(id);
    if (code != CL_SUCCESS)
        return cs_fail_cl(error, code, "clRetainDevice");
    device->id = id;
    return CLSTEP_OK;
}

clstep_status clstep_device_create(cl_context context, cl_device_id id,
                                   clstep_device **out, clstep_error *error)
{
    if (out == NULL)
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT, "out is NULL");
    *out = NULL;
    if (context == NULL || id == NULL)
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT, "%s is NULL",
                       context == NULL ? "context" : "id");

    clstep_status status = check_member(context, id, error);

    if (status != CLSTEP_OK)
        return status;

    clstep_device *device = calloc(1, sizeof(*device));

    if (device == NULL || pthread_mutex_init(&device->lock, NULL) != 0) {
        free(device);
        return cs_fail(error, CLSTEP_OUT_OF_MEMORY, "no memory for a device");
    }
    atomic_init(&device->references, 1);

    status = retain(device, context, id, error);
    if (status == CLSTEP_OK)
        status = open_device(device, error);
    if (status != CLSTEP_OK) {
        clstep_device_release(device);
        return status;
    }
    *out = device;
    return CLSTEP_OK;
}

void cs_device_retain(clstep_device *device)
{
    atomic_fetch_add(&device->references, 1);
}

void clstep_device_release(clstep_device *device)
{
    if (device == NULL || atomic_fetch_sub(&device->references, 1) != 1)
        return;

    for (struct cs_program *p = device->programs, *next; p != NULL; p = next) {
        next = p->next;
        clReleaseProgram(p->program);
        free(p->declarations);
        free(p);
    }
    if (device->queue != NULL)
        clReleaseCommandQueue(device->queue);
    if (device->id != NULL)
        clReleaseDevice(device->id);
    if (device->context != NULL)
        clReleaseContext(device->context);
    pthread_mutex_destroy(&device->lock);
    free(device->build_log);
    free(device);
}

void clstep_device_numerics(const clstep_device *device,
                            clstep_numerics *numerics)
{
    if (device != NULL && numerics != NULL)
        *numerics = device->numerics;
}

size_t clstep_device_build_log(clstep_device *device, char *text, size_t size)
{
    size_t length = 0;

    if (text != NULL && size != 0)
        text[0] = '\0';
    if (device == NULL)
        return 0;

    pthread_mutex_lock(&device->lock);
    if (device->build_log != NULL) {
        length = strlen(device->build_log);
        if (text != NULL && size != 0)
            snprintf(text, size, "%s", device->build_log);
    }
    pthread_mutex_unlock(&device->lock);
    return length;
}

/* --- programs ------------------------------------------------------------- */

/* Keeps the log of a failed build, and fails with its first error. */
static clstep_status fail_build(clstep_device *device, cl_program program,
                                cl_int code, clstep_error *error)
{
    size_t size = 0;
    char *log = NULL;

    clGetProgramBuildInfo(program, device->id, CL_PROGRAM_BUILD_LOG, 0, NULL,
                          &size);
    log = calloc(size + 1, 1);
    if (log != NULL && size != 0)
        clGetProgramBuildInfo(program, device->id, CL_PROGRAM_BUILD_LOG, size,
                              log, NULL);

    const char *line = log != NULL ? strstr(log, "error:") : NULL;

    if (line == NULL)
        line = log != NULL ? log : "";
    cs_fail(error, CLSTEP_BUILD_FAILED,
            "the device's compiler refused a kernel (OpenCL's code %d): %.*s",
            (int)code, (int)strcspn(line, "\r\n"), line);
    if (error != NULL)
        error->cl_code = code;
    free(device->build_log);
    device->build_log = log;
    return CLSTEP_BUILD_FAILED;
}

clstep_status cs_device_build(clstep_device *device, const char *declarations,
                              const char *const texts[CS_MAX_TEXTS],
                              cl_program *out, clstep_error *error)
{
    enum { COMMON = 5 };
    const char *all[COMMON + CS_MAX_TEXTS] = {
        device->through_double ? "#define THROUGH_DOUBLE\n" : "\n",
        declarations,
        cs_kernel_text("numerics"),
        cs_kernel_text("types"),
        cs_kernel_text("table"),
    };
    cl_uint count = COMMON;
    cl_int code;

    for (size_t i = 0; i < CS_MAX_TEXTS; i++)
        if (texts[i] != NULL)
            all[count++] = texts[i];

    cl_program program =
        clCreateProgramWithSource(device->context, count, all, NULL, &code);

    if (code != CL_SUCCESS)
        return cs_fail_cl(error, code, "clCreateProgramWithSource");

    code = clBuildProgram(program, 1, &device->id,
                          device->numerics.build_options, NULL, NULL);
    if (code != CL_SUCCESS) {
        const bool memory =
            code == CL_OUT_OF_HOST_MEMORY || code == CL_OUT_OF_RESOURCES;
        const clstep_status status =
            memory ? cs_fail_cl(error, code, "clBuildProgram")
                   : fail_build(device, program, code, error);

        clReleaseProgram(program);
        return status;
    }
    *out = program;
    return CLSTEP_OK;
}

/* Puts a program into the device's list, which takes it over. */
static clstep_status remember(clstep_device *device, const char *declarations,
                              const char *const texts[CS_MAX_TEXTS],
                              cl_program program, clstep_error *error)
{
    struct cs_program *entry = calloc(1, sizeof(*entry));
    char *copy = malloc(strlen(declarations) + 1);

    if (entry == NULL || copy == NULL) {
        free(entry);
        free(copy);
        clReleaseProgram(program);
        return cs_fail(error, CLSTEP_OUT_OF_MEMORY, "no memory for a program");
    }
    memcpy(copy, declarations, strlen(declarations) + 1);
    entry->next = device->programs;
    entry->declarations = copy;
    memcpy(entry->texts, texts, sizeof(entry->texts));
    entry->program = program;
    atomic_init(&entry->warm, 0);
    device->programs = entry;
    return CLSTEP_OK;
}

clstep_status cs_device_program(clstep_device *device, const char *declarations,
                                const char *const texts[CS_MAX_TEXTS],
                                struct cs_program **entry, clstep_error *error)
{
    clstep_status status = CLSTEP_OK;
    struct cs_program *found;

    pthread_mutex_lock(&device->lock);
    for (found = device->programs; found != NULL; found = found->next)
        if (memcmp(found->texts, texts, sizeof(found->texts)) == 0 &&
            strcmp(found->declarations, declarations) == 0)
            break;
    if (found == NULL) {
        cl_program program;

        status = cs_device_build(device, declarations, texts, &program, error);
        if (status == CLSTEP_OK)
            status = remember(device, declarations, texts, program, error);
        found = device->programs;
    }
    if (status == CLSTEP_OK)
        *entry = found;
    pthread_mutex_unlock(&device->lock);
    return status;
}

/* --- buffers and launches ------------------------------------------------- */

clstep_status
cs_device_buffer(clstep_device *device, uint64_t count, const char *what,
                 cl_mem *buffer, clstep_error *error)
{
    uint64_t bytes;
    cl_int code;

    if (!cs_size_multiply(count, sizeof(float), &bytes) || bytes > SIZE_MAX ||
        bytes > device->max_bytes)
        return cs_fail(error, CLSTEP_OUT_OF_MEMORY,
                       "%s of %llu elements is larger than the %llu bytes that "
                       "the device allows for one buffer",
                       what, (unsigned long long)count,
                       (unsigned long long)device->max_bytes);
    *buffer = clCreateBuffer(device->context, CL_MEM_READ_WRITE, (size_t)bytes,
                             NULL, &code);
    return code == CL_SUCCESS ? CLSTEP_OK
                              : cs_fail_cl(error, code, "clCreateBuffer");
}

clstep_status
cs_device_upload(clstep_device *device, const void *words, uint64_t count,
                 const char *what, cl_mem *buffer, clstep_error *error)
{
    const clstep_status status =
        cs_device_buffer(device, count, what, buffer, error);

    if (status != CLSTEP_OK)
        return status;

    const cl_int code = clEnqueueWriteBuffer(device->queue, *buffer, CL_TRUE, 0,
                                             (size_t)count * sizeof(cl_uint),
                                             words, 0, NULL, NULL);

    return code == CL_SUCCESS ? CLSTEP_OK
                              : cs_fail_cl(error, code, "clEnqueueWriteBuffer");
}

clstep_status cs_device_local(clstep_device *device, cl_kernel kernel,
                              size_t *local, clstep_error *error)
{
    size_t most = 0;
    const cl_int code =
        clGetKernelWorkGroupInfo(kernel, device->id, CL_KERNEL_WORK_GROUP_SIZE,
                                 sizeof(most), &most, NULL);

    if (code != CL_SUCCESS)
        return cs_fail_cl(error, code, "clGetKernelWorkGroupInfo");
    *local = CS_WORK_GROUP;
    while (*local > most && *local > 1)
        *local /= 2;
    return CLSTEP_OK;
}
