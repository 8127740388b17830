/*
 * schedule.h - what a learning rate schedule is
 * SPDX-License-Identifier: MIT
 *
 * A kind of schedule is data and a few lines of formula.  All that the library
 * knows of it follows from its row in schedules.c; no other file names one.
 */
#ifndef CS_SCHEDULE_H
#define CS_SCHEDULE_H

#include "names.h"

/*
 * What any schedule can have around it.  A kind with a setting of its own
 * called "mode" does without the first, one with a warm-up of its own without
 * the last ones, from CS_WARMUP on.
 */
enum cs_schedule_feature {
    CS_MODE,
    CS_THRESHOLD,
    CS_THRESHOLD_MODE,
    CS_STOP_PATIENCE,
    CS_WARMUP,
    CS_WARMUP_START,
    CS_WARMUP_TYPE,
    CS_WARMUP_FIRST,
    CS_WARMUP_CLOCK,
    CS_SCHEDULE_FEATURES
};

enum {
    CS_SCHEDULE_OWN = 10, /* settings of a kind */
    CS_SCHEDULE_SETTINGS = CS_SCHEDULE_OWN + CS_SCHEDULE_FEATURES,
    CS_SCHEDULE_NEEDS = 3
};

/* The learning rate at step 's', from 0 on. */
typedef double cs_schedule_lr(const clstep_schedule *schedule, double s);

/* The momentum there: returns 0 if there is none. */
typedef int cs_schedule_momentum(const clstep_schedule *schedule, double s,
                                 double *momentum);

/* What must hold between the settings. */
typedef clstep_status
cs_schedule_check(const clstep_schedule *schedule, clstep_error *error);

/* Hears of a metric, and whether it was better.  Who does begins with the 'lr'
 * of its settings in its state. */
typedef void cs_schedule_watch(clstep_schedule *schedule, bool better);

struct clstep_schedule_kind {
    const char *name;
    const char *summary;
    const char *formula; /* with its source */

    clstep_setting_info settings[CS_SCHEDULE_OWN + 1];
    struct cs_need needs[CS_SCHEDULE_NEEDS + 1];
    int has_mode;   /* 1: a setting "mode" of its own */
    int has_warmup; /* 1: a warm-up of its own */

    cs_schedule_check *check; /* or NULL */
    cs_schedule_lr *lr;
    cs_schedule_momentum *momentum; /* NULL for never */
    cs_schedule_watch *watch;       /* NULL if it does not care */
};

struct clstep_schedule {
    const clstep_schedule_kind *kind;
    size_t own; /* settings that are the kind's, in front of the features */
    double value[CS_SCHEDULE_SETTINGS]; /* of a list, its length */
    bool given[CS_SCHEDULE_SETTINGS];
    const double *list[CS_SCHEDULE_OWN]; /* the numbers of a list, in 'numbers',
                                            or NULL */
    double *numbers;
    clstep_watch state;
};

/* Ends with a kind without a name. */
extern const clstep_schedule_kind cs_schedule_kinds[];

/* The value of a feature, and whether it was given. */
double cs_schedule_feature(const clstep_schedule *schedule,
                           enum cs_schedule_feature feature);
bool cs_schedule_has_feature(const clstep_schedule *schedule,
                             enum cs_schedule_feature feature);

#endif /* CS_SCHEDULE_H */
