/*
 * faults.c - see faults.h
 * SPDX-License-Identifier: MIT
 */
#include "faults.h"
#include "scene.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* --- faults --------------------------------------------------------------- */

struct faults fault;

/* The code with which 'name' fails now, or CL_SUCCESS. */
static cl_int strike(const char *name)
{
    cl_int code = CL_OUT_OF_HOST_MEMORY;

    if (!fault.armed)
        return CL_SUCCESS;
    fault.calls++;
    if (fault.calls != fault.at && !(fault.from && fault.calls > fault.at))
        return CL_SUCCESS;
    if (fault.other_code)
        code = strcmp(name, "clBuildProgram") == 0 ? CL_BUILD_PROGRAM_FAILURE
                                                   : CL_INVALID_OPERATION;
    fault.last = name;
    if (fault.struck++ == 0) {
        fault.first = name;
        fault.code = code;
    }
    return code;
}

bool fault_way(unsigned index, unsigned small_stride, struct fault_way *way)
{
    static const struct fault_way ways[] = {
        {false, false, 1, 2}, {true, false, 2, 2}, {true, true, 1, 1}};

    if (index >= sizeof(ways) / sizeof(*ways))
        return false;
    *way = ways[index];
    if (fixture_is_deep()) {
        way->first = way->stride = 1;
    } else if (fixture_is_small()) {
        way->first = index + 1;
        way->stride = small_stride;
    }
    return true;
}

static bool strike_memory(const char *name)
{
    const unsigned before = fault.struck;
    const cl_int code = strike(name);

    if (code != CL_SUCCESS && before == 0)
        fault.code = CL_SUCCESS;
    return code != CL_SUCCESS;
}

/* Counts an object that was made with 'code'. */
static cl_int made(enum fault_kind kind, cl_int code)
{
    fault.live[kind] += code == CL_SUCCESS;
    return code;
}

static cl_int released(enum fault_kind kind, cl_int code)
{
    fault.live[kind] -= code == CL_SUCCESS;
    return code;
}

/* --- the functions, wrapped ----------------------------------------------- */

extern __typeof__(malloc) __real_malloc, __wrap_malloc;
extern __typeof__(calloc) __real_calloc, __wrap_calloc;
extern __typeof__(realloc) __real_realloc, __wrap_realloc;
extern __typeof__(free) __real_free, __wrap_free;
extern __typeof__(pthread_mutex_init) __real_pthread_mutex_init,
    __wrap_pthread_mutex_init;

void *__wrap_malloc(size_t size)
{
    void *p = strike_memory("malloc") ? NULL : __real_malloc(size);

    fault.live[MEMORY] += p != NULL;
    return p;
}

void *__wrap_calloc(size_t count, size_t size)
{
    void *p = strike_memory("calloc") ? NULL : __real_calloc(count, size);

    fault.live[MEMORY] += p != NULL;
    return p;
}

void *__wrap_realloc(void *old, size_t size)
{
    void *p = strike_memory("realloc") ? NULL : __real_realloc(old, size);

    fault.live[MEMORY] += old == NULL && p != NULL;
    return p;
}

void __wrap_free(void *p)
{
    fault.live[MEMORY] -= p != NULL;
    __real_free(p);
}

int __wrap_pthread_mutex_init(pthread_mutex_t *mutex,
                              const pthread_mutexattr_t *attributes)
{
    return strike_memory("pthread_mutex_init")
               ? 12 /* ENOMEM */
               : __real_pthread_mutex_init(mutex, attributes);
}

extern __typeof__(clRetainContext) __real_clRetainContext,
    __wrap_clRetainContext;
extern __typeof__(clRetainCommandQueue) __real_clRetainCommandQueue,
    __wrap_clRetainCommandQueue;
extern __typeof__(clRetainProgram) __real_clRetainProgram,
    __wrap_clRetainProgram;
extern __typeof__(clRetainEvent) __real_clRetainEvent, __wrap_clRetainEvent;

cl_int __wrap_clRetainContext(cl_context context)
{
    const cl_int code = strike("clRetainContext");

    return made(CONTEXTS, code ? code : __real_clRetainContext(context));
}

cl_int __wrap_clRetainCommandQueue(cl_command_queue queue)
{
    const cl_int code = strike("clRetainCommandQueue");

    return made(QUEUES, code ? code : __real_clRetainCommandQueue(queue));
}

cl_int __wrap_clRetainProgram(cl_program program)
{
    const cl_int code = strike("clRetainProgram");

    return made(PROGRAMS, code ? code : __real_clRetainProgram(program));
}

