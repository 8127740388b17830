/*
 * initializers.c - every initializer of the library
 * SPDX-License-Identifier: MIT
 *
 * To add one: a row here, with its formula as a text and as a function, and its
 * numbers in src/reference/.
 */
#include "initializer.h"
#include "error.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#define ANY      .min = -FLT_MAX, .max = FLT_MAX
#define HALF     .min = -FLT_MAX / 2.0, .max = FLT_MAX / 2.0
#define POSITIVE .min = 0.0, .max = FLT_MAX

/* The values of "fan". */
enum { FAN_IN, FAN_OUT, FAN_AVERAGE };

/* The settings of those that look at the fans; 'fan' is the default. */
enum { FANS_FAN, FANS_GAIN };
#define FANS(which)                                                            \
    {                                                                          \
        [FANS_FAN] = {"fan", "which fan: what goes in, out, or their mean",    \
                      .kind = CLSTEP_CHOICE, .initial = which,                 \
                      .choices = (const char *const[]){"in", "out", "average", \
                                                       NULL}},                 \
        [FANS_GAIN] = {"gain", "factor of all numbers", .initial = 1.0,        \
                       .max = 1e37}, /* 2 b is a float */                      \
    }

/* --- formulas ------------------------------------------------------------- */

static void
zeros(const double *value, const struct cs_fans *fans, double number[2])
{
    (void)value;
    (void)fans;
    number[0] = 0.0;
}

enum { UNIFORM_LOW, UNIFORM_HIGH };

static void
uniform(const double *value, const struct cs_fans *fans, double number[2])
{
    (void)fans;
    number[0] = value[UNIFORM_LOW];
    number[1] = value[UNIFORM_HIGH] - value[UNIFORM_LOW];
}

static clstep_status uniform_check(const double *value, clstep_error *error)
{
    if (value[UNIFORM_LOW] <= value[UNIFORM_HIGH])
        return CLSTEP_OK;
    return cs_fail(error, CLSTEP_INVALID_ARGUMENT,
                   "low of uniform is %.9g, above high, which is %.9g",
                   value[UNIFORM_LOW], value[UNIFORM_HIGH]);
}

enum { NORMAL_MEAN, NORMAL_STD };

static void
normal(const double *value, const struct cs_fans *fans, double number[2])
{
    (void)fans;
    number[0] = value[NORMAL_MEAN];
    number[1] = value[NORMAL_STD];
}

static double fan_of(const double *value, const struct cs_fans *fans)
{
    switch ((int)value[FANS_FAN]) {
    case FAN_IN:
        return fans->in;
    case FAN_OUT:
        return fans->out;
    default: /* FAN_AVERAGE */
        return (fans->in + fans->out) / 2.0;
    }
}

static void uniform_by_fan(const double *value, const struct cs_fans *fans,
                           double scale, double number[2])
{
    const double v = scale / fan_of(value, fans);
    const double bound = value[FANS_GAIN] * sqrt(3.0 * v);

    number[0] = -bound;
    number[1] = bound - -bound;
}

static void normal_by_fan(const double *value, const struct cs_fans *fans,
                          double scale, double number[2])
{
    number[0] = 0.0;
    number[1] = value[FANS_GAIN] * sqrt(scale / fan_of(value, fans));
}

static void
uniform_of_1(const double *value, const struct cs_fans *fans, double number[2])
{
    uniform_by_fan(value, fans, 1.0, number);
}

static void
uniform_of_2(const double *value, const struct cs_fans *fans, double number[2])
{
    uniform_by_fan(value, fans, 2.0, number);
}

static void
normal_of_1(const double *value, const struct cs_fans *fans, double number[2])
{
    normal_by_fan(value, fans, 1.0, number);
}

static void
normal_of_2(const double *value, const struct cs_fans *fans, double number[2])
{
    normal_by_fan(value, fans, 2.0, number);
}

/* --- rows ----------------------------------------------------------------- */

