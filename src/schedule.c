/*
 * schedule.c - schedules: their features, their state, their interface
 * SPDX-License-Identifier: MIT
 */
#include "schedule.h"
#include "error.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PI     3.14159265358979323846
#define NUMBER CLSTEP_NUMBER, 1, 0
#define FLAG   CLSTEP_FLAG, 1, 0, 0.0, 0.0, 1.0, NULL
#define CHOICE CLSTEP_CHOICE, 1, 0, 0.0, 0.0, 0.0
#define NAMES  (const char *const[])

static const clstep_setting_info features[CS_SCHEDULE_FEATURES] = {
    [CS_MODE] = {"mode", "whether the least metric or the largest is the best",
                 CHOICE, NAMES{"min", "max", NULL}},
    [CS_THRESHOLD] = {"threshold", "by how much a metric must be better",
                      NUMBER, 1e-4, 0.0, FLT_MAX, NULL},
    [CS_THRESHOLD_MODE] = {"threshold_mode",
                           "a share of the best, or an absolute number", CHOICE,
                           NAMES{"rel", "abs", NULL}},
    [CS_STOP_PATIENCE] = {"stop_patience",
                          "early stopping, after so many metrics that were not "
                          "better",
                          CLSTEP_COUNT, 1, 1, 10.0, 0.0, 0x1p53, NULL},
    [CS_WARMUP] = {"warmup", "steps of the warm-up, 0 for none", NUMBER, 0.0,
                   0.0, 0x1p53, NULL},
    [CS_WARMUP_START] =
        {"warmup_start",
         "where the warm-up begins, as a share of where it ends", NUMBER, 0.0,
         0.0, 1.0, NULL},
    [CS_WARMUP_TYPE] = {"warmup_type", "how it climbs", CHOICE,
                        NAMES{"linear", "cosine", "1-sqrt", NULL}},
    [CS_WARMUP_FIRST] = {"warmup_first",
                         "1: step 0 is one step of the warm-up on the way",
                         FLAG},
    [CS_WARMUP_CLOCK] = {"warmup_clock",
                         "whether the schedule begins after the warm-up, or "
                         "runs along with it",
                         CHOICE, NAMES{"after", "along", NULL}},
};

/* The values of the choices above. */
enum { MODE_MIN, MODE_MAX };
enum { THRESHOLD_REL, THRESHOLD_ABS };
enum { TYPE_LINEAR, TYPE_COSINE, TYPE_ROOT };
enum { CLOCK_AFTER, CLOCK_ALONG };

/* --- settings ------------------------------------------------------------- */

static struct cs_names names_of(const clstep_schedule_kind *kind)
{
    const size_t first = kind->has_mode ? CS_MODE + 1 : CS_MODE;
    const size_t end = kind->has_warmup ? CS_WARMUP : CS_SCHEDULE_FEATURES;
    struct cs_names names = {.owner = kind->name,
                             .own = kind->settings,
                             .features = features + first,
                             .feature_count = end - first};

    while (kind->settings[names.own_count].name != NULL)
        names.own_count++;
    return names;
}

/* The index of a feature's value; -1: this kind is without it. */
static int
index_of(const clstep_schedule *schedule, enum cs_schedule_feature feature)
{
    const clstep_schedule_kind *kind = schedule->kind;

    if ((kind->has_mode && feature == CS_MODE) ||
        (kind->has_warmup && feature >= CS_WARMUP))
        return -1;
    return (int)(schedule->own + feature) - (kind->has_mode ? 1 : 0);
}

double cs_schedule_feature(const clstep_schedule *schedule,
                           enum cs_schedule_feature feature)
{
    const int index = index_of(schedule, feature);

    return index < 0 ? 0.0 : schedule->value[index];
}

bool cs_schedule_has_feature(const clstep_schedule *schedule,
                             enum cs_schedule_feature feature)
{
    const int index = index_of(schedule, feature);

    return index >= 0 && schedule->given[index];
}

/* Says whether the schedule wants to be told metrics. */
static bool watches(const clstep_schedule *schedule)
{
    return schedule->kind->watch != NULL ||
           cs_schedule_has_feature(schedule, CS_STOP_PATIENCE);
}

