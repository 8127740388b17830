/*
 * lbfgs_search.c - how far to go: the line search for the strong Wolfe
 * conditions
 * SPDX-License-Identifier: MIT
 *
 * docs/numerics.md, lbfgs: first on and on until a bracket is found, then
 * closer and closer within it.
 */
#include "lbfgs.h"

#include <math.h>

static const double enough = 1e-4, flat = 0.9; /* Wolfe's c1 and c2 */

enum { TRIALS = 25 };

/* Where the gradient of a point is. */
enum where { AT_BASE, IN_BUFFER, KEPT, NOWHERE };

struct point {
    double t, loss, slope, largest;
    enum where where;
};

struct search {
    struct cs_lbfgs_call *call;
    double loss, slope; /* at the base */
    unsigned trials;    /* after the first */
};

/* --- trials --------------------------------------------------------------- */

/* Lets the gradient of 'best' outlast the next trial. */
static clstep_status keep(struct search *search, struct cs_call *commands,
                          struct point *best, clstep_error *error)
{
    const struct cs_lbfgs_call *call = search->call;
    const struct cs_place from = {call->buffers->gradients,
                                  call->buffers->gradients_offset};

    if (best == NULL || best->where != IN_BUFFER)
        return CLSTEP_OK;
    best->where = KEPT;
    return cs_vectors_copy(&call->lbfgs->vectors, commands, from,
                           cs_vectors_place(&call->lbfgs->vectors, CS_KEPT),
                           error);
}

/* Asks what there is to know of the gradient at a point. */
static clstep_status
look(struct search *search, struct point *point, clstep_error *error)
{
    struct cs_lbfgs_call *call = search->call;
    clstep_lbfgs *l = call->lbfgs;
    float answers[3] = {0};
    struct cs_call commands;
    clstep_status status = cs_lbfgs_begin(call, &commands, error);

    l->asks[0] = (struct cs_question){CS_PRODUCT, CS_GRADIENT, CS_DIRECTION};
    l->asks[1] = (struct cs_question){CS_LARGEST, CS_GRADIENT, CS_GRADIENT};
    l->asks[2] = (struct cs_question){CS_LARGEST, CS_DIRECTION, CS_DIRECTION};

    if (status == CLSTEP_OK)
        status = cs_vectors_ask(&l->vectors, &commands, call->buffers, l->asks,
                                call->reach < 0.0 ? 3 : 2, answers, error);
    cs_call_end(&commands);
    if (status != CLSTEP_OK)
        return status;
    if (call->reach < 0.0)
        call->reach = (double)answers[2];
    point->slope = (double)answers[0];
    point->largest = (double)answers[1];
    return CLSTEP_OK;
}

/* Tries the length 't'; the gradient of 'best' may still be wanted. */
static clstep_status try_at(struct search *search, double t, struct point *best,
                            struct point *new, clstep_error *error)
{
    struct cs_lbfgs_call *call = search->call;
    struct cs_call commands;
    clstep_status status = cs_lbfgs_begin(call, &commands, error);

    if (status == CLSTEP_OK)
        status = keep(search, &commands, best, error);
    if (status == CLSTEP_OK)
        status = cs_vectors_move(&call->lbfgs->vectors, &commands,
                                 call->buffers, (float)t, error);
    cs_call_end(&commands);
    if (status == CLSTEP_OK)
        status = cs_lbfgs_evaluate(call, error);
    if (status == CLSTEP_OK)
        status = look(search, new, error);
    new->t = t;
    new->loss =
        isfinite(call->loss) && isfinite(new->slope) ? call->loss : INFINITY;
    new->where = IN_BUFFER;
    return status;
}

/* --- lengths -------------------------------------------------------------- */

/* As the device has it. */
static double rounded(double t)
{
    return (double)(float)t;
}

/* Where the cubic through 'a' and 'b', a.t < b.t, has its minimum. */
static double
cubic(const struct point *a, const struct point *b, double least, double most)
{
    const double v =
        a->slope + b->slope - 3.0 * (a->loss - b->loss) / (a->t - b->t);
    const double square = v * v - a->slope * b->slope;
    const double middle = (least + most) / 2.0;

    if (!(square >= 0.0))
        return middle;

    const double r = sqrt(square);
    const double q = b->t - (b->t - a->t) * ((b->slope + r - v) /
                                             (b->slope - a->slope + 2.0 * r));

    if (!isfinite(q))
        return middle;
    return q < least ? least : q > most ? most : q;
}

static bool is_too_high(const struct search *search, const struct point *point)
{
    return point->loss > search->loss + enough * point->t * search->slope;
}

static bool is_flat(const struct search *search, const struct point *point)
{
    return fabs(point->slope) <= -flat * search->slope;
}

/* --- the search ----------------------------------------------------------- */

