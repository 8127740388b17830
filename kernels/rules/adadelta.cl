/*
 * Adadelta, v = square_avg, d = acc_delta.
 *
 *     v = rho v + (1 - rho) g^2
 *     e = sqrt(d + eps) / sqrt(v + eps) g
 *     d = rho d + (1 - rho) e^2
 *     w = w - lr e
 *
 * Zeiler 2012, which has no step size: lr = 1.
 *
 * Dialects:
 *     torch.optim.Adadelta() -> adadelta
 *     keras.optimizers.Adadelta() -> adadelta lr=1e-3 rho=0.95 eps=1e-7
 *     optax.adadelta(x) -> adadelta lr=x
 *     optax.adadelta(x, weight_decay=y) -> adadelta lr=x l2=y
 */
static float direction(float w, float x, struct state *s, const struct hyper *h)
{
    s->square_avg = mean(s->square_avg, x * x, h->share);

    const float e =
        divide(root(s->acc_delta + h->eps), root(s->square_avg + h->eps)) * x;

    s->acc_delta = mean(s->acc_delta, e * e, h->share);
    return e;
}
