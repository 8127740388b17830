/*
 * test_state.c - state: its beginning, its copies, and what does not change it
 * SPDX-License-Identifier: MIT
 *
 * Most of it compares the device with itself, so that it holds on a device of
 * any numerics.  Linked with --wrap=clBuildProgram and --wrap=clCreateKernel,
 * which count.
 */
#include "rule.h"
#include "scene.h"
#include "sweep.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COUNT = 301, STEPS = 14, SAVED = 7, ROOM = 4096 };

static unsigned builds; /* of programs and kernels */

extern __typeof__(clBuildProgram) __real_clBuildProgram, __wrap_clBuildProgram;
extern __typeof__(clCreateKernel) __real_clCreateKernel, __wrap_clCreateKernel;

cl_int __wrap_clBuildProgram(cl_program program, cl_uint count,
                             const cl_device_id *ids, const char *options,
                             void(CL_CALLBACK *notify)(cl_program, void *),
                             void *data);
cl_kernel
__real_clCreateKernel(cl_program program, const char *name, cl_int *code);
cl_kernel
__wrap_clCreateKernel(cl_program program, const char *name, cl_int *code);

cl_int
__wrap_clBuildProgram(cl_program program, cl_uint count,
                      const cl_device_id *ids, const char *options,
                      void(CL_CALLBACK *notify)(cl_program, void *), void *data)
{
    builds++;
    return __real_clBuildProgram(program, count, ids, options, notify, data);
}

cl_kernel
__wrap_clCreateKernel(cl_program program, const char *name, cl_int *code)
{
    builds++;
    return __real_clCreateKernel(program, name, code);
}

/* --- helpers -------------------------------------------------------------- */

static void describe(const clstep_rule *rule, const struct sweep_list *list)
{
    char text[160];

    trial_describe(list->settings, text, sizeof(text));
    print_message("  %s %s\n", clstep_rule_name(rule), text);
}

static void open_rule(struct scene *scene, const clstep_rule *rule,
                      const struct sweep_list *list, uint64_t seed)
{
    scene_open(scene, clstep_rule_name(rule), list->settings, COUNT, seed);
}

/* Each with a new gradient. */
static void take_steps(struct scene *scene, int count)
{
    for (int i = 0; i < count; i++) {
        scene_gradient(scene);
        scene_step(scene, queue_of_all());
    }
}

static struct snapshot *take(const struct scene *scene)
{
    return snapshot_take(scene->optimizer, &scene->buffers, scene->count);
}

/* Puts a new optimizer in the place of the scene's. */
static void replace(struct scene *scene, const clstep_rule *rule,
                    const struct sweep_list *list)
{
    clstep_optimizer_release(scene->optimizer);
    scene->optimizer =
        fixture_optimizer(clstep_rule_name(rule), list->settings, scene->count);
}

/* Writes the state of 'from' to the scene's optimizer. */
static void load(struct scene *scene, const struct snapshot *from)
{
    clstep_error error;
    const char *slot;

    for (size_t i = 0;
         (slot = clstep_optimizer_slot(scene->optimizer, i)) != NULL; i++)
        fixture_ok(clstep_optimizer_write(
                       scene->optimizer, queue_of_all(), slot, 0,
                       clstep_optimizer_slot_count(scene->optimizer, i),
                       from->slots[i], &error),
                   &error);
    fixture_ok(
        clstep_optimizer_set_steps(scene->optimizer, from->steps, &error),
        &error);
    assert_true(clstep_optimizer_steps(scene->optimizer) == from->steps);
}

/* --- beginning ------------------------------------------------------------ */

