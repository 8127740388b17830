/*
 * rules.c - every update rule of the library
 * SPDX-License-Identifier: MIT
 *
 * To add one: a row here, kernels/rules/<name>.cl, and a function in
 * src/reference/.  CONTRIBUTING.md says it in ten lines; docs/numerics.md says
 * what each number is.
 */
#include "rule.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define ANY      .min = 0.0, .max = FLT_MAX
#define POSITIVE .min = FLT_MIN, .max = FLT_MAX
#define FRACTION .min = 0.0, .max = 0x1.fffffep-1 /* [0, 1) in float */
#define SHARE    .min = 0.0, .max = 1.0
#define STEPS    .min = 0.0, .max = 0x1p53
#define FLAG     .kind = CLSTEP_FLAG, .min = 0.0, .max = 1.0

/* The names of a choice's values. */
#define CHOICE(...)                                                            \
    .kind = CLSTEP_CHOICE, .choices = (const char *const[])                    \
    {                                                                          \
        __VA_ARGS__, NULL                                                      \
    }

/* b^t by squaring: the same bits with every libc. */
static double power(double b, uint64_t t)
{
    double r = 1.0;

    for (; t != 0; t >>= 1, b *= b)
        if (t & 1)
            r *= b;
    return r;
}

/* --- sgd, signsgd --------------------------------------------------------- */

static void
sgd_prepare(const double *v, uint64_t t, struct cs_memo *memo, double *s)
{
    (void)memo;
    (void)t;
    s[0] = v[0];
}

/* --- momentum ------------------------------------------------------------- */

enum {
    MOMENTUM_LR,
    MOMENTUM_B,
    MOMENTUM_FORM,
    MOMENTUM_NESTEROV,
    MOMENTUM_DAMPENING
};
enum { FORM_TORCH, FORM_CLASSICAL, FORM_EMA, FORM_EMA_DEBIASED, FORM_TWICE };
enum { MOMENTUM_STEP_SIZE, MOMENTUM_DECAY, MOMENTUM_GAIN };

static void
momentum_prepare(const double *v, uint64_t t, struct cs_memo *memo, double *s)
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

enum { ADAGRAD_LR, ADAGRAD_EPS, ADAGRAD_EPS_FORM, ADAGRAD_LR_DECAY };

static void
adagrad_prepare(const double *v, uint64_t t, struct cs_memo *memo, double *s)
{
    (void)memo;
    s[0] = v[ADAGRAD_LR] / (1.0 + (double)(t - 1) * v[ADAGRAD_LR_DECAY]);
    s[1] = v[ADAGRAD_EPS];
}

/* --- adadelta ------------------------------------------------------------- */

enum { ADADELTA_LR, ADADELTA_RHO, ADADELTA_EPS };

static void
adadelta_prepare(const double *v, uint64_t t, struct cs_memo *memo, double *s)
{
    (void)memo;
    (void)t;
    s[0] = v[ADADELTA_LR];
    s[1] = 1.0 - v[ADADELTA_RHO];
    s[2] = v[ADADELTA_EPS];
}

/* --- rmsprop -------------------------------------------------------------- */

enum {
    RMSPROP_LR,
    RMSPROP_ALPHA,
    RMSPROP_EPS,
    RMSPROP_EPS_FORM,
    RMSPROP_CENTERED,
    RMSPROP_MOMENTUM,
    RMSPROP_MOMENTUM_FORM
};

static void
rmsprop_prepare(const double *v, uint64_t t, struct cs_memo *memo, double *s)
{
    (void)memo;
    (void)t;
    s[0] = v[RMSPROP_LR];
    s[1] = 1.0 - v[RMSPROP_ALPHA];
    s[2] = v[RMSPROP_EPS];
    s[3] = v[RMSPROP_MOMENTUM];
}

/* --- adam, adamw ---------------------------------------------------------- */

enum { ADAM_LR, ADAM_BETA1, ADAM_BETA2, ADAM_EPS, ADAM_EPS_FORM, ADAM_AMSGRAD };
enum { EPS_OUTSIDE, EPS_INSIDE, EPS_HAT };
enum {
    ADAM_STEP_SIZE,
    ADAM_MIX1,
    ADAM_MIX2,
    ADAM_CORRECTION2,
    ADAM_EPS_SCALAR
};

static void
adam_prepare(const double *v, uint64_t t, struct cs_memo *memo, double *s)
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

enum { ADAMAX_LR, ADAMAX_BETA1, ADAMAX_BETA2, ADAMAX_EPS, ADAMAX_EPS_FORM };

static void
adamax_prepare(const double *v, uint64_t t, struct cs_memo *memo, double *s)
{
    (void)memo;
    s[0] = v[ADAMAX_LR] / (1.0 - power(v[ADAMAX_BETA1], t));
    s[1] = 1.0 - v[ADAMAX_BETA1];
    s[2] = v[ADAMAX_BETA2];
    s[3] = v[ADAMAX_EPS];
}

/* --- nadam ---------------------------------------------------------------- */

enum {
    NADAM_LR,
    NADAM_BETA1,
    NADAM_BETA2,
    NADAM_EPS,
    NADAM_FORM,
    NADAM_MOMENTUM_DECAY
};
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
 * The product of the momenta of steps 1 to 't', which goes on from the step
 * before where beta1 and the factor are as they were.  Once it is too small to
 * change 1 - product, it is 0: a resumed run need not multiply on for ever.
 */