const clstep_initializer cs_initializers[] = {
    {
        .name = "zeros",
        .summary = "zeros",
        .formula = "0",
        .distribution = CS_CONSTANT,
        .prepare = zeros,
    },
    {
        .name = "uniform",
        .summary = "uniform between two numbers",
        .formula = "low + (high - low) U, U uniform in (0, 1)",
        .settings = {[UNIFORM_LOW] = {"low", "where the numbers begin",
                                      .initial = -1.0, HALF},
                     [UNIFORM_HIGH] = {"high", "where they end", .initial = 1.0,
                                       HALF}},
        .distribution = CS_UNIFORM,
        .check = uniform_check,
        .prepare = uniform,
    },
    {
        .name = "normal",
        .summary = "the normal distribution",
        .formula = "mean + std z, z of mean 0 and variance 1",
        .settings = {[NORMAL_MEAN] = {"mean", "the mean", .initial = 0.0, ANY},
                     [NORMAL_STD] = {"std", "the standard deviation",
                                     .initial = 1.0, POSITIVE}},
        .distribution = CS_NORMAL,
        .prepare = normal,
    },
    {
        .name = "xavier_uniform",
        .summary = "uniform, for layers with tanh",
        .formula = "uniform between -b and b, b = gain sqrt(3 / fan)\n"
                   "Glorot and Bengio 2010, with the mean of both fans.",
        .settings = FANS(FAN_AVERAGE),
        .distribution = CS_UNIFORM,
        .prepare = uniform_of_1,
    },
    {
        .name = "xavier_normal",
        .summary = "normal, for layers with tanh",
        .formula = "normal of the variance gain^2 / fan\n"
                   "Glorot and Bengio 2010, with the mean of both fans.",
        .settings = FANS(FAN_AVERAGE),
        .distribution = CS_NORMAL,
        .prepare = normal_of_1,
    },
    {
        .name = "lecun_uniform",
        .summary = "uniform, for layers with selu",
        .formula = "uniform between -b and b, b = gain sqrt(3 / fan)\n"
                   "LeCun, Bottou, Orr and Mueller 1998.",
        .settings = FANS(FAN_IN),
        .distribution = CS_UNIFORM,
        .prepare = uniform_of_1,
    },
    {
        .name = "lecun_normal",
        .summary = "normal, for layers with selu",
        .formula = "normal of the variance gain^2 / fan\n"
                   "LeCun, Bottou, Orr and Mueller 1998.",
        .settings = FANS(FAN_IN),
        .distribution = CS_NORMAL,
        .prepare = normal_of_1,
    },
    {
        .name = "he_uniform",
        .summary = "uniform, for layers with relu",
        .formula = "uniform between -b and b, b = gain sqrt(6 / fan)\n"
                   "He, Zhang, Ren and Sun 2015.",
        .settings = FANS(FAN_IN),
        .distribution = CS_UNIFORM,
        .prepare = uniform_of_2,
    },
    {
        .name = "he_normal",
        .summary = "normal, for layers with relu",
        .formula = "normal of the variance 2 gain^2 / fan\n"
                   "He, Zhang, Ren and Sun 2015.",
        .settings = FANS(FAN_IN),
        .distribution = CS_NORMAL,
        .prepare = normal_of_2,
    },
    {0},
};

/* --- settings ------------------------------------------------------------- */

static struct cs_names names_of(const clstep_initializer *initializer)
{
    struct cs_names names = {.owner = initializer->name,
                             .own = initializer->settings};

    while (initializer->settings[names.own_count].name != NULL)
        names.own_count++;
    return names;
}

clstep_status
cs_initializer_resolve(const clstep_initializer *initializer,
                       const clstep_setting *settings,
                       double value[CS_INITIALIZER_OWN], clstep_error *error)
{
    const struct cs_names names = names_of(initializer);
    bool given[CS_INITIALIZER_OWN], seen[CS_INITIALIZER_OWN] = {false};
    clstep_status status = CLSTEP_OK;

    for (size_t i = 0; i < names.own_count; i++)
        value[i] = names.own[i].initial;
    for (; settings != NULL && settings->name != NULL && status == CLSTEP_OK;
         settings++)
        status = cs_names_take(&names, settings, value, given, seen, error);
    return status == CLSTEP_OK && initializer->check != NULL
               ? initializer->check(value, error)
               : status;
}

/* --- public --------------------------------------------------------------- */

const clstep_initializer *clstep_initializer_at(size_t index)
{
    size_t count = 0;

    while (cs_initializers[count].name != NULL)
        count++;
    return index < count ? &cs_initializers[index] : NULL;
}

const clstep_initializer *clstep_initializer_find(const char *name)
{
    if (name == NULL)
        return NULL;
    for (const clstep_initializer *i = cs_initializers; i->name != NULL; i++)
        if (strcmp(i->name, name) == 0)
            return i;
    return NULL;
}

const char *clstep_initializer_name(const clstep_initializer *initializer)
{
    return initializer != NULL ? initializer->name : NULL;
}

const char *clstep_initializer_summary(const clstep_initializer *initializer)
{
    return initializer != NULL ? initializer->summary : NULL;
}

const char *clstep_initializer_formula(const clstep_initializer *initializer)
{
    return initializer != NULL ? initializer->formula : NULL;
}

int clstep_initializer_setting(const clstep_initializer *initializer,
                               size_t index, clstep_setting_info *info)
{
    if (initializer == NULL || info == NULL)
        return 0;

    const struct cs_names names = names_of(initializer);
    const clstep_setting_info *found = cs_names_at(&names, index);

    if (found == NULL)
        return 0;
    *info = *found;
    return 1;
}
