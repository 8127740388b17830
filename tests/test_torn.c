/*
 * test_torn.c - steps that fail on the device, and what mends the state
 * SPDX-License-Identifier: MIT
 */
#define _POSIX_C_SOURCE 200809L
#include "optimizer.h"
#include "scene.h"
#include "whole.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

enum { COUNT = 5003, STEPS = 20 };

static const clstep_setting settings[] = {{.name = "lr", .value = 0.01}, {0}};

static void open_scene(struct scene *scene)
{
    scene_open(scene, "adam", settings, COUNT, fixture_seed());
}

/* Says whether a command whose event has failed is told from one that ran. */
static bool shows_failures(void)
{
    cl_command_queue queue = create_queue(false);
    cl_event start = create_event(), done;
    cl_mem buffer = fixture_buffer(1, NULL);
    const float x = 0.0f;
    bool shown;

    assert_int_equal(clEnqueueWriteBuffer(queue, buffer, CL_FALSE, 0, sizeof(x),
                                          &x, 1, &start, &done),
                     CL_SUCCESS);
    submit(queue);
    set_event(start, -1);
    clWaitForEvents(1, &done);
    shown = status_of(done) < 0;
    clReleaseEvent(done);
    clReleaseEvent(start);
    clReleaseMemObject(buffer);
    clReleaseCommandQueue(queue);
    return shown;
}

/* Intel's CPU runtime takes such a command for complete, and runs what waits
 * for it; a test fails on any other that does. */
static void skip_where_failures_are_lost(void)
{
    if (!scene_runs_on("Intel") || shows_failures())
        return;
    print_message("skipped: the driver takes a command that did not run, since "
                  "its event failed, for complete\n");
    skip();
}

/*
 * Steps whose event has failed, on a queue of their own.  What the device has
 * is as before; the optimizer has counted them.  All events are held: PoCL 3.1
 * aborts where an event fails that nobody holds.
 */
static void fail_steps_of(clstep_optimizer *optimizer,
                          const clstep_buffers *buffers, int count)
{
    cl_command_queue queue = create_queue(false);
    cl_event start = create_event(), done[STEPS];
    clstep_error error;

    for (int i = 0; i < count; i++)
        fixture_ok(clstep_optimizer_step(optimizer, queue, buffers,
                                         i == 0 ? 1 : 0, i == 0 ? &start : NULL,
                                         &done[i], &error),
                   &error);
    submit(queue);
    set_event(start, -1);
    for (int i = 0; i < count; i++) {
        assert_int_not_equal(clWaitForEvents(1, &done[i]), CL_SUCCESS);
        assert_true(status_of(done[i]) < 0);
        clReleaseEvent(done[i]);
    }
    clReleaseEvent(start);
    clReleaseCommandQueue(queue);
}

static void fail_steps(struct scene *scene, int count)
{
    fail_steps_of(scene->optimizer, &scene->buffers, count);
}

/* Whatever needs the state refuses, more than once. */
static void check_torn(struct scene *scene)
{
    cl_command_queue queue = fixture_place()->queue;
    const uint64_t steps = clstep_optimizer_steps(scene->optimizer);
    const char *slot = clstep_optimizer_slot(scene->optimizer, 0);
    clstep_error error = {0};

    for (int i = 0; i < 2; i++) {
        cl_event done = (cl_event)queue;

        assert_int_equal(clstep_optimizer_step(scene->optimizer, queue,
                                               &scene->buffers, 0, NULL, &done,
                                               &error),
                         CLSTEP_STATE_TORN);
        check_error(&error, CLSTEP_STATE_TORN, "earlier step|reset|release");
        assert_true(done == NULL);
        if (slot == NULL)
            continue;
        assert_int_equal(clstep_optimizer_read(scene->optimizer, queue, slot, 0,
                                               1, scene->scratch, &error),
                         CLSTEP_STATE_TORN);
        check_error(&error, CLSTEP_STATE_TORN, "earlier step");
    }
    assert_true(clstep_optimizer_steps(scene->optimizer) == steps);
    fixture_ok(clstep_optimizer_set(scene->optimizer, "lr", 0.01, &error),
               &error);
}

static void *fail_later(void *start)
{
    nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    set_event(start, -5);
    return NULL;
}

/* A slot that is read or written while the step before it fails: neither says
 * that it was done, whatever the driver says. */
