/*
 * test_lbfgs.c - L-BFGS: every bit, and where it arrives
 * SPDX-License-Identifier: MIT
 */
#include "device.h"
#include "guard.h"
#include "problem.h"
#include "scene.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_SETTINGS = 8 };

/* L-BFGS of 'problem' on the device and as the reference. */
struct both {
    struct problem problem;
    clstep_lbfgs *lbfgs;
    struct reference_lbfgs *reference;
};

static clstep_lbfgs *
create(const struct problem *problem, const clstep_setting *settings)
{
    clstep_lbfgs *lbfgs;
    clstep_error error;

    fixture_ok(clstep_lbfgs_create(fixture_place()->device, settings,
                                   problem->layout, &lbfgs, &error),
               &error);
    return lbfgs;
}

static void open_both(struct both *both, problem_loss *loss, const void *data,
                      const long *counts, float (*start)(size_t index),
                      const clstep_setting *settings)
{
    struct reference_setting list[MOST_SETTINGS] = {{0}};

    for (size_t i = 0; settings != NULL && settings[i].name != NULL; i++)
        list[i] = (struct reference_setting){
            settings[i].name, settings[i].value, settings[i].choice};
    problem_open(&both->problem, loss, data, counts, start);
    both->lbfgs = create(&both->problem, settings);
    both->reference = reference_lbfgs_create(list, both->problem.tensors,
                                             both->problem.tensor_count);
    assert_non_null(both->reference);
}

static void close_both(struct both *both)
{
    clstep_lbfgs_release(both->lbfgs);
    reference_lbfgs_release(both->reference);
    problem_close(&both->problem);
    assert_false(guard_overrun());
}

static clstep_lbfgs_stop stop_of(enum reference_lbfgs_stop stop)
{
    static const clstep_lbfgs_stop stops[] = {
        [REFERENCE_LBFGS_NOT_FINITE] = CLSTEP_LBFGS_NOT_FINITE,
        [REFERENCE_LBFGS_GRADIENT] = CLSTEP_LBFGS_GRADIENT,
        [REFERENCE_LBFGS_SLOPE] = CLSTEP_LBFGS_SLOPE,
        [REFERENCE_LBFGS_ITERATIONS] = CLSTEP_LBFGS_ITERATIONS,
        [REFERENCE_LBFGS_EVALUATIONS] = CLSTEP_LBFGS_EVALUATIONS,
        [REFERENCE_LBFGS_STEP] = CLSTEP_LBFGS_STEP,
        [REFERENCE_LBFGS_LOSS] = CLSTEP_LBFGS_LOSS,
    };

    return stops[stop];
}

/* Numbers that may be NaNs. */
static void check_double(const char *what, double a, double b)
{
    if (a != b && !(isnan(a) && isnan(b)))
        fail_msg("%s is %.17g, in the reference %.17g", what, a, b);
}

/* The slots have the bits of the reference's, but for the padding. */
static void check_slots(const struct both *both)
{
    const struct problem *p = &both->problem;
    const float *expected;
    size_t slots = 0;
    clstep_error error;

    for (; (expected = reference_lbfgs_slot(both->reference, slots)) != NULL;
         slots++) {
        const char *slot = clstep_lbfgs_slot(both->lbfgs, slots);

        assert_non_null(slot);
        fixture_ok(clstep_lbfgs_read(both->lbfgs, p->queue, slot, 0, p->count,
                                     p->scratch, &error),
                   &error);
        for (size_t t = 0; t < p->tensor_count; t++)
            if (memcmp(p->scratch + p->tensors[t].offset,
                       expected + p->tensors[t].offset,
                       p->tensors[t].count * sizeof(*expected)) != 0)
                fail_msg("slot %s differs in tensor %zu", slot, t);
    }
    assert_null(clstep_lbfgs_slot(both->lbfgs, slots));
}

