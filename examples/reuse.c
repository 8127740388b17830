/*
 * reuse.c - layers of a trained network in another one
 * SPDX-License-Identifier: MIT
 *
 *     reuse FILE
 *
 * A network of two layers learns three functions of two numbers, and is written
 * to FILE (safetensors, as PyTorch's), unless FILE is there.  Another network
 * is to learn a fourth function: its first layer, the body, is loaded from FILE
 * by name and shape, and its group is frozen; only its head learns.  A frozen
 * group costs nothing in a step, and keeps every bit.
 *
 * The library reads no files.  A layout says where each tensor is, so that any
 * reader will do: this one is the command's, src/cli/safetensors.h.  The
 * gradients are computed on the host, to keep this short.
 */
#include <clstep/clstep.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "safetensors.h"

enum { INPUTS = 2, HIDDEN = 24, SIDE = 8, POINTS = SIDE * SIDE };
enum { BODY, HEAD }; /* the groups */

static cl_context context;
static cl_command_queue queue;
static clstep_device *device;
static clstep_error error;
static struct safetensors_error file_error;

static void check(clstep_status status)
{
    if (status == CLSTEP_OK)
        return;
    fprintf(stderr, "reuse: %s\n", error.message);
    exit(1);
}

static void check_file(bool good)
{
    if (good)
        return;
    fprintf(stderr, "reuse: %s\n", file_error.message);
    exit(1);
}

/* --- a network ------------------------------------------------------------ */

struct network {
    size_t outputs;
    double (*target)(double x, double y, size_t output);
    clstep_layout *layout;
    clstep_optimizer *optimizer;
    clstep_buffers buffers;
    float *w, *g; /* as the layout has them */
};

static void
add(struct network *net, const char *name, uint64_t rows, uint64_t columns)
{
    const uint64_t shape[] = {rows, columns};

    check(clstep_layout_add(net->layout, name, columns == 0 ? 1 : 2, shape,
                            strncmp(name, "body.", 5) == 0 ? BODY : HEAD,
                            &error));
}

/* Where a tensor is, in the parameters or in their gradients. */
static float *at(const struct network *net, float *array, const char *name)
{
    clstep_tensor tensor;

    return clstep_layout_find(net->layout, name, &tensor)
               ? array + tensor.offset
               : NULL;
}

static cl_mem buffer(size_t size)
{
    return clCreateBuffer(context, CL_MEM_READ_WRITE, size, NULL, NULL);
}

static void open_network(struct network *net)
{
    const clstep_setting settings[] = {{.name = "lr", .value = 0.02}, {0}};

    check(clstep_layout_create(&net->layout, &error));
    add(net, "body.weight", HIDDEN, INPUTS);
    add(net, "body.bias", HIDDEN, 0);
    add(net, "head.weight", net->outputs, HIDDEN);
    add(net, "head.bias", net->outputs, 0);
    check(clstep_optimizer_create(device, "adam", settings, net->layout,
                                  &net->optimizer, &error));

    const size_t count = (size_t)clstep_layout_count(net->layout);

    net->w = calloc(count, sizeof(float));
    net->g = calloc(count, sizeof(float));
    net->buffers.parameters = buffer(count * sizeof(float));
    net->buffers.gradients = buffer(count * sizeof(float));
    if (net->w == NULL || net->g == NULL || net->buffers.parameters == NULL ||
        net->buffers.gradients == NULL) {
        fputs("reuse: no memory\n", stderr);
        exit(1);
    }
    for (size_t i = 0; i < count; i++)
        net->w[i] = (float)(i * 37 % 101) / 50 - 1;
}

static void close_network(struct network *net)
{
    clstep_optimizer_release(net->optimizer);
    clstep_layout_release(net->layout);
    clReleaseMemObject(net->buffers.parameters);
    clReleaseMemObject(net->buffers.gradients);
    free(net->w);
    free(net->g);
}

/* Adds a point's gradients; returns its loss. */
static double learn_point(struct network *net, double x, double y)
{
    const float *body = at(net, net->w, "body.weight");
    const float *bias = at(net, net->w, "body.bias");
    float *body_g = at(net, net->g, "body.weight");
    float *bias_g = at(net, net->g, "body.bias");
    double hidden[HIDDEN], back[HIDDEN] = {0}, loss = 0;

    for (int i = 0; i < HIDDEN; i++)
        hidden[i] = tanh((double)body[INPUTS * i] * x +
                         (double)body[INPUTS * i + 1] * y + (double)bias[i]);
    for (size_t o = 0; o < net->outputs; o++) {
        const float *head = at(net, net->w, "head.weight") + o * HIDDEN;
        float *head_g = at(net, net->g, "head.weight") + o * HIDDEN;
        double off =
            (double)at(net, net->w, "head.bias")[o] - net->target(x, y, o);

        for (int i = 0; i < HIDDEN; i++)
            off += (double)head[i] * hidden[i];
        loss += off * off / POINTS;
        off *= 2.0 / POINTS;
        for (int i = 0; i < HIDDEN; i++) {
            head_g[i] += (float)(off * hidden[i]);
            back[i] += off * (double)head[i];
        }
        at(net, net->g, "head.bias")[o] += (float)off;
    }
    for (int i = 0; i < HIDDEN; i++) {
        const double slope = back[i] * (1 - hidden[i] * hidden[i]);

        body_g[INPUTS * i] += (float)(slope * x);
        body_g[INPUTS * i + 1] += (float)(slope * y);
        bias_g[i] += (float)slope;
    }
    return loss;
}

