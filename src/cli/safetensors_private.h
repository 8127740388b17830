/*
 * safetensors_private.h - what reading and writing share
 * SPDX-License-Identifier: MIT
 */
#ifndef CS_SAFETENSORS_PRIVATE_H
#define CS_SAFETENSORS_PRIVATE_H

#include "safetensors.h"

enum {
    SAFETENSORS_LENGTH_BYTES = 8,
    SAFETENSORS_MAX_HEADER = 100000000 /* the format's own limit */
};

/* The name of the header's entry that is no tensor. */
#define SAFETENSORS_METADATA "__metadata__"

/* Fill in 'error' and return false. */
bool safetensors_fail(struct safetensors_error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
bool safetensors_fail_memory(const char *path, struct safetensors_error *error);

#endif /* CS_SAFETENSORS_PRIVATE_H */
