/*
 * L-BFGS.  f and g are the loss and its gradient; x and p are the parameters
 * and the gradient that the last search began at.  An iteration:
 *
 *     s = w - x;  y = g - p
 *     (s, y) becomes the last pair if y.s > 2^-23 |s| |y|
 *     q = -g
 *     of each pair, from the last:   a_i = s_i.q / s_i.y_i;  q -= a_i y_i
 *     q *= s.y / y.y of the last pair
 *     of each pair, from the first:  b = y_i.q / s_i.y_i;  q += (a_i - b) s_i
 *     d = q;  x = w;  p = g;  w = x + t d
 *
 * on the coefficients of q, the pairs' products being found in one pass.  t is
 * lr, or lr min(1, 1 / sum |g|) without pairs; line_search=wolfe then looks for
 * one with f <= f(x) + 1e-4 t d.p and |d.g| <= 0.9 |d.p|.
 *
 * J. Nocedal, "Updating quasi-Newton matrices with limited storage" (1980); the
 * coefficients: W. Chen, Z. Wang and J. Zhou, "Large-scale L-BFGS using
 * MapReduce" (2014).  PyTorch's LBFGS is history=100 line_search=none, and with
 * strong_wolfe line_search=wolfe; it takes t d for s, and asks for y.s > 1e-10.
 */

/*
 * SPDX-License-Identifier: MIT
 *
 * The kernels: sums of products and largest values, which come to the host in
 * one reading; the pair, the direction, and the moves.  The history is in two
 * buffers, s and y, with a vector of 'stride' elements for each place; the
 * other vectors are in 'work'.
 */
#define GRADIENT  0u /* the caller's */
#define DIRECTION 1u
#define BEFORE    2u /* the gradient at the base */
#define BASE      3u /* where the search begins */
#define KEPT      4u /* the gradient at the best point of a search */
#define HISTORY   5u /* s of each place, then y of each place */

/* What is asked of two vectors. */
struct question {
    uint kind, a, b;
};

#define PRODUCT 0u /* the sum of a times b */
#define SIZE    1u /* the sum of the absolute values of a */
#define LARGEST                                                                \
    2u /* the largest absolute value of a; a NaN is larger still               \
        */

#define VECTORS                                                                \
    const global float *restrict gradients, const ulong gradients_offset,      \
        const global float *restrict work, const global float *restrict s,     \
        const global float *restrict y, const ulong stride, const uint places

/* Where vector 'v' begins.  Of those in 'work' only the first is asked about.
 */
static const global float *
vector_at(uint v, const global float *gradients, ulong gradients_offset,
          const global float *work, const global float *s,
          const global float *y, ulong stride, uint places)
{
    if (v == GRADIENT)
        return gradients + gradients_offset;
    if (v == DIRECTION)
        return work;
    v -= HISTORY;
    return v < places ? s + v * stride : y + (v - places) * stride;
}

/* i % by, where i / by is 'whole': of both together LLVM makes an instruction
 * that Oclgrind 21.10 does not know. */
static ulong rest(ulong i, ulong whole, ulong by)
{
    return i - whole * by;
}

/* The bits of an absolute value have its order. */
static float largest(float a, float b)
{
    return as_float(max(as_uint(a), as_uint(b)));
}

static float absolute(float a)
{
    return as_float(as_uint(a) & 0x7fffffffu);
}

static float together(uint kind, float a, float b)
{
    return kind == LARGEST ? largest(a, b) : a + b;
}

/* --- chunks --------------------------------------------------------------- */

/* What an element of both adds to its lane. */
static float term(uint kind, float a, float b)
{
    return kind == PRODUCT ? a * b : absolute(a);
}

#ifdef GROUP_A_CHUNK

