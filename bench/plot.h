/*
 * plot.h - the results as a picture
 * SPDX-License-Identifier: MIT
 */
#ifndef BENCH_PLOT_H
#define BENCH_PLOT_H

#include "measure.h"

#include <stdio.h>

/*
 * Draws 'count' results as an SVG into the file 'plot', as cli_gnuplot_draw()
 * does: a bar of GB/s for each, its share above, and a mark where the bar would
 * end at a share of 1.  The title names 'device' and, if there are any,
 * 'settings'.
 */
int bench_plot(struct cli_file *plot, const struct bench_result *results,
               size_t count, const char *device, const char *settings);

#endif /* BENCH_PLOT_H */
