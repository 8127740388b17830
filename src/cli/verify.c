/*
 * verify.c - `clstep verify`: every kernel against the scalar reference
 * SPDX-License-Identifier: MIT
 */
#include "cli.h"
#include "sweep.h"

#include <stdio.h>
#include <stdlib.h>

enum { STEPS = 3, MAX_RULES = 256 };

static const char usage[] =
    "clstep verify [--rule R]... [--device D] [--json]\n"
    "\n"
    "Runs every rule with every combination of its choices, and with every\n"
    "feature, on a device and in scalar C, and compares every bit.  The exit\n"
    "code is 0 only if nothing differs.\n";

struct tally {
    const clstep_rule *rule;
    unsigned cases;
    uint64_t mismatches;
    char first[384];
};

/* One case: a list of settings over the counts that show most. */
static int run_case(const struct trial_place *place,
                    const struct sweep_list *list, struct tally *tally)
{
    static const uint64_t counts[] = {1, 257, 1031};
    struct trial_result result = {0};
    clstep_error error;

    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        const struct trial trial = {
            .rule = tally->rule,
            .settings = list->settings,
            .count = counts[i],
            .parameters_offset = i,
            .gradients_offset = 2 * i + 1,
            .steps = STEPS,
            .seed = tally->cases + 1,
            .disturb = true,
        };

        if (trial_run(place, &trial, &result, &error) != CLSTEP_OK)
            return cli_fail("%s", error.message);
    }
    tally->cases++;
    if (tally->mismatches == 0)
        snprintf(tally->first, sizeof(tally->first), "%s", result.first);
    tally->mismatches += result.mismatches;
    cli_progress("%s: %u cases, %llu mismatches", clstep_rule_name(tally->rule),
                 tally->cases, (unsigned long long)tally->mismatches);
    return CLI_OK;
}

static int run_rule(const struct trial_place *place, struct tally *tally)
{
    struct trial_random random = {1};
    struct sweep_list list;
    int code = CLI_OK;

    for (size_t c = 0; code == CLI_OK && sweep_choices(tally->rule, c, &list);
         c++) {
        const struct sweep_list choices = list;

        code = run_case(place, &list, tally);
        for (size_t v = 0;
             code == CLI_OK && sweep_values(tally->rule, v, 1, &random, &list);
             v++, list = choices)
            if (v != 0)
                code = run_case(place, &list, tally);
    }
    for (size_t f = 0; code == CLI_OK && sweep_feature(tally->rule, f, &list);
         f++)
        if (list.count != 0)
            code = run_case(place, &list, tally);
    return code;
}

static json_t *json_of(const struct tally *tallies, size_t count,
                       const struct cli_device *device, clstep_verdict verdict)
{
    json_t *rules = json_array();

    for (size_t i = 0; i < count; i++)
        json_array_append_new(
            rules, json_pack("{s:s, s:I, s:I}", "rule",
                             clstep_rule_name(tallies[i].rule), "cases",
                             (json_int_t)tallies[i].cases, "mismatches",
                             (json_int_t)tallies[i].mismatches));
    return json_pack("{s:s, s:s, s:o}", "device", device->name, "verdict",
                     verdict == CLSTEP_INEXACT ? "inexact" : "exact", "rules",
                     rules);
}

static int report(const struct tally *tallies, size_t count,
                  const struct cli_device *device, bool json)
{
    clstep_numerics numerics;
    uint64_t mismatches = 0;
    const char *first = "";
    int code = CLI_OK;

    clstep_device_numerics(device->device, &numerics);
    for (size_t i = 0; i < count; i++) {
        if (mismatches == 0)
            first = tallies[i].first;
        mismatches += tallies[i].mismatches;
    }
    if (json) {
        code =
            cli_print_json(json_of(tallies, count, device, numerics.verdict));
    } else {
        printf("%s: %s\n\n%-20s %8s %12s\n", device->name,
               clstep_verdict_name(numerics.verdict), "rule", "cases",
               "mismatches");
        for (size_t i = 0; i < count; i++)
            printf("%-20s %8u %12llu\n", clstep_rule_name(tallies[i].rule),
                   tallies[i].cases, (unsigned long long)tallies[i].mismatches);
    }
    if (code == CLI_OK && mismatches != 0)
        code = cli_fail("%llu numbers differ from the reference; the first: %s",
                        (unsigned long long)mismatches, first);
    return code;
}

/* Fills in the rules that were named, or all; returns -1 to go on. */
static int
choose_rules(char *const *names, struct tally *tallies, size_t *count)
{
    const clstep_rule *rule;

    *count = 0;
    if (names == NULL) {
        while (*count < MAX_RULES && (rule = clstep_rule_at(*count)) != NULL)
            tallies[(*count)++].rule = rule;
        return -1;
    }
    for (; *names != NULL && *count < MAX_RULES; names++) {
        const int code = cli_rule(*names, &rule);

        if (code >= 0)
            return code;
        tallies[(*count)++].rule = rule;
    }
    return -1;
}

static int verify(char *const *rules, const char *selector, bool json)
{
    static struct tally tallies[MAX_RULES];
    struct cli_device device = {0};
    size_t count;
    int code = choose_rules(rules, tallies, &count);

    if (code >= 0)
        return code;
    code = cli_device_open(selector, &device);
    if (code >= 0)
        return code;

    const struct trial_place place = {device.context, device.queue,
                                      device.device};

    code = CLI_OK;
    for (size_t i = 0; i < count && code == CLI_OK; i++)
        code = run_rule(&place, &tallies[i]);
    cli_progress_end();
    if (code == CLI_OK)
        code = report(tallies, count, &device, json);
    cli_device_close(&device);
    return code;
}

int cli_verify(int argc, const char **argv)
{
    char **rules = NULL, *selector = NULL;
    const char *const *rest;
    int json = 0;
    const struct poptOption options[] = {
        {"rule", '\0', POPT_ARG_ARGV, &rules, 0,
         "Verify this rule, once for each; all by default", "R"},
        {"device", '\0', POPT_ARG_STRING, &selector, 0, CLI_DEVICE_HELP, "D"},
        {"json", '\0', POPT_ARG_NONE, &json, 0, "Print one JSON object", NULL},
        POPT_TABLEEND};
    int code = cli_options(argc, argv, options, usage, &rest);

    if (code < 0)
        code = cli_no_arguments(rest);
    if (code < 0)
        code = verify(rules, selector, json != 0);
    cli_list_release(rules);
    free(selector);
    return code;
}
