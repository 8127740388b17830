/*
 * bench.c - the subcommand `clstep bench`
 * SPDX-License-Identifier: MIT
 *
 * Every chosen rule is measured on every chosen layout: its time, its traffic,
 * and its share of the limit, which measure.c explains.
 */
#include "cli.h"

#include "measure.h"
#include "models.h"
#include "report.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ROUNDS = 100000 };

static const char default_rounds[] = "15", default_size[] = "2^25";

static const char usage[] =
    "clstep bench [--rule RULE]... [--set NAME=VALUE]... [--size N]...\n"
    "                    [--model MODEL]... [--device D] [--rounds N]\n"
    "                    [--csv F] [--plot F.svg] [--json]\n"
    "\n"
    "Measures a step of every rule, or of the chosen ones, on 2^25\n"
    "parameters, or on the chosen sizes (k, M and G are powers of 1024) and\n"
    "models.  Beside it stands the limit: a kernel with the same loads and\n"
    "stores and one addition each, which takes turns with the step.  The\n"
    "share is the median over the rounds of the limit's time divided by the\n"
    "step's.\n";

/* --- what to measure ------------------------------------------------------ */

/* As the command line has it; the lists end with NULL, or are NULL. */
struct options {
    char **rules, **settings, **sizes, **models;
    char *device, *csv, *plot, *rounds;
    int json;
};

/* A rule and its settings. */
struct choice {
    const clstep_rule *rule;
    clstep_setting *settings;
};

/* A layout to measure on, and its name in a word. */
struct target {
    char what[32];
    clstep_layout *layout;
};

struct work {
    int rounds;
    struct choice *choices;
    size_t choice_count;
    struct target *targets;
    size_t target_count;
    struct bench_result *results;
    size_t result_count;
};

static size_t length_of(char *const *list)
{
    size_t length = 0;

    while (list != NULL && list[length] != NULL)
        length++;
    return length;
}

static int choose_rules(struct work *work, const struct options *options)
{
    size_t count = length_of(options->rules);
    int code = -1;

    if (options->rules == NULL)
        while (clstep_rule_at(count) != NULL)
            count++;
    work->choices = calloc(count, sizeof(*work->choices));
    if (work->choices == NULL)
        return cli_fail("no memory for %zu rules", count);

    for (size_t i = 0; i < count && code == -1; i++) {
        struct choice *choice = &work->choices[work->choice_count++];

        if (options->rules == NULL)
            choice->rule = clstep_rule_at(i);
        else
            code = cli_rule(options->rules[i], &choice->rule);
        if (code == -1)
            code = cli_settings(choice->rule,
                                (const char *const *)options->settings,
                                &choice->settings);
    }
    return code == -1 ? CLI_OK : code;
}

/* 'a' times 'b', or 0 if that has no 64 bits. */
static uint64_t times(uint64_t a, uint64_t b)
{
    return b != 0 && a > UINT64_MAX / b ? 0 : a * b;
}

/* 'base' to the power of 'exponent', or 0 if that has no 64 bits. */
static uint64_t power(uint64_t base, unsigned long exponent)
{
    uint64_t result = 1;

    /* A base of 0 or 1 stays as it is, however large the exponent is. */
    for (; exponent > 0 && result > 0 && (base > 1 || result != base);
         exponent--)
        result = times(result, base);
    return result;
}

/* "1000", "64k", "32M", "1G", "2^25" or "1e6" elements; 0 is none. */
static uint64_t parse_size(const char *text)
{
    static const char suffixes[] = "kMG";
    const char *suffix;
    char *end;
    uint64_t size;

    if (!isdigit((unsigned char)*text))
        return 0;
    errno = 0;
    size = strtoull(text, &end, 10);

    if (end[0] == '^' && isdigit((unsigned char)end[1])) {
        size = power(size, strtoul(end + 1, &end, 10));
    } else if (end[0] == 'e' && isdigit((unsigned char)end[1])) {
        size = times(size, power(10, strtoul(end + 1, &end, 10)));
    } else if (*end != '\0' && (suffix = strchr(suffixes, *end)) != NULL) {
        for (ptrdiff_t i = 0; i <= suffix - suffixes; i++)
            size = times(size, 1024);
        end++;
    }
    return *end == '\0' && errno == 0 ? size : 0;
}

