/*
 * fail.c - messages on stderr, and the end of the program after an error
 * SPDX-License-Identifier: MIT
 */
#define _POSIX_C_SOURCE 200809L

#include "fail.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static bool progress_shown;

void wipe_progress(void)
{
    if (progress_shown)
        fputs("\r\033[K", stderr);
    progress_shown = false;
}

void show_progress(const char *format, ...)
{
    va_list arguments;

    if (!isatty(STDERR_FILENO))
        return;
    fputs("\r\033[K", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    progress_shown = true;
}

/* One line, whatever bytes the names of files in it have. */
static void complain(const char *format, va_list arguments)
{
    char line[1024];

    fflush(stdout);
    wipe_progress();
    vsnprintf(line, sizeof(line), format, arguments);
    for (char *at = line; *at != '\0'; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            *at = '?';
    fprintf(stderr, "train_text: %s\n", line);
}

void die(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    complain(format, arguments);
    va_end(arguments);
    exit(1);
}

void misuse(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    complain(format, arguments);
    va_end(arguments);
    exit(2);
}

void check_cl(cl_int code, const char *what)
{
    if (code != CL_SUCCESS)
        die("%s: OpenCL error %d", what, (int)code);
}

void check_clblast(CLBlastStatusCode code, const char *what)
{
    if (code != CLBlastSuccess)
        die("%s: CLBlast error %d", what, (int)code);
}

void check_clstep(clstep_status status, const clstep_error *error)
{
    if (status != CLSTEP_OK)
        die("%s", error->message);
}

void check_stdout(void)
{
    if (fflush(stdout) != 0 || ferror(stdout))
        die("cannot write to standard output");
}

void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count > 0 ? count : 1, size);

    if (memory == NULL)
        die("out of memory");
    return memory;
}
