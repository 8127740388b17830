/*
 * test_schedules.c - the schedules: names, ranges, metrics, state
 * SPDX-License-Identifier: MIT
 *
 * Names and defaults stand here by hand.
 */
#include "schedule_text.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- mistakes ------------------------------------------------------------- */

/* Creating it fails with a line that has the words. */
static void refused(const char *kind, const clstep_setting *settings,
                    clstep_status status, const char *words)
{
    int anything;
    clstep_schedule *schedule = (clstep_schedule *)(void *)&anything;
    clstep_error error;

    memset(&error, 0x55, sizeof(error));
    if (clstep_schedule_create(kind, settings, &schedule, &error) != status)
        fail_msg("%s with %s=%g: not refused as '%s'", kind, settings->name,
                 settings->value, clstep_status_name(status));
    assert_null(schedule);
    check_error(&error, status, words);
    assert_int_equal(clstep_schedule_create(kind, settings, &schedule, NULL),
                     status);
}

static void
refused_text(const char *words, clstep_status status, const char *message)
{
    struct schedule_text text;

    schedule_parse(&text, words);
    refused(clstep_schedule_kind_name(text.kind), text.settings, status,
            message);
}

/* --- the kinds, by hand --------------------------------------------------- */

/* The settings with their defaults, in order; a list has none. */
static const char *const kinds[] = {
    "constant lr=1",
    "step lr=1 step_size=30 gamma=0.1",
    "multistep lr=1 milestones= gamma=0.1",
    "piecewise boundaries= values= side=left",
    "sqrt_epoch lr=1 k=1 first_epoch=1",
    "exponential_epoch lr=1 gamma=0.95 first_epoch=1",
    "inverse_time lr=1 decay_rate=1 steps=1 staircase=0 first_epoch=1",
    "exponential lr=1 gamma=0.95 steps=1 staircase=0",
    "exponential_10 lr=1 steps=100 staircase=0",
    "power lr=1 steps=100 c=1",
    "polynomial lr=1 total_iters=5 power=1 eta_min=0 cycle=0",
    "cosine lr=1 T_max=100 eta_min=0 after=hold",
    "cosine_restarts lr=1 T_0=10 T_mult=1 eta_min=0 m_mul=1 form=peak",
    "noam lr=1 d_model=512 warmup=4000 first_step=0",
    "inverse_sqrt lr=1 timescale=10000",
    "one_cycle max_lr=1 total_steps=100 pct_start=0.3 anneal_strategy=cos "
    "div_factor=25 final_div_factor=10000 three_phase=0 cycle_momentum=1 "
    "base_momentum=0.85 max_momentum=0.95",
    "cyclic base_lr=0.1 max_lr=1 step_size_up=2000 step_size_down=2000 "
    "mode=triangular gamma=1 cycle_momentum=1 base_momentum=0.8 "
    "max_momentum=0.9",
    "wsd lr=1 stable_steps=100 decay_steps=100 decay_type=linear eta_min=0",
    "plateau lr=1 factor=0.1 patience=10 cooldown=0 min_lr=0 eps=1e-08 "
    "form=torch",
};

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static const char watch_features[] =
    " threshold=0.0001 threshold_mode=rel stop_patience=10";
static const char warmup_features[] =
    " warmup=0 warmup_start=0 warmup_type=linear warmup_first=0 "
    "warmup_clock=after";

/* Writes a kind as the table above does. */
static void describe(const clstep_schedule_kind *kind, char *text, size_t size)
{
    clstep_setting_info info;
    size_t used =
        (size_t)snprintf(text, size, "%s", clstep_schedule_kind_name(kind));

    for (size_t i = 0; clstep_schedule_kind_setting(kind, i, &info); i++) {
        assert_true(used < size);
        if (info.kind == CLSTEP_CHOICE)
            used +=
                (size_t)snprintf(text + used, size - used, " %s=%s", info.name,
                                 info.choices[(int)info.initial]);
        else if (info.kind == CLSTEP_LIST)
            used +=
                (size_t)snprintf(text + used, size - used, " %s=", info.name);
        else
            used += (size_t)snprintf(text + used, size - used, " %s=%g",
                                     info.name, info.initial);
    }
}

