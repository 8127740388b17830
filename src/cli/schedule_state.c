/*
 * schedule_state.c - what a schedule remembers, in a file
 * SPDX-License-Identifier: MIT
 *
 * The file is a safetensors file without tensors, whose metadata have the
 * numbers as texts: what a training script keeps its checkpoints in.
 */
#include "schedule.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

/* The numbers of a state. */
static const struct field {
    const char *name;
    size_t offset;
    bool whole;
} fields[] = {
    {"metrics", offsetof(clstep_watch, metrics), true},
    {"best_at", offsetof(clstep_watch, best_at), true},
    {"since", offsetof(clstep_watch, since), true},
    {"bad", offsetof(clstep_watch, bad), true},
    {"cooldown", offsetof(clstep_watch, cooldown), true},
    {"reductions", offsetof(clstep_watch, reductions), true},
    {"stop", offsetof(clstep_watch, stop), true},
    {"best", offsetof(clstep_watch, best), false},
    {"lr", offsetof(clstep_watch, lr), false},
};

enum { FIELDS = sizeof(fields) / sizeof(fields[0]) };

/* Takes the number of 'field' from 'text' into '*state'. */
static bool
take_field(const struct field *field, const char *text, clstep_watch *state)
{
    char *to = (char *)state + field->offset;
    uint64_t count;
    double number;

    if (field->whole && cli_parse_count(text, &count)) {
        memcpy(to, &count, sizeof(count));
        return true;
    }
    if (!field->whole && cli_parse_number(text, &number)) {
        memcpy(to, &number, sizeof(number));
        return true;
    }
    return false;
}

static void
write_field(const struct field *field, const clstep_watch *state, char text[32])
{
    const char *from = (const char *)state + field->offset;
    uint64_t count;
    double number;

    memcpy(&count, from, sizeof(count));
    memcpy(&number, from, sizeof(number));
    if (field->whole)
        snprintf(text, 32, "%" PRIu64, count);
    else
        cli_number_text(number, text);
}

/* --- reading -------------------------------------------------------------- */

static const char *text_of(const struct safetensors *file, const char *key)
{
    return json_string_value(json_object_get(safetensors_metadata(file), key));
}

static int take_state(struct schedule_run *run, const struct safetensors *file)
{
    const char *path = run->options->state_in;
    const char *kind = clstep_schedule_kind_name(run->kind);
    const char *of = text_of(file, "schedule");
    clstep_watch state;
    clstep_error error;

    if (of == NULL)
        return cli_fail("--state-in: '%s' is no state of a schedule", path);
    if (strcmp(of, kind) != 0)
        return cli_fail("--state-in: '%s' is of the schedule '%s', not of '%s'",
                        path, of, kind);
    for (size_t i = 0; i < FIELDS; i++) {
        const char *text = text_of(file, fields[i].name);

        if (text == NULL)
            return cli_fail("--state-in: '%s' has no '%s'", path,
                            fields[i].name);
        if (!take_field(&fields[i], text, &state))
            return cli_fail("--state-in: '%s': its %s is '%s', which is not a "
                            "%snumber",
                            path, fields[i].name, text,
                            fields[i].whole ? "whole " : "");
    }
    if (clstep_schedule_restore(run->schedule, &state, &error) != CLSTEP_OK)
        return cli_fail("--state-in: '%s': %s", path, error.message);
    return -1;
}

int schedule_read_state(struct schedule_run *run)
{
    struct safetensors_error error;
    struct safetensors *file = NULL;
    int code;

    if (!safetensors_open(run->options->state_in, &file, &error))
        return cli_fail("--state-in: %s", error.message);
    code = take_state(run, file);
    safetensors_close(file);
    return code;
}

/* --- writing -------------------------------------------------------------- */

int schedule_write_state(struct schedule_run *run)
{
    json_t *metadata =
        json_pack("{s:s}", "schedule", clstep_schedule_kind_name(run->kind));
    struct safetensors_error error;
    clstep_watch state;
    char text[32];
    int code = CLI_OK;

    clstep_schedule_state(run->schedule, &state);
    for (size_t i = 0; i < FIELDS; i++) {
        write_field(&fields[i], &state, text);
        json_object_set_new(metadata, fields[i].name, json_string(text));
    }
    if (json_object_size(metadata) != FIELDS + 1)
        code = cli_fail("no memory for the state");
    else if (!safetensors_create(run->options->state_out, NULL, 0, metadata,
                                 &run->state_out, &error) ||
             !safetensors_finish(run->state_out, &error))
        code = cli_fail("--state-out: %s", error.message);
    json_decref(metadata);
    return code;
}

int schedule_commit_state(struct schedule_run *run)
{
    struct safetensors_error error;

    if (!safetensors_commit(run->state_out, &error))
        return cli_fail("--state-out: %s", error.message);
    return CLI_OK;
}
