/*
 * test_initialize.c - the beginning of parameters, bit for bit
 * SPDX-License-Identifier: MIT
 */
#include "scene.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FRONT = 67, BACK = 300, MAX_GIVEN = 3 };

/* A layout, and what its buffer should hold, with guards in front and behind.
 */
struct beginning {
    clstep_layout *layout;
    uint64_t count, total;
    float *expected, *found;
    cl_mem parameters;
};

static const float guard = 0x1.3be76cp+0f;

static void add(struct beginning *b, size_t rank, const uint64_t *shape)
{
    const size_t index = clstep_layout_tensors(b->layout);
    char name[24];
    clstep_error error;

    snprintf(name, sizeof(name), "t%zu", index);
    fixture_ok(clstep_layout_add(b->layout, name, rank, shape, 0, &error),
               &error);
}

static void begin(struct beginning *b)
{
    clstep_error error;

    memset(b, 0, sizeof(*b));
    fixture_ok(clstep_layout_create(&b->layout, &error), &error);
}

/* Fills the buffers with guards, once the layout is whole. */
static void open_buffers(struct beginning *b)
{
    b->count = clstep_layout_count(b->layout);
    b->total = FRONT + b->count + BACK;
    b->expected = malloc(b->total * sizeof(float));
    b->found = malloc(b->total * sizeof(float));
    assert_true(b->expected != NULL && b->found != NULL);
    for (uint64_t i = 0; i < b->total; i++)
        b->expected[i] = guard;
    b->parameters = fixture_buffer(b->total, b->expected);
}

static void end(struct beginning *b)
{
    clReleaseMemObject(b->parameters);
    clstep_layout_release(b->layout);
    free(b->expected);
    free(b->found);
}

static void initialize(struct beginning *b, size_t tensor, const char *name,
                       const clstep_setting *settings, uint64_t seed)
{
    clstep_error error;

    fixture_ok(clstep_initialize(fixture_place()->device,
                                 fixture_place()->queue, b->layout, tensor,
                                 name, settings, seed, b->parameters, FRONT, 0,
                                 NULL, NULL, &error),
               &error);
}

static void check(struct beginning *b, const char *what)
{
    fixture_read(b->parameters, b->found, b->total);
    check_floats(what, b->expected, b->found, b->total);
}

/* --- the numbers ---------------------------------------------------------- */

/* Those that docs/numerics.md has. */
static void numbers_of_the_specification(void **state)
{
    static const float normal[] = {-0x1.052b72p-1f, 0x1.a680cap+0f,
                                   0x1.918404p-2f};
    static const uint32_t words[] = {0xb1ec1014, 0x73588950, 0x270ae0e0};
    const uint64_t three = 3;
    struct beginning b;

    (void)state;
    begin(&b);
    add(&b, 1, &three);
    open_buffers(&b);
    initialize(&b, 0, "normal", NULL, 0);
    memcpy(b.expected + FRONT, normal, sizeof(normal));
    check(&b, "normal");
    initialize(&b, 0, "uniform", (clstep_setting[]){{"low", 0.0, NULL}, {0}},
               0);
    for (int i = 0; i < 3; i++)
        b.expected[FRONT + i] = (float)(words[i] >> 8 | 1) * 0x1p-24f;
    check(&b, "uniform");
    initialize(&b, 0, "zeros", NULL, 7);
    for (int i = 0; i < 3; i++)
        b.expected[FRONT + i] = 0.0f;
    check(&b, "zeros");
    end(&b);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_of_the_specification),
    };

    return cmocka_run_group_tests_name("initialize", tests, fixture_open,
                                       fixture_close);
}