static const struct {
    const char *rule;
    clstep_setting setting;
    const char *slot;
    float value;
} initials[] = {
    {"adagrad", {.name = "lr", .value = 1}, "sum", 0.0f},
    {"adagrad", {.name = "initial_accumulator", .value = 0.3}, "sum", 0.3f},
    {"adagrad", {.name = "initial_accumulator", .value = 3e38}, "sum", 3e38f},
    {"rmsprop", {.name = "initial_square", .value = 0.7}, "square_avg", 0.7f},
    {"rmsprop", {.name = "lr", .value = 1}, "square_avg", 0.0f},
    {"ftrl", {.name = "lr", .value = 1}, "accumulator", 0.1f},
    {"ftrl", {.name = "lr", .value = 1}, "linear", 0.0f},
    {"ftrl",
     {.name = "initial_accumulator", .value = 1e-40},
     "accumulator",
     1e-40f},
    {"ftrl", {.name = "initial_accumulator", .value = 0}, "accumulator", 0.0f},
    {"yogi", {.name = "lr", .value = 1}, "exp_avg", 1e-6f},
    {"yogi", {.name = "initial_accumulator", .value = 2}, "exp_avg_sq", 2.0f},
};

static void slots_begin_where_asked(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(initials) / sizeof(*initials); i++) {
        const clstep_setting list[] = {initials[i].setting, {0}};
        clstep_optimizer *optimizer =
            fixture_optimizer(initials[i].rule, list, COUNT);
        float data[COUNT];
        clstep_error error;

        fixture_ok(clstep_optimizer_read(optimizer, queue_of_all(),
                                         initials[i].slot, 0, COUNT, data,
                                         &error),
                   &error);
        for (size_t k = 0; k < COUNT; k++)
            assert_memory_equal(&data[k], &initials[i].value, sizeof(*data));
        clstep_optimizer_release(optimizer);
    }
}

/* A mean of which nothing is kept is the gradient, or its square, to the last
 * bit, however large it was before. */
static void a_decay_of_zero_keeps_nothing(void **state)
{
    static const struct {
        const char *rule, *setting, *slot;
        bool square;
    } cases[] = {
        {"adam", "beta1", "exp_avg", false},
        {"adam", "beta2", "exp_avg_sq", true},
        {"rmsprop", "alpha", "square_avg", true},
        {"lion", "beta2", "exp_avg", false},
        {"signum", "momentum", "exp_avg", false},
        {"laprop", "beta2", "exp_avg_sq", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const clstep_setting list[] = {{.name = cases[i].setting, .value = 0},
                                       {0}};
        float before[COUNT], after[COUNT];
        struct scene scene;
        clstep_error error;

        scene_open(&scene, cases[i].rule, list, COUNT, fixture_seed());
        for (size_t k = 0; k < COUNT; k++)
            before[k] = k % 2 == 0 ? 1e30f : INFINITY;
        fixture_ok(clstep_optimizer_write(scene.optimizer, queue_of_all(),
                                          cases[i].slot, 0, COUNT, before,
                                          &error),
                   &error);
        scene_gradient(&scene);
        fixture_ok(clstep_optimizer_step(scene.optimizer, queue_of_all(),
                                         &scene.buffers, 0, NULL, NULL, &error),
                   &error);
        fixture_ok(clstep_optimizer_read(scene.optimizer, queue_of_all(),
                                         cases[i].slot, 0, COUNT, after,
                                         &error),
                   &error);
        for (size_t k = 0; k < COUNT; k++)
            before[k] = cases[i].square ? scene.g[k] * scene.g[k] : scene.g[k];
        check_floats(cases[i].rule, before, after, COUNT);
        scene_close(&scene);
    }
}

/* Every combination begins as its reference does. */
static void begins_right(void **state)
{
    const clstep_rule *rule = *state;
    struct sweep_list list;
    struct scene scene;

    for (size_t c = 0; sweep_choices(rule, c, &list); c++) {
        open_rule(&scene, rule, &list, fixture_seed() + c);
        scene_check(&scene);
        scene_close(&scene);
    }
}

/* --- parts ---------------------------------------------------------------- */

static void slots_are_copied_by_parts(void **state)
{
    static const struct {
        uint64_t offset, count;
    } parts[] = {{0, 1},         {1, 1},   {COUNT - 1, 1}, {0, COUNT},
                 {COUNT, 0},     {0, 0},   {7, 64},        {63, 200},
                 {1, COUNT - 1}, {0, 256}, {255, 2},       {256, COUNT - 256}};
    struct scene scene;
    float data[COUNT], all[COUNT];
    clstep_error error;

    (void)state;
    scene_open(&scene, "adam", NULL, COUNT, fixture_seed());
    memcpy(all, reference_slot(scene.reference, "exp_avg_sq"), sizeof(all));
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        const uint64_t offset = parts[i].offset, count = parts[i].count;

        trial_random_fill(&scene.random, data, COUNT);
        memcpy(all + offset, data, count * sizeof(*data));
        fixture_ok(clstep_optimizer_write(scene.optimizer, queue_of_all(),
                                          "exp_avg_sq", offset, count, data,
                                          &error),
                   &error);
        memcpy(reference_slot(scene.reference, "exp_avg_sq"), all, sizeof(all));
        scene_check(&scene);
        for (size_t k = 0; k < COUNT; k++)
            data[k] = 7.0f;
        fixture_ok(clstep_optimizer_read(scene.optimizer, queue_of_all(),
                                         "exp_avg_sq", offset, count, data,
                                         &error),
                   &error);
        assert_memory_equal(data, all + offset, count * sizeof(*data));
        for (size_t k = count; k < COUNT; k++)
            assert_true(data[k] == 7.0f);
    }
    scene_close(&scene);
}

