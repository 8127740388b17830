/*
 * problem.c - see problem.h
 * SPDX-License-Identifier: MIT
 */
#include "problem.h"
#include "scene.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const float around[] = {NAN, INFINITY, -INFINITY, 3e38f};

/* --- life ----------------------------------------------------------------- */

static void add_tensors(struct problem *p, const long *counts)
{
    clstep_error error;

    while (counts[p->tensor_count] >= 0)
        p->tensor_count++;
    p->tensors = calloc(p->tensor_count, sizeof(*p->tensors));
    fixture_ok(clstep_layout_create(&p->layout, &error), &error);
    for (size_t t = 0; t < p->tensor_count; t++) {
        const uint64_t shape = (uint64_t)counts[t];
        char name[32];
        clstep_tensor tensor;

        snprintf(name, sizeof(name), "w%zu", t);
        fixture_ok(clstep_layout_add(p->layout, name, 1, &shape, 0, &error),
                   &error);
        clstep_layout_tensor(p->layout, t, &tensor);
        p->tensors[t] =
            (struct reference_tensor){tensor.offset, tensor.count, 0, 0};
    }
    p->count = clstep_layout_count(p->layout);
    p->parameters = (size_t)clstep_layout_parameters(p->layout);
}

static size_t total(const struct problem *p)
{
    return PROBLEM_FRONT + (size_t)p->count + PROBLEM_BACK;
}

static void write_all(struct problem *p, cl_mem buffer)
{
    assert_int_equal(clEnqueueWriteBuffer(p->queue, buffer, CL_TRUE, 0,
                                          total(p) * sizeof(float), p->scratch,
                                          0, NULL, NULL),
                     CL_SUCCESS);
}

void problem_restart(struct problem *p, float (*start)(size_t index))
{
    size_t index = 0;

    for (size_t i = 0; i < total(p); i++)
        p->scratch[i] = around[i % 4];
    write_all(p, p->buffers.gradients);
    for (size_t t = 0; t < p->tensor_count; t++)
        for (uint64_t i = 0; i < p->tensors[t].count; i++) {
            const size_t at = (size_t)(p->tensors[t].offset + i);

            p->w[at] = p->scratch[PROBLEM_FRONT + at] = start(index++);
        }
    write_all(p, p->buffers.parameters);
    memset(p->g, 0, (size_t)p->count * sizeof(*p->g));
    p->calls = 0;
}

void problem_open(struct problem *p, problem_loss *loss, const void *data,
                  const long *counts, float (*start)(size_t index))
{
    *p = (struct problem){.loss = loss, .data = data};
    add_tensors(p, counts);
    p->queue = fixture_place()->queue;
    p->x = calloc(p->parameters, sizeof(*p->x));
    p->dx = calloc(p->parameters, sizeof(*p->dx));
    p->scratch = calloc(total(p), sizeof(*p->scratch));
    p->w = calloc((size_t)p->count, sizeof(*p->w));
    p->g = calloc((size_t)p->count, sizeof(*p->g));
    p->buffers = (clstep_buffers){.parameters = fixture_buffer(total(p), NULL),
                                  .parameters_offset = PROBLEM_FRONT,
                                  .gradients = fixture_buffer(total(p), NULL),
                                  .gradients_offset = PROBLEM_FRONT};
    problem_restart(p, start);
}

void problem_close(struct problem *p)
{
    clReleaseMemObject(p->buffers.parameters);
    clReleaseMemObject(p->buffers.gradients);
    clstep_layout_release(p->layout);
    free(p->tensors);
    free(p->x);
    free(p->dx);
    free(p->scratch);
    free(p->w);
    free(p->g);
}

/* --- closures ------------------------------------------------------------- */

