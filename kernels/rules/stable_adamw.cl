/*
 * StableAdamW, m = exp_avg, v = exp_avg_sq.
 *
 *     m = m + (1 - beta1) / bc1 (g - m)
 *     v = v + (1 - beta2) / bc2 (g^2 - v)
 *     a = lr / max(1, RMS)
 *     w = (1 - a weight_decay) w - a m / (sqrt(v) + eps)
 *
 * with bc1 = 1 - beta1^t, bc2 = 1 - beta2^t, and RMS the root of the mean of
 * g^2 / max(v, eps^2) over the tensor.  Wortsman et al. 2023; optimi's
 * StableAdamW, from which transformers has it.
 *
 * Dialects:
 *     optimi.StableAdamW(lr=x) -> stable_adamw lr=x
 *     optimi.StableAdamW(lr=x, weight_decay=y) ->
 *         stable_adamw lr=x weight_decay=y
 */
static void
terms(float w, float x, struct state *s, const struct hyper *h, float *term)
{
    const float v = mean(s->exp_avg_sq, x * x, h->mix2);

    term[0] = divide(x * x, v < h->eps_squared ? h->eps_squared : v);
}

static void
settle(const float *sum, float count, struct state *s, const struct hyper *h)
{
    const float p = root(divide(sum[0], count));

    s->step_size = divide(h->lr, p > 1.0f ? p : 1.0f);
}

static float
new_parameter(float w, float x, struct state *s, const struct hyper *h)
{
    s->exp_avg = mean(s->exp_avg, x, h->mix1);
    s->exp_avg_sq = mean(s->exp_avg_sq, x * x, h->mix2);

    const float u = divide(s->exp_avg, root(s->exp_avg_sq) + h->eps);

#ifdef DECAY_IN_RULE
    w = w * (1.0f - s->step_size * h->decay_factor);
#endif
    return w - s->step_size * u;
}
