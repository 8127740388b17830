/*
 * test_create.c - what creation refuses, and where it fails
 * SPDX-License-Identifier: MIT
 *
 * Linked with --wrap=cs_kernel_text, so that a kernel can be broken, and with
 * launches.c, so that a launch can fail.
 */
#include "kernels.h"
#include "launches.h"
#include "scene.h"

#include <stdio.h>
#include <string.h>

enum { COUNT = 300 };

static void create_refused(clstep_device *device, const char *rule,
                           const clstep_layout *layout, clstep_status status,
                           const char *words)
{
    clstep_optimizer *optimizer = (clstep_optimizer *)(uintptr_t)words;
    clstep_error error = {0};

    assert_int_equal(
        clstep_optimizer_create(device, rule, NULL, layout, &optimizer, &error),
        status);
    check_error(&error, status, words);
    assert_null(optimizer);
    assert_int_equal(
        clstep_optimizer_create(device, rule, NULL, layout, &optimizer, NULL),
        status);
    assert_null(optimizer);
}

static void creation_is_checked(void **state)
{
    clstep_device *device = fixture_place()->device;
    clstep_layout *layout = fixture_layout(4), *empty = NULL;
    clstep_error error;

    (void)state;
    fixture_ok(clstep_layout_create(&empty, &error), &error);
    create_refused(NULL, "adam", layout, CLSTEP_INVALID_ARGUMENT,
                   "device|NULL");
    create_refused(device, NULL, layout, CLSTEP_INVALID_ARGUMENT, "rule|NULL");
    create_refused(device, "adam", NULL, CLSTEP_INVALID_ARGUMENT,
                   "layout|NULL");
    create_refused(device, "no such", layout, CLSTEP_INVALID_ARGUMENT,
                   "rule|no such");
    create_refused(device, "", layout, CLSTEP_INVALID_ARGUMENT, "rule");
    create_refused(device, "adam", empty, CLSTEP_INVALID_ARGUMENT,
                   "layout|elements");
    fixture_ok(
        clstep_layout_add(empty, "none", 2, (uint64_t[]){3, 0}, 0, &error),
        &error);
    create_refused(device, "adam", empty, CLSTEP_INVALID_ARGUMENT,
                   "layout|elements");
    assert_int_equal(
        clstep_optimizer_create(device, "adam", NULL, layout, NULL, &error),
        CLSTEP_INVALID_ARGUMENT);
    check_error(&error, CLSTEP_INVALID_ARGUMENT, "out|NULL");
    assert_int_equal(
        clstep_optimizer_create(NULL, NULL, NULL, NULL, NULL, NULL),
        CLSTEP_INVALID_ARGUMENT);
    clstep_layout_release(layout);
    clstep_layout_release(empty);
}

/* State that no device can hold is refused; a rule without state is not. */
static void state_may_be_too_large(void **state)
{
    clstep_layout *layout = fixture_layout(UINT64_C(1) << 45);
    clstep_optimizer *sgd = NULL;
    clstep_error error;
    struct scene scene;

    (void)state;
    if (sizeof(size_t) < 8)
        skip();
    create_refused(fixture_place()->device, "adam", layout,
                   CLSTEP_OUT_OF_MEMORY, "exp_avg|35184372088832");
    fixture_ok(clstep_optimizer_create(fixture_place()->device, "sgd", NULL,
                                       layout, &sgd, &error),
               &error);
    scene_open(&scene, "adam", NULL, COUNT, fixture_seed());
    assert_int_equal(clstep_optimizer_step(sgd, fixture_place()->queue,
                                           &scene.buffers, 0, NULL, NULL,
                                           &error),
                     CLSTEP_INVALID_ARGUMENT);
    check_error(&error, CLSTEP_INVALID_ARGUMENT,
                "parameters|300|35184372088832");
    scene_close(&scene);
    clstep_optimizer_release(sgd);
    clstep_layout_release(layout);
}

static void
device_refused(cl_context context, cl_device_id id, const char *words)
{
    clstep_device *device = (clstep_device *)(uintptr_t)words;
    clstep_error error = {0};

    assert_int_equal(clstep_device_create(context, id, &device, &error),
                     CLSTEP_INVALID_ARGUMENT);
    check_error(&error, CLSTEP_INVALID_ARGUMENT, words);
    assert_null(device);
    assert_int_equal(clstep_device_create(context, id, &device, NULL),
                     CLSTEP_INVALID_ARGUMENT);
    assert_null(device);
}

