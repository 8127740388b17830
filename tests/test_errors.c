/*
 * test_errors.c - every argument wrong once
 * SPDX-License-Identifier: MIT
 *
 * After each refusal every bit of the parameters, the gradients and the state
 * is as it was, and the optimizer still works.
 */
#include "scene.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { COUNT = 300, SMALL = COUNT - 1, PARENT = 8192, HALF = PARENT / 2 };

/* --- a second context ----------------------------------------------------- */

static struct {
    cl_context context;
    cl_command_queue queue;
    cl_mem buffer;
} other;

static int open_all(void **state)
{
    cl_device_id id;
    cl_int code = CL_SUCCESS;

    if (fixture_open(state) != 0)
        return -1;
    id = fixture_id();
    other.context = clCreateContext(NULL, 1, &id, NULL, NULL, &code);
    if (code == CL_SUCCESS)
        other.queue = clCreateCommandQueue(other.context, id, 0, &code);
    if (code == CL_SUCCESS)
        other.buffer = clCreateBuffer(other.context, CL_MEM_READ_WRITE,
                                      COUNT * sizeof(float), NULL, &code);
    return code == CL_SUCCESS ? 0 : -1;
}

static int close_all(void **state)
{
    clReleaseMemObject(other.buffer);
    clReleaseCommandQueue(other.queue);
    clReleaseContext(other.context);
    return fixture_close(state);
}

/* --- a step that is refused ----------------------------------------------- */

/* An optimizer with a state that is not trivial. */
static void open_scene(struct scene *scene, const clstep_setting *settings)
{
    scene_open(scene, "adam", settings, COUNT, fixture_seed());
    scene_step(scene, fixture_place()->queue);
    scene_gradient(scene);
}

static void
step_refused(const struct scene *scene, cl_command_queue queue,
             const clstep_buffers *buffers, cl_uint wait_count,
             const cl_event *wait_list, clstep_status status, const char *words)
{
    struct snapshot *before =
        snapshot_take(scene->optimizer, &scene->buffers, COUNT);
    cl_event done = (cl_event)(uintptr_t)&before;
    clstep_error error = {CLSTEP_OK, 1, ""};

    if (clstep_optimizer_step(scene->optimizer, queue, buffers, wait_count,
                              wait_list, &done, &error) != status)
        fail_msg("not refused as it should be (%s): %s", words, error.message);
    check_error(&error, status, words);
    assert_true(done == NULL);
    assert_int_equal(clstep_optimizer_step(scene->optimizer, queue, buffers,
                                           wait_count, wait_list, NULL, NULL),
                     status);
    snapshot_check(before, scene->optimizer, &scene->buffers);
    snapshot_release(before);
}

/* The optimizer still works, and closes. */
static void close_scene(struct scene *scene)
{
    scene_step(scene, fixture_place()->queue);
    scene_check(scene);
    scene_close(scene);
}

static void buffers_refused(const struct scene *scene,
                            const clstep_buffers *buffers, const char *words)
{
    step_refused(scene, fixture_place()->queue, buffers, 0, NULL,
                 CLSTEP_INVALID_ARGUMENT, words);
}

/* --- buffers -------------------------------------------------------------- */

static void no_buffers(void **state)
{
    struct scene scene;

    (void)state;
    open_scene(&scene, NULL);

    clstep_buffers no_parameters = scene.buffers, no_gradients = scene.buffers;

    no_parameters.parameters = NULL;
    no_gradients.gradients = NULL;
    buffers_refused(&scene, NULL, "buffers|NULL");
    buffers_refused(&scene, &no_parameters, "parameters|NULL");
    buffers_refused(&scene, &no_gradients, "gradients|NULL");
    close_scene(&scene);
}

