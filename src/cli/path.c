/*
 * path.c - `clstep path`: the steps of rules on a function of two parameters
 * SPDX-License-Identifier: MIT
 *
 * The steps are the library's own, on a device (or the scalar reference's), for
 * a tensor of two elements.  The gradient is computed here, in double, and
 * rounded once.
 */
#include "path.h"

#include "engine.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_STEPS = 100000, DEFAULT_STEPS = 50, MAX_PATHS = 64 };

/* What a coordinate of the start stays below, so that the ends of the contour
 * lines are floats too. */
static const double LARGEST = 0x1p126;

static const char usage[] =
    "clstep path --rule R [--set NAME=VALUE]... [--rule R ...]...\n"
    "                   [--function circle|ellipse|rosenbrock|beale]\n"
    "                   [--start X,Y] [--steps N] [--device D] [--reference]\n"
    "                   [--csv F] [--plot F.svg|F.png] [--json]\n"
    "\n"
    "Takes the steps of each rule R, with the settings that follow it, on a\n"
    "function f of two parameters, and says where they end; --csv and --json\n"
    "have every step, --plot draws them on contour lines.\n"
    "\n"
    "  circle      f = w1^2 + w2^2, by default from 1,1\n"
    "  ellipse     f = w1^2 + 8 w2^2, from 1,1\n"
    "  rosenbrock  f = (1 - w1)^2 + 100 (w2 - w1^2)^2, from -1.2,1\n"
    "  beale       Beale's function, with its minimum at 3,0.5, from 1,1\n"
    "\n"
    "The steps are the library's own, on the device; the gradient is computed\n"
    "in double on the host, and rounded to a float (with grad_type, to 16\n"
    "bits).  Settings that divide gradients find them unmultiplied.  Of\n"
    "schedule-free rules the parameters are those at which gradients are\n"
    "taken; sophia's hessian is that of f, or 0 where it is negative.\n"
    "max_norm and prune act on matrices, of which there is none here.\n";

/* --- usage ---------------------------------------------------------------- */

static int choose_function(struct path_run *run)
{
    const char *name = run->options->function;

    run->function = cli_function_find(name != NULL ? name : "circle");
    if (run->function == NULL)
        return cli_misuse("--function is '%s'; it is circle, ellipse,"
                          " rosenbrock or beale",
                          name);
    return -1;
}

/* A finite number of 'text', which ends before 'end'. */
static bool parse_float(const char *text, const char *end, float *number)
{
    char copy[64];
    const size_t length = (size_t)(end - text);
    double value;

    if (length >= sizeof(copy))
        return false;
    memcpy(copy, text, length);
    copy[length] = '\0';
    if (!cli_parse_number(copy, &value) || !(fabs(value) < LARGEST))
        return false;
    *number = (float)value;
    return true;
}

static int choose_start(struct path_run *run)
{
    const char *text = run->options->start;

    for (int i = 0; i < 2; i++)
        run->start[i] = (float)run->function->start[i];
    if (text == NULL)
        return -1;

    const char *comma = strchr(text, ',');

    if (comma == NULL || !parse_float(text, comma, &run->start[0]) ||
        !parse_float(comma + 1, text + strlen(text), &run->start[1]))
        return cli_misuse("--start is '%s'; it is two numbers with a comma"
                          " between them, as 1,1, each below %.9g in size",
                          text, LARGEST);
    return -1;
}

/* The label: the rule's name and its settings. */
static int finish_path(struct path *path)
{
    size_t count = 0;

    while (path->texts[count] != NULL)
        count++;

    const char **words = calloc(count + 2, sizeof(*words));

    if (words != NULL) {
        words[0] = clstep_rule_name(path->rule);
        memcpy(words + 1, path->texts, count * sizeof(*words));
        path->label = cli_list_join(words);
    }
    free((void *)words);
    if (path->label == NULL)
        return cli_fail("no memory for the settings");
    return cli_settings(path->rule, path->texts, &path->settings);
}

