/*
 * lbfgs.c - L-BFGS, in the coefficients of its basis
 * SPDX-License-Identifier: MIT
 *
 * Nocedal 1980 and Nocedal and Wright 2006, algorithms 7.4 and 7.5; the two
 * loops run over the inner products of the pairs and the gradient, as in Chen
 * et al. 2014.  The line search is in lbfgs_search.c, the order of roundings in
 * docs/numerics.md, section 10.
 */
#include "lbfgs.h"

#include <math.h>
#include <stdlib.h>

static const struct reference_setting defaults[] = {
    {"lr", 1.0, NULL},
    {"history", 10.0, NULL},
    {"line_search", 0.0, "wolfe"},
    {"max_iterations", 20.0, NULL},
    {"max_evaluations", 25.0, NULL},
    {"tolerance_gradient", 1e-7, NULL},
    {"tolerance_change", 1e-9, NULL},
    {NULL, 0.0, NULL},
};

static const struct reference_setting *
find_in(const struct reference_setting *list, const char *name)
{
    for (size_t i = 0; list != NULL && list[i].name != NULL; i++)
        if (strcmp(list[i].name, name) == 0)
            return &list[i];
    return NULL;
}

static const struct reference_setting *
setting_of(const struct reference_setting *settings, const char *name)
{
    const struct reference_setting *found = find_in(settings, name);

    return found != NULL ? found : find_in(defaults, name);
}

static void read_settings(struct reference_lbfgs *l,
                          const struct reference_setting *settings)
{
    l->lr = setting_of(settings, "lr")->number;
    l->wolfe =
        strcmp(setting_of(settings, "line_search")->choice, "wolfe") == 0;
    l->max_iterations =
        (uint64_t)setting_of(settings, "max_iterations")->number;
    l->max_evaluations =
        (uint64_t)setting_of(settings, "max_evaluations")->number;
    l->tolerance_gradient = setting_of(settings, "tolerance_gradient")->number;
    l->tolerance_change = setting_of(settings, "tolerance_change")->number;
}

/* --- arrays --------------------------------------------------------------- */

double reference_lbfgs_dot(const struct reference_lbfgs *l, const float *a,
                           const float *b)
{
    for (size_t i = 0; i < l->tensor_count; i++) {
        const struct reference_tensor *t = &l->tensors[i];

        l->sums[i] = reference_dot(a + t->offset, b + t->offset, t->count);
    }
    return (double)reference_fold(l->sums, l->tensor_count);
}

/* The sum of absolute values; 'scratch' is overwritten. */
static double
sum_of_sizes(const struct reference_lbfgs *l, const float *a, float *scratch)
{
    for (size_t i = 0; i < l->tensor_count; i++) {
        const struct reference_tensor *t = &l->tensors[i];

        for (size_t j = t->offset; j < t->offset + t->count; j++)
            scratch[j] = fabsf(a[j]);
        l->sums[i] = reference_add(scratch + t->offset, t->count);
    }
    return (double)reference_fold(l->sums, l->tensor_count);
}

double reference_lbfgs_max(const struct reference_lbfgs *l, const float *a)
{
    uint32_t most = 0;
    float size;

    for (size_t i = 0; i < l->tensor_count; i++) {
        const struct reference_tensor *t = &l->tensors[i];

        for (size_t j = t->offset; j < t->offset + t->count; j++) {
            uint32_t bits;

            memcpy(&bits, &a[j], sizeof(bits));
            bits &= 0x7fffffff;
            most = bits > most ? bits : most;
        }
    }
    memcpy(&size, &most, sizeof(size));
    return (double)size;
}

void reference_lbfgs_add(const struct reference_lbfgs *l, float *out,
                         const float *a, double factor, const float *b)
{
    const float k = (float)factor;

    for (size_t i = 0; i < l->tensor_count; i++) {
        const struct reference_tensor *t = &l->tensors[i];

        for (size_t j = t->offset; j < t->offset + t->count; j++)
            out[j] = a[j] + k * b[j];
    }
}

