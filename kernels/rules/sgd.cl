/*
 * Gradient descent.
 *
 *     w = w - lr g
 *
 * Batch, stochastic and mini-batch descent differ only in who made g.
 *
 * Dialects:
 *     torch.optim.SGD() -> sgd lr=1e-3
 *     torch.optim.SGD(weight_decay=x) -> sgd lr=1e-3 l2=x
 *     keras.optimizers.SGD() -> sgd
 *     optax.sgd(x) -> sgd lr=x
 */
static float direction(float w, float x, struct state *s, const struct hyper *h)
{
    return x;
}
