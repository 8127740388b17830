/*
 * sweep.c - see sweep.h
 * SPDX-License-Identifier: MIT
 */
#include "sweep.h"

#include <math.h>
#include <string.h>

void sweep_add(struct sweep_list *list, clstep_setting setting)
{
    if (list->count + 1 < SWEEP_MAX)
        list->settings[list->count++] = setting;
}

/* A value that is neither neutral nor extreme. */
static double middling(const clstep_setting_info *info)
{
    if (strcmp(info->name, "ema_begin") == 0)
        return 2.0; /* the average has to begin within a trial */
    if (strcmp(info->name, "prune_begin") == 0 ||
        strcmp(info->name, "prune_every") == 0)
        return 2.0;
    if (strcmp(info->name, "prune_end") == 0)
        return 4.0; /* the same of the choice of elements */
    if (info->max <= 1.0)
        return 0.75;
    return info->min > 0.0 ? 3.0 : 0.0625;
}

/* A value inside the range, of any magnitude that means something. */
static double
inside(const clstep_setting_info *info, struct trial_random *source)
{
    const double unit = trial_random_unit(source);

    if (info->max < 1.0)
        return unit < 0.5 ? 2.0 * unit * info->max
                          : 1.0 - pow(10.0, -6.0 * (2.0 * unit - 1.0));

    const double value = pow(10.0, -10.0 + 12.0 * unit);

    return value < info->min   ? info->min + value
           : value > info->max ? info->max * unit
                               : value;
}

/* --- choices -------------------------------------------------------------- */

/* The number of values that a sweep of choices gives to a setting. */
static size_t ways_of(const clstep_setting_info *info)
{
    size_t ways = 0;

    if (info->kind == CLSTEP_CHOICE)
        while (info->choices[ways] != NULL)
            ways++;
    else
        ways = info->kind == CLSTEP_FLAG || info->optional ? 2 : 1;
    return ways;
}

/* The combination with the mixed-radix digits of 'code'; false past the last.
 */
static bool
combination(const clstep_rule *rule, size_t code, struct sweep_list *list)
{
    clstep_setting_info info;

    for (size_t i = 0; clstep_rule_setting(rule, i, &info) && !info.feature;
         i++) {
        const size_t ways = ways_of(&info), digit = code % ways;

        code /= ways;
        if (digit == 0)
            continue;
        if (info.kind == CLSTEP_CHOICE)
            sweep_add(list,
                      (clstep_setting){info.name, 0.0, info.choices[digit]});
        else
            sweep_add(list, (clstep_setting){
                                info.name,
                                info.optional ? middling(&info) : 1.0, NULL});
    }
    return code == 0;
}

bool sweep_choices(const clstep_rule *rule, size_t index,
                   struct sweep_list *list)
{
    for (size_t code = 0;; code++) {
        *list = (struct sweep_list){0};
        if (!combination(rule, code, list))
            return false;
        if (clstep_rule_check(rule, list->settings, NULL) != CLSTEP_OK)
            continue;
        if (index-- == 0)
            return true;
    }
}

/* --- values --------------------------------------------------------------- */

/* Gives 'name' the value, whether the list has it already or not. */
static void give(struct sweep_list *list, const char *name, double value)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->settings[i].name, name) == 0) {
            list->settings[i].value = value;
            return;
        }
    }
    sweep_add(list, (clstep_setting){name, value, NULL});
}

static bool is_in(const struct sweep_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->settings[i].name, name) == 0)
            return true;
    return false;
}

/* Says whether 'info' is a number of the rule that may take any value here. */
static bool is_free(const clstep_rule *rule, const clstep_setting_info *info,
                    const struct sweep_list *list)
{
    struct sweep_list tried = *list;

    if (info->kind != CLSTEP_NUMBER || info->feature ||
        (info->optional && !is_in(list, info->name)))
        return false;
    give(&tried, info->name, info->max);
    return clstep_rule_check(rule, tried.settings, NULL) == CLSTEP_OK;
}

bool sweep_values(const clstep_rule *rule, size_t index, size_t random,
                  struct trial_random *source, struct sweep_list *list)
{
    const struct sweep_list given = *list;
    clstep_setting_info info;
    size_t numbers = 0;

    for (size_t i = 0; clstep_rule_setting(rule, i, &info); i++)
        numbers += is_free(rule, &info, &given);
    if (index == 0)
        return true;
    if (index >= 1 + 2 * numbers + 2 + random)
        return false;

    const size_t one = (index - 1) / 2; /* which number is at an end */
    const bool high = (index - 1) % 2 != 0;
    size_t number = 0;

    for (size_t i = 0; clstep_rule_setting(rule, i, &info); i++) {
        if (!is_free(rule, &info, &given))
            continue;
        if (index > 2 * numbers + 2)
            give(list, info.name, inside(&info, source));
        else if (number == one || one == numbers)
            give(list, info.name, high ? info.max : info.min);
        number++;
    }
    return true;
}

/* --- features ------------------------------------------------------------- */

