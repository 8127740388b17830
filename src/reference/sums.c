/*
 * sums.c - sums, in the one order of docs/numerics.md
 * SPDX-License-Identifier: MIT
 */
#include "internal.h"

enum {
    LANES = 256,
    CHUNK = 4096,
};

/* Numbers that are not stored: 'at' gives the one at 'index'. */
struct list {
    float (*at)(const void *numbers, size_t index);
    const void *numbers;
    size_t count;
};

/* Folds the lanes by halves into the first. */
static float fold(float *lanes)
{
    for (size_t half = LANES / 2; half > 0; half /= 2)
        for (size_t l = 0; l < half; l++)
            lanes[l] = lanes[l] + lanes[l + half];
    return lanes[0];
}

/*
 * The number at 'index' of the list that comes of 'list' after 'folds' times: a
 * number of the list before it, if there is one, for each lane.
 */
static float
folded(const struct list *list, unsigned folds, size_t index, size_t span)
{
    float lanes[LANES] = {0.0f};

    if (folds == 0)
        return list->at(list->numbers, index);
    for (size_t l = 0; l < LANES; l++) {
        const size_t before = index * LANES + l;

        if (before * (span / LANES) < list->count)
            lanes[l] = folded(list, folds - 1, before, span / LANES);
    }
    return fold(lanes);
}

/* Folds the list until one number is left. */
static float fold_list(const struct list *list)
{
    unsigned folds = 0;
    size_t span = 1; /* numbers of the list that one stands for */

    if (list->count == 0)
        return 0.0f;
    while (span < list->count) {
        folds++;
        span *= LANES;
    }
    return folded(list, folds, 0, span);
}

/* What is added: the products of two arrays' numbers, or one's numbers. */
struct terms {
    const float *a, *b; /* b may be NULL */
    size_t count;
};

static float chunk_at(const void *numbers, size_t index)
{
    const struct terms *terms = numbers;
    const size_t begin = index * CHUNK;
    const size_t left = terms->count - begin;
    const size_t count = left < CHUNK ? left : CHUNK;
    const float *a = terms->a + begin;
    float lanes[LANES] = {0.0f};

    if (terms->b == NULL) {
        for (size_t i = 0; i < count; i++)
            lanes[i % LANES] = lanes[i % LANES] + a[i];
    } else {
        const float *b = terms->b + begin;

        for (size_t i = 0; i < count; i++)
            lanes[i % LANES] = lanes[i % LANES] + a[i] * b[i];
    }
    return fold(lanes);
}

static float sum_terms(const float *a, const float *b, size_t count)
{
    const struct terms terms = {a, b, count};
    const struct list chunks = {chunk_at, &terms,
                                count / CHUNK + (count % CHUNK != 0)};

    return fold_list(&chunks);
}

float reference_sum(const float *x, size_t count)
{
    return sum_terms(x, x, count);
}

float reference_add(const float *x, size_t count)
{
    return sum_terms(x, NULL, count);
}

float reference_dot(const float *a, const float *b, size_t count)
{
    return sum_terms(a, b, count);
}

struct rows {
    const float *a, *b;
    size_t length;
};

static float row_at(const void *numbers, size_t index)
{
    const struct rows *rows = numbers;
    const size_t begin = index * rows->length;

    return reference_dot(rows->a + begin, rows->b + begin, rows->length);
}

float reference_dot_of_rows(const float *a, const float *b, size_t rows,
                            size_t length)
{
    const struct rows all = {a, b, length};
    const struct list sums = {row_at, &all, rows};

    return fold_list(&sums);
}

static float number_at(const void *numbers, size_t index)
{
    const float *x = numbers;

    return x[index];
}

float reference_fold(const float *sums, size_t count)
{
    const struct list list = {number_at, sums, count};

    return fold_list(&list);
}

/* The sum of the tensor at 'index', counted through all optimizers. */
static float sum_at(const void *numbers, size_t index)
{
    struct reference *const *r = numbers;

    while (index >= (*r)->tensor_count) {
        index -= (*r)->tensor_count;
        r++;
    }
    return (*r)->sums[index];
}

float reference_total(struct reference *const *r, size_t count)
{
    struct list sums = {sum_at, r, 0};

    for (size_t i = 0; i < count; i++)
        sums.count += r[i]->tensor_count;
    return fold_list(&sums);
}