static void steps_are_set(void **state)
{
    static const uint64_t steps[] = {0, 1, 1000, UINT64_C(1) << 40,
                                     UINT64_MAX - 1};
    static const clstep_rule *rule;
    struct scene scene;
    clstep_error error;

    (void)state;
    for (size_t r = 0; (rule = clstep_rule_at(r)) != NULL; r++) {
        for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
            scene_open(&scene, clstep_rule_name(rule), NULL, COUNT,
                       fixture_seed());
            fixture_ok(
                clstep_optimizer_set_steps(scene.optimizer, steps[i], &error),
                &error);
            reference_set_steps(scene.reference, steps[i]);
            scene_step(&scene, queue_of_all());
            assert_true(clstep_optimizer_steps(scene.optimizer) ==
                        steps[i] + 1);
            scene_check(&scene);
            scene_close(&scene);
        }
    }
}

/* --- copies --------------------------------------------------------------- */

/* What an optimizer has after all steps: uninterrupted, resumed in a new one
 * after some of them, or begun anew there. */
enum way { STRAIGHT, RESUMED, COLD };

static struct snapshot *
run(const clstep_rule *rule, const struct sweep_list *list, enum way way,
    uint64_t seed)
{
    struct snapshot *saved, *end;
    struct scene scene;

    open_rule(&scene, rule, list, seed);
    take_steps(&scene, SAVED);
    saved = take(&scene);
    if (way != STRAIGHT)
        replace(&scene, rule, list);
    if (way == RESUMED)
        load(&scene, saved);
    take_steps(&scene, STEPS - SAVED);
    end = take(&scene);
    snapshot_release(saved);
    scene_close(&scene);
    return end;
}

/* A rule whose every step depends on its gradient alone starts cold as well. */
static bool has_memory(const clstep_rule *rule)
{
    clstep_slot_info slot;

    return clstep_rule_slot(rule, 0, &slot) && slot.condition == NULL;
}

/* The combinations of choices; on a slow simulator the first, since each of
 * them takes steps in test_rules. */
static bool
next_choices(const clstep_rule *rule, size_t index, struct sweep_list *list)
{
    return (index == 0 || !fixture_is_small()) &&
           sweep_choices(rule, index, list);
}

static void is_resumed(void **state)
{
    const clstep_rule *rule = *state;
    struct sweep_list list;

    for (size_t c = 0; next_choices(rule, c, &list); c++) {
        struct snapshot *ends[3];

        for (int way = STRAIGHT; way <= COLD; way++)
            ends[way] = run(rule, &list, (enum way)way, fixture_seed() + c);
        describe(rule, &list);
        check_floats("resumed parameters", ends[RESUMED]->w, ends[STRAIGHT]->w,
                     COUNT);
        assert_true(snapshot_equal(ends[STRAIGHT], ends[RESUMED]));
        ends[COLD]->steps = ends[STRAIGHT]->steps;
        if (has_memory(rule) && memcmp(ends[COLD]->w, ends[STRAIGHT]->w,
                                       COUNT * sizeof(float)) == 0)
            fail_msg("a cold start is the same");
        if (!has_memory(rule))
            assert_true(snapshot_equal(ends[COLD], ends[STRAIGHT]));
        for (int way = STRAIGHT; way <= COLD; way++)
            snapshot_release(ends[way]);
    }
}

