/*
 * rules.c - the update rules, each a plain loop; more of them: rules_*.c
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

static bool add_exp_avg(struct reference *r)
{
    return reference_add_slot(r, "exp_avg", 0.0);
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
static float sgd(const struct step *s)
{
    for (size_t i = 0; i < s->count; i++)
        s->u[i] = s->x[i];
    return (float)number(s->group, "lr");
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
static float momentum_torch(const struct step *s)
{
    const float b = (float)number(s->group, "momentum");
    const float d =
        (float)(s->t == 1 ? 1.0 : 1.0 - number(s->group, "dampening"));
    const float *x = s->x;
    float *m = slot(s, "momentum_buffer");
    float *u = s->u;

    for (size_t i = 0; i < s->count; i++)
        m[i] = b * m[i] + d * x[i];
    if (flag(s->group, "nesterov"))
        for (size_t i = 0; i < s->count; i++)
            u[i] = x[i] + b * m[i];
    else
        for (size_t i = 0; i < s->count; i++)
            u[i] = m[i];
    return (float)number(s->group, "lr");
}

/*
 * Polyak 1964 and, with nesterov, Sutskever et al. 2013, section 2; keras SGD:
 *
 *     v = mu v - eps g
 *     theta = theta + v, or with nesterov: theta + (mu v - eps g)
 *
 * The direction is what is added, negated, and the step size 1: both exact.
 */
