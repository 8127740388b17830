/*
 * test_joint.c - optimizers that step together
 * SPDX-License-Identifier: MIT
 *
 * Bit for bit as the reference has it.  Linked with launches.c and handles.c.
 */
#define _POSIX_C_SOURCE 200809L
#include "handles.h"
#include "launches.h"
#include "scene.h"
#include "whole.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { MEMBERS = 3 };

static size_t largest; /* launch so far */

static cl_int look(cl_command_queue queue, cl_kernel kernel, size_t global)
{
    (void)queue;
    handles_check(kernel);
    largest = global > largest ? global : largest;
    return CL_SUCCESS;
}

static const char *const joined[MEMBERS] = {"adamw", "momentum", "ftrl"};

static const struct whole_shape team_shapes[MEMBERS][3] = {
    {{1, {300}, 0}, {2, {3, 3000}, 1}, {1, {1}, 0}},
    {{2, {9, 40}, 0}, {1, {0}, 1}, {1, {256}, 2}},
    {{1, {4097}, 0}, {1, {17}, 1}, {2, {2, 129}, 1}},
};

struct team {
    struct whole members[MEMBERS];
    clstep_joint *joint;
};

static void open_joint(struct team *team)
{
    clstep_optimizer *optimizers[MEMBERS];
    clstep_error error;

    for (size_t m = 0; m < MEMBERS; m++)
        optimizers[m] = team->members[m].optimizer;
    fixture_ok(clstep_joint_create(optimizers, MEMBERS, &team->joint, &error),
               &error);
}

static void open_team(struct team *team, const char *const *rules,
                      const clstep_setting *settings)
{
    for (size_t m = 0; m < MEMBERS; m++)
        whole_open(&team->members[m], rules[m], settings, team_shapes[m], 3,
                   fixture_seed() + m);
    open_joint(team);
}

static void close_team(struct team *team)
{
    clstep_joint_release(team->joint);
    for (size_t m = 0; m < MEMBERS; m++)
        whole_close(&team->members[m]);
}

static void step_host(struct team *team)
{
    struct reference *references[MEMBERS];
    float *w[MEMBERS];
    void *g[MEMBERS], *c[MEMBERS];

    for (size_t m = 0; m < MEMBERS; m++) {
        references[m] = team->members[m].reference;
        w[m] = whole_w(&team->members[m]);
        g[m] = whole_g(&team->members[m]);
        c[m] = whole_c(&team->members[m]);
    }
    reference_joint_step(references, MEMBERS, w, g, c);
}

static clstep_status
step_device(struct team *team, cl_event *done, clstep_error *error)
{
    clstep_buffers buffers[MEMBERS];

    for (size_t m = 0; m < MEMBERS; m++)
        buffers[m] = team->members[m].buffers;
    for (size_t m = 1; m < MEMBERS; m++) /* only the first one's counts */
        buffers[m].scale = m == 1 ? NULL : buffers[m].gradients;
    return clstep_joint_step(team->joint, queue_of_all(), buffers, 0, NULL,
                             done, error);
}

static void step_team(struct team *team)
{
    clstep_error error;

    step_host(team);
    fixture_ok(step_device(team, NULL, &error), &error);
}

static void check_team(struct team *team)
{
    for (size_t m = 0; m < MEMBERS; m++)
        whole_check(&team->members[m]);
}

/* New gradients for all; a bad one in the member 'bad', if there is. */
static void gradients(struct team *team, size_t bad)
{
    for (size_t m = 0; m < MEMBERS; m++) {
        whole_gradients(&team->members[m], WHOLE_CALM);
        if (m == bad)
            whole_poison(&team->members[m], team->members[m].tensor_count - 1,
                         0, NAN);
    }
}

static const struct {
    clstep_setting settings[8];
} teams[] = {
    {{NUMBER("clip_norm", 0.5), NUMBER("check_finite", 1)}},
    {{NUMBER("clip_norm", 0.5)}},
    {{NUMBER("clip_norm_tensor", 0.25), CHOICE("copy_type", "f16")}},
    {{NUMBER("scale_start", 16), NUMBER("scale_interval", 2),
      NUMBER("check_finite", 1), CHOICE("grad_type", "f16"),
      NUMBER("clip_value", 2), NUMBER("zero_grad", 1)}},
    {{NUMBER("device_scale", 1), NUMBER("check_finite", 1),
      NUMBER("ema_decay", 0.5), NUMBER("max_norm", 0.5)}},
    {{NUMBER("grad_scale", 8), NUMBER("clip_value", 0.5),
      NUMBER("clip_norm", 2)}},
};

