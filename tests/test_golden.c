/*
 * test_golden.c - the steps that other frameworks take
 * SPDX-License-Identifier: MIT
 *
 * tests/golden/ holds steps of PyTorch, timm, Keras, optax and others, made by
 * scripts/golden.py: the witness that kernel and reference, which were written
 * from one page, do not share a mistake.  Both take the same steps here.
 * docs/golden.md has the cases and what they showed.
 *
 *     test_golden [--list]      --list prints the error of every case
 */
#include "fixture.h"
#include "reference.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_PARAMETERS = 64,
    MAX_TENSORS = 8,
    MAX_COUNT = MAX_TENSORS * CLSTEP_ALIGNMENT, /* of a buffer */
    MAX_STEPS = 16,
    MAX_SETTINGS = 16,
    TOKEN = 64
};

/* The sides that are compared. */
enum { DEVICE, REFERENCE, SIDES };

static const char *const side_names[] = {"the device", "the reference"};
static bool list_cases;

/*
 * The largest error that is allowed, relative to the largest that the parameter
 * has been so far.  The framework computed in double, so that it is the sum of
 * our own roundings; where division and root round wrongly, they are larger.
 */
static const double limit = 2e-6;
static const double inexact_limit = 1e-5;

/* A framework's file. */
struct golden {
    const char *name;
    FILE *file;
    char token[TOKEN]; /* the one that is next, "" at the end */
    /* What its cases begin with; again where their tensors are others. */
    clstep_layout *layout;
    size_t parameters, count;     /* numbers in the file, and in a buffer */
    size_t place[MAX_PARAMETERS]; /* of each number within the buffer */
    size_t gradient_count;
    float w[MAX_COUNT];
    float g[MAX_STEPS][MAX_COUNT];
    unsigned cases, failures;
    double error; /* the largest */
};

/* --- reading -------------------------------------------------------------- */

static void read_token(struct golden *golden)
{
    int c;

    golden->token[0] = '\0';
    while (fscanf(golden->file, "%63s", golden->token) == 1 &&
           golden->token[0] == '#') {
        golden->token[0] = '\0';
        while ((c = fgetc(golden->file)) != '\n' && c != EOF)
            continue;
    }
}

static bool is_next(const struct golden *golden, const char *keyword)
{
    return strcmp(golden->token, keyword) == 0;
}

/* Reads the number that is next. */
static double read_number(struct golden *golden)
{
    char *end;
    const double number = strtod(golden->token, &end);

    if (golden->token[0] == '\0' || *end != '\0' || !isfinite(number))
        fail_msg("%s.txt: '%s' is no number", golden->name, golden->token);
    read_token(golden);
    return number;
}

/* Reads 'keyword' and the numbers that follow it, each to its place. */
static void
read_floats(struct golden *golden, const char *keyword, float *numbers)
{
    if (!is_next(golden, keyword))
        fail_msg("%s.txt: '%s' and not '%s'", golden->name, golden->token,
                 keyword);
    read_token(golden);
    for (size_t i = 0; i < golden->parameters; i++)
        numbers[golden->place[i]] = (float)read_number(golden);
}

/* Adds a tensor to the layout. */
static void
add_tensor(struct golden *golden, size_t rank, const uint64_t *shape)
{
    const size_t index = clstep_layout_tensors(golden->layout);
    char name[] = {(char)('a' + index), '\0'};
    clstep_error error;

    assert_true(index < MAX_TENSORS);
    fixture_ok(clstep_layout_add(golden->layout, name, rank, shape, 0, &error),
               &error);
}

/* Reads "tensor 4 5", which says the extents. */
static void read_tensor(struct golden *golden)
{
    uint64_t shape[4];
    size_t rank = 0;

    read_token(golden);
    while (strspn(golden->token, "0123456789") > 0) {
        assert_true(rank < sizeof(shape) / sizeof(shape[0]));
        shape[rank++] = (uint64_t)read_number(golden);
    }
    add_tensor(golden, rank, shape);
}

