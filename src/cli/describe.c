/*
 * describe.c - settings and formulas, for people and as JSON
 * SPDX-License-Identifier: MIT
 */
#include "cli.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Whether a number has a default: that of lr_max is another setting. */
static bool has_default(const clstep_setting_info *info)
{
    return info->initial >= info->min && info->initial <= info->max;
}

const char *cli_default_text(const clstep_setting_info *info, char text[32])
{
    return has_default(info) ? cli_number_text(info->initial, text) : "none";
}

const char *
cli_bound_text(const clstep_setting_info *info, double bound, char text[32])
{
    for (int digits = 9; digits <= 17; digits++) {
        snprintf(text, 32, "%.*g", digits, bound);

        const double typed = strtod(text, NULL);

        if (typed >= info->min && typed <= info->max)
            break;
    }
    return text;
}

/* --- text ----------------------------------------------------------------- */

static void print_number(const clstep_setting_info *info)
{
    char initial[32], min[32], max[32];

    printf("%s, %sin [%s, %s]%s", cli_default_text(info, initial),
           info->kind == CLSTEP_COUNT ? "whole, " : "",
           cli_bound_text(info, info->min, min),
           cli_bound_text(info, info->max, max),
           info->given      ? ", given by default"
           : info->optional ? ", acts if given"
                            : "");
}

void cli_print_setting(const clstep_setting_info *info)
{
    printf("  %-20s ", info->name);
    if (info->kind == CLSTEP_CHOICE) {
        printf("%s", info->choices[(int)info->initial]);
        for (int i = 0; info->choices[i] != NULL; i++)
            if (i != (int)info->initial)
                printf(" | %s", info->choices[i]);
    } else if (info->kind == CLSTEP_FLAG) {
        printf("%d, a flag: 0 or 1", (int)info->initial);
    } else if (info->kind == CLSTEP_LIST) {
        char min[32], max[32];

        printf("none, a list of numbers in [%s, %s]",
               cli_bound_text(info, info->min, min),
               cli_bound_text(info, info->max, max));
    } else {
        print_number(info);
    }
    printf("\n  %-20s   %s\n", "", info->summary);
}

void cli_print_formula(const char *formula)
{
    const char *line = formula;

    puts("\nFormula");
    while (line != NULL && *line != '\0') {
        const size_t length = strcspn(line, "\n");

        printf("%s%.*s\n", length > 0 ? "  " : "", (int)length, line);
        line += length + (line[length] == '\n');
    }
}

/* --- JSON ----------------------------------------------------------------- */

/* JSON has no infinities. */
static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *default_number(const clstep_setting_info *info)
{
    return has_default(info) ? number(info->initial) : json_null();
}

json_t *cli_describe_setting(const clstep_setting_info *info)
{
    static const char *const kinds[] = {"number", "flag", "choice", "count",
                                        "list"};
    json_t *object = json_pack(
        "{s:s, s:s, s:s, s:b, s:b, s:b}", "name", info->name, "meaning",
        info->summary, "kind", kinds[info->kind], "feature", info->feature,
        "optional", info->optional, "given", info->given);

    if (info->kind != CLSTEP_CHOICE) {
        json_object_set_new(object, "default",
                            info->kind == CLSTEP_LIST ? json_array()
                                                      : default_number(info));
        json_object_set_new(object, "min", number(info->min));
        json_object_set_new(object, "max", number(info->max));
        return object;
    }

    json_t *choices = json_array();

    for (int i = 0; info->choices[i] != NULL; i++)
        json_array_append_new(choices, json_string(info->choices[i]));
    json_object_set_new(object, "default",
                        json_string(info->choices[(int)info->initial]));
    json_object_set_new(object, "choices", choices);
    return object;
}
