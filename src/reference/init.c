/*
 * init.c - the parameters that training begins with
 * SPDX-License-Identifier: MIT
 *
 * docs/numerics.md, section 9: a number is a function of seed, step and index.
 */
#include "reference.h"

#include <float.h>
#include <math.h>
#include <string.h>

_Static_assert(FLT_EVAL_METHOD == 0 || FLT_EVAL_METHOD == 16,
               "the reference needs floats without excess precision");

/* Wellons' lowbias32. */
static uint32_t mix(uint32_t h)
{
    h ^= h >> 16;
    h *= 0x7feb352d;
    h ^= h >> 15;
    h *= 0x846ca68b;
    h ^= h >> 16;
    return h;
}

static uint32_t key(uint32_t constant, uint64_t seed, uint64_t step)
{
    const uint32_t words[] = {(uint32_t)seed, (uint32_t)(seed >> 32),
                              (uint32_t)step, (uint32_t)(step >> 32)};
    uint32_t h = constant;

    for (int i = 0; i < 4; i++)
        h = mix(h ^ words[i]);
    return h;
}

uint32_t reference_word(uint64_t seed, uint64_t step, uint64_t index)
{
    const uint32_t low = mix((uint32_t)index ^ key(0x9e3779b9, seed, step));

    return mix(low ^ (uint32_t)(index >> 32) ^ key(0x7f4a7c15, seed, step));
}

float reference_unit(uint32_t word)
{
    return (float)(word >> 8 | 1) * 0x1p-24f;
}

/* -log(p) of a normal p below 1: the exponent, and a series in (f-1)/(f+1). */
static float minus_log(float p)
{
    uint32_t bits;
    float f;

    memcpy(&bits, &p, sizeof(bits));

    int exponent = (int)(bits >> 23 & 0xff) - 127;
    const uint32_t fraction = 0x3f800000 | (bits & 0x7fffff);

    memcpy(&f, &fraction, sizeof(f));
    if (f > 1.4140625f) {
        f = f * 0.5f;
        exponent++;
    }

    const float s = (f - 1.0f) / (f + 1.0f);
    const float y = s * s;
    const float tail = 2.0f / 7.0f + y * (2.0f / 9.0f);
    const float log_f =
        s * (2.0f + y * (2.0f / 3.0f + y * (2.0f / 5.0f + y * tail)));

    return -((float)exponent * 0.693147181f + log_f);
}

/* Wichura 1988, algorithm AS 241, PPND7: near the middle, q away from it. */
static float middle_quantile(float q)
{
    const float r = 0.180625f - q * q;
    const float over =
        ((59.109374720f * r + 159.29113202f) * r + 50.434271938f) * r +
        3.3871327179f;
    const float under =
        ((67.187563600f * r + 78.757757664f) * r + 17.895169469f) * r + 1.0f;

    return q * over / under;
}

/* The same in the tail of probability p. */
static float tail_quantile(float p)
{
    const float r = sqrtf(minus_log(p)) - 1.6f;
    const float over =
        ((0.17023821103f * r + 1.3067284816f) * r + 2.7568153900f) * r +
        1.4234372777f;
    const float under = (0.12021132975f * r + 0.73700164250f) * r + 1.0f;

    return over / under;
}

float reference_normal(uint32_t word)
{
    const int32_t k = (int32_t)(word & 0x7fffffff);
    const float q = ((float)k + 0.5f) * 0x1p-32f;
    const float p = ((float)(0x7fffffff - k) + 0.5f) * 0x1p-32f;
    const float z = q <= 0.425f ? middle_quantile(q) : tail_quantile(p);

    return word >> 31 != 0 ? -z : z;
}

void reference_init_zeros(float *w, size_t count)
{
    for (size_t i = 0; i < count; i++)
        w[i] = 0.0f;
}

void reference_init_uniform(float *w, size_t count, uint64_t index,
                            uint64_t seed, double a, double b)
{
    const float begin = (float)a;
    const float width = (float)(b - a);

    for (size_t i = 0; i < count; i++)
        w[i] =
            begin + width * reference_unit(reference_word(seed, 0, index + i));
}

void reference_init_normal(float *w, size_t count, uint64_t index,
                           uint64_t seed, double mean, double std)
{
    const float middle = (float)mean;
    const float width = (float)std;

    for (size_t i = 0; i < count; i++)
        w[i] = middle +
               width * reference_normal(reference_word(seed, 0, index + i));
}

/* The elements of a tensor that belong to one of its inputs or outputs, which
 * are counted by the extent at 'other'. */
static double fan_of(size_t rank, const uint64_t *shape, size_t other)
{
    if (rank < 2)
        return rank == 1 ? (double)shape[0] : 1.0;

    double fan = (double)shape[other];

    for (size_t i = 2; i < rank; i++)
        fan = fan * (double)shape[i];
    return fan;
}

static double
variance(double scale, size_t rank, const uint64_t *shape, const char *fan)
{
    const double in = fan_of(rank, shape, 1);
    const double out = fan_of(rank, shape, 0);
    const double n = strcmp(fan, "in") == 0    ? in
                     : strcmp(fan, "out") == 0 ? out
                                               : (in + out) / 2.0;

    return scale / n;
}

static size_t elements(size_t rank, const uint64_t *shape)
{
    size_t count = 1;

    for (size_t i = 0; i < rank; i++)
        count *= (size_t)shape[i];
    return count;
}

bool reference_init_by_shape(const char *kind, float *w, size_t rank,
                             const uint64_t *shape, uint64_t index,
                             uint64_t seed, double gain, const char *fan)
{
    static const struct {
        const char *name, *fan;
        double scale;
        bool normal;
    } kinds[] = {
        {"xavier_uniform", "average", 1.0, false}, /* Glorot, Bengio 2010 */
        {"xavier_normal", "average", 1.0, true},
        {"lecun_uniform", "in", 1.0, false}, /* LeCun et al. 1998 */
        {"lecun_normal", "in", 1.0, true},
        {"he_uniform", "in", 2.0, false}, /* He et al. 2015 */
        {"he_normal", "in", 2.0, true},
    };
    const size_t count = elements(rank, shape);

    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        if (strcmp(kinds[i].name, kind) != 0)
            continue;

        const double v = variance(kinds[i].scale, rank, shape,
                                  fan != NULL ? fan : kinds[i].fan);
        const double bound = gain * sqrt(3.0 * v);

        if (kinds[i].normal)
            reference_init_normal(w, count, index, seed, 0.0, gain * sqrt(v));
        else
            reference_init_uniform(w, count, index, seed, -bound, bound);
        return true;
    }
    return false;
}
