/*
 * signSGD.
 *
 *     w = w - lr sign(g)
 *
 * Bernstein et al. 2018.
 *
 * Dialects:
 *     optax.sign_sgd(x) -> signsgd lr=x
 */
static float direction(float w, float x, struct state *s, const struct hyper *h)
{
    return sign_of(x);
}
