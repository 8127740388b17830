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

/* What an engine is to do; it keeps 'tensors', and nothing else of it. */
struct cli_engine_task {
    const char *rule;
    const clstep_setting *settings; /* valid ones, ended by a NULL name */
    float loss_scale;               /* with device_scale */
    const struct safetensors_tensor *tensors;
    size_t count;
};

struct cli_engine {
    const clstep_rule *rule;
    const struct safetensors_tensor *tensors; /* not owned */
    size_t tensor_count;
    uint64_t count;    /* of elements in a flat array, with what pads it */
    uint64_t *offsets; /* where each tensor begins in it */
    enum safetensors_dtype gradient_type, copy_type;
    float *parameters; /* flat arrays of the host */
    void *gradients;
    uint16_t *copies; /* with copy_type; else NULL */

    struct reference *reference; /* or NULL, and then: */
    struct cli_device device;
    clstep_layout *layout;
    clstep_optimizer *optimizer;
    clstep_buffers buffers;
};

/* The type that the choice 'name', grad_type or copy_type, says; F32 if there
 * is none. */
enum safetensors_dtype
cli_engine_dtype(const clstep_setting *settings, const char *name);

/*
 * An engine of the scalar reference, or one of the device that 'selector'
 * names.  The arrays are zero, the steps are 0.  The reference also serves
 * tensors that have no elements at all, but for steps.  On failure 'engine' is
 * closed.
 */
int cli_engine_open_reference(struct cli_engine *engine,
                              const struct cli_engine_task *task);
int cli_engine_open_device(struct cli_engine *engine, const char *selector,
                           const struct cli_engine_task *task);
void cli_engine_close(struct cli_engine *engine);

/* Takes the array 'parameters' as the parameters, and copies of them. */
int cli_engine_start(struct cli_engine *engine);

/* One step, with the array 'gradients'. */
int cli_engine_step(struct cli_engine *engine);

/* Brings the parameters and the copies to the arrays. */
int cli_engine_stop(struct cli_engine *engine);

/*
 * Writes the parameters that a schedule-free rule is to be evaluated at to the
 * array 'x'; CLI_MISUSED after a line if the rule is none.
 */
int cli_engine_evaluate(struct cli_engine *engine, float *x);

/* The name of the slot at 'index', or NULL past the last. */
const char *cli_engine_slot(const struct cli_engine *engine, size_t index);

/* What a tensor's part of 'slot' is like: as the tensor is, or one number. */
struct safetensors_tensor
cli_engine_slot_tensor(const struct cli_engine *engine, const char *slot,
                       size_t tensor);

/* Copies that part to or from 'data'. */
int cli_engine_read(struct cli_engine *engine, const char *slot, size_t tensor,
                    float *data);
int cli_engine_write(struct cli_engine *engine, const char *slot, size_t tensor,
                     const float *data);

/* The number of steps taken, also by whoever wrote the state. */
uint64_t cli_engine_steps(const struct cli_engine *engine);
int cli_engine_set_steps(struct cli_engine *engine, uint64_t steps);

/* What the device has decided, or the reference; and the contrary. */
int cli_engine_report(struct cli_engine *engine, clstep_report *report);
int cli_engine_resume(struct cli_engine *engine, const clstep_report *report);

#endif /* CS_CLI_ENGINE_H */