/* Every second step is with other members frozen, or a bad gradient in one. */
static void members_step_together(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(teams) / sizeof(*teams); i++) {
        struct team team;

        open_team(&team, joined, teams[i].settings);
        for (size_t k = 0; k < 8; k++) {
            gradients(&team, k % 4 == 1 ? k % MEMBERS : MEMBERS);
            for (size_t m = 0; m < MEMBERS; m++) {
                struct whole *member = &team.members[m];

                if (member->buffers.scale != NULL)
                    whole_scale(member, (float)(k + 2));
                whole_set_group(member, 0, "lr", 0.01 * (double)(k + m + 1));
                whole_freeze(member, 0, k % 4 == 2 && m == k / 4);
            }
            step_team(&team);
            check_team(&team);
        }
        close_team(&team);
    }
}

/* The first optimizer's shared numbers count for all. */
static void the_first_ones_numbers_count(void **state)
{
    static const struct {
        const char *name;
        size_t team;
    } numbers[] = {{"clip_norm", 0},  {"clip_norm_tensor", 2},
                   {"clip_value", 5}, {"grad_scale", 5},
                   {"clip_value", 3}, {"scale_growth", 3}};
    clstep_error error;

    (void)state;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
        struct team team;

        if (strncmp(numbers[i].name, "scale_", 6) == 0)
            continue; /* not given there */
        open_team(&team, joined, teams[numbers[i].team].settings);
        for (size_t m = MEMBERS; m-- > 0;) {
            struct whole *member = &team.members[m];

            fixture_ok(clstep_optimizer_set(member->optimizer, numbers[i].name,
                                            0.125, &error),
                       &error);
            reference_set(member->reference, numbers[i].name, 0.125);
            gradients(&team, MEMBERS);
            step_team(&team);
            check_team(&team);
        }
        close_team(&team);
    }
}

/* With all members frozen a step is none. */
static void a_frozen_team_does_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct team team;

        open_team(&team, joined, teams[i].settings);
        step_team(&team);
        for (size_t m = 0; m < MEMBERS; m++)
            for (size_t g = 0; g < team.members[m].group_count; g++)
                whole_freeze(&team.members[m], g, true);
        gradients(&team, 1);
        step_team(&team);
        check_team(&team);
        close_team(&team);
    }
}

/* Members are set, read, written and counted as ever. */
static void members_are_used_while_joined(void **state)
{
    struct team team;
    struct whole *first, *second;
    clstep_error error;
    float data[16];

    (void)state;
    open_team(&team, joined, teams[0].settings);
    first = &team.members[0];
    second = &team.members[1];
    for (int k = 0; k < 6; k++) {
        gradients(&team, k % 3 == 1 ? 2 : MEMBERS);
        step_team(&team);
        step_team(&team);
        fixture_ok(clstep_optimizer_write(second->optimizer, queue_of_all(),
                                          "momentum_buffer", 0, 1,
                                          &(float){(float)k}, &error),
                   &error);
        reference_slot(second->reference, "momentum_buffer")[0] = (float)k;
        step_team(&team);
        fixture_ok(clstep_optimizer_read(first->optimizer, queue_of_all(),
                                         "exp_avg", 3, 16, data, &error),
                   &error);
        check_floats("exp_avg", data,
                     reference_slot(first->reference, "exp_avg") + 3, 16);
        if (k == 2) {
            fixture_ok(
                clstep_optimizer_set_steps(second->optimizer, 100, &error),
                &error);
            reference_set_steps(second->reference, 100);
        }
        if (k == 4) {
            /* The others keep their counts. */
            fixture_ok(clstep_optimizer_reset(second->optimizer, queue_of_all(),
                                              &error),
                       &error);
            memset(reference_slot(second->reference, "momentum_buffer"), 0,
                   second->count * sizeof(float));
            reference_set_steps(second->reference, 0);
        }
        for (size_t m = 0; m < MEMBERS; m++)
            assert_int_equal(clstep_optimizer_steps(team.members[m].optimizer),
                             reference_steps(team.members[m].reference));
    }
    gradients(&team, MEMBERS);
    step_team(&team);
    for (size_t m = 0; m < MEMBERS; m++)
        assert_int_equal(
            clstep_optimizer_group_steps(team.members[m].optimizer, 0),
            reference_group_steps(team.members[m].reference, 0));
    close_team(&team);
}