/* One work-group for a question about a chunk: lanes side by side. */
kernel void clstep_lbfgs_chunks(const ulong count, const ulong chunk_count,
                                const uint asked,
                                const global struct chunk *restrict chunks,
                                const global struct question *restrict asks,
                                VECTORS, global float *restrict sums)
{
    local float lanes[256];
    const uint l0 = (uint)get_local_id(0), wide = (uint)get_local_size(0);

    /* No return before a barrier, which PoCL 3.1 does not bear. */
    const bool is_there = get_group_id(0) < count;
    const ulong i = is_there ? get_group_id(0) : 0;
    const ulong which = i / asked, asking = rest(i, which, asked);
    const struct chunk c = chunks[which];
    struct question q = {PRODUCT, GRADIENT, GRADIENT};

    if (is_there)
        q = asks[asking];

    const uint length = is_there ? c.count : 0;
    const global float *a = vector_at(q.a, gradients, gradients_offset, work, s,
                                      y, stride, places) +
                            c.begin;
    const global float *b = vector_at(q.b, gradients, gradients_offset, work, s,
                                      y, stride, places) +
                            c.begin;

    for (uint l = l0; l < 256; l += wide) {
        float sum = 0.0f;

        for (uint e = l; e < length; e += 256)
            sum = together(q.kind, sum, term(q.kind, a[e], b[e]));
        lanes[l] = sum;
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    for (uint span = 128; span != 0; span /= 2) {
        for (uint l = l0; l < span; l += wide)
            lanes[l] = together(q.kind, lanes[l], lanes[l + span]);
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    if (l0 == 0 && is_there)
        sums[asking * chunk_count + which] = lanes[0];
}

#else

static float16 together16(uint kind, float16 a, float16 b)
{
    return kind == LARGEST ? as_float16(max(as_uint16(a), as_uint16(b)))
                           : a + b;
}

static float16 term16(uint kind, float16 a, float16 b)
{
    return kind == PRODUCT ? a * b : as_float16(as_uint16(a) & 0x7fffffffu);
}

/* The first 'count' of 16 elements, and zeros. */
static float16 some16(const global float *a, uint count)
{
    float x[16];

    for (uint e = 0; e < 16; e++)
        x[e] = e < count ? a[e] : 0.0f;
    return vload16(0, x);
}

/* The answer about a chunk.  The lanes are 16 vectors, which stay in registers
 * as long as no index of theirs is a variable. */
static float
answer(uint kind, const global float *a, const global float *b, uint count)
{
    const uint rows = count / 256, left = count % 256;
    float16 lanes[16];

    for (uint j = 0; j < 16; j++)
        lanes[j] = (float16)(0.0f);
    for (uint r = 0; r < rows; r++)
        for (uint j = 0; j < 16; j++)
            lanes[j] = together16(kind, lanes[j],
                                  term16(kind, vload16(0, a + 256 * r + 16 * j),
                                         vload16(0, b + 256 * r + 16 * j)));
    a += 256 * rows;
    b += 256 * rows;
    for (uint j = 0; j < 16; j++)
        if (16 * j < left) {
            const uint some = min(left - 16 * j, 16u);

            lanes[j] = together16(kind, lanes[j],
                                  term16(kind, some16(a + 16 * j, some),
                                         some16(b + 16 * j, some)));
        }
    for (uint span = 8; span != 0; span /= 2)
        for (uint j = 0; j < span; j++)
            lanes[j] = together16(kind, lanes[j], lanes[j + span]);

    const float8 l8 = together16(kind, lanes[0], lanes[0].s89abcdef01234567).lo;
    float x[8];

    vstore8(l8, 0, x);
    for (uint span = 4; span != 0; span /= 2)
        for (uint j = 0; j < span; j++)
            x[j] = together(kind, x[j], x[j + span]);
    return x[0];
}

/* One work-item for a question about a chunk: lanes in vectors. */
kernel void clstep_lbfgs_chunks(const ulong count, const ulong chunk_count,
                                const uint asked,
                                const global struct chunk *restrict chunks,
                                const global struct question *restrict asks,
                                VECTORS, global float *restrict sums)
{
    const size_t i = get_global_id(0);

    if (i >= count)
        return;

    const ulong which = i / asked, asking = rest(i, which, asked);
    const struct chunk c = chunks[which];
    const struct question q = asks[asking];
    const global float *a = vector_at(q.a, gradients, gradients_offset, work, s,
                                      y, stride, places) +
                            c.begin;
    const global float *b = vector_at(q.b, gradients, gradients_offset, work, s,
                                      y, stride, places) +
                            c.begin;

    /* Each of them a loop of its own. */
    sums[asking * chunk_count + which] =
        q.kind == PRODUCT ? answer(PRODUCT, a, b, c.count)
        : q.kind == SIZE  ? answer(SIZE, a, a, c.count)
                          : answer(LARGEST, a, a, c.count);
}

#endif

/* --- nodes, tensors, all -------------------------------------------------- */

static void fold_largest(global float *a, uint count)
{
    for (uint j = 1; j < count; j++)
        a[0] = largest(a[0], a[j]);
}

/* One work-item folds the answers about 256 chunks of a tensor. */
kernel void clstep_lbfgs_nodes(const ulong count, const ulong node_count,
                               const ulong chunk_count,
                               const global struct part *restrict nodes,
                               const global struct question *restrict asks,
                               global float *restrict sums,
                               global float *restrict node_sums)
{
    const size_t i = get_global_id(0);

    if (i >= count)
        return;

    const ulong q = i / node_count;
    const struct part node = nodes[rest(i, q, node_count)];
    global float *a = sums + (q * chunk_count + node.first);

    if (asks[q].kind == LARGEST)
        fold_largest(a, node.count);
    else
        fold(a, node.count);
    node_sums[i] = a[0];
}

/*
 * One work-group a question: folds what the nodes have left into an answer for
 * each tensor, and these into one.  'list' has 'length' numbers for each
 * question: one for each tensor, and one more for each 256 of them.  Of no
 * tensors nothing is asked; but there is no return before a barrier.
 */
kernel void
clstep_lbfgs_all(const uint tensors, const global struct part *restrict parts,
                 const global struct question *restrict asks,
                 const ulong node_count, global float *restrict node_sums,
                 const ulong length, global float *restrict list,
                 global float *restrict answers)
{
    const uint l = (uint)get_local_id(0), wide = (uint)get_local_size(0);
    const ulong q = get_group_id(0);
    const uint runs = (tensors + 255) / 256;
    const bool is_largest = tensors != 0 && asks[q].kind == LARGEST;
    global float *of_tensors = list + q * length;
    global float *tops = of_tensors + tensors;

    for (uint t = l; t < tensors; t += wide) {
        global float *a = node_sums + (q * node_count + parts[t].first);

        if (is_largest)
            fold_largest(a, parts[t].count);
        of_tensors[t] = parts[t].count == 0 ? 0.0f
                        : is_largest        ? a[0]
                                            : fold_list(a, parts[t].count);
    }
    barrier(CLK_GLOBAL_MEM_FENCE);
    for (uint r = l; r < runs; r += wide) {
        global float *a = of_tensors + 256 * r;
        const uint count = min(tensors - 256 * r, 256u);

        if (is_largest)
            fold_largest(a, count);
        else
            fold(a, count);
        tops[r] = a[0];
    }
    barrier(CLK_GLOBAL_MEM_FENCE);
    if (l == 0 && tensors != 0) {
        if (is_largest)
            fold_largest(tops, runs);
        answers[q] = is_largest ? tops[0] : fold_list(tops, runs);
    }
}

/* --- elements ------------------------------------------------------------- */

/* A pair, of how far the parameters went and how the gradient changed. */
kernel void
clstep_lbfgs_pair(const ulong count, const global float *restrict parameters,
                  const ulong parameters_offset,
                  const global float *restrict gradients,
                  const ulong gradients_offset,
                  const global float *restrict work, const ulong stride,
                  const ulong at, global float *restrict s,
                  global float *restrict y)
{
    const size_t i = get_global_id(0);

    if (i >= count)
        return;
    s[at + i] =
        parameters[parameters_offset + i] - work[(BASE - 1) * stride + i];
    y[at + i] =
        gradients[gradients_offset + i] - work[(BEFORE - 1) * stride + i];
}

/*
 * The direction, which begins at the parameters as they are.  'coefficients'
 * are those of the gradient, then of s and y of each pair from the oldest on,
 * which stands at the place 'first'.
 */
kernel void clstep_lbfgs_direction(
    const ulong count, const global float *restrict parameters,
    const ulong parameters_offset, const global float *restrict gradients,
    const ulong gradients_offset, const global float *restrict s,
    const global float *restrict y, const ulong stride, const uint places,
    const uint first, const uint pairs,
    const global float *restrict coefficients, global float *restrict work)
{
    const size_t i = get_global_id(0);

    if (i >= count)
        return;

    const float g = gradients[gradients_offset + i];
    float d = coefficients[0] * g;

    for (uint k = 0; k < pairs; k++) {
        const uint place = first + k < places ? first + k : first + k - places;

        d = d + coefficients[1 + 2 * k] * s[place * stride + i];
        d = d + coefficients[2 + 2 * k] * y[place * stride + i];
    }
    work[(DIRECTION - 1) * stride + i] = d;
    work[(BEFORE - 1) * stride + i] = g;
    work[(BASE - 1) * stride + i] = parameters[parameters_offset + i];
}

/* From the base along the direction. */
kernel void
clstep_lbfgs_move(const ulong count, const global float *restrict work,
                  const ulong stride, const float t,
                  global float *restrict parameters,
                  const ulong parameters_offset)
{
    const size_t i = get_global_id(0);

    if (i >= count)
        return;
    parameters[parameters_offset + i] =
        work[(BASE - 1) * stride + i] + t * work[(DIRECTION - 1) * stride + i];
}

kernel void
clstep_lbfgs_copy(const ulong count, const global float *restrict from,
                  const ulong from_offset, global float *restrict to,
                  const ulong to_offset)
{
    const size_t i = get_global_id(0);

    if (i >= count)
        return;
    to[to_offset + i] = from[from_offset + i];
}

/* A kernel and not clEnqueueFillBuffer(), as in fill.cl. */
kernel void clstep_lbfgs_zero(const ulong count, global float *restrict to)
{
    const size_t i = get_global_id(0);

    if (i >= count)
        return;
    to[i] = 0.0f;
}