cl_int __wrap_clRetainEvent(cl_event event)
{
    const cl_int code = strike("clRetainEvent");

    return made(EVENTS, code ? code : __real_clRetainEvent(event));
}

extern __typeof__(clReleaseContext) __real_clReleaseContext,
    __wrap_clReleaseContext;
extern __typeof__(clReleaseCommandQueue) __real_clReleaseCommandQueue,
    __wrap_clReleaseCommandQueue;
extern __typeof__(clReleaseProgram) __real_clReleaseProgram,
    __wrap_clReleaseProgram;
extern __typeof__(clReleaseKernel) __real_clReleaseKernel,
    __wrap_clReleaseKernel;
extern __typeof__(clReleaseMemObject) __real_clReleaseMemObject,
    __wrap_clReleaseMemObject;
extern __typeof__(clReleaseEvent) __real_clReleaseEvent, __wrap_clReleaseEvent;

cl_int __wrap_clReleaseContext(cl_context context)
{
    return released(CONTEXTS, __real_clReleaseContext(context));
}

cl_int __wrap_clReleaseCommandQueue(cl_command_queue queue)
{
    return released(QUEUES, __real_clReleaseCommandQueue(queue));
}

cl_int __wrap_clReleaseProgram(cl_program program)
{
    return released(PROGRAMS, __real_clReleaseProgram(program));
}

cl_int __wrap_clReleaseKernel(cl_kernel kernel)
{
    return released(KERNELS, __real_clReleaseKernel(kernel));
}

cl_int __wrap_clReleaseMemObject(cl_mem buffer)
{
    return released(BUFFERS, __real_clReleaseMemObject(buffer));
}

cl_int __wrap_clReleaseEvent(cl_event event)
{
    return released(EVENTS, __real_clReleaseEvent(event));
}

extern __typeof__(clCreateCommandQueue) __real_clCreateCommandQueue,
    __wrap_clCreateCommandQueue;
extern __typeof__(clCreateBuffer) __real_clCreateBuffer, __wrap_clCreateBuffer;
extern __typeof__(clCreateProgramWithSource) __real_clCreateProgramWithSource,
    __wrap_clCreateProgramWithSource;
extern __typeof__(clCreateKernel) __real_clCreateKernel, __wrap_clCreateKernel;
extern __typeof__(clCreateUserEvent) __real_clCreateUserEvent,
    __wrap_clCreateUserEvent;
extern __typeof__(clBuildProgram) __real_clBuildProgram, __wrap_clBuildProgram;

cl_command_queue
__wrap_clCreateCommandQueue(cl_context context, cl_device_id id,
                            cl_command_queue_properties properties,
                            cl_int *code)
{
    cl_command_queue queue = NULL;

    *code = strike("clCreateCommandQueue");
    if (*code == CL_SUCCESS)
        queue = __real_clCreateCommandQueue(context, id, properties, code);
    made(QUEUES, *code);
    return queue;
}

cl_mem __wrap_clCreateBuffer(cl_context context, cl_mem_flags flags,
                             size_t size, void *data, cl_int *code)
{
    cl_mem buffer = NULL;

    *code = strike("clCreateBuffer");
    if (*code == CL_SUCCESS)
        buffer = __real_clCreateBuffer(context, flags, size, data, code);
    made(BUFFERS, *code);
    return buffer;
}

cl_program __wrap_clCreateProgramWithSource(cl_context context, cl_uint count,
                                            const char **texts,
                                            const size_t *lengths, cl_int *code)
{
    cl_program program = NULL;

    *code = strike("clCreateProgramWithSource");
    if (*code == CL_SUCCESS)
        program = __real_clCreateProgramWithSource(context, count, texts,
                                                   lengths, code);
    made(PROGRAMS, *code);
    return program;
}

cl_kernel
__wrap_clCreateKernel(cl_program program, const char *name, cl_int *code)
{
    cl_kernel kernel = NULL;

    *code = strike("clCreateKernel");
    if (*code == CL_SUCCESS)
        kernel = __real_clCreateKernel(program, name, code);
    made(KERNELS, *code);
    return kernel;
}

/* The library creates none: these are the test's. */
cl_event __wrap_clCreateUserEvent(cl_context context, cl_int *code)
{
    cl_event event = __real_clCreateUserEvent(context, code);

    made(EVENTS, *code);
    return event;
}

cl_int
__wrap_clBuildProgram(cl_program program, cl_uint count,
                      const cl_device_id *ids, const char *options,
                      void(CL_CALLBACK *notify)(cl_program, void *), void *data)
{
    const cl_int code = strike("clBuildProgram");

    return code ? code
                : __real_clBuildProgram(program, count, ids, options, notify,
                                        data);
}

