/*
 * Schedule-free gradient descent.
 *
 *     w = w + c_t (z - w) + lr_t (momentum (1 - c_t) - 1) (g + weight_decay w)
 *     z = z - lr_t (g + weight_decay w)
 *     c_t = p_t / (p_1 + ... + p_t)
 *     p_t = t^r min(1, t / warmup)^weight_lr_power
 *     lr_t = lr min(1, t / warmup)
 *
 * z begins at w.  The parameters w are where gradients are taken; those to
 * evaluate at are w + (1 - 1 / momentum) (z - w), which
 * clstep_optimizer_evaluate() gives.  Defazio et al. 2024, where lr is
 * constant.
 *
 * Dialects:
 *     schedulefree.SGDScheduleFree() -> schedule_free_sgd
 *     schedulefree.SGDScheduleFree(warmup_steps=x, weight_decay=y) ->
 *         schedule_free_sgd warmup=x weight_decay=y
 *     optax.contrib.schedule_free_sgd(x) -> schedule_free_sgd lr=x
 *     optax.contrib.schedule_free_sgd(x, b1=y, weight_decay=z) ->
 *         schedule_free_sgd lr=x momentum=y weight_decay=z
 */
static float
new_parameter(float w, float x, struct state *s, const struct hyper *h)
{
    const float z = h->first != 0.0f ? w : s->z;
    float y = x;

#ifdef DECAY_IN_RULE
    y = h->decay_factor != 0.0f ? y + h->decay_factor * w : y;
#endif
    s->z = z - h->rate * y;
    return w + h->share * (z - w) + h->lead * y;
}
