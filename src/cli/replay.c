/*
 * replay.c - `clstep replay`: steps from files to files
 * SPDX-License-Identifier: MIT
 *
 * Nothing is written before everything is known to be right: the inputs are
 * checked first, then the steps are taken, then every output is written under a
 * temporary name, and last the outputs get their names.
 */
#define _POSIX_C_SOURCE 200809L

#include "engine.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char usage[] =
    "clstep replay --rule R --params P --grads G --out O [OPTION]...\n"
    "\n"
    "Takes steps of the rule R on a device and writes the parameters.  P, G\n"
    "and O are safetensors files of F32 tensors.  For each tensor of shape X\n"
    "in P, G has one of that name and of shape [T]+X, with the same T for\n"
    "all; step t uses its slice t.\n"
    "\n"
    "A state S has a tensor TENSOR.SLOT for each tensor and slot, and the\n"
    "number of steps taken under 'step' in its metadata.  Settings are not\n"
    "taken from it: give them again.  On failure nothing is written.\n";

static const char state_format[] = "clstep-state-1";

struct options {
    char *rule, *params, *grads, *out, *steps, *state_in, *state_out, *device;
    char **settings;
    int reference, json;
};

struct replay {
    const struct options *options;
    const clstep_rule *rule;
    clstep_setting *settings;

    struct safetensors *params, *grads, *state; /* 'state' may be NULL */
    const struct safetensors_tensor *tensors;   /* of 'params' */
    size_t count;
    uint64_t parameters, largest;  /* elements: of all tensors, of one */
    uint64_t slices, steps, first; /* in 'grads', to take, taken before */

    struct cli_engine engine;
    double seconds;
    struct safetensors_writer *out, *state_out;
};

/* --- usage ---------------------------------------------------------------- */

static int check_required(const struct options *o)
{
    const struct {
        const char *name, *value;
    } required[] = {{"--rule", o->rule},
                    {"--params", o->params},
                    {"--grads", o->grads},
                    {"--out", o->out}};

    for (size_t i = 0; i < sizeof(required) / sizeof(required[0]); i++)
        if (required[i].value == NULL)
            return cli_misuse("replay needs %s", required[i].name);
    return -1;
}

/* What goes from a file to itself is P to O, and one state to the next. */
static int check_files(const struct options *o)
{
    const struct {
        const char *option, *file, *other_option, *other_file;
    } pairs[] = {{"--out", o->out, "--grads", o->grads},
                 {"--out", o->out, "--state-in", o->state_in},
                 {"--out", o->out, "--state-out", o->state_out},
                 {"--state-out", o->state_out, "--params", o->params},
                 {"--state-out", o->state_out, "--grads", o->grads}};
    int code = -1;

    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]) && code < 0; i++)
        code = cli_two_files(pairs[i].option, pairs[i].file,
                             pairs[i].other_option, pairs[i].other_file);
    return code;
}

static int check_options(struct replay *r)
{
    const struct options *o = r->options;
    int code = check_required(o);

    if (code < 0)
        code = cli_rule(o->rule, &r->rule);
    if (code < 0 && o->steps != NULL)
        code = cli_count("--steps", o->steps, UINT64_MAX, &r->steps);
    if (code < 0 && o->reference && o->device != NULL)
        code = cli_misuse("--reference needs no device: leave --device out");
    if (code < 0)
        code = check_files(o);
    if (code < 0)
        code = cli_settings(r->rule, (const char *const *)o->settings,
                            &r->settings);
    return code;
}

/* --- inputs --------------------------------------------------------------- */

static int file_fail(const char *option, const struct safetensors_error *error)
{
    return cli_fail("%s: %s", option, error->message);
}

/* Opens what 'option' names, if that was given. */
static int
open_input(const char *option, const char *path, struct safetensors **file)
{
    struct safetensors_error error;

    if (path == NULL || safetensors_open(path, file, &error))
        return -1;
    return file_fail(option, &error);
}

