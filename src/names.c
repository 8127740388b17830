/*
 * names.c - see names.h
 * SPDX-License-Identifier: MIT
 */
#include "names.h"
#include "error.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const clstep_setting_info *
cs_names_at(const struct cs_names *names, size_t index)
{
    if (index < names->own_count)
        return &names->own[index];
    return index - names->own_count < names->feature_count
               ? &names->features[index - names->own_count]
               : NULL;
}

int cs_names_find(const struct cs_names *names, const char *name)
{
    const clstep_setting_info *info;

    for (size_t i = 0; (info = cs_names_at(names, i)) != NULL; i++)
        if (strcmp(info->name, name) == 0)
            return (int)i;
    return -1;
}

/* Writes a value as the caller would: a number, or the name of a choice. */
static void write_value(const clstep_setting_info *info, double value,
                        char *text, size_t size)
{
    if (info->kind == CLSTEP_CHOICE)
        snprintf(text, size, "%s", info->choices[(int)value]);
    else
        snprintf(text, size, "%.9g", value);
}

bool cs_names_is_among(const struct cs_names *names, const double *value,
                       int index, const char *values)
{
    char text[32];

    write_value(cs_names_at(names, (size_t)index), value[index], text,
                sizeof(text));
    for (;;) {
        const size_t length = strcspn(values, "|");

        if (strlen(text) == length && strncmp(text, values, length) == 0)
            return true;
        if (values[length] == '\0')
            return false;
        values += length + 1;
    }
}

/* --- errors --------------------------------------------------------------- */

/* Adds 'name' to the list in 'text', as far as there is room. */
static void list_name(char *text, size_t size, const char *name)
{
    const size_t used = strlen(text);

    snprintf(text + used, size - used, "%s%s", used == 0 ? "" : ", ", name);
}

clstep_status cs_names_unknown(const struct cs_names *names, const char *name,
                               clstep_error *error)
{
    char own[160] = "", all[400] = "";

    for (size_t i = 0; i < names->own_count; i++)
        list_name(own, sizeof(own), names->own[i].name);
    for (size_t i = 0; i < names->feature_count; i++)
        list_name(all, sizeof(all), names->features[i].name);
    return cs_fail(error, CLSTEP_INVALID_ARGUMENT,
                   "%s has no setting '%.64s'; it has %s%s%s", names->owner,
                   name, own[0] != '\0' ? own : "none",
                   all[0] != '\0' ? ", and the features " : "", all);
}

static clstep_status
fail_choice(const struct cs_names *names, const clstep_setting_info *info,
            const char *given, clstep_error *error)
{
    char list[160] = "";

    for (const char *const *c = info->choices; *c != NULL; c++)
        list_name(list, sizeof(list), *c);
    if (given == NULL)
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT,
                       "%s of %s is a number; it is one of %s", info->name,
                       names->owner, list);
    return cs_fail(error, CLSTEP_INVALID_ARGUMENT,
                   "%s of %s is '%.64s'; it is one of %s", info->name,
                   names->owner, given, list);
}

/* --- checks --------------------------------------------------------------- */

/* A text of 9 digits, or of as many as make a number in [min, max] when it is
 * typed. */
static const char *
number_text(double number, double min, double max, char text[32])
{
    for (int digits = 9; digits <= 17; digits++) {
        snprintf(text, 32, "%.*g", digits, number);

        const double typed = strtod(text, NULL);

        if (typed >= min && typed <= max)
            break;
    }
    return text;
}

clstep_status
cs_names_check(const struct cs_names *names, const clstep_setting_info *info,
               double value, clstep_error *error)
{
    if (info->kind == CLSTEP_FLAG && value != 0.0 && value != 1.0)
        return cs_fail(error, CLSTEP_OUT_OF_RANGE,
                       "%s of %s is %.9g; it is 0 or 1", info->name,
                       names->owner, value);

    /* Written so that a NaN is out of range too. */
    if (!(value >= info->min && value <= info->max)) {
        char texts[3][32];

        return cs_fail(error, CLSTEP_OUT_OF_RANGE,
                       "%s of %s is %s, which is not in [%s, %s]", info->name,
                       names->owner, number_text(value, value, value, texts[0]),
                       number_text(info->min, info->min, info->max, texts[1]),
                       number_text(info->max, info->min, info->max, texts[2]));
    }
    if (info->kind == CLSTEP_COUNT && value != floor(value))
        return cs_fail(error, CLSTEP_OUT_OF_RANGE,
                       "%s of %s is %.17g, which is not a whole number",
                       info->name, names->owner, value);
    return CLSTEP_OK;
}

clstep_status
cs_names_check_needs(const struct cs_names *names, const struct cs_need *needs,
                     const double *value, const bool *given,
                     clstep_error *error)
{
    char text[32];

    for (const struct cs_need *need = needs; need->setting != NULL; need++) {
        const int index = cs_names_find(names, need->setting);
        const int other = cs_names_find(names, need->other);
        const clstep_setting_info *info = cs_names_at(names, (size_t)index);

        if (!given[index] || value[index] == info->initial ||
            cs_names_is_among(names, value, other, need->values))
            continue;
        write_value(info, value[index], text, sizeof(text));
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT,
                       "%s of %s is %s, which it may be only with %s=%s",
                       need->setting, names->owner, text, need->other,
                       need->values);
    }
    return CLSTEP_OK;
}

/* --- taking --------------------------------------------------------------- */

clstep_status
cs_names_take(const struct cs_names *names, const clstep_setting *setting,
              double *value, bool *given, bool *seen, clstep_error *error)
{
    const int index = cs_names_find(names, setting->name);

    if (index < 0)
        return cs_names_unknown(names, setting->name, error);

    const clstep_setting_info *info = cs_names_at(names, (size_t)index);

    if (seen[index] && info->kind != CLSTEP_LIST)
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT,
                       "%s of %s is given twice", setting->name, names->owner);
    seen[index] = given[index] = true;

    if (info->kind != CLSTEP_CHOICE) {
        if (setting->choice != NULL)
            return cs_fail(error, CLSTEP_INVALID_ARGUMENT,
                           "%s of %s is '%.64s'; it is a number", info->name,
                           names->owner, setting->choice);
        /* Of two zeros, the positive one: a value is compared as text too. */
        value[index] = info->kind == CLSTEP_LIST ? value[index] + 1.0
                                                 : setting->value + 0.0;
        return cs_names_check(names, info, setting->value, error);
    }
    for (int i = 0; setting->choice != NULL && info->choices[i] != NULL; i++) {
        if (strcmp(info->choices[i], setting->choice) == 0) {
            value[index] = i;
            return CLSTEP_OK;
        }
    }
    return fail_choice(names, info, setting->choice, error);
}
