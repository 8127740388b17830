/*
 * scalars.c - what each rule computes once in a step
 * SPDX-License-Identifier: MIT
 *
 * docs/numerics.md says what each number is.
 */
#include "scalars.h"
#include "settings.h"

#include <math.h>
#include <string.h>

/* b^t by squaring: the same bits with every libc. */
static double power(double b, uint64_t t)
{
    double r = 1.0;

    for (; t != 0; t >>= 1, b *= b)
        if (t & 1)
            r *= b;
    return r;
}

/* The latest step up to 't' for which a number is known, 0 for none; of other
 * keys nothing is. */
static struct cs_known
recall(struct cs_memo *memo, const double key[3], uint64_t t)
{
    if (memcmp(memo->key, key, sizeof(memo->key)) != 0) {
        *memo = (struct cs_memo){.last = {0}};
        memcpy(memo->key, key, sizeof(memo->key));
    }
    if (memo->last.t <= t)
        return memo->last;
    return memo->restart.t <= t ? memo->restart : (struct cs_known){0};
}

static void remember(struct cs_memo *memo, uint64_t t, double value)
{
    const struct cs_known known = {t, value};

    if (t < memo->last.t)
        memo->restart = known;
    memo->last = known;
}

/* --- sgd, signsgd --------------------------------------------------------- */

void cs_sgd_prepare(const double *v, uint64_t t, struct cs_memo *memo,
                    double *s)
{
    (void)memo;
    (void)t;
    s[0] = v[0];
}

/* --- momentum ------------------------------------------------------------- */

enum { FORM_TORCH, FORM_CLASSICAL, FORM_EMA, FORM_EMA_DEBIASED, FORM_TWICE };
enum { MOMENTUM_STEP_SIZE, MOMENTUM_DECAY, MOMENTUM_GAIN };

void cs_momentum_prepare(const double *v, uint64_t t, struct cs_memo *memo,
                         double *s)
{
    (void)memo;
    const double lr = v[MOMENTUM_LR], b = v[MOMENTUM_B];

    s[MOMENTUM_STEP_SIZE] = lr;
    s[MOMENTUM_DECAY] = b;
    switch ((int)v[MOMENTUM_FORM]) {
    case FORM_TORCH:
        s[MOMENTUM_GAIN] = t == 1 ? 1.0 : 1.0 - v[MOMENTUM_DAMPENING];
        break;
    case FORM_CLASSICAL:
        s[MOMENTUM_GAIN] = lr;
        break;
    case FORM_EMA:
        s[MOMENTUM_GAIN] = 1.0 - b;
        break;
    case FORM_EMA_DEBIASED:
        s[MOMENTUM_STEP_SIZE] = lr / (1.0 - power(b, t));
        s[MOMENTUM_GAIN] = 1.0 - b;
        break;
    default: /* FORM_TWICE */
        s[MOMENTUM_DECAY] = b * b;
        s[MOMENTUM_GAIN] = (1.0 + b) * lr;
    }
}

/* --- adagrad -------------------------------------------------------------- */

void cs_adagrad_prepare(const double *v, uint64_t t, struct cs_memo *memo,
                        double *s)
{
    (void)memo;
    s[0] = v[ADAGRAD_LR] / (1.0 + (double)(t - 1) * v[ADAGRAD_LR_DECAY]);
    s[1] = v[ADAGRAD_EPS];
}

/* --- adadelta ------------------------------------------------------------- */

void cs_adadelta_prepare(const double *v, uint64_t t, struct cs_memo *memo,
                         double *s)
{
    (void)memo;
    (void)t;
    s[0] = v[ADADELTA_LR];
    s[1] = 1.0 - v[ADADELTA_RHO];
    s[2] = v[ADADELTA_EPS];
}

/* --- rmsprop -------------------------------------------------------------- */

void cs_rmsprop_prepare(const double *v, uint64_t t, struct cs_memo *memo,
                        double *s)
{
    (void)memo;
    (void)t;
    s[0] = v[RMSPROP_LR];
    s[1] = 1.0 - v[RMSPROP_ALPHA];
    s[2] = v[RMSPROP_EPS];
    s[3] = v[RMSPROP_MOMENTUM];
}

/* --- adam, adamw ---------------------------------------------------------- */