/* The steps of one network; returns the loss before the last. */
static double train(struct network *net, int steps)
{
    const size_t size =
        (size_t)clstep_layout_count(net->layout) * sizeof(float);
    double loss = 0;

    clEnqueueWriteBuffer(queue, net->buffers.parameters, CL_TRUE, 0, size,
                         net->w, 0, NULL, NULL);
    for (int step = 0; step < steps; step++) {
        memset(net->g, 0, size);
        loss = 0;
        for (int i = 0; i < POINTS; i++)
            loss += learn_point(net, 2.0 * (i % SIDE) / (SIDE - 1) - 1,
                                2.0 * (i / SIDE) / (SIDE - 1) - 1);
        clEnqueueWriteBuffer(queue, net->buffers.gradients, CL_FALSE, 0, size,
                             net->g, 0, NULL, NULL);
        check(clstep_optimizer_step(net->optimizer, queue, &net->buffers, 0,
                                    NULL, NULL, &error));
        clEnqueueReadBuffer(queue, net->buffers.parameters, CL_TRUE, 0, size,
                            net->w, 0, NULL, NULL);
    }
    return loss;
}

/* --- files ---------------------------------------------------------------- */

static void save(const struct network *net, const char *path)
{
    const size_t count = clstep_layout_tensors(net->layout);
    struct safetensors_tensor tensors[8] = {{0}};
    struct safetensors_writer *writer;
    clstep_tensor tensor;

    for (size_t i = 0; i < count; i++) {
        clstep_layout_tensor(net->layout, i, &tensor);
        tensors[i] = (struct safetensors_tensor){.name = tensor.name,
                                                 .rank = tensor.rank,
                                                 .shape = tensor.shape,
                                                 .count = tensor.count};
    }
    check_file(
        safetensors_create(path, tensors, count, NULL, &writer, &file_error));
    for (size_t i = 0; i < count; i++) {
        clstep_layout_tensor(net->layout, i, &tensor);
        check_file(safetensors_write(writer, net->w + tensor.offset,
                                     tensor.count, &file_error));
    }
    check_file(safetensors_finish(writer, &file_error));
    check_file(safetensors_commit(writer, &file_error));
    safetensors_release(writer);
}

/* Says how a tensor of the file is none for the layout, or NULL. */
static const char *
mismatch(const clstep_tensor *tensor, const struct safetensors_tensor *found)
{
    if (found == NULL)
        return "is not in the file";
    if (found->dtype != SAFETENSORS_F32)
        return "is not F32 in the file";
    if (found->rank != tensor->rank ||
        memcmp(found->shape, tensor->shape,
               tensor->rank * sizeof(*tensor->shape)) != 0)
        return "has another shape in the file";
    return NULL;
}

/* Loads the tensors of a group from the file: all of them, or none. */
static void
load_group(const struct network *net, size_t group, const char *path, float *w)
{
    struct safetensors *file;
    clstep_tensor tensor;

    check_file(safetensors_open(path, &file, &file_error));
    for (size_t i = 0; clstep_layout_tensor(net->layout, i, &tensor); i++) {
        if (tensor.group != group)
            continue;

        const struct safetensors_tensor *found =
            safetensors_find(file, tensor.name);
        const char *why = mismatch(&tensor, found);

        if (why != NULL) {
            fprintf(stderr, "reuse: '%s': tensor '%s' %s\n", path, tensor.name,
                    why);
            exit(1);
        }
        check_file(safetensors_read(file, found, 0, found->count,
                                    w + tensor.offset, &file_error));
        printf("loaded %s, %" PRIu64 " numbers\n", tensor.name, tensor.count);
    }
    safetensors_close(file);
}

/* --- what is learned ------------------------------------------------------ */

static double three(double x, double y, size_t output)
{
    return output == 0 ? sin(2 * x + y) : output == 1 ? cos(x - 2 * y) : x * y;
}

static double fourth(double x, double y, size_t output)
{
    (void)output;
    return x * x - y * y;
}

static void open_device(void)
{
    cl_platform_id platform;
    cl_device_id id;

    if (clGetPlatformIDs(1, &platform, NULL) ||
        clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 1, &id, NULL)) {
        fputs("reuse: no OpenCL device\n", stderr);
        exit(1);
    }
    context = clCreateContext(NULL, 1, &id, NULL, NULL, NULL);
    queue = clCreateCommandQueue(context, id, 0, NULL);
    check(clstep_device_create(context, id, &device, &error));
}

int main(int argc, char **argv)
{
    struct network first = {.outputs = 3, .target = three};
    struct network second = {.outputs = 1, .target = fourth};
    FILE *there;

    if (argc != 2 || argv[1][0] == '-') {
        fputs("usage: reuse FILE\n", stderr);
        return 2;
    }
    open_device();
    there = fopen(argv[1], "r");
    if (there != NULL) {
        fclose(there);
    } else {
        open_network(&first);
        printf("three functions: loss %.5f\n", train(&first, 400));
        save(&first, argv[1]);
        close_network(&first);
    }

    /* The body from the file, the head from anew. */
    open_network(&second);
    load_group(&second, BODY, argv[1], second.w);
    check(clstep_optimizer_freeze(second.optimizer, BODY, 1, &error));
    printf("a fourth, by its head alone: loss %.5f\n", train(&second, 400));

    /* Frozen is frozen: the body has the file's bits. */
    const size_t size =
        (size_t)clstep_layout_count(second.layout) * sizeof(float);
    float *again = malloc(size);
    int same;

    if (again == NULL)
        return 1;
    memcpy(again, second.w, size);
    load_group(&second, BODY, argv[1], again);
    same = memcmp(again, second.w, size) == 0;
    puts(same ? "the body is as it was" : "the body has changed");
    free(again);
    close_network(&second);
    clstep_device_release(device);
    clReleaseCommandQueue(queue);
    clReleaseContext(context);
    return !same;
}
