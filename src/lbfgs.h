/*
 * lbfgs.h - L-BFGS: its state, and a call that is under way
 * SPDX-License-Identifier: MIT
 *
 * docs/numerics.md says what is computed.  The host decides, in double; the
 * vectors are on the device.
 */
#ifndef CS_LBFGS_H
#define CS_LBFGS_H

#include "lbfgs_vectors.h"

enum cs_lbfgs_setting {
    CS_LBFGS_LR,
    CS_LBFGS_HISTORY,
    CS_LBFGS_LINE_SEARCH,
    CS_LBFGS_MAX_ITERATIONS,
    CS_LBFGS_MAX_EVALUATIONS,
    CS_LBFGS_TOLERANCE_GRADIENT,
    CS_LBFGS_TOLERANCE_CHANGE,
    CS_LBFGS_SETTINGS
};

/* The values of line_search. */
enum { CS_LBFGS_WOLFE, CS_LBFGS_NONE };

/*
 * Pairs stand in a ring of places, one more than are kept: a new pair is
 * written to the free one before it is known whether it is taken.
 */
struct clstep_lbfgs {
    double value[CS_LBFGS_SETTINGS];
    struct cs_vectors vectors;
    clstep_lbfgs_progress state;
    size_t first; /* the place of the oldest pair */
    bool torn;

    /* Sums of products, by places: s of the first with y of the second, where
     * that is not older, and y with y.  Not known where state was written. */
    bool known;
    double *sy, *yy;

    /* By age: products with the gradient, coefficients, and the first loop's
     * steps. */
    double *by_age; /* all of these */
    double *sg, *yg, *of_s, *of_y, *steps;
    double gg;                /* the gradient with itself */
    float *coefficients;      /* on their way to the device */
    struct cs_question *asks; /* likewise */
    float *answers;
    char (*slots)[8]; /* their names */
};

extern const char cs_lbfgs_name[];

/* The place of the pair that is the 'age'-th from the oldest on. */
size_t cs_lbfgs_place(const clstep_lbfgs *lbfgs, size_t age);

/* A call that is under way. */
struct cs_lbfgs_call {
    clstep_lbfgs *lbfgs;
    cl_command_queue queue;
    bool out_of_order; /* the queue is */
    const clstep_buffers *buffers;
    clstep_closure *closure;
    void *user;
    clstep_lbfgs_result *result;
    bool changes; /* an iteration has begun, and the state is its */
    bool moves;   /* and its parameters may be elsewhere than the base */

    double loss;    /* the last */
    double largest; /* of the gradient, absolute */
    double reach;   /* the largest of the direction; below 0: not known yet */
};

/* Runs the call. */
clstep_status cs_lbfgs_run(struct cs_lbfgs_call *call, clstep_error *error);

/* Begins commands that come behind all that was enqueued before. */
clstep_status cs_lbfgs_begin(const struct cs_lbfgs_call *call,
                             struct cs_call *commands, clstep_error *error);

/* Calls the closure. */
clstep_status
cs_lbfgs_evaluate(struct cs_lbfgs_call *call, clstep_error *error);

/* --- lbfgs_direction.c ---------------------------------------------------- */

/*
 * Takes the pair of the last move, if it is one, and finds the coefficients of
 * the direction and its slope; 'size' becomes the sum of the gradient's
 * absolute values, where there is no pair.
 */
clstep_status cs_lbfgs_direction(struct cs_lbfgs_call *call, double *slope,
                                 double *size, clstep_error *error);

/* --- lbfgs_search.c ------------------------------------------------------- */

/* Searches along the direction from the length '*t' on, which becomes what was
 * found: parameters, gradients, loss and largest are those there. */
clstep_status cs_lbfgs_search(struct cs_lbfgs_call *call, double slope,
                              double *t, clstep_error *error);

#endif /* CS_LBFGS_H */
