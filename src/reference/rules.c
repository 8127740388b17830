/*
 * rules.c - every update rule, as a plain loop
 * SPDX-License-Identifier: MIT
 *
 * A rule is its defaults, its slots and its step.  The comment before each step
 * gives the formula in the letters of its source: g the gradient (here x), t
 * the number of the step, theta the parameter (here w).  The code evaluates it
 * in the order of docs/numerics.md: the direction u, then the step size a,
 * which the function returns, and w - a u is left to the caller.
 */
#include "internal.h"

#include <math.h>

/* 1 - beta^t, by which a moving average that began at 0 is too small. */
static double bias_correction(double beta, uint64_t t)
{
    return 1.0 - power(beta, t);
}

static bool add_exp_avg(struct reference *r)
{
    return reference_add_slot(r, "exp_avg", 0.0);
}

static bool add_two_moments(struct reference *r)
{
    return reference_add_slot(r, "exp_avg", 0.0) &&
           reference_add_slot(r, "exp_avg_sq", 0.0);
}

/* m and v of Adam: moving averages of the gradient and of its square. */
static void update_two_moments(struct reference *r, const struct step *s)
{
    const float c1 = (float)(1.0 - number(r, "beta1"));
    const float c2 = (float)(1.0 - number(r, "beta2"));
    const float *x = s->x;
    float *m = reference_slot(r, "exp_avg");
    float *v = reference_slot(r, "exp_avg_sq");

    for (size_t i = 0; i < s->count; i++) {
        m[i] = ema(m[i], x[i], c1);
        v[i] = ema(v[i], x[i] * x[i], c2);
    }
}

static const struct reference_setting sgd_defaults[] = {
    {"lr", 1e-2, NULL},
    {NULL, 0.0, NULL},
};

/*
 * Robbins and Monro 1951; torch.optim.SGD and keras SGD without momentum.
 *
 *     theta = theta - lr g
 */
static float sgd(struct reference *r, const struct step *s)
{
    for (size_t i = 0; i < s->count; i++)
        s->u[i] = s->x[i];
    return (float)number(r, "lr");
}

static const struct reference_setting momentum_defaults[] = {
    {"lr", 1e-2, NULL},      {"momentum", 0.9, NULL},  {"form", 0.0, "torch"},
    {"nesterov", 0.0, NULL}, {"dampening", 0.0, NULL}, {NULL, 0.0, NULL},
};

static bool momentum_slots(struct reference *r)
{
    return reference_add_slot(r, "momentum_buffer", 0.0);
}

/*
 * torch.optim.SGD, mu the momentum and tau the dampening:
 *
 *     b = mu b + (1 - tau) g, but b = g at the first step
 *     theta = theta - lr b, or with nesterov: theta - lr (g + mu b)
 */
static float momentum_torch(struct reference *r, const struct step *s)
{
    const float b = (float)number(r, "momentum");
    const float d = (float)(s->t == 1 ? 1.0 : 1.0 - number(r, "dampening"));
    const float *x = s->x;
    float *m = reference_slot(r, "momentum_buffer");
    float *u = s->u;

    for (size_t i = 0; i < s->count; i++)
        m[i] = b * m[i] + d * x[i];
    if (flag(r, "nesterov"))
        for (size_t i = 0; i < s->count; i++)
            u[i] = x[i] + b * m[i];
    else
        for (size_t i = 0; i < s->count; i++)
            u[i] = m[i];
    return (float)number(r, "lr");
}

/*
 * Polyak 1964 and, with nesterov, Sutskever et al. 2013, section 2; keras SGD:
 *
 *     v = mu v - eps g
 *     theta = theta + v, or with nesterov: theta + (mu v - eps g)
 *
 * The direction is what is added, negated, and the step size 1: both exact.
 */