/* Takes the rules and their settings from the order in which they stand. */
static int read_paths(struct path_run *run)
{
    char **const words = run->options->rules;
    size_t count = 0, filled = 0;
    int code = -1;

    while (words != NULL && words[count] != NULL)
        count++;
    for (size_t i = 0; i < count && code < 0; i += 2) {
        if (strcmp(words[i], "rule") == 0) {
            if (run->count == MAX_PATHS)
                return cli_misuse("--rule is given more than %d times",
                                  MAX_PATHS);

            struct path *path = &run->paths[run->count++];

            code = cli_rule(words[i + 1], &path->rule);
            path->texts = calloc(count / 2, sizeof(*path->texts));
            if (code < 0 && path->texts == NULL)
                code = cli_fail("no memory for the settings");
            filled = 0;
        } else if (run->count == 0) {
            code = cli_misuse("--set '%s' stands in front of the first --rule",
                              words[i + 1]);
        } else {
            run->paths[run->count - 1].texts[filled++] = words[i + 1];
        }
    }
    if (code < 0 && run->count == 0)
        code = cli_misuse("path needs --rule; `clstep rules` lists the rules");
    for (size_t p = 0; p < run->count && code < 0; p++)
        code = finish_path(&run->paths[p]);
    return code;
}

/* Settings that need what only the caller of a step has. */
static int check_settings(const struct path_run *run)
{
    for (size_t p = 0; p < run->count; p++)
        for (const clstep_setting *s = run->paths[p].settings; s->name != NULL;
             s++)
            if (strcmp(s->name, "device_scale") == 0 && s->value != 0.0)
                return cli_misuse("device_scale=1 needs a loss that is scaled;"
                                  " a path has none");
    return -1;
}

static int check_usage(struct path_run *run)
{
    const struct path_options *o = run->options;
    int code = choose_function(run);

    if (code < 0)
        code = choose_start(run);
    run->steps = DEFAULT_STEPS;
    if (code < 0 && o->steps != NULL)
        code = cli_count("--steps", o->steps, MAX_STEPS, &run->steps);
    if (code < 0)
        code = read_paths(run);
    if (code < 0)
        code = check_settings(run);
    if (code < 0 && o->reference && o->device != NULL)
        code = cli_misuse("--reference needs no device: leave --device out");
    if (code < 0)
        code = cli_two_files("--csv", o->csv, "--plot", o->plot);
    if (code < 0 && o->plot != NULL &&
        cli_gnuplot_check_name(o->plot, true) != CLI_OK)
        code = CLI_MISUSED;
    return code;
}

/* --- steps ---------------------------------------------------------------- */

/* Where the parameters are. */
static void note(const struct path_run *run, const struct cli_engine *engine,
                 struct path_point *point)
{
    const float *w = engine->parameters;

    memcpy(point->w, w, sizeof(point->w));
    point->f =
        run->function->value((const double[2]){(double)w[0], (double)w[1]});
}

/* The gradient at a point, in the type that the rule wants. */
static void differentiate(const struct path_run *run, struct cli_engine *engine,
                          const struct path_point *point)
{
    double g[2];

    run->function->gradient(
        (const double[2]){(double)point->w[0], (double)point->w[1]}, g);
    for (int i = 0; i < 2; i++) {
        const float x = (float)g[i];

        if (engine->gradient_type == SAFETENSORS_F32)
            ((float *)engine->gradients)[i] = x;
        else
            ((uint16_t *)engine->gradients)[i] =
                engine->gradient_type == SAFETENSORS_F16 ? reference_to_f16(x)
                                                         : reference_to_bf16(x);
    }
}

/* Slots that the caller of a step writes hold f's curvature. */
static int curve(const struct path_run *run, const struct path *path,
                 struct cli_engine *engine, const struct path_point *point)
{
    clstep_slot_info slot;
    double h[2];
    int code = -1;

    run->function->curvature(
        (const double[2]){(double)point->w[0], (double)point->w[1]}, h);

    const float positive[2] = {h[0] < 0.0 ? 0.0f : (float)h[0],
                               h[1] < 0.0 ? 0.0f : (float)h[1]};

    for (size_t i = 0; clstep_rule_slot(path->rule, i, &slot) && code < 0; i++)
        if (slot.read_only)
            code = cli_engine_write(engine, slot.name, 0, positive);
    return code;
}

static int
walk(const struct path_run *run, struct path *path, struct cli_engine *engine)
{
    int code;

    memcpy(engine->parameters, run->start, sizeof(run->start));
    note(run, engine, &path->points[0]);
    code = cli_engine_start(engine);
    for (uint64_t t = 0; t < run->steps && code < 0; t++) {
        differentiate(run, engine, &path->points[t]);
        code = curve(run, path, engine, &path->points[t]);
        if (code < 0)
            code = cli_engine_step(engine);
        if (code < 0)
            code = cli_engine_stop(engine);
        if (code < 0)
            note(run, engine, &path->points[t + 1]);
    }
    return code;
}

