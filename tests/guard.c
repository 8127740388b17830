/*
 * guard.c - see guard.h
 * SPDX-License-Identifier: MIT
 */
#include "guard.h"
#include "scene.h"

#include <stdlib.h>
#include <string.h>

enum { GUARD = 256, MAX_GUARDED = 64 };

static const unsigned char guard_byte = 0x3f; /* floats of 0.747 */

/* The buffers that are there. */
static struct {
    cl_mem buffer;
    size_t size; /* without the guard */
} guarded[MAX_GUARDED];

static bool wrapped, overrun;

bool guard_overrun(void)
{
    const bool was = overrun;

    overrun = false;
    return was;
}

void guard_check(const struct trial *trial)
{
    char settings[160];

    assert_true(wrapped); /* the probe has buffers too */
    if (!guard_overrun())
        return;
    trial_describe(trial->settings, settings, sizeof(settings));
    fail_msg("%s %s: a slot of %llu was written past its end",
             clstep_rule_name(trial->rule), settings,
             (unsigned long long)trial->count);
}

/* --- what the linker puts in the library's way (-Wl,--wrap) --------------- */

extern __typeof__(clCreateBuffer) __real_clCreateBuffer, __wrap_clCreateBuffer;
extern __typeof__(clReleaseMemObject) __real_clReleaseMemObject,
    __wrap_clReleaseMemObject;

cl_mem __wrap_clCreateBuffer(cl_context context, cl_mem_flags flags,
                             size_t size, void *from, cl_int *code)
{
    size_t i = 0;

    wrapped = true;
    while (i < MAX_GUARDED && guarded[i].buffer != NULL)
        i++;
    if (from != NULL || i == MAX_GUARDED || scene_is_simulated())
        return __real_clCreateBuffer(context, flags, size, from, code);

    unsigned char *bytes = malloc(size + GUARD);

    if (bytes == NULL)
        return __real_clCreateBuffer(context, flags, size, from, code);
    memset(bytes, guard_byte, size + GUARD);
    guarded[i].buffer = __real_clCreateBuffer(
        context, flags | CL_MEM_COPY_HOST_PTR, size + GUARD, bytes, code);
    guarded[i].size = size;
    free(bytes);
    return guarded[i].buffer;
}

cl_int __wrap_clReleaseMemObject(cl_mem buffer)
{
    unsigned char bytes[GUARD] = {0};
    size_t i = 0;

    while (i < MAX_GUARDED && guarded[i].buffer != buffer)
        i++;
    if (i < MAX_GUARDED) {
        clEnqueueReadBuffer(fixture_place()->queue, buffer, CL_TRUE,
                            guarded[i].size, GUARD, bytes, 0, NULL, NULL);
        for (size_t k = 0; k < GUARD; k++)
            overrun = overrun || bytes[k] != guard_byte;
        guarded[i].buffer = NULL;
    }
    return __real_clReleaseMemObject(buffer);
}
