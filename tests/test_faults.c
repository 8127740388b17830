/*
 * test_faults.c - the k-th call fails, for each k
 * SPDX-License-Identifier: MIT
 *
 * A scenario runs with the first call that may fail (faults.h) failing, then
 * the second, and so on until nothing is left to fail; once, or from there on.
 * After each fault: a status, a message that names the call, the state bit for
 * bit as before the operation (or the optimizer says that it is torn, and is
 * mended), the right bits when the operation is done again, and no object and
 * no memory left over at the end.
 */
#include "device.h"
#include "faults.h"
#include "scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TENSORS = 18, COUNT = 1093, SMALL_COUNT = 133, WAITS = 9 };

/* Of the optimizer that fails and goes on. */
static uint64_t elements(void)
{
    return fixture_is_small() ? SMALL_COUNT : COUNT;
}

/* --- what a scenario has -------------------------------------------------- */

struct run {
    clstep_device *device;
    clstep_layout *layout;
    struct scene scene; /* its optimizer is NULL until it is created */
    clstep_optimizer *twin;
    cl_command_queue queues[2];
    cl_event gate, done, waits[WAITS];
    float *data;
    bool torn; /* it was so once */
    clstep_joint *joint;
    clstep_report report;
    cl_mem output; /* of an evaluation */
};

static const clstep_setting plain[] = {{.name = "lr", .value = 0.01}, {0}};
static const clstep_setting decided[] = {{.name = "lr", .value = 0.01},
                                         {.name = "check_finite", .value = 1},
                                         {.name = "clip_norm", .value = 0.5},
                                         {0}};

static const clstep_setting pruned[] = {{.name = "prune", .value = 0.7},
                                        {.name = "prune_end", .value = 99},
                                        {.name = "prune_every", .value = 1},
                                        {0}};

/* Of this scenario. */
static const char *rule = "adam";
static const clstep_setting *settings = plain;

/* A device that scenarios share; its programs are built. */
static clstep_device *shared;

/*
 * An operation: 'prepare' and 'settle' are the test's own and do not fail,
 * 'act' calls the library once, or again after a failure.  'settle' does on the
 * host what a success has done on the device.
 */
struct operation {
    const char *name;
    void (*prepare)(struct run *run);
    clstep_status (*act)(struct run *run, clstep_error *error);
    void (*settle)(struct run *run, bool success);
};

static const clstep_buffers *buffers_of(const struct run *run)
{
    return &run->scene.buffers;
}

/* --- operations: creation ------------------------------------------------- */

static clstep_status create_device(struct run *run, clstep_error *error)
{
    const clstep_status status = clstep_device_create(
        fixture_place()->context, fixture_id(), &run->device, error);

    assert_true((status == CLSTEP_OK) == (run->device != NULL));
    if (status == CLSTEP_OK)
        run->device->grouped = fixture_place()->device->grouped;
    return status;
}

static clstep_status create_layout(struct run *run, clstep_error *error)
{
    const clstep_status status = clstep_layout_create(&run->layout, error);

    assert_true((status == CLSTEP_OK) == (run->layout != NULL));
    return status;
}

/* As many as it takes for the layout to grow twice. */
static clstep_status add_tensors(struct run *run, clstep_error *error)
{
    clstep_status status = CLSTEP_OK;
    size_t n = clstep_layout_tensors(run->layout);

    for (; n < TENSORS && status == CLSTEP_OK; n++) {
        char name[16];

        snprintf(name, sizeof(name), "w%zu", n);
        status =
            clstep_layout_add(run->layout, name, 1, (uint64_t[]){5}, 0, error);
    }
    return status;
}

/* The layout has the tensors that were added, and no other. */
static void check_layout(struct run *run, bool success)
{
    const size_t count = clstep_layout_tensors(run->layout);

    assert_true(success == (count == TENSORS));
    for (size_t i = 0; i < TENSORS; i++) {
        char name[16];
        clstep_tensor tensor;

        snprintf(name, sizeof(name), "w%zu", i);
        assert_int_equal(clstep_layout_find(run->layout, name, &tensor),
                         i < count);
        if (i >= count)
            continue;
        assert_string_equal(tensor.name, name);
        assert_true(tensor.offset == i * CLSTEP_ALIGNMENT);
        assert_true(tensor.count == 5 && tensor.shape[0] == 5);
    }
    assert_true(clstep_layout_parameters(run->layout) == 5 * count);
    assert_true(clstep_layout_count(run->layout) ==
                (count == 0 ? 0 : (count - 1) * CLSTEP_ALIGNMENT + 5));
}

