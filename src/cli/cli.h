/*
 * cli.h - what the subcommands of the command `clstep` share
 * SPDX-License-Identifier: MIT
 *
 * A subcommand is a function of its arguments that returns the exit code: 0, 1
 * (a check failed, or input that cannot be used) or 2 (bad usage).  For 1 and 2
 * it has printed one line on stderr.  Data go to stdout, progress to stderr.
 */
#ifndef CS_CLI_H
#define CS_CLI_H

#include "clstep/clstep.h"

#include "output.h"

#include <jansson.h>
#include <popt.h>
#include <stdbool.h>
#include <stdio.h>

enum { CLI_OK = 0, CLI_FAILED = 1, CLI_MISUSED = 2 };

int cli_devices(int argc, const char **argv);
int cli_rules(int argc, const char **argv);
int cli_bench(int argc, const char **argv);
int cli_verify(int argc, const char **argv);
int cli_replay(int argc, const char **argv);
int cli_schedule(int argc, const char **argv);
int cli_path(int argc, const char **argv);
int cli_initializers(int argc, const char **argv);

/* Print "clstep: <sentence>" on stderr and return CLI_FAILED or CLI_MISUSED. */
int cli_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
int cli_misuse(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* One line of progress on stderr, over the last one, if that is a terminal. */
void cli_progress(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/* Wipes the line of progress. */
void cli_progress_end(void);

/*
 * Prints 'object' and a newline on stdout, and releases it.  Returns CLI_OK, or
 * CLI_FAILED after a line if 'object' is NULL or stdout cannot take it.
 */
int cli_print_json(json_t *object);

/* Brings stdout out of its buffer; CLI_OK, or CLI_FAILED after a line. */
int cli_flush(void);

/* --- options -------------------------------------------------------------- */

/*
 * The 'val' of an option whose value is the name of a file, and of one that may
 * be given several times in an order that counts: a POPT_ARG_STRING, whose
 * 'arg' is a list (char **) to which the option's name and the value are added.
 * Several options may share a list.  Of others it is 0.
 */
enum { CLI_FILE = 1, CLI_IN_ORDER = 2 };

/*
 * Parses with popt by 'options', for the subcommand argv[0].  --help is added
 * to them, and prints "Usage: ", the text 'usage', and the options.  Returns -1
 * to go on, with '*rest' the arguments that are left (NULL at the end; it lives
 * until the process ends), else the exit code: 0 after --help, CLI_MISUSED
 * after a line about what is wrong.
 *
 * A value that may be given several times is a POPT_ARG_ARGV or CLI_IN_ORDER.
 * Any other is a POPT_ARG_STRING, NULL at first; a second one, and one that
 * begins with "--", are refused.
 */
int cli_options(int argc, const char **argv, const struct poptOption *options,
                const char *usage, const char *const **rest);

/* For a subcommand without arguments: -1, or CLI_MISUSED after a line. */
int cli_no_arguments(const char *const *rest);

/* What is described with the rules, but is none by element. */
#define CLI_LBFGS "lbfgs"

/* The rule called 'name': -1, or CLI_MISUSED after a line. */
int cli_rule(const char *name, const clstep_rule **rule);

/* A whole decimal number of 64 bits, and nothing else. */
bool cli_parse_count(const char *text, uint64_t *count);

/* All of 'text' as a number; a NaN or an infinity is one. */
bool cli_parse_number(const char *text, double *number);

/* The value of 'option', from 1 to 'most': -1, or CLI_MISUSED after a line. */
int cli_count(const char *option, const char *text, uint64_t most,
              uint64_t *count);

/*
 * For the values of two options, or NULL: -1, or CLI_MISUSED after a line if
 * they are names of one file.
 */
int cli_two_files(const char *option, const char *file,
                  const char *other_option, const char *other_file);

/* A file that an option names, to write to. */
struct cli_file {
    const char *option, *name; /* a NULL name is no file: nothing happens */
    struct output output;      /* its stream is NULL without one */
};

/*
 * Opens it beside its target; a device or a pipe, and a link that leads
 * nowhere, have nothing to lose and are written to as they are.  Finishes it,
 * and sees whether all was written; gives it its name.  CLI_OK, or CLI_FAILED
 * after a line.
 */
int cli_file_open(struct cli_file *file, const char *option, const char *name);
int cli_file_finish(struct cli_file *file);
int cli_file_commit(struct cli_file *file);

/* Closes it, and removes what has no name yet. */
void cli_file_release(struct cli_file *file);

/* Releases what an option gathered in a list; NULL is fine. */
void cli_list_release(char **list);

/* The texts with a space between them, to be freed; NULL without memory. */
char *cli_list_join(const char *const *texts);

/*
 * Settings from texts like "lr=0.1" or "eps_form=inside", ended by NULL (a NULL
 * list is empty), for 'rule', and found valid for it.  The list lives until
 * cli_settings_release().  Returns -1 to go on, or the exit code after a line.
 */
int cli_settings(const clstep_rule *rule, const char *const *texts,
                 clstep_setting **list);
void cli_settings_release(clstep_setting *list);

/* The same for a kind of schedule; the numbers of a list may also have commas
 * between them. */
int cli_schedule_settings(const clstep_schedule_kind *kind,
                          const char *const *texts, clstep_setting **list);

/* A number's default as a text, or "none". */
const char *cli_default_text(const clstep_setting_info *info, char text[32]);

/* A bound of a setting in 9 digits, or in as many as are within the bounds. */
const char *
cli_bound_text(const clstep_setting_info *info, double bound, char text[32]);

/* Prints what is known of a setting, or gives it as a JSON object. */
void cli_print_setting(const clstep_setting_info *info);
json_t *cli_describe_setting(const clstep_setting_info *info);

/* Prints the lines of a formula under a title. */
void cli_print_formula(const char *formula);

/* The shortest text that reads back as 'number'; returns 'text'. */
const char *cli_number_text(double number, char text[32]);

/* What --help says of the option --device. */
#define CLI_DEVICE_HELP                                                        \
    "A number of `clstep devices`, or part of a name; by default the first "   \
    "GPU, else the first CPU"

/* --- devices -------------------------------------------------------------- */

struct cli_device {
    cl_platform_id platform;
    cl_device_id id;
    cl_context context;
    cl_command_queue queue; /* in-order, with profiling where there is it */
    clstep_device *device;
    char name[256], platform_name[256], version[256], driver[256];
};

/* Every device of every platform, in the loader's order: their number. */
size_t cli_device_ids(cl_device_id *ids, size_t capacity);

/*
 * Opens 'id'.  On failure 'error' has the sentence why, and 'device' what could
 * be had: its names in any case.  Either way it is closed in the end.
 */
bool cli_device_start(cl_device_id id, struct cli_device *device,
                      clstep_error *error);

/*
 * Opens the device that 'selector' names: its index in `clstep devices`, or a
 * part of its name or of its platform's, in any case of letters; NULL for the
 * first GPU, else the first CPU, else the first.  Returns -1 to go on, or
 * CLI_FAILED after a line.
 */
int cli_device_open(const char *selector, struct cli_device *device);
void cli_device_close(struct cli_device *device);

#endif /* CS_CLI_H */
