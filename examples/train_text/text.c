/*
 * text.c - reading files, and turning their bytes into tokens
 * SPDX-License-Identifier: MIT
 */
#define _POSIX_C_SOURCE 200809L

#include "text.h"

#include "fail.h"
#include "random.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char licences[] = "/usr/share/common-licenses";
static const char *const held_out_licences[] = {"Apache-2.0", "MPL-2.0", NULL};

/* All positions must fit 32 bits on the device. */
static const size_t size_max = (size_t)1 << 30;

/* --- files ---------------------------------------------------------------- */

static char *copy_name(const char *name)
{
    char *copy = strdup(name);

    if (copy == NULL)
        die("out of memory");
    return copy;
}

static void read_file(const char *name, struct file *file)
{
    size_t capacity = 1 << 16;
    FILE *stream = fopen(name, "rb");

    if (stream == NULL)
        die("cannot open %s: %s", name, strerror(errno));
    *file = (struct file){copy_name(name), malloc(capacity), 0};
    while (file->bytes != NULL) {
        file->size +=
            fread(file->bytes + file->size, 1, capacity - file->size, stream);
        if (file->size < capacity)
            break;
        capacity *= 2;
        if (capacity > 2 * size_max)
            die("%s is larger than 1 GiB", name);
        file->bytes = realloc(file->bytes, capacity);
    }
    if (file->bytes == NULL)
        die("no memory for %s", name);
    if (ferror(stream))
        die("cannot read %s: %s", name, strerror(errno));
    if (file->size == 0)
        die("%s is empty", name);
    fclose(stream);
}

struct files files_read(const char *const *names)
{
    struct files files = {0};
    size_t count = 0;

    while (names[count] != NULL)
        count++;
    files.list = allocate(count, sizeof(*files.list));
    for (; files.count < count; files.count++)
        read_file(names[files.count], &files.list[files.count]);
    if (files_size(&files) > size_max)
        die("the text is larger than 1 GiB");
    return files;
}

