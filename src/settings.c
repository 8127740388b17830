/*
 * settings.c - see settings.h
 * SPDX-License-Identifier: MIT
 */
#include "settings.h"
#include "error.h"

#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER  CLSTEP_NUMBER, 1, 1
#define FLAG    CLSTEP_FLAG, 1, 0, 0.0, 0.0, 1.0, NULL
#define CHOICE  CLSTEP_CHOICE, 1, 0, 0.0, 0.0, 0.0
#define NAMES   (const char *const[])
#define BELOW_1 0x1.fffffep-1 /* the largest float below 1 */

static const clstep_setting_info features[CS_FEATURES] = {
    [CS_GRAD_SCALE] = {"grad_scale", "the gradient is divided by it", NUMBER,
                       1.0, FLT_MIN, FLT_MAX, NULL},
    [CS_DEVICE_SCALE] = {"device_scale",
                         "1: the gradient is divided by a number in the "
                         "device's memory, which the caller gives",
                         FLAG},
    [CS_SCALE_START] = {"scale_start",
                        "the gradient is divided by a scale that the device "
                        "adapts; where it begins",
                        NUMBER, 65536.0, FLT_MIN, FLT_MAX, NULL},
    [CS_SCALE_GROWTH] = {"scale_growth",
                         "factor of that scale after scale_interval steps",
                         NUMBER, 2.0, 1.0, FLT_MAX, NULL},
    [CS_SCALE_INTERVAL] = {"scale_interval",
                           "steps without a skip until the scale grows", NUMBER,
                           2000.0, 1.0, 16777216.0, NULL},
    [CS_SCALE_BACKOFF] = {"scale_backoff",
                          "factor of the scale after a skipped step", NUMBER,
                          0.5, FLT_MIN, 1.0, NULL},
    [CS_CHECK_FINITE] = {"check_finite",
                         "1: skip a step whose gradient has a NaN or an "
                         "infinity",
                         FLAG},
    [CS_MAXIMIZE] = {"maximize", "1: climb the gradient", FLAG},
    [CS_CLIP_VALUE] = {"clip_value",
                       "limit of each element of the gradient, 0 for none",
                       NUMBER, 0.0, 0.0, FLT_MAX, NULL},
    [CS_CLIP_NORM] = {"clip_norm",
                      "limit of the norm of all gradients, 0 for none", NUMBER,
                      0.0, 0.0, FLT_MAX, NULL},
    [CS_CLIP_NORM_TENSOR] = {"clip_norm_tensor",
                             "limit of the norm of each tensor's gradient, 0 "
                             "for none",
                             NUMBER, 0.0, 0.0, FLT_MAX, NULL},
    [CS_L1] = {"l1", "times the parameter's sign is added to the gradient",
               NUMBER, 0.0, 0.0, FLT_MAX, NULL},
    [CS_L2] = {"l2", "times the parameter is added to the gradient", NUMBER,
               0.0, 0.0, FLT_MAX, NULL},
    [CS_WEIGHT_DECAY] = {"weight_decay", "decoupled decay of the parameters",
                         NUMBER, 0.0, 0.0, FLT_MAX, NULL},
    [CS_DECAY_FORM] = {"decay_form",
                       "how weight_decay acts: by lr, independent of it, "
                       "corrected by lr_max, cautious or proximal",
                       CHOICE,
                       NAMES{"lr", "independent", "corrected", "cautious",
                             "proximal", NULL}},
    [CS_LR_MAX] =
        {"lr_max",
         "the largest lr, for decay_form=corrected; by default the lr "
         "at creation",
         NUMBER, 0.0, FLT_MIN, FLT_MAX, NULL},
    [CS_PROX_L1] = {"prox_l1", "soft threshold after the step, times lr",
                    NUMBER, 0.0, 0.0, FLT_MAX, NULL},
    [CS_MAX_NORM] = {"max_norm",
                     "limit of the norm of each row of a matrix, 0 for none",
                     NUMBER, 0.0, 0.0, FLT_MAX, NULL},
    [CS_PRUNE] = {"prune",
                  "share of the smallest elements of each matrix held at zero; "
                  "acts where they are chosen: by default in step 1 alone",
                  NUMBER, 0.0, 0.0, 1.0, NULL},
    [CS_PRUNE_BEGIN] = {"prune_begin",
                        "the first step that chooses elements, 0 for 1; the "
                        "share grows from it",
                        NUMBER, 0.0, 0.0, 0x1p53, NULL},
    [CS_PRUNE_END] = {"prune_end",
                      "the last one, which reaches the share; to choose again, "
                      "it must be above prune_begin",
                      NUMBER, 0.0, 0.0, 0x1p53, NULL},
    [CS_PRUNE_EVERY] = {"prune_every",
                        "steps from one choice to the next, up to prune_end",
                        NUMBER, 100.0, 1.0, 0x1p53, NULL},
    [CS_EMA_DECAY] = {"ema_decay",
                      "decay of the average of the parameters in slot ema, 0 "
                      "for a copy",
                      NUMBER, 0.0, 0.0, BELOW_1, NULL},
    [CS_EMA_FORM] = {"ema_form",
                     "the average: exponential, or equal shares (SWA), which "
                     "needs no ema_decay",
                     CHOICE, NAMES{"exponential", "equal", NULL}},
    [CS_EMA_BEGIN] = {"ema_begin", "steps before the average begins", NUMBER,
                      0.0, 0.0, 0x1p53, NULL},
    [CS_COPY_TYPE] = {"copy_type",
                      "the parameters are also written in this type", CHOICE,
                      NAMES{"none", "f16", "bf16", NULL}},
    [CS_CAUTIOUS_UPDATE] = {"cautious_update",
                            "1: only what goes with the gradient moves, and "
                            "more of it",
                            FLAG},
    [CS_GRAD_TYPE] = {"grad_type", "type of the gradient's elements", CHOICE,
                      NAMES{"f32", "f16", "bf16", NULL}},
    [CS_ZERO_GRAD] = {"zero_grad", "1: the gradient is zero after the step",
                      FLAG},
};

