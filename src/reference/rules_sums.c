/*
 * rules_sums.c - rules with a number of the whole tensor's: see rules.c
 * SPDX-License-Identifier: MIT
 */
#include "internal.h"

#include <math.h>

static const struct reference_setting lamb_defaults[] = {
    {"lr", 1e-3, NULL},  {"beta1", 0.9, NULL},         {"beta2", 0.999, NULL},
    {"eps", 1e-6, NULL}, {"weight_decay", 1e-2, NULL}, {NULL, 0.0, NULL},
};

static bool add_two_moments(struct reference *r)
{
    static const char *const names[] = {"exp_avg", "exp_avg_sq", NULL};

    return reference_add_slots(r, names);
}

/*
 * You et al. 2020, arXiv:1904.00962, algorithm 2, phi the identity:
 *
 *     m = beta1 m + (1 - beta1) g;    v = beta2 v + (1 - beta2) g^2
 *     r = m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + eps) + lambda theta
 *     theta = theta - eta |theta| / |r| r
 */
static float lamb(const struct step *s)
{
    const double beta1 = number(s->group, "beta1");
    const double beta2 = number(s->group, "beta2");
    const float c1 = (float)(1.0 - beta1);
    const float c2 = (float)(1.0 - beta2);
    const float k1 = (float)(1.0 / bias_correction(beta1, s->t));
    const float k2 = (float)(1.0 / sqrt(bias_correction(beta2, s->t)));
    const float eps = (float)number(s->group, "eps");
    const float wd = (float)number(s->group, "weight_decay");
    const float lr = (float)number(s->group, "lr");
    const float *x = s->x;
    const float *w = s->w;
    float *m = slot(s, "exp_avg");
    float *v = slot(s, "exp_avg_sq");
    float *u = s->u;

    for (size_t i = 0; i < s->count; i++) {
        m[i] = ema(m[i], x[i], c1);
        v[i] = ema(v[i], x[i] * x[i], c2);
        u[i] = m[i] * k1 / (sqrtf(v[i]) * k2 + eps);
    }
    if (wd != 0.0f)
        for (size_t i = 0; i < s->count; i++)
            u[i] = u[i] + wd * w[i];

    const float of_w = sqrtf(reference_sum(w, s->count));
    const float of_u = sqrtf(reference_sum(u, s->count));
    const float ratio = of_w > 0.0f && of_u > 0.0f ? of_w / of_u : 1.0f;

    return lr * ratio;
}

static const struct reference_setting lars_defaults[] = {
    {"lr", 1.0, NULL},     {"momentum", 0.9, NULL}, {"nesterov", 0.0, NULL},
    {"trust", 1e-3, NULL}, {"eps", 1e-8, NULL},     {NULL, 0.0, NULL},
};

static bool add_momentum_buffer(struct reference *r)
{
    return reference_add_slot(r, "momentum_buffer", 0.0);
}

/*
 * You et al. 2017, arXiv:1708.03888, with the rate outside of the momentum, as
 * in timm; lambda the decay, eta the trust:
 *
 *     g = (g + lambda theta) eta |theta| / (|g| + lambda |theta| + eps)
 *     v = mu v + g
 *     theta = theta - lr v, or with nesterov: theta - lr (g + mu v)
 */
static float lars(const struct step *s)
{
    const float b = (float)number(s->group, "momentum");
    const float trust = (float)number(s->group, "trust");
    const float eps = (float)number(s->group, "eps");
    const float wd = (float)number(s->group, "weight_decay");
    const float of_w = sqrtf(reference_sum(s->w, s->count));
    const float of_x = sqrtf(reference_sum(s->x, s->count));
    const float divisor = wd != 0.0f ? of_x + wd * of_w + eps : of_x + eps;
    const float ratio =
        of_w > 0.0f && of_x > 0.0f ? trust * of_w / divisor : 1.0f;
    const bool nesterov = flag(s->group, "nesterov");
    float *m = slot(s, "momentum_buffer");

    for (size_t i = 0; i < s->count; i++) {
        const float x = wd != 0.0f ? s->x[i] + wd * s->w[i] : s->x[i];
        const float y = x * ratio;

        m[i] = b * m[i] + y;
        s->u[i] = nesterov ? y + b * m[i] : m[i];
    }
    return (float)number(s->group, "lr");
}

static const struct reference_setting novograd_defaults[] = {
    {"lr", 1e-3, NULL},  {"beta1", 0.95, NULL}, {"beta2", 0.98, NULL},
    {"eps", 1e-8, NULL}, {NULL, 0.0, NULL},
};

