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
 * Polyak 1964; Nesterov 1983 in the form of Sutskever et al. 2013.  torch is
 * torch.optim.SGD and optax.sgd; classical is keras SGD and TensorFlow's, where
 * a schedule of lr acts on later gradients only; twice is Nesterov's rule as it
 * is coded where the look-ahead velocity is kept by mistake.
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
