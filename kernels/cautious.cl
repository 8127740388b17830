/*
 * cautious.cl - cautious_update: only what goes with the gradient moves
 * SPDX-License-Identifier: MIT
 *
 * What is left of the direction is made larger by as much as there is less of
 * it in the tensor.  Stands behind a rule that has no sums of its own.
 */
/* '&' and '|' and no branches, which compilers make no vectors of. */
static inline bool is_against(float u, float x)
{
    return ((u >= 0.0f) & (x <= 0.0f)) | ((u <= 0.0f) & (x >= 0.0f));
}

/* What is summed: 1 for each element that moves. */
static void
terms(float w, float x, struct state *s, const struct hyper *h, float *term)
{
    term[0] = is_against(direction(w, x, s, h), x) ? 0.0f : 1.0f;
}

static void
settle(const float *sum, float count, struct state *s, const struct hyper *h)
{
    const float lead = divide(count, sum[0]);

    s->lead = lead > 1000.0f ? 1000.0f : lead;
}