static void kinds_are_as_written(void **state)
{
    char text[1024], wanted[1024];

    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        const clstep_schedule_kind *kind = clstep_schedule_kind_at(i);

        assert_non_null(kind);
        describe(kind, text, sizeof(text));
        snprintf(wanted, sizeof(wanted), "%s%s%s%s", kinds[i],
                 strncmp(kinds[i], "cyclic", 6) == 0 ? "" : " mode=min",
                 watch_features,
                 strncmp(kinds[i], "noam", 4) == 0 ? "" : warmup_features);
        assert_string_equal(text, wanted);
        assert_true(
            clstep_schedule_kind_find(clstep_schedule_kind_name(kind)) == kind);
        assert_true(strlen(clstep_schedule_kind_summary(kind)) > 10);
        assert_true(strlen(clstep_schedule_kind_formula(kind)) > 1);
    }
    assert_null(clstep_schedule_kind_at(KINDS));
}

static void nothing_comes_of_nothing(void **state)
{
    const clstep_setting unknown[] = {{.name = "T_min", .value = 1}, {0}};
    clstep_schedule *schedule;
    clstep_setting_info info;
    clstep_watch watch;
    clstep_error error;
    double momentum = 7;

    (void)state;
    assert_null(clstep_schedule_kind_find(NULL));
    assert_null(clstep_schedule_kind_find("Cosine"));
    assert_null(clstep_schedule_kind_name(NULL));
    assert_null(clstep_schedule_kind_summary(NULL));
    assert_null(clstep_schedule_kind_formula(NULL));
    assert_int_equal(clstep_schedule_kind_setting(NULL, 0, &info), 0);
    assert_int_equal(
        clstep_schedule_kind_setting(clstep_schedule_kind_at(0), 0, NULL), 0);
    assert_int_equal(clstep_schedule_create("step", NULL, NULL, &error),
                     CLSTEP_INVALID_ARGUMENT);
    check_error(&error, CLSTEP_INVALID_ARGUMENT, "out|NULL");
    assert_int_equal(clstep_schedule_create(NULL, NULL, &schedule, &error),
                     CLSTEP_INVALID_ARGUMENT);
    check_error(&error, CLSTEP_INVALID_ARGUMENT, "kind|NULL");
    refused("Step", unknown, CLSTEP_INVALID_ARGUMENT, "'Step'");
    refused("cosine", unknown, CLSTEP_INVALID_ARGUMENT,
            "cosine|'T_min'|T_max|warmup");
    clstep_schedule_release(NULL);
    assert_true(clstep_schedule_at(NULL, 3) == 0);
    assert_int_equal(clstep_schedule_momentum(NULL, 0, &momentum), 0);
    assert_int_equal(clstep_schedule_stops(NULL), 0);
    assert_int_equal(clstep_schedule_watch(NULL, 1, &error),
                     CLSTEP_INVALID_ARGUMENT);
    assert_int_equal(clstep_schedule_restore(NULL, &watch, &error),
                     CLSTEP_INVALID_ARGUMENT);
    memset(&watch, 0x55, sizeof(watch));
    clstep_schedule_state(NULL, &watch);
    assert_true(watch.metrics == 0 && watch.best == 0);
    clstep_schedule_state(NULL, NULL);

    schedule = schedule_make("one_cycle");
    assert_int_equal(clstep_schedule_momentum(schedule, 0, NULL), 0);
    clstep_schedule_release(schedule);
    schedule = schedule_make("step");
    assert_int_equal(clstep_schedule_momentum(schedule, 0, &momentum), 0);
    assert_true(momentum == 7);
    clstep_schedule_release(schedule);
}

/* --- ranges --------------------------------------------------------------- */

