/*
 * signSGD.
 *
 *     w = w - lr sign(g)
 *
 * Bernstein et al. 2018.  optax.sign_sgd.
 */
static float direction(float w, float x, struct state *s, const struct hyper *h)
{
    return sign_of(x);
}
