/*
 * report.h - the course of a training, as lines, CSV and drawing
 * SPDX-License-Identifier: MIT
 */
#ifndef REPORT_H
#define REPORT_H

#include <stddef.h>
#include <stdio.h>

/* Losses are in bits per character. */
struct record {
    long step;
    double seconds;
    double training;     /* since the record before */
    double held_out;     /* of a sample, the same one for every record */
    double held_out_all; /* of the whole text; a NaN but in the last record */
};

struct report {
    FILE *csv;                        /* or NULL: not open yet */
    const char *csv_name, *plot_name; /* or NULL */
    struct record *records;
    size_t count;
};

/*
 * Sees whether the CSV and the plot can be written, where the names are not
 * NULL; exits with 1 if not.  The CSV is written from the first record on, the
 * plot at the end only: until then an old file stays as it is.
 */
struct report report_open(const char *csv, const char *plot);

/* Prints the record on stdout, and adds it to the CSV. */
void report_add(struct report *report, const struct record *record);

/* Closes the CSV, and draws the records under 'title'. */
void report_close(struct report *report, const char *title);

#endif /* REPORT_H */