enum { EPS_OUTSIDE, EPS_INSIDE, EPS_HAT };
enum {
    ADAM_STEP_SIZE,
    ADAM_MIX1,
    ADAM_MIX2,
    ADAM_CORRECTION2,
    ADAM_EPS_SCALAR
};

void cs_adam_prepare(const double *v, uint64_t t, struct cs_memo *memo,
                     double *s)
{
    (void)memo;
    const double lr = v[ADAM_LR];
    const double bias1 = 1.0 - power(v[ADAM_BETA1], t);
    const double bias2 = 1.0 - power(v[ADAM_BETA2], t);

    s[ADAM_STEP_SIZE] = lr / bias1;
    s[ADAM_MIX1] = 1.0 - v[ADAM_BETA1];
    s[ADAM_MIX2] = 1.0 - v[ADAM_BETA2];
    s[ADAM_EPS_SCALAR] = v[ADAM_EPS];
    switch ((int)v[ADAM_EPS_FORM]) {
    case EPS_OUTSIDE:
        s[ADAM_CORRECTION2] = 1.0 / sqrt(bias2);
        break;
    case EPS_INSIDE:
        s[ADAM_CORRECTION2] = 1.0 / bias2;
        break;
    default: /* EPS_HAT */
        s[ADAM_STEP_SIZE] = lr * sqrt(bias2) / bias1;
        s[ADAM_CORRECTION2] = 1.0;
    }
}

/* --- adamax --------------------------------------------------------------- */

void cs_adamax_prepare(const double *v, uint64_t t, struct cs_memo *memo,
                       double *s)
{
    (void)memo;
    s[0] = v[ADAMAX_LR] / (1.0 - power(v[ADAMAX_BETA1], t));
    s[1] = 1.0 - v[ADAMAX_BETA1];
    s[2] = v[ADAMAX_BETA2];
    s[3] = v[ADAMAX_EPS];
}

/* --- nadam ---------------------------------------------------------------- */

enum { NADAM_TORCH, NADAM_KERAS, NADAM_SIMPLE };
enum {
    NADAM_STEP_SIZE,
    NADAM_MIX1,
    NADAM_MIX2,
    NADAM_CORRECTION2,
    NADAM_EPS_SCALAR,
    NADAM_GRADIENT,
    NADAM_MEAN
};

/* The momentum of step 'i', which warms up to beta1. */
static double nadam_mu(double beta1, double factor, uint64_t i)
{
    return beta1 * (1.0 - 0.5 * power(factor, i));
}

/*
 * The product of the momenta of steps 1 to 't'.  Once they are beta1 to the
 * bit, the rest is a power; and once it is too small to change 1 - product, it
 * is 0: a resumed run need not multiply on for ever.
 */
static double
nadam_product(double beta1, double factor, uint64_t t, struct cs_memo *memo)
{
    const struct cs_known known =
        recall(memo, (const double[]){beta1, factor, 0.0}, t);
    double product = known.t != 0 ? known.value : 1.0;
    uint64_t i = known.t + 1;

    for (; i <= t && product != 0.0 && power(factor, i) >= 0x1p-54; i++) {
        product *= nadam_mu(beta1, factor, i);
        if (product < 1e-30)
            product = 0.0;
    }
    remember(memo, i - 1, product);
    if (i <= t)
        product *= power(beta1, t - (i - 1));
    return product < 1e-30 ? 0.0 : product;
}

void cs_nadam_prepare(const double *v, uint64_t t, struct cs_memo *memo,
                      double *s)
{
    const double beta1 = v[NADAM_BETA1], lr = v[NADAM_LR];
    const int form = (int)v[NADAM_FORM];

    s[NADAM_STEP_SIZE] = lr;
    s[NADAM_MIX1] = 1.0 - beta1;
    s[NADAM_MIX2] = 1.0 - v[NADAM_BETA2];
    s[NADAM_CORRECTION2] = 1.0 / sqrt(1.0 - power(v[NADAM_BETA2], t));
    s[NADAM_EPS_SCALAR] = v[NADAM_EPS];
    s[NADAM_GRADIENT] = s[NADAM_MEAN] = 0.0;
    if (form == NADAM_SIMPLE) {
        s[NADAM_STEP_SIZE] = lr / (1.0 - power(beta1, t));
        return;
    }

    const double psi = form == NADAM_KERAS ? 1.0 : v[NADAM_MOMENTUM_DECAY];
    const double factor = pow(0.96, psi);
    const double mu = nadam_mu(beta1, factor, t);
    const double next = nadam_mu(beta1, factor, t + 1);
    const double product = nadam_product(beta1, factor, t, memo);

    s[NADAM_GRADIENT] = (1.0 - mu) / (1.0 - product);
    s[NADAM_MEAN] = next / (1.0 - product * next);
}