/* Fails where a feature was given that acts only together with another. */
static clstep_status
check_features(const clstep_schedule *schedule, clstep_error *error)
{
    const char *name = schedule->kind->name;

    for (int f = CS_MODE; f <= CS_THRESHOLD_MODE; f++)
        if (cs_schedule_has_feature(schedule, (enum cs_schedule_feature)f) &&
            !watches(schedule))
            return cs_fail(error, CLSTEP_INVALID_ARGUMENT,
                           "%s of %s needs stop_patience", features[f].name,
                           name);
    for (int f = CS_WARMUP_START; f <= CS_WARMUP_CLOCK; f++)
        if (cs_schedule_has_feature(schedule, (enum cs_schedule_feature)f) &&
            !cs_schedule_has_feature(schedule, CS_WARMUP))
            return cs_fail(error, CLSTEP_INVALID_ARGUMENT,
                           "%s of %s needs warmup", features[f].name, name);
    return CLSTEP_OK;
}

/* Copies the numbers of the lists, whose lengths are known. */
static clstep_status
copy_lists(clstep_schedule *schedule, const struct cs_names *names,
           const clstep_setting *settings, clstep_error *error)
{
    size_t total = 0, used = 0;

    for (size_t i = 0; i < names->own_count; i++)
        if (names->own[i].kind == CLSTEP_LIST)
            total += (size_t)schedule->value[i];
    if (total == 0)
        return CLSTEP_OK;
    schedule->numbers = calloc(total, sizeof(*schedule->numbers));
    if (schedule->numbers == NULL)
        return cs_fail(error, CLSTEP_OUT_OF_MEMORY,
                       "no memory for the %zu numbers of %s", total,
                       names->owner);
    for (size_t i = 0; i < names->own_count; i++) {
        if (names->own[i].kind != CLSTEP_LIST)
            continue;
        schedule->list[i] = schedule->numbers + used;
        for (const clstep_setting *s = settings; s->name != NULL; s++)
            if (strcmp(s->name, names->own[i].name) == 0)
                schedule->numbers[used++] = s->value;
    }
    return CLSTEP_OK;
}

static clstep_status
resolve(clstep_schedule *schedule, const clstep_setting *settings,
        clstep_error *error)
{
    const clstep_schedule_kind *kind = schedule->kind;
    const struct cs_names names = names_of(kind);
    bool seen[CS_SCHEDULE_SETTINGS] = {false};
    clstep_status status = CLSTEP_OK;

    schedule->own = names.own_count;
    for (size_t i = 0; cs_names_at(&names, i) != NULL; i++)
        schedule->value[i] = cs_names_at(&names, i)->initial;
    for (const clstep_setting *s = settings;
         s != NULL && s->name != NULL && status == CLSTEP_OK; s++)
        status = cs_names_take(&names, s, schedule->value, schedule->given,
                               seen, error);
    if (status == CLSTEP_OK)
        status = cs_names_check_needs(&names, kind->needs, schedule->value,
                                      schedule->given, error);
    if (status == CLSTEP_OK)
        status = check_features(schedule, error);
    if (status == CLSTEP_OK)
        status = copy_lists(schedule, &names, settings, error);
    if (status == CLSTEP_OK && kind->check != NULL)
        status = kind->check(schedule, error);
    return status;
}

/* --- life ----------------------------------------------------------------- */

static void begin(clstep_schedule *schedule)
{
    const bool max = cs_schedule_feature(schedule, CS_MODE) == MODE_MAX;

    schedule->state = (clstep_watch){.best = max ? -HUGE_VAL : HUGE_VAL};
    if (schedule->kind->watch != NULL)
        schedule->state.lr = schedule->value[0];
}

clstep_status
clstep_schedule_create(const char *kind, const clstep_setting *settings,
                       clstep_schedule **out, clstep_error *error)
{
    if (out == NULL)
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT, "out is NULL");
    *out = NULL;
    if (kind == NULL)
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT, "kind is NULL");

    const clstep_schedule_kind *found = clstep_schedule_kind_find(kind);

    if (found == NULL)
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT,
                       "no schedule is called '%.64s'; "
                       "clstep_schedule_kind_at() lists them",
                       kind);

    clstep_schedule *schedule = calloc(1, sizeof(*schedule));

    if (schedule == NULL)
        return cs_fail(error, CLSTEP_OUT_OF_MEMORY, "no memory for a schedule");
    schedule->kind = found;

    const clstep_status status = resolve(schedule, settings, error);

    if (status != CLSTEP_OK) {
        clstep_schedule_release(schedule);
        return status;
    }
    begin(schedule);
    *out = schedule;
    return CLSTEP_OK;
}

