/*
 * path_plot.c - paths on contour lines
 * SPDX-License-Identifier: MIT
 */
#include "path.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum {
    WIDTH = 640,
    HEIGHT = 640, /* of the square; each line of the key is below it */
    KEY_LINE = 20,
    ROW = 46,    /* letters of a line of the key that fit */
    TITLE = 60,  /* of a title; of a smaller one more do */
    LEVELS = 12, /* contour lines */
    MARKED = 60, /* so many steps have a dot each */
    GROWTH = 3   /* what is shown is at most so much larger than usual */
};

/* Colours that are told apart by those who see few, too. */
static const char *const colours[] = {"#4878b0", "#d1495b", "#3a7d44",
                                      "#e08e2b", "#7a4f9a", "#2ba3a8",
                                      "#8c564b", "#202020"};

enum { COLOURS = sizeof(colours) / sizeof(colours[0]) };

/* What tells paths of one colour apart: the dashes of their lines, and the
 * points, between which no dash may fit. */
static const struct {
    const char *dashes;
    int point;
} styles[] = {{"", 7},          {" dt '-'", 5},   {" dt '.'", 9},
              {" dt '_'", 13},  {" dt '-.'", 6},  {" dt '_.'", 4},
              {" dt '-..'", 8}, {" dt '_..'", 12}};

enum { STYLES = sizeof(styles) / sizeof(styles[0]) };

/* Moves '*text' behind what fits a row, which is returned: words, or a part of
 * one that does not. */
static int take_row(const char **text)
{
    const char *const row = *text;
    size_t length = strlen(row);

    if (length > ROW) {
        length = ROW;
        while (length > 0 && row[length] != ' ')
            length--;
        if (length == 0)
            length = ROW;
    }
    *text = row + length + strspn(row + length, " ");
    return (int)length;
}

/* The lines below and above the square for which the picture grows: those of
 * the key, and air where something has more than one. */
static size_t count_lines(const struct path_run *run, bool long_title)
{
    size_t rows = 0;

    for (size_t p = 0; p < run->count; p++) {
        const char *rest = run->paths[p].label;

        while (*rest != '\0') {
            take_row(&rest);
            rows++;
        }
    }
    return rows + (rows > run->count) + (long_title ? 2 : 0);
}

/* Half the side of a square around the function's centre that has the paths in
 * it, as far as they stay near. */
static double half_side(const struct path_run *run)
{
    const struct cli_function *f = run->function;
    const double most = GROWTH * f->half;
    double half = f->half;

    for (size_t p = 0; p < run->count; p++) {
        for (uint64_t t = 0; t <= run->steps; t++) {
            for (int i = 0; i < 2; i++) {
                const double w = (double)run->paths[p].points[t].w[i];
                const double off = 1.05 * fabs(w - f->centre[i]);

                if (off > half) /* not a NaN */
                    half = off < most ? off : most;
            }
        }
    }

    /* The start is shown wherever it is. */
    for (int i = 0; i < 2; i++)
        half = fmax(half, 1.05 * fabs((double)run->start[i] - f->centre[i]));
    return half;
}

/* The grid of values, and the levels in front of it. */
static void
write_contours(FILE *script, const struct path_run *run, double half)
{
    const struct cli_function *f = run->function;
    double most = 0.0;

    fprintf(script, "$grid << EOD\n");
    for (int row = 0; row < f->grid; row++) {
        for (int column = 0; column < f->grid; column++) {
            const double w[2] = {
                f->centre[0] + half * (2.0 * column / (f->grid - 1) - 1.0),
                f->centre[1] + half * (2.0 * row / (f->grid - 1) - 1.0)};
            const double value = f->value(w);

            most = fmax(most, value);
            fprintf(script, "%.6g %.6g %.9g\n", w[0], w[1], value);
        }
        putc('\n', script);
    }
    fprintf(script, "EOD\n"
                    "set contour base\n"
                    "unset surface\n"
                    "set cntrparam levels discrete ");
    for (int i = 1; i < LEVELS; i++)
        fprintf(script, "%s%.9g", i > 1 ? ", " : "",
                most * pow((double)i / LEVELS, f->power));
    fprintf(script, "\n"
                    "set table $contours\n"
                    "splot $grid using 1:2:3\n"
                    "unset table\n");
}

