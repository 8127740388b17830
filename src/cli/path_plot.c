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
    LEVELS = 12, /* contour lines */
    MARKED = 60, /* so many steps have a dot each */
    GROWTH = 3   /* what is shown is at most so much larger than usual */
};

/* Colours that are told apart by those who see few, too. */
static const char *const colours[] = {"#4878b0", "#d1495b", "#3a7d44",
                                      "#e08e2b", "#7a4f9a", "#2ba3a8",
                                      "#8c564b", "#202020"};

enum { COLOURS = sizeof(colours) / sizeof(colours[0]) };

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

static void write_title(FILE *script, const struct path_run *run)
{
    char title[256], x[32], y[32];

    snprintf(title, sizeof(title), "f = %s, %" PRIu64 " step%s from (%s, %s)",
             run->function->formula, run->steps, run->steps > 1 ? "s" : "",
             path_float_text(run->start[0], x),
             path_float_text(run->start[1], y));
    fprintf(script, "set title ");
    cli_gnuplot_quote(script, title);
    fprintf(script, " tc '#202020' font ',%d'\n", strlen(title) > 80 ? 9 : 12);
}

static void write_paths(FILE *script, const struct path_run *run)
{
    const double *minimum = run->function->minimum;

    fprintf(script, "plot $contours using 1:2 with lines lw 1 lc '#c8c8c8'"
                    " notitle");
    for (size_t p = 0; p < run->count; p++) {
        fprintf(script,
                ", \\\n  $path%zu using 1:2 with %s lw 1.5 lc '%s'"
                " title ",
                p, run->steps <= MARKED ? "linespoints pt 7 ps 0.35" : "lines",
                colours[p % COLOURS]);
        cli_gnuplot_quote(script, run->paths[p].label);
    }
    fprintf(script,
            ", \\\n  '+' using (%.9g):(%.9g) every ::::0 with points pt 2"
            " ps 1.2 lw 2 lc '#202020' notitle\n",
            minimum[0], minimum[1]);
}

static void write_script(FILE *script, const struct path_run *run)
{
    const struct cli_function *f = run->function;
    const double half = half_side(run);

    cli_gnuplot_begin(script, run->options->plot, WIDTH,
                      HEIGHT + KEY_LINE * run->count);
    write_contours(script, run, half);
    for (size_t p = 0; p < run->count; p++)
        write_points(script, run, p);
    write_title(script, run);
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
