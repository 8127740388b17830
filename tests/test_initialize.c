/*
 * test_initialize.c - the beginning of parameters, bit for bit
 * SPDX-License-Identifier: MIT
 */
#include "scene.h"

#include <float.h>
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

static const clstep_setting *find(const clstep_setting *list, const char *name)
{
    for (; list != NULL && list->name != NULL; list++)
        if (strcmp(list->name, name) == 0)
            return list;
    return NULL;
}

static double
number_of(const clstep_setting *list, const char *name, double usual)
{
    const clstep_setting *given = find(list, name);

    return given != NULL ? given->value : usual;
}

/* Writes what the reference has for a tensor. */
static void expect(struct beginning *b, size_t index, const char *name,
                   const clstep_setting *list, uint64_t seed)
{
    const clstep_setting *fan = find(list, "fan");
    clstep_tensor t;
    float *w;

    assert_true(clstep_layout_tensor(b->layout, index, &t));
    w = b->expected + FRONT + t.offset;
    if (strcmp(name, "zeros") == 0)
        reference_init_zeros(w, t.count);
    else if (strcmp(name, "uniform") == 0)
        reference_init_uniform(w, t.count, t.offset, seed,
                               number_of(list, "low", -1.0),
                               number_of(list, "high", 1.0));
    else if (strcmp(name, "normal") == 0)
        reference_init_normal(w, t.count, t.offset, seed,
                              number_of(list, "mean", 0.0),
                              number_of(list, "std", 1.0));
    else
        assert_true(reference_init_by_shape(name, w, t.rank, t.shape, t.offset,
                                            seed, number_of(list, "gain", 1.0),
                                            fan != NULL ? fan->choice : NULL));
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

/* --- tensors -------------------------------------------------------------- */

/* Ranks 0 to 4, none, and counts around a work-group and a chunk. */
static const struct {
    size_t rank;
    uint64_t shape[4];
} shapes[] = {
    {0, {0}},          {1, {1}},           {1, {255}},     {2, {16, 16}},
    {1, {257}},        {2, {0, 7}},        {3, {3, 5, 7}}, {4, {2, 3, 3, 3}},
    {2, {4095, 1}},    {2, {1, 4096}},     {1, {4097}},    {3, {2, 4, 0}},
    {4, {1, 1, 1, 1}}, {4, {17, 4, 5, 2}}, {2, {300, 7}},
};
enum { SHAPES = sizeof(shapes) / sizeof(*shapes) };

static const uint64_t seeds[] = {0, 1, UINT64_C(1) << 32, UINT64_MAX,
                                 12345678901234567u};
enum { SEEDS = sizeof(seeds) / sizeof(*seeds) };

static void open_shapes(struct beginning *b)
{
    begin(b);
    for (size_t t = 0; t < SHAPES; t++)
        add(b, shapes[t].rank, shapes[t].shape);
    open_buffers(b);
}

/* Lists of settings to try, for the initializers that take them. */
static const clstep_setting lists[][MAX_GIVEN] = {
    {{0}},
    {{"low", -3.0, NULL}, {"high", 0.1, NULL}, {0}},
    {{"low", 0.7, NULL}, {"high", 0.7, NULL}, {0}},
    {{"low", -FLT_MAX / 2.0, NULL}, {"high", FLT_MAX / 2.0, NULL}, {0}},
    {{"mean", 0.1, NULL}, {"std", 1e-40, NULL}, {0}},
    {{"mean", -7.0, NULL}, {"std", 0.0, NULL}, {0}},
    {{"std", FLT_MAX, NULL}, {0}},
    {{"fan", 0.0, "in"}, {"gain", 1.7, NULL}, {0}},
    {{"fan", 0.0, "out"}, {0}},
    {{"fan", 0.0, "average"}, {"gain", 0.0, NULL}, {0}},
};
enum { LISTS = sizeof(lists) / sizeof(*lists) };

static bool
takes(const clstep_initializer *initializer, const clstep_setting *list)
{
    clstep_setting_info info;
    bool found = list->name == NULL;

    for (size_t i = 0; clstep_initializer_setting(initializer, i, &info); i++)
        found = found || strcmp(info.name, list->name) == 0;
    return found;
}

static void every_number_is_the_reference_s(void **state)
{
    const clstep_initializer *initializer;
    struct beginning b;
    size_t tried = 0;

    (void)state;
    open_shapes(&b);
    for (size_t i = 0; (initializer = clstep_initializer_at(i)) != NULL; i++)
        for (size_t l = 0; l < LISTS; l++) {
            const uint64_t seed = seeds[tried++ % SEEDS];

            if (!takes(initializer, lists[l]))
                continue;
            initialize(&b, CLSTEP_ALL_TENSORS,
                       clstep_initializer_name(initializer), lists[l], seed);
            for (size_t t = 0; t < SHAPES; t++)
                expect(&b, t, clstep_initializer_name(initializer), lists[l],
                       seed);
            check(&b, clstep_initializer_name(initializer));
        }
    end(&b);
}

/* One by one, with other tensors untouched, in any order. */
static void a_tensor_alone_has_the_same_numbers(void **state)
{
    struct beginning b;

    (void)state;
    open_shapes(&b);
    for (size_t t = SHAPES; t-- > 0;) {
        initialize(&b, t, "he_normal", NULL, 5);
        expect(&b, t, "he_normal", NULL, 5);
        check(&b, "one by one");
    }
    initialize(&b, CLSTEP_ALL_TENSORS, "he_normal", NULL, 5);
    check(&b, "all at once");
    end(&b);
}

static void many_tensors(void **state)
{
    const size_t most = fixture_is_small() ? 100 : 10000;
    struct beginning b;

    (void)state;
    begin(&b);
    for (size_t t = 0; t < most; t++)
        add(&b, 2, (uint64_t[]){t % 7, t % 5});
    open_buffers(&b);
    initialize(&b, CLSTEP_ALL_TENSORS, "xavier_uniform", NULL, 3);
    for (size_t t = 0; t < most; t++)
        expect(&b, t, "xavier_uniform", NULL, 3);
    check(&b, "many tensors");
    end(&b);
}

/* --- far away ------------------------------------------------------------- */

static uint64_t far; /* added to the index of each tensor's first element */

cl_int __real_clSetKernelArg(cl_kernel kernel, cl_uint index, size_t size,
                             const void *value);
cl_int __wrap_clSetKernelArg(cl_kernel kernel, cl_uint index, size_t size,
                             const void *value);

cl_int __wrap_clSetKernelArg(cl_kernel kernel, cl_uint index, size_t size,
                             const void *value)
{
    cl_ulong first;

    if (index != 3 || size != sizeof(first))
        return __real_clSetKernelArg(kernel, index, size, value);
    memcpy(&first, value, sizeof(first));
    first += far;
    return __real_clSetKernelArg(kernel, index, size, &first);
}

static float fraction_of(float p)
{
    int exponent;

    return 2.0f * frexpf(p, &exponent);
}

/* What no buffer is large enough for: indices of more than 32 bits, and the few
 * at which a normal number is on an edge of the formula. */
static void numbers_of_far_elements(void **state)
{
    static const struct {
        uint64_t index;
        float q, fraction; /* which it has with the seed 7, or 0 */
    } places[] = {
        {(UINT64_C(1) << 32) - 3, 0.0f, 0.0f},
        {(UINT64_C(3) << 32) - 3, 0.0f, 0.0f},
        {UINT64_C(1) << 63, 0.0f, 0.0f},
        {767089847, 0.425f, 0.0f},
        {1742313032, 0.425f, 0.0f},
        {3244463302, 0.0f, 1.4140625f},
        {1298454159, 0.0f, 1.4140625f},
        {836347711, 0.0f, 1.4140625f},
    };
    const uint64_t count = 7;
    struct beginning b;

    (void)state;
    begin(&b);
    add(&b, 1, &count);
    open_buffers(&b);
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
        const uint32_t k =
            reference_word(7, 0, places[i].index) & UINT32_C(0x7fffffff);

        if (places[i].q != 0.0f)
            assert_true((float)k * 0x1p-32f == places[i].q);
        if (places[i].fraction != 0.0f)
            assert_true(fraction_of((float)(0x7fffffff - k) + 0.5f) ==
                        places[i].fraction);
        far = places[i].index;
        initialize(&b, 0, "normal", NULL, 7);
        reference_init_normal(b.expected + FRONT, count, far, 7, 0.0, 1.0);
        check(&b, "far away");
        initialize(&b, 0, "uniform", NULL, 7);
        reference_init_uniform(b.expected + FRONT, count, far, 7, -1.0, 1.0);
        check(&b, "far away");
    }
    far = 0;
    end(&b);
}

