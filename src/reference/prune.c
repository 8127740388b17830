/*
 * prune.c - magnitude pruning while training
 * SPDX-License-Identifier: MIT
 *
 * Zhu and Gupta 2017, arXiv:1710.01878, of a matrix: the share that is held at
 * zero climbs from step b to step e, in updates of the mask,
 *
 *     s = s_f + (s_i - s_f) (1 - (t - b) / (e - b))^3,    s_i = 0
 */
#include "internal.h"

#include <math.h>

bool reference_has_prune(const struct reference *r)
{
    return given(r->groups, "prune");
}

/* What a float's absolute value is ordered by; a NaN, whichever, is above
 * infinity. */
static uint32_t size_of(float x)
{
    uint32_t bits;

    if (isnan(x))
        return 0x7fffffff;
    memcpy(&bits, &x, sizeof(bits));
    return bits & 0x7fffffff;
}

/* How many of w are not larger than 'limit'. */
static size_t count_up_to(const struct step *s, uint32_t limit)
{
    size_t count = 0;

    for (size_t i = 0; i < s->count; i++)
        count += size_of(s->w[i]) <= limit ? 1 : 0;
    return count;
}

/* The least size that at least 'k' of w do not exceed; k is not 0. */
static uint32_t kth_size(const struct step *s, size_t k)
{
    uint32_t low = 0;
    uint32_t high = 0x7fffffff;

    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;

        if (count_up_to(s, middle) >= k)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* Marks the 'k' smallest of w; of equal ones, those that come first. */
static void choose(const struct step *s, float *pruned, size_t k)
{
    const uint32_t limit = k != 0 ? kth_size(s, k) : 0;
    const size_t below = k != 0 && limit != 0 ? count_up_to(s, limit - 1) : 0;
    size_t equal = k - below; /* that are still to be chosen */

    for (size_t i = 0; i < s->count; i++) {
        const uint32_t size = size_of(s->w[i]);
        const bool chosen_equal = size == limit && equal != 0;

        if (chosen_equal)
            equal--;
        pruned[i] = chosen_equal || size < limit ? 1.0f : 0.0f;
    }
}

static void hold(const struct step *s, const float *pruned)
{
    for (size_t i = 0; i < s->count; i++)
        s->w[i] = pruned[i] != 0.0f ? 0.0f : s->w[i];
}

/* Whether the mask changes in this step, and then the share, in '*share'. */
static bool find_share(const struct step *s, double *share)
{
    const uint64_t begin = (uint64_t)number(s->group, "prune_begin");
    const uint64_t end = (uint64_t)number(s->group, "prune_end");
    const uint64_t every = (uint64_t)number(s->group, "prune_every");
    const uint64_t b = begin != 0 ? begin : 1;
    const uint64_t e = end >= b ? end : b;
    const uint64_t t = s->t;

    if (t < b || t > e || ((t - b) % every != 0 && t != e))
        return false;

    const double p = t == e ? 1.0 : (double)(t - b) / (double)(e - b);
    const double q = 1.0 - p;

    *share = number(s->group, "prune") * (1.0 - q * q * q);
    return true;
}

void reference_prune(const struct step *s)
{
    float *pruned = slot(s, "pruned");
    double share;

    hold(s, pruned);
    if (!find_share(s, &share))
        return;
    choose(s, pruned,
           s->rows == 0 ? 0 : (size_t)floor(share * (double)s->count + 0.5));
    hold(s, pruned);
}
