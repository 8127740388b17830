/*
 * problem.h - losses to minimise, on the device and on the host
 * SPDX-License-Identifier: MIT
 *
 * A loss is a function in double; its closure reads the parameters, rounds the
 * gradient to float and writes it.  The padding and the guards around the
 * layout hold NaNs and infinities on the device.
 */
#ifndef PROBLEM_H
#define PROBLEM_H

#include "fixture.h"
#include "reference.h"

enum { PROBLEM_FRONT = 37, PROBLEM_BACK = 300 }; /* guards, in elements */

/* The loss at 'x', and its gradient in 'g'. */
typedef double
problem_loss(const double *x, double *g, size_t count, const void *data);

struct problem {
    problem_loss *loss;
    const void *data;
    clstep_layout *layout;
    struct reference_tensor *tensors;
    size_t tensor_count;
    uint64_t count;    /* of the layout */
    size_t parameters; /* without padding */
    double *x, *dx;
    float *scratch;

    /* The device's: parameters and gradients behind their guards, and the
     * host's copy of both at the start. */
    clstep_buffers buffers;
    cl_command_queue queue;
    float *w, *g; /* the reference's, of the layout */

    /* What the closure does wrong in one of its calls: returns 9, or gives
     * this loss, or this element of the gradient. */
    unsigned calls, fails_at, bad_at;
    bool bad_gradient;
    double bad;
};

/* Tensors of 'counts', ended by -1 (a count of 0 is one), with parameters from
 * 'start'. */
void problem_open(struct problem *problem, problem_loss *loss, const void *data,
                  const long *counts, float (*start)(size_t index));
void problem_close(struct problem *problem);

/* Puts parameters and gradients of device and host back to the start. */
void problem_restart(struct problem *problem, float (*start)(size_t index));

/* The closures; 'user' is the problem. */
int problem_closure(void *user, double *loss);
bool problem_closure_of_reference(void *user, double *loss);

/* Ends the test unless parameters and gradients are those of the reference, bit
 * for bit, and the guards are untouched. */
void problem_check(struct problem *problem);

/* Reads the parameters of the device, with padding. */
void problem_read(struct problem *problem, float *w);

/* --- losses --------------------------------------------------------------- */

/* Pairs of elements: 100 (b - a^2)^2 + (1 - a)^2, from (-1.2, 1). */
double rosenbrock(const double *x, double *g, size_t count, const void *data);
float rosenbrock_start(size_t index);

/* Wells, with slopes that depend on the neighbours. */
double wells(const double *x, double *g, size_t count, const void *data);
float wells_start(size_t index);

/* Logistic regression of the data of tests/golden/logistic.txt. */
struct logistic {
    size_t rows, columns;
    double l2, minimum, *x, *y;
    double point[16];
};

void logistic_open(struct logistic *logistic, const char *folder);
void logistic_close(struct logistic *logistic);
double logistic(const double *x, double *g, size_t count, const void *data);
float zero_start(size_t index);

#endif /* PROBLEM_H */
