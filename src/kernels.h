/*
 * kernels.h - the texts of kernels/, embedded when the library is built
 * SPDX-License-Identifier: MIT
 */
#ifndef CS_KERNELS_H
#define CS_KERNELS_H

/* The text of kernels/<name>.cl or kernels/rules/<name>.cl, or NULL. */
const char *cs_kernel_text(const char *name);

/* The comment at its top, without the stars. */
const char *cs_kernel_comment(const char *name);

#endif /* CS_KERNELS_H */