/* What a step needs to know once, for all groups. */
static const enum cs_feature shared[] = {
    CS_GRAD_SCALE,    CS_SCALE_START, CS_SCALE_GROWTH,     CS_SCALE_INTERVAL,
    CS_SCALE_BACKOFF, CS_CLIP_NORM,   CS_CLIP_NORM_TENSOR, CS_CLIP_VALUE,
};

static const struct cs_need feature_needs[] = {
    {"lr_max", "decay_form", "corrected"},
    {NULL, NULL, NULL},
};

size_t cs_settings_own(const clstep_rule *rule)
{
    size_t count = 0;

    while (rule->settings[count].name != NULL)
        count++;
    return count;
}

/* The settings of 'rule', and of every rule. */
static struct cs_names names_of(const clstep_rule *rule)
{
    return (struct cs_names){.owner = rule->name,
                             .own = rule->settings,
                             .features = features,
                             .own_count = cs_settings_own(rule),
                             .feature_count = CS_FEATURES};
}

int cs_settings_find(const clstep_rule *rule, const char *name)
{
    const struct cs_names names = names_of(rule);

    return cs_names_find(&names, name);
}

double
cs_settings_feature(const struct cs_settings *settings, enum cs_feature feature)
{
    return settings->value[settings->own + feature];
}

bool cs_settings_has_feature(const struct cs_settings *settings,
                             enum cs_feature feature)
{
    return settings->given[settings->own + feature];
}

bool cs_settings_has_dynamic_scale(const struct cs_settings *settings)
{
    for (int f = CS_SCALE_START; f <= CS_SCALE_BACKOFF; f++)
        if (cs_settings_has_feature(settings, (enum cs_feature)f))
            return true;
    return false;
}

bool cs_settings_has_average(const struct cs_settings *settings)
{
    return cs_settings_has_feature(settings, CS_EMA_DECAY) ||
           cs_settings_feature(settings, CS_EMA_FORM) == CS_EMA_EQUAL;
}

bool cs_settings_has_norm(const struct cs_settings *settings)
{
    return cs_settings_feature(settings, CS_CHECK_FINITE) != 0.0 ||
           cs_settings_has_feature(settings, CS_CLIP_NORM) ||
           cs_settings_has_feature(settings, CS_CLIP_NORM_TENSOR);
}

