/*
 * report.h - where results go: a table or JSON on stdout, CSV and SVG in files
 * SPDX-License-Identifier: MIT
 */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include "measure.h"

#include <stdio.h>

struct bench_report {
    bool json;  /* one object on stdout, and nothing else there */
    bool parts; /* the table tells the parts of steps */
    struct cli_file csv, plot;
    const char *device; /* owned by the cli_device */
    char *settings;     /* as given: "amsgrad=1 lr=0.1", or "" */
    json_t *context, *benchmarks;
};

/*
 * Opens the files, so that what cannot be written is known before anything is
 * measured.  They get their names at the end: until then an old file stays as
 * it is.  Returns CLI_OK, or another exit code after a line;
 * bench_report_close() is due in both cases.
 */
int bench_report_open(struct bench_report *report, bool json, const char *csv,
                      const char *plot);

/* Says what is measured on, before the first result. */
int bench_report_begin(struct bench_report *report,
                       const struct cli_device *device, char *const *settings,
                       int rounds);

/* Adds one result: prints it, and writes it to the CSV. */
int bench_report_add(struct bench_report *report,
                     const struct bench_result *result);

/* Prints and draws what needs all results, and gives the files their names. */
int bench_report_end(struct bench_report *report,
                     const struct bench_result *results, size_t count);

void bench_report_close(struct bench_report *report);

#endif /* BENCH_REPORT_H */