static int check_output(const char *option, const char *path)
{
    struct safetensors_error error;

    if (path == NULL || safetensors_writable(path, &error))
        return -1;
    return file_fail(option, &error);
}

static int open_inputs(struct replay *r)
{
    const struct options *o = r->options;
    int code = open_input("--params", o->params, &r->params);

    if (code < 0)
        code = open_input("--grads", o->grads, &r->grads);
    if (code < 0)
        code = open_input("--state-in", o->state_in, &r->state);
    if (code < 0)
        code = check_output("--out", o->out);
    if (code < 0)
        code = check_output("--state-out", o->state_out);
    if (code >= 0)
        return code;

    r->tensors = safetensors_tensors(r->params);
    r->count = safetensors_count(r->params);
    for (size_t i = 0; i < r->count; i++) {
        r->parameters += r->tensors[i].count;
        if (r->tensors[i].count > r->largest)
            r->largest = r->tensors[i].count;
    }
    return -1;
}

/* A shape as "[2, 3]", cut short if it is very long. */
static const char *
shape_text(const struct safetensors_tensor *tensor, char text[128])
{
    size_t used = (size_t)snprintf(text, 128, "[");

    for (size_t i = 0; i < tensor->rank && used < 100; i++)
        used += (size_t)snprintf(text + used, 128 - used, "%s%" PRIu64,
                                 i > 0 ? ", " : "", tensor->shape[i]);
    snprintf(text + used, 128 - used, used < 100 ? "]" : " ...]");
    return text;
}

/* Whether 'b' has the shape of 'a', behind 'skip' further extents. */
static bool same_shape(const struct safetensors_tensor *a,
                       const struct safetensors_tensor *b, size_t skip)
{
    return b->rank == a->rank + skip &&
           (a->rank == 0 || memcmp(a->shape, b->shape + skip,
                                   a->rank * sizeof(*a->shape)) == 0);
}

/* Checks the gradients of one tensor, the first of which sets 'slices'. */
static int
match_gradient(struct replay *r, const struct safetensors_tensor *tensor)
{
    const char *file = safetensors_path(r->grads);
    const struct safetensors_tensor *gradient =
        safetensors_find(r->grads, tensor->name);
    char shape[128], wanted[128];

    if (gradient == NULL)
        return cli_fail("'%s' has no tensor '%.200s', which '%s' has", file,
                        tensor->name, safetensors_path(r->params));
    if (!same_shape(tensor, gradient, 1))
        return cli_fail("'%s': tensor '%.200s' has the shape %s, which is not"
                        " [T] and the %s of '%s'",
                        file, tensor->name, shape_text(gradient, shape),
                        shape_text(tensor, wanted),
                        safetensors_path(r->params));
    if (gradient->shape[0] == 0)
        return cli_fail("'%s': tensor '%.200s' has no slice for a step", file,
                        tensor->name);
    if (tensor != r->tensors && gradient->shape[0] != r->slices)
        return cli_fail("'%s': tensor '%.200s' has %" PRIu64 " slices, but"
                        " tensor '%.200s' has %" PRIu64,
                        file, tensor->name, gradient->shape[0],
                        r->tensors[0].name, r->slices);
    r->slices = gradient->shape[0];
    return -1;
}

static int match_gradients(struct replay *r)
{
    const struct safetensors_tensor *gradients = safetensors_tensors(r->grads);
    int code = -1;

    for (size_t i = 0; i < r->count && code < 0; i++)
        code = match_gradient(r, &r->tensors[i]);
    for (size_t i = 0; i < safetensors_count(r->grads) && code < 0; i++)
        if (safetensors_find(r->params, gradients[i].name) == NULL)
            code = cli_fail("'%s' has a tensor '%.200s', which '%s' lacks",
                            safetensors_path(r->grads), gradients[i].name,
                            safetensors_path(r->params));
    return code;
}

