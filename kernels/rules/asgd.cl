/*
 * Averaged gradient descent, a = ax.
 *
 *     w = w (1 - lambd eta_t) - eta_t g
 *     a = a + mu_t (w - a)
 *
 * with eta_t = lr / (1 + lambd lr (t - 1))^alpha and
 * mu_t = 1 / max(1, t - 1 - t0): a copy up to step t0 + 2, then a mean.  Polyak
 * and Juditsky 1992.
 *
 * Dialects:
 *     torch.optim.ASGD() -> asgd
 *     torch.optim.ASGD(weight_decay=x) -> asgd l2=x
 */
static float
new_parameter(float w, float x, struct state *s, const struct hyper *h)
{
    const float moved = w * h->shrink - h->rate * x;

    s->ax = mean(s->ax, moved, h->share);
    return moved;
}