static clstep_status create_optimizer(struct run *run, clstep_error *error)
{
    const clstep_status status = clstep_optimizer_create(
        run->device, rule, settings, run->layout, &run->scene.optimizer, error);

    assert_true((status == CLSTEP_OK) == (run->scene.optimizer != NULL));
    return status;
}

/* A second optimizer of the same kernel, which is there already. */
static clstep_status create_twin(struct run *run, clstep_error *error)
{
    const clstep_status status = clstep_optimizer_create(
        run->device, rule, settings, run->layout, &run->twin, error);

    assert_true((status == CLSTEP_OK) == (run->twin != NULL));
    return status;
}

static void release_twin(struct run *run, bool success)
{
    (void)success;
    clstep_optimizer_release(run->twin);
    run->twin = NULL;
}

/* --- operations: life ----------------------------------------------------- */

static clstep_status write_slot(struct run *run, clstep_error *error)
{
    return clstep_optimizer_write(run->scene.optimizer, run->queues[0],
                                  "exp_avg", 100, elements() - 100,
                                  run->scene.g, error);
}

static void settle_write(struct run *run, bool success)
{
    float *slot = reference_slot(run->scene.reference, "exp_avg");

    if (success)
        memcpy(slot + 100, run->scene.g, (elements() - 100) * sizeof(*slot));
}

static void settle_step(struct run *run, bool success)
{
    if (success)
        reference_step(run->scene.reference, run->scene.w, run->scene.g, NULL);
}

static clstep_status step(struct run *run, clstep_error *error)
{
    return clstep_optimizer_step(run->scene.optimizer, run->queues[0],
                                 buffers_of(run), 0, NULL, NULL, error);
}

static void prepare_waits(struct run *run)
{
    for (size_t i = 0; i < WAITS; i++) {
        cl_int code;

        run->waits[i] = clCreateUserEvent(fixture_place()->context, &code);
        assert_int_equal(code, CL_SUCCESS);
    }
}

/* Waits for more events than find room on the stack, and gives one. */
static clstep_status step_with_events(struct run *run, clstep_error *error)
{
    run->done = (cl_event)(uintptr_t)run;

    const clstep_status status = clstep_optimizer_step(
        run->scene.optimizer, run->queues[0], buffers_of(run), WAITS,
        run->waits, &run->done, error);

    assert_true((status == CLSTEP_OK) == (run->done != NULL));
    return status;
}

static void settle_events(struct run *run, bool success)
{
    for (size_t i = 0; i < WAITS; i++) {
        clSetUserEventStatus(run->waits[i], CL_COMPLETE);
        clReleaseEvent(run->waits[i]);
    }
    if (run->done != NULL) {
        assert_int_equal(clWaitForEvents(1, &run->done), CL_SUCCESS);
        clReleaseEvent(run->done);
    }
    settle_step(run, success);
}

/* A step is under way on the first queue when the next call comes.  Oclgrind,
 * which would wait for the gate when the queue is flushed, has it open. */
static void prepare_gate(struct run *run)
{
    clstep_error error;
    cl_int code;

    run->gate = clCreateUserEvent(fixture_place()->context, &code);
    assert_int_equal(code, CL_SUCCESS);
    fixture_ok(clstep_optimizer_step(run->scene.optimizer, run->queues[0],
                                     buffers_of(run), 1, &run->gate, NULL,
                                     &error),
               &error);
    if (scene_is_simulated())
        clSetUserEventStatus(run->gate, CL_COMPLETE);
    settle_step(run, true);
}

static void open_gate(struct run *run)
{
    if (!scene_is_simulated())
        clSetUserEventStatus(run->gate, CL_COMPLETE);
    clReleaseEvent(run->gate);
    fixture_finish(run->queues[0]);
    fixture_finish(run->queues[1]);
}

