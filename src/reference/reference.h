/*
 * reference.h - every update rule once more, in scalar C
 * SPDX-License-Identifier: MIT
 *
 * The oracle of the tests and of `clstep verify`.  It is written from the
 * formulas (docs/numerics.md and the papers), by hand, and takes nothing from
 * src/ or kernels/: no table, no default, no scalar.  An error would have to be
 * made twice, alike, to go unseen.
 */
#ifndef CS_REFERENCE_H
#define CS_REFERENCE_H

#include <stddef.h>
#include <stdint.h>

/* A setting by name: a number or a flag, or the name of a choice's value. */
struct reference_setting {
    const char *name; /* NULL ends a list */
    double number;
    const char *choice; /* NULL for a number or a flag */
};

/* An optimizer on the host's memory. */
struct reference;

/*
 * An optimizer of the rule called 'rule' for 'count' parameters, with the
 * reference's own defaults for what 'settings' leaves out; NULL if there is no
 * such rule, or no memory.  The settings are valid: nothing is checked here.
 */
struct reference *
reference_create(const char *rule, const struct reference_setting *settings,
                 size_t count);
void reference_release(struct reference *reference);

/* The name of the slot at 'index', or NULL past the last. */
const char *
reference_slot_name(const struct reference *reference, size_t index);

/* The 'count' numbers of the slot called 'name', or NULL if there is none. */
float *reference_slot(struct reference *reference, const char *name);

/* Sets a number for the steps to come. */
void reference_set(struct reference *reference, const char *name,
                   double number);

/* Steps taken; the next step is this number plus one. */
void reference_set_steps(struct reference *reference, uint64_t steps);
uint64_t reference_steps(const struct reference *reference);

/* One step: moves 'w' and the slots by the gradient 'g', all of 'count'. */
void reference_step(struct reference *reference, float *w, float *g);

#endif /* CS_REFERENCE_H */
