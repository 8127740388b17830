/*
 * engine.h - what takes the steps of `clstep replay`: a device or the reference
 * SPDX-License-Identifier: MIT
 *
 * Both work on flat arrays that hold the tensors one after the other.  An int
 * that a function here returns is -1 to go on, or an exit code after a line.
 */
#ifndef CS_CLI_ENGINE_H
#define CS_CLI_ENGINE_H

#include "cli.h"
#include "safetensors.h"

#include "../reference/reference.h"

struct cli_engine {
    const struct safetensors_tensor *tensors; /* not owned */
    size_t tensor_count;
    uint64_t count;    /* of elements in a flat array, with what pads it */
    uint64_t *offsets; /* where each tensor begins in it */
    float *parameters, *gradients; /* flat arrays of the host */

    struct reference *reference; /* or NULL, and then: */
    struct cli_device device;
    clstep_layout *layout;
    clstep_optimizer *optimizer;
    clstep_buffers buffers;
};

/*
 * An engine of the scalar reference, or one of the device that 'selector'
 * names, for 'count' tensors.  The arrays are zero, the steps are 0.  The
 * reference also serves tensors that have no elements at all, but for steps.
 * On failure 'engine' is closed.
 */
int cli_engine_open_reference(struct cli_engine *engine, const char *rule,
                              const clstep_setting *settings,
                              const struct safetensors_tensor *tensors,
                              size_t count);
int cli_engine_open_device(struct cli_engine *engine, const char *selector,
                           const char *rule, const clstep_setting *settings,
                           const struct safetensors_tensor *tensors,
                           size_t count);
void cli_engine_close(struct cli_engine *engine);

/* Takes the array 'parameters' as the parameters. */
int cli_engine_start(struct cli_engine *engine);

/* One step, with the array 'gradients'. */
int cli_engine_step(struct cli_engine *engine);

/* Brings the parameters to the array. */
int cli_engine_stop(struct cli_engine *engine);

/* The name of the slot at 'index', or NULL past the last. */
const char *cli_engine_slot(const struct cli_engine *engine, size_t index);

/* Copies a tensor's elements of 'slot' to or from 'data'. */
int cli_engine_read(struct cli_engine *engine, const char *slot, size_t tensor,
                    float *data);
int cli_engine_write(struct cli_engine *engine, const char *slot, size_t tensor,
                     const float *data);

/* The number of steps taken, also by whoever wrote the state. */
uint64_t cli_engine_steps(const struct cli_engine *engine);
int cli_engine_set_steps(struct cli_engine *engine, uint64_t steps);

#endif /* CS_CLI_ENGINE_H */
