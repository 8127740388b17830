/*
 * prune.cl - which parameters prune holds at zero
 * SPDX-License-Identifier: MIT
 *
 * In an update, docs/numerics.md section 8, the k smallest of a tensor are
 * chosen: by their absolute value as an integer, and those of the same one by
 * their index.  Digit by digit from the top, each of 8 bits, first of the value
 * and then of the index: 'count' counts the elements that agree in the digits
 * so far by their next one, and 'choose' takes the digit that the k-th element
 * has.  All tensors go through it together.  finish.cl then marks what lies
 * below the k-th element.
 *
 * The share of a tensor is M / 2^E, which the row of scalars has as exact
 * floats: three parts of 18 bits of M, and E, which is 52 or more, or -1 in a
 * step that is no update.
 */
struct prune_tensor {
    ulong begin; /* of its elements in the layout */
    uint count;  /* 0 for a tensor that is not pruned */
    uint group;
};

struct prune_chunk {
    ulong begin;
    uint index; /* of its first element in the tensor */
    uint count, tensor, unused;
};

/* 'value' to 53 bits, to nearest even; it stands for 2^'*shift' times that. */
static ulong rounded(ulong high, ulong low, uint *shift)
{
    const uint length = high != 0 ? 128 - (uint)clz(high) : 64 - (uint)clz(low);
    const uint drop = max(length, 53u) - 53;

    *shift = drop;
    if (drop == 0)
        return low;

    const ulong kept = low >> drop | high << (64 - drop);
    const ulong rest = low & (((ulong)1 << drop) - 1);
    const ulong half_way = (ulong)1 << (drop - 1);

    return kept + (rest > half_way || (rest == half_way && (kept & 1) != 0));
}

/* floor(m / 2^e * n + 0.5) as in double: the product is rounded, the sum is. */
static uint chosen_of(ulong m, uint e, uint n)
{
    uint shift;
    const ulong product = rounded(mul_hi(m, (ulong)n), m * n, &shift);
    const uint point = e - shift; /* bits behind it */

    if (point > 60)
        return 0;

    const ulong sum = rounded(0, product + ((ulong)1 << (point - 1)), &shift);

    return (uint)(sum << shift >> point);
}

/* How many elements of a tensor are chosen. */
static uint chosen_by(const struct hyper *h, uint count)
{
    const ulong m = (ulong)h->share_high << 36 | (ulong)h->share_middle << 18 |
                    (ulong)h->share_low;

    return chosen_of(m, (uint)h->share_exponent, count);
}

/* One work-item a tensor. */
kernel void
clstep_prune_begin(const ulong first, const ulong count,
                   const global struct prune_tensor *restrict tensors,
                   global uint *restrict selections, global uint *restrict bins,
                   SCALARS)
{
    if (get_global_id(0) >= count)
        return;

    const ulong t = first + get_global_id(0);
    const struct prune_tensor tensor = tensors[t];
    global uint *s = selections + SELECTION_WORDS * t;
    const uint row = ROW_OF(tensor.group);

    s[SELECTION_OPEN] = 0;
    if (row >= ROW_SKIPPED)
        return;

    const struct hyper h = HYPER(row);

    if (h.share_exponent < 0.0f)
        return;

    const uint chosen = chosen_by(&h, tensor.count);

    /* None, or all, are known already. */
    s[SELECTION_OPEN] = chosen != 0 && chosen != tensor.count;
    s[SELECTION_VALUE] =
        chosen != 0 && chosen == tensor.count ? 0x80000000u : 0;
    s[SELECTION_LEFT] = chosen;
    s[SELECTION_INDEX] = 0;
    s[SELECTION_END] = 0;
    s[SELECTION_END_HIGH] = 0;
    for (uint b = 0; b < 256; b++)
        bins[256 * t + b] = 0;
}

#ifdef GROUP_A_CHUNK
#define INCREMENT(bin) atomic_inc(&(bin))
#else
#define INCREMENT(bin) (bin)++ /* one work-item is the work-group */
#endif

/* One work-group a chunk.  No return before a barrier, which PoCL 3.1 does not
 * bear. */
kernel void clstep_prune_count(const ulong first, const ulong count,
                               const global struct prune_chunk *restrict chunks,
                               const global float *restrict parameters,
                               const ulong parameters_offset,
                               const global float *restrict pruned,
                               const global uint *restrict selections,
                               global uint *restrict bins, const uint by_index,
                               const uint shift)
{
    local uint found[256];
    const uint l0 = (uint)get_local_id(0), wide = (uint)get_local_size(0);
    const bool is_there = get_group_id(0) < count;
    const struct prune_chunk c = chunks[is_there ? first + get_group_id(0) : 0];
    const global uint *s = selections + SELECTION_WORDS * (ulong)c.tensor;
    const global float *w = parameters + (parameters_offset + c.begin);
    const uint length = is_there && s[SELECTION_OPEN] != 0 ? c.count : 0;
    const uint value = length != 0 ? s[SELECTION_VALUE] : 0;
    const uint index = length != 0 ? s[SELECTION_INDEX] : 0;

    for (uint b = l0; b < 256; b += wide)
        found[b] = 0;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (uint e = l0; e < length; e += wide) {
#ifdef WITH_MAX_NORM
        const uint size = size_of(w[e], pruned[c.begin + e]);
#else
        const uint size = size_of(w[e], 0.0f);
#endif
        const uint at = c.index + e;
        const uint digits = by_index ? at : size;
        const uint known = by_index ? index : value;

        if ((digits >> shift) >> 8 == (known >> shift) >> 8 &&
            (!by_index || size == value))
            INCREMENT(found[digits >> shift & 255]);
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    for (uint b = l0; b < 256 && length != 0; b += wide)
        if (found[b] != 0)
            atomic_add(&bins[256 * (ulong)c.tensor + b], found[b]);
}

/* One work-item a tensor. */
kernel void
clstep_prune_choose(const ulong first, const ulong count,
                    const global struct prune_tensor *restrict tensors,
                    global uint *restrict selections,
                    global uint *restrict bins, const uint by_index,
                    const uint shift)
{
    if (get_global_id(0) >= count)
        return;

    const ulong t = first + get_global_id(0);
    global uint *s = selections + SELECTION_WORDS * t;
    global uint *found = bins + 256 * t;
    uint left = s[SELECTION_LEFT], digit = 0;

    if (s[SELECTION_OPEN] == 0)
        return;
    while (digit < 255 && found[digit] < left)
        left -= found[digit++];

    const bool is_last = shift == 0, all = found[digit] == left;

    s[SELECTION_LEFT] = left;
    s[by_index ? SELECTION_INDEX : SELECTION_VALUE] |= digit << shift;
    if (is_last && (by_index || all)) {
        const ulong end =
            tensors[t].begin + (by_index ? s[SELECTION_INDEX] + (ulong)1
                                         : (ulong)tensors[t].count);

        s[SELECTION_OPEN] = 0;
        s[SELECTION_END] = (uint)end;
        s[SELECTION_END_HIGH] = (uint)(end >> 32);
    }
    for (uint b = 0; b < 256; b++)
        found[b] = 0;
}