const struct cs_pass *cs_settings_pass(const struct cs_settings *settings)
{
    static const struct cs_pass cautious = {.kernel = "cautious",
                                            .sums = 1,
                                            .counts = 1,
                                            .reads_slots = 1,
                                            .factors = {"lead"}};

    if (cs_settings_feature(settings, CS_CAUTIOUS_UPDATE) != 0.0)
        return &cautious;
    return settings->rule->pass.sums != 0 ? &settings->rule->pass : NULL;
}

bool cs_settings_pass_reads(const struct cs_settings *settings,
                            const char *name)
{
    const struct cs_pass *pass = cs_settings_pass(settings);
    const struct cs_slot *slot = settings->rule->slots;

    if (pass == NULL)
        return false;
    for (size_t i = 0; pass->reads[i] != NULL; i++)
        if (strcmp(pass->reads[i], name) == 0)
            return true;
    if (strcmp(name, "parameters") == 0)
        return cs_settings_has_feature(settings, CS_L1) ||
               cs_settings_has_feature(settings, CS_L2);
    for (; pass->reads_slots && slot->name != NULL; slot++)
        if (strcmp(slot->name, name) == 0)
            return cs_settings_has_slot(settings, slot);
    return false;
}

void cs_settings_share(struct cs_settings *settings,
                       const struct cs_settings *first)
{
    const size_t own = cs_settings_own(settings->rule);

    for (size_t i = 0; i < sizeof(shared) / sizeof(*shared); i++)
        settings->value[own + shared[i]] =
            cs_settings_feature(first, shared[i]);
}

bool cs_settings_is_shared(const char *name)
{
    for (size_t i = 0; i < sizeof(shared) / sizeof(*shared); i++)
        if (strcmp(features[shared[i]].name, name) == 0)
            return true;
    return false;
}

bool cs_settings_has_slot(const struct cs_settings *settings,
                          const struct cs_slot *slot)
{
    char name[32];

    if (slot->condition == NULL)
        return true;

    const char *equals = strchr(slot->condition, '=');
    const size_t length = equals != NULL ? (size_t)(equals - slot->condition)
                                         : strlen(slot->condition);

    snprintf(name, sizeof(name), "%.*s", (int)length, slot->condition);
    const struct cs_names names = names_of(settings->rule);
    const int index = cs_names_find(&names, name);

    if (equals == NULL)
        return settings->given[index];
    return cs_names_is_among(&names, settings->value, index, equals + 1);
}

clstep_status cs_settings_unknown(const clstep_rule *rule, const char *name,
                                  clstep_error *error)
{
    const struct cs_names names = names_of(rule);

    return cs_names_unknown(&names, name, error);
}

/* --- checks --------------------------------------------------------------- */

/* Fails if the features 'a' and 'b' were both given. */
static clstep_status
check_apart(const struct cs_settings *settings, enum cs_feature a,
            enum cs_feature b, clstep_error *error)
{
    if (!cs_settings_has_feature(settings, a) ||
        !cs_settings_has_feature(settings, b))
        return CLSTEP_OK;
    return cs_fail(error, CLSTEP_INVALID_ARGUMENT,
                   "%s and %s of %s cannot be given together", features[a].name,
                   features[b].name, settings->rule->name);
}

