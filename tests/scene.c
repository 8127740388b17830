/*
 * scene.c - see scene.h
 * SPDX-License-Identifier: MIT
 */
#include "scene.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static float *floats(uint64_t count)
{
    float *x = calloc(count, sizeof(*x));

    assert_non_null(x);
    return x;
}

static void fill(struct trial_random *random, float *x, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        x[i] = (float)(2.0 * trial_random_unit(random) - 1.0);
}

/* --- life ----------------------------------------------------------------- */

/* Says whether the elements are those of a matrix, of one row. */
static bool is_matrix(const clstep_setting *settings)
{
    for (; settings != NULL && settings->name != NULL; settings++)
        if (strcmp(settings->name, "prune") == 0)
            return true;
    return false;
}

clstep_layout *scene_layout(const clstep_setting *settings, uint64_t count)
{
    const uint64_t shape[] = {1, count};
    clstep_layout *layout;
    clstep_error error;

    if (!is_matrix(settings))
        return fixture_layout(count);
    fixture_ok(clstep_layout_create(&layout, &error), &error);
    fixture_ok(clstep_layout_add(layout, "w", 2, shape, 0, &error), &error);
    return layout;
}

static clstep_optimizer *
create_optimizer(const struct trial_place *place, const char *rule,
                 const clstep_setting *settings, uint64_t count)
{
    clstep_layout *layout = scene_layout(settings, count);
    clstep_optimizer *optimizer;
    clstep_error error;

    fixture_ok(clstep_optimizer_create(place->device, rule, settings, layout,
                                       &optimizer, &error),
               &error);
    clstep_layout_release(layout);
    return optimizer;
}

static struct reference *
create_reference(const char *rule, const clstep_setting *settings,
                 uint64_t count)
{
    struct reference_setting list[64] = {{0}};

    for (size_t i = 0; settings != NULL && settings[i].name != NULL; i++)
        list[i] = (struct reference_setting){
            settings[i].name, settings[i].value, settings[i].choice};

    const struct reference_tensor tensor = {
        .count = count, .rows = is_matrix(settings) ? 1 : 0};
    struct reference *reference =
        reference_create_layout(rule, list, &tensor, 1);

    assert_non_null(reference);
    return reference;
}

static cl_mem
create_buffer(const struct trial_place *place, uint64_t count, float *from)
{
    cl_int code;
    cl_mem buffer =
        clCreateBuffer(place->context, CL_MEM_READ_WRITE | CL_MEM_COPY_HOST_PTR,
                       count * sizeof(float), from, &code);

    assert_int_equal(code, CL_SUCCESS);
    return buffer;
}

void scene_open_at(struct scene *scene, const struct trial_place *place,
                   const char *rule, const clstep_setting *settings,
                   uint64_t count, uint64_t seed, bool shaped)
{
    *scene = (struct scene){.count = count, .random = {seed}};
    scene->w = floats(count);
    scene->g = floats(count);
    scene->scratch = floats(count);
    (shaped ? trial_random_fill : fill)(&scene->random, scene->w, count);
    (shaped ? trial_random_fill : fill)(&scene->random, scene->g, count);
    scene->buffers.parameters = create_buffer(place, count, scene->w);
    scene->buffers.gradients = create_buffer(place, count, scene->g);
    scene->optimizer = create_optimizer(place, rule, settings, count);
    scene->reference = create_reference(rule, settings, count);
}

void scene_open(struct scene *scene, const char *rule,
                const clstep_setting *settings, uint64_t count, uint64_t seed)
{
    scene_open_at(scene, fixture_place(), rule, settings, count, seed, false);
}

void scene_close(struct scene *scene)
{
    clstep_optimizer_release(scene->optimizer);
    reference_release(scene->reference);
    clReleaseMemObject(scene->buffers.parameters);
    clReleaseMemObject(scene->buffers.gradients);
    free(scene->w);
    free(scene->g);
    free(scene->scratch);
}

/* --- steps ---------------------------------------------------------------- */