/* Without tensors there are as many slices as one may ask for. */
static int choose_steps(struct replay *r)
{
    if (r->options->steps == NULL)
        r->steps = r->slices;
    else if (r->count > 0 && r->steps > r->slices)
        return cli_misuse("--steps is %" PRIu64 ", but '%s' has %" PRIu64
                          " slices",
                          r->steps, safetensors_path(r->grads), r->slices);
    return -1;
}

/* --- state ---------------------------------------------------------------- */

/* What a state says in its metadata. */
static int read_state_metadata(struct replay *r)
{
    const char *file = safetensors_path(r->state);
    const json_t *metadata = safetensors_metadata(r->state);
    const char *rule = json_string_value(json_object_get(metadata, "rule"));
    const char *step = json_string_value(json_object_get(metadata, "step"));
    const char *format = json_string_value(json_object_get(metadata, "format"));

    if (format != NULL && strcmp(format, state_format) != 0)
        return cli_fail("'%s': its format is '%.100s', not '%s'", file, format,
                        state_format);
    if (rule != NULL && strcmp(rule, clstep_rule_name(r->rule)) != 0)
        return cli_fail("'%s' is a state of the rule '%.100s', not of '%s'",
                        file, rule, clstep_rule_name(r->rule));
    if (step == NULL)
        return cli_fail("'%s' has no 'step' in its metadata", file);
    if (!cli_parse_count(step, &r->first))
        return cli_fail(
            "'%s': its step is '%.100s', which is not a whole number"
            " of 64 bits",
            file, step);
    if (r->first > UINT64_MAX - r->steps)
        return cli_fail("'%s': %" PRIu64
                        " steps after its step %s are more than"
                        " 64 bits can count",
                        file, r->steps, step);
    return -1;
}

/* "<tensor>.<slot>"; the caller frees it.  NULL without memory. */
static char *state_name(const char *tensor, const char *slot)
{
    const size_t size = strlen(tensor) + strlen(slot) + 2;
    char *name = malloc(size);

    if (name != NULL)
        snprintf(name, size, "%s.%s", tensor, slot);
    return name;
}

/* Whether the state's tensor 'name' is a slot of a tensor that there is. */
static bool is_expected(const struct replay *r, const char *name)
{
    const char *dot = strrchr(name, '.'), *slot;
    bool expected = false;

    if (dot == NULL)
        return false;
    char *tensor = strndup(name, (size_t)(dot - name));
    if (tensor == NULL || safetensors_find(r->params, tensor) == NULL)
        goto done;
    for (size_t i = 0; (slot = cli_engine_slot(&r->engine, i)) != NULL; i++)
        if (strcmp(slot, dot + 1) == 0)
            expected = true;

done:
    free(tensor);
    return expected;
}

static int check_names(const struct replay *r)
{
    const struct safetensors_tensor *tensors = safetensors_tensors(r->state);

    for (size_t i = 0; i < safetensors_count(r->state); i++)
        if (!is_expected(r, tensors[i].name))
            return cli_fail("'%s' has a tensor '%.200s', which is no slot of %s"
                            " and a tensor of '%s'",
                            safetensors_path(r->state), tensors[i].name,
                            clstep_rule_name(r->rule),
                            safetensors_path(r->params));
    return -1;
}

/* Loads a slot of the tensor at 'index' by way of 'data'. */
static int
load_slot(struct replay *r, size_t index, const char *slot, float *data)
{
    const struct safetensors_tensor *tensor = &r->tensors[index], *found;
    const char *file = safetensors_path(r->state);
    char *name = state_name(tensor->name, slot);
    char shape[128], wanted[128];
    struct safetensors_error error;
    int code;

    if (name == NULL)
        return cli_fail("no memory for a name");
    found = safetensors_find(r->state, name);
    if (found == NULL)
        code = cli_fail("'%s' has no tensor '%.200s'", file, name);
    else if (!same_shape(tensor, found, 0))
        code = cli_fail("'%s': tensor '%.200s' has the shape %s, not %s", file,
                        name, shape_text(found, shape),
                        shape_text(tensor, wanted));
    else if (!safetensors_read(r->state, found, 0, found->count, data, &error))
        code = cli_fail("%s", error.message);
    else
        code = cli_engine_write(&r->engine, slot, index, data);
    free(name);
    return code;
}

