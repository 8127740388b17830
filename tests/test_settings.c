/*
 * test_settings.c - what the rules take, and what they refuse
 * SPDX-License-Identifier: MIT
 *
 * Names, defaults and ranges are those of settings_by_hand.c; all else follows
 * from what the rules say of themselves.
 */
#include "rule.h"
#include "scene.h"
#include "settings_by_hand.h"

#include <ctype.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LIST = 8, MAX_GIVEN = 24 };

/* --- helpers -------------------------------------------------------------- */

/* 'list' is refused with 'status', in words that have the rule's name and all
 * of 'words', which have bars between them; also without an error. */
static void refused(const clstep_rule *rule, const clstep_setting *list,
                    clstep_status status, const char *words)
{
    clstep_error error = {CLSTEP_OK, 1, ""};
    char text[160];

    trial_describe(list, text, sizeof(text));
    if (clstep_rule_check(rule, list, &error) != status)
        fail_msg("%s with %s is not refused: %s", clstep_rule_name(rule), text,
                 error.message);
    assert_int_equal(clstep_rule_check(rule, list, NULL), status);
    check_error(&error, status, words);
    check_error(&error, status, clstep_rule_name(rule));
    assert_int_equal(error.cl_code, CL_SUCCESS);
}

static void accepted(const clstep_rule *rule, const clstep_setting *list)
{
    clstep_error error;
    char text[160];

    trial_describe(list, text, sizeof(text));
    if (clstep_rule_check(rule, list, &error) != CLSTEP_OK)
        fail_msg("%s with %s is refused: %s", clstep_rule_name(rule), text,
                 error.message);
}

/* A list of settings from words such as "form=ema nesterov=1". */
struct list {
    char text[128];
    clstep_setting settings[MAX_LIST + 1];
};

static const clstep_setting *parse(struct list *list, const char *text)
{
    size_t n = 0;

    *list = (struct list){{0}, {{0}}};
    snprintf(list->text, sizeof(list->text), "%s", text);
    for (char *word = strtok(list->text, " "); word != NULL;
         word = strtok(NULL, " ")) {
        char *value = strchr(word, '='), *end;

        assert_true(value != NULL && n < MAX_LIST);
        *value++ = '\0';
        list->settings[n].name = word;
        list->settings[n].value = strtod(value, &end);
        if (*end != '\0')
            list->settings[n].choice = value;
        n++;
    }
    return list->settings;
}

/* The setting 'name' at 'value', with what it needs beside it. */
static const clstep_setting *
alone(clstep_setting *list, const char *name, double value)
{
    list[0] = (clstep_setting){.name = name, .value = value};
    list[1] = (clstep_setting){0};
    list[2] = (clstep_setting){0};
    if (strcmp(name, "lr_max") == 0)
        list[1] = (clstep_setting){.name = "decay_form", .choice = "corrected"};
    if (strncmp(name, "scale_", 6) == 0)
        list[1] = (clstep_setting){.name = "check_finite", .value = 1.0};
    if (strncmp(name, "prune_", 6) == 0)
        list[1] = (clstep_setting){.name = "prune", .value = 0.5};
    if (strcmp(name, "ema_begin") == 0)
        list[1] = (clstep_setting){.name = "ema_decay", .value = 0.5};
    return list;
}

/* Says whether the rule can have lr_max: not where it decays itself. */
static bool takes_lr_max(const clstep_rule *rule)
{
    const clstep_setting list[] = {
        {.name = "decay_form", .choice = "corrected"}, {0}};

    return clstep_rule_check(rule, list, NULL) == CLSTEP_OK;
}

static bool is_rule_of(const struct table *table, const clstep_rule *rule)
{
    return strcmp(table->rule, clstep_rule_name(rule)) == 0;
}

static const struct table *table_of(const clstep_rule *rule)
{
    for (size_t i = 0; i < table_count; i++)
        if (is_rule_of(&tables[i], rule))
            return &tables[i];
    return NULL;
}

/* --- the list of rules ---------------------------------------------------- */

static void rules_are_enumerable(void **state)
{
    const clstep_rule *rule, *other;
    size_t count = 0;

    (void)state;
    for (; (rule = clstep_rule_at(count)) != NULL; count++) {
        assert_ptr_equal(clstep_rule_find(clstep_rule_name(rule)), rule);
        assert_true(strlen(clstep_rule_summary(rule)) > 0);
        assert_null(strchr(clstep_rule_summary(rule), '\n'));
        assert_non_null(strstr(clstep_rule_formula(rule), "\n"));
        for (size_t i = 0; i < count; i++) {
            other = clstep_rule_at(i);
            assert_string_not_equal(clstep_rule_name(rule),
                                    clstep_rule_name(other));
        }
    }
    assert_true(count >= table_count);
    assert_null(clstep_rule_at(count));
    assert_null(clstep_rule_at(SIZE_MAX));
    for (size_t i = 0; i < table_count; i++)
        assert_non_null(clstep_rule_find(tables[i].rule));
}

