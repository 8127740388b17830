/*
 * AdamP, m = exp_avg, v = exp_avg_sq.
 *
 *     m = beta1 m + (1 - beta1) g
 *     v = beta2 v + (1 - beta2) g^2
 *     nesterov=0   u = m / (sqrt(v / bc2) + eps)
 *     nesterov=1   u = (beta1 m + (1 - beta1) g) / (sqrt(v / bc2) + eps)
 *     where |cos(g, w)| < delta / sqrt(length) in every row of a matrix, or
 *     else in the whole of it: u = u - (w . u) w / (|w| + eps)^2
 *     w = (1 - lr weight_decay) w - lr / bc1 u
 *
 * with bc1 = 1 - beta1^t, bc2 = 1 - beta2^t; what was projected decays by
 * wd_ratio as much.  Heo et al. 2021; their adamp, timm's AdamP.
 *
 * Dialects:
 *     timm.optim.AdamP() -> adamp
 *     timm.optim.AdamP(weight_decay=x) -> adamp weight_decay=x
 *     timm.optim.AdamP(nesterov=True) -> adamp nesterov=1
 */
static float update(float w, float x, struct state *s, const struct hyper *h)
{
    s->exp_avg = mean(s->exp_avg, x, h->mix1);
    s->exp_avg_sq = mean(s->exp_avg_sq, x * x, h->mix2);

#ifdef NESTEROV
    const float m = mean(s->exp_avg, x, h->mix1);
#else
    const float m = s->exp_avg;
#endif
    return divide(m, root(s->exp_avg_sq) * h->correction2 + h->eps);
}
