/*
 * numerics.cl - the arithmetic that every rule is written in
 * SPDX-License-Identifier: MIT
 *
 * + - * and comparisons are exact everywhere.  Division and root are too with
 * the options that the probe found, or else through double.  The functions
 * below keep a NaN, which OpenCL's own clamp(), fmax() and sign() do not; only
 * larger() drops one, in its first argument.
 */
#pragma OPENCL FP_CONTRACT OFF

#ifdef THROUGH_DOUBLE
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
static inline float divide(float a, float b)
{
    return (float)((double)a / (double)b);
}

static inline float root(float a)
{
    return (float)sqrt((double)a);
}
#else
static inline float divide(float a, float b)
{
    return a / b;
}

static inline float root(float a)
{
    return sqrt(a);
}
#endif

/* The exponential mean 's', moved towards 'x' by the given 'share'.  All of it
 * is 'x', of which a large 's' would leave nothing in x - s. */
static inline float mean(float s, float x, float share)
{
    return share == 1.0f ? x : s + share * (x - s);
}

static inline float sign_of(float a)
{
    return fabs(a) > 0.0f ? copysign(1.0f, a) : a;
}

static inline float larger(float a, float b)
{
    return a > b ? a : b;
}

/* 'a' within ['-limit', 'limit']. */
static inline float limited(float a, float limit)
{
    return a < -limit ? -limit : a > limit ? limit : a;
}
