/*
 * Lion, m = exp_avg.
 *
 *     w = w - lr sign(beta1 m + (1 - beta1) g)
 *     m = beta2 m + (1 - beta2) g
 *
 * Chen et al. 2023.
 *
 * Dialects:
 *     keras.optimizers.Lion() -> lion lr=1e-3
 *     timm.optim.Lion() -> lion
 *     timm.optim.Lion(weight_decay=x) -> lion weight_decay=x
 *     optax.lion(x) -> lion lr=x weight_decay=1e-3
 */
static float direction(float w, float x, struct state *s, const struct hyper *h)
{
    const float u = sign_of(mean(s->exp_avg, x, h->mix1));

    s->exp_avg = mean(s->exp_avg, x, h->mix2);
    return u;
}
