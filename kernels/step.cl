/*
 * step.cl - the one kernel that every optimizer runs
 * SPDX-License-Identifier: MIT
 *
 * In front of it stand the declarations that src/plan.c makes from the rule's
 * row (struct hyper, struct state, SLOT_ARGUMENTS, LOAD_STATE, STORE_STATE and
 * a macro for each choice and each feature), numerics.cl and the rule's text.
 * One pass over memory does it all: each array is read once and written once.
 * The features are in the order in which docs/numerics.md has them.
 *
 * One work-item is one element: a loop over elements would keep CPU drivers
 * from vectorising across work-items.
 */
#ifndef STEP_SIZE
#define STEP_SIZE h.step_size
#endif

kernel void
clstep_step(const ulong count, global float *restrict parameters,
            const ulong parameters_offset, global float *restrict gradients,
            const ulong gradients_offset,
            const struct hyper hyper SLOT_ARGUMENTS)
{
    const size_t i = get_global_id(0);
    const struct hyper h = hyper;
    struct state s;

    if (i >= count)
        return;

    float w = parameters[parameters_offset + i];
    float x = gradients[gradients_offset + i];

    LOAD_STATE

#ifdef WITH_GRAD_SCALE
    x = x * h.unscale;
#endif
#ifdef MAXIMIZE
    x = -x;
#endif
#ifdef WITH_CLIP_VALUE
    x = h.clip_value != 0.0f ? limited(x, h.clip_value) : x;
#endif
#ifdef WITH_L1
    x = h.l1 != 0.0f ? x + h.l1 * sign_of(w) : x;
#endif
#ifdef WITH_L2
    x = h.l2 != 0.0f ? x + h.l2 * w : x;
#endif
#if defined(WITH_WEIGHT_DECAY) && !defined(DECAY_FORM_CAUTIOUS) &&             \
    !defined(DECAY_FORM_PROXIMAL)
    w = w * h.decay_factor;
#endif

#ifdef SETS_PARAMETER
    w = new_parameter(w, x, &s, &h);
#else
    const float u = direction(w, x, &s, &h);

#if defined(WITH_WEIGHT_DECAY) && defined(DECAY_FORM_CAUTIOUS)
    w = (u > 0.0f && w < 0.0f) || (u < 0.0f && w > 0.0f) ? w
                                                         : w * h.decay_factor;
#endif
    w = w - STEP_SIZE * u;
#endif

#if defined(WITH_WEIGHT_DECAY) && defined(DECAY_FORM_PROXIMAL)
    w = w * h.decay_factor;
#endif
#ifdef WITH_PROX_L1
    w = h.soft_threshold > 0.0f && fabs(w) <= h.soft_threshold ? 0.0f
        : w > h.soft_threshold  ? w - h.soft_threshold
        : w < -h.soft_threshold ? w + h.soft_threshold
                                : w;
#endif

    parameters[parameters_offset + i] = w;
    STORE_STATE
#ifdef ZERO_GRAD
    gradients[gradients_offset + i] = 0.0f;
#endif
}
