/*
 * test_queues.c - queues, events, threads
 * SPDX-License-Identifier: MIT
 *
 * Linked with --wrap=clBuildProgram and --wrap=clFlush, which are counted, and
 * with launches.c.
 */
#include "launches.h"
#include "optimizer.h"
#include "scene.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum { COUNT = 5003, STEPS = 20, THREADS = 8, MANY = 40 };

static const clstep_setting settings[] = {{.name = "lr", .value = 0.01}, {0}};

/* --- counts --------------------------------------------------------------- */

static atomic_uint builds;
static cl_command_queue flushed; /* the last that was */

extern __typeof__(clBuildProgram) __real_clBuildProgram, __wrap_clBuildProgram;
extern __typeof__(clFlush) __real_clFlush, __wrap_clFlush;

cl_int __wrap_clFlush(cl_command_queue queue)
{
    flushed = queue;
    return __real_clFlush(queue);
}

cl_int __wrap_clBuildProgram(cl_program program, cl_uint count,
                             const cl_device_id *ids, const char *options,
                             void(CL_CALLBACK *notify)(cl_program, void *),
                             void *data);

cl_int
__wrap_clBuildProgram(cl_program program, cl_uint count,
                      const cl_device_id *ids, const char *options,
                      void(CL_CALLBACK *notify)(cl_program, void *), void *data)
{
    atomic_fetch_add(&builds, 1);
    return __real_clBuildProgram(program, count, ids, options, notify, data);
}

static atomic_size_t largest; /* launch of a step's kernel, in work-items */

static cl_int look(cl_command_queue queue, cl_kernel kernel, size_t global)
{
    char name[32] = "";

    (void)queue;
    clGetKernelInfo(kernel, CL_KERNEL_FUNCTION_NAME, sizeof(name), name, NULL);
    if (strcmp(name, "clstep_step") == 0 && global > atomic_load(&largest))
        atomic_store(&largest, global);
    return CL_SUCCESS;
}

/* --- helpers -------------------------------------------------------------- */

static void open_scene(struct scene *scene)
{
    scene_open(scene, "adam", settings, COUNT, fixture_seed());
}

/* Enqueues a step, and takes it on the host; 'done' may be NULL. */
static void enqueue(struct scene *scene, cl_command_queue queue, cl_uint count,
                    const cl_event *list, cl_event *done)
{
    clstep_error error;

    fixture_ok(clstep_optimizer_step(scene->optimizer, queue, &scene->buffers,
                                     count, list, done, &error),
               &error);
    reference_step(scene->reference, scene->w, scene->g, NULL);
}

static void finish(cl_command_queue queue)
{
    assert_int_equal(clFinish(queue), CL_SUCCESS);
}

/* --- order ---------------------------------------------------------------- */

/* Steps that nobody waits for in between, on queues in turn; on Oclgrind, where
 * the library's flush would wait for it, the event is set after the first. */
static void steps_follow_each_other(bool first, bool second, bool behind)
{
    cl_command_queue queues[] = {create_queue(first), create_queue(second)};
    cl_event start = behind ? create_event() : NULL;
    struct scene scene;

    open_scene(&scene);
    for (int i = 0; i < STEPS; i++) {
        enqueue(&scene, queues[i % 2], start != NULL && i == 0 ? 1 : 0,
                start != NULL && i == 0 ? &start : NULL, NULL);
        if (start != NULL && i == (scene_is_simulated() ? 0 : STEPS - 1))
            set_event(start, CL_COMPLETE);
    }
    if (start != NULL)
        clReleaseEvent(start);
    finish(queues[0]);
    finish(queues[1]);
    scene_check(&scene);
    scene_close(&scene);
    clReleaseCommandQueue(queues[0]);
    clReleaseCommandQueue(queues[1]);
}

static void in_order_queues(void **state)
{
    (void)state;
    steps_follow_each_other(false, false, false);
    steps_follow_each_other(false, false, true);
}

static void out_of_order_queues(void **state)
{
    (void)state;
    if (!has_out_of_order()) {
        print_message("the device has no out-of-order queues\n");
        skip();
    }
    steps_follow_each_other(true, true, false);
    steps_follow_each_other(true, true, true);
    steps_follow_each_other(false, true, true);
    steps_follow_each_other(true, false, true);
}