static void nothing_comes_of_nothing(void **state)
{
    const clstep_rule *sgd = clstep_rule_find("sgd");
    clstep_setting_info setting = {.name = "untouched"};
    clstep_slot_info slot = {.name = "untouched"};
    clstep_error error;

    (void)state;
    assert_null(clstep_rule_find(NULL));
    assert_null(clstep_rule_find(""));
    assert_null(clstep_rule_find("SGD"));
    assert_null(clstep_rule_find("sgd "));
    assert_null(clstep_rule_name(NULL));
    assert_null(clstep_rule_summary(NULL));
    assert_null(clstep_rule_formula(NULL));
    assert_int_equal(clstep_rule_setting(NULL, 0, &setting), 0);
    assert_int_equal(clstep_rule_setting(sgd, 0, NULL), 0);
    assert_int_equal(clstep_rule_setting(sgd, 1000, &setting), 0);
    assert_int_equal(clstep_rule_setting(sgd, SIZE_MAX, &setting), 0);
    assert_string_equal(setting.name, "untouched");
    assert_int_equal(clstep_rule_slot(NULL, 0, &slot), 0);
    assert_int_equal(clstep_rule_slot(sgd, 0, NULL), 0);
    assert_int_equal(clstep_rule_slot(sgd, 0, &slot), 0);
    assert_int_equal(clstep_rule_slot(sgd, SIZE_MAX, &slot), 0);
    assert_string_equal(slot.name, "untouched");
    assert_int_equal(clstep_rule_check(NULL, NULL, &error),
                     CLSTEP_INVALID_ARGUMENT);
    check_error(&error, CLSTEP_INVALID_ARGUMENT, "rule");
    assert_int_equal(clstep_rule_check(NULL, NULL, NULL),
                     CLSTEP_INVALID_ARGUMENT);
}

static void every_status_has_a_name(void **state)
{
    static const char *const names[] = {
        "ok",           "invalid argument",   "out of range", "out of memory",
        "build failed", "OpenCL call failed", "state torn",   "callback failed",
    };

    (void)state;
    for (int i = CLSTEP_OK; i <= CLSTEP_CALLBACK_FAILED; i++)
        assert_string_equal(clstep_status_name((clstep_status)i), names[i]);
    assert_non_null(clstep_status_name((clstep_status)99));
    assert_string_equal(clstep_verdict_name(CLSTEP_EXACT), "exact");
    assert_string_equal(clstep_verdict_name(CLSTEP_EXACT_THROUGH_DOUBLE),
                        "exact through double");
    assert_string_equal(clstep_verdict_name(CLSTEP_INEXACT), "inexact");
    assert_non_null(clstep_verdict_name((clstep_verdict)99));
    assert_string_equal(clstep_agreement_name(CLSTEP_AGREES), "agrees");
    assert_string_equal(clstep_agreement_name(CLSTEP_SUSPICIOUS), "suspicious");
    assert_string_equal(clstep_agreement_name(CLSTEP_WRONG), "wrong");
    assert_non_null(clstep_agreement_name((clstep_agreement)99));
    assert_string_equal(clstep_version(), "0.1.0");
}

/* --- names ---------------------------------------------------------------- */

/* Words that a kernel must not use for its own: keywords and types, macros, and
 * the built-in functions, some of which drivers make macros. */
static const char reserved[] =
    " auto break case char const continue default do double else enum extern "
    "float for goto half if inline int long register restrict return short "
    "signed sizeof static struct switch typedef union unsigned void volatile "
    "while bool uchar ushort uint ulong size_t ptrdiff_t intptr_t uintptr_t "
    "event_t sampler_t image2d_t image3d_t pipe complex imaginary quad vector "
    "kernel global local constant private generic uniform read_only write_only "
    "read_write attribute true false this class template new delete operator "
    "NAN INFINITY MAXFLOAT HUGE_VAL HUGE_VALF CHAR_BIT INT_MAX LONG_MAX M_PI "
    "M_E FLT_MAX FLT_MIN FLT_EPSILON FLT_DIG DBL_MAX "
    "abs abs_diff acos acosh acospi add_sat all any as_float as_int asin asinh "
    "asinpi async_work_group_copy atan atan2 atan2pi atanh atanpi atomic_add "
    "atomic_and atomic_cmpxchg atomic_dec atomic_inc atomic_max atomic_min "
    "atomic_or atomic_sub atomic_xchg atomic_xor barrier bitselect cbrt ceil "
    "clamp clz convert_float convert_int copysign cos cosh cospi cross degrees "
    "distance dot erf erfc exp exp10 exp2 expm1 fabs fast_distance "
    "fast_length fast_normalize fdim floor fma fmax fmin fmod fract frexp "
    "get_global_id get_global_offset get_global_size get_group_id get_local_id "
    "get_local_size get_num_groups get_work_dim hadd half_cos half_divide "
    "half_exp half_log half_powr half_recip half_rsqrt half_sin half_sqrt "
    "half_tan hypot ilogb isequal isfinite isgreater isgreaterequal isinf "
    "isless islessequal islessgreater isnan isnormal isnotequal isordered "
    "isunordered ldexp length lgamma lgamma_r log log10 log1p log2 logb mad "
    "mad24 mad_hi mad_sat max maxmag mem_fence min minmag mix modf mul24 "
    "mul_hi nan native_cos native_divide native_exp native_log native_powr "
    "native_recip native_rsqrt native_sin native_sqrt native_tan nextafter "
    "normalize popcount pow pown powr prefetch printf radians "
    "read_mem_fence remainder remquo rhadd rint rootn rotate round rsqrt "
    "select shuffle shuffle2 sign signbit sin sincos sinh sinpi smoothstep "
    "sqrt step sub_sat tan tanh tanpi tgamma trunc upsample vec_step vload4 "
    "vload_half vstore4 vstore_half wait_group_events write_mem_fence divide "
    "root mean sign_of larger limited direction new_parameter ";