static int take_path(struct path_run *run, struct path *path)
{
    static const uint64_t shape[] = {2};
    const struct safetensors_tensor tensor = {
        .name = "w", .rank = 1, .shape = shape, .count = 2};
    const struct cli_engine_task task = {.rule = clstep_rule_name(path->rule),
                                         .settings = path->settings,
                                         .tensors = &tensor,
                                         .count = 1};
    struct cli_engine engine;
    clstep_numerics numerics;
    int code;

    path->points = calloc((size_t)run->steps + 1, sizeof(*path->points));
    if (path->points == NULL)
        return cli_fail("no memory for %" PRIu64 " steps", run->steps);
    code = run->options->reference
               ? cli_engine_open_reference(&engine, &task)
               : cli_engine_open_device(&engine, run->options->device, &task);
    if (code >= 0)
        return code;
    if (!run->options->reference) {
        clstep_device_numerics(engine.device.device, &numerics);
        memcpy(run->device, engine.device.name, sizeof(run->device));
        run->verdict = clstep_verdict_name(numerics.verdict);
    }
    cli_progress("%s", path->label);
    code = walk(run, path, &engine);
    cli_progress_end();
    cli_engine_close(&engine);
    return code;
}

/* --- results -------------------------------------------------------------- */

const char *path_float_text(float number, char text[32])
{
    if (isnan(number))
        return strcpy(text, "nan");
    for (int digits = 1; digits <= 9; digits++) {
        snprintf(text, 32, "%.*g", digits, (double)number);
        if (strtof(text, NULL) == number)
            break;
    }
    return text;
}

/* A cell of the table; a NaN has no sign. */
static void print_rounded(double number)
{
    if (isnan(number))
        printf(" %12s", "nan");
    else
        printf(" %12.6g", number);
}

static void print_csv(const struct path_run *run, FILE *file)
{
    char x[32], y[32], f[32];

    fprintf(file, "path,rule,settings,step,w1,w2,f\n");
    for (size_t p = 0; p < run->count; p++) {
        const struct path *path = &run->paths[p];
        const char *rule = clstep_rule_name(path->rule);
        const char *settings = path->label + strlen(rule);

        for (uint64_t t = 0; t <= run->steps; t++) {
            const struct path_point *point = &path->points[t];

            fprintf(file, "%zu,%s,%s,%" PRIu64 ",%s,%s,%s\n", p + 1, rule,
                    settings + (*settings == ' '), t,
                    path_float_text(point->w[0], x),
                    path_float_text(point->w[1], y),
                    cli_number_text(point->f, f));
        }
    }
}

/* JSON has no infinities. */
static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *
describe_path(const struct path_run *run, const struct path *path)
{
    json_t *settings = json_array(), *points = json_array();

    for (size_t i = 0; path->texts[i] != NULL; i++)
        json_array_append_new(settings, json_string(path->texts[i]));
    for (uint64_t t = 0; t <= run->steps; t++) {
        const struct path_point *point = &path->points[t];

        json_array_append_new(
            points, json_pack("[o, o, o]", number((double)point->w[0]),
                              number((double)point->w[1]), number(point->f)));
    }
    return json_pack("{s:s, s:o, s:o}", "rule", clstep_rule_name(path->rule),
                     "settings", settings, "points", points);
}

static int print_json(const struct path_run *run)
{
    json_t *paths = json_array();
    json_t *object = json_pack(
        "{s:s, s:s, s:[f, f], s:I}", "function", run->function->name, "formula",
        run->function->formula, "start", (double)run->start[0],
        (double)run->start[1], "steps", (json_int_t)run->steps);

    if (run->options->reference) {
        json_object_set_new(object, "reference", json_true());
    } else {
        json_object_set_new(object, "device", json_string(run->device));
        json_object_set_new(object, "verdict", json_string(run->verdict));
    }
    for (size_t p = 0; p < run->count; p++)
        json_array_append_new(paths, describe_path(run, &run->paths[p]));
    json_object_set_new(object, "paths", paths);
    return cli_print_json(object);
}

