/*
 * AdEMAMix, m = exp_avg, l = exp_avg_slow, v = exp_avg_sq.
 *
 *     m = beta1 m + (1 - beta1) g
 *     l = beta3_t l + (1 - beta3_t) g
 *     v = beta2 v + (1 - beta2) g^2
 *     w = w - lr (m / (1 - beta1^t) + alpha_t l) /
 *                (sqrt(v / (1 - beta2^t)) + eps)
 *
 * with alpha_t = alpha min(1, t / alpha_warmup), and with beta3_t whose
 * half-life runs from that of beta1 to that of beta3 in beta3_warmup steps.
 * Pagliardini, Ablin and Grangier 2024.
 *
 * Dialects:
 *     optax.contrib.ademamix(x) -> ademamix lr=x
 *     optax.contrib.ademamix(x, alpha=y, weight_decay=z) ->
 *         ademamix lr=x alpha=y weight_decay=z
 */
static float direction(float w, float x, struct state *s, const struct hyper *h)
{
    s->exp_avg = mean(s->exp_avg, x, h->mix1);
    s->exp_avg_slow = mean(s->exp_avg_slow, x, h->mix3);
    s->exp_avg_sq = mean(s->exp_avg_sq, x * x, h->mix2);
    return divide(s->exp_avg * h->correction1 + h->slow_share * s->exp_avg_slow,
                  root(s->exp_avg_sq) * h->correction2 + h->eps);
}
