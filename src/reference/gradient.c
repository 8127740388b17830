/*
 * gradient.c - what every step may do to the gradient before the rule
 * SPDX-License-Identifier: MIT
 *
 * A feature is a loop of its own, over one tensor.  step.c calls them in the
 * order of docs/numerics.md.
 */
#include "internal.h"

#include <math.h>

/* The gradient as a float, whatever type it has; always exact. */
static void convert_gradient(const struct step *s, const void *g)
{
    const uint16_t *bits = (const uint16_t *)g + s->offset;

    if (chosen(s->group, "grad_type", "f16"))
        for (size_t i = 0; i < s->count; i++)
            s->x[i] = reference_from_f16(bits[i]);
    else if (chosen(s->group, "grad_type", "bf16"))
        for (size_t i = 0; i < s->count; i++)
            s->x[i] = reference_from_bf16(bits[i]);
    else
        memcpy(s->x, (const float *)g + s->offset, s->count * sizeof(*s->x));
}

/* Loss scaling (Micikevicius et al. 2018): g / scale, as a product. */
void reference_read_gradient(const struct step *s, const void *g, bool scaled,
                             float k)
{
    convert_gradient(s, g);
    if (!scaled)
        return;
    for (size_t i = 0; i < s->count; i++)
        s->x[i] = s->x[i] * k;
}

bool reference_finite(const struct step *s)
{
    for (size_t i = 0; i < s->count; i++)
        if (!isfinite(s->x[i]))
            return false;
    return true;
}

/* Ascent instead of descent. */
void reference_maximize(const struct step *s)
{
    for (size_t i = 0; i < s->count; i++)
        s->x[i] = -s->x[i];
}

/* Each element of the gradient to [-c, c]; 0 is off. */
void reference_clip_value(const struct step *s, double clip_value)
{
    const float c = (float)clip_value;

    if (c == 0.0f)
        return;
    for (size_t i = 0; i < s->count; i++)
        s->x[i] = clamp(s->x[i], c);
}

/* torch.nn.utils.clip_grad_norm_: the whole to the norm c; 0 is off. */
void reference_clip_norm(const struct step *s, double clip_norm, float norm)
{
    const float c = (float)clip_norm;
    const float q = c / (norm + 1e-6f);
    const float factor = c == 0.0f || q > 1.0f ? 1.0f : q;

    for (size_t i = 0; i < s->count; i++)
        s->x[i] = s->x[i] * factor;
}

/* The gradient of l1 |w|. */
static void apply_l1(const struct step *s, double l1)
{
    const float factor = (float)l1;

    if (factor == 0.0f)
        return;
    for (size_t i = 0; i < s->count; i++)
        s->x[i] = s->x[i] + factor * sgn(s->w[i]);
}

/* The gradient of l2 w^2 / 2: coupled decay. */
static void apply_l2(const struct step *s, double l2)
{
    const float factor = (float)l2;

    if (factor == 0.0f)
        return;
    for (size_t i = 0; i < s->count; i++)
        s->x[i] = s->x[i] + factor * s->w[i];
}

void reference_regularize(const struct step *s)
{
    if (given(s->group, "l1"))
        apply_l1(s, number(s->group, "l1"));
    if (given(s->group, "l2"))
        apply_l2(s, number(s->group, "l2"));
}

/* Zeros of the gradient's type, where the flag is set. */
void reference_zero_grad(const struct step *s, void *g)
{
    if (!flag(s->group, "zero_grad"))
        return;
    if (chosen(s->group, "grad_type", "f16") ||
        chosen(s->group, "grad_type", "bf16"))
        memset((uint16_t *)g + s->offset, 0, s->count * sizeof(uint16_t));
    else
        memset((float *)g + s->offset, 0, s->count * sizeof(float));
}