static float
momentum_classical(const struct step *s, double mu, double eps, bool nesterov)
{
    const float b = (float)mu;
    const float lr = (float)eps;
    const float *x = s->x;
    float *m = slot(s, "momentum_buffer");
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
static float momentum_ema(const struct step *s, bool debiased)
{
    const double lr = number(s->group, "lr");
    const double beta = number(s->group, "momentum");
    const float c = (float)(1.0 - beta);
    const float *x = s->x;
    float *m = slot(s, "momentum_buffer");
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
static float momentum(const struct step *s)
{
    const double lr = number(s->group, "lr");
    const double mu = number(s->group, "momentum");

    if (chosen(s->group, "form", "classical"))
        return momentum_classical(s, mu, lr, flag(s->group, "nesterov"));
    if (chosen(s->group, "form", "ema"))
        return momentum_ema(s, false);
    if (chosen(s->group, "form", "ema_debiased"))
        return momentum_ema(s, true);
    if (chosen(s->group, "form", "twice"))
        return momentum_classical(s, mu * mu, (1.0 + mu) * lr, false);
    return momentum_torch(s);
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
    return reference_add_slot(r, "sum",
                              number(r->groups, "initial_accumulator"));
}

/*
 * Duchi, Hazan and Singer 2011, the diagonal form; eps outside the root as in
 * torch.optim.Adagrad, which has lr_decay too, or inside as in keras Adagrad:
 *
 *     G = G + g^2
 *     theta = theta - lr / (1 + (t - 1) lr_decay) g / (sqrt(G) + eps)
 */
static float adagrad(const struct step *s)
{
    const double lr = number(s->group, "lr");
    const double lr_decay = number(s->group, "lr_decay");
    const float eps = (float)number(s->group, "eps");
    const float *x = s->x;
    float *v = slot(s, "sum");
    float *u = s->u;

    for (size_t i = 0; i < s->count; i++)
        v[i] = v[i] + x[i] * x[i];
    if (chosen(s->group, "eps_form", "inside"))
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
static float adadelta(const struct step *s)
{
    const float c = (float)(1.0 - number(s->group, "rho"));
    const float eps = (float)number(s->group, "eps");
    const float *x = s->x;
    float *v = slot(s, "square_avg");
    float *d = slot(s, "acc_delta");
    float *u = s->u;

    for (size_t i = 0; i < s->count; i++) {
        v[i] = ema(v[i], x[i] * x[i], c);
        u[i] = sqrtf(d[i] + eps) / sqrtf(v[i] + eps) * x[i];
        d[i] = ema(d[i], u[i] * u[i], c);
    }
    return (float)number(s->group, "lr");
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
    return reference_add_slot(r, "square_avg",
                              number(r->groups, "initial_square")) &&
           (!flag(r->groups, "centered") ||
            reference_add_slot(r, "grad_avg", 0.0)) &&
           (!given(r->groups, "momentum") ||
            reference_add_slot(r, "momentum_buffer", 0.0));
}

/*
 * The gradient over the root of its mean square, v, or if centered (Graves
 * 2013, arXiv:1308.0850) over its standard deviation, whose square is
 * v - s^2 and may round to less than 0.
 */
static void rmsprop_normalize(const struct step *s)
{
    const float c = (float)(1.0 - number(s->group, "alpha"));
    const float eps = (float)number(s->group, "eps");
    const float *x = s->x;
    float *v = slot(s, "square_avg");
    float *mean = slot(s, "grad_avg");
    float *q = s->u;

    for (size_t i = 0; i < s->count; i++) {
        v[i] = ema(v[i], x[i] * x[i], c);
        q[i] = v[i];
    }
    if (flag(s->group, "centered"))
        for (size_t i = 0; i < s->count; i++) {
            mean[i] = ema(mean[i], x[i], c);
            q[i] = v[i] - mean[i] * mean[i];
            q[i] = q[i] < 0.0f ? 0.0f : q[i];
        }
    if (chosen(s->group, "eps_form", "inside"))
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
static float rmsprop(const struct step *s)
{
    const float lr = (float)number(s->group, "lr");
    const float mu = (float)number(s->group, "momentum");
    const bool keras = chosen(s->group, "momentum_form", "keras");
    float *m = slot(s, "momentum_buffer");
    float *u = s->u;

    rmsprop_normalize(s);
    if (!given(s->group, "momentum"))
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
                              number(r->groups, "initial_accumulator")) &&
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
static float ftrl(const struct step *s)
{
    const double lr = number(s->group, "lr");
    const float il = (float)(1.0 / lr);
    const float l1 = (float)number(s->group, "lambda1");
    const float l2 =
        (float)(number(s->group, "beta") / lr + number(s->group, "lambda2"));
    const float *x = s->x;
    float *w = s->w;
    float *n = slot(s, "accumulator");
    float *z = slot(s, "linear");

    if (flag(s->group, "keep_initial") && s->t == 1)
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
static float lion(const struct step *s)
{
    const float c1 = (float)(1.0 - number(s->group, "beta1"));
    const float c2 = (float)(1.0 - number(s->group, "beta2"));
    const float *x = s->x;
    float *m = slot(s, "exp_avg");
    float *u = s->u;

    for (size_t i = 0; i < s->count; i++) {
        u[i] = sgn(ema(m[i], x[i], c1));
        m[i] = ema(m[i], x[i], c2);
    }
    return (float)number(s->group, "lr");
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
static float signsgd(const struct step *s)
{
    for (size_t i = 0; i < s->count; i++)
        s->u[i] = sgn(s->x[i]);
    return (float)number(s->group, "lr");
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
static float signum(const struct step *s)
{
    const float c = (float)(1.0 - number(s->group, "momentum"));
    const float *x = s->x;
    float *m = slot(s, "exp_avg");
    float *u = s->u;

    for (size_t i = 0; i < s->count; i++) {
        m[i] = ema(m[i], x[i], c);
        u[i] = sgn(m[i]);
    }
    return (float)number(s->group, "lr");
}

static const struct rule rules[] = {
    {"sgd", sgd_defaults, NULL, sgd, false},
    {"momentum", momentum_defaults, momentum_slots, momentum, false},
    {"adagrad", adagrad_defaults, adagrad_slots, adagrad, false},
    {"adadelta", adadelta_defaults, adadelta_slots, adadelta, false},
    {"rmsprop", rmsprop_defaults, rmsprop_slots, rmsprop, false},
    {"ftrl", ftrl_defaults, ftrl_slots, ftrl, true},
    {"lion", lion_defaults, add_exp_avg, lion, false},
    {"signsgd", signsgd_defaults, NULL, signsgd, false},
    {"signum", signum_defaults, add_exp_avg, signum, false},
    {NULL, NULL, NULL, NULL, false},
};

static const struct rule *find_in(const struct rule *list, const char *name)
{
    for (size_t i = 0; list[i].name != NULL; i++)
        if (strcmp(list[i].name, name) == 0)
            return &list[i];
    return NULL;
}

const struct rule *reference_find_rule(const char *name)
{
    const struct rule *const lists[] = {rules,
                                        reference_adam_rules,
                                        reference_second_rules,
                                        reference_adam_second_rules,
                                        reference_sums_rules,
                                        reference_projected_rules};
    const struct rule *found = NULL;

    for (size_t i = 0; found == NULL && i < sizeof(lists) / sizeof(*lists); i++)
        found = find_in(lists[i], name);
    return found;
}
