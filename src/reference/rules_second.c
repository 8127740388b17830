/*
 * rules_second.c - more rules, from Rprop to Schedule-Free: see rules.c
 * SPDX-License-Identifier: MIT
 */
#include "internal.h"

#include <math.h>

static const struct reference_setting rprop_defaults[] = {
    {"lr", 1e-2, NULL},       {"eta_minus", 0.5, NULL}, {"eta_plus", 1.2, NULL},
    {"step_min", 1e-6, NULL}, {"step_max", 50.0, NULL}, {NULL, 0.0, NULL},
};

static bool rprop_slots(struct reference *r)
{
    static const char *const names[] = {"prev", "step_size", NULL};

    return reference_add_slots(r, names);
}

/*
 * Riedmiller and Braun 1993, in the form of torch.optim.Rprop, which after a
 * change of sign stays where it is and forgets the gradient:
 *
 *     d = d eta_plus  where g g' > 0
 *         d eta_minus where g g' < 0, and there g = 0
 *     d = min(max(d, step_min), step_max)
 *     theta = theta - sign(g) d;    g' = g
 *
 * d begins at lr, and g' at 0.
 */
static float rprop(const struct step *s)
{
    const float lr = (float)number(s->group, "lr");
    const float minus = (float)number(s->group, "eta_minus");
    const float plus = (float)number(s->group, "eta_plus");
    const float low = (float)number(s->group, "step_min");
    const float high = (float)number(s->group, "step_max");
    const float *x = s->x;
    float *p = slot(s, "prev");
    float *d = slot(s, "step_size");
    float *u = s->u;

    if (s->t == 1)
        for (size_t i = 0; i < s->count; i++)
            d[i] = lr;
    for (size_t i = 0; i < s->count; i++) {
        const float product = x[i] * p[i];
        const float f = product > 0.0f ? plus : product < 0.0f ? minus : 1.0f;
        const float e = d[i] * f;

        d[i] = e < low ? low : e > high ? high : e;
        p[i] = product < 0.0f ? 0.0f : x[i];
        u[i] = sgn(p[i]) * d[i];
    }
    return 1.0f;
}

static const struct reference_setting asgd_defaults[] = {
    {"lr", 1e-2, NULL}, {"lambd", 1e-4, NULL}, {"alpha", 0.75, NULL},
    {"t0", 1e6, NULL},  {NULL, 0.0, NULL},
};

static bool asgd_slots(struct reference *r)
{
    return reference_add_slot(r, "ax", 0.0);
}

/*
 * Polyak and Juditsky 1992, with the rate of Bottou 2010 and the names of
 * torch.optim.ASGD; the average does not act on theta:
 *
 *     eta = lr / (1 + lambd lr (t - 1))^alpha;    mu = 1 / max(1, t - 1 - t0)
 *     theta = (1 - lambd eta) theta - eta g
 *     ax = ax + mu (theta - ax)
 */
static float asgd(const struct step *s)
{
    const double lr = number(s->group, "lr");
    const double lambd = number(s->group, "lambd");
    const double n = (double)(s->t - 1);
    const double rate =
        lr / pow(1.0 + lambd * lr * n, number(s->group, "alpha"));
    const double late = n - number(s->group, "t0");
    const float factor = (float)(1.0 - lambd * rate);
    const float eta = (float)rate;
    const float mu = (float)(late > 1.0 ? 1.0 / late : 1.0);
    const float *x = s->x;
    float *w = s->w;
    float *a = slot(s, "ax");

    for (size_t i = 0; i < s->count; i++) {
        w[i] = w[i] * factor;
        w[i] = w[i] - eta * x[i];
    }
    for (size_t i = 0; i < s->count; i++)
        a[i] = ema(a[i], w[i], mu);
    return 0.0f;
}

static const struct reference_setting qhm_defaults[] = {
    {"lr", 1e-2, NULL},
    {"momentum", 0.999, NULL},
    {"nu", 0.7, NULL},
    {NULL, 0.0, NULL},
};

static bool qhm_slots(struct reference *r)
{
    return reference_add_slot(r, "momentum_buffer", 0.0);
}