/* --- radam ---------------------------------------------------------------- */

enum {
    RADAM_STEP_SIZE,
    RADAM_MIX1,
    RADAM_MIX2,
    RADAM_EPS_SCALAR,
    RADAM_RECTIFIED
};

/* How many gradients the mean of squares is made of after 't' steps, and in
 * '*limit' after any number of them. */
static double mean_length(double beta2, uint64_t t, double *limit)
{
    const double beta2_t = power(beta2, t);

    *limit = 2.0 / (1.0 - beta2) - 1.0;
    return *limit - 2.0 * (double)t * beta2_t / (1.0 - beta2_t);
}

/* What takes from the step size the spread of a short mean. */
static double rectification(double r, double limit)
{
    return sqrt((r - 4.0) * (r - 2.0) * limit /
                ((limit - 4.0) * (limit - 2.0) * r));
}

void cs_radam_prepare(const double *v, uint64_t t, struct cs_memo *memo,
                      double *s)
{
    (void)memo;
    const double bias1 = 1.0 - power(v[RADAM_BETA1], t);
    const double bias2 = 1.0 - power(v[RADAM_BETA2], t);
    double limit;
    const double r = mean_length(v[RADAM_BETA2], t, &limit);

    s[RADAM_STEP_SIZE] = v[RADAM_LR] / bias1;
    s[RADAM_MIX1] = 1.0 - v[RADAM_BETA1];
    s[RADAM_MIX2] = 1.0 - v[RADAM_BETA2];
    s[RADAM_EPS_SCALAR] = v[RADAM_EPS];
    s[RADAM_RECTIFIED] = r > v[RADAM_THRESHOLD];
    if (r > v[RADAM_THRESHOLD])
        s[RADAM_STEP_SIZE] =
            v[RADAM_LR] / bias1 * sqrt(bias2) * rectification(r, limit);
}

/* --- ftrl ----------------------------------------------------------------- */

void cs_ftrl_prepare(const double *v, uint64_t t, struct cs_memo *memo,
                     double *s)
{
    (void)memo;
    s[0] = 1.0 / v[FTRL_LR];
    s[1] = v[FTRL_LAMBDA1];
    s[2] = v[FTRL_BETA] / v[FTRL_LR] + v[FTRL_LAMBDA2];
    s[3] = t == 1;
}

/* --- lion, signum --------------------------------------------------------- */

void cs_lion_prepare(const double *v, uint64_t t, struct cs_memo *memo,
                     double *s)
{
    (void)memo;
    (void)t;
    s[0] = v[LION_LR];
    s[1] = 1.0 - v[LION_BETA1];
    s[2] = 1.0 - v[LION_BETA2];
}

void cs_signum_prepare(const double *v, uint64_t t, struct cs_memo *memo,
                       double *s)
{
    (void)memo;
    (void)t;
    s[0] = v[SIGNUM_LR];
    s[1] = 1.0 - v[SIGNUM_MOMENTUM];
}

/* --- rprop, asgd ---------------------------------------------------------- */

void cs_rprop_prepare(const double *v, uint64_t t, struct cs_memo *memo,
                      double *s)
{
    (void)memo;
    s[0] = v[RPROP_LR];
    s[1] = v[RPROP_ETA_MINUS];
    s[2] = v[RPROP_ETA_PLUS];
    s[3] = v[RPROP_STEP_MIN];
    s[4] = v[RPROP_STEP_MAX];
    s[5] = t == 1;
}

