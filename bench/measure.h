/*
 * measure.h - the time of a step, beside that of its limit
 * SPDX-License-Identifier: MIT
 */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include "cli.h"

/* What is measured: a rule with its settings on the tensors of a layout. */
struct bench_case {
    const clstep_rule *rule;
    const clstep_setting *settings;
    const clstep_layout *layout;
    const char *what; /* the layout in a word: "gpt2", "33554432" */
    int rounds;
};

struct bench_result {
    char name[96];    /* "adam/gpt2" */
    const char *rule; /* both as in the case, and living as long */
    const char *what;
    uint64_t count; /* parameters, without padding */
    size_t tensors;
    double best_ms, median_ms;
    int runs;
    uint64_t bytes_per_parameter;
    double gb_per_s, limit_gb_per_s; /* of the medians, 1 GB = 10^9 bytes */
    double share; /* median over the rounds of the limit's time / the step's */
};

/*
 * Whether the device has the memory, as far as can be told beforehand: CLI_OK,
 * or CLI_FAILED after a line.
 */
int bench_check_memory(const struct cli_device *device,
                       const struct bench_case *c);

/* Of a case that passed that.  Returns CLI_OK, or CLI_FAILED after a line. */
int bench_measure(const struct cli_device *device, const struct bench_case *c,
                  struct bench_result *result);

#endif /* BENCH_MEASURE_H */
