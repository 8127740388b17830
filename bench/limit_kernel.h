/*
 * limit_kernel.h - the text of bench/limit.cl, embedded when this is built
 * SPDX-License-Identifier: MIT
 */
#ifndef BENCH_LIMIT_KERNEL_H
#define BENCH_LIMIT_KERNEL_H

/* The text of the file called 'name', and the comment at its top; "limit". */
const char *bench_kernel_text(const char *name);
const char *bench_kernel_comment(const char *name);

#endif /* BENCH_LIMIT_KERNEL_H */