static void
swap(struct whole *member, cl_command_queue queue, const cl_event *start)
{
    clstep_error error;

    fixture_ok(clstep_optimizer_swap(member->optimizer, queue, &member->buffers,
                                     start != NULL ? 1 : 0, start, NULL,
                                     &error),
               &error);
}

/* Calls of one member on a queue of its own, which wait for an event: the
 * joint's step comes behind them. */
static void step_behind_a_member(size_t index)
{
    static const clstep_setting settings[] = {
        NUMBER("clip_norm", 0.5), NUMBER("ema_decay", 0.5), {0}};
    static const char *const rules[] = {"adamw", "momentum", "lion"};
    const struct timespec pause = {0, 50000000};
    struct team team;
    struct whole *member = &team.members[index];
    const char *slot;
    clstep_error error;
    cl_int code, status = CL_COMPLETE;
    cl_command_queue own =
        clCreateCommandQueue(fixture_place()->context, fixture_id(), 0, &code);
    cl_event start, done;

    assert_int_equal(code, CL_SUCCESS);
    start = clCreateUserEvent(fixture_place()->context, &code);
    assert_int_equal(code, CL_SUCCESS);
    open_team(&team, rules, settings);
    step_team(&team);
    swap(member, own, &start);
    swap(member, own, NULL);
    fixture_ok(clstep_optimizer_reset(member->optimizer, own, &error), &error);
    for (size_t i = 0;
         (slot = reference_slot_name(member->reference, i)) != NULL; i++)
        memset(reference_slot(member->reference, slot), 0,
               member->count * sizeof(float));
    reference_set_steps(member->reference, 0);
    step_host(&team);
    fixture_ok(step_device(&team, &done, &error), &error);
    assert_int_equal(clFlush(own), CL_SUCCESS);
    assert_int_equal(clFlush(queue_of_all()), CL_SUCCESS);

    /* Time for a step that does not wait. */
    nanosleep(&pause, NULL);
    assert_int_equal(clGetEventInfo(done, CL_EVENT_COMMAND_EXECUTION_STATUS,
                                    sizeof(status), &status, NULL),
                     CL_SUCCESS);
    assert_int_equal(clSetUserEventStatus(start, CL_COMPLETE), CL_SUCCESS);
    assert_int_equal(clWaitForEvents(1, &done), CL_SUCCESS);
    if (status <= CL_COMPLETE)
        fail_msg("the step did not wait for member %zu", index);
    check_team(&team);
    close_team(&team);
    clReleaseEvent(done);
    clReleaseEvent(start);
    clReleaseCommandQueue(own);
}

static void the_step_waits_for_each_member(void **state)
{
    (void)state;
    if (scene_is_simulated()) {
        print_message("skipped: Oclgrind has no asynchronous queues\n");
        skip();
    }
    for (size_t m = 0; m < MEMBERS; m++)
        step_behind_a_member(m);
}

/* A joint's end: its members step alone again, from where they are. */
static void members_go_on_alone(void **state)
{
    struct team team;

    (void)state;
    open_team(&team, joined, teams[0].settings);
    for (int round = 0; round < 2; round++) {
        for (int k = 0; k < 3; k++) {
            gradients(&team, MEMBERS);
            step_team(&team);
        }
        clstep_joint_release(team.joint);
        for (size_t m = 0; m < MEMBERS; m++) {
            struct whole *member = &team.members[m];

            whole_gradients(member, WHOLE_CALM);
            whole_step(member);
            whole_check(member);
        }
        open_joint(&team);
    }
    gradients(&team, MEMBERS);
    step_team(&team);
    check_team(&team);
    close_team(&team);
}