static bool is_reserved(const char *name)
{
    char word[64];

    snprintf(word, sizeof(word), " %s ", name);
    return strstr(reserved, word) != NULL;
}

/* Lower case, digits and single underlines; not an OpenCL C word. */
static void check_name(const clstep_rule *rule, const char *name)
{
    bool good = islower((unsigned char)name[0]) && !is_reserved(name) &&
                strlen(name) < 32 && strstr(name, "__") == NULL;

    for (const char *c = name; *c != '\0'; c++)
        good = good && (islower((unsigned char)*c) ||
                        isdigit((unsigned char)*c) || *c == '_');
    if (!good)
        fail_msg("%s: the name '%s' is not fit for a kernel",
                 clstep_rule_name(rule), name);
}

static bool is_slot_of_elements(const clstep_rule *rule, const char *name)
{
    clstep_slot_info slot;

    for (size_t i = 0; clstep_rule_slot(rule, i, &slot); i++)
        if (strcmp(slot.name, name) == 0)
            return !slot.per_tensor;
    return false;
}

/* A factor is a member of the state, where slots are too. */
static void check_factor(const clstep_rule *rule, const char *name)
{
    clstep_slot_info slot;

    check_name(rule, name);
    for (size_t i = 0; clstep_rule_slot(rule, i, &slot); i++)
        assert_string_not_equal(slot.name, name);
}

static void names_suit_a_kernel(void **state)
{
    const clstep_rule *rule = *state;
    clstep_setting_info info, other;
    clstep_slot_info slot;

    check_name(rule, clstep_rule_name(rule));
    assert_true(clstep_rule_setting(rule, 0, &info));
    assert_string_equal(info.name, "lr");
    for (size_t i = 0; clstep_rule_setting(rule, i, &info); i++) {
        check_name(rule, info.name);
        assert_true(strlen(info.summary) > 0);
        assert_null(strchr(info.summary, '\n'));
        for (size_t k = 0; k < i && clstep_rule_setting(rule, k, &other); k++)
            assert_string_not_equal(info.name, other.name);
        for (int k = 0; info.choices != NULL && info.choices[k] != NULL; k++)
            assert_true(islower((unsigned char)info.choices[k][0]));
    }
    for (size_t i = 0; clstep_rule_slot(rule, i, &slot); i++) {
        check_name(rule, slot.name);
        assert_true(strlen(slot.summary) > 0);
    }
    for (size_t i = 0; rule->scalars[i] != NULL; i++) {
        check_name(rule, rule->scalars[i]);
        for (size_t k = 0; k < feature_count; k++)
            assert_string_not_equal(rule->scalars[i], features[k].name);
    }
    for (size_t i = 0; rule->pass.factors[i] != NULL; i++)
        check_factor(rule, rule->pass.factors[i]);
    for (size_t i = 0; rule->pass.row_factors[i] != NULL; i++)
        check_factor(rule, rule->pass.row_factors[i]);
    for (size_t i = 0; rule->pass.reads[i] != NULL; i++)
        assert_true(strcmp(rule->pass.reads[i], "parameters") == 0 ||
                    is_slot_of_elements(rule, rule->pass.reads[i]));
}

/* --- the table ------------------------------------------------------------ */

static void join(const clstep_setting_info *info, char *text, size_t size)
{
    size_t used = 0;

    text[0] = '\0';
    for (int i = 0; info->choices != NULL && info->choices[i] != NULL; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s",
                                 i == 0 ? "" : "|", info->choices[i]);
}

static void check_row(const clstep_rule *rule, const struct row *row,
                      double initial, const clstep_setting_info *info)
{
    const clstep_setting_kind kind = row->range == CHOICE ? CLSTEP_CHOICE
                                     : row->range == FLAG ? CLSTEP_FLAG
                                                          : CLSTEP_NUMBER;
    char choices[128];

    assert_string_equal(info->name, row->name);
    if (info->kind != kind || info->optional != row->optional ||
        info->given != (initial != row->initial && kind == CLSTEP_NUMBER) ||
        info->initial != initial)
        fail_msg("%s of %s: the kind, or the default %.9g, is wrong",
                 info->name, clstep_rule_name(rule), info->initial);
    if (kind == CLSTEP_CHOICE) {
        join(info, choices, sizeof(choices));
        assert_string_equal(choices, row->choices);
    } else if (info->min != ranges[row->range].min ||
               info->max != ranges[row->range].max || info->choices != NULL)
        fail_msg("%s of %s: [%.9g, %.9g] is wrong", info->name,
                 clstep_rule_name(rule), info->min, info->max);
}