static clstep_status step_elsewhere(struct run *run, clstep_error *error)
{
    return clstep_optimizer_step(run->scene.optimizer, run->queues[1],
                                 buffers_of(run), 0, NULL, NULL, error);
}

static void settle_elsewhere(struct run *run, bool success)
{
    open_gate(run);
    settle_step(run, success);
}

static clstep_status read_slot(struct run *run, clstep_error *error)
{
    return clstep_optimizer_read(run->scene.optimizer, run->queues[1],
                                 "exp_avg_sq", 0, elements(), run->data, error);
}

static void settle_read(struct run *run, bool success)
{
    if (success)
        check_floats("exp_avg_sq", run->data,
                     reference_slot(run->scene.reference, "exp_avg_sq"),
                     elements());
}

static clstep_status reset(struct run *run, clstep_error *error)
{
    return clstep_optimizer_reset(run->scene.optimizer, run->queues[1], error);
}

static void settle_reset(struct run *run, bool success)
{
    struct reference *reference = run->scene.reference;

    open_gate(run);
    if (!success)
        return;
    for (size_t i = 0; reference_slot_name(reference, i) != NULL; i++)
        memset(reference_slot(reference, reference_slot_name(reference, i)), 0,
               elements() * sizeof(float));
    reference_set_steps(reference, 0);
}

static clstep_status set_steps(struct run *run, clstep_error *error)
{
    return clstep_optimizer_set_steps(run->scene.optimizer, 41, error);
}

static void settle_set_steps(struct run *run, bool success)
{
    if (success)
        reference_set_steps(run->scene.reference, 41);
}

/* --- operations: what the device decides ---------------------------------- */

static clstep_status report(struct run *run, clstep_error *error)
{
    return clstep_optimizer_report(run->scene.optimizer, run->queues[0],
                                   &run->report, NULL, error);
}

static void settle_report(struct run *run, bool success)
{
    struct reference_report expected;

    reference_report(run->scene.reference, &expected);
    if (!success)
        return;
    assert_int_equal(run->report.steps, expected.steps);
    assert_int_equal(run->report.skipped, expected.skipped);
}

static clstep_status report_later(struct run *run, clstep_error *error)
{
    run->done = NULL;
    return clstep_optimizer_report(run->scene.optimizer, run->queues[1],
                                   &run->report, &run->done, error);
}

static void settle_report_later(struct run *run, bool success)
{
    assert_true(success == (run->done != NULL));
    if (success) {
        assert_int_equal(clWaitForEvents(1, &run->done), CL_SUCCESS);
        clReleaseEvent(run->done);
    }
    settle_report(run, success);
}

static void prepare_frozen(struct run *run)
{
    clstep_optimizer_freeze(run->scene.optimizer, 0, 1, NULL);
}

static void settle_frozen(struct run *run, bool success)
{
    (void)success;
    clstep_optimizer_freeze(run->scene.optimizer, 0, 0, NULL);
}

static clstep_status resume(struct run *run, clstep_error *error)
{
    const clstep_report from = {.skipped = 7};

    return clstep_optimizer_resume(run->scene.optimizer, run->queues[0], &from,
                                   error);
}

static void settle_resume(struct run *run, bool success)
{
    if (success)
        reference_resume(run->scene.reference,
                         &(struct reference_report){.skipped = 7});
}

static clstep_status join(struct run *run, clstep_error *error)
{
    const clstep_status status =
        clstep_joint_create(&run->scene.optimizer, 1, &run->joint, error);

    assert_true((status == CLSTEP_OK) == (run->joint != NULL));
    return status;
}

static clstep_status step_together(struct run *run, clstep_error *error)
{
    return clstep_joint_step(run->joint, run->queues[0], buffers_of(run), 0,
                             NULL, NULL, error);
}

static void settle_together(struct run *run, bool success)
{
    settle_step(run, success);
}

static clstep_status steps_apart(struct run *run, clstep_error *error)
{
    return clstep_optimizer_step_tensors(run->scene.optimizer, run->queues[0],
                                         buffers_of(run), 0, NULL, NULL, error);
}

