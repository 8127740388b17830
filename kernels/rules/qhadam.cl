/*
 * QHAdam, m = exp_avg, v = exp_avg_sq.
 *
 *     m = beta1 m + (1 - beta1) g
 *     v = beta2 v + (1 - beta2) g^2
 *     w = w - lr (nu1 m / bc1 + (1 - nu1) g) /
 *                (sqrt(nu2 v / bc2 + (1 - nu2) g^2) + eps)
 *
 * with bc1 = 1 - beta1^t and bc2 = 1 - beta2^t.  Ma and Yarats 2019.  nu1=1 and
 * nu2=1 are adam.
 *
 * Dialects:
 *     torch_optimizer.QHAdam(nus=(x, y)) -> qhadam nu1=x nu2=y
 *     torch_optimizer.QHAdam(nus=(x, y), weight_decay=z) ->
 *         qhadam nu1=x nu2=y l2=z
 */
static float direction(float w, float x, struct state *s, const struct hyper *h)
{
    const float square = x * x;

    s->exp_avg = mean(s->exp_avg, x, h->mix1);
    s->exp_avg_sq = mean(s->exp_avg_sq, square, h->mix2);

    const float above = h->mean_share * s->exp_avg + h->gradient_share * x;
    const float below =
        h->square_mean_share * s->exp_avg_sq + h->square_share * square;

    return divide(above, root(below) + h->eps);
}