static double
nadam_product(double beta1, double factor, uint64_t t, struct cs_memo *memo)
{
    const int known = memo->t != 0 && memo->t <= t && memo->key[0] == beta1 &&
                      memo->key[1] == factor;
    double product = known ? memo->value : 1.0;

    for (uint64_t i = known ? memo->t + 1 : 1; i <= t && product != 0.0; i++) {
        product *= nadam_mu(beta1, factor, i);
        if (product < 1e-30)
            product = 0.0;
    }
    *memo = (struct cs_memo){t, {beta1, factor}, product};
    return product;
}

static void
nadam_prepare(const double *v, uint64_t t, struct cs_memo *memo, double *s)
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

enum { RADAM_LR, RADAM_BETA1, RADAM_BETA2, RADAM_EPS, RADAM_THRESHOLD };
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

static void
radam_prepare(const double *v, uint64_t t, struct cs_memo *memo, double *s)
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

enum { FTRL_LR, FTRL_LAMBDA1, FTRL_LAMBDA2, FTRL_BETA };

static void
ftrl_prepare(const double *v, uint64_t t, struct cs_memo *memo, double *s)
{
    (void)memo;
    s[0] = 1.0 / v[FTRL_LR];
    s[1] = v[FTRL_LAMBDA1];
    s[2] = v[FTRL_BETA] / v[FTRL_LR] + v[FTRL_LAMBDA2];
    s[3] = t == 1;
}

/* --- lion, signum --------------------------------------------------------- */

enum { LION_LR, LION_BETA1, LION_BETA2 };

static void
lion_prepare(const double *v, uint64_t t, struct cs_memo *memo, double *s)
{
    (void)memo;
    (void)t;
    s[0] = v[LION_LR];
    s[1] = 1.0 - v[LION_BETA1];
    s[2] = 1.0 - v[LION_BETA2];
}

enum { SIGNUM_LR, SIGNUM_MOMENTUM };

static void
signum_prepare(const double *v, uint64_t t, struct cs_memo *memo, double *s)
{
    (void)memo;
    (void)t;
    s[0] = v[SIGNUM_LR];
    s[1] = 1.0 - v[SIGNUM_MOMENTUM];
}

/* --- rprop, asgd ---------------------------------------------------------- */

enum {
    RPROP_LR,
    RPROP_ETA_MINUS,
    RPROP_ETA_PLUS,
    RPROP_STEP_MIN,
    RPROP_STEP_MAX
};

static void
rprop_prepare(const double *v, uint64_t t, struct cs_memo *memo, double *s)
{
    (void)memo;
    s[0] = v[RPROP_LR];
    s[1] = v[RPROP_ETA_MINUS];
    s[2] = v[RPROP_ETA_PLUS];
    s[3] = v[RPROP_STEP_MIN];
    s[4] = v[RPROP_STEP_MAX];
    s[5] = t == 1;
}

enum { ASGD_LR, ASGD_LAMBD, ASGD_ALPHA, ASGD_T0 };

static void
asgd_prepare(const double *v, uint64_t t, struct cs_memo *memo, double *s)
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

enum { TWO_LR, TWO_BETA1, TWO_BETA2, TWO_EPS, TWO_MORE };
enum {
    TWO_STEP_SIZE,
    TWO_MIX1,
    TWO_MIX2,
    TWO_CORRECTION2,
    TWO_EPS_SCALAR,
    TWO_RECTIFIED
};

/* What corrects the beginning of two means. */
static void
two_prepare(const double *v, uint64_t t, struct cs_memo *memo, double *s)
{
    (void)memo;
    s[TWO_STEP_SIZE] = v[TWO_LR] / (1.0 - power(v[TWO_BETA1], t));
    s[TWO_MIX1] = 1.0 - v[TWO_BETA1];
    s[TWO_MIX2] = 1.0 - v[TWO_BETA2];
    s[TWO_CORRECTION2] = 1.0 / sqrt(1.0 - power(v[TWO_BETA2], t));
    s[TWO_EPS_SCALAR] = v[TWO_EPS];
}

static void
adabelief_prepare(const double *v, uint64_t t, struct cs_memo *memo, double *s)
{
    double limit;
    const double r = mean_length(v[TWO_BETA2], t, &limit);
    const int rectify = v[TWO_MORE] != 0.0 && r >= 5.0;

    two_prepare(v, t, memo, s);
    s[TWO_RECTIFIED] = rectify;
    if (rectify)
        s[TWO_STEP_SIZE] = v[TWO_LR] / (1.0 - power(v[TWO_BETA1], t)) *
                           sqrt(1.0 - power(v[TWO_BETA2], t)) *
                           rectification(r, limit);
}

/* --- adan ----------------------------------------------------------------- */

enum { ADAN_LR, ADAN_BETA1, ADAN_BETA2, ADAN_BETA3, ADAN_EPS };
enum {
    ADAN_STEP_SIZE,
    ADAN_MIX1,
    ADAN_MIX2,
    ADAN_MIX3,
    ADAN_CHANGE,
    ADAN_CORRECTION1,
    ADAN_CORRECTION2,
    ADAN_CORRECTION3,
    ADAN_EPS_SCALAR,
    ADAN_FIRST
};

