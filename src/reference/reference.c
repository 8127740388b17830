/*
 * reference.c - the reference optimizer: its tensors, settings and slots
 * SPDX-License-Identifier: MIT
 *
 * The step is in step.c, the rules are in rules.c and rules_*.c, the features
 * in gradient.c and features.c, each a plain loop over a tensor.
 * Nothing in these files comes from elsewhere in src/ or from kernels/.
 */
#include "reference.h"

#include "internal.h"

#include <stdio.h>
#include <stdlib.h>

/* What every rule's optimizer has; other features are off unless given. */
static const struct reference_setting common_defaults[] = {
    {"decay_form", 0.0, "lr"}, {"prune_begin", 0.0, NULL},
    {"prune_end", 0.0, NULL},  {"prune_every", 100.0, NULL},
    {NULL, 0.0, NULL},
};

/* The dynamic scale's, if one of them was given: PyTorch's GradScaler. */
static const struct reference_setting scale_defaults[] = {
    {"scale_start", 65536.0, NULL},
    {"scale_growth", 2.0, NULL},
    {"scale_interval", 2000.0, NULL},
    {"scale_backoff", 0.5, NULL},
    {NULL, 0.0, NULL},
};

/* Gives a setting, or gives it again. */
static bool put(struct group *group, const struct reference_setting *entry)
{
    size_t i = 0;

    while (i < group->setting_count &&
           strcmp(group->settings[i].name, entry->name) != 0)
        i++;
    if (i == MAX_SETTINGS)
        return false;
    if (i == group->setting_count)
        group->setting_count++;

    struct setting *setting = &group->settings[i];

    snprintf(setting->name, sizeof(setting->name), "%s", entry->name);
    setting->number = entry->number;
    snprintf(setting->choice, sizeof(setting->choice), "%s",
             entry->choice != NULL ? entry->choice : "");
    return true;
}

static bool put_all(struct group *group, const struct reference_setting *list)
{
    for (size_t i = 0; list != NULL && list[i].name != NULL; i++)
        if (!put(group, &list[i]))
            return false;
    return true;
}

/* The default of 'lr_max' is the rate at creation. */
static bool put_lr_max(struct group *group)
{
    const struct reference_setting lr_max = {"lr_max", number(group, "lr"),
                                             NULL};

    return given(group, "lr_max") || put(group, &lr_max);
}

/* The dynamic scale, where any of its settings was given. */
static bool
put_scale(struct reference *r, const struct reference_setting *settings)
{
    for (size_t i = 0; scale_defaults[i].name != NULL; i++)
        r->dynamic = r->dynamic || given(r->groups, scale_defaults[i].name);
    if (!r->dynamic)
        return true;
    if (!put_all(r->groups, scale_defaults) || !put_all(r->groups, settings))
        return false;
    r->report.scale = (float)number(r->groups, "scale_start");
    return true;
}

/* Every group begins with the same settings. */
static bool
put_settings(struct reference *r, const struct reference_setting *settings)
{
    struct group *first = r->groups;

    if (!put_all(first, common_defaults) ||
        !put_all(first, r->rule->defaults) || !put_all(first, settings) ||
        !put_lr_max(first) || !put_scale(r, settings))
        return false;
    for (size_t i = 1; i < r->group_count; i++)
        r->groups[i] = *first;
    return true;
}

/* 'count' zeros; one for none, so that NULL always means no memory. */
static float *create_floats(size_t count)
{
    return calloc(count != 0 ? count : 1, sizeof(float));
}

/* Adds a slot of 'count' numbers. */
static bool
add_slot(struct reference *r, const char *name, size_t count, float value)
{
    float *values = create_floats(count);

    if (values == NULL)
        return false;
    if (r->slot_count == MAX_SLOTS) {
        free(values);
        return false;
    }
    for (size_t i = 0; i < count; i++)
        values[i] = value;
    r->slots[r->slot_count++] = (struct slot){name, values, count};
    return true;
}

bool reference_add_slot(struct reference *r, const char *name, double initial)
{
    return add_slot(r, name, r->count, (float)initial);
}

bool reference_add_tensor_slot(struct reference *r, const char *name)
{
    return add_slot(r, name, r->tensor_count, 0.0f);
}

bool reference_add_slots(struct reference *r, const char *const *names)
{
    for (size_t i = 0; names[i] != NULL; i++)
        if (!reference_add_slot(r, names[i], 0.0))
            return false;
    return true;
}

