/*
 * dialects.h - how other frameworks call a rule
 * SPDX-License-Identifier: MIT
 *
 * The comment of a kernel, clstep_rule_formula(), ends with them:
 *
 *     Dialects:
 *         torch.optim.Adam(weight_decay=x) -> adam l2=x
 *
 * with a line for each, or two where one is too long.
 */
#ifndef CLI_DIALECTS_H
#define CLI_DIALECTS_H

#include "clstep/clstep.h"

#include <stdbool.h>
#include <stddef.h>

struct cli_dialect {
    char theirs[160];
    char ours[240]; /* "adam l2=x", or "none: " and the reason */
};

/* How long the formula is in front of its dialects. */
size_t cli_formula_length(const char *formula);

/* The dialect of 'rule', or of L-BFGS if that is NULL, at 'index', or false
 * past the last.  Where rules share a kernel, each has its own. */
bool cli_dialect(const clstep_rule *rule, size_t index,
                 struct cli_dialect *dialect);

#endif /* CLI_DIALECTS_H */
