/*
 * plan.h - what a kernel is specialised for, and what a step gives it
 * SPDX-License-Identifier: MIT
 *
 * The declarations are the plan: a rule, its choices and the features that were
 * given become the text that stands in front of kernels/step.cl.  Two
 * optimizers with the same text share one program.
 */
#ifndef CS_PLAN_H
#define CS_PLAN_H

#include "device.h"
#include "settings.h"
#include "text.h"

enum { CS_MAX_FLOATS = CS_MAX_SCALARS + CS_FEATURES };

/* Behind the slots of the rule: what prune holds at zero, then the average. */
extern const struct cs_slot cs_pruned_slot, cs_average_slot;

/* Says whether step 't' chooses what prune holds at zero. */
bool cs_plan_prunes(const struct cs_settings *settings, uint64_t t);

/*
 * Writes the declarations for these settings.  Where 'rows' is true, the
 * scalars are in the device's memory, a row for each group (table.h); else they
 * are an argument.
 */
void cs_plan_write(const struct cs_settings *settings, bool rows,
                   struct cs_text *text);

/*
 * The declarations of kernels/sums.cl, which sees little of the settings.
 * 'grouped' makes a work-group of each chunk, else it is one work-item.
 */
void cs_plan_write_sums(const struct cs_settings *settings, bool grouped,
                        struct cs_text *text);

/*
 * Fills in the kernel's struct hyper for step 't', 1 for the first; 'memo' is
 * the optimizer's.  Returns
 * its number of floats, at most CS_MAX_FLOATS.
 */
size_t cs_plan_pack(const struct cs_settings *settings, uint64_t t,
                    struct cs_memo *memo, float *packed);

/*
 * The texts that stand in front of a kernel that meets elements: the rule's and
 * what is around it.  Returns how many 'texts' has got.
 */
size_t cs_plan_texts(const struct cs_settings *settings,
                     const char *texts[CS_MAX_TEXTS]);

#endif /* CS_PLAN_H */
