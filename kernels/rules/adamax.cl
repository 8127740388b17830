/*
 * AdaMax, m = exp_avg, n = exp_inf.
 *
 *     m = beta1 m + (1 - beta1) g
 *     eps_form=max       n = max(beta2 n, |g| + eps)
 *                        w = w - lr / (1 - beta1^t) m / n
 *     eps_form=outside   n = max(beta2 n, |g|)
 *                        w = w - lr / (1 - beta1^t) m / (n + eps)
 *
 * Kingma and Ba 2015, algorithm 2, which has no eps.
 *
 * Dialects:
 *     torch.optim.Adamax() -> adamax
 *     keras.optimizers.Adamax() -> adamax lr=1e-3 eps=1e-7 eps_form=outside
 *     optax.adamax(x) -> adamax lr=x
 *     optax.adamaxw(x) -> adamax lr=x weight_decay=1e-4
 */
static float direction(float w, float x, struct state *s, const struct hyper *h)
{
    s->exp_avg = mean(s->exp_avg, x, h->mix1);
#ifdef EPS_FORM_OUTSIDE
    s->exp_inf = larger(h->beta2 * s->exp_inf, fabs(x));
    return divide(s->exp_avg, s->exp_inf + h->eps);
#else
    s->exp_inf = larger(h->beta2 * s->exp_inf, fabs(x) + h->eps);
    return divide(s->exp_avg, s->exp_inf);
#endif
}
