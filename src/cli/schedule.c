/*
 * schedule.c - `clstep schedule`: the schedules, one of them, or its values
 * SPDX-License-Identifier: MIT
 */
#include "schedule.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_STEPS = 10000000 };

static const char usage[] =
    "clstep schedule [NAME] [--set NAME=VALUE]... [--steps N]\n"
    "                       [--metrics M] [--state-in S] [--state-out S]\n"
    "                       [--csv F] [--plot F.svg] [--json]\n"
    "\n"
    "Lists the schedules of the learning rate, or describes the schedule\n"
    "NAME: its settings and its formula.  With --steps it prints the learning\n"
    "rate of the steps (or epochs) 0 to N - 1, and the momentum of a schedule\n"
    "that cycles one.  The numbers of a list have commas between them:\n"
    "--set milestones=30,80.\n"
    "\n"
    "M is a text of numbers, the metric after each step, for plateau and for\n"
    "early stopping (--set stop_patience=K), which ends the steps.  What they\n"
    "remember is written to S, a safetensors file without tensors, and taken\n"
    "from there to go on; the first step is then the one behind the last\n"
    "metric.  Settings are not taken from it: give them again.\n";

/* --- the schedules -------------------------------------------------------- */

static void print_list(void)
{
    const clstep_schedule_kind *kind;

    printf("%-18s %s\n", "schedule", "what it does");
    for (size_t i = 0; (kind = clstep_schedule_kind_at(i)) != NULL; i++)
        printf("%-18s %s\n", clstep_schedule_kind_name(kind),
               clstep_schedule_kind_summary(kind));
    puts(
        "\nEach can have a warm-up in front of it, and early stopping.  `clstep"
        " schedule NAME`\ntells the settings, `clstep schedule NAME --steps N`"
        " the values.");
}

static void print_settings(const clstep_schedule_kind *kind, int features)
{
    clstep_setting_info info;

    for (size_t i = 0; clstep_schedule_kind_setting(kind, i, &info); i++)
        if ((info.feature != 0) == (features != 0))
            cli_print_setting(&info);
}

static void print_kind(const clstep_schedule_kind *kind)
{
    printf("%s: %s\n", clstep_schedule_kind_name(kind),
           clstep_schedule_kind_summary(kind));
    puts("\nSettings (the default first)");
    print_settings(kind, 0);
    cli_print_formula(clstep_schedule_kind_formula(kind));
    puts("\nFeatures: the warm-up, and what is told a metric");
    print_settings(kind, 1);
}

static json_t *describe_kind(const clstep_schedule_kind *kind)
{
    json_t *settings = json_array();
    clstep_setting_info info;

    for (size_t i = 0; clstep_schedule_kind_setting(kind, i, &info); i++)
        json_array_append_new(settings, cli_describe_setting(&info));
    return json_pack("{s:s, s:s, s:o, s:s}", "name",
                     clstep_schedule_kind_name(kind), "summary",
                     clstep_schedule_kind_summary(kind), "settings", settings,
                     "formula", clstep_schedule_kind_formula(kind));
}

/* All kinds, or only 'one'. */
static json_t *describe_kinds(const clstep_schedule_kind *one)
{
    json_t *list = json_array();
    const clstep_schedule_kind *kind;

    for (size_t i = 0; (kind = clstep_schedule_kind_at(i)) != NULL; i++)
        if (one == NULL || kind == one)
            json_array_append_new(list, describe_kind(kind));
    return json_pack("{s:o}", "schedules", list);
}

/* --- metrics -------------------------------------------------------------- */

/* Reads the next word of 'file', cut to the size of 'word'. */
static bool read_word(FILE *file, char word[64])
{
    int length = 0, c;

    while ((c = fgetc(file)) != EOF && strchr(" \t\r\n", c) != NULL)
        continue;
    for (; c != EOF && strchr(" \t\r\n", c) == NULL; c = fgetc(file))
        if (length < 63)
            word[length++] = c != '\0' ? (char)c : '?';
    word[length] = '\0';
    return length > 0;
}

static int add_metric(struct schedule_run *run, double metric, size_t *room)
{
    if (run->metric_count == *room) {
        const size_t more = 2 * *room + 64;
        double *grown = realloc(run->metrics, more * sizeof(*grown));

        if (grown == NULL)
            return cli_fail("no memory for the metrics");
        run->metrics = grown;
        *room = more;
    }
    run->metrics[run->metric_count++] = metric;
    return -1;
}

