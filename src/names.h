/*
 * names.h - a caller's names and values, checked against a list of settings
 * SPDX-License-Identifier: MIT
 *
 * What the settings of rules and those of schedules share: which names there
 * are, which values each takes, and the sentences about what is refused.
 */
#ifndef CS_NAMES_H
#define CS_NAMES_H

#include "clstep/clstep.h"

#include <stdbool.h>

/* The settings of one owner: its own, followed by the features.  An index means
 * a place in that list. */
struct cs_names {
    const char *owner; /* its name, for sentences */
    const clstep_setting_info *own, *features;
    size_t own_count, feature_count;
};

/* 'setting' may differ from its default only where 'other' has one of 'values'
 * (names or numbers, with bars between them). */
struct cs_need {
    const char *setting, *other, *values;
};

/* The setting at 'index', or NULL past the last. */
const clstep_setting_info *
cs_names_at(const struct cs_names *names, size_t index);

/* The index of the setting called 'name', or -1. */
int cs_names_find(const struct cs_names *names, const char *name);

/* Fails because no setting is called 'name', and says which there are. */
clstep_status cs_names_unknown(const struct cs_names *names, const char *name,
                               clstep_error *error);

/* Fails if the setting 'info' cannot have the number 'value'. */
clstep_status
cs_names_check(const struct cs_names *names, const clstep_setting_info *info,
               double value, clstep_error *error);

/*
 * Takes over one setting of the caller's list into 'value' and 'given', which
 * have a place for each setting: a number or a flag as it is, a choice as the
 * index of its value, a list as how many numbers it has got.  'seen' tells what
 * was given twice.
 */
clstep_status
cs_names_take(const struct cs_names *names, const clstep_setting *setting,
              double *value, bool *given, bool *seen, clstep_error *error);

/* Says whether the value of the setting at 'index' is among 'values', names or
 * numbers with bars between. */
bool cs_names_is_among(const struct cs_names *names, const double *value,
                       int index, const char *values);

/* Checks 'needs', which end with one whose setting is NULL. */
clstep_status
cs_names_check_needs(const struct cs_names *names, const struct cs_need *needs,
                     const double *value, const bool *given,
                     clstep_error *error);

#endif /* CS_NAMES_H */