/* Buffers too small by one element, or by one byte, or by their offset. */
static void small_buffers(void **state)
{
    static const uint64_t far[] = {1,
                                   COUNT,
                                   UINT64_MAX,
                                   UINT64_MAX - COUNT + 1,
                                   UINT64_MAX / 4,
                                   UINT64_MAX / 4 + 1,
                                   UINT64_C(1) << 62,
                                   INT64_MAX};
    cl_mem small = fixture_buffer(SMALL, NULL);
    cl_int code;
    cl_mem cut = clCreateBuffer(fixture_place()->context, CL_MEM_READ_WRITE,
                                COUNT * sizeof(float) - 1, NULL, &code);
    struct scene scene;

    (void)state;
    assert_int_equal(code, CL_SUCCESS);
    open_scene(&scene, NULL);
    for (int i = 0; i < 2; i++) {
        clstep_buffers p = scene.buffers, g = scene.buffers;

        p.parameters = g.gradients = i == 0 ? small : cut;
        buffers_refused(&scene, &p, "parameters|299|300|offset 0");
        buffers_refused(&scene, &g, "gradients|299|300|offset 0");
    }
    for (size_t i = 0; i < sizeof(far) / sizeof(*far); i++) {
        clstep_buffers p = scene.buffers, g = scene.buffers;
        char words[64];

        p.parameters_offset = g.gradients_offset = far[i];
        snprintf(words, sizeof(words), "parameters|300|%llu",
                 (unsigned long long)far[i]);
        buffers_refused(&scene, &p, words);
        snprintf(words, sizeof(words), "gradients|300|%llu",
                 (unsigned long long)far[i]);
        buffers_refused(&scene, &g, words);
    }
    close_scene(&scene);
    clReleaseMemObject(small);
    clReleaseMemObject(cut);
}

static void buffers_of_another_context(void **state)
{
    struct scene scene;

    (void)state;
    open_scene(&scene, NULL);

    clstep_buffers p = scene.buffers, g = scene.buffers;

    p.parameters = other.buffer;
    g.gradients = other.buffer;
    buffers_refused(&scene, &p, "parameters|context");
    buffers_refused(&scene, &g, "gradients|context");
    close_scene(&scene);
}

static cl_mem buffer_with(cl_mem_flags flags, float *data)
{
    cl_int code;
    cl_mem buffer =
        clCreateBuffer(fixture_place()->context, flags | CL_MEM_COPY_HOST_PTR,
                       COUNT * sizeof(float), data, &code);

    assert_int_equal(code, CL_SUCCESS);
    return buffer;
}

/* Also a sub-buffer has the access of its parent. */
static void access_is_checked(void **state)
{
    static const clstep_setting zero_grad[] = {
        {.name = "zero_grad", .value = 1}, {0}};
    const cl_buffer_region all = {0, COUNT * sizeof(float)};
    struct scene scene;

    (void)state;
    for (int zero = 0; zero < 2; zero++) {
        open_scene(&scene, zero ? zero_grad : NULL);

        clstep_buffers p = scene.buffers, g = scene.buffers;
        cl_mem read = buffer_with(CL_MEM_READ_ONLY, scene.g);
        cl_mem write = buffer_with(CL_MEM_WRITE_ONLY, scene.g);
        cl_int code;
        cl_mem part = clCreateSubBuffer(read, 0, CL_BUFFER_CREATE_TYPE_REGION,
                                        &all, &code);

        assert_int_equal(code, CL_SUCCESS);
        p.parameters = read;
        buffers_refused(&scene, &p, "parameters|read-only");
        p.parameters = part;
        buffers_refused(&scene, &p, "parameters|read-only");
        p.parameters = write;
        buffers_refused(&scene, &p, "parameters|write-only");
        g.gradients = write;
        buffers_refused(&scene, &g, "gradients|write-only");
        g.gradients = read;
        if (zero)
            buffers_refused(&scene, &g, "gradients|read-only|zero_grad");
        else
            scene_step_with(&scene, fixture_place()->queue, &g);
        close_scene(&scene);
        clReleaseMemObject(part);
        clReleaseMemObject(read);
        clReleaseMemObject(write);
    }
}

