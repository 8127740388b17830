/*
 * schedule_text.c - see schedule_text.h
 * SPDX-License-Identifier: MIT
 */
#include "schedule_text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static clstep_setting_kind
kind_of(const clstep_schedule_kind *kind, const char *name)
{
    clstep_setting_info info;

    for (size_t i = 0; clstep_schedule_kind_setting(kind, i, &info); i++)
        if (strcmp(info.name, name) == 0)
            return info.kind;
    return CLSTEP_NUMBER;
}

void schedule_parse(struct schedule_text *text, const char *words)
{
    clstep_setting *next = text->settings;
    char *word;

    memset(text, 0, sizeof(*text));
    assert_true(strlen(words) < sizeof(text->copy));
    strcpy(text->copy, words);
    word = strtok(text->copy, " ");
    text->kind = clstep_schedule_kind_find(word);
    if (text->kind == NULL)
        fail_msg("no kind '%s'", word);
    while ((word = strtok(NULL, " ")) != NULL) {
        char *value = strchr(word, '=');

        assert_non_null(value);
        *value++ = '\0';
        if (kind_of(text->kind, word) == CLSTEP_CHOICE) {
            *next++ = (clstep_setting){.name = word, .choice = value};
            continue;
        }
        for (char *at = value; *at != '\0'; at += *at == ',') {
            *next++ = (clstep_setting){.name = word, .value = strtod(at, &at)};
            assert_true(next < text->settings + MAX_SETTINGS);
        }
    }
}

clstep_schedule *schedule_make(const char *words)
{
    clstep_schedule *schedule;
    clstep_error error;
    struct schedule_text text;

    schedule_parse(&text, words);
    if (clstep_schedule_create(clstep_schedule_kind_name(text.kind),
                               text.settings, &schedule, &error) != CLSTEP_OK)
        fail_msg("%s: %s", words, error.message);
    return schedule;
}

bool is_close(double a, double b, double share)
{
    return fabs(a - b) <= share * fabs(b);
}

void schedule_tell(clstep_schedule *schedule, double metric)
{
    clstep_error error;

    fixture_ok(clstep_schedule_watch(schedule, metric, &error), &error);
}
