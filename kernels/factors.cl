/*
 * factors.cl - what a rule wants of whole tensors, or rows, before the step
 * SPDX-License-Identifier: MIT
 *
 * A rule with SUMS has terms(), the numbers of an element that are summed, and
 * settle(), which makes of a tensor's sums its factors: members of the state
 * that each of its elements then finds.  BY_ROWS, settle_row() first does the
 * same for each row of a matrix, and adds sums of its own: LISTS in all.  What
 * a step changes is not written here, but for slots of one number a tensor.
 *
 * The order of every sum is that of docs/numerics.md section 4.  The kernels
 * run one after the other: terms (the sums of chunks), rows, nodes (the fold of
 * 256 chunks, or rows), tensors.
 */
struct region {
    ulong begin;  /* of its elements in the layout */
    ulong length; /* of a row; of the whole where there are no rows */
    ulong first_chunk, first_row;
    uint chunks; /* in a row */
    uint group;
    uint first_node, nodes;
    ulong spread;           /* where the factors of its elements are, or 0 */
    float count, row_count; /* the elements, and those of a row, in float */
};

#ifndef LISTS
#define LISTS SUMS
#endif

/*
 * The fold of 'count' numbers, each 'stride' behind the one before, which it
 * overwrites: each 256, padded with zeros, fold by halves into one, and these
 * again until one is left.
 */
static float folded(global float *a, uint stride, uint count)
{
    while (count > 1) {
        const uint runs = (count + 255) / 256;

        for (uint r = 0; r < runs; r++) {
            global float *b = a + (ulong)stride * 256 * r;
            const uint some = min(count - 256 * r, 256u);

            for (uint span = 128; span != 0; span /= 2)
                for (uint j = 0; j < span && j + span < some; j++)
                    b[stride * j] = b[stride * j] + b[stride * (j + span)];
            a[stride * r] = b[0];
        }
        count = runs;
    }
    return a[0];
}

/* --- terms ---------------------------------------------------------------- */

