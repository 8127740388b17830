/*
 * RMSProp, v = square_avg, a = grad_avg, m = momentum_buffer.
 *
 *     v = alpha v + (1 - alpha) g^2
 *     centered=1         a = alpha a + (1 - alpha) g;  q = v - a^2, at least 0
 *                        (else q = v)
 *     eps_form=outside   e = g / (sqrt(q) + eps)
 *     eps_form=inside    e = g / sqrt(q + eps)
 *     w = w - lr e, or where momentum was given
 *     momentum_form=torch   m = momentum m + e;     w = w - lr m
 *     momentum_form=keras   m = momentum m + lr e;  w = w - m
 *
 * Tieleman and Hinton 2012; centered is Graves 2013.
 *
 * Dialects:
 *     torch.optim.RMSprop() -> rmsprop
 *     torch.optim.RMSprop(centered=True) -> rmsprop centered=1
 *     torch.optim.RMSprop(momentum=x) -> rmsprop momentum=x
 *     keras.optimizers.RMSprop() ->
 *         rmsprop lr=1e-3 alpha=0.9 eps=1e-7 eps_form=inside
 *     keras.optimizers.RMSprop(momentum=x) ->
 *         rmsprop lr=1e-3 alpha=0.9 eps=1e-7 eps_form=inside momentum=x
 *         momentum_form=keras
 *     optax.rmsprop(x) -> rmsprop lr=x alpha=0.9 eps_form=inside
 *     optax.rmsprop(x, eps_in_sqrt=False) -> rmsprop lr=x alpha=0.9
 *     optax.rmsprop(x, momentum=y) ->
 *         rmsprop lr=x alpha=0.9 eps_form=inside momentum=y momentum_form=keras
 *     optax.rmsprop(x, initial_scale=y) ->
 *         rmsprop lr=x alpha=0.9 eps_form=inside initial_square=y
 *     timm.optim.RMSpropTF() ->
 *         rmsprop alpha=0.9 eps=1e-10 eps_form=inside initial_square=1
 *     timm.optim.RMSpropTF(momentum=x) ->
 *         rmsprop alpha=0.9 eps=1e-10 eps_form=inside initial_square=1
 *         momentum=x momentum_form=keras
 */
#if defined(WITH_MOMENTUM) && defined(MOMENTUM_FORM_KERAS)
#define STEP_SIZE 1.0f /* lr is in the velocity */
#endif

static float direction(float w, float x, struct state *s, const struct hyper *h)
{
    s->square_avg = mean(s->square_avg, x * x, h->share);

#ifdef CENTERED
    s->grad_avg = mean(s->grad_avg, x, h->share);

    const float difference = s->square_avg - s->grad_avg * s->grad_avg;
    const float q = difference < 0.0f ? 0.0f : difference;
#else
    const float q = s->square_avg;
#endif
#ifdef EPS_FORM_INSIDE
    float e = divide(x, root(q + h->eps));
#else
    float e = divide(x, root(q) + h->eps);
#endif

#ifdef WITH_MOMENTUM
#ifdef MOMENTUM_FORM_KERAS
    e = h->step_size * e;
#endif
    s->momentum_buffer =
        h->decay != 0.0f ? h->decay * s->momentum_buffer + e : e;
    return s->momentum_buffer;
#else
    return e;
#endif
}