/* The rest of the run is lost where the steps are not set. */
static void steps_are_state(void **state)
{
    static const char *const rules[] = {"adam", "nadam", "radam", "adamax"};

    (void)state;
    for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
        const clstep_rule *rule = clstep_rule_find(rules[i]);
        const struct sweep_list none = {.count = 0};
        struct snapshot *saved, *end;
        struct scene scene;
        clstep_error error;

        end = run(rule, &none, STRAIGHT, fixture_seed());
        open_rule(&scene, rule, &none, fixture_seed());
        take_steps(&scene, SAVED);
        saved = take(&scene);
        replace(&scene, rule, &none);
        load(&scene, saved);
        fixture_ok(
            clstep_optimizer_set_steps(scene.optimizer, SAVED - 1, &error),
            &error);
        take_steps(&scene, STEPS - SAVED);
        snapshot_release(saved);
        saved = take(&scene);
        assert_memory_not_equal(saved->w, end->w, COUNT * sizeof(float));
        snapshot_release(saved);
        snapshot_release(end);
        scene_close(&scene);
    }
}

static void reset_is_a_fresh_start(void **state)
{
    const clstep_rule *rule = *state;
    struct sweep_list list;
    clstep_error error;

    for (size_t c = 0; next_choices(rule, c, &list); c++) {
        struct scene used, fresh;
        struct snapshot *expected;

        open_rule(&used, rule, &list, fixture_seed() + 2 * c);
        take_steps(&used, 3);
        fixture_ok(
            clstep_optimizer_reset(used.optimizer, queue_of_all(), &error),
            &error);
        assert_true(clstep_optimizer_steps(used.optimizer) == 0);

        /* The used optimizer takes the place of the fresh one. */
        open_rule(&fresh, rule, &list, fixture_seed() + 2 * c + 1);
        take_steps(&fresh, 3);
        expected = take(&fresh);
        scene_close(&fresh);
        open_rule(&fresh, rule, &list, fixture_seed() + 2 * c + 1);

        clstep_optimizer *unused = fresh.optimizer;

        fresh.optimizer = used.optimizer;
        take_steps(&fresh, 3);
        snapshot_check(expected, fresh.optimizer, &fresh.buffers);
        fresh.optimizer = unused;
        snapshot_release(expected);
        scene_close(&fresh);
        scene_close(&used);
    }
}

/* --- numbers -------------------------------------------------------------- */

/* Adds an optional number at its default, which is neutral, where the rule
 * takes it beside the others. */
static void add_number(const clstep_rule *rule, const clstep_setting_info *info,
                       struct sweep_list *list)
{
    struct sweep_list number = {.count = 0};

    if (!info->optional)
        return;
    sweep_add(&number, (clstep_setting){info->name,
                                        strcmp(info->name, "lr_max") == 0
                                            ? 0.5
                                            : info->initial,
                                        NULL});
    sweep_join(rule, list, &number);
}

/* All optional numbers that go together; from the last to the first it is the
 * others of those that exclude each other. */
static void
add_optional(const clstep_rule *rule, bool backwards, struct sweep_list *list)
{
    clstep_setting_info info;
    size_t count = 0;

    *list = (struct sweep_list){0};
    sweep_add(list, (clstep_setting){"decay_form", 0.0, "corrected"});
    if (clstep_rule_check(rule, list->settings, NULL) != CLSTEP_OK)
        *list = (struct sweep_list){0}; /* the rule decays itself */
    sweep_add(list, (clstep_setting){"ema_decay", 0.0, NULL});
    if (backwards)
        sweep_add(list, (clstep_setting){"check_finite", 1.0, NULL});
    while (clstep_rule_setting(rule, count, &info))
        count++;
    for (size_t i = 0; i < count; i++) {
        clstep_rule_setting(rule, backwards ? count - 1 - i : i, &info);
        add_number(rule, &info, list);
    }
}

static bool is_given(const struct sweep_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->settings[i].name, name) == 0)
            return true;
    return false;
}

