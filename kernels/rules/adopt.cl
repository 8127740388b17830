/*
 * ADOPT, m = exp_avg, v = exp_avg_sq.
 *
 *     first step   v = g^2;  w stays, without a decay too
 *     later        q = g / max(sqrt(v), eps), within +-(t - 1)^(1/4)
 *                  m = beta1 m + (1 - beta1) q
 *                  w = w - lr m
 *                  v = beta2 v + (1 - beta2) g^2
 *
 * Taniguchi et al. 2024, with the bound of their second version.
 *
 * Dialects:
 *     timm.optim.Adopt(clip_exp=0.25) -> adopt
 *     timm.optim.Adopt(clip_exp=0.25, weight_decay=x) -> adopt l2=x
 *     timm.optim.Adopt(clip_exp=0.25, weight_decay=x, decoupled=True) ->
 *         adopt weight_decay=x
 *     timm.optim.Adopt() -> none: its bound is (t - 1)^0.333
 *     optax.contrib.adopt(x) -> adopt lr=x
 */
static float direction(float w, float x, struct state *s, const struct hyper *h)
{
    const float square = x * x;
    const float deviation = root(s->exp_avg_sq);
    const float q =
        limited(divide(x, deviation < h->eps ? h->eps : deviation), h->bound);
    const bool first = h->first != 0.0f;
    const float m = s->exp_avg, m1 = mean(m, q, h->mix1);
    const float v = mean(s->exp_avg_sq, square, h->mix2);
    const float u = first ? 0.0f : m1;

    s->exp_avg = first ? m : m1;
    s->exp_avg_sq = first ? square : v;
    return u;
}
