/*
 * RAdam, m = exp_avg, v = exp_avg_sq.
 *
 *     m = beta1 m + (1 - beta1) g
 *     v = beta2 v + (1 - beta2) g^2
 *     R = 2 / (1 - beta2) - 1;  r = R - 2 t beta2^t / bc2
 *     r > threshold   w = w - lr / bc1 sqrt(bc2) rect m / (sqrt(v) + eps)
 *     else            w = w - lr / bc1 m
 *
 * with bc1 = 1 - beta1^t, bc2 = 1 - beta2^t and
 * rect = sqrt((r - 4) (r - 2) R / ((R - 4) (R - 2) r)).  Liu et al. 2020,
 * whose threshold is 4.
 *
 * Dialects:
 *     torch.optim.RAdam() -> radam
 *     torch.optim.RAdam(weight_decay=x) -> radam l2=x
 *     torch.optim.RAdam(weight_decay=x, decoupled_weight_decay=True) ->
 *         radam weight_decay=x
 *     optax.radam(x, eps=0) -> radam lr=x eps=0
 *     optax.radam(x) -> none: its eps stands beside the corrected root
 */
static float direction(float w, float x, struct state *s, const struct hyper *h)
{
    s->exp_avg = mean(s->exp_avg, x, h->mix1);
    s->exp_avg_sq = mean(s->exp_avg_sq, x * x, h->mix2);

    const float rectified = divide(s->exp_avg, root(s->exp_avg_sq) + h->eps);

    return h->rectified != 0.0f ? rectified : s->exp_avg;
}
