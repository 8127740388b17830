/*
 * FTRL-Proximal, n = accumulator, z = linear.
 *
 *     d = (sqrt(n + g^2) - sqrt(n)) / lr
 *     z = z + g - d w
 *     n = n + g^2
 *     w = 0 where |z| <= lambda1, else
 *         -(z - sign(z) lambda1) / ((beta + sqrt(n)) / lr + lambda2)
 *     keep_initial=1   before the first step
 *         z = -w ((beta + sqrt(n)) / lr + lambda2) - sign(w) lambda1
 *
 * McMahan et al. 2013.  Without keep_initial the first step forgets the given
 * parameters, as it does in Keras.
 *
 * Dialects:
 *     keras.optimizers.Ftrl() -> ftrl
 *     keras.optimizers.Ftrl(l1_regularization_strength=x) -> ftrl lambda1=x
 *     keras.optimizers.Ftrl(l2_regularization_strength=x) -> ftrl lambda2=2x
 *     keras.optimizers.Ftrl(beta=x) -> ftrl beta=x
 */
static float
new_parameter(float w, float x, struct state *s, const struct hyper *h)
{
    const float before = root(s->accumulator);

#ifdef KEEP_INITIAL
    s->linear = h->first != 0.0f
                    ? -w * (before * h->inverse_lr + h->quadratic) -
                          h->lambda1 * sign_of(w)
                    : s->linear;
#endif
    s->accumulator = s->accumulator + x * x;

    const float after = root(s->accumulator);

    s->linear = s->linear + (x - (after - before) * h->inverse_lr * w);

    const float z = s->linear;
    const float shrunk = z < -h->lambda1  ? -h->lambda1 - z
                         : z > h->lambda1 ? h->lambda1 - z
                         : z == z         ? 0.0f
                                          : z;

    return divide(shrunk, after * h->inverse_lr + h->quadratic);
}
