/*
 * rules_adam_second.c - more of Adam's family: see rules.c
 * SPDX-License-Identifier: MIT
 */
#include "internal.h"

#include <math.h>

static bool add_two_moments(struct reference *r)
{
    static const char *const names[] = {"exp_avg", "exp_avg_sq", NULL};

    return reference_add_slots(r, names);
}

static const struct reference_setting adabelief_defaults[] = {
    {"lr", 1e-3, NULL},   {"beta1", 0.9, NULL},   {"beta2", 0.999, NULL},
    {"eps", 1e-16, NULL}, {"rectify", 0.0, NULL}, {NULL, 0.0, NULL},
};

static bool adabelief_slots(struct reference *r)
{
    static const char *const names[] = {"exp_avg", "exp_avg_var", NULL};

    return reference_add_slots(r, names);
}

/*
 * Zhuang et al. 2020, arXiv:2010.07468, algorithm 2, alpha the rate; the eps
 * that is added to s stays in it:
 *
 *     m = beta1 m + (1 - beta1) g
 *     s = beta2 s + (1 - beta2) (g - m)^2 + eps
 *     theta = theta - alpha m / (1 - beta1^t) /
 *                           (sqrt(s / (1 - beta2^t)) + eps)
 *
 * rectify, as the authors' code and timm: RAdam's step, with s for v, and
 * rectified where rho >= 5.
 */
static float adabelief(const struct step *s)
{
    const double lr = number(s->group, "lr");
    const double beta1 = number(s->group, "beta1");
    const double beta2 = number(s->group, "beta2");
    const double bc1 = bias_correction(beta1, s->t);
    const double bc2 = bias_correction(beta2, s->t);
    const double R = 2.0 / (1.0 - beta2) - 1.0;
    const double rho = R - 2.0 * (double)s->t * power(beta2, s->t) / bc2;
    const float c1 = (float)(1.0 - beta1);
    const float c2 = (float)(1.0 - beta2);
    const float eps = (float)number(s->group, "eps");
    const float *x = s->x;
    float *m = slot(s, "exp_avg");
    float *v = slot(s, "exp_avg_var");
    float *u = s->u;

    for (size_t i = 0; i < s->count; i++) {
        m[i] = ema(m[i], x[i], c1);

        const float r = x[i] - m[i];

        v[i] = ema(v[i], r * r, c2) + eps;
    }
    if (!flag(s->group, "rectify")) {
        const float k = (float)(1.0 / sqrt(bc2));

        for (size_t i = 0; i < s->count; i++)
            u[i] = m[i] / (sqrtf(v[i]) * k + eps);
        return (float)(lr / bc1);
    }
    if (rho >= 5.0) {
        const double rect =
            sqrt((rho - 4.0) * (rho - 2.0) * R / ((R - 4.0) * (R - 2.0) * rho));

        for (size_t i = 0; i < s->count; i++)
            u[i] = m[i] / (sqrtf(v[i]) + eps);
        return (float)(lr / bc1 * sqrt(bc2) * rect);
    }
    memcpy(u, m, s->count * sizeof(*u));
    return (float)(lr / bc1);
}

static const struct reference_setting yogi_defaults[] = {
    {"lr", 1e-2, NULL},
    {"beta1", 0.9, NULL},
    {"beta2", 0.999, NULL},
    {"eps", 1e-3, NULL},
    {"initial_accumulator", 1e-6, NULL},
    {NULL, 0.0, NULL},
};

static bool yogi_slots(struct reference *r)
{
    const double initial = number(r->groups, "initial_accumulator");

    return reference_add_slot(r, "exp_avg", initial) &&
           reference_add_slot(r, "exp_avg_sq", initial);
}

/*
 * Zaheer et al. 2018, algorithm 2, with Adam's corrections and the beginning of
 * both slots, as in optax:
 *
 *     m = beta1 m + (1 - beta1) g
 *     v = v - (1 - beta2) sign(v - g^2) g^2
 *     theta = theta - lr m / (1 - beta1^t) /
 *                          (sqrt(v / (1 - beta2^t)) + eps)
 */
static float yogi(const struct step *s)
{
    const double lr = number(s->group, "lr");
    const double beta1 = number(s->group, "beta1");
    const double beta2 = number(s->group, "beta2");
    const float c1 = (float)(1.0 - beta1);
    const float c2 = (float)(1.0 - beta2);
    const float k = (float)(1.0 / sqrt(bias_correction(beta2, s->t)));
    const float eps = (float)number(s->group, "eps");
    const float *x = s->x;
    float *m = slot(s, "exp_avg");
    float *v = slot(s, "exp_avg_sq");
    float *u = s->u;

    for (size_t i = 0; i < s->count; i++) {
        const float q = x[i] * x[i];

        v[i] = v[i] - c2 * sgn(v[i] - q) * q;
        m[i] = ema(m[i], x[i], c1);
        u[i] = m[i] / (sqrtf(v[i]) * k + eps);
    }
    return (float)(lr / bias_correction(beta1, s->t));
}