static int read_metrics(struct schedule_run *run)
{
    const char *name = run->options->metrics;
    size_t room = 0;
    char word[64];
    double metric;
    int code = -1;

    if (name == NULL)
        return -1;

    FILE *file = fopen(name, "r");

    if (file == NULL)
        return cli_fail("--metrics: cannot open '%s': %s", name,
                        strerror(errno));
    while (code < 0 && read_word(file, word)) {
        if (!cli_parse_number(word, &metric))
            code = cli_fail("--metrics: '%s' has '%s', which is not a number",
                            name, word);
        else if (run->metric_count == MAX_STEPS)
            code = cli_fail("--metrics: '%s' has more than %d numbers", name,
                            MAX_STEPS);
        else
            code = add_metric(run, metric, &room);
    }
    if (code < 0 && ferror(file))
        code =
            cli_fail("--metrics: cannot read '%s': %s", name, strerror(errno));
    if (code < 0 && run->metric_count == 0)
        code = cli_fail("--metrics: '%s' has no numbers", name);
    fclose(file);
    return code;
}

/* --- usage ---------------------------------------------------------------- */

/* The first option that goes with values only, or NULL. */
static const char *value_option(const struct schedule_options *o)
{
    const struct {
        const char *name;
        bool given;
    } options[] = {{"--set", o->settings != NULL},
                   {"--steps", o->steps != NULL},
                   {"--metrics", o->metrics != NULL},
                   {"--state-in", o->state_in != NULL},
                   {"--state-out", o->state_out != NULL},
                   {"--csv", o->csv != NULL},
                   {"--plot", o->plot != NULL}};

    for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
        if (options[i].given)
            return options[i].name;
    return NULL;
}

static int check_files(const struct schedule_options *o)
{
    const struct {
        const char *option, *file, *other_option, *other_file;
    } pairs[] = {{"--csv", o->csv, "--plot", o->plot},
                 {"--csv", o->csv, "--metrics", o->metrics},
                 {"--csv", o->csv, "--state-in", o->state_in},
                 {"--csv", o->csv, "--state-out", o->state_out},
                 {"--plot", o->plot, "--metrics", o->metrics},
                 {"--plot", o->plot, "--state-in", o->state_in},
                 {"--plot", o->plot, "--state-out", o->state_out},
                 {"--state-out", o->state_out, "--metrics", o->metrics}};
    int code = -1;

    for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs) && code < 0; i++)
        code = cli_two_files(pairs[i].option, pairs[i].file,
                             pairs[i].other_option, pairs[i].other_file);
    if (code < 0 && o->plot != NULL &&
        cli_gnuplot_check_name(o->plot, false) != CLI_OK)
        code = CLI_MISUSED;
    return code;
}

/* Without --steps there is one for each metric. */
static int choose_steps(struct schedule_run *run)
{
    const struct schedule_options *o = run->options;
    int code = -1;

    if (o->steps != NULL)
        code = cli_count("--steps", o->steps, MAX_STEPS, &run->steps);
    if (code >= 0)
        return code;
    code = read_metrics(run);
    if (code >= 0)
        return code;
    if (o->steps == NULL)
        run->steps = run->metric_count;
    else if (o->metrics != NULL && run->steps > run->metric_count)
        return cli_misuse("--steps is %" PRIu64 ", but '%s' has %zu metrics",
                          run->steps, o->metrics, run->metric_count);
    return -1;
}

/* --- values --------------------------------------------------------------- */

/* Whether it takes metrics: its state as it is can then be restored. */
static clstep_status
check_metrics(clstep_schedule *schedule, clstep_error *error)
{
    clstep_watch none;

    clstep_schedule_state(schedule, &none);
    return clstep_schedule_restore(schedule, &none, error);
}

static int create(struct schedule_run *run)
{
    clstep_setting *list;
    clstep_error error;
    int code = cli_schedule_settings(
        run->kind, (const char *const *)run->options->settings, &list);

    if (code >= 0)
        return code;
    if (clstep_schedule_create(clstep_schedule_kind_name(run->kind), list,
                               &run->schedule, &error) != CLSTEP_OK)
        code = cli_fail("%s", error.message);
    cli_settings_release(list);
    return code;
}

