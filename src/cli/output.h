/*
 * output.h - files that are there when they are whole
 * SPDX-License-Identifier: MIT
 *
 * An output is written under a temporary name beside its target, which keeps
 * its old content, or stays missing, until the commit.  A signal that ends the
 * process (INT, TERM, HUP) removes what has its temporary name still.
 *
 * All outputs are those of one thread.  A function that returns a text has
 * failed, and the text says why; NULL is success.
 */
#ifndef CS_OUTPUT_H
#define CS_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

struct output {
    char *target;    /* the full path */
    char *temporary; /* NULL while there is none */
    FILE *stream;    /* NULL while it is not open */
};

/* Whether a file could be written at 'path', as far as can be told. */
const char *output_check(const char *path);

/* Whether two paths lead to one target.  Either may not exist yet. */
bool output_same_target(const char *a, const char *b);

/* Begins a file for 'path', which leads to a regular file or to none.
 * '*output' is to be released in any case. */
const char *output_open(const char *path, struct output *output);

/* Opens 'path' itself, a device or a pipe, which has nothing to lose. */
const char *output_open_device(const char *path, struct output *output);

/* Brings all of the file to the disk, and closes it. */
const char *output_finish(struct output *output);

/* Gives the finished file its name. */
const char *output_commit(struct output *output);

/* Removes what was not committed. */
void output_release(struct output *output);

#endif /* CS_OUTPUT_H */