/* --- events --------------------------------------------------------------- */

static void waits_and_can_be_waited_for(void **state)
{
    cl_int code;
    cl_command_queue queue = clCreateCommandQueue(
        fixture_place()->context, fixture_id(),
        scene_runs_on("rusticl") ? 0 : CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE,
        &code);
    cl_event start = clCreateUserEvent(fixture_place()->context, NULL);
    cl_event done = NULL;
    struct beginning b;
    clstep_error error;

    (void)state;
    assert_int_equal(code, CL_SUCCESS);
    open_shapes(&b);
    fixture_ok(clstep_initialize(fixture_place()->device, queue, b.layout,
                                 CLSTEP_ALL_TENSORS, "normal", NULL, 1,
                                 b.parameters, FRONT, 1, &start, &done, &error),
               &error);
    assert_non_null(done);
    check(&b, "before");
    assert_int_equal(clSetUserEventStatus(start, CL_COMPLETE), CL_SUCCESS);
    assert_int_equal(clWaitForEvents(1, &done), CL_SUCCESS);
    for (size_t t = 0; t < SHAPES; t++)
        expect(&b, t, "normal", NULL, 1);
    check(&b, "after");
    clReleaseEvent(done);

    /* A tensor without elements is an event too. */
    fixture_ok(clstep_initialize(fixture_place()->device, queue, b.layout, 5,
                                 "normal", NULL, 2, b.parameters, FRONT, 0,
                                 NULL, &done, &error),
               &error);
    assert_int_equal(clWaitForEvents(1, &done), CL_SUCCESS);
    check(&b, "nothing");
    clReleaseEvent(done);
    clReleaseEvent(start);
    clReleaseCommandQueue(queue);
    end(&b);
}