static void check_slots(const clstep_rule *rule, const char *expected)
{
    char text[128] = "";
    size_t used = 0;
    clstep_slot_info slot;

    for (size_t i = 0; clstep_rule_slot(rule, i, &slot); i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s%s%s",
                                 i == 0 ? "" : " ", slot.name,
                                 slot.condition != NULL ? ":" : "",
                                 slot.condition != NULL ? slot.condition : "");
    assert_string_equal(text, expected);
}

/* A rule that the table lacks still has the features. */
static void rule_is_as_written(void **state)
{
    const clstep_rule *rule = *state;
    const struct table *table = table_of(rule);
    clstep_setting_info info;
    size_t i = 0;

    while (clstep_rule_setting(rule, i, &info) && !info.feature) {
        if (table != NULL) {
            assert_non_null(table->settings[i].name);
            check_row(rule, &table->settings[i], table->settings[i].initial,
                      &info);
        }
        i++;
    }
    if (table != NULL) {
        assert_null(table->settings[i].name);
        check_slots(rule, table->slots);
    }
    for (size_t k = 0; k < feature_count; k++) {
        const bool own = table != NULL && table->own != NULL &&
                         strcmp(table->own, features[k].name) == 0;

        assert_true(clstep_rule_setting(rule, i + k, &info));
        assert_int_equal(info.feature, 1);
        if (table != NULL)
            check_row(rule, &features[k],
                      own ? table->initial : features[k].initial, &info);
    }
    assert_false(clstep_rule_setting(rule, i + feature_count, &info));
}

/* --- numbers -------------------------------------------------------------- */

static void defaults_are_legal(void **state)
{
    const clstep_rule *rule = *state;
    clstep_setting list[3] = {{0}};
    clstep_setting_info info;

    accepted(rule, NULL);
    accepted(rule, list);
    for (size_t i = 0; clstep_rule_setting(rule, i, &info); i++) {
        alone(list, info.name, info.initial);
        if (info.kind == CLSTEP_CHOICE)
            list[0].choice = info.choices[(int)info.initial];
        if (strcmp(info.name, "lr_max") != 0)
            accepted(rule, list);
    }
}

static void numbers_keep_their_range(void **state)
{
    const clstep_rule *rule = *state;
    clstep_setting list[3];
    clstep_setting_info info;
    char words[64];

    for (size_t i = 0; clstep_rule_setting(rule, i, &info); i++) {
        if (info.kind != CLSTEP_NUMBER ||
            (strcmp(info.name, "lr_max") == 0 && !takes_lr_max(rule)))
            continue;

        const double outside[] = {nextafter(info.min, -HUGE_VAL),
                                  nextafter(info.max, HUGE_VAL),
                                  (double)NAN,
                                  -(double)NAN,
                                  HUGE_VAL,
                                  -HUGE_VAL,
                                  -1.0,
                                  -DBL_TRUE_MIN};

        accepted(rule, alone(list, info.name, info.min));
        accepted(rule, alone(list, info.name, info.max));
        if (info.min == 0.0)
            accepted(rule, alone(list, info.name, -0.0));
        for (size_t k = 0; k < sizeof(outside) / sizeof(*outside); k++) {
            double value, bounds[2];
            clstep_error error;

            snprintf(words, sizeof(words), "%s of ", info.name);
            refused(rule, alone(list, info.name, outside[k]),
                    CLSTEP_OUT_OF_RANGE, words);

            /* What the sentence says can be typed: the value is refused again,
             * and the bounds are taken. */
            clstep_rule_check(rule, list, &error);
            assert_int_equal(sscanf(strstr(error.message, " is "),
                                    " is %lf, which is not in [%lf, %lf]",
                                    &value, &bounds[0], &bounds[1]),
                             3);
            assert_true(value == outside[k] || isnan(value));
            for (size_t b = 0; b < 2; b++) {
                const double bound = b == 0 ? info.min : info.max;

                assert_true(fabs(bounds[b] - bound) <= 1e-8 * fabs(bound));
                accepted(rule, alone(list, info.name, bounds[b]));
            }
        }
    }
}