/* What a setting must be given together with. */
static const char *company(const char *kind, const char *name)
{
    if (strncmp(name, "warmup_", 7) == 0)
        return "warmup";
    if (strcmp(kind, "plateau") != 0 &&
        (strncmp(name, "threshold", 9) == 0 ||
         (strcmp(name, "mode") == 0 && strcmp(kind, "cyclic") != 0)))
        return "stop_patience";
    return NULL;
}

/* Creates 'kind' with one setting, and what that needs. */
static clstep_status
create_with(const char *kind, clstep_setting setting, clstep_error *error)
{
    clstep_setting settings[5] = {setting};
    clstep_schedule *schedule;
    const char *other = company(kind, setting.name);
    clstep_status status;
    size_t used = 1;

    if (other != NULL)
        settings[used++] = (clstep_setting){.name = other, .value = 3};
    /* One value, and with a boundary two. */
    if (strcmp(kind, "piecewise") == 0 && strcmp(setting.name, "values") != 0)
        settings[used++] = (clstep_setting){.name = "values", .value = 3};
    if (strcmp(setting.name, "boundaries") == 0)
        settings[used++] = (clstep_setting){.name = "values", .value = 3};
    if (strcmp(kind, "cyclic") == 0 && strcmp(setting.name, "gamma") == 0)
        settings[used++] =
            (clstep_setting){.name = "mode", .choice = "exp_range"};
    status = clstep_schedule_create(kind, settings, &schedule, error);
    clstep_schedule_release(schedule);
    return status;
}

static void try_number(const char *kind, const clstep_setting_info *info)
{
    const double good[] = {info->min, info->max, info->initial};
    const double bad[] = {nextafter(info->min, -INFINITY),
                          nextafter(info->max, INFINITY), NAN, INFINITY,
                          -INFINITY};
    clstep_error error;

    for (size_t i = 0; i < (info->kind == CLSTEP_LIST ? 2u : 3u); i++)
        if (create_with(kind, (clstep_setting){info->name, good[i], NULL},
                        &error) != CLSTEP_OK)
            fail_msg("%s: %s=%g: %s", kind, info->name, good[i], error.message);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(create_with(kind,
                                     (clstep_setting){info->name, bad[i], NULL},
                                     &error),
                         CLSTEP_OUT_OF_RANGE);
        check_error(&error, CLSTEP_OUT_OF_RANGE, info->name);
        check_error(&error, CLSTEP_OUT_OF_RANGE, kind);
    }
    assert_int_equal(
        create_with(kind, (clstep_setting){info->name, 0.5, "word"}, &error),
        CLSTEP_INVALID_ARGUMENT);
    check_error(&error, CLSTEP_INVALID_ARGUMENT, "'word'|number");
    if (info->kind != CLSTEP_COUNT)
        return;
    assert_int_equal(
        create_with(kind, (clstep_setting){info->name, 1.5, NULL}, &error),
        CLSTEP_OUT_OF_RANGE);
    check_error(&error, CLSTEP_OUT_OF_RANGE, "1.5|whole");
}

static void try_choice(const char *kind, const clstep_setting_info *info)
{
    clstep_error error;

    for (size_t i = 0; info->choices[i] != NULL; i++)
        if (create_with(kind, (clstep_setting){info->name, 0, info->choices[i]},
                        &error) != CLSTEP_OK)
            fail_msg("%s: %s=%s: %s", kind, info->name, info->choices[i],
                     error.message);
    assert_int_equal(
        create_with(kind, (clstep_setting){info->name, 0, "other"}, &error),
        CLSTEP_INVALID_ARGUMENT);
    check_error(&error, CLSTEP_INVALID_ARGUMENT, "'other'|one of");
    assert_int_equal(
        create_with(kind, (clstep_setting){info->name, 1, NULL}, &error),
        CLSTEP_INVALID_ARGUMENT);
}