static const struct reference_setting adan_defaults[] = {
    {"lr", 1e-3, NULL},    {"beta1", 0.98, NULL},
    {"beta2", 0.92, NULL}, {"beta3", 0.99, NULL},
    {"eps", 1e-8, NULL},   {"decay_form", 0.0, "proximal"},
    {NULL, 0.0, NULL},
};

static bool adan_slots(struct reference *r)
{
    static const char *const names[] = {"exp_avg", "exp_avg_diff", "exp_avg_sq",
                                        "prev", NULL};

    return reference_add_slots(r, names);
}

/*
 * Xie et al. 2022, arXiv:2208.06677, algorithm 1, in the convention of the
 * authors' code, whose betas are the paper's 1 - beta; g' is the gradient of
 * the step before, and at the first step g:
 *
 *     m = beta1 m + (1 - beta1) g
 *     v = beta2 v + (1 - beta2) (g - g')
 *     n = beta3 n + (1 - beta3) (g + beta2 (g - g'))^2
 *     theta = theta - lr (m / (1 - beta1^t) + beta2 v / (1 - beta2^t)) /
 *                        (sqrt(n / (1 - beta3^t)) + eps)
 *     theta = theta / (1 + lr wd), which is a feature
 */
static float adan(const struct step *s)
{
    const double beta1 = number(s->group, "beta1");
    const double beta2 = number(s->group, "beta2");
    const double beta3 = number(s->group, "beta3");
    const double bc3 = bias_correction(beta3, s->t);
    const float c1 = (float)(1.0 - beta1);
    const float c2 = (float)(1.0 - beta2);
    const float c3 = (float)(1.0 - beta3);
    const float b2 = (float)beta2;
    const float k1 = (float)(1.0 / bias_correction(beta1, s->t));
    const float k2 = (float)(beta2 / bias_correction(beta2, s->t));
    const float k3 = (float)(1.0 / sqrt(bc3));
    const float eps = (float)number(s->group, "eps");
    const bool first = s->t == 1;
    const float *x = s->x;
    float *m = slot(s, "exp_avg");
    float *v = slot(s, "exp_avg_diff");
    float *n = slot(s, "exp_avg_sq");
    float *p = slot(s, "prev");
    float *u = s->u;

    for (size_t i = 0; i < s->count; i++) {
        const float d = first ? 0.0f : x[i] - p[i];
        const float y = x[i] + b2 * d;

        p[i] = x[i];
        m[i] = ema(m[i], x[i], c1);
        v[i] = ema(v[i], d, c2);
        n[i] = ema(n[i], y * y, c3);
        u[i] = (m[i] * k1 + v[i] * k2) / (sqrtf(n[i]) * k3 + eps);
    }
    return (float)number(s->group, "lr");
}

static const struct reference_setting ademamix_defaults[] = {
    {"lr", 1e-3, NULL},          {"beta1", 0.9, NULL},
    {"beta2", 0.999, NULL},      {"beta3", 0.9999, NULL},
    {"alpha", 5.0, NULL},        {"eps", 1e-8, NULL},
    {"alpha_warmup", 0.0, NULL}, {"beta3_warmup", 0.0, NULL},
    {NULL, 0.0, NULL},
};

static bool ademamix_slots(struct reference *r)
{
    static const char *const names[] = {"exp_avg", "exp_avg_slow", "exp_avg_sq",
                                        NULL};

    return reference_add_slots(r, names);
}

/* The weight of the slow average, which grows linearly to alpha. */
static double ademamix_alpha(const struct step *s)
{
    const double t = (double)s->t;
    const double alpha = number(s->group, "alpha");
    const double warmup = number(s->group, "alpha_warmup");

    return t < warmup ? alpha * (t / warmup) : alpha;
}

/*
 * The decay of the slow average, from beta1 to beta3: 1 / log(beta), which is
 * the half-life but for a factor, grows linearly.
 */
static double ademamix_beta3(const struct step *s)
{
    const double t = (double)s->t;
    const double beta1 = number(s->group, "beta1");
    const double beta3 = number(s->group, "beta3");
    const double warmup = number(s->group, "beta3_warmup");

    if (t >= warmup)
        return beta3;

    const double f = t / warmup;

    return exp(1.0 / ((1.0 - f) / log(beta1) + f / log(beta3)));
}