/* A call of both: the same bits, and the same numbers. */
static clstep_lbfgs_result step_both(struct both *both)
{
    struct problem *p = &both->problem;
    struct reference_lbfgs_result expected = {0};
    clstep_lbfgs_result result;
    clstep_error error;
    const unsigned calls = p->calls;
    const bool works =
        reference_lbfgs_call(both->reference, p->w, p->g,
                             problem_closure_of_reference, p, &expected);

    p->calls = calls;

    const clstep_status status =
        clstep_lbfgs_step(both->lbfgs, p->queue, &p->buffers, problem_closure,
                          p, &result, &error);

    problem_check(p);
    check_slots(both);
    assert_int_equal(status, works ? CLSTEP_OK : CLSTEP_CALLBACK_FAILED);
    if (!works)
        return (clstep_lbfgs_result){0};
    check_double("the first loss", result.first_loss, expected.first_loss);
    check_double("the loss", result.loss, expected.last_loss);
    assert_int_equal(result.evaluations, expected.evaluations);
    assert_int_equal(result.iterations, expected.iterations);
    assert_string_equal(clstep_lbfgs_stop_name(result.stop),
                        clstep_lbfgs_stop_name(stop_of(expected.stop)));
    return result;
}

/* Calls until it is done. */
static clstep_lbfgs_result run_both(struct both *both, unsigned most)
{
    clstep_lbfgs_result result = {.stop = CLSTEP_LBFGS_GOES_ON};
    double first = 0.0;
    uint64_t evaluations = 0;

    for (unsigned i = 0; i < most && result.stop <= CLSTEP_LBFGS_EVALUATIONS;
         i++) {
        result = step_both(both);
        first = i == 0 ? result.first_loss : first;
        evaluations += result.evaluations;
    }
    result.first_loss = first;
    result.evaluations = evaluations;
    return result;
}

/* --- where it arrives ----------------------------------------------------- */

static void rosenbrock_is_minimised(void **state)
{
    static const long two[] = {2, -1}, thousand[] = {1000, -1},
                      parts[] = {301, 0, 1, 698, -1};
    static const long *const counts[] = {two, thousand, parts};
    static const clstep_setting settings[][4] = {
        {{0}},
        {{.name = "max_iterations", .value = 200},
         {.name = "max_evaluations", .value = 400},
         {0}},
        {{.name = "history", .value = 3}, {0}},
    };

    (void)state;
    for (size_t c = 0; c < 3; c++)
        for (size_t s = 0; s < 3; s++) {
            struct both both;

            open_both(&both, rosenbrock, NULL, counts[c], rosenbrock_start,
                      settings[s]);

            const clstep_lbfgs_result result = run_both(&both, 40);

            print_message("Rosenbrock, %zu: %g to %g, %u evaluations, %s\n",
                          both.problem.parameters, result.first_loss,
                          result.loss, (unsigned)result.evaluations,
                          clstep_lbfgs_stop_name(result.stop));
            assert_true(result.stop > CLSTEP_LBFGS_EVALUATIONS);
            assert_true(result.loss < 1e-8);
            close_both(&both);
        }
}

/* The same, with the gradient's sign wrong. */
static double uphill(const double *x, double *g, size_t count, const void *data)
{
    const double loss = rosenbrock(x, g, count, data);

    for (size_t i = 0; i < count; i++)
        g[i] = -g[i];
    return loss;
}

/* A call that moves nothing is the last, whatever its limits: the next one
 * would be the same. */
