/*
 * Signum, m = exp_avg.
 *
 *     m = momentum m + (1 - momentum) g
 *     w = w - lr sign(m)
 *
 * Bernstein et al. 2018.
 *
 * Dialects:
 *     optax.signum(x) -> signum lr=x
 *     optax.signum(x, beta=y) -> signum lr=x momentum=y
 */
static float direction(float w, float x, struct state *s, const struct hyper *h)
{
    s->exp_avg = mean(s->exp_avg, x, h->share);
    return sign_of(s->exp_avg);
}