/* Every number changes at every step, and nothing is built for it. */
static void numbers_change(const clstep_rule *rule, bool backwards)
{
    struct sweep_list list;
    struct scene scene;
    clstep_setting_info info;
    clstep_error error;

    add_optional(rule, backwards, &list);
    open_rule(&scene, rule, &list, fixture_seed());
    builds = 0;
    for (int step = 0; step < 5; step++) {
        for (size_t i = 0; clstep_rule_setting(rule, i, &info); i++) {
            const double unit = trial_random_unit(&scene.random);
            const double value =
                info.min >= 1.0 ? info.min + unit : 0.01 + 0.9 * unit;

            if (info.kind != CLSTEP_NUMBER ||
                (info.optional && !is_given(&list, info.name)))
                continue;
            fixture_ok(
                clstep_optimizer_set(scene.optimizer, info.name, value, &error),
                &error);
            reference_set(scene.reference, info.name, value);
        }
        take_steps(&scene, 1);
        scene_check(&scene);
    }
    assert_int_equal(builds, 0);
    scene_close(&scene);
}

static void numbers_change_without_a_build(void **state)
{
    numbers_change(*state, false);
    numbers_change(*state, true);
}

/* --- places --------------------------------------------------------------- */

/* Random numbers at 'base' of 'buffer', of ROOM floats, and zeros around.  All
 * is written: where a part is, Oclgrind takes the rest for uninitialised. */
static void
put_at(cl_mem buffer, uint64_t base, struct trial_random *random, float *x)
{
    memset(x, 0, ROOM * sizeof(*x));
    trial_random_fill(random, x + base, COUNT);
    assert_int_equal(clEnqueueWriteBuffer(queue_of_all(), buffer, CL_TRUE, 0,
                                          ROOM * sizeof(*x), x, 0, NULL, NULL),
                     CL_SUCCESS);
}

/* What becomes of the same numbers at these places of larger buffers. */
static void step_at(const clstep_rule *rule, const clstep_buffers *at,
                    cl_mem p_root, uint64_t p_base, cl_mem g_root,
                    uint64_t g_base, struct snapshot *end, uint64_t seed)
{
    clstep_optimizer *optimizer =
        fixture_optimizer(clstep_rule_name(rule), NULL, COUNT);
    struct trial_random random = {seed};
    float *x = test_calloc(ROOM, sizeof(*x));
    clstep_error error;

    put_at(p_root, p_base, &random, x);
    for (int i = 0; i < 3; i++) {
        put_at(g_root, g_base, &random, x);
        fixture_ok(clstep_optimizer_step(optimizer, queue_of_all(), at, 0, NULL,
                                         NULL, &error),
                   &error);
    }
    fixture_read(p_root, x, ROOM);
    memcpy(end->w, x + p_base, COUNT * sizeof(float));
    for (size_t i = 0; clstep_optimizer_slot(optimizer, i) != NULL; i++)
        fixture_ok(
            clstep_optimizer_read(optimizer, queue_of_all(),
                                  clstep_optimizer_slot(optimizer, i), 0,
                                  clstep_optimizer_slot_count(optimizer, i),
                                  end->slots[i], &error),
            &error);
    test_free(x);
    clstep_optimizer_release(optimizer);
}

static struct snapshot *new_snapshot(void)
{
    struct snapshot *snapshot = calloc(1, sizeof(*snapshot));

    assert_non_null(snapshot);
    snapshot->count = COUNT;
    snapshot->w = calloc(COUNT, sizeof(float));
    snapshot->g = calloc(COUNT, sizeof(float));
    for (size_t i = 0; i < SCENE_SLOTS; i++)
        snapshot->slots[i] = calloc(COUNT, sizeof(float));
    return snapshot;
}

static cl_mem part_of(cl_mem parent, size_t begin, size_t count)
{
    const cl_buffer_region region = {begin * sizeof(float),
                                     count * sizeof(float)};
    cl_int code;
    cl_mem part = clCreateSubBuffer(parent, 0, CL_BUFFER_CREATE_TYPE_REGION,
                                    &region, &code);

    assert_int_equal(code, CL_SUCCESS);
    return part;
}