/* --- operations: evaluation ----------------------------------------------- */

static void prepare_output(struct run *run)
{
    if (run->output == NULL)
        run->output = fixture_buffer(elements(), run->scene.g);
}

static void prepare_output_and_waits(struct run *run)
{
    prepare_output(run);
    prepare_waits(run);
}

static void prepare_output_and_gate(struct run *run)
{
    prepare_output(run);
    prepare_gate(run);
}

static clstep_status evaluate(struct run *run, clstep_error *error)
{
    return clstep_optimizer_evaluate(run->scene.optimizer, run->queues[0],
                                     buffers_of(run), run->output, 0, 0, NULL,
                                     NULL, error);
}

/* What docs/numerics.md says, with the default of beta1. */
static void settle_evaluate(struct run *run, bool success)
{
    const struct scene *scene = &run->scene;
    const float *w = scene->w, *z = reference_slot(scene->reference, "z");
    const bool begun = reference_steps(scene->reference) != 0;
    const float factor = begun ? (float)(1.0 - 1.0 / 0.9) : 0.0f;

    fixture_finish(run->queues[0]);
    fixture_finish(run->queues[1]);
    if (success) {
        fixture_read(run->output, run->data, elements());
        for (uint64_t i = 0; i < elements(); i++) {
            const float way = factor * (z[i] - w[i]);

            assert_true(run->data[i] == (begun ? w[i] + way : w[i]));
        }
    }

    /* The next evaluation finds nothing of this one. */
    clReleaseMemObject(run->output);
    run->output = NULL;
}

static clstep_status evaluate_with_events(struct run *run, clstep_error *error)
{
    run->done = (cl_event)(uintptr_t)run;

    const clstep_status status = clstep_optimizer_evaluate(
        run->scene.optimizer, run->queues[0], buffers_of(run), run->output, 0,
        WAITS, run->waits, &run->done, error);

    assert_true((status == CLSTEP_OK) == (run->done != NULL));
    return status;
}

static void settle_evaluate_events(struct run *run, bool success)
{
    for (size_t i = 0; i < WAITS; i++) {
        clSetUserEventStatus(run->waits[i], CL_COMPLETE);
        clReleaseEvent(run->waits[i]);
    }
    if (run->done != NULL) {
        assert_int_equal(clWaitForEvents(1, &run->done), CL_SUCCESS);
        clReleaseEvent(run->done);
    }
    settle_evaluate(run, success);
}

static clstep_status evaluate_elsewhere(struct run *run, clstep_error *error)
{
    return clstep_optimizer_evaluate(run->scene.optimizer, run->queues[1],
                                     buffers_of(run), run->output, 0, 0, NULL,
                                     NULL, error);
}

static void settle_evaluate_elsewhere(struct run *run, bool success)
{
    open_gate(run);
    settle_evaluate(run, success);
}

static void part(struct run *run)
{
    clstep_joint_release(run->joint);
    run->joint = NULL;
}

/* --- operations: parameters ----------------------------------------------- */

static clstep_status initialize(struct run *run, clstep_error *error)
{
    run->done = (cl_event)(uintptr_t)run;

    const clstep_status status = clstep_initialize(
        run->device, run->queues[0], run->layout, 0, "normal", NULL, 5,
        buffers_of(run)->parameters, 0, WAITS, run->waits, &run->done, error);

    assert_true((status == CLSTEP_OK) == (run->done != NULL));
    return status;
}

static void settle_initialize(struct run *run, bool success)
{
    settle_events(run, false);
    if (success)
        reference_init_normal(run->scene.w, elements(), 0, 5, 0.0, 1.0);
}

static clstep_status count_zeros(struct run *run, clstep_error *error)
{
    uint64_t zeros = 17;
    const clstep_status status =
        clstep_count_zeros(run->device, run->queues[0], run->layout,
                           buffers_of(run)->parameters, 0, &zeros, error);

    assert_int_equal(zeros, status == CLSTEP_OK ? 0 : 17);
    return status;
}

static const struct operation device_only[] = {
    {"create a device", NULL, create_device, NULL},
    {0},
};

