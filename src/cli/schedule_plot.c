/*
 * schedule_plot.c - the values of a schedule as a picture
 * SPDX-License-Identifier: MIT
 */
#include "schedule.h"

#include <inttypes.h>

#define LR_COLOUR       "#4878b0"
#define MOMENTUM_COLOUR "#d1495b"

enum { MARKED = 60 }; /* so many steps have a dot each */

/* "cosine lr=0.1 T_max=10" */
static void write_title(FILE *script, const struct schedule_run *run)
{
    char title[512];
    size_t used = (size_t)snprintf(title, sizeof(title), "%s",
                                   clstep_schedule_kind_name(run->kind));
    char **given = run->options->settings;

    for (; given != NULL && *given != NULL && used < sizeof(title); given++)
        used +=
            (size_t)snprintf(title + used, sizeof(title) - used, " %s", *given);
    fprintf(script, "set title ");
    cli_gnuplot_quote(script, title);
    fprintf(script, " tc '#202020' font ',14'\n");
}

static void write_script(FILE *script, const struct schedule_run *run)
{
    const char *style =
        run->count <= MARKED ? "linespoints pt 7 ps 0.4" : "lines";

    cli_gnuplot_begin(script, run->options->plot, 900, 420);
    fprintf(script,
            "set border %d lc '#606060'\n"
            "set xlabel 'step' tc '#202020'\n"
            "set ylabel 'learning rate' tc '" LR_COLOUR "'\n"
            "set tics nomirror tc '#606060'\n"
            "set grid ytics lt 1 lw 1 lc '#e4e4e4'\n"
            "set offsets graph 0, graph 0, graph 0.05, graph 0\n"
            "unset key\n",
            run->has_momentum ? 11 : 3);
    write_title(script, run);
    if (run->has_momentum)
        fprintf(script, "set y2label 'momentum' tc '" MOMENTUM_COLOUR "'\n"
                        "set y2tics tc '#606060'\n");
    fprintf(script, "$values << EOD\n");
    for (size_t i = 0; i < run->count; i++)
        fprintf(script, "%" PRIu64 " %.17g %.17g\n", run->first + i,
                run->rows[i].lr, run->rows[i].momentum);
    fprintf(script,
            "EOD\n"
            "plot $values using 1:2 with %s lw 2 lc '" LR_COLOUR "'",
            style);
    if (run->has_momentum)
        fprintf(script,
                ", '' using 1:3 axes x1y2 with %s lw 2 lc '" MOMENTUM_COLOUR
                "'",
                style);
    putc('\n', script);
}

int schedule_plot(struct schedule_run *run)
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
