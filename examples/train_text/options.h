/*
 * options.h - the command line of train_text
 * SPDX-License-Identifier: MIT
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "model.h"

#include <clstep/clstep.h>

struct options {
    const clstep_rule *rule;
    clstep_setting *settings; /* ended by one without a name */
    long steps;               /* 0 if 'seconds' counts */
    double seconds;           /* 0 if 'steps' counts */
    int constant;             /* no schedule of the step size */
    int decay_biases;         /* weight_decay acts on the biases too */
    int check_gradient;       /* in front of the training */
    const clstep_initializer *initializer; /* of the weights */
    uint64_t seed;
    struct sizes sizes;          /* the vocabulary is not known yet */
    const char *const *files;    /* ended by NULL */
    const char *const *held_out; /* ended by NULL */
    const char *csv, *plot;      /* or NULL */
    long sample;
    const char *device; /* or NULL */
};

/*
 * Exits with 2 and one line if the command line is wrong, and with 0 after
 * --help.
 */
struct options options_parse(int argc, char **argv);

#endif /* OPTIONS_H */