static void subtract(const struct reference_lbfgs *l, float *out,
                     const float *a, const float *b)
{
    for (size_t i = 0; i < l->tensor_count; i++) {
        const struct reference_tensor *t = &l->tensors[i];

        for (size_t j = t->offset; j < t->offset + t->count; j++)
            out[j] = a[j] - b[j];
    }
}

static void multiply(const struct reference_lbfgs *l, float *out, double factor,
                     const float *a)
{
    const float k = (float)factor;

    for (size_t i = 0; i < l->tensor_count; i++) {
        const struct reference_tensor *t = &l->tensors[i];

        for (size_t j = t->offset; j < t->offset + t->count; j++)
            out[j] = k * a[j];
    }
}

void reference_lbfgs_copy(const struct reference_lbfgs *l, float *out,
                          const float *a)
{
    for (size_t i = 0; i < l->tensor_count; i++) {
        const struct reference_tensor *t = &l->tensors[i];

        memcpy(out + t->offset, a + t->offset, t->count * sizeof(*out));
    }
}

/* --- life ----------------------------------------------------------------- */

static float *create_floats(size_t count)
{
    return calloc(count + 1, sizeof(float));
}

/* The pairs and one more, which a new one is tried in; false if no memory. */
static bool create_arrays(struct reference_lbfgs *l)
{
    l->x = create_floats(l->count);
    l->p = create_floats(l->count);
    l->d = create_floats(l->count);
    l->kept = create_floats(l->count);
    l->sums = create_floats(l->tensor_count);
    l->s = calloc(l->history + 1, sizeof(*l->s));
    l->y = calloc(l->history + 1, sizeof(*l->y));
    l->e = calloc(2 * l->history + 1, sizeof(*l->e));
    l->a = calloc(l->history + 1, sizeof(*l->a));
    l->products = calloc((2 * l->history + 1) * (2 * l->history + 1),
                         sizeof(*l->products));
    if (l->x == NULL || l->p == NULL || l->d == NULL || l->kept == NULL ||
        l->sums == NULL || l->s == NULL || l->y == NULL || l->e == NULL ||
        l->a == NULL || l->products == NULL)
        return false;
    for (size_t i = 0; i <= l->history; i++) {
        l->s[i] = create_floats(l->count);
        l->y[i] = create_floats(l->count);
        if (l->s[i] == NULL || l->y[i] == NULL)
            return false;
    }
    return true;
}

struct reference_lbfgs *
reference_lbfgs_create(const struct reference_setting *settings,
                       const struct reference_tensor *tensors,
                       size_t tensor_count)
{
    struct reference_lbfgs *l = calloc(1, sizeof(*l));

    if (l == NULL)
        return NULL;
    read_settings(l, settings);
    l->history = (size_t)setting_of(settings, "history")->number;
    l->tensor_count = tensor_count;
    l->tensors = calloc(tensor_count + 1, sizeof(*l->tensors));
    for (size_t i = 0; l->tensors != NULL && i < tensor_count; i++) {
        const size_t end = (size_t)(tensors[i].offset + tensors[i].count);

        l->tensors[i] = tensors[i];
        l->count = end > l->count ? end : l->count;
    }
    if (l->tensors == NULL || !create_arrays(l)) {
        reference_lbfgs_release(l);
        return NULL;
    }
    return l;
}

void reference_lbfgs_release(struct reference_lbfgs *l)
{
    if (l == NULL)
        return;
    for (size_t i = 0; i <= l->history; i++) {
        if (l->s != NULL)
            free(l->s[i]);
        if (l->y != NULL)
            free(l->y[i]);
    }
    free(l->products);
    free(l->a);
    free(l->e);
    free(l->y);
    free(l->s);
    free(l->sums);
    free(l->kept);
    free(l->d);
    free(l->p);
    free(l->x);
    free(l->tensors);
    free(l);
}

/* --- the direction -------------------------------------------------------- */

