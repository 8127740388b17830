/*
 * Adam and AdamW, m = exp_avg, v = exp_avg_sq, n = max_exp_avg_sq.
 *
 *     m = beta1 m + (1 - beta1) g
 *     v = beta2 v + (1 - beta2) g^2
 *     amsgrad=1          n = max(n, v);  q = n   (else q = v)
 *     eps_form=outside   w = w - lr (m / bc1) / (sqrt(q / bc2) + eps)
 *     eps_form=inside    w = w - lr (m / bc1) / sqrt(q / bc2 + eps)
 *     eps_form=hat       w = w - lr sqrt(bc2) / bc1 m / (sqrt(q) + eps)
 *
 * with bc1 = 1 - beta1^t and bc2 = 1 - beta2^t.  Kingma and Ba 2015, whose
 * algorithm 1 has eps outside; amsgrad is Reddi, Kale and Kumar 2018; AdamW,
 * which has weight_decay=0.01 by default, is Loshchilov and Hutter 2019.
 *
 * Dialects:
 *     torch.optim.Adam() -> adam
 *     torch.optim.Adam(weight_decay=x) -> adam l2=x
 *     torch.optim.Adam(amsgrad=True) -> adam amsgrad=1
 *     keras.optimizers.Adam() -> adam eps=1e-7 eps_form=hat
 *     keras.optimizers.Adam(amsgrad=True) ->
 *         adam eps=1e-7 eps_form=hat amsgrad=1
 *     optax.adam(x) -> adam lr=x
 *     optax.adam(x, eps=0, eps_root=y) -> adam lr=x eps=y eps_form=inside
 *     optax.amsgrad(x) -> none: it takes the largest of the corrected squares
 *     torch.optim.AdamW() -> adamw
 *     torch.optim.AdamW(weight_decay=x) -> adamw weight_decay=x
 *     keras.optimizers.AdamW() -> adamw eps=1e-7 eps_form=hat weight_decay=4e-3
 *     optax.adamw(x) -> adamw lr=x weight_decay=1e-4
 *     timm.optim.AdamWLegacy(corrected_weight_decay=True) ->
 *         adamw decay_form=corrected
 */
static float direction(float w, float x, struct state *s, const struct hyper *h)
{
    s->exp_avg = mean(s->exp_avg, x, h->mix1);
    s->exp_avg_sq = mean(s->exp_avg_sq, x * x, h->mix2);

#ifdef AMSGRAD
    s->max_exp_avg_sq = larger(s->max_exp_avg_sq, s->exp_avg_sq);
    const float q = s->max_exp_avg_sq;
#else
    const float q = s->exp_avg_sq;
#endif
#if defined(EPS_FORM_OUTSIDE)
    return divide(s->exp_avg, root(q) * h->correction2 + h->eps);
#elif defined(EPS_FORM_INSIDE)
    return divide(s->exp_avg, root(q * h->correction2 + h->eps));
#else
    return divide(s->exp_avg, root(q) + h->eps);
#endif
}
