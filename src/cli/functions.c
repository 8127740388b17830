/*
 * functions.c - see functions.h
 * SPDX-License-Identifier: MIT
 *
 * Only + - * in double: the same bits with every libc.
 */
#include "functions.h"

#include <stddef.h>
#include <string.h>

/* --- the quadratic functions ---------------------------------------------- */

static double circle_value(const double w[2])
{
    return w[0] * w[0] + w[1] * w[1];
}

static void circle_gradient(const double w[2], double g[2])
{
    g[0] = 2.0 * w[0];
    g[1] = 2.0 * w[1];
}

static void circle_curvature(const double w[2], double h[2])
{
    (void)w;
    h[0] = h[1] = 2.0;
}

static double ellipse_value(const double w[2])
{
    return w[0] * w[0] + 8.0 * w[1] * w[1];
}

static void ellipse_gradient(const double w[2], double g[2])
{
    g[0] = 2.0 * w[0];
    g[1] = 16.0 * w[1];
}

static void ellipse_curvature(const double w[2], double h[2])
{
    (void)w;
    h[0] = 2.0;
    h[1] = 16.0;
}

/* --- Rosenbrock ----------------------------------------------------------- */

static double rosenbrock_value(const double w[2])
{
    const double off = w[1] - w[0] * w[0];

    return (1.0 - w[0]) * (1.0 - w[0]) + 100.0 * off * off;
}

static void rosenbrock_gradient(const double w[2], double g[2])
{
    const double off = w[1] - w[0] * w[0];

    g[0] = -2.0 * (1.0 - w[0]) - 400.0 * w[0] * off;
    g[1] = 200.0 * off;
}

static void rosenbrock_curvature(const double w[2], double h[2])
{
    h[0] = 2.0 - 400.0 * (w[1] - 3.0 * w[0] * w[0]);
    h[1] = 200.0;
}

/* --- Beale ---------------------------------------------------------------- */

/*
 * The sum of three squares t^2, t = target - w1 (1 - w2^i) for i = 1, 2, 3.
 * 'by' are t's derivatives by w1, by w2 and twice by w2.
 */
static double beale_term(const double w[2], int i, double by[3])
{
    static const double targets[] = {1.5, 2.25, 2.625};
    const double y = w[1];
    const double lower = i == 1 ? 1.0 : i == 2 ? y : y * y; /* w2^(i - 1) */
    const double second = i == 1 ? 0.0 : i == 2 ? 2.0 : 6.0 * y;

    by[0] = lower * y - 1.0;
    by[1] = i * w[0] * lower;
    by[2] = w[0] * second;
    return targets[i - 1] + w[0] * by[0];
}

static double beale_value(const double w[2])
{
    double by[3], sum = 0.0;

    for (int i = 1; i <= 3; i++) {
        const double t = beale_term(w, i, by);

        sum += t * t;
    }
    return sum;
}

static void beale_gradient(const double w[2], double g[2])
{
    double by[3];

    g[0] = g[1] = 0.0;
    for (int i = 1; i <= 3; i++) {
        const double t = beale_term(w, i, by);

        g[0] += 2.0 * t * by[0];
        g[1] += 2.0 * t * by[1];
    }
}

static void beale_curvature(const double w[2], double h[2])
{
    double by[3];

    h[0] = h[1] = 0.0;
    for (int i = 1; i <= 3; i++) {
        const double t = beale_term(w, i, by);

        h[0] += 2.0 * by[0] * by[0];
        h[1] += 2.0 * (by[1] * by[1] + t * by[2]);
    }
}

/* -------------------------------------------------------------------------- */

static const struct cli_function functions[] = {
    {
        .name = "circle",
        .formula = "w1^2 + w2^2",
        .start = {1, 1},
        .value = circle_value,
        .gradient = circle_gradient,
        .curvature = circle_curvature,
        .half = 1.2,
        .power = 2,
        .grid = 61,
    },
    {
        .name = "ellipse",
        .formula = "w1^2 + 8 w2^2",
        .start = {1, 1},
        .value = ellipse_value,
        .gradient = ellipse_gradient,
        .curvature = ellipse_curvature,
        .half = 1.2,
        .power = 2,
        .grid = 61,
    },
    {
        .name = "rosenbrock",
        .formula = "(1 - w1)^2 + 100 (w2 - w1^2)^2",
        .start = {-1.2, 1},
        .minimum = {1, 1},
        .value = rosenbrock_value,
        .gradient = rosenbrock_gradient,
        .curvature = rosenbrock_curvature,
        .centre = {0, 1},
        .half = 2,
        .power = 6,
        .grid = 181,
    },
    {
        .name = "beale",
        .formula = "(1.5 - w1 + w1 w2)^2 + (2.25 - w1 + w1 w2^2)^2 + (2.625 -"
                   " w1 + w1 w2^3)^2",
        .start = {1, 1},
        .minimum = {3, 0.5},
        .value = beale_value,
        .gradient = beale_gradient,
        .curvature = beale_curvature,
        .half = 4.5,
        .power = 6,
        .grid = 181,
    },
};

enum { COUNT = sizeof(functions) / sizeof(functions[0]) };

const struct cli_function *cli_function_at(unsigned index)
{
    return index < COUNT ? &functions[index] : NULL;
}

const struct cli_function *cli_function_find(const char *name)
{
    for (unsigned i = 0; i < COUNT; i++)
        if (strcmp(functions[i].name, name) == 0)
            return &functions[i];
    return NULL;
}