/* The loss at 'w', with the gradient in 'g', both of the layout. */
static int evaluate(struct problem *p, const float *w, float *g, double *loss)
{
    size_t index = 0;

    p->calls++;
    for (size_t t = 0; t < p->tensor_count; t++)
        for (uint64_t i = 0; i < p->tensors[t].count; i++)
            p->x[index++] = (double)w[p->tensors[t].offset + i];
    *loss = p->loss(p->x, p->dx, p->parameters, p->data);
    if (p->calls == p->bad_at && p->bad_gradient)
        p->dx[p->parameters / 2] = p->bad;
    else if (p->calls == p->bad_at)
        *loss = p->bad;
    index = 0;
    for (size_t t = 0; t < p->tensor_count; t++)
        for (uint64_t i = 0; i < p->tensors[t].count; i++)
            g[p->tensors[t].offset + i] = (float)p->dx[index++];
    return p->calls == p->fails_at ? 9 : 0;
}

void problem_read(struct problem *p, float *w)
{
    assert_int_equal(clEnqueueReadBuffer(p->queue, p->buffers.parameters,
                                         CL_TRUE, PROBLEM_FRONT * sizeof(float),
                                         (size_t)p->count * sizeof(float), w, 0,
                                         NULL, NULL),
                     CL_SUCCESS);
}

int problem_closure(void *user, double *loss)
{
    struct problem *p = user;
    float *w = calloc((size_t)p->count, sizeof(*w));
    float *g = calloc((size_t)p->count, sizeof(*g));

    problem_read(p, w);
    for (size_t i = 0; i < p->count; i++)
        g[i] = around[(i + 1) % 4];

    const int code = evaluate(p, w, g, loss);

    assert_int_equal(clEnqueueWriteBuffer(
                         p->queue, p->buffers.gradients, CL_TRUE,
                         PROBLEM_FRONT * sizeof(float),
                         (size_t)p->count * sizeof(float), g, 0, NULL, NULL),
                     CL_SUCCESS);
    free(w);
    free(g);
    return code;
}

bool problem_closure_of_reference(void *user, double *loss)
{
    struct problem *p = user;

    return evaluate(p, p->w, p->g, loss) == 0;
}

/* --- checks --------------------------------------------------------------- */

static void check_buffer(struct problem *p, const char *what, cl_mem buffer,
                         const float *expected)
{
    fixture_read(buffer, p->scratch, total(p));
    for (size_t i = 0; i < total(p); i++) {
        const bool guard = i < PROBLEM_FRONT || i >= PROBLEM_FRONT + p->count;

        if (guard && memcmp(&p->scratch[i], &around[i % 4], sizeof(float)) != 0)
            fail_msg("%s: the guard at %zu of %zu was written", what, i,
                     total(p));
    }
    for (size_t t = 0; t < p->tensor_count; t++)
        check_floats(what, p->scratch + PROBLEM_FRONT + p->tensors[t].offset,
                     expected + p->tensors[t].offset, p->tensors[t].count);
}

void problem_check(struct problem *p)
{
    check_buffer(p, "parameters", p->buffers.parameters, p->w);
    check_buffer(p, "gradients", p->buffers.gradients, p->g);
}

/* --- losses --------------------------------------------------------------- */

double rosenbrock(const double *x, double *g, size_t count, const void *data)
{
    double sum = 0.0;

    (void)data;
    for (size_t i = 0; i + 1 < count; i += 2) {
        const double a = x[i], off = x[i + 1] - a * a;

        sum += 100.0 * off * off + (1.0 - a) * (1.0 - a);
        g[i] = -400.0 * a * off - 2.0 * (1.0 - a);
        g[i + 1] = 200.0 * off;
    }
    return sum;
}

float rosenbrock_start(size_t index)
{
    return index % 2 == 0 ? -1.2f : 1.0f;
}

double wells(const double *x, double *g, size_t count, const void *data)
{
    double sum = 0.0;

    (void)data;
    for (size_t i = 0; i < count; i++) {
        const double left = i > 0 ? x[i - 1] : 0.5;
        const double right = i + 1 < count ? x[i + 1] : 0.0;
        const double at = 1.0 + (double)(i % 7);

        sum += at * (x[i] * x[i] / 2.0 - cos(2.0 * x[i])) + 0.3 * x[i] * left;
        g[i] = at * (x[i] + 2.0 * sin(2.0 * x[i])) + 0.3 * (left + right);
    }
    return sum;
}

