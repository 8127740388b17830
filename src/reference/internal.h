/*
 * internal.h - what the files of the reference share
 * SPDX-License-Identifier: MIT
 *
 * Everything an element meets is a float; everything the host works out is a
 * double, rounded to float once.  The files must be compiled without
 * contraction (-ffp-contract=off).
 */
#ifndef CS_REFERENCE_INTERNAL_H
#define CS_REFERENCE_INTERNAL_H

#include "reference.h"

#include <float.h>
#include <stdbool.h>
#include <string.h>

/* 16 says that only a half is evaluated as written, so a float is too. */
_Static_assert(FLT_EVAL_METHOD == 0 || FLT_EVAL_METHOD == 16,
               "the reference needs floats without excess precision");

enum {
    MAX_NAME = 32,
    MAX_SETTINGS = 48,
    MAX_SLOTS = 6,
};

/* A setting that was given, by the caller or by the rule's defaults. */
struct setting {
    char name[MAX_NAME];
    double number;
    char choice[MAX_NAME]; /* empty for a number or a flag */
};

/* A group has all settings, though only the numbers may differ by group. */
struct group {
    struct setting settings[MAX_SETTINGS];
    size_t setting_count;
    uint64_t steps; /* that it has taken */
    bool frozen;
};

struct slot {
    const char *name;
    float *values;
    size_t count; /* of the arrays, or of the tensors */
};

struct reference {
    const struct rule *rule;
    struct reference_tensor *tensors;
    size_t tensor_count;
    struct group *groups; /* what does not differ is looked up in the first */
    size_t group_count;
    size_t count; /* of the arrays: where the last tensor ends */
    struct slot slots[MAX_SLOTS];
    size_t slot_count;
    struct reference_report report;
    bool dynamic;       /* there is a dynamic scale: report.scale */
    float device_scale; /* what the device's buffer would hold */
    float *sums;        /* of each tensor, for the norm */
    float *x;           /* scratch: the gradient on its way into the rule */
    float *u;           /* scratch: the direction */
};

/* The step that is being taken, in one tensor: the pointers begin there. */
struct step {
    struct reference *reference;
    const struct group *group; /* the tensor's */
    uint64_t t;                /* of the group, 1 for the first */
    size_t index;              /* of the tensor */
    size_t offset, count;
    size_t rows; /* the first extent; 0 for rank 0 and 1 */
    float *x;
    float *w;
    float *u;
};

/*
 * An update rule.  'step' updates the slots, writes the direction to u and
 * returns the step size; if 'sets_w' is true it writes w instead, and what it
 * returns means nothing.  If 'own_decay' is true, weight_decay is left to the
 * rule.  If 'rests_first' is true, a group's first step leaves w as it is, and
 * nothing decays or shrinks in it.  'evaluated_by' is the setting b of a
 * schedule-free rule, and else NULL.
 */
struct rule {
    const char *name; /* NULL ends a list */
    const struct reference_setting *defaults;
    bool (*add_slots)(struct reference *r); /* NULL if it has none */
    float (*step)(const struct step *s);
    bool sets_w;
    bool own_decay;
    bool rests_first;
    const char *evaluated_by;
};

/* rules.c: the rule called 'name', or NULL. */
const struct rule *reference_find_rule(const char *name);

/* rules_adam.c: the rules of Adam's family. */
extern const struct rule reference_adam_rules[];

/* rules_second.c, rules_adam_second.c: more of both. */
extern const struct rule reference_second_rules[];
extern const struct rule reference_adam_second_rules[];

/* rules_sums.c, rules_projected.c: those that look at whole tensors. */
extern const struct rule reference_sums_rules[];
extern const struct rule reference_projected_rules[];

/* reference.c: adds a slot that begins at 'initial'; false if no memory. */
bool reference_add_slot(struct reference *r, const char *name, double initial);

/* The same for a slot that has one number for each tensor, and begins at 0. */
bool reference_add_tensor_slot(struct reference *r, const char *name);

/* The same for slots that begin at 0; a NULL ends the names. */
bool reference_add_slots(struct reference *r, const char *const *names);

/* gradient.c: what happens to the gradient before the rule. */

