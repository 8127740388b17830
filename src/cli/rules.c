/*
 * rules.c - `clstep rules`: the update rules, or one of them in full
 * SPDX-License-Identifier: MIT
 */
#include "cli.h"

#include <stdio.h>
#include <string.h>

static const char usage[] =
    "clstep rules [NAME] [--json]\n"
    "\n"
    "Lists the update rules, or describes the rule NAME: its settings, its\n"
    "slots (the state for each parameter), and its formula.\n";

/* What a step moves for each parameter: it reads the gradient, and reads and
 * writes the parameter and each slot that is not the caller's. */
enum { BYTES = 12, SLOT_BYTES = 8, READ_BYTES = 4 };

static size_t bytes_of(const clstep_rule *rule)
{
    clstep_slot_info slot;
    size_t bytes = BYTES;

    for (size_t i = 0; clstep_rule_slot(rule, i, &slot); i++)
        if (slot.condition == NULL)
            bytes += slot.read_only ? READ_BYTES : SLOT_BYTES;
    return bytes;
}

/* --- text ----------------------------------------------------------------- */

/* A condition is "amsgrad=1", or the name of a setting that must be given. */
static void print_condition(const clstep_slot_info *slot)
{
    if (slot->condition == NULL)
        return;
    if (strchr(slot->condition, '=') != NULL)
        printf(" (with %s)", slot->condition);
    else
        printf(" (if %s is given)", slot->condition);
}

static void print_list(void)
{
    const clstep_rule *rule;
    clstep_slot_info slot;

    const int width = 20; /* of the longest name and a blank */

    printf("%-*s %5s  %s\n", width, "rule", "bytes",
           "what it does, and its slots");
    for (size_t i = 0; (rule = clstep_rule_at(i)) != NULL; i++) {
        printf("%-*s %5zu  %s\n", width, clstep_rule_name(rule), bytes_of(rule),
               clstep_rule_summary(rule));
        for (size_t s = 0; clstep_rule_slot(rule, s, &slot); s++) {
            printf("%-*s  - %s", width + 7, "", slot.name);
            print_condition(&slot);
            putchar('\n');
        }
    }
    printf(
        "\nBytes are what a step reads and writes for each parameter, without"
        " the slots\nthat depend on a setting (%d each).  `clstep rules NAME`"
        " tells the features.\n",
        (int)SLOT_BYTES);
}

static void print_settings(const clstep_rule *rule, int features)
{
    clstep_setting_info info;

    for (size_t i = 0; clstep_rule_setting(rule, i, &info); i++)
        if ((info.feature != 0) == (features != 0))
            cli_print_setting(&info);
}

static void print_slots(const clstep_rule *rule)
{
    clstep_slot_info slot;
    size_t count = 0;

    puts("\nSlots");
    for (; clstep_rule_slot(rule, count, &slot); count++) {
        printf("  %-20s %s", slot.name, slot.summary);
        print_condition(&slot);
        putchar('\n');
    }
    if (count == 0)
        puts("  none");
    printf("\nBytes a parameter\n  %zu", bytes_of(rule));
    for (size_t i = 0; clstep_rule_slot(rule, i, &slot); i++) {
        if (slot.condition != NULL) {
            printf(", and %d for %s", (int)SLOT_BYTES, slot.name);
            print_condition(&slot);
        }
    }
    puts(
        "\n  Features: 8 for the slot ema, 4 for the slot pruned, 2 for a copy,"
        " 4 each for\n  zero_grad and a norm.  Of gradients of 16 bits, each"
        " reading and writing is 2\n  and not 4.");
}

static void print_rule(const clstep_rule *rule)
{
    printf("%s: %s\n", clstep_rule_name(rule), clstep_rule_summary(rule));
    puts("\nSettings (the default first)");
    print_settings(rule, 0);
    print_slots(rule);
    cli_print_formula(clstep_rule_formula(rule));
    puts("\nFeatures, which every rule has");
    print_settings(rule, 1);
}

/* --- JSON ----------------------------------------------------------------- */

static json_t *describe_rule(const clstep_rule *rule)
{
    const char *formula = clstep_rule_formula(rule);
    json_t *settings = json_array(), *slots = json_array();
    clstep_setting_info info;
    clstep_slot_info slot;

    for (size_t i = 0; clstep_rule_setting(rule, i, &info); i++)
        json_array_append_new(settings, cli_describe_setting(&info));
    for (size_t i = 0; clstep_rule_slot(rule, i, &slot); i++)
        json_array_append_new(
            slots, json_pack("{s:s, s:s, s:s?}", "name", slot.name, "meaning",
                             slot.summary, "condition", slot.condition));
    return json_pack("{s:s, s:s, s:I, s:o, s:o, s:s?}", "name",
                     clstep_rule_name(rule), "summary",
                     clstep_rule_summary(rule), "bytes_per_parameter",
                     (json_int_t)bytes_of(rule), "settings", settings, "slots",
                     slots, "formula", formula);
}

/* All rules, or only 'one'. */
static json_t *describe_rules(const clstep_rule *one)
{
    json_t *list = json_array();
    const clstep_rule *rule;

    for (size_t i = 0; (rule = clstep_rule_at(i)) != NULL; i++)
        if (one == NULL || rule == one)
            json_array_append_new(list, describe_rule(rule));
    return json_pack("{s:o}", "rules", list);
}

/* -------------------------------------------------------------------------- */

int cli_rules(int argc, const char **argv)
{
    int json = 0;
    const struct poptOption options[] = {
        {"json", '\0', POPT_ARG_NONE, &json, 0, "Print one JSON object", NULL},
        POPT_TABLEEND};
    const char *const *rest;
    const clstep_rule *rule = NULL;
    int code = cli_options(argc, argv, options, usage, &rest);

    if (code >= 0)
        return code;
    if (rest[0] != NULL) {
        code = cli_rule(rest[0], &rule);
        if (code < 0)
            code = cli_no_arguments(rest + 1);
        if (code >= 0)
            return code;
    }
    if (json)
        return cli_print_json(describe_rules(rule));
    if (rule == NULL)
        print_list();
    else
        print_rule(rule);
    return CLI_OK;
}
