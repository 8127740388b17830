/*
 * replay.c - `clstep replay`: steps from files to files
 * SPDX-License-Identifier: MIT
 *
 * Nothing is written before everything is known to be right: the inputs are
 * checked first, then the steps are taken, then every output is written under a
 * temporary name, and last the outputs get their names.
 */
#define _POSIX_C_SOURCE 200809L

#include "replay.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char usage[] =
    "clstep replay --rule R --params P --grads G --out O [OPTION]...\n"
    "\n"
    "Takes steps of the rule R on a device and writes the parameters.  P, G\n"
    "and O are safetensors files of F32 tensors; G has F16 or BF16 ones with\n"
    "--set grad_type=f16 or bf16.  For each tensor of shape X in P, G has one\n"
    "of that name and of shape [T]+X, with the same T for all; step t uses\n"
    "its slice t.\n"
    "\n"
    "A state S has a tensor TENSOR.SLOT for each tensor and slot, and in its\n"
    "metadata the number of steps taken under 'step', of steps skipped by\n"
    "check_finite under 'skipped', and the dynamic scale under 'scale' and\n"
    "'scale_steps'.  Settings are not taken from it: give them again.  On\n"
    "failure nothing is written.\n"
    "\n"
    "With --set prune=S it prints how many elements of each tensor are zero.\n";

/* --- settings ------------------------------------------------------------- */

static const clstep_setting *find(const struct replay *r, const char *name)
{
    for (const clstep_setting *s = r->settings; s->name != NULL; s++)
        if (strcmp(s->name, name) == 0)
            return s;
    return NULL;
}

bool replay_given(const struct replay *r, const char *name)
{
    return find(r, name) != NULL;
}

bool replay_flag(const struct replay *r, const char *name)
{
    const clstep_setting *given = find(r, name);

    return given != NULL && given->value != 0.0;
}

bool replay_has_scale(const struct replay *r)
{
    return replay_given(r, "scale_start") || replay_given(r, "scale_growth") ||
           replay_given(r, "scale_interval") ||
           replay_given(r, "scale_backoff");
}

bool replay_has_norm(const struct replay *r)
{
    return replay_flag(r, "check_finite") || replay_given(r, "clip_norm") ||
           replay_given(r, "clip_norm_tensor");
}

/* --- usage ---------------------------------------------------------------- */

static int check_required(const struct replay_options *o)
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
static int check_files(const struct replay_options *o)
{
    const struct {
        const char *option, *file, *other_option, *other_file;
    } pairs[] = {
        {"--out", o->out, "--grads", o->grads},
        {"--out", o->out, "--state-in", o->state_in},
        {"--out", o->out, "--state-out", o->state_out},
        {"--copy-out", o->copy_out, "--params", o->params},
        {"--copy-out", o->copy_out, "--grads", o->grads},
        {"--copy-out", o->copy_out, "--out", o->out},
        {"--copy-out", o->copy_out, "--state-in", o->state_in},
        {"--copy-out", o->copy_out, "--state-out", o->state_out},
        {"--evaluated-out", o->evaluated_out, "--params", o->params},
        {"--evaluated-out", o->evaluated_out, "--grads", o->grads},
        {"--evaluated-out", o->evaluated_out, "--out", o->out},
        {"--evaluated-out", o->evaluated_out, "--copy-out", o->copy_out},
        {"--evaluated-out", o->evaluated_out, "--state-in", o->state_in},
        {"--evaluated-out", o->evaluated_out, "--state-out", o->state_out},
        {"--state-out", o->state_out, "--params", o->params},
        {"--state-out", o->state_out, "--grads", o->grads}};
    int code = -1;

    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]) && code < 0; i++)
        code = cli_two_files(pairs[i].option, pairs[i].file,
                             pairs[i].other_option, pairs[i].other_file);
    return code;
}

/* The options that go with settings. */
static int check_settings(struct replay *r)
{
    const struct replay_options *o = r->options;
    const bool scaled = replay_flag(r, "device_scale");
    double scale;

    if (o->copy_out != NULL &&
        cli_engine_dtype(r->settings, "copy_type") == SAFETENSORS_F32)
        return cli_misuse("--copy-out needs --set copy_type=f16 or bf16");
    if (scaled != (o->loss_scale != NULL))
        return scaled ? cli_misuse("device_scale=1 needs --loss-scale")
                      : cli_misuse("--loss-scale needs --set device_scale=1");
    if (!scaled)
        return -1;
    if (!cli_parse_number(o->loss_scale, &scale) || !((float)scale > 0.0f) ||
        isinf((float)scale))
        return cli_misuse("--loss-scale is '%s'; it is a number above 0 that a"
                          " float holds",
                          o->loss_scale);
    r->loss_scale = (float)scale;
    return -1;
}

