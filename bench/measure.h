/*
 * measure.h - the time of a step, beside that of its limit
 * SPDX-License-Identifier: MIT
 */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include "cli.h"

/* What is measured: a rule with its settings, or L-BFGS, on the tensors of a
 * layout. */
struct bench_case {
    const clstep_rule *rule; /* or NULL: L-BFGS */
    const clstep_setting *settings;
    uint64_t history; /* of L-BFGS */
    const clstep_layout *layout;
    const char *what;  /* the layout in a word: "gpt2", "33554432" */
    const char *part;  /* "update", "everything"; or NULL: there is no other */
    const char *given; /* the settings as text */
    bool passes;       /* measure the passes of the step one by one, too */
    int rounds;
};

/* The results that one case can have: the step, and two passes. */
enum { BENCH_MAX_RESULTS = 3 };

struct bench_result {
    char name[128];   /* "adam/gpt2", or "adam/gpt2/everything" */
    const char *rule; /* all as in the case, and living as long */
    const char *what, *given;
    const char *part; /* "step" where the case has none */
    uint64_t count;   /* parameters, without padding */
    size_t tensors, groups;
    double best_ms, median_ms;
    int runs;
    uint64_t bytes_per_parameter;
    double gb_per_s, limit_gb_per_s; /* of the medians, 1 GB = 10^9 bytes */
    double share; /* median over the rounds of the limit's time / the step's */
    double host_us; /* of the host for a step, beyond that for as many launches
                       of an empty kernel; a NaN where that was not measured */
};

/*
 * Whether the device has the memory, as far as can be told beforehand: CLI_OK,
 * or CLI_FAILED after a line.
 */
int bench_check_memory(const struct cli_device *device,
                       const struct bench_case *c);

/*
 * Of a case that passed that.  '*count' becomes the number of results: 1, or
 * with passes 3, where the device tells them apart.  Returns CLI_OK, or
 * CLI_FAILED after a line.
 */
int bench_measure(const struct cli_device *device, const struct bench_case *c,
                  struct bench_result results[BENCH_MAX_RESULTS],
                  size_t *count);

/* The same for L-BFGS, which has one result. */
int bench_check_memory_lbfgs(const struct cli_device *device,
                             const struct bench_case *c);
int bench_measure_lbfgs(const struct cli_device *device,
                        const struct bench_case *c,
                        struct bench_result *result);

#endif /* BENCH_MEASURE_H */
