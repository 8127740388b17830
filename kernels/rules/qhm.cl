/*
 * Quasi-hyperbolic momentum, m = momentum_buffer.
 *
 *     m = momentum m + (1 - momentum) g
 *     w = w - lr (nu m + (1 - nu) g)
 *
 * Ma and Yarats 2019.
 *
 * Dialects:
 *     torch_optimizer.QHM(momentum=x) -> qhm lr=1e-3 momentum=x
 *     torch_optimizer.QHM(momentum=x, weight_decay=y) ->
 *         qhm lr=1e-3 momentum=x l2=y
 */
static float direction(float w, float x, struct state *s, const struct hyper *h)
{
    s->momentum_buffer = mean(s->momentum_buffer, x, h->share);
    return h->mean_share * s->momentum_buffer + h->gradient_share * x;
}
