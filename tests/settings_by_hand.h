/*
 * settings_by_hand.h - what every rule takes, written once more by hand
 * SPDX-License-Identifier: MIT
 *
 * A wrong name, default or range in a row of rules.c is found.
 */
#ifndef SETTINGS_BY_HAND_H
#define SETTINGS_BY_HAND_H

#include <stddef.h>

enum range {
    ANY,
    POSITIVE,
    FRACTION,
    SHRINKING,
    GROWING,
    SHARE,
    FROM_FOUR,
    FROM_ONE,
    STEPS,
    INTERVAL,
    PERIOD,
    TO_ONE,
    FLAG,
    CHOICE
};

struct row {
    const char *name;
    double initial; /* of a choice, the index */
    enum range range;
    const char *choices; /* with bars between */
    int optional;
};

struct table {
    const char *rule;
    struct row settings[11];
    const char *slots; /* "name", or "name:condition", with blanks between */
    const char *own;   /* the feature with a default of its own, or NULL */
    double initial;    /* that default */
};

extern const struct table tables[];
extern const size_t table_count;

/* The features that every rule has, in their order.  lr_max has no number for a
 * default: it is the lr at creation. */
extern const struct row features[];
extern const size_t feature_count;

struct bounds {
    double min, max;
};

extern const struct bounds ranges[]; /* by enum range */

#endif /* SETTINGS_BY_HAND_H */