static const struct operation layout_only[] = {
    {"create a layout", NULL, create_layout, NULL},
    {"add tensors", NULL, add_tensors, check_layout},
    {0},
};

/* On a device that has no program yet. */
static const struct operation creation[] = {
    {"create an optimizer", NULL, create_optimizer, NULL},
    {0},
};

static const struct operation life[] = {
    {"create an optimizer", NULL, create_optimizer, NULL},
    {"write a slot", NULL, write_slot, settle_write},
    {"step", NULL, step, settle_step},
    {"step again", NULL, step, settle_step},
    {"step with events", prepare_waits, step_with_events, settle_events},
    {"step on another queue", prepare_gate, step_elsewhere, settle_elsewhere},
    {"read a slot", NULL, read_slot, settle_read},
    {"step", NULL, step, settle_step},
    {"set the steps", NULL, set_steps, settle_set_steps},
    {"step", NULL, step, settle_step},
    {"reset", prepare_gate, reset, settle_reset},
    {"step after the reset", NULL, step, settle_step},
    {"create a twin", NULL, create_twin, release_twin},
    {0},
};

/* The same with a table, and what there is only then. */
static const struct operation whole_life[] = {
    {"create an optimizer", NULL, create_optimizer, NULL},
    {"step", NULL, step, settle_step},
    {"report", NULL, report, settle_report},
    {"step again", NULL, step, settle_step},
    {"step with events", prepare_waits, step_with_events, settle_events},
    {"step on another queue", prepare_gate, step_elsewhere, settle_elsewhere},
    {"report later", NULL, report_later, settle_report_later},
    {"step, frozen", prepare_frozen, step, settle_frozen},
    {"read a slot", NULL, read_slot, settle_read},
    {"set the steps", NULL, set_steps, settle_set_steps},
    {"step apart", NULL, steps_apart, settle_step},
    {"resume", NULL, resume, settle_resume},
    {"report", NULL, report, settle_report},
    {"reset", prepare_gate, reset, settle_reset},
    {"step after the reset", NULL, step, settle_step},
    {"join", NULL, join, NULL},
    {"step together", NULL, step_together, settle_together},
    {"step together again", NULL, step_together, settle_together},
    {"step alone", part, step, settle_step},
    {0},
};

/* Of a schedule-free rule. */
static const struct operation evaluated_life[] = {
    {"create an optimizer", NULL, create_optimizer, NULL},
    {"evaluate", prepare_output, evaluate, settle_evaluate},
    {"step", NULL, step, settle_step},
    {"evaluate after a step", prepare_output, evaluate, settle_evaluate},
    {"evaluate with events", prepare_output_and_waits, evaluate_with_events,
     settle_evaluate_events},
    {"evaluate on another queue", prepare_output_and_gate, evaluate_elsewhere,
     settle_evaluate_elsewhere},
    {"step", NULL, step, settle_step},
    {0},
};

/* Each step chooses what is held at zero. */
static const struct operation pruned_life[] = {
    {"create an optimizer", NULL, create_optimizer, NULL},
    {"step", NULL, step, settle_step},
    {"step again", NULL, step, settle_step},
    {"step on another queue", prepare_gate, step_elsewhere, settle_elsewhere},
    {"step apart", NULL, steps_apart, settle_step},
    {"reset", prepare_gate, reset, settle_reset},
    {"step after the reset", NULL, step, settle_step},
    {0},
};

/* On a device that has no program yet. */
static const struct operation parameters[] = {
    {"count zeros", NULL, count_zeros, NULL},
    {"initialize", prepare_waits, initialize, settle_initialize},
    {0},
};

/* --- a run ---------------------------------------------------------------- */

static void open_run(struct run *run, const struct operation *operations)
{
    clstep_error error;

    *run = (struct run){0};
    scene_open(&run->scene, rule, settings, elements(), fixture_seed());
    clstep_optimizer_release(run->scene.optimizer);
    run->scene.optimizer = NULL;
    run->data = calloc(elements(), sizeof(*run->data));
    for (int i = 0; i < 2; i++) {
        cl_int code;

        run->queues[i] = clCreateCommandQueue(fixture_place()->context,
                                              fixture_id(), 0, &code);
        assert_int_equal(code, CL_SUCCESS);
    }
    if (operations == life || operations == whole_life ||
        operations == evaluated_life || operations == pruned_life)
        run->device = shared;
    else if (operations == creation || operations == parameters)
        fixture_ok(create_device(run, &error), &error);
    if (operations != layout_only)
        run->layout = scene_layout(settings, elements());
}

