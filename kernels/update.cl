/*
 * update.cl - the step of one element
 * SPDX-License-Identifier: MIT
 *
 * One pass over memory does it all: each array is read once and written once.
 * The features are in the order in which docs/numerics.md has them.
 *
 * CPU drivers make vectors of work-items, if nothing is in their way.  So what
 * a '?' chooses between is computed before it, here and in the rules, where it
 * takes long or is loaded, and structures are handed over by address.
 */
#ifndef STEP_SIZE
#define STEP_SIZE h->step_size
#endif

/* The arrays, the caller's from the first of these elements on. */
struct arrays {
    global float *parameters;
    global gradient_t *gradients;
#if defined(COPY_OF) && !defined(WITH_MAX_NORM)
    global ushort *copy;
#endif
    SLOT_MEMBERS
};

/* The step of the element 'i' of these; 'at' of the slots. */
__attribute__((always_inline)) static inline void
step_element(size_t i, ulong at, const struct arrays *a, struct state *s,
             const struct hyper *h, float unscale, float clip)
{
    float w = a->parameters[i];
    const float x = gradient_of(a->gradients[i], w, unscale, clip, h);

    LOAD_STATE
#ifdef DECAY_BEFORE
    w = w * h->decay_factor;
#endif

#ifdef SETS_PARAMETER
    w = new_parameter(w, x, s, h);
#else
#ifdef CAUTIOUS_UPDATE
    const float u0 = direction(w, x, s, h);
    const float moved = u0 * s->lead, u = is_against(u0, x) ? 0.0f : moved;
#else
    const float u = direction(w, x, s, h);
#endif

#ifdef DECAY_CAUTIOUS
    w = (u > 0.0f && w < 0.0f) || (u < 0.0f && w > 0.0f) ? w
                                                         : w * h->decay_factor;
#endif
    w = w - STEP_SIZE * u;
#endif

#ifdef DECAY_AFTER
    w = w * h->decay_factor;
#endif
#ifdef WITH_PROX_L1
    w = h->soft_threshold > 0.0f && fabs(w) <= h->soft_threshold ? 0.0f
        : w > h->soft_threshold  ? w - h->soft_threshold
        : w < -h->soft_threshold ? w + h->soft_threshold
                                 : w;
#endif
#if defined(WITH_PRUNE) && !defined(WITH_MAX_NORM)
    w = s->pruned != 0.0f ? 0.0f : w;
#endif
#if defined(AVERAGE) && !defined(WITH_MAX_NORM)
#ifdef WITH_PRUNE
    /* Where it chooses elements, finish.cl has the average. */
    if (h->share_exponent < 0.0f)
#endif
        s->ema = mean(s->ema, w, h->ema_share);
#endif

    a->parameters[i] = w;
    STORE_STATE
#if defined(COPY_OF) && !defined(WITH_MAX_NORM)
    a->copy[i] = COPY_OF(w);
#endif
#ifdef ZERO_GRAD
    a->gradients[i] = 0;
#endif
}
