/*
 * test_rules.c - every rule, bit for bit
 * SPDX-License-Identifier: MIT
 *
 * Every rule x every valid combination of its choices x values (defaults, each
 * end of each range, random inside) x counts x offsets, five steps of shaped
 * numbers, or eight at the defaults: every bit of parameters, gradients, slots
 * and guard zones equals the scalar reference.  The tests are made from the
 * rules' rows: a new rule is tested by being there.
 *
 *     test_rules [--shard K/N] [RULE]...
 */
#include "fixture.h"
#include "guard.h"
#include "sweep.h"

#include <stdio.h>
#include <string.h>

enum {
    STEPS = 5,
    DEFAULT_STEPS = 8, /* radam's sixth is the first that is rectified */
    LARGE = 100000,
    RANDOM_VALUES = 3
};

/* Around a vector's and a work-group's width, a chunk's, and a large prime. */
static const uint64_t counts[] = {1,   2,   3,    15,   16,   17,   255,
                                  256, 257, 1023, 1024, 1025, 4103, 1000003};

/* Steps that were taken already: up to those at which a sum of weights is
 * formed in another way, to far away, and to the last that can be counted. */
static const uint64_t befores[] = {4094, UINT64_C(1) << 40, UINT64_MAX - STEPS};

/* Sums and products that go on from far, where they are made in another way:
 * in the middle of a warmup, behind it, and of what hardly changes. */
static const struct {
    const char *rule;
    clstep_setting settings[3];
    uint64_t before;
} fars[] = {
    {"nadam", {NUMBER("beta1", 0.99), NUMBER("momentum_decay", 10)}, 89},
    {"nadam", {NUMBER("beta1", 0.999999), NUMBER("momentum_decay", 1)}, 100000},
    {"schedule_free_sgd", {NUMBER("warmup", 4098.5), NUMBER("r", 1.5)}, 4094},
    {"schedule_free_sgd", {NUMBER("warmup", 1e6), NUMBER("r", 2)}, 123456},
    {"schedule_free_sgd", {NUMBER("warmup", 1e4), NUMBER("r", 0.5)}, 1000000},
};

static struct trial_result total;
static unsigned trials;

static void run_trial(const clstep_rule *rule, const struct sweep_list *list,
                      uint64_t count, uint64_t before, unsigned steps,
                      struct trial_random *random)
{
    static const uint64_t offsets[] = {0, 1, 3, 7, 16, 255};
    const struct trial trial = {
        .rule = rule,
        .settings = list->settings,
        .count = count,
        .parameters_offset = offsets[trial_random_next(random) % 6],
        .gradients_offset = offsets[trial_random_next(random) % 6],
        .before = before,
        .steps = steps,
        .seed = trial_random_next(random),
        .disturb = trials % 2 != 0,
    };
    struct trial_result result = {0};
    clstep_error error;

    fixture_ok(trial_run(fixture_place(), &trial, &result, &error), &error);
    trials++;
    total.compared += result.compared;
    if (result.mismatches != 0)
        fail_msg("%llu of %llu numbers differ; %s",
                 (unsigned long long)result.mismatches,
                 (unsigned long long)result.compared, result.first);
    guard_check(&trial);
}

/* The large count takes no steps more. */
static unsigned steps_of(uint64_t count, size_t index)
{
    return index == 0 && count < LARGE ? DEFAULT_STEPS : STEPS;
}

/* The large count runs at the defaults and once with random values; on a slow
 * simulator a part of a work-group does so, and a whole one with one element
 * more, and all else is left out. */
static bool is_wanted(uint64_t count, size_t index, size_t last)
{
    if (fixture_is_small())
        return (count == 15 || count == 257) && (index == 0 || index == last);
    return count < LARGE || fixture_is_deep() || index == 0 || index == last;
}

static void rule_equals_reference(void **state)
{
    const clstep_rule *rule = *state;
    struct trial_random random = {fixture_seed()};
    struct sweep_list choices, list;

    for (size_t c = 0; sweep_choices(rule, c, &choices); c++) {
        size_t last = 0;

        if (!fixture_is_mine())
            continue;
        for (list = choices;
             sweep_values(rule, last, RANDOM_VALUES, &random, &list);
             list = choices)
            last++;
        for (size_t v = 0; v < last; v++) {
            list = choices;
            sweep_values(rule, v, RANDOM_VALUES, &random, &list);
            for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++)
                if (is_wanted(counts[i], v, last - 1))
                    run_trial(rule, &list, counts[i], 0, steps_of(counts[i], v),
                              &random);
            for (size_t i = 0; i < sizeof(befores) / sizeof(*befores); i++)
                if (is_wanted(15, v, last - 1) && (v == 0 || v == last - 1))
                    run_trial(rule, &list, 15, befores[i], STEPS, &random);
        }
    }
    for (size_t i = 0; i < sizeof(fars) / sizeof(*fars); i++) {
        if (strcmp(fars[i].rule, clstep_rule_name(rule)) != 0)
            continue;
        list = (struct sweep_list){.count = 0};
        for (size_t k = 0; fars[i].settings[k].name != NULL; k++)
            sweep_add(&list, fars[i].settings[k]);
        run_trial(rule, &list, 257, fars[i].before, STEPS, &random);
    }
    print_message("%u trials, %llu numbers compared so far\n", trials,
                  (unsigned long long)total.compared);
}

int main(int argc, char **argv)
{
    return fixture_run_rules("rules", rule_equals_reference, argc, argv);
}