static float momentum_classical(struct reference *r, const struct step *s,
                                double mu, double eps, bool nesterov)
{
    const float b = (float)mu;
    const float lr = (float)eps;
    const float *x = s->x;
    float *m = reference_slot(r, "momentum_buffer");
    float *u = s->u;

    for (size_t i = 0; i < s->count; i++)
        m[i] = b * m[i] - lr * x[i];
    if (nesterov)
        for (size_t i = 0; i < s->count; i++)
            u[i] = -(b * m[i] - lr * x[i]);
    else
        for (size_t i = 0; i < s->count; i++)
            u[i] = -m[i];
    return 1.0f;
}

/*
 * The moving average of gradients, as Adam's first moment:
 *
 *     m = beta m + (1 - beta) g
 *     theta = theta - lr m, or debiased: theta - lr m / (1 - beta^t)
 */
static float
momentum_ema(struct reference *r, const struct step *s, bool debiased)
{
    const double lr = number(r, "lr");
    const double beta = number(r, "momentum");
    const float c = (float)(1.0 - beta);
    const float *x = s->x;
    float *m = reference_slot(r, "momentum_buffer");
    float *u = s->u;

    for (size_t i = 0; i < s->count; i++) {
        m[i] = ema(m[i], x[i], c);
        u[i] = m[i];
    }
    return (float)(debiased ? lr / bias_correction(beta, s->t) : lr);
}

/*
 * The form 'twice' is what comes of storing the velocity that has looked ahead,
 *
 *     v' = mu v - lr g;  v = mu v' - lr g;  theta = theta + v
 *
 * which is the classical form with mu^2 and (1 + mu) lr.
 */
static float momentum(struct reference *r, const struct step *s)
{
    const double lr = number(r, "lr");
    const double mu = number(r, "momentum");

    if (chosen(r, "form", "classical"))
        return momentum_classical(r, s, mu, lr, flag(r, "nesterov"));
    if (chosen(r, "form", "ema"))
        return momentum_ema(r, s, false);
    if (chosen(r, "form", "ema_debiased"))
        return momentum_ema(r, s, true);
    if (chosen(r, "form", "twice"))
        return momentum_classical(r, s, mu * mu, (1.0 + mu) * lr, false);
    return momentum_torch(r, s);
}

static const struct reference_setting adagrad_defaults[] = {
    {"lr", 1e-2, NULL},
    {"eps", 1e-10, NULL},
    {"eps_form", 0.0, "outside"},
    {"lr_decay", 0.0, NULL},
    {"initial_accumulator", 0.0, NULL},
    {NULL, 0.0, NULL},
};

static bool adagrad_slots(struct reference *r)
{
    return reference_add_slot(r, "sum", number(r, "initial_accumulator"));
}

/*
 * Duchi, Hazan and Singer 2011, the diagonal form; eps outside the root as in
 * torch.optim.Adagrad, which has lr_decay too, or inside as in keras Adagrad:
 *
 *     G = G + g^2
 *     theta = theta - lr / (1 + (t - 1) lr_decay) g / (sqrt(G) + eps)
 */
static float adagrad(struct reference *r, const struct step *s)
{
    const double lr = number(r, "lr");
    const double lr_decay = number(r, "lr_decay");
    const float eps = (float)number(r, "eps");
    const float *x = s->x;
    float *v = reference_slot(r, "sum");
    float *u = s->u;

    for (size_t i = 0; i < s->count; i++)
        v[i] = v[i] + x[i] * x[i];
    if (chosen(r, "eps_form", "inside"))
        for (size_t i = 0; i < s->count; i++)
            u[i] = x[i] / sqrtf(v[i] + eps);
    else
        for (size_t i = 0; i < s->count; i++)
            u[i] = x[i] / (sqrtf(v[i]) + eps);
    return (float)(lr / (1.0 + (double)(s->t - 1) * lr_decay));
}

static const struct reference_setting adadelta_defaults[] = {
    {"lr", 1.0, NULL},
    {"rho", 0.9, NULL},
    {"eps", 1e-6, NULL},
    {NULL, 0.0, NULL},
};