static int print(const struct path_run *run)
{
    size_t width = strlen("path");

    if (run->options->json)
        return print_json(run);
    for (size_t p = 0; p < run->count; p++)
        if (strlen(run->paths[p].label) > width)
            width = strlen(run->paths[p].label);
    printf("f = %s after %" PRIu64 " steps, by %s\n\n", run->function->formula,
           run->steps,
           run->options->reference ? "the scalar reference" : run->device);
    printf("%-*s %12s %12s %12s\n", (int)width, "path", "w1", "w2", "f");
    for (size_t p = 0; p < run->count; p++) {
        const struct path_point *last = &run->paths[p].points[run->steps];

        printf("%-*s", (int)width, run->paths[p].label);
        print_rounded((double)last->w[0]);
        print_rounded((double)last->w[1]);
        print_rounded(last->f);
        putchar('\n');
    }
    return cli_flush();
}

/* Files get their names when all else has been done. */
static int write_results(struct path_run *run)
{
    const struct path_options *o = run->options;
    int code = CLI_OK;

    if (o->plot != NULL)
        code = path_plot(run);
    if (code == CLI_OK && o->csv != NULL)
        print_csv(run, run->csv.output.stream);
    if (code == CLI_OK)
        code = cli_file_finish(&run->plot);
    if (code == CLI_OK)
        code = cli_file_finish(&run->csv);
    if (code == CLI_OK)
        code = print(run);
    if (code == CLI_OK)
        code = cli_file_commit(&run->plot);
    if (code == CLI_OK)
        code = cli_file_commit(&run->csv);
    return code;
}

/* -------------------------------------------------------------------------- */

/* What cannot be written is known before a step is taken. */
static int open_files(struct path_run *run)
{
    const struct path_options *o = run->options;
    int code = CLI_OK;

    if (o->plot != NULL)
        code = cli_gnuplot_check();
    if (code == CLI_OK)
        code = cli_file_open(&run->csv, "--csv", o->csv);
    if (code == CLI_OK)
        code = cli_file_open(&run->plot, "--plot", o->plot);
    return code == CLI_OK ? -1 : code;
}

static int run_all(const struct path_options *o)
{
    struct path paths[MAX_PATHS] = {{0}};
    struct path_run run = {.options = o, .paths = paths};
    int code = check_usage(&run);

    if (code < 0)
        code = open_files(&run);
    for (size_t p = 0; p < run.count && code < 0; p++)
        code = take_path(&run, &paths[p]);
    if (code < 0)
        code = write_results(&run);

    cli_file_release(&run.csv);
    cli_file_release(&run.plot);
    for (size_t p = 0; p < run.count; p++) {
        free((void *)paths[p].texts);
        free(paths[p].label);
        free(paths[p].points);
        cli_settings_release(paths[p].settings);
    }
    return code;
}

static void release_options(struct path_options *o)
{
    cli_list_release(o->rules);
    free(o->function);
    free(o->start);
    free(o->steps);
    free(o->device);
    free(o->csv);
    free(o->plot);
}

int cli_path(int argc, const char **argv)
{
    struct path_options o = {0};
    const struct poptOption options[] = {
        {"rule", '\0', POPT_ARG_STRING, &o.rules, CLI_IN_ORDER,
         "An update rule, once for each path", "R"},
        {"set", '\0', POPT_ARG_STRING, &o.rules, CLI_IN_ORDER,
         "A setting of the rule in front of it", "NAME=VALUE"},
        {"function", '\0', POPT_ARG_STRING, &o.function, 0,
         "circle, ellipse, rosenbrock or beale; circle by default", "NAME"},
        {"start", '\0', POPT_ARG_STRING, &o.start, 0,
         "Where the paths begin; the function's own by default", "X,Y"},
        {"steps", '\0', POPT_ARG_STRING, &o.steps, 0,
         "How many steps; 50 by default", "N"},
        {"device", '\0', POPT_ARG_STRING, &o.device, 0, CLI_DEVICE_HELP, "D"},
        {"reference", '\0', POPT_ARG_NONE, &o.reference, 0,
         "Use the scalar C reference, and no device", NULL},
        {"csv", '\0', POPT_ARG_STRING, &o.csv, CLI_FILE,
         "Write every step to F", "F"},
        {"plot", '\0', POPT_ARG_STRING, &o.plot, CLI_FILE,
         "Draw the paths to F (by gnuplot)", "F.svg|F.png"},
        {"json", '\0', POPT_ARG_NONE, &o.json, 0, "Print one JSON object",
         NULL},
        POPT_TABLEEND};
    const char *const *rest;
    int code = cli_options(argc, argv, options, usage, &rest);

    if (code < 0)
        code = cli_no_arguments(rest);
    if (code < 0)
        code = run_all(&o);
    release_options(&o);
    return code;
}
