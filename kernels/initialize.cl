/*
 * initialize.cl - the first numbers of a tensor
 * SPDX-License-Identifier: MIT
 *
 * An element depends on the seed, of which the keys are made, and on its index
 * in the layout alone, docs/numerics.md section 9.  A normal number is the
 * quantile of a uniform one, by M. J. Wichura's algorithm AS 241 (PPND7, 1988),
 * with a logarithm of + - * / alone.
 */
static inline uint mixed(uint h)
{
    h = h ^ h >> 16;
    h = h * 0x7feb352du;
    h = h ^ h >> 15;
    h = h * 0x846ca68bu;
    return h ^ h >> 16;
}

static inline uint word_of(ulong index, uint key, uint second_key)
{
    return mixed(mixed((uint)index ^ key) ^ (uint)(index >> 32) ^ second_key);
}

#if defined(UNIFORM)
/* In (0, 1). */
static inline float drawn(uint word)
{
    return (float)(word >> 8 | 1u) * 0x1p-24f;
}
#elif defined(NORMAL)
/* -log p, for a normal number p. */
static inline float minus_log(float p)
{
    const uint bits = as_uint(p);
    const float whole = as_float((bits & 0x7fffffu) | 0x3f800000u);
    const bool is_large = whole > 1.4140625f;
    const float f = is_large ? whole * 0.5f : whole;
    const float e = (float)((int)(bits >> 23) - 127 + (is_large ? 1 : 0));
    const float s = divide(f - 1.0f, f + 1.0f);
    const float y = s * s;
    const float series =
        2.0f +
        y * (0x1.555556p-1f +
             y * (0x1.99999ap-2f + y * (0x1.24924ap-2f + y * 0x1.c71c72p-3f)));

    return -(e * 0x1.62e43p-1f + s * series);
}

/* Of mean 0 and variance 1: the sign is the word's first bit. */
static inline float drawn(uint word)
{
    const uint k = word & 0x7fffffffu;
    const float q = ((float)k + 0.5f) * 0x1p-32f;
    const float p = ((float)(2147483647u - k) + 0.5f) * 0x1p-32f;
    const float a = 0.180625f - q * q;
    const float c = root(minus_log(p)) - 1.6f;
    const float middle = divide(
        q * (((59.109374720f * a + 159.29113202f) * a + 50.434271938f) * a +
             3.3871327179f),
        ((67.187563600f * a + 78.757757664f) * a + 17.895169469f) * a + 1.0f);
    const float tail =
        divide(((0.17023821103f * c + 1.3067284816f) * c + 2.7568153900f) * c +
                   1.4234372777f,
               (0.12021132975f * c + 0.73700164250f) * c + 1.0f);
    const float z = q <= 0.425f ? middle : tail;

    return word >> 31 != 0 ? -z : z;
}
#endif

/* 'first' is the index of the tensor's first element; 'begin' is where it
 * stands among the parameters. */
kernel void
clstep_initialize(const ulong count, global float *restrict parameters,
                  const ulong begin, const ulong first, const uint key,
                  const uint second_key, const float at, const float times)
{
    const size_t i = get_global_id(0);

    if (i >= count)
        return;
#ifdef CONSTANT
    parameters[begin + i] = at;
#else
    parameters[begin + i] =
        at + times * drawn(word_of(first + i, key, second_key));
#endif
}