static void what_finds_nothing_stops(void **state)
{
    static const long counts[] = {20, -1};
    static const struct {
        problem_loss *loss;
        clstep_setting settings[4];
    } cases[] = {
        {rosenbrock, {{.name = "tolerance_change", .value = 0}, {0}}},
        {rosenbrock,
         {{.name = "tolerance_change", .value = 0},
          {.name = "max_iterations", .value = 1},
          {0}}},
        {rosenbrock,
         {{.name = "tolerance_change", .value = 0},
          {.name = "max_evaluations", .value = 1},
          {0}}},
        {uphill, {{.name = "max_iterations", .value = 1}, {0}}},
        {uphill, {{.name = "max_evaluations", .value = 5}, {0}}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct both both;

        open_both(&both, cases[i].loss, NULL, counts, rosenbrock_start,
                  cases[i].settings);

        const clstep_lbfgs_result result = run_both(&both, 120);

        assert_true(result.stop > CLSTEP_LBFGS_EVALUATIONS);
        if (cases[i].loss == uphill)
            assert_int_equal(result.stop, CLSTEP_LBFGS_STEP);
        close_both(&both);
    }
}

static void logistic_regression_reaches_the_minimum(void **state)
{
    static const clstep_setting none[] = {
        {.name = "line_search", .choice = "none"},
        {.name = "lr", .value = 0.7},
        {0}};
    struct logistic data;

    (void)state;
    logistic_open(&data, CLSTEP_GOLDEN);
    for (int search = 0; search < 2; search++) {
        const long counts[] = {(long)data.columns, 1, -1};
        struct both both;

        open_both(&both, logistic, &data, counts, zero_start,
                  search == 0 ? NULL : none);

        const clstep_lbfgs_result result = run_both(&both, 200);
        double farthest = 0.0;

        for (size_t j = 0; j <= data.columns; j++)
            farthest = fmax(farthest, fabs(both.problem.x[j] - data.point[j]));
        print_message("logistic, %s: %.12g to %.12g, the minimum is %.12g; the "
                      "point %.2g off, %u evaluations, %s\n",
                      search == 0 ? "wolfe" : "none", result.first_loss,
                      result.loss, data.minimum, farthest,
                      (unsigned)result.evaluations,
                      clstep_lbfgs_stop_name(result.stop));
        assert_true(fabs(result.first_loss - log(2.0)) < 1e-12);
        assert_true(result.loss >= data.minimum - 1e-15);
        assert_true(result.loss - data.minimum < 1e-9);
        assert_true(farthest < 1e-2);
        close_both(&both);
    }
    logistic_close(&data);
}

/* --- every bit ------------------------------------------------------------ */

/* One chunk and a history that is full, several chunks, and no more, on a slow
 * simulator; else all, but the long history for the short vectors only. */
static bool is_wanted(size_t counts, size_t settings)
{
    if (fixture_is_small())
        return (counts == 1 && settings == 2) || (counts == 2 && settings == 5);
    return counts != 3 || settings != 3;
}

static void calls_have_the_bits_of_the_reference(void **state)
{
    static const long one[] = {1, -1}, few[] = {7, -1},
                      some[] = {4096, 4097, 0, 255, 256, 257, 3, -1},
                      odd[] = {100003, -1};
    static const long *const counts[] = {one, few, some, odd};
    static const clstep_setting settings[][5] = {
        {{0}},
        {{.name = "line_search", .choice = "none"},
         {.name = "lr", .value = 0.1},
         {0}},
        {{.name = "history", .value = 1}, {.name = "lr", .value = 3}, {0}},
        {{.name = "history", .value = 100},
         {.name = "max_iterations", .value = 120},
         {.name = "max_evaluations", .value = 120},
         {.name = "tolerance_change", .value = 0},
         {0}},
        {{.name = "max_evaluations", .value = 1},
         {.name = "lr", .value = 1e-3},
         {0}},
        {{.name = "max_iterations", .value = 1},
         {.name = "line_search", .choice = "none"},
         {.name = "lr", .value = 100},
         {0}},
        {{.name = "tolerance_gradient", .value = 0},
         {.name = "tolerance_change", .value = 0},
         {.name = "max_iterations", .value = 7},
         {0}},
    };

    (void)state;
    for (size_t c = 0; c < 4; c++)
        for (size_t s = 0; s < sizeof(settings) / sizeof(*settings); s++) {
            struct both both;

            if (!is_wanted(c, s))
                continue;
            open_both(&both, wells, NULL, counts[c], wells_start, settings[s]);
            for (unsigned i = 0; i < (fixture_is_small() ? c : 6); i++)
                step_both(&both);
            close_both(&both);
        }
}

/* More than 256 chunks, a full list of tensors, and lists of lists. */
static const long large[] = {1100000, -1};

/* 'tensors' of them, 600 at most. */
static const long *many(size_t tensors)
{
    static long counts[601];

    for (size_t t = 0; t < tensors; t++)
        counts[t] = t % 11 == 3 ? 0 : (long)(t % 5) + 1;
    counts[tensors] = -1;
    return counts;
}

static void many_sums_have_the_bits_of_the_reference(void **state)
{
    static const clstep_setting settings[] = {
        {.name = "max_iterations", .value = 3}, {0}};
    static const size_t tensors[] = {0, 256, 600};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct both both;

        open_both(&both, wells, NULL,
                  tensors[i] == 0 ? large : many(tensors[i]), wells_start,
                  settings);
        for (unsigned k = 0; k < 2; k++)
            step_both(&both);
        close_both(&both);
    }
}