/* Offsets and sub-buffers do not matter. */
static void places_do_not_matter(void **state)
{
    static const uint64_t offsets[][2] = {
        {0, 0}, {1, 0}, {0, 1}, {3, 17}, {255, 256}, {ROOM / 2 - COUNT, 7}};
    const clstep_rule *rule = *state;
    struct snapshot *plain = new_snapshot(), *moved = new_snapshot();
    cl_mem p = fixture_buffer(ROOM, NULL), g = fixture_buffer(ROOM, NULL);
    cl_mem p_part = part_of(p, ROOM / 2, ROOM / 2);
    cl_mem g_part = part_of(g, ROOM / 2, ROOM / 2);

    for (size_t i = 0; i < sizeof(offsets) / sizeof(*offsets); i++) {
        const uint64_t a = offsets[i][0], b = offsets[i][1];

        step_at(rule, &(clstep_buffers){p, a, g, b}, p, a, g, b,
                i == 0 ? plain : moved, fixture_seed());
        if (i != 0)
            assert_true(snapshot_equal(plain, moved));
        step_at(rule, &(clstep_buffers){p_part, a, g_part, b}, p, ROOM / 2 + a,
                g, ROOM / 2 + b, moved, fixture_seed());
        assert_true(snapshot_equal(plain, moved));
    }
    snapshot_release(plain);
    snapshot_release(moved);
    clReleaseMemObject(p_part);
    clReleaseMemObject(g_part);
    clReleaseMemObject(p);
    clReleaseMemObject(g);
}

/* Two optimizers, each on a part of a buffer, are one on the whole. */
static void parts_make_a_whole(void **state)
{
    const uint64_t first = 123, counts[] = {first, COUNT - first};
    const clstep_rule *rule = *state;
    const struct sweep_list none = {.count = 0};
    clstep_optimizer *parts[2];
    struct scene whole, twin;
    struct snapshot *expected, *found;
    clstep_error error;

    /* What is summed over a tensor is not what is summed over its parts. */
    if (clstep_rule_sums_bytes(rule) != 0)
        return;
    open_rule(&whole, rule, &none, fixture_seed());
    open_rule(&twin, rule, &none, fixture_seed());
    for (int i = 0; i < 2; i++)
        parts[i] = fixture_optimizer(clstep_rule_name(rule), NULL, counts[i]);
    take_steps(&whole, 4);
    for (int step = 0; step < 4; step++) {
        scene_gradient(&twin);
        for (int i = 0; i < 2; i++) {
            clstep_buffers at = twin.buffers;

            at.parameters_offset = at.gradients_offset = i == 0 ? 0 : first;
            fixture_ok(clstep_optimizer_step(parts[i], queue_of_all(), &at, 0,
                                             NULL, NULL, &error),
                       &error);
        }
    }
    expected = take(&whole);
    found = take(&twin);
    check_floats("parameters", found->w, expected->w, COUNT);
    for (size_t i = 0; clstep_optimizer_slot(parts[0], i) != NULL; i++) {
        for (int k = 0; k < 2; k++)
            fixture_ok(clstep_optimizer_read(
                           parts[k], queue_of_all(),
                           clstep_optimizer_slot(parts[k], i), 0, counts[k],
                           found->slots[i] + (k == 0 ? 0 : first), &error),
                       &error);
        check_floats("a slot", found->slots[i], expected->slots[i], COUNT);
    }
    snapshot_release(expected);
    snapshot_release(found);
    clstep_optimizer_release(parts[0]);
    clstep_optimizer_release(parts[1]);
    scene_close(&whole);
    scene_close(&twin);
}

/* nadam multiplies on from the step before; not where beta1 has changed, where
 * the steps were set, nor far behind the step at which the product is 0. */