float wells_start(size_t index)
{
    return (float)(3.0 * sin(1.7 * (double)index + 0.3));
}

float zero_start(size_t index)
{
    (void)index;
    return 0.0f;
}

double logistic(const double *x, double *g, size_t count, const void *data)
{
    const struct logistic *l = data;
    const double share = 1.0 / (double)l->rows;
    double sum = 0.0;

    for (size_t j = 0; j < l->columns; j++) {
        sum += l->l2 / 2.0 * x[j] * x[j];
        g[j] = l->l2 * x[j];
    }
    g[count - 1] = 0.0;
    for (size_t r = 0; r < l->rows; r++) {
        const double *row = l->x + r * l->columns;
        double z = x[count - 1];

        for (size_t j = 0; j < l->columns; j++)
            z += row[j] * x[j];

        const double tail = exp(-fabs(z));
        const double p = z > 0.0 ? 1.0 / (1.0 + tail) : tail / (1.0 + tail);
        const double off = (p - l->y[r]) * share;

        sum += ((z > 0.0 ? z : 0.0) + log1p(tail) - l->y[r] * z) * share;
        for (size_t j = 0; j < l->columns; j++)
            g[j] += row[j] * off;
        g[count - 1] += off;
    }
    return sum;
}

/* --- the data of the logistic regression ---------------------------------- */

/* Less the mean of its column, over the root of the mean square. */
static void standardise(struct logistic *l, size_t column)
{
    const double rows = (double)l->rows;
    double mean = 0.0, square = 0.0;

    for (size_t r = 0; r < l->rows; r++)
        mean += l->x[r * l->columns + column] / rows;
    for (size_t r = 0; r < l->rows; r++) {
        double *x = &l->x[r * l->columns + column];

        *x -= mean;
        square += *x * *x / rows;
    }
    for (size_t r = 0; r < l->rows; r++)
        l->x[r * l->columns + column] /= sqrt(square);
}

static void skip_comments(FILE *file)
{
    int c = fgetc(file);

    while (c == '#' || isspace(c)) {
        for (bool comment = c == '#'; comment; comment = c != '\n' && c != EOF)
            c = fgetc(file);
        c = fgetc(file);
    }
    ungetc(c, file);
}

/* The next number behind comments, or behind 'word' where that is not NULL. */
static double number(FILE *file, const char *word)
{
    char found[32] = "";
    double x = 0.0;

    skip_comments(file);
    if (word != NULL) {
        assert_int_equal(fscanf(file, "%31s", found), 1);
        assert_string_equal(found, word);
    }
    assert_int_equal(fscanf(file, "%lf", &x), 1);
    return x;
}

void logistic_open(struct logistic *l, const char *folder)
{
    char name[512];
    FILE *file;

    snprintf(name, sizeof(name), "%s/logistic.txt", folder);
    file = fopen(name, "r");
    if (file == NULL)
        fail_msg("%s cannot be read", name);
    l->rows = (size_t)number(file, "rows");
    l->columns = (size_t)number(file, "columns");
    l->l2 = number(file, "l2");
    l->minimum = number(file, "minimum");
    for (size_t j = 0; j <= l->columns; j++)
        l->point[j] = number(file, j == 0 ? "point" : NULL);
    l->x = calloc(l->rows * l->columns, sizeof(*l->x));
    l->y = calloc(l->rows, sizeof(*l->y));
    for (size_t r = 0; r < l->rows; r++) {
        l->y[r] = number(file, NULL);
        for (size_t j = 0; j < l->columns; j++)
            l->x[r * l->columns + j] = number(file, NULL);
    }
    fclose(file);
    for (size_t j = 0; j < l->columns; j++)
        standardise(l, j);
}

void logistic_close(struct logistic *l)
{
    free(l->x);
    free(l->y);
}