extern __typeof__(clEnqueueNDRangeKernel) __real_clEnqueueNDRangeKernel,
    __wrap_clEnqueueNDRangeKernel;
extern __typeof__(clEnqueueReadBuffer) __real_clEnqueueReadBuffer,
    __wrap_clEnqueueReadBuffer;
extern __typeof__(clEnqueueWriteBuffer) __real_clEnqueueWriteBuffer,
    __wrap_clEnqueueWriteBuffer;
extern __typeof__(clEnqueueMarkerWithWaitList)
    __real_clEnqueueMarkerWithWaitList,
    __wrap_clEnqueueMarkerWithWaitList;
extern __typeof__(clSetEventCallback) __real_clSetEventCallback,
    __wrap_clSetEventCallback;
extern __typeof__(clFinish) __real_clFinish, __wrap_clFinish;
extern __typeof__(clFlush) __real_clFlush, __wrap_clFlush;
extern __typeof__(clWaitForEvents) __real_clWaitForEvents,
    __wrap_clWaitForEvents;
extern __typeof__(clSetKernelArg) __real_clSetKernelArg, __wrap_clSetKernelArg;

/* Counts the event that a call gave. */
static cl_int gave(const cl_event *event, cl_int code)
{
    if (event != NULL)
        made(EVENTS, code);
    return code;
}

cl_int __wrap_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel,
                                     cl_uint dimensions, const size_t *offset,
                                     const size_t *global, const size_t *local,
                                     cl_uint count, const cl_event *list,
                                     cl_event *event)
{
    const cl_int code = strike("clEnqueueNDRangeKernel");

    return gave(event, code ? code
                            : __real_clEnqueueNDRangeKernel(
                                  queue, kernel, dimensions, offset, global,
                                  local, count, list, event));
}

cl_int __wrap_clEnqueueReadBuffer(cl_command_queue queue, cl_mem buffer,
                                  cl_bool blocking, size_t offset, size_t size,
                                  void *data, cl_uint count,
                                  const cl_event *list, cl_event *event)
{
    const cl_int code = strike("clEnqueueReadBuffer");

    return gave(event, code ? code
                            : __real_clEnqueueReadBuffer(
                                  queue, buffer, blocking, offset, size, data,
                                  count, list, event));
}

cl_int __wrap_clEnqueueWriteBuffer(cl_command_queue queue, cl_mem buffer,
                                   cl_bool blocking, size_t offset, size_t size,
                                   const void *data, cl_uint count,
                                   const cl_event *list, cl_event *event)
{
    const cl_int code = strike("clEnqueueWriteBuffer");

    return gave(event, code ? code
                            : __real_clEnqueueWriteBuffer(
                                  queue, buffer, blocking, offset, size, data,
                                  count, list, event));
}

cl_int __wrap_clEnqueueMarkerWithWaitList(cl_command_queue queue, cl_uint count,
                                          const cl_event *list, cl_event *event)
{
    const cl_int code = strike("clEnqueueMarkerWithWaitList");

    return gave(event, code ? code
                            : __real_clEnqueueMarkerWithWaitList(queue, count,
                                                                 list, event));
}

cl_int
__wrap_clSetEventCallback(cl_event event, cl_int type,
                          void(CL_CALLBACK *notify)(cl_event, cl_int, void *),
                          void *data)
{
    const cl_int code = strike("clSetEventCallback");

    return code ? code : __real_clSetEventCallback(event, type, notify, data);
}

cl_int __wrap_clFinish(cl_command_queue queue)
{
    const cl_int code = strike("clFinish");

    return code ? code : __real_clFinish(queue);
}

cl_int __wrap_clFlush(cl_command_queue queue)
{
    const cl_int code = strike("clFlush");

    return code ? code : __real_clFlush(queue);
}

cl_int __wrap_clWaitForEvents(cl_uint count, const cl_event *list)
{
    const cl_int code = strike("clWaitForEvents");

    return code ? code : __real_clWaitForEvents(count, list);
}

cl_int __wrap_clSetKernelArg(cl_kernel kernel, cl_uint index, size_t size,
                             const void *value)
{
    const cl_int code = strike("clSetKernelArg");

    return code ? code : __real_clSetKernelArg(kernel, index, size, value);
}

extern __typeof__(clGetCommandQueueInfo) __real_clGetCommandQueueInfo,
    __wrap_clGetCommandQueueInfo;
extern __typeof__(clGetContextInfo) __real_clGetContextInfo,
    __wrap_clGetContextInfo;
