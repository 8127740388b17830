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
 * Draws 'count' results as an SVG into 'svg', a temporary file: a bar of GB/s
 * for each, its share above, and a mark where the bar would end at a share of
 * 1.  The title names 'device' and, if there are any, 'settings'.  Returns
 * CLI_OK if all of it is there, or CLI_FAILED after a line.
 */
int bench_plot(FILE *svg, const struct bench_result *results, size_t count,
               const char *device, const char *settings);

#endif /* BENCH_PLOT_H */
