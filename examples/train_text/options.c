/*
 * options.c - the command line of train_text, by popt
 * SPDX-License-Identifier: MIT
 */
#define _POSIX_C_SOURCE 200809L

#include "options.h"

#include "fail.h"
#include "text.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <popt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *const nothing[] = {NULL};

/* What popt fills in, with the defaults; numbers are parsed afterwards. */
static struct {
    const char *rule, *initializer, *schedule, *csv, *plot, *device;
    const char *steps, *seconds; /* or NULL */
    const char *batch, *context, *hidden, *embedding, *sample, *seed;
    char **settings, **unset, **held_out;
    int decay_biases, check_gradient, help;
} given = {.rule = "adamw",
           .initializer = "xavier_uniform",
           .schedule = "cosine",
           .batch = "1024",
           .context = "16",
           .hidden = "192",
           .embedding = "16",
           .sample = "400",
           .seed = "1"};

static const struct poptOption table[] = {
    {"rule", 'r', POPT_ARG_STRING, &given.rule, 0,
     "Rule of the update (adamw; 'clstep rules' lists them)", "NAME"},
    {"set", 's', POPT_ARG_ARGV, &given.settings, 0,
     "A setting of the rule, such as lr=0.01; may be repeated. The rule's own "
     "defaults, but clip_norm=1 check_finite=1 ema_decay=0.98, and for adamw "
     "lr=0.015 weight_decay=0.1",
     "NAME=VALUE"},
    {"unset", 'u', POPT_ARG_ARGV, &given.unset, 0,
     "Leave out one of these defaults, such as clip_norm; may be repeated",
     "NAME"},
    {"decay-biases", 0, POPT_ARG_NONE, &given.decay_biases, 0,
     "Let weight_decay act on the biases too", NULL},
    {"check-gradient", 0, POPT_ARG_NONE, &given.check_gradient, 0,
     "Before training, hold some gradients of each tensor against differences "
     "of the loss",
     NULL},
    {"schedule", 0, POPT_ARG_STRING, &given.schedule, 0,
     "cosine: lr warms up, then falls; constant: it stays (cosine)", "NAME"},
    {"steps", 0, POPT_ARG_STRING, &given.steps, 0, "Batches to train on (800)",
     "N"},
    {"seconds", 0, POPT_ARG_STRING, &given.seconds, 0,
     "Time to train, in place of --steps", "S"},
    {"batch", 0, POPT_ARG_STRING, &given.batch, 0, "Characters a batch (1024)",
     "N"},
    {"context", 0, POPT_ARG_STRING, &given.context, 0,
     "Characters that the model sees (16)", "N"},
    {"embedding", 0, POPT_ARG_STRING, &given.embedding, 0,
     "Numbers for each of them (16)", "N"},
    {"hidden", 0, POPT_ARG_STRING, &given.hidden, 0,
     "Width of the two tanh layers (192)", "N"},
    {"init", 0, POPT_ARG_STRING, &given.initializer, 0,
     "How the weights begin (xavier_uniform; 'clstep initializers' lists them)",
     "NAME"},
    {"seed", 0, POPT_ARG_STRING, &given.seed, 0,
     "Seed of all random numbers, 0 or more (1)", "N"},
    {"held-out", 0, POPT_ARG_ARGV, &given.held_out, 0,
     "Text to judge by, never trained on; may be repeated", "FILE"},
    {"csv", 0, POPT_ARG_STRING, &given.csv, 0,
     "Write the course of the losses: held_out_bits is of a sample of the "
     "held-out text, held_out_all_bits, in the last line only, of all of it",
     "FILE"},
    {"plot", 0, POPT_ARG_STRING, &given.plot, 0,
     "Draw the course of the losses, by gnuplot", "FILE.svg"},
    {"sample", 0, POPT_ARG_STRING, &given.sample, 0,
     "Characters to write at the end (400)", "N"},
    {"device", 'd', POPT_ARG_STRING, &given.device, 0,
     "Index, or part of the name, of the OpenCL device (the first GPU, else "
     "the first CPU)",
     "DEVICE"},
    {"help", 'h', POPT_ARG_NONE, &given.help, 0, "Print this text", NULL},
    POPT_TABLEEND};

