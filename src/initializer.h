/*
 * initializer.h - what an initializer is
 * SPDX-License-Identifier: MIT
 *
 * An initializer is data and a line of formula.  All that the library knows of
 * it follows from its row in initializers.c; no other file names one.
 */
#ifndef CS_INITIALIZER_H
#define CS_INITIALIZER_H

#include "names.h"

enum { CS_INITIALIZER_OWN = 2 }; /* settings of an initializer */

/* How the elements of a tensor are distributed. */
enum cs_distribution { CS_CONSTANT, CS_UNIFORM, CS_NORMAL };

/* What goes into an element of a tensor and out of it. */
struct cs_fans {
    double in, out;
};

struct clstep_initializer {
    const char *name;
    const char *summary;
    const char *formula; /* with its source */
    clstep_setting_info settings[CS_INITIALIZER_OWN + 1];
    enum cs_distribution distribution;

    /* What must hold between its settings; NULL for nothing. */
    clstep_status (*check)(const double *value, clstep_error *error);

    /* Fills in the constant, or what is added to a number that is drawn times
     * the second, from the values of 'settings', in the same order. */
    void (*prepare)(const double *value, const struct cs_fans *fans,
                    double number[2]);
};

/* Ends with an initializer without a name. */
extern const clstep_initializer cs_initializers[];

/* Checks the caller's list, and fills in 'value'. */
clstep_status
cs_initializer_resolve(const clstep_initializer *initializer,
                       const clstep_setting *settings,
                       double value[CS_INITIALIZER_OWN], clstep_error *error);

#endif /* CS_INITIALIZER_H */
