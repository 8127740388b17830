/*
 * buffers.c - whether the caller's queue and buffers can be used
 * SPDX-License-Identifier: MIT
 *
 * OpenCL itself checks none of this when a kernel is launched.
 */
#include "optimizer.h"
#include "error.h"
#include "sizes.h"

clstep_status cs_check_queue_of(const clstep_device *device, const char *owner,
                                cl_command_queue queue, clstep_error *error)
{
    cl_context context = NULL;
    cl_device_id id = NULL;
    cl_int code;

    if (queue == NULL)
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT, "queue is NULL");
    code = clGetCommandQueueInfo(queue, CL_QUEUE_CONTEXT, sizeof(context),
                                 &context, NULL);
    if (code == CL_SUCCESS)
        code = clGetCommandQueueInfo(queue, CL_QUEUE_DEVICE, sizeof(id), &id,
                                     NULL);
    if (code != CL_SUCCESS)
        return cs_fail_cl(error, code, "clGetCommandQueueInfo");
    if (context != device->context || id != device->id)
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT,
                       "queue belongs to another %s than the %s",
                       context != device->context ? "context" : "device",
                       owner);
    return CLSTEP_OK;
}

clstep_status cs_check_queue(const clstep_optimizer *optimizer,
                             cl_command_queue queue, clstep_error *error)
{
    return cs_check_queue_of(optimizer->device, "optimizer", queue, error);
}

/* What is known of one of the caller's buffers. */
struct range {
    cl_mem root; /* the buffer itself, or what a sub-buffer is a part of */
    uint64_t begin, end; /* in bytes from the root's beginning */
    cl_mem_flags flags;
};

static cl_int
inspect(cl_mem buffer, struct range *range, size_t *base, size_t *size,
        cl_context *context, cl_mem_object_type *type)
{
    cl_mem parent = NULL;
    cl_int code =
        clGetMemObjectInfo(buffer, CL_MEM_TYPE, sizeof(*type), type, NULL);

    if (code == CL_SUCCESS)
        code = clGetMemObjectInfo(buffer, CL_MEM_CONTEXT, sizeof(*context),
                                  context, NULL);
    if (code == CL_SUCCESS)
        code =
            clGetMemObjectInfo(buffer, CL_MEM_SIZE, sizeof(*size), size, NULL);
    if (code == CL_SUCCESS)
        code = clGetMemObjectInfo(buffer, CL_MEM_FLAGS, sizeof(range->flags),
                                  &range->flags, NULL);
    if (code == CL_SUCCESS)
        code = clGetMemObjectInfo(buffer, CL_MEM_ASSOCIATED_MEMOBJECT,
                                  sizeof(parent), &parent, NULL);
    *base = 0;
    if (code == CL_SUCCESS && parent != NULL)
        code = clGetMemObjectInfo(buffer, CL_MEM_OFFSET, sizeof(*base), base,
                                  NULL);
    range->root = parent != NULL ? parent : buffer;
    return code;
}

/* Fills in '*range' for 'count' elements of 'element' bytes of 'buffer', which
 * the caller calls 'name'. */
static clstep_status
check_range(cl_context wanted, cl_mem buffer, uint64_t offset, uint64_t count,
            uint64_t element, const char *name, struct range *range,
            clstep_error *error)
{
    size_t base = 0, size = 0;
    cl_context context = NULL;
    cl_mem_object_type type = 0;

    if (buffer == NULL)
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT, "%s is NULL", name);

    const cl_int code = inspect(buffer, range, &base, &size, &context, &type);

    if (code != CL_SUCCESS)
        return cs_fail_cl(error, code, "clGetMemObjectInfo");
    if (type != CL_MEM_OBJECT_BUFFER)
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT,
                       "%s is an image or a pipe; it has to be a buffer", name);
    if (context != wanted)
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT,
                       "%s belongs to another context than the queue", name);
    if (!cs_size_range(0, offset, count, element, &range->begin, &range->end) ||
        range->end > size)
        return cs_fail(
            error, CLSTEP_INVALID_ARGUMENT,
            "%s has %llu elements, too few for %llu from offset %llu", name,
            (unsigned long long)(size / element), (unsigned long long)count,
            (unsigned long long)offset);
    range->begin += base;
    range->end += base;
    return CLSTEP_OK;
}

/* The same of a buffer of which 'use' is made. */
static clstep_status
check_open(cl_context context, cl_mem buffer, uint64_t offset, uint64_t count,
           uint64_t size, const char *name, unsigned use, struct range *range,
           clstep_error *error)
{
    static const char *const words[] = {
        [CS_READ] = "read",
        [CS_WRITE] = "written",
        [CS_READ | CS_WRITE] = "read and written",
    };
    const clstep_status status =
        check_range(context, buffer, offset, count, size, name, range, error);

    if (status != CLSTEP_OK)
        return status;
    if ((use & CS_WRITE && range->flags & CL_MEM_READ_ONLY) ||
        (use & CS_READ && range->flags & CL_MEM_WRITE_ONLY))
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT,
                       "%s is a %s-only buffer; it is %s", name,
                       range->flags & CL_MEM_READ_ONLY ? "read" : "write",
                       words[use]);
    return CLSTEP_OK;
}

clstep_status
cs_check_buffer(cl_context context, cl_mem buffer, uint64_t offset,
                uint64_t count, uint64_t size, const char *name, unsigned use,
                clstep_error *error)
{
    struct range range;

    return check_open(context, buffer, offset, count, size, name, use, &range,
                      error);
}