void cs_asgd_prepare(const double *v, uint64_t t, struct cs_memo *memo,
                     double *s)
{
    (void)memo;
    const double before = (double)(t - 1), lr = v[ASGD_LR];
    const double rate =
        lr / pow(1.0 + v[ASGD_LAMBD] * lr * before, v[ASGD_ALPHA]);
    const double averaged = before - v[ASGD_T0];

    s[0] = rate;
    s[1] = 1.0 - v[ASGD_LAMBD] * rate;
    s[2] = averaged > 1.0 ? 1.0 / averaged : 1.0;
}

/* --- adabelief, yogi, laprop ---------------------------------------------- */

enum {
    TWO_STEP_SIZE,
    TWO_MIX1,
    TWO_MIX2,
    TWO_CORRECTION2,
    TWO_EPS_SCALAR,
    TWO_RECTIFIED
};

/* What corrects the beginning of two means. */
void cs_two_prepare(const double *v, uint64_t t, struct cs_memo *memo,
                    double *s)
{
    (void)memo;
    s[TWO_STEP_SIZE] = v[TWO_LR] / (1.0 - power(v[TWO_BETA1], t));
    s[TWO_MIX1] = 1.0 - v[TWO_BETA1];
    s[TWO_MIX2] = 1.0 - v[TWO_BETA2];
    s[TWO_CORRECTION2] = 1.0 / sqrt(1.0 - power(v[TWO_BETA2], t));
    s[TWO_EPS_SCALAR] = v[TWO_EPS];
}

void cs_adabelief_prepare(const double *v, uint64_t t, struct cs_memo *memo,
                          double *s)
{
    double limit;
    const double r = mean_length(v[TWO_BETA2], t, &limit);
    const int rectify = v[TWO_MORE] != 0.0 && r >= 5.0;

    cs_two_prepare(v, t, memo, s);
    s[TWO_RECTIFIED] = rectify;
    if (rectify)
        s[TWO_STEP_SIZE] = v[TWO_LR] / (1.0 - power(v[TWO_BETA1], t)) *
                           sqrt(1.0 - power(v[TWO_BETA2], t)) *
                           rectification(r, limit);
}

/* --- adan ----------------------------------------------------------------- */

/* In an order in which no two that are used alike are neighbours: compilers
 * would make a pair of them, and then no vector of work-items. */
enum {
    ADAN_STEP_SIZE,
    ADAN_MIX1,
    ADAN_CORRECTION1,
    ADAN_CHANGE,
    ADAN_MIX2,
    ADAN_CORRECTION3,
    ADAN_CORRECTION2,
    ADAN_MIX3,
    ADAN_EPS_SCALAR,
    ADAN_FIRST
};

void cs_adan_prepare(const double *v, uint64_t t, struct cs_memo *memo,
                     double *s)
{
    (void)memo;
    s[ADAN_STEP_SIZE] = v[ADAN_LR];
    s[ADAN_MIX1] = 1.0 - v[ADAN_BETA1];
    s[ADAN_MIX2] = 1.0 - v[ADAN_BETA2];
    s[ADAN_MIX3] = 1.0 - v[ADAN_BETA3];
    s[ADAN_CHANGE] = v[ADAN_BETA2];
    s[ADAN_CORRECTION1] = 1.0 / (1.0 - power(v[ADAN_BETA1], t));
    s[ADAN_CORRECTION2] = v[ADAN_BETA2] / (1.0 - power(v[ADAN_BETA2], t));
    s[ADAN_CORRECTION3] = 1.0 / sqrt(1.0 - power(v[ADAN_BETA3], t));
    s[ADAN_EPS_SCALAR] = v[ADAN_EPS];
    s[ADAN_FIRST] = t == 1;
}

/* --- ademamix ------------------------------------------------------------- */

enum {
    ADEMAMIX_STEP_SIZE,
    ADEMAMIX_MIX1,
    ADEMAMIX_MIX2,
    ADEMAMIX_MIX3,
    ADEMAMIX_CORRECTION1,
    ADEMAMIX_SLOW,
    ADEMAMIX_CORRECTION2,
    ADEMAMIX_EPS_SCALAR
};

/* The decay of the slow mean: its half-life, of which the logarithm's inverse
 * is a multiple, warms up from that of the fast one. */
static double ademamix_beta3(const double *v, uint64_t t)
{
    const double warmup = v[ADEMAMIX_BETA3_WARMUP];

    if ((double)t >= warmup)
        return v[ADEMAMIX_BETA3];

    const double f = (double)t / warmup;

    return exp(1.0 / ((1.0 - f) / log(v[ADEMAMIX_BETA1]) +
                      f / log(v[ADEMAMIX_BETA3])));
}

