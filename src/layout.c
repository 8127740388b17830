/*
 * layout.c - the named tensors of a flat buffer
 * SPDX-License-Identifier: MIT
 *
 * The tensors are an array in the order in which they were added.  A table of
 * their indices, open addressing by the name's hash and at most half full,
 * finds a name among any number of them.
 */
#include "error.h"
#include "sizes.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { CS_MAX_GROUPS = 1 << 16 };

struct clstep_layout {
    clstep_tensor *tensors;
    size_t count, capacity;
    size_t *table; /* index + 1, 0 for an empty place */
    size_t places; /* a power of two, or 0 */
    uint64_t end;  /* behind the last tensor's last element */
    uint64_t parameters;
    size_t groups;
};

/* FNV-1a. */
static uint64_t hash_of(const char *name)
{
    uint64_t hash = 0xcbf29ce484222325u;

    for (; *name != '\0'; name++)
        hash = (hash ^ (unsigned char)*name) * 0x100000001b3u;
    return hash;
}

/* The place of 'name' in the table: its own, or the empty one for it. */
static size_t *place_of(const clstep_layout *layout, const char *name)
{
    size_t i = (size_t)hash_of(name) & (layout->places - 1);

    while (layout->table[i] != 0 &&
           strcmp(layout->tensors[layout->table[i] - 1].name, name) != 0)
        i = (i + 1) & (layout->places - 1);
    return &layout->table[i];
}

/* Makes room for one more tensor; false without memory. */
static bool grow(clstep_layout *layout)
{
    if (layout->count < layout->capacity)
        return true;

    const size_t capacity = layout->capacity == 0 ? 16 : 2 * layout->capacity;

    if (capacity > SIZE_MAX / 2 / sizeof(*layout->tensors))
        return false;

    clstep_tensor *tensors =
        realloc(layout->tensors, capacity * sizeof(*tensors));

    if (tensors == NULL)
        return false;
    layout->tensors = tensors;

    size_t *table = calloc(2 * capacity, sizeof(*table));

    if (table == NULL)
        return false;
    free(layout->table);
    layout->table = table;
    layout->places = 2 * capacity;
    layout->capacity = capacity;
    for (size_t i = 0; i < layout->count; i++)
        *place_of(layout, layout->tensors[i].name) = i + 1;
    return true;
}

/* The length of the UTF-8 sequence at 'text', or 0 if it is not one. */
static size_t sequence(const unsigned char *text)
{
    const unsigned c = text[0];
    const size_t length = c < 0x80                ? 1
                          : c >= 0xc2 && c < 0xe0 ? 2
                          : c >= 0xe0 && c < 0xf0 ? 3
                          : c >= 0xf0 && c < 0xf5 ? 4
                                                  : 0;

    for (size_t i = 1; i < length; i++)
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    if ((c == 0xe0 && text[1] < 0xa0) || (c == 0xed && text[1] > 0x9f) ||
        (c == 0xf0 && text[1] < 0x90) || (c == 0xf4 && text[1] > 0x8f))
        return 0;
    return length;
}

static bool is_utf8(const char *name)
{
    const unsigned char *text = (const unsigned char *)name;

    while (*text != '\0') {
        const size_t length = sequence(text);

        if (length == 0)
            return false;
        text += length;
    }
    return true;
}

clstep_status clstep_layout_create(clstep_layout **out, clstep_error *error)
{
    if (out == NULL)
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT, "out is NULL");
    *out = calloc(1, sizeof(**out));
    if (*out == NULL)
        return cs_fail(error, CLSTEP_OUT_OF_MEMORY, "no memory for a layout");
    return CLSTEP_OK;
}

void clstep_layout_release(clstep_layout *layout)
{
    if (layout == NULL)
        return;
    for (size_t i = 0; i < layout->count; i++) {
        free((void *)(uintptr_t)layout->tensors[i].name);
        free((void *)(uintptr_t)layout->tensors[i].shape);
    }
    free(layout->tensors);
    free(layout->table);
    free(layout);
}