/* --- errors --------------------------------------------------------------- */

struct call {
    clstep_device *device;
    cl_command_queue queue;
    const clstep_layout *layout;
    size_t tensor;
    const char *name;
    const clstep_setting *settings;
    cl_mem parameters;
    uint64_t offset;
    cl_uint wait_count;
    const cl_event *wait_list;
};

static void refused(struct beginning *b, struct call c, clstep_status status,
                    const char *words)
{
    clstep_error error = {CLSTEP_OK, 1, ""};
    cl_event done = (cl_event)(uintptr_t)&c;

    assert_int_equal(clstep_initialize(c.device, c.queue, c.layout, c.tensor,
                                       c.name, c.settings, 1, c.parameters,
                                       c.offset, c.wait_count, c.wait_list,
                                       &done, &error),
                     status);
    check_error(&error, status, words);
    assert_null(done);
    assert_int_equal(clstep_initialize(c.device, c.queue, c.layout, c.tensor,
                                       c.name, c.settings, 1, c.parameters,
                                       c.offset, c.wait_count, c.wait_list,
                                       NULL, NULL),
                     status);
    check(b, words);
}

#define REFUSED(member, value, status, words)                                  \
    do {                                                                       \
        struct call changed = good;                                            \
                                                                               \
        changed.member = value;                                                \
        refused(&b, changed, status, words);                                   \
    } while (0)

static void bad_arguments_are_refused(void **state)
{
    const struct trial_place *place = fixture_place();
    const cl_event nothing = NULL;
    cl_int code;
    cl_mem constant =
        clCreateBuffer(place->context, CL_MEM_READ_ONLY, 1 << 20, NULL, &code);
    struct beginning b;

    (void)state;
    assert_int_equal(code, CL_SUCCESS);
    open_shapes(&b);

    const struct call good = {place->device,
                              place->queue,
                              b.layout,
                              CLSTEP_ALL_TENSORS,
                              "uniform",
                              NULL,
                              b.parameters,
                              FRONT,
                              0,
                              NULL};

    REFUSED(device, NULL, CLSTEP_INVALID_ARGUMENT, "device is NULL");
    REFUSED(queue, NULL, CLSTEP_INVALID_ARGUMENT, "queue is NULL");
    REFUSED(layout, NULL, CLSTEP_INVALID_ARGUMENT, "layout is NULL");
    REFUSED(name, NULL, CLSTEP_INVALID_ARGUMENT, "name is NULL");
    REFUSED(name, "kaiming", CLSTEP_INVALID_ARGUMENT,
            "no initializer|'kaiming'|clstep_initializer_at()");
    REFUSED(tensor, SHAPES, CLSTEP_OUT_OF_RANGE, "tensor is 15|15, from 0");
    REFUSED(parameters, NULL, CLSTEP_INVALID_ARGUMENT, "parameters is NULL");
    REFUSED(parameters, constant, CLSTEP_INVALID_ARGUMENT,
            "parameters is a read-only buffer");
    REFUSED(offset, FRONT + BACK + 1, CLSTEP_INVALID_ARGUMENT,
            "parameters has|too few");
    REFUSED(wait_count, 1, CLSTEP_INVALID_ARGUMENT,
            "wait_list is NULL|wait_count is 1");
    REFUSED(wait_list, &nothing, CLSTEP_INVALID_ARGUMENT,
            "wait_list is not NULL|wait_count is 0");

    struct call listed = good;

    listed.wait_count = 1;
    listed.wait_list = &nothing;
    refused(&b, listed, CLSTEP_INVALID_ARGUMENT,
            "event 0 of wait_list is NULL");
    clReleaseMemObject(constant);
    end(&b);
}

