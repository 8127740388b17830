/*
 * SGDP, m = momentum_buffer.
 *
 *     m = momentum m + (1 - dampening) g
 *     nesterov=0   u = m
 *     nesterov=1   u = g + momentum m
 *     where |cos(g, w)| < delta / sqrt(length) in every row of a matrix, or
 *     else in the whole of it: u = u - (w . u) w / (|w| + eps)^2
 *     w = (1 - lr weight_decay / (1 - momentum)) w - lr u
 *
 * What was projected decays by wd_ratio as much.  Heo et al. 2021; their SGDP,
 * timm's SGDP.
 *
 * Dialects:
 *     timm.optim.SGDP(lr=x, momentum=y) -> sgdp lr=x momentum=y
 *     timm.optim.SGDP(lr=x, momentum=y, weight_decay=z) ->
 *         sgdp lr=x momentum=y weight_decay=z
 *     timm.optim.SGDP(lr=x, momentum=y, nesterov=True) ->
 *         sgdp lr=x momentum=y nesterov=1
 */
static float update(float w, float x, struct state *s, const struct hyper *h)
{
    s->momentum_buffer = h->decay * s->momentum_buffer + h->gain * x;
#ifdef NESTEROV
    return x + h->decay * s->momentum_buffer;
#else
    return s->momentum_buffer;
#endif
}