static void devices_are_checked(void **state)
{
    const struct trial_place *place = fixture_place();
    clstep_numerics numerics = {.cases = 7};
    cl_device_id parts[2];
    clstep_error error;
    char text[4] = "abc";

    (void)state;
    device_refused(NULL, fixture_id(), "context|NULL");
    device_refused(place->context, NULL, "id|NULL");
    if (fixture_divide(parts)) {
        device_refused(place->context, parts[0], "id|context");
        clReleaseDevice(parts[0]);
        clReleaseDevice(parts[1]);
    }
    clstep_device_create(place->context, fixture_id(), NULL, &error);
    check_error(&error, CLSTEP_INVALID_ARGUMENT, "out|NULL");
    clstep_device_release(NULL);
    clstep_device_numerics(NULL, &numerics);
    clstep_device_numerics(place->device, NULL);
    assert_true(numerics.cases == 7);
    assert_true(clstep_device_build_log(NULL, NULL, 0) == 0);
    assert_true(clstep_device_build_log(NULL, text, sizeof(text)) == 0);
    assert_string_equal(text, "");
    assert_true(clstep_device_build_log(place->device, NULL, 0) == 0);
    text[0] = 'a';
    assert_true(clstep_device_build_log(place->device, text, 0) == 0);
    assert_string_equal(text, "abc");
    assert_true(clstep_device_build_log(place->device, text, 1) == 0);
    assert_string_equal(text, "");
}

/* --- a broken kernel ------------------------------------------------------ */

static const char *broken; /* the name of the kernel that is broken */

extern __typeof__(cs_kernel_text) __real_cs_kernel_text, __wrap_cs_kernel_text;

const char *__wrap_cs_kernel_text(const char *name)
{
    if (broken != NULL && strcmp(name, broken) == 0)
        return "kernel void clstep_step(global float *x)\n"
               "{\n    x[0] = no_such_word;\n    x[1] = nor_this;\n}\n";
    return __real_cs_kernel_text(name);
}

/* The log says what the message says, and more, however it is cut. */
static void check_log(clstep_device *device, const clstep_error *error)
{
    const size_t length = clstep_device_build_log(device, NULL, 0);
    const char *line = strstr(error->message, "error:");
    char log[4096], cut[16], rest[480];

    check_error(error, CLSTEP_BUILD_FAILED, "compiler|no_such_word");
    assert_true(error->cl_code != CL_SUCCESS);
    assert_true(length > 0 && length < sizeof(log));
    assert_true(clstep_device_build_log(device, log, sizeof(log)) == length);
    assert_true(strlen(log) == length);
    assert_non_null(strstr(log, "nor_this"));
    assert_non_null(line);
    snprintf(rest, sizeof(rest), "%s", line);
    assert_non_null(strstr(log, rest));
    assert_true(clstep_device_build_log(device, cut, sizeof(cut)) == length);
    assert_true(strlen(cut) == sizeof(cut) - 1);
    assert_memory_equal(cut, log, sizeof(cut) - 1);
    assert_true(clstep_device_build_log(device, log, length) == length);
    assert_true(strlen(log) == length - 1);
}

static void broken_kernels(void **state)
{
    const struct trial_place *place = fixture_place();
    clstep_layout *layout = fixture_layout(4);
    clstep_optimizer *optimizer = (clstep_optimizer *)layout;
    clstep_device *device;
    clstep_error error = {0};

    (void)state;
    fixture_ok(
        clstep_device_create(place->context, fixture_id(), &device, &error),
        &error);
    assert_true(clstep_device_build_log(device, NULL, 0) == 0);
    broken = "step";
    assert_int_equal(clstep_optimizer_create(device, "adam", NULL, layout,
                                             &optimizer, &error),
                     CLSTEP_BUILD_FAILED);
    assert_null(optimizer);
    check_log(device, &error);
    assert_int_equal(
        clstep_optimizer_create(device, "adam", NULL, layout, &optimizer, NULL),
        CLSTEP_BUILD_FAILED);

    /* What the compiler refused once it does not remember. */
    broken = NULL;
    fixture_ok(clstep_optimizer_create(device, "adam", NULL, layout, &optimizer,
                                       &error),
               &error);
    clstep_optimizer_release(optimizer);
    clstep_device_release(device);
    clstep_layout_release(layout);
}