void cs_ademamix_prepare(const double *v, uint64_t t, struct cs_memo *memo,
                         double *s)
{
    (void)memo;
    const double warmup = v[ADEMAMIX_ALPHA_WARMUP];

    s[ADEMAMIX_STEP_SIZE] = v[ADEMAMIX_LR];
    s[ADEMAMIX_MIX1] = 1.0 - v[ADEMAMIX_BETA1];
    s[ADEMAMIX_MIX2] = 1.0 - v[ADEMAMIX_BETA2];
    s[ADEMAMIX_MIX3] = 1.0 - ademamix_beta3(v, t);
    s[ADEMAMIX_CORRECTION1] = 1.0 / (1.0 - power(v[ADEMAMIX_BETA1], t));
    s[ADEMAMIX_SLOW] = (double)t < warmup
                           ? v[ADEMAMIX_ALPHA] * ((double)t / warmup)
                           : v[ADEMAMIX_ALPHA];
    s[ADEMAMIX_CORRECTION2] = 1.0 / sqrt(1.0 - power(v[ADEMAMIX_BETA2], t));
    s[ADEMAMIX_EPS_SCALAR] = v[ADEMAMIX_EPS];
}

/* --- qhm, qhadam ---------------------------------------------------------- */

void cs_qhm_prepare(const double *v, uint64_t t, struct cs_memo *memo,
                    double *s)
{
    (void)memo;
    (void)t;
    s[0] = v[QHM_LR];
    s[1] = 1.0 - v[QHM_MOMENTUM];
    s[2] = v[QHM_NU];
    s[3] = 1.0 - v[QHM_NU];
}

enum {
    QHADAM_STEP_SIZE,
    QHADAM_MIX1,
    QHADAM_MIX2,
    QHADAM_MEAN,
    QHADAM_GRADIENT,
    QHADAM_SQUARE_MEAN,
    QHADAM_SQUARE,
    QHADAM_EPS_SCALAR
};

void cs_qhadam_prepare(const double *v, uint64_t t, struct cs_memo *memo,
                       double *s)
{
    (void)memo;
    s[QHADAM_STEP_SIZE] = v[QHADAM_LR];
    s[QHADAM_MIX1] = 1.0 - v[QHADAM_BETA1];
    s[QHADAM_MIX2] = 1.0 - v[QHADAM_BETA2];
    s[QHADAM_MEAN] = v[QHADAM_NU1] / (1.0 - power(v[QHADAM_BETA1], t));
    s[QHADAM_GRADIENT] = 1.0 - v[QHADAM_NU1];
    s[QHADAM_SQUARE_MEAN] = v[QHADAM_NU2] / (1.0 - power(v[QHADAM_BETA2], t));
    s[QHADAM_SQUARE] = 1.0 - v[QHADAM_NU2];
    s[QHADAM_EPS_SCALAR] = v[QHADAM_EPS];
}

/* --- adopt, sophia -------------------------------------------------------- */

void cs_adopt_prepare(const double *v, uint64_t t, struct cs_memo *memo,
                      double *s)
{
    (void)memo;
    s[0] = v[ADOPT_LR];
    s[1] = 1.0 - v[ADOPT_BETA1];
    s[2] = 1.0 - v[ADOPT_BETA2];
    s[3] = v[ADOPT_EPS];
    s[4] = sqrt(sqrt((double)(t - 1)));
    s[5] = t == 1;
}

void cs_sophia_prepare(const double *v, uint64_t t, struct cs_memo *memo,
                       double *s)
{
    (void)memo;
    (void)t;
    s[0] = v[SOPHIA_LR];
    s[1] = 1.0 - v[SOPHIA_BETA1];
    s[2] = v[SOPHIA_RHO];
    s[3] = v[SOPHIA_EPS];
}

/* --- schedule_free_sgd, schedule_free_adamw ------------------------------- */

/* The scalars that both have in front. */
enum {
    FREE_RATE,
    FREE_SHARE,
    FREE_LEAD,
    FREE_FIRST,
    FREE_MIX2,
    FREE_CORRECTION2,
    FREE_EPS
};