static void print_help(poptContext context)
{
    puts(
        "Trains a small character-level language model on an OpenCL device:\n"
        "CLBlast multiplies the matrices, clstep updates the parameters.\n"
        "\n"
        "Without files it learns from the licences of a Debian system, and is\n"
        "judged by two of them which it never sees, Apache-2.0 and MPL-2.0.\n"
        "Of files without --held-out the last tenth of each is held out.\n");
    poptSetOtherOptionHelp(context, "[OPTION...] [FILE...]");
    poptPrintHelp(context, stdout, 0);
    check_stdout();
}

/* --- settings ------------------------------------------------------------- */

/* What is set if the user does not say otherwise, for one rule or for all. */
static const struct {
    const char *rule; /* or NULL */
    clstep_setting setting;
} defaults[] = {
    {"adamw", {.name = "lr", .value = 0.015}},
    {"adamw", {.name = "weight_decay", .value = 0.1}},
    {NULL, {.name = "clip_norm", .value = 1}},
    {NULL, {.name = "check_finite", .value = 1}},
    {NULL, {.name = "ema_decay", .value = 0.98}},
};

enum { DEFAULTS = sizeof(defaults) / sizeof(defaults[0]) };

static int is_default(const clstep_rule *rule, size_t index)
{
    return defaults[index].rule == NULL ||
           strcmp(defaults[index].rule, clstep_rule_name(rule)) == 0;
}

/* What a caller has to take part in and this one does not, with the value that
 * asks for nothing, if there is one, and the reason. */
static const struct {
    const char *name, *choice;
    double value;
    const char *reason;
} refused[] = {
    {"grad_type", "f32", 0, "its gradients are 32-bit floats"},
    {"copy_type", "none", 0, "it has no use for a copy of the parameters"},
    {"grad_scale", NULL, 1, "it does not scale its loss"},
    {"device_scale", NULL, 0, "it does not scale its loss"},
    {"scale_start", NULL, NAN, "it does not scale its loss"},
    {"scale_growth", NULL, NAN, "it does not scale its loss"},
    {"scale_interval", NULL, NAN, "it does not scale its loss"},
    {"scale_backoff", NULL, NAN, "it does not scale its loss"},
};

enum { REFUSED = sizeof(refused) / sizeof(refused[0]) };

static int find_setting(const clstep_rule *rule, const char *name,
                        clstep_setting_info *info)
{
    for (size_t i = 0; clstep_rule_setting(rule, i, info); i++)
        if (strcmp(info->name, name) == 0)
            return 1;
    return 0;
}

static double parse_number(const char *name, const char *text)
{
    char *end;
    const double number = strtod(text, &end);

    if (end == text || *end != '\0' || isspace((unsigned char)text[0]))
        misuse("%s is '%s', which is not a number", name, text);
    return number;
}

/* Takes "name=value" into a setting; its text lives as long as the program. */
static clstep_setting parse_setting(const clstep_rule *rule, char *text)
{
    char *value = strchr(text, '=');
    clstep_setting setting = {.name = text};
    clstep_setting_info info;

    if (value == NULL || value == text)
        misuse("--set %s is not of the form NAME=VALUE", text);
    *value++ = '\0';
    if (!find_setting(rule, text, &info))
        return setting; /* clstep_rule_check() says what there is. */
    if (info.kind == CLSTEP_CHOICE)
        setting.choice = value;
    else
        setting.value = parse_number(text, value);
    return setting;
}

/* Refuses a setting that the rule takes but this program cannot serve. */
static void check_served(const clstep_setting *setting)
{
    for (size_t i = 0; i < REFUSED; i++)
        if (strcmp(setting->name, refused[i].name) == 0 &&
            (refused[i].choice != NULL
                 ? strcmp(setting->choice, refused[i].choice) != 0
                 : setting->value != refused[i].value))
            misuse("--set %s is not for this example: %s", setting->name,
                   refused[i].reason);
}

static int has_setting(const clstep_setting *settings, const char *name)
{
    for (; settings->name != NULL; settings++)
        if (strcmp(settings->name, name) == 0)
            return 1;
    return 0;
}

