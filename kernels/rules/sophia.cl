/*
 * Sophia, m = exp_avg, h = hessian.
 *
 *     m = beta1 m + (1 - beta1) g
 *     w = w - lr clip(m / (rho h + eps), 1)
 *
 * Liu et al. 2023, whose code has SophiaG.  h is the caller's mean of the
 * estimates of the Hessian's diagonal, not negative, written every ten steps or
 * so: of squared gradients for resampled labels (Sophia-G), times the batch's
 * size, or of z (H z) (Sophia-H).
 *
 * Dialects:
 *     SophiaG(weight_decay=x) -> sophia weight_decay=x
 *     optax.contrib.sophia(x) -> none: it corrects the mean
 */
static float direction(float w, float x, struct state *s, const struct hyper *h)
{
    s->exp_avg = mean(s->exp_avg, x, h->mix1);
    return limited(divide(s->exp_avg, h->rho * s->hessian + h->eps), 1.0f);
}