static void
adan_prepare(const double *v, uint64_t t, struct cs_memo *memo, double *s)
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
    ADEMAMIX_LR,
    ADEMAMIX_BETA1,
    ADEMAMIX_BETA2,
    ADEMAMIX_BETA3,
    ADEMAMIX_ALPHA,
    ADEMAMIX_EPS,
    ADEMAMIX_ALPHA_WARMUP,
    ADEMAMIX_BETA3_WARMUP
};
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

static void
ademamix_prepare(const double *v, uint64_t t, struct cs_memo *memo, double *s)
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

enum { QHM_LR, QHM_MOMENTUM, QHM_NU };

static void
qhm_prepare(const double *v, uint64_t t, struct cs_memo *memo, double *s)
{
    (void)memo;
    (void)t;
    s[0] = v[QHM_LR];
    s[1] = 1.0 - v[QHM_MOMENTUM];
    s[2] = v[QHM_NU];
    s[3] = 1.0 - v[QHM_NU];
}

enum {
    QHADAM_LR,
    QHADAM_BETA1,
    QHADAM_BETA2,
    QHADAM_NU1,
    QHADAM_NU2,
    QHADAM_EPS
};
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

static void
qhadam_prepare(const double *v, uint64_t t, struct cs_memo *memo, double *s)
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

enum { ADOPT_LR, ADOPT_BETA1, ADOPT_BETA2, ADOPT_EPS };

static void
adopt_prepare(const double *v, uint64_t t, struct cs_memo *memo, double *s)
{
    (void)memo;
    s[0] = v[ADOPT_LR];
    s[1] = 1.0 - v[ADOPT_BETA1];
    s[2] = 1.0 - v[ADOPT_BETA2];
    s[3] = v[ADOPT_EPS];
    s[4] = sqrt(sqrt((double)(t - 1)));
    s[5] = t == 1;
}

enum { SOPHIA_LR, SOPHIA_BETA1, SOPHIA_RHO, SOPHIA_EPS };

static void
sophia_prepare(const double *v, uint64_t t, struct cs_memo *memo, double *s)
{
    (void)memo;
    (void)t;
    s[0] = v[SOPHIA_LR];
    s[1] = 1.0 - v[SOPHIA_BETA1];
    s[2] = v[SOPHIA_RHO];
    s[3] = v[SOPHIA_EPS];
}

/* --- schedule_free_sgd, schedule_free_adamw ------------------------------- */

enum { FREE_SGD_LR, FREE_SGD_MOMENTUM, FREE_SGD_SCHEDULE };
enum {
    FREE_ADAMW_LR,
    FREE_ADAMW_BETA1,
    FREE_ADAMW_BETA2,
    FREE_ADAMW_EPS,
    FREE_ADAMW_SCHEDULE
};

/* What both have behind their own settings, and the scalars in front. */
enum { FREE_WARMUP, FREE_R, FREE_POWER };
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
static double free_weight(const double *schedule, uint64_t i)
{
    const double warmup = schedule[FREE_WARMUP];
    const double ramp = (double)i < warmup ? (double)i / warmup : 1.0;

    return pow((double)i, schedule[FREE_R]) * pow(ramp, schedule[FREE_POWER]);
}

/*
 * The weights of steps 1 to 't'.  The sum is remembered some steps back, since
 * with check_finite a call may look at steps before the last.
 */
static double free_sum(const double *schedule, uint64_t t, struct cs_memo *memo)
{
    enum { STRIDE = 512 };
    const double warmup = schedule[FREE_WARMUP];
    const int known = memo->t != 0 && memo->t <= t &&
                      memcmp(memo->key, schedule, sizeof(memo->key)) == 0;
    const double steps = ceil(warmup) > 1.0 ? ceil(warmup) : 1.0;
    const uint64_t last =
        schedule[FREE_R] == 0.0 && (double)t >= steps ? (uint64_t)steps : t;
    double sum = known ? memo->value : 0.0;

    for (uint64_t i = known ? memo->t + 1 : 1; i <= last; i++) {
        sum += free_weight(schedule, i);
        if ((i % STRIDE == 0 && last - i >= STRIDE) || (i == last && i < t))
            *memo = (struct cs_memo){
                i, {schedule[0], schedule[1], schedule[2]}, sum};
    }
    return sum + (double)(t - last);
}

/* The scalars of both; 'b' is how far the parameters are from the average. */
static void free_scalars(const double *schedule, double lr, double b,
                         uint64_t t, struct cs_memo *memo, double *s)
{
    const double warmup = schedule[FREE_WARMUP];
    const double rate = (double)t < warmup ? lr * ((double)t / warmup) : lr;
    const double sum = free_sum(schedule, t, memo);
    const double share = sum != 0.0 ? free_weight(schedule, t) / sum : 0.0;

    s[FREE_RATE] = rate;
    s[FREE_SHARE] = share;
    s[FREE_LEAD] = rate * (b * (1.0 - share) - 1.0);
    s[FREE_FIRST] = t == 1;
}

static void
free_sgd_prepare(const double *v, uint64_t t, struct cs_memo *memo, double *s)
{
    free_scalars(v + FREE_SGD_SCHEDULE, v[FREE_SGD_LR], v[FREE_SGD_MOMENTUM], t,
                 memo, s);
}