/* Goes on until a point is good, which is then in '*low', or until two are a
 * bracket; '*good' tells which. */
static clstep_status
find_bracket(struct search *search, double t, struct point *low,
             struct point *high, bool *good, clstep_error *error)
{
    const struct point base = *low;
    struct point previous = base, new;
    clstep_status status = try_at(search, t, NULL, &new, error);

    *good = false;
    for (; status == CLSTEP_OK && search->trials < TRIALS; search->trials++) {
        if (is_too_high(search, &new) ||
            (search->trials > 1 && new.loss >= previous.loss))
            break;
        *good = is_flat(search, &new);
        if (*good || new.slope >= 0.0)
            break;
        t = rounded(cubic(&previous, &new, new.t + 0.01 * (new.t - previous.t),
                          new.t * 10.0));
        previous = new;
        status = try_at(search, t, &previous, &new, error);
    }
    if (search->trials == TRIALS)
        previous = base;

    const bool exchange = *good || !(previous.loss <= new.loss);

    *low = exchange ? new : previous;
    *high = exchange ? previous : new;
    return status;
}

/* The next length within the bracket; '*near' says whether the last one was
 * near an end of it. */
static double
choose(const struct point *low, const struct point *high, bool *near)
{
    const struct point *left = low->t < high->t ? low : high;
    const struct point *right = left == low ? high : low;
    const double l = left->t, u = right->t;
    const double t = rounded(cubic(left, right, l, u));
    const double edge = 0.1 * (u - l);
    const double room = u - t < t - l ? u - t : t - l;
    const bool is_near = room < edge;
    const bool shift = is_near && (*near || t >= u || t <= l);

    *near = is_near && !shift;
    if (!shift)
        return t;
    return rounded(fabs(t - u) < fabs(t - l) ? u - edge : l + edge);
}

/* Comes closer until 'low' is good, or nothing more is to be had. */
static clstep_status narrow(struct search *search, struct point *low,
                            struct point *high, clstep_error *error)
{
    bool near = false, good = false;

    while (search->trials < TRIALS && !good) {
        const double width = fabs(high->t - low->t);
        const double least =
            search->call->lbfgs->value[CS_LBFGS_TOLERANCE_CHANGE];
        struct point new;

        if (width * search->call->reach < least)
            return CLSTEP_OK;

        const clstep_status status =
            try_at(search, choose(low, high, &near), low, &new, error);

        if (status != CLSTEP_OK)
            return status;
        search->trials++;
        if (is_too_high(search, &new) || new.loss >= low->loss) {
            *high = new;
            if (high->loss < low->loss) {
                *high = *low;
                *low = new;
            }
            continue;
        }
        good = is_flat(search, &new);
        if (!good && new.slope *(high->t - low->t) >= 0.0)
            *high = *low;
        *low = new;
    }
    return CLSTEP_OK;
}

/* Goes to 'point', and brings its gradient back.  The base is copied: base + 0
 * d is a NaN where d is an infinity. */
static clstep_status
accept(struct search *search, const struct point *point, clstep_error *error)
{
    struct cs_lbfgs_call *call = search->call;
    struct cs_vectors *vectors = &call->lbfgs->vectors;
    const struct cs_place to = {call->buffers->gradients,
                                call->buffers->gradients_offset};
    const struct cs_place parameters = {call->buffers->parameters,
                                        call->buffers->parameters_offset};
    const struct cs_place from =
        cs_vectors_place(vectors, point->where == KEPT ? CS_KEPT : CS_BEFORE);
    struct cs_call commands;
    clstep_status status = CLSTEP_OK;

    call->loss = point->loss;
    call->largest = point->largest;
    if (point->where == IN_BUFFER)
        return CLSTEP_OK;
    status = cs_lbfgs_begin(call, &commands, error);
    if (status == CLSTEP_OK)
        status = cs_vectors_copy(vectors, &commands, from, to, error);
    if (status == CLSTEP_OK)
        status = point->t == 0.0
                     ? cs_vectors_copy(vectors, &commands,
                                       cs_vectors_place(vectors, CS_BASE),
                                       parameters, error)
                     : cs_vectors_move(vectors, &commands, call->buffers,
                                       (float)point->t, error);
    cs_call_end(&commands);
    return status;
}

clstep_status cs_lbfgs_search(struct cs_lbfgs_call *call, double slope,
                              double *t, clstep_error *error)
{
    struct search search = {.call = call, .loss = call->loss, .slope = slope};
    struct point low = {0.0, call->loss, slope, call->largest, AT_BASE}, high;
    bool good;
    clstep_status status = find_bracket(&search, *t, &low, &high, &good, error);

    if (status == CLSTEP_OK && !good)
        status = narrow(&search, &low, &high, error);
    if (status == CLSTEP_OK)
        status = accept(&search, &low, error);
    *t = low.t;
    return status;
}
