/*
 * sums.cl - the norm of the gradients, and what the device decides by it
 * SPDX-License-Identifier: MIT
 *
 * The order of every sum is fixed, docs/numerics.md section 4: chunks of 4096
 * elements, 256 lanes in each, lanes and lists folded by halves (fold.cl).  The
 * kernels run one after the other: chunks, nodes (the fold of 256 chunks),
 * decide.
 */
/* What is kept between steps; clstep_report begins in the same way. */
struct control {
    ulong steps, skipped;
    float norm, unused;
    uint scale_steps, skip;
};

static float prepared(gradient_t g, float unscale)
{
    const float x = float_of_gradient(g);

#if defined(SCALE_IN_MEMORY) || defined(WITH_GRAD_SCALE)
    return x * unscale;
#else
    return x;
#endif
}

static float clipped(float x, float clip_value)
{
#ifdef WITH_CLIP_VALUE
    return clip_value != 0.0f ? limited(x, clip_value) : x;
#else
    return x;
#endif
}

static uint is_bad(float x)
{
    return (as_uint(x) & 0x7f800000u) == 0x7f800000u;
}

/* --- chunks --------------------------------------------------------------- */

#define CHUNK_ARGUMENTS                                                        \
    const ulong first, const ulong count, const global struct chunk *chunks,   \
        const global gradient_t *restrict gradients,                           \
        const ulong gradients_offset, const float scale_value,                 \
        const global float *scale, const ulong scale_offset,                   \
        const float clip_value, volatile global uint *table,                   \
        const uint entries, global float *restrict sums

/* What 'x' is multiplied by: of memory, or of the host. */
#ifdef SCALE_IN_MEMORY
#define UNSCALE divide(1.0f, scale[scale_offset])
#else
#define UNSCALE scale_value
#endif

#ifdef GROUP_A_CHUNK

