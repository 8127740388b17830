/*
 * version.c - the version of the library that runs
 * SPDX-License-Identifier: MIT
 */
#include "clstep/clstep.h"

#define TEXT_OF(x) #x
#define TEXT(x)    TEXT_OF(x)

const char *clstep_version(void)
{
    return TEXT(CLSTEP_VERSION_MAJOR) "." TEXT(CLSTEP_VERSION_MINOR) "." TEXT(
        CLSTEP_VERSION_PATCH);
}
