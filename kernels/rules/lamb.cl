/*
 * LAMB, m = exp_avg, v = exp_avg_sq.
 *
 *     m = beta1 m + (1 - beta1) g
 *     v = beta2 v + (1 - beta2) g^2
 *     u = (m / bc1) / (sqrt(v / bc2) + eps) + weight_decay w
 *     w = w - lr (|w| / |u|) u                  (lr u where a norm is 0)
 *
 * with bc1 = 1 - beta1^t, bc2 = 1 - beta2^t and the norms of each tensor.  You
 * et al. 2019.
 *
 * Dialects:
 *     timm.optim.Lamb() -> lamb clip_norm=1
 *     timm.optim.Lamb(max_grad_norm=None) -> lamb
 *     timm.optim.Lamb(weight_decay=0) -> none: without decay it has no ratio
 *     keras.optimizers.Lamb() -> lamb eps=1e-7 weight_decay=0
 *     optax.lamb(x) -> lamb lr=x weight_decay=0
 *     optax.lamb(x, weight_decay=y) -> lamb lr=x weight_decay=y
 */
static float update(float w, float x, struct state *s, const struct hyper *h)
{
    s->exp_avg = mean(s->exp_avg, x, h->mix1);
    s->exp_avg_sq = mean(s->exp_avg_sq, x * x, h->mix2);

    float u = divide(s->exp_avg * h->correction1,
                     root(s->exp_avg_sq) * h->correction2 + h->eps);

#ifdef DECAY_IN_RULE
    u = h->decay_factor != 0.0f ? u + h->decay_factor * w : u;
#endif
    return u;
}

static void
terms(float w, float x, struct state *s, const struct hyper *h, float *term)
{
    const float u = update(w, x, s, h);

    term[0] = w * w;
    term[1] = u * u;
}

static void
settle(const float *sum, float count, struct state *s, const struct hyper *h)
{
    const float p = root(sum[0]), q = root(sum[1]);

    s->step_size = h->lr * (p > 0.0f && q > 0.0f ? divide(p, q) : 1.0f);
}

#define STEP_SIZE s->step_size

static float direction(float w, float x, struct state *s, const struct hyper *h)
{
    return update(w, x, s, h);
}
