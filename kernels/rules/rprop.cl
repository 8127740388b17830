/*
 * Rprop, p = prev, d = step_size.
 *
 *     s = g p
 *     d = d times eta_plus where s > 0, times eta_minus where s < 0, within
 *         [step_min, step_max];  lr at first
 *     g = 0 where s < 0
 *     w = w - sign(g) d
 *     p = g
 *
 * Riedmiller and Braun 1993, without weight backtracking: for gradients of the
 * full batch.
 *
 * Dialects:
 *     torch.optim.Rprop() -> rprop
 *     torch.optim.Rprop(etas=(x, y), step_sizes=(z, w)) ->
 *         rprop eta_minus=x eta_plus=y step_min=z step_max=w
 *     optax.rprop(x) ->
 *         none: it takes the last step back where a sign has changed
 */
#define STEP_SIZE 1.0f /* each element has its own */

static float direction(float w, float x, struct state *s, const struct hyper *h)
{
    const float product = x * s->prev;
    const float factor = product > 0.0f   ? h->eta_plus
                         : product < 0.0f ? h->eta_minus
                                          : 1.0f;
    const float size = (h->first != 0.0f ? h->lr : s->step_size) * factor;

    s->step_size = size < h->step_min   ? h->step_min
                   : size > h->step_max ? h->step_max
                                        : size;
    s->prev = product < 0.0f ? 0.0f : x;
    return sign_of(s->prev) * s->step_size;
}
