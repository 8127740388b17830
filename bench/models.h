/*
 * models.h - the tensors of well-known models
 * SPDX-License-Identifier: MIT
 */
#ifndef BENCH_MODELS_H
#define BENCH_MODELS_H

#include "clstep/clstep.h"

/* The name of the model at 'index', or NULL past the last. */
const char *bench_model_at(size_t index);

/*
 * Adds the parameters of the model called 'name' to 'layout', in its
 * framework's order, with its framework's names and shapes.
 */
clstep_status
bench_model_add(const char *name, clstep_layout *layout, clstep_error *error);

#endif /* BENCH_MODELS_H */