/* Finds the place of each number. */
static void find_places(struct golden *golden)
{
    clstep_tensor tensor;

    golden->count = (size_t)clstep_layout_count(golden->layout);
    for (size_t i = 0; clstep_layout_tensor(golden->layout, i, &tensor); i++)
        for (uint64_t j = 0; j < tensor.count; j++)
            golden->place[tensor.packed + j] = (size_t)(tensor.offset + j);
}

/* Reads "count 44" and the tensors, one if none is named. */
static void read_layout(struct golden *golden)
{
    clstep_error error;

    assert_true(is_next(golden, "count"));
    read_token(golden);

    const uint64_t parameters = (uint64_t)read_number(golden);

    assert_in_range(parameters, 1, MAX_PARAMETERS);
    golden->parameters = (size_t)parameters;
    clstep_layout_release(golden->layout);
    fixture_ok(clstep_layout_create(&golden->layout, &error), &error);
    if (!is_next(golden, "tensor"))
        add_tensor(golden, 1, &parameters);
    while (is_next(golden, "tensor"))
        read_tensor(golden);
    assert_int_equal(clstep_layout_parameters(golden->layout), parameters);
    find_places(golden);
}

/* Reads the tensors, where they begin and their gradients. */
static void read_inputs(struct golden *golden)
{
    read_layout(golden);
    /* What stands between tensors must not matter. */
    for (size_t i = 0; i < MAX_COUNT; i++) {
        golden->w[i] = NAN;
        for (size_t step = 0; step < MAX_STEPS; step++)
            golden->g[step][i] = NAN;
    }
    read_floats(golden, "w", golden->w);
    golden->gradient_count = 0;
    while (is_next(golden, "gradient")) {
        assert_true(golden->gradient_count < MAX_STEPS);
        read_floats(golden, "gradient", golden->g[golden->gradient_count++]);
    }
}

static void open_golden(struct golden *golden)
{
    char path[512];

    snprintf(path, sizeof(path), "%s/%s.txt", CLSTEP_GOLDEN, golden->name);
    golden->file = fopen(path, "r");
    if (golden->file == NULL)
        fail_msg("%s cannot be opened", path);
    read_token(golden);
}

/* --- a case --------------------------------------------------------------- */

/* An optimizer and its reference, on their way. */
struct run {
    struct golden *golden;
    const clstep_rule *rule;
    char texts[MAX_SETTINGS][TOKEN]; /* where the names below are */
    clstep_setting settings[MAX_SETTINGS];
    clstep_optimizer *optimizer;
    struct reference *reference;
    cl_mem parameters, gradients;
    float w[SIDES][MAX_COUNT];
    double scale[MAX_PARAMETERS]; /* the largest that a parameter has been */
    size_t steps;
    double error;
};

/* Says whether 'name' is a choice of the rule, given by a name. */
static bool is_choice(const clstep_rule *rule, const char *name)
{
    clstep_setting_info info;

    for (size_t i = 0; clstep_rule_setting(rule, i, &info); i++)
        if (strcmp(info.name, name) == 0)
            return info.kind == CLSTEP_CHOICE;
    return false;
}

/* Reads "adam lr=0.1 eps_form=inside". */
static void read_settings(struct run *run)
{
    struct golden *golden = run->golden;

    run->rule = clstep_rule_find(golden->token);
    if (run->rule == NULL)
        fail_msg("%s.txt: no rule '%s'", golden->name, golden->token);
    read_token(golden);
    for (size_t n = 0; strchr(golden->token, '=') != NULL; n++) {
        assert_true(n + 1 < MAX_SETTINGS);

        char *name = strcpy(run->texts[n], golden->token);
        char *value = strchr(name, '=');

        *value++ = '\0';
        run->settings[n].name = name;
        if (is_choice(run->rule, name)) {
            run->settings[n].choice = value;
            read_token(golden);
        } else {
            memmove(golden->token, value, strlen(value) + 1);
            run->settings[n].value = read_number(golden);
        }
    }
}

