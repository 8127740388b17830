/*
 * Gradient descent with momentum, m = momentum_buffer.
 *
 *     form=torch         m = momentum m + d g, d = 1 at the first step, then
 *                        1 - dampening;  w = w - lr m
 *       nesterov=1       w = w - lr (g + momentum m)
 *     form=classical     m = momentum m - lr g;  w = w + m
 *       nesterov=1       w = w + (momentum m - lr g)
 *     form=ema           m = m + (1 - momentum) (g - m);  w = w - lr m
 *     form=ema_debiased  the same m;  w = w - lr / (1 - momentum^t) m
 *     form=twice         classical with momentum^2 and (1 + momentum) lr
 *
 * Polyak 1964; Nesterov 1983 in the form of Sutskever et al. 2013.  A schedule
 * of lr acts on later gradients only where form is classical, and on the whole
 * velocity where it is torch.  twice is Nesterov's rule as it is coded where
 * the look-ahead velocity is kept by mistake.
 *
 * Dialects:
 *     torch.optim.SGD(momentum=x) -> momentum lr=1e-3 momentum=x
 *     torch.optim.SGD(momentum=x, dampening=y) ->
 *         momentum lr=1e-3 momentum=x dampening=y
 *     torch.optim.SGD(momentum=x, nesterov=True) ->
 *         momentum lr=1e-3 momentum=x nesterov=1
 *     keras.optimizers.SGD(momentum=x) -> momentum momentum=x form=classical
 *     keras.optimizers.SGD(momentum=x, nesterov=True) ->
 *         momentum momentum=x form=classical nesterov=1
 *     optax.sgd(x, momentum=y) -> momentum lr=x momentum=y
 *     optax.sgd(x, momentum=y, nesterov=True) ->
 *         momentum lr=x momentum=y nesterov=1
 *     optax.chain(ema(y), scale_by_learning_rate(x)) ->
 *         momentum lr=x momentum=y form=ema_debiased
 *     timm.optim.SGDW(momentum=x, weight_decay=y) ->
 *         momentum lr=1e-3 momentum=x weight_decay=y
 */
#if defined(FORM_CLASSICAL) || defined(FORM_TWICE)
#define STEP_SIZE 1.0f /* lr is in the velocity */
#endif

static float direction(float w, float x, struct state *s, const struct hyper *h)
{
#if defined(FORM_EMA) || defined(FORM_EMA_DEBIASED)
    s->momentum_buffer = mean(s->momentum_buffer, x, h->gain);
    return s->momentum_buffer;
#elif defined(FORM_TORCH)
    s->momentum_buffer = h->decay * s->momentum_buffer + h->gain * x;
#ifdef NESTEROV
    return x + h->decay * s->momentum_buffer;
#else
    return s->momentum_buffer;
#endif
#else
    s->momentum_buffer = h->decay * s->momentum_buffer - h->gain * x;
#ifdef NESTEROV
    return -(h->decay * s->momentum_buffer - h->gain * x);
#else
    return -s->momentum_buffer;
#endif
#endif
}
