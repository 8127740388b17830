/*
 * reference.c - the reference optimizer: its settings, its slots and its step
 * SPDX-License-Identifier: MIT
 *
 * The rules are in rules.c and the features in features.c, each a plain loop
 * over the arrays.  Nothing in these files comes from elsewhere in src/ or from
 * kernels/.
 */
#include "reference.h"

#include "internal.h"

#include <stdio.h>
#include <stdlib.h>

/* What every rule's optimizer has; other features are off unless given. */
static const struct reference_setting common_defaults[] = {
    {"decay_form", 0.0, "lr"},
    {NULL, 0.0, NULL},
};

/* Gives a setting, or gives it again. */
static bool put(struct reference *r, const struct reference_setting *entry)
{
    size_t i = 0;

    while (i < r->setting_count &&
           strcmp(r->settings[i].name, entry->name) != 0)
        i++;
    if (i == MAX_SETTINGS)
        return false;
    if (i == r->setting_count)
        r->setting_count++;

    struct setting *setting = &r->settings[i];

    snprintf(setting->name, sizeof(setting->name), "%s", entry->name);
    setting->number = entry->number;
    snprintf(setting->choice, sizeof(setting->choice), "%s",
             entry->choice != NULL ? entry->choice : "");
    return true;
}

static bool put_all(struct reference *r, const struct reference_setting *list)
{
    for (size_t i = 0; list != NULL && list[i].name != NULL; i++)
        if (!put(r, &list[i]))
            return false;
    return true;
}

/* The default of 'lr_max' is the rate at creation. */
static bool put_lr_max(struct reference *r)
{
    const struct reference_setting lr_max = {"lr_max", number(r, "lr"), NULL};

    return given(r, "lr_max") || put(r, &lr_max);
}

/* 'count' zeros; one for none, so that NULL always means no memory. */
static float *create_floats(size_t count)
{
    return calloc(count != 0 ? count : 1, sizeof(float));
}

bool reference_add_slot(struct reference *r, const char *name, double initial)
{
    const float value = (float)initial;
    float *values = create_floats(r->count);

    if (values == NULL)
        return false;
    if (r->slot_count == MAX_SLOTS) {
        free(values);
        return false;
    }
    for (size_t i = 0; i < r->count; i++)
        values[i] = value;
    r->slots[r->slot_count].name = name;
    r->slots[r->slot_count].values = values;
    r->slot_count++;
    return true;
}

struct reference *
reference_create(const char *rule, const struct reference_setting *settings,
                 size_t count)
{
    const struct rule *found = reference_find_rule(rule);

    if (found == NULL)
        return NULL;

    struct reference *r = calloc(1, sizeof(*r));

    if (r == NULL)
        return NULL;
    r->rule = found;
    r->count = count;
    r->x = create_floats(count);
    r->u = create_floats(count);
    if (r->x == NULL || r->u == NULL || !put_all(r, common_defaults) ||
        !put_all(r, found->defaults) || !put_all(r, settings) ||
        !put_lr_max(r) || (found->add_slots != NULL && !found->add_slots(r))) {
        reference_release(r);
        return NULL;
    }
    return r;
}

void reference_release(struct reference *reference)
{
    if (reference == NULL)
        return;
    for (size_t i = 0; i < reference->slot_count; i++)
        free(reference->slots[i].values);
    free(reference->u);
    free(reference->x);
    free(reference);
}

const char *reference_slot_name(const struct reference *reference, size_t index)
{
    return index < reference->slot_count ? reference->slots[index].name : NULL;
}

float *reference_slot(struct reference *reference, const char *name)
{
    for (size_t i = 0; i < reference->slot_count; i++)
        if (strcmp(reference->slots[i].name, name) == 0)
            return reference->slots[i].values;
    return NULL;
}

/* A number that was not given at creation stays so. */
void reference_set(struct reference *reference, const char *name, double number)
{
    for (size_t i = 0; i < reference->setting_count; i++)
        if (strcmp(reference->settings[i].name, name) == 0)
            reference->settings[i].number = number;
}

void reference_set_steps(struct reference *reference, uint64_t steps)
{
    reference->steps = steps;
}

uint64_t reference_steps(const struct reference *reference)
{
    return reference->steps;
}

static void move(size_t count, float *w, float a, const float *u)
{
    for (size_t i = 0; i < count; i++)
        w[i] = w[i] - a * u[i];
}

void reference_step(struct reference *reference, float *w, float *g)
{
    struct reference *r = reference;

    r->steps++;
    reference_prologue(r, g, r->x, w);

    const struct step step = {
        .t = r->steps, .count = r->count, .x = r->x, .w = w, .u = r->u};
    const float a = r->rule->step(r, &step);

    if (!r->rule->sets_w) {
        reference_between(r, r->u, w);
        move(r->count, w, a, r->u);
    }
    reference_epilogue(r, g, w);
}