/* A loss of two parameters, or of one, with gradients of -1 at the start. */
static double spikes(const double *x, double *g, size_t count, const void *data)
{
    const size_t *at = data;
    double sum = 0.0;

    memset(g, 0, count * sizeof(*g));
    for (size_t i = 0; i < 2; i++) {
        g[at[i]] = x[at[i]] - 1.0;
        sum += g[at[i]] * g[at[i]] / 2.0;
    }
    return sum;
}

/* Whether the gradient is within the tolerance is decided by one element
 * wherever it is, and not by the sum of two. */
static void the_largest_counts_wherever_it_is(void **state)
{
    static const clstep_setting below[] = {
        {.name = "max_iterations", .value = 2}, {0}};
    static const clstep_setting above[] = {
        {.name = "tolerance_gradient", .value = 1.5}, {0}};
    static const long chunks[] = {3 * 4096 + 5, 1, 300, -1};
    static const struct {
        const long *counts; /* or 600 tensors */
        size_t at[6];
    } cases[] = {
        {chunks, {1, 255, 4096, 12292, 12293, 12593}},
        {NULL, {1, 2, 700, 800, 1500, 1634}},
        {large, {4096, 8192, 1048575, 1048576, 1099999, 0}},
    };

    (void)state;
    for (size_t c = 0; c < sizeof(cases) / sizeof(*cases); c++)
        for (size_t i = 0; i < 6; i++)
            for (size_t k = i; k < 6 && k <= i + 1; k++) {
                const size_t at[] = {cases[c].at[i], cases[c].at[k]};
                struct both both;

                open_both(&both, spikes, at,
                          cases[c].counts != NULL ? cases[c].counts : many(600),
                          zero_start, k == i ? below : above);
                assert_true(at[0] < both.problem.parameters);

                const clstep_lbfgs_result result = step_both(&both);

                assert_true((result.stop == CLSTEP_LBFGS_GRADIENT) ==
                            (k != i || result.iterations == 1));
                close_both(&both);
            }
}

/* A loss of any size, and gradients that overflow in sums. */
static const double *scale_of(const void *data)
{
    return data;
}

static double scaled(const double *x, double *g, size_t count, const void *data)
{
    const double scale = *scale_of(data), sum = wells(x, g, count, NULL);

    for (size_t i = 0; i < count; i++)
        g[i] *= scale;
    return sum * scale;
}

