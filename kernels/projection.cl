/*
 * projection.cl - what adamp and sgdp do with the direction of their update()
 * SPDX-License-Identifier: MIT
 *
 * Where a gradient is nearly at right angles to the weights, these do not care
 * how long they are, and a step should not make them longer: so what is along
 * them is taken out of it, and they decay less.  That is asked of all rows of a
 * matrix, and if it is not true, of the matrix as a whole.
 */
static void
terms(float w, float x, struct state *s, const struct hyper *h, float *term)
{
    term[0] = x * x;
    term[1] = w * w;
    term[2] = x * w;
    term[3] = w * update(w, x, s, h);
}

/* Says whether the cosine between x and w is small; 'count' numbers were
 * summed. */
static bool is_small(const float *sum, float count, const struct hyper *h)
{
    const float norms = root(sum[0]) * root(sum[1]);
    const float cosine = divide(fabs(sum[2]), norms < h->eps ? h->eps : norms);

    return cosine < divide(h->delta, root(count));
}

/* What times w is the part of the direction that is along w. */
static float part_along(const float *sum, const struct hyper *h)
{
    const float norm = root(sum[1]) + h->eps;

    return divide(divide(sum[3], norm), norm);
}

/* The last sum is that of the rows which are not small. */
static void
settle_row(float *sum, float count, struct state *s, const struct hyper *h)
{
    s->along = part_along(sum, h);
    sum[4] = is_small(sum, count, h) ? 0.0f : 1.0f;
}

/* 'count' is 0 where there are no rows. */
static void
settle(const float *sum, float count, struct state *s, const struct hyper *h)
{
    const bool by_rows = count != 0.0f && sum[4] == 0.0f;
    const bool whole = count != 0.0f && !by_rows && is_small(sum, count, h);

    s->by_rows = by_rows ? 1.0f : 0.0f;
    s->whole = whole ? part_along(sum, h) : 0.0f;
    s->shrink = by_rows || whole ? h->shrink_projected : h->shrink;
}

static float
new_parameter(float w, float x, struct state *s, const struct hyper *h)
{
    const float along = s->by_rows != 0.0f ? s->along : s->whole;
    float u = update(w, x, s, h);

    u = along != 0.0f ? u - along * w : u;
#ifdef DECAY_IN_RULE
    w = w * s->shrink;
#endif
    return w - h->step_size * u;
}