static void images_are_no_buffers(void **state)
{
    const cl_image_format format = {CL_R, CL_FLOAT};
    const cl_image_desc plane = {.image_type = CL_MEM_OBJECT_IMAGE2D,
                                 .image_width = 64,
                                 .image_height = 64};
    cl_int code;
    cl_mem image = clCreateImage(fixture_place()->context, CL_MEM_READ_WRITE,
                                 &format, &plane, NULL, &code);
    struct scene scene;

    (void)state;
    if (code != CL_SUCCESS) {
        print_message("the device has no such images\n");
        skip();
    }
    open_scene(&scene, NULL);

    clstep_buffers p = scene.buffers, g = scene.buffers;

    p.parameters = image;
    g.gradients = image;
    buffers_refused(&scene, &p, "parameters|image");
    buffers_refused(&scene, &g, "gradients|image");
    close_scene(&scene);
    clReleaseMemObject(image);
}

/* --- overlap -------------------------------------------------------------- */

/* One buffer with the scene's parameters and gradients at these offsets.  It
 * is written as a whole: where it is written in part, Oclgrind takes the rest
 * for uninitialised. */
static void put(const struct scene *scene, cl_mem buffer, uint64_t parameters,
                uint64_t gradients)
{
    float whole[PARENT] = {0};

    memcpy(whole + parameters, scene->w, COUNT * sizeof(*whole));
    memcpy(whole + gradients, scene->g, COUNT * sizeof(*whole));
    assert_int_equal(clEnqueueWriteBuffer(fixture_place()->queue, buffer,
                                          CL_TRUE, 0, sizeof(whole), whole, 0,
                                          NULL, NULL),
                     CL_SUCCESS);
}

/* A step in 'root', of which 'buffers' is a part, is right. */
static void step_within(struct scene *scene, const clstep_buffers *buffers,
                        cl_mem root, uint64_t parameters, uint64_t gradients)
{
    float found[PARENT];

    put(scene, root, parameters, gradients);
    scene_step_with(scene, fixture_place()->queue, buffers);
    fixture_read(root, found, PARENT);
    check_floats("parameters", found + parameters, scene->w, COUNT);
    check_floats("gradients", found + gradients, scene->g, COUNT);
}

static const struct {
    uint64_t parameters, gradients;
    bool allowed;
} places[] = {
    {0, 0, false},
    {0, COUNT - 1, false},
    {COUNT - 1, 0, false},
    {1000, 1000 + COUNT / 2, false},
    {PARENT - COUNT, PARENT - COUNT, false},
    {0, COUNT, true},
    {COUNT, 0, true},
    {PARENT - COUNT, PARENT - 2 * COUNT, true},
    {17, PARENT - COUNT, true},
};

/* Of the four ranges of a step each pair is refused that overlaps. */
static void ranges_overlap(void **state)
{
    static const clstep_setting settings[] = {
        {"copy_type", 0, "f16"}, {"device_scale", 1, NULL}, {0}};
    static const char *const words[4][4] = {
        {NULL, "parameters and gradients overlap",
         "parameters and copy overlap", "parameters and scale overlap"},
        {NULL, NULL, "gradients and copy overlap",
         "gradients and scale overlap"},
        {NULL, NULL, NULL, "copy and scale overlap"}};
    struct scene scene;
    cl_mem room[4];

    (void)state;
    scene_open(&scene, "adam", settings, COUNT, fixture_seed());
    for (size_t i = 0; i < 4; i++)
        room[i] = fixture_buffer(PARENT, NULL);
    for (size_t i = 0; i < 4; i++) {
        for (size_t k = i + 1; k < 4; k++) {
            cl_mem at[4];

            memcpy(at, room, sizeof(at));
            at[k] = at[i];

            const clstep_buffers within = {.parameters = at[0],
                                           .gradients = at[1],
                                           .copy = at[2],
                                           .scale = at[3]};

            buffers_refused(&scene, &within, words[i][k]);
        }
    }
    for (size_t i = 0; i < 4; i++)
        clReleaseMemObject(room[i]);
    scene_close(&scene);
}

