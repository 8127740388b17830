/*
 * test_schedule_values.c - what the schedules are at a step
 * SPDX-License-Identifier: MIT
 *
 * Values stand here by hand, from the formulas; more come from PyTorch,
 * transformers and Keras, made by scripts/golden_schedules.py (docs/golden.md).
 *
 *     test_schedule_values [--list]      prints the error of every golden case
 */
#include "schedule_text.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_KINDS = 64, MAX_VALUES = 64 };

static bool list_cases;

/* --- values --------------------------------------------------------------- */

static const struct value {
    const char *schedule;
    uint64_t step;
    double lr;
} values[] = {
    {"constant lr=0.3", 0, 0.3},
    {"constant lr=0.3", UINT64_MAX, 0.3},
    {"step step_size=3 gamma=0.5", 0, 1},
    {"step step_size=3 gamma=0.5", 2, 1},
    {"step step_size=3 gamma=0.5", 3, 0.5},
    {"step step_size=3 gamma=0.5", 9, 0.125},
    {"step gamma=0", 29, 1},
    {"step gamma=0", 30, 0},
    {"multistep milestones=7,4,7 gamma=0.5", 3, 1},
    {"multistep milestones=7,4,7 gamma=0.5", 4, 0.5},
    {"multistep milestones=7,4,7 gamma=0.5", 7, 0.125},
    {"multistep lr=2", 100, 2},
    {"piecewise boundaries=2,5 values=3,2,1", 2, 3},
    {"piecewise boundaries=2,5 values=3,2,1", 3, 2},
    {"piecewise boundaries=2,5 values=3,2,1", 5, 2},
    {"piecewise boundaries=2,5 values=3,2,1", 6, 1},
    {"piecewise boundaries=2,5 values=3,2,1 side=right", 1, 3},
    {"piecewise boundaries=2,5 values=3,2,1 side=right", 2, 2},
    {"piecewise boundaries=2,5 values=3,2,1 side=right", 5, 1},
    {"piecewise values=4", 5, 4},
    {"sqrt_epoch lr=2 k=3", 0, 6},
    {"sqrt_epoch lr=2 k=3", 8, 2},
    {"sqrt_epoch first_epoch=4", 0, 0.5},
    {"exponential_epoch lr=2", 0, 1.9},
    {"exponential_epoch lr=2", 1, 1.805},
    {"exponential_epoch gamma=0.5 first_epoch=0", 0, 1},
    {"inverse_time lr=0.2", 0, 0.1},
    {"inverse_time lr=0.2", 3, 0.04},
    {"inverse_time decay_rate=0.5 steps=4 first_epoch=0", 8, 0.5},
    {"inverse_time steps=4 first_epoch=0 staircase=1", 7, 0.5},
    {"exponential gamma=0.25 steps=2", 1, 0.5},
    {"exponential gamma=0.25 steps=2", 4, 0.0625},
    {"exponential gamma=0.25 steps=2 staircase=1", 3, 0.25},
    {"exponential gamma=3", 4, 81},
    {"exponential_10 lr=5 steps=2", 4, 0.05},
    {"exponential_10 steps=2", 1, 0.31622776601683794},
    {"exponential_10 steps=2 staircase=1", 3, 0.1},
    {"power lr=3 steps=5", 5, 1.5},
    {"power steps=5 c=2", 5, 0.25},
    {"power steps=5 c=0", 7, 1},
    {"polynomial", 0, 1},
    {"polynomial", 4, 0.2},
    {"polynomial", 5, 0},
    {"polynomial total_iters=4 power=2 eta_min=0.5 lr=1.5", 2, 0.75},
    {"polynomial total_iters=4 power=2 eta_min=0.5 lr=1.5", 9, 0.5},
    {"polynomial total_iters=4 cycle=1", 4, 0},
    {"polynomial total_iters=4 cycle=1", 5, 0.375},
    {"polynomial total_iters=4 cycle=1", 8, 0},
    {"polynomial power=0", 7, 1},
    {"cosine lr=0.1", 0, 0.1},
    {"cosine T_max=4 lr=3 eta_min=1", 2, 2},
    {"cosine T_max=3", 1, 0.75},
    {"cosine T_max=4 eta_min=0.5", 4, 0.5},
    {"cosine T_max=4 eta_min=0.5", 5, 0.5},
    {"cosine T_max=4 after=rise", 6, 0.5},
    {"cosine T_max=4 after=rise", 8, 1},
    {"cosine T_max=3 after=rise", 7, 0.75},
    {"cosine_restarts T_0=4", 2, 0.5},
    {"cosine_restarts T_0=4", 4, 1},
    {"cosine_restarts T_0=4", 6, 0.5},
    {"cosine_restarts T_0=3 T_mult=2", 3, 1},
    {"cosine_restarts T_0=3 T_mult=2", 6, 0.5},
    {"cosine_restarts T_0=3 T_mult=2", 9, 1},
    {"cosine_restarts T_0=3 T_mult=2", 3145725, 1},
    {"cosine_restarts T_0=1 T_mult=10", 1111111, 1},
    {"cosine_restarts T_0=10 T_mult=1.9", 29, 1},
    {"cosine_restarts T_0=1000 T_mult=1.2", 3640, 1},
    {"cosine_restarts lr=0.1 eta_min=0.2 m_mul=2 form=range", 40, 0},
    {"exponential_epoch lr=2 gamma=10 first_epoch=400 warmup=10", 0, 0},
    /* Where log() is below and above the number of the run. */
    {"cosine_restarts T_0=1 T_mult=10", 111, 1},
    {"cosine_restarts T_0=1 T_mult=2", (UINT64_C(1) << 53) - 2, 0},
    {"cosine_restarts T_0=4 m_mul=0.5 eta_min=0.1", 4, 0.5},
    {"cosine_restarts T_0=4 m_mul=0.5 eta_min=0.1 form=range", 4, 0.55},
    {"cosine_restarts T_0=4 m_mul=0.5 eta_min=0.1", 10, 0.175},
    {"noam d_model=4 warmup=4", 0, 0},
    {"noam d_model=4 warmup=4", 2, 0.125},
    {"noam d_model=4 warmup=4", 4, 0.25},
    {"noam d_model=4 warmup=4", 16, 0.125},
    {"noam d_model=4 warmup=4 first_step=1 lr=8", 0, 0.5},
    {"inverse_sqrt timescale=4", 0, 1},
    {"inverse_sqrt timescale=4", 12, 0.5},
    {"inverse_sqrt", 30000, 0.5},
    {"inverse_sqrt warmup=4", 2, 0.5},
    {"inverse_sqrt warmup=4", 4, 1},
    {"inverse_sqrt warmup=4", 16, 0.5},
    {"inverse_sqrt warmup=4 timescale=9", 31, 0.5},
    {"one_cycle max_lr=5 total_steps=10 div_factor=5", 0, 1},
    {"one_cycle max_lr=5 total_steps=10 div_factor=5", 1, 3},
    {"one_cycle max_lr=5 total_steps=10 div_factor=5", 2, 5},
    {"one_cycle total_steps=10 final_div_factor=4", 9, 0.01},
    {"one_cycle total_steps=10 final_div_factor=4", 99, 0.01},
    {"one_cycle total_steps=1 pct_start=1 max_lr=3", 0, 3},
    {"one_cycle total_steps=11 pct_start=0.272727272727272727 three_phase=1 "
     "div_factor=4",
     4, 0.25},
    {"cyclic step_size_up=4", 0, 0.1},
    {"cyclic step_size_up=4", 2, 0.55},
    {"cyclic step_size_up=4", 4, 1},
    {"cyclic step_size_up=4", 6, 0.55},
    {"cyclic step_size_up=4", 8, 0.1},
    {"cyclic step_size_up=4 step_size_down=8", 8, 0.55},
    {"cyclic step_size_up=4 mode=triangular2", 12, 0.55},
    {"cyclic step_size_up=2 mode=exp_range gamma=0.5 base_lr=0", 2, 0.25},
    {"wsd stable_steps=3 decay_steps=4", 3, 1},
    {"wsd stable_steps=3 decay_steps=4", 4, 0.75},
    {"wsd stable_steps=3 decay_steps=4 decay_type=1-sqrt", 4, 0.5},
    {"wsd stable_steps=3 decay_steps=4 decay_type=cosine eta_min=0.5", 5, 0.75},
    {"wsd stable_steps=0 decay_steps=4 eta_min=0.5", 9, 0.5},
    {"wsd stable_steps=3 decay_steps=4 warmup=4", 1, 0.25},
    {"wsd stable_steps=3 decay_steps=4 warmup=4", 8, 0.75},
    {"plateau lr=0.5", 1000, 0.5},

    {"constant warmup=4", 0, 0},
    {"constant warmup=4", 3, 0.75},
    {"constant warmup=4", 4, 1},
    {"constant warmup=4 warmup_first=1", 0, 0.25},
    {"constant warmup=4 warmup_first=1", 3, 1},
    {"constant warmup=4 warmup_start=0.5", 2, 0.75},
    {"constant warmup=4 warmup_type=1-sqrt", 3, 0.5},
    {"constant warmup=4 warmup_type=cosine", 2, 0.5},
    {"constant warmup=3 warmup_type=cosine", 1, 0.25},
    {"constant warmup=0.5", 0, 0},
    {"constant warmup=0.5", 1, 1},
    {"constant warmup=0 warmup_start=0.5", 0, 1},
    {"step step_size=2 gamma=0.5 warmup=4", 4, 1},
    {"step step_size=2 gamma=0.5 warmup=4", 6, 0.5},
    {"step step_size=2 gamma=0.5 warmup=4 warmup_clock=along", 2, 0.25},
    {"step step_size=2 gamma=0.5 warmup=4 warmup_clock=along", 4, 0.25},
    {"plateau lr=0.5 warmup=4", 2, 0.25},
};

