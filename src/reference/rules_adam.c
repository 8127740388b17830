/*
 * rules_adam.c - Adam and the rules that come from it: see rules.c
 * SPDX-License-Identifier: MIT
 */
#include "internal.h"

#include <math.h>

static bool add_two_moments(struct reference *r)
{
    return reference_add_slot(r, "exp_avg", 0.0) &&
           reference_add_slot(r, "exp_avg_sq", 0.0);
}

/* m and v of Adam: moving averages of the gradient and of its square. */
static void update_two_moments(const struct step *s)
{
    const float c1 = (float)(1.0 - number(s->group, "beta1"));
    const float c2 = (float)(1.0 - number(s->group, "beta2"));
    const float *x = s->x;
    float *m = slot(s, "exp_avg");
    float *v = slot(s, "exp_avg_sq");

    for (size_t i = 0; i < s->count; i++) {
        m[i] = ema(m[i], x[i], c1);
        v[i] = ema(v[i], x[i] * x[i], c2);
    }
}

static const struct reference_setting adam_defaults[] = {
    {"lr", 1e-3, NULL},  {"beta1", 0.9, NULL},         {"beta2", 0.999, NULL},
    {"eps", 1e-8, NULL}, {"eps_form", 0.0, "outside"}, {"amsgrad", 0.0, NULL},
    {NULL, 0.0, NULL},
};

/* Loshchilov and Hutter 2019: decay is a feature, on by default. */
static const struct reference_setting adamw_defaults[] = {
    {"lr", 1e-3, NULL},           {"beta1", 0.9, NULL},
    {"beta2", 0.999, NULL},       {"eps", 1e-8, NULL},
    {"eps_form", 0.0, "outside"}, {"amsgrad", 0.0, NULL},
    {"weight_decay", 1e-2, NULL}, {NULL, 0.0, NULL},
};

static bool adam_slots(struct reference *r)
{
    return add_two_moments(r) && (!flag(r->groups, "amsgrad") ||
                                  reference_add_slot(r, "max_exp_avg_sq", 0.0));
}

/*
 * Kingma and Ba 2015, algorithm 1, alpha the rate:
 *
 *     m = beta1 m + (1 - beta1) g;    v = beta2 v + (1 - beta2) g^2
 *     theta = theta - alpha m / (1 - beta1^t) /
 *                           (sqrt(v / (1 - beta2^t)) + eps)
 *
 * eps_form inside: sqrt(v / (1 - beta2^t) + eps), as optax' eps_root.  hat: the
 * paper's end of section 2, and keras Adam:
 *
 *     theta = theta - alpha sqrt(1 - beta2^t) / (1 - beta1^t) m /
 *                     (sqrt(v) + eps)
 *
 * amsgrad (Reddi, Kale and Kumar 2018; the maximum before the correction, as in
 * torch.optim.Adam): the largest v so far stands for v.
 */
static float adam(const struct step *s)
{
    const double lr = number(s->group, "lr");
    const double bc1 = bias_correction(number(s->group, "beta1"), s->t);
    const double bc2 = bias_correction(number(s->group, "beta2"), s->t);
    const float eps = (float)number(s->group, "eps");

    update_two_moments(s);

    const float *m = slot(s, "exp_avg");
    const float *v = slot(s, "exp_avg_sq");
    const float *q = v;
    float *u = s->u;

    if (flag(s->group, "amsgrad")) {
        float *n = slot(s, "max_exp_avg_sq");

        for (size_t i = 0; i < s->count; i++)
            n[i] = larger(n[i], v[i]);
        q = n;
    }
    if (chosen(s->group, "eps_form", "hat")) {
        for (size_t i = 0; i < s->count; i++)
            u[i] = m[i] / (sqrtf(q[i]) + eps);
        return (float)(lr * sqrt(bc2) / bc1);
    }
    if (chosen(s->group, "eps_form", "inside")) {
        const float k = (float)(1.0 / bc2);

        for (size_t i = 0; i < s->count; i++)
            u[i] = m[i] / sqrtf(q[i] * k + eps);
    } else {
        const float k = (float)(1.0 / sqrt(bc2));

        for (size_t i = 0; i < s->count; i++)
            u[i] = m[i] / (sqrtf(q[i]) * k + eps);
    }
    return (float)(lr / bc1);
}