static int add_size(struct work *work, const char *text)
{
    const uint64_t size = parse_size(text);
    struct target *target = &work->targets[work->target_count++];
    clstep_error error;

    if (size == 0)
        return cli_misuse("--size is '%s'; it is a whole number from 1 on of"
                          " 64 bits, like 1000, 64k, 32M, 1G, 2^25 or 1e6",
                          text);
    snprintf(target->what, sizeof(target->what), "%" PRIu64, size);
    if (clstep_layout_create(&target->layout, &error) != CLSTEP_OK ||
        clstep_layout_add(target->layout, "w", 1, &size, 0, &error) != CLSTEP_OK)
        return cli_fail("--size %s: %s", text, error.message);
    return CLI_OK;
}

static int refuse_model(const char *name)
{
    char models[256] = "";

    for (size_t i = 0; bench_model_at(i) != NULL; i++) {
        const size_t used = strlen(models);

        snprintf(models + used, sizeof(models) - used, "%s%s",
                 i > 0 ? ", " : "", bench_model_at(i));
    }
    return cli_misuse("--model is '%s'; it is one of %s", name, models);
}

static int add_model(struct work *work, const char *name)
{
    struct target *target = &work->targets[work->target_count++];
    clstep_error error;
    size_t i = 0;

    while (bench_model_at(i) != NULL && strcmp(bench_model_at(i), name) != 0)
        i++;
    if (bench_model_at(i) == NULL)
        return refuse_model(name);
    snprintf(target->what, sizeof(target->what), "%s", name);
    if (clstep_layout_create(&target->layout, &error) != CLSTEP_OK ||
        bench_model_add(name, target->layout, &error) != CLSTEP_OK)
        return cli_fail("--model %s: %s", name, error.message);
    return CLI_OK;
}

static int choose_targets(struct work *work, const struct options *options)
{
    const size_t sizes = length_of(options->sizes);
    const size_t models = length_of(options->models);
    int code = CLI_OK;

    work->targets = calloc(sizes + models + 1, sizeof(*work->targets));
    if (work->targets == NULL)
        return cli_fail("no memory for the sizes");

    if (sizes + models == 0)
        return add_size(work, default_size);
    for (size_t i = 0; i < sizes && code == CLI_OK; i++)
        code = add_size(work, options->sizes[i]);
    for (size_t i = 0; i < models && code == CLI_OK; i++)
        code = add_model(work, options->models[i]);
    return code;
}

static int choose_rounds(struct work *work, const struct options *options)
{
    uint64_t rounds;
    const int code = cli_count(
        "--rounds", options->rounds != NULL ? options->rounds : default_rounds,
        MAX_ROUNDS, &rounds);

    if (code != -1)
        return code;
    work->rounds = (int)rounds;
    return CLI_OK;
}

static int choose_work(struct work *work, const struct options *options)
{
    int code = choose_rounds(work, options);

    if (code == CLI_OK)
        code = choose_rules(work, options);
    if (code == CLI_OK)
        code = choose_targets(work, options);
    if (code != CLI_OK)
        return code;
    work->results =
        calloc(work->choice_count * work->target_count, sizeof(*work->results));
    return work->results != NULL ? CLI_OK
                                 : cli_fail("no memory for the results");
}

static void release_work(struct work *work)
{
    for (size_t i = 0; i < work->choice_count; i++)
        cli_settings_release(work->choices[i].settings);
    for (size_t i = 0; i < work->target_count; i++)
        clstep_layout_release(work->targets[i].layout);
    free(work->choices);
    free(work->targets);
    free(work->results);
}

/* --- measuring ------------------------------------------------------------ */

static struct bench_case
case_of(const struct work *work, size_t target, size_t choice)
{
    return (struct bench_case){
        .rule = work->choices[choice].rule,
        .settings = work->choices[choice].settings,
        .layout = work->targets[target].layout,
        .what = work->targets[target].what,
        .rounds = work->rounds,
    };
}