/*
 * Pagliardini, Ablin and Grangier 2024, arXiv:2409.03137, algorithm 1; the slow
 * average has no correction, and both schedules are in 'alpha' and 'beta3':
 *
 *     m1 = beta1 m1 + (1 - beta1) g;    m2 = beta3 m2 + (1 - beta3) g
 *     v = beta2 v + (1 - beta2) g^2
 *     theta = theta - lr (m1 / (1 - beta1^t) + alpha m2) /
 *                        (sqrt(v / (1 - beta2^t)) + eps)
 */
static float ademamix(const struct step *s)
{
    const double beta1 = number(s->group, "beta1");
    const double beta2 = number(s->group, "beta2");
    const float c1 = (float)(1.0 - beta1);
    const float c2 = (float)(1.0 - beta2);
    const float c3 = (float)(1.0 - ademamix_beta3(s));
    const float alpha = (float)ademamix_alpha(s);
    const float k1 = (float)(1.0 / bias_correction(beta1, s->t));
    const float k2 = (float)(1.0 / sqrt(bias_correction(beta2, s->t)));
    const float eps = (float)number(s->group, "eps");
    const float *x = s->x;
    float *fast = slot(s, "exp_avg");
    float *slow = slot(s, "exp_avg_slow");
    float *v = slot(s, "exp_avg_sq");
    float *u = s->u;

    for (size_t i = 0; i < s->count; i++) {
        fast[i] = ema(fast[i], x[i], c1);
        slow[i] = ema(slow[i], x[i], c3);
        v[i] = ema(v[i], x[i] * x[i], c2);
        u[i] = (fast[i] * k1 + alpha * slow[i]) / (sqrtf(v[i]) * k2 + eps);
    }
    return (float)number(s->group, "lr");
}

static const struct reference_setting qhadam_defaults[] = {
    {"lr", 1e-3, NULL}, {"beta1", 0.9, NULL}, {"beta2", 0.999, NULL},
    {"nu1", 0.7, NULL}, {"nu2", 1.0, NULL},   {"eps", 1e-8, NULL},
    {NULL, 0.0, NULL},
};

/*
 * Ma and Yarats 2019, arXiv:1810.06801 (QHAdam):
 *
 *     m, v as Adam's;    m^ = m / (1 - beta1^t);    v^ = v / (1 - beta2^t)
 *     theta = theta - lr (nu1 m^ + (1 - nu1) g) /
 *                        (sqrt(nu2 v^ + (1 - nu2) g^2) + eps)
 */
static float qhadam(const struct step *s)
{
    const double beta1 = number(s->group, "beta1");
    const double beta2 = number(s->group, "beta2");
    const double nu1 = number(s->group, "nu1");
    const double nu2 = number(s->group, "nu2");
    const float c1 = (float)(1.0 - beta1);
    const float c2 = (float)(1.0 - beta2);
    const float of_m = (float)(nu1 / bias_correction(beta1, s->t));
    const float of_x = (float)(1.0 - nu1);
    const float of_v = (float)(nu2 / bias_correction(beta2, s->t));
    const float of_q = (float)(1.0 - nu2);
    const float eps = (float)number(s->group, "eps");
    const float *x = s->x;
    float *m = slot(s, "exp_avg");
    float *v = slot(s, "exp_avg_sq");
    float *u = s->u;

    for (size_t i = 0; i < s->count; i++) {
        const float q = x[i] * x[i];

        m[i] = ema(m[i], x[i], c1);
        v[i] = ema(v[i], q, c2);
        u[i] =
            (of_m * m[i] + of_x * x[i]) / (sqrtf(of_v * v[i] + of_q * q) + eps);
    }
    return (float)number(s->group, "lr");
}

static const struct reference_setting laprop_defaults[] = {
    {"lr", 4e-4, NULL},   {"beta1", 0.9, NULL}, {"beta2", 0.999, NULL},
    {"eps", 1e-15, NULL}, {NULL, 0.0, NULL},
};

/*
 * Ziyin, Wang and Ueda 2020, arXiv:2002.04839, algorithm 1: the momentum is of
 * gradients that are normalized already.
 *
 *     v = beta2 v + (1 - beta2) g^2
 *     m = beta1 m + (1 - beta1) g / (sqrt(v / (1 - beta2^t)) + eps)
 *     theta = theta - lr m / (1 - beta1^t)
 */