/* What goes with metrics only. */
static int check_watched(const struct schedule_run *run)
{
    const struct schedule_options *o = run->options;
    clstep_error error;

    if ((o->metrics != NULL || o->state_in != NULL || o->state_out != NULL) &&
        check_metrics(run->schedule, &error) != CLSTEP_OK)
        return cli_misuse("%s", error.message);
    return -1;
}

/* Asks for the values of the steps, and tells the metrics. */
static int take_steps(struct schedule_run *run)
{
    clstep_watch state;
    clstep_error error;

    clstep_schedule_state(run->schedule, &state);
    run->first = state.metrics;
    run->rows = calloc((size_t)run->steps, sizeof(*run->rows));
    if (run->rows == NULL)
        return cli_fail("no memory for %" PRIu64 " steps", run->steps);
    while (run->count < run->steps && !clstep_schedule_stops(run->schedule)) {
        struct schedule_row *row = &run->rows[run->count];
        const uint64_t step = run->first + run->count;

        row->lr = clstep_schedule_at(run->schedule, step);
        run->has_momentum =
            clstep_schedule_momentum(run->schedule, step, &row->momentum);
        if (run->metrics != NULL) {
            row->metric = run->metrics[run->count];
            if (clstep_schedule_watch(run->schedule, row->metric, &error) !=
                CLSTEP_OK)
                return cli_fail("%s", error.message);
        }
        run->count++;
    }
    return -1;
}

/* --- results -------------------------------------------------------------- */

/* The columns of a step: its number, lr, momentum, metric. */
static void
print_rows(const struct schedule_run *run, FILE *file, char separator)
{
    char text[32];

    fprintf(file, "step%clr", separator);
    if (run->has_momentum)
        fprintf(file, "%cmomentum", separator);
    if (run->metrics != NULL)
        fprintf(file, "%cmetric", separator);
    putc('\n', file);
    for (size_t i = 0; i < run->count; i++) {
        const struct schedule_row *row = &run->rows[i];

        fprintf(file, "%" PRIu64 "%c%s", run->first + i, separator,
                cli_number_text(row->lr, text));
        if (run->has_momentum)
            fprintf(file, "%c%s", separator,
                    cli_number_text(row->momentum, text));
        if (run->metrics != NULL)
            fprintf(file, "%c%s", separator,
                    cli_number_text(row->metric, text));
        putc('\n', file);
    }
}

static json_t *describe_row(const struct schedule_run *run, size_t index)
{
    const struct schedule_row *row = &run->rows[index];
    json_t *object = json_pack("{s:I, s:f}", "step",
                               (json_int_t)(run->first + index), "lr", row->lr);

    if (run->has_momentum)
        json_object_set_new(object, "momentum", json_real(row->momentum));
    if (run->metrics != NULL)
        json_object_set_new(object, "metric",
                            isfinite(row->metric) ? json_real(row->metric)
                                                  : json_null());
    return object;
}

static int print_json(const struct schedule_run *run)
{
    json_t *settings = json_array(), *values = json_array();
    char **given = run->options->settings;

    for (; given != NULL && *given != NULL; given++)
        json_array_append_new(settings, json_string(*given));
    for (size_t i = 0; i < run->count; i++)
        json_array_append_new(values, describe_row(run, i));
    return cli_print_json(json_pack(
        "{s:s, s:o, s:o, s:b}", "schedule",
        clstep_schedule_kind_name(run->kind), "settings", settings, "values",
        values, "stop", clstep_schedule_stops(run->schedule)));
}

static int print(const struct schedule_run *run)
{
    if (run->options->json)
        return print_json(run);
    print_rows(run, stdout, ' ');
    if (clstep_schedule_stops(run->schedule))
        puts("stop");
    return cli_flush();
}

/* Opens the files, writes what goes there, and brings it to the disk. */
static int write_files(struct schedule_run *run)
{
    const struct schedule_options *o = run->options;
    int code = CLI_OK;

    if (o->plot != NULL)
        code = cli_gnuplot_check();
    if (code == CLI_OK)
        code = cli_file_open(&run->csv, "--csv", o->csv);
    if (code == CLI_OK)
        code = cli_file_open(&run->plot, "--plot", o->plot);
    if (code == CLI_OK && o->plot != NULL)
        code = schedule_plot(run);
    if (code == CLI_OK && o->csv != NULL)
        print_rows(run, run->csv.output.stream, ',');
    if (code == CLI_OK)
        code = cli_file_finish(&run->plot);
    if (code == CLI_OK)
        code = cli_file_finish(&run->csv);
    if (code == CLI_OK && o->state_out != NULL)
        code = schedule_write_state(run);
    return code;
}