/* The optimizer, on the device. */
static clstep_optimizer *open_optimizer(const struct run *run)
{
    clstep_optimizer *optimizer;
    clstep_error error;

    fixture_ok(clstep_optimizer_create(
                   fixture_place()->device, clstep_rule_name(run->rule),
                   run->settings, run->golden->layout, &optimizer, &error),
               &error);
    return optimizer;
}

/* The same on the host. */
static struct reference *open_reference(const struct run *run)
{
    struct reference_setting settings[MAX_SETTINGS] = {{0}};
    struct reference_tensor tensors[MAX_TENSORS];
    clstep_tensor tensor;
    size_t count = 0;

    for (size_t n = 0; run->settings[n].name != NULL; n++)
        settings[n] = (struct reference_setting){run->settings[n].name,
                                                 run->settings[n].value,
                                                 run->settings[n].choice};
    for (; clstep_layout_tensor(run->golden->layout, count, &tensor); count++)
        tensors[count] = (struct reference_tensor){
            .offset = tensor.offset,
            .count = tensor.count,
            .rows = tensor.rank >= 2 ? tensor.shape[0] : 0,
        };

    struct reference *reference = reference_create_layout(
        clstep_rule_name(run->rule), settings, tensors, count);

    assert_non_null(reference);
    return reference;
}

static void open_run(struct run *run)
{
    const struct golden *golden = run->golden;

    run->optimizer = open_optimizer(run);
    run->reference = open_reference(run);
    run->parameters = fixture_buffer(golden->count, golden->w);
    run->gradients = fixture_buffer(golden->count, NULL);
    memcpy(run->w[REFERENCE], golden->w, sizeof(golden->w));
    for (size_t i = 0; i < golden->parameters; i++)
        run->scale[i] = fabs((double)golden->w[golden->place[i]]);
}

static void close_run(struct run *run)
{
    clReleaseMemObject(run->parameters);
    clReleaseMemObject(run->gradients);
    clstep_optimizer_release(run->optimizer);
    reference_release(run->reference);
}

static void set_rate(struct run *run, double lr)
{
    clstep_error error;

    fixture_ok(clstep_optimizer_set(run->optimizer, "lr", lr, &error), &error);
    reference_set(run->reference, "lr", lr);
}

/* One step of both sides, by the gradient whose turn it is. */
static void take_step(struct run *run)
{
    const clstep_buffers buffers = {.parameters = run->parameters,
                                    .gradients = run->gradients};
    const size_t count = run->golden->count;
    const cl_command_queue queue = fixture_place()->queue;
    float g[MAX_COUNT];
    clstep_error error;

    assert_true(run->steps < run->golden->gradient_count);
    memcpy(g, run->golden->g[run->steps++], sizeof(g));
    assert_int_equal(clEnqueueWriteBuffer(queue, run->gradients, CL_TRUE, 0,
                                          count * sizeof(float), g, 0, NULL,
                                          NULL),
                     CL_SUCCESS);
    fixture_ok(clstep_optimizer_step(run->optimizer, queue, &buffers, 0, NULL,
                                     NULL, &error),
               &error);
    fixture_read(run->parameters, run->w[DEVICE], count);
    reference_step(run->reference, run->w[REFERENCE], g, NULL);
}

/* Reports a mistake of the parameter that is the i-th in the file. */
static void report(const struct run *run, int side, size_t i,
                   const float *expected, double error)
{
    const size_t at = run->golden->place[i];
    char settings[256];

    trial_describe(run->settings, settings, sizeof(settings));
    print_error("%s: %s %s: w[%zu] of %s after step %zu is %.9g and not %.9g, "
                "error %.2g\n",
                run->golden->name, clstep_rule_name(run->rule), settings, i,
                side_names[side], run->steps, (double)run->w[side][at],
                (double)expected[at], error);
}