static void one_buffer(void **state)
{
    cl_mem buffer = fixture_buffer(PARENT, NULL);
    struct scene scene;

    (void)state;
    open_scene(&scene, NULL);
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
        const clstep_buffers within = {buffer, places[i].parameters, buffer,
                                       places[i].gradients};

        if (places[i].allowed)
            step_within(&scene, &within, buffer, places[i].parameters,
                        places[i].gradients);
        else
            buffers_refused(&scene, &within,
                            "parameters and gradients overlap");
    }
    fixture_read(scene.buffers.parameters, scene.scratch, COUNT);
    memcpy(scene.w, scene.scratch, sizeof(float) * COUNT);
    scene_step_with(&scene, fixture_place()->queue, &scene.buffers);
    scene_check(&scene);
    scene_close(&scene);
    clReleaseMemObject(buffer);
}

static cl_mem part_of(cl_mem parent, size_t begin, size_t count)
{
    const cl_buffer_region region = {begin * sizeof(float),
                                     count * sizeof(float)};
    cl_int code;
    cl_mem part =
        clCreateSubBuffer(parent, CL_MEM_READ_WRITE,
                          CL_BUFFER_CREATE_TYPE_REGION, &region, &code);

    assert_int_equal(code, CL_SUCCESS);
    return part;
}

static const struct {
    int p; /* 0: the whole, 1: the large part, 2: the upper half */
    uint64_t p_offset;
    int g;
    uint64_t g_offset;
    bool allowed;
} part_cases[] = {
    {1, 0, 2, 0, true},
    {2, 0, 1, 0, true},
    {1, HALF - COUNT, 2, 0, true},
    {1, HALF - COUNT + 1, 2, 0, false},
    {2, 0, 1, HALF - COUNT + 1, false},
    {1, HALF, 2, 0, false},
    {1, HALF + COUNT - 1, 2, 0, false},
    {1, HALF + COUNT, 2, 0, true},
    {0, HALF, 2, 0, false},
    {0, HALF - COUNT, 2, 0, true},
    {2, HALF - COUNT, 0, PARENT - COUNT, false},
    {2, HALF - COUNT, 0, PARENT - 2 * COUNT, true},
    {2, 5, 2, 5, false},
    {2, 5, 2, 5 + COUNT, true},
};

/* Two sub-buffers, one of which covers the other: the ranges count. */
static void sub_buffers(void **state)
{
    cl_mem parent = fixture_buffer(PARENT, NULL);
    cl_mem parts[] = {parent, part_of(parent, 0, PARENT),
                      part_of(parent, HALF, HALF)};
    static const uint64_t bases[] = {0, 0, HALF};
    struct scene scene;

    (void)state;
    open_scene(&scene, NULL);
    for (size_t i = 0; i < sizeof(part_cases) / sizeof(*part_cases); i++) {
        const clstep_buffers within = {
            parts[part_cases[i].p], part_cases[i].p_offset,
            parts[part_cases[i].g], part_cases[i].g_offset};

        if (part_cases[i].allowed)
            step_within(&scene, &within, parent,
                        bases[part_cases[i].p] + part_cases[i].p_offset,
                        bases[part_cases[i].g] + part_cases[i].g_offset);
        else
            buffers_refused(&scene, &within, "overlap");
    }

    /* The offset counts from the part's beginning, and so does the size. */
    const clstep_buffers beyond = {parts[2], HALF - COUNT + 1, parts[1], 0};

    buffers_refused(&scene, &beyond, "parameters|4096|300|3797");
    scene_close(&scene);
    for (size_t i = 3; i-- > 0;)
        clReleaseMemObject(parts[i]);
}

/* --- queues and wait lists ------------------------------------------------ */

static void wrong_queues(void **state)
{
    struct scene scene;

    (void)state;
    open_scene(&scene, NULL);
    step_refused(&scene, NULL, &scene.buffers, 0, NULL, CLSTEP_INVALID_ARGUMENT,
                 "queue|NULL");
    step_refused(&scene, other.queue, &scene.buffers, 0, NULL,
                 CLSTEP_INVALID_ARGUMENT, "queue|context");
    close_scene(&scene);
}