/* Releases what the library has made; 'gate' and the like are settled. */
static void close_run(struct run *run)
{
    clstep_joint_release(run->joint);
    if (run->scene.optimizer != NULL)
        clstep_optimizer_release(run->scene.optimizer);
    clstep_layout_release(run->layout);
    if (run->device != shared)
        clstep_device_release(run->device);
    run->scene.optimizer = NULL;
    fault.armed = false;
    fixture_finish(run->queues[0]);
    fixture_finish(run->queues[1]);
    clReleaseCommandQueue(run->queues[0]);
    clReleaseCommandQueue(run->queues[1]);
    if (run->output != NULL)
        clReleaseMemObject(run->output);
    free(run->data);
    scene_close(&run->scene);
}

/* Brings torn state back to what the reference has. */
static void mend(struct run *run)
{
    struct scene *scene = &run->scene;
    const char *slot;
    clstep_error error;

    fixture_finish(run->queues[0]);
    fixture_finish(run->queues[1]);
    assert_int_equal(clEnqueueWriteBuffer(
                         run->queues[0], scene->buffers.parameters, CL_TRUE, 0,
                         elements() * sizeof(float), scene->w, 0, NULL, NULL),
                     CL_SUCCESS);
    for (size_t i = 0;
         (slot = clstep_optimizer_slot(scene->optimizer, i)) != NULL; i++)
        fixture_ok(clstep_optimizer_write(
                       scene->optimizer, run->queues[0], slot, 0, elements(),
                       reference_slot(scene->reference, slot), &error),
                   &error);
    fixture_ok(clstep_optimizer_set_steps(
                   scene->optimizer, reference_steps(scene->reference), &error),
               &error);
    run->torn = true;
}

/* After a failure or at the end: all is as the reference has it, or torn. */
static void verify(struct run *run)
{
    clstep_error error;

    fixture_finish(run->queues[0]);
    fixture_finish(run->queues[1]);
    if (run->scene.optimizer == NULL) {
        fixture_read(run->scene.buffers.parameters, run->data, elements());
        check_floats("parameters", run->data, run->scene.w, elements());
        return;
    }
    if (clstep_optimizer_read(run->scene.optimizer, run->queues[0],
                              clstep_optimizer_slot(run->scene.optimizer, 0), 0,
                              1, run->scene.scratch,
                              &error) == CLSTEP_STATE_TORN)
        mend(run);
    scene_check(&run->scene);
}

/* Does the operation; where it fails, does it again without a fault.  Returns
 * false where it failed and 'give_up' says that once is enough. */
static bool
operate(struct run *run, const struct operation *operation, bool give_up)
{
    clstep_error error = {0};
    clstep_status status;

    for (int attempt = 0; attempt < 2; attempt++) {
        if (operation->prepare != NULL)
            operation->prepare(run);
        fault.armed = attempt == 0 && (fault.struck == 0 || fault.from);
        status = operation->act(run, &error);
        fault.armed = false;
        if (operation->settle != NULL)
            operation->settle(run, status == CLSTEP_OK);
        if (status == CLSTEP_OK)
            return true;
        if (attempt != 0)
            fail_msg("%s, without a fault: %s", operation->name, error.message);
        check_fault(&error);
        if (give_up)
            return false;
        verify(run);
        fault.from = false;
    }
    return true;
}

struct sums {
    unsigned faults, torn;
};