static void bad_settings_are_refused(void **state)
{
    static const struct {
        const char *name;
        clstep_setting settings[3];
        clstep_status status;
        const char *words;
    } cases[] = {
        {"zeros",
         {{"low", 1, NULL}},
         CLSTEP_INVALID_ARGUMENT,
         "zeros has no setting 'low'; it has none"},
        {"uniform",
         {{"gain", 1, NULL}},
         CLSTEP_INVALID_ARGUMENT,
         "uniform has no setting 'gain'; it has low, high"},
        {"uniform",
         {{"low", 2, NULL}},
         CLSTEP_INVALID_ARGUMENT,
         "low of uniform is 2|high|1"},
        {"uniform",
         {{"low", NAN, NULL}},
         CLSTEP_OUT_OF_RANGE,
         "low of uniform is|not in"},
        {"uniform",
         {{"high", INFINITY, NULL}},
         CLSTEP_OUT_OF_RANGE,
         "high of uniform is inf"},
        {"uniform",
         {{"low", -3e38, NULL}},
         CLSTEP_OUT_OF_RANGE,
         "low of uniform is -3e+38"},
        {"xavier_uniform",
         {{"gain", 1e38, NULL}},
         CLSTEP_OUT_OF_RANGE,
         "gain of xavier_uniform is 1e+38"},
        {"normal",
         {{"std", -1, NULL}},
         CLSTEP_OUT_OF_RANGE,
         "std of normal is -1|[0,"},
        {"normal",
         {{"mean", 1, NULL}, {"mean", 2, NULL}},
         CLSTEP_INVALID_ARGUMENT,
         "mean of normal is given twice"},
        {"he_normal",
         {{"fan", 0, "inwards"}},
         CLSTEP_INVALID_ARGUMENT,
         "fan of he_normal is 'inwards'|in, out, average"},
        {"he_normal",
         {{"fan", 1, NULL}},
         CLSTEP_INVALID_ARGUMENT,
         "fan of he_normal is a number|in, out, average"},
        {"xavier_uniform",
         {{"gain", -0.5, NULL}},
         CLSTEP_OUT_OF_RANGE,
         "gain of xavier_uniform is -0.5|[0,"},
    };
    struct beginning b;

    (void)state;
    open_shapes(&b);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const struct call c = {fixture_place()->device,
                               fixture_place()->queue,
                               b.layout,
                               CLSTEP_ALL_TENSORS,
                               cases[i].name,
                               cases[i].settings,
                               b.parameters,
                               FRONT,
                               0,
                               NULL};

        refused(&b, c, cases[i].status, cases[i].words);
    }
    end(&b);
}

/* What can be listed, and what is NULL. */
static void initializers_can_be_listed(void **state)
{
    const clstep_initializer *initializer;
    clstep_setting_info info;
    size_t count = 0;

    (void)state;
    for (; (initializer = clstep_initializer_at(count)) != NULL; count++) {
        assert_ptr_equal(
            clstep_initializer_find(clstep_initializer_name(initializer)),
            initializer);
        assert_true(strlen(clstep_initializer_summary(initializer)) > 0);
        assert_true(strlen(clstep_initializer_formula(initializer)) > 0);
        for (size_t i = 0; clstep_initializer_setting(initializer, i, &info);
             i++)
            assert_true(info.name != NULL && info.summary != NULL &&
                        (info.choices != NULL || (info.min <= info.initial &&
                                                  info.initial <= info.max)));
    }
    assert_int_equal(count, 9);
    assert_null(clstep_initializer_find("kaiming_uniform"));
    assert_null(clstep_initializer_find(NULL));
    assert_null(clstep_initializer_name(NULL));
    assert_null(clstep_initializer_summary(NULL));
    assert_null(clstep_initializer_formula(NULL));
    assert_int_equal(clstep_initializer_setting(NULL, 0, &info), 0);
    assert_int_equal(
        clstep_initializer_setting(clstep_initializer_at(0), 0, &info), 0);
    assert_int_equal(
        clstep_initializer_setting(clstep_initializer_at(1), 0, NULL), 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_of_the_specification),
        cmocka_unit_test(every_number_is_the_reference_s),
        cmocka_unit_test(a_tensor_alone_has_the_same_numbers),
        cmocka_unit_test(many_tensors),
        cmocka_unit_test(numbers_of_far_elements),
        cmocka_unit_test(waits_and_can_be_waited_for),
        cmocka_unit_test(bad_arguments_are_refused),
        cmocka_unit_test(bad_settings_are_refused),
        cmocka_unit_test(initializers_can_be_listed),
    };

    return cmocka_run_group_tests_name("initialize", tests, fixture_open,
                                       fixture_close);
}
