/*
 * rows.cl - what follows a step with max_norm: the rows of matrices
 * SPDX-License-Identifier: MIT
 *
 * A row is a slice of the first dimension of a tensor of rank 2 or more.  Its
 * norm is that of docs/numerics.md section 4.
 */
struct matrix {
    ulong first_row; /* of the rows of all matrices */
    ulong begin;     /* of its elements in the layout */
    ulong length;    /* of a row */
    ulong group;
};

/* The sum of squares of a chunk. */
static float chunk_sum(const global float *w, ulong count)
{
    float lanes[256];

    for (uint l = 0; l < 256; l++)
        lanes[l] = 0.0f;
    for (uint e = 0; e < count; e++)
        lanes[e % 256] = lanes[e % 256] + w[e] * w[e];
    for (uint span = 128; span != 0; span /= 2)
        for (uint l = 0; l < span; l++)
            lanes[l] = lanes[l] + lanes[l + span];
    return lanes[0];
}

/* The sum of 256 chunks of squares, or of what is left of 'count'. */
static float node_sum(const global float *w, ulong count)
{
    float sums[256];
    const uint chunks = count >= 1048576 ? 256 : (uint)((count + 4095) / 4096);

    for (uint c = 0; c < chunks; c++)
        sums[c] = chunk_sum(w + 4096 * c, min(count - 4096 * c, (ulong)4096));
    for (uint span = 128; span != 0; span /= 2)
        for (uint l = 0; l < span && l + span < chunks; l++)
            sums[l] = sums[l] + sums[l + span];
    return sums[0];
}

/* The same of 256 of these: rows of 2^28 elements and more are refused. */
static float row_sum(const global float *w, ulong count)
{
    float sums[256];
    const uint nodes = (uint)((count + 1048575) / 1048576);

    if (nodes <= 1)
        return node_sum(w, count);
    for (uint n = 0; n < nodes; n++)
        sums[n] = node_sum(w + 1048576 * (ulong)n,
                           min(count - 1048576 * (ulong)n, (ulong)1048576));
    for (uint span = 128; span != 0; span /= 2)
        for (uint l = 0; l < span && l + span < nodes; l++)
            sums[l] = sums[l] + sums[l + span];
    return sums[0];
}

/* One work-item a row. */
kernel void
clstep_rows(const ulong first, const ulong count,
            const global struct matrix *restrict matrices,
            const uint matrix_count, global float *restrict parameters,
            const ulong parameters_offset, SCALARS)
{
    const ulong which = first + get_global_id(0);
    uint low = 0, high = matrix_count;

    if (get_global_id(0) >= count)
        return;
    while (high - low > 1) {
        const uint middle = low + (high - low) / 2;

        if (matrices[middle].first_row <= which)
            low = middle;
        else
            high = middle;
    }

    const struct matrix m = matrices[low];
    const uint row = ROW_OF(m.group);

    if (row >= ROW_SKIPPED)
        return;

    const struct hyper h = HYPER(row);
    global float *w = parameters + (parameters_offset + m.begin +
                                    (which - m.first_row) * m.length);
    const float norm = root(row_sum(w, m.length));

    if (h.max_norm != 0.0f && norm > h.max_norm) {
        const float factor = divide(h.max_norm, norm);

        for (ulong e = 0; e < m.length; e++)
            w[e] = w[e] * factor;
    }
}