static void broken_probe(void **state)
{
    static const char *const names[] = {"probe", "numerics"};
    const struct trial_place *place = fixture_place();
    clstep_error error = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        clstep_device *device = place->device;

        broken = names[i];
        assert_int_equal(
            clstep_device_create(place->context, fixture_id(), &device, &error),
            CLSTEP_BUILD_FAILED);
        broken = NULL;
        check_error(&error, CLSTEP_BUILD_FAILED, "compiler|no_such_word");
        assert_null(device);
    }
}

/* --- a creation that fails half-way --------------------------------------- */

static unsigned steps;          /* launches of a step's kernel */
static unsigned failing_launch; /* the one that fails, or 0 */

static cl_int fail_step(cl_command_queue queue, cl_kernel kernel, size_t global)
{
    char name[32] = "";

    (void)queue;
    (void)global;
    clGetKernelInfo(kernel, CL_KERNEL_FUNCTION_NAME, sizeof(name), name, NULL);
    return strcmp(name, "clstep_step") == 0 && ++steps == failing_launch
               ? CL_INVALID_OPERATION
               : CL_SUCCESS;
}

/* Creates an optimizer, which has to end with 'status'; returns the launches of
 * the step's kernel that this took. */
static unsigned
launches_of_creation(clstep_device *device, const clstep_layout *layout,
                     clstep_status status, const char *words)
{
    clstep_optimizer *optimizer;
    clstep_error error = {0};

    steps = 0;
    launches_look = fail_step;
    if (clstep_optimizer_create(device, "adam", NULL, layout, &optimizer,
                                &error) != status)
        fail_msg("creation does not end with %s: %s",
                 clstep_status_name(status), error.message);
    if (status != CLSTEP_OK)
        check_error(&error, status, words);
    clstep_optimizer_release(optimizer);
    failing_launch = 0;
    return steps;
}

static clstep_device *open_device(void)
{
    clstep_device *device;
    clstep_error error;

    fixture_ok(clstep_device_create(fixture_place()->context, fixture_id(),
                                    &device, &error),
               &error);
    return device;
}

/* The next creation finds the program, and warms it up all the same; the one
 * after that has no need to. */
static void failed_creation_leaves_no_warmth(void **state)
{
    clstep_device *device = open_device();
    clstep_layout *layout = fixture_layout(4), *large;
    cl_ulong most = 0;
    const unsigned all = launches_of_creation(device, layout, CLSTEP_OK, NULL);

    (void)state;
    clstep_device_release(device);
    clGetDeviceInfo(fixture_id(), CL_DEVICE_MAX_MEM_ALLOC_SIZE, sizeof(most),
                    &most, NULL);
    large = fixture_layout(most / sizeof(float) + 1);
    assert_true(all > 0);
    for (unsigned i = 0; i <= all; i++) {
        device = open_device();
        failing_launch = i;
        if (i == 0) { /* the state does not fit */
            assert_int_equal(launches_of_creation(device, large,
                                                  CLSTEP_OUT_OF_MEMORY,
                                                  "exp_avg|larger"),
                             0);
        } else { /* a launch of the warm-up fails */
            assert_int_equal(launches_of_creation(device, layout,
                                                  CLSTEP_CL_FAILED,
                                                  "clEnqueueNDRangeKernel"),
                             i);
        }
        assert_int_equal(launches_of_creation(device, layout, CLSTEP_OK, NULL),
                         all);
        assert_int_equal(launches_of_creation(device, layout, CLSTEP_OK, NULL),
                         0);
        clstep_device_release(device);
    }
    clstep_layout_release(layout);
    clstep_layout_release(large);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(creation_is_checked),
        cmocka_unit_test(state_may_be_too_large),
        cmocka_unit_test(devices_are_checked),
        cmocka_unit_test(broken_kernels),
        cmocka_unit_test(broken_probe),
        cmocka_unit_test(failed_creation_leaves_no_warmth),
    };

    return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