static int load_state(struct replay *r)
{
    float *data = malloc(sizeof(float) * ((size_t)r->largest + 1));
    const char *slot;
    int code = check_names(r);

    if (data == NULL && code < 0)
        code = cli_fail("no memory for a slot of the state");
    for (size_t i = 0; i < r->count && code < 0; i++)
        for (size_t s = 0;
             code < 0 && (slot = cli_engine_slot(&r->engine, s)) != NULL; s++)
            code = load_slot(r, i, slot, data);
    free(data);
    return code < 0 ? cli_engine_set_steps(&r->engine, r->first) : code;
}

/* --- steps ---------------------------------------------------------------- */

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* Without any element there is nothing to ask a device for. */
static int open_engine(struct replay *r)
{
    const char *rule = clstep_rule_name(r->rule);

    if (r->options->reference || r->parameters == 0)
        return cli_engine_open_reference(&r->engine, rule, r->settings,
                                         r->tensors, r->count);
    return cli_engine_open_device(&r->engine, r->options->device, rule,
                                  r->settings, r->tensors, r->count);
}

/* Reads the parameters, or a slice of the gradients, to a flat array. */
static int read_tensors(const struct replay *r, const struct safetensors *file,
                        uint64_t slice, float *array)
{
    struct safetensors_error error;

    for (size_t i = 0; i < r->count; i++) {
        const uint64_t count = r->tensors[i].count;

        if (!safetensors_read(file, safetensors_find(file, r->tensors[i].name),
                              slice * count, count,
                              array + r->engine.offsets[i], &error))
            return cli_fail("%s", error.message);
    }
    return -1;
}

static int take_steps(struct replay *r)
{
    struct cli_engine *engine = &r->engine;
    const double begin = now();
    double shown = begin;
    int code = read_tensors(r, r->params, 0, engine->parameters);

    if (code >= 0)
        return code;
    if (r->parameters == 0)
        return cli_engine_set_steps(engine, r->first + r->steps);
    code = cli_engine_start(engine);
    for (uint64_t t = 0; t < r->steps && code < 0; t++) {
        code = read_tensors(r, r->grads, t, engine->gradients);
        if (code < 0)
            code = cli_engine_step(engine);
        if (code < 0 && now() > shown + 0.1) {
            shown = now();
            cli_progress("step %" PRIu64 " of %" PRIu64, t + 1, r->steps);
        }
    }
    cli_progress_end();
    if (code < 0)
        code = cli_engine_stop(engine);
    r->seconds = now() - begin;
    return code;
}

/* --- outputs -------------------------------------------------------------- */

static int write_out(struct replay *r)
{
    struct safetensors_error error;

    if (!safetensors_create(r->options->out, r->tensors, r->count,
                            safetensors_metadata(r->params), &r->out, &error))
        return file_fail("--out", &error);
    for (size_t i = 0; i < r->count; i++)
        if (!safetensors_write(r->out,
                               r->engine.parameters + r->engine.offsets[i],
                               r->tensors[i].count, &error))
            return file_fail("--out", &error);
    if (!safetensors_finish(r->out, &error))
        return file_fail("--out", &error);
    return -1;
}

/* The given settings, and the rule's own: "lr=0.1 beta1=0.9 ..." */
static char *settings_text(const struct replay *r)
{
    char *text = NULL, number[32];
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    clstep_setting_info info;

    if (stream == NULL)
        return NULL;
    for (size_t i = 0; clstep_rule_setting(r->rule, i, &info); i++) {
        const clstep_setting *given = r->settings;
        double value = info.initial;

        while (given->name != NULL && strcmp(given->name, info.name) != 0)
            given++;
        if (given->name == NULL && info.feature)
            continue;
        if (given->name != NULL)
            value = given->value;
        fprintf(stream, "%s%s=%s", i > 0 ? " " : "", info.name,
                info.kind != CLSTEP_CHOICE ? cli_number_text(value, number)
                : given->name != NULL      ? given->choice
                                           : info.choices[(int)value]);
    }
    if (fclose(stream) == 0)
        return text;
    free(text);
    return NULL;
}

