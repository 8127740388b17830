/*
 * test_prune.c - which parameters prune holds at zero
 * SPDX-License-Identifier: MIT
 */
#include "scene.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- by hand -------------------------------------------------------------- */

static const float *sorted; /* what indices are sorted by */

static int by_size(const void *a, const void *b)
{
    const uint32_t i = *(const uint32_t *)a, k = *(const uint32_t *)b;
    uint32_t x, y;

    memcpy(&x, &sorted[i], sizeof(x));
    memcpy(&y, &sorted[k], sizeof(y));
    x &= 0x7fffffff;
    y &= 0x7fffffff;
    return x != y ? (x < y ? -1 : 1) : i < k ? -1 : i > k;
}

/* Sets the 'chosen' smallest of 'w' to +0, and says which in 'pruned'. */
static void choose(float *w, float *pruned, uint32_t count, uint32_t chosen)
{
    uint32_t *order = malloc((count + 1) * sizeof(*order));

    assert_non_null(order);
    for (uint32_t i = 0; i < count; i++) {
        order[i] = i;
        pruned[i] = 0.0f;
    }
    sorted = w;
    qsort(order, count, sizeof(*order), by_size);
    for (uint32_t i = 0; i < chosen; i++) {
        w[order[i]] = 0.0f;
        pruned[order[i]] = 1.0f;
    }
    free(order);
}

/* What the parameters of a matrix are like. */
enum kind { WILD, EQUAL, FEW, ZEROS, NANS, KINDS };

static void
fill(struct trial_random *random, enum kind kind, float *w, uint32_t count)
{
    trial_random_fill(random, w, count);
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t r = trial_random_next(random);

        if (kind == EQUAL)
            w[i] = r & 1 ? 0.75f : -0.75f;
        else if (kind == FEW)
            w[i] = (float)(r % 5) - 2.0f;
        else if (kind == ZEROS)
            w[i] = r & 1 ? 0.0f : -0.0f;
        else if (kind == NANS)
            w[i] = r & 1 ? w[i] : NAN;
    }
}

/* A step of nothing else, on a matrix. */
static void try_matrix(uint32_t rows, uint32_t columns, double share,
                       enum kind kind, uint64_t seed)
{
    const uint32_t count = rows * columns;
    const uint64_t shape[] = {rows, columns};
    const clstep_setting settings[] = {
        {"lr", 0.0, NULL}, {"prune", share, NULL}, {0}};
    struct trial_random random = {seed};
    float *w = malloc(count * sizeof(float));
    float *pruned = malloc(count * sizeof(float));
    float *found = malloc(count * sizeof(float));
    clstep_layout *layout;
    clstep_optimizer *sgd;
    clstep_error error;

    assert_true(w != NULL && pruned != NULL && found != NULL);
    fill(&random, kind, w, count);
    fixture_ok(clstep_layout_create(&layout, &error), &error);
    fixture_ok(clstep_layout_add(layout, "w", 2, shape, 0, &error), &error);
    fixture_ok(clstep_optimizer_create(fixture_place()->device, "sgd", settings,
                                       layout, &sgd, &error),
               &error);

    const clstep_buffers buffers = {.parameters = fixture_buffer(count, w),
                                    .gradients = fixture_buffer(count, NULL)};

    fixture_ok(clstep_optimizer_step(sgd, fixture_place()->queue, &buffers, 0,
                                     NULL, NULL, &error),
               &error);
    choose(w, pruned, count, (uint32_t)floor(share * (double)count + 0.5));
    fixture_read(buffers.parameters, found, count);
    check_floats("w", w, found, count);
    fixture_ok(clstep_optimizer_read(sgd, fixture_place()->queue, "pruned", 0,
                                     count, found, &error),
               &error);
    check_floats("pruned", pruned, found, count);
    clReleaseMemObject(buffers.parameters);
    clReleaseMemObject(buffers.gradients);
    clstep_optimizer_release(sgd);
    clstep_layout_release(layout);
    free(w);
    free(pruned);
    free(found);
}

static void smallest_are_chosen(void **state)
{
    static const uint32_t sizes[][2] = {
        {1, 1},   {1, 2},  {3, 1},   {2, 2},     {1, 5},    {16, 16},
        {257, 1}, {7, 43}, {64, 64}, {128, 129}, {300, 400}};
    static const double shares[] = {0.0, 0.3, 0.5, 0.7, 0.99, 1.0};
    uint64_t seed = fixture_seed();

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
        for (size_t s = 0; s < sizeof(shares) / sizeof(*shares); s++)
            for (int kind = 0; kind < KINDS; kind++)
                try_matrix(sizes[i][0], sizes[i][1], shares[s], (enum kind)kind,
                           seed++);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(smallest_are_chosen),
    };

    return cmocka_run_group_tests_name("prune", tests, fixture_open,
                                       fixture_close);
}