/* A part of the device is another device.  Drivers may refuse such a queue
 * themselves. */
static void queue_of_another_device(void **state)
{
    cl_device_id parts[2];
    cl_command_queue queue = NULL;
    cl_int code = CL_INVALID_DEVICE;
    const bool divided = fixture_divide(parts);
    struct scene scene;

    (void)state;
    if (divided)
        queue =
            clCreateCommandQueue(fixture_place()->context, parts[1], 0, &code);
    if (code == CL_SUCCESS) {
        open_scene(&scene, NULL);
        step_refused(&scene, queue, &scene.buffers, 0, NULL,
                     CLSTEP_INVALID_ARGUMENT, "queue|device");
        close_scene(&scene);
        clReleaseCommandQueue(queue);
    }

    /* After the queue, which does not retain its device on PoCL 3.1. */
    for (int i = 0; i < 2 && divided; i++)
        clReleaseDevice(parts[i]);
    if (code != CL_SUCCESS) {
        print_message("the context has no queue of another device\n");
        skip();
    }
}

static void wrong_wait_lists(void **state)
{
    cl_command_queue queue = fixture_place()->queue;
    cl_int code;
    cl_event good = clCreateUserEvent(fixture_place()->context, &code);
    const cl_event with_null[] = {good, NULL};
    struct scene scene;

    (void)state;
    assert_int_equal(code, CL_SUCCESS);
    clSetUserEventStatus(good, CL_COMPLETE);
    open_scene(&scene, NULL);
    step_refused(&scene, queue, &scene.buffers, 1, NULL,
                 CLSTEP_INVALID_ARGUMENT, "wait_list|NULL|wait_count|1");
    step_refused(&scene, queue, &scene.buffers, UINT32_MAX, NULL,
                 CLSTEP_INVALID_ARGUMENT, "wait_list|NULL");
    step_refused(&scene, queue, &scene.buffers, 0, &good,
                 CLSTEP_INVALID_ARGUMENT, "wait_list|wait_count|0");
    step_refused(&scene, queue, &scene.buffers, 2, with_null,
                 CLSTEP_INVALID_ARGUMENT, "event 1|wait_list|NULL");
    close_scene(&scene);
    clReleaseEvent(good);
}

/* Whether they have completed or not. */
static void events_of_another_context(void **state)
{
    cl_command_queue queue = fixture_place()->queue;
    cl_int codes[3];
    cl_event good = clCreateUserEvent(fixture_place()->context, &codes[0]);
    cl_event done = clCreateUserEvent(other.context, &codes[1]);
    cl_event open = clCreateUserEvent(other.context, &codes[2]);
    struct scene scene;

    (void)state;
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(codes[i], CL_SUCCESS);
    clSetUserEventStatus(good, CL_COMPLETE);
    clSetUserEventStatus(done, CL_COMPLETE);
    open_scene(&scene, NULL);
    for (size_t i = 0; i < 2; i++) {
        const cl_event list[] = {good, i == 0 ? done : open, good};

        step_refused(&scene, queue, &scene.buffers, 1, &list[1],
                     CLSTEP_INVALID_ARGUMENT,
                     "event 0|wait_list|belongs to another context");
        step_refused(&scene, queue, &scene.buffers, 3, list,
                     CLSTEP_INVALID_ARGUMENT,
                     "event 1|wait_list|belongs to another context");
    }
    close_scene(&scene);
    clSetUserEventStatus(open, CL_COMPLETE);
    clReleaseEvent(good);
    clReleaseEvent(done);
    clReleaseEvent(open);
}

static void too_many_steps(void **state)
{
    struct scene scene;
    clstep_error error;

    (void)state;
    open_scene(&scene, NULL);
    fixture_ok(clstep_optimizer_set_steps(scene.optimizer, UINT64_MAX, &error),
               &error);
    step_refused(&scene, fixture_place()->queue, &scene.buffers, 0, NULL,
                 CLSTEP_OUT_OF_RANGE, "steps");
    fixture_ok(clstep_optimizer_set_steps(scene.optimizer, 1, &error), &error);
    close_scene(&scene);
}