/* On one queue, behind an event: all calls return at once. */
static void one_queue(bool out_of_order)
{
    cl_command_queue queue = create_queue(out_of_order);
    cl_event start = create_event(), done;
    struct scene scene;

    open_scene(&scene);
    enqueue(&scene, queue, 1, &start, NULL);
    for (int i = 1; i < STEPS - 1; i++)
        enqueue(&scene, queue, 0, NULL, NULL);
    enqueue(&scene, queue, 0, NULL, &done);
    assert_true(clstep_optimizer_steps(scene.optimizer) == STEPS);
    submit(queue);
    assert_true(status_of(done) > CL_COMPLETE);
    set_event(start, CL_COMPLETE);
    assert_int_equal(clWaitForEvents(1, &done), CL_SUCCESS);
    assert_int_equal(status_of(done), CL_COMPLETE);
    scene_check(&scene);
    clReleaseEvent(done);
    clReleaseEvent(start);
    scene_close(&scene);
    clReleaseCommandQueue(queue);
}

static void steps_behind_one_event(void **state)
{
    (void)state;
    one_queue(false);
    if (has_out_of_order())
        one_queue(true);
}

/* A step whose event is not set changes nothing, and returns. */
static void step_never_waits(void **state)
{
    cl_command_queue queue = create_queue(false);
    cl_event start = create_event(), done;
    struct scene scene;
    float *before = test_malloc(COUNT * sizeof(*before));

    (void)state;
    open_scene(&scene);
    memcpy(before, scene.w, COUNT * sizeof(*before));
    enqueue(&scene, queue, 1, &start, &done);
    submit(queue);
    fixture_read(scene.buffers.parameters, scene.scratch, COUNT);
    check_floats("parameters", scene.scratch, before, COUNT);
    assert_true(status_of(done) > CL_COMPLETE);
    set_event(start, CL_COMPLETE);
    assert_int_equal(clWaitForEvents(1, &done), CL_SUCCESS);
    scene_check(&scene);
    clReleaseEvent(done);
    clReleaseEvent(start);
    test_free(before);
    scene_close(&scene);
    clReleaseCommandQueue(queue);
}

/* However many events are waited for, and whichever is set last. */
static void many_events(void **state)
{
    static const cl_uint counts[] = {1, 2, 6, 7, 8, 9, MANY};
    cl_command_queue queue = create_queue(false);
    struct scene scene;

    (void)state;
    open_scene(&scene);
    for (size_t k = 0; k < 2 * sizeof(counts) / sizeof(*counts); k++) {
        const cl_uint count = counts[k / 2];
        const cl_uint last = k % 2 == 0 ? count - 1 : 0;
        cl_event events[MANY], done;

        for (cl_uint i = 0; i < count; i++)
            events[i] = create_event();
        enqueue(&scene, queue, count, events, &done);
        submit(queue);
        for (cl_uint i = 0; i < count; i++)
            if (i != last)
                set_event(events[i], CL_COMPLETE);
        assert_true(status_of(done) > CL_COMPLETE);
        set_event(events[last], CL_COMPLETE);
        assert_int_equal(clWaitForEvents(1, &done), CL_SUCCESS);
        scene_check(&scene);
        clReleaseEvent(done);
        for (cl_uint i = 0; i < count; i++)
            clReleaseEvent(events[i]);
    }
    scene_close(&scene);
    clReleaseCommandQueue(queue);
}

/* What another queue waits for is submitted; what the same one does is not. */
static void other_queues_are_flushed(void **state)
{
    cl_command_queue first = create_queue(false), second = create_queue(false);
    cl_event start = create_event();
    struct scene scene;
    clstep_error error;

    (void)state;
    open_scene(&scene);
    flushed = NULL;
    enqueue(&scene, first, 1, &start, NULL);
    enqueue(&scene, first, 0, NULL, NULL);
    assert_null(flushed);
    if (scene_is_simulated())
        set_event(start, CL_COMPLETE);
    enqueue(&scene, second, 0, NULL, NULL);
    assert_ptr_equal(flushed, first);
    fixture_ok(clstep_optimizer_reset(scene.optimizer, first, &error), &error);
    assert_ptr_equal(flushed, second);
    if (!scene_is_simulated())
        set_event(start, CL_COMPLETE);
    finish(first);
    finish(second);
    clReleaseEvent(start);
    scene_close(&scene);
    clReleaseCommandQueue(first);
    clReleaseCommandQueue(second);
}

