/*
 * AdaBelief, m = exp_avg, s = exp_avg_var.
 *
 *     m = beta1 m + (1 - beta1) g
 *     s = beta2 s + (1 - beta2) (g - m)^2 + eps
 *     w = w - lr (m / bc1) / (sqrt(s / bc2) + eps)
 *     rectify=1, R = 2 / (1 - beta2) - 1, r = R - 2 t beta2^t / bc2
 *       r >= 5   w = w - lr / bc1 sqrt(bc2) rect m / (sqrt(s) + eps)
 *       else     w = w - lr / bc1 m
 *
 * with bc1 = 1 - beta1^t, bc2 = 1 - beta2^t and
 * rect = sqrt((r - 4) (r - 2) R / ((R - 4) (R - 2) r)).  Zhuang et al. 2020,
 * whose code has rectify=1.
 *
 * Dialects:
 *     timm.optim.AdaBelief() -> adabelief rectify=1
 *     timm.optim.AdaBelief(rectify=False) -> adabelief
 *     timm.optim.AdaBelief(weight_decay=x) ->
 *         adabelief rectify=1 weight_decay=x
 *     timm.optim.AdaBelief(weight_decay=x, fixed_decay=True) ->
 *         adabelief rectify=1 weight_decay=x decay_form=independent
 *     timm.optim.AdaBelief(weight_decay=x, decoupled_decay=False) ->
 *         adabelief rectify=1 l2=x
 *     optax.adabelief(x) -> adabelief lr=x
 */
static float direction(float w, float x, struct state *s, const struct hyper *h)
{
    s->exp_avg = mean(s->exp_avg, x, h->mix1);

    const float surprise = x - s->exp_avg;

    s->exp_avg_var =
        mean(s->exp_avg_var, surprise * surprise, h->mix2) + h->eps;
#ifdef RECTIFY
    const float rectified = divide(s->exp_avg, root(s->exp_avg_var) + h->eps);

    return h->rectified != 0.0f ? rectified : s->exp_avg;
#else
    return divide(s->exp_avg, root(s->exp_avg_var) * h->correction2 + h->eps);
#endif
}
