/*
 * error.c - see error.h
 * SPDX-License-Identifier: MIT
 */
#include "error.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

clstep_status
cs_fail(clstep_error *error, clstep_status status, const char *format, ...)
{
    if (error != NULL) {
        va_list arguments;

        error->status = status;
        error->cl_code = CL_SUCCESS;
        va_start(arguments, format);
        vsnprintf(error->message, sizeof(error->message), format, arguments);
        va_end(arguments);

        /* One line, whatever the names have that it quotes. */
        for (char *c = error->message; *c != '\0'; c++)
            if (iscntrl((unsigned char)*c))
                *c = '?';
    }
    return status;
}

clstep_status cs_fail_cl(clstep_error *error, cl_int code, const char *call)
{
    const int memory = code == CL_OUT_OF_HOST_MEMORY ||
                       code == CL_OUT_OF_RESOURCES ||
                       code == CL_MEM_OBJECT_ALLOCATION_FAILURE;
    const clstep_status status =
        memory ? CLSTEP_OUT_OF_MEMORY : CLSTEP_CL_FAILED;

    cs_fail(error, status, "%s failed with OpenCL's code %d%s", call, (int)code,
            memory ? " (out of memory)" : "");
    if (error != NULL)
        error->cl_code = code;
    return status;
}

const char *clstep_status_name(clstep_status status)
{
    switch (status) {
    case CLSTEP_OK:
        return "ok";
    case CLSTEP_INVALID_ARGUMENT:
        return "invalid argument";
    case CLSTEP_OUT_OF_RANGE:
        return "out of range";
    case CLSTEP_OUT_OF_MEMORY:
        return "out of memory";
    case CLSTEP_BUILD_FAILED:
        return "build failed";
    case CLSTEP_CL_FAILED:
        return "OpenCL call failed";
    case CLSTEP_STATE_TORN:
        return "state torn";
    case CLSTEP_CALLBACK_FAILED:
        return "callback failed";
    }
    return "unknown status";
}

clstep_status cs_fail_in(clstep_error *error, clstep_status status,
                         const char *what, size_t index)
{
    char message[sizeof(error->message)];

    if (error == NULL)
        return status;
    memcpy(message, error->message, sizeof(message));
    snprintf(error->message, sizeof(error->message), "%s %zu: %.600s", what,
             index, message);
    return status;
}
