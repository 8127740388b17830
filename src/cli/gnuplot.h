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

/*
 * Says whether 'name', the value of --plot, can be that of an SVG, or where
 * 'png_too' of a PNG: CLI_OK, or CLI_MISUSED after a line.
 */
int cli_gnuplot_check_name(const char *name, bool png_too);

/* Begins a script: a picture of 'width' by 'height' points, a PNG if 'name'
 * ends so, else an SVG. */
void cli_gnuplot_begin(FILE *script, const char *name, size_t width,
                       size_t height);

/* Writes 'text' in gnuplot's quotes. */
void cli_gnuplot_quote(FILE *file, const char *text);

/*
 * Draws by 'script', a file that was written from its beginning and begun with
 * the same name, into the file 'plot', which is open, and is the caller's to
 * finish, which tells whether all could be written.  Returns CLI_OK, or
 * CLI_FAILED after a line.
 */
int cli_gnuplot_draw(FILE *script, struct cli_file *plot);

#endif /* CS_GNUPLOT_H */
