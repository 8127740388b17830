/*
 * rules_projected.c - AdamP and SGDP: see rules.c
 * SPDX-License-Identifier: MIT
 *
 * Heo et al. 2021, arXiv:2006.08217: where a weight is scale-invariant, which
 * shows by a gradient that is orthogonal to it, what is radial in the update is
 * left out, and the decay is less.
 */
#include "internal.h"

#include <math.h>

/* What a row, or a whole tensor, is judged by; g is the gradient. */
struct products {
    float gg, ww, gw, wu;
};

static struct products
products_of_row(const struct step *s, size_t row, size_t length)
{
    const float *x = s->x + row * length;
    const float *w = s->w + row * length;
    const float *u = s->u + row * length;

    return (struct products){reference_sum(x, length), reference_sum(w, length),
                             reference_dot(x, w, length),
                             reference_dot(w, u, length)};
}

static struct products products_of_tensor(const struct step *s, size_t length)
{
    return (struct products){
        reference_dot_of_rows(s->x, s->x, s->rows, length),
        reference_dot_of_rows(s->w, s->w, s->rows, length),
        reference_dot_of_rows(s->x, s->w, s->rows, length),
        reference_dot_of_rows(s->w, s->u, s->rows, length)};
}

/* Whether |cos(g, w)| < delta / sqrt(dim). */
static bool is_small(const struct step *s, const struct products *p, size_t dim)
{
    const float delta = (float)number(s->group, "delta");
    const float eps = (float)number(s->group, "eps");
    const float size = sqrtf(p->gg) * sqrtf(p->ww);
    const float cosine = fabsf(p->gw) / (size < eps ? eps : size);

    return cosine < delta / sqrtf((float)dim);
}

/* u = u - (w_n . u) w_n,    w_n = w / (|w| + eps): 'count' from 'begin' on. */
static void take_out(const struct step *s, const struct products *p,
                     size_t begin, size_t count)
{
    const float norm = sqrtf(p->ww) + (float)number(s->group, "eps");
    const float k = p->wu / norm / norm;

    if (k == 0.0f)
        return;
    for (size_t i = begin; i < begin + count; i++)
        s->u[i] = s->u[i] - k * s->w[i];
}

static bool rows_are_small(const struct step *s, size_t length)
{
    for (size_t r = 0; r < s->rows; r++) {
        const struct products p = products_of_row(s, r, length);

        if (!is_small(s, &p, length))
            return false;
    }
    return true;
}

/* Projects u by rows or as a whole, where that is right; returns whether. */
static bool project(const struct step *s)
{
    if (s->rows == 0)
        return false;

    const size_t length = s->count / s->rows;

    if (rows_are_small(s, length)) {
        for (size_t r = 0; r < s->rows; r++) {
            const struct products p = products_of_row(s, r, length);

            take_out(s, &p, r * length, length);
        }
        return true;
    }

    const struct products p = products_of_tensor(s, length);

    if (!is_small(s, &p, s->count))
        return false;
    take_out(s, &p, 0, s->count);
    return true;
}

/* w decays by 1 - 'share', which is less where u was projected. */
static void decay(const struct step *s, double share)
{
    const float factor = (float)(1.0 - share);

    if (!given(s->group, "weight_decay"))
        return;
    for (size_t i = 0; i < s->count; i++)
        s->w[i] = s->w[i] * factor;
}

static const struct reference_setting adamp_defaults[] = {
    {"lr", 1e-3, NULL},      {"beta1", 0.9, NULL}, {"beta2", 0.999, NULL},
    {"eps", 1e-8, NULL},     {"delta", 0.1, NULL}, {"wd_ratio", 0.1, NULL},
    {"nesterov", 0.0, NULL}, {NULL, 0.0, NULL},
};

static bool adamp_slots(struct reference *r)
{
    static const char *const names[] = {"exp_avg", "exp_avg_sq", NULL};

    return reference_add_slots(r, names);
}

/* Adam, projected; with nesterov beta1 m + (1 - beta1) g stands for m. */
static float adamp(const struct step *s)
{
    const double lr = number(s->group, "lr");
    const double wd = number(s->group, "weight_decay");
    const double beta1 = number(s->group, "beta1");
    const double beta2 = number(s->group, "beta2");
    const float c1 = (float)(1.0 - beta1);
    const float c2 = (float)(1.0 - beta2);
    const float k2 = (float)(1.0 / sqrt(bias_correction(beta2, s->t)));
    const float eps = (float)number(s->group, "eps");
    const bool nesterov = flag(s->group, "nesterov");
    const float *x = s->x;
    float *m = slot(s, "exp_avg");
    float *v = slot(s, "exp_avg_sq");

    for (size_t i = 0; i < s->count; i++) {
        m[i] = ema(m[i], x[i], c1);
        v[i] = ema(v[i], x[i] * x[i], c2);

        const float top = nesterov ? ema(m[i], x[i], c1) : m[i];

        s->u[i] = top / (sqrtf(v[i]) * k2 + eps);
    }
    if (project(s))
        decay(s, lr * wd * number(s->group, "wd_ratio"));
    else
        decay(s, lr * wd);
    return (float)(lr / bias_correction(beta1, s->t));
}

static const struct reference_setting sgdp_defaults[] = {
    {"lr", 1e-2, NULL},      {"momentum", 0.9, NULL}, {"dampening", 0.0, NULL},
    {"nesterov", 0.0, NULL}, {"eps", 1e-8, NULL},     {"delta", 0.1, NULL},
    {"wd_ratio", 0.1, NULL}, {NULL, 0.0, NULL},
};

static bool sgdp_slots(struct reference *r)
{
    return reference_add_slot(r, "momentum_buffer", 0.0);
}

/*
 * SGD with momentum, projected; the buffer begins at 0, so that dampening acts
 * in the first step too:
 *
 *     b = mu b + (1 - tau) g;    u = b, or with nesterov: g + mu b
 */
static float sgdp(const struct step *s)
{
    const double lr = number(s->group, "lr");
    const double wd = number(s->group, "weight_decay");
    const double momentum = number(s->group, "momentum");
    const float mu = (float)momentum;
    const float d = (float)(1.0 - number(s->group, "dampening"));
    const bool nesterov = flag(s->group, "nesterov");
    const float *x = s->x;
    float *b = slot(s, "momentum_buffer");

    for (size_t i = 0; i < s->count; i++) {
        b[i] = mu * b[i] + d * x[i];
        s->u[i] = nesterov ? x[i] + mu * b[i] : b[i];
    }
    if (project(s))
        decay(s, lr * wd * number(s->group, "wd_ratio") / (1.0 - momentum));
    else
        decay(s, lr * wd / (1.0 - momentum));
    return (float)lr;
}

const struct rule reference_projected_rules[] = {
    {.name = "adamp",
     .defaults = adamp_defaults,
     .add_slots = adamp_slots,
     .step = adamp,
     .own_decay = true},
    {.name = "sgdp",
     .defaults = sgdp_defaults,
     .add_slots = sgdp_slots,
     .step = sgdp,
     .own_decay = true},
    {.name = NULL},
};