/* --- slots ---------------------------------------------------------------- */

/* A read and a write that are refused leave the data and the slot alone. */
static void
slot_refused(struct scene *scene, cl_command_queue queue, const char *slot,
             uint64_t offset, uint64_t count, float *data, const char *words)
{
    struct snapshot *before =
        snapshot_take(scene->optimizer, &scene->buffers, COUNT);
    clstep_error error = {0};

    assert_int_equal(clstep_optimizer_read(scene->optimizer, queue, slot,
                                           offset, count, data, &error),
                     CLSTEP_INVALID_ARGUMENT);
    check_error(&error, CLSTEP_INVALID_ARGUMENT, words);
    assert_int_equal(clstep_optimizer_write(scene->optimizer, queue, slot,
                                            offset, count, data, &error),
                     CLSTEP_INVALID_ARGUMENT);
    check_error(&error, CLSTEP_INVALID_ARGUMENT, words);
    assert_int_equal(clstep_optimizer_read(scene->optimizer, queue, slot,
                                           offset, count, data, NULL),
                     CLSTEP_INVALID_ARGUMENT);
    assert_int_equal(clstep_optimizer_write(scene->optimizer, queue, slot,
                                            offset, count, data, NULL),
                     CLSTEP_INVALID_ARGUMENT);
    snapshot_check(before, scene->optimizer, &scene->buffers);
    snapshot_release(before);
    for (size_t i = 0; data != NULL && i < COUNT; i++)
        assert_true(data[i] == 7.0f);
}

static void slots_are_checked(void **state)
{
    cl_command_queue queue = fixture_place()->queue;
    struct scene scene;
    float data[COUNT];

    (void)state;
    for (size_t i = 0; i < COUNT; i++)
        data[i] = 7.0f;
    open_scene(&scene, NULL);
    slot_refused(&scene, NULL, "exp_avg", 0, COUNT, data, "queue|NULL");
    slot_refused(&scene, other.queue, "exp_avg", 0, COUNT, data,
                 "queue|context");
    slot_refused(&scene, queue, NULL, 0, COUNT, data, "slot|NULL");
    slot_refused(&scene, queue, "exp_avg", 0, COUNT, NULL, "data|NULL");
    slot_refused(&scene, queue, "", 0, COUNT, data, "adam|slot");
    slot_refused(&scene, queue, "max_exp_avg_sq", 0, COUNT, data,
                 "adam|max_exp_avg_sq");
    slot_refused(&scene, queue, "exp_avg", 0, COUNT + 1, data,
                 "exp_avg|300|301");
    slot_refused(&scene, queue, "exp_avg", 1, COUNT, data, "300|offset 1");
    slot_refused(&scene, queue, "exp_avg", COUNT, 1, data, "300|offset 300");
    slot_refused(&scene, queue, "exp_avg", COUNT + 1, 0, data, "offset 301");
    slot_refused(&scene, queue, "exp_avg", UINT64_MAX, 2, data, "exp_avg|300");
    slot_refused(&scene, queue, "exp_avg", 2, UINT64_MAX, data, "exp_avg|300");
    slot_refused(&scene, queue, "exp_avg", UINT64_C(1) << 62, COUNT, data,
                 "exp_avg|300");
    fixture_ok(clstep_optimizer_read(scene.optimizer, queue, "exp_avg", COUNT,
                                     0, NULL, NULL),
               &(clstep_error){0});
    close_scene(&scene);
}