static json_t *state_metadata(const struct replay *r)
{
    char step[24], *settings = settings_text(r);
    json_t *metadata;

    snprintf(step, sizeof(step), "%" PRIu64, cli_engine_steps(&r->engine));
    metadata = json_pack("{s:s, s:s, s:s, s:s, s:s}", "format", state_format,
                         "rule", clstep_rule_name(r->rule), "step", step,
                         "settings", settings != NULL ? settings : "",
                         "version", clstep_version());
    free(settings);
    return metadata;
}

/*
 * Describes the state's tensors in '*list', tensor by tensor and slot by slot.
 * The caller frees the list with release_state_list().
 */
static bool make_state_list(const struct replay *r,
                            struct safetensors_tensor **list, size_t *count)
{
    size_t slots = 0;

    while (cli_engine_slot(&r->engine, slots) != NULL)
        slots++;
    *count = r->count * slots;
    *list = calloc(*count + 1, sizeof(**list));
    if (*list == NULL)
        return false;
    for (size_t i = 0; i < *count; i++) {
        (*list)[i] = r->tensors[i / slots];
        (*list)[i].name = state_name(r->tensors[i / slots].name,
                                     cli_engine_slot(&r->engine, i % slots));
        if ((*list)[i].name == NULL)
            return false;
    }
    return true;
}

static void release_state_list(struct safetensors_tensor *list)
{
    for (size_t i = 0; list != NULL && list[i].name != NULL; i++)
        free((void *)(uintptr_t)list[i].name);
    free(list);
}

static int write_slots(struct replay *r)
{
    float *data = malloc(sizeof(float) * ((size_t)r->largest + 1));
    struct safetensors_error error;
    const char *slot;
    int code = data != NULL ? -1 : cli_fail("no memory for a slot");

    for (size_t i = 0; i < r->count; i++) {
        for (size_t s = 0;
             code < 0 && (slot = cli_engine_slot(&r->engine, s)) != NULL; s++) {
            code = cli_engine_read(&r->engine, slot, i, data);
            if (code < 0 && !safetensors_write(r->state_out, data,
                                               r->tensors[i].count, &error))
                code = file_fail("--state-out", &error);
        }
    }
    free(data);
    return code;
}

static int write_state(struct replay *r)
{
    struct safetensors_tensor *list = NULL;
    struct safetensors_error error;
    json_t *metadata = state_metadata(r);
    size_t count;
    int code;

    if (metadata == NULL || !make_state_list(r, &list, &count))
        code = cli_fail("no memory for the state's header");
    else if (!safetensors_create(r->options->state_out, list, count, metadata,
                                 &r->state_out, &error))
        code = file_fail("--state-out", &error);
    else
        code = write_slots(r);
    if (code < 0 && !safetensors_finish(r->state_out, &error))
        code = file_fail("--state-out", &error);
    release_state_list(list);
    json_decref(metadata);
    return code;
}

/* JSON's integers end at 2^63 here. */
static json_t *count_json(uint64_t count)
{
    return count <= INT64_MAX ? json_integer((json_int_t)count)
                              : json_real((double)count);
}

static int report(const struct replay *r)
{
    json_t *object = json_pack(
        "{s:s, s:o, s:o, s:I, s:o}", "rule", clstep_rule_name(r->rule), "steps",
        count_json(r->steps), "step", count_json(cli_engine_steps(&r->engine)),
        "tensors", (json_int_t)r->count, "parameters",
        count_json(r->parameters));
    clstep_numerics numerics;

    if (r->options->reference) {
        json_object_set_new(object, "reference", json_true());
    } else if (r->parameters == 0) {
        json_object_set_new(object, "device", json_null());
    } else {
        clstep_device_numerics(r->engine.device.device, &numerics);
        json_object_set_new(object, "device",
                            json_string(r->engine.device.name));
        json_object_set_new(object, "verdict",
                            json_string(clstep_verdict_name(numerics.verdict)));
    }
    json_object_set_new(object, "seconds", json_real(r->seconds));
    return cli_print_json(object);
}

