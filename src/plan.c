/*
 * plan.c - see plan.h
 * SPDX-License-Identifier: MIT
 *
 * cs_plan_write() and cs_plan_pack() walk the same lists in the same order: the
 * rule's scalars, then those of the features.
 */
#include "plan.h"
#include "kernels.h"

#include <math.h>

static double feature(const struct cs_settings *settings, enum cs_feature which)
{
    return cs_settings_feature(settings, which);
}

static bool is_given(const struct cs_settings *settings, enum cs_feature which)
{
    return cs_settings_has_feature(settings, which);
}

/* The quotient in float: in double and then rounded, it is the same. */
static double unscale(const struct cs_settings *settings, uint64_t t)
{
    (void)t;
    return 1.0 / (double)(float)feature(settings, CS_GRAD_SCALE);
}

static double clip_value(const struct cs_settings *settings, uint64_t t)
{
    (void)t;
    return feature(settings, CS_CLIP_VALUE);
}

static double l1(const struct cs_settings *settings, uint64_t t)
{
    (void)t;
    return feature(settings, CS_L1);
}

static double l2(const struct cs_settings *settings, uint64_t t)
{
    (void)t;
    return feature(settings, CS_L2);
}

/* Says whether step 't' only fills slots. */
static bool rests(const struct cs_settings *settings, uint64_t t)
{
    return settings->rule->rests_first && t == 1;
}