static void reset_is_checked(void **state)
{
    struct scene scene;
    struct snapshot *before;
    clstep_error error;

    (void)state;
    open_scene(&scene, NULL);
    before = snapshot_take(scene.optimizer, &scene.buffers, COUNT);
    assert_int_equal(clstep_optimizer_reset(scene.optimizer, NULL, &error),
                     CLSTEP_INVALID_ARGUMENT);
    check_error(&error, CLSTEP_INVALID_ARGUMENT, "queue|NULL");
    assert_int_equal(
        clstep_optimizer_reset(scene.optimizer, other.queue, &error),
        CLSTEP_INVALID_ARGUMENT);
    check_error(&error, CLSTEP_INVALID_ARGUMENT, "queue|context");
    assert_int_equal(clstep_optimizer_reset(scene.optimizer, NULL, NULL),
                     CLSTEP_INVALID_ARGUMENT);
    snapshot_check(before, scene.optimizer, &scene.buffers);
    snapshot_release(before);
    close_scene(&scene);
}

static void resume_is_checked(void **state)
{
    static const clstep_setting dynamic[] = {
        {.name = "check_finite", .value = 1},
        {.name = "scale_start", .value = 4},
        {0}};
    static const float bad[] = {0.0f, 0x1.fffffcp-127f, -1.0f,
                                NAN,  INFINITY,         -INFINITY};
    cl_command_queue queue = fixture_place()->queue;
    const clstep_report least = {
        .skipped = 5, .scale = 0x1p-126f, .scale_steps = 2};
    clstep_optimizer *optimizer = fixture_optimizer("adam", dynamic, 5);
    clstep_report report;
    clstep_error error;

    (void)state;
    fixture_ok(clstep_optimizer_resume(optimizer, queue, &least, &error),
               &error);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        report = (clstep_report){.skipped = 9, .scale = bad[i]};
        assert_int_equal(
            clstep_optimizer_resume(optimizer, queue, &report, &error),
            CLSTEP_OUT_OF_RANGE);
        check_error(&error, CLSTEP_OUT_OF_RANGE,
                    "scale of the report|in [1.17549435e-38,");
    }
    assert_int_equal(clstep_optimizer_resume(optimizer, NULL, &least, &error),
                     CLSTEP_INVALID_ARGUMENT);
    check_error(&error, CLSTEP_INVALID_ARGUMENT, "queue|NULL");
    assert_int_equal(clstep_optimizer_resume(optimizer, queue, NULL, &error),
                     CLSTEP_INVALID_ARGUMENT);
    check_error(&error, CLSTEP_INVALID_ARGUMENT, "report|NULL");
    fixture_ok(clstep_optimizer_report(optimizer, queue, &report, NULL, &error),
               &error);
    assert_true(report.skipped == 5 && report.scale == 0x1p-126f);
    assert_int_equal(report.scale_steps, 2);
    clstep_optimizer_release(optimizer);
}

/* --- NULL and the getters ------------------------------------------------- */

static void no_optimizer(void **state)
{
    cl_command_queue queue = fixture_place()->queue;
    cl_event done = (cl_event)(uintptr_t)&queue;
    double value = 7.0;
    float data[4] = {0};
    clstep_error e[7];

    (void)state;
    memset(e, 0, sizeof(e));
    clstep_optimizer_step(NULL, queue, NULL, 0, NULL, &done, &e[0]);
    clstep_optimizer_set(NULL, "lr", 1.0, &e[1]);
    clstep_optimizer_get(NULL, "lr", &value, &e[2]);
    clstep_optimizer_set_steps(NULL, 1, &e[3]);
    clstep_optimizer_read(NULL, queue, "x", 0, 4, data, &e[4]);
    clstep_optimizer_write(NULL, queue, "x", 0, 4, data, &e[5]);
    clstep_optimizer_reset(NULL, queue, &e[6]);
    for (size_t i = 0; i < sizeof(e) / sizeof(*e); i++)
        check_error(&e[i], CLSTEP_INVALID_ARGUMENT, "optimizer|NULL");
    assert_true(done == NULL);
    assert_true(value == 7.0);

    assert_int_equal(
        clstep_optimizer_step(NULL, queue, NULL, 0, NULL, NULL, NULL),
        CLSTEP_INVALID_ARGUMENT);
    assert_int_equal(clstep_optimizer_set(NULL, NULL, 1.0, NULL),
                     CLSTEP_INVALID_ARGUMENT);
    assert_int_equal(clstep_optimizer_get(NULL, NULL, NULL, NULL),
                     CLSTEP_INVALID_ARGUMENT);
    assert_int_equal(clstep_optimizer_set_steps(NULL, 1, NULL),
                     CLSTEP_INVALID_ARGUMENT);
    assert_int_equal(clstep_optimizer_read(NULL, NULL, NULL, 0, 0, NULL, NULL),
                     CLSTEP_INVALID_ARGUMENT);
    assert_int_equal(clstep_optimizer_write(NULL, NULL, NULL, 0, 0, NULL, NULL),
                     CLSTEP_INVALID_ARGUMENT);
    assert_int_equal(clstep_optimizer_reset(NULL, NULL, NULL),
                     CLSTEP_INVALID_ARGUMENT);
    assert_true(clstep_optimizer_steps(NULL) == 0);
    assert_null(clstep_optimizer_slot(NULL, 0));
    assert_true(clstep_optimizer_bytes(NULL) == 0);
    clstep_optimizer_release(NULL);
}

