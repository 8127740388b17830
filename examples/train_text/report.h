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
    double training; /* since the record before */
    double held_out;
};

struct report {
    FILE *csv, *plot; /* or NULL */
    const char *csv_name, *plot_name;
    struct record *records;
    size_t count;
};

/* Opens the files whose names are not NULL; exits with 1 if one cannot be. */
struct report report_open(const char *csv, const char *plot);

/* Prints the record on stdout, and adds it to the CSV. */
void report_add(struct report *report, const struct record *record);

/*
 * Draws the records, the last of which is of the whole held-out text, under
 * 'title', and closes the files.
 */
void report_close(struct report *report, const char *title);

#endif /* REPORT_H */