static double decay_factor(const struct cs_settings *settings, uint64_t t)
{
    const double lr = settings->value[0];
    const double decay = feature(settings, CS_WEIGHT_DECAY);

    if (settings->rule->decays_itself)
        return decay;
    if (rests(settings, t))
        return 1.0;
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

static double soft_threshold(const struct cs_settings *settings, uint64_t t)
{
    return rests(settings, t)
               ? 0.0
               : settings->value[0] * feature(settings, CS_PROX_L1);
}

static double max_norm(const struct cs_settings *settings, uint64_t t)
{
    return rests(settings, t) ? 0.0 : feature(settings, CS_MAX_NORM);
}

/* --- prune ---------------------------------------------------------------- */

/* A setting that counts steps, without a fraction. */
static uint64_t
steps_of(const struct cs_settings *settings, enum cs_feature which)
{
    return (uint64_t)feature(settings, which);
}

/* The first step in which elements are chosen, and the last. */
static uint64_t prune_begin(const struct cs_settings *settings)
{
    const uint64_t begin = steps_of(settings, CS_PRUNE_BEGIN);

    return begin != 0 ? begin : 1;
}

static uint64_t prune_end(const struct cs_settings *settings)
{
    const uint64_t begin = prune_begin(settings);
    const uint64_t end = steps_of(settings, CS_PRUNE_END);

    return end < begin ? begin : end;
}

bool cs_plan_prunes(const struct cs_settings *settings, uint64_t t)
{
    const uint64_t begin = prune_begin(settings), end = prune_end(settings);

    return is_given(settings, CS_PRUNE) && t >= begin && t <= end &&
           (t == end || (t - begin) % steps_of(settings, CS_PRUNE_EVERY) == 0);
}

/* The share at step 't', which chooses elements, in two parts: the result times
 * 2^-'*exponent', both whole numbers. */
static double
pruned_share(const struct cs_settings *settings, uint64_t t, int *exponent)
{
    const uint64_t begin = prune_begin(settings), end = prune_end(settings);
    const double p =
        t == end ? 1.0 : (double)(t - begin) / (double)(end - begin);
    const double q = 1.0 - p;
    const double share = feature(settings, CS_PRUNE) * (1.0 - q * q * q);
    const double fraction = frexp(share, exponent);

    *exponent = 53 - *exponent;
    return ldexp(fraction, 53);
}

/* 18 bits of the share's first part, from 'shift' on. */
static double
share_bits(const struct cs_settings *settings, uint64_t t, int shift)
{
    int exponent;

    if (!cs_plan_prunes(settings, t))
        return 0.0;

    const double share = pruned_share(settings, t, &exponent);

    return (double)((uint64_t)share >> shift & 0x3ffff);
}

static double share_high(const struct cs_settings *settings, uint64_t t)
{
    return share_bits(settings, t, 36);
}

static double share_middle(const struct cs_settings *settings, uint64_t t)
{
    return share_bits(settings, t, 18);
}

static double share_low(const struct cs_settings *settings, uint64_t t)
{
    return share_bits(settings, t, 0);
}

/* -1 in a step that chooses no elements. */
static double share_exponent(const struct cs_settings *settings, uint64_t t)
{
    int exponent;

    if (!cs_plan_prunes(settings, t))
        return -1.0;
    pruned_share(settings, t, &exponent);
    return exponent;
}

static bool prunes(const struct cs_settings *settings, enum cs_feature which)
{
    (void)which;
    return is_given(settings, CS_PRUNE);
}

/* --- the average ---------------------------------------------------------- */

/* The share of the parameters in their average: 1 for a copy. */
static double share(const struct cs_settings *settings, uint64_t t)
{
    const double begin = feature(settings, CS_EMA_BEGIN);

    if ((double)t <= begin + 1.0)
        return 1.0;
    return feature(settings, CS_EMA_FORM) == CS_EMA_EQUAL
               ? 1.0 / ((double)t - begin)
               : 1.0 - feature(settings, CS_EMA_DECAY);
}

static bool
has_average(const struct cs_settings *settings, enum cs_feature which)
{
    (void)which;
    return cs_settings_has_average(settings);
}

const struct cs_slot cs_average_slot = {"ema", "average of the parameters",
                                        .condition = "ema_decay"};
const struct cs_slot cs_pruned_slot = {
    "pruned", "1 where the parameter is held at zero", .condition = "prune"};

/* The scalar of each feature that has one, computed in double. */
static const struct {
    const char *name; /* in struct hyper; NULL where the feature has none */
    double (*prepare)(const struct cs_settings *settings, uint64_t t);
    bool (*is_on)(const struct cs_settings *settings, enum cs_feature which);
} scalars[CS_FEATURES] = {
    [CS_GRAD_SCALE] = {"unscale", unscale, is_given},
    [CS_CLIP_VALUE] = {"clip_value", clip_value, is_given},
    [CS_L1] = {"l1", l1, is_given},
    [CS_L2] = {"l2", l2, is_given},
    [CS_WEIGHT_DECAY] = {"decay_factor", decay_factor, is_given},
    [CS_PROX_L1] = {"soft_threshold", soft_threshold, is_given},
    [CS_MAX_NORM] = {"max_norm", max_norm, is_given},
    [CS_PRUNE] = {"share_high", share_high, prunes},
    [CS_PRUNE_BEGIN] = {"share_middle", share_middle, prunes},
    [CS_PRUNE_END] = {"share_low", share_low, prunes},
    [CS_PRUNE_EVERY] = {"share_exponent", share_exponent, prunes},
    [CS_EMA_DECAY] = {"ema_share", share, has_average},
};

/* Says whether the kernel gets the scalar of 'which'. */
static bool has_scalar(const struct cs_settings *settings, size_t which)
{
    return scalars[which].name != NULL &&
           scalars[which].is_on(settings, (enum cs_feature)which);
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

static void
write_slot(const char *name, const char *before, const char *between,
           const char *after, struct cs_text *text)
{
    cs_text_add(text, "%s%s", before, name);
    if (between != NULL)
        cs_text_add(text, "%s%s", between, name);
    cs_text_add(text, "%s", after);
}

/* Those of each element, and those that a step writes; those of a tensor. */
enum kind { OF_ELEMENTS, OF_ELEMENTS_WRITTEN, OF_TENSORS };

/* One piece of text for each slot of a kind: its name between 'before' and
 * 'after', and once more behind 'between' unless that is NULL. */
static void write_slots(const struct cs_settings *settings, enum kind kind,
                        const char *before, const char *between,
                        const char *after, struct cs_text *text)
{
    const struct cs_slot *slot = settings->rule->slots;

    for (; slot->name != NULL; slot++)
        if (cs_settings_has_slot(settings, slot) &&
            (kind == OF_TENSORS) == (slot->per_tensor != 0) &&
            !(kind == OF_ELEMENTS_WRITTEN && slot->read_only))
            write_slot(slot->name, before, between, after, text);
    if (kind == OF_TENSORS)
        return;

    /* With max_norm, these come after the kernel; it never writes the first. */
    if (is_given(settings, CS_MAX_NORM))
        return;
    if (is_given(settings, CS_PRUNE) && kind != OF_ELEMENTS_WRITTEN)
        write_slot(cs_pruned_slot.name, before, between, after, text);
    if (cs_settings_has_average(settings))
        write_slot(cs_average_slot.name, before, between, after, text);
}

/* Writes those features that a kernel sees: what others change, it is not to be
 * built again for. */
static void
write_features(const struct cs_settings *settings, const enum cs_feature *seen,
               size_t count, struct cs_text *text)
{
    const size_t own = cs_settings_own(settings->rule);
    clstep_setting_info info;

    for (size_t i = 0; i < count; i++)
        if (clstep_rule_setting(settings->rule, own + seen[i], &info))
            write_choice(settings, own + seen[i], &info, text);
}

/* When the parameter is multiplied by the decay factor, if the rule does not do
 * it all. */
static void
write_decay(const struct cs_settings *settings, struct cs_text *text)
{
    if (!is_given(settings, CS_WEIGHT_DECAY))
        return;
    if (settings->rule->decays_itself) {
        cs_text_add(text, "#define DECAY_IN_RULE\n");
        return;
    }
    switch ((int)feature(settings, CS_DECAY_FORM)) {
    case CS_DECAY_CAUTIOUS:
        cs_text_add(text, "#define DECAY_CAUTIOUS\n");
        break;
    case CS_DECAY_PROXIMAL:
        cs_text_add(text, "#define DECAY_AFTER\n");
        break;
    default:
        cs_text_add(text, "#define DECAY_BEFORE\n");
        break;
    }
}

/* Says whether the device decides by what the gradients are divided. */
static bool has_scale_in_memory(const struct cs_settings *settings)
{
    return cs_settings_has_dynamic_scale(settings) ||
           feature(settings, CS_DEVICE_SCALE) != 0.0;
}

/* Where a factor is: the text in front of the number of its kind, of which
 * there are as many for each tensor or row; between that and its own; behind.
 */
struct place {
    const char *before, *between, *after;
};

/* Defines what loads the factors of a tensor or a row, or what stores them. */
static void write_factors(const char *const *names, const struct place *place,
                          bool load, struct cs_text *text)
{
    size_t count = 0;

    while (names[count] != NULL)
        count++;
    for (size_t i = 0; i < count; i++) {
        if (load)
            cs_text_add(text, "s.%s = ", names[i]);
        cs_text_add(text, "%s%zu%s%zu%s", place->before, count, place->between,
                    i, place->after);
        if (!load)
            cs_text_add(text, " = s.%s", names[i]);
        cs_text_add(text, "; ");
    }
}

/* One piece of text for each slot that terms() reads. */
static void
write_read(const struct cs_settings *settings, const char *before,
           const char *between, const char *after, struct cs_text *text)
{
    const struct cs_slot *slot = settings->rule->slots;

    for (; slot->name != NULL; slot++)
        if (cs_settings_pass_reads(settings, slot->name))
            write_slot(slot->name, before, between, after, text);
}

/* What kind of pass there is. */
static void write_kind(const struct cs_pass *pass, struct cs_text *text)
{
    cs_text_add(text, "#define SUMS %d\n#define FACTORS\n", pass->sums);
    if (pass->counts)
        cs_text_add(text, "#define COUNTS\n");
    if (pass->row_sums != 0)
        cs_text_add(text,
                    "#define BY_ROWS\n#define ROW_FACTORS\n"
                    "#define LISTS %d\n",
                    pass->sums + pass->row_sums);
}

/* What factors.cl needs, and the step of its factors. */
static void write_pass(const struct cs_settings *settings, struct cs_text *text)
{
    static const struct place of_tensor = {"tensor_factors[", " * tensor + ",
                                           "]"},
                              of_row = {"row_factors[", " * (row) + ", "]"},
                              of_element = {"factor_of_row(row_factors, rows, ",
                                            ", ", ")"};
    const struct cs_pass *pass = cs_settings_pass(settings);

    cs_text_add(text, "#define SUMMED_ARGUMENTS ");
    write_read(settings, ", const global float *restrict slot_", NULL, "",
               text);
    cs_text_add(text, "\n#define LOAD_SUMMED(at) ");
    write_read(settings, "s.", " = slot_", "[at]; ", text);
    cs_text_add(text, "\n#define TENSOR_ARGUMENTS ");
    write_slots(settings, OF_TENSORS, ", global float *restrict slot_", NULL,
                "", text);
    cs_text_add(text, "\n#define LOAD_TENSOR ");
    write_slots(settings, OF_TENSORS, "s.", " = slot_", "[tensor]; ", text);
    cs_text_add(text, "\n#define STORE_TENSOR ");
    write_slots(settings, OF_TENSORS, "slot_", "[tensor] = s.", "; ", text);
    write_factors(pass->factors, &of_tensor, false, text);
    cs_text_add(text, "\n#define LOAD_FACTORS ");
    write_factors(pass->factors, &of_tensor, true, text);
    cs_text_add(text, "\n");
    if (pass->row_sums == 0)
        return;
    cs_text_add(text, "#define STORE_ROW_FACTORS(row) ");
    write_factors(pass->row_factors, &of_row, false, text);
    cs_text_add(text, "\n#define LOAD_ROW_FACTORS ");
    write_factors(pass->row_factors, &of_element, true, text);
    cs_text_add(text, "\n");
}

/* The members of the state that are factors. */
static void write_members(const char *const *names, struct cs_text *text)
{
    for (size_t i = 0; names[i] != NULL; i++)
        cs_text_add(text, " float %s;", names[i]);
}

void cs_plan_write(const struct cs_settings *settings, bool rows,
                   struct cs_text *text)
{
    static const enum cs_feature seen[] = {
        CS_GRAD_SCALE, CS_MAXIMIZE,         CS_CLIP_VALUE,
        CS_CLIP_NORM,  CS_CLIP_NORM_TENSOR, CS_L1,
        CS_L2,         CS_PROX_L1,          CS_MAX_NORM,
        CS_PRUNE,      CS_COPY_TYPE,        CS_GRAD_TYPE,
        CS_ZERO_GRAD,  CS_CAUTIOUS_UPDATE};
    const clstep_rule *rule = settings->rule;
    const struct cs_pass *pass = cs_settings_pass(settings);
    const size_t own = cs_settings_own(rule);
    clstep_setting_info info;

    for (size_t i = 0; i < own && clstep_rule_setting(rule, i, &info); i++)
        write_choice(settings, i, &info, text);
    write_features(settings, seen, sizeof(seen) / sizeof(*seen), text);
    write_decay(settings, text);
    if (has_scale_in_memory(settings))
        cs_text_add(text, "#define SCALE_IN_MEMORY\n");
    if (cs_settings_has_average(settings))
        cs_text_add(text, "#define AVERAGE\n");
    if (rule->sets_parameter)
        cs_text_add(text, "#define SETS_PARAMETER\n");
    if (rows)
        cs_text_add(text, "#define ROWS\n");
    if (pass != NULL)
        write_kind(pass, text);

    cs_text_add(text, "struct hyper {");
    for (size_t i = 0; rule->scalars[i] != NULL; i++)
        cs_text_add(text, " float %s;", rule->scalars[i]);
    for (size_t i = 0; i < CS_FEATURES; i++)
        if (has_scalar(settings, i))
            cs_text_add(text, " float %s;", scalars[i].name);

    /* The first member is there because a struct needs one. */
    cs_text_add(text, " };\nstruct state { float unused;");
    write_slots(settings, OF_ELEMENTS, " float ", NULL, ";", text);
    write_slots(settings, OF_TENSORS, " float ", NULL, ";", text);
    if (pass != NULL) {
        write_members(pass->factors, text);
        write_members(pass->row_factors, text);
    }
    cs_text_add(text, " };\n#define SLOT_ARGUMENTS ");
    write_slots(settings, OF_ELEMENTS, ", global float *restrict slot_", NULL,
                "", text);
    cs_text_add(text, "\n#define SLOT_MEMBERS ");
    write_slots(settings, OF_ELEMENTS, "global float *", NULL, "; ", text);
    cs_text_add(text, "\n#define SLOT_NAMES ");
    write_slots(settings, OF_ELEMENTS, "slot_", NULL, ", ", text);
    cs_text_add(text, "\n#define LOAD_STATE ");
    write_slots(settings, OF_ELEMENTS, "s->", " = a->", "[at]; ", text);
    cs_text_add(text, "\n#define STORE_STATE ");
    write_slots(settings, OF_ELEMENTS_WRITTEN, "a->", "[at] = s->", "; ", text);
    cs_text_add(text, "\n");
    if (pass != NULL)
        write_pass(settings, text);
}

void cs_plan_write_sums(const struct cs_settings *settings, bool grouped,
                        struct cs_text *text)
{
    static const enum cs_feature seen[] = {CS_GRAD_TYPE, CS_CHECK_FINITE,
                                           CS_CLIP_VALUE, CS_CLIP_NORM,
                                           CS_CLIP_NORM_TENSOR};

    write_features(settings, seen, sizeof(seen) / sizeof(*seen), text);
    if (cs_settings_has_dynamic_scale(settings))
        cs_text_add(text, "#define DYNAMIC_SCALE\n");
    if (has_scale_in_memory(settings))
        cs_text_add(text, "#define SCALE_IN_MEMORY\n");
    if (cs_settings_has_norm(settings))
        cs_text_add(text, "#define NORM\n");
    if (is_given(settings, CS_GRAD_SCALE))
        cs_text_add(text, "#define WITH_GRAD_SCALE\n");
    if (grouped)
        cs_text_add(text, "#define GROUP_A_CHUNK\n");
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
            packed[n++] = (float)scalars[i].prepare(settings, t);
    return n;
}

size_t cs_plan_texts(const struct cs_settings *settings,
                     const char *texts[CS_MAX_TEXTS])
{
    const clstep_rule *rule = settings->rule;
    const struct cs_pass *pass = cs_settings_pass(settings);
    size_t n = 0;

    texts[n++] =
        cs_kernel_text(rule->kernel != NULL ? rule->kernel : rule->name);
    if (pass != NULL && pass->kernel != NULL)
        texts[n++] = cs_kernel_text(pass->kernel);
    texts[n++] = cs_kernel_text("element");
    return n;
}

const char *clstep_rule_formula(const clstep_rule *rule)
{
    if (rule == NULL)
        return NULL;
    return cs_kernel_comment(rule->kernel != NULL ? rule->kernel : rule->name);
}
