/*
 * schedule_state.c - what a schedule remembers, in a file
 * SPDX-License-Identifier: MIT
 */
#define _POSIX_C_SOURCE 200809L

#include "schedule.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char ending[] = ".new";

/* The whole numbers of a state. */
static const struct {
    const char *name;
    size_t offset;
} counts[] = {
    {"metrics", offsetof(clstep_watch, metrics)},
    {"best_at", offsetof(clstep_watch, best_at)},
    {"since", offsetof(clstep_watch, since)},
    {"bad", offsetof(clstep_watch, bad)},
    {"cooldown", offsetof(clstep_watch, cooldown)},
    {"reductions", offsetof(clstep_watch, reductions)},
    {"stop", offsetof(clstep_watch, stop)},
};

enum { COUNTS = sizeof(counts) / sizeof(counts[0]) };

static uint64_t *count_of(clstep_watch *state, size_t index)
{
    return (uint64_t *)(void *)((char *)state + counts[index].offset);
}

/* JSON has no infinities: they are texts. */
static json_t *number_json(double number)
{
    return isfinite(number) ? json_real(number)
                            : json_string(number > 0.0 ? "inf" : "-inf");
}

/* --- reading -------------------------------------------------------------- */

static bool take_number(const json_t *object, const char *key, double *number)
{
    const json_t *value = json_object_get(object, key);

    if (json_is_number(value)) {
        *number = json_number_value(value);
        return true;
    }
    return json_is_string(value) &&
           cli_parse_number(json_string_value(value), number);
}

/* Takes the numbers of 'object'; NULL, or what is missing. */
static const char *take_state(const json_t *object, clstep_watch *state)
{
    for (size_t i = 0; i < COUNTS; i++) {
        const json_t *value = json_object_get(object, counts[i].name);

        if (!json_is_integer(value) || json_integer_value(value) < 0)
            return counts[i].name;
        *count_of(state, i) = (uint64_t)json_integer_value(value);
    }
    if (!take_number(object, "best", &state->best))
        return "best";
    return take_number(object, "lr", &state->lr) ? NULL : "lr";
}

int schedule_read_state(struct schedule_run *run)
{
    const char *name = run->options->state_in;
    const char *kind = clstep_schedule_kind_name(run->kind);
    clstep_watch state;
    clstep_error error;
    json_error_t where;
    int code = -1;
    FILE *file = fopen(name, "r");

    if (file == NULL)
        return cli_fail("--state-in: cannot open '%s': %s", name,
                        strerror(errno));

    json_t *object = json_loadf(file, JSON_REJECT_DUPLICATES, &where);

    fclose(file);
    if (object == NULL)
        return cli_fail("--state-in: '%s' cannot be parsed: %s, line %d", name,
                        where.text, where.line);

    const char *missing = take_state(object, &state);
    const char *of = json_string_value(json_object_get(object, "schedule"));

    if (of == NULL || strcmp(of, kind) != 0)
        code = cli_fail("--state-in: '%s' is of the schedule '%s', not of '%s'",
                        name, of != NULL ? of : "", kind);
    else if (missing != NULL)
        code = cli_fail("--state-in: '%s' has no number '%s' that is 0 or more",
                        name, missing);
    else if (clstep_schedule_restore(run->schedule, &state, &error) !=
             CLSTEP_OK)
        code = cli_fail("--state-in: '%s': %s", name, error.message);
    json_decref(object);
    return code;
}

/* --- writing -------------------------------------------------------------- */

/* Writes 'object' to a file called 'path', down to the disk. */
static bool write_file(const json_t *object, const char *path)
{
    FILE *file = fopen(path, "w");

    if (file == NULL)
        return false;

    const bool good = json_dumpf(object, file, JSON_INDENT(2)) == 0 &&
                      fputc('\n', file) != EOF && fflush(file) == 0 &&
                      fsync(fileno(file)) == 0;

    return fclose(file) == 0 && good;
}

int schedule_write_state(const struct schedule_run *run)
{
    const char *name = run->options->state_out;
    const size_t size = strlen(name) + sizeof(ending);
    char *path = malloc(size);
    clstep_watch state;
    int code = CLI_OK;

    clstep_schedule_state(run->schedule, &state);

    json_t *object = json_pack(
        "{s:s, s:o, s:o}", "schedule", clstep_schedule_kind_name(run->kind),
        "best", number_json(state.best), "lr", json_real(state.lr));

    for (size_t i = 0; i < COUNTS; i++)
        json_object_set_new(object, counts[i].name,
                            json_integer((json_int_t)*count_of(&state, i)));
    if (path == NULL || object == NULL) {
        code = cli_fail("no memory for the state");
        goto done;
    }
    snprintf(path, size, "%s%s", name, ending);
    errno = 0;
    if (!write_file(object, path) || rename(path, name) != 0) {
        code = cli_fail("--state-out: cannot write '%s': %s", name,
                        errno != 0 ? strerror(errno) : "a write failed");
        remove(path);
    }

done:
    json_decref(object);
    free(path);
    return code;
}
