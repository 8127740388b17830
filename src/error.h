/*
 * error.h - how a function reports a failure: return cs_fail(error, ...)
 * SPDX-License-Identifier: MIT
 */
#ifndef CS_ERROR_H
#define CS_ERROR_H

#include "clstep/clstep.h"

/* Fills in 'error', unless it is NULL, and returns 'status'. */
clstep_status
cs_fail(clstep_error *error, clstep_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same for the OpenCL function 'call', which returned 'code'. */
clstep_status cs_fail_cl(clstep_error *error, cl_int code, const char *call);

/* Says in front of a failure's message which of several it is: "tensor 2: ". */
clstep_status cs_fail_in(clstep_error *error, clstep_status status,
                         const char *what, size_t index);

#endif /* CS_ERROR_H */
