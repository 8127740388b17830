/*
 * test_features.c - every feature around every rule, bit for bit
 * SPDX-License-Identifier: MIT
 *
 * Each feature that acts element by element alone on every rule at its default
 * choices and at each other one; and, at the value where it does nothing,
 * against the rule without it.  On the rules that are named below, one of each
 * kind, each other feature alone too, every pair of the former, and all other
 * pairs in lists of features that go together.  On every other rule each other
 * feature in such a list, and one on every combination of several choices. With
 * CLSTEP_TEST_DEEP each feature and every pair on every rule and combination of
 * choices, which takes hours.
 *
 * Values are middling, at both ends of their ranges and random.
 *
 * With CLSTEP_TEST_SMALL every feature is still on every rule at its default
 * choices, with one count: on those that are named alone, with middling and
 * random values; on others in a few lists, with middling ones.  Left out are
 * other combinations of choices, pairs, and the neutral values on other rules.
 *
 *     test_features [--shard K/N] [RULE]...
 */
#include "fixture.h"
#include "guard.h"
#include "rule.h"
#include "scene.h"
#include "sweep.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { STEPS = 5, MAX_WAYS = 64, COUNT = 301 };

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

static bool is_paired(const clstep_rule *rule)
{
    bool is_one = false;

    for (size_t i = 0; i < sizeof(paired) / sizeof(*paired); i++)
        is_one = is_one || strcmp(paired[i], clstep_rule_name(rule)) == 0;
    return is_one;
}

/* Says whether a slow simulator tries the values at 'index' of
 * sweep_feature_values(), on the count at 'i'. */
static bool is_small(const clstep_rule *rule, size_t index, size_t i)
{
    return i == 1 && (index == 0 || (index == 3 && is_paired(rule)));
}

