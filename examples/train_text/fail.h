/*
 * fail.h - an example program's answer to every error: one line, and the end
 * SPDX-License-Identifier: MIT
 *
 * A library must hand errors on; a program may stop where it stands, and lets
 * the system release what it holds.
 */
#ifndef FAIL_H
#define FAIL_H

#include <clstep/clstep.h> /* first: it asks for OpenCL 1.2 */
#include <clblast_c.h>

/* Print "train_text: <sentence>" on stderr and exit with 1, or with 2. */
_Noreturn void
die(const char *format, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void
misuse(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Return only if the call that 'what' describes has succeeded. */
void check_cl(cl_int code, const char *what);
void check_clblast(CLBlastStatusCode code, const char *what);
void check_clstep(clstep_status status, const clstep_error *error);

/* Returns only if stdout has taken all that was printed. */
void check_stdout(void);

/* malloc() that does not fail. */
void *allocate(size_t count, size_t size);

/* Wipes the line of progress on the terminal, if one is shown. */
void wipe_progress(void);

/* Shows one line of progress on stderr if that is a terminal. */
void show_progress(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

#endif /* FAIL_H */