/* Copies the tensors, and finds how many groups and numbers they need. */
static bool
put_tensors(struct reference *r, const struct reference_tensor *tensors,
            size_t tensor_count)
{
    r->tensors = calloc(tensor_count + 1, sizeof(*r->tensors));
    r->sums = create_floats(tensor_count);
    if (r->tensors == NULL || r->sums == NULL)
        return false;
    r->tensor_count = tensor_count;
    r->group_count = 1;
    for (size_t i = 0; i < tensor_count; i++) {
        const size_t end = (size_t)(tensors[i].offset + tensors[i].count);

        r->tensors[i] = tensors[i];
        r->count = end > r->count ? end : r->count;
        r->group_count = tensors[i].group >= r->group_count
                             ? tensors[i].group + 1
                             : r->group_count;
    }
    r->groups = calloc(r->group_count, sizeof(*r->groups));
    r->x = create_floats(r->count);
    r->u = create_floats(r->count);
    return r->groups != NULL && r->x != NULL && r->u != NULL;
}

/* The rule's slots, and behind them those of features. */
static bool add_slots(struct reference *r)
{
    if (r->rule->add_slots != NULL && !r->rule->add_slots(r))
        return false;
    if (reference_has_prune(r) && !reference_add_slot(r, "pruned", 0.0))
        return false;
    return !reference_has_ema(r) || reference_add_slot(r, "ema", 0.0);
}

struct reference *
reference_create_layout(const char *rule,
                        const struct reference_setting *settings,
                        const struct reference_tensor *tensors,
                        size_t tensor_count)
{
    const struct rule *found = reference_find_rule(rule);

    if (found == NULL)
        return NULL;

    struct reference *r = calloc(1, sizeof(*r));

    if (r == NULL)
        return NULL;
    r->rule = found;
    r->device_scale = 1.0f;
    if (!put_tensors(r, tensors, tensor_count) || !put_settings(r, settings) ||
        !add_slots(r)) {
        reference_release(r);
        return NULL;
    }
    return r;
}

struct reference *
reference_create(const char *rule, const struct reference_setting *settings,
                 size_t count)
{
    const struct reference_tensor tensor = {.count = count};

    return reference_create_layout(rule, settings, &tensor, 1);
}

void reference_release(struct reference *reference)
{
    if (reference == NULL)
        return;
    for (size_t i = 0; i < reference->slot_count; i++)
        free(reference->slots[i].values);
    free(reference->u);
    free(reference->x);
    free(reference->sums);
    free(reference->groups);
    free(reference->tensors);
    free(reference);
}

const char *reference_slot_name(const struct reference *reference, size_t index)
{
    return index < reference->slot_count ? reference->slots[index].name : NULL;
}

static const struct slot *
find_slot(const struct reference *reference, const char *name)
{
    for (size_t i = 0; i < reference->slot_count; i++)
        if (strcmp(reference->slots[i].name, name) == 0)
            return &reference->slots[i];
    return NULL;
}

float *reference_slot(struct reference *reference, const char *name)
{
    const struct slot *slot = find_slot(reference, name);

    return slot != NULL ? slot->values : NULL;
}

size_t reference_slot_count(const struct reference *reference, const char *name)
{
    const struct slot *slot = find_slot(reference, name);

    return slot != NULL ? slot->count : 0;
}

void reference_set(struct reference *reference, const char *name, double number)
{
    for (size_t i = 0; i < reference->group_count; i++)
        reference_set_group(reference, i, name, number);
}

/* A number that was not given at creation stays so. */
void reference_set_group(struct reference *reference, size_t group,
                         const char *name, double number)
{
    struct group *g = &reference->groups[group];

    for (size_t i = 0; i < g->setting_count; i++)
        if (strcmp(g->settings[i].name, name) == 0)
            g->settings[i].number = number;
}

void reference_freeze(struct reference *reference, size_t group, bool frozen)
{
    reference->groups[group].frozen = frozen;
}

void reference_set_device_scale(struct reference *reference, float scale)
{
    reference->device_scale = scale;
}

void reference_set_steps(struct reference *reference, uint64_t steps)
{
    reference->report.steps = steps;
    for (size_t i = 0; i < reference->group_count; i++)
        reference->groups[i].steps = steps;
}

void reference_set_group_steps(struct reference *reference, size_t group,
                               uint64_t steps)
{
    reference->groups[group].steps = steps;
}

uint64_t reference_steps(const struct reference *reference)
{
    return reference->report.steps;
}

uint64_t reference_group_steps(const struct reference *reference, size_t group)
{
    return reference->groups[group].steps;
}

void reference_report(const struct reference *reference,
                      struct reference_report *report)
{
    *report = reference->report;
}

void reference_resume(struct reference *reference,
                      const struct reference_report *report)
{
    reference->report.skipped = report->skipped;
    if (reference->dynamic)
        reference->report.scale = report->scale;
    reference->report.scale_steps = report->scale_steps;
}
