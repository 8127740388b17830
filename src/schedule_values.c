/*
 * schedule_values.c - the formulas of the schedules
 * SPDX-License-Identifier: MIT
 *
 * A learning rate, or a momentum, as a function of the step; the rows in
 * schedules.c say each as a text.
 */
#include "schedule_values.h"
#include "error.h"

#include <float.h>
#include <math.h>

#define PI 3.14159265358979323846

static double smaller(double a, double b)
{
    return a < b ? a : b;
}

/* b to the whole part of n, from 0 on, by squaring: the same bits with every
 * libc. */
static double power(double b, double n)
{
    uint64_t left = n < 0x1p63 ? (uint64_t)n : UINT64_C(1) << 63;
    double r = 1.0;

    for (; left != 0; left >>= 1, b *= b)
        if (left & 1)
            r *= b;
    return smaller(r, DBL_MAX);
}

/* b^n, or with a staircase b to the whole part of n. */
static double climb(double b, double n, double staircase)
{
    if (staircase != 0.0 || n == floor(n))
        return power(b, n);
    return smaller(pow(b, n), DBL_MAX);
}

/* From 1 at p = 0 to 0 at p = 1. */
static double half_cosine(double p)
{
    return (1.0 + cos(PI * p)) / 2.0;
}

/* From 'start' at a share of 1, to the bit, to 'end' at 0. */
static double between(double end, double start, double share)
{
    return share == 1.0 ? start : end + (start - end) * share;
}

/* --- constant, step, multistep, piecewise --------------------------------- */

double cs_constant_lr(const clstep_schedule *x, double s)
{
    (void)s;
    return x->value[FIRST_LR];
}

double cs_step_lr(const clstep_schedule *x, double s)
{
    const double *v = x->value;

    return v[STEP_LR] * power(v[STEP_GAMMA], s / v[STEP_SIZE]);
}

/* How many numbers of the list at 'index' are at most 's', or below it. */
static size_t passed(const clstep_schedule *x, int index, double s, bool below)
{
    const size_t length = (size_t)x->value[index];
    size_t count = 0;

    for (size_t i = 0; i < length; i++)
        if (below ? x->list[index][i] < s : x->list[index][i] <= s)
            count++;
    return count;
}

double cs_multistep_lr(const clstep_schedule *x, double s)
{
    const double *v = x->value;

    return v[MULTISTEP_LR] *
           power(v[MULTISTEP_GAMMA],
                 (double)passed(x, MULTISTEP_MILESTONES, s, false));
}

enum { SIDE_LEFT, SIDE_RIGHT };

clstep_status cs_piecewise_check(const clstep_schedule *x, clstep_error *error)
{
    const double boundaries = x->value[PIECEWISE_BOUNDARIES];
    const double values = x->value[PIECEWISE_VALUES];
    const double *list = x->list[PIECEWISE_BOUNDARIES];

    if (values != boundaries + 1.0)
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT,
                       "values of piecewise has %g numbers; it takes one more "
                       "than boundaries, which has %g",
                       values, boundaries);
    for (size_t i = 1; i < (size_t)boundaries; i++)
        if (list[i] <= list[i - 1])
            return cs_fail(error, CLSTEP_INVALID_ARGUMENT,
                           "boundaries of piecewise has %.9g after %.9g; each "
                           "is larger than the last",
                           list[i], list[i - 1]);
    return CLSTEP_OK;
}

double cs_piecewise_lr(const clstep_schedule *x, double s)
{
    return x->list[PIECEWISE_VALUES][passed(
        x, PIECEWISE_BOUNDARIES, s, x->value[PIECEWISE_SIDE] == SIDE_LEFT)];
}

/* --- by the epoch --------------------------------------------------------- */

double cs_sqrt_lr(const clstep_schedule *x, double s)
{
    const double *v = x->value;

    return v[SQRT_LR] * v[SQRT_K] / sqrt(s + v[SQRT_FIRST]);
}

double cs_exponential_epoch_lr(const clstep_schedule *x, double s)
{
    const double *v = x->value;

    return v[EPOCH_LR] * power(v[EPOCH_GAMMA], s + v[EPOCH_FIRST]);
}

double cs_inverse_time_lr(const clstep_schedule *x, double s)
{
    const double *v = x->value;
    const double e = (s + v[INVERSE_FIRST]) / v[INVERSE_STEPS];

    return v[INVERSE_LR] /
           (1.0 +
            v[INVERSE_DECAY] * (v[INVERSE_STAIRCASE] != 0.0 ? floor(e) : e));
}

/* --- exponential, power, polynomial --------------------------------------- */

double cs_exponential_lr(const clstep_schedule *x, double s)
{
    const double *v = x->value;

    return v[EXPONENTIAL_LR] * climb(v[EXPONENTIAL_GAMMA],
                                     s / v[EXPONENTIAL_STEPS],
                                     v[EXPONENTIAL_STAIRCASE]);
}

double cs_exponential_10_lr(const clstep_schedule *x, double s)
{
    const double *v = x->value;

    return v[TEN_LR] / climb(10.0, s / v[TEN_STEPS], v[TEN_STAIRCASE]);
}

