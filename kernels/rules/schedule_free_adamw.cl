/*
 * Schedule-free AdamW, v = exp_avg_sq.
 *
 *     v = beta2 v + (1 - beta2) g^2
 *     u = g / (sqrt(v / (1 - beta2^t)) + eps) + weight_decay w
 *     w = w + c_t (z - w) + lr_t (beta1 (1 - c_t) - 1) u
 *     z = z - lr_t u
 *     c_t = p_t / (p_1 + ... + p_t)
 *     p_t = t^r min(1, t / warmup)^weight_lr_power
 *     lr_t = lr min(1, t / warmup)
 *
 * z begins at w.  The parameters w are where gradients are taken; those to
 * evaluate at are w + (1 - 1 / beta1) (z - w), which
 * clstep_optimizer_evaluate() gives.  Defazio et al. 2024, where lr is
 * constant.
 *
 * Dialects:
 *     schedulefree.AdamWScheduleFree() -> schedule_free_adamw
 *     schedulefree.AdamWScheduleFree(warmup_steps=x, weight_decay=y) ->
 *         schedule_free_adamw warmup=x weight_decay=y
 *     keras.optimizers.ScheduleFreeAdamW() ->
 *         schedule_free_adamw weight_lr_power=0
 *     keras.optimizers.ScheduleFreeAdamW(warmup_steps=x) ->
 *         schedule_free_adamw warmup=x weight_lr_power=0
 *     keras.optimizers.ScheduleFreeAdamW(weight_decay=x) ->
 *         none: it decays the parameters, not the gradient
 *     optax.contrib.schedule_free_adamw(x) -> schedule_free_adamw lr=x
 *     optax.contrib.schedule_free_adamw(x, weight_decay=y) ->
 *         schedule_free_adamw lr=x weight_decay=y
 */
static float
new_parameter(float w, float x, struct state *s, const struct hyper *h)
{
    const float z = h->first != 0.0f ? w : s->z;

    s->exp_avg_sq = mean(s->exp_avg_sq, x * x, h->mix2);

    float y = divide(x, root(s->exp_avg_sq) * h->correction2 + h->eps);

#ifdef DECAY_IN_RULE
    y = h->decay_factor != 0.0f ? y + h->decay_factor * w : y;
#endif
    s->z = z - h->rate * y;
    return w + h->share * (z - w) + h->lead * y;
}
