/*
 * schedule.h - the parts of `clstep schedule`
 * SPDX-License-Identifier: MIT
 */
#ifndef CLI_SCHEDULE_H
#define CLI_SCHEDULE_H

#include "gnuplot.h"
#include "safetensors.h"

struct schedule_options {
    char **settings;
    char *steps, *metrics, *state_in, *state_out, *csv, *plot;
    int json;
};

struct schedule_row {
    double lr, momentum, metric;
};

struct schedule_run {
    const struct schedule_options *options;
    const clstep_schedule_kind *kind;
    clstep_schedule *schedule;
    uint64_t steps, first; /* wanted, and the number of the first */
    double *metrics;       /* or NULL */
    size_t metric_count;
    struct schedule_row *rows;
    size_t count; /* steps until it stopped */
    int has_momentum;
    struct cli_file csv, plot;
    struct safetensors_writer *state_out; /* or NULL */
};

/* Draws the rows into the plot: CLI_OK, or CLI_FAILED after a line. */
int schedule_plot(struct schedule_run *run);

/* Takes the state from its file: -1 to go on, or CLI_FAILED after a line. */
int schedule_read_state(struct schedule_run *run);

/*
 * Writes the state beside its file; the commit gives it that name.  CLI_OK, or
 * CLI_FAILED after a line.
 */
int schedule_write_state(struct schedule_run *run);
int schedule_commit_state(struct schedule_run *run);

#endif /* CLI_SCHEDULE_H */
