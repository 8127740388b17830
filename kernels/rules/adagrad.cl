/*
 * AdaGrad, v = sum.
 *
 *     v = v + g^2
 *     eps_form=outside   w = w - lr_t g / (sqrt(v) + eps)
 *     eps_form=inside    w = w - lr_t g / sqrt(v + eps)
 *
 * with lr_t = lr / (1 + (t - 1) lr_decay).  Duchi, Hazan and Singer 2011.
 *
 * Dialects:
 *     torch.optim.Adagrad() -> adagrad
 *     torch.optim.Adagrad(initial_accumulator_value=x) ->
 *         adagrad initial_accumulator=x
 *     keras.optimizers.Adagrad() ->
 *         adagrad lr=1e-3 eps=1e-7 eps_form=inside initial_accumulator=0.1
 *     optax.adagrad(x) ->
 *         adagrad lr=x eps=1e-7 eps_form=inside initial_accumulator=0.1
 */
static float direction(float w, float x, struct state *s, const struct hyper *h)
{
    s->sum = s->sum + x * x;
#ifdef EPS_FORM_INSIDE
    return divide(x, root(s->sum + h->eps));
#else
    return divide(x, root(s->sum) + h->eps);
#endif
}
