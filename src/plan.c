/*
 * plan.c - see plan.h
 * SPDX-License-Identifier: MIT
 *
 * cs_plan_write() and cs_plan_pack() walk the same lists in the same order: the
 * rule's scalars, then those of the features.
 */
#include "plan.h"
#include "kernels.h"

static double feature(const struct cs_settings *settings, enum cs_feature which)
{
    return cs_settings_feature(settings, which);
}

/* The quotient in float: in double and then rounded, it is the same. */
static double unscale(const struct cs_settings *settings)
{
    return 1.0 / (double)(float)feature(settings, CS_GRAD_SCALE);
}

static double clip_value(const struct cs_settings *settings)
{
    return feature(settings, CS_CLIP_VALUE);
}

static double l1(const struct cs_settings *settings)
{
    return feature(settings, CS_L1);
}

static double l2(const struct cs_settings *settings)
{
    return feature(settings, CS_L2);
}

static double decay_factor(const struct cs_settings *settings)
{
    const double lr = settings->value[0];
    const double decay = feature(settings, CS_WEIGHT_DECAY);

    switch ((int)feature(settings, CS_DECAY_FORM)) {
    case CS_DECAY_INDEPENDENT:
        return 1.0 - decay;
    case CS_DECAY_CORRECTED:
        return 1.0 - lr * lr / feature(settings, CS_LR_MAX) * decay;
    case CS_DECAY_PROXIMAL:
        return 1.0 / (1.0 + lr * decay);
    default: /* CS_DECAY_LR, CS_DECAY_CAUTIOUS */
        return 1.0 - lr * decay;
    }
}

static double soft_threshold(const struct cs_settings *settings)
{
    return settings->value[0] * feature(settings, CS_PROX_L1);
}

/* The scalar of each feature that has one, computed in double. */
static const struct {
    const char *name; /* in struct hyper; NULL where the feature has none */
    double (*prepare)(const struct cs_settings *settings);
} scalars[CS_FEATURES] = {
    [CS_GRAD_SCALE] = {"unscale", unscale},
    [CS_CLIP_VALUE] = {"clip_value", clip_value},
    [CS_L1] = {"l1", l1},
    [CS_L2] = {"l2", l2},
    [CS_WEIGHT_DECAY] = {"decay_factor", decay_factor},
    [CS_PROX_L1] = {"soft_threshold", soft_threshold},
};

/* Says whether the kernel gets the scalar of 'which'. */
static bool has_scalar(const struct cs_settings *settings, size_t which)
{
    return scalars[which].name != NULL &&
           cs_settings_has_feature(settings, (enum cs_feature)which);
}

/* A macro for a choice's value (EPS_FORM_INSIDE), for a flag that is 1
 * (AMSGRAD) and for an optional number that was given (WITH_MOMENTUM). */
static void write_choice(const struct cs_settings *settings, size_t index,
                         const clstep_setting_info *info, struct cs_text *text)
{
    const double value = settings->value[index];

    if (info->kind == CLSTEP_CHOICE) {
        cs_text_add(text, "#define ");
        cs_text_add_upper(text, info->name);
        cs_text_add(text, "_");
        cs_text_add_upper(text, info->choices[(int)value]);
        cs_text_add(text, "\n");
    } else if (info->kind == CLSTEP_FLAG && value != 0.0) {
        cs_text_add(text, "#define ");
        cs_text_add_upper(text, info->name);
        cs_text_add(text, "\n");
    } else if (info->optional && settings->given[index]) {
        cs_text_add(text, "#define WITH_");
        cs_text_add_upper(text, info->name);
        cs_text_add(text, "\n");
    }
}

/* One piece of text for each slot: its name between 'before' and 'after', and
 * once more behind 'between' unless that is NULL. */
static void
write_slots(const struct cs_settings *settings, const char *before,
            const char *between, const char *after, struct cs_text *text)
{
    const struct cs_slot *slot = settings->rule->slots;

    for (; slot->name != NULL; slot++) {
        if (!cs_settings_has_slot(settings, slot))
            continue;
        cs_text_add(text, "%s%s", before, slot->name);
        if (between != NULL)
            cs_text_add(text, "%s%s", between, slot->name);
        cs_text_add(text, "%s", after);
    }
}

void cs_plan_write(const struct cs_settings *settings, struct cs_text *text)
{
    const clstep_rule *rule = settings->rule;
    clstep_setting_info info;

    for (size_t i = 0; clstep_rule_setting(rule, i, &info); i++)
        write_choice(settings, i, &info, text);
    if (rule->sets_parameter)
        cs_text_add(text, "#define SETS_PARAMETER\n");

    cs_text_add(text, "struct hyper {");
    for (size_t i = 0; rule->scalars[i] != NULL; i++)
        cs_text_add(text, " float %s;", rule->scalars[i]);
    for (size_t i = 0; i < CS_FEATURES; i++)
        if (has_scalar(settings, i))
            cs_text_add(text, " float %s;", scalars[i].name);

    /* The first member is there because a struct needs one. */
    cs_text_add(text, " };\nstruct state { float unused;");
    write_slots(settings, " float ", NULL, ";", text);
    cs_text_add(text, " };\n#define SLOT_ARGUMENTS ");
    write_slots(settings, ", global float *restrict slot_", NULL, "", text);
    cs_text_add(text, "\n#define LOAD_STATE ");
    write_slots(settings, "s.", " = slot_", "[i]; ", text);
    cs_text_add(text, "\n#define STORE_STATE ");
    write_slots(settings, "slot_", "[i] = s.", "; ", text);
    cs_text_add(text, "\n");
}

size_t cs_plan_pack(const struct cs_settings *settings, uint64_t t,
                    struct cs_memo *memo, float *packed)
{
    const clstep_rule *rule = settings->rule;
    double own[CS_MAX_SCALARS];
    size_t n = 0;

    rule->prepare(settings->value, t, memo, own);
    for (size_t i = 0; rule->scalars[i] != NULL; i++)
        packed[n++] = (float)own[i];
    for (size_t i = 0; i < CS_FEATURES; i++)
        if (has_scalar(settings, i))
            packed[n++] = (float)scalars[i].prepare(settings);
    return n;
}

const char *cs_plan_kernel(const clstep_rule *rule)
{
    return cs_kernel_text(rule->kernel != NULL ? rule->kernel : rule->name);
}

const char *clstep_rule_formula(const clstep_rule *rule)
{
    if (rule == NULL)
        return NULL;
    return cs_kernel_comment(rule->kernel != NULL ? rule->kernel : rule->name);
}
