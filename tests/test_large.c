/*
 * test_large.c - many elements, each bit for bit
 * SPDX-License-Identifier: MIT
 *
 * 2^28 + 3 elements where CLSTEP_TEST_DEEP is set, else 2^24 + 3.  The
 * reference goes over them in parts, so that the host needs little memory of
 * its own; that of a CPU device is the host's too.
 */
#include "scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PART = 1 << 22, STEPS = 3 };

static const clstep_setting settings[] = {
    {.name = "lr", .value = 0.01}, {.name = "weight_decay", .value = 0.1}, {0}};

static uint64_t count_of_all(void)
{
    return (UINT64_C(1) << (fixture_is_deep()    ? 28
                            : fixture_is_small() ? 12
                                                 : 24)) +
           3;
}

/* The bytes that the host can still give, or a large number if it is silent. */
static uint64_t host_bytes(void)
{
    unsigned long long kilobytes = UINT64_MAX / 2048;
    char line[128];
    FILE *file = fopen("/proc/meminfo", "r");

    while (file != NULL && fgets(line, sizeof(line), file) != NULL)
        if (sscanf(line, "MemAvailable: %llu kB", &kilobytes) == 1)
            break;
    if (file != NULL)
        fclose(file);
    return 1024 * kilobytes;
}

/* Says whether the device and the host can hold so many buffers of all. */
static bool has_room(const char *rule, unsigned buffers)
{
    const uint64_t bytes = count_of_all() * sizeof(float);
    const uint64_t host = host_bytes();
    cl_ulong one = 0, all = 0;

    clGetDeviceInfo(fixture_id(), CL_DEVICE_MAX_MEM_ALLOC_SIZE, sizeof(one),
                    &one, NULL);
    clGetDeviceInfo(fixture_id(), CL_DEVICE_GLOBAL_MEM_SIZE, sizeof(all), &all,
                    NULL);
    print_message("%s: %llu elements, %u buffers of %llu MiB\n", rule,
                  (unsigned long long)count_of_all(), buffers,
                  (unsigned long long)(bytes >> 20));
    if (one >= bytes && all >= buffers * bytes &&
        host >= (buffers + 1) * bytes + (UINT64_C(1) << 30))
        return true;
    print_message("skipped: the device has %llu MiB, %llu MiB for a buffer, "
                  "and the host %llu MiB\n",
                  (unsigned long long)(all >> 20),
                  (unsigned long long)(one >> 20),
                  (unsigned long long)(host >> 20));
    return false;
}

static cl_mem create_buffer(void)
{
    cl_int code;
    cl_mem buffer =
        clCreateBuffer(fixture_place()->context, CL_MEM_READ_WRITE,
                       (size_t)count_of_all() * sizeof(float), NULL, &code);

    assert_int_equal(code, CL_SUCCESS);
    return buffer;
}

/* The numbers of the part that begins at 'begin'. */
static void fill(uint64_t begin, uint64_t count, float *w, float *g)
{
    struct trial_random random = {fixture_seed() + begin};

    trial_random_fill(&random, w, count);
    trial_random_fill(&random, g, count);
}

static void put(cl_mem buffer, uint64_t begin, uint64_t count, const float *x)
{
    assert_int_equal(clEnqueueWriteBuffer(fixture_place()->queue, buffer,
                                          CL_TRUE, (size_t)begin * sizeof(*x),
                                          (size_t)count * sizeof(*x), x, 0,
                                          NULL, NULL),
                     CL_SUCCESS);
}

static void get(cl_mem buffer, uint64_t begin, uint64_t count, float *x)
{
    assert_int_equal(clEnqueueReadBuffer(fixture_place()->queue, buffer,
                                         CL_TRUE, (size_t)begin * sizeof(*x),
                                         (size_t)count * sizeof(*x), x, 0, NULL,
                                         NULL),
                     CL_SUCCESS);
}

/* Where a part's numbers are compared. */
struct part {
    uint64_t begin, count;
    float *w, *g, *found;
};

/* Takes the steps on the host, and compares the part with the device's. */
static void
check_part(const struct part *part, const char *rule,
           clstep_optimizer *optimizer, const clstep_buffers *buffers)
{
    const struct reference_setting list[] = {
        {"lr", 0.01, NULL}, {"weight_decay", 0.1, NULL}, {NULL, 0.0, NULL}};
    struct reference *reference =
        reference_create(rule, list, (size_t)part->count);
    clstep_error error;
    const char *slot;

    assert_non_null(reference);
    fill(part->begin, part->count, part->w, part->g);
    for (int i = 0; i < STEPS; i++)
        reference_step(reference, part->w, part->g, NULL);
    get(buffers->parameters, part->begin, part->count, part->found);
    check_floats("parameters", part->found, part->w, part->count);
    get(buffers->gradients, part->begin, part->count, part->found);
    check_floats("gradients", part->found, part->g, part->count);
    for (size_t i = 0; (slot = clstep_optimizer_slot(optimizer, i)) != NULL;
         i++) {
        fixture_ok(clstep_optimizer_read(optimizer, fixture_place()->queue,
                                         slot, part->begin, part->count,
                                         part->found, &error),
                   &error);
        check_floats(slot, part->found, reference_slot(reference, slot),
                     part->count);
    }
    reference_release(reference);
}

/* The next part; false past the last. */
static bool next(struct part *part)
{
    const uint64_t left = count_of_all() - part->begin - part->count;

    part->begin += part->count;
    part->count = left < PART ? left : PART;
    return part->count != 0;
}

static void steps_are_right(const char *rule, unsigned buffers)
{
    if (!has_room(rule, buffers))
        skip();

    struct part part = {.w = malloc(PART * sizeof(float)),
                        .g = malloc(PART * sizeof(float)),
                        .found = malloc(PART * sizeof(float))};
    clstep_error error;
    uint64_t compared = 0;

    assert_true(part.w != NULL && part.g != NULL && part.found != NULL);

    clstep_optimizer *optimizer =
        fixture_optimizer(rule, settings, count_of_all());
    const clstep_buffers all = {.parameters = create_buffer(),
                                .gradients = create_buffer()};

    while (next(&part)) {
        fill(part.begin, part.count, part.w, part.g);
        put(all.parameters, part.begin, part.count, part.w);
        put(all.gradients, part.begin, part.count, part.g);
    }
    for (int i = 0; i < STEPS; i++)
        fixture_ok(clstep_optimizer_step(optimizer, fixture_place()->queue,
                                         &all, 0, NULL, NULL, &error),
                   &error);
    for (part.begin = part.count = 0; next(&part); compared += part.count)
        check_part(&part, rule, optimizer, &all);
    assert_true(compared == count_of_all());
    clReleaseMemObject(all.parameters);
    clReleaseMemObject(all.gradients);
    clstep_optimizer_release(optimizer);
    free(part.w);
    free(part.g);
    free(part.found);
}

static void sgd_is_right(void **state)
{
    (void)state;
    steps_are_right("sgd", 2);
}

static void adam_is_right(void **state)
{
    (void)state;
    steps_are_right("adam", 4);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(sgd_is_right),
        cmocka_unit_test(adam_is_right),
    };

    return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