/* What else has to be given for a feature to act. */
static const struct {
    const char *feature;
    clstep_setting setting;
} companions[] = {
    {"decay_form", {"weight_decay", 0.0625, NULL}},
    {"scale_start", {"check_finite", 1.0, NULL}},
    {"scale_growth", {"check_finite", 1.0, NULL}},
    {"scale_interval", {"check_finite", 1.0, NULL}},
    {"scale_backoff", {"check_finite", 1.0, NULL}},
    {"ema_begin", {"ema_decay", 0.75, NULL}},
    {"prune_begin", {"prune", 0.75, NULL}},
    {"prune_begin", {"prune_end", 4.0, NULL}},
    {"prune_end", {"prune", 0.75, NULL}},
    {"prune_every", {"prune", 0.75, NULL}},
    {"prune_every", {"prune_end", 4.0, NULL}},
};

/* Says whether the first choice of a feature is one of its ways too: not where
 * it means that the feature is off, or what is so without it. */
static bool begins_at_first(const clstep_setting_info *info)
{
    return strcmp(info->name, "decay_form") == 0;
}

/* The ways of one feature: a choice has one for each value. */
static size_t feature_ways(const clstep_setting_info *info)
{
    if (!info->feature || strcmp(info->name, "lr_max") == 0)
        return 0;
    if (info->kind != CLSTEP_CHOICE)
        return 1;
    return ways_of(info) - !begins_at_first(info);
}

/* The way 'digit' of switching on the feature, with what it needs. */
static void add_feature(const clstep_setting_info *info, size_t digit,
                        struct sweep_list *list)
{
    const char *choice = NULL;

    if (info->kind == CLSTEP_CHOICE)
        choice = info->choices[digit + !begins_at_first(info)];
    sweep_add(list,
              (clstep_setting){
                  info->name,
                  info->kind == CLSTEP_NUMBER ? middling(info) : 1.0, choice});
    for (size_t i = 0; i < sizeof(companions) / sizeof(*companions); i++)
        if (strcmp(companions[i].feature, info->name) == 0)
            sweep_add(list, companions[i].setting);
    if (choice != NULL && strcmp(choice, "corrected") == 0)
        sweep_add(list, (clstep_setting){"lr_max", 0.5, NULL});
}

bool sweep_feature(const clstep_rule *rule, size_t index,
                   struct sweep_list *list)
{
    clstep_setting_info info;

    *list = (struct sweep_list){0};
    for (size_t i = 0; clstep_rule_setting(rule, i, &info); i++) {
        const size_t ways = feature_ways(&info);

        if (index >= ways) {
            index -= ways;
            continue;
        }
        add_feature(&info, index, list);
        if (clstep_rule_check(rule, list->settings, NULL) != CLSTEP_OK)
            *list = (struct sweep_list){0};
        return true;
    }
    return false;
}

static const clstep_setting *
find(const struct sweep_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->settings[i].name, name) == 0)
            return &list->settings[i];
    return NULL;
}

static bool is_same(const clstep_setting *a, const clstep_setting *b)
{
    return a->choice == NULL || b->choice == NULL
               ? a->choice == b->choice && a->value == b->value
               : strcmp(a->choice, b->choice) == 0;
}

bool sweep_join(const clstep_rule *rule, struct sweep_list *list,
                const struct sweep_list *other)
{
    struct sweep_list joined = *list;
    size_t common = 0;

    for (size_t i = 0; i < other->count; i++) {
        const clstep_setting *setting = &other->settings[i];
        const clstep_setting *there = find(list, setting->name);

        if (there != NULL && !is_same(there, setting))
            return false;
        common += there != NULL;
        if (there == NULL)
            sweep_add(&joined, *setting);
    }

    /* Nothing new, or all of the list once more? */
    if (common == other->count || (common != 0 && common == list->count) ||
        clstep_rule_check(rule, joined.settings, NULL) != CLSTEP_OK)
        return false;
    *list = joined;
    return true;
}

/* Takes the setting called 'name' out of the list. */
static void take_out(struct sweep_list *list, const char *name)
{
    size_t kept = 0;

    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->settings[i].name, name) != 0)
            list->settings[kept++] = list->settings[i];
    list->count = kept;
    list->settings[kept] = (clstep_setting){0};
}

bool sweep_feature_values(const clstep_rule *rule, size_t index,
                          struct trial_random *source, struct sweep_list *list)
{
    enum { AS_IT_IS, LOW, HIGH, INSIDE, HIGH_LR, NO_LR_MAX };
    clstep_setting_info info;

    if (index > NO_LR_MAX || (index == NO_LR_MAX && !is_in(list, "lr_max")))
        return false;
    for (size_t i = 0; clstep_rule_setting(rule, i, &info); i++) {
        if (!info.feature || info.kind != CLSTEP_NUMBER ||
            !is_in(list, info.name))
            continue;
        if (index == LOW)
            give(list, info.name, info.min);
        else if (index == HIGH || index == HIGH_LR)
            give(list, info.name, info.max);
        else if (index == INSIDE)
            give(list, info.name, inside(&info, source));
    }
    if (index == HIGH_LR)
        give(list, "lr", 3.0);
    if (index == NO_LR_MAX)
        take_out(list, "lr_max");
    return true;
}
