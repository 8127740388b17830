/*
 * test_features.c - every feature around every rule, bit for bit
 * SPDX-License-Identifier: MIT
 *
 * Each feature alone on every rule with every combination of its choices; every
 * pair of features on the rules that are named below, one of each kind; and on
 * every rule all features at once, with each form of decay.  With
 * CLSTEP_TEST_DEEP every subset of the features on every rule and choice, which
 * takes hours.  Values are middling, at both ends of their ranges and random.
 *
 *     test_features [--shard K/N] [RULE]...
 */
#include "fixture.h"
#include "guard.h"
#include "sweep.h"

#include <stdio.h>
#include <string.h>

enum { STEPS = 5, MAX_WAYS = 32 };

/* A direction without a slot, one with two, and a rule that sets w itself. */
static const char *const paired[] = {"sgd", "adam", "ftrl"};

/* Every way of switching on one feature, for a rule. */
struct ways {
    struct sweep_list way[MAX_WAYS];
    size_t count;
};

static struct ways ways_of(const clstep_rule *rule)
{
    struct ways ways = {.count = 0};
    struct sweep_list list;

    for (size_t i = 0; sweep_feature(rule, i, &list); i++)
        if (list.count != 0 && ways.count < MAX_WAYS)
            ways.way[ways.count++] = list;
    return ways;
}

static bool has(const struct sweep_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->settings[i].name, name) == 0)
            return true;
    return false;
}

/* Says whether two ways can be had at once: they give no setting twice. */
static bool go_together(const struct sweep_list *a, const struct sweep_list *b)
{
    for (size_t i = 0; i < b->count; i++)
        if (has(a, b->settings[i].name))
            return false;
    return true;
}

static void join(struct sweep_list *to, const struct sweep_list *from)
{
    for (size_t i = 0; i < from->count; i++)
        sweep_add(to, from->settings[i]);
}

/* Tries one list of settings over values and counts; where these are to be
 * small, each value on one of them. */
static void
try_settings(const clstep_rule *rule, const struct sweep_list *settings,
             struct trial_random *random)
{
    static const uint64_t counts[] = {1, 17, 257, 1027};
    struct sweep_list list = *settings;

    for (size_t v = 0; sweep_feature_values(rule, v, random, &list);
         v++, list = *settings) {
        for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
            if (fixture_is_small() && i != v % 3)
                continue;

            const struct trial trial = {
                .rule = rule,
                .settings = list.settings,
                .count = counts[i],
                .parameters_offset = trial_random_next(random) % 8,
                .gradients_offset = trial_random_next(random) % 8,
                .steps = STEPS,
                .seed = trial_random_next(random),
                .disturb = v % 2 == 0,
            };
            struct trial_result result = {0};
            clstep_error error;

            fixture_ok(trial_run(fixture_place(), &trial, &result, &error),
                       &error);
            if (result.mismatches != 0)
                fail_msg("%llu of %llu numbers differ; %s",
                         (unsigned long long)result.mismatches,
                         (unsigned long long)result.compared, result.first);
            guard_check(&trial);
        }
    }
}

static void alone(const clstep_rule *rule, const struct ways *ways,
                  struct trial_random *random)
{
    struct sweep_list list;

    for (size_t c = 0; sweep_choices(rule, c, &list); c++) {
        const struct sweep_list choices = list;

        for (size_t i = 0; i < ways->count; i++, list = choices) {
            join(&list, &ways->way[i]);
            try_settings(rule, &list, random);
        }
    }
}

static void pairs(const clstep_rule *rule, const struct ways *ways,
                  struct trial_random *random)
{
    for (size_t i = 0; i < ways->count; i++) {
        for (size_t k = i + 1; k < ways->count; k++) {
            struct sweep_list list = ways->way[i];

            if (!go_together(&list, &ways->way[k]))
                continue;
            join(&list, &ways->way[k]);
            try_settings(rule, &list, random);
        }
    }
}

/* Each form of decay with everything else that goes with it. */
static void all_at_once(const clstep_rule *rule, const struct ways *ways,
                        struct trial_random *random)
{
    for (size_t i = 0; i < ways->count; i++) {
        struct sweep_list list = ways->way[i];

        if (!has(&list, "decay_form"))
            continue;
        for (size_t k = 0; k < ways->count; k++)
            if (go_together(&list, &ways->way[k]))
                join(&list, &ways->way[k]);
        try_settings(rule, &list, random);
    }
}

static void every_subset(const clstep_rule *rule, const struct ways *ways,
                         struct trial_random *random)
{
    struct sweep_list choices;

    for (size_t c = 0; sweep_choices(rule, c, &choices); c++) {
        for (size_t set = 0; set < (size_t)1 << ways->count; set++) {
            struct sweep_list list = choices;
            bool valid = true;

            for (size_t i = 0; i < ways->count && valid; i++) {
                if ((set >> i & 1) == 0)
                    continue;
                valid = go_together(&list, &ways->way[i]);
                join(&list, &ways->way[i]);
            }
            if (valid)
                try_settings(rule, &list, random);
        }
    }
}

static void features_equal_reference(void **state)
{
    const clstep_rule *rule = *state;
    const struct ways ways = ways_of(rule);
    struct trial_random random = {fixture_seed()};

    assert_true(ways.count >= 11);
    if (fixture_is_deep()) {
        every_subset(rule, &ways, &random);
        return;
    }
    alone(rule, &ways, &random);
    all_at_once(rule, &ways, &random);
    for (size_t i = 0; i < sizeof(paired) / sizeof(*paired); i++)
        if (strcmp(paired[i], clstep_rule_name(rule)) == 0)
            pairs(rule, &ways, &random);
}

int main(int argc, char **argv)
{
    return fixture_run_rules("features", features_equal_reference, argc, argv);
}
