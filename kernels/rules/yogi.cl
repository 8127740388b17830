/*
 * Yogi, m = exp_avg, v = exp_avg_sq.
 *
 *     v = v - (1 - beta2) sign(v - g^2) g^2
 *     m = beta1 m + (1 - beta1) g
 *     w = w - lr (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + eps)
 *
 * Zaheer et al. 2018.
 *
 * Dialects:
 *     optax.yogi(x) -> yogi lr=x
 *     optax.yogi(x, b1=y, b2=z) -> yogi lr=x beta1=y beta2=z
 */
static float direction(float w, float x, struct state *s, const struct hyper *h)
{
    const float square = x * x;

    s->exp_avg_sq =
        s->exp_avg_sq - h->mix2 * sign_of(s->exp_avg_sq - square) * square;
    s->exp_avg = mean(s->exp_avg, x, h->mix1);
    return divide(s->exp_avg, root(s->exp_avg_sq) * h->correction2 + h->eps);
}
