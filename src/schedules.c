/*
 * schedules.c - every learning rate schedule of the library
 * SPDX-License-Identifier: MIT
 *
 * To add one: a row here, with its formula as a text and as a function of the
 * step.  docs/schedules.md says which of other frameworks each one is.
 */
#include "schedule.h"
#include "error.h"

#include <float.h>
#include <math.h>

#define PI       3.14159265358979323846

#define ANY      .min = 0.0, .max = FLT_MAX
#define FRACTION .min = 0.0, .max = 0x1.fffffep-1 /* [0, 1) in float */
#define SHARE    .min = 0.0, .max = 1.0
#define STEPS    .min = 1.0, .max = 0x1p53
#define FROM_0   .min = 0.0, .max = 0x1p53
#define COUNT    .kind = CLSTEP_COUNT, .min = 0.0, .max = 0x1p53
#define FLAG     .kind = CLSTEP_FLAG, .min = 0.0, .max = 1.0
#define LIST     .kind = CLSTEP_LIST

/* The names of a choice's values. */
#define CHOICE(...)                                                            \
    .kind = CLSTEP_CHOICE, .choices = (const char *const[])                    \
    {                                                                          \
        __VA_ARGS__, NULL                                                      \
    }

#define LR                                                                     \
    {                                                                          \
        "lr", "the learning rate at first; 1: the schedule is a factor",       \
            .initial = 1.0, ANY                                                \
    }
#define ETA_MIN                                                                \
    {                                                                          \
        "eta_min", "the learning rate at the end", .initial = 0.0, ANY         \
    }
#define STAIRCASE                                                              \
    {                                                                          \
        "staircase", "1: only whole multiples of steps count", FLAG            \
    }
#define FIRST_EPOCH                                                            \
    {                                                                          \
        "first_epoch", "e at step 0", .initial = 1.0, COUNT                    \
    }
#define MOMENTA(low, high)                                                     \
    {"cycle_momentum", "0: the momentum does not cycle", .initial = 1.0,       \
     FLAG},                                                                    \
        {"base_momentum", "momentum at the largest learning rate",             \
         .initial = low, FRACTION},                                            \
    {                                                                          \
        "max_momentum", "momentum at the smallest learning rate",              \
            .initial = high, FRACTION                                          \
    }

/* Where 'lr' stands, in all rows that have one. */
enum { FIRST_LR };

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

static double constant_lr(const clstep_schedule *x, double s)
{
    (void)s;
    return x->value[FIRST_LR];
}

enum { STEP_LR, STEP_SIZE, STEP_GAMMA };

static double step_lr(const clstep_schedule *x, double s)
{
    const double *v = x->value;

    return v[STEP_LR] * power(v[STEP_GAMMA], s / v[STEP_SIZE]);
}

enum { MULTISTEP_LR, MULTISTEP_MILESTONES, MULTISTEP_GAMMA };

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

static double multistep_lr(const clstep_schedule *x, double s)
{
    const double *v = x->value;

    return v[MULTISTEP_LR] *
           power(v[MULTISTEP_GAMMA],
                 (double)passed(x, MULTISTEP_MILESTONES, s, false));
}

enum { PIECEWISE_BOUNDARIES, PIECEWISE_VALUES, PIECEWISE_SIDE };
enum { SIDE_LEFT, SIDE_RIGHT };

static clstep_status
piecewise_check(const clstep_schedule *x, clstep_error *error)
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

static double piecewise_lr(const clstep_schedule *x, double s)
{
    return x->list[PIECEWISE_VALUES][passed(
        x, PIECEWISE_BOUNDARIES, s, x->value[PIECEWISE_SIDE] == SIDE_LEFT)];
}

/* --- by the epoch --------------------------------------------------------- */

enum { SQRT_LR, SQRT_K, SQRT_FIRST };

static double sqrt_lr(const clstep_schedule *x, double s)
{
    const double *v = x->value;

    return v[SQRT_LR] * v[SQRT_K] / sqrt(s + v[SQRT_FIRST]);
}

enum { EPOCH_LR, EPOCH_GAMMA, EPOCH_FIRST };