static void ranges_are_kept(void **state)
{
    const clstep_schedule_kind *kind;
    clstep_setting_info info;

    (void)state;
    for (size_t k = 0; (kind = clstep_schedule_kind_at(k)) != NULL; k++)
        for (size_t i = 0; clstep_schedule_kind_setting(kind, i, &info); i++) {
            const char *name = clstep_schedule_kind_name(kind);
            const clstep_setting twice[] = {
                {info.name, info.initial,
                 info.kind == CLSTEP_CHOICE ? info.choices[0] : NULL},
                {info.name, info.initial,
                 info.kind == CLSTEP_CHOICE ? info.choices[0] : NULL},
                {0}};

            if (info.kind == CLSTEP_CHOICE)
                try_choice(name, &info);
            else
                try_number(name, &info);
            if (info.kind != CLSTEP_LIST)
                refused(name, twice, CLSTEP_INVALID_ARGUMENT, "given twice");
        }
}

static void combinations_are_checked(void **state)
{
    (void)state;
    refused_text("piecewise boundaries=1", CLSTEP_INVALID_ARGUMENT,
                 "values of piecewise has 0|one more than boundaries|has 1");
    refused_text("piecewise values=1,2", CLSTEP_INVALID_ARGUMENT,
                 "values of piecewise has 2");
    refused_text("piecewise values=1,2,3 boundaries=5,5",
                 CLSTEP_INVALID_ARGUMENT, "boundaries of piecewise has 5");
    refused_text("piecewise values=1,2,3 boundaries=5,4",
                 CLSTEP_INVALID_ARGUMENT, "has 4 after 5");
    refused_text("piecewise values=1,2,3,4 boundaries=4,5,3",
                 CLSTEP_INVALID_ARGUMENT, "has 3 after 5");
    refused_text("cyclic gamma=0.5", CLSTEP_INVALID_ARGUMENT,
                 "gamma of cyclic is 0.5|mode=exp_range");
    refused_text("one_cycle cycle_momentum=0 base_momentum=0.5",
                 CLSTEP_INVALID_ARGUMENT, "base_momentum|cycle_momentum=1");
    refused_text("cyclic cycle_momentum=0 max_momentum=0.5",
                 CLSTEP_INVALID_ARGUMENT, "max_momentum|cycle_momentum=1");
    refused_text("plateau form=keras eps=1e-3", CLSTEP_INVALID_ARGUMENT,
                 "eps|form=torch");
    refused_text("step mode=max", CLSTEP_INVALID_ARGUMENT,
                 "mode of step needs stop_patience");
    refused_text("step threshold=0", CLSTEP_INVALID_ARGUMENT,
                 "threshold of step needs stop_patience");
    refused_text("step threshold_mode=abs", CLSTEP_INVALID_ARGUMENT,
                 "threshold_mode of step needs stop_patience");
    refused_text("step warmup_clock=along", CLSTEP_INVALID_ARGUMENT,
                 "warmup_clock of step needs warmup");
    refused_text("cosine warmup_start=0.1", CLSTEP_INVALID_ARGUMENT,
                 "warmup_start of cosine needs warmup");
    refused_text("noam warmup_start=0.1", CLSTEP_INVALID_ARGUMENT,
                 "no setting 'warmup_start'");
}

/* --- memory --------------------------------------------------------------- */

static int callocs_left = -1; /* until one fails; below 0: none does */

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);

void *__wrap_calloc(size_t count, size_t size)
{
    if (callocs_left == 0)
        return NULL;
    if (callocs_left > 0)
        callocs_left--;
    return __real_calloc(count, size);
}

static void memory_may_be_short(void **state)
{
    static const char words[] = "piecewise values=1,2,3 boundaries=1,2";
    clstep_schedule *schedule = NULL;
    clstep_status status = CLSTEP_OUT_OF_MEMORY;
    clstep_error error;
    struct schedule_text text;
    int failed = 0;

    (void)state;
    schedule_parse(&text, words);
    for (; status != CLSTEP_OK && failed < 9; failed++) {
        assert_null(schedule);
        callocs_left = failed;
        status = clstep_schedule_create("piecewise", text.settings, &schedule,
                                        &error);
        callocs_left = -1;
        if (status != CLSTEP_OK)
            check_error(&error, CLSTEP_OUT_OF_MEMORY, "no memory");
    }
    assert_int_equal(failed, 3);
    assert_true(clstep_schedule_at(schedule, 2) == 2);
    clstep_schedule_release(schedule);
}