enum { VALUES = sizeof(values) / sizeof(values[0]) };

static void values_are_as_written(void **state)
{
    const clstep_schedule_kind *kind;
    bool seen[MAX_KINDS] = {false};

    (void)state;
    for (size_t i = 0; i < VALUES; i++) {
        clstep_schedule *schedule = schedule_make(values[i].schedule);
        const double lr = clstep_schedule_at(schedule, values[i].step);

        if (!is_close(lr, values[i].lr, 1e-14))
            fail_msg("%s at %llu: %.17g, not %.17g", values[i].schedule,
                     (unsigned long long)values[i].step, lr, values[i].lr);
        for (size_t k = 0; (kind = clstep_schedule_kind_at(k)) != NULL; k++) {
            const char *name = clstep_schedule_kind_name(kind);
            const size_t length = strlen(name);

            if (strncmp(name, values[i].schedule, length) == 0 &&
                strchr(" ", values[i].schedule[length]) != NULL)
                seen[k] = true;
        }
        clstep_schedule_release(schedule);
    }
    for (size_t k = 0; (kind = clstep_schedule_kind_at(k)) != NULL; k++)
        if (!seen[k])
            fail_msg("no value of '%s'", clstep_schedule_kind_name(kind));
}

/* A schedule begins, and ends, with the numbers that were given. */
static void ends_are_exact(void **state)
{
    static const struct value ends[] = {
        {"cosine lr=0.1 eta_min=0.03", 0, 0.1},
        {"cosine lr=0.1 eta_min=0.03", 100, 0.03},
        {"cosine_restarts lr=0.1 eta_min=0.03", 10, 0.1},
        {"polynomial lr=0.1 eta_min=0.03", 0, 0.1},
        {"polynomial lr=0.1 eta_min=0.03", 5, 0.03},
        {"wsd lr=0.1 eta_min=0.03", 100, 0.1},
        {"wsd lr=0.1 eta_min=0.03", 200, 0.03},
        {"one_cycle max_lr=0.1 div_factor=2", 0, 0.05},
        {"one_cycle max_lr=0.1 div_factor=2", 29, 0.1},
        {"cyclic base_lr=0.03 max_lr=0.1 step_size_up=7", 0, 0.03},
        {"cyclic base_lr=0.03 max_lr=0.1 step_size_up=7", 7, 0.1},
        {"constant lr=0.1 warmup=7 warmup_start=0.3", 7, 0.1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        clstep_schedule *schedule = schedule_make(ends[i].schedule);

        if (clstep_schedule_at(schedule, ends[i].step) != ends[i].lr)
            fail_msg("%s at %llu: %.17g", ends[i].schedule,
                     (unsigned long long)ends[i].step,
                     clstep_schedule_at(schedule, ends[i].step));
        clstep_schedule_release(schedule);
    }
}

static void momentum_cycles(void **state)
{
    static const struct value momenta[] = {
        {"one_cycle total_steps=10", 0, 0.95},
        {"one_cycle total_steps=10", 1, 0.9},
        {"one_cycle total_steps=10", 2, 0.85},
        {"one_cycle total_steps=10", 9, 0.95},
        {"one_cycle total_steps=10", 20, 0.95},
        {"one_cycle total_steps=11 pct_start=0.272727272727272727 "
         "three_phase=1",
         4, 0.95},
        {"one_cycle total_steps=11 pct_start=0.272727272727272727 "
         "three_phase=1",
         7, 0.95},
        {"one_cycle total_steps=10 warmup=5", 4, 0.95},
        {"one_cycle total_steps=10 warmup=5", 7, 0.85},
        {"one_cycle total_steps=10 warmup=5 warmup_clock=along", 2, 0.85},
        {"cyclic step_size_up=4", 0, 0.9},
        {"cyclic step_size_up=4", 4, 0.8},
        {"cyclic step_size_up=4", 6, 0.85},
        {"cyclic step_size_up=4 mode=triangular2", 12, 0.85},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(momenta) / sizeof(momenta[0]); i++) {
        clstep_schedule *schedule = schedule_make(momenta[i].schedule);
        double momentum;

        assert_int_equal(
            clstep_schedule_momentum(schedule, momenta[i].step, &momentum), 1);
        if (!is_close(momentum, momenta[i].lr, 1e-14))
            fail_msg("%s at %llu: %.17g, not %.17g", momenta[i].schedule,
                     (unsigned long long)momenta[i].step, momentum,
                     momenta[i].lr);
        clstep_schedule_release(schedule);
    }
    for (int i = 0; i < 2; i++) {
        clstep_schedule *schedule = schedule_make(
            i == 0 ? "one_cycle cycle_momentum=0" : "cyclic cycle_momentum=0");
        double momentum = 7;

        assert_int_equal(clstep_schedule_momentum(schedule, 1, &momentum), 0);
        assert_true(momentum == 7);
        clstep_schedule_release(schedule);
    }
}

/* With every number at an end of its interval, at any step. */
static void values_are_finite(void **state)
{
    static const uint64_t steps[] = {
        0, 1, 2, 99, 4000, UINT64_C(1) << 53, UINT64_C(1) << 63, UINT64_MAX};
    const clstep_schedule_kind *kind;
    clstep_setting_info info;
    double momentum;

    (void)state;
    for (size_t k = 0; (kind = clstep_schedule_kind_at(k)) != NULL; k++)
        for (unsigned ends = 0; ends < 1u << 10; ends++) {
            clstep_setting settings[MAX_SETTINGS] = {{0}};
            clstep_schedule *schedule;
            clstep_error error;
            size_t used = 0, numbers = 0;

            for (size_t i = 0; clstep_schedule_kind_setting(kind, i, &info);
                 i++) {
                if (info.feature || info.kind == CLSTEP_FLAG ||
                    strstr(info.name, "_momentum") != NULL)
                    continue;
                if (info.kind == CLSTEP_CHOICE) {
                    size_t last = 0;

                    while (info.choices[last + 1] != NULL)
                        last++;
                    settings[used++] = (clstep_setting){
                        info.name, 0,
                        info.choices[ends >> numbers++ & 1 ? last : 0]};
                    continue;
                }
                if (strcmp(info.name, "boundaries") == 0 ||
                    strcmp(info.name, "eps") == 0 ||
                    (strcmp(info.name, "gamma") == 0 &&
                     strcmp(clstep_schedule_kind_name(kind), "cyclic") == 0))
                    continue;
                settings[used++] = (clstep_setting){
                    info.name, ends >> numbers++ & 1 ? info.max : info.min,
                    NULL};
            }
            if (ends >= 1u << numbers)
                break;
            if (clstep_schedule_create(clstep_schedule_kind_name(kind),
                                       settings, &schedule,
                                       &error) != CLSTEP_OK)
                fail_msg("%s", error.message);
            for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
                if (!isfinite(clstep_schedule_at(schedule, steps[i])))
                    fail_msg("%s, ends %u, at %llu: %g",
                             clstep_schedule_kind_name(kind), ends,
                             (unsigned long long)steps[i],
                             clstep_schedule_at(schedule, steps[i]));
                if (clstep_schedule_momentum(schedule, steps[i], &momentum))
                    assert_true(momentum >= 0 && momentum < 1);
            }
            clstep_schedule_release(schedule);
        }
}