/* One work-group a chunk, for devices with many: lanes side by side. */
kernel void clstep_chunks(CHUNK_ARGUMENTS)
{
    local float lanes[256];
    const uint l0 = (uint)get_local_id(0), wide = (uint)get_local_size(0);

    /* No return before a barrier, which PoCL 3.1 does not bear. */
    const bool is_there = get_group_id(0) < count;
    const ulong which = is_there ? first + get_group_id(0) : 0;
    const struct chunk c = chunks[which];
    const uint length =
        is_there && table[entries + ENTRY_WORDS * c.group + ENTRY_ACTIVE] != 0
            ? c.count
            : 0;
    const global gradient_t *g = gradients + (gradients_offset + c.begin);
    const float unscale = length != 0 ? UNSCALE : 1.0f;
    uint bad = 0;

    for (uint l = l0; l < 256; l += wide) {
        float sum = 0.0f;

        for (uint e = l; e < length; e += 256) {
            float x = prepared(g[e], unscale);

            bad |= is_bad(x);
            x = clipped(x, clip_value);
            sum = sum + x * x;
        }
        lanes[l] = sum;
    }
    if (bad)
        atomic_or(&table[TABLE_BAD], 1u);
    barrier(CLK_LOCAL_MEM_FENCE);
    for (uint span = 128; span != 0; span /= 2) {
        for (uint l = l0; l < span; l += wide)
            lanes[l] = lanes[l] + lanes[l + span];
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    if (l0 == 0 && is_there)
        sums[which] = lanes[0];
}

#else

/* One work-item a chunk, for devices with few: lanes in vectors. */
static float16 load16(const global gradient_t *g, float unscale)
{
#if defined(GRAD_TYPE_F16) || defined(GRAD_TYPE_BF16)
    const uint16 b = convert_uint16(vload16(0, g));
#if defined(GRAD_TYPE_F16)
    const uint16 bits = (b & 0x7fffu) << 13;
    const uint16 size = select(as_uint16(as_float16(bits) * 0x1p112f),
                               bits | 0x7f800000u, (b & 0x7c00u) == 0x7c00u);
    const float16 x = as_float16(size | (b & 0x8000u) << 16);
#else
    const float16 x = as_float16(b << 16);
#endif
#else
    const float16 x = vload16(0, g);
#endif
#if defined(SCALE_IN_MEMORY) || defined(WITH_GRAD_SCALE)
    return x * unscale;
#else
    return x;
#endif
}

static float16 clipped16(float16 x, float clip_value)
{
#ifdef WITH_CLIP_VALUE
    if (clip_value == 0.0f)
        return x;
    const float16 high = (float16)(clip_value), low = (float16)(-clip_value);

    return select(select(x, high, x > high), low, x < low);
#else
    return x;
#endif
}

/* The first 'count' of 16 elements, and zeros. */
static float16 some16(const global gradient_t *g, uint count, float unscale)
{
    float x[16];

    for (uint e = 0; e < 16; e++)
        x[e] = e < count ? prepared(g[e], unscale) : 0.0f;
    return vload16(0, x);
}

/*
 * The sum of a chunk of 'count' elements; '*worst' is its largest absolute
 * value, as bits.  The lanes are 16 vectors, which stay in registers as long as
 * no index of theirs is a variable.
 */
static float chunk_sum(const global gradient_t *g, uint count, float unscale,
                       float clip_value, uint *worst)
{
    const uint rows = count / 256, left = count % 256;
    float16 a[16];
    uint16 most = (uint16)(0u);

    for (uint j = 0; j < 16; j++)
        a[j] = (float16)(0.0f);
    for (uint r = 0; r < rows; r++)
        for (uint j = 0; j < 16; j++) {
            float16 x = load16(g + 256 * r + 16 * j, unscale);

            most = max(most, as_uint16(x) & 0x7fffffffu);
            x = clipped16(x, clip_value);
            a[j] = a[j] + x * x;
        }
    g += 256 * rows;
    for (uint j = 0; j < 16; j++)
        if (16 * j < left) {
            float16 x = left - 16 * j >= 16
                            ? load16(g + 16 * j, unscale)
                            : some16(g + 16 * j, left - 16 * j, unscale);

            most = max(most, as_uint16(x) & 0x7fffffffu);
            x = clipped16(x, clip_value);
            a[j] = a[j] + x * x;
        }
    for (uint span = 8; span != 0; span /= 2)
        for (uint j = 0; j < span; j++)
            a[j] = a[j] + a[j + span];

    const float8 a8 = a[0].lo + a[0].hi;
    const float4 a4 = a8.lo + a8.hi;
    const float2 a2 = a4.lo + a4.hi;
    const uint8 m8 = max(most.lo, most.hi);
    const uint4 m4 = max(m8.lo, m8.hi);
    const uint2 m2 = max(m4.lo, m4.hi);

    *worst = max(m2.x, m2.y);
    return a2.x + a2.y;
}

kernel void clstep_chunks(CHUNK_ARGUMENTS)
{
    const size_t i = get_global_id(0);

    if (i >= count)
        return;

    const struct chunk c = chunks[first + i];

    if (table[entries + ENTRY_WORDS * c.group + ENTRY_ACTIVE] == 0) {
        sums[first + i] = 0.0f;
        return;
    }

    const global gradient_t *g = gradients + (gradients_offset + c.begin);
    const float unscale = UNSCALE;
    uint worst;

    sums[first + i] = chunk_sum(g, c.count, unscale, clip_value, &worst);
    if (worst >= 0x7f800000u)
        atomic_or(&table[TABLE_BAD], 1u);
}

#endif

/* --- nodes ---------------------------------------------------------------- */

/* One work-item folds the sums of 256 chunks of a tensor. */
kernel void
clstep_nodes(const ulong count, const global struct part *restrict nodes,
             global float *restrict sums, global float *restrict node_sums)
{
    const size_t i = get_global_id(0);

    if (i >= count)
        return;
    fold(sums + nodes[i].first, nodes[i].count);
    node_sums[i] = sums[nodes[i].first];
}

/* --- decide --------------------------------------------------------------- */

static float clip_of(float sum, float clip_norm)
{
    const float k = divide(clip_norm, root(sum) + 1e-6f);

    return clip_norm == 0.0f ? 1.0f : k > 1.0f ? 1.0f : k;
}

/* 64 bits as two words: Mesa 22.3.6's llvmpipe loses what all work-items but
 * the first store in one piece. */
static ulong long_at(const global uint *words)
{
    return words[0] | (ulong)words[1] << 32;
}

/* What one work-item of 'decide' does alone. */
static void
decide_all(float sum, global struct control *control, global uint *table,
           global float *factors, global float *scale, ulong scale_offset)
{
    uint skip = 0;

    control->norm = root(sum);
#ifdef CHECK_FINITE
    skip = table[TABLE_BAD];
#endif
    control->skip = skip;
    if (table[TABLE_COUNTED])
        control->steps = long_at(table + TABLE_STEPS);
    control->steps += 1 - skip;
    control->skipped += skip;

#ifdef SCALE_IN_MEMORY
    factors[0] = divide(1.0f, scale[scale_offset]);
#endif
#ifdef WITH_CLIP_NORM
    factors[1] = clip_of(sum, as_float(table[TABLE_CLIP]));
#endif
#ifdef DYNAMIC_SCALE
    const float old = scale[scale_offset];

    control->scale_steps = skip ? 0 : control->scale_steps + 1;
    if (skip) {
        const float less = old * as_float(table[TABLE_BACKOFF]);

        /* A scale of 0 would skip all further steps. */
        scale[scale_offset] = less < FLT_MIN ? FLT_MIN : less;
    } else if ((float)control->scale_steps >= as_float(table[TABLE_INTERVAL])) {
        const float grown = old * as_float(table[TABLE_GROWTH]);

        control->scale_steps = 0;
        scale[scale_offset] = is_bad(grown) ? old : grown;
    }
#endif
}

/* The step that the group takes now, if it takes one. */
static ulong
step_of(const global uint *entry, const global uint *table, ulong taken)
{
    const ulong first = long_at(entry + ENTRY_FIRST);

    return table[TABLE_COUNTED] ? first : taken + 1;
}

/*
 * One work-group: folds what the nodes have left into a sum for each tensor and
 * one for all, decides whether the step is skipped, and gives each group the
 * row of the step that it takes.  Behind 'control' is each group's count.
 * 'list' has room for all tensors, and for one number more for each 256 of
 * them.  Without tensors nothing is done; but there is no return before a
 * barrier, which PoCL 3.1 does not bear.
 */
kernel void
clstep_decide(const uint tensors, const global struct part *restrict parts,
              global float *restrict node_sums, global float *restrict list,
              const uint groups, const uint entries, global uint *table,
              global struct control *control, global float *restrict factors,
              global float *scale, const ulong scale_offset)
{
    const uint l = (uint)get_local_id(0), wide = (uint)get_local_size(0);
    const uint runs = (tensors + 255) / 256;
    global float *tops = list + tensors;
    global uint *counts = (global uint *)(control + 1);

    for (uint t = l; t < tensors; t += wide) {
#ifdef NORM
        const float sum =
            parts[t].count == 0
                ? 0.0f
                : fold_list(node_sums + parts[t].first, parts[t].count);
#else
        const float sum = 0.0f;
#endif

        list[t] = sum;
#ifdef WITH_CLIP_NORM_TENSOR
        factors[1 + t] = clip_of(sum, as_float(table[TABLE_CLIP]));
#endif
    }
    barrier(CLK_GLOBAL_MEM_FENCE);
    for (uint r = l; r < runs; r += wide) {
        fold(list + 256 * r, min(tensors - 256 * r, 256u));
        tops[r] = list[256 * r];
    }
    barrier(CLK_GLOBAL_MEM_FENCE);
    if (l == 0 && tensors != 0)
        decide_all(fold_list(tops, runs), control, table, factors, scale,
                   scale_offset);
    barrier(CLK_GLOBAL_MEM_FENCE);

    const uint skip = control->skip;

    for (uint g = l; g < groups && tensors != 0; g += wide) {
        global uint *entry = table + entries + ENTRY_WORDS * g;
        const uint active = entry[ENTRY_ACTIVE];
        const ulong first = long_at(entry + ENTRY_FIRST);
        const ulong step = step_of(entry, table, long_at(counts + 2 * g));
        const ulong taken = active && !skip ? step : step - 1;

        entry[ENTRY_ROW] = !active ? ROW_FROZEN
                           : skip  ? ROW_SKIPPED
                                   : entry[ENTRY_ROWS] + (uint)(step - first) *
                                                            entry[ENTRY_FLOATS];
        counts[2 * g] = (uint)taken;
        counts[2 * g + 1] = (uint)(taken >> 32);
    }
}