/* --- metrics -------------------------------------------------------------- */

/* The learning rate, or whether to stop, after each metric. */
static const struct story {
    const char *schedule;
    double metrics[12];
    double lr[12]; /* afterwards; ended by a 0 */
    int stops_at;  /* -1 for never */
} stories[] = {
    /* More than patience, so with 2 the third. */
    {"plateau patience=2 factor=0.5",
     {5, 5, 5, 5, 5, 5, 5, 4, 4, 4, 4},
     {1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.25, 0.125},
     -1},
    {"plateau patience=2 factor=0.5 form=keras",
     {5, 5, 5, 5, 5, 4, 4, 4},
     {1, 1, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125},
     -1},
    /* Cooldown: two metrics that do not count; of keras' two, one. */
    {"plateau patience=0 cooldown=2 factor=0.5",
     {5, 5, 5, 5, 5, 5, 5},
     {1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25},
     -1},
    {"plateau patience=1 cooldown=2 factor=0.5 form=keras",
     {5, 5, 5, 5, 5, 5, 5},
     {1, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125},
     -1},
    /* The minimum, and a change that is too small. */
    {"plateau patience=0 factor=0.5 min_lr=0.4",
     {5, 5, 5, 5},
     {1, 0.5, 0.4, 0.4},
     -1},
    {"plateau patience=0 factor=0.5 eps=0.25",
     {5, 5, 5, 5},
     {1, 0.5, 0.5, 0.5},
     -1},
    {"plateau patience=0 min_lr=2", {5, 5, 5}, {1, 1, 1}, -1},
    /* A NaN is never better, an infinity may be. */
    {"plateau patience=0 factor=0.5",
     {NAN, 5, NAN, -INFINITY, -INFINITY},
     {0.5, 0.5, 0.25, 0.25, 0.125},
     -1},
    {"plateau patience=0 factor=0.5", {INFINITY, 5}, {0.5, 0.5}, -1},
    /* By how much. */
    {"plateau patience=0 factor=0.5 threshold=0.25",
     {4, 3, 2.9},
     {1, 0.5, 0.5},
     -1},
    {"plateau patience=0 factor=0.5 threshold=0.25 threshold_mode=abs",
     {4, 3.75, 3.7, 3.5},
     {1, 0.5, 0.5, 0.25},
     -1},
    {"plateau patience=0 factor=0.5 mode=max threshold=0.25",
     {4, 5, 5.1, 6},
     {1, 0.5, 0.5, 0.25},
     -1},
    {"plateau patience=0 factor=0.5 mode=max threshold=1 threshold_mode=abs",
     {4, 5, 5.5, 6},
     {1, 0.5, 0.5, 0.25},
     -1},
    {"plateau patience=0 factor=0.5 threshold=1",
     {4, 3, -1},
     {1, 0.5, 0.5},
     -1},
    /* Early stopping, beside plateau and alone. */
    {"plateau patience=1 factor=0.5 stop_patience=4",
     {4, 4, 4, 4, 4},
     {1, 1, 0.5, 0.5, 0.25},
     4},
    {"constant stop_patience=2",
     {3, 2, 2, 1, 1, 1, 1},
     {1, 1, 1, 1, 1, 1, 1},
     5},
    {"constant stop_patience=0", {3, 2, 2, 1}, {1, 1, 1, 1}, 2},
    {"constant stop_patience=1", {NAN, 2, 2}, {1, 1, 1}, 2},
    {"constant stop_patience=1 mode=max", {1, 2, 3, 3, 4}, {1, 1, 1, 1, 1}, 3},
    {"step step_size=2 gamma=0.5 stop_patience=2", {3, 3, 3}, {1, 0.5, 0.5}, 2},
    {"cyclic stop_patience=1 base_lr=1", {3, 2, 3}, {1, 1, 1}, 2},
};