static int check_options(struct replay *r)
{
    const struct replay_options *o = r->options;
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
    if (code < 0)
        code = check_settings(r);
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

int replay_file_fail(const char *option, const struct safetensors_error *error)
{
    return cli_fail("%s: %s", option, error->message);
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
    const struct cli_engine_task task = {
        .rule = clstep_rule_name(r->rule),
        .settings = r->settings,
        .loss_scale = r->loss_scale,
        .tensors = r->tensors,
        .count = r->count,
    };

    if (r->options->reference || r->parameters == 0)
        return cli_engine_open_reference(&r->engine, &task);
    return cli_engine_open_device(&r->engine, r->options->device, &task);
}

/* Before the steps, to know whether the rule can be, and after them. */
static int evaluate(struct replay *r)
{
    const size_t count = (size_t)r->engine.count + 1;

    if (r->options->evaluated_out == NULL)
        return -1;
    if (r->evaluated == NULL)
        r->evaluated = calloc(count, sizeof(*r->evaluated));
    if (r->evaluated == NULL)
        return cli_fail("no memory for an array of %zu elements", count);
    return cli_engine_evaluate(&r->engine, r->evaluated);
}

static int take_steps(struct replay *r)
{
    struct cli_engine *engine = &r->engine;
    const double begin = now();
    double shown = begin;
    int code = replay_read(r, r->params, 0, engine->parameters);

    if (code >= 0)
        return code;
    if (r->parameters == 0)
        code = evaluate(r);
    if (r->parameters == 0)
        return code < 0 ? cli_engine_set_steps(engine, r->first + r->steps)
                        : code;
    code = cli_engine_start(engine);
    if (code < 0)
        code = evaluate(r);
    for (uint64_t t = 0; t < r->steps && code < 0; t++) {
        code = replay_read(r, r->grads, t, engine->gradients);
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
    if (code < 0)
        code = evaluate(r);
    r->seconds = now() - begin;
    return code;
}

/* --- outputs -------------------------------------------------------------- */

/* Writes a file of the tensors, whose elements are in 'array'. */
static int write_tensors(struct replay *r, const char *option, const char *path,
                         enum safetensors_dtype dtype, const void *array,
                         struct safetensors_writer **writer)
{
    const size_t size = safetensors_dtype_size(dtype);
    struct safetensors_tensor *list = calloc(r->count + 1, sizeof(*list));
    struct safetensors_error error;
    int code = -1;

    if (list == NULL)
        return cli_fail("no memory for a list of %zu tensors", r->count);
    for (size_t i = 0; i < r->count; i++) {
        list[i] = r->tensors[i];
        list[i].dtype = dtype;
    }
    if (!safetensors_create(path, list, r->count,
                            safetensors_metadata(r->params), writer, &error))
        code = replay_file_fail(option, &error);
    for (size_t i = 0; i < r->count && code < 0; i++)
        if (!safetensors_write(*writer,
                               (const char *)array +
                                   size * (size_t)r->engine.offsets[i],
                               r->tensors[i].count, &error))
            code = replay_file_fail(option, &error);
    if (code < 0 && !safetensors_finish(*writer, &error))
        code = replay_file_fail(option, &error);
    free(list);
    return code;
}

static int write_outputs(struct replay *r)
{
    const struct replay_options *o = r->options;
    int code = write_tensors(r, "--out", o->out, SAFETENSORS_F32,
                             r->engine.parameters, &r->out);

    if (code < 0 && o->copy_out != NULL)
        code = write_tensors(r, "--copy-out", o->copy_out, r->engine.copy_type,
                             r->engine.copies, &r->copy_out);
    if (code < 0 && o->evaluated_out != NULL)
        code = write_tensors(r, "--evaluated-out", o->evaluated_out,
                             SAFETENSORS_F32, r->evaluated, &r->evaluated_out);
    if (code < 0 && o->state_out != NULL)
        code = replay_write_state(r);
    return code;
}

/* JSON's integers end at 2^63 here. */
static json_t *count_json(uint64_t count)
{
    return count <= INT64_MAX ? json_integer((json_int_t)count)
                              : json_real((double)count);
}

/* JSON has no infinities. */
static json_t *float_json(float number)
{
    return isfinite(number) ? json_real((double)number) : json_null();
}

static uint64_t count_zeros(const struct replay *r, size_t tensor)
{
    const float *w = r->engine.parameters + r->engine.offsets[tensor];
    uint64_t zeros = 0;

    for (uint64_t i = 0; i < r->tensors[tensor].count; i++)
        zeros += w[i] == 0.0f;
    return zeros;
}

/* How sparse the parameters have become, for who prunes them. */
static void print_zeros(const struct replay *r)
{
    for (size_t i = 0; i < r->count; i++) {
        const uint64_t zeros = count_zeros(r, i), count = r->tensors[i].count;

        printf("%s: %" PRIu64 " of %" PRIu64 " are zero (%.4g %%)\n",
               r->tensors[i].name, zeros, count,
               count != 0 ? 100.0 * (double)zeros / (double)count : 0.0);
    }
}

static json_t *zeros_json(const struct replay *r)
{
    json_t *list = json_array();

    for (size_t i = 0; i < r->count; i++)
        json_array_append_new(
            list, json_pack("{s:s, s:o, s:o}", "tensor", r->tensors[i].name,
                            "zeros", count_json(count_zeros(r, i)), "count",
                            count_json(r->tensors[i].count)));
    return list;
}

static int report(struct replay *r)
{
    json_t *object = json_pack(
        "{s:s, s:o, s:o, s:I, s:o}", "rule", clstep_rule_name(r->rule), "steps",
        count_json(r->steps), "step", count_json(cli_engine_steps(&r->engine)),
        "tensors", (json_int_t)r->count, "parameters",
        count_json(r->parameters));
    clstep_numerics numerics;
    clstep_report decided;
    const int code = cli_engine_report(&r->engine, &decided);

    if (code >= 0) {
        json_decref(object);
        return code;
    }
    if (replay_flag(r, "check_finite"))
        json_object_set_new(object, "skipped", count_json(decided.skipped));
    if (replay_has_norm(r))
        json_object_set_new(object, "norm", float_json(decided.norm));
    if (replay_has_scale(r))
        json_object_set_new(object, "scale", float_json(decided.scale));
    if (replay_given(r, "prune"))
        json_object_set_new(object, "zeros", zeros_json(r));
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
        (r->copy_out != NULL && !safetensors_commit(r->copy_out, &error)) ||
        (r->evaluated_out != NULL &&
         !safetensors_commit(r->evaluated_out, &error)) ||
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
        code = replay_open_inputs(r);
    if (code < 0)
        code = replay_match_gradients(r);
    if (code < 0)
        code = choose_steps(r);
    if (code < 0 && r->state != NULL)
        code = replay_read_metadata(r);
    if (code < 0)
        code = open_engine(r);
    if (code < 0 && r->state != NULL)
        code = replay_load_state(r);
    if (code < 0)
        code = take_steps(r);
    if (code < 0)
        code = write_outputs(r);
    if (code < 0 && r->options->json && report(r) != CLI_OK)
        code = CLI_FAILED;
    if (code < 0 && !r->options->json && replay_given(r, "prune")) {
        print_zeros(r);
        code = cli_flush() == CLI_OK ? -1 : CLI_FAILED;
    }
    return code < 0 ? commit(r) : code;
}

static int replay(const struct replay_options *options)
{
    struct replay r = {.options = options};
    const int code = run(&r);

    safetensors_release(r.out);
    safetensors_release(r.copy_out);
    safetensors_release(r.evaluated_out);
    free(r.evaluated);
    safetensors_release(r.state_out);
    cli_engine_close(&r.engine);
    safetensors_close(r.params);
    safetensors_close(r.grads);
    safetensors_close(r.state);
    cli_settings_release(r.settings);
    return code;
}

static void release_options(struct replay_options *o)
{
    free(o->rule);
    free(o->params);
    free(o->grads);
    free(o->out);
    free(o->copy_out);
    free(o->evaluated_out);
    free(o->steps);
    free(o->state_in);
    free(o->state_out);
    free(o->device);
    free(o->loss_scale);
    cli_list_release(o->settings);
}

int cli_replay(int argc, const char **argv)
{
    struct replay_options o = {0};
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
        {"copy-out", '\0', POPT_ARG_STRING, &o.copy_out, CLI_FILE,
         "Where the copies of copy_type go", "C"},
        {"evaluated-out", '\0', POPT_ARG_STRING, &o.evaluated_out, CLI_FILE,
         "Where the parameters to evaluate at go; of schedule-free rules", "E"},
        {"loss-scale", '\0', POPT_ARG_STRING, &o.loss_scale, 0,
         "The number of device_scale=1: G is divided by it", "X"},
        {"steps", '\0', POPT_ARG_STRING, &o.steps, 0,
         "How many steps, 1 to T; T by default", "N"},
        {"reference", '\0', POPT_ARG_NONE, &o.reference, 0,
         "Use the scalar C reference, and no device", NULL},
        {"state-in", '\0', POPT_ARG_STRING, &o.state_in, CLI_FILE,
         "Go on from this state", "S"},
        {"state-out", '\0', POPT_ARG_STRING, &o.state_out, CLI_FILE,
         "Where the state goes; may be the other S", "S"},
        {"device", '\0', POPT_ARG_STRING, &o.device, 0, CLI_DEVICE_HELP, "D"},
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
