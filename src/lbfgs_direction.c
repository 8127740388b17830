/*
 * lbfgs_direction.c - the direction, as coefficients of the pairs
 * SPDX-License-Identifier: MIT
 *
 * The two loops of L-BFGS run on the host, over the sums of products of the
 * pairs and of the gradient (docs/numerics.md, lbfgs).  Products of two pairs
 * are asked for once, when the newer one comes.
 */
#include "lbfgs.h"
#include "error.h"

#include <math.h>

size_t cs_lbfgs_place(const clstep_lbfgs *l, size_t age)
{
    return (l->first + age) % l->vectors.places;
}

static cl_uint s_at(size_t place)
{
    return (cl_uint)(CS_HISTORY + place);
}

static cl_uint y_at(const clstep_lbfgs *l, size_t place)
{
    return (cl_uint)(CS_HISTORY + l->vectors.places + place);
}

/* The sum of the products of s and y, or of y and y, at two places. */
static double *sy_of(const clstep_lbfgs *l, size_t of_s, size_t of_y)
{
    return &l->sy[of_s * l->vectors.places + of_y];
}

static double *yy_of(const clstep_lbfgs *l, size_t a, size_t b)
{
    return &l->yy[a * l->vectors.places + b];
}

static void
ask(clstep_lbfgs *l, size_t *asked, cl_uint kind, size_t a, size_t b)
{
    l->asks[(*asked)++] = (struct cs_question){kind, (cl_uint)a, (cl_uint)b};
}

/* --- products ------------------------------------------------------------- */

/* Asks for the products of the pair at 'age' with itself and all older ones. */
static void ask_pair(clstep_lbfgs *l, size_t age, size_t *asked)
{
    const cl_uint y = y_at(l, cs_lbfgs_place(l, age));

    for (size_t i = 0; i <= age; i++) {
        const size_t place = cs_lbfgs_place(l, i);

        ask(l, asked, CS_PRODUCT, s_at(place), y);
        ask(l, asked, CS_PRODUCT, y_at(l, place), y);
    }
}

static void take_pair(clstep_lbfgs *l, size_t age, const float **answer)
{
    const size_t newer = cs_lbfgs_place(l, age);

    for (size_t i = 0; i <= age; i++) {
        const size_t place = cs_lbfgs_place(l, i);

        *sy_of(l, place, newer) = (double)*(*answer)++;
        *yy_of(l, place, newer) = *yy_of(l, newer, place) =
            (double)*(*answer)++;
    }
}

/* A pair that an iteration has taken has a product above 0. */
static clstep_status
check_pair(const clstep_lbfgs *l, size_t age, clstep_error *error)
{
    const size_t place = cs_lbfgs_place(l, age);
    const double sy = *sy_of(l, place, place);

    if (sy > 0.0)
        return CLSTEP_OK;
    return cs_fail(error, CLSTEP_INVALID_ARGUMENT,
                   "the sum of s%zu times y%zu is %g, and of a pair it is more "
                   "than 0: write the slots of the state, or reset lbfgs",
                   age + 1, age + 1, sy);
}

/* Asks for all products of pairs, after their numbers came from outside. */
static clstep_status find_known(struct cs_lbfgs_call *call, clstep_error *error)
{
    clstep_lbfgs *l = call->lbfgs;
    clstep_status status = CLSTEP_OK;

    for (size_t age = 0; age < l->state.pairs && status == CLSTEP_OK; age++) {
        struct cs_call commands;
        const float *answer = l->answers;
        size_t asked = 0;

        ask_pair(l, age, &asked);
        status = cs_lbfgs_begin(call, &commands, error);
        if (status == CLSTEP_OK)
            status = cs_vectors_ask(&l->vectors, &commands, call->buffers,
                                    l->asks, asked, l->answers, error);
        cs_call_end(&commands);
        if (status == CLSTEP_OK)
            take_pair(l, age, &answer);
    }
    for (size_t age = 0; age < l->state.pairs && status == CLSTEP_OK; age++)
        status = check_pair(l, age, error);
    l->known = status == CLSTEP_OK;
    return status;
}

/*
 * Asks for all that is new, in one reading: the products of the pair in the
 * free place, if there was a move, and of the gradient.
 */
static clstep_status
find_new(struct cs_lbfgs_call *call, size_t pairs, clstep_error *error)
{
    clstep_lbfgs *l = call->lbfgs;
    const bool moved = l->state.iterations != 0;
    struct cs_call commands;
    size_t asked = 0;
    clstep_status status = cs_lbfgs_begin(call, &commands, error);

    if (status == CLSTEP_OK && moved)
        status = cs_vectors_pair(&l->vectors, &commands, call->buffers,
                                 cs_lbfgs_place(l, pairs - 1), error);
    if (moved) {
        const cl_uint s = s_at(cs_lbfgs_place(l, pairs - 1));

        ask(l, &asked, CS_PRODUCT, s, s);
        ask_pair(l, pairs - 1, &asked);
    }
    for (size_t i = 0; i < pairs; i++) {
        const size_t place = cs_lbfgs_place(l, i);

        ask(l, &asked, CS_PRODUCT, s_at(place), CS_GRADIENT);
        ask(l, &asked, CS_PRODUCT, y_at(l, place), CS_GRADIENT);
    }
    ask(l, &asked, CS_PRODUCT, CS_GRADIENT, CS_GRADIENT);
    ask(l, &asked, CS_SIZE, CS_GRADIENT, CS_GRADIENT);
    if (status == CLSTEP_OK)
        status = cs_vectors_ask(&l->vectors, &commands, call->buffers, l->asks,
                                asked, l->answers, error);
    cs_call_end(&commands);
    return status;
}