/* The rule of --rule, which this program can train with. */
static const clstep_rule *choose_rule(const char *name)
{
    const clstep_rule *rule = clstep_rule_find(name);
    clstep_slot_info slot;

    if (rule == NULL && strcmp(name, "lbfgs") == 0)
        misuse("--rule lbfgs is no rule by element: it evaluates the loss "
               "itself, which is another loop; see examples/lbfgs.c");
    if (rule == NULL)
        misuse("there is no rule '%s'; 'clstep rules' lists them", name);
    for (size_t i = 0; clstep_rule_slot(rule, i, &slot); i++)
        if (slot.read_only)
            misuse("--rule %s is not for this example: the caller writes its "
                   "slot %s, and this one does not",
                   name, slot.name);
    return rule;
}

/* Whether the default at 'index' is among 'names', which --unset gave. */
static int is_unset(size_t index, char **names)
{
    for (; names != NULL && *names != NULL; names++)
        if (strcmp(*names, defaults[index].setting.name) == 0)
            return 1;
    return 0;
}

static void check_unset(const clstep_rule *rule, char **names)
{
    for (; names != NULL && *names != NULL; names++) {
        size_t i = 0;

        while (i < DEFAULTS && (!is_default(rule, i) ||
                                strcmp(*names, defaults[i].setting.name) != 0))
            i++;
        if (i == DEFAULTS)
            misuse("--unset %s: %s has no such default here", *names,
                   clstep_rule_name(rule));
    }
}

static clstep_setting *
parse_settings(const clstep_rule *rule, char **texts, char **unset)
{
    size_t count = 0;
    clstep_error error;

    check_unset(rule, unset);
    while (texts != NULL && texts[count] != NULL)
        count++;
    clstep_setting *settings =
        allocate(count + DEFAULTS + 1, sizeof(*settings));
    for (size_t i = 0; i < count; i++)
        settings[i] = parse_setting(rule, texts[i]);
    for (size_t i = 0; i < DEFAULTS; i++)
        if (is_default(rule, i) && !is_unset(i, unset) &&
            !has_setting(settings, defaults[i].setting.name))
            settings[count++] = defaults[i].setting;
    if (clstep_rule_check(rule, settings, &error) != CLSTEP_OK)
        misuse("%s", error.message);
    for (const clstep_setting *s = settings; s->name != NULL; s++)
        check_served(s);
    return settings;
}

/* --- numbers -------------------------------------------------------------- */

/* The whole number that 'text', given for 'option', must be. */
static long long
parse_whole(const char *option, const char *text, long long min, long long max)
{
    char *end;

    errno = 0;
    const long long number = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || isspace((unsigned char)text[0]) ||
        errno != 0 || number < min || number > max)
        misuse("--%s is '%s'; it must be a whole number from %lld to %lld",
               option, text, min, max);
    return number;
}

static size_t parse_size(const char *option, const char *text, long long max)
{
    return (size_t)parse_whole(option, text, 1, max);
}

static double parse_seconds(const char *text)
{
    char *end;
    const double seconds = strtod(text, &end);

    if (end == text || *end != '\0' || isspace((unsigned char)text[0]) ||
        !(seconds > 0 && seconds <= 1e9))
        misuse("--seconds is '%s'; it must be a number above 0, up to 1e9",
               text);
    return seconds;
}

static struct sizes parse_sizes(void)
{
    const struct sizes sizes = {
        .context = parse_size("context", given.context, 1024),
        .embedding = parse_size("embedding", given.embedding, 1024),
        .hidden = parse_size("hidden", given.hidden, 16384),
        .batch = parse_size("batch", given.batch, 65536),
    };

    /* The kernels count with 32 bits. */
    if (sizes.context * sizes.embedding > (1u << 30) / sizes.batch ||
        sizes.hidden > (1u << 30) / sizes.batch)
        misuse("--batch %zu is too large for a model of this width",
               sizes.batch);
    return sizes;
}

static void parse_duration(struct options *options)
{
    if (given.steps != NULL && given.seconds != NULL)
        misuse("--steps and --seconds exclude each other");
    if (given.seconds != NULL)
        options->seconds = parse_seconds(given.seconds);
    else if (given.steps != NULL)
        options->steps = (long)parse_whole("steps", given.steps, 1, 1000000000);
    else
        options->steps = 800;
}

/* --- files ---------------------------------------------------------------- */

/* The folder that 'name' is in, and '*base', the rest of the name. */
static int stat_folder(const char *name, struct stat *status, const char **base)
{
    const char *slash = strrchr(name, '/');
    char folder[4096];

    *base = slash != NULL ? slash + 1 : name;
    snprintf(folder, sizeof(folder), "%.*s", (int)(*base - name), name);
    return stat(folder[0] != '\0' ? folder : ".", status);
}