/* Fails if two of the caller's ranges overlap. */
static clstep_status
check_overlap(const struct range *a, const char *a_name, const struct range *b,
              const char *b_name, clstep_error *error)
{
    if (a->root != b->root || a->begin >= b->end || b->begin >= a->end)
        return CLSTEP_OK;
    return cs_fail(error, CLSTEP_INVALID_ARGUMENT,
                   "%s and %s overlap: bytes %llu to %llu and %llu to %llu of "
                   "one buffer",
                   a_name, b_name, (unsigned long long)a->begin,
                   (unsigned long long)a->end, (unsigned long long)b->begin,
                   (unsigned long long)b->end);
}

clstep_status
cs_check_beside(cl_context context, const clstep_buffers *buffers, unsigned use,
                cl_mem other, uint64_t offset, uint64_t count, const char *name,
                unsigned other_use, clstep_error *error)
{
    struct range parameters, others;
    clstep_status status =
        check_open(context, buffers->parameters, buffers->parameters_offset,
                   count, sizeof(float), "parameters", use, &parameters, error);

    if (status == CLSTEP_OK)
        status = check_open(context, other, offset, count, sizeof(float), name,
                            other_use, &others, error);
    if (status == CLSTEP_OK)
        status = check_overlap(&parameters, "parameters", &others, name, error);
    return status;
}

/* Says whether 'buffers' have what these settings ask for and nothing else. */
static clstep_status
check_extras(const clstep_optimizer *optimizer, const clstep_buffers *buffers,
             uint64_t count, struct range *copy, clstep_error *error)
{
    const struct cs_settings *settings = optimizer->settings;
    const bool copies = cs_settings_feature(settings, CS_COPY_TYPE) != 0.0;
    clstep_status status = CLSTEP_OK;

    if (!copies && buffers->copy != NULL)
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT,
                       "copy is a buffer, but the optimizer has no copy_type; "
                       "it has to be NULL");
    if (copies)
        status =
            check_range(optimizer->device->context, buffers->copy,
                        buffers->copy_offset, count, 2, "copy", copy, error);
    if (status == CLSTEP_OK && copies && (copy->flags & CL_MEM_READ_ONLY))
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT,
                       "copy is a read-only buffer; a step writes it");
    return status;
}

/* The same for the scale; '*scale' is empty where there is none. */
static clstep_status
check_scale(const clstep_optimizer *optimizer, const clstep_buffers *buffers,
            struct range *scale, clstep_error *error)
{
    *scale = (struct range){.root = NULL};
    if (cs_settings_feature(optimizer->settings, CS_DEVICE_SCALE) == 0.0) {
        if (buffers->scale == NULL)
            return CLSTEP_OK;
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT,
                       "scale is a buffer, but the optimizer has no "
                       "device_scale; it has to be NULL");
    }

    const clstep_status status = check_range(
        optimizer->device->context, buffers->scale, buffers->scale_offset, 1,
        sizeof(float), "scale", scale, error);

    if (status == CLSTEP_OK && (scale->flags & CL_MEM_WRITE_ONLY))
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT,
                       "scale is a write-only buffer; a step reads it");
    return status;
}

clstep_status cs_check_scale(const clstep_optimizer *optimizer,
                             const clstep_buffers *buffers, clstep_error *error)
{
    struct range scale;

    return check_scale(optimizer, buffers, &scale, error);
}

clstep_status
cs_check_buffers(const clstep_optimizer *optimizer,
                 const clstep_buffers *buffers, uint64_t count,
                 const clstep_buffers *scaled, clstep_error *error)
{
    const struct cs_settings *settings = optimizer->settings;
    const bool zero = cs_settings_feature(settings, CS_ZERO_GRAD) != 0.0;
    const bool half =
        cs_settings_feature(settings, CS_GRAD_TYPE) != CS_TYPE_F32;
    struct range parameters, gradients, copy = {0}, scale = {0};
    clstep_status status =
        check_range(optimizer->device->context, buffers->parameters,
                    buffers->parameters_offset, count, sizeof(float),
                    "parameters", &parameters, error);

    if (status == CLSTEP_OK)
        status = check_range(optimizer->device->context, buffers->gradients,
                             buffers->gradients_offset, count, half ? 2 : 4,
                             "gradients", &gradients, error);
    if (status == CLSTEP_OK)
        status = check_extras(optimizer, buffers, count, &copy, error);
    if (status == CLSTEP_OK)
        status = check_scale(optimizer, scaled, &scale, error);
    if (status != CLSTEP_OK)
        return status;

    if (parameters.flags & (CL_MEM_READ_ONLY | CL_MEM_WRITE_ONLY))
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT,
                       "parameters is a %s-only buffer; a step reads and "
                       "writes it",
                       parameters.flags & CL_MEM_READ_ONLY ? "read" : "write");
    if (gradients.flags & CL_MEM_WRITE_ONLY)
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT,
                       "gradients is a write-only buffer; a step reads it");
    if (zero && (gradients.flags & CL_MEM_READ_ONLY))
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT,
                       "gradients is a read-only buffer; zero_grad writes it");
    status = check_overlap(&parameters, "parameters", &gradients, "gradients",
                           error);
    if (status == CLSTEP_OK)
        status = check_overlap(&parameters, "parameters", &copy, "copy", error);
    if (status == CLSTEP_OK)
        status = check_overlap(&gradients, "gradients", &copy, "copy", error);
    if (status == CLSTEP_OK)
        status =
            check_overlap(&parameters, "parameters", &scale, "scale", error);
    if (status == CLSTEP_OK)
        status = check_overlap(&gradients, "gradients", &scale, "scale", error);
    if (status == CLSTEP_OK)
        status = check_overlap(&copy, "copy", &scale, "scale", error);
    return status;
}