/* The weight of step 'i' in the average. */
static double free_weight(const double *schedule, double i)
{
    const double warmup = schedule[FREE_WARMUP];
    const double ramp = i < warmup ? i / warmup : 1.0;

    return pow(i, schedule[FREE_R]) * pow(ramp, schedule[FREE_POWER]);
}

/* So many weights are added one by one. */
enum { FREE_ADDED = 4096 };

/* The weights of steps 1 to 't', at most FREE_ADDED. */
static double
free_added(const double *schedule, uint64_t t, struct cs_memo *memo)
{
    const struct cs_known known = recall(memo, schedule, t);
    double sum = known.value;

    for (uint64_t i = known.t + 1; i <= t; i++)
        sum += free_weight(schedule, (double)i);
    remember(memo, t, sum);
    return sum;
}

/* The sum of (i / b)^q over i from a + 1 to b, by the first terms of the
 * Euler-Maclaurin formula. */
static double free_range(double a, double b, double q)
{
    const double x = a / b;

    return b * (1.0 - pow(x, q + 1.0)) / (q + 1.0) + (1.0 - pow(x, q)) / 2.0;
}

/* The weights of steps 1 to 't': what is behind FREE_ADDED costs the same
 * wherever a run goes on. */
static double free_sum(const double *schedule, uint64_t t, struct cs_memo *memo)
{
    const double warmup = schedule[FREE_WARMUP], r = schedule[FREE_R];
    const double added = FREE_ADDED, end = (double)t;
    const double ramp = fmin(end, fmax(added, ceil(warmup) - 1.0));
    double sum = free_added(schedule, t < FREE_ADDED ? t : FREE_ADDED, memo);

    if (t <= FREE_ADDED)
        return sum;
    if (ramp > added)
        sum += free_weight(schedule, ramp) *
               free_range(added, ramp, r + schedule[FREE_POWER]);
    if (end > ramp)
        sum += pow(end, r) * free_range(ramp, end, r);
    return sum;
}

/* The scalars of both; 'b' is how far the parameters are from the average. */
static void free_scalars(const double *schedule, double lr, double b,
                         uint64_t t, struct cs_memo *memo, double *s)
{
    const double warmup = schedule[FREE_WARMUP];
    const double rate = (double)t < warmup ? lr * ((double)t / warmup) : lr;
    const double sum = free_sum(schedule, t, memo);
    const double share =
        sum != 0.0 ? free_weight(schedule, (double)t) / sum : 0.0;

    s[FREE_RATE] = rate;
    s[FREE_SHARE] = share;
    s[FREE_LEAD] = rate * (b * (1.0 - share) - 1.0);
    s[FREE_FIRST] = t == 1;
}

void cs_free_sgd_prepare(const double *v, uint64_t t, struct cs_memo *memo,
                         double *s)
{
    free_scalars(v + FREE_SGD_SCHEDULE, v[FREE_SGD_LR], v[FREE_SGD_MOMENTUM], t,
                 memo, s);
}

void cs_free_adamw_prepare(const double *v, uint64_t t, struct cs_memo *memo,
                           double *s)
{
    free_scalars(v + FREE_ADAMW_SCHEDULE, v[FREE_ADAMW_LR], v[FREE_ADAMW_BETA1],
                 t, memo, s);
    s[FREE_MIX2] = 1.0 - v[FREE_ADAMW_BETA2];
    s[FREE_CORRECTION2] = 1.0 / sqrt(1.0 - power(v[FREE_ADAMW_BETA2], t));
    s[FREE_EPS] = v[FREE_ADAMW_EPS];
}

/* --- lamb, lars, novograd, stable_adamw ----------------------------------- */

enum {
    LAMB_RATE,
    LAMB_MIX1,
    LAMB_MIX2,
    LAMB_CORRECTION1,
    LAMB_CORRECTION2,
    LAMB_EPS_SCALAR
};

void cs_lamb_prepare(const double *v, uint64_t t, struct cs_memo *memo,
                     double *s)
{
    (void)memo;
    s[LAMB_RATE] = v[LAMB_LR];
    s[LAMB_MIX1] = 1.0 - v[LAMB_BETA1];
    s[LAMB_MIX2] = 1.0 - v[LAMB_BETA2];
    s[LAMB_CORRECTION1] = 1.0 / (1.0 - power(v[LAMB_BETA1], t));
    s[LAMB_CORRECTION2] = 1.0 / sqrt(1.0 - power(v[LAMB_BETA2], t));
    s[LAMB_EPS_SCALAR] = v[LAMB_EPS];
}