void scene_gradient(struct scene *scene)
{
    fill(&scene->random, scene->g, scene->count);
    assert_int_equal(clEnqueueWriteBuffer(fixture_place()->queue,
                                          scene->buffers.gradients, CL_TRUE, 0,
                                          scene->count * sizeof(float),
                                          scene->g, 0, NULL, NULL),
                     CL_SUCCESS);
}

void scene_step_with(struct scene *scene, cl_command_queue queue,
                     const clstep_buffers *buffers)
{
    clstep_error error;
    cl_event done = NULL;

    fixture_ok(clstep_optimizer_step(scene->optimizer, queue, buffers, 0, NULL,
                                     &done, &error),
               &error);
    assert_int_equal(clWaitForEvents(1, &done), CL_SUCCESS);
    clReleaseEvent(done);
    reference_step(scene->reference, scene->w, scene->g, NULL);
}

void scene_step(struct scene *scene, cl_command_queue queue)
{
    scene_step_with(scene, queue, &scene->buffers);
}

/* --- comparison ----------------------------------------------------------- */

static bool same(const float *a, const float *b, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        if (memcmp(&a[i], &b[i], sizeof(*a)) != 0 &&
            !(isnan(a[i]) && isnan(b[i])))
            return false;
    return true;
}

void check_floats(const char *what, const float *a, const float *b,
                  uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        if (!same(&a[i], &b[i], 1))
            fail_msg("%s[%llu] of %llu is %a and not %a", what,
                     (unsigned long long)i, (unsigned long long)count,
                     (double)a[i], (double)b[i]);
}

void scene_check(struct scene *scene)
{
    const struct trial_place *place = fixture_place();
    clstep_error error;
    const char *slot;

    fixture_read(scene->buffers.parameters, scene->scratch, scene->count);
    check_floats("parameters", scene->scratch, scene->w, scene->count);
    fixture_read(scene->buffers.gradients, scene->scratch, scene->count);
    check_floats("gradients", scene->scratch, scene->g, scene->count);
    for (size_t i = 0;
         (slot = clstep_optimizer_slot(scene->optimizer, i)) != NULL; i++) {
        const uint64_t count = clstep_optimizer_slot_count(scene->optimizer, i);

        assert_int_equal(count, reference_slot_count(scene->reference, slot));
        fixture_ok(clstep_optimizer_read(scene->optimizer, place->queue, slot,
                                         0, count, scene->scratch, &error),
                   &error);
        check_floats(slot, scene->scratch,
                     reference_slot(scene->reference, slot), count);
    }
    assert_true(clstep_optimizer_steps(scene->optimizer) ==
                reference_steps(scene->reference));
}

/* --- snapshots ------------------------------------------------------------ */

struct snapshot *snapshot_take(clstep_optimizer *optimizer,
                               const clstep_buffers *buffers, uint64_t count)
{
    clstep_optimizer *read = (clstep_optimizer *)(uintptr_t)optimizer;
    struct snapshot *snapshot = calloc(1, sizeof(*snapshot));
    clstep_error error;
    const char *slot;

    assert_non_null(snapshot);
    snapshot->count = count;
    snapshot->steps = clstep_optimizer_steps(optimizer);
    snapshot->w = floats(count);
    snapshot->g = floats(count);
    fixture_read(buffers->parameters, snapshot->w, count);
    fixture_read(buffers->gradients, snapshot->g, count);
    for (size_t i = 0; (slot = clstep_optimizer_slot(optimizer, i)) != NULL;
         i++) {
        assert_true(i < SCENE_SLOTS);
        snapshot->slots[i] = floats(count);
        memset(snapshot->slots[i], 0, count * sizeof(float));
        fixture_ok(
            clstep_optimizer_read(read, fixture_place()->queue, slot, 0,
                                  clstep_optimizer_slot_count(optimizer, i),
                                  snapshot->slots[i], &error),
            &error);
    }
    return snapshot;
}