static const struct reference_setting adamax_defaults[] = {
    {"lr", 2e-3, NULL},  {"beta1", 0.9, NULL},     {"beta2", 0.999, NULL},
    {"eps", 1e-8, NULL}, {"eps_form", 0.0, "max"}, {NULL, 0.0, NULL},
};

static bool adamax_slots(struct reference *r)
{
    return reference_add_slot(r, "exp_avg", 0.0) &&
           reference_add_slot(r, "exp_inf", 0.0);
}

/*
 * Kingma and Ba 2015, algorithm 2, which has no eps; in the maximum as in
 * torch.optim.Adamax, or outside as in keras Adamax:
 *
 *     m = beta1 m + (1 - beta1) g
 *     max:      u = max(beta2 u, |g| + eps);  theta = theta - a m / u
 *     outside:  u = max(beta2 u, |g|);        theta = theta - a m / (u + eps)
 *     a = alpha / (1 - beta1^t)
 */
static float adamax(const struct step *s)
{
    const double lr = number(s->group, "lr");
    const double beta1 = number(s->group, "beta1");
    const float c1 = (float)(1.0 - beta1);
    const float b2 = (float)number(s->group, "beta2");
    const float eps = (float)number(s->group, "eps");
    const float *x = s->x;
    float *m = slot(s, "exp_avg");
    float *n = slot(s, "exp_inf");
    float *u = s->u;

    for (size_t i = 0; i < s->count; i++)
        m[i] = ema(m[i], x[i], c1);
    if (chosen(s->group, "eps_form", "outside"))
        for (size_t i = 0; i < s->count; i++) {
            n[i] = larger(b2 * n[i], fabsf(x[i]));
            u[i] = m[i] / (n[i] + eps);
        }
    else
        for (size_t i = 0; i < s->count; i++) {
            n[i] = larger(b2 * n[i], fabsf(x[i]) + eps);
            u[i] = m[i] / n[i];
        }
    return (float)(lr / bias_correction(beta1, s->t));
}

static const struct reference_setting nadam_defaults[] = {
    {"lr", 2e-3, NULL},  {"beta1", 0.9, NULL},   {"beta2", 0.999, NULL},
    {"eps", 1e-8, NULL}, {"form", 0.0, "torch"}, {"momentum_decay", 4e-3, NULL},
    {NULL, 0.0, NULL},
};

/* mu_i = beta1 (1 - f^i / 2): the momentum of step i, which warms up. */
static double nadam_mu(double beta1, double f, uint64_t i)
{
    return beta1 * (1.0 - 0.5 * power(f, i));
}

/* mu_1 mu_2 ... mu_t, a power from where mu is beta1; or 0 once it makes no
 * difference. */
static double nadam_product(double beta1, double f, uint64_t t)
{
    double product = 1.0;
    uint64_t i = 1;

    while (i <= t && power(f, i) >= 0x1p-54) {
        product *= nadam_mu(beta1, f, i++);
        if (product < 1e-30)
            return 0.0;
    }
    if (i <= t)
        product *= power(beta1, t - i + 1);
    return product < 1e-30 ? 0.0 : product;
}

/*
 * Dozat 2016, with the schedule of the momentum that it proposes:
 * torch.optim.NAdam with psi = momentum_decay, keras Nadam with psi = 1.
 *
 *     mu_t = beta1 (1 - 0.96^(t psi) / 2);    P = mu_1 mu_2 ... mu_t
 *     m, v as Adam's;    v^ = v / (1 - beta2^t)
 *     m^ = (1 - mu_t) / (1 - P) g + mu_(t+1) / (1 - P mu_(t+1)) m
 *     theta = theta - lr m^ / (sqrt(v^) + eps)
 */
static float nadam_scheduled(const struct step *s, double psi)
{
    const double beta1 = number(s->group, "beta1");
    const double bc2 = bias_correction(number(s->group, "beta2"), s->t);
    const double f = pow(0.96, psi);
    const double now = nadam_mu(beta1, f, s->t);
    const double next = nadam_mu(beta1, f, s->t + 1);
    const double product = nadam_product(beta1, f, s->t);
    const float g = (float)((1.0 - now) / (1.0 - product));
    const float k = (float)(next / (1.0 - product * next));
    const float root = (float)(1.0 / sqrt(bc2));
    const float eps = (float)number(s->group, "eps");
    const float *x = s->x;
    const float *m = slot(s, "exp_avg");
    const float *v = slot(s, "exp_avg_sq");
    float *u = s->u;

    for (size_t i = 0; i < s->count; i++)
        u[i] = (g * x[i] + k * m[i]) / (sqrtf(v[i]) * root + eps);
    return (float)number(s->group, "lr");
}