static void forms_are_kept_apart(void **state)
{
    static const double no_flags[] = {
        0.5, 2.0, -1.0, (double)NAN, HUGE_VAL, 0x1p-1074, 0x1.0000000000001p0};
    const clstep_rule *rule = *state;
    clstep_setting list[3];
    clstep_setting_info info;
    char words[64];

    for (size_t i = 0; clstep_rule_setting(rule, i, &info); i++) {
        snprintf(words, sizeof(words), "%s|number", info.name);
        alone(list, info.name, info.initial);
        if (info.kind != CLSTEP_CHOICE) {
            list[0].choice = "torch";
            refused(rule, list, CLSTEP_INVALID_ARGUMENT, words);
            list[0].choice = "1";
            refused(rule, list, CLSTEP_INVALID_ARGUMENT, words);
        } else {
            refused(rule, list, CLSTEP_INVALID_ARGUMENT, words);
            list[0].choice = "no such value";
            snprintf(words, sizeof(words), "%s|no such value|%s", info.name,
                     info.choices[0]);
            refused(rule, list, CLSTEP_INVALID_ARGUMENT, words);
            list[0].choice = "";
            refused(rule, list, CLSTEP_INVALID_ARGUMENT, info.name);
        }
        for (size_t k = 0; k < sizeof(no_flags) / sizeof(*no_flags) &&
                           info.kind == CLSTEP_FLAG;
             k++) {
            snprintf(words, sizeof(words), "%s|0 or 1", info.name);
            refused(rule, alone(list, info.name, no_flags[k]),
                    CLSTEP_OUT_OF_RANGE, words);
        }
        if (info.kind != CLSTEP_FLAG)
            continue;
        if (strcmp(info.name, "cautious_update") == 0 && !rule->cautious)
            refused(rule, alone(list, info.name, 1.0), CLSTEP_INVALID_ARGUMENT,
                    "cautious_update|adamw, lion");
        else
            accepted(rule, alone(list, info.name, 1.0));
    }
}

static void names_are_checked(void **state)
{
    static const char *const unknown[] = {
        "no_such_setting", "", "LR", "lr ", "lrs", "l", "two\nlines\ttabs"};
    const clstep_rule *rule = *state;
    clstep_setting_info info;

    for (size_t i = 0; i < sizeof(unknown) / sizeof(*unknown); i++) {
        const clstep_setting list[] = {{.name = "lr", .value = 0.1},
                                       {.name = unknown[i], .value = 0.5},
                                       {0}};

        refused(rule, list, CLSTEP_INVALID_ARGUMENT,
                i == 0 ? "no_such_setting|lr" : "lr");
    }

    /* A long name leaves room for all that there are. */
    const clstep_setting longest[] = {
        {.name =
             "a_name_of_sixty_four_characters_and_more_that_no_setting_has_of"
             "_course"},
        {0}};
    clstep_error error = {0};

    clstep_rule_check(rule, longest, &error);
    for (size_t i = 0; clstep_rule_setting(rule, i, &info); i++)
        assert_non_null(strstr(error.message, info.name));
    assert_true(strlen(error.message) + 1 < sizeof(error.message));
    assert_string_equal(error.message + strlen(error.message) - 11,
                        ", zero_grad");
    for (size_t i = 0; clstep_rule_setting(rule, i, &info); i++) {
        clstep_setting one = {.name = info.name, .value = info.initial};

        if (info.kind == CLSTEP_CHOICE)
            one.choice = info.choices[0];
        if (strcmp(info.name, "lr_max") == 0)
            one.value = 0.5;

        const clstep_setting corrected = {.name = "decay_form",
                                          .choice = "corrected"};
        const clstep_setting twice[] = {one, one, {0}};
        const clstep_setting apart[] = {
            one,
            strcmp(one.name, "lr_max") == 0
                ? corrected
                : (clstep_setting){.name = "l1", .value = 0.0},
            one,
            {0}};

        refused(rule, twice, CLSTEP_INVALID_ARGUMENT, info.name);
        refused(rule, apart, CLSTEP_INVALID_ARGUMENT,
                strcmp(info.name, "l1") == 0 ? "l1|twice" : "twice");
    }
}

/* --- combinations --------------------------------------------------------- */