/* Finds a case that is too large before any is measured. */
static int check_all(const struct work *work, const struct cli_device *device)
{
    int code = CLI_OK;

    for (size_t i = 0; i < work->target_count; i++)
        for (size_t j = 0; j < work->choice_count && code == CLI_OK; j++) {
            const struct bench_case c = case_of(work, i, j);

            code = bench_check_memory(device, &c);
        }
    return code;
}

static int measure_all(struct work *work, const struct cli_device *device,
                       struct bench_report *report)
{
    for (size_t i = 0; i < work->target_count; i++)
        for (size_t j = 0; j < work->choice_count; j++) {
            const struct bench_case c = case_of(work, i, j);
            struct bench_result *result = &work->results[work->result_count];
            int code = bench_measure(device, &c, result);

            cli_progress_end();
            if (code == CLI_OK)
                code = bench_report_add(report, result);
            if (code != CLI_OK)
                return code;
            work->result_count++;
        }
    return CLI_OK;
}

static int run(const struct options *options)
{
    struct work work = {0};
    struct bench_report report = {0};
    struct cli_device device;
    bool opened = false;
    int code = choose_work(&work, options);

    if (code != CLI_OK)
        goto done;
    code = cli_device_open(options->device, &device);
    if (code != -1)
        goto done;
    opened = true;

    /* The files are opened last, so that no mistake costs their old content,
     * and before the first measurement, which would be lost. */
    code = check_all(&work, &device);
    if (code == CLI_OK)
        code = bench_report_open(&report, options->json != 0, options->csv,
                                 options->plot);
    if (code == CLI_OK)
        code = bench_report_begin(&report, &device, options->settings,
                                  work.rounds);
    if (code == CLI_OK)
        code = measure_all(&work, &device, &report);
    if (code == CLI_OK)
        code = bench_report_end(&report, work.results, work.result_count);

done:
    bench_report_close(&report);
    if (opened)
        cli_device_close(&device);
    release_work(&work);
    return code;
}

/* popt allocates what it hands out. */
static void release_options(struct options *options)
{
    cli_list_release(options->rules);
    cli_list_release(options->settings);
    cli_list_release(options->sizes);
    cli_list_release(options->models);
    free(options->device);
    free(options->csv);
    free(options->plot);
    free(options->rounds);
}

int cli_bench(int argc, const char **argv)
{
    struct options o = {0};
    const char *const *rest;
    const struct poptOption table[] = {
        {"rule", '\0', POPT_ARG_ARGV, &o.rules, 0, "Measure this rule", "RULE"},
        {"set", '\0', POPT_ARG_ARGV, &o.settings, 0,
         "Give each chosen rule this setting", "NAME=VALUE"},
        {"size", '\0', POPT_ARG_ARGV, &o.sizes, 0,
         "One tensor of N parameters: 1000, 64k, 32M, 2^25, 1e6", "N"},
        {"model", '\0', POPT_ARG_ARGV, &o.models, 0,
         "The tensors of gpt2 or resnet50", "MODEL"},
        {"device", '\0', POPT_ARG_STRING, &o.device, 0,
         "A number of `clstep devices`, or part of a name", "D"},
        {"rounds", '\0', POPT_ARG_STRING, &o.rounds, 0,
         "Rounds to measure, at least 15 for a share to rely on", "N"},
        {"csv", '\0', POPT_ARG_STRING, &o.csv, CLI_FILE,
         "Write the results to F", "F"},
        {"plot", '\0', POPT_ARG_STRING, &o.plot, CLI_FILE,
         "Draw the results to F (by gnuplot)", "F.svg"},
        {"json", '\0', POPT_ARG_NONE, &o.json, 0, "Print one JSON object",
         NULL},
        POPT_TABLEEND};
    int code = cli_options(argc, argv, table, usage, &rest);

    if (code == -1)
        code = cli_no_arguments(rest);
    if (code == -1)
        code = run(&o);
    release_options(&o);
    return code;
}
