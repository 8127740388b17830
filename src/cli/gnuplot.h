/*
 * gnuplot.h - pictures by gnuplot
 * SPDX-License-Identifier: MIT
 */
#ifndef CS_GNUPLOT_H
#define CS_GNUPLOT_H

#include "cli.h"

#include <stdio.h>

/*
 * Says whether gnuplot, which draws, can be started: CLI_OK, or CLI_FAILED
 * after a line.
 */
int cli_gnuplot_check(void);

/* Says whether 'name', the value of --plot, can be that of an SVG: CLI_OK, or
 * CLI_MISUSED after a line. */
int cli_gnuplot_check_name(const char *name);

/* Writes 'text' in gnuplot's quotes. */
void cli_gnuplot_quote(FILE *file, const char *text);

/*
 * Draws by 'script', a file that was written from its beginning and sets the
 * terminal to svg, into 'out'.  Returns CLI_OK, or CLI_FAILED after a line;
 * whether all of 'out' could be written is known at its closing.
 */
int cli_gnuplot_draw(FILE *script, FILE *out);

#endif /* CS_GNUPLOT_H */