static void
free_adamw_prepare(const double *v, uint64_t t, struct cs_memo *memo, double *s)
{
    free_scalars(v + FREE_ADAMW_SCHEDULE, v[FREE_ADAMW_LR], v[FREE_ADAMW_BETA1],
                 t, memo, s);
    s[FREE_MIX2] = 1.0 - v[FREE_ADAMW_BETA2];
    s[FREE_CORRECTION2] = 1.0 / sqrt(1.0 - power(v[FREE_ADAMW_BETA2], t));
    s[FREE_EPS] = v[FREE_ADAMW_EPS];
}

/* -------------------------------------------------------------------------- */

/* What adam and adamw share. */
#define ADAM_ROW                                                               \
    .kernel = "adam",                                                          \
    .settings =                                                                \
        {[ADAM_LR] = {"lr", "step size", .initial = 1e-3, ANY},                \
         [ADAM_BETA1] = {"beta1", "decay of exp_avg", .initial = 0.9,          \
                         FRACTION},                                            \
         [ADAM_BETA2] = {"beta2", "decay of exp_avg_sq", .initial = 0.999,     \
                         FRACTION},                                            \
         [ADAM_EPS] = {"eps", "keeps the divisor from zero", .initial = 1e-8,  \
                       ANY},                                                   \
         [ADAM_EPS_FORM] = {"eps_form",                                        \
                            "eps beside the corrected root (torch), under it," \
                            " or beside the uncorrected one (keras)",          \
                            CHOICE("outside", "inside", "hat")},               \
         [ADAM_AMSGRAD] = {"amsgrad",                                          \
                           "1: divide by the largest exp_avg_sq so far",       \
                           FLAG}},                                             \
    .slots = {{"exp_avg", "mean of the gradients"},                            \
              {"exp_avg_sq", "mean of the squared gradients"},                 \
              {"max_exp_avg_sq", "the largest exp_avg_sq so far",              \
               .condition = "amsgrad=1"}},                                     \
    .scalars = {"step_size", "mix1", "mix2", "correction2", "eps"},            \
    .prepare = adam_prepare

