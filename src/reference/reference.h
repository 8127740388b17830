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

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A setting by name: a number or a flag, or the name of a choice's value. */
struct reference_setting {
    const char *name; /* NULL ends a list */
    double number;
    const char *choice; /* NULL for a number or a flag */
};

/* A tensor of the flat arrays. */
struct reference_tensor {
    uint64_t offset, count;
    uint64_t rows; /* the first extent if the rank is 2 or more and there are
                      elements; else 0 */
    size_t group;
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

/*
 * The same for tensors.  The arrays are as long as the last tensor's end; what
 * lies between tensors is neither read nor written.
 */
struct reference *
reference_create_layout(const char *rule,
                        const struct reference_setting *settings,
                        const struct reference_tensor *tensors,
                        size_t tensor_count);

void reference_release(struct reference *reference);

/* The name of the slot at 'index', or NULL past the last. */
const char *
reference_slot_name(const struct reference *reference, size_t index);

/* The numbers of the slot called 'name', or NULL if there is none. */
float *reference_slot(struct reference *reference, const char *name);

/* How many they are: as many as the arrays have or, where a slot has one number
 * for each tensor, as there are tensors; 0 if there is no such slot. */
size_t
reference_slot_count(const struct reference *reference, const char *name);

/* Sets a number for the steps to come, in every group or in one. */
void reference_set(struct reference *reference, const char *name,
                   double number);
void reference_set_group(struct reference *reference, size_t group,
                         const char *name, double number);

/* Freezes a group, or thaws it. */
void reference_freeze(struct reference *reference, size_t group, bool frozen);

/* With device_scale: the number that the device's buffer holds; 1 at first. */
void reference_set_device_scale(struct reference *reference, float scale);

/* Steps taken: by the optimizer, and by each group; the latter count in t.  The
 * first of the setters sets all of them, the second a group's alone. */
void reference_set_steps(struct reference *reference, uint64_t steps);
void reference_set_group_steps(struct reference *reference, size_t group,
                               uint64_t steps);
uint64_t reference_steps(const struct reference *reference);
uint64_t reference_group_steps(const struct reference *reference, size_t group);

/*
 * One step: moves 'w' and the slots by the gradient 'g', and with copy_type
 * writes the copy, unless 'copy' is NULL.  'g' has floats, or the bits of a
 * half or bfloat in an uint16_t, as grad_type says.
 */
void reference_step(struct reference *reference, float *w, void *g,
                    uint16_t *copy);

/* One step of several optimizers, each with its arrays; 'copy' may be NULL. */
void reference_joint_step(struct reference *const *references, size_t count,
                          float *const *w, void *const *g, void *const *copy);

/* What the steps have decided. */
struct reference_report {
    uint64_t steps;       /* taken */
    uint64_t skipped;     /* because of check_finite */
    float norm;           /* of the last call that had one, or 0 */
    float scale;          /* the dynamic scale, or 0 if there is none */
    uint32_t scale_steps; /* taken since the scale last changed */
};

void reference_report(const struct reference *reference,
                      struct reference_report *report);

/* Takes over 'skipped', 'scale' and 'scale_steps'. */
void reference_resume(struct reference *reference,
                      const struct reference_report *report);

/* Exchanges 'w' and the slot "ema", but in groups that have taken no step. */
void reference_swap(struct reference *reference, float *w);

/* Writes what a schedule-free rule is to be evaluated at to 'x', in tensors;
 * false if the rule is none. */
bool reference_evaluate(struct reference *reference, float *w, float *x);

/* The bits of halves (f16) and bfloats (bf16).  To a float is exact; from one
 * rounds to nearest even, and a NaN stays a NaN. */
float reference_from_f16(uint16_t bits);
float reference_from_bf16(uint16_t bits);
uint16_t reference_to_f16(float x);
uint16_t reference_to_bf16(float x);

/* --- initialisation ------------------------------------------------------- */

/* The random word of an element, and what it is as a uniform number between 0
 * and 1 and as a standard normal one. */
uint32_t reference_word(uint64_t seed, uint64_t step, uint64_t index);
float reference_unit(uint32_t word);
float reference_normal(uint32_t word);

/* The numbers of 'count' elements, of which the first is at 'index' in the
 * layout. */
void reference_init_zeros(float *w, size_t count);
void reference_init_uniform(float *w, size_t count, uint64_t index,
                            uint64_t seed, double a, double b);
void reference_init_normal(float *w, size_t count, uint64_t index,
                           uint64_t seed, double mean, double std);

/*
 * The numbers of a tensor by its shape: 'kind' is xavier_uniform,
 * xavier_normal, lecun_..., he_...; 'fan' is in, out or average, or NULL for
 * the kind's own.  Returns false if there is no such kind.
 */
bool reference_init_by_shape(const char *kind, float *w, size_t rank,
                             const uint64_t *shape, uint64_t index,
                             uint64_t seed, double gain, const char *fan);

/* --- lbfgs ---------------------------------------------------------------- */

/* An L-BFGS: what it keeps from one call to the next. */
struct reference_lbfgs;

/* Computes the loss at the parameters, and the gradient; false if it fails. */
typedef bool reference_closure(void *user, double *loss);

enum reference_lbfgs_stop {
    REFERENCE_LBFGS_NOT_FINITE, /* the loss, or the gradient */
    REFERENCE_LBFGS_GRADIENT,   /* within tolerance_gradient */
    REFERENCE_LBFGS_SLOPE,      /* the direction does not go down */
    REFERENCE_LBFGS_ITERATIONS,
    REFERENCE_LBFGS_EVALUATIONS,
    REFERENCE_LBFGS_STEP, /* within tolerance_change */
    REFERENCE_LBFGS_LOSS  /* the same */
};

struct reference_lbfgs_result {
    double first_loss, last_loss;
    uint64_t iterations, evaluations;
    enum reference_lbfgs_stop stop;
};

/* NULL if there is no memory.  'settings' may be NULL. */
struct reference_lbfgs *
reference_lbfgs_create(const struct reference_setting *settings,
                       const struct reference_tensor *tensors,
                       size_t tensor_count);

void reference_lbfgs_release(struct reference_lbfgs *lbfgs);

/*
 * One call: moves 'w'; 'g' is where the closure writes the gradient at 'w'.
 * Returns false if the closure failed.
 */
bool reference_lbfgs_call(struct reference_lbfgs *lbfgs, float *w, float *g,
                          reference_closure *closure, void *user,
                          struct reference_lbfgs_result *result);

/* What is kept from one call to the next, by number: where the last search
 * began, the gradient there, then s and y of each pair from the oldest on; NULL
 * past the last. */
const float *
reference_lbfgs_slot(const struct reference_lbfgs *lbfgs, size_t index);

#endif /* CS_REFERENCE_H */