/* The last region that does not begin behind the chunk 'which'. */
static uint
region_of_chunk(const global struct region *regions, uint count, ulong which)
{
    uint low = 0, high = count;

    while (high - low > 1) {
        const uint middle = low + (high - low) / 2;

        if (regions[middle].first_chunk <= which)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/*
 * A work-group is a chunk on devices with many, and its items share the lanes;
 * on others a work-item is, whose loop over the lanes is one of vectors.  There
 * is no return before a barrier, which PoCL 3.1 does not bear.
 */
#ifdef GROUP_A_CHUNK
#define LANES    local
#define TOGETHER barrier(CLK_LOCAL_MEM_FENCE)
#else
#define LANES
#define TOGETHER
#endif

kernel void
clstep_terms(const ulong first, const ulong count,
             const global struct region *restrict regions,
             const uint region_count, const global float *restrict parameters,
             const ulong parameters_offset,
             const global gradient_t *restrict gradients,
             const ulong gradients_offset, const global uint *restrict table,
             const uint entries, const global float *restrict factors,
             const uint tensors_first,
             global float *restrict sums SUMMED_ARGUMENTS)
{
#ifdef GROUP_A_CHUNK
    const uint l0 = (uint)get_local_id(0), wide = (uint)get_local_size(0);
    const ulong i = get_group_id(0);
    const bool is_there = i < count;
#else
    const uint l0 = 0, wide = 1;
    const ulong i = get_global_id(0);
    const bool is_there = true;

    if (i >= count)
        return;
#endif
    LANES float lanes[SUMS][256];
    const ulong which = is_there ? first + i : 0;
    const uint tensor = region_of_chunk(regions, region_count, which);
    const struct region r = regions[tensor];
    const uint row = table[entries + ENTRY_WORDS * r.group + ENTRY_ROW];
    uint length = 0;
    ulong at = 0;

    if (is_there && row < ROW_SKIPPED) {
        const ulong chunk = which - r.first_chunk;
        const ulong line = chunk / r.chunks;
        /* No %: Oclgrind 21.10 does not know what LLVM makes of both. */
        const ulong before = (chunk - line * r.chunks) * 4096;

        at = r.begin + line * r.length + before;
        length = (uint)min(r.length - before, (ulong)4096);
    }
    for (uint k = 0; k < SUMS; k++)
        for (uint l = l0; l < 256; l += wide)
            lanes[k][l] = 0.0f;
    if (length != 0) {
        const struct hyper h = *(const global struct hyper *)(table + row);
        const float unscale = unscale_of(factors);
        const float clip = clip_of(factors, tensors_first + tensor);

        for (uint e = 0; e < length; e += 256, at += 256) {
            const uint some = min(length - e, 256u);

            for (uint l = l0; l < some; l += wide) {
                const float w = parameters[parameters_offset + at + l];
                const float x = gradient_of(
                    gradients[gradients_offset + at + l], w, unscale, clip, &h);
                struct state s;
                float term[SUMS];

                LOAD_SUMMED(at + l)
                terms(w, x, &s, &h, term);

                /* PoCL vectorises no loop with a loop of four inside. */
#pragma unroll
                for (uint k = 0; k < SUMS; k++)
                    lanes[k][l] = lanes[k][l] + term[k];
            }
        }
    }
    TOGETHER;
    for (uint span = 128; span != 0; span /= 2) {
        for (uint k = 0; k < SUMS; k++)
            for (uint l = l0; l < span; l += wide)
                lanes[k][l] = lanes[k][l] + lanes[k][l + span];
        TOGETHER;
    }
    for (uint k = l0; k < SUMS && is_there; k += wide)
        sums[SUMS * which + k] = lanes[k][0];
}

/* --- rows ----------------------------------------------------------------- */

#ifdef BY_ROWS

/* The last region that does not begin behind the row 'which'. */
static uint
region_of_row(const global struct region *regions, uint count, ulong which)
{
    uint low = 0, high = count;

    while (high - low > 1) {
        const uint middle = low + (high - low) / 2;

        if (regions[middle].first_row <= which)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* One work-item a row.  Where a block may have elements of more than two rows,
 * their factors are there for each element too: the step loads them one behind
 * the other, and gathers nothing, which takes CPUs long. */
kernel void
clstep_row_factors(const ulong count,
                   const global struct region *restrict regions,
                   const uint region_count, const global uint *restrict table,
                   const uint entries, global float *restrict chunk_sums,
                   global float *restrict sums,
                   global float *restrict row_factors)
{
    const ulong line = get_global_id(0);

    if (line >= count)
        return;

    const struct region r = regions[region_of_row(regions, region_count, line)];
    const uint row = table[entries + ENTRY_WORDS * r.group + ENTRY_ROW];
    float sum[LISTS];
    struct state s;

    for (uint k = 0; k < LISTS; k++)
        sum[k] = 0.0f;
    if (row < ROW_SKIPPED) {
        const struct hyper h = *(const global struct hyper *)(table + row);
        global float *a = chunk_sums + SUMS * (r.first_chunk +
                                               (line - r.first_row) * r.chunks);

        for (uint k = 0; k < SUMS; k++)
            sum[k] = folded(a + k, SUMS, r.chunks);
        settle_row(sum, r.row_count, &s, &h);
        STORE_ROW_FACTORS(line)
        if (r.spread != 0) {
            const ulong at = r.spread + (line - r.first_row) * r.length;

            for (ulong e = 0; e < r.length; e++) {
                STORE_ROW_FACTORS(at + e)
            }
        }
    }
    for (uint k = 0; k < LISTS; k++)
        sums[LISTS * line + k] = sum[k];
}

#endif

/* --- nodes ---------------------------------------------------------------- */

struct part {
    uint first, count;
};

/* One work-item folds the sums of 256 chunks, or rows, of a tensor. */
kernel void
clstep_factor_nodes(const ulong count, const global struct part *restrict nodes,
                    global float *restrict sums,
                    global float *restrict node_sums)
{
    const size_t i = get_global_id(0);

    if (i >= count)
        return;

    for (uint k = 0; k < LISTS; k++)
        node_sums[LISTS * i + k] = folded(
            sums + LISTS * (ulong)nodes[i].first + k, LISTS, nodes[i].count);
}

/* --- tensors -------------------------------------------------------------- */

/* A tensor's sum of its nodes'.  One that COUNTS is a whole number, which a
 * float holds only in each node. */
static float tensor_sum(global float *a, uint count)
{
#ifdef COUNTS
    ulong sum = 0;

    for (uint j = 0; j < count; j++)
        sum += (uint)a[LISTS * j];
    return (float)sum;
#else
    return count != 0 ? folded(a, LISTS, count) : 0.0f;
#endif
}

/* One work-item a tensor. */
kernel void
clstep_tensor_factors(const uint count,
                      const global struct region *restrict regions,
                      const global uint *restrict table, const uint entries,
                      global float *restrict node_sums,
                      global float *restrict tensor_factors TENSOR_ARGUMENTS)
{
    const size_t tensor = get_global_id(0);

    if (tensor >= count)
        return;

    const struct region r = regions[tensor];
    const uint row = table[entries + ENTRY_WORDS * r.group + ENTRY_ROW];

    if (row >= ROW_SKIPPED)
        return;

    const struct hyper h = *(const global struct hyper *)(table + row);
    struct state s;
    float sum[LISTS];

    for (uint k = 0; k < LISTS; k++)
        sum[k] =
            tensor_sum(node_sums + LISTS * (ulong)r.first_node + k, r.nodes);
    LOAD_TENSOR
    settle(sum, r.count, &s, &h);
    STORE_TENSOR
}
