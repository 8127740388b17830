/*
 * rule.h - what an update rule is
 * SPDX-License-Identifier: MIT
 *
 * A rule is data and one small function.  All that the library knows of it
 * follows from its row in rules.c: the settings that it takes and which of them
 * go together, the state that it keeps, the arguments of its kernel, what the
 * tests try and what the documentation says.  No other file names a rule.
 */
#ifndef CS_RULE_H
#define CS_RULE_H

#include "names.h"

enum {
    CS_MAX_OWN = 10, /* settings of a rule */
    CS_MAX_SCALARS = 10,
    CS_MAX_SLOTS = 4,
    CS_MAX_NEEDS = 4,
    CS_MAX_FACTORS = 4
};

struct cs_slot {
    const char *name;
    const char *summary;
    const char *condition; /* "name=value", "name" (given), or NULL: always */
    const char *initial;   /* the setting that it begins at; NULL for zero */
    int read_only;         /* 1: a step reads it, and only the caller writes */
    int per_tensor;        /* 1: one number a tensor, not an element */
};

/*
 * The pass before the step of a rule that needs sums over tensors, as
 * kernels/factors.cl has it: terms() gives 'sums' numbers of an element, and
 * settle() makes 'factors' of their sums.  By rows, settle_row() adds
 * 'row_sums' more, and makes 'row_factors'.
 */
struct cs_pass {
    const char *kernel; /* a text behind the rule's that has these; or NULL */
    int sums, row_sums;
    int counts;      /* 1: the sums are whole numbers, and exact */
    int reads_slots; /* 1: terms() reads all; else which, and "parameters" */
    const char *reads[CS_MAX_SLOTS + 2];
    const char *factors[CS_MAX_FACTORS + 1];
    const char *row_factors[CS_MAX_FACTORS + 1];
};

/* A number that is known as it was after step 't'. */
struct cs_known {
    uint64_t t;
    double value;
};

/*
 * What a rule may remember from one step to the next to save work: a number
 * that goes on from step to step as long as 'key' is the same.  With
 * check_finite a call asks for some steps in turn and the next one begins again
 * behind the first of them, which is 'restart'.  It never changes a result; all
 * zero means nothing.
 */
struct cs_memo {
    double key[3];
    struct cs_known last, restart;
};

/* Fills in the scalars of step 't' from the values of the rule's settings. */
typedef void cs_prepare(const double *value, uint64_t t, struct cs_memo *memo,
                        double *scalar);

struct clstep_rule {
    const char *name;   /* also names its kernel, kernels/rules/<name>.cl */
    const char *kernel; /* of another rule that it shares, or NULL */
    const char *summary;

    /* The first setting is "lr": decay and prox_l1 use it too. */
    clstep_setting_info settings[CS_MAX_OWN + 1];
    struct cs_need needs[CS_MAX_NEEDS + 1];
    struct cs_slot slots[CS_MAX_SLOTS + 1];

    /* A feature's default under this rule, where it is not the usual one: a
     * number is then given by default. */
    clstep_setting feature_default;

    /*
     * What a step computes once, on the host in double: 'scalars' names the
     * numbers, 'prepare' fills them in from the values of 'settings', in the
     * same order; 'memo' is the optimizer's.  Where
     * 'sets_parameter' is 0 the kernel text gives a direction(), and the scalar
     * "step_size" multiplies it; else it gives the new parameter itself.
     */
    const char *scalars[CS_MAX_SCALARS + 1];
    cs_prepare *prepare;
    int sets_parameter;

    /* 1: the first step only fills slots, so nothing decays or shrinks then. */
    int rests_first;

    /* 1: weight_decay is the rule's own affair: behind DECAY_IN_RULE the kernel
     * text finds it as "decay_factor", and decay_form is none but lr. */
    int decays_itself;

    struct cs_pass pass; /* without sums there is none */

    /* 1: takes cautious_update. */
    int cautious;

    /* The setting b of a rule whose parameters w are not those to evaluate at:
     * these are w + (1 - 1 / b) (z - w), z the first slot; or NULL. */
    const char *evaluated;
};

extern const clstep_rule cs_rules[]; /* ends with a rule without a name */

#endif /* CS_RULE_H */
