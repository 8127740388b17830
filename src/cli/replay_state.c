/*
 * replay_state.c - the states that `clstep replay` goes on from, and leaves
 * SPDX-License-Identifier: MIT
 */
#define _POSIX_C_SOURCE 200809L

#include "replay.h"

#include <float.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char state_format[] = "clstep-state-1";

/* --- reading -------------------------------------------------------------- */

/* The whole number 'name' of the metadata, at most 'most'; 0 without. */
static int read_count(const struct replay *r, const char *name, uint64_t most,
                      uint64_t *count)
{
    const json_t *metadata = safetensors_metadata(r->state);
    const char *text = json_string_value(json_object_get(metadata, name));

    *count = 0;
    if (text == NULL || (cli_parse_count(text, count) && *count <= most))
        return -1;
    return cli_fail("'%s': its %s is '%.100s', which is not a whole number from"
                    " 0 to %" PRIu64,
                    safetensors_path(r->state), name, text, most);
}

/* The dynamic scale; without one in the metadata it begins anew. */
static int read_scale(struct replay *r)
{
    const json_t *metadata = safetensors_metadata(r->state);
    const char *text = json_string_value(json_object_get(metadata, "scale"));
    double scale = 0;
    uint64_t steps;
    const bool counted = json_object_get(metadata, "scale_steps") != NULL;
    const int code = read_count(r, "scale_steps", UINT32_MAX, &steps);

    if (code >= 0 || (text == NULL && !counted))
        return code;
    if (text != NULL && (!cli_parse_number(text, &scale) ||
                         !(scale >= FLT_MIN && scale <= FLT_MAX)))
        return cli_fail("'%s': its scale is '%.100s', which is not a number"
                        " of 1.17549435e-38 or more that a float holds",
                        safetensors_path(r->state), text);
    if (text == NULL || !counted)
        return cli_fail("'%s': it has %s, but not %s",
                        safetensors_path(r->state),
                        counted ? "scale_steps" : "scale",
                        counted ? "scale" : "scale_steps");
    r->before.scale = (float)scale;
    r->before.scale_steps = (uint32_t)steps;
    return -1;
}

int replay_read_metadata(struct replay *r)
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

    int code = -1;

    if (replay_flag(r, "check_finite"))
        code = read_count(r, "skipped", UINT64_MAX, &r->before.skipped);
    if (code < 0 && replay_has_scale(r))
        code = read_scale(r);
    return code;
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
    const struct safetensors_tensor tensor =
        cli_engine_slot_tensor(&r->engine, slot, index);
    const struct safetensors_tensor *found;
    const char *file = safetensors_path(r->state);
    char *name = state_name(tensor.name, slot);
    char shape[128], wanted[128];
    struct safetensors_error error;
    int code;

    if (name == NULL)
        return cli_fail("no memory for a name");
    found = safetensors_find(r->state, name);
    if (found == NULL)
        code = cli_fail("'%s' has no tensor '%.200s'", file, name);
    else if (found->dtype != SAFETENSORS_F32)
        code = cli_fail("'%s': tensor '%.200s' is %s, but slots are F32", file,
                        name, safetensors_dtype_name(found->dtype));
    else if (!replay_same_shape(&tensor, found, 0))
        code = cli_fail("'%s': tensor '%.200s' has the shape %s, not %s", file,
                        name, replay_shape_text(found, shape),
                        replay_shape_text(&tensor, wanted));
    else if (!safetensors_read(r->state, found, 0, found->count, data, &error))
        code = cli_fail("%s", error.message);
    else
        code = cli_engine_write(&r->engine, slot, index, data);
    free(name);
    return code;
}

/* Takes over what the metadata tell. */
static int resume(struct replay *r)
{
    clstep_report report;
    int code = cli_engine_set_steps(&r->engine, r->first);

    if (code >= 0 || !replay_flag(r, "check_finite"))
        return code;
    code = cli_engine_report(&r->engine, &report);
    if (code >= 0)
        return code;
    report.skipped = r->before.skipped;
    if (r->before.scale > 0.0f) {
        report.scale = r->before.scale;
        report.scale_steps = r->before.scale_steps;
    }
    return cli_engine_resume(&r->engine, &report);
}

int replay_load_state(struct replay *r)
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
    return code < 0 ? resume(r) : code;
}

/* --- writing -------------------------------------------------------------- */

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

static void add_count(json_t *metadata, const char *name, uint64_t count)
{
    json_object_set_new(metadata, name, json_sprintf("%" PRIu64, count));
}

/* NULL without memory; 'report' is what the device has decided. */
static json_t *
state_metadata(const struct replay *r, const clstep_report *report)
{
    char step[24], scale[32], *settings = settings_text(r);
    json_t *metadata;

    snprintf(step, sizeof(step), "%" PRIu64, report->steps);
    metadata = json_pack("{s:s, s:s, s:s, s:s, s:s}", "format", state_format,
                         "rule", clstep_rule_name(r->rule), "step", step,
                         "settings", settings != NULL ? settings : "",
                         "version", clstep_version());
    free(settings);
    if (replay_flag(r, "check_finite"))
        add_count(metadata, "skipped", report->skipped);
    if (replay_has_scale(r)) {
        json_object_set_new(
            metadata, "scale",
            json_string(cli_number_text((double)report->scale, scale)));
        add_count(metadata, "scale_steps", report->scale_steps);
    }
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
        const char *slot = cli_engine_slot(&r->engine, i % slots);

        (*list)[i] = cli_engine_slot_tensor(&r->engine, slot, i / slots);
        (*list)[i].name = state_name(r->tensors[i / slots].name, slot);
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
            if (code < 0 &&
                !safetensors_write(
                    r->state_out, data,
                    cli_engine_slot_tensor(&r->engine, slot, i).count, &error))
                code = replay_file_fail("--state-out", &error);
        }
    }
    free(data);
    return code;
}

int replay_write_state(struct replay *r)
{
    struct safetensors_tensor *list = NULL;
    struct safetensors_error error;
    clstep_report report;
    json_t *metadata;
    size_t count;
    int code = cli_engine_report(&r->engine, &report);

    if (code >= 0)
        return code;
    metadata = state_metadata(r, &report);
    if (metadata == NULL || !make_state_list(r, &list, &count))
        code = cli_fail("no memory for the state's header");
    else if (!safetensors_create(r->options->state_out, list, count, metadata,
                                 &r->state_out, &error))
        code = replay_file_fail("--state-out", &error);
    else
        code = write_slots(r);
    if (code < 0 && !safetensors_finish(r->state_out, &error))
        code = replay_file_fail("--state-out", &error);
    release_state_list(list);
    json_decref(metadata);
    return code;
}
