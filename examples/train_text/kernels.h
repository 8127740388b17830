/*
 * kernels.h - the kernels of the example, which the build embeds
 * SPDX-License-Identifier: MIT
 */
#ifndef EXAMPLE_KERNELS_H
#define EXAMPLE_KERNELS_H

/* The text of the file NAME.cl and the comment on its top, or NULL. */
const char *example_kernel_text(const char *name);
const char *example_kernel_comment(const char *name);

#endif /* EXAMPLE_KERNELS_H */