/*
 * Ma and Yarats 2019, arXiv:1810.06801 (QHM):
 *
 *     m = beta m + (1 - beta) g
 *     theta = theta - lr (nu m + (1 - nu) g)
 */
static float qhm(const struct step *s)
{
    const double nu = number(s->group, "nu");
    const float c = (float)(1.0 - number(s->group, "momentum"));
    const float of_m = (float)nu;
    const float of_x = (float)(1.0 - nu);
    const float *x = s->x;
    float *m = slot(s, "momentum_buffer");
    float *u = s->u;

    for (size_t i = 0; i < s->count; i++) {
        m[i] = ema(m[i], x[i], c);
        u[i] = of_m * m[i] + of_x * x[i];
    }
    return (float)number(s->group, "lr");
}

static const struct reference_setting schedule_free_sgd_defaults[] = {
    {"lr", 1.0, NULL}, {"momentum", 0.9, NULL},        {"warmup", 0.0, NULL},
    {"r", 0.0, NULL},  {"weight_lr_power", 2.0, NULL}, {NULL, 0.0, NULL},
};

static const struct reference_setting schedule_free_adamw_defaults[] = {
    {"lr", 2.5e-3, NULL},           {"beta1", 0.9, NULL},
    {"beta2", 0.999, NULL},         {"eps", 1e-8, NULL},
    {"warmup", 0.0, NULL},          {"r", 0.0, NULL},
    {"weight_lr_power", 2.0, NULL}, {NULL, 0.0, NULL},
};

static bool schedule_free_sgd_slots(struct reference *r)
{
    return reference_add_slot(r, "z", 0.0);
}

static bool schedule_free_adamw_slots(struct reference *r)
{
    static const char *const names[] = {"z", "exp_avg_sq", NULL};

    return reference_add_slots(r, names);
}

/* The share of the rate that step i has: the warmup is linear. */
static double schedule_free_share(const struct step *s, double i)
{
    const double warmup = number(s->group, "warmup");

    return i < warmup ? i / warmup : 1.0;
}

/* The weight of step i in the average, but for a power of the rate. */
static double schedule_free_weight(const struct step *s, double i)
{
    return pow(i, number(s->group, "r")) *
           pow(schedule_free_share(s, i), number(s->group, "weight_lr_power"));
}

/*
 * The sum of (i / b)^q over i = a + 1 to b, by the first terms of the
 * Euler-Maclaurin formula, f(i) being (i / b)^q:
 *
 *     integral of f from a to b + (f(b) - f(a)) / 2
 */
static double sum_of_powers(double a, double b, double q)
{
    const double x = a / b;
    const double area = b * (1.0 - pow(x, q + 1.0)) / (q + 1.0);
    const double ends = (1.0 - pow(x, q)) / 2.0;

    return area + ends;
}

/*
 * The sum of the weights of steps 1 to t.  The first 4096 are added one by
 * one.  Of the rest, those up to step m lie in the warmup, where the weight is
 * p(m) (i / m)^(r + weight_lr_power), and those after it do not, and have
 * t^r (i / t)^r, which is i^r: both are sums of powers.
 */
static double schedule_free_sum(const struct step *s)
{
    const uint64_t added = 4096;
    const uint64_t last = s->t < added ? s->t : added;
    const double r = number(s->group, "r");
    const double k = number(s->group, "weight_lr_power");
    const double warmup = number(s->group, "warmup");
    const double first = (double)added;
    const double t = (double)s->t;
    const double warm = ceil(warmup) - 1.0; /* the last step with i < warmup */
    const double least = warm > first ? warm : first;
    const double m = least < t ? least : t;
    double sum = 0.0;

    for (uint64_t i = 1; i <= last; i++)
        sum += schedule_free_weight(s, (double)i);
    if (s->t <= added)
        return sum;
    if (m != first)
        sum += schedule_free_weight(s, m) * sum_of_powers(first, m, r + k);
    if (m != t)
        sum += pow(t, r) * sum_of_powers(m, t, r);
    return sum;
}