void clstep_schedule_release(clstep_schedule *schedule)
{
    if (schedule == NULL)
        return;
    free(schedule->numbers);
    free(schedule);
}

/* --- values --------------------------------------------------------------- */

/* The share of the way up that the warm-up has at step 's', before its end. */
static double ramp(const clstep_schedule *schedule, double s)
{
    const double start = cs_schedule_feature(schedule, CS_WARMUP_START);
    const double type = cs_schedule_feature(schedule, CS_WARMUP_TYPE);
    double p = (s + cs_schedule_feature(schedule, CS_WARMUP_FIRST)) /
               cs_schedule_feature(schedule, CS_WARMUP);

    p = p < 1.0 ? p : 1.0;
    if (type == TYPE_COSINE)
        p = (1.0 - cos(PI * p)) / 2.0;
    else if (type == TYPE_ROOT)
        p = 1.0 - sqrt(1.0 - p);
    return start + (1.0 - start) * p;
}

/* The step that the schedule behind the warm-up has at step 's'. */
static double inner_step(const clstep_schedule *schedule, double s)
{
    const double warmup = cs_schedule_feature(schedule, CS_WARMUP);

    if (cs_schedule_feature(schedule, CS_WARMUP_CLOCK) == CLOCK_ALONG)
        return s;
    return s < warmup ? 0.0 : s - warmup;
}

/* A learning rate that is a number, and none below 0. */
static double held(double lr)
{
    return lr > DBL_MAX ? DBL_MAX : lr > 0.0 ? lr : 0.0;
}

double clstep_schedule_at(const clstep_schedule *schedule, uint64_t step)
{
    const double s = (double)step;

    if (schedule == NULL)
        return 0.0;

    const double lr =
        held(schedule->kind->lr(schedule, inner_step(schedule, s)));

    return s < cs_schedule_feature(schedule, CS_WARMUP)
               ? held(lr * ramp(schedule, s))
               : lr;
}

int clstep_schedule_momentum(const clstep_schedule *schedule, uint64_t step,
                             double *momentum)
{
    if (schedule == NULL || momentum == NULL ||
        schedule->kind->momentum == NULL)
        return 0;
    return schedule->kind->momentum(
        schedule, inner_step(schedule, (double)step), momentum);
}

/* --- metrics -------------------------------------------------------------- */

/* Written so that a NaN is never better.  What is best at first is an infinity,
 * of which no share is taken. */
static bool is_better(const clstep_schedule *schedule, double metric)
{
    const double threshold = cs_schedule_feature(schedule, CS_THRESHOLD);
    const double best = schedule->state.best;
    const bool max = cs_schedule_feature(schedule, CS_MODE) == MODE_MAX;

    if (isinf(best))
        return max ? metric > best : metric < best;
    if (cs_schedule_feature(schedule, CS_THRESHOLD_MODE) == THRESHOLD_ABS)
        return max ? metric > best + threshold : metric < best - threshold;
    return max ? metric > best * (threshold + 1.0)
               : metric < best * (1.0 - threshold);
}

static clstep_status
check_watches(const clstep_schedule *schedule, clstep_error *error)
{
    if (schedule == NULL)
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT, "schedule is NULL");
    if (!watches(schedule))
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT,
                       "%s takes no metrics without stop_patience",
                       schedule->kind->name);
    return CLSTEP_OK;
}

clstep_status clstep_schedule_watch(clstep_schedule *schedule, double metric,
                                    clstep_error *error)
{
    const clstep_status status = check_watches(schedule, error);

    if (status != CLSTEP_OK)
        return status;

    clstep_watch *state = &schedule->state;
    const double patience = cs_schedule_feature(schedule, CS_STOP_PATIENCE);
    const bool better = is_better(schedule, metric);

    state->since++;
    if (better) {
        state->best = metric;
        state->best_at = state->metrics;
        state->since = 0;
    }
    state->metrics++;
    if (schedule->kind->watch != NULL)
        schedule->kind->watch(schedule, better);
    if (cs_schedule_has_feature(schedule, CS_STOP_PATIENCE) && !better &&
        state->metrics > 1 && (double)state->since >= patience)
        state->stop = 1;
    return CLSTEP_OK;
}