/* The files are whole and on the disk: they get their names. */
static int commit(struct replay *r)
{
    struct safetensors_error error;

    if ((r->state_out != NULL && !safetensors_commit(r->state_out, &error)) ||
        !safetensors_commit(r->out, &error))
        return cli_fail("%s", error.message);
    return CLI_OK;
}

/* -------------------------------------------------------------------------- */

/* Prints before the commit, so that a report that fails changes no file. */
static int run(struct replay *r)
{
    int code = check_options(r);

    if (code < 0)
        code = open_inputs(r);
    if (code < 0)
        code = match_gradients(r);
    if (code < 0)
        code = choose_steps(r);
    if (code < 0 && r->state != NULL)
        code = read_state_metadata(r);
    if (code < 0)
        code = open_engine(r);
    if (code < 0 && r->state != NULL)
        code = load_state(r);
    if (code < 0)
        code = take_steps(r);
    if (code < 0)
        code = write_out(r);
    if (code < 0 && r->options->state_out != NULL)
        code = write_state(r);
    if (code < 0 && r->options->json && report(r) != CLI_OK)
        code = CLI_FAILED;
    return code < 0 ? commit(r) : code;
}

static int replay(const struct options *options)
{
    struct replay r = {.options = options};
    const int code = run(&r);

    safetensors_release(r.out);
    safetensors_release(r.state_out);
    cli_engine_close(&r.engine);
    safetensors_close(r.params);
    safetensors_close(r.grads);
    safetensors_close(r.state);
    cli_settings_release(r.settings);
    return code;
}

static void release_options(struct options *o)
{
    free(o->rule);
    free(o->params);
    free(o->grads);
    free(o->out);
    free(o->steps);
    free(o->state_in);
    free(o->state_out);
    free(o->device);
    cli_list_release(o->settings);
}

int cli_replay(int argc, const char **argv)
{
    struct options o = {0};
    const struct poptOption options[] = {
        {"rule", '\0', POPT_ARG_STRING, &o.rule, 0, "The update rule", "R"},
        {"set", '\0', POPT_ARG_ARGV, &o.settings, 0,
         "A setting of the rule, once for each", "NAME=VALUE"},
        {"params", '\0', POPT_ARG_STRING, &o.params, CLI_FILE,
         "The parameters before the first step", "P"},
        {"grads", '\0', POPT_ARG_STRING, &o.grads, CLI_FILE,
         "The gradients of the steps", "G"},
        {"out", '\0', POPT_ARG_STRING, &o.out, CLI_FILE,
         "Where the parameters go; may be P", "O"},
        {"steps", '\0', POPT_ARG_STRING, &o.steps, 0,
         "How many steps, 1 to T; T by default", "N"},
        {"reference", '\0', POPT_ARG_NONE, &o.reference, 0,
         "Use the scalar C reference, and no device", NULL},
        {"state-in", '\0', POPT_ARG_STRING, &o.state_in, CLI_FILE,
         "Go on from this state", "S"},
        {"state-out", '\0', POPT_ARG_STRING, &o.state_out, CLI_FILE,
         "Where the state goes; may be the other S", "S"},
        {"device", '\0', POPT_ARG_STRING, &o.device, 0,
         "A number of `clstep devices`, or part of a name", "D"},
        {"json", '\0', POPT_ARG_NONE, &o.json, 0,
         "Print one JSON object about the run", NULL},
        POPT_TABLEEND};
    const char *const *rest;
    int code = cli_options(argc, argv, options, usage, &rest);

    if (code < 0)
        code = cli_no_arguments(rest);
    if (code < 0)
        code = replay(&o);
    release_options(&o);
    return code;
}