/* How far apart two numbers are, in units of 'scale'. */
static double error_of(float got, float expected, double scale)
{
    const double difference = fabs((double)got - (double)expected);

    if (difference == 0.0)
        return 0.0;
    return isnan(difference) ? INFINITY : difference / scale;
}

static double allowed_error(void)
{
    clstep_numerics numerics;

    clstep_device_numerics(fixture_place()->device, &numerics);
    return numerics.verdict == CLSTEP_INEXACT ? inexact_limit : limit;
}

/* Compares both sides with what the file says; reports one mistake of each. */
static void compare(struct run *run, const float *expected)
{
    const size_t *place = run->golden->place;
    const size_t parameters = run->golden->parameters;
    const double allowed = allowed_error();

    for (size_t i = 0; i < parameters; i++)
        run->scale[i] = fmax(run->scale[i], fabs((double)expected[place[i]]));
    for (int side = 0; side < SIDES; side++) {
        size_t wrong = 0;

        for (size_t i = 0; i < parameters; i++) {
            const double error = error_of(run->w[side][place[i]],
                                          expected[place[i]], run->scale[i]);

            run->error = fmax(run->error, error);
            if (error > allowed && wrong++ == 0)
                report(run, side, i, expected, error);
        }
        run->golden->failures += wrong != 0;
    }
}

static void finish_case(const struct run *run)
{
    struct golden *golden = run->golden;
    char settings[256];

    golden->error = fmax(golden->error, run->error);
    golden->cases++;
    trial_describe(run->settings, settings, sizeof(settings));
    if (list_cases)
        print_message("%.1e  %s: %s %s\n", run->error, golden->name,
                      clstep_rule_name(run->rule), settings);
}

/* Runs the case that is next. */
static void run_case(struct golden *golden)
{
    struct run run = {.golden = golden};
    float expected[MAX_COUNT];

    assert_true(is_next(golden, "case"));
    read_token(golden);
    read_settings(&run);
    open_run(&run);
    while (is_next(golden, "step") || is_next(golden, "rate")) {
        if (is_next(golden, "rate")) {
            read_token(golden);
            set_rate(&run, read_number(golden));
        }
        read_floats(golden, "step", expected);
        take_step(&run);
        compare(&run, expected);
    }
    assert_true(run.steps > 0);
    close_run(&run);
    finish_case(&run);
}

static void equals_framework(void **state)
{
    struct golden *golden = *state;

    open_golden(golden);
    while (!is_next(golden, "end"))
        if (is_next(golden, "count"))
            read_inputs(golden);
        else
            run_case(golden);
    fclose(golden->file);
    clstep_layout_release(golden->layout);
    print_message("%s: %u cases, largest error %.1e\n", golden->name,
                  golden->cases, golden->error);
    assert_int_not_equal(golden->cases, 0);
    assert_int_equal(golden->failures, 0);
}

static struct golden goldens[] = {
    {.name = "torch"},  {.name = "timm"},         {.name = "keras"},
    {.name = "optax"},  {.name = "schedulefree"}, {.name = "torch_optimizer"},
    {.name = "optimi"},
};

enum { GOLDENS = sizeof(goldens) / sizeof(goldens[0]) };

int main(int argc, char **argv)
{
    struct CMUnitTest tests[GOLDENS] = {{0}};

    list_cases = argc == 2 && strcmp(argv[1], "--list") == 0;
    for (size_t i = 0; i < GOLDENS; i++) {
        tests[i].name = goldens[i].name;
        tests[i].test_func = equals_framework;
        tests[i].initial_state = &goldens[i];
    }
    return cmocka_run_group_tests_name("golden", tests, fixture_open,
                                       fixture_close);
}