/* Tries one list of settings over values and counts. */
static void
try_settings(const clstep_rule *rule, const struct sweep_list *settings)
{
    static const uint64_t counts[][2] = {{17, 1027}, {1, 257}};
    static const uint64_t small_count = 258; /* in rows, where there are some */
    struct sweep_list list = *settings;
    struct trial_random random = {fixture_seed() + lists++};

    for (size_t v = 0; sweep_feature_values(rule, v, &random, &list);
         v++, list = *settings) {
        for (size_t i = 0; i < 2; i++) {
            if (fixture_is_small() && !is_small(rule, v, i))
                continue;

            const struct trial trial = {
                .rule = rule,
                .settings = list.settings,
                .count = fixture_is_small() ? small_count : counts[v % 2][i],
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

/* Says whether the feature of a way, which comes first in it, is one of the
 * names. */
static bool is_among(const struct sweep_list *way, const char *const *names)
{
    for (; way->count != 0 && *names != NULL; names++)
        if (strcmp(*names, way->settings[0].name) == 0)
            return true;
    return false;
}

/* Says whether it acts on each element by itself. */
static bool is_by_element(const struct sweep_list *way)
{
    static const char *const names[] = {
        "grad_scale",   "maximize",   "clip_value", "l1",        "l2",
        "weight_decay", "decay_form", "prox_l1",    "zero_grad", NULL};

    return is_among(way, names);
}

/* Says whether it has launches of its own, behind the step: then the average
 * and the copy are made there, too. */
static bool is_behind(const struct sweep_list *way)
{
    static const char *const names[] = {
        "max_norm", "prune", "prune_begin", "prune_end", "prune_every", NULL};

    return is_among(way, names);
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

/* Begins with two ways, which may be one, and adds others in random order; none
 * that is behind the step, unless it begins with one: those change what others
 * do.  The lists are the same in every run, so that processes can share them.
 */
static bool
try_around(const clstep_rule *rule, const struct sweep_list *choices,
           const struct ways *ways, size_t first, size_t second,
           struct cover *cover)
{
    static struct trial_random random = {1};
    const bool behind =
        is_behind(&ways->way[first]) || is_behind(&ways->way[second]);
    size_t order[MAX_WAYS];

    cover->list = *choices;
    cover->count = 0;
    if (!add_way(rule, ways, first, cover) ||
        (second != first && !add_way(rule, ways, second, cover)))
        return false;
    for (size_t i = 0; i < ways->count; i++)
        order[i] = i;
    for (size_t i = ways->count; i > 1; i--) {
        const size_t k = (size_t)(trial_random_next(&random) % i);
        const size_t way = order[k];

        order[k] = order[i - 1];
        if (behind || !is_behind(&ways->way[way]))
            add_way(rule, ways, way, cover);
    }
    if (fixture_is_mine())
        try_settings(rule, &cover->list);
    return true;
}

/* Tries lists until every pair was in one. */
static void covered(const clstep_rule *rule, const struct sweep_list *choices,
                    const struct ways *ways, struct cover *cover)
{
    for (size_t i = 0; i < ways->count; i++)
        for (size_t k = i; k < ways->count; k++)
            if (!cover->met[i][k])
                try_around(rule, choices, ways, i, k, cover);
}

/* Tries lists until every way that does not act by element was in one, but at
 * most so many.  Those of all rules share the pairs. */
static void shared(const clstep_rule *rule, const struct sweep_list *choices,
                   const struct ways *ways, size_t most)
{
    static struct cover cover;
    static size_t next;
    bool met[MAX_WAYS];
    size_t tried = 0;

    for (size_t i = 0; i < ways->count; i++)
        met[i] = is_by_element(&ways->way[i]) || ways->way[i].count == 0;
    for (size_t n = 0; n < ways->count && tried < most; n++, next++) {
        const size_t way = next % ways->count;
        size_t with = 0;

        if (met[way])
            continue;
        while (with < ways->count &&
               (cover.met[way][with] ||
                !try_around(rule, choices, ways, way, with, &cover)))
            with++;
        if (with == ways->count)
            try_around(rule, choices, ways, way, way, &cover);
        for (size_t i = 0; i < cover.count; i++)
            met[cover.ways[i]] = true;
        tried++;
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

/* --- neutral features ----------------------------------------------------- */

/* Each feature at the value where it does nothing. */
static const clstep_setting neutral[][4] = {
    {{"grad_scale", 1, NULL}, {0}},
    {{"maximize", 0, NULL}, {0}},
    {{"clip_value", 0, NULL}, {0}},
    {{"l1", 0, NULL}, {0}},
    {{"l2", 0, NULL}, {0}},
    {{"weight_decay", 0, NULL}, {0}},
    {{"weight_decay", 0, NULL}, {"decay_form", 0, "lr"}, {0}},
    {{"weight_decay", 0, NULL}, {"decay_form", 0, "independent"}, {0}},
    {{"weight_decay", 0, NULL}, {"decay_form", 0, "corrected"}, {0}},
    {{"weight_decay", 0, NULL},
     {"decay_form", 0, "corrected"},
     {"lr_max", 2, NULL},
     {0}},
    {{"weight_decay", 0, NULL}, {"decay_form", 0, "cautious"}, {0}},
    {{"weight_decay", 0, NULL}, {"decay_form", 0, "proximal"}, {0}},
    {{"prox_l1", 0, NULL}, {0}},
    {{"zero_grad", 0, NULL}, {0}},
};

static void put(cl_mem buffer, const float *x)
{
    assert_int_equal(clEnqueueWriteBuffer(fixture_place()->queue, buffer,
                                          CL_TRUE, 0, COUNT * sizeof(*x), x, 0,
                                          NULL, NULL),
                     CL_SUCCESS);
}

/* Each pair of numbers that a comparison or a product might not leave alone:
 * zeros of both signs, infinities, subnormals, a NaN. */
static void fill_pairs(float *w, float *g)
{
    static const float numbers[] = {0.0f,    -0.0f, INFINITY, -INFINITY, 1e-40f,
                                    -1e-40f, NAN,   1.0f,     -1.0f};
    enum { NUMBERS = sizeof(numbers) / sizeof(*numbers) };

    for (size_t i = 0; i < NUMBERS * NUMBERS; i++) {
        if (w != NULL)
            w[i] = numbers[i % NUMBERS];
        g[i] = numbers[i / NUMBERS];
    }
}

/* Three steps of shaped numbers. */
static struct snapshot *
run_shaped(const char *rule, const clstep_setting *settings)
{
    struct snapshot *end;
    struct scene scene;
    clstep_error error;

    scene_open_at(&scene, fixture_place(), rule, settings, COUNT,
                  fixture_seed(), true);
    fill_pairs(scene.w, scene.g);
    put(scene.buffers.parameters, scene.w);
    for (int i = 0; i < 3; i++) {
        trial_random_fill(&scene.random, scene.g, COUNT);
        fill_pairs(NULL, scene.g);
        put(scene.buffers.gradients, scene.g);
        fixture_ok(clstep_optimizer_step(scene.optimizer,
                                         fixture_place()->queue, &scene.buffers,
                                         0, NULL, NULL, &error),
                   &error);
    }
    end = snapshot_take(scene.optimizer, &scene.buffers, COUNT);
    scene_close(&scene);
    return end;
}

/* The programs are those of the features that are tried alone. */
static void neutral_features_are_off(const clstep_rule *rule)
{
    static const clstep_setting no_decay[] = {{"weight_decay", 0, NULL}, {0}};
    const char *name = clstep_rule_name(rule);

    for (size_t i = 0; i < sizeof(neutral) / sizeof(*neutral); i++) {
        const bool decay = strcmp(neutral[i][0].name, "weight_decay") == 0;

        if (clstep_rule_check(rule, neutral[i], NULL) != CLSTEP_OK) {
            assert_non_null(neutral[i][1].choice);
            if (!rule->decays_itself)
                assert_string_equal(neutral[i][1].choice, "cautious");
            continue;
        }

        /* adamw without decay is adam: it has one by default.  So have others,
         * which nothing without it is like. */
        const bool own = rule->feature_default.choice == NULL &&
                         rule->feature_default.name != NULL;
        const bool adamw = strcmp(name, "adamw") == 0;
        struct snapshot *off =
            run_shaped(decay && adamw ? "adam" : name,
                       decay && own && !adamw ? no_decay : NULL);
        struct snapshot *on = run_shaped(name, neutral[i]);

        if (!snapshot_equal(off, on)) {
            char text[160];

            trial_describe(neutral[i], text, sizeof(text));
            fail_msg("%s with %s is not %s", name, text, name);
        }
        snapshot_release(off);
        snapshot_release(on);
    }
}

/* The bits are looked at: a feature that acts changes some. */
static void features_change_something(void)
{
    static const clstep_setting active[][2] = {
        {{"grad_scale", 2, NULL}, {0}},    {{"maximize", 1, NULL}, {0}},
        {{"clip_value", 0.01, NULL}, {0}}, {{"l1", 0.1, NULL}, {0}},
        {{"l2", 0.1, NULL}, {0}},          {{"weight_decay", 0.1, NULL}, {0}},
        {{"prox_l1", 0.1, NULL}, {0}},     {{"zero_grad", 1, NULL}, {0}}};

    for (size_t i = 0; i < sizeof(active) / sizeof(*active); i++) {
        struct snapshot *off = run_shaped("sgd", NULL);
        struct snapshot *on = run_shaped("sgd", active[i]);

        assert_false(snapshot_equal(off, on));
        snapshot_release(off);
        snapshot_release(on);
    }
}

/* --- all of it ------------------------------------------------------------ */

static void features_equal_reference(void **state)
{
    const clstep_rule *rule = *state;
    const char *name = clstep_rule_name(rule);
    const struct ways ways = ways_of(rule);
    const bool deep = fixture_is_deep(), small = fixture_is_small();
    struct cover own = begin_cover(&ways);
    const bool has_pairs = is_paired(rule);
    struct sweep_list choices;

    /* A rule that decays itself has one form of decay of five. */
    assert_true(ways.count >= (rule->decays_itself ? 30 : 33));
    for (size_t c = 0; sweep_choices(rule, c, &choices); c++) {
        if (small && !has_pairs) {
            shared(rule, &choices, &ways, SIZE_MAX);
            break;
        }
        if (fixture_is_mine() && (deep || choices.count <= 1)) {
            alone(rule, &choices, &ways, deep || (has_pairs && c == 0));
            if (c == 0)
                neutral_features_are_off(rule);
        }
        if (small)
            break;
        if (deep || (has_pairs && c == 0))
            every_pair(rule, &choices, &ways, deep);
        if (has_pairs && c == 0)
            covered(rule, &choices, &ways, &own);
        else if (choices.count != 1)
            shared(rule, &choices, &ways, c == 0 ? SIZE_MAX : 1);
    }
    if (strcmp(name, "sgd") == 0)
        features_change_something();
    print_message("%u trials so far, of %u lists of settings\n", trials, lists);
}

int main(int argc, char **argv)
{
    return fixture_run_rules("features", features_equal_reference, argc, argv);
}
