/*
 * fixture.c - see fixture.h
 * SPDX-License-Identifier: MIT
 */
#include "fixture.h"
#include "device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_TESTS = 64 };

static struct trial_place place;
static cl_device_id id;
static unsigned shard, shards = 1;

/* The first device of the first platform that has one. */
static bool find_device(void)
{
    cl_platform_id platforms[16];
    cl_uint count = 0;

    if (clGetPlatformIDs(16, platforms, &count) != CL_SUCCESS)
        return false;
    for (cl_uint i = 0; i < count && i < 16; i++)
        if (clGetDeviceIDs(platforms[i], CL_DEVICE_TYPE_ALL, 1, &id, NULL) ==
            CL_SUCCESS)
            return true;
    return false;
}

int fixture_open(void **state)
{
    clstep_error error;
    clstep_numerics numerics;
    cl_int code;
    char name[128] = "";

    (void)state;
    if (!find_device()) {
        print_error("no OpenCL device: a failure, not a skip\n");
        return -1;
    }
    clGetDeviceInfo(id, CL_DEVICE_NAME, sizeof(name), name, NULL);
    place.context = clCreateContext(NULL, 1, &id, NULL, NULL, &code);
    if (code == CL_SUCCESS)
        place.queue = clCreateCommandQueue(place.context, id, 0, &code);
    if (code != CL_SUCCESS ||
        clstep_device_create(place.context, id, &place.device, &error) !=
            CLSTEP_OK) {
        print_error("the device cannot be used: %s\n",
                    code == CL_SUCCESS ? error.message : name);
        return -1;
    }
    /* Oclgrind 21.10 loses track of what is initialised in vectors, and ends by
     * a signal: its sums are those of work-groups. */
    if (strstr(name, "Oclgrind") != NULL)
        place.device->grouped = true;
    clstep_device_numerics(place.device, &numerics);
    print_message("device: %s, numerics: %s\n", name,
                  clstep_verdict_name(numerics.verdict));
    return 0;
}

int fixture_close(void **state)
{
    (void)state;
    clstep_device_release(place.device);
    clReleaseCommandQueue(place.queue);
    clReleaseContext(place.context);
    return 0;
}

const struct trial_place *fixture_place(void)
{
    return &place;
}

cl_device_id fixture_id(void)
{
    return id;
}

uint64_t fixture_seed(void)
{
    static uint64_t seed;
    const char *text = getenv("CLSTEP_TEST_SEED");

    if (seed == 0) {
        seed = text != NULL ? strtoull(text, NULL, 0) : (uint64_t)time(NULL);
        print_message("CLSTEP_TEST_SEED=%llu\n", (unsigned long long)seed);
    }
    return seed;
}

bool fixture_is_deep(void)
{
    return getenv("CLSTEP_TEST_DEEP") != NULL;
}

bool fixture_is_small(void)
{
    return getenv("CLSTEP_TEST_SMALL") != NULL;
}

void fixture_ok(clstep_status status, const clstep_error *error)
{
    if (status != CLSTEP_OK)
        fail_msg("%s: %s", clstep_status_name(status), error->message);
}

clstep_layout *fixture_layout(uint64_t count)
{
    clstep_layout *layout;
    clstep_error error;

    fixture_ok(clstep_layout_create(&layout, &error), &error);
    fixture_ok(clstep_layout_add(layout, "w", 1, &count, 0, &error), &error);
    return layout;
}

clstep_optimizer *
fixture_optimizer(const char *rule, const clstep_setting *settings,
                  uint64_t count)
{
    clstep_layout *layout = fixture_layout(count);
    clstep_optimizer *optimizer;
    clstep_error error;

    fixture_ok(clstep_optimizer_create(place.device, rule, settings, layout,
                                       &optimizer, &error),
               &error);
    clstep_layout_release(layout);
    return optimizer;
}

cl_mem fixture_buffer(uint64_t count, const float *from)
{
    cl_int code;
    float *zeros = calloc(count, sizeof(float));
    float *data = zeros;

    assert_non_null(zeros);
    for (uint64_t i = 0; from != NULL && i < count; i++)
        data[i] = from[i];

    cl_mem buffer =
        clCreateBuffer(place.context, CL_MEM_READ_WRITE | CL_MEM_COPY_HOST_PTR,
                       count * sizeof(float), data, &code);

    free(zeros);
    assert_int_equal(code, CL_SUCCESS);
    return buffer;
}

