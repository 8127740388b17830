/*
 * element.cl - what happens to an element's gradient in front of the rule
 * SPDX-License-Identifier: MIT
 *
 * The features in the order of docs/numerics.md, for the step and for what is
 * summed before it.
 */

/* What the device has decided that gradients are multiplied by; 'factors' are
 * those of sums.cl, and 'tensor' is counted as they are. */
static inline float unscale_of(const global float *factors)
{
#ifdef SCALE_IN_MEMORY
    return factors[0];
#else
    return 1.0f;
#endif
}

static inline float clip_of(const global float *factors, uint tensor)
{
#if defined(WITH_CLIP_NORM_TENSOR)
    return factors[1 + tensor];
#elif defined(WITH_CLIP_NORM)
    return factors[1];
#else
    return 1.0f;
#endif
}

#ifdef ROW_FACTORS
/*
 * The factor 'k' of the 'count' that each row has, for the work-item's element.
 * 'block' has the row that its block begins in, and how many elements of the
 * block are in that; the others are in the next.  Or 0, where rows are short:
 * their factors are there once more for each element, from the index in the
 * last two words on.
 */
static inline float
factor_of_row(const global float *factors, uint4 block, uint count, uint k)
{
    const uint e = (uint)get_global_id(0) % 256;
    const float first = factors[count * (ulong)block.x + k];
    const float next = factors[count * ((ulong)block.x + 1) + k];
    float factor = e < block.y ? first : next;

    if (block.y == 0)
        factor = factors[count * ((block.z | (ulong)block.w << 32) + e) + k];
    return factor;
}
#endif

/* The gradient as the rule meets it; 'w' has not decayed yet. */
static inline float gradient_of(gradient_t g, float w, float unscale,
                                float clip, const struct hyper *h)
{
    float x = float_of_gradient(g);

#if defined(SCALE_IN_MEMORY)
    x = x * unscale;
#elif defined(WITH_GRAD_SCALE)
    x = x * h->unscale;
#endif
#ifdef MAXIMIZE
    x = -x;
#endif
#ifdef WITH_CLIP_VALUE
    x = h->clip_value != 0.0f ? limited(x, h->clip_value) : x;
#endif
#if defined(WITH_CLIP_NORM) || defined(WITH_CLIP_NORM_TENSOR)
    x = x * clip;
#endif
#ifdef WITH_L1
    x = h->l1 != 0.0f ? x + h->l1 * sign_of(w) : x;
#endif
#ifdef WITH_L2
    x = h->l2 != 0.0f ? x + h->l2 * w : x;
#endif
    return x;
}
