/*
 * lbfgs_search.c - a step length that satisfies the strong Wolfe conditions
 * SPDX-License-Identifier: MIT
 *
 * Nocedal and Wright 2006, algorithms 3.5 and 3.6, with cubic interpolation, in
 * PyTorch's form: f(t) <= f(0) + c1 t f'(0) and |f'(t)| <= c2 |f'(0)|.
 */
#include "lbfgs.h"

#include <math.h>

enum { MAX_TRIALS = 25 }; /* after the first */

static const double c1 = 1e-4;
static const double c2 = 0.9;

struct point {
    double t, f, slope;
};

struct search {
    struct reference_lbfgs_run *run;
    struct point zero;
    double most; /* the largest |d| */
    int trials;  /* after the first */
};

/* Where the cubic through both points is least, 'a' before 'b'; held within
 * [least, most], of which it is the middle if there is no such place. */
static double cubic(struct point a, struct point b, double least, double most)
{
    const double v = a.slope + b.slope - 3.0 * (a.f - b.f) / (a.t - b.t);
    const double square = v * v - a.slope * b.slope;

    if (square >= 0.0) {
        const double r = sqrt(square);
        const double q = b.t - (b.t - a.t) * ((b.slope + r - v) /
                                              (b.slope - a.slope + 2.0 * r));

        if (isfinite(q))
            return q < least ? least : q > most ? most : q;
    }
    return (least + most) / 2.0;
}

/* Evaluates at t; what is not finite is infinitely high. */
static bool try_at(struct search *search, double t, struct point *point)
{
    struct reference_lbfgs_run *run = search->run;
    struct reference_lbfgs *l = run->l;

    point->t = (double)(float)t;
    reference_lbfgs_add(l, run->w, l->x, point->t, l->d);
    if (!reference_lbfgs_evaluate(run))
        return false;
    point->f = run->f;
    point->slope = reference_lbfgs_dot(l, run->g, l->d);
    if (!isfinite(point->f) || !isfinite(point->slope))
        point->f = INFINITY;
    return true;
}

static bool is_low_enough(const struct search *search, struct point p)
{
    return !(p.f > search->zero.f + c1 * p.t * search->zero.slope);
}

static bool is_flat_enough(const struct search *search, struct point p)
{
    return fabs(p.slope) <= -c2 * search->zero.slope;
}

/* Makes the point that was tried last, with its gradient, the lowest. */
static void keep(struct search *search, struct point *low, struct point p)
{
    *low = p;
    reference_lbfgs_copy(search->run->l, search->run->l->kept, search->run->g);
}

/* How the search for a bracket ended. */
enum ending { FAILED, ACCEPTED, BRACKETED };

/* Goes further until a minimum has been passed; 'low' and its gradient are the
 * lower end of the bracket, or the point that is accepted. */
static enum ending
find_bracket(struct search *search, struct point *low, struct point *high)
{
    struct point before = search->zero;
    struct point p;

    if (!try_at(search, search->run->t, &p))
        return FAILED;
    for (;;) {
        const bool is_higher = search->trials > 1 && p.f >= before.f;
        const bool goes_on = search->trials < MAX_TRIALS;

        if (!goes_on || !is_low_enough(search, p) || is_higher ||
            (!is_flat_enough(search, p) && p.slope >= 0.0))
            break;
        if (is_flat_enough(search, p)) {
            keep(search, low, p);
            return ACCEPTED;
        }

        const double t =
            cubic(before, p, p.t + 0.01 * (p.t - before.t), p.t * 10.0);

        before = p;
        reference_lbfgs_copy(search->run->l, search->run->l->kept,
                             search->run->g);
        if (!try_at(search, t, &p))
            return FAILED;
        search->trials++;
    }
    if (search->trials == MAX_TRIALS) {
        before = search->zero;
        reference_lbfgs_copy(search->run->l, search->run->l->kept,
                             search->run->l->p);
    }
    if (before.f <= p.f) {
        *low = before;
        *high = p;
    } else {
        keep(search, low, p);
        *high = before;
    }
    return BRACKETED;
}

/* A length between the ends; '*near' says that the last one was near an end,
 * where the next that is near is moved a tenth of the bracket inwards. */
static double choose_between(struct point low, struct point high, bool *near)
{
    const struct point a = low.t <= high.t ? low : high;
    const struct point b = low.t <= high.t ? high : low;
    const double t = cubic(a, b, a.t, b.t);
    const double margin = 0.1 * (b.t - a.t);
    const double to_end = b.t - t < t - a.t ? b.t - t : t - a.t;

    if (!(to_end < margin)) {
        *near = false;
        return t;
    }
    if (!*near && t < b.t && t > a.t) {
        *near = true;
        return t;
    }
    *near = false;
    return fabs(t - b.t) < fabs(t - a.t) ? b.t - margin : a.t + margin;
}

/* Narrows the bracket; false if the closure fails. */
static bool narrow(struct search *search, struct point *low, struct point high)
{
    bool near = false;

    while (search->trials < MAX_TRIALS) {
        struct point p;

        if (fabs(high.t - low->t) * search->most <
            search->run->l->tolerance_change)
            return true;
        if (!try_at(search, choose_between(*low, high, &near), &p))
            return false;
        search->trials++;
        if (!is_low_enough(search, p) || p.f >= low->f) {
            high = p;
            if (high.f < low->f) {
                high = *low;
                keep(search, low, p);
            }
            continue;
        }

        const bool is_done = is_flat_enough(search, p);

        if (!is_done && p.slope * (high.t - low->t) >= 0.0)
            high = *low;
        keep(search, low, p);
        if (is_done)
            return true;
    }
    return true;
}

bool reference_lbfgs_search(struct reference_lbfgs_run *run, double slope)
{
    struct reference_lbfgs *l = run->l;
    struct search search = {.run = run,
                            .zero = {0.0, run->f, slope},
                            .most = reference_lbfgs_max(l, l->d)};
    struct point low;
    struct point high;

    reference_lbfgs_copy(l, l->kept, run->g);

    const enum ending ending = find_bracket(&search, &low, &high);

    if (ending == FAILED ||
        (ending == BRACKETED && !narrow(&search, &low, high)))
        return false;
    run->t = low.t;
    run->f = low.f;
    reference_lbfgs_copy(l, run->g, l->kept);
    return true;
}