static int is_held_out(const char *licence)
{
    for (size_t i = 0; held_out_licences[i] != NULL; i++)
        if (strcmp(held_out_licences[i], licence) == 0)
            return 1;
    return 0;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

char **licence_names(int held_out)
{
    const size_t count_max = 255;
    char **names = allocate(count_max + 1, sizeof(*names));
    size_t count = 0;
    struct dirent *entry;
    struct stat status;
    DIR *folder = opendir(licences);

    if (folder == NULL)
        die("cannot open %s: %s; give files as arguments", licences,
            strerror(errno));
    while ((entry = readdir(folder)) != NULL && count < count_max) {
        char path[sizeof(licences) + sizeof(entry->d_name) + 1];

        snprintf(path, sizeof(path), "%s/%s", licences, entry->d_name);
        if (is_held_out(entry->d_name) == held_out &&
            lstat(path, &status) == 0 && S_ISREG(status.st_mode))
            names[count++] = copy_name(path);
    }
    closedir(folder);
    if (count == 0)
        die("%s lacks the licences; give files as arguments", licences);
    qsort(names, count, sizeof(names[0]), compare_names);
    return names;
}

struct files files_licences(int held_out)
{
    char **names = licence_names(held_out);
    struct files files = files_read((const char *const *)names);

    for (size_t i = 0; names[i] != NULL; i++)
        free(names[i]);
    free(names);
    return files;
}

struct files files_split(struct files *files)
{
    struct files tails = {
        .count = files->count,
        .list = allocate(files->count, sizeof(*tails.list)),
    };

    for (size_t i = 0; i < files->count; i++) {
        struct file *file = &files->list[i];
        const size_t size = file->size / 10;

        file->size -= size;
        tails.list[i] =
            (struct file){copy_name(file->name), allocate(size, 1), size};
        memcpy(tails.list[i].bytes, file->bytes + file->size, size);
    }
    return tails;
}

void files_disjoint(const struct files *a, const struct files *b)
{
    struct stat one, other;

    for (size_t i = 0; i < a->count; i++)
        for (size_t j = 0; j < b->count; j++)
            if (stat(a->list[i].name, &one) == 0 &&
                stat(b->list[j].name, &other) == 0 && S_ISREG(one.st_mode) &&
                one.st_dev == other.st_dev && one.st_ino == other.st_ino)
                misuse("%s is to be trained on and held out", a->list[i].name);
}

size_t files_size(const struct files *files)
{
    size_t size = 0;

    for (size_t i = 0; i < files->count; i++)
        size += files->list[i].size;
    return size;
}

void files_release(struct files *files)
{
    for (size_t i = 0; i < files->count; i++) {
        free(files->list[i].name);
        free(files->list[i].bytes);
    }
    free(files->list);
    *files = (struct files){0};
}

/* --- tokens --------------------------------------------------------------- */

struct vocabulary vocabulary_of(const struct files *files)
{
    struct vocabulary vocabulary = {.count = 1, .byte = {'?'}};
    int occurs[256] = {0};

    for (size_t i = 0; i < files->count; i++)
        for (size_t j = 0; j < files->list[i].size; j++)
            occurs[files->list[i].bytes[j]] = 1;
    for (size_t byte = 0; byte < 256; byte++) {
        if (!occurs[byte])
            continue;
        vocabulary.byte[vocabulary.count] = (char)byte;
        vocabulary.token[byte] = (uint16_t)vocabulary.count++;
    }
    return vocabulary;
}

struct text text_encode(const struct files *files,
                        const struct vocabulary *vocabulary, size_t context)
{
    struct text text = {.count = files_size(files)};
    size_t at = 0;

    text.token_count = text.count + files->count * context;
    text.tokens = allocate(text.token_count, sizeof(*text.tokens));
    text.positions = allocate(text.count, sizeof(*text.positions));
    for (size_t i = 0, position = 0; i < files->count; i++) {
        const struct file *file = &files->list[i];

        position += context; /* unknowns, which are 0 */
        for (size_t j = 0; j < file->size; j++, position++) {
            text.tokens[position] = vocabulary->token[file->bytes[j]];
            text.positions[at++] = (uint32_t)position;
        }
    }
    return text;
}

/* By Fisher and Yates. */
void text_shuffle(struct text *text, uint64_t *random)
{
    for (size_t i = text->count - 1; i > 0; i--) {
        const size_t j = (size_t)(random_bits(random) % (i + 1));
        const uint32_t position = text->positions[i];

        text->positions[i] = text->positions[j];
        text->positions[j] = position;
    }
}

void text_release(struct text *text)
{
    free(text->tokens);
    free(text->positions);
    *text = (struct text){0};
}

/* --- printing ------------------------------------------------------------- */

/* The bytes of the printable character that 'at' begins with, or 0. */
static size_t printable(const unsigned char *at, size_t size)
{
    const size_t length = at[0] < 0x80                    ? 1
                          : at[0] >= 0xc2 && at[0] < 0xe0 ? 2
                          : at[0] >= 0xe0 && at[0] < 0xf0 ? 3
                          : at[0] >= 0xf0 && at[0] < 0xf5 ? 4
                                                          : 0;

    if (length == 1)
        return (at[0] >= ' ' && at[0] != 0x7f) || at[0] == '\n' ||
               at[0] == '\t';
    if (length == 0 || length > size || (at[0] == 0xc2 && at[1] < 0xa0) ||
        (at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] >= 0xa0) ||
        (at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] >= 0x90))
        return 0; /* cut off, a control, or not of UTF-8 */
    for (size_t i = 1; i < length; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    return length;
}

void print_bytes(const char *bytes, size_t size)
{
    for (size_t i = 0; i < size;) {
        const size_t length =
            printable((const unsigned char *)bytes + i, size - i);

        if (length > 0)
            fwrite(bytes + i, 1, length, stdout);
        else
            putchar('.');
        i += length > 0 ? length : 1;
    }
}
