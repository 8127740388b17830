/*
 * AdaGrad, v = sum.
 *
 *     v = v + g^2
 *     eps_form=outside   w = w - lr_t g / (sqrt(v) + eps)
 *     eps_form=inside    w = w - lr_t g / sqrt(v + eps)
 *
 * with lr_t = lr / (1 + (t - 1) lr_decay).  Duchi, Hazan and Singer 2011.
 * outside is torch.optim.Adagrad; inside, with initial_accumulator=0.1, is
 * keras Adagrad and optax.adagrad.
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