/* Reading, writing and reset come after the steps of another queue. */
static void state_follows_the_steps(void **state)
{
    cl_command_queue steps = create_queue(has_out_of_order());
    cl_command_queue queue = create_queue(false);
    float *data = test_calloc(COUNT, sizeof(*data));
    struct scene scene;
    clstep_error error;

    (void)state;
    open_scene(&scene);
    for (int i = 0; i < STEPS; i++)
        enqueue(&scene, steps, 0, NULL, NULL);
    fixture_ok(clstep_optimizer_read(scene.optimizer, queue, "exp_avg", 0,
                                     COUNT, data, &error),
               &error);
    check_floats("exp_avg", data, reference_slot(scene.reference, "exp_avg"),
                 COUNT);
    for (int i = 0; i < STEPS; i++)
        enqueue(&scene, steps, 0, NULL, NULL);
    fixture_ok(clstep_optimizer_write(scene.optimizer, queue, "exp_avg", 0,
                                      COUNT, scene.g, &error),
               &error);
    memcpy(reference_slot(scene.reference, "exp_avg"), scene.g,
           COUNT * sizeof(*data));
    for (int i = 0; i < STEPS; i++)
        enqueue(&scene, steps, 0, NULL, NULL);
    finish(steps);
    scene_check(&scene);
    enqueue(&scene, steps, 0, NULL, NULL);
    fixture_ok(clstep_optimizer_reset(scene.optimizer, queue, &error), &error);
    memset(reference_slot(scene.reference, "exp_avg"), 0,
           COUNT * sizeof(*data));
    memset(reference_slot(scene.reference, "exp_avg_sq"), 0,
           COUNT * sizeof(*data));
    reference_set_steps(scene.reference, 0);
    enqueue(&scene, steps, 0, NULL, NULL);
    finish(steps);
    scene_check(&scene);
    test_free(data);
    scene_close(&scene);
    clReleaseCommandQueue(steps);
    clReleaseCommandQueue(queue);
}

/* --- warming up ----------------------------------------------------------- */

/* A creation launches what its steps will, unless another has done so. */
static void creation_warms_up(void **state)
{
    static const struct {
        uint64_t count;
        size_t largest; /* 0: it finds all warm */
    } creations[] = {{1, 256},     {COUNT, 0},   {65536, 65536},
                     {1 << 20, 0}, {1 << 18, 0}, {1, 0}};
    struct trial_place place = *fixture_place();
    clstep_error error;

    (void)state;
    fixture_ok(clstep_device_create(place.context, fixture_id(), &place.device,
                                    &error),
               &error);
    for (size_t i = 0; i < sizeof(creations) / sizeof(*creations); i++) {
        clstep_layout *layout = fixture_layout(creations[i].count);
        clstep_optimizer *optimizer;

        atomic_store(&largest, 0);
        fixture_ok(clstep_optimizer_create(place.device, "sgd", settings,
                                           layout, &optimizer, &error),
                   &error);
        assert_int_equal(atomic_load(&largest), creations[i].largest);
        clstep_optimizer_release(optimizer);
        clstep_layout_release(layout);
    }
    clstep_device_release(place.device);
}

/* --- release -------------------------------------------------------------- */

/* All is released while the steps wait; then they run, and are right.  Their
 * event is waited for: after a flush, rusticl's clFinish() does not wait. */
static void release_in_flight(void **state)
{
    struct trial_place place = *fixture_place();
    cl_command_queue queue = create_queue(false);
    cl_event start = create_event(), done;
    struct scene scene;
    clstep_error error;

    (void)state;
    fixture_ok(clstep_device_create(place.context, fixture_id(), &place.device,
                                    &error),
               &error);
    scene_open_at(&scene, &place, "adam", settings, COUNT, fixture_seed(),
                  false);
    enqueue(&scene, queue, 1, &start, NULL);
    enqueue(&scene, queue, 0, NULL, &done);
    clstep_device_release(place.device);
    clstep_optimizer_release(scene.optimizer);
    scene.optimizer = NULL;
    clReleaseMemObject(scene.buffers.gradients);
    set_event(start, CL_COMPLETE);
    assert_int_equal(clWaitForEvents(1, &done), CL_SUCCESS);
    clReleaseEvent(done);
    fixture_read(scene.buffers.parameters, scene.scratch, COUNT);
    check_floats("parameters", scene.scratch, scene.w, COUNT);
    clRetainMemObject(scene.buffers.parameters);
    scene.buffers.gradients = scene.buffers.parameters;
    scene_close(&scene);
    clReleaseEvent(start);
    clReleaseCommandQueue(queue);
}

/* --- threads -------------------------------------------------------------- */

struct worker {
    struct scene scene;
    cl_command_queue queue;
    clstep_status status;
    clstep_error error;
    pthread_t thread;
};

