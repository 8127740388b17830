/*
 * test_features.c - every feature around every rule, bit for bit
 * SPDX-License-Identifier: MIT
 *
 * Each feature alone on every rule; those that act element by element with
 * every combination of its choices.  On the rules that are named below, one of
 * each kind, every pair of the latter, and all other pairs in lists of as many
 * features as go together.  The other rules and choices share such lists: every
 * pair is on one of them.  With CLSTEP_TEST_DEEP each feature and every pair on
 * every rule and choice, which takes hours.
 * Values are middling, at both ends of their ranges and random.
 *
 *     test_features [--shard K/N] [RULE]...
 */
#include "fixture.h"
#include "guard.h"
#include "rule.h"
#include "sweep.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { STEPS = 5, MAX_WAYS = 64, LISTS = 3 };

/* A direction without a slot, one with two, and a rule that sets w itself. */
static const char *const paired[] = {"sgd", "adam", "ftrl"};

/* Every way of switching on one feature; no settings where the rule refuses it.
 */
struct ways {
    struct sweep_list way[MAX_WAYS];
    size_t count;
};

static struct ways ways_of(const clstep_rule *rule)
{
    struct ways ways = {.count = 0};
    struct sweep_list list;

    for (size_t i = 0; sweep_feature(rule, i, &list); i++) {
        assert_true(ways.count < MAX_WAYS);
        ways.way[ways.count++] = list;
    }
    return ways;
}

static unsigned trials, lists;

/* Tries one list of settings over values and counts; where these are to be
 * small, each value on one of them. */
