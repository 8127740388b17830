/*
 * features.c - what every rule's step may do to w besides the rule
 * SPDX-License-Identifier: MIT
 *
 * A feature is a loop of its own, over one tensor, and the loops run in the
 * order of docs/numerics.md.  A number feature acts if it was given; one at its
 * neutral value changes no bit.
 */
#include "internal.h"

#include <math.h>

/* A factor that is the same for 'count' numbers. */
static void scale(size_t count, float *w, float factor)
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
static void apply_decay_before(const struct step *s)
{
    const double lr = number(s->group, "lr");
    const double lr_max = number(s->group, "lr_max");
    const double wd = number(s->group, "weight_decay");

    if (chosen(s->group, "decay_form", "lr"))
        scale(s->count, s->w, (float)(1.0 - lr * wd));
    else if (chosen(s->group, "decay_form", "independent"))
        scale(s->count, s->w, (float)(1.0 - wd));
    else if (chosen(s->group, "decay_form", "corrected"))
        scale(s->count, s->w, (float)(1.0 - lr * lr / lr_max * wd));
}

/*
 * Cautious decay (arXiv:2510.12402): w (1 - lr wd), but not where u and w have
 * opposite signs.  u is what the move subtracts.
 */
static void apply_decay_cautious(const struct step *s)
{
    const double lr = number(s->group, "lr");
    const double wd = number(s->group, "weight_decay");
    const float factor = (float)(1.0 - lr * wd);
    const float *u = s->u;
    float *w = s->w;

    for (size_t i = 0; i < s->count; i++) {
        const bool opposite =
            (u[i] > 0.0f && w[i] < 0.0f) || (u[i] < 0.0f && w[i] > 0.0f);

        w[i] = opposite ? w[i] : w[i] * factor;
    }
}

/* Whether a direction does not go with the gradient; a NaN does. */
static bool against(float u, float x)
{
    return (u >= 0.0f && x <= 0.0f) || (u <= 0.0f && x >= 0.0f);
}

/*
 * Liang et al. 2024, arXiv:2411.16085 (Cautious Optimizers), as in timm: only
 * what goes with the gradient is kept, and is scaled up for what is not:
 *
 *     u = u phi / max(mean(phi), 1 / 1000),    phi = [u g > 0]
 */
void reference_cautious_update(const struct step *s)
{
    const float *x = s->x;
    float *u = s->u;
    uint64_t kept = 0;

    for (size_t i = 0; i < s->count; i++)
        kept += against(u[i], x[i]) ? 0 : 1;

    const float q = (float)s->count / (float)kept;
    const float factor = q > 1000.0f ? 1000.0f : q;

    for (size_t i = 0; i < s->count; i++)
        u[i] = against(u[i], x[i]) ? 0.0f : u[i] * factor;
}

/* Proximal decay, of the moved w: Xie et al. 2022 (Adan), arXiv:2208.06677. */
static void apply_decay_proximal(const struct step *s)
{
    const double lr = number(s->group, "lr");
    const double wd = number(s->group, "weight_decay");

    scale(s->count, s->w, (float)(1.0 / (1.0 + lr * wd)));
}

/* The proximal operator of lr l1 |w|, the soft threshold: exact zeros. */
static void apply_prox_l1(const struct step *s)
{
    const float th =
        (float)(number(s->group, "lr") * number(s->group, "prox_l1"));

    for (size_t i = 0; i < s->count; i++) {
        const float p = s->w[i];

        s->w[i] = th > 0.0f && fabsf(p) <= th ? 0.0f
                  : p > th                    ? p - th
                  : p < -th                   ? p + th
                                              : p;
    }
}

/* Rows that are longer than the norm are scaled down to it; 0 is off. */
static void apply_max_norm(const struct step *s)
{
    const float max_norm = (float)number(s->group, "max_norm");

    if (max_norm == 0.0f || s->rows == 0)
        return;

    const size_t length = s->count / s->rows;

    for (size_t i = 0; i < s->rows; i++) {
        float *row = s->w + i * length;
        const float norm = sqrtf(reference_sum(row, length));

        if (norm > max_norm)
            scale(length, row, max_norm / norm);
    }
}

bool reference_has_ema(const struct reference *r)
{
    return given(r->groups, "ema_decay") ||
           chosen(r->groups, "ema_form", "equal");
}

/*
 * The average of the parameters, exponential or with equal weights (Polyak and
 * Juditsky 1992), over the steps after 'ema_begin'; a copy before.
 */
static void update_ema(const struct step *s)
{
    const double t = (double)s->t;
    const double begin = number(s->group, "ema_begin");
    const double d = chosen(s->group, "ema_form", "equal")
                         ? 1.0 / (t - begin)
                         : 1.0 - number(s->group, "ema_decay");
    const float c = (float)(t <= begin + 1.0 ? 1.0 : d);
    const float *w = s->w;
    float *e = slot(s, "ema");

    for (size_t i = 0; i < s->count; i++)
        e[i] = ema(e[i], w[i], c);
}

/* The copy of w in fewer bits. */
static void write_copy(const struct step *s, uint16_t *copy)
{
    if (chosen(s->group, "copy_type", "f16"))
        for (size_t i = 0; i < s->count; i++)
            copy[i] = reference_to_f16(s->w[i]);
    else if (chosen(s->group, "copy_type", "bf16"))
        for (size_t i = 0; i < s->count; i++)
            copy[i] = reference_to_bf16(s->w[i]);
}

/* Whether this is a first step in which the rule leaves w as it is. */
static bool rests(const struct step *s)
{
    return s->reference->rule->rests_first && s->t == 1;
}

/* Whether w decays here, not in the rule. */
static bool decays(const struct step *s)
{
    return given(s->group, "weight_decay") && !s->reference->rule->own_decay &&
           !rests(s);
}

void reference_before(const struct step *s)
{
    if (decays(s))
        apply_decay_before(s);
}

void reference_between(const struct step *s)
{
    if (decays(s) && chosen(s->group, "decay_form", "cautious"))
        apply_decay_cautious(s);
}

void reference_after(const struct step *s, uint16_t *copy)
{
    if (decays(s) && chosen(s->group, "decay_form", "proximal"))
        apply_decay_proximal(s);
    if (given(s->group, "prox_l1") && !rests(s))
        apply_prox_l1(s);
    if (given(s->group, "max_norm") && !rests(s))
        apply_max_norm(s);
    if (reference_has_prune(s->reference))
        reference_prune(s);
    if (reference_has_ema(s->reference))
        update_ema(s);
    if (copy != NULL)
        write_copy(s, copy + s->offset);
}