static bool adadelta_slots(struct reference *r)
{
    return reference_add_slot(r, "square_avg", 0.0) &&
           reference_add_slot(r, "acc_delta", 0.0);
}

/*
 * Zeiler 2012, algorithm 1, with the rate of torch.optim.Adadelta:
 *
 *     E[g^2] = rho E[g^2] + (1 - rho) g^2
 *     dx = sqrt(E[dx^2] + eps) / sqrt(E[g^2] + eps) g
 *     E[dx^2] = rho E[dx^2] + (1 - rho) dx^2
 *     theta = theta - lr dx
 */
static float adadelta(struct reference *r, const struct step *s)
{
    const float c = (float)(1.0 - number(r, "rho"));
    const float eps = (float)number(r, "eps");
    const float *x = s->x;
    float *v = reference_slot(r, "square_avg");
    float *d = reference_slot(r, "acc_delta");
    float *u = s->u;

    for (size_t i = 0; i < s->count; i++) {
        v[i] = ema(v[i], x[i] * x[i], c);
        u[i] = sqrtf(d[i] + eps) / sqrtf(v[i] + eps) * x[i];
        d[i] = ema(d[i], u[i] * u[i], c);
    }
    return (float)number(r, "lr");
}

/* The number 'momentum' is not among them: the slot is there if it is given. */
static const struct reference_setting rmsprop_defaults[] = {
    {"lr", 1e-2, NULL},
    {"alpha", 0.99, NULL},
    {"eps", 1e-8, NULL},
    {"eps_form", 0.0, "outside"},
    {"centered", 0.0, NULL},
    {"momentum_form", 0.0, "torch"},
    {"initial_square", 0.0, NULL},
    {NULL, 0.0, NULL},
};

static bool rmsprop_slots(struct reference *r)
{
    return reference_add_slot(r, "square_avg", number(r, "initial_square")) &&
           (!flag(r, "centered") || reference_add_slot(r, "grad_avg", 0.0)) &&
           (!given(r, "momentum") ||
            reference_add_slot(r, "momentum_buffer", 0.0));
}

/*
 * The gradient over the root of its mean square, v, or if centered (Graves
 * 2013, arXiv:1308.0850) over its standard deviation, whose square is
 * v - s^2 and may round to less than 0.
 */
static void rmsprop_normalize(struct reference *r, const struct step *s)
{
    const float c = (float)(1.0 - number(r, "alpha"));
    const float eps = (float)number(r, "eps");
    const float *x = s->x;
    float *v = reference_slot(r, "square_avg");
    float *mean = reference_slot(r, "grad_avg");
    float *q = s->u;

    for (size_t i = 0; i < s->count; i++) {
        v[i] = ema(v[i], x[i] * x[i], c);
        q[i] = v[i];
    }
    if (flag(r, "centered"))
        for (size_t i = 0; i < s->count; i++) {
            mean[i] = ema(mean[i], x[i], c);
            q[i] = v[i] - mean[i] * mean[i];
            q[i] = q[i] < 0.0f ? 0.0f : q[i];
        }
    if (chosen(r, "eps_form", "inside"))
        for (size_t i = 0; i < s->count; i++)
            s->u[i] = x[i] / sqrtf(q[i] + eps);
    else
        for (size_t i = 0; i < s->count; i++)
            s->u[i] = x[i] / (sqrtf(q[i]) + eps);
}

/*
 * Tieleman and Hinton 2012, lecture 6.5; eps outside the root as in
 * torch.optim.RMSprop, or inside as in keras RMSprop:
 *
 *     v = alpha v + (1 - alpha) g^2
 *     e = g / (sqrt(v) + eps)
 *     theta = theta - lr e
 *     or with momentum, torch: b = mu b + e;     theta = theta - lr b
 *                       keras: b = mu b + lr e;  theta = theta - b
 *
 * At mu = 0 what the slot held, even a NaN, is gone.
 */
