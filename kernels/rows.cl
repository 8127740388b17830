/*
 * rows.cl - what follows a step with max_norm: the rows of matrices
 * SPDX-License-Identifier: MIT
 *
 * A row is a slice of the first dimension of a tensor of rank 2 or more.  Its
 * norm is that of docs/numerics.md section 4.  A row of one chunk of 4096
 * elements is one work-item's; the chunks of longer ones are one work-item's
 * each, so that none loops for long: llvmpipe ends the loops of a work-item
 * after 65,535 rounds in all.
 */
enum { ITEM, SUM, LONG };

struct matrix {
    ulong first[3]; /* of all chunks; of those of long rows; of all long rows */
    ulong begin;    /* of its elements in the layout */
    ulong length;   /* of a row */
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

/* The sum of at most 256 of 'sums', folded by halves. */
static float fold(const global float *sums, ulong count)
{
    float lanes[128];

    for (uint l = 0; l < 128; l++)
        lanes[l] = (l < count ? sums[l] : 0.0f) +
                   (l + 128 < count ? sums[l + 128] : 0.0f);
    for (uint span = 64; span != 0; span /= 2)
        for (uint l = 0; l < span; l++)
            lanes[l] = lanes[l] + lanes[l + span];
    return lanes[0];
}

/* Scales 'count' elements of a row whose squares make 'sum'. */
static void limit(global float *w, ulong count, float sum, float max_norm)
{
    const float norm = root(sum);

    if (max_norm != 0.0f && norm > max_norm) {
        const float factor = divide(max_norm, norm);

        for (ulong e = 0; e < count; e++)
            w[e] = w[e] * factor;
    }
}

/* The matrix of number 'which' of a kind. */
static const global struct matrix *
matrix_of(const global struct matrix *matrices, uint count, uint kind,
          ulong which)
{
    uint low = 0, high = count;

    while (high - low > 1) {
        const uint middle = low + (high - low) / 2;

        if (matrices[middle].first[kind] <= which)
            low = middle;
        else
            high = middle;
    }
    return matrices + low;
}

/* The chunks of each row; a matrix's chunks are numbered row by row. */
static ulong chunks_of(const global struct matrix *m)
{
    return (m->length + 4095) / 4096;
}

/* Where chunk 'c' of a matrix, which is of 'row', begins in its row.  Of
 * c / chunks and c % chunks together LLVM makes an instruction that Oclgrind
 * 21.10 does not know. */
static ulong place_of(const global struct matrix *m, ulong row, ulong c)
{
    return (c - row * chunks_of(m)) * 4096;
}

/* Where it begins in the layout. */
static ulong begin_of(const global struct matrix *m, ulong row, ulong place)
{
    return m->begin + row * m->length + place;
}

/* Limits the rows of one chunk; of the chunks of long ones, leaves the sum. */
kernel void
clstep_rows(const ulong first, const ulong count,
            const global struct matrix *restrict matrices,
            const uint matrix_count, global float *restrict parameters,
            const ulong parameters_offset, global float *restrict sums, SCALARS)
{
    if (get_global_id(0) >= count)
        return;

    const ulong which = first + get_global_id(0);
    const global struct matrix *m =
        matrix_of(matrices, matrix_count, ITEM, which);
    const uint row = ROW_OF(m->group);

    if (row >= ROW_SKIPPED)
        return;

    const struct hyper h = HYPER(row);
    const ulong c = which - m->first[ITEM];
    const ulong line = c / chunks_of(m), place = place_of(m, line, c);
    const ulong some = min(m->length - place, (ulong)4096);
    global float *w =
        parameters + (parameters_offset + begin_of(m, line, place));
    const float sum = chunk_sum(w, some);

    if (chunks_of(m) == 1)
        limit(w, some, sum, h.max_norm);
    else
        sums[m->first[SUM] + c] = sum;
}

/* Folds the sums of a long row into the first of them; one work-item a row.
 * It is given the parameters only because the others are. */
kernel void
clstep_rows_fold(const ulong first, const ulong count,
                 const global struct matrix *restrict matrices,
                 const uint matrix_count, global float *restrict parameters,
                 const ulong parameters_offset, global float *restrict sums,
                 SCALARS)
{
    if (get_global_id(0) >= count)
        return;

    const ulong which = first + get_global_id(0);
    const global struct matrix *m =
        matrix_of(matrices, matrix_count, LONG, which);
    const ulong row = which - m->first[LONG];
    global float *own = sums + (m->first[SUM] + row * chunks_of(m));

    if (ROW_OF(m->group) >= ROW_SKIPPED)
        return;
    for (ulong left = chunks_of(m); left > 1; left = (left + 255) / 256)
        for (ulong n = 0; 256 * n < left; n++)
            own[n] = fold(own + 256 * n, left - 256 * n);
}

/* Limits the chunks of long rows. */
kernel void
clstep_rows_limit(const ulong first, const ulong count,
                  const global struct matrix *restrict matrices,
                  const uint matrix_count, global float *restrict parameters,
                  const ulong parameters_offset, global float *restrict sums,
                  SCALARS)
{
    if (get_global_id(0) >= count)
        return;

    const ulong which = first + get_global_id(0);
    const global struct matrix *m =
        matrix_of(matrices, matrix_count, SUM, which);
    const uint row = ROW_OF(m->group);

    if (row >= ROW_SKIPPED)
        return;

    const struct hyper h = HYPER(row);
    const ulong c = which - m->first[SUM];
    const ulong line = c / chunks_of(m), place = place_of(m, line, c);
    const ulong some = min(m->length - place, (ulong)4096);
    global float *w =
        parameters + (parameters_offset + begin_of(m, line, place));

    limit(w, some, sums[m->first[SUM] + line * chunks_of(m)], h.max_norm);
}