static void metrics_act(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(stories) / sizeof(stories[0]); i++) {
        const struct story *story = &stories[i];
        clstep_schedule *schedule = schedule_make(story->schedule);

        for (size_t m = 0; m < 12 && story->lr[m] != 0; m++) {
            schedule_tell(schedule, story->metrics[m]);
            if (!is_close(clstep_schedule_at(schedule, m + 1), story->lr[m],
                          1e-14))
                fail_msg("%s after metric %zu: %g, not %g", story->schedule, m,
                         clstep_schedule_at(schedule, m + 1), story->lr[m]);
            assert_int_equal(clstep_schedule_stops(schedule),
                             story->stops_at >= 0 &&
                                 m >= (size_t)story->stops_at);
        }
        clstep_schedule_release(schedule);
    }
}

static void who_watches_nothing_says_so(void **state)
{
    clstep_schedule *schedule = schedule_make("cosine T_max=5");
    clstep_watch watch;
    clstep_error error;

    (void)state;
    clstep_schedule_state(schedule, &watch);
    assert_true(watch.metrics == 0 && isinf(watch.best) && watch.lr == 0);
    assert_int_equal(clstep_schedule_watch(schedule, 1, &error),
                     CLSTEP_INVALID_ARGUMENT);
    check_error(&error, CLSTEP_INVALID_ARGUMENT, "cosine|stop_patience");
    assert_int_equal(clstep_schedule_restore(schedule, &watch, &error),
                     CLSTEP_INVALID_ARGUMENT);
    check_error(&error, CLSTEP_INVALID_ARGUMENT, "cosine|stop_patience");
    clstep_schedule_release(schedule);
}

/* --- state ---------------------------------------------------------------- */

static bool same_state(const clstep_schedule *a, const clstep_schedule *b)
{
    clstep_watch x, y;

    clstep_schedule_state(a, &x);
    clstep_schedule_state(b, &y);
    return x.metrics == y.metrics && x.best_at == y.best_at &&
           x.since == y.since && x.bad == y.bad && x.cooldown == y.cooldown &&
           x.reductions == y.reductions && x.best == y.best && x.lr == y.lr &&
           x.stop == y.stop;
}

/* One that is restored after any metric goes on as the other. */
static void state_is_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(stories) / sizeof(stories[0]); i++)
        for (size_t cut = 0; cut < 12; cut++) {
            const struct story *story = &stories[i];
            clstep_schedule *a = schedule_make(story->schedule);
            clstep_schedule *b = schedule_make(story->schedule);
            clstep_watch watch;
            clstep_error error;

            for (size_t m = 0; m < 12 && story->lr[m] != 0; m++) {
                if (m == cut) {
                    clstep_schedule_state(a, &watch);
                    fixture_ok(clstep_schedule_restore(b, &watch, &error),
                               &error);
                }
                schedule_tell(a, story->metrics[m]);
                if (m < cut)
                    continue;
                schedule_tell(b, story->metrics[m]);
                assert_true(same_state(a, b));
                assert_true(clstep_schedule_at(a, m) ==
                            clstep_schedule_at(b, m));
                assert_int_equal(clstep_schedule_stops(a),
                                 clstep_schedule_stops(b));
            }
            clstep_schedule_release(a);
            clstep_schedule_release(b);
        }
}