int clstep_schedule_stops(const clstep_schedule *schedule)
{
    return schedule != NULL && schedule->state.stop != 0;
}

void clstep_schedule_state(const clstep_schedule *schedule, clstep_watch *state)
{
    if (state != NULL)
        *state = schedule != NULL ? schedule->state : (clstep_watch){0};
}

/* Fails if a state has a number that no schedule of these settings can have. */
static clstep_status check_state(const clstep_schedule *schedule,
                                 const clstep_watch *state, clstep_error *error)
{
    const struct {
        const char *name;
        uint64_t value, most;
    } counts[] = {
        {"best_at", state->best_at,
         state->metrics > 0 ? state->metrics - 1 : 0},
        {"since", state->since, state->metrics},
        {"bad", state->bad, schedule->kind->watch != NULL ? state->metrics : 0},
        {"cooldown", state->cooldown,
         schedule->kind->watch != NULL ? UINT64_C(1) << 53 : 0},
        {"reductions", state->reductions,
         schedule->kind->watch != NULL ? state->metrics : 0},
        {"stop", state->stop,
         cs_schedule_has_feature(schedule, CS_STOP_PATIENCE)},
    };
    const double most =
        schedule->kind->watch != NULL ? schedule->value[0] : 0.0;

    for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++)
        if (counts[i].value > counts[i].most)
            return cs_fail(error, CLSTEP_OUT_OF_RANGE,
                           "%s of the state of %s is %llu, which is not in "
                           "[0, %llu]",
                           counts[i].name, schedule->kind->name,
                           (unsigned long long)counts[i].value,
                           (unsigned long long)counts[i].most);
    if (isnan(state->best))
        return cs_fail(error, CLSTEP_OUT_OF_RANGE,
                       "best of the state of %s is nan, and a NaN is never the "
                       "best",
                       schedule->kind->name);
    if (!(state->lr >= 0.0 && state->lr <= most))
        return cs_fail(error, CLSTEP_OUT_OF_RANGE,
                       "lr of the state of %s is %.9g, which is not in [0, "
                       "%.9g]",
                       schedule->kind->name, state->lr, most);
    return CLSTEP_OK;
}

clstep_status
clstep_schedule_restore(clstep_schedule *schedule, const clstep_watch *state,
                        clstep_error *error)
{
    clstep_status status = check_watches(schedule, error);

    if (status == CLSTEP_OK && state == NULL)
        status = cs_fail(error, CLSTEP_INVALID_ARGUMENT, "state is NULL");
    if (status == CLSTEP_OK)
        status = check_state(schedule, state, error);
    if (status == CLSTEP_OK)
        schedule->state = *state;
    return status;
}

/* --- kinds ---------------------------------------------------------------- */

const clstep_schedule_kind *clstep_schedule_kind_at(size_t index)
{
    size_t count = 0;

    while (cs_schedule_kinds[count].name != NULL)
        count++;
    return index < count ? &cs_schedule_kinds[index] : NULL;
}

const clstep_schedule_kind *clstep_schedule_kind_find(const char *name)
{
    const clstep_schedule_kind *kind;

    if (name == NULL)
        return NULL;
    for (kind = cs_schedule_kinds; kind->name != NULL; kind++)
        if (strcmp(kind->name, name) == 0)
            return kind;
    return NULL;
}

const char *clstep_schedule_kind_name(const clstep_schedule_kind *kind)
{
    return kind != NULL ? kind->name : NULL;
}

const char *clstep_schedule_kind_summary(const clstep_schedule_kind *kind)
{
    return kind != NULL ? kind->summary : NULL;
}

const char *clstep_schedule_kind_formula(const clstep_schedule_kind *kind)
{
    return kind != NULL ? kind->formula : NULL;
}

int clstep_schedule_kind_setting(const clstep_schedule_kind *kind, size_t index,
                                 clstep_setting_info *info)
{
    if (kind == NULL || info == NULL)
        return 0;

    const struct cs_names names = names_of(kind);
    const clstep_setting_info *found = cs_names_at(&names, index);

    if (found == NULL)
        return 0;
    *info = *found;
    return 1;
}