extern __typeof__(clGetDeviceInfo) __real_clGetDeviceInfo,
    __wrap_clGetDeviceInfo;
extern __typeof__(clGetEventInfo) __real_clGetEventInfo, __wrap_clGetEventInfo;
extern __typeof__(clGetKernelWorkGroupInfo) __real_clGetKernelWorkGroupInfo,
    __wrap_clGetKernelWorkGroupInfo;
extern __typeof__(clGetMemObjectInfo) __real_clGetMemObjectInfo,
    __wrap_clGetMemObjectInfo;
extern __typeof__(clGetProgramBuildInfo) __real_clGetProgramBuildInfo,
    __wrap_clGetProgramBuildInfo;

cl_int
__wrap_clGetCommandQueueInfo(cl_command_queue queue, cl_command_queue_info name,
                             size_t size, void *value, size_t *size_out)
{
    const cl_int code = strike("clGetCommandQueueInfo");

    return code ? code
                : __real_clGetCommandQueueInfo(queue, name, size, value,
                                               size_out);
}

cl_int __wrap_clGetContextInfo(cl_context context, cl_context_info name,
                               size_t size, void *value, size_t *size_out)
{
    const cl_int code = strike("clGetContextInfo");

    return code ? code
                : __real_clGetContextInfo(context, name, size, value, size_out);
}

cl_int __wrap_clGetDeviceInfo(cl_device_id id, cl_device_info name, size_t size,
                              void *value, size_t *size_out)
{
    const cl_int code = strike("clGetDeviceInfo");

    return code ? code
                : __real_clGetDeviceInfo(id, name, size, value, size_out);
}

cl_int __wrap_clGetEventInfo(cl_event event, cl_event_info name, size_t size,
                             void *value, size_t *size_out)
{
    const cl_int code = strike("clGetEventInfo");

    return code ? code
                : __real_clGetEventInfo(event, name, size, value, size_out);
}

cl_int
__wrap_clGetKernelWorkGroupInfo(cl_kernel kernel, cl_device_id id,
                                cl_kernel_work_group_info name, size_t size,
                                void *value, size_t *size_out)
{
    const cl_int code = strike("clGetKernelWorkGroupInfo");

    return code ? code
                : __real_clGetKernelWorkGroupInfo(kernel, id, name, size, value,
                                                  size_out);
}

cl_int __wrap_clGetMemObjectInfo(cl_mem buffer, cl_mem_info name, size_t size,
                                 void *value, size_t *size_out)
{
    const cl_int code = strike("clGetMemObjectInfo");

    return code
               ? code
               : __real_clGetMemObjectInfo(buffer, name, size, value, size_out);
}

cl_int __wrap_clGetProgramBuildInfo(cl_program program, cl_device_id id,
                                    cl_program_build_info name, size_t size,
                                    void *value, size_t *size_out)
{
    const cl_int code = strike("clGetProgramBuildInfo");

    return code ? code
                : __real_clGetProgramBuildInfo(program, id, name, size, value,
                                               size_out);
}

/* --- what is said ----------------------------------------------------------
 */

/* The failure says what has failed.  After a refused build the probe tries
 * other options, and the next function that fails is the one. */
void check_fault(const clstep_error *error)
{
    assert_true(fault.struck != 0);

    /* Where all calls fail, others may have followed an allocation. */
    if (fault.from && error->status == CLSTEP_OUT_OF_MEMORY &&
        error->cl_code == CL_SUCCESS) {
        check_error(error, CLSTEP_OUT_OF_MEMORY, "memory");
        return;
    }
    /* A look at what has ended may fail unsaid; what is needed then fails. */
    if (fault.from && strcmp(fault.first, "clGetEventInfo") == 0) {
        check_error(error, CLSTEP_CL_FAILED, "failed with OpenCL's code");
        return;
    }
    if (fault.code == CL_SUCCESS)
        check_error(error, CLSTEP_OUT_OF_MEMORY, "memory");
    else if (fault.code == CL_OUT_OF_HOST_MEMORY)
        check_error(error, CLSTEP_OUT_OF_MEMORY, fault.first);
    else if (fault.code == CL_INVALID_OPERATION)
        check_error(error, CLSTEP_CL_FAILED, fault.first);
    else if (error->status == CLSTEP_BUILD_FAILED)
        check_error(error, CLSTEP_BUILD_FAILED, "compiler");
    else
        check_error(error, CLSTEP_CL_FAILED, fault.last);
    if (error->status != CLSTEP_CL_FAILED)
        assert_int_equal(error->cl_code, fault.code);
}