static void state_is_told(void **state)
{
    clstep_schedule *schedule = schedule_make(
        "plateau patience=1 cooldown=5 factor=0.5 stop_patience=4");
    static const double metrics[] = {5, 3, 4, 4, 4};
    clstep_watch watch;

    (void)state;
    clstep_schedule_state(schedule, &watch);
    assert_true(watch.best == INFINITY && watch.lr == 1);
    for (size_t i = 0; i < 5; i++)
        schedule_tell(schedule, metrics[i]);
    clstep_schedule_state(schedule, &watch);
    assert_true(watch.metrics == 5 && watch.best == 3 && watch.best_at == 1);
    assert_true(watch.since == 3 && watch.bad == 0 && watch.cooldown == 4);
    assert_true(watch.reductions == 1 && watch.lr == 0.5 && watch.stop == 0);
    clstep_schedule_release(schedule);

    /* Keras' goes on counting where there is no less to be had; torch's not. */
    for (int keras = 0; keras < 2; keras++) {
        schedule =
            schedule_make(keras ? "plateau form=keras patience=1 min_lr=0.1"
                                : "plateau patience=0 min_lr=0.1");
        for (size_t i = 0; i < 5; i++)
            schedule_tell(schedule, 5);
        clstep_schedule_state(schedule, &watch);
        assert_true(watch.reductions == 1 && watch.lr == 0.1);
        assert_int_equal(watch.bad, keras ? 3 : 0);
        clstep_schedule_release(schedule);
    }
}

static void
refuses_state(const char *kind, const clstep_watch *watch, const char *words)
{
    clstep_schedule *schedule = schedule_make(kind);
    clstep_schedule *other = schedule_make(kind);
    clstep_error error;

    assert_int_equal(clstep_schedule_restore(schedule, watch, &error),
                     CLSTEP_OUT_OF_RANGE);
    check_error(&error, CLSTEP_OUT_OF_RANGE, words);
    assert_true(same_state(schedule, other));
    clstep_schedule_release(schedule);
    clstep_schedule_release(other);
}

static void bad_states_are_refused(void **state)
{
    static const char plateau[] = "plateau lr=0.5";
    static const char both[] = "plateau lr=0.5 stop_patience=3";
    static const char stop[] = "step stop_patience=3";
    const clstep_watch good = {.metrics = 4, .best = 2, .lr = 0.5};
    clstep_watch bad;

    (void)state;
#define BAD(kind, field, number, words)                                        \
    bad = good;                                                                \
    bad.field = (number);                                                      \
    refuses_state(kind, &bad, words)
    BAD(plateau, best_at, 4, "best_at|is 4|[0, 3]");
    BAD(plateau, since, 5, "since|is 5|[0, 4]");
    BAD(plateau, bad, 5, "bad|is 5");
    BAD(plateau, reductions, 5, "reductions|is 5");
    BAD(plateau, cooldown, UINT64_MAX, "cooldown|18446744073709551615");
    BAD(plateau, stop, 1, "stop|is 1|[0, 0]");
    BAD(both, stop, 2, "stop|is 2|[0, 1]");
    BAD(plateau, best, NAN, "best|nan");
    BAD(plateau, lr, NAN, "lr|nan");
    BAD(plateau, lr, 0.6, "lr|0.6|[0, 0.5]");
    BAD(plateau, lr, -1, "lr|-1");
    BAD(stop, lr, 0.5, "lr|0.5|[0, 0]");
#undef BAD
    bad = (clstep_watch){.metrics = 4, .bad = 1};
    refuses_state(stop, &bad, "bad|is 1|[0, 0]");
    bad = (clstep_watch){.best_at = 1};
    refuses_state(stop, &bad, "best_at|is 1|[0, 0]");

    clstep_schedule *schedule = schedule_make(plateau);
    clstep_error error;

    assert_int_equal(clstep_schedule_restore(schedule, NULL, &error),
                     CLSTEP_INVALID_ARGUMENT);
    check_error(&error, CLSTEP_INVALID_ARGUMENT, "state|NULL");
    clstep_schedule_release(schedule);
}

/* -------------------------------------------------------------------------- */

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_are_as_written),
        cmocka_unit_test(nothing_comes_of_nothing),
        cmocka_unit_test(ranges_are_kept),
        cmocka_unit_test(combinations_are_checked),
        cmocka_unit_test(memory_may_be_short),
        cmocka_unit_test(metrics_act),
        cmocka_unit_test(who_watches_nothing_says_so),
        cmocka_unit_test(state_is_all),
        cmocka_unit_test(state_is_told),
        cmocka_unit_test(bad_states_are_refused),
    };

    return cmocka_run_group_tests_name("schedules", tests, NULL, NULL);
}