/* What must hold between the ways of scaling and of clipping. */
static clstep_status
check_scales(const struct cs_settings *settings, clstep_error *error)
{
    const char *rule = settings->rule->name;
    const bool dynamic = cs_settings_has_dynamic_scale(settings);
    clstep_status status =
        check_apart(settings, CS_CLIP_NORM, CS_CLIP_NORM_TENSOR, error);

    for (int f = CS_SCALE_START; f <= CS_SCALE_BACKOFF; f++)
        if (status == CLSTEP_OK)
            status =
                check_apart(settings, CS_GRAD_SCALE, (enum cs_feature)f, error);
    if (status != CLSTEP_OK)
        return status;
    if (cs_settings_feature(settings, CS_DEVICE_SCALE) != 0.0 &&
        (dynamic || cs_settings_has_feature(settings, CS_GRAD_SCALE)))
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT,
                       "device_scale of %s cannot be 1 together with %s", rule,
                       dynamic ? "the scale_ settings" : "grad_scale");
    if (dynamic && cs_settings_feature(settings, CS_CHECK_FINITE) == 0.0)
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT,
                       "the scale_ settings of %s need check_finite=1", rule);
    for (int f = CS_PRUNE_BEGIN; f <= CS_PRUNE_EVERY; f++)
        if (cs_settings_has_feature(settings, (enum cs_feature)f) &&
            !cs_settings_has_feature(settings, CS_PRUNE))
            return cs_fail(error, CLSTEP_INVALID_ARGUMENT,
                           "%s of %s needs prune", features[f].name, rule);
    if (cs_settings_has_feature(settings, CS_EMA_BEGIN) &&
        !cs_settings_has_average(settings))
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT,
                       "ema_begin of %s needs ema_decay or ema_form=equal",
                       rule);
    return CLSTEP_OK;
}

/* Fails because 'rule' does not take cautious_update, and says which do. */
static clstep_status fail_cautious(const clstep_rule *rule, clstep_error *error)
{
    char names[160] = "";
    size_t used = 0;

    for (const clstep_rule *r = cs_rules; r->name != NULL; r++)
        if (r->cautious && used < sizeof(names))
            used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s",
                                     used == 0 ? "" : ", ", r->name);
    return cs_fail(error, CLSTEP_INVALID_ARGUMENT,
                   "cautious_update of %s is 1, which only these rules take: "
                   "%s",
                   rule->name, names);
}

/* What must hold between several settings. */
static clstep_status
check_together(const struct cs_settings *settings, clstep_error *error)
{
    const clstep_rule *rule = settings->rule;
    const struct cs_names names = names_of(rule);
    const double form = cs_settings_feature(settings, CS_DECAY_FORM);

    if (cs_names_check_needs(&names, rule->needs, settings->value,
                             settings->given, error) != CLSTEP_OK ||
        cs_names_check_needs(&names, feature_needs, settings->value,
                             settings->given, error) != CLSTEP_OK ||
        check_scales(settings, error) != CLSTEP_OK)
        return CLSTEP_INVALID_ARGUMENT;
    if (rule->decays_itself && form != CS_DECAY_LR)
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT,
                       "decay_form of %s is '%s'; the rule decays itself, and "
                       "takes only 'lr'",
                       rule->name, features[CS_DECAY_FORM].choices[(int)form]);
    if (cs_settings_feature(settings, CS_CAUTIOUS_UPDATE) != 0.0 &&
        !rule->cautious)
        return fail_cautious(rule, error);
    if (rule->sets_parameter && form == CS_DECAY_CAUTIOUS)
        return cs_fail(
            error, CLSTEP_INVALID_ARGUMENT,
            "decay_form of %s is 'cautious', which needs a direction; "
            "%s sets the parameter itself",
            rule->name, rule->name);
    return CLSTEP_OK;
}

clstep_status
cs_settings_resolve(const clstep_rule *rule, const clstep_setting *list,
                    struct cs_settings *settings, clstep_error *error)
{
    const struct cs_names names = names_of(rule);
    const size_t own = names.own_count;
    bool seen[CS_MAX_SETTINGS] = {false};
    clstep_setting_info info;

    *settings = (struct cs_settings){.rule = rule, .own = own};
    for (size_t i = 0; clstep_rule_setting(rule, i, &info); i++)
        settings->value[i] = info.initial;
    if (rule->feature_default.name != NULL)
        settings->given[cs_settings_find(rule, rule->feature_default.name)] =
            rule->feature_default.choice == NULL;

    for (; list != NULL && list->name != NULL; list++) {
        const clstep_status status = cs_names_take(
            &names, list, settings->value, settings->given, seen, error);

        if (status != CLSTEP_OK)
            return status;
    }