/* cmocka's checks belong to one thread: a worker only notes its failure. */
static void *work(void *data)
{
    struct worker *worker = data;

    for (int i = 0; i < STEPS && worker->status == CLSTEP_OK; i++) {
        worker->status = clstep_optimizer_set(worker->scene.optimizer, "lr",
                                              0.01 / (i + 1), &worker->error);
        if (worker->status == CLSTEP_OK)
            worker->status = clstep_optimizer_step(
                worker->scene.optimizer, worker->queue, &worker->scene.buffers,
                0, NULL, NULL, &worker->error);
        reference_set(worker->scene.reference, "lr", 0.01 / (i + 1));
        reference_step(worker->scene.reference, worker->scene.w,
                       worker->scene.g, NULL);
    }
    return NULL;
}

static void threads_do_not_disturb(bool shared)
{
    static struct worker workers[THREADS];
    cl_command_queue common = create_queue(false);

    memset(workers, 0, sizeof(workers));
    for (int i = 0; i < THREADS; i++) {
        scene_open(&workers[i].scene, i % 2 == 0 ? "adam" : "momentum",
                   settings, COUNT, fixture_seed() + (uint64_t)i);
        workers[i].queue = shared ? common : create_queue(false);
    }
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(
            pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
    for (int i = 0; i < THREADS; i++) {
        fixture_ok(workers[i].status, &workers[i].error);
        finish(workers[i].queue);
        scene_check(&workers[i].scene);
        scene_close(&workers[i].scene);
        if (!shared)
            clReleaseCommandQueue(workers[i].queue);
    }
    clReleaseCommandQueue(common);
}

/* Threads are too much for Oclgrind's own lists, which have no locks. */
static void skip_where_unsafe(void)
{
    if (!scene_is_simulated())
        return;
    print_message("skipped: Oclgrind's calls must come from one thread\n");
    skip();
}

static void threads_on_one_queue(void **state)
{
    (void)state;
    skip_where_unsafe();
    threads_do_not_disturb(true);
}

static void threads_on_their_own_queues(void **state)
{
    (void)state;
    skip_where_unsafe();
    threads_do_not_disturb(false);
}

struct creator {
    clstep_device *device;
    clstep_layout *layout;
    clstep_optimizer *optimizer;
    clstep_status status;
    clstep_error error;
    pthread_t thread;
};

static void *create(void *data)
{
    struct creator *creator = data;

    creator->status = clstep_optimizer_create(
        creator->device, "adam", settings, creator->layout, &creator->optimizer,
        &creator->error);
    return NULL;
}

/* Eight that need the same two programs: each is built once. */
static void threads_create_one_plan(void **state)
{
    static struct creator creators[THREADS];
    const struct trial_place *place = fixture_place();
    clstep_layout *layout;
    clstep_device *device;
    clstep_error error;

    (void)state;
    skip_where_unsafe();
    layout = fixture_layout(COUNT);
    fixture_ok(
        clstep_device_create(place->context, fixture_id(), &device, &error),
        &error);
    memset(creators, 0, sizeof(creators));
    atomic_store(&builds, 0);
    for (int i = 0; i < THREADS; i++) {
        creators[i].device = device;
        creators[i].layout = layout;
        assert_int_equal(
            pthread_create(&creators[i].thread, NULL, create, &creators[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(creators[i].thread, NULL), 0);
    assert_int_equal(atomic_load(&builds), 2);
    for (int i = 0; i < THREADS; i++) {
        struct scene scene;

        fixture_ok(creators[i].status, &creators[i].error);
        open_scene(&scene);
        clstep_optimizer_release(scene.optimizer);
        scene.optimizer = creators[i].optimizer;
        scene_step(&scene, place->queue);
        scene_check(&scene);
        scene_close(&scene);
    }
    clstep_device_release(device);
    clstep_layout_release(layout);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_order_queues),
        cmocka_unit_test(out_of_order_queues),
        cmocka_unit_test(steps_behind_one_event),
        cmocka_unit_test(step_never_waits),
        cmocka_unit_test(many_events),
        cmocka_unit_test(other_queues_are_flushed),
        cmocka_unit_test(state_follows_the_steps),
        cmocka_unit_test(creation_warms_up),
        cmocka_unit_test(release_in_flight),
        cmocka_unit_test(threads_on_one_queue),
        cmocka_unit_test(threads_on_their_own_queues),
        cmocka_unit_test(threads_create_one_plan),
    };

    launches_look = look;
    return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