/* The gradient as a float, times 'k' if 'scaled'. */
void reference_read_gradient(const struct step *s, const void *g, bool scaled,
                             float k);
bool reference_finite(const struct step *s);
void reference_maximize(const struct step *s);
void reference_clip_value(const struct step *s, double clip_value);
void reference_clip_norm(const struct step *s, double clip_norm, float norm);
void reference_regularize(const struct step *s);
void reference_zero_grad(const struct step *s, void *g);

/*
 * features.c: what happens to w before the rule, between the rule and the
 * move, and after the move.
 */
void reference_before(const struct step *s);
void reference_between(const struct step *s);
void reference_after(const struct step *s, uint16_t *copy);

/* cautious_update, which masks u. */
void reference_cautious_update(const struct step *s);

/* prune.c: zeros among the smallest of w, held by the slot "pruned". */
bool reference_has_prune(const struct reference *r);
void reference_prune(const struct step *s);

/* Whether there is an average of w, in the slot "ema". */
bool reference_has_ema(const struct reference *r);

/* sums.c: the sum of squares of a tensor, or of a row of one. */
float reference_sum(const float *x, size_t count);

/* The same of the numbers themselves, or of the products of two arrays'. */
float reference_add(const float *x, size_t count);
float reference_dot(const float *a, const float *b, size_t count);

/* The sums of products of 'rows' rows, as a list, folded. */
float reference_dot_of_rows(const float *a, const float *b, size_t rows,
                            size_t length);

/* A list of sums, folded. */
float reference_fold(const float *sums, size_t count);

/* The sum of the 'sums' of all tensors of all optimizers. */
float reference_total(struct reference *const *r, size_t count);

/* The setting called 'name', or NULL if it was not given. */
static inline const struct setting *
find_setting(const struct group *group, const char *name)
{
    for (size_t i = 0; i < group->setting_count; i++)
        if (strcmp(group->settings[i].name, name) == 0)
            return &group->settings[i];
    return NULL;
}

static inline bool given(const struct group *group, const char *name)
{
    return find_setting(group, name) != NULL;
}

/* The number called 'name'; 0, which is also a flag's default, if not given. */
static inline double number(const struct group *group, const char *name)
{
    const struct setting *setting = find_setting(group, name);

    return setting != NULL ? setting->number : 0.0;
}

static inline bool flag(const struct group *group, const char *name)
{
    return number(group, name) != 0.0;
}

/* Whether the choice called 'name' has the value 'choice'. */
static inline bool
chosen(const struct group *group, const char *name, const char *choice)
{
    const struct setting *setting = find_setting(group, name);

    return setting != NULL && strcmp(setting->choice, choice) == 0;
}

/* The tensor's part of the slot called 'name', or NULL if there is none. */
static inline float *slot(const struct step *s, const char *name)
{
    float *values = reference_slot(s->reference, name);

    return values != NULL ? values + s->offset : NULL;
}

/* The tensor's number in a slot that has one for each. */
static inline float *tensor_slot(const struct step *s, const char *name)
{
    return reference_slot(s->reference, name) + s->index;
}

/* b^t by binary powering, which every libc rounds alike. */
static inline double power(double b, uint64_t t)
{
    double result = 1.0;

    for (uint64_t n = t; n != 0; n >>= 1, b *= b)
        if (n & 1)
            result *= b;
    return result;
}

/* 1 - beta^t, by which a moving average that began at 0 is too small. */
static inline double bias_correction(double beta, uint64_t t)
{
    return 1.0 - power(beta, t);
}

/* An exponential moving average: s moves towards x by the share c, and is x
 * where that is all. */
static inline float ema(float s, float x, float c)
{
    return c == 1.0f ? x : s + c * (x - s);
}

/* The sign; a zero keeps its own, and a NaN stays a NaN. */
static inline float sgn(float a)
{
    return a > 0.0f ? 1.0f : a < 0.0f ? -1.0f : a;
}

/* 'a' held within [-c, c]; a NaN stays a NaN. */
static inline float clamp(float a, float c)
{
    return a < -c ? -c : a > c ? c : a;
}

/* The larger of two; 'b' if either is a NaN. */
static inline float larger(float a, float b)
{
    return a > b ? a : b;
}

#endif /* CS_REFERENCE_INTERNAL_H */
