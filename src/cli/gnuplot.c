/*
 * gnuplot.c - see gnuplot.h
 * SPDX-License-Identifier: MIT
 *
 * gnuplot is a child process that reads its script from a temporary file and
 * writes the SVG to another: no shell and no file name comes between.  It does
 * not notice a write that fails, so the SVG is copied only if it is whole.
 */
#define _POSIX_C_SOURCE 200809L

#include "gnuplot.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* --- the child ------------------------------------------------------------ */

/* Runs gnuplot on the script 'in'; returns its exit status, or -1. */
static int run_gnuplot(FILE *in, FILE *out)
{
    char *const arguments[] = {(char[]){"gnuplot"}, NULL};
    posix_spawn_file_actions_t actions;
    int failed, status;
    pid_t child;

    if (posix_spawn_file_actions_init(&actions) != 0)
        return -1;
    failed = posix_spawn_file_actions_adddup2(&actions, fileno(in),
                                              STDIN_FILENO) != 0 ||
             posix_spawn_file_actions_adddup2(&actions, fileno(out),
                                              STDOUT_FILENO) != 0 ||
             posix_spawn_file_actions_addopen(&actions, STDERR_FILENO,
                                              "/dev/null", O_WRONLY, 0) != 0 ||
             posix_spawnp(&child, "gnuplot", &actions, NULL, arguments,
                          environ) != 0;
    posix_spawn_file_actions_destroy(&actions);
    if (failed || waitpid(child, &status, 0) != child || !WIFEXITED(status))
        return -1;
    return WEXITSTATUS(status);
}

int cli_gnuplot_check(void)
{
    FILE *empty = tmpfile();
    int status = -1;

    if (empty != NULL) {
        status = run_gnuplot(empty, empty);
        fclose(empty);
    }
    if (status != 0)
        return cli_fail("--plot needs gnuplot, which cannot be started");
    return CLI_OK;
}

/* A plot is an SVG, and should say so; a device file has the name it has. */
int cli_gnuplot_check_name(const char *name)
{
    static const char ending[] = ".svg";
    const size_t length = strlen(name), least = strlen(ending);
    struct stat status;

    if ((length >= least && strcmp(name + length - least, ending) == 0) ||
        (stat(name, &status) == 0 && !S_ISREG(status.st_mode)))
        return CLI_OK;
    return cli_misuse("--plot is '%s'; the plot is an SVG, and its name ends in"
                      " %s",
                      name, ending);
}

/* --- drawing -------------------------------------------------------------- */

/* Nothing but the quote is special in these quotes. */
void cli_gnuplot_quote(FILE *file, const char *text)
{
    putc('\'', file);
    for (; *text != '\0'; text++) {
        if (*text == '\'')
            putc('\'', file);
        putc((unsigned char)*text < ' ' ? ' ' : *text, file);
    }
    putc('\'', file);
}

/* Draws by 'script' into 'svg', and says whether that is whole then. */
static bool draw(FILE *script, FILE *svg)
{
    char end[64] = "";

    if (fflush(script) != 0 || ferror(script))
        return false;
    rewind(script);
    if (run_gnuplot(script, svg) != 0 ||
        fseek(svg, -(long)sizeof(end) + 1, SEEK_END) != 0)
        return false;
    end[fread(end, 1, sizeof(end) - 1, svg)] = '\0';
    return strstr(end, "</svg>") != NULL;
}

static bool copy(FILE *from, FILE *to)
{
    char bytes[4096];
    size_t count;

    rewind(from);
    while ((count = fread(bytes, 1, sizeof(bytes), from)) > 0)
        if (fwrite(bytes, 1, count, to) != count)
            break; /* Its closing tells. */
    return !ferror(from);
}

int cli_gnuplot_draw(FILE *script, const char *name, FILE **out)
{
    FILE *svg = tmpfile();
    int code = CLI_OK;

    if (svg == NULL)
        return cli_fail("no temporary file for the plot");
    if (!draw(script, svg))
        code = cli_fail("gnuplot could not draw all of the plot");
    if (code == CLI_OK)
        code = cli_file_open("--plot", name, out);
    if (code == CLI_OK && !copy(svg, *out))
        code = cli_fail("the plot could not be read back");
    fclose(svg);
    return code;
}