/* Asked in any order, and again, a schedule says the same. */
static void schedules_are_pure(void **state)
{
    (void)state;
    for (size_t i = 0; i < VALUES; i++) {
        clstep_schedule *a = schedule_make(values[i].schedule);
        clstep_schedule *b = schedule_make(values[i].schedule);
        double there[50];

        for (uint64_t s = 0; s < 50; s++)
            there[s] = clstep_schedule_at(a, s);
        for (uint64_t s = 50; s-- > 0;) {
            assert_true(clstep_schedule_at(b, s) == there[s]);
            assert_true(clstep_schedule_at(a, s) == there[s]);
        }
        clstep_schedule_release(a);
        clstep_schedule_release(b);
    }
}

/* --- golden values -------------------------------------------------------- */

/* The largest error, relative to the largest value of the case: theirs step by
 * step, in double. */
static const double limit = 1e-14;

struct golden {
    const char *name;
    FILE *file;
    char settings[256], key[16];
    double metric[MAX_VALUES], column[MAX_VALUES];
    size_t metrics, length;
    size_t cases, columns;
};

static void compare(struct golden *g)
{
    clstep_schedule *schedule = schedule_make(g->settings);
    const bool stop = strcmp(g->key, "stop") == 0;
    double error = 0, largest = 0;

    assert_true(g->length > 20);
    if (g->metrics > 0)
        assert_int_equal(g->metrics, g->length);
    for (size_t s = 0; s < g->length; s++) {
        double ours = clstep_schedule_at(schedule, s);

        if (strcmp(g->key, "momentum") == 0)
            assert_int_equal(clstep_schedule_momentum(schedule, s, &ours), 1);
        if (g->metrics > 0)
            schedule_tell(schedule, g->metric[s]);
        if (stop)
            ours = clstep_schedule_stops(schedule);
        error = fmax(error, fabs(ours - g->column[s]));
        largest = fmax(largest, fabs(g->column[s]));
    }
    if (list_cases)
        print_message("%-12s %.1e %s: %s\n", g->name,
                      largest > 0 ? error / largest : error, g->settings,
                      g->key);
    if (!(error <= limit * largest))
        fail_msg("%s: %s, %s: off by %g of %g", g->name, g->settings, g->key,
                 error, largest);
    clstep_schedule_release(schedule);
    g->columns++;
}

