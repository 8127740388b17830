/*
 * loop.c - see loop.h
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE

#include "loop.h"

#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_THREADS = 256, LANES = 64 };

struct part {
    struct bench_loop *loop;
    float *x;
    size_t count;
    float sum;
    pthread_t thread;
};

struct bench_loop {
    float *x;
    size_t part_count; /* the first is the caller's own */
    struct part parts[MAX_THREADS];
    pthread_barrier_t begin, end;
    bool over;
};

/* --- one core ------------------------------------------------------------- */

/* Lanes that do not depend on each other, so that compilers vectorise. */
static float sum_of(const float *x, size_t count)
{
    float sums[LANES] = {0};
    uint32_t bad[LANES] = {0}, any = 0;
    float sum = 0;
    size_t i = 0;

    for (; i + LANES <= count; i += LANES) {
        for (size_t l = 0; l < LANES; l++) {
            uint32_t bits;

            memcpy(&bits, &x[i + l], sizeof(bits));
            sums[l] += x[i + l] * x[i + l];
            bad[l] |= (bits & 0x7f800000u) == 0x7f800000u;
        }
    }
    for (; i < count; i++) {
        any |= isfinite(x[i]) ? 0 : 1;
        sum += x[i] * x[i];
    }
    for (size_t l = 0; l < LANES; l++) {
        any |= bad[l];
        sum += sums[l];
    }
    return any != 0 ? NAN : sum;
}

/* The thread that fills a part is the one that reads it. */
static void fill(struct part *part)
{
    for (size_t i = 0; i < part->count; i++)
        part->x[i] = 1e-3f * (float)(1 + i % 128) / 128.0f;
}

static void *serve(void *data)
{
    struct part *part = data;

    fill(part);
    for (;;) {
        pthread_barrier_wait(&part->loop->begin);
        if (part->loop->over)
            return NULL;
        part->sum = sum_of(part->x, part->count);
        pthread_barrier_wait(&part->loop->end);
    }
}

/* --- all cores ------------------------------------------------------------ */

static size_t count_cores(void)
{
    cpu_set_t set;
    int cores = 1;

    if (sched_getaffinity(0, sizeof(set), &set) == 0)
        cores = CPU_COUNT(&set);
    return cores < 1 ? 1 : cores > MAX_THREADS ? MAX_THREADS : (size_t)cores;
}

/* Cuts the array into a part for each core. */
static void cut(struct bench_loop *loop, size_t count, size_t cores)
{
    size_t at = 0;

    for (size_t i = 0; i < cores; i++) {
        const size_t end =
            i + 1 == cores ? count : count / cores * (i + 1) / LANES * LANES;

        loop->parts[i] =
            (struct part){.loop = loop, .x = loop->x + at, .count = end - at};
        at = end;
    }
    loop->part_count = cores;
}

/* Starts a thread for each part but the first, which wait at the barrier. */
static bool start(struct bench_loop *loop)
{
    pthread_barrier_init(&loop->begin, NULL, (unsigned)loop->part_count);
    pthread_barrier_init(&loop->end, NULL, (unsigned)loop->part_count);
    for (size_t i = 1; i < loop->part_count; i++) {
        struct part *part = &loop->parts[i];

        if (pthread_create(&part->thread, NULL, serve, part) != 0) {
            for (size_t j = 1; j < i; j++)
                pthread_detach(loop->parts[j].thread);
            return false;
        }
    }
    fill(&loop->parts[0]);
    return true;
}

struct bench_loop *bench_loop_open(uint64_t count)
{
    struct bench_loop *loop = calloc(1, sizeof(*loop));

    if (loop == NULL)
        return NULL;
    if (count < SIZE_MAX / sizeof(float))
        loop->x = malloc((size_t)count * sizeof(float) + 1);
    if (loop->x == NULL) {
        free(loop);
        return NULL;
    }
    cut(loop, (size_t)count, count_cores());

    /* Threads that wait for one that never comes keep their memory. */
    return start(loop) ? loop : NULL;
}

void bench_loop_close(struct bench_loop *loop)
{
    if (loop == NULL)
        return;
    loop->over = true;
    pthread_barrier_wait(&loop->begin);
    for (size_t i = 1; i < loop->part_count; i++)
        pthread_join(loop->parts[i].thread, NULL);
    pthread_barrier_destroy(&loop->begin);
    pthread_barrier_destroy(&loop->end);
    free(loop->x);
    free(loop);
}

float bench_loop_run(struct bench_loop *loop)
{
    float sum = 0;

    pthread_barrier_wait(&loop->begin);
    loop->parts[0].sum = sum_of(loop->parts[0].x, loop->parts[0].count);
    pthread_barrier_wait(&loop->end);
    for (size_t i = 0; i < loop->part_count; i++)
        sum += loop->parts[i].sum;
    return sum;
}
