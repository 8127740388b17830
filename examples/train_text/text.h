/*
 * text.h - text from files as a sequence of small numbers, the tokens
 * SPDX-License-Identifier: MIT
 *
 * A token stands for a byte that occurs in the training text.  Token 0 stands
 * for any other byte, and for the time before a text begins.
 */
#ifndef TEXT_H
#define TEXT_H

#include <stddef.h>
#include <stdint.h>

enum { TOKENS_MAX = 257, UNKNOWN = 0 };

struct file {
    char *name;
    unsigned char *bytes;
    size_t size;
};

/* The files of a text, one after the other. */
struct files {
    struct file *list;
    size_t count;
};

struct vocabulary {
    size_t count;          /* with the unknown */
    uint16_t token[256];   /* of each byte */
    char byte[TOKENS_MAX]; /* of each token */
};

/*
 * What a model reads: before each file stand as many unknowns as its context is
 * long, so that each character has a whole context in front of it.
 */
struct text {
    uint16_t *tokens;
    size_t token_count;
    uint32_t *positions; /* of the characters within 'tokens' */
    size_t count;
};

/*
 * Reads the files called 'names', which end with NULL.  Exits with 1 and a line
 * about the first that cannot be read or is empty.
 */
struct files files_read(const char *const *names);

/*
 * The licences that Debian ships: those held out, or the others.  Links are
 * left out, so that each text counts once.
 */
struct files files_licences(int held_out);

/* Their names, ended by NULL: each is to be freed, and the list. */
char **licence_names(int held_out);

/* Takes the last tenth of each file away, and returns it. */
struct files files_split(struct files *files);

/* Exits with 2 if a file of 'a' is one of 'b' under any name. */
void files_disjoint(const struct files *a, const struct files *b);

size_t files_size(const struct files *files);
void files_release(struct files *files);

struct vocabulary vocabulary_of(const struct files *files);

/*
 * Text as tokens, its positions in order.  text_shuffle() draws another order,
 * in which any part of the positions is a sample of the text.
 */
struct text text_encode(const struct files *files,
                        const struct vocabulary *vocabulary, size_t context);
void text_shuffle(struct text *text, uint64_t *random);
void text_release(struct text *text);

/*
 * Prints bytes on stdout: what a terminal can show of ASCII and UTF-8 as it is,
 * and a dot for each other byte.
 */
void print_bytes(const char *bytes, size_t size);

#endif /* TEXT_H */
