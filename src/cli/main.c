/*
 * main.c - the command `clstep`
 * SPDX-License-Identifier: MIT
 */
#define _POSIX_C_SOURCE 200809L
#define _XOPEN_SOURCE   700

#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name, *summary;
    int (*run)(int argc, const char **argv);
} subcommands[] = {
    {"devices", "list the OpenCL devices and how exact they are", cli_devices},
    {"rules", "list the update rules, or describe one", cli_rules},
    {"bench", "measure the rules on a device", cli_bench},
    {"verify", "compare a device with the scalar reference", cli_verify},
    {"replay", "take steps from files to files", cli_replay},
    {"schedule", "list the learning rate schedules, or tell their values",
     cli_schedule},
    {"initializers", "list how parameters can begin, or describe one",
     cli_initializers},
    {"path", "draw the steps of rules on a function of two parameters",
     cli_path},
};

enum { SUBCOMMANDS = sizeof(subcommands) / sizeof(subcommands[0]) };

static int print_help(void)
{
    fputs("Usage: clstep SUBCOMMAND [OPTION]...\n"
          "\n"
          "Optimizer steps (SGD, Adam, ...) on OpenCL devices.\n"
          "\n"
          "Subcommands:\n",
          stdout);
    for (size_t i = 0; i < SUBCOMMANDS; i++)
        printf("  %-12s %s\n", subcommands[i].name, subcommands[i].summary);
    fputs("\n"
          "Options:\n"
          "  --help     print this text\n"
          "  --version  print the version\n"
          "\n"
          "`clstep SUBCOMMAND --help` tells more.  The exit code is 0, 1 if a"
          " check failed\n"
          "or input cannot be used, or 2 for bad usage.\n",
          stdout);
    return cli_flush();
}

/* What is asked for instead of a subcommand stands alone. */
static int tell(int argc, const char **argv)
{
    if (argc > 1)
        return cli_no_arguments(argv + 1);
    if (strcmp(argv[0], "--version") != 0)
        return print_help();
    printf("clstep %s\n", clstep_version());
    return cli_flush();
}

static int run_subcommand(int argc, const char **argv)
{
    for (size_t i = 0; i < SUBCOMMANDS; i++) {
        if (strcmp(argv[0], subcommands[i].name) == 0) {
            const int code = subcommands[i].run(argc, argv);

            cli_progress_end();
            return code == CLI_OK ? cli_flush() : code;
        }
    }
    return cli_misuse("'%s' is not a subcommand; `clstep --help` lists them",
                      argv[0]);
}

/* Takes the places of standard streams that are closed, so that no file of ours
 * gets their numbers; what is written there still fails. */
static void fill_closed(void)
{
    for (int fd = 0; fd < 3; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF &&
            open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) < 0)
            return;
}

int main(int argc, char **argv)
{
    /* A file that grows past a limit is an error of the write. */
    signal(SIGXFSZ, SIG_IGN);
    fill_closed();

    if (argc < 2)
        return cli_misuse("a subcommand is missing; `clstep --help` lists"
                          " them");
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "--version") == 0)
        return tell(argc - 1, (const char **)(argv + 1));
    if (argv[1][0] == '-')
        return cli_misuse("%s: unknown option; `clstep --help` lists them",
                          argv[1]);
    return run_subcommand(argc - 1, (const char **)(argv + 1));
}
