/*
 * model.cl - what the language model needs beside matrix products
 * SPDX-License-Identifier: MIT
 *
 * Matrices are stored row by row; a batch has one row for each character to be
 * predicted.  No kernel adds with atomics: every sum has a fixed order, so that
 * a run with the same seed gives the same numbers again.  Each kernel is
 * launched with a global size that is rounded up.
 *
 * 'tokens' is the text; 'positions[first + row]' is where in it the character
 * of 'row' stands.  Its context are the 'context' tokens before it.
 */

/* inputs[row][k][d] = embedding[k-th token of the row's context][d] */
kernel void
gather(global const ushort *tokens, global const uint *positions, uint first,
       uint rows, uint context, uint width, global const float *parameters,
       ulong embedding, global float *inputs)
{
    const uint i = (uint)get_global_id(0);

    if (i >= rows * context * width)
        return;
    const uint row = i / (context * width);
    const uint k = i / width % context;
    const uint token = tokens[positions[first + row] - context + k];

    inputs[i] = parameters[embedding + token * width + i % width];
}

/*
 * The gradient of the embedding: of each token, the sum over all places of the
 * batch's contexts where it stands.  One work-item for each token adds what the
 * rows from 'row' to 'end' have of it; at row 0 the sums begin.
 */
kernel void scatter(global const ushort *tokens, global const uint *positions,
                    uint first, uint row, uint end, uint context, uint width,
                    uint vocabulary, global const float *input_gradients,
                    ulong embedding, global float *gradients)
{
    const uint token = (uint)get_global_id(0);

    if (token >= vocabulary)
        return;
    global float *sum = gradients + embedding + token * width;

    for (uint d = 0; d < width && row == 0; d++)
        sum[d] = 0.0f;
    for (; row < end; row++) {
        global const ushort *at = tokens + positions[first + row] - context;

        for (uint k = 0; k < context; k++) {
            if (at[k] != token)
                continue;
            for (uint d = 0; d < width; d++)
                sum[d] += input_gradients[(row * context + k) * width + d];
        }
    }
}

/* values = values + bias, then tanh of that if 'squash' */
kernel void activate(global float *values, uint rows, uint width,
                     global const float *parameters, ulong bias, uint squash)
{
    const uint i = (uint)get_global_id(0);

    if (i >= rows * width)
        return;
    const float x = values[i] + parameters[bias + i % width];

    values[i] = squash ? tanh(x) : x;
}

/* gradients = gradients * tanh'(x), where values = tanh(x) */
kernel void
activate_back(global float *gradients, global const float *values, uint count)
{
    const uint i = (uint)get_global_id(0);

    if (i < count)
        gradients[i] *= 1.0f - values[i] * values[i];
}

/* The gradient of a bias: the sums of the columns. */
kernel void sum_columns(global const float *values, uint rows, uint width,
                        ulong bias, global float *gradients)
{
    const uint column = (uint)get_global_id(0);
    float sum = 0.0f;

    if (column >= width)
        return;
    for (uint row = 0; row < rows; row++)
        sum += values[row * width + column];
    gradients[bias + column] = sum;
}

/*
 * Of each row: adds -log2(softmax(scores)[right character]) to its sum in
 * 'bits', and replaces the scores by the gradient of the mean of -log softmax.
 */
kernel void
cross_entropy(global const ushort *tokens, global const uint *positions,
              uint first, uint rows, uint vocabulary, global float *scores,
              global float *bits)
{
    const uint row = (uint)get_global_id(0);

    if (row >= rows)
        return;
    global float *score = scores + row * vocabulary;
    const uint target = tokens[positions[first + row]];
    const float target_score = score[target];
    float largest = score[0];
    float sum = 0.0f;

    for (uint i = 1; i < vocabulary; i++)
        largest = fmax(largest, score[i]);
    for (uint i = 0; i < vocabulary; i++)
        sum += exp(score[i] - largest);
    bits[row] += (log(sum) - (target_score - largest)) * M_LOG2E_F;
    for (uint i = 0; i < vocabulary; i++)
        score[i] = exp(score[i] - largest) / (sum * (float)rows);
    score[target] -= 1.0f / (float)rows;
}
