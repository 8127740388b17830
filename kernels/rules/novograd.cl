/*
 * NovoGrad, m = exp_avg, v = exp_avg_sq, of which each tensor has one.
 *
 *     n = |g|^2
 *     v = n at the first step, then beta2 v + (1 - beta2) n
 *     m = beta1 m + g / (sqrt(v) + eps) + weight_decay w
 *     w = w - lr m
 *
 * with the norm of each tensor.  Ginsburg et al. 2019.
 *
 * Dialects:
 *     timm.optim.NvNovoGrad() -> novograd
 *     timm.optim.NvNovoGrad(weight_decay=x) -> novograd weight_decay=x
 *     optax.novograd(x) -> novograd lr=x beta1=0.9 beta2=0.25 eps=1e-6
 */
static void
terms(float w, float x, struct state *s, const struct hyper *h, float *term)
{
    term[0] = x * x;
}

static void
settle(const float *sum, float count, struct state *s, const struct hyper *h)
{
    s->exp_avg_sq =
        h->first != 0.0f ? sum[0] : mean(s->exp_avg_sq, sum[0], h->mix2);
    s->divisor = root(s->exp_avg_sq) + h->eps;
}

static float direction(float w, float x, struct state *s, const struct hyper *h)
{
    float y = divide(x, s->divisor);

#ifdef DECAY_IN_RULE
    y = h->decay_factor != 0.0f ? y + h->decay_factor * w : y;
#endif
    s->exp_avg = h->beta1 * s->exp_avg + y;
    return s->exp_avg;
}