static const struct {
    const char *rule, *settings;
    clstep_status status;
    const char *words;
} combinations[] = {
    {"momentum", "nesterov=1", CLSTEP_OK, ""},
    {"momentum", "nesterov=1 form=torch", CLSTEP_OK, ""},
    {"momentum", "nesterov=1 form=classical", CLSTEP_OK, ""},
    {"momentum", "form=ema nesterov=0", CLSTEP_OK, ""},
    {"momentum", "nesterov=1 form=ema", CLSTEP_INVALID_ARGUMENT,
     "nesterov|form|torch|classical"},
    {"momentum", "form=ema_debiased nesterov=1", CLSTEP_INVALID_ARGUMENT,
     "nesterov|form"},
    {"momentum", "form=twice nesterov=1", CLSTEP_INVALID_ARGUMENT,
     "nesterov|form"},
    {"momentum", "dampening=0.5", CLSTEP_OK, ""},
    {"momentum", "dampening=0 form=ema", CLSTEP_OK, ""},
    {"momentum", "dampening=0 nesterov=1", CLSTEP_OK, ""},
    {"momentum", "dampening=0.5 nesterov=0", CLSTEP_OK, ""},
    {"momentum", "dampening=0.5 nesterov=1", CLSTEP_INVALID_ARGUMENT,
     "dampening|0.5|nesterov"},
    {"momentum", "nesterov=1 dampening=0.5", CLSTEP_INVALID_ARGUMENT,
     "dampening|nesterov"},
    {"momentum", "dampening=0.5 form=classical", CLSTEP_INVALID_ARGUMENT,
     "dampening|form|torch"},
    {"momentum", "dampening=0.5 form=ema", CLSTEP_INVALID_ARGUMENT,
     "dampening|form"},
    {"momentum", "dampening=0.5 form=ema_debiased", CLSTEP_INVALID_ARGUMENT,
     "dampening|form"},
    {"momentum", "form=twice dampening=0.5", CLSTEP_INVALID_ARGUMENT,
     "dampening|form"},
    {"nadam", "momentum_decay=1", CLSTEP_OK, ""},
    {"nadam", "momentum_decay=0.004 form=keras", CLSTEP_OK, ""},
    {"nadam", "momentum_decay=1 form=keras", CLSTEP_INVALID_ARGUMENT,
     "momentum_decay|form|torch"},
    {"nadam", "form=simple momentum_decay=0.5", CLSTEP_INVALID_ARGUMENT,
     "momentum_decay|form"},
    {"ftrl", "decay_form=proximal weight_decay=0.1", CLSTEP_OK, ""},
    {"ftrl", "decay_form=cautious weight_decay=0.1", CLSTEP_INVALID_ARGUMENT,
     "decay_form|cautious"},
    {"ftrl", "decay_form=cautious", CLSTEP_INVALID_ARGUMENT, "decay_form"},
    {"adam", "decay_form=cautious", CLSTEP_OK, ""},
    {"adan", "weight_decay=0.1", CLSTEP_OK, ""},
    {"adan", "decay_form=lr weight_decay=0.1", CLSTEP_OK, ""},
    {"adan", "lr_max=0.5", CLSTEP_INVALID_ARGUMENT, "lr_max|corrected"},
    {"asgd", "decay_form=cautious", CLSTEP_INVALID_ARGUMENT, "decay_form"},
    {"schedule_free_sgd", "decay_form=lr weight_decay=0.1", CLSTEP_OK, ""},
    {"schedule_free_sgd", "decay_form=independent weight_decay=0.1",
     CLSTEP_INVALID_ARGUMENT, "decay_form|independent|lr"},
    {"schedule_free_sgd", "decay_form=corrected", CLSTEP_INVALID_ARGUMENT,
     "decay_form|corrected"},
    {"schedule_free_adamw", "decay_form=cautious", CLSTEP_INVALID_ARGUMENT,
     "decay_form|cautious"},
    {"schedule_free_adamw", "decay_form=proximal", CLSTEP_INVALID_ARGUMENT,
     "decay_form|proximal"},
    {"schedule_free_adamw", "lr_max=0.5", CLSTEP_INVALID_ARGUMENT,
     "lr_max|decay_form"},
    {"lamb", "decay_form=independent", CLSTEP_INVALID_ARGUMENT,
     "decay_form|independent|lr"},
    {"adamp", "decay_form=cautious", CLSTEP_INVALID_ARGUMENT, "decay_form"},
    {"adamw", "cautious_update=1 decay_form=cautious", CLSTEP_OK, ""},
    {"lion", "cautious_update=1", CLSTEP_OK, ""},
    {"adam", "cautious_update=1", CLSTEP_INVALID_ARGUMENT,
     "cautious_update|adamw, lion"},
    {"adam", "clip_norm=1 clip_norm_tensor=1", CLSTEP_INVALID_ARGUMENT,
     "clip_norm|clip_norm_tensor|together"},
    {"adam", "scale_start=8", CLSTEP_INVALID_ARGUMENT, "scale_|check_finite"},
    {"adam", "scale_start=8 check_finite=1", CLSTEP_OK, ""},
    {"adam", "grad_scale=2 scale_growth=2 check_finite=1",
     CLSTEP_INVALID_ARGUMENT, "grad_scale|scale_growth|together"},
    {"adam", "device_scale=1 grad_scale=2", CLSTEP_INVALID_ARGUMENT,
     "device_scale|grad_scale"},
    {"adam", "prune_begin=3", CLSTEP_INVALID_ARGUMENT, "prune_begin|prune"},
    {"adam", "prune_end=3", CLSTEP_INVALID_ARGUMENT, "prune_end|prune"},
    {"adam", "prune_every=3", CLSTEP_INVALID_ARGUMENT, "prune_every|prune"},
    {"adam", "prune_end=3 prune=0 prune_begin=5 prune_every=1", CLSTEP_OK, ""},
    {"adam", "ema_begin=3", CLSTEP_INVALID_ARGUMENT, "ema_begin|ema_decay"},
    {"adam", "ema_begin=3 ema_form=equal", CLSTEP_OK, ""},
    {"adam", "lr_max=0.5", CLSTEP_INVALID_ARGUMENT, "lr_max|corrected"},
    {"adam", "lr_max=0.5 decay_form=lr", CLSTEP_INVALID_ARGUMENT,
     "lr_max|decay_form|corrected"},
    {"adam", "decay_form=independent lr_max=0.5", CLSTEP_INVALID_ARGUMENT,
     "lr_max|corrected"},
    {"adam", "decay_form=corrected", CLSTEP_OK, ""},
    {"adam", "decay_form=corrected lr_max=0.5 lr=0.1", CLSTEP_OK, ""},
    {"adam", "decay_form=corrected lr=0 lr_max=0.5", CLSTEP_OK, ""},
    {"adam", "decay_form=corrected lr=0", CLSTEP_OUT_OF_RANGE, "lr_max|lr"},
    {"adam", "lr=0 decay_form=corrected weight_decay=0.1", CLSTEP_OUT_OF_RANGE,
     "lr_max"},
    {"adam", "decay_form=corrected lr=1e-40", CLSTEP_OUT_OF_RANGE, "lr_max"},
    {"adam", "decay_form=independent lr=0", CLSTEP_OK, ""},
    {"sgd", "lr=0", CLSTEP_OK, ""},
    {"ftrl", "lr=0", CLSTEP_OUT_OF_RANGE, "lr"},
};