/* s = w - x, y = g - p: the last pair, if the function is convex between. */
static void remember(struct reference_lbfgs *l, const float *w, const float *g)
{
    float *s = l->s[l->pairs];
    float *y = l->y[l->pairs];

    subtract(l, s, w, l->x);
    subtract(l, y, g, l->p);

    const double sy = reference_lbfgs_dot(l, y, s);
    const double ss = reference_lbfgs_dot(l, s, s);
    const double yy = reference_lbfgs_dot(l, y, y);

    if (!(sy > 0x1p-23 * sqrt(ss * yy)))
        return;
    if (l->pairs < l->history) {
        l->pairs++;
        return;
    }

    float *oldest_s = l->s[0];
    float *oldest_y = l->y[0];

    for (size_t i = 0; i < l->history; i++) {
        l->s[i] = l->s[i + 1];
        l->y[i] = l->y[i + 1];
    }
    l->s[l->history] = oldest_s;
    l->y[l->history] = oldest_y;
}

/* The basis: all s, all y, g. */
static const float *
basis(const struct reference_lbfgs *l, size_t index, const float *g)
{
    const size_t h = l->pairs;

    return index < h ? l->s[index] : index < 2 * h ? l->y[index - h] : g;
}

static double product(const struct reference_lbfgs *l, size_t j, size_t k)
{
    return l->products[j * (2 * l->pairs + 1) + k];
}

static void find_products(struct reference_lbfgs *l, const float *g)
{
    const size_t n = 2 * l->pairs + 1;

    for (size_t j = 0; j < n; j++)
        for (size_t k = 0; k < n; k++)
            l->products[j * n + k] =
                reference_lbfgs_dot(l, basis(l, j, g), basis(l, k, g));
}

/* The inner product of what the coefficients stand for with a basis vector. */
static double row(const struct reference_lbfgs *l, size_t k)
{
    double sum = 0.0;

    for (size_t j = 0; j < 2 * l->pairs + 1; j++)
        sum = sum + l->e[j] * product(l, j, k);
    return sum;
}

/* The coefficients of the direction: -H g, by the two loops. */
static void find_coefficients(struct reference_lbfgs *l)
{
    const size_t h = l->pairs;
    double *e = l->e;
    double *a = l->a;

    for (size_t j = 0; j < 2 * h; j++)
        e[j] = 0.0;
    e[2 * h] = -1.0;
    for (size_t i = h; i-- > 0;) {
        a[i] = row(l, i) / product(l, i, h + i);
        e[h + i] = e[h + i] - a[i];
    }
    if (h > 0) {
        const double c =
            product(l, h - 1, 2 * h - 1) / product(l, 2 * h - 1, 2 * h - 1);

        for (size_t j = 0; j < 2 * h + 1; j++)
            e[j] = e[j] * c;
    }
    for (size_t i = 0; i < h; i++) {
        const double b = row(l, h + i) / product(l, i, h + i);

        e[i] = e[i] + (a[i] - b);
    }
}

/* The direction, and its slope. */
static double find_direction(struct reference_lbfgs *l, const float *g)
{
    const size_t h = l->pairs;

    find_products(l, g);
    find_coefficients(l);
    multiply(l, l->d, l->e[2 * h], g);
    for (size_t i = 0; i < h; i++) {
        reference_lbfgs_add(l, l->d, l->d, l->e[i], l->s[i]);
        reference_lbfgs_add(l, l->d, l->d, l->e[h + i], l->y[i]);
    }
    return row(l, 2 * h);
}

/* --- a call --------------------------------------------------------------- */

static double first_length(const struct reference_lbfgs *l, const float *g)
{
    if (l->pairs != 0)
        return l->lr;

    const double r = 1.0 / sum_of_sizes(l, g, l->kept);

    return (r < 1.0 ? r : 1.0) * l->lr;
}

bool reference_lbfgs_evaluate(struct reference_lbfgs_run *run)
{
    run->result->evaluations++;
    return run->closure(run->user, &run->f);
}

static bool is_finite(const struct reference_lbfgs_run *run)
{
    return isfinite(run->f) && isfinite(reference_lbfgs_max(run->l, run->g));
}

enum outcome { FAILED, STOPPED, GOES_ON };

