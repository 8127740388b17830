/*
 * LaProp, m = exp_avg, v = exp_avg_sq.
 *
 *     v = beta2 v + (1 - beta2) g^2
 *     m = beta1 m + (1 - beta1) g / (sqrt(v / (1 - beta2^t)) + eps)
 *     w = w - lr / (1 - beta1^t) m
 *
 * Ziyin, Wang and Ueda 2020.
 *
 * Dialects:
 *     timm.optim.LaProp() -> laprop
 *     timm.optim.LaProp(weight_decay=x) -> none: it decays behind the step
 */
static float direction(float w, float x, struct state *s, const struct hyper *h)
{
    s->exp_avg_sq = mean(s->exp_avg_sq, x * x, h->mix2);

    const float scaled =
        divide(x, root(s->exp_avg_sq) * h->correction2 + h->eps);

    s->exp_avg = mean(s->exp_avg, scaled, h->mix1);
    return s->exp_avg;
}
