/*
 * rules.h - the parts of `clstep rules`
 * SPDX-License-Identifier: MIT
 */
#ifndef CLI_RULES_H
#define CLI_RULES_H

#include "cli.h"
#include "dialects.h"

/* What a slot costs that depends on a setting. */
enum { RULES_SLOT_BYTES = 8 };

/* The bytes that a step of 'rule' moves for each parameter, without the slots
 * that depend on a setting. */
size_t rules_bytes(const clstep_rule *rule);

/* Prints docs/rules.md. */
void rules_print_markdown(void);

#endif /* CLI_RULES_H */