double cs_power_lr(const clstep_schedule *x, double s)
{
    const double *v = x->value;

    return v[POWER_LR] / pow(1.0 + s / v[POWER_STEPS], v[POWER_EXPONENT]);
}

double cs_polynomial_lr(const clstep_schedule *x, double s)
{
    const double *v = x->value;
    double steps = v[POLY_STEPS];

    if (v[POLY_CYCLE] != 0.0 && s > 0.0)
        steps *= ceil(s / steps);
    return between(v[POLY_ETA_MIN], v[POLY_LR],
                   pow(1.0 - smaller(s, steps) / steps, v[POLY_POWER]));
}

/* --- cosine --------------------------------------------------------------- */

enum { AFTER_HOLD, AFTER_RISE };

double cs_cosine_lr(const clstep_schedule *x, double s)
{
    const double *v = x->value;
    const double steps = v[COSINE_STEPS];

    s = v[COSINE_AFTER] == AFTER_RISE ? fmod(s, 2.0 * steps)
                                      : smaller(s, steps);
    return between(v[COSINE_ETA_MIN], v[COSINE_LR], half_cosine(s / steps));
}

enum { FORM_PEAK, FORM_RANGE };

/* Where run 'i' begins, in lengths of the first: 1 + m + ... + m^(i-1). */
static double run_begin(double m, double i)
{
    return m == 1.0 ? i : (power(m, i) - 1.0) / (m - 1.0);
}

/* Says whether it has begun at step 's'.  A T_mult that is no whole number may
 * move the beginning by a rounding: 10 steps and 19 are no more than 29. */
static bool has_begun(const double *v, double i, double s)
{
    return v[RESTARTS_STEPS] * run_begin(v[RESTARTS_FACTOR], i) <=
           s + smaller(1e-12 * s, 0.01);
}

double cs_cosine_restarts_lr(const clstep_schedule *x, double s)
{
    const double *v = x->value;
    const double m = v[RESTARTS_FACTOR], end = v[RESTARTS_ETA_MIN];
    const double p = s / v[RESTARTS_STEPS];
    double i = m == 1.0 ? p : log(1.0 + p * (m - 1.0)) / log(m);

    /* The logarithm may miss a whole number by a rounding. */
    i = floor(i);
    if (i > 0.0 && !has_begun(v, i, s))
        i -= 1.0;
    else if (has_begun(v, i + 1.0, s))
        i += 1.0;

    const double length = power(m, i), gain = power(v[RESTARTS_GAMMA], i);
    const double share =
        half_cosine(smaller((p - run_begin(m, i)) / length, 1.0));

    if (v[RESTARTS_FORM] == FORM_RANGE)
        return end + (v[RESTARTS_LR] - end) * (gain * share);
    return between(end, smaller(v[RESTARTS_LR] * gain, DBL_MAX), share);
}

/* --- noam, inverse_sqrt, wsd ---------------------------------------------- */

double cs_noam_lr(const clstep_schedule *x, double s)
{
    const double *v = x->value;
    const double w = v[NOAM_WARMUP], t = s + v[NOAM_FIRST];

    /* t / w^1.5 is the smaller one up to w, and no division by a t of 0. */
    return v[NOAM_LR] / sqrt(v[NOAM_MODEL]) *
           (t < w ? t / (w * sqrt(w)) : 1.0 / sqrt(t));
}

double cs_inverse_sqrt_lr(const clstep_schedule *x, double s)
{
    const double warmup = cs_schedule_feature(x, CS_WARMUP);
    double scale = x->value[ROOT_TIMESCALE];

    if (!x->given[ROOT_TIMESCALE] && warmup > 0.0)
        scale = warmup;
    return x->value[ROOT_LR] / sqrt((s + scale) / scale);
}

enum { TYPE_LINEAR, TYPE_COSINE, TYPE_ROOT };

double cs_wsd_lr(const clstep_schedule *x, double s)
{
    const double *v = x->value;
    const double p = smaller((s - v[WSD_STABLE]) / v[WSD_DECAY], 1.0);
    double share = 1.0;

    if (p > 0.0)
        share = v[WSD_TYPE] == TYPE_COSINE ? half_cosine(p)
                : v[WSD_TYPE] == TYPE_ROOT ? 1.0 - sqrt(p)
                                           : 1.0 - p;
    return between(v[WSD_ETA_MIN], v[WSD_LR], share);
}

/* --- one_cycle ------------------------------------------------------------ */

enum { STRATEGY_COS, STRATEGY_LINEAR };

/*
 * Which phase step 's' is in: 0 up, 1 down, 2 the rest of three; '*share' is
 * how much of its start is left.
 */
