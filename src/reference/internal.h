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
    MAX_SLOTS = 4,
};

/* A setting that was given, by the caller or by the rule's defaults. */
struct setting {
    char name[MAX_NAME];
    double number;
    char choice[MAX_NAME]; /* empty for a number or a flag */
};

struct slot {
    const char *name;
    float *values;
};

struct reference {
    const struct rule *rule;
    size_t count;
    uint64_t steps;
    struct setting settings[MAX_SETTINGS];
    size_t setting_count;
    struct slot slots[MAX_SLOTS];
    size_t slot_count;
    float *x; /* scratch: the gradient on its way into the rule */
    float *u; /* scratch: the direction */
};

/* What a rule sees of the step that is being taken. */
struct step {
    uint64_t t; /* 1 for the first */
    size_t count;
    const float *x;
    float *w;
    float *u;
};

/*
 * An update rule.  'step' updates the slots, writes the direction to u and
 * returns the step size; if 'sets_w' is true it writes w instead, and what it
 * returns means nothing.
 */
struct rule {
    const char *name;
    const struct reference_setting *defaults;
    bool (*add_slots)(struct reference *r); /* NULL if it has none */
    float (*step)(struct reference *r, const struct step *s);
    bool sets_w;
};

/* rules.c: the rule called 'name', or NULL. */
const struct rule *reference_find_rule(const char *name);

/* reference.c: adds a slot that begins at 'initial'; false if no memory. */
bool reference_add_slot(struct reference *r, const char *name, double initial);

/*
 * features.c: what happens before the rule (the gradient becomes x, w may
 * decay), between the rule and the move, and after the move.
 */
void reference_prologue(const struct reference *r, const float *g, float *x,
                        float *w);
void reference_between(const struct reference *r, const float *u, float *w);
void reference_epilogue(const struct reference *r, float *g, float *w);

/* The setting called 'name', or NULL if it was not given. */
static inline const struct setting *
find_setting(const struct reference *r, const char *name)
{
    for (size_t i = 0; i < r->setting_count; i++)
        if (strcmp(r->settings[i].name, name) == 0)
            return &r->settings[i];
    return NULL;
}

static inline bool given(const struct reference *r, const char *name)
{
    return find_setting(r, name) != NULL;
}

/* The number called 'name'; 0, which is also a flag's default, if not given. */
static inline double number(const struct reference *r, const char *name)
{
    const struct setting *setting = find_setting(r, name);

    return setting != NULL ? setting->number : 0.0;
}

static inline bool flag(const struct reference *r, const char *name)
{
    return number(r, name) != 0.0;
}

/* Whether the choice called 'name' has the value 'choice'. */
static inline bool
chosen(const struct reference *r, const char *name, const char *choice)
{
    const struct setting *setting = find_setting(r, name);

    return setting != NULL && strcmp(setting->choice, choice) == 0;
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

/* An exponential moving average: s moves towards x by the share c. */
static inline float ema(float s, float x, float c)
{
    return s + c * (x - s);
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
