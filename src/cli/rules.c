/*
 * rules.c - `clstep rules`: the update rules, or one of them in full
 * SPDX-License-Identifier: MIT
 */
#include "rules.h"

#include <stdio.h>
#include <string.h>

static const char usage[] =
    "clstep rules [NAME] [--json | --markdown]\n"
    "\n"
    "Lists the update rules, or describes the rule NAME: its settings, its\n"
    "slots (the state for each parameter), its formula, and the settings that\n"
    "give other frameworks' forms of it.  --markdown prints docs/rules.md, which\n"
    "has all of that of all rules.  lbfgs is listed too, though it goes not by\n"
    "element, and no optimizer has it.\n";

static const char lbfgs_summary[] =
    "limited-memory BFGS: evaluates the loss itself, clstep_lbfgs_create()";

/* What a step moves for each parameter: it reads the gradient, and reads and
 * writes the parameter and each slot that is not the caller's or the tensor's;
 * and what a rule with sums over tensors reads before. */
enum { BYTES = 12, READ_BYTES = 4 };

size_t rules_bytes(const clstep_rule *rule)
{
    clstep_slot_info slot;
    size_t bytes = BYTES + (size_t)clstep_rule_sums_bytes(rule);

    for (size_t i = 0; clstep_rule_slot(rule, i, &slot); i++)
        if (slot.condition == NULL && !slot.per_tensor)
            bytes += slot.read_only ? READ_BYTES : RULES_SLOT_BYTES;
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
        printf("%-*s %5zu  %s\n", width, clstep_rule_name(rule),
               rules_bytes(rule), clstep_rule_summary(rule));
        for (size_t s = 0; clstep_rule_slot(rule, s, &slot); s++) {
            printf("%-*s  - %s", width + 7, "", slot.name);
            print_condition(&slot);
            puts(slot.per_tensor ? " (one number a tensor)" : "");
        }
    }
    printf("%-*s %5s  %s\n", width, CLI_LBFGS, "-", lbfgs_summary);
    printf(
        "\nBytes are what a step reads and writes for each parameter, without"
        " the slots\nthat depend on a setting (%d each).  `clstep rules NAME`"
        " tells the features.\n",
        (int)RULES_SLOT_BYTES);
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
        puts(slot.per_tensor ? " (one number a tensor)" : "");
    }
    if (count == 0)
        puts("  none");
    printf("\nBytes a parameter\n  %zu", rules_bytes(rule));
    for (size_t i = 0; clstep_rule_slot(rule, i, &slot); i++) {
        if (slot.condition != NULL) {
            printf(", and %d for %s", (int)RULES_SLOT_BYTES, slot.name);
            print_condition(&slot);
        }
    }
    if (clstep_rule_sums_bytes(rule) != 0)
        printf("; %d of these before the update, for sums over tensors",
               (int)clstep_rule_sums_bytes(rule));
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
    puts("\nFeatures, for every rule (what this one cannot have is refused)");
    print_settings(rule, 1);
}

static void print_lbfgs(void)
{
    clstep_setting_info info;
    struct cli_dialect dialect;

    printf("%s: %s\n", CLI_LBFGS, lbfgs_summary);
    puts("\nIt is no rule by element: verify, replay and path do without it,"
         " and it\nhas none of the features.");
    puts("\nSettings (the default first)");
    for (size_t i = 0; clstep_lbfgs_setting(i, &info); i++)
        cli_print_setting(&info);
    puts("\nMemory\n  2 history + 6 floats for each parameter");
    cli_print_formula(clstep_lbfgs_formula());
    puts("\n  Dialects:");
    for (size_t i = 0; cli_dialect(NULL, i, &dialect); i++)
        printf("      %s -> %s\n", dialect.theirs, dialect.ours);
}

/* --- JSON ----------------------------------------------------------------- */

/* Of L-BFGS if 'rule' is NULL. */
static json_t *describe_dialects(const clstep_rule *rule)
{
    json_t *dialects = json_array();
    struct cli_dialect dialect;

    for (size_t i = 0; cli_dialect(rule, i, &dialect); i++)
        json_array_append_new(dialects,
                              json_pack("{s:s, s:s}", "theirs", dialect.theirs,
                                        "ours", dialect.ours));
    return dialects;
}

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
            slots, json_pack("{s:s, s:s, s:s?, s:b}", "name", slot.name,
                             "meaning", slot.summary, "condition",
                             slot.condition, "per_tensor", slot.per_tensor));
    return json_pack("{s:s, s:s, s:b, s:I, s:o, s:o, s:s?, s:o}", "name",
                     clstep_rule_name(rule), "summary",
                     clstep_rule_summary(rule), "by_element", 1,
                     "bytes_per_parameter", (json_int_t)rules_bytes(rule),
                     "settings", settings, "slots", slots, "formula", formula,
                     "dialects", describe_dialects(rule));
}

static json_t *describe_lbfgs(void)
{
    json_t *settings = json_array();
    clstep_setting_info info;

    for (size_t i = 0; clstep_lbfgs_setting(i, &info); i++)
        json_array_append_new(settings, cli_describe_setting(&info));
    return json_pack("{s:s, s:s, s:b, s:n, s:o, s:[], s:s?, s:o}", "name",
                     CLI_LBFGS, "summary", lbfgs_summary, "by_element", 0,
                     "bytes_per_parameter", "settings", settings, "slots",
                     "formula", clstep_lbfgs_formula(), "dialects",
                     describe_dialects(NULL));
}

/* All rules, or only 'one'; lbfgs, or only that. */
static json_t *describe_rules(const clstep_rule *one, bool lbfgs)
{
    json_t *list = json_array();
    const clstep_rule *rule;

    for (size_t i = 0; (rule = clstep_rule_at(i)) != NULL; i++)
        if (rule == one || (one == NULL && !lbfgs))
            json_array_append_new(list, describe_rule(rule));
    if (one == NULL)
        json_array_append_new(list, describe_lbfgs());
    return json_pack("{s:o}", "rules", list);
}

/* -------------------------------------------------------------------------- */

int cli_rules(int argc, const char **argv)
{
    int json = 0, markdown = 0;
    const struct poptOption options[] = {
        {"json", '\0', POPT_ARG_NONE, &json, 0, "Print one JSON object", NULL},
        {"markdown", '\0', POPT_ARG_NONE, &markdown, 0, "Print docs/rules.md",
         NULL},
        POPT_TABLEEND};
    const char *const *rest;
    const clstep_rule *rule = NULL;
    int code = cli_options(argc, argv, options, usage, &rest);

    if (code >= 0)
        return code;

    const bool lbfgs = rest[0] != NULL && strcmp(rest[0], CLI_LBFGS) == 0;

    if (rest[0] != NULL) {
        code = lbfgs ? -1 : cli_rule(rest[0], &rule);
        if (code < 0)
            code = cli_no_arguments(rest + 1);
        if (code >= 0)
            return code;
    }
    if (markdown && (json || rule != NULL))
        return cli_misuse("--markdown prints all rules: leave %s out",
                          json ? "--json" : "the NAME");
    if (json)
        return cli_print_json(describe_rules(rule, lbfgs));
    if (markdown) {
        rules_print_markdown();
        return cli_flush();
    }
    if (lbfgs)
        print_lbfgs();
    else if (rule == NULL)
        print_list();
    else
        print_rule(rule);
    return CLI_OK;
}