static void nothing_stale_is_remembered(void **state)
{
    static const struct {
        double beta1;
        uint64_t steps;
    } moves[] = {{0.9, 0}, {0.9, 1},   {0.5, 2},     {0.9, 3},
                 {0.9, 1}, {0.99, 90}, {0.99, 5000}, {0.9, 2}};
    static const char *const forms[] = {"torch", "keras"};
    struct scene scene;
    clstep_error error;

    (void)state;
    for (size_t f = 0; f < 2; f++) {
        const clstep_setting list[] = {{.name = "form", .choice = forms[f]},
                                       {0}};

        scene_open(&scene, "nadam", list, 257, fixture_seed());
        for (size_t i = 0; i < sizeof(moves) / sizeof(moves[0]); i++) {
            fixture_ok(clstep_optimizer_set(scene.optimizer, "beta1",
                                            moves[i].beta1, &error),
                       &error);
            fixture_ok(clstep_optimizer_set_steps(scene.optimizer,
                                                  moves[i].steps, &error),
                       &error);
            reference_set(scene.reference, "beta1", moves[i].beta1);
            reference_set_steps(scene.reference, moves[i].steps);
            scene_step(&scene, fixture_place()->queue);
            scene_check(&scene);
        }
        scene_close(&scene);
    }
}

/* An initial value that a group has of its own is that of its tensors. */
static void groups_begin_anew(void **state)
{
    static const struct {
        const char *rule, *setting, *slot;
    } cases[] = {{"adagrad", "initial_accumulator", "sum"},
                 {"ftrl", "initial_accumulator", "accumulator"},
                 {"rmsprop", "initial_square", "square_avg"},
                 {"yogi", "initial_accumulator", "exp_avg"},
                 {"yogi", "initial_accumulator", "exp_avg_sq"}};
    enum { TENSORS = 4, LENGTH = 300 };
    clstep_error error;

    (void)state;
    for (size_t c = 0; c < sizeof(cases) / sizeof(*cases); c++) {
        clstep_layout *layout;
        clstep_optimizer *optimizer;
        float values[LENGTH], expected[LENGTH];

        fixture_ok(clstep_layout_create(&layout, &error), &error);
        for (size_t t = 0; t < TENSORS; t++) {
            const char name[2] = {(char)('a' + t), '\0'};
            const uint64_t length = t == 1 ? 0 : LENGTH;

            fixture_ok(
                clstep_layout_add(layout, name, 1, &length, t % 3, &error),
                &error);
        }
        fixture_ok(clstep_optimizer_create(fixture_place()->device,
                                           cases[c].rule, NULL, layout,
                                           &optimizer, &error),
                   &error);
        for (size_t g = 0; g < 3; g++)
            fixture_ok(clstep_optimizer_set_group(optimizer, g,
                                                  cases[c].setting,
                                                  0.5 + (double)g, &error),
                       &error);
        fixture_ok(clstep_optimizer_reset(optimizer, queue_of_all(), &error),
                   &error);
        for (size_t t = 0; t < TENSORS; t++) {
            clstep_tensor tensor;

            if (t == 1)
                continue;
            clstep_layout_tensor(layout, t, &tensor);
            fixture_ok(clstep_optimizer_read(optimizer, queue_of_all(),
                                             cases[c].slot, tensor.offset,
                                             LENGTH, values, &error),
                       &error);
            for (size_t i = 0; i < LENGTH; i++)
                expected[i] = 0.5f + (float)(t % 3);
            check_floats(cases[c].slot, values, expected, LENGTH);
        }
        clstep_optimizer_release(optimizer);
        clstep_layout_release(layout);
    }
}

int main(void)
{
    static const struct CMUnitTest fixed[] = {
        cmocka_unit_test(slots_begin_where_asked),
        cmocka_unit_test(a_decay_of_zero_keeps_nothing),
        cmocka_unit_test(groups_begin_anew),
        cmocka_unit_test(slots_are_copied_by_parts),
        cmocka_unit_test(steps_are_set),
        cmocka_unit_test(nothing_stale_is_remembered),
        cmocka_unit_test(steps_are_state),
    };
    static const struct property properties[] = {
        {"begins right", begins_right},
        {"is resumed", is_resumed},
        {"reset is a fresh start", reset_is_a_fresh_start},
        {"numbers change without a build", numbers_change_without_a_build},
        {"places do not matter", places_do_not_matter},
        {"parts make a whole", parts_make_a_whole},
    };

    return run_properties("state", fixed, sizeof(fixed) / sizeof(*fixed),
                          properties, sizeof(properties) / sizeof(*properties));
}