static double exponential_epoch_lr(const clstep_schedule *x, double s)
{
    const double *v = x->value;

    return v[EPOCH_LR] * power(v[EPOCH_GAMMA], s + v[EPOCH_FIRST]);
}

enum {
    INVERSE_LR,
    INVERSE_DECAY,
    INVERSE_STEPS,
    INVERSE_STAIRCASE,
    INVERSE_FIRST
};

static double inverse_time_lr(const clstep_schedule *x, double s)
{
    const double *v = x->value;
    const double e = (s + v[INVERSE_FIRST]) / v[INVERSE_STEPS];

    return v[INVERSE_LR] /
           (1.0 +
            v[INVERSE_DECAY] * (v[INVERSE_STAIRCASE] != 0.0 ? floor(e) : e));
}

/* --- exponential, power, polynomial --------------------------------------- */

enum {
    EXPONENTIAL_LR,
    EXPONENTIAL_GAMMA,
    EXPONENTIAL_STEPS,
    EXPONENTIAL_STAIRCASE
};

static double exponential_lr(const clstep_schedule *x, double s)
{
    const double *v = x->value;

    return v[EXPONENTIAL_LR] * climb(v[EXPONENTIAL_GAMMA],
                                     s / v[EXPONENTIAL_STEPS],
                                     v[EXPONENTIAL_STAIRCASE]);
}

enum { TEN_LR, TEN_STEPS, TEN_STAIRCASE };

static double exponential_10_lr(const clstep_schedule *x, double s)
{
    const double *v = x->value;

    return v[TEN_LR] / climb(10.0, s / v[TEN_STEPS], v[TEN_STAIRCASE]);
}

enum { POWER_LR, POWER_STEPS, POWER_EXPONENT };

static double power_lr(const clstep_schedule *x, double s)
{
    const double *v = x->value;

    return v[POWER_LR] / pow(1.0 + s / v[POWER_STEPS], v[POWER_EXPONENT]);
}

enum { POLY_LR, POLY_STEPS, POLY_POWER, POLY_ETA_MIN, POLY_CYCLE };

static double polynomial_lr(const clstep_schedule *x, double s)
{
    const double *v = x->value;
    double steps = v[POLY_STEPS];

    if (v[POLY_CYCLE] != 0.0 && s > 0.0)
        steps *= ceil(s / steps);
    return between(v[POLY_ETA_MIN], v[POLY_LR],
                   pow(1.0 - smaller(s, steps) / steps, v[POLY_POWER]));
}

/* --- cosine --------------------------------------------------------------- */

enum { COSINE_LR, COSINE_STEPS, COSINE_ETA_MIN, COSINE_AFTER };
enum { AFTER_HOLD, AFTER_RISE };

static double cosine_lr(const clstep_schedule *x, double s)
{
    const double *v = x->value;
    const double steps = v[COSINE_STEPS];

    s = v[COSINE_AFTER] == AFTER_RISE ? fmod(s, 2.0 * steps)
                                      : smaller(s, steps);
    return between(v[COSINE_ETA_MIN], v[COSINE_LR], half_cosine(s / steps));
}

enum {
    RESTARTS_LR,
    RESTARTS_STEPS,
    RESTARTS_FACTOR,
    RESTARTS_ETA_MIN,
    RESTARTS_GAMMA,
    RESTARTS_FORM
};
enum { FORM_PEAK, FORM_RANGE };

/* Where run 'i' begins, in lengths of the first: 1 + m + ... + m^(i-1). */
static double run_begin(double m, double i)
{
    return m == 1.0 ? i : (power(m, i) - 1.0) / (m - 1.0);
}

static double cosine_restarts_lr(const clstep_schedule *x, double s)
{
    const double *v = x->value;
    const double m = v[RESTARTS_FACTOR], end = v[RESTARTS_ETA_MIN];
    const double p = s / v[RESTARTS_STEPS];
    double i = m == 1.0 ? p : log(1.0 + p * (m - 1.0)) / log(m);

    /* The logarithm may miss a whole number by a rounding. */
    i = floor(i);
    if (i > 0.0 && run_begin(m, i) > p)
        i -= 1.0;
    else if (run_begin(m, i + 1.0) <= p)
        i += 1.0;

    const double length = power(m, i), gain = power(v[RESTARTS_GAMMA], i);
    const double share =
        half_cosine(smaller((p - run_begin(m, i)) / length, 1.0));

    if (v[RESTARTS_FORM] == FORM_RANGE)
        return end + (v[RESTARTS_LR] - end) * (gain * share);
    return between(end, smaller(v[RESTARTS_LR] * gain, DBL_MAX), share);
}