static int one_cycle_phase(const double *v, double s, double *share)
{
    const double last = v[ONE_STEPS] - 1.0;
    const double up = v[ONE_START] * v[ONE_STEPS] - 1.0;
    const double ends[] = {
        up,
        v[ONE_THREE] != 0.0 ? 2.0 * v[ONE_START] * v[ONE_STEPS] - 2.0 : last,
        last};
    const int phases = v[ONE_THREE] != 0.0 ? 3 : 2;
    double begin = 0.0;
    int phase = 0;

    s = smaller(s, last);
    while (phase < phases - 1 && s > ends[phase])
        begin = ends[phase++];

    const double p =
        ends[phase] > begin ? (s - begin) / (ends[phase] - begin) : 1.0;

    *share = v[ONE_STRATEGY] == STRATEGY_COS ? half_cosine(p) : 1.0 - p;
    return phase;
}

double cs_one_cycle_lr(const clstep_schedule *x, double s)
{
    const double *v = x->value;
    const double initial = v[ONE_MAX_LR] / v[ONE_DIV];
    const double last = initial / v[ONE_FINAL_DIV];
    double share;
    const int phase = one_cycle_phase(v, s, &share);

    if (phase == 0)
        return between(v[ONE_MAX_LR], initial, share);
    if (phase == 2)
        return between(last, initial, share);
    return between(v[ONE_THREE] != 0.0 ? initial : last, v[ONE_MAX_LR], share);
}

int cs_one_cycle_momentum(const clstep_schedule *x, double s, double *m)
{
    const double *v = x->value;
    double share;
    const int phase = one_cycle_phase(v, s, &share);

    if (v[ONE_CYCLES] == 0.0)
        return 0;
    *m = phase == 0   ? between(v[ONE_BASE], v[ONE_MAX], share)
         : phase == 1 ? between(v[ONE_MAX], v[ONE_BASE], share)
                      : v[ONE_MAX];
    return 1;
}

/* --- cyclic --------------------------------------------------------------- */

enum { MODE_TRIANGULAR, MODE_TRIANGULAR2, MODE_EXP_RANGE };

/* How far step 's' is on the way from the base to the maximum. */
static double cyclic_height(const clstep_schedule *x, double s)
{
    const double *v = x->value;
    const double up = v[CYCLIC_UP];
    const double down = x->given[CYCLIC_DOWN] ? v[CYCLIC_DOWN] : up;
    const double place = fmod(s, up + down);
    const double height = place <= up ? place / up : 1.0 - (place - up) / down;

    if (v[CYCLIC_MODE] == MODE_TRIANGULAR2)
        return height * power(0.5, s / (up + down));
    if (v[CYCLIC_MODE] == MODE_EXP_RANGE)
        return height * power(v[CYCLIC_GAMMA], s);
    return height;
}

double cs_cyclic_lr(const clstep_schedule *x, double s)
{
    return between(x->value[CYCLIC_BASE_LR], x->value[CYCLIC_MAX_LR],
                   cyclic_height(x, s));
}

int cs_cyclic_momentum(const clstep_schedule *x, double s, double *m)
{
    const double *v = x->value;

    if (v[CYCLIC_CYCLES] == 0.0)
        return 0;
    *m = between(v[CYCLIC_MAX], v[CYCLIC_BASE], cyclic_height(x, s));
    return 1;
}

/* --- plateau -------------------------------------------------------------- */

enum { PLATEAU_TORCH, PLATEAU_KERAS };

double cs_plateau_lr(const clstep_schedule *x, double s)
{
    (void)s;
    return x->state.lr;
}

/* Says whether there is less of a learning rate to be had, and takes it. */
static bool reduce(clstep_schedule *x)
{
    const double *v = x->value;
    const double before = x->state.lr;
    double after = before * v[PLATEAU_FACTOR];
    const bool keras = v[PLATEAU_FORM] == PLATEAU_KERAS;

    if (after < v[PLATEAU_MIN_LR])
        after = v[PLATEAU_MIN_LR];
    if (keras ? before <= v[PLATEAU_MIN_LR]
              : !(before - after > v[PLATEAU_EPS]))
        return false;
    x->state.lr = after;
    x->state.reductions++;
    return true;
}

static void plateau_watch_torch(clstep_schedule *x, bool better)
{
    clstep_watch *state = &x->state;

    state->bad = better ? 0 : state->bad + 1;
    if (state->cooldown > 0) {
        state->cooldown--;
        state->bad = 0;
    }
    if ((double)state->bad > x->value[PLATEAU_PATIENCE]) {
        reduce(x);
        state->cooldown = (uint64_t)x->value[PLATEAU_COOLDOWN];
        state->bad = 0;
    }
}

static void plateau_watch_keras(clstep_schedule *x, bool better)
{
    clstep_watch *state = &x->state;

    if (state->cooldown > 0) {
        state->cooldown--;
        state->bad = 0;
    }
    if (better)
        state->bad = 0;
    if (better || state->cooldown > 0)
        return;
    state->bad++;
    if ((double)state->bad >= x->value[PLATEAU_PATIENCE] && reduce(x)) {
        state->cooldown = (uint64_t)x->value[PLATEAU_COOLDOWN];
        state->bad = 0;
    }
}

void cs_plateau_watch(clstep_schedule *x, bool better)
{
    if (x->value[PLATEAU_FORM] == PLATEAU_KERAS)
        plateau_watch_keras(x, better);
    else
        plateau_watch_torch(x, better);
}
