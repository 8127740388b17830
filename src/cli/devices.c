/*
 * devices.c - `clstep devices`: what there is to run on, and how exact it is
 * SPDX-License-Identifier: MIT
 */
#include "cli.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { MAX_DEVICES = 256 };

struct limits {
    cl_ulong global_memory, max_alloc; /* in bytes */
    cl_uint compute_units;
    size_t work_group_size;
    bool fp64, out_of_order;
};

static const char usage[] =
    "clstep devices [--json]\n"
    "\n"
    "Lists every OpenCL device of this machine: its number for --device, its\n"
    "driver, what a probe found of its arithmetic, and its limits.\n"
    "\n"
    "Results of an exact device, also of one that is exact through double,\n"
    "equal those of the scalar reference bit for bit.\n";

static void read_limits(cl_device_id id, struct limits *limits)
{
    cl_command_queue_properties queue = 0;
    cl_device_fp_config fp64 = 0;

    *limits = (struct limits){0};
    clGetDeviceInfo(id, CL_DEVICE_GLOBAL_MEM_SIZE,
                    sizeof(limits->global_memory), &limits->global_memory,
                    NULL);
    clGetDeviceInfo(id, CL_DEVICE_MAX_MEM_ALLOC_SIZE, sizeof(limits->max_alloc),
                    &limits->max_alloc, NULL);
    clGetDeviceInfo(id, CL_DEVICE_MAX_COMPUTE_UNITS,
                    sizeof(limits->compute_units), &limits->compute_units,
                    NULL);
    clGetDeviceInfo(id, CL_DEVICE_MAX_WORK_GROUP_SIZE,
                    sizeof(limits->work_group_size), &limits->work_group_size,
                    NULL);
    clGetDeviceInfo(id, CL_DEVICE_DOUBLE_FP_CONFIG, sizeof(fp64), &fp64, NULL);
    clGetDeviceInfo(id, CL_DEVICE_QUEUE_PROPERTIES, sizeof(queue), &queue,
                    NULL);
    limits->fp64 = fp64 != 0;
    limits->out_of_order =
        (queue & CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE) != 0;
}

static const char *type_of(cl_device_id id)
{
    cl_device_type type = 0;

    clGetDeviceInfo(id, CL_DEVICE_TYPE, sizeof(type), &type, NULL);
    return (type & CL_DEVICE_TYPE_GPU) != 0           ? "gpu"
           : (type & CL_DEVICE_TYPE_CPU) != 0         ? "cpu"
           : (type & CL_DEVICE_TYPE_ACCELERATOR) != 0 ? "accelerator"
                                                      : "other";
}

static const char *yes_or_no(bool answer)
{
    return answer ? "yes" : "no";
}

/* --- text ----------------------------------------------------------------- */

static void print_numerics(const clstep_numerics *n)
{
    printf("    numerics        %s\n", clstep_verdict_name(n->verdict));
    printf("    wrong results   division %" PRIu32 ", root %" PRIu32
           ", contraction %" PRIu32 ", subnormal %" PRIu32 " of %" PRIu32
           " each\n",
           n->wrong_division, n->wrong_root, n->wrong_contraction,
           n->wrong_subnormal, n->cases);
    printf("    build options   %s\n",
           n->build_options[0] != '\0' ? n->build_options : "none");
}

