/*
 * lbfgs.h - what lbfgs.c and lbfgs_search.c share
 * SPDX-License-Identifier: MIT
 */
#ifndef CS_REFERENCE_LBFGS_H
#define CS_REFERENCE_LBFGS_H

#include "internal.h"

struct reference_lbfgs {
    double lr, tolerance_gradient, tolerance_change;
    uint64_t max_iterations, max_evaluations;
    bool wolfe;
    size_t history;
    struct reference_tensor *tensors;
    size_t tensor_count;
    size_t count;     /* of the arrays */
    bool begun;       /* there was an iteration, so there are x and p */
    float *x, *p, *d; /* parameters and gradient before, direction */
    float *kept;      /* scratch; in a search, the gradient of the lowest */
    float **s, **y;   /* 'pairs' of them, the oldest first, and room for one */
    size_t pairs;
    double *e, *a;    /* the coefficients, and those of the first loop */
    double *products; /* of the basis */
    float *sums;      /* scratch: of each tensor */
};

/* A call under way: 'w' and 'g' are the caller's. */
struct reference_lbfgs_run {
    struct reference_lbfgs *l;
    float *w, *g;
    reference_closure *closure;
    void *user;
    double f; /* the loss that belongs to g */
    double t; /* the length of the step */
    struct reference_lbfgs_result *result;
};

/* Inner product and largest absolute value, over all tensors. */
double reference_lbfgs_dot(const struct reference_lbfgs *l, const float *a,
                           const float *b);
double reference_lbfgs_max(const struct reference_lbfgs *l, const float *a);

/* out = a + factor b, the factor rounded to float; and out = a. */
void reference_lbfgs_add(const struct reference_lbfgs *l, float *out,
                         const float *a, double factor, const float *b);
void reference_lbfgs_copy(const struct reference_lbfgs *l, float *out,
                          const float *a);

/* Calls the closure: f and g at w; false if it fails. */
bool reference_lbfgs_evaluate(struct reference_lbfgs_run *run);

/* Searches from x along d, first at t: leaves t, f and g where the strong Wolfe
 * conditions hold, or the lowest it found; false if the closure fails. */
bool reference_lbfgs_search(struct reference_lbfgs_run *run, double slope);

#endif /* CS_REFERENCE_LBFGS_H */