static void combinations_are_checked(void **state)
{
    struct list list;

    (void)state;
    for (size_t i = 0; i < sizeof(combinations) / sizeof(*combinations); i++) {
        const clstep_rule *rule = clstep_rule_find(combinations[i].rule);

        parse(&list, combinations[i].settings);
        if (combinations[i].status == CLSTEP_OK)
            accepted(rule, list.settings);
        else
            refused(rule, list.settings, combinations[i].status,
                    combinations[i].words);
    }
}

/* What rule_check refuses, create refuses too, in the same words. */
static void create_checks_the_same(void **state)
{
    clstep_layout *layout = fixture_layout(4);
    struct list list;

    (void)state;
    for (size_t i = 0; i < sizeof(combinations) / sizeof(*combinations); i++) {
        clstep_optimizer *optimizer = (clstep_optimizer *)layout;
        clstep_error checked = {0}, created = {0};

        if (combinations[i].status == CLSTEP_OK)
            continue;
        parse(&list, combinations[i].settings);
        clstep_rule_check(clstep_rule_find(combinations[i].rule), list.settings,
                          &checked);
        assert_int_equal(clstep_optimizer_create(
                             fixture_place()->device, combinations[i].rule,
                             list.settings, layout, &optimizer, &created),
                         combinations[i].status);
        assert_null(optimizer);
        assert_string_equal(checked.message, created.message);
    }
    clstep_layout_release(layout);
}

/* --- set and get ---------------------------------------------------------- */

static double get(const clstep_optimizer *optimizer, const char *name)
{
    clstep_error error;
    double value = -1.0;

    fixture_ok(clstep_optimizer_get(optimizer, name, &value, &error), &error);
    return value;
}

/* Setting 'name' to 'value' is refused, and changes nothing. */
static void set_refused(clstep_optimizer *optimizer, const char *name,
                        double value, clstep_status status, const char *word)
{
    const double before = get(optimizer, name);
    clstep_error error = {0};

    assert_int_equal(clstep_optimizer_set(optimizer, name, value, &error),
                     status);
    check_error(&error, status, name);
    check_error(&error, status, word);
    assert_int_equal(clstep_optimizer_set(optimizer, name, value, NULL),
                     status);
    assert_true(get(optimizer, name) == before);
}

static void
set_accepted(clstep_optimizer *optimizer, const char *name, double value)
{
    clstep_error error;

    fixture_ok(clstep_optimizer_set(optimizer, name, value, &error), &error);
    assert_true(get(optimizer, name) == value);
}

static void check_set(clstep_optimizer *optimizer,
                      const clstep_setting_info *info, bool given)
{
    if (info->kind != CLSTEP_NUMBER) {
        set_refused(optimizer, info->name, info->initial,
                    CLSTEP_INVALID_ARGUMENT, "fixed");
        set_refused(optimizer, info->name, 1.0, CLSTEP_INVALID_ARGUMENT,
                    "creation");
        return;
    }
    if (info->optional && !given) {
        set_refused(optimizer, info->name, info->max, CLSTEP_INVALID_ARGUMENT,
                    "creation");
        set_refused(optimizer, info->name, info->initial,
                    CLSTEP_INVALID_ARGUMENT, "creation");
        return;
    }
    set_accepted(optimizer, info->name, info->min);
    set_accepted(optimizer, info->name, info->max);
    set_refused(optimizer, info->name, nextafter(info->max, HUGE_VAL),
                CLSTEP_OUT_OF_RANGE, "[");
    set_refused(optimizer, info->name, nextafter(info->min, -HUGE_VAL),
                CLSTEP_OUT_OF_RANGE, "[");
    set_refused(optimizer, info->name, (double)NAN, CLSTEP_OUT_OF_RANGE, "nan");
}

/* Without settings: the rule's numbers can be set, other things cannot. */
static void defaults_can_be_set(void **state)
{
    const clstep_rule *rule = *state;
    const struct table *table = table_of(rule);
    clstep_optimizer *optimizer =
        fixture_optimizer(clstep_rule_name(rule), NULL, 1);
    clstep_setting_info info;

    for (size_t i = 0; clstep_rule_setting(rule, i, &info); i++)
        assert_true(get(optimizer, info.name) ==
                    (strcmp(info.name, "lr_max") == 0 ? get(optimizer, "lr")
                                                      : info.initial));
    for (size_t i = 0; clstep_rule_setting(rule, i, &info); i++)
        check_set(optimizer, &info,
                  table != NULL && table->own != NULL &&
                      strcmp(table->own, info.name) == 0);
    clstep_optimizer_release(optimizer);
}

