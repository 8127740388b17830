/*
 * report.c - the course of a training, as lines, CSV and drawing
 * SPDX-License-Identifier: MIT
 */
#define _POSIX_C_SOURCE 200809L

#include "report.h"

#include "fail.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static FILE *open_file(const char *name)
{
    FILE *file = name != NULL ? fopen(name, "w") : NULL;

    if (name != NULL && file == NULL)
        die("cannot write %s: %s", name, strerror(errno));
    return file;
}

static void close_file(FILE *file, const char *name)
{
    const int failed = ferror(file);

    if (fclose(file) != 0 || failed)
        die("cannot write %s: %s", name, strerror(errno));
}

struct report report_open(const char *csv, const char *plot)
{
    struct report report = {.csv = open_file(csv),
                            .plot = open_file(plot),
                            .csv_name = csv,
                            .plot_name = plot};

    if (report.csv != NULL)
        fputs("step,seconds,training_bits,held_out_bits\n", report.csv);
    return report;
}

void report_add(struct report *report, const struct record *record)
{
    wipe_progress();
    if (report->count == 0)
        puts("\n    step   seconds  training  held out  (bits per character)");
    printf("%8ld %9.1f %9.3f %9.3f\n", record->step, record->seconds,
           record->training, record->held_out);
    fflush(stdout);
    if (report->csv != NULL) {
        fprintf(report->csv, "%ld,%.3f,%.5f,%.5f\n", record->step,
                record->seconds, record->training, record->held_out);
        fflush(report->csv);
    }
    report->records = realloc(report->records,
                              (report->count + 1) * sizeof(*report->records));
    if (report->records == NULL)
        die("out of memory");
    report->records[report->count++] = *record;
}

/* --- drawing -------------------------------------------------------------- */

/* Starts gnuplot, which writes to 'output' and reads what '*input' is given. */
static pid_t start_gnuplot(FILE *output, FILE **input)
{
    static char name[] = "gnuplot";
    char *arguments[] = {name, NULL};
    posix_spawn_file_actions_t actions;
    int ends[2];
    pid_t child;

    if (pipe(ends) != 0 || posix_spawn_file_actions_init(&actions) != 0 ||
        posix_spawn_file_actions_adddup2(&actions, ends[0], 0) != 0 ||
        posix_spawn_file_actions_adddup2(&actions, fileno(output), 1) != 0 ||
        posix_spawn_file_actions_addclose(&actions, ends[1]) != 0)
        die("cannot prepare gnuplot: %s", strerror(errno));
    const int code =
        posix_spawnp(&child, name, &actions, NULL, arguments, environ);
    if (code != 0)
        die("cannot start gnuplot: %s", strerror(code));
    posix_spawn_file_actions_destroy(&actions);
    close(ends[0]);
    *input = fdopen(ends[1], "w");
    if (*input == NULL)
        die("cannot write to gnuplot: %s", strerror(errno));
    return child;
}

/* The points of 'count' records from 'first' on, as gnuplot reads them. */
static void write_points(FILE *gnuplot, const struct report *report,
                         size_t first, size_t count, int held_out)
{
    for (size_t i = first; i < first + count; i++)
        fprintf(gnuplot, "%ld %.5f\n", report->records[i].step,
                held_out ? report->records[i].held_out
                         : report->records[i].training);
    fputs("e\n", gnuplot);
}

static void
write_drawing(FILE *gnuplot, const struct report *report, const char *title)
{
    const size_t last = report->count - 1;

    fputs("set terminal svg size 960,600 font 'sans-serif,18' "
          "background 'white' noenhanced\n"
          "set xlabel 'step'\n"
          "set ylabel 'bits per character'\n"
          "set grid linecolor '#dddddd'\n"
          "set pointsize 0.4\n",
          gnuplot);
    fprintf(gnuplot, "set title '%s'\nset xrange [0:%ld]\n", title,
            report->records[last].step);
    fputs("plot '-' with linespoints linewidth 3 pointtype 7 "
          "linecolor '#0072b2' title 'training text', "
          "'-' with linespoints linewidth 3 pointtype 7 "
          "linecolor '#d55e00' title 'held-out text, a sample', "
          "'-' with points pointtype 7 pointsize 1.2 "
          "linecolor '#d55e00' title 'held-out text, all'\n",
          gnuplot);
    write_points(gnuplot, report, 0, report->count, 0);
    write_points(gnuplot, report, 0, last > 0 ? last : 1, 1);
    write_points(gnuplot, report, last, 1, 1);
}

static void draw(const struct report *report, const char *title)
{
    FILE *gnuplot;
    int status;
    void (*old)(int) = signal(SIGPIPE, SIG_IGN);
    const pid_t child = start_gnuplot(report->plot, &gnuplot);

    write_drawing(gnuplot, report, title);
    fclose(gnuplot);
    if (waitpid(child, &status, 0) != child || status != 0)
        die("gnuplot could not draw %s", report->plot_name);
    signal(SIGPIPE, old);
}

void report_close(struct report *report, const char *title)
{
    if (report->csv != NULL)
        close_file(report->csv, report->csv_name);
    if (report->plot != NULL) {
        draw(report, title);
        close_file(report->plot, report->plot_name);
    }
    free(report->records);
    *report = (struct report){0};
}