static enum outcome
stop(struct reference_lbfgs_run *run, enum reference_lbfgs_stop why)
{
    run->result->stop = why;
    return STOPPED;
}

/* The step from x along d, where an infinite d may find none: leaves t, f, g
 * and w; FAILED leaves w at x. */
static enum outcome
move(struct reference_lbfgs_run *run, bool is_last, double slope)
{
    struct reference_lbfgs *l = run->l;

    if (l->wolfe) {
        if (!reference_lbfgs_search(run, slope)) {
            reference_lbfgs_copy(l, run->w, l->x);
            return FAILED;
        }
        if (run->t == 0.0)
            reference_lbfgs_copy(l, run->w, l->x);
        else
            reference_lbfgs_add(l, run->w, l->x, run->t, l->d);
        return GOES_ON;
    }
    reference_lbfgs_add(l, run->w, l->x, run->t, l->d);
    if (is_last)
        return GOES_ON;
    if (!reference_lbfgs_evaluate(run)) {
        reference_lbfgs_copy(l, run->w, l->x);
        return FAILED;
    }
    return is_finite(run) ? GOES_ON : stop(run, REFERENCE_LBFGS_NOT_FINITE);
}

static enum outcome iterate(struct reference_lbfgs_run *run)
{
    struct reference_lbfgs *l = run->l;
    const uint64_t n = ++run->result->iterations;
    const bool is_last = n == l->max_iterations;
    const double before = run->f;

    if (l->begun)
        remember(l, run->w, run->g);

    const double slope = find_direction(l, run->g);

    run->t = (double)(float)first_length(l, run->g);
    reference_lbfgs_copy(l, l->x, run->w);
    reference_lbfgs_copy(l, l->p, run->g);
    l->begun = true;
    if (!(slope <= -l->tolerance_change))
        return stop(run, REFERENCE_LBFGS_SLOPE);

    const enum outcome outcome = move(run, is_last, slope);

    if (outcome != GOES_ON)
        return outcome;
    if (run->t == 0.0)
        return stop(run, REFERENCE_LBFGS_STEP);
    if (is_last)
        return stop(run, REFERENCE_LBFGS_ITERATIONS);
    if (run->result->evaluations >= l->max_evaluations)
        return stop(run, REFERENCE_LBFGS_EVALUATIONS);
    if (reference_lbfgs_max(l, run->g) <= l->tolerance_gradient)
        return stop(run, REFERENCE_LBFGS_GRADIENT);
    if (run->t * reference_lbfgs_max(l, l->d) <= l->tolerance_change)
        return stop(run, REFERENCE_LBFGS_STEP);
    if (fabs(run->f - before) < l->tolerance_change)
        return stop(run, REFERENCE_LBFGS_LOSS);
    return GOES_ON;
}

bool reference_lbfgs_call(struct reference_lbfgs *lbfgs, float *w, float *g,
                          reference_closure *closure, void *user,
                          struct reference_lbfgs_result *result)
{
    struct reference_lbfgs_run run = {.l = lbfgs,
                                      .w = w,
                                      .g = g,
                                      .closure = closure,
                                      .user = user,
                                      .result = result};
    enum outcome outcome = GOES_ON;

    *result = (struct reference_lbfgs_result){0};
    if (!reference_lbfgs_evaluate(&run))
        return false;
    result->first_loss = run.f;
    if (!is_finite(&run))
        outcome = stop(&run, REFERENCE_LBFGS_NOT_FINITE);
    else if (reference_lbfgs_max(lbfgs, g) <= lbfgs->tolerance_gradient)
        outcome = stop(&run, REFERENCE_LBFGS_GRADIENT);
    while (outcome == GOES_ON)
        outcome = iterate(&run);
    result->last_loss = run.f;
    return outcome != FAILED;
}

const float *reference_lbfgs_slot(const struct reference_lbfgs *l, size_t index)
{
    if (!l->begun || index >= 2 + 2 * l->pairs)
        return NULL;
    if (index < 2)
        return index == 0 ? l->x : l->p;
    return index % 2 == 0 ? l->s[index / 2 - 1] : l->y[index / 2 - 1];
}