/* Parameters of a size that a norm can be taken of. */
static void calm_parameters(struct team *team)
{
    for (size_t m = 0; m < MEMBERS; m++) {
        const struct whole *member = &team->members[m];
        float *w = whole_w(member);

        for (uint64_t i = 0; i < member->count; i++)
            w[i] = fabsf(w[i]) <= 4.0f ? w[i] : 0.125f;
        assert_int_equal(clEnqueueWriteBuffer(
                             queue_of_all(), member->buffers.parameters,
                             CL_TRUE, WHOLE_FRONT * sizeof(float),
                             member->count * sizeof(float), w, 0, NULL, NULL),
                         CL_SUCCESS);
    }
}

/* Joints of the same optimizers, one after the other, whose buffers have the
 * same handles; before some the members step alone. */
static void joints_follow_each_other(void **state)
{
    static const struct {
        const char *rules[MEMBERS];
        clstep_setting settings[8];
    } sequences[] = {
        {{"adamp", "novograd", "lamb"},
         {NUMBER("check_finite", 1), NUMBER("clip_norm", 0.5)}},
        {{"lars", "sgdp", "stable_adamw"},
         {NUMBER("clip_norm_tensor", 0.5), NUMBER("max_norm", 0.75)}},
        {{"adam", "momentum", "ftrl"},
         {NUMBER("check_finite", 1), NUMBER("prune", 0.6),
          NUMBER("prune_end", 12), NUMBER("prune_every", 2),
          NUMBER("ema_decay", 0.5)}},
        {{"adamw", "sgd", "lion"},
         {NUMBER("clip_norm", 0.5), NUMBER("prune", 0.6),
          NUMBER("prune_end", 12), NUMBER("max_norm", 0.75)}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(sequences) / sizeof(*sequences); i++) {
        struct team team;

        handles_open();
        open_team(&team, sequences[i].rules, sequences[i].settings);
        calm_parameters(&team);
        for (int round = 0; round < 5; round++) {
            for (int k = 0; k < 2; k++) {
                gradients(&team, MEMBERS);
                step_team(&team);
            }
            check_team(&team);
            clstep_joint_release(team.joint);
            for (size_t m = 0; m < MEMBERS && round > 1; m++) {
                gradients(&team, MEMBERS);
                whole_step(&team.members[m]);
                whole_check(&team.members[m]);
            }
            open_joint(&team);
        }
        close_team(&team);
        assert_true(handles_close() != 0);
    }
}

static void check_refused(clstep_optimizer *const *optimizers, size_t count,
                          const char *words)
{
    clstep_joint *joint = (clstep_joint *)(uintptr_t)words;
    clstep_error error = {0};

    assert_int_equal(clstep_joint_create(optimizers, count, &joint, &error),
                     CLSTEP_INVALID_ARGUMENT);
    check_error(&error, CLSTEP_INVALID_ARGUMENT, words);
    assert_null(joint);
}

static void errors_of_joints(void **state)
{
    static const clstep_setting other[][4] = {
        {NUMBER("clip_norm", 0.25), NUMBER("check_finite", 1)},
        {NUMBER("clip_norm", 0.5)},
        {NUMBER("clip_norm", 0.5), NUMBER("check_finite", 1),
         CHOICE("grad_type", "f16")},
        {NUMBER("clip_norm", 0.5), NUMBER("check_finite", 1),
         NUMBER("clip_value", 1)},
    };
    static const char *const words[] = {
        "clip_norm|optimizer 1", "check_finite|optimizer 1",
        "grad_type|optimizer 1", "clip_value|optimizer 1"};
    struct team team;
    clstep_buffers buffers[MEMBERS];
    clstep_optimizer *pair[2];
    clstep_error error = {0};

    (void)state;
    open_team(&team, joined, teams[0].settings);
    pair[0] = fixture_optimizer("sgd", teams[0].settings, 100);
    assert_int_equal(clstep_joint_create(pair, 1, NULL, &error),
                     CLSTEP_INVALID_ARGUMENT);
    check_error(&error, CLSTEP_INVALID_ARGUMENT, "out|NULL");
    check_refused(NULL, 1, "optimizers|NULL");
    check_refused(pair, 0, "count|0");
    pair[1] = NULL;
    check_refused(pair, 2, "optimizer 1|NULL");
    pair[1] = pair[0];
    check_refused(pair, 2, "0 and 1|same");
    pair[1] = team.members[0].optimizer;
    check_refused(pair, 2, "optimizer 1|joint");
    for (size_t i = 0; i < 4; i++) {
        pair[1] = fixture_optimizer("sgd", other[i], 100);
        check_refused(pair, 2, words[i]);
        clstep_optimizer_release(pair[1]);
    }
    pair[1] = fixture_optimizer("sgd", NULL, 100);
    check_refused(pair, 2, "optimizer 1|check_finite");
    clstep_optimizer_release(pair[1]);
    clstep_optimizer_release(pair[0]);

    /* A member does not step alone. */
    assert_int_equal(
        clstep_optimizer_step(team.members[1].optimizer, queue_of_all(),
                              &team.members[1].buffers, 0, NULL, NULL, &error),
        CLSTEP_INVALID_ARGUMENT);
    check_error(&error, CLSTEP_INVALID_ARGUMENT, "optimizer|joint");

    for (size_t m = 0; m < MEMBERS; m++)
        buffers[m] = team.members[m].buffers;
    clstep_joint_step(NULL, queue_of_all(), buffers, 0, NULL, NULL, &error);
    check_error(&error, CLSTEP_INVALID_ARGUMENT, "joint|NULL");
    clstep_joint_step(team.joint, queue_of_all(), NULL, 0, NULL, NULL, &error);
    check_error(&error, CLSTEP_INVALID_ARGUMENT, "buffers|NULL");
    clstep_joint_step(team.joint, NULL, buffers, 0, NULL, NULL, &error);
    check_error(&error, CLSTEP_INVALID_ARGUMENT, "queue|NULL");
    buffers[2].gradients = NULL;
    clstep_joint_step(team.joint, queue_of_all(), buffers, 0, NULL, NULL,
                      &error);
    check_error(&error, CLSTEP_INVALID_ARGUMENT, "gradients|NULL");
    check_team(&team);
    step_team(&team);
    check_team(&team);
    close_team(&team);
    clstep_joint_release(NULL);
}

/* Some drivers compile once more for many work-items: where no member alone
 * has so many, the joint meets them as it is created. */
static void many_tensors_are_warmed_up(void **state)
{
    static const clstep_setting settings[] = {NUMBER("check_finite", 1), {0}};
    static const uint64_t one = 1;
    enum { TENSORS = 40000 };
    clstep_optimizer *members[2];
    clstep_layout *layout;
    clstep_joint *joint;
    clstep_error error;
    char name[16];

    (void)state;
    if (fixture_is_small()) {
        print_message("a simulator has no time for so many\n");
        skip();
    }
    fixture_ok(clstep_layout_create(&layout, &error), &error);
    for (size_t t = 0; t < TENSORS; t++) {
        snprintf(name, sizeof(name), "w%zu", t);
        fixture_ok(clstep_layout_add(layout, name, 1, &one, 0, &error), &error);
    }
    for (size_t m = 0; m < 2; m++)
        fixture_ok(clstep_optimizer_create(fixture_place()->device,
                                           m == 0 ? "sgd" : "lion", settings,
                                           layout, &members[m], &error),
                   &error);
    largest = 0;
    fixture_ok(clstep_joint_create(members, 2, &joint, &error), &error);
    assert_true(largest >= 65536);
    clstep_joint_release(joint);
    for (size_t m = 0; m < 2; m++)
        clstep_optimizer_release(members[m]);
    clstep_layout_release(layout);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_step_together),
        cmocka_unit_test(the_first_ones_numbers_count),
        cmocka_unit_test(a_frozen_team_does_nothing),
        cmocka_unit_test(members_are_used_while_joined),
        cmocka_unit_test(the_step_waits_for_each_member),
        cmocka_unit_test(members_go_on_alone),
        cmocka_unit_test(joints_follow_each_other),
        cmocka_unit_test(errors_of_joints),
        cmocka_unit_test(many_tensors_are_warmed_up),
    };

    launches_look = look;
    return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
