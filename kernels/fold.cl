/*
 * fold.cl - how sums of chunks become one, docs/numerics.md section 4
 * SPDX-License-Identifier: MIT
 *
 * The tables are those of src/chunks.h.
 */

struct chunk {
    ulong begin; /* of its elements in the layout */
    uint count;  /* at most 4096 */
    uint group;
};

/* The chunks of a node, or the nodes of a tensor. */
struct part {
    uint first, count;
};

/* Folds 'a', padded with zeros to 256, by halves into its first element. */
static void fold(global float *a, uint count)
{
    for (uint span = 128; span != 0; span /= 2)
        for (uint j = 0; j < span && j + span < count; j++)
            a[j] = a[j] + a[j + span];
}

/* Folds the list 'a' into its first element. */
static float fold_list(global float *a, uint count)
{
    while (count > 1) {
        const uint runs = (count + 255) / 256;

        for (uint r = 0; r < runs; r++) {
            fold(a + 256 * r, min(count - 256 * r, 256u));
            a[r] = a[256 * r];
        }
        count = runs;
    }
    return a[0];
}
