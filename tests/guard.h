/*
 * guard.h - a guard behind each buffer of the library
 * SPDX-License-Identifier: MIT
 *
 * A program with guard.c in it is linked with --wrap=clCreateBuffer and
 * --wrap=clReleaseMemObject.  Then each buffer that is made without contents,
 * as slots are, gets a guard at its end, and its release looks whether the
 * guard is as it was.  Oclgrind gets none: it watches ends and contents itself.
 */
#ifndef GUARD_H
#define GUARD_H

#include "trial.h"

/* Says whether a guard was written to since the last call. */
bool guard_overrun(void);

/* Ends the test if so; 'trial' is what ran since then. */
void guard_check(const struct trial *trial);

#endif /* GUARD_H */
