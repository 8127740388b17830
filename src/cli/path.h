/*
 * path.h - the parts of `clstep path`
 * SPDX-License-Identifier: MIT
 */
#ifndef CLI_PATH_H
#define CLI_PATH_H

#include "functions.h"
#include "gnuplot.h"

struct path_options {
    char *function, *start, *steps, *device, *csv, *plot;
    char **rules; /* "rule", its name, "set", a setting of it, "rule", ... */
    int reference, json;
};

struct path_point {
    float w[2];
    double f;
};

/* A rule with its settings, and where it went. */
struct path {
    const clstep_rule *rule;
    const char **texts; /* "lr=0.1", ended by NULL; not owned but the list */
    clstep_setting *settings;
    char *label;               /* "adam lr=0.1" */
    struct path_point *points; /* steps + 1, from the start on */
};

struct path_run {
    const struct path_options *options;
    const struct cli_function *function;
    float start[2];
    uint64_t steps;
    struct path *paths;
    size_t count;
    char device[256]; /* its name, or "" for the reference */
    const char *verdict;
    struct cli_file csv, plot;
};

/* The shortest text that reads back as 'number'; returns 'text'. */
const char *path_float_text(float number, char text[32]);

/* Draws the paths into the plot: CLI_OK, or CLI_FAILED after a line. */
int path_plot(struct path_run *run);

#endif /* CLI_PATH_H */
