/*
 * trial.h - some steps on a device against the scalar reference
 * SPDX-License-Identifier: MIT
 *
 * What `clstep verify` and the tests are made of: an optimizer and its
 * reference take the same steps from the same numbers, and every bit of the
 * parameters, the gradients, every slot and the guard zones is compared.
 */
#ifndef CS_TRIAL_H
#define CS_TRIAL_H

#include "clstep/clstep.h"

#include <stdbool.h>

/* Where trials run. */
struct trial_place {
    cl_context context;
    cl_command_queue queue;
    clstep_device *device;
};

struct trial {
    const clstep_rule *rule;
    const clstep_setting *settings; /* ended by a name that is NULL */
    uint64_t count;
    uint64_t parameters_offset, gradients_offset; /* at most 255 */
    uint64_t before; /* steps that were taken already */
    unsigned steps;
    uint64_t seed;
    bool zero_parameters, zero_gradients; /* all of them */
    bool disturb; /* a third of the numbers is halved before each of the steps
                     2, 3 and 4; 5 is taken as the first or second again, and
                     6 to 8 as the fifth, the second and the first */
};

struct trial_result {
    uint64_t compared, mismatches; /* numbers */
    char first[384];               /* the first mismatch in words, or "" */
};

/*
 * Runs 'trial' and adds to '*result'.  Fails only where an operation does: a
 * mismatch is a result, not a failure.
 */
clstep_status
trial_run(const struct trial_place *place, const struct trial *trial,
          struct trial_result *result, clstep_error *error);

/* The settings of a trial in words: "lr=0.1 eps_form=inside". */
void trial_describe(const clstep_setting *settings, char *text, size_t size);

/* --- random numbers ------------------------------------------------------- */

/* A generator that is the same everywhere. */
struct trial_random {
    uint64_t state;
};

uint64_t trial_random_next(struct trial_random *random);

/* A number in [0, 1). */
double trial_random_unit(struct trial_random *random);

/*
 * Numbers that find mistakes: ordinary ones, magnitudes from 1e-30 to 1e30,
 * zeros of both signs, subnormals, and here and there an infinity or a NaN.
 */
void trial_random_fill(struct trial_random *random, float *x, uint64_t count);

#endif /* CS_TRIAL_H */