static void waiting_for_a_failure(void **state)
{
    clstep_error error = {0};

    (void)state;
    for (int way = 0; way < 2; way++) {
        struct scene scene;
        float data[COUNT];
        cl_event start = create_event(), done;
        pthread_t thread;
        clstep_status status;

        for (size_t i = 0; i < COUNT; i++)
            data[i] = 7.0f;
        scene_open(&scene, "momentum", NULL, COUNT, fixture_seed());
        fixture_ok(clstep_optimizer_step(scene.optimizer, queue_of_all(),
                                         &scene.buffers, 1, &start, &done,
                                         &error),
                   &error);
        assert_int_equal(pthread_create(&thread, NULL, fail_later, start), 0);
        status = way == 0
                     ? clstep_optimizer_read(scene.optimizer, queue_of_all(),
                                             "momentum_buffer", 0, COUNT, data,
                                             &error)
                     : clstep_optimizer_write(scene.optimizer, queue_of_all(),
                                              "momentum_buffer", 0, COUNT, data,
                                              &error);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_int_not_equal(status, CLSTEP_OK);
        for (size_t i = 0; i < COUNT; i++)
            assert_true(data[i] == 7.0f);
        assert_int_equal(clstep_optimizer_read(scene.optimizer, queue_of_all(),
                                               "momentum_buffer", 0, 1, data,
                                               &error),
                         CLSTEP_STATE_TORN);
        clReleaseEvent(done);
        clReleaseEvent(start);
        scene_close(&scene);
    }
}

static void clear_slot(struct scene *scene, const char *slot)
{
    memset(reference_slot(scene->reference, slot), 0, COUNT * sizeof(float));
}

static void reset_mends(void **state)
{
    cl_command_queue queue = fixture_place()->queue;
    struct scene scene;
    clstep_error error;

    (void)state;
    skip_where_failures_are_lost();
    for (int failed = 1; failed <= 5; failed += 2) {
        open_scene(&scene);
        scene_step(&scene, queue);
        fail_steps(&scene, failed);
        if (failed != 3)
            check_torn(&scene);
        fixture_ok(clstep_optimizer_reset(scene.optimizer, queue, &error),
                   &error);
        clear_slot(&scene, "exp_avg");
        clear_slot(&scene, "exp_avg_sq");
        reference_set_steps(scene.reference, 0);
        scene_step(&scene, queue);
        scene_check(&scene);
        scene_close(&scene);
    }
}

/* Every slot is written and the steps are set; nothing less will do. */
static void writing_mends(void **state)
{
    static const char *const slots[] = {"exp_avg", "exp_avg_sq"};
    cl_command_queue queue = fixture_place()->queue;
    struct scene scene;
    clstep_error error;

    (void)state;
    skip_where_failures_are_lost();
    for (int looked = 0; looked < 2; looked++) {
        open_scene(&scene);
        scene_step(&scene, queue);
        scene_step(&scene, queue);
        fail_steps(&scene, 3);
        if (looked)
            check_torn(&scene);
        for (size_t i = 0; i < 2; i++) {
            assert_int_equal(
                clstep_optimizer_set_steps(scene.optimizer, 2, &error),
                CLSTEP_STATE_TORN);
            assert_non_null(strstr(error.message, slots[i]));

            /* The second slot in two parts, of which one is not enough. */
            const uint64_t half = i == 0 ? 0 : COUNT / 2;
            float *slot = reference_slot(scene.reference, slots[i]);

            fixture_ok(clstep_optimizer_write(scene.optimizer, queue, slots[i],
                                              0, half, slot, &error),
                       &error);
            assert_int_equal(
                clstep_optimizer_set_steps(scene.optimizer, 2, &error),
                CLSTEP_STATE_TORN);
            fixture_ok(clstep_optimizer_write(scene.optimizer, queue, slots[i],
                                              half, COUNT - half, slot + half,
                                              &error),
                       &error);
        }
        check_torn(&scene);
        fixture_ok(clstep_optimizer_set_steps(scene.optimizer, 2, &error),
                   &error);
        scene_check(&scene);
        scene_step(&scene, queue);
        scene_check(&scene);
        scene_close(&scene);
    }
}

/* Writes 'count' numbers of a torn slot from 'offset' on. */
static void write_part(clstep_optimizer *optimizer, const char *slot,
                       uint64_t offset, uint64_t count)
{
    float *zeros = test_calloc((size_t)count, sizeof(*zeros));
    clstep_error error;

    fixture_ok(clstep_optimizer_write(optimizer, fixture_place()->queue, slot,
                                      offset, count, zeros, &error),
               &error);
    test_free(zeros);
}

/* Says whether the steps can be set, which ends the torn state. */
static bool is_mended(clstep_optimizer *optimizer, const char *slot)
{
    clstep_error error;

    if (clstep_optimizer_set_steps(optimizer, 0, &error) == CLSTEP_OK)
        return true;
    assert_int_equal(error.status, CLSTEP_STATE_TORN);
    assert_non_null(strstr(error.message, slot));
    return false;
}

/* From the front to the end, in parts that leave out padding and nothing else:
 * elements 300 to 511, and 513 to 767. */
