/*
 * NAdam, m = exp_avg, v = exp_avg_sq.
 *
 *     m = beta1 m + (1 - beta1) g
 *     v = beta2 v + (1 - beta2) g^2
 *     form=torch, keras   mu_t = beta1 (1 - 0.5 0.96^(t psi))
 *                         P = mu_1 mu_2 ... mu_t
 *                         k = (1 - mu_t) / (1 - P) g
 *                             + mu_(t+1) / (1 - P mu_(t+1)) m
 *     form=simple         k = (beta1 m + (1 - beta1) g) / (1 - beta1^t)
 *     w = w - lr k / (sqrt(v / (1 - beta2^t)) + eps)
 *
 * with psi = momentum_decay (torch) or 1 (keras).  Dozat 2016.
 *
 * Dialects:
 *     torch.optim.NAdam() -> nadam
 *     torch.optim.NAdam(weight_decay=x) -> nadam l2=x
 *     torch.optim.NAdam(weight_decay=x, decoupled_weight_decay=True) ->
 *         nadam weight_decay=x
 *     keras.optimizers.Nadam() -> nadam lr=1e-3 eps=1e-7 form=keras
 *     optax.nadam(x) -> nadam lr=x momentum_decay=1e4
 *     optax.nadamw(x) -> nadam lr=x momentum_decay=1e4 weight_decay=1e-4
 *     timm.optim.NAdamW() -> nadam lr=1e-3 form=simple weight_decay=0.01
 */
static float direction(float w, float x, struct state *s, const struct hyper *h)
{
    s->exp_avg = mean(s->exp_avg, x, h->mix1);
    s->exp_avg_sq = mean(s->exp_avg_sq, x * x, h->mix2);

#ifdef FORM_SIMPLE
    const float ahead = mean(s->exp_avg, x, h->mix1);
#else
    const float ahead = h->gradient_share * x + h->mean_share * s->exp_avg;
#endif
    return divide(ahead, root(s->exp_avg_sq) * h->correction2 + h->eps);
}