static float laprop(const struct step *s)
{
    const double lr = number(s->group, "lr");
    const double beta1 = number(s->group, "beta1");
    const double beta2 = number(s->group, "beta2");
    const float c1 = (float)(1.0 - beta1);
    const float c2 = (float)(1.0 - beta2);
    const float k = (float)(1.0 / sqrt(bias_correction(beta2, s->t)));
    const float eps = (float)number(s->group, "eps");
    const float *x = s->x;
    float *m = slot(s, "exp_avg");
    float *v = slot(s, "exp_avg_sq");
    float *u = s->u;

    for (size_t i = 0; i < s->count; i++) {
        v[i] = ema(v[i], x[i] * x[i], c2);
        m[i] = ema(m[i], x[i] / (sqrtf(v[i]) * k + eps), c1);
        u[i] = m[i];
    }
    return (float)(lr / bias_correction(beta1, s->t));
}

static const struct reference_setting adopt_defaults[] = {
    {"lr", 1e-3, NULL},  {"beta1", 0.9, NULL}, {"beta2", 0.9999, NULL},
    {"eps", 1e-6, NULL}, {NULL, 0.0, NULL},
};

/*
 * Taniguchi et al. 2024, arXiv:2411.02853, with clipping, as the authors' code.
 * The first step only begins v:
 *
 *     t = 1:  v = g^2
 *     t > 1:  c = (t - 1)^(1/4)
 *             m = beta1 m + (1 - beta1) clip(g / max(sqrt(v), eps), -c, c)
 *             theta = theta - lr m
 *             v = beta2 v + (1 - beta2) g^2
 */
static float adopt(const struct step *s)
{
    const float c1 = (float)(1.0 - number(s->group, "beta1"));
    const float c2 = (float)(1.0 - number(s->group, "beta2"));
    const float bound = (float)sqrt(sqrt((double)(s->t - 1)));
    const float eps = (float)number(s->group, "eps");
    const float lr = (float)number(s->group, "lr");
    const float *x = s->x;
    float *m = slot(s, "exp_avg");
    float *v = slot(s, "exp_avg_sq");
    float *u = s->u;

    if (s->t == 1) {
        for (size_t i = 0; i < s->count; i++) {
            v[i] = x[i] * x[i];
            u[i] = 0.0f;
        }
        return lr;
    }
    for (size_t i = 0; i < s->count; i++) {
        const float root = sqrtf(v[i]);
        const float q = clamp(x[i] / (root < eps ? eps : root), bound);

        m[i] = ema(m[i], q, c1);
        u[i] = m[i];
        v[i] = ema(v[i], x[i] * x[i], c2);
    }
    return lr;
}

static const struct reference_setting sophia_defaults[] = {
    {"lr", 1e-4, NULL},   {"beta1", 0.965, NULL}, {"rho", 0.04, NULL},
    {"eps", 1e-15, NULL}, {NULL, 0.0, NULL},
};

static bool sophia_slots(struct reference *r)
{
    static const char *const names[] = {"exp_avg", "hessian", NULL};

    return reference_add_slots(r, names);
}

/*
 * Liu et al. 2023, arXiv:2305.14342, algorithm 3, as the authors' SophiaG has
 * it; h, the diagonal of the Hessian, is the caller's to estimate:
 *
 *     m = beta1 m + (1 - beta1) g
 *     theta = theta - lr clip(m / (rho h + eps), -1, 1)
 */
static float sophia(const struct step *s)
{
    const float c1 = (float)(1.0 - number(s->group, "beta1"));
    const float rho = (float)number(s->group, "rho");
    const float eps = (float)number(s->group, "eps");
    const float *x = s->x;
    const float *h = slot(s, "hessian");
    float *m = slot(s, "exp_avg");
    float *u = s->u;

    for (size_t i = 0; i < s->count; i++) {
        m[i] = ema(m[i], x[i], c1);
        u[i] = clamp(m[i] / (rho * h[i] + eps), 1.0f);
    }
    return (float)number(s->group, "lr");
}

const struct rule reference_adam_second_rules[] = {
    {.name = "adabelief",
     .defaults = adabelief_defaults,
     .add_slots = adabelief_slots,
     .step = adabelief},
    {.name = "yogi",
     .defaults = yogi_defaults,
     .add_slots = yogi_slots,
     .step = yogi},
    {.name = "adan",
     .defaults = adan_defaults,
     .add_slots = adan_slots,
     .step = adan},
    {.name = "ademamix",
     .defaults = ademamix_defaults,
     .add_slots = ademamix_slots,
     .step = ademamix},
    {.name = "qhadam",
     .defaults = qhadam_defaults,
     .add_slots = add_two_moments,
     .step = qhadam},
    {.name = "laprop",
     .defaults = laprop_defaults,
     .add_slots = add_two_moments,
     .step = laprop},
    {.name = "adopt",
     .defaults = adopt_defaults,
     .add_slots = add_two_moments,
     .step = adopt,
     .rests_first = true},
    {.name = "sophia",
     .defaults = sophia_defaults,
     .add_slots = sophia_slots,
     .step = sophia},
    {.name = NULL},
};
