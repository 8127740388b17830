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

enum { MAX_ROUNDS = 100000, MAX_TENSORS = 1000000, MAX_GROUPS = 65536 };

static const char default_rounds[] = "15", default_size[] = "2^25";

static const char usage[] =
    "clstep bench [--rule RULE]... [--set NAME=VALUE]... [--size N]...\n"
    "                    [--tensors N] [--groups N] [--model MODEL]...\n"
    "                    [--whole-step] [--device D] [--rounds N] [--csv F]\n"
    "                    [--plot F.svg] [--json]\n"
    "\n"
    "Measures a step of every rule, or of the chosen ones, which may be\n"
    "lbfgs (an iteration; with --set history=N, and no other), on 2^25\n"
    "parameters, or on the chosen sizes (k, M and G are powers of 1024) and\n"
    "models.  Beside it stands the limit: a kernel with the same loads and\n"
    "stores and one addition each, which takes turns with the step.  The\n"
    "share is the median over the rounds of the limit's time divided by the\n"
    "step's.\n"
    "A --size is a vector: max_norm and prune, which act on matrices, need a\n"
    "--model.\n"
    "\n"
    "--whole-step measures adamw, or the chosen rules, alone ('update'), with\n"
    "clip_norm and check_finite ('with norm'), and with grad_scale, ema_decay,\n"
    "copy_type=bf16 and zero_grad as well ('everything').  Of the latter it\n"
    "tells the passes apart ('everything: update pass' and 'norm pass') where\n"
    "the device times its work and N is a multiple of 256, but not of rules\n"
    "with sums of their own (sgdp, adamp, lamb, lars, novograd, stable_adamw),\n"
    "nor with cautious_update, max_norm or prune.  The limit of the norm's pass\n"
    "is a loop in C on all cores, or on a device that is no CPU a kernel that\n"
    "only reads.  Host us are the host's microseconds for a step, beyond those\n"
    "for as many empty launches.\n";

/* --- what to measure ------------------------------------------------------ */

/* As the command line has it; the lists end with NULL, or are NULL. */
struct options {
    char **rules, **settings, **sizes, **models;
    char *device, *csv, *plot, *rounds, *tensors, *groups;
    int json, whole_step;
};

/* A rule and its settings. */
struct choice {
    const clstep_rule *rule;
    clstep_setting *settings;
    uint64_t history; /* of L-BFGS, which is no rule */
    char *given;      /* the settings as text */
    const char *part; /* or NULL */
    bool passes;
};

/* A layout to measure on, and its name in a word. */
struct target {
    char what[32];
    clstep_layout *layout;
};