/* A column is at its end: metrics are kept, the others compared. */
static void end_column(struct golden *g)
{
    if (strcmp(g->key, "metric") == 0) {
        memcpy(g->metric, g->column, sizeof(g->metric));
        g->metrics = g->length;
    } else if (g->key[0] != '\0') {
        compare(g);
    }
    g->key[0] = '\0';
    g->length = 0;
}

static void read_line(struct golden *g, char *line)
{
    line[strcspn(line, "\n")] = '\0';
    if (line[0] == '#' || line[0] == '\0')
        return;
    if (line[0] == ' ') {
        for (char *word = strtok(line, " "); word != NULL;
             word = strtok(NULL, " ")) {
            char *end;

            assert_true(g->length < MAX_VALUES);
            g->column[g->length++] = strtod(word, &end);
            assert_true(*end == '\0');
        }
        return;
    }
    end_column(g);
    if (strncmp(line, "case ", 5) == 0) {
        snprintf(g->settings, sizeof(g->settings), "%.255s", line + 5);
        g->metrics = 0;
        g->cases++;
    } else if (strcmp(line, "end") != 0) {
        snprintf(g->key, sizeof(g->key), "%.15s", line);
    }
}

static void golden(const char *name, size_t cases, size_t columns)
{
    struct golden g = {.name = name};
    char path[512], line[1024];

    snprintf(path, sizeof(path), "%s/schedules_%s.txt", CLSTEP_GOLDEN, name);
    g.file = fopen(path, "r");
    if (g.file == NULL)
        fail_msg("%s cannot be opened", path);
    while (fgets(line, sizeof(line), g.file) != NULL)
        read_line(&g, line);
    fclose(g.file);
    assert_int_equal(g.cases, cases);
    assert_int_equal(g.columns, columns);
}

static void values_are_torchs(void **state)
{
    (void)state;
    golden("torch", 30, 36);
}

static void values_are_transformers(void **state)
{
    (void)state;
    golden("transformers", 11, 11);
}

static void values_are_keras(void **state)
{
    (void)state;
    golden("keras", 24, 24);
}

/* -------------------------------------------------------------------------- */

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_as_written),
        cmocka_unit_test(ends_are_exact),
        cmocka_unit_test(momentum_cycles),
        cmocka_unit_test(values_are_finite),
        cmocka_unit_test(schedules_are_pure),
        cmocka_unit_test(values_are_torchs),
        cmocka_unit_test(values_are_transformers),
        cmocka_unit_test(values_are_keras),
    };

    list_cases = argc > 1 && strcmp(argv[1], "--list") == 0;
    return cmocka_run_group_tests_name("schedule_values", tests, NULL, NULL);
}
