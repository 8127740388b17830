/*
 * types.cl - gradients and copies of 16 bits
 * SPDX-License-Identifier: MIT
 *
 * Integer code, so that every device rounds alike and needs no extension.
 */
#if defined(GRAD_TYPE_F16) || defined(GRAD_TYPE_BF16)
typedef ushort gradient_t;
#else
typedef float gradient_t;
#endif

/* Every half is a float.  A subnormal one is the difference of two floats that
 * are not: many processors take long over those that are. */
static inline float float_of_half(uint h)
{
    const uint bits = (h & 0x7fffu) << 13, exponent = h & 0x7c00u;
    const uint small = as_uint(as_float(bits + 0x38800000u) - 0x1p-14f);
    const uint size = exponent == 0x7c00u ? bits | 0x7f800000u
                      : exponent == 0     ? small
                                          : bits + 0x38000000u;

    return as_float(size | (h & 0x8000u) << 16);
}

static inline float float_of_bfloat(uint b)
{
    return as_float(b << 16);
}

/* To nearest even.  A sum with 0.5 puts a subnormal half's bits in place and
 * rounds them; a NaN becomes a quiet one, what is too large an infinity. */
static inline ushort half_of_float(float x)
{
    const uint sign = as_uint(x) & 0x80000000u;
    const uint a = as_uint(x) ^ sign;
    const uint small = as_uint(as_float(a) + 0.5f) - 0x3f000000u;
    const uint normal = (a - 0x38000000u + 0xfffu + (a >> 13 & 1u)) >> 13;
    const uint large = a > 0x7f800000u ? 0x7e00u : 0x7c00u;

    return (ushort)((a >= 0x47800000u  ? large
                     : a < 0x38800000u ? small
                                       : normal) |
                    sign >> 16);
}

static inline ushort bfloat_of_float(float x)
{
    const uint a = as_uint(x);

    return (ushort)((x != x ? a | 0x400000u : a + 0x7fffu + (a >> 16 & 1u)) >>
                    16);
}

static inline float float_of_gradient(gradient_t g)
{
#if defined(GRAD_TYPE_F16)
    return float_of_half(g);
#elif defined(GRAD_TYPE_BF16)
    return float_of_bfloat(g);
#else
    return g;
#endif
}

#if defined(COPY_TYPE_F16)
#define COPY_OF(w) half_of_float(w)
#elif defined(COPY_TYPE_BF16)
#define COPY_OF(w) bfloat_of_float(w)
#endif
