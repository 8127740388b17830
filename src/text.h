/*
 * text.h - a string that grows
 * SPDX-License-Identifier: MIT
 *
 * A failed allocation is remembered, not reported: a writer adds all of its
 * pieces and looks at 'failed' once, at the end.
 */
#ifndef CS_TEXT_H
#define CS_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct cs_text {
    char *data; /* ends with a NUL; NULL while nothing was added */
    size_t length, capacity;
    bool failed;
};

/* Appends as printf() prints. */
void cs_text_add(struct cs_text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Appends 'name' in upper case. */
void cs_text_add_upper(struct cs_text *text, const char *name);

void cs_text_release(struct cs_text *text);

#endif /* CS_TEXT_H */