static float rmsprop(struct reference *r, const struct step *s)
{
    const float lr = (float)number(r, "lr");
    const float mu = (float)number(r, "momentum");
    const bool keras = chosen(r, "momentum_form", "keras");
    float *m = reference_slot(r, "momentum_buffer");
    float *u = s->u;

    rmsprop_normalize(r, s);
    if (!given(r, "momentum"))
        return lr;
    if (keras)
        for (size_t i = 0; i < s->count; i++)
            u[i] = lr * u[i];
    if (mu != 0.0f)
        for (size_t i = 0; i < s->count; i++)
            u[i] = mu * m[i] + u[i];
    for (size_t i = 0; i < s->count; i++)
        m[i] = u[i];
    return keras ? 1.0f : lr;
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
    return add_two_moments(r) && (!flag(r, "amsgrad") ||
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
static float adam(struct reference *r, const struct step *s)
{
    const double lr = number(r, "lr");
    const double bc1 = bias_correction(number(r, "beta1"), s->t);
    const double bc2 = bias_correction(number(r, "beta2"), s->t);
    const float eps = (float)number(r, "eps");

    update_two_moments(r, s);

    const float *m = reference_slot(r, "exp_avg");
    const float *v = reference_slot(r, "exp_avg_sq");
    const float *q = v;
    float *u = s->u;

    if (flag(r, "amsgrad")) {
        float *n = reference_slot(r, "max_exp_avg_sq");

        for (size_t i = 0; i < s->count; i++)
            n[i] = larger(n[i], v[i]);
        q = n;
    }
    if (chosen(r, "eps_form", "hat")) {
        for (size_t i = 0; i < s->count; i++)
            u[i] = m[i] / (sqrtf(q[i]) + eps);
        return (float)(lr * sqrt(bc2) / bc1);
    }
    if (chosen(r, "eps_form", "inside")) {
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
static float adamax(struct reference *r, const struct step *s)
{
    const double lr = number(r, "lr");
    const double beta1 = number(r, "beta1");
    const float c1 = (float)(1.0 - beta1);
    const float b2 = (float)number(r, "beta2");
    const float eps = (float)number(r, "eps");
    const float *x = s->x;
    float *m = reference_slot(r, "exp_avg");
    float *n = reference_slot(r, "exp_inf");
    float *u = s->u;

    for (size_t i = 0; i < s->count; i++)
        m[i] = ema(m[i], x[i], c1);
    if (chosen(r, "eps_form", "outside"))
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

/* mu_1 mu_2 ... mu_t, or 0 once it makes no difference. */
static double nadam_product(double beta1, double f, uint64_t t)
{
    double product = 1.0;

    for (uint64_t i = 1; i <= t; i++) {
        product *= nadam_mu(beta1, f, i);
        if (product < 1e-30)
            return 0.0;
    }
    return product;
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
static float
nadam_scheduled(struct reference *r, const struct step *s, double psi)
{
    const double beta1 = number(r, "beta1");
    const double bc2 = bias_correction(number(r, "beta2"), s->t);
    const double f = pow(0.96, psi);
    const double now = nadam_mu(beta1, f, s->t);
    const double next = nadam_mu(beta1, f, s->t + 1);
    const double product = nadam_product(beta1, f, s->t);
    const float g = (float)((1.0 - now) / (1.0 - product));
    const float k = (float)(next / (1.0 - product * next));
    const float root = (float)(1.0 / sqrt(bc2));
    const float eps = (float)number(r, "eps");
    const float *x = s->x;
    const float *m = reference_slot(r, "exp_avg");
    const float *v = reference_slot(r, "exp_avg_sq");
    float *u = s->u;

    for (size_t i = 0; i < s->count; i++)
        u[i] = (g * x[i] + k * m[i]) / (sqrtf(v[i]) * root + eps);
    return (float)number(r, "lr");
}

/*
 * The form without a schedule, as timm's NAdamW and optax' nesterov have it:
 *
 *     theta = theta - lr / (1 - beta1^t) (beta1 m + (1 - beta1) g) /
 *                     (sqrt(v^) + eps)
 */
static float nadam_simple(struct reference *r, const struct step *s)
{
    const double lr = number(r, "lr");
    const double beta1 = number(r, "beta1");
    const double bc2 = bias_correction(number(r, "beta2"), s->t);
    const float c1 = (float)(1.0 - beta1);
    const float root = (float)(1.0 / sqrt(bc2));
    const float eps = (float)number(r, "eps");
    const float *x = s->x;
    const float *m = reference_slot(r, "exp_avg");
    const float *v = reference_slot(r, "exp_avg_sq");
    float *u = s->u;

    for (size_t i = 0; i < s->count; i++)
        u[i] = ema(m[i], x[i], c1) / (sqrtf(v[i]) * root + eps);
    return (float)(lr / bias_correction(beta1, s->t));
}

static float nadam(struct reference *r, const struct step *s)
{
    update_two_moments(r, s);
    if (chosen(r, "form", "simple"))
        return nadam_simple(r, s);
    if (chosen(r, "form", "keras"))
        return nadam_scheduled(r, s, 1.0);
    return nadam_scheduled(r, s, number(r, "momentum_decay"));
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
static float radam(struct reference *r, const struct step *s)
{
    const double lr = number(r, "lr");
    const double beta2 = number(r, "beta2");
    const double bc1 = bias_correction(number(r, "beta1"), s->t);
    const double bc2 = bias_correction(beta2, s->t);
    const double R = 2.0 / (1.0 - beta2) - 1.0;
    const double rho = R - 2.0 * (double)s->t * power(beta2, s->t) / bc2;
    const float eps = (float)number(r, "eps");

    update_two_moments(r, s);

    const float *m = reference_slot(r, "exp_avg");
    const float *v = reference_slot(r, "exp_avg_sq");
    float *u = s->u;

    if (rho > number(r, "threshold")) {
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

static const struct reference_setting ftrl_defaults[] = {
    {"lr", 1e-3, NULL},
    {"lambda1", 0.0, NULL},
    {"lambda2", 0.0, NULL},
    {"beta", 0.0, NULL},
    {"initial_accumulator", 0.1, NULL},
    {"keep_initial", 0.0, NULL},
    {NULL, 0.0, NULL},
};

static bool ftrl_slots(struct reference *r)
{
    return reference_add_slot(r, "accumulator",
                              number(r, "initial_accumulator")) &&
           reference_add_slot(r, "linear", 0.0);
}

/*
 * McMahan et al. 2013, algorithm 1 (FTRL-Proximal), alpha the rate:
 *
 *     sigma = (sqrt(n + g^2) - sqrt(n)) / alpha
 *     z = z + g - sigma w;    n = n + g^2
 *     w = 0 if |z| <= lambda1, else
 *         -(z - sgn(z) lambda1) / ((beta + sqrt(n)) / alpha + lambda2)
 *
 * keep_initial: z begins where that last formula gives the w that is there.
 */
static float ftrl(struct reference *r, const struct step *s)
{
    const double lr = number(r, "lr");
    const float il = (float)(1.0 / lr);
    const float l1 = (float)number(r, "lambda1");
    const float l2 = (float)(number(r, "beta") / lr + number(r, "lambda2"));
    const float *x = s->x;
    float *w = s->w;
    float *n = reference_slot(r, "accumulator");
    float *z = reference_slot(r, "linear");

    if (flag(r, "keep_initial") && s->t == 1)
        for (size_t i = 0; i < s->count; i++)
            z[i] = -w[i] * (sqrtf(n[i]) * il + l2) - l1 * sgn(w[i]);
    for (size_t i = 0; i < s->count; i++) {
        const float e = n[i] + x[i] * x[i];
        const float sigma = (sqrtf(e) - sqrtf(n[i])) * il;

        z[i] = z[i] + (x[i] - sigma * w[i]);
        n[i] = e;
    }
    for (size_t i = 0; i < s->count; i++) {
        const float p = z[i] < -l1     ? -l1 - z[i]
                        : z[i] > l1    ? l1 - z[i]
                        : z[i] == z[i] ? 0.0f
                                       : z[i];

        w[i] = p / (sqrtf(n[i]) * il + l2);
    }
    return 0.0f;
}

static const struct reference_setting lion_defaults[] = {
    {"lr", 1e-4, NULL},
    {"beta1", 0.9, NULL},
    {"beta2", 0.99, NULL},
    {NULL, 0.0, NULL},
};

/*
 * Chen et al. 2023, arXiv:2302.06675, algorithm 2:
 *
 *     theta = theta - lr sign(beta1 m + (1 - beta1) g)
 *     m = beta2 m + (1 - beta2) g
 */
static float lion(struct reference *r, const struct step *s)
{
    const float c1 = (float)(1.0 - number(r, "beta1"));
    const float c2 = (float)(1.0 - number(r, "beta2"));
    const float *x = s->x;
    float *m = reference_slot(r, "exp_avg");
    float *u = s->u;

    for (size_t i = 0; i < s->count; i++) {
        u[i] = sgn(ema(m[i], x[i], c1));
        m[i] = ema(m[i], x[i], c2);
    }
    return (float)number(r, "lr");
}

static const struct reference_setting signsgd_defaults[] = {
    {"lr", 1e-3, NULL},
    {NULL, 0.0, NULL},
};

/*
 * Bernstein et al. 2018, arXiv:1802.04434, algorithm 1:
 *
 *     theta = theta - lr sign(g)
 */
static float signsgd(struct reference *r, const struct step *s)
{
    for (size_t i = 0; i < s->count; i++)
        s->u[i] = sgn(s->x[i]);
    return (float)number(r, "lr");
}

static const struct reference_setting signum_defaults[] = {
    {"lr", 1e-3, NULL},
    {"momentum", 0.9, NULL},
    {NULL, 0.0, NULL},
};

/*
 * Bernstein et al. 2018, arXiv:1802.04434, algorithm 2:
 *
 *     m = beta m + (1 - beta) g;    theta = theta - lr sign(m)
 */
static float signum(struct reference *r, const struct step *s)
{
    const float c = (float)(1.0 - number(r, "momentum"));
    const float *x = s->x;
    float *m = reference_slot(r, "exp_avg");
    float *u = s->u;

    for (size_t i = 0; i < s->count; i++) {
        m[i] = ema(m[i], x[i], c);
        u[i] = sgn(m[i]);
    }
    return (float)number(r, "lr");
}

static const struct rule rules[] = {
    {"sgd", sgd_defaults, NULL, sgd, false},
    {"momentum", momentum_defaults, momentum_slots, momentum, false},
    {"adagrad", adagrad_defaults, adagrad_slots, adagrad, false},
    {"adadelta", adadelta_defaults, adadelta_slots, adadelta, false},
    {"rmsprop", rmsprop_defaults, rmsprop_slots, rmsprop, false},
    {"adam", adam_defaults, adam_slots, adam, false},
    {"adamw", adamw_defaults, adam_slots, adam, false},
    {"adamax", adamax_defaults, adamax_slots, adamax, false},
    {"nadam", nadam_defaults, add_two_moments, nadam, false},
    {"radam", radam_defaults, add_two_moments, radam, false},
    {"ftrl", ftrl_defaults, ftrl_slots, ftrl, true},
    {"lion", lion_defaults, add_exp_avg, lion, false},
    {"signsgd", signsgd_defaults, NULL, signsgd, false},
    {"signum", signum_defaults, add_exp_avg, signum, false},
};

const struct rule *reference_find_rule(const char *name)
{
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
        if (strcmp(rules[i].name, name) == 0)
            return &rules[i];
    return NULL;
}