static void parts_mend(void **state)
{
    enum { PARTS = 4 };
    static const struct whole_shape shapes[] = {
        {1, {300}, 0}, {1, {1}, 0}, {1, {0}, 0}, {1, {700}, 0}};
    static const struct {
        uint64_t parts[PARTS][2]; /* from where on, and how many */
        bool mends;
    } ways[] = {
        {{{0, 1468}}, true},
        {{{0, 300}, {512, 1}, {768, 700}}, true},
        {{{0, 400}, {512, 200}, {768, 700}}, true},
        {{{0, 300}, {100, 50}, {512, 1}, {768, 700}}, true},
        {{{0, 800}, {20, 100}, {700, 768}}, true},
        {{{0, 301}, {301, 1167}}, true},
        {{{0, 300}, {512, 1}, {768, 699}}, false},
        {{{512, 1}, {0, 300}, {768, 700}}, false},
        {{{768, 700}, {512, 256}, {0, 512}}, false},
        {{{0, 300}, {768, 700}}, false},
        {{{0, 300}, {513, 955}}, false},
        {{{1, 1467}}, false},
        {{{256, 1212}}, false},
        {{{0, 256}, {512, 956}}, false},
        {{{0, 299}, {512, 956}}, false},
        {{{0, 800}, {1024, 444}}, false},
        {{{0, 800}, {801, 667}}, false},
    };
    struct whole whole;

    (void)state;
    skip_where_failures_are_lost();
    whole_open(&whole, "adam", settings, shapes, 4, fixture_seed());
    assert_int_equal(whole.count, 1468);
    for (size_t i = 0; i < 2 * sizeof(ways) / sizeof(*ways); i++) {
        const char *slot = i % 2 == 0 ? "exp_avg" : "exp_avg_sq";
        const char *other = i % 2 != 0 ? "exp_avg" : "exp_avg_sq";

        fail_steps_of(whole.optimizer, &whole.buffers, 1);
        write_part(whole.optimizer, other, 0, whole.count);
        for (size_t k = 0; k < PARTS && ways[i / 2].parts[k][1] != 0; k++) {
            assert_false(is_mended(whole.optimizer, slot));
            write_part(whole.optimizer, slot, ways[i / 2].parts[k][0],
                       ways[i / 2].parts[k][1]);
        }
        if (is_mended(whole.optimizer, slot) != ways[i / 2].mends)
            fail_msg("way %zu of writing %s", i / 2, slot);
        write_part(whole.optimizer, slot, 0, whole.count);
        assert_true(is_mended(whole.optimizer, slot));
    }
    whole_close(&whole);
}

/* A slot of a number for each tensor has no padding.  Torn by hand: the step is
 * several commands, and PoCL 3.1 aborts where one fails that nobody holds. */
static void parts_by_the_tensor_mend(void **state)
{
    enum { TENSORS = 300 };
    struct whole_shape shapes[TENSORS];
    struct whole whole;

    (void)state;
    for (size_t t = 0; t < TENSORS; t++)
        shapes[t] = (struct whole_shape){1, {1}, 0};
    whole_open(&whole, "novograd", settings, shapes, TENSORS, fixture_seed());
    cs_order_tear(whole.optimizer);
    write_part(whole.optimizer, "exp_avg", 0, whole.count);
    write_part(whole.optimizer, "exp_avg_sq", 0, 200);
    write_part(whole.optimizer, "exp_avg_sq", 256, 44);
    assert_false(is_mended(whole.optimizer, "exp_avg_sq"));
    write_part(whole.optimizer, "exp_avg_sq", 200, 57);
    assert_false(is_mended(whole.optimizer, "exp_avg_sq"));
    write_part(whole.optimizer, "exp_avg_sq", 256, 44);
    assert_true(is_mended(whole.optimizer, "exp_avg_sq"));
    whole_close(&whole);
}

/* A rule without state has nothing to be written. */
static void set_steps_mends(void **state)
{
    cl_command_queue queue = fixture_place()->queue;
    struct scene scene;
    clstep_error error;

    (void)state;
    skip_where_failures_are_lost();
    for (int looked = 0; looked < 2; looked++) {
        scene_open(&scene, "sgd", settings, COUNT, fixture_seed());
        fail_steps(&scene, 1);
        if (looked)
            check_torn(&scene);
        fixture_ok(clstep_optimizer_set_steps(scene.optimizer, 0, &error),
                   &error);
        scene_step(&scene, queue);
        scene_check(&scene);
        fail_steps(&scene, 2);
        fixture_ok(clstep_optimizer_reset(scene.optimizer, queue, &error),
                   &error);
        reference_set_steps(scene.reference, 0);
        scene_step(&scene, queue);
        scene_check(&scene);
        fail_steps(&scene, 1);
        scene_close(&scene);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(waiting_for_a_failure),
        cmocka_unit_test(reset_mends),
        cmocka_unit_test(writing_mends),
        cmocka_unit_test(parts_mend),
        cmocka_unit_test(parts_by_the_tensor_mend),
        cmocka_unit_test(set_steps_mends),
    };

    return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