static bool novograd_slots(struct reference *r)
{
    return reference_add_slot(r, "exp_avg", 0.0) &&
           reference_add_tensor_slot(r, "exp_avg_sq");
}

/*
 * Ginsburg et al. 2019, arXiv:1905.11286, algorithm 1, for a layer:
 *
 *     v = beta2 v + (1 - beta2) |g|^2, but |g|^2 at the first step
 *     m = beta1 m + (g / (sqrt(v) + eps) + d theta)
 *     theta = theta - lr m
 */
static float novograd(const struct step *s)
{
    const float beta1 = (float)number(s->group, "beta1");
    const float c2 = (float)(1.0 - number(s->group, "beta2"));
    const float eps = (float)number(s->group, "eps");
    const float wd = (float)number(s->group, "weight_decay");
    const float square = reference_sum(s->x, s->count);
    float *v = tensor_slot(s, "exp_avg_sq");
    float *m = slot(s, "exp_avg");

    *v = s->t == 1 ? square : ema(*v, square, c2);

    const float divisor = sqrtf(*v) + eps;

    for (size_t i = 0; i < s->count; i++) {
        const float x = s->x[i] / divisor;
        const float y = wd != 0.0f ? x + wd * s->w[i] : x;

        m[i] = beta1 * m[i] + y;
        s->u[i] = m[i];
    }
    return (float)number(s->group, "lr");
}

static const struct reference_setting stable_adamw_defaults[] = {
    {"lr", 1e-3, NULL},  {"beta1", 0.9, NULL},         {"beta2", 0.99, NULL},
    {"eps", 1e-6, NULL}, {"weight_decay", 1e-2, NULL}, {NULL, 0.0, NULL},
};

/* The weight of the newest number in an average without a bias. */
static float debiased(const struct step *s, const char *name)
{
    const double beta = number(s->group, name);

    return (float)((1.0 - beta) / bias_correction(beta, s->t));
}

/*
 * Wortsman et al. 2023, arXiv:2304.13013, algorithm 2, in the form of optimi,
 * where the smaller rate is the decay's too:
 *
 *     m = b1 m + (1 - b1) g;    1 - b1 = (1 - beta1) / (1 - beta1^t)
 *     v = b2 v + (1 - b2) g^2;  1 - b2 = (1 - beta2) / (1 - beta2^t)
 *     eta = lr / max(1, sqrt(mean(g^2 / max(v, eps^2))))
 *     theta = theta - eta lambda theta - eta m / (sqrt(v) + eps)
 */
static float stable_adamw(const struct step *s)
{
    const double eps = number(s->group, "eps");
    const float c1 = debiased(s, "beta1");
    const float c2 = debiased(s, "beta2");
    const float least = (float)(eps * eps);
    const float outside = (float)eps;
    const float *x = s->x;
    float *m = slot(s, "exp_avg");
    float *v = slot(s, "exp_avg_sq");
    float *u = s->u;
    float *w = s->w;

    for (size_t i = 0; i < s->count; i++) {
        m[i] = ema(m[i], x[i], c1);
        v[i] = ema(v[i], x[i] * x[i], c2);
        u[i] = x[i] * x[i] / (v[i] < least ? least : v[i]);
    }

    const float mean = reference_add(u, s->count) / (float)s->count;
    const float rms = sqrtf(mean);
    const float lr = (float)number(s->group, "lr") / (rms > 1.0f ? rms : 1.0f);

    for (size_t i = 0; i < s->count; i++)
        u[i] = m[i] / (sqrtf(v[i]) + outside);
    if (given(s->group, "weight_decay")) {
        const float h = 1.0f - lr * (float)number(s->group, "weight_decay");

        for (size_t i = 0; i < s->count; i++)
            w[i] = w[i] * h;
    }
    return lr;
}

const struct rule reference_sums_rules[] = {
    {.name = "lamb",
     .defaults = lamb_defaults,
     .add_slots = add_two_moments,
     .step = lamb,
     .own_decay = true},
    {.name = "lars",
     .defaults = lars_defaults,
     .add_slots = add_momentum_buffer,
     .step = lars,
     .own_decay = true},
    {.name = "novograd",
     .defaults = novograd_defaults,
     .add_slots = novograd_slots,
     .step = novograd,
     .own_decay = true},
    {.name = "stable_adamw",
     .defaults = stable_adamw_defaults,
     .add_slots = add_two_moments,
     .step = stable_adamw,
     .own_decay = true},
    {.name = NULL},
};