void cs_lars_prepare(const double *v, uint64_t t, struct cs_memo *memo,
                     double *s)
{
    (void)memo;
    (void)t;
    s[0] = v[LARS_LR];
    s[1] = v[LARS_MOMENTUM];
    s[2] = v[LARS_TRUST];
    s[3] = v[LARS_EPS];
}

void cs_novograd_prepare(const double *v, uint64_t t, struct cs_memo *memo,
                         double *s)
{
    (void)memo;
    s[0] = v[NOVOGRAD_LR];
    s[1] = v[NOVOGRAD_BETA1];
    s[2] = 1.0 - v[NOVOGRAD_BETA2];
    s[3] = v[NOVOGRAD_EPS];
    s[4] = t == 1;
}

void cs_stable_adamw_prepare(const double *v, uint64_t t, struct cs_memo *memo,
                             double *s)
{
    (void)memo;
    const double beta1 = v[STABLE_BETA1], beta2 = v[STABLE_BETA2];

    s[0] = v[STABLE_LR];
    s[1] = (1.0 - beta1) / (1.0 - power(beta1, t));
    s[2] = (1.0 - beta2) / (1.0 - power(beta2, t));
    s[3] = v[STABLE_EPS];
    s[4] = v[STABLE_EPS] * v[STABLE_EPS];
}

/* --- adamp, sgdp ---------------------------------------------------------- */

enum {
    ADAMP_STEP_SIZE,
    ADAMP_MIX1,
    ADAMP_MIX2,
    ADAMP_CORRECTION2,
    ADAMP_EPS_SCALAR,
    ADAMP_SMALL,
    ADAMP_SHRINK,
    ADAMP_SHRINK_PROJECTED
};

void cs_adamp_prepare(const double *v, uint64_t t, struct cs_memo *memo,
                      double *s)
{
    (void)memo;
    const double lr = v[ADAMP_LR];
    const double decay = v[ADAMP_SETTINGS + CS_WEIGHT_DECAY];

    s[ADAMP_STEP_SIZE] = lr / (1.0 - power(v[ADAMP_BETA1], t));
    s[ADAMP_MIX1] = 1.0 - v[ADAMP_BETA1];
    s[ADAMP_MIX2] = 1.0 - v[ADAMP_BETA2];
    s[ADAMP_CORRECTION2] = 1.0 / sqrt(1.0 - power(v[ADAMP_BETA2], t));
    s[ADAMP_EPS_SCALAR] = v[ADAMP_EPS];
    s[ADAMP_SMALL] = v[ADAMP_DELTA];
    s[ADAMP_SHRINK] = 1.0 - lr * decay;
    s[ADAMP_SHRINK_PROJECTED] = 1.0 - lr * decay * v[ADAMP_WD_RATIO];
}

enum {
    SGDP_STEP_SIZE,
    SGDP_DECAY,
    SGDP_GAIN,
    SGDP_EPS_SCALAR,
    SGDP_SMALL,
    SGDP_SHRINK,
    SGDP_SHRINK_PROJECTED
};

void cs_sgdp_prepare(const double *v, uint64_t t, struct cs_memo *memo,
                     double *s)
{
    (void)memo;
    (void)t;
    const double lr = v[SGDP_LR], momentum = v[SGDP_MOMENTUM];
    const double decay = v[SGDP_SETTINGS + CS_WEIGHT_DECAY];

    s[SGDP_STEP_SIZE] = lr;
    s[SGDP_DECAY] = momentum;
    s[SGDP_GAIN] = 1.0 - v[SGDP_DAMPENING];
    s[SGDP_EPS_SCALAR] = v[SGDP_EPS];
    s[SGDP_SMALL] = v[SGDP_DELTA];
    s[SGDP_SHRINK] = 1.0 - lr * decay / (1.0 - momentum);
    s[SGDP_SHRINK_PROJECTED] =
        1.0 - lr * decay * v[SGDP_WD_RATIO] / (1.0 - momentum);
}