/* One run with a fault at call 'at'; false if there is no such call. */
static bool run_once(const struct operation *operations, unsigned at, bool from,
                     bool give_up, struct sums *sums)
{
    long before[KINDS];
    struct run run;
    bool failed = false;

    memcpy(before, fault.live, sizeof(before));
    open_run(&run, operations);
    fault.at = at;
    fault.from = from;
    fault.calls = fault.struck = 0;
    for (; operations->name != NULL && !failed; operations++)
        failed = !operate(&run, operations, give_up);
    if (failed) {
        /* Where no call works, nobody can wait for what still runs. */
        fixture_finish(run.queues[0]);
        fixture_finish(run.queues[1]);
        fault.armed = true;
    } else {
        verify(&run);
    }
    close_run(&run);
    for (int kind = 0; kind < KINDS; kind++)
        if (fault.live[kind] != before[kind])
            fail_msg("fault %u in %s: %ld objects of kind %d are left", at,
                     fault.struck != 0 ? fault.first : "nothing",
                     fault.live[kind] - before[kind], kind);
    sums->faults += fault.struck != 0;
    sums->torn += run.torn;
    return fault.struck != 0;
}

static unsigned all_faults;

static void run_all(const struct operation *operations, const char *name)
{
    struct sums sums = {0};
    struct fault_way way;

    for (unsigned i = 0; fault_way(i, 11, &way); i++) {
        unsigned at = way.first;

        fault.other_code = way.other_code;
        while (run_once(operations, at, way.from, way.from, &sums))
            at += way.stride;
        assert_true(at > 4);
    }
    print_message("%s: %u faults, 0 lost, %u states torn and mended\n", name,
                  sums.faults, sums.torn);
    all_faults += sums.faults;
}

static void faults_of_a_device(void **state)
{
    (void)state;
    run_all(device_only, "device");
}

static void faults_of_a_layout(void **state)
{
    (void)state;
    run_all(layout_only, "layout");
}

static void faults_of_creation(void **state)
{
    (void)state;
    run_all(creation, "creation");
}

static void life_of(const struct operation *operations, const char *name)
{
    const struct trial_place *place = fixture_place();
    clstep_error error;

    fixture_ok(
        clstep_device_create(place->context, fixture_id(), &shared, &error),
        &error);
    shared->grouped = place->device->grouped;

    clstep_layout *layout = scene_layout(settings, elements());
    clstep_optimizer *first;
    struct scene scene;

    /* The fixture's device keeps its programs too. */
    scene_open(&scene, rule, settings, elements(), fixture_seed());
    scene_close(&scene);

    fixture_ok(
        clstep_optimizer_create(shared, rule, settings, layout, &first, &error),
        &error);
    clstep_optimizer_release(first);
    clstep_layout_release(layout);
    run_all(operations, name);
    clstep_device_release(shared);
    shared = NULL; /* another device may come to stand there */
}

static void faults_of_a_life(void **state)
{
    (void)state;
    settings = plain;
    life_of(life, "life");
}

static void faults_of_what_is_decided(void **state)
{
    (void)state;
    settings = decided;
    life_of(whole_life, "decided");
    settings = plain;
}

/* Plainly, and with groups' factors in the device's memory. */
static void faults_of_an_evaluation(void **state)
{
    (void)state;
    rule = "schedule_free_adamw";
    settings = plain;
    life_of(evaluated_life, "evaluated");
    settings = decided;
    life_of(evaluated_life, "evaluated, decided");
    settings = plain;
    rule = "adam";
}

static void faults_of_pruning(void **state)
{
    (void)state;
    settings = pruned;
    life_of(pruned_life, "prune");
    settings = plain;
}

static void faults_of_parameters(void **state)
{
    (void)state;
    run_all(parameters, "parameters");
}

/* The fixture's device keeps the program that every scene needs. */
static int open_all(void **state)
{
    if (fixture_open(state) != 0)
        return -1;
    clstep_optimizer_release(fixture_optimizer("adam", settings, elements()));
    return 0;
}

static int close_all(void **state)
{
    print_message("%u faults in all\n", all_faults);
    return fixture_close(state);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_of_a_device),
        cmocka_unit_test(faults_of_a_layout),
        cmocka_unit_test(faults_of_creation),
        cmocka_unit_test(faults_of_a_life),
        cmocka_unit_test(faults_of_what_is_decided),
        cmocka_unit_test(faults_of_an_evaluation),
        cmocka_unit_test(faults_of_pruning),
        cmocka_unit_test(faults_of_parameters),
    };

    return cmocka_run_group_tests(tests, open_all, close_all);
}
