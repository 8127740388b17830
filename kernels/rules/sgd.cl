/*
 * Gradient descent.
 *
 *     w = w - lr g
 *
 * Batch, stochastic and mini-batch descent differ only in who made g.
 * torch.optim.SGD, keras SGD, optax.sgd without momentum.
 */
static float direction(float w, float x, struct state *s, const struct hyper *h)
{
    return x;
}