/* Whether two names mean one file, which need not exist. */
static int same_file(const char *a, const char *b)
{
    struct stat one, other;
    const char *a_base, *b_base;

    if (stat(a, &one) == 0 && stat(b, &other) == 0)
        return one.st_dev == other.st_dev && one.st_ino == other.st_ino;
    return stat_folder(a, &one, &a_base) == 0 &&
           stat_folder(b, &other, &b_base) == 0 && one.st_dev == other.st_dev &&
           one.st_ino == other.st_ino && strcmp(a_base, b_base) == 0;
}

/* Refuses an output that would overwrite one of 'texts'. */
static void
check_output(const char *option, const char *name, const char *const *texts)
{
    if (name == NULL)
        return;
    if (name[0] == '\0')
        misuse("--%s is ''; it must be the name of a file", option);
    for (; *texts != NULL; texts++)
        if (same_file(name, *texts))
            misuse("--%s %s would overwrite the text %s", option, name, *texts);
}

/* The same for the texts that are read if none are named. */
static void check_output_licences(const char *option, const char *name)
{
    for (int held_out = 0; name != NULL && held_out < 2; held_out++) {
        char **names = licence_names(held_out);

        check_output(option, name, (const char *const *)names);
        for (size_t i = 0; names[i] != NULL; i++)
            free(names[i]);
        free(names);
    }
}

static void check_outputs(const struct options *options)
{
    const char *plot = options->plot, *const suffix = ".svg";

    check_output("csv", options->csv, options->files);
    check_output("csv", options->csv, options->held_out);
    check_output("plot", plot, options->files);
    check_output("plot", plot, options->held_out);
    if (options->files[0] == NULL) {
        check_output_licences("csv", options->csv);
        check_output_licences("plot", plot);
    }
    if (plot == NULL)
        return;
    if (strlen(plot) <= strlen(suffix) ||
        strcmp(plot + strlen(plot) - strlen(suffix), suffix) != 0)
        misuse("--plot is '%s'; it must end in .svg, the format drawn", plot);
    if (options->csv != NULL && same_file(options->csv, plot))
        misuse("--csv %s and --plot %s are the same file", options->csv, plot);
}

/* --- the rest ------------------------------------------------------------- */

/* The index of 'text' among two names. */
static int check_name(const char *option, const char *text, const char *zero,
                      const char *one)
{
    if (strcmp(text, zero) != 0 && strcmp(text, one) != 0)
        misuse("--%s is '%s'; it must be %s or %s", option, text, zero, one);
    return strcmp(text, one) == 0;
}

static struct options check_options(const char *const *files)
{
    struct options options = {
        .rule = choose_rule(given.rule),
        .constant =
            check_name("schedule", given.schedule, "cosine", "constant"),
        .decay_biases = given.decay_biases,
        .check_gradient = given.check_gradient,
        .initializer = clstep_initializer_find(given.initializer),
        .seed = (uint64_t)parse_whole("seed", given.seed, 0, INT64_MAX),
        .sizes = parse_sizes(),
        .files = files != NULL ? files : nothing,
        .held_out = given.held_out != NULL ? (const char *const *)given.held_out
                                           : nothing,
        .csv = given.csv,
        .plot = given.plot,
        .sample = (long)parse_whole("sample", given.sample, 0, 1000000),
        .device = given.device,
    };

    if (options.initializer == NULL)
        misuse("there is no initializer '%s'; 'clstep initializers' lists them",
               given.initializer);
    if (options.device != NULL && options.device[0] == '\0')
        misuse("--device is ''; it must be an index or part of a name");
    parse_duration(&options);
    check_outputs(&options);
    options.settings =
        parse_settings(options.rule, given.settings, given.unset);
    return options;
}

struct options options_parse(int argc, char **argv)
{
    /* popt's memory stays in reach, since the options point into it. */
    static poptContext context;
    int code;

    context = poptGetContext("train_text", argc, (const char **)argv, table, 0);
    if (context == NULL)
        die("out of memory");
    while ((code = poptGetNextOpt(context)) > 0)
        continue;
    if (code < -1)
        misuse("%s: %s", poptBadOption(context, 0), poptStrerror(code));
    if (given.help) {
        print_help(context);
        exit(0);
    }
    return check_options(poptGetArgs(context));
}
