/*
 * schedule_text.h - schedules of a text, for their tests
 * SPDX-License-Identifier: MIT
 */
#ifndef SCHEDULE_TEXT_H
#define SCHEDULE_TEXT_H

#include "scene.h"

enum { MAX_SETTINGS = 32 };

/* "cosine lr=0.1 T_max=10 after=rise", or with a list "milestones=1,2". */
struct schedule_text {
    char copy[512];
    const clstep_schedule_kind *kind;
    clstep_setting settings[MAX_SETTINGS];
};

void schedule_parse(struct schedule_text *text, const char *words);
clstep_schedule *schedule_make(const char *words);

/* Tells it a metric. */
void schedule_tell(clstep_schedule *schedule, double metric);

/* Whether they differ by at most this share of 'b'. */
bool is_close(double a, double b, double share);

#endif /* SCHEDULE_TEXT_H */
