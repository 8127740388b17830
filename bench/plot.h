/*
 * plot.h - the results as a picture
 * SPDX-License-Identifier: MIT
 */
#ifndef BENCH_PLOT_H
#define BENCH_PLOT_H

#include "measure.h"

#include <stdio.h>

/*
 * Says whether gnuplot, which draws, can be started: CLI_OK, or CLI_FAILED
 * after a line.
 */
int bench_plot_check(void);

/*
 * Draws 'count' results as an SVG into 'out': a bar of GB/s for each, a mark at
 * its limit, and its share above.  'device' is named in the title.  Returns
 * CLI_OK, or CLI_FAILED after a line.
 */
int bench_plot(FILE *out, const struct bench_result *results, size_t count,
               const char *device);

#endif /* BENCH_PLOT_H */