void fixture_finish(cl_command_queue queue)
{
    cl_event end = NULL;

    assert_int_equal(clEnqueueMarkerWithWaitList(queue, 0, NULL, &end),
                     CL_SUCCESS);
    clWaitForEvents(1, &end); /* which may have failed */
    clReleaseEvent(end);
    clFinish(queue);
}

void fixture_read(cl_mem buffer, float *to, uint64_t count)
{
    assert_int_equal(clEnqueueReadBuffer(place.queue, buffer, CL_TRUE, 0,
                                         count * sizeof(float), to, 0, NULL,
                                         NULL),
                     CL_SUCCESS);
}

bool fixture_is_mine(void)
{
    static unsigned cases;

    return cases++ % shards == shard;
}

static bool is_named(const clstep_rule *rule, int argc, char **argv)
{
    for (int i = 0; i < argc; i++)
        if (strcmp(argv[i], clstep_rule_name(rule)) == 0)
            return true;
    return argc == 0;
}

int fixture_run_rules(const char *group, CMUnitTestFunction test, int argc,
                      char **argv)
{
    static struct CMUnitTest tests[MAX_TESTS];
    const clstep_rule *rule;
    size_t n = 0;

    argc--, argv++;
    if (argc >= 2 && strcmp(argv[0], "--shard") == 0) {
        if (sscanf(argv[1], "%u/%u", &shard, &shards) != 2 || shard >= shards)
            return 2;
        argc -= 2, argv += 2;
    }
    for (size_t i = 0; (rule = clstep_rule_at(i)) != NULL; i++) {
        if (!is_named(rule, argc, argv))
            continue;
        assert_true(n < MAX_TESTS);
        tests[n].name = clstep_rule_name(rule);
        tests[n].test_func = test;
        tests[n].initial_state = (void *)(uintptr_t)rule;
        n++;
    }
    if (n == 0) {
        print_error("no such rule\n");
        return 2;
    }
    return _cmocka_run_group_tests(group, tests, n, fixture_open,
                                   fixture_close);
}

bool fixture_divide(cl_device_id parts[2])
{
    const cl_device_partition_property equally[] = {CL_DEVICE_PARTITION_EQUALLY,
                                                    1, 0};
    cl_device_id all[256];
    cl_uint most = 0, count = 0;

    /* rusticl does not have the function. */
    clGetDeviceInfo(fixture_id(), CL_DEVICE_PARTITION_MAX_SUB_DEVICES,
                    sizeof(most), &most, NULL);
    if (most < 2 ||
        clCreateSubDevices(fixture_id(), equally, 256, all, &count) !=
            CL_SUCCESS ||
        count < 2)
        return false;
    parts[0] = all[0];
    parts[1] = all[1];
    for (cl_uint i = 2; i < count; i++)
        clReleaseDevice(all[i]);
    return true;
}

/* --- queues and events ---------------------------------------------------- */

cl_command_queue queue_of_all(void)
{
    return place.queue;
}

bool has_out_of_order(void)
{
    cl_command_queue_properties properties = 0;

    clGetDeviceInfo(fixture_id(), CL_DEVICE_QUEUE_PROPERTIES,
                    sizeof(properties), &properties, NULL);
    return (properties & CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE) != 0;
}

cl_command_queue create_queue(bool out_of_order)
{
    cl_int code;
    cl_command_queue queue = clCreateCommandQueue(
        place.context, fixture_id(),
        out_of_order ? CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE : 0, &code);

    assert_int_equal(code, CL_SUCCESS);
    return queue;
}

cl_event create_event(void)
{
    cl_int code;
    cl_event event = clCreateUserEvent(place.context, &code);

    assert_int_equal(code, CL_SUCCESS);
    return event;
}

void set_event(cl_event event, cl_int status)
{
    assert_int_equal(clSetUserEventStatus(event, status), CL_SUCCESS);
}

cl_int status_of(cl_event event)
{
    cl_int status = CL_QUEUED;

    assert_int_equal(clGetEventInfo(event, CL_EVENT_COMMAND_EXECUTION_STATUS,
                                    sizeof(status), &status, NULL),
                     CL_SUCCESS);
    return status;
}