/* Where a tensor of this shape comes to stand, and where it ends. */
static clstep_status
plan_tensor(const clstep_layout *layout, size_t rank, const uint64_t *shape,
            clstep_tensor *tensor, uint64_t *end, uint64_t *bytes,
            clstep_error *error)
{
    bool fits = true, empty = false;

    tensor->count = 1;
    for (size_t i = 0; i < rank; i++)
        empty = empty || shape[i] == 0;
    for (size_t i = 0; i < rank && !empty; i++)
        fits =
            fits && cs_size_multiply(tensor->count, shape[i], &tensor->count);
    if (empty)
        tensor->count = 0;

    /* A tensor without elements takes no room. */
    if (!fits ||
        !cs_size_round_up(layout->end, CLSTEP_ALIGNMENT, &tensor->offset) ||
        !cs_size_add(empty ? layout->end : tensor->offset, tensor->count,
                     end) ||
        !cs_size_multiply(*end, sizeof(float), bytes) || *bytes > INT64_MAX)
        return cs_fail(error, CLSTEP_OUT_OF_RANGE,
                       "the shape of tensor '%.128s' makes a buffer of more "
                       "than 2^63 - 1 bytes",
                       tensor->name);
    return CLSTEP_OK;
}

clstep_status
clstep_layout_add(clstep_layout *layout, const char *name, size_t rank,
                  const uint64_t *shape, size_t group, clstep_error *error)
{
    clstep_tensor tensor = {.name = name, .rank = rank, .group = group};
    uint64_t end = 0, bytes = 0;

    if (layout == NULL || name == NULL || (shape == NULL && rank != 0))
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT, "%s is NULL",
                       layout == NULL ? "layout"
                       : name == NULL ? "name"
                                      : "shape");
    if (!is_utf8(name))
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT,
                       "the name of tensor %zu is not UTF-8", layout->count);
    if (rank > CLSTEP_MAX_RANK)
        return cs_fail(error, CLSTEP_OUT_OF_RANGE,
                       "rank of tensor '%.128s' is %zu; it is at most %d", name,
                       rank, CLSTEP_MAX_RANK);
    if (layout->count != 0 && *place_of(layout, name) != 0)
        return cs_fail(error, CLSTEP_INVALID_ARGUMENT,
                       "the layout has a tensor called '%.128s' already", name);

    if (group > layout->groups || group >= CS_MAX_GROUPS)
        return cs_fail(error, CLSTEP_OUT_OF_RANGE,
                       "group %zu of tensor '%.128s' is neither one of the %zu "
                       "groups that there are nor the next, of %d at most",
                       group, name, layout->groups, CS_MAX_GROUPS);

    clstep_status status =
        plan_tensor(layout, rank, shape, &tensor, &end, &bytes, error);

    if (status != CLSTEP_OK)
        return status;

    char *name_copy = malloc(strlen(name) + 1);
    uint64_t *shape_copy = calloc(rank + 1, sizeof(*shape_copy));

    if (name_copy == NULL || shape_copy == NULL || !grow(layout)) {
        free(name_copy);
        free(shape_copy);
        return cs_fail(error, CLSTEP_OUT_OF_MEMORY,
                       "no memory for tensor '%.128s'", name);
    }
    memcpy(name_copy, name, strlen(name) + 1);
    if (rank != 0)
        memcpy(shape_copy, shape, rank * sizeof(*shape));
    tensor.name = name_copy;
    tensor.shape = shape_copy;
    tensor.packed = layout->parameters;

    *place_of(layout, name) = layout->count + 1;
    layout->tensors[layout->count++] = tensor;
    layout->end = end;
    layout->parameters += tensor.count;
    layout->groups += group == layout->groups;
    return CLSTEP_OK;
}

uint64_t clstep_layout_count(const clstep_layout *layout)
{
    return layout != NULL ? layout->end : 0;
}

uint64_t clstep_layout_parameters(const clstep_layout *layout)
{
    return layout != NULL ? layout->parameters : 0;
}

size_t clstep_layout_tensors(const clstep_layout *layout)
{
    return layout != NULL ? layout->count : 0;
}

size_t clstep_layout_groups(const clstep_layout *layout)
{
    return layout != NULL ? layout->groups : 0;
}

int clstep_layout_tensor(const clstep_layout *layout, size_t index,
                         clstep_tensor *tensor)
{
    if (layout == NULL || tensor == NULL || index >= layout->count)
        return 0;
    *tensor = layout->tensors[index];
    return 1;
}

int clstep_layout_find(const clstep_layout *layout, const char *name,
                       clstep_tensor *tensor)
{
    if (layout == NULL || name == NULL || tensor == NULL || layout->count == 0)
        return 0;

    const size_t place = *place_of(layout, name);

    return place != 0 && clstep_layout_tensor(layout, place - 1, tensor);
}
