/*
 * features.c - what every rule's step may do besides the rule
 * SPDX-License-Identifier: MIT
 *
 * A feature is a loop of its own, and the loops run in the order of
 * docs/numerics.md.  A number feature acts if it was given; one at its neutral
 * value changes no bit.
 */
#include "internal.h"

#include <math.h>

/* Loss scaling (Micikevicius et al. 2018): x = g / scale, as a product. */
static void apply_grad_scale(size_t count, float *x, double scale)
{
    const float k = 1.0f / (float)scale;

    for (size_t i = 0; i < count; i++)
        x[i] = x[i] * k;
}

/* Ascent instead of descent. */
static void apply_maximize(size_t count, float *x)
{
    for (size_t i = 0; i < count; i++)
        x[i] = -x[i];
}

/* Each element of the gradient to [-c, c]; 0 is off. */
static void apply_clip_value(size_t count, float *x, double clip_value)
{
    const float c = (float)clip_value;

    if (c == 0.0f)
        return;
    for (size_t i = 0; i < count; i++)
        x[i] = clamp(x[i], c);
}

/* The gradient of l1 |w|. */
static void apply_l1(size_t count, float *x, const float *w, double l1)
{
    const float factor = (float)l1;

    if (factor == 0.0f)
        return;
    for (size_t i = 0; i < count; i++)
        x[i] = x[i] + factor * sgn(w[i]);
}

/* The gradient of l2 w^2 / 2: coupled decay. */
static void apply_l2(size_t count, float *x, const float *w, double l2)
{
    const float factor = (float)l2;

    if (factor == 0.0f)
        return;
    for (size_t i = 0; i < count; i++)
        x[i] = x[i] + factor * w[i];
}

/* Decay by a factor that is the same for every element. */
static void scale_parameters(size_t count, float *w, float factor)
{
    for (size_t i = 0; i < count; i++)
        w[i] = w[i] * factor;
}

/*
 * Decoupled decay before the rule, which sees the decayed w:
 *
 *     lr            w (1 - lr wd)             Loshchilov and Hutter 2019, as
 *                                             torch's AdamW
 *     independent   w (1 - wd)                the same without the rate
 *     corrected     w (1 - lr^2/lr_max wd)    Defazio 2025, arXiv:2506.02285
 */
static void apply_decay_before(const struct reference *r, float *w)
{
    const double lr = number(r, "lr");
    const double lr_max = number(r, "lr_max");
    const double wd = number(r, "weight_decay");

    if (chosen(r, "decay_form", "lr"))
        scale_parameters(r->count, w, (float)(1.0 - lr * wd));
    else if (chosen(r, "decay_form", "independent"))
        scale_parameters(r->count, w, (float)(1.0 - wd));
    else if (chosen(r, "decay_form", "corrected"))
        scale_parameters(r->count, w, (float)(1.0 - lr * lr / lr_max * wd));
}

/*
 * Cautious decay (arXiv:2510.12402): w (1 - lr wd), but not where u and w have
 * opposite signs.  u is what the move subtracts.
 */
static void
apply_decay_cautious(const struct reference *r, const float *u, float *w)
{
    const double lr = number(r, "lr");
    const double wd = number(r, "weight_decay");
    const float factor = (float)(1.0 - lr * wd);

    for (size_t i = 0; i < r->count; i++) {
        const bool opposite =
            (u[i] > 0.0f && w[i] < 0.0f) || (u[i] < 0.0f && w[i] > 0.0f);

        w[i] = opposite ? w[i] : w[i] * factor;
    }
}

/* Proximal decay, of the moved w: Xie et al. 2022 (Adan), arXiv:2208.06677. */
static void apply_decay_proximal(const struct reference *r, float *w)
{
    const double lr = number(r, "lr");
    const double wd = number(r, "weight_decay");

    scale_parameters(r->count, w, (float)(1.0 / (1.0 + lr * wd)));
}

/* The proximal operator of lr l1 |w|, the soft threshold: exact zeros. */
static void apply_prox_l1(const struct reference *r, float *w)
{
    const float th = (float)(number(r, "lr") * number(r, "prox_l1"));

    for (size_t i = 0; i < r->count; i++) {
        const float p = w[i];

        w[i] = th > 0.0f && fabsf(p) <= th ? 0.0f
               : p > th                    ? p - th
               : p < -th                   ? p + th
                                           : p;
    }
}

void reference_prologue(const struct reference *r, const float *g, float *x,
                        float *w)
{
    memcpy(x, g, r->count * sizeof(*x));
    if (given(r, "grad_scale"))
        apply_grad_scale(r->count, x, number(r, "grad_scale"));
    if (flag(r, "maximize"))
        apply_maximize(r->count, x);
    if (given(r, "clip_value"))
        apply_clip_value(r->count, x, number(r, "clip_value"));
    if (given(r, "l1"))
        apply_l1(r->count, x, w, number(r, "l1"));
    if (given(r, "l2"))
        apply_l2(r->count, x, w, number(r, "l2"));
    if (given(r, "weight_decay"))
        apply_decay_before(r, w);
}

void reference_between(const struct reference *r, const float *u, float *w)
{
    if (given(r, "weight_decay") && chosen(r, "decay_form", "cautious"))
        apply_decay_cautious(r, u, w);
}

void reference_epilogue(const struct reference *r, float *g, float *w)
{
    if (given(r, "weight_decay") && chosen(r, "decay_form", "proximal"))
        apply_decay_proximal(r, w);
    if (given(r, "prox_l1"))
        apply_prox_l1(r, w);
    if (flag(r, "zero_grad"))
        memset(g, 0, r->count * sizeof(*g));
}
