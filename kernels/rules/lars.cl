/*
 * LARS, m = momentum_buffer.
 *
 *     r = trust |w| / (|g| + weight_decay |w| + eps)   (1 where a norm is 0)
 *     y = (g + weight_decay w) r
 *     m = momentum m + y
 *     nesterov=0   w = w - lr m
 *     nesterov=1   w = w - lr (y + momentum m)
 *
 * with the norms of each tensor.  You, Gitman and Ginsburg 2017.  optax.lars
 * multiplies by lr before the momentum, which is the same where lr is constant.
 *
 * Dialects:
 *     timm.optim.Lars(momentum=x, weight_decay=y) ->
 *         lars momentum=x weight_decay=y
 *     timm.optim.Lars(momentum=x, always_adapt=True) -> lars momentum=x
 *     optax.lars(x) -> lars lr=x eps=0
 *     optax.lars(x, weight_decay=y) -> lars lr=x eps=0 l2=y
 */
static void
terms(float w, float x, struct state *s, const struct hyper *h, float *term)
{
    term[0] = w * w;
    term[1] = x * x;
}

static void
settle(const float *sum, float count, struct state *s, const struct hyper *h)
{
    const float p = root(sum[0]), q = root(sum[1]);
    float below = q;

#ifdef DECAY_IN_RULE
    below = h->decay_factor != 0.0f ? q + h->decay_factor * p : q;
#endif
    s->ratio =
        p > 0.0f && q > 0.0f ? divide(h->trust * p, below + h->eps) : 1.0f;
}

static float direction(float w, float x, struct state *s, const struct hyper *h)
{
    float y = x;

#ifdef DECAY_IN_RULE
    y = h->decay_factor != 0.0f ? y + h->decay_factor * w : y;
#endif
    y = y * s->ratio;
    s->momentum_buffer = h->decay * s->momentum_buffer + y;
#ifdef NESTEROV
    return y + h->decay * s->momentum_buffer;
#else
    return s->momentum_buffer;
#endif
}
