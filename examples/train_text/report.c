/*
 * report.c - the course of a training, as lines, CSV and drawing
 * SPDX-License-Identifier: MIT
 */
#define _POSIX_C_SOURCE 200809L

#include "report.h"

#include "fail.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static _Noreturn void die_of(const char *name)
{
    die("cannot write %s: %s", name, strerror(errno));
}

static FILE *open_file(const char *name)
{
    FILE *file = fopen(name, "w");

    if (file == NULL)
        die_of(name);
    return file;
}

/* Sees whether 'name' can be written, and leaves it as it is; a link that leads
 * nowhere leads to an empty file then. */
static void try_file(const char *name)
{
    const int created = open(name, O_WRONLY | O_CREAT | O_EXCL, 0666);
    const int file = created < 0 && errno == EEXIST
                         ? open(name, O_WRONLY | O_CREAT | O_NOCTTY, 0666)
                         : created;

    if (file < 0)
        die_of(name);
    close(file);
    if (created >= 0)
        remove(name);
}

/* Begins the CSV, with a line that names the columns. */
static void open_csv(struct report *report)
{
    report->csv = open_file(report->csv_name);
    fputs("step,seconds,training_bits,held_out_bits,held_out_all_bits\n",
          report->csv);
    if (fflush(report->csv) != 0)
        die_of(report->csv_name);
}

static void write_row(const struct report *report, const struct record *record)
{
    fprintf(report->csv, "%ld,%.3f,%.5f,%.5f,", record->step, record->seconds,
            record->training, record->held_out);
    if (!isnan(record->held_out_all))
        fprintf(report->csv, "%.5f", record->held_out_all);
    putc('\n', report->csv);
    if (fflush(report->csv) != 0)
        die_of(report->csv_name);
}

void report_add(struct report *report, const struct record *record)
{
    wipe_progress();
    if (report->count == 0)
        puts("\n    step   seconds  training  held out  (bits per character)");
    printf("%8ld %9.1f %9.3f %9.3f\n", record->step, record->seconds,
           record->training, record->held_out);
    fflush(stdout);
    if (report->csv_name != NULL) {
        if (report->csv == NULL)
            open_csv(report);
        write_row(report, record);
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
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY,
                                         0) != 0 ||
        posix_spawn_file_actions_addclose(&actions, ends[1]) != 0)
        die("cannot prepare gnuplot: %s", strerror(errno));
    const int code =
        posix_spawnp(&child, name, &actions, NULL, arguments, environ);
    if (code != 0)
        die("--plot needs gnuplot, which cannot be started: %s",
            strerror(code));
    posix_spawn_file_actions_destroy(&actions);
    close(ends[0]);
    *input = fdopen(ends[1], "w");
    if (*input == NULL)
        die("cannot write to gnuplot: %s", strerror(errno));
    return child;
}

/* The points of one kind of loss, as gnuplot reads them; a NaN is none. */
static void
write_points(FILE *gnuplot, const struct report *report, size_t offset)
{
    for (size_t i = 0; i < report->count; i++) {
        const char *record = (const char *)&report->records[i];
        const double loss = *(const double *)(record + offset);

        if (!isnan(loss))
            fprintf(gnuplot, "%ld %.5f\n", report->records[i].step, loss);
    }
    fputs("e\n", gnuplot);
}

static void
write_drawing(FILE *gnuplot, const struct report *report, const char *title)
{
    const long steps = report->records[report->count - 1].step;

    fputs("set terminal svg size 960,600 font 'sans-serif,18' "
          "background 'white' noenhanced\n"
          "set xlabel 'step'\n"
          "set ylabel 'bits per character'\n"
          "set grid linecolor '#dddddd'\n"
          "set pointsize 0.4\n",
          gnuplot);
    /* A little wider, so that no point lies on the frame. */
    fprintf(gnuplot, "set title '%s'\nset xrange [0:%.4f]\n", title,
            1.03 * (double)steps);
    fputs("plot '-' with linespoints linewidth 3 pointtype 7 "
          "linecolor '#0072b2' title 'training text', "
          "'-' with linespoints linewidth 3 pointtype 7 "
          "linecolor '#d55e00' title 'held-out text, a sample', "
          "'-' with points pointtype 7 pointsize 1.2 "
          "linecolor '#d55e00' title 'held-out text, all'\n",
          gnuplot);
    write_points(gnuplot, report, offsetof(struct record, training));
    write_points(gnuplot, report, offsetof(struct record, held_out));
    write_points(gnuplot, report, offsetof(struct record, held_out_all));
}

static FILE *open_temporary(void)
{
    FILE *file = tmpfile();

    if (file == NULL)
        die("cannot create a temporary file: %s", strerror(errno));
    return file;
}

/* Sees whether gnuplot can be started, by a drawing of nothing. */
static void try_gnuplot(void)
{
    FILE *output = open_temporary(), *gnuplot;
    int status;
    const pid_t child = start_gnuplot(output, &gnuplot);

    fclose(gnuplot);
    fclose(output);
    if (waitpid(child, &status, 0) != child || status != 0)
        die("--plot needs gnuplot, which cannot be started");
}

/* Lets gnuplot draw into 'output'. */
static void draw(const struct report *report, const char *title, FILE *output)
{
    FILE *gnuplot;
    int status;
    void (*old)(int) = signal(SIGPIPE, SIG_IGN);
    const pid_t child = start_gnuplot(output, &gnuplot);

    write_drawing(gnuplot, report, title);
    fclose(gnuplot);
    if (waitpid(child, &status, 0) != child || status != 0)
        die("gnuplot could not draw %s", report->plot_name);
    signal(SIGPIPE, old);
}

/* Writes what is in 'drawing' to the file 'name'. */
static void copy(FILE *drawing, const char *name)
{
    FILE *file = open_file(name);
    char part[4096];
    size_t size;

    rewind(drawing);
    while ((size = fread(part, 1, sizeof(part), drawing)) > 0)
        if (fwrite(part, 1, size, file) != size)
            die_of(name);
    if (ferror(drawing) || fclose(file) != 0)
        die_of(name);
}

/* --- the whole ------------------------------------------------------------ */

struct report report_open(const char *csv, const char *plot)
{
    struct report report = {.csv_name = csv, .plot_name = plot};
    struct stat status;

    if (plot != NULL) {
        try_file(plot);
        try_gnuplot();
    }

    /* A device or a pipe has nothing to lose, and is opened once. */
    if (csv != NULL && stat(csv, &status) == 0 && !S_ISREG(status.st_mode))
        open_csv(&report);
    else if (csv != NULL)
        try_file(csv);
    return report;
}

void report_close(struct report *report, const char *title)
{
    if (report->csv != NULL && fclose(report->csv) != 0)
        die_of(report->csv_name);
    if (report->plot_name != NULL) {
        FILE *drawing = open_temporary();

        draw(report, title, drawing);
        copy(drawing, report->plot_name);
        fclose(drawing);
    }
    free(report->records);
    *report = (struct report){0};
}