/* What cannot be given together with others of its kind. */
static bool left_out(const clstep_rule *rule, const char *name)
{
    return strcmp(name, "grad_scale") == 0 ||
           strcmp(name, "clip_norm_tensor") == 0 ||
           (strcmp(name, "lr_max") == 0 && !takes_lr_max(rule));
}

/* Whatever optional number was given at creation can be set later. */
static void given_numbers_can_be_set(void **state)
{
    const clstep_rule *rule = *state;
    clstep_setting list[MAX_GIVEN + 1] = {
        {.name = "decay_form",
         .choice = takes_lr_max(rule) ? "corrected" : "lr"},
        {.name = "check_finite", .value = 1.0}};
    clstep_setting_info info;
    size_t n = 2;

    for (size_t i = 0; clstep_rule_setting(rule, i, &info); i++)
        if (info.optional && !left_out(rule, info.name) && n < MAX_GIVEN)
            list[n++] = (clstep_setting){.name = info.name, .value = info.max};

    clstep_optimizer *optimizer =
        fixture_optimizer(clstep_rule_name(rule), list, 1);

    for (size_t i = 0; clstep_rule_setting(rule, i, &info); i++) {
        if (!info.optional || left_out(rule, info.name))
            continue;
        assert_true(get(optimizer, info.name) == info.max);
        check_set(optimizer, &info, true);
    }
    clstep_optimizer_release(optimizer);
}

static const struct {
    const char *rule, *settings, *name;
    double value;
    const char *word;
} late_refusals[] = {
    {"nadam", "form=keras", "momentum_decay", 1.0, "form"},
    {"nadam", "form=simple", "momentum_decay", 1.0, "form"},
    {"momentum", "nesterov=1", "dampening", 0.5, "nesterov"},
    {"momentum", "form=ema", "dampening", 0.5, "form"},
    {"adam", "decay_form=corrected", "lr_max", 0.5, "creation"},
    {"adam", "decay_form=corrected weight_decay=0.1", "lr_max", 0.5,
     "creation"},
};

static void set_keeps_combinations(void **state)
{
    struct list list;

    (void)state;
    for (size_t i = 0; i < sizeof(late_refusals) / sizeof(*late_refusals);
         i++) {
        clstep_optimizer *optimizer = fixture_optimizer(
            late_refusals[i].rule, parse(&list, late_refusals[i].settings), 1);

        set_refused(optimizer, late_refusals[i].name, late_refusals[i].value,
                    CLSTEP_INVALID_ARGUMENT, late_refusals[i].word);
        clstep_optimizer_release(optimizer);
    }
}

static void get_tells_choices_and_defaults(void **state)
{
    struct list list;
    clstep_optimizer *adam = fixture_optimizer(
        "adam",
        parse(&list, "lr=0.25 eps_form=hat amsgrad=1 decay_form=corrected"), 1);
    clstep_error error;
    double value = 7.0;

    (void)state;
    assert_true(get(adam, "lr") == 0.25);
    assert_true(get(adam, "eps_form") == 2.0);
    assert_true(get(adam, "amsgrad") == 1.0);
    assert_true(get(adam, "decay_form") == 2.0);
    assert_true(get(adam, "beta1") == 0.9);
    assert_true(get(adam, "lr_max") == 0.25);
    set_accepted(adam, "lr", 0.0);
    assert_true(get(adam, "lr_max") == 0.25);
    assert_int_equal(clstep_optimizer_get(adam, "no_such", &value, &error),
                     CLSTEP_INVALID_ARGUMENT);
    check_error(&error, CLSTEP_INVALID_ARGUMENT, "no_such");
    assert_true(value == 7.0);
    assert_int_equal(clstep_optimizer_set(adam, "no_such", 1.0, &error),
                     CLSTEP_INVALID_ARGUMENT);
    check_error(&error, CLSTEP_INVALID_ARGUMENT, "no_such");
    clstep_optimizer_release(adam);
}

/* -------------------------------------------------------------------------- */

int main(void)
{
    static const struct CMUnitTest fixed[] = {
        cmocka_unit_test(rules_are_enumerable),
        cmocka_unit_test(nothing_comes_of_nothing),
        cmocka_unit_test(every_status_has_a_name),
        cmocka_unit_test(combinations_are_checked),
        cmocka_unit_test(create_checks_the_same),
        cmocka_unit_test(set_keeps_combinations),
        cmocka_unit_test(get_tells_choices_and_defaults),
    };
    static const struct property properties[] = {
        {"names suit a kernel", names_suit_a_kernel},
        {"is as written", rule_is_as_written},
        {"defaults are legal", defaults_are_legal},
        {"numbers keep their range", numbers_keep_their_range},
        {"forms are kept apart", forms_are_kept_apart},
        {"names are checked", names_are_checked},
        {"defaults can be set", defaults_can_be_set},
        {"given numbers can be set", given_numbers_can_be_set},
    };

    return run_properties("settings", fixed, sizeof(fixed) / sizeof(*fixed),
                          properties, sizeof(properties) / sizeof(*properties));
}
