/*
 * Adadelta, v = square_avg, d = acc_delta.
 *
 *     v = rho v + (1 - rho) g^2
 *     e = sqrt(d + eps) / sqrt(v + eps) g
 *     d = rho d + (1 - rho) e^2
 *     w = w - lr e
 *
 * Zeiler 2012, which has lr = 1.  torch.optim.Adadelta, optax.adadelta; keras
 * Adadelta with lr=0.001, rho=0.95, eps=1e-7.
 */
static float direction(float w, float x, struct state *s, const struct hyper *h)
{
    s->square_avg = mean(s->square_avg, x * x, h->share);

    const float e =
        divide(root(s->acc_delta + h->eps), root(s->square_avg + h->eps)) * x;

    s->acc_delta = mean(s->acc_delta, e * e, h->share);
    return e;
}
