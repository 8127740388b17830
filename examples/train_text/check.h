/*
 * check.h - are the model's gradients those of its loss?
 * SPDX-License-Identifier: MIT
 */
#ifndef CHECK_H
#define CHECK_H

#include "model.h"

/* Prints what clstep_check_gradient() finds in each tensor, on a batch of
 * 'text', and returns whether no gradient is wrong. */
int check_gradients(const struct model *model, const struct device_text *text);

#endif /* CHECK_H */
