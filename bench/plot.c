/*
 * plot.c - see plot.h
 * SPDX-License-Identifier: MIT
 */
#include "plot.h"

#include "gnuplot.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#define STEP_COLOUR  "#4878b0"
#define LIMIT_COLOUR "#d1495b"

enum {
    HEIGHT = 420,     /* of a panel, at a width of 900 */
    FEW_BARS = 6,     /* fewer are drawn as if there were as many */
    LEANING_BARS = 8, /* with more, the names of the rules lean */
    MANY_BARS = 16    /* with more, a share has no sign of percent */
};

/* --- the script ----------------------------------------------------------- */

/* What the title names besides the layout. */
struct names {
    const char *device, *settings;
};

/* 33554432 as "33,554,432". */
static void group_digits(uint64_t number, char *text, size_t size)
{
    char digits[32];
    const int length = snprintf(digits, sizeof(digits), "%" PRIu64, number);
    size_t used = 0;

    for (int i = 0; i < length && used + 2 < size; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            text[used++] = ',';
        text[used++] = digits[i];
    }
    text[used] = '\0';
}

/* How many results from the first on are of the same layout. */
static size_t panel_length(const struct bench_result *results, size_t count)
{
    size_t length = 1;

    while (length < count && strcmp(results[length].what, results->what) == 0)
        length++;
    return length;
}

static size_t count_panels(const struct bench_result *results, size_t count)
{
    size_t panels = 0;

    for (size_t i = 0; i < count; i += panel_length(results + i, count - i))
        panels++;
    return panels;
}

/*
 * Where the limit is drawn.  The share is the median of ratios, not the ratio
 * of the medians: the mark goes with the share that is printed.
 */
static double mark_of(const struct bench_result *r)
{
    return r->share > 0 ? r->gb_per_s / r->share : r->limit_gb_per_s;
}

/* One row a bar: place, label, GB/s, the mark's, and the share in percent. */
static void write_data(FILE *script, const struct bench_result *results,
                       size_t count, size_t panel)
{
    fprintf(script, "$bars%zu << EOD\n", panel);
    for (size_t i = 0; i < count; i++)
        fprintf(script, "%zu \"%s\" %.6g %.6g %.0f%s\n", i, results[i].rule,
                results[i].gb_per_s, mark_of(&results[i]),
                100 * results[i].share, count > MANY_BARS ? "" : "%");
    fprintf(script, "EOD\n");
}

/*
 * The title and the legend, by hand: gnuplot's own key moves with the lengths
 * of the texts.
 */
static void write_head(FILE *script, const struct bench_result *first,
                       const struct names *names, bool many)
{
    const char *with = names->settings[0] != '\0' ? " with " : "";
    char title[1024], parameters[48];

    group_digits(first->count, parameters, sizeof(parameters));
    if (first->tensors > 1)
        snprintf(title, sizeof(title),
                 "One step of %s (%s parameters)%s%s on %s", first->what,
                 parameters, with, names->settings, names->device);
    else
        snprintf(title, sizeof(title), "One step of %s parameters%s%s on %s",
                 parameters, with, names->settings, names->device);

    fprintf(script, "unset label\nset label 1 ");
    cli_gnuplot_quote(script, title);
    fprintf(script,
            " at screen 0.09, screen y(0.93) font ',14' tc '#202020'\n"
            "set object 1 rectangle from screen 0.09, screen y(0.842)"
            " to screen 0.107, screen y(0.872) fc '" STEP_COLOUR "' fs solid"
            " noborder\n"
            "set label 2 'a step' at screen 0.114, screen y(0.857)\n"
            "set arrow 1 from screen 0.19, screen y(0.857)"
            " to screen 0.215, screen y(0.857) nohead lw 2.5"
            " lc '" LIMIT_COLOUR "'\n"
            "set label 3 'the limit: the same loads and stores, no arithmetic"
            " but one addition each' at screen 0.222, screen y(0.857)\n"
            "set label 4 '%s' at screen 0.985, screen y(0.857) right\n",
            many ? "above: the share of it in %" : "above: the share of it");
}

/* Few bars stay narrow, and many labels lean. */
static void
write_axes(FILE *script, const struct bench_result *results, size_t count)
{
    const double margin = count < FEW_BARS ? (FEW_BARS - (double)count) / 2 : 0;
    double top = 0;
    size_t longest = 0;

    for (size_t i = 0; i < count; i++) {
        const struct bench_result *r = &results[i];

        top = r->gb_per_s > top ? r->gb_per_s : top;
        top = mark_of(r) > top ? mark_of(r) : top;
        longest = strlen(r->rule) > longest ? strlen(r->rule) : longest;
    }

    /* A letter is about 7 of the 420 points, and 5 high when it leans. */
    fprintf(script, "set xtics scale 0 tc '#202020' %s\n",
            count > LEANING_BARS ? "rotate by 45 right" : "norotate");
    fprintf(script, "set bmargin at screen y(%.4f)\n",
            count > LEANING_BARS ? (24 + 5 * (double)longest) / HEIGHT
                                 : 36.0 / HEIGHT);
    fprintf(script,
            "set tmargin at screen y(0.81)\n"
            "set xrange [%.1f:%.1f]\n"
            "set yrange [0:%.6g]\n",
            -0.6 - margin, (double)count - 0.4 + margin,
            top > 0 ? 1.12 * top : 1.0);
}

static void write_panel(FILE *script, const struct bench_result *results,
                        size_t count, size_t panel, const struct names *names)
{
    fprintf(script, "panel = %zu\n", panel);
    write_data(script, results, count, panel);
    write_head(script, results, names, count > MANY_BARS);
    write_axes(script, results, count);
    fprintf(script,
            "plot $bars%zu using 1:3:xtic(2) with boxes lc '" STEP_COLOUR
            "', \\\n"
            "  '' using ($1 - 0.45):4:(0.9):(0) with vectors nohead lw 2.5"
            " lc '" LIMIT_COLOUR "', \\\n"
            "  '' using 1:($3 > $4 ? $3 : $4):5 with labels offset 0,0.7"
            " font ',10' tc '#202020'\n",
            panel);
}

/* One panel for each layout, from the top down. */
static void
write_script(FILE *script, const char *name, const struct bench_result *results,
             size_t count, const struct names *names)
{
    const size_t panels = count_panels(results, count);
    size_t length;

    cli_gnuplot_begin(script, name, 900, panels * HEIGHT);
    fprintf(script,
            "y(part) = (%zu - 1 - panel + part) / %zu.0\n"
            "set multiplot\n"
            "unset key\n"
            "set lmargin at screen 0.09\n"
            "set rmargin at screen 0.985\n"
            "set border 1 lc '#606060'\n"
            "set ylabel 'GB/s' tc '#202020'\n"
            "set ytics scale 0 tc '#606060'\n"
            "set grid ytics lt 1 lw 1 lc '#e4e4e4'\n"
            "set style fill solid noborder\n"
            "set boxwidth 0.7\n",
            panels, panels);
    for (size_t panel = 0; panel < panels; panel++) {
        length = panel_length(results, count);
        write_panel(script, results, length, panel, names);
        results += length;
        count -= length;
    }
    fprintf(script, "unset multiplot\n");
}

int bench_plot(struct cli_file *plot, const struct bench_result *results,
               size_t count, const char *device, const char *settings)
{
    const struct names names = {.device = device, .settings = settings};
    FILE *script = tmpfile();
    int code;

    if (script == NULL)
        return cli_fail("no temporary file for the plot");
    write_script(script, plot->name, results, count, &names);
    code = cli_gnuplot_draw(script, plot);
    fclose(script);
    return code;
}
