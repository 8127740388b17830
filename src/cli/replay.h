/*
 * replay.h - what the parts of `clstep replay` share
 * SPDX-License-Identifier: MIT
 *
 * An int that a function here returns is -1 to go on, or an exit code after a
 * line.
 */
#ifndef CS_CLI_REPLAY_H
#define CS_CLI_REPLAY_H

#include "engine.h"

/* As the command line has them. */
struct replay_options {
    char *rule, *params, *grads, *out, *copy_out, *evaluated_out, *steps;
    char *state_in, *state_out, *device, *loss_scale;
    char **settings;
    int reference, json;
};

struct replay {
    const struct replay_options *options;
    const clstep_rule *rule;
    clstep_setting *settings;
    float loss_scale; /* with device_scale */

    struct safetensors *params, *grads, *state; /* 'state' may be NULL */
    const struct safetensors_tensor *tensors;   /* of 'params' */
    size_t count;
    uint64_t parameters, largest;  /* elements: of all tensors, of one */
    uint64_t slices, steps, first; /* in 'grads', to take, taken before */
    clstep_report before;          /* what the state tells beside these */

    struct cli_engine engine;
    double seconds;
    float *evaluated; /* with --evaluated-out: an array as the engine's */
    struct safetensors_writer *out, *copy_out, *evaluated_out, *state_out;
};

/* --- replay.c ------------------------------------------------------------- */

int replay_file_fail(const char *option, const struct safetensors_error *error);

/* Whether a setting was given, and whether it is a flag that is 1. */
bool replay_given(const struct replay *r, const char *name);
bool replay_flag(const struct replay *r, const char *name);

/* Whether the device adapts a scale, and whether it works out a norm. */
bool replay_has_scale(const struct replay *r);
bool replay_has_norm(const struct replay *r);

/* --- replay_input.c ------------------------------------------------------- */

/* Opens the inputs, and sees whether the outputs can be written. */
int replay_open_inputs(struct replay *r);

/* Compares the gradients' tensors with the parameters'. */
int replay_match_gradients(struct replay *r);

/* Reads the parameters, or a slice of the gradients, to an array. */
int replay_read(const struct replay *r, const struct safetensors *file,
                uint64_t slice, void *array);

/* A shape as "[2, 3]", cut short if it is very long. */
const char *
replay_shape_text(const struct safetensors_tensor *tensor, char text[128]);

/* Whether 'b' has the shape of 'a', behind 'skip' further extents. */
bool replay_same_shape(const struct safetensors_tensor *a,
                       const struct safetensors_tensor *b, size_t skip);

/* --- replay_state.c ------------------------------------------------------- */

/* What the state says in its metadata; then its tensors, for the engine. */
int replay_read_metadata(struct replay *r);
int replay_load_state(struct replay *r);

/* Writes the state, all but its name. */
int replay_write_state(struct replay *r);

#endif /* CS_CLI_REPLAY_H */