/* A path ends in the picture where it leaves the numbers. */
static void write_points(FILE *script, const struct path_run *run, size_t index)
{
    const struct path *path = &run->paths[index];

    fprintf(script, "$path%zu << EOD\n", index);
    for (uint64_t t = 0; t <= run->steps; t++) {
        const float *w = path->points[t].w;

        if (!isfinite(w[0]) || !isfinite(w[1]))
            break;
        fprintf(script, "%.9g %.9g\n", (double)w[0], (double)w[1]);
    }
    fprintf(script, "EOD\n");
}

struct title {
    char function[128], steps[128];
    bool two_lines;
};

static struct title title_of(const struct path_run *run)
{
    struct title title;
    char x[32], y[32];

    snprintf(title.function, sizeof(title.function), "f = %s",
             run->function->formula);
    snprintf(title.steps, sizeof(title.steps),
             "%" PRIu64 " step%s from (%s, %s)", run->steps,
             run->steps > 1 ? "s" : "", path_float_text(run->start[0], x),
             path_float_text(run->start[1], y));
    title.two_lines = strlen(title.function) + strlen(title.steps) + 2 > TITLE;
    return title;
}

static void write_title(FILE *script, const struct title *title)
{
    char line[sizeof(title->function) + sizeof(title->steps) + 2];

    snprintf(line, sizeof(line), "%s, %s", title->function, title->steps);
    fprintf(script, "set title ");
    cli_gnuplot_quote(script, title->two_lines ? title->function : line);
    if (title->two_lines) {
        fprintf(script, " . \"\\n\" . ");
        cli_gnuplot_quote(script, title->steps);
    }
    fprintf(script, " tc '#202020' font ',%d'\n",
            strlen(title->function) > TITLE ? 9 : 12);
}

/* The first row is the path's; gnuplot's key has no other lines for the rest.
 */
static void write_label(FILE *script, const char *label)
{
    const char *row = label;
    char text[ROW + 1];

    for (bool first = true; *label != '\0'; first = false, row = label) {
        snprintf(text, sizeof(text), "%.*s", take_row(&label), row);
        if (!first)
            fprintf(script, ", \\\n  NaN with dots lc '#ffffff' title ");
        cli_gnuplot_quote(script, text);
    }
}

static void write_paths(FILE *script, const struct path_run *run)
{
    const double *minimum = run->function->minimum;

    fprintf(script, "plot $contours using 1:2 with lines lw 1 lc '#c8c8c8'"
                    " notitle");
    for (size_t p = 0; p < run->count; p++) {
        const size_t style = p / COLOURS % STYLES;

        fprintf(script, ", \\\n  $path%zu using 1:2 with ", p);
        if (run->steps <= MARKED)
            fprintf(script, "linespoints pt %d ps %s", styles[style].point,
                    style == 0 ? "0.35" : "0.6");
        else
            fprintf(script, "lines");
        fprintf(script, " lw 1.5 lc '%s'%s title ", colours[p % COLOURS],
                styles[style].dashes);
        write_label(script, run->paths[p].label);
    }
    fprintf(script,
            ", \\\n  '+' using (%.9g):(%.9g) every ::::0 with points pt 2"
            " ps 1.2 lw 2 lc '#202020' notitle\n",
            minimum[0], minimum[1]);
}

static void write_script(FILE *script, const struct path_run *run)
{
    const struct cli_function *f = run->function;
    const struct title title = title_of(run);
    const double half = half_side(run);

    cli_gnuplot_begin(script, run->options->plot, WIDTH,
                      HEIGHT + KEY_LINE * count_lines(run, title.two_lines));
    write_contours(script, run, half);
    for (size_t p = 0; p < run->count; p++)
        write_points(script, run, p);
    write_title(script, &title);
    fprintf(script,
            "set size ratio -1\n"
            "set border lc '#606060'\n"
            "set xlabel 'w1' tc '#202020'\n"
            "set ylabel 'w2' tc '#202020'\n"
            "set tics nomirror tc '#606060'\n"
            "set key below vertical maxcols 1 left Left reverse tc"
            " '#202020'\n"
            "set xrange [%.9g:%.9g]\n"
            "set yrange [%.9g:%.9g]\n",
            f->centre[0] - half, f->centre[0] + half, f->centre[1] - half,
            f->centre[1] + half);
    write_paths(script, run);
}

int path_plot(struct path_run *run)
{
    FILE *script = tmpfile();
    int code;

    if (script == NULL)
        return cli_fail("no temporary file for the plot");
    write_script(script, run);
    code = cli_gnuplot_draw(script, &run->plot);
    fclose(script);
    return code;
}