/*
 * What both rules do with the direction u, 'beta' the momentum:
 *
 *     gamma = lr min(1, t / warmup)
 *     p = t^r min(1, t / warmup)^weight_lr_power;    c = p / (p_1 + ... + p_t)
 *     u = u + wd y
 *     y = (1 - c) y + c z + gamma (beta (1 - c) - 1) u
 *     z = z - gamma u
 *
 * which is z = z - gamma u; x = (1 - c) x + c z; y = (1 - beta) z + beta x
 * without the x.  The weights have lr^weight_lr_power in the paper, which
 * cancels out; where all of them underflow, c is 0.  y is the parameter, here
 * w.
 */
static void schedule_free_move(const struct step *s, double beta)
{
    const double rate =
        number(s->group, "lr") * schedule_free_share(s, (double)s->t);
    const double sum = schedule_free_sum(s);
    const double average =
        sum != 0.0 ? schedule_free_weight(s, (double)s->t) / sum : 0.0;
    const float wd = (float)number(s->group, "weight_decay");
    const float gamma = (float)rate;
    const float c = (float)average;
    const float k = (float)(rate * (beta * (1.0 - average) - 1.0));
    float *u = s->u;
    float *w = s->w;
    float *z = slot(s, "z");

    if (wd != 0.0f)
        for (size_t i = 0; i < s->count; i++)
            u[i] = u[i] + wd * w[i];
    for (size_t i = 0; i < s->count; i++) {
        w[i] = w[i] + c * (z[i] - w[i]) + k * u[i];
        z[i] = z[i] - gamma * u[i];
    }
}

/* z begins where the parameters are. */
static void schedule_free_begin(const struct step *s)
{
    if (s->t == 1)
        memcpy(slot(s, "z"), s->w, s->count * sizeof(*s->w));
}

/* Defazio et al. 2024, arXiv:2405.15682: the direction is g. */
static float schedule_free_sgd(const struct step *s)
{
    schedule_free_begin(s);
    memcpy(s->u, s->x, s->count * sizeof(*s->u));
    schedule_free_move(s, number(s->group, "momentum"));
    return 0.0f;
}

/*
 * Defazio et al. 2024, arXiv:2405.15682, algorithm 1:
 *
 *     v = beta2 v + (1 - beta2) g^2
 *     u = g / (sqrt(v / (1 - beta2^t)) + eps)
 */
static float schedule_free_adamw(const struct step *s)
{
    const double beta2 = number(s->group, "beta2");
    const float c2 = (float)(1.0 - beta2);
    const float k = (float)(1.0 / sqrt(bias_correction(beta2, s->t)));
    const float eps = (float)number(s->group, "eps");
    const float *x = s->x;
    float *v = slot(s, "exp_avg_sq");
    float *u = s->u;

    schedule_free_begin(s);
    for (size_t i = 0; i < s->count; i++) {
        v[i] = ema(v[i], x[i] * x[i], c2);
        u[i] = x[i] / (sqrtf(v[i]) * k + eps);
    }
    schedule_free_move(s, number(s->group, "beta1"));
    return 0.0f;
}

const struct rule reference_second_rules[] = {
    {.name = "rprop",
     .defaults = rprop_defaults,
     .add_slots = rprop_slots,
     .step = rprop},
    {.name = "asgd",
     .defaults = asgd_defaults,
     .add_slots = asgd_slots,
     .step = asgd,
     .sets_w = true},
    {.name = "qhm",
     .defaults = qhm_defaults,
     .add_slots = qhm_slots,
     .step = qhm},
    {.name = "schedule_free_sgd",
     .defaults = schedule_free_sgd_defaults,
     .add_slots = schedule_free_sgd_slots,
     .step = schedule_free_sgd,
     .sets_w = true,
     .own_decay = true,
     .evaluated_by = "momentum"},
    {.name = "schedule_free_adamw",
     .defaults = schedule_free_adamw_defaults,
     .add_slots = schedule_free_adamw_slots,
     .step = schedule_free_adamw,
     .sets_w = true,
     .own_decay = true,
     .evaluated_by = "beta1"},
    {.name = NULL},
};
