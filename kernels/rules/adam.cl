/*
 * Adam and AdamW, m = exp_avg, v = exp_avg_sq, n = max_exp_avg_sq.
 *
 *     m = beta1 m + (1 - beta1) g
 *     v = beta2 v + (1 - beta2) g^2
 *     amsgrad=1          n = max(n, v);  q = n   (else q = v)
 *     eps_form=outside   w = w - lr (m / bc1) / (sqrt(q / bc2) + eps)
 *     eps_form=inside    w = w - lr (m / bc1) / sqrt(q / bc2 + eps)
 *     eps_form=hat       w = w - lr sqrt(bc2) / bc1 m / (sqrt(q) + eps)
 *
 * with bc1 = 1 - beta1^t and bc2 = 1 - beta2^t.  Kingma and Ba 2015; amsgrad is
 * Reddi, Kale and Kumar 2018; AdamW, which has weight_decay=0.01 by default, is
 * Loshchilov and Hutter 2019.  outside is the paper's algorithm 1,
 * torch.optim.Adam and AdamW (whose Adam weight_decay is l2 here) and
 * optax.adam; inside is optax' eps_root; hat is keras Adam (eps=1e-7) and
 * TensorFlow's.
 */
static float direction(float w, float x, struct state *s, const struct hyper *h)
{
    s->exp_avg = mean(s->exp_avg, x, h->mix1);
    s->exp_avg_sq = mean(s->exp_avg_sq, x * x, h->mix2);

#ifdef AMSGRAD
    s->max_exp_avg_sq = larger(s->max_exp_avg_sq, s->exp_avg_sq);
    const float q = s->max_exp_avg_sq;
#else
    const float q = s->exp_avg_sq;
#endif
#if defined(EPS_FORM_OUTSIDE)
    return divide(s->exp_avg, root(q) * h->correction2 + h->eps);
#elif defined(EPS_FORM_INSIDE)
    return divide(s->exp_avg, root(q * h->correction2 + h->eps));
#else
    return divide(s->exp_avg, root(q) + h->eps);
#endif
}
