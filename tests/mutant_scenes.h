/*
 * mutant_scenes.h - whole steps of several groups and tensors
 * SPDX-License-Identifier: MIT
 *
 * What the trials of one tensor do not meet: groups, tables, norms, skips,
 * averages, rows, 16 bits, tensors apart, joints.
 */
#ifndef MUTANT_SCENES_H
#define MUTANT_SCENES_H

#include "trial.h"

/* The number of scenes. */
size_t scenes_count(void);

/* In mutant_programs.c.  Prints the macros that the programs of the scene at
 * 'index' are built with, each behind the name of its text: " | step/adam:
 * MACRO... | sums: ...". */
void scenes_print_macros(size_t index);

/* Prints the macros of the programs of an optimizer with 'settings'; 'groups'
 * says that there are several. */
void scenes_print(const clstep_rule *rule, const clstep_setting *settings,
                  bool groups, bool grouped);

/* Runs the scene at 'index'.  Returns 0, or 1 where something differs and 2
 * where something fails, with what it is in 'message'. */
int scenes_run(const struct trial_place *place, size_t index, uint64_t seed,
               char *message, size_t size);

#endif /* MUTANT_SCENES_H */
