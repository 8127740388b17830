/*
 * text.c - see text.h
 * SPDX-License-Identifier: MIT
 */
#include "text.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static bool reserve(struct cs_text *text, size_t room)
{
    if (text->length + room <= text->capacity)
        return true;

    const size_t capacity = 2 * (text->length + room);
    char *data = realloc(text->data, capacity);

    if (data == NULL)
        return false;
    text->data = data;
    text->capacity = capacity;
    return true;
}

void cs_text_add(struct cs_text *text, const char *format, ...)
{
    va_list arguments;

    if (text->failed)
        return;

    va_start(arguments, format);
    const int added = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);

    if (added < 0 || !reserve(text, (size_t)added + 1)) {
        text->failed = true;
        return;
    }

    va_start(arguments, format);
    vsnprintf(text->data + text->length, (size_t)added + 1, format, arguments);
    va_end(arguments);
    text->length += (size_t)added;
}

void cs_text_add_upper(struct cs_text *text, const char *name)
{
    for (; *name != '\0'; name++)
        cs_text_add(text, "%c", toupper((unsigned char)*name));
}

void cs_text_release(struct cs_text *text)
{
    free(text->data);
    *text = (struct cs_text){0};
}
