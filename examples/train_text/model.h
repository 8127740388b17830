/*
 * model.h - a language model on an OpenCL device
 * SPDX-License-Identifier: MIT
 *
 * From the 'context' characters before it, the model tells how probable each
 * character is: their embeddings side by side -> tanh layer -> tanh layer ->
 * softmax over the vocabulary.  CLBlast multiplies the matrices.
 *
 * All parameters live in one buffer, their gradients in another; the layout,
 * which clstep's optimizer is given too, says which tensor is where.
 */
#ifndef MODEL_H
#define MODEL_H

#include "text.h"

#include <clstep/clstep.h>
#include <stdint.h>

struct sizes {
    size_t context;    /* characters that the model sees */
    size_t embedding;  /* numbers for each of them */
    size_t hidden;     /* width of the two tanh layers */
    size_t vocabulary; /* tokens */
    size_t batch;      /* rows that the buffers hold */
};

/* A text on the device. */
struct device_text {
    cl_mem tokens;
    cl_mem positions;
    size_t count;
};

enum { LAYERS = 3 };

/* The groups of the layout: an optimizer's settings may differ between them. */
enum { WEIGHTS, BIASES };

/* outputs = inputs * weight^T + bias */
struct layer {
    size_t inputs, outputs;
    clstep_tensor weight; /* outputs x inputs */
    clstep_tensor bias;   /* outputs */
};

struct model {
    struct sizes sizes;
    clstep_layout *layout;
    cl_mem parameters, gradients; /* both as 'layout' says */
    clstep_tensor embedding;      /* vocabulary x embedding */
    struct layer layers[LAYERS];

    cl_command_queue queue;
    cl_program program;
    cl_kernel gather, scatter, activate, activate_back, sum_columns,
        cross_entropy;

    cl_mem values[LAYERS + 1]; /* of each layer, the inputs first */
    cl_mem backs[LAYERS];      /* the gradients of the same */
    cl_mem bits;               /* the loss of each row of a batch, added up */
};

/* Creates a model whose weights begin as 'initializer' says.  Retains the
 * queue. */
struct model
model_create(cl_context context, cl_device_id id, clstep_device *device,
             cl_command_queue queue, const struct sizes *sizes,
             const clstep_initializer *initializer, uint64_t seed);
void model_release(struct model *model);

struct device_text
model_upload(const struct model *model, const struct text *text);
void model_release_text(struct device_text *text);

/*
 * Enqueues the gradients of the mean loss over 'rows' characters of 'text',
 * those at positions[first] and after, and adds their losses to 'bits'.
 */
void model_gradients(const struct model *model, const struct device_text *text,
                     size_t first, size_t rows);

/* Returns the sum in 'bits', and sets it to 0.  Waits for the device. */
double model_take_bits(const struct model *model);

/*
 * Returns the mean loss over the first 'count' positions of 'text', in bits per
 * character.  'bits' must be 0.  Waits for the device.
 */
double model_evaluate(const struct model *model, const struct device_text *text,
                      size_t count);

/*
 * Reads the scores of each token to come after the 'context' tokens at
 * 'tokens': the logarithms of their probabilities, but for a constant.
 */
void model_predict(const struct model *model, struct device_text *scratch,
                   const uint16_t *tokens, float *scores);

#endif /* MODEL_H */