static void numbers_of_an_optimizer(void **state)
{
    static const clstep_setting all[] = {{.name = "amsgrad", .value = 1},
                                         {.name = "zero_grad", .value = 1},
                                         {0}};
    clstep_optimizer *plain = fixture_optimizer("adam", NULL, 5);
    clstep_optimizer *large = fixture_optimizer("adam", all, 5);
    clstep_optimizer *sgd = fixture_optimizer("sgd", NULL, 5);
    clstep_error error;
    double value = 7.0;

    (void)state;
    assert_string_equal(clstep_optimizer_slot(plain, 0), "exp_avg");
    assert_string_equal(clstep_optimizer_slot(plain, 1), "exp_avg_sq");
    assert_null(clstep_optimizer_slot(plain, 2));
    assert_null(clstep_optimizer_slot(plain, SIZE_MAX));
    assert_string_equal(clstep_optimizer_slot(large, 2), "max_exp_avg_sq");
    assert_null(clstep_optimizer_slot(sgd, 0));
    assert_true(clstep_optimizer_bytes(plain) == 28);
    assert_true(clstep_optimizer_bytes(large) == 40);
    assert_true(clstep_optimizer_bytes(sgd) == 12);
    assert_true(clstep_optimizer_steps(plain) == 0);
    clstep_optimizer_set(plain, NULL, 1.0, &error);
    check_error(&error, CLSTEP_INVALID_ARGUMENT, "name|NULL");
    clstep_optimizer_get(plain, NULL, &value, &error);
    check_error(&error, CLSTEP_INVALID_ARGUMENT, "name|NULL");
    clstep_optimizer_get(plain, "lr", NULL, &error);
    check_error(&error, CLSTEP_INVALID_ARGUMENT, "value|NULL");
    assert_true(value == 7.0);
    clstep_optimizer_release(plain);
    clstep_optimizer_release(large);
    clstep_optimizer_release(sgd);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_buffers),
        cmocka_unit_test(small_buffers),
        cmocka_unit_test(buffers_of_another_context),
        cmocka_unit_test(access_is_checked),
        cmocka_unit_test(images_are_no_buffers),
        cmocka_unit_test(ranges_overlap),
        cmocka_unit_test(one_buffer),
        cmocka_unit_test(sub_buffers),
        cmocka_unit_test(wrong_queues),
        cmocka_unit_test(queue_of_another_device),
        cmocka_unit_test(wrong_wait_lists),
        cmocka_unit_test(events_of_another_context),
        cmocka_unit_test(too_many_steps),
        cmocka_unit_test(slots_are_checked),
        cmocka_unit_test(reset_is_checked),
        cmocka_unit_test(resume_is_checked),
        cmocka_unit_test(no_optimizer),
        cmocka_unit_test(numbers_of_an_optimizer),
    };

    return cmocka_run_group_tests(tests, open_all, close_all);
}
