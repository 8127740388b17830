/*
 * gnuplot.c - see gnuplot.h
 * SPDX-License-Identifier: MIT
 *
 * gnuplot is a child process that reads its script from a temporary file and
 * writes the picture to another: no shell and no file name comes between.  It
 * does not notice a write that fails, so the picture is copied only if it is
 * whole.
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
        return cli_fail("--plot needs gnuplot, which %s",
                        status < 0 ? "cannot be started" : "fails");
    return CLI_OK;
}

static bool ends_in(const char *name, const char *ending)
{
    const size_t length = strlen(name), least = strlen(ending);

    return length >= least && strcmp(name + length - least, ending) == 0;
}

/* A plot should say what it is; a device file has the name it has. */
int cli_gnuplot_check_name(const char *name, bool png_too)
{
    struct stat status;

    if (ends_in(name, ".svg") || (png_too && ends_in(name, ".png")) ||
        (stat(name, &status) == 0 && !S_ISREG(status.st_mode)))
        return CLI_OK;
    return cli_misuse("--plot is '%s'; the plot is an SVG%s, and its name ends"
                      " in .svg%s",
                      name, png_too ? " or a PNG" : "",
                      png_too ? " or .png" : "");
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

void cli_gnuplot_begin(FILE *script, const char *name, size_t width,
                       size_t height)
{
    fprintf(script,
            "set terminal %s size %zu,%zu noenhanced font 'Helvetica,12'"
            " background '#ffffff'\n",
            ends_in(name, ".png") ? "pngcairo" : "svg", width, height);
}

/* Whether the last bytes of a picture are those of a whole one. */
static bool is_end(const char *end, size_t length, bool png)
{
    /* A chunk of no bytes, its name, and its checksum. */
    static const char last[] = "\0\0\0\0IEND\xae\x42\x60\x82";

    if (!png)
        return strstr(end, "</svg>") != NULL;
    return length >= sizeof(last) - 1 &&
           memcmp(end + length - (sizeof(last) - 1), last, sizeof(last) - 1) ==
               0;
}

/* Draws by 'script' into 'picture', and says whether that is whole then. */
static bool draw(FILE *script, FILE *picture, bool png)
{
    char end[64] = "";
    size_t length;

    if (fflush(script) != 0 || ferror(script))
        return false;
    rewind(script);
    if (run_gnuplot(script, picture) != 0 ||
        fseek(picture, -(long)sizeof(end) + 1, SEEK_END) != 0)
        return false;
    length = fread(end, 1, sizeof(end) - 1, picture);
    end[length] = '\0';
    return is_end(end, length, png);
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

int cli_gnuplot_draw(FILE *script, struct cli_file *plot)
{
    FILE *picture = tmpfile();
    int code = CLI_OK;

    if (picture == NULL)
        return cli_fail("no temporary file for the plot");
    if (!draw(script, picture, ends_in(plot->name, ".png")))
        code = cli_fail("gnuplot could not draw all of the plot");
    if (code == CLI_OK && !copy(picture, plot->output.stream))
        code = cli_fail("the plot could not be read back");
    fclose(picture);
    return code;
}