/*
 * The form without a schedule, as timm's NAdamW and optax' nesterov have it:
 *
 *     theta = theta - lr / (1 - beta1^t) (beta1 m + (1 - beta1) g) /
 *                     (sqrt(v^) + eps)
 */
static float nadam_simple(const struct step *s)
{
    const double lr = number(s->group, "lr");
    const double beta1 = number(s->group, "beta1");
    const double bc2 = bias_correction(number(s->group, "beta2"), s->t);
    const float c1 = (float)(1.0 - beta1);
    const float root = (float)(1.0 / sqrt(bc2));
    const float eps = (float)number(s->group, "eps");
    const float *x = s->x;
    const float *m = slot(s, "exp_avg");
    const float *v = slot(s, "exp_avg_sq");
    float *u = s->u;

    for (size_t i = 0; i < s->count; i++)
        u[i] = ema(m[i], x[i], c1) / (sqrtf(v[i]) * root + eps);
    return (float)(lr / bias_correction(beta1, s->t));
}

static float nadam(const struct step *s)
{
    update_two_moments(s);
    if (chosen(s->group, "form", "simple"))
        return nadam_simple(s);
    if (chosen(s->group, "form", "keras"))
        return nadam_scheduled(s, 1.0);
    return nadam_scheduled(s, number(s->group, "momentum_decay"));
}

static const struct reference_setting radam_defaults[] = {
    {"lr", 1e-3, NULL},  {"beta1", 0.9, NULL},     {"beta2", 0.999, NULL},
    {"eps", 1e-8, NULL}, {"threshold", 5.0, NULL}, {NULL, 0.0, NULL},
};

/*
 * Liu et al. 2020, algorithm 2, as torch.optim.RAdam (eps, and 5 where the
 * paper has 4):
 *
 *     m, v as Adam's;    R = 2 / (1 - beta2) - 1
 *     rho = R - 2 t beta2^t / (1 - beta2^t)
 *     rho > 5: theta = theta - alpha rect m / (1 - beta1^t) *
 *                              sqrt(1 - beta2^t) / (sqrt(v) + eps)
 *              rect = sqrt((rho - 4) (rho - 2) R / ((R - 4) (R - 2) rho))
 *     else:    theta = theta - alpha m / (1 - beta1^t)
 */
static float radam(const struct step *s)
{
    const double lr = number(s->group, "lr");
    const double beta2 = number(s->group, "beta2");
    const double bc1 = bias_correction(number(s->group, "beta1"), s->t);
    const double bc2 = bias_correction(beta2, s->t);
    const double R = 2.0 / (1.0 - beta2) - 1.0;
    const double rho = R - 2.0 * (double)s->t * power(beta2, s->t) / bc2;
    const float eps = (float)number(s->group, "eps");

    update_two_moments(s);

    const float *m = slot(s, "exp_avg");
    const float *v = slot(s, "exp_avg_sq");
    float *u = s->u;

    if (rho > number(s->group, "threshold")) {
        const double rect =
            sqrt((rho - 4.0) * (rho - 2.0) * R / ((R - 4.0) * (R - 2.0) * rho));

        for (size_t i = 0; i < s->count; i++)
            u[i] = m[i] / (sqrtf(v[i]) + eps);
        return (float)(lr / bc1 * sqrt(bc2) * rect);
    }
    for (size_t i = 0; i < s->count; i++)
        u[i] = m[i];
    return (float)(lr / bc1);
}

const struct rule reference_adam_rules[] = {
    {"adam", adam_defaults, adam_slots, adam, false},
    {"adamw", adamw_defaults, adam_slots, adam, false},
    {"adamax", adamax_defaults, adamax_slots, adamax, false},
    {"nadam", nadam_defaults, add_two_moments, nadam, false},
    {"radam", radam_defaults, add_two_moments, radam, false},
    {NULL, NULL, NULL, NULL, false},
};