static void
try_settings(const clstep_rule *rule, const struct sweep_list *settings)
{
    static const uint64_t counts[][2] = {{17, 1027}, {1, 257}};
    struct sweep_list list = *settings;
    struct trial_random random = {fixture_seed() + lists++};

    for (size_t v = 0; sweep_feature_values(rule, v, &random, &list);
         v++, list = *settings) {
        for (size_t i = 0; i < 2; i++) {
            if (fixture_is_small() && i != v % 2)
                continue;

            const struct trial trial = {
                .rule = rule,
                .settings = list.settings,
                .count = counts[v % 2][i],
                .parameters_offset = trial_random_next(&random) % 8,
                .gradients_offset = trial_random_next(&random) % 8,
                .steps = STEPS,
                .seed = trial_random_next(&random),
                .disturb = v % 2 == 0,
            };
            struct trial_result result = {0};
            clstep_error error;

            trials++;
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

/* Says whether a way, whose feature comes first in it, acts on each element by
 * itself. */
static bool is_by_element(const struct sweep_list *way)
{
    static const char *const names[] = {
        "grad_scale",   "maximize",   "clip_value", "l1",       "l2",
        "weight_decay", "decay_form", "prox_l1",    "zero_grad"};

    if (way->count == 0)
        return false;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (strcmp(names[i], way->settings[0].name) == 0)
            return true;
    return false;
}

/* Every way by itself, or those that act by element. */
static void alone(const clstep_rule *rule, const struct sweep_list *choices,
                  const struct ways *ways, bool all)
{
    for (size_t i = 0; i < ways->count; i++) {
        struct sweep_list list = *choices;

        if ((all || is_by_element(&ways->way[i])) &&
            sweep_join(rule, &list, &ways->way[i]))
            try_settings(rule, &list);
    }
}

/* Every pair of two ways, or of those that act by element. */
static void
every_pair(const clstep_rule *rule, const struct sweep_list *choices,
           const struct ways *ways, bool all)
{
    for (size_t i = 0; i < ways->count; i++) {
        if (ways->way[i].count == 0 || !fixture_is_mine())
            continue;
        for (size_t k = i + 1; k < ways->count; k++) {
            struct sweep_list list = *choices, pair = ways->way[i];

            if ((all || (is_by_element(&ways->way[i]) &&
                         is_by_element(&ways->way[k]))) &&
                sweep_join(rule, &pair, &ways->way[k]) &&
                sweep_join(rule, &list, &pair))
                try_settings(rule, &list);
        }
    }
}

/* A list of features that grows, and the ways that are in it. */
struct cover {
    bool met[MAX_WAYS][MAX_WAYS]; /* in one list; of a way, that it was */
    struct sweep_list list;
    size_t ways[MAX_WAYS], count;
};

static bool add_way(const clstep_rule *rule, const struct ways *ways,
                    size_t way, struct cover *cover)
{
    if (!sweep_join(rule, &cover->list, &ways->way[way]))
        return false;
    cover->ways[cover->count++] = way;
    for (size_t i = 0; i < cover->count; i++)
        cover->met[way][cover->ways[i]] = cover->met[cover->ways[i]][way] =
            true;
    return true;
}

/* Begins with two ways, which may be one, and adds others in random order.  The
 * lists are the same in every run, so that processes can share them. */
static bool
try_around(const clstep_rule *rule, const struct sweep_list *choices,
           const struct ways *ways, size_t first, size_t second,
           struct cover *cover, struct trial_random *random)
{
    size_t order[MAX_WAYS];

    cover->list = *choices;
    cover->count = 0;
    if (!add_way(rule, ways, first, cover) ||
        (second != first && !add_way(rule, ways, second, cover)))
        return false;
    for (size_t i = 0; i < ways->count; i++)
        order[i] = i;
    for (size_t i = ways->count; i > 1; i--) {
        const size_t k = (size_t)(trial_random_next(random) % i);
        const size_t way = order[k];

        order[k] = order[i - 1];
        add_way(rule, ways, way, cover);
    }
    if (fixture_is_mine())
        try_settings(rule, &cover->list);
    return true;
}

/* Tries lists, 'most' of them, until every pair was in one; says how many. */
static unsigned
covered(const clstep_rule *rule, const struct sweep_list *choices,
        const struct ways *ways, unsigned most, struct cover *cover)
{
    static struct trial_random random = {1};
    unsigned tried = 0;

    for (size_t i = 0; i < ways->count; i++)
        for (size_t k = i; k < ways->count && tried < most; k++)
            if (!cover->met[i][k])
                tried += try_around(rule, choices, ways, i, k, cover, &random);
    return tried;
}

/* Tries 'most' lists, which all rules share: once every pair was in one, the
 * pairs begin anew. */
static void shared(const clstep_rule *rule, const struct sweep_list *choices,
                   const struct ways *ways, unsigned most)
{
    static struct cover cover;
    const unsigned tried = covered(rule, choices, ways, most, &cover);

    if (tried < most) {
        memset(cover.met, 0, sizeof(cover.met));
        covered(rule, choices, ways, most - tried, &cover);
    }
}

/* A cover in which the pairs that every_pair() tries are met. */
static struct cover begin_cover(const struct ways *ways)
{
    struct cover cover = {.count = 0};

    for (size_t i = 0; i < ways->count; i++)
        for (size_t k = 0; k < ways->count; k++)
            cover.met[i][k] =
                is_by_element(&ways->way[i]) && is_by_element(&ways->way[k]);
    return cover;
}

static void features_equal_reference(void **state)
{
    const clstep_rule *rule = *state;
    const struct ways ways = ways_of(rule);
    const bool deep = fixture_is_deep();
    struct cover own = begin_cover(&ways);
    struct sweep_list choices;
    bool pairs = false;

    /* A rule that decays itself has one form of decay of five. */
    assert_true(ways.count >= (rule->decays_itself ? 30 : 33));
    for (size_t i = 0; i < sizeof(paired) / sizeof(*paired); i++)
        pairs = pairs || strcmp(paired[i], clstep_rule_name(rule)) == 0;
    for (size_t c = 0; sweep_choices(rule, c, &choices); c++) {
        if (fixture_is_mine())
            alone(rule, &choices, &ways, deep || c == 0);
        if (deep || (pairs && c == 0))
            every_pair(rule, &choices, &ways, deep);
        if (c == 0 && pairs)
            covered(rule, &choices, &ways, UINT_MAX, &own);
        if (c != 0 || !pairs)
            shared(rule, &choices, &ways, c == 0 ? LISTS : 1);
    }
    print_message("%u trials so far, of %u lists of settings\n", trials, lists);
}

int main(int argc, char **argv)
{
    return fixture_run_rules("features", features_equal_reference, argc, argv);
}