struct work {
    int rounds;
    uint64_t tensors, groups; /* of a size */
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

/*
 * What the parts of --whole-step add to the settings: unless one of 'names' was
 * given, which would be given twice, or do not go together with it.
 */
static const struct addition {
    const char *text;
    const char *names[6];
    bool norm; /* part of "with norm", too */
} additions[] = {
    {"check_finite=1", {"check_finite"}, true},
    {"clip_norm=1", {"clip_norm", "clip_norm_tensor"}, true},
    {"grad_scale=2",
     {"grad_scale", "device_scale", "scale_start", "scale_growth",
      "scale_interval", "scale_backoff"},
     false},
    {"ema_decay=0.999", {"ema_decay", "ema_form"}, false},
    {"copy_type=bf16", {"copy_type"}, false},
    {"zero_grad=1", {"zero_grad"}, false},
};

enum { ADDITIONS = sizeof(additions) / sizeof(additions[0]), PARTS = 3 };

static const char *const parts[PARTS] = {"update", "with norm", "everything"};

static bool is_free(const struct addition *addition, char *const *given)
{
    for (size_t n = 0; n < 6 && addition->names[n] != NULL; n++)
        for (size_t i = 0; given != NULL && given[i] != NULL; i++) {
            const size_t length = strlen(addition->names[n]);

            if (strncmp(given[i], addition->names[n], length) == 0 &&
                given[i][length] == '=')
                return false;
        }
    return true;
}

/* The settings of a choice: those that were given, and those of its part. */
static int
choose_settings(struct choice *choice, char *const *given, size_t part)
{
    const size_t count = length_of(given);
    const char **texts = calloc(count + ADDITIONS + 1, sizeof(*texts));
    size_t used = 0;
    int code;

    if (texts == NULL)
        return cli_fail("no memory for the settings");
    for (; used < count; used++)
        texts[used] = given[used];
    for (size_t i = 0; i < ADDITIONS; i++)
        if (part > 0 && (part > 1 || additions[i].norm) &&
            is_free(&additions[i], given))
            texts[used++] = additions[i].text;
    choice->given = cli_list_join(texts);
    code = choice->given != NULL ? -1 : cli_fail("no memory for the settings");
    if (code == -1)
        code = cli_settings(choice->rule, texts, &choice->settings);
    free(texts);
    return code;
}

/* What L-BFGS may be given. */
static int choose_history(struct choice *choice, char *const *given)
{
    static const char name[] = "history=";
    clstep_setting_info info;
    int code = -1;

    for (size_t i = 0; clstep_lbfgs_setting(i, &info); i++)
        if (strcmp(info.name, "history") == 0)
            break;
    choice->history = (uint64_t)info.initial;
    for (size_t i = 0; given != NULL && given[i] != NULL && code == -1; i++) {
        if (strncmp(given[i], name, strlen(name)) != 0)
            code = cli_misuse("--set is '%s'; %s is measured with history=N "
                              "alone, N from 1 to %.0f",
                              given[i], CLI_LBFGS, info.max);
        else if (i > 0)
            code = cli_misuse("history of %s is given twice", CLI_LBFGS);
        else
            code = cli_count("history of " CLI_LBFGS, given[i] + strlen(name),
                             (uint64_t)info.max, &choice->history);
    }
    choice->given =
        code == -1 ? cli_list_join((const char *const *)given) : NULL;
    return code == -1 && choice->given == NULL
               ? cli_fail("no memory for the settings")
               : code;
}

static int choose_rules(struct work *work, const struct options *options)
{
    static char *usual[] = {"adamw", NULL};
    char *const *rules =
        options->rules != NULL || !options->whole_step ? options->rules : usual;
    const size_t of_each = options->whole_step ? PARTS : 1;
    size_t count = length_of(rules);
    int code = -1;

    if (rules == NULL)
        while (clstep_rule_at(count) != NULL)
            count++;
    work->choices = calloc(count * of_each, sizeof(*work->choices));
    if (work->choices == NULL)
        return cli_fail("no memory for %zu rules", count);

    for (size_t i = 0; i < count * of_each && code == -1; i++) {
        struct choice *choice = &work->choices[work->choice_count++];
        const size_t part = i % of_each;

        if (options->whole_step) {
            choice->part = parts[part];
            choice->passes = part == PARTS - 1;
        }
        const char *name = rules != NULL ? rules[i / of_each] : NULL;

        if (name != NULL && strcmp(name, CLI_LBFGS) == 0) {
            code = options->whole_step
                       ? cli_misuse("--whole-step has no parts of " CLI_LBFGS
                                    ": leave one of them out")
                       : choose_history(choice, options->settings);
            continue;
        }
        if (name == NULL)
            choice->rule = clstep_rule_at(i);
        else
            code = cli_rule(name, &choice->rule);
        if (code == -1)
            code = choose_settings(choice, options->settings, part);
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

/*
 * Adds tensors of nearly equal size, 'size' elements in all, in groups of
 * nearly as many each.  Where there are enough elements, only the last tensor
 * ends within a block, so that nothing is padded.
 */
static clstep_status split(clstep_layout *layout, uint64_t size,
                           const struct work *work, clstep_error *error)
{
    const uint64_t unit =
        size / CLSTEP_ALIGNMENT >= work->tensors ? CLSTEP_ALIGNMENT : 1;
    const uint64_t units = size / unit, each = units / work->tensors;
    clstep_status status = CLSTEP_OK;

    for (uint64_t i = 0; i < work->tensors && status == CLSTEP_OK; i++) {
        const uint64_t more = i < units % work->tensors;
        const uint64_t rest = i + 1 == work->tensors ? size % unit : 0;
        const uint64_t count = (each + more) * unit + rest;
        char name[24];

        snprintf(name, sizeof(name), "w%" PRIu64, i);
        status = clstep_layout_add(layout, name, 1, &count,
                                   (size_t)(i * work->groups / work->tensors),
                                   error);
    }
    return status;
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
    if (size < work->tensors)
        return cli_misuse("--tensors is %" PRIu64 ", more than the elements of"
                          " --size %s",
                          work->tensors, text);
    snprintf(target->what, sizeof(target->what), "%" PRIu64, size);
    if (clstep_layout_create(&target->layout, &error) != CLSTEP_OK ||
        split(target->layout, size, work, &error) != CLSTEP_OK)
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

/* How many tensors and groups a size is split into. */
static int choose_split(struct work *work, const struct options *options)
{
    int code = cli_count("--tensors",
                         options->tensors != NULL ? options->tensors : "1",
                         MAX_TENSORS, &work->tensors);

    if (code == -1)
        code = cli_count("--groups",
                         options->groups != NULL ? options->groups : "1",
                         MAX_GROUPS, &work->groups);
    if (code == -1 && options->models != NULL &&
        (options->tensors != NULL || options->groups != NULL))
        code = cli_misuse("--tensors and --groups split a --size: leave --model"
                          " out");
    if (code == -1 && work->groups > work->tensors)
        code = cli_misuse("--groups is %" PRIu64 ", more than the --tensors,"
                          " %" PRIu64,
                          work->groups, work->tensors);
    return code == -1 ? CLI_OK : code;
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

/* What acts on matrices needs one. */
static int
check_matrices(const struct work *work, const struct options *options)
{
    static const char *const names[] = {"max_norm", "prune"};

    if (options->models != NULL)
        return CLI_OK;
    for (size_t i = 0; i < work->choice_count; i++) {
        const clstep_setting *s = work->choices[i].settings;

        for (; s != NULL && s->name != NULL; s++)
            for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++)
                if (strcmp(s->name, names[n]) == 0)
                    return cli_misuse("%s acts on matrices, and a --size is a "
                                      "vector: give a --model",
                                      s->name);
    }
    return CLI_OK;
}

static int choose_work(struct work *work, const struct options *options)
{
    int code = choose_rounds(work, options);

    if (code == CLI_OK)
        code = choose_rules(work, options);
    if (code == CLI_OK)
        code = check_matrices(work, options);
    if (code == CLI_OK)
        code = choose_split(work, options);
    if (code == CLI_OK)
        code = choose_targets(work, options);
    if (code == CLI_OK && options->whole_step && options->plot != NULL)
        code = cli_misuse("--whole-step draws no plot: leave --plot out");
    if (code != CLI_OK)
        return code;
    work->results =
        calloc(work->choice_count * work->target_count * BENCH_MAX_RESULTS,
               sizeof(*work->results));
    return work->results != NULL ? CLI_OK
                                 : cli_fail("no memory for the results");
}

static void release_work(struct work *work)
{
    for (size_t i = 0; i < work->choice_count; i++) {
        cli_settings_release(work->choices[i].settings);
        free(work->choices[i].given);
    }
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
    const struct choice *chosen = &work->choices[choice];

    return (struct bench_case){
        .rule = chosen->rule,
        .settings = chosen->settings,
        .history = chosen->history,
        .given = chosen->given,
        .part = chosen->part,
        .passes = chosen->passes,
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

            code = c.rule != NULL ? bench_check_memory(device, &c)
                                  : bench_check_memory_lbfgs(device, &c);
        }
    return code;
}

/* Measures a case and tells its results. */
static int measure(struct work *work, const struct bench_case *c,
                   const struct cli_device *device, struct bench_report *report)
{
    struct bench_result *results = &work->results[work->result_count];
    size_t count = 1;
    int code = c->rule != NULL ? bench_measure(device, c, results, &count)
                               : bench_measure_lbfgs(device, c, results);

    cli_progress_end();
    for (size_t i = 0; i < count && code == CLI_OK; i++)
        code = bench_report_add(report, &work->results[work->result_count++]);
    return code;
}

static int measure_all(struct work *work, const struct cli_device *device,
                       struct bench_report *report)
{
    int code = CLI_OK;

    for (size_t i = 0; i < work->target_count; i++)
        for (size_t j = 0; j < work->choice_count && code == CLI_OK; j++) {
            const struct bench_case c = case_of(work, i, j);

            code = measure(work, &c, device, report);
        }
    return code;
}

static int run(const struct options *options)
{
    struct work work = {0};
    struct bench_report report = {.parts = options->whole_step != 0};
    struct cli_device device;
    bool opened = false;
    int code = choose_work(&work, options);

    if (code != CLI_OK)
        goto done;
    code = cli_device_open(options->device, &device);
    if (code != -1)
        goto done;
    opened = true;

    /* The files are tried before the first measurement, which would be lost. */
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
    free(options->tensors);
    free(options->groups);
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
        {"tensors", '\0', POPT_ARG_STRING, &o.tensors, 0,
         "Split each size into N tensors", "N"},
        {"groups", '\0', POPT_ARG_STRING, &o.groups, 0,
         "Put these tensors into N groups", "N"},
        {"model", '\0', POPT_ARG_ARGV, &o.models, 0,
         "The tensors of gpt2 or resnet50", "MODEL"},
        {"whole-step", '\0', POPT_ARG_NONE, &o.whole_step, 0,
         "Measure a step with all around it, and its parts", NULL},
        {"device", '\0', POPT_ARG_STRING, &o.device, 0, CLI_DEVICE_HELP, "D"},
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
