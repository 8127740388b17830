/*
 * replay_input.c - the input files of `clstep replay`
 * SPDX-License-Identifier: MIT
 */
#include "replay.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Opens what 'option' names, if that was given. */
static int
open_input(const char *option, const char *path, struct safetensors **file)
{
    struct safetensors_error error;

    if (path == NULL || safetensors_open(path, file, &error))
        return -1;
    return replay_file_fail(option, &error);
}

static int check_output(const char *option, const char *path)
{
    struct safetensors_error error;

    if (path == NULL || safetensors_writable(path, &error))
        return -1;
    return replay_file_fail(option, &error);
}

int replay_open_inputs(struct replay *r)
{
    const struct replay_options *o = r->options;
    int code = open_input("--params", o->params, &r->params);

    if (code < 0)
        code = open_input("--grads", o->grads, &r->grads);
    if (code < 0)
        code = open_input("--state-in", o->state_in, &r->state);
    if (code < 0)
        code = check_output("--out", o->out);
    if (code < 0)
        code = check_output("--copy-out", o->copy_out);
    if (code < 0)
        code = check_output("--evaluated-out", o->evaluated_out);
    if (code < 0)
        code = check_output("--state-out", o->state_out);
    if (code >= 0)
        return code;

    r->tensors = safetensors_tensors(r->params);
    r->count = safetensors_count(r->params);
    for (size_t i = 0; i < r->count; i++) {
        r->parameters += r->tensors[i].count;
        if (r->tensors[i].count > r->largest)
            r->largest = r->tensors[i].count;
    }
    return -1;
}

const char *
replay_shape_text(const struct safetensors_tensor *tensor, char text[128])
{
    size_t used = (size_t)snprintf(text, 128, "[");

    for (size_t i = 0; i < tensor->rank && used < 100; i++)
        used += (size_t)snprintf(text + used, 128 - used, "%s%" PRIu64,
                                 i > 0 ? ", " : "", tensor->shape[i]);
    snprintf(text + used, 128 - used, used < 100 ? "]" : " ...]");
    return text;
}

bool replay_same_shape(const struct safetensors_tensor *a,
                       const struct safetensors_tensor *b, size_t skip)
{
    return b->rank == a->rank + skip &&
           (a->rank == 0 || memcmp(a->shape, b->shape + skip,
                                   a->rank * sizeof(*a->shape)) == 0);
}

/* The parameters are floats, the gradients what grad_type says. */
static int
check_dtypes(const struct replay *r, const struct safetensors_tensor *tensor,
             const struct safetensors_tensor *gradient)
{
    static const char *const types[] = {"f32", "f16", "bf16"};
    const enum safetensors_dtype wanted =
        cli_engine_dtype(r->settings, "grad_type");

    if (tensor->dtype != SAFETENSORS_F32)
        return cli_fail("'%s': tensor '%.200s' is %s, but parameters are F32",
                        safetensors_path(r->params), tensor->name,
                        safetensors_dtype_name(tensor->dtype));
    if (gradient->dtype == wanted)
        return -1;
    return cli_fail("'%s': tensor '%.200s' is %s, but grad_type=%s takes %s",
                    safetensors_path(r->grads), gradient->name,
                    safetensors_dtype_name(gradient->dtype), types[wanted],
                    safetensors_dtype_name(wanted));
}

/* Checks the gradients of one tensor, the first of which sets 'slices'. */
static int
match_gradient(struct replay *r, const struct safetensors_tensor *tensor)
{
    const char *file = safetensors_path(r->grads);
    const struct safetensors_tensor *gradient =
        safetensors_find(r->grads, tensor->name);
    char shape[128], wanted[128];

    if (gradient == NULL)
        return cli_fail("'%s' has no tensor '%.200s', which '%s' has", file,
                        tensor->name, safetensors_path(r->params));

    const int code = check_dtypes(r, tensor, gradient);

    if (code >= 0)
        return code;
    if (!replay_same_shape(tensor, gradient, 1))
        return cli_fail("'%s': tensor '%.200s' has the shape %s, which is not"
                        " [T] and the %s of '%s'",
                        file, tensor->name, replay_shape_text(gradient, shape),
                        replay_shape_text(tensor, wanted),
                        safetensors_path(r->params));
    if (gradient->shape[0] == 0)
        return cli_fail("'%s': tensor '%.200s' has no slice for a step", file,
                        tensor->name);
    if (tensor != r->tensors && gradient->shape[0] != r->slices)
        return cli_fail("'%s': tensor '%.200s' has %" PRIu64 " slices, but"
                        " tensor '%.200s' has %" PRIu64,
                        file, tensor->name, gradient->shape[0],
                        r->tensors[0].name, r->slices);
    r->slices = gradient->shape[0];
    return -1;
}

int replay_match_gradients(struct replay *r)
{
    const struct safetensors_tensor *gradients = safetensors_tensors(r->grads);
    int code = -1;

    for (size_t i = 0; i < r->count && code < 0; i++)
        code = match_gradient(r, &r->tensors[i]);
    for (size_t i = 0; i < safetensors_count(r->grads) && code < 0; i++)
        if (safetensors_find(r->params, gradients[i].name) == NULL)
            code = cli_fail("'%s' has a tensor '%.200s', which '%s' lacks",
                            safetensors_path(r->grads), gradients[i].name,
                            safetensors_path(r->params));
    return code;
}

int replay_read(const struct replay *r, const struct safetensors *file,
                uint64_t slice, void *array)
{
    struct safetensors_error error;

    for (size_t i = 0; i < r->count; i++) {
        const struct safetensors_tensor *tensor =
            safetensors_find(file, r->tensors[i].name);
        const uint64_t count = r->tensors[i].count;
        char *to = (char *)array + safetensors_dtype_size(tensor->dtype) *
                                       (size_t)r->engine.offsets[i];

        if (!safetensors_read(file, tensor, slice * count, count, to, &error))
            return cli_fail("%s", error.message);
    }
    return -1;
}
