/*
 * Adan, m = exp_avg, k = exp_avg_diff, v = exp_avg_sq, p = prev.
 *
 *     d = g - p, 0 at the first step
 *     m = beta1 m + (1 - beta1) g
 *     k = beta2 k + (1 - beta2) d
 *     v = beta3 v + (1 - beta3) (g + beta2 d)^2
 *     w = w - lr (m / bc1 + beta2 k / bc2) / (sqrt(v / bc3) + eps)
 *     p = g
 *
 * with bci = 1 - betai^t, and proximal decay by default.  Xie et al. 2022,
 * with the betas as in the authors' code: the paper's are 1 minus these.
 *
 * Dialects:
 *     timm.optim.Adan() -> adan
 *     timm.optim.Adan(weight_decay=x) -> adan weight_decay=x
 *     timm.optim.Adan(weight_decay=x, no_prox=True) ->
 *         adan weight_decay=x decay_form=lr
 *     optax.adan(x) -> none: it weighs the difference with 1 - b2
 */
static float direction(float w, float x, struct state *s, const struct hyper *h)
{
    const float difference = x - s->prev;
    const float change = h->first != 0.0f ? 0.0f : difference;
    const float ahead = x + h->beta2 * change;

    s->prev = x;
    s->exp_avg = mean(s->exp_avg, x, h->mix1);
    s->exp_avg_diff = mean(s->exp_avg_diff, change, h->mix2);
    s->exp_avg_sq = mean(s->exp_avg_sq, ahead * ahead, h->mix3);
    return divide(s->exp_avg * h->correction1 +
                      s->exp_avg_diff * h->correction2,
                  root(s->exp_avg_sq) * h->correction3 + h->eps);
}