static void losses_of_any_size_have_the_bits_of_the_reference(void **state)
{
    static const double scales[] = {1e-42, 1e-30, 1e-18, 1e-8, 1e8,
                                    1e17,  1e19,  1e30,  1e36, -1.0};
    static const long counts[] = {300, 33, -1};
    static const clstep_setting settings[][4] = {
        {{0}},
        {{.name = "tolerance_gradient", .value = 0},
         {.name = "tolerance_change", .value = 0},
         {0}},
        {{.name = "tolerance_gradient", .value = 0},
         {.name = "tolerance_change", .value = 0},
         {.name = "line_search", .choice = "none"},
         {0}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(scales) / sizeof(*scales); i++)
        for (size_t s = 0; s < 3; s++) {
            struct both both;

            open_both(&both, scaled, &scales[i], counts, wells_start,
                      settings[s]);
            for (unsigned k = 0; k < 3; k++)
                step_both(&both);
            close_both(&both);
        }
}

/* --- what a closure may do ------------------------------------------------ */

static void failures_of_the_closure_leave_the_last_iteration(void **state)
{
    static const long counts[] = {500, 1, -1};
    static const clstep_setting none[] = {
        {.name = "line_search", .choice = "none"},
        {.name = "lr", .value = 0.1},
        {0}};

    (void)state;
    for (unsigned search = 0; search < 2; search++)
        for (unsigned at = 1; at <= 14; at++) {
            struct both both;

            open_both(&both, wells, NULL, counts, wells_start,
                      search == 0 ? NULL : none);
            both.problem.fails_at = at;
            step_both(&both);
            assert_int_equal(both.problem.calls, at);
            both.problem.fails_at = 0;
            step_both(&both);
            step_both(&both);
            close_both(&both);
        }
}

static void numbers_that_are_not_finite_are_borne(void **state)
{
    static const double bad[] = {NAN, INFINITY, -INFINITY};
    static const long counts[] = {500, 1, -1};
    static const clstep_setting none[] = {
        {.name = "line_search", .choice = "none"},
        {.name = "lr", .value = 0.1},
        {0}};

    (void)state;
    for (unsigned i = 0; i < 3; i++)
        for (unsigned kind = 0; kind < 4; kind++)
            for (unsigned at = 1; at <= 7; at += 2) {
                struct both both;

                open_both(&both, wells, NULL, counts, wells_start,
                          kind < 2 ? NULL : none);
                both.problem.bad_at = at;
                both.problem.bad = bad[i];
                both.problem.bad_gradient = kind % 2 != 0;

                const clstep_lbfgs_result result = step_both(&both);

                if (at == 1 || kind >= 2) {
                    assert_int_equal(result.stop, CLSTEP_LBFGS_NOT_FINITE);
                    assert_int_equal(result.evaluations, at);
                }
                both.problem.bad_at = 0;
                step_both(&both);
                close_both(&both);
            }
}

/* The parameters may be moved between two calls. */
static void parameters_may_be_changed_between_calls(void **state)
{
    static const long counts[] = {100, -1};
    struct both both;

    (void)state;
    open_both(&both, wells, NULL, counts, wells_start, NULL);
    for (unsigned i = 0; i < 4; i++) {
        step_both(&both);
        problem_restart(&both.problem,
                        i % 2 == 0 ? rosenbrock_start : wells_start);
    }
    close_both(&both);
}

/* --- again ---------------------------------------------------------------- */

/* What a run leaves: parameters, and the numbers of its last call. */
struct outcome {
    float w[512]; /* without padding */
    clstep_lbfgs_result result;
};

static void
step(struct problem *p, clstep_lbfgs *lbfgs, clstep_lbfgs_result *result)
{
    clstep_error error;

    fixture_ok(clstep_lbfgs_step(lbfgs, p->queue, &p->buffers, problem_closure,
                                 p, result, &error),
               &error);
}

static void look(struct problem *p, struct outcome *outcome)
{
    size_t index = 0;

    problem_read(p, p->scratch);
    for (size_t t = 0; t < p->tensor_count; t++)
        for (uint64_t i = 0; i < p->tensors[t].count; i++)
            outcome->w[index++] = p->scratch[p->tensors[t].offset + i];
}

static const long small[] = {200, 1, -1};
static const clstep_setting short_calls[] = {
    {.name = "max_iterations", .value = 3},
    {.name = "history", .value = 5},
    {.name = "tolerance_change", .value = 0},
    {0}};

static void runs_repeat(void **state)
{
    struct outcome outcomes[3];
    struct problem p;
    clstep_error error;

    (void)state;
    problem_open(&p, wells, NULL, small, wells_start);
    memset(outcomes, 0, sizeof(outcomes));

    clstep_lbfgs *lbfgs = create(&p, short_calls);

    /* Again after a reset, and by another one on an out-of-order queue. */
    for (unsigned run = 0; run < 3; run++) {
        cl_command_queue other = NULL;

        if (run == 2) {
            clstep_lbfgs_release(lbfgs);
            lbfgs = create(&p, short_calls);
            p.queue = other = create_queue(has_out_of_order());
        }
        problem_restart(&p, wells_start);
        fixture_ok(clstep_lbfgs_reset(lbfgs, &error), &error);
        for (unsigned i = 0; i < 5; i++)
            step(&p, lbfgs, &outcomes[run].result);
        look(&p, &outcomes[run]);
        assert_memory_equal(outcomes[run].w, outcomes[0].w,
                            sizeof(outcomes[0].w));
        assert_memory_equal(&outcomes[run].result, &outcomes[0].result,
                            sizeof(outcomes[0].result));
        if (other != NULL)
            clReleaseCommandQueue(other);
        p.queue = fixture_place()->queue;
    }
    clstep_lbfgs_release(lbfgs);
    problem_close(&p);
}

/* Copies all state of 'from' to 'to'. */
static void carry(struct problem *p, clstep_lbfgs *from, clstep_lbfgs *to)
{
    clstep_lbfgs_progress progress;
    clstep_error error;
    const char *slot;
    size_t slots = 0;

    clstep_lbfgs_state(from, &progress);
    fixture_ok(clstep_lbfgs_restore(to, &progress, &error), &error);
    for (; (slot = clstep_lbfgs_slot(from, slots)) != NULL; slots++) {
        assert_string_equal(slot, clstep_lbfgs_slot(to, slots));
        fixture_ok(clstep_lbfgs_read(from, p->queue, slot, 0, p->count,
                                     p->scratch, &error),
                   &error);
        for (size_t t = 0; t < p->tensor_count; t++)
            fixture_ok(
                clstep_lbfgs_write(to, p->queue, slot, p->tensors[t].offset,
                                   p->tensors[t].count,
                                   p->scratch + p->tensors[t].offset, &error),
                &error);
    }
    assert_true(slots ==
                (progress.iterations == 0 ? 0 : 2 + 2 * progress.pairs));
}

static void a_state_goes_on_with_the_same_bits(void **state)
{
    struct outcome whole = {{0}}, resumed = {{0}};

    (void)state;
    for (unsigned cut = fixture_is_small() ? 5 : 0; cut < 6; cut++) {
        static const double little = 1e-3; /* so that the products are */
        struct problem p;

        problem_open(&p, cut == 5 ? scaled : wells, &little, small,
                     wells_start);

        clstep_lbfgs *a = create(&p, short_calls), *b = create(&p, short_calls);

        for (unsigned i = 0; i < 6; i++)
            step(&p, a, &whole.result);
        look(&p, &whole);
        problem_restart(&p, wells_start);
        assert_int_equal(clstep_lbfgs_reset(a, NULL), CLSTEP_OK);

        /* What 'b' had before does not matter. */
        step(&p, b, NULL);
        problem_restart(&p, wells_start);
        for (unsigned i = 0; i < 6; i++) {
            if (i == cut)
                carry(&p, a, b);
            step(&p, i < cut ? a : b, &resumed.result);
        }
        look(&p, &resumed);
        assert_memory_equal(&whole, &resumed, sizeof(whole));

        clstep_lbfgs_progress progress;

        clstep_lbfgs_state(b, &progress);
        assert_int_equal(progress.iterations, 18);
        assert_int_equal(progress.pairs, 5);
        clstep_lbfgs_release(a);
        clstep_lbfgs_release(b);
        problem_close(&p);
    }
}

/* Slots that a new state has, and that were not written. */
static void what_is_not_written_is_zero(void **state)
{
    static const clstep_lbfgs_progress progress = {.iterations = 9, .pairs = 5};
    struct problem p;
    clstep_error error;
    const char *slot;

    (void)state;
    problem_open(&p, wells, NULL, small, wells_start);

    clstep_lbfgs *lbfgs = create(&p, short_calls);

    fixture_ok(clstep_lbfgs_restore(lbfgs, &progress, &error), &error);
    for (size_t i = 0; (slot = clstep_lbfgs_slot(lbfgs, i)) != NULL; i++) {
        memset(p.scratch, 0xff, p.count * sizeof(*p.scratch));
        fixture_ok(clstep_lbfgs_read(lbfgs, p.queue, slot, 0, p.count,
                                     p.scratch, &error),
                   &error);
        for (uint64_t k = 0; k < p.count; k++)
            assert_memory_equal(&p.scratch[k], &(float){0.0f}, sizeof(float));
    }
    clstep_lbfgs_release(lbfgs);
    problem_close(&p);
}

static void numbers_may_be_set(void **state)
{
    struct problem p;
    clstep_lbfgs_result result;
    clstep_error error;
    double value;

    (void)state;
    problem_open(&p, wells, NULL, small, wells_start);

    clstep_lbfgs *lbfgs = create(&p, NULL);

    fixture_ok(clstep_lbfgs_get(lbfgs, "history", &value, &error), &error);
    assert_true(value == 10.0);
    fixture_ok(clstep_lbfgs_get(lbfgs, "line_search", &value, &error), &error);
    assert_true(value == 0.0);
    fixture_ok(clstep_lbfgs_set(lbfgs, "max_iterations", 2, &error), &error);
    fixture_ok(clstep_lbfgs_get(lbfgs, "max_iterations", &value, &error),
               &error);
    assert_true(value == 2.0);
    step(&p, lbfgs, &result);
    assert_int_equal(result.iterations, 2);
    assert_int_equal(result.stop, CLSTEP_LBFGS_ITERATIONS);
    fixture_ok(clstep_lbfgs_set(lbfgs, "tolerance_gradient", 1e30, &error),
               &error);
    step(&p, lbfgs, &result);
    assert_int_equal(result.evaluations, 1);
    assert_int_equal(result.stop, CLSTEP_LBFGS_GRADIENT);
    clstep_lbfgs_release(lbfgs);
    problem_close(&p);
}

/* -------------------------------------------------------------------------- */

/* As on a device with many cores, where a work-group is a chunk's. */
static int open_grouped(void **state)
{
    const int code = fixture_open(state);

    if (code == 0)
        fixture_place()->device->grouped = true;
    return code;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(rosenbrock_is_minimised),
        cmocka_unit_test(what_finds_nothing_stops),
        cmocka_unit_test(logistic_regression_reaches_the_minimum),
        cmocka_unit_test(calls_have_the_bits_of_the_reference),
        cmocka_unit_test(many_sums_have_the_bits_of_the_reference),
        cmocka_unit_test(the_largest_counts_wherever_it_is),
        cmocka_unit_test(losses_of_any_size_have_the_bits_of_the_reference),
        cmocka_unit_test(failures_of_the_closure_leave_the_last_iteration),
        cmocka_unit_test(numbers_that_are_not_finite_are_borne),
        cmocka_unit_test(parameters_may_be_changed_between_calls),
        cmocka_unit_test(runs_repeat),
        cmocka_unit_test(a_state_goes_on_with_the_same_bits),
        cmocka_unit_test(what_is_not_written_is_zero),
        cmocka_unit_test(numbers_may_be_set),
    };

    /* What the other kernel of the sums can get wrong. */
    static const struct CMUnitTest grouped_tests[] = {
        cmocka_unit_test(calls_have_the_bits_of_the_reference),
        cmocka_unit_test(many_sums_have_the_bits_of_the_reference),
        cmocka_unit_test(the_largest_counts_wherever_it_is),
        cmocka_unit_test(losses_of_any_size_have_the_bits_of_the_reference),
        cmocka_unit_test(numbers_that_are_not_finite_are_borne),
    };

    /* A slow simulator takes half a second for an iteration.  Left out is where
     * the iterations arrive, long lists of sums, losses of any size and what a
     * closure may do: these are as many that run the same kernels. */
    static const struct CMUnitTest small_tests[] = {
        cmocka_unit_test(calls_have_the_bits_of_the_reference),
        cmocka_unit_test(runs_repeat),
        cmocka_unit_test(a_state_goes_on_with_the_same_bits),
        cmocka_unit_test(numbers_may_be_set),
    };

    if (fixture_is_small())
        return cmocka_run_group_tests(small_tests, fixture_open, fixture_close);

    const int failed = cmocka_run_group_tests_name("lbfgs, few cores", tests,
                                                   fixture_open, fixture_close);

    return failed + cmocka_run_group_tests_name("lbfgs, many cores",
                                                grouped_tests, open_grouped,
                                                fixture_close);
}
