/*
 * report.c - see report.h
 * SPDX-License-Identifier: MIT
 */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif

#include "report.h"

#include "gnuplot.h"
#include "plot.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The rounds from which on a share is what this project calls one. */
enum { ROUNDS_OF_A_SHARE = 15 };

/* --- files ---------------------------------------------------------------- */

static int check_names(const char *csv, const char *plot)
{
    int code = cli_two_files("--csv", csv, "--plot", plot);

    if (code == -1)
        code = CLI_OK;
    if (code == CLI_OK && plot != NULL)
        code = cli_gnuplot_check_name(plot, false);
    return code;
}

int bench_report_open(struct bench_report *report, bool json, const char *csv,
                      const char *plot)
{
    int code = check_names(csv, plot);

    report->json = json;
    if (code == CLI_OK && plot != NULL)
        code = cli_gnuplot_check();
    if (code == CLI_OK)
        code = cli_file_open(&report->csv, "--csv", csv);
    if (code == CLI_OK)
        code = cli_file_open(&report->plot, "--plot", plot);
    return code;
}

void bench_report_close(struct bench_report *report)
{
    cli_file_release(&report->csv);
    cli_file_release(&report->plot);
    json_decref(report->context);
    json_decref(report->benchmarks);
    free(report->settings);
    *report = (struct bench_report){0};
}

/* --- beginning ------------------------------------------------------------ */

static json_t *
context_of(const struct cli_device *device, char *const *settings, int rounds)
{
    const time_t now = time(NULL);
    json_t *given = json_array();
    clstep_numerics numerics;
    cl_uint units = 0;
    char date[32] = "";
    struct tm utc;

    if (gmtime_r(&now, &utc) != NULL)
        strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", &utc);
    clGetDeviceInfo(device->id, CL_DEVICE_MAX_COMPUTE_UNITS, sizeof(units),
                    &units, NULL);
    clstep_device_numerics(device->device, &numerics);
    for (; settings != NULL && *settings != NULL; settings++)
        json_array_append_new(given, json_string(*settings));

    return json_pack("{s:s, s:s, s:s, s:s, s:I, s:s, s:s, s:s, s:i, s:o}",
                     "device", device->name, "platform", device->platform_name,
                     "driver", device->driver, "version", device->version,
                     "compute_units", (json_int_t)units, "verdict",
                     clstep_verdict_name(numerics.verdict), "clstep",
                     clstep_version(), "date", date, "rounds", rounds,
                     "settings", given);
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text != NULL ? text : "";
}

static void print_header(const struct bench_report *report, int rounds)
{
    const json_t *c = report->context;

    printf("device    %s, %" JSON_INTEGER_FORMAT " compute units, %s\n",
           text_of(c, "device"),
           json_integer_value(json_object_get(c, "compute_units")),
           text_of(c, "verdict"));
    printf("version   %s, driver %s (%s)\n", text_of(c, "version"),
           text_of(c, "driver"), text_of(c, "platform"));
    if (report->settings[0] != '\0')
        printf("settings  %s\n", report->settings);
    printf("clstep    %s, %s, %d rounds%s\n\n", text_of(c, "clstep"),
           text_of(c, "date"), rounds,
           rounds < ROUNDS_OF_A_SHARE ? ": too few for a share to rely on"
                                      : "");
    printf("%-20s ", "rule");
    if (report->parts)
        printf("%-24s", "part");
    printf("%12s %10s %10s %8s %8s %7s%s\n", "parameters", "best ms",
           "median ms", "GB/s", "limit", "share",
           report->parts ? "  host us" : "");
    fflush(stdout);
}

int bench_report_begin(struct bench_report *report,
                       const struct cli_device *device, char *const *settings,
                       int rounds)
{
    report->device = device->name;
    report->context = context_of(device, settings, rounds);
    report->benchmarks = json_array();
    report->settings = cli_list_join((const char *const *)settings);
    if (report->context == NULL || report->benchmarks == NULL ||
        report->settings == NULL)
        return cli_fail("the report's context could not be made");
    if (!report->json)
        print_header(report, rounds);
    return CLI_OK;
}

/* --- results -------------------------------------------------------------- */

/* Later measures add keys here; these keep their names and order. */
static json_t *row_of(const struct bench_result *r)
{
    return json_pack(
        "{s:s, s:s, s:I, s:I, s:f, s:f, s:i, s:I, s:f, s:f, s:f, s:s, s:s, s:o,"
        " s:I}",
        "name", r->name, "rule", r->rule, "count", (json_int_t)r->count,
        "tensors", (json_int_t)r->tensors, "best_ms", r->best_ms, "median_ms",
        r->median_ms, "runs", r->runs, "bytes_per_parameter",
        (json_int_t)r->bytes_per_parameter, "gb_per_s", r->gb_per_s,
        "limit_gb_per_s", r->limit_gb_per_s, "share", r->share, "settings",
        r->given, "part", r->part, "host_us",
        isnan(r->host_us) ? json_null() : json_real(r->host_us), "groups",
        (json_int_t)r->groups);
}

/*
 * The columns are the keys of the JSON.  No text in them has a comma: a setting
 * that is valid has none.
 */
static void write_csv(FILE *csv, json_t *row, bool with_keys)
{
    const char *key, *comma = "";
    json_t *value;

    if (with_keys) {
        json_object_foreach(row, key, value)
        {
            fprintf(csv, "%s%s", comma, key);
            comma = ",";
        }
        fprintf(csv, "\n");
    }
    comma = "";
    json_object_foreach(row, key, value)
    {
        fprintf(csv, "%s", comma);
        comma = ",";
        if (json_is_string(value))
            fprintf(csv, "%s", json_string_value(value));
        else if (json_is_integer(value))
            fprintf(csv, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        else if (!json_is_null(value))
            fprintf(csv, "%.6g", json_number_value(value));
    }
    fprintf(csv, "\n");
    fflush(csv);
}

int bench_report_add(struct bench_report *report,
                     const struct bench_result *result)
{
    json_t *row = row_of(result);
    FILE *csv = report->csv.output.stream;

    if (json_array_append_new(report->benchmarks, row) != 0)
        return cli_fail("a result could not be kept");
    if (csv != NULL)
        write_csv(csv, row, json_array_size(report->benchmarks) == 1);
    if (report->json)
        return CLI_OK;

    printf("%-20s ", result->rule);
    if (report->parts)
        printf("%-24s", result->part);
    printf("%12s %10.3f %10.3f %8.2f %8.2f %6.1f%%", result->what,
           result->best_ms, result->median_ms, result->gb_per_s,
           result->limit_gb_per_s, 100 * result->share);
    if (report->parts && !isnan(result->host_us))
        printf(" %8.1f", result->host_us);
    putchar('\n');
    fflush(stdout);
    return CLI_OK;
}

int bench_report_end(struct bench_report *report,
                     const struct bench_result *results, size_t count)
{
    int code = CLI_OK;

    if (report->plot.name != NULL)
        code = bench_plot(&report->plot, results, count, report->device,
                          report->settings);
    if (code == CLI_OK)
        code = cli_file_finish(&report->plot);
    if (code == CLI_OK)
        code = cli_file_finish(&report->csv);
    if (code == CLI_OK && report->json)
        code =
            cli_print_json(json_pack("{s:O, s:O}", "context", report->context,
                                     "benchmarks", report->benchmarks));
    if (code == CLI_OK)
        code = cli_file_commit(&report->plot);
    if (code == CLI_OK)
        code = cli_file_commit(&report->csv);
    return code;
}