/* The files get their names last, so that nothing that fails changes one. */
static int write_results(struct schedule_run *run)
{
    int code = write_files(run);

    if (code == CLI_OK)
        code = print(run);
    if (code == CLI_OK)
        code = cli_file_commit(&run->plot);
    if (code == CLI_OK)
        code = cli_file_commit(&run->csv);
    if (code == CLI_OK && run->options->state_out != NULL)
        code = schedule_commit_state(run);
    return code;
}

/* -------------------------------------------------------------------------- */

static int run_values(struct schedule_run *run)
{
    int code = check_files(run->options);

    if (code < 0)
        code = create(run);
    if (code < 0)
        code = check_watched(run);
    if (code < 0)
        code = choose_steps(run);
    if (code < 0 && run->options->state_in != NULL)
        code = schedule_read_state(run);
    if (code < 0)
        code = take_steps(run);
    return code < 0 ? write_results(run) : code;
}

/* Tells of all kinds. */
static int run_list(const struct schedule_options *o)
{
    if (value_option(o) != NULL)
        return cli_misuse("%s needs the NAME of a schedule", value_option(o));
    if (o->json)
        return cli_print_json(describe_kinds(NULL));
    print_list();
    return CLI_OK;
}

/* Tells of one kind; values are not to be had without their steps. */
static int run_kind(struct schedule_run *run)
{
    const struct schedule_options *o = run->options;
    clstep_error error;

    if (value_option(o) != NULL) {
        const int code = create(run);

        if (code >= 0)
            return code;
        return cli_misuse("%s needs --steps%s", value_option(o),
                          check_metrics(run->schedule, &error) == CLSTEP_OK
                              ? " or --metrics"
                              : "");
    }
    if (o->json)
        return cli_print_json(describe_kinds(run->kind));
    print_kind(run->kind);
    return CLI_OK;
}

static int run_all(const struct schedule_options *o, const char *const *rest)
{
    struct schedule_run run = {.options = o};
    int code;

    if (rest[0] == NULL)
        return run_list(o);
    run.kind = clstep_schedule_kind_find(rest[0]);
    if (run.kind == NULL)
        return cli_misuse("no schedule is called '%s'; `clstep schedule` lists"
                          " them",
                          rest[0]);
    code = cli_no_arguments(rest + 1);
    if (code >= 0)
        return code;

    code = o->steps == NULL && o->metrics == NULL ? run_kind(&run)
                                                  : run_values(&run);
    cli_file_release(&run.csv);
    cli_file_release(&run.plot);
    safetensors_release(run.state_out);
    clstep_schedule_release(run.schedule);
    free(run.metrics);
    free(run.rows);
    return code;
}

static void release_options(struct schedule_options *o)
{
    cli_list_release(o->settings);
    free(o->steps);
    free(o->metrics);
    free(o->state_in);
    free(o->state_out);
    free(o->csv);
    free(o->plot);
}

int cli_schedule(int argc, const char **argv)
{
    struct schedule_options o = {0};
    const struct poptOption options[] = {
        {"set", '\0', POPT_ARG_ARGV, &o.settings, 0,
         "A setting of the schedule, once for each", "NAME=VALUE"},
        {"steps", '\0', POPT_ARG_STRING, &o.steps, 0,
         "How many steps; one for each metric by default", "N"},
        {"metrics", '\0', POPT_ARG_STRING, &o.metrics, CLI_FILE,
         "The metric after each step", "M"},
        {"state-in", '\0', POPT_ARG_STRING, &o.state_in, CLI_FILE,
         "Go on from this state", "S"},
        {"state-out", '\0', POPT_ARG_STRING, &o.state_out, CLI_FILE,
         "Where the state goes; may be the other S", "S"},
        {"csv", '\0', POPT_ARG_STRING, &o.csv, CLI_FILE,
         "Write the values to F", "F"},
        {"plot", '\0', POPT_ARG_STRING, &o.plot, CLI_FILE,
         "Draw the values to F (by gnuplot)", "F.svg"},
        {"json", '\0', POPT_ARG_NONE, &o.json, 0, "Print one JSON object",
         NULL},
        POPT_TABLEEND};
    const char *const *rest;
    int code = cli_options(argc, argv, options, usage, &rest);

    if (code < 0)
        code = run_all(&o, rest);
    release_options(&o);
    return code;
}
