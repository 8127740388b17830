/*
 * functions.h - functions of two parameters, to see steps on
 * SPDX-License-Identifier: MIT
 */
#ifndef CLI_FUNCTIONS_H
#define CLI_FUNCTIONS_H

struct cli_function {
    const char *name;
    const char *formula;

    /* The least value is 0, at 'minimum'. */
    double start[2], minimum[2];

    /* f, its gradient, and the diagonal of its Hessian, at 'w'. */
    double (*value)(const double w[2]);
    void (*gradient)(const double w[2], double g[2]);
    void (*curvature)(const double w[2], double h[2]);

    /* What a picture shows: a square, of half the side 'half'.  The levels of
     * its contour lines grow with this power, and are found on a grid of so
     * many points on a side. */
    double centre[2], half;
    int power, grid;
};

/* The function at 'index', or NULL past the last, and the one called 'name', or
 * NULL. */
const struct cli_function *cli_function_at(unsigned index);
const struct cli_function *cli_function_find(const char *name);

#endif /* CLI_FUNCTIONS_H */