/* --- noam, inverse_sqrt, wsd ---------------------------------------------- */

enum { NOAM_LR, NOAM_MODEL, NOAM_WARMUP, NOAM_FIRST };

static double noam_lr(const clstep_schedule *x, double s)
{
    const double *v = x->value;
    const double w = v[NOAM_WARMUP], t = s + v[NOAM_FIRST];

    /* t / w^1.5 is the smaller one up to w, and no division by a t of 0. */
    return v[NOAM_LR] / sqrt(v[NOAM_MODEL]) *
           (t < w ? t / (w * sqrt(w)) : 1.0 / sqrt(t));
}

enum { ROOT_LR, ROOT_TIMESCALE };

static double inverse_sqrt_lr(const clstep_schedule *x, double s)
{
    const double warmup = cs_schedule_feature(x, CS_WARMUP);
    double scale = x->value[ROOT_TIMESCALE];

    if (!x->given[ROOT_TIMESCALE] && warmup > 0.0)
        scale = warmup;
    return x->value[ROOT_LR] / sqrt((s + scale) / scale);
}

enum { WSD_LR, WSD_STABLE, WSD_DECAY, WSD_TYPE, WSD_ETA_MIN };
enum { TYPE_LINEAR, TYPE_COSINE, TYPE_ROOT };

static double wsd_lr(const clstep_schedule *x, double s)
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

enum {
    ONE_MAX_LR,
    ONE_STEPS,
    ONE_START,
    ONE_STRATEGY,
    ONE_DIV,
    ONE_FINAL_DIV,
    ONE_THREE,
    ONE_CYCLES,
    ONE_BASE,
    ONE_MAX
};
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

static double one_cycle_lr(const clstep_schedule *x, double s)
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

static int one_cycle_momentum(const clstep_schedule *x, double s, double *m)
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

enum {
    CYCLIC_BASE_LR,
    CYCLIC_MAX_LR,
    CYCLIC_UP,
    CYCLIC_DOWN,
    CYCLIC_MODE,
    CYCLIC_GAMMA,
    CYCLIC_CYCLES,
    CYCLIC_BASE,
    CYCLIC_MAX
};
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

static double cyclic_lr(const clstep_schedule *x, double s)
{
    return between(x->value[CYCLIC_BASE_LR], x->value[CYCLIC_MAX_LR],
                   cyclic_height(x, s));
}

static int cyclic_momentum(const clstep_schedule *x, double s, double *m)
{
    const double *v = x->value;

    if (v[CYCLIC_CYCLES] == 0.0)
        return 0;
    *m = between(v[CYCLIC_MAX], v[CYCLIC_BASE], cyclic_height(x, s));
    return 1;
}

/* --- plateau -------------------------------------------------------------- */

enum {
    PLATEAU_LR,
    PLATEAU_FACTOR,
    PLATEAU_PATIENCE,
    PLATEAU_COOLDOWN,
    PLATEAU_MIN_LR,
    PLATEAU_EPS,
    PLATEAU_FORM
};
enum { PLATEAU_TORCH, PLATEAU_KERAS };

static double plateau_lr(const clstep_schedule *x, double s)
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

static void plateau_watch(clstep_schedule *x, bool better)
{
    if (x->value[PLATEAU_FORM] == PLATEAU_KERAS)
        plateau_watch_keras(x, better);
    else
        plateau_watch_torch(x, better);
}

/* -------------------------------------------------------------------------- */