    if (!settings->given[own + CS_LR_MAX])
        settings->value[own + CS_LR_MAX] = settings->value[0];
    if (cs_settings_feature(settings, CS_DECAY_FORM) == CS_DECAY_CORRECTED &&
        !(cs_settings_feature(settings, CS_LR_MAX) >= FLT_MIN))
        return cs_fail(error, CLSTEP_OUT_OF_RANGE,
                       "lr_max of %s is lr by default, which is %.9g; "
                       "decay_form=corrected needs one of at least %.9g",
                       rule->name, settings->value[0], (double)FLT_MIN);
    return check_together(settings, error);
}

clstep_status cs_settings_set(struct cs_settings *settings, const char *name,
                              double value, clstep_error *error)
{
    const clstep_rule *rule = settings->rule;
    const struct cs_names names = names_of(rule);
    const int index = cs_names_find(&names, name);
    struct cs_settings changed = *settings;

    if (index < 0)
        return cs_names_unknown(&names, name, error);

    const clstep_setting_info *info = cs_names_at(&names, (size_t)index);

    if (info->kind != CLSTEP_NUMBER)
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT,
                       "%s of %s is fixed at creation: give it there; it "
                       "cannot become %.9g now",
                       name, rule->name, value);
    if (info->optional && !settings->given[index])
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT,
                       "%s of %s was not given at creation: give it there, at "
                       "any value, to set it later",
                       name, rule->name);

    clstep_status status = cs_names_check(&names, info, value, error);

    changed.value[index] = value + 0.0;
    changed.given[index] = true;
    if (status == CLSTEP_OK)
        status = check_together(&changed, error);
    if (status == CLSTEP_OK)
        *settings = changed;
    return status;
}

/* --- public --------------------------------------------------------------- */

const clstep_rule *clstep_rule_at(size_t index)
{
    size_t count = 0;

    while (cs_rules[count].name != NULL)
        count++;
    return index < count ? &cs_rules[index] : NULL;
}

const clstep_rule *clstep_rule_find(const char *name)
{
    if (name == NULL)
        return NULL;
    for (const clstep_rule *rule = cs_rules; rule->name != NULL; rule++)
        if (strcmp(rule->name, name) == 0)
            return rule;
    return NULL;
}

const char *clstep_rule_name(const clstep_rule *rule)
{
    return rule != NULL ? rule->name : NULL;
}

const char *clstep_rule_summary(const clstep_rule *rule)
{
    return rule != NULL ? rule->summary : NULL;
}

int clstep_rule_setting(const clstep_rule *rule, size_t index,
                        clstep_setting_info *info)
{
    if (rule == NULL || info == NULL)
        return 0;

    const struct cs_names names = names_of(rule);
    const clstep_setting_info *found = cs_names_at(&names, index);
    const clstep_setting *other = &rule->feature_default;

    if (found == NULL)
        return 0;
    *info = *found;
    if (other->name == NULL || strcmp(other->name, found->name) != 0)
        return 1;
    info->given = other->choice == NULL;
    info->initial = other->value;
    for (int i = 0; other->choice != NULL && found->choices[i] != NULL; i++)
        if (strcmp(found->choices[i], other->choice) == 0)
            info->initial = i;
    return 1;
}

int clstep_rule_slot(const clstep_rule *rule, size_t index,
                     clstep_slot_info *info)
{
    if (rule == NULL || info == NULL)
        return 0;
    for (size_t i = 0; rule->slots[i].name != NULL; i++) {
        if (i == index) {
            info->name = rule->slots[i].name;
            info->summary = rule->slots[i].summary;
            info->condition = rule->slots[i].condition;
            info->read_only = rule->slots[i].read_only;
            info->per_tensor = rule->slots[i].per_tensor;
            return 1;
        }
    }
    return 0;
}

uint64_t clstep_rule_sums_bytes(const clstep_rule *rule)
{
    uint64_t floats = 1;

    if (rule == NULL || rule->pass.sums == 0)
        return 0;
    for (size_t i = 0; rule->pass.reads[i] != NULL; i++)
        floats++;
    return sizeof(float) * floats;
}

clstep_status
clstep_rule_check(const clstep_rule *rule, const clstep_setting *settings,
                  clstep_error *error)
{
    struct cs_settings resolved;

    if (rule == NULL)
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT, "rule is NULL");
    return cs_settings_resolve(rule, settings, &resolved, error);
}