/* Prints one device; 'why' is NULL, or why its probe could not run. */
static void
print_device(size_t index, const struct cli_device *device, const char *why)
{
    const double gib = 1024.0 * 1024.0 * 1024.0;
    clstep_numerics numerics;
    struct limits limits;

    read_limits(device->id, &limits);
    printf("%s%-3zu %s\n", index > 0 ? "\n" : "", index, device->name);
    printf("    platform        %s\n", device->platform_name);
    printf("    type            %s\n", type_of(device->id));
    printf("    version         %s\n", device->version);
    printf("    driver          %s\n", device->driver);
    if (why != NULL) {
        printf("    numerics        unknown: %s\n", why);
    } else {
        clstep_device_numerics(device->device, &numerics);
        print_numerics(&numerics);
    }
    printf("    memory          %.1f GiB, at most %.1f GiB in a buffer\n",
           (double)limits.global_memory / gib, (double)limits.max_alloc / gib);
    printf("    compute units   %u, work-groups of at most %zu\n",
           (unsigned)limits.compute_units, limits.work_group_size);
    printf("    fp64            %s\n", yes_or_no(limits.fp64));
    printf("    out-of-order    %s\n", yes_or_no(limits.out_of_order));
}

/* --- JSON ----------------------------------------------------------------- */

static json_t *describe_numerics(const clstep_numerics *n)
{
    return json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:s}", "cases", (json_int_t)n->cases,
        "wrong_division", (json_int_t)n->wrong_division, "wrong_root",
        (json_int_t)n->wrong_root, "wrong_contraction",
        (json_int_t)n->wrong_contraction, "wrong_subnormal",
        (json_int_t)n->wrong_subnormal, "build_options", n->build_options);
}

static json_t *describe_limits(cl_device_id id)
{
    struct limits limits;

    read_limits(id, &limits);
    return json_pack("{s:I, s:I, s:I, s:I, s:b, s:b}", "global_memory_bytes",
                     (json_int_t)limits.global_memory, "max_alloc_bytes",
                     (json_int_t)limits.max_alloc, "compute_units",
                     (json_int_t)limits.compute_units, "max_work_group_size",
                     (json_int_t)limits.work_group_size, "fp64",
                     (int)limits.fp64, "out_of_order",
                     (int)limits.out_of_order);
}

static json_t *
describe_device(size_t index, const struct cli_device *device, const char *why)
{
    json_t *object =
        json_pack("{s:I, s:s, s:s, s:s, s:s, s:s}", "index", (json_int_t)index,
                  "name", device->name, "platform", device->platform_name,
                  "type", type_of(device->id), "version", device->version,
                  "driver", device->driver);
    clstep_numerics numerics;

    if (why == NULL) {
        clstep_device_numerics(device->device, &numerics);
        json_object_set_new(object, "verdict",
                            json_string(clstep_verdict_name(numerics.verdict)));
        json_object_set_new(object, "numerics", describe_numerics(&numerics));
    } else {
        json_object_set_new(object, "verdict", json_null());
        json_object_set_new(object, "error", json_string(why));
    }
    json_object_set_new(object, "limits", describe_limits(device->id));
    return object;
}

/* -------------------------------------------------------------------------- */

static int list_devices(bool json)
{
    cl_device_id ids[MAX_DEVICES];
    const size_t count = cli_device_ids(ids, MAX_DEVICES);
    json_t *list = json_array();

    for (size_t i = 0; i < count; i++) {
        struct cli_device device;
        clstep_error error;

        cli_progress("probing device %zu of %zu", i + 1, count);
        const char *why =
            cli_device_start(ids[i], &device, &error) ? NULL : error.message;
        cli_progress_end();
        if (json)
            json_array_append_new(list, describe_device(i, &device, why));
        else
            print_device(i, &device, why);
        cli_device_close(&device);
    }
    if (count == 0) {
        json_decref(list);
        return cli_fail("this machine has no OpenCL device");
    }
    if (json)
        return cli_print_json(json_pack("{s:o}", "devices", list));
    json_decref(list);
    return CLI_OK;
}

int cli_devices(int argc, const char **argv)
{
    int json = 0;
    const struct poptOption options[] = {
        {"json", '\0', POPT_ARG_NONE, &json, 0, "Print one JSON object", NULL},
        POPT_TABLEEND};
    const char *const *rest;
    int code = cli_options(argc, argv, options, usage, &rest);

    if (code < 0)
        code = cli_no_arguments(rest);
    return code < 0 ? list_devices(json != 0) : code;
}