const clstep_rule cs_rules[] = {
    {
        .name = "sgd",
        .summary = "gradient descent",
        .settings = {{"lr", "step size", .initial = 1e-2, ANY}},
        .scalars = {"step_size"},
        .prepare = sgd_prepare,
    },
    {
        .name = "momentum",
        .summary = "gradient descent with a velocity, also Nesterov's",
        .settings =
            {[MOMENTUM_LR] = {"lr", "step size", .initial = 1e-2, ANY},
             [MOMENTUM_B] = {"momentum", "decay of the velocity",
                             .initial = 0.9, FRACTION},
             [MOMENTUM_FORM] = {"form",
                                "lr outside the velocity (torch) or inside it "
                                "(classical, keras), a mean, a corrected mean, "
                                "or the velocity applied twice",
                                CHOICE("torch", "classical", "ema",
                                       "ema_debiased", "twice")},
             [MOMENTUM_NESTEROV] = {"nesterov", "1: Nesterov's look ahead",
                                    FLAG},
             [MOMENTUM_DAMPENING] = {"dampening",
                                     "share of the gradient that is left out "
                                     "after the first step",
                                     FRACTION}},
        .needs = {{"nesterov", "form", "torch|classical"},
                  {"dampening", "form", "torch"},
                  {"dampening", "nesterov", "0"}},
        .slots = {{"momentum_buffer", "the velocity"}},
        .scalars = {"step_size", "decay", "gain"},
        .prepare = momentum_prepare,
    },
    {
        .name = "adagrad",
        .summary = "divides by the root of the sum of squared gradients",
        .settings =
            {[ADAGRAD_LR] = {"lr", "step size", .initial = 1e-2, ANY},
             [ADAGRAD_EPS] = {"eps", "keeps the divisor from zero",
                              .initial = 1e-10, ANY},
             [ADAGRAD_EPS_FORM] = {"eps_form",
                                   "eps beside the root (torch) or under it "
                                   "(keras)",
                                   CHOICE("outside", "inside")},
             [ADAGRAD_LR_DECAY] = {"lr_decay",
                                   "lr is divided by 1 + (t - 1) lr_decay",
                                   ANY},
             {"initial_accumulator", "where sum begins", ANY}},
        .slots = {{"sum", "sum of the squared gradients",
                   .initial = "initial_accumulator"}},
        .scalars = {"step_size", "eps"},
        .prepare = adagrad_prepare,
    },
    {
        .name = "adadelta",
        .summary = "scales by the ratio of two means of squares",
        .settings = {[ADADELTA_LR] = {"lr", "step size", .initial = 1.0, ANY},
                     [ADADELTA_RHO] = {"rho", "decay of both means",
                                       .initial = 0.9, FRACTION},
                     [ADADELTA_EPS] = {"eps", "added under both roots",
                                       .initial = 1e-6, ANY}},
        .slots = {{"square_avg", "mean of the squared gradients"},
                  {"acc_delta", "mean of the squared updates"}},
        .scalars = {"step_size", "share", "eps"},
        .prepare = adadelta_prepare,
    },
    {
        .name = "rmsprop",
        .summary = "divides by the root of the mean of squared gradients",
        .settings =
            {[RMSPROP_LR] = {"lr", "step size", .initial = 1e-2, ANY},
             [RMSPROP_ALPHA] = {"alpha", "decay of the means", .initial = 0.99,
                                FRACTION},
             [RMSPROP_EPS] = {"eps", "keeps the divisor from zero",
                              .initial = 1e-8, ANY},
             [RMSPROP_EPS_FORM] = {"eps_form",
                                   "eps beside the root (torch) or under it "
                                   "(keras)",
                                   CHOICE("outside", "inside")},
             [RMSPROP_CENTERED] = {"centered",
                                   "1: subtract the square of the mean", FLAG},
             [RMSPROP_MOMENTUM] = {"momentum",
                                   "decay of a velocity of the quotients",
                                   .optional = 1, FRACTION},
             [RMSPROP_MOMENTUM_FORM] = {"momentum_form",
                                        "where momentum is given: lr outside "
                                        "the velocity or inside it",
                                        CHOICE("torch", "keras")},
             {"initial_square", "where square_avg begins", ANY}},
        .slots = {{"square_avg", "mean of the squared gradients",
                   .initial = "initial_square"},
                  {"grad_avg", "mean of the gradients",
                   .condition = "centered=1"},
                  {"momentum_buffer", "the velocity", .condition = "momentum"}},
        .scalars = {"step_size", "share", "eps", "decay"},
        .prepare = rmsprop_prepare,
    },
    {
        .name = "adam",
        .summary = "the mean of the gradients over the root of their squares",
        ADAM_ROW,
    },
    {
        .name = "adamw",
        .summary = "adam with decoupled decay",
        .feature_default = {"weight_decay", 1e-2, NULL},
        ADAM_ROW,
    },
    {
        .name = "adamax",
        .summary = "adam with a decaying maximum in place of the root",
        .settings =
            {[ADAMAX_LR] = {"lr", "step size", .initial = 2e-3, ANY},
             [ADAMAX_BETA1] = {"beta1", "decay of exp_avg", .initial = 0.9,
                               FRACTION},
             [ADAMAX_BETA2] = {"beta2", "decay of exp_inf", .initial = 0.999,
                               FRACTION},
             [ADAMAX_EPS] = {"eps", "keeps the divisor from zero",
                             .initial = 1e-8, ANY},
             [ADAMAX_EPS_FORM] = {"eps_form",
                                  "eps inside the maximum (torch) or beside it "
                                  "(keras)",
                                  CHOICE("max", "outside")}},
        .slots = {{"exp_avg", "mean of the gradients"},
                  {"exp_inf", "decaying maximum of the gradients"}},
        .scalars = {"step_size", "mix1", "beta2", "eps"},
        .prepare = adamax_prepare,
    },
    {
        .name = "nadam",
        .summary = "adam with Nesterov's look ahead",
        .settings =
            {[NADAM_LR] = {"lr", "step size", .initial = 2e-3, ANY},
             [NADAM_BETA1] = {"beta1", "decay of exp_avg", .initial = 0.9,
                              FRACTION},
             [NADAM_BETA2] = {"beta2", "decay of exp_avg_sq", .initial = 0.999,
                              FRACTION},
             [NADAM_EPS] = {"eps", "keeps the divisor from zero",
                            .initial = 1e-8, ANY},
             [NADAM_FORM] = {"form",
                             "momentum that warms up as torch's or as keras' "
                             "does, or a constant one (NAdamW)",
                             CHOICE("torch", "keras", "simple")},
             [NADAM_MOMENTUM_DECAY] = {"momentum_decay",
                                       "how fast the momentum warms up",
                                       .initial = 4e-3, ANY}},
        .needs = {{"momentum_decay", "form", "torch"}},
        .slots = {{"exp_avg", "mean of the gradients"},
                  {"exp_avg_sq", "mean of the squared gradients"}},
        .scalars = {"step_size", "mix1", "mix2", "correction2", "eps",
                    "gradient_share", "mean_share"},
        .prepare = nadam_prepare,
    },
    {
        .name = "radam",
        .summary = "adam whose early steps are rectified",
        .settings =
            {[RADAM_LR] = {"lr", "step size", .initial = 1e-3, ANY},
             [RADAM_BETA1] = {"beta1", "decay of exp_avg", .initial = 0.9,
                              FRACTION},
             [RADAM_BETA2] = {"beta2", "decay of exp_avg_sq", .initial = 0.999,
                              FRACTION},
             [RADAM_EPS] = {"eps", "added to the uncorrected root",
                            .initial = 1e-8, ANY},
             [RADAM_THRESHOLD] = {"threshold",
                                  "rectified where the length of the mean is "
                                  "above it",
                                  .initial = 5.0, .min = 4.0, .max = FLT_MAX}},
        .slots = {{"exp_avg", "mean of the gradients"},
                  {"exp_avg_sq", "mean of the squared gradients"}},
        .scalars = {"step_size", "mix1", "mix2", "eps", "rectified"},
        .prepare = radam_prepare,
    },
    {
        .name = "ftrl",
        .summary = "follow the regularised leader, proximal: sparse weights",
        .settings =
            {[FTRL_LR] = {"lr", "step size", .initial = 1e-3, POSITIVE},
             [FTRL_LAMBDA1] = {"lambda1", "weight of the 1-norm", ANY},
             [FTRL_LAMBDA2] = {"lambda2",
                               "weight of the squared 2-norm, twice keras' l2",
                               ANY},
             [FTRL_BETA] = {"beta", "smooths the rates of rare elements", ANY},
             {"initial_accumulator", "where accumulator begins", .initial = 0.1,
              ANY},
             {"keep_initial",
              "1: the first step starts from the given parameters", FLAG}},
        .slots = {{"accumulator", "sum of the squared gradients",
                   .initial = "initial_accumulator"},
                  {"linear", "sum of the shifted gradients"}},
        .scalars = {"inverse_lr", "lambda1", "quadratic", "first"},
        .prepare = ftrl_prepare,
        .sets_parameter = 1,
    },
    {
        .name = "lion",
        .summary = "the sign of an interpolated mean",
        .settings = {[LION_LR] = {"lr", "step size", .initial = 1e-4, ANY},
                     [LION_BETA1] = {"beta1", "decay of the mean within a step",
                                     .initial = 0.9, FRACTION},
                     [LION_BETA2] = {"beta2", "decay of exp_avg",
                                     .initial = 0.99, FRACTION}},
        .slots = {{"exp_avg", "mean of the gradients"}},
        .scalars = {"step_size", "mix1", "mix2"},
        .prepare = lion_prepare,
    },
    {
        .name = "signsgd",
        .summary = "the sign of the gradient",
        .settings = {{"lr", "step size", .initial = 1e-3, ANY}},
        .scalars = {"step_size"},
        .prepare = sgd_prepare,
    },
    {
        .name = "signum",
        .summary = "the sign of the gradients' mean",
        .settings = {[SIGNUM_LR] = {"lr", "step size", .initial = 1e-3, ANY},
                     [SIGNUM_MOMENTUM] = {"momentum", "decay of exp_avg",
                                          .initial = 0.9, FRACTION}},
        .slots = {{"exp_avg", "mean of the gradients"}},
        .scalars = {"step_size", "share"},
        .prepare = signum_prepare,
    },
    {
        .name = "rprop",
        .summary = "a step size for each element, which the signs adapt",
        .settings =
            {[RPROP_LR] = {"lr", "the first step size", .initial = 1e-2, ANY},
             [RPROP_ETA_MINUS] = {"eta_minus",
                                  "factor where the gradient changed its sign",
                                  .initial = 0.5, .min = FLT_MIN,
                                  .max = 0x1.fffffep-1},
             [RPROP_ETA_PLUS] = {"eta_plus",
                                 "factor where the gradient kept its sign",
                                 .initial = 1.2, .min = 0x1.000002p0,
                                 .max = FLT_MAX},
             [RPROP_STEP_MIN] = {"step_min", "the smallest step size",
                                 .initial = 1e-6, POSITIVE},
             [RPROP_STEP_MAX] = {"step_max", "the largest step size",
                                 .initial = 50, POSITIVE}},
        .slots = {{"prev", "the gradient before, 0 where its sign changed"},
                  {"step_size", "the step size of each element"}},
        .scalars = {"lr", "eta_minus", "eta_plus", "step_min", "step_max",
                    "first"},
        .prepare = rprop_prepare,
    },
    {
        .name = "asgd",
        .summary = "gradient descent that decays and is averaged",
        .settings = {[ASGD_LR] = {"lr", "the first step size", .initial = 1e-2,
                                  ANY},
                     [ASGD_LAMBD] = {"lambd", "decay of the parameters",
                                     .initial = 1e-4, ANY},
                     [ASGD_ALPHA] = {"alpha",
                                     "power by which the step size falls",
                                     .initial = 0.75, ANY},
                     [ASGD_T0] = {"t0", "steps before the average begins",
                                  .initial = 1e6, ANY}},
        .slots = {{"ax", "average of the parameters"}},
        .scalars = {"rate", "shrink", "share"},
        .prepare = asgd_prepare,
        .sets_parameter = 1,
    },
    {
        .name = "adabelief",
        .summary = "divides by how far the gradients are from their mean",
        .settings =
            {[TWO_LR] = {"lr", "step size", .initial = 1e-3, ANY},
             [TWO_BETA1] = {"beta1", "decay of exp_avg", .initial = 0.9,
                            FRACTION},
             [TWO_BETA2] = {"beta2", "decay of exp_avg_var", .initial = 0.999,
                            FRACTION},
             [TWO_EPS] = {"eps",
                          "added to the root, and in each step to exp_avg_var",
                          .initial = 1e-16, ANY},
             [TWO_MORE] =
                 {"rectify", "1: early steps are rectified, as radam's", FLAG}},
        .slots = {{"exp_avg", "mean of the gradients"},
                  {"exp_avg_var",
                   "mean of the squared distances to that mean"}},
        .scalars = {"step_size", "mix1", "mix2", "correction2", "eps",
                    "rectified"},
        .prepare = adabelief_prepare,
    },
    {
        .name = "yogi",
        .summary = "adam whose divisor changes by bounded amounts",
        .settings = {[TWO_LR] = {"lr", "step size", .initial = 1e-2, ANY},
                     [TWO_BETA1] = {"beta1", "decay of exp_avg", .initial = 0.9,
                                    FRACTION},
                     [TWO_BETA2] = {"beta2", "1 minus the gain of exp_avg_sq",
                                    .initial = 0.999, FRACTION},
                     [TWO_EPS] = {"eps", "keeps the divisor from zero",
                                  .initial = 1e-3, ANY},
                     [TWO_MORE] = {"initial_accumulator",
                                   "where both slots begin", .initial = 1e-6,
                                   ANY}},
        .slots = {{"exp_avg", "mean of the gradients",
                   .initial = "initial_accumulator"},
                  {"exp_avg_sq", "follows the squared gradients",
                   .initial = "initial_accumulator"}},
        .scalars = {"step_size", "mix1", "mix2", "correction2", "eps"},
        .prepare = two_prepare,
    },
    {
        .name = "adan",
        .summary = "adam with Nesterov's momentum by gradients' differences",
        .settings = {[ADAN_LR] = {"lr", "step size", .initial = 1e-3, ANY},
                     [ADAN_BETA1] = {"beta1", "decay of exp_avg",
                                     .initial = 0.98, FRACTION},
                     [ADAN_BETA2] = {"beta2",
                                     "decay of exp_avg_diff, and its weight",
                                     .initial = 0.92, FRACTION},
                     [ADAN_BETA3] = {"beta3", "decay of exp_avg_sq",
                                     .initial = 0.99, FRACTION},
                     [ADAN_EPS] = {"eps", "keeps the divisor from zero",
                                   .initial = 1e-8, ANY}},
        .slots = {{"exp_avg", "mean of the gradients"},
                  {"exp_avg_diff", "mean of their differences"},
                  {"exp_avg_sq", "mean of the squares of what is ahead"},
                  {"prev", "the gradient before"}},
        .feature_default = {"decay_form", 0.0, "proximal"},
        .scalars = {"step_size", "mix1", "mix2", "mix3", "beta2", "correction1",
                    "correction2", "correction3", "eps", "first"},
        .prepare = adan_prepare,
    },
    {
        .name = "ademamix",
        .summary = "adam with a second, slow mean",
        .settings =
            {[ADEMAMIX_LR] = {"lr", "step size", .initial = 1e-3, ANY},
             [ADEMAMIX_BETA1] = {"beta1", "decay of exp_avg", .initial = 0.9,
                                 FRACTION},
             [ADEMAMIX_BETA2] = {"beta2", "decay of exp_avg_sq",
                                 .initial = 0.999, FRACTION},
             [ADEMAMIX_BETA3] = {"beta3", "decay of exp_avg_slow",
                                 .initial = 0.9999, FRACTION},
             [ADEMAMIX_ALPHA] = {"alpha", "weight of exp_avg_slow",
                                 .initial = 5, ANY},
             [ADEMAMIX_EPS] = {"eps", "keeps the divisor from zero",
                               .initial = 1e-8, ANY},
             [ADEMAMIX_ALPHA_WARMUP] = {"alpha_warmup",
                                        "steps until alpha is reached", STEPS},
             [ADEMAMIX_BETA3_WARMUP] = {"beta3_warmup",
                                        "steps until beta3 is reached, from "
                                        "beta1 on",
                                        STEPS}},
        .slots = {{"exp_avg", "mean of the gradients"},
                  {"exp_avg_slow", "slow mean of the gradients"},
                  {"exp_avg_sq", "mean of the squared gradients"}},
        .scalars = {"step_size", "mix1", "mix2", "mix3", "correction1",
                    "slow_share", "correction2", "eps"},
        .prepare = ademamix_prepare,
    },
    {
        .name = "qhm",
        .summary = "a weighted mean of the gradient and its momentum",
        .settings = {[QHM_LR] = {"lr", "step size", .initial = 1e-2, ANY},
                     [QHM_MOMENTUM] = {"momentum", "decay of momentum_buffer",
                                       .initial = 0.999, FRACTION},
                     [QHM_NU] = {"nu", "weight of the momentum, 0 for sgd",
                                 .initial = 0.7, SHARE}},
        .slots = {{"momentum_buffer", "mean of the gradients"}},
        .scalars = {"step_size", "share", "mean_share", "gradient_share"},
        .prepare = qhm_prepare,
    },
    {
        .name = "qhadam",
        .summary = "adam with weights for the gradient itself",
        .settings = {[QHADAM_LR] = {"lr", "step size", .initial = 1e-3, ANY},
                     [QHADAM_BETA1] = {"beta1", "decay of exp_avg",
                                       .initial = 0.9, FRACTION},
                     [QHADAM_BETA2] = {"beta2", "decay of exp_avg_sq",
                                       .initial = 0.999, FRACTION},
                     [QHADAM_NU1] = {"nu1",
                                     "weight of exp_avg beside the gradient",
                                     .initial = 0.7, SHARE},
                     [QHADAM_NU2] = {"nu2",
                                     "weight of exp_avg_sq beside the square",
                                     .initial = 1, SHARE},
                     [QHADAM_EPS] = {"eps", "keeps the divisor from zero",
                                     .initial = 1e-8, ANY}},
        .slots = {{"exp_avg", "mean of the gradients"},
                  {"exp_avg_sq", "mean of the squared gradients"}},
        .scalars = {"step_size", "mix1", "mix2", "mean_share", "gradient_share",
                    "square_mean_share", "square_share", "eps"},
        .prepare = qhadam_prepare,
    },
    {
        .name = "laprop",
        .summary = "the mean of gradients that were divided by their root",
        .settings = {[TWO_LR] = {"lr", "step size", .initial = 4e-4, ANY},
                     [TWO_BETA1] = {"beta1", "decay of exp_avg", .initial = 0.9,
                                    FRACTION},
                     [TWO_BETA2] = {"beta2", "decay of exp_avg_sq",
                                    .initial = 0.999, FRACTION},
                     [TWO_EPS] = {"eps", "keeps the divisor from zero",
                                  .initial = 1e-15, ANY}},
        .slots = {{"exp_avg", "mean of the divided gradients"},
                  {"exp_avg_sq", "mean of the squared gradients"}},
        .scalars = {"step_size", "mix1", "mix2", "correction2", "eps"},
        .prepare = two_prepare,
    },
    {
        .name = "adopt",
        .summary = "the mean of gradients divided by the root before them",
        .settings = {[ADOPT_LR] = {"lr", "step size", .initial = 1e-3, ANY},
                     [ADOPT_BETA1] = {"beta1", "decay of exp_avg",
                                      .initial = 0.9, FRACTION},
                     [ADOPT_BETA2] = {"beta2", "decay of exp_avg_sq",
                                      .initial = 0.9999, FRACTION},
                     [ADOPT_EPS] = {"eps", "the divisor is at least this",
                                    .initial = 1e-6, ANY}},
        .slots = {{"exp_avg", "mean of the divided gradients"},
                  {"exp_avg_sq", "mean of the squared gradients"}},
        .scalars = {"step_size", "mix1", "mix2", "eps", "bound", "first"},
        .prepare = adopt_prepare,
        .rests_first = 1,
    },
    {
        .name = "sophia",
        .summary = "divides by the caller's estimate of the curvature",
        .settings = {[SOPHIA_LR] = {"lr", "step size", .initial = 1e-4, ANY},
                     [SOPHIA_BETA1] = {"beta1", "decay of exp_avg",
                                       .initial = 0.965, FRACTION},
                     [SOPHIA_RHO] = {"rho", "times hessian is the divisor",
                                     .initial = 0.04, ANY},
                     [SOPHIA_EPS] = {"eps", "keeps the divisor from zero",
                                     .initial = 1e-15, ANY}},
        .slots =
            {{"exp_avg", "mean of the gradients"},
             {"hessian",
              "the Hessian's diagonal, at least 0, which the caller writes",
              .read_only = 1}},
        .scalars = {"step_size", "mix1", "rho", "eps"},
        .prepare = sophia_prepare,
    },
    {
        .name = "schedule_free_sgd",
        .summary = "gradient descent that needs no schedule of lr",
        .settings =
            {[FREE_SGD_LR] = {"lr", "step size", .initial = 1, ANY},
             [FREE_SGD_MOMENTUM] = {"momentum",
                                    "how near the parameters are to what is "
                                    "evaluated",
                                    .initial = 0.9, .min = FLT_MIN,
                                    .max = 0x1.fffffep-1},
             [FREE_SGD_SCHEDULE +
                 FREE_WARMUP] = {"warmup", "steps until lr is reached", STEPS},
             [FREE_SGD_SCHEDULE +
                 FREE_R] = {"r", "power of t in the weight of a step", ANY},
             [FREE_SGD_SCHEDULE +
                 FREE_POWER] = {"weight_lr_power",
                                "power of the warmup in the weight of a step",
                                .initial = 2, ANY}},
        .slots = {{"z", "where the steps alone lead"}},
        .scalars = {"rate", "share", "lead", "first"},
        .prepare = free_sgd_prepare,
        .sets_parameter = 1,
        .decays_itself = 1,
        .evaluated = "momentum",
    },
    {
        .name = "schedule_free_adamw",
        .summary = "adamw that needs no schedule of lr",
        .settings =
            {[FREE_ADAMW_LR] = {"lr", "step size", .initial = 2.5e-3, ANY},
             [FREE_ADAMW_BETA1] = {"beta1",
                                   "how near the parameters are to what is "
                                   "evaluated",
                                   .initial = 0.9, .min = FLT_MIN,
                                   .max = 0x1.fffffep-1},
             [FREE_ADAMW_BETA2] = {"beta2", "decay of exp_avg_sq",
                                   .initial = 0.999, FRACTION},
             [FREE_ADAMW_EPS] = {"eps", "keeps the divisor from zero",
                                 .initial = 1e-8, ANY},
             [FREE_ADAMW_SCHEDULE +
                 FREE_WARMUP] = {"warmup", "steps until lr is reached", STEPS},
             [FREE_ADAMW_SCHEDULE +
                 FREE_R] = {"r", "power of t in the weight of a step", ANY},
             [FREE_ADAMW_SCHEDULE +
                 FREE_POWER] = {"weight_lr_power",
                                "power of the warmup in the weight of a step",
                                .initial = 2, ANY}},
        .slots = {{"z", "where the steps alone lead"},
                  {"exp_avg_sq", "mean of the squared gradients"}},
        .scalars = {"rate", "share", "lead", "first", "mix2", "correction2",
                    "eps"},
        .prepare = free_adamw_prepare,
        .sets_parameter = 1,
        .decays_itself = 1,
        .evaluated = "beta1",
    },
    {0},
};