const clstep_schedule_kind cs_schedule_kinds[] = {
    {
        .name = "constant",
        .summary = "always the same; with the features, a warm-up or early "
                   "stopping alone",
        .formula = "lr",
        .settings = {LR},
        .lr = constant_lr,
    },
    {
        .name = "step",
        .summary = "a factor every so many steps",
        .formula = "lr gamma^floor(s / step_size)\n"
                   "PyTorch's StepLR.",
        .settings = {[STEP_LR] = LR,
                     [STEP_SIZE] = {"step_size", "steps between two factors",
                                    .initial = 30.0, STEPS},
                     [STEP_GAMMA] = {"gamma", "the factor", .initial = 0.1,
                                     ANY}},
        .lr = step_lr,
    },
    {
        .name = "multistep",
        .summary = "a factor at each of some steps",
        .formula = "lr gamma^(how many milestones are <= s)\n"
                   "PyTorch's MultiStepLR; a milestone given twice counts "
                   "twice.",
        .settings = {[MULTISTEP_LR] = LR,
                     [MULTISTEP_MILESTONES] = {"milestones",
                                               "the steps that begin with a "
                                               "factor, in any order",
                                               LIST, FROM_0},
                     [MULTISTEP_GAMMA] = {"gamma", "the factor", .initial = 0.1,
                                          ANY}},
        .lr = multistep_lr,
    },
    {
        .name = "piecewise",
        .summary = "a constant for each piece between boundaries",
        .formula = "values[how many boundaries are < s]     side=left: a "
                   "boundary belongs to the left\n"
                   "values[how many boundaries are <= s]    side=right: to the "
                   "right\n"
                   "left is Keras' PiecewiseConstantDecay; right is optax' "
                   "piecewise_constant_schedule.",
        .settings = {[PIECEWISE_BOUNDARIES] = {"boundaries",
                                               "where a piece ends; they "
                                               "increase",
                                               LIST, FROM_0},
                     [PIECEWISE_VALUES] = {"values",
                                           "learning rates, one more than "
                                           "boundaries",
                                           LIST, ANY},
                     [PIECEWISE_SIDE] = {"side",
                                         "the piece that a boundary belongs "
                                         "to",
                                         CHOICE("left", "right")}},
        .check = piecewise_check,
        .lr = piecewise_lr,
    },
    {
        .name = "sqrt_epoch",
        .summary = "falls with the root of the epoch",
        .formula = "lr k / sqrt(e), e = s + first_epoch\n"
                   "Ng's course, k / sqrt(epoch).",
        .settings = {[SQRT_LR] = LR,
                     [SQRT_K] = {"k", "a factor", .initial = 1.0, ANY},
                     [SQRT_FIRST] = {"first_epoch", "e at step 0",
                                     .kind = CLSTEP_COUNT, .initial = 1.0,
                                     STEPS}},
        .lr = sqrt_lr,
    },
    {
        .name = "exponential_epoch",
        .summary = "a factor for every epoch, the first too",
        .formula = "lr gamma^e, e = s + first_epoch\n"
                   "Ng's course, 0.95^epoch; with first_epoch=0 PyTorch's "
                   "ExponentialLR.",
        .settings = {[EPOCH_LR] = LR,
                     [EPOCH_GAMMA] = {"gamma", "the factor", .initial = 0.95,
                                      ANY},
                     [EPOCH_FIRST] = FIRST_EPOCH},
        .lr = exponential_epoch_lr,
    },
    {
        .name = "inverse_time",
        .summary = "falls with the inverse of the epoch",
        .formula = "lr / (1 + decay_rate e / steps), e = s + first_epoch\n"
                   "lr / (1 + decay_rate floor(e / steps))     staircase=1\n"
                   "Ng's course; with first_epoch=0 Keras' InverseTimeDecay.",
        .settings = {[INVERSE_LR] = LR,
                     [INVERSE_DECAY] = {"decay_rate", "how fast it falls",
                                        .initial = 1.0, ANY},
                     [INVERSE_STEPS] = {"steps", "the unit of e",
                                        .initial = 1.0, STEPS},
                     [INVERSE_STAIRCASE] = STAIRCASE,
                     [INVERSE_FIRST] = FIRST_EPOCH},
        .lr = inverse_time_lr,
    },
    {
        .name = "exponential",
        .summary = "a factor for every so many steps, smooth or in stairs",
        .formula = "lr gamma^(s / steps)\n"
                   "lr gamma^floor(s / steps)     staircase=1\n"
                   "Keras' ExponentialDecay; with steps=1 PyTorch's "
                   "ExponentialLR.",
        .settings = {[EXPONENTIAL_LR] = LR,
                     [EXPONENTIAL_GAMMA] = {"gamma", "the factor",
                                            .initial = 0.95, ANY},
                     [EXPONENTIAL_STEPS] = {"steps", "steps for one factor",
                                            .initial = 1.0, STEPS},
                     [EXPONENTIAL_STAIRCASE] = STAIRCASE},
        .lr = exponential_lr,
    },
    {
        .name = "exponential_10",
        .summary = "a tenth after every so many steps, smooth or in stairs",
        .formula = "lr 10^(-s / steps)\n"
                   "lr 10^-floor(s / steps)     staircase=1\n"
                   "Geron's book, exponential scheduling.",
        .settings = {[TEN_LR] = LR,
                     [TEN_STEPS] = {"steps", "steps to a tenth",
                                    .initial = 100.0, STEPS},
                     [TEN_STAIRCASE] = STAIRCASE},
        .lr = exponential_10_lr,
    },
    {
        .name = "power",
        .summary = "falls by a power of the steps",
        .formula = "lr (1 + s / steps)^-c\n"
                   "Geron's book, power scheduling.",
        .settings = {[POWER_LR] = LR,
                     [POWER_STEPS] = {"steps", "steps to half of it, for c=1",
                                      .initial = 100.0, STEPS},
                     [POWER_EXPONENT] = {"c", "the power", .initial = 1.0,
                                         ANY}},
        .lr = power_lr,
    },
    {
        .name = "polynomial",
        .summary = "down to the end by a power of what is left",
        .formula = "eta_min + (lr - eta_min) (1 - min(s, T) / T)^power, T = "
                   "total_iters\n"
                   "with cycle=1, T is total_iters ceil(s / total_iters), and "
                   "at least total_iters\n"
                   "Keras' PolynomialDecay; with eta_min=0 PyTorch's "
                   "PolynomialLR.  power=1 is linear.",
        .settings = {[POLY_LR] = LR,
                     [POLY_STEPS] = {"total_iters", "steps to the end",
                                     .initial = 5.0, STEPS},
                     [POLY_POWER] = {"power", "1: a line", .initial = 1.0, ANY},
                     [POLY_ETA_MIN] = ETA_MIN,
                     [POLY_CYCLE] = {"cycle", "1: longer and longer runs",
                                     FLAG}},
        .lr = polynomial_lr,
    },
    {
        .name = "cosine",
        .summary = "down to the end by half a cosine",
        .formula = "eta_min + (lr - eta_min) (1 + cos(pi min(s, T_max) / "
                   "T_max)) / 2     after=hold\n"
                   "the same without the min, which rises again, after=rise\n"
                   "Keras' CosineDecay; PyTorch's CosineAnnealingLR rises.",
        .settings = {[COSINE_LR] = LR,
                     [COSINE_STEPS] = {"T_max", "steps to the end",
                                       .initial = 100.0, STEPS},
                     [COSINE_ETA_MIN] = ETA_MIN,
                     [COSINE_AFTER] = {"after", "what it does behind the end",
                                       CHOICE("hold", "rise")}},
        .lr = cosine_lr,
    },
    {
        .name = "cosine_restarts",
        .summary = "half a cosine again and again, each run longer (SGDR)",
        .formula = "eta_min + (lr m_mul^i - eta_min) (1 + cos(pi r)) / 2     "
                   "form=peak\n"
                   "eta_min + (lr - eta_min) m_mul^i (1 + cos(pi r)) / 2     "
                   "form=range\n"
                   "run i has T_0 T_mult^i steps; r, from 0 to 1, is the part "
                   "of it that has passed\n"
                   "PyTorch's CosineAnnealingWarmRestarts has m_mul=1; Keras' "
                   "CosineDecayRestarts is range.",
        .settings = {[RESTARTS_LR] = LR,
                     [RESTARTS_STEPS] = {"T_0", "steps of the first run",
                                         .initial = 10.0, STEPS},
                     [RESTARTS_FACTOR] = {"T_mult",
                                          "factor of a run's length to the "
                                          "next",
                                          .initial = 1.0, .min = 1.0,
                                          .max = 1024.0},
                     [RESTARTS_ETA_MIN] = ETA_MIN,
                     [RESTARTS_GAMMA] = {"m_mul",
                                         "factor of a run's beginning to the "
                                         "next",
                                         .initial = 1.0, ANY},
                     [RESTARTS_FORM] = {"form", "what m_mul is a factor of",
                                        CHOICE("peak", "range")}},
        .lr = cosine_restarts_lr,
    },
    {
        .name = "noam",
        .summary = "a linear warm-up, then the inverse root of the step",
        .formula = "lr d_model^-0.5 min(t^-0.5, t warmup^-1.5), t = s + "
                   "first_step\n"
                   "Vaswani et al. 2017, whose first step is 1.",
        .settings = {[NOAM_LR] = LR,
                     [NOAM_MODEL] = {"d_model", "the model's width",
                                     .initial = 512.0, STEPS},
                     [NOAM_WARMUP] = {"warmup", "steps of the warm-up",
                                      .initial = 4000.0, STEPS},
                     [NOAM_FIRST] = {"first_step", "t at step 0", COUNT}},
        .has_warmup = 1,
        .lr = noam_lr,
    },
    {
        .name = "inverse_sqrt",
        .summary = "falls with the root of the step",
        .formula = "lr / sqrt((s + timescale) / timescale), s from the end of "
                   "the warm-up on\n"
                   "without a timescale, that is warmup, or 10000 without one\n"
                   "transformers' get_inverse_sqrt_schedule.",
        .settings = {[ROOT_LR] = LR,
                     [ROOT_TIMESCALE] = {"timescale",
                                         "three times that many steps halve it",
                                         .optional = 1, .initial = 10000.0,
                                         STEPS}},
        .lr = inverse_sqrt_lr,
    },
    {
        .name = "one_cycle",
        .summary = "up and down once, the momentum down and up",
        .formula = "steps 0 to a: from max_lr / div_factor to max_lr, a = "
                   "pct_start total_steps - 1\n"
                   "to total_steps - 1: to max_lr / (div_factor "
                   "final_div_factor)\n"
                   "with three_phase=1, first down to where it began, at step "
                   "2 a\n"
                   "by half a cosine (anneal_strategy=cos) or a line (linear); "
                   "momentum between max_momentum and base_momentum\n"
                   "Smith and Topin 2017; PyTorch's OneCycleLR.",
        .settings = {[ONE_MAX_LR] = {"max_lr", "the largest learning rate",
                                     .initial = 1.0, ANY},
                     [ONE_STEPS] = {"total_steps", "steps of the cycle",
                                    .initial = 100.0, STEPS},
                     [ONE_START] = {"pct_start", "the share of the way up",
                                    .initial = 0.3, SHARE},
                     [ONE_STRATEGY] = {"anneal_strategy", "the form of the way",
                                       CHOICE("cos", "linear")},
                     [ONE_DIV] = {"div_factor",
                                  "max_lr divided by the first learning rate",
                                  .initial = 25.0, .min = 1.0, .max = FLT_MAX},
                     [ONE_FINAL_DIV] = {"final_div_factor",
                                        "the first divided by the last",
                                        .initial = 1e4, .min = FLT_MIN,
                                        .max = FLT_MAX},
                     [ONE_THREE] = {"three_phase",
                                    "1: the way down has two parts", FLAG},
                     MOMENTA(0.85, 0.95)},
        .needs = {{"base_momentum", "cycle_momentum", "1"},
                  {"max_momentum", "cycle_momentum", "1"}},
        .lr = one_cycle_lr,
        .momentum = one_cycle_momentum,
    },
    {
        .name = "cyclic",
        .summary = "up and down again and again, the momentum down and up",
        .formula = "base_lr + (max_lr - base_lr) h c\n"
                   "h is 0 to 1 in step_size_up steps, and back in "
                   "step_size_down\n"
                   "c is 1 (mode=triangular), 0.5^(cycles that have passed) "
                   "(triangular2) or gamma^s (exp_range)\n"
                   "momentum: max_momentum - (max_momentum - base_momentum) h "
                   "c\n"
                   "Smith 2015; PyTorch's CyclicLR.  Early stopping looks for "
                   "the least metric here.",
        .settings = {[CYCLIC_BASE_LR] = {"base_lr",
                                         "the smallest learning rate",
                                         .initial = 0.1, ANY},
                     [CYCLIC_MAX_LR] = {"max_lr", "the largest learning rate",
                                        .initial = 1.0, ANY},
                     [CYCLIC_UP] = {"step_size_up", "steps of the way up",
                                    .initial = 2000.0, STEPS},
                     [CYCLIC_DOWN] = {"step_size_down",
                                      "steps of the way down; by default those "
                                      "of the way up",
                                      .optional = 1, .initial = 2000.0, STEPS},
                     [CYCLIC_MODE] = {"mode", "what becomes of the height",
                                      CHOICE("triangular", "triangular2",
                                             "exp_range")},
                     [CYCLIC_GAMMA] = {"gamma", "factor of every step",
                                       .initial = 1.0, SHARE},
                     MOMENTA(0.8, 0.9)},
        .needs = {{"gamma", "mode", "exp_range"},
                  {"base_momentum", "cycle_momentum", "1"},
                  {"max_momentum", "cycle_momentum", "1"}},
        .has_mode = 1,
        .lr = cyclic_lr,
        .momentum = cyclic_momentum,
    },
    {
        .name = "wsd",
        .summary = "a constant, then a way down; with warmup, warm-up-stable-"
                   "decay",
        .formula = "lr for stable_steps, then\n"
                   "eta_min + (lr - eta_min) f(p), p the part of decay_steps "
                   "that has passed, at most 1\n"
                   "f(p) is 1 - p (decay_type=linear), (1 + cos(pi p)) / 2 "
                   "(cosine) or 1 - sqrt(p) (1-sqrt)\n"
                   "Hu et al. 2024; transformers' get_wsd_schedule.",
        .settings = {[WSD_LR] = LR,
                     [WSD_STABLE] = {"stable_steps", "steps before it falls",
                                     .initial = 100.0, FROM_0},
                     [WSD_DECAY] = {"decay_steps", "steps in which it falls",
                                    .initial = 100.0, STEPS},
                     [WSD_TYPE] = {"decay_type", "how it falls",
                                   CHOICE("linear", "cosine", "1-sqrt")},
                     [WSD_ETA_MIN] = ETA_MIN},
        .lr = wsd_lr,
    },
    {
        .name = "plateau",
        .summary = "a factor when a metric has stopped to become better",
        .formula = "after more than patience metrics that were not better "
                   "(form=torch), or after patience (keras):\n"
                   "lr = max(lr factor, min_lr), unless torch would change it "
                   "by no more than eps\n"
                   "then cooldown metrics do not count (keras: the last of "
                   "them does)\n"
                   "PyTorch's and Keras' ReduceLROnPlateau; Keras' has "
                   "threshold_mode=abs.",
        .settings = {[PLATEAU_LR] = LR,
                     [PLATEAU_FACTOR] = {"factor", "the factor", .initial = 0.1,
                                         FRACTION},
                     [PLATEAU_PATIENCE] = {"patience",
                                           "metrics that may be no better",
                                           .initial = 10.0, COUNT},
                     [PLATEAU_COOLDOWN] = {"cooldown",
                                           "metrics that do not count after a "
                                           "factor",
                                           COUNT},
                     [PLATEAU_MIN_LR] = {"min_lr", "the smallest learning rate",
                                         .initial = 0.0, ANY},
                     [PLATEAU_EPS] = {"eps", "the smallest change",
                                      .initial = 1e-8, ANY},
                     [PLATEAU_FORM] = {"form", "whose patience and cooldown",
                                       CHOICE("torch", "keras")}},
        .needs = {{"eps", "form", "torch"}},
        .lr = plateau_lr,
        .watch = plateau_watch,
    },
    {0},
};