bool snapshot_equal(const struct snapshot *a, const struct snapshot *b)
{
    bool equal = a->steps == b->steps && same(a->w, b->w, a->count) &&
                 same(a->g, b->g, a->count);

    for (size_t i = 0; i < SCENE_SLOTS && equal; i++)
        equal = a->slots[i] == NULL || same(a->slots[i], b->slots[i], a->count);
    return equal;
}

void snapshot_check(const struct snapshot *snapshot,
                    clstep_optimizer *optimizer, const clstep_buffers *buffers)
{
    struct snapshot *now = snapshot_take(optimizer, buffers, snapshot->count);

    assert_true(now->steps == snapshot->steps);
    check_floats("parameters", now->w, snapshot->w, now->count);
    check_floats("gradients", now->g, snapshot->g, now->count);
    for (size_t i = 0; i < SCENE_SLOTS && snapshot->slots[i] != NULL; i++)
        check_floats("a slot", now->slots[i], snapshot->slots[i], now->count);
    snapshot_release(now);
}

void snapshot_release(struct snapshot *snapshot)
{
    if (snapshot == NULL)
        return;
    for (size_t i = 0; i < SCENE_SLOTS; i++)
        free(snapshot->slots[i]);
    free(snapshot->w);
    free(snapshot->g);
    free(snapshot);
}

/* --- errors --------------------------------------------------------------- */

void check_error(const clstep_error *error, clstep_status status,
                 const char *words)
{
    char copy[128];

    if (error->status != status)
        fail_msg("the error says %s: %s", clstep_status_name(error->status),
                 error->message);
    assert_non_null(memchr(error->message, '\0', sizeof(error->message)));
    assert_true(error->message[0] != '\0');
    for (const char *c = error->message; *c != '\0'; c++)
        if (iscntrl((unsigned char)*c))
            fail_msg("a control character in '%s'", error->message);
    snprintf(copy, sizeof(copy), "%s", words);
    for (char *word = strtok(copy, "|"); word != NULL; word = strtok(NULL, "|"))
        if (strstr(error->message, word) == NULL)
            fail_msg("'%s' is not in: %s", word, error->message);
}

/* --- drivers -------------------------------------------------------------- */

bool scene_runs_on(const char *word)
{
    char name[128] = "";
    cl_platform_id platform;

    return clGetPlatformIDs(1, &platform, NULL) == CL_SUCCESS &&
           clGetPlatformInfo(platform, CL_PLATFORM_NAME, sizeof(name), name,
                             NULL) == CL_SUCCESS &&
           strstr(name, word) != NULL;
}

bool scene_is_simulated(void)
{
    return scene_runs_on("Oclgrind");
}

/* --- properties ----------------------------------------------------------- */

enum { MAX_TESTS = 512 };

int run_properties(const char *group, const struct CMUnitTest *fixed,
                   size_t fixed_count, const struct property *properties,
                   size_t property_count)
{
    static struct CMUnitTest tests[MAX_TESTS];
    static char names[MAX_TESTS][64];
    const clstep_rule *rule;
    size_t n = 0;

    for (; n < fixed_count && n < MAX_TESTS; n++)
        tests[n] = fixed[n];
    for (size_t i = 0; (rule = clstep_rule_at(i)) != NULL; i++) {
        for (size_t k = 0; k < property_count; k++) {
            if (n == MAX_TESTS)
                return 2;
            snprintf(names[n], sizeof(names[n]), "%s: %s",
                     clstep_rule_name(rule), properties[k].name);
            tests[n].name = names[n];
            tests[n].test_func = properties[k].run;
            tests[n].initial_state = (void *)(uintptr_t)rule;
            n++;
        }
    }
    return _cmocka_run_group_tests(group, tests, n, fixture_open,
                                   fixture_close);
}

/* --- queues --------------------------------------------------------------- */

void submit(cl_command_queue queue)
{
    if (!scene_is_simulated())
        assert_int_equal(clFlush(queue), CL_SUCCESS);
}