/* Says whether the pair at 'place' is more than rounding; 'ss' is the product
 * of its s with itself. */
static bool is_pair(const clstep_lbfgs *l, size_t place, double ss)
{
    return *sy_of(l, place, place) >
           0x1p-23 * sqrt(ss * *yy_of(l, place, place));
}

/* Takes in what find_new() has asked for; returns the sum of the gradient's
 * absolute values. */
static double take_new(clstep_lbfgs *l, size_t pairs)
{
    const float *answer = l->answers;
    bool taken = false;

    if (l->state.iterations != 0) {
        const double ss = (double)*answer++;

        take_pair(l, pairs - 1, &answer);
        taken = is_pair(l, cs_lbfgs_place(l, pairs - 1), ss);
    }
    for (size_t i = 0; i < pairs; i++) {
        l->sg[i] = (double)*answer++;
        l->yg[i] = (double)*answer++;
    }
    l->gg = (double)*answer++;
    l->state.pairs += taken;
    if (l->state.pairs == l->vectors.places) {
        l->state.pairs--;
        l->first = cs_lbfgs_place(l, 1);
        for (size_t i = 0; i < l->state.pairs; i++) {
            l->sg[i] = l->sg[i + 1];
            l->yg[i] = l->yg[i + 1];
        }
    }
    return (double)*answer;
}

/* --- the two loops -------------------------------------------------------- */

/* The product of what the coefficients make with s, y or the gradient, all of
 * the basis in its order.  What has no coefficient yet is not asked for. */

static double along_s(const clstep_lbfgs *l, size_t i, double of_g)
{
    const size_t place = cs_lbfgs_place(l, i);
    double sum = 0.0;

    for (size_t k = i + 1; k < l->state.pairs; k++)
        sum += l->of_y[k] * *sy_of(l, place, cs_lbfgs_place(l, k));
    return sum + of_g * l->sg[i];
}

static double along_y(const clstep_lbfgs *l, size_t i, double of_g)
{
    const size_t place = cs_lbfgs_place(l, i);
    double sum = 0.0;

    for (size_t k = 0; k < i; k++)
        sum += l->of_s[k] * *sy_of(l, cs_lbfgs_place(l, k), place);
    /* None yet, unless an overflow has made a NaN of them. */
    for (size_t k = i; k < l->state.pairs; k++)
        sum += l->of_s[k] * 0.0;
    for (size_t k = 0; k < l->state.pairs; k++)
        sum += l->of_y[k] * *yy_of(l, cs_lbfgs_place(l, k), place);
    return sum + of_g * l->yg[i];
}

static double along_g(const clstep_lbfgs *l, double of_g)
{
    double sum = 0.0;

    for (size_t k = 0; k < l->state.pairs; k++)
        sum += l->of_s[k] * l->sg[k];
    for (size_t k = 0; k < l->state.pairs; k++)
        sum += l->of_y[k] * l->yg[k];
    return sum + of_g * l->gg;
}

/* Finds the coefficients of the pairs; returns that of the gradient. */
static double find_coefficients(clstep_lbfgs *l)
{
    const size_t pairs = l->state.pairs;
    double of_g = -1.0;

    if (pairs == 0)
        return of_g;
    for (size_t i = 0; i < pairs; i++)
        l->of_s[i] = l->of_y[i] = 0.0;

    const size_t last = cs_lbfgs_place(l, pairs - 1);

    for (size_t i = pairs; i-- > 0;) {
        const size_t place = cs_lbfgs_place(l, i);

        l->steps[i] = along_s(l, i, of_g) / *sy_of(l, place, place);
        l->of_y[i] = l->of_y[i] - l->steps[i];
    }

    const double c = *sy_of(l, last, last) / *yy_of(l, last, last);

    for (size_t i = 0; i < pairs; i++) {
        l->of_s[i] = l->of_s[i] * c;
        l->of_y[i] = l->of_y[i] * c;
    }
    of_g = of_g * c;
    for (size_t i = 0; i < pairs; i++) {
        const size_t place = cs_lbfgs_place(l, i);
        const double b = along_y(l, i, of_g) / *sy_of(l, place, place);

        l->of_s[i] = l->of_s[i] + (l->steps[i] - b);
    }
    return of_g;
}

clstep_status cs_lbfgs_direction(struct cs_lbfgs_call *call, double *slope,
                                 double *size, clstep_error *error)
{
    clstep_lbfgs *l = call->lbfgs;
    const size_t pairs = l->state.pairs + (l->state.iterations != 0);
    clstep_status status = l->known ? CLSTEP_OK : find_known(call, error);

    if (status == CLSTEP_OK)
        status = find_new(call, pairs, error);
    if (status != CLSTEP_OK)
        return status;
    *size = take_new(l, pairs);

    const double of_g = find_coefficients(l);

    *slope = along_g(l, of_g);
    l->coefficients[0] = (float)of_g;
    for (size_t i = 0; i < l->state.pairs; i++) {
        l->coefficients[1 + 2 * i] = (float)l->of_s[i];
        l->coefficients[2 + 2 * i] = (float)l->of_y[i];
    }
    return CLSTEP_OK;
}
