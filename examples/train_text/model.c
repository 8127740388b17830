/*
 * model.c - the model's forward and backward pass
 * SPDX-License-Identifier: MIT
 */
#include "model.h"

#include "fail.h"
#include "kernels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- creation ------------------------------------------------------------- */

static void add_tensor(clstep_layout *layout, const char *name, size_t rank,
                       size_t rows, size_t columns, size_t group)
{
    const uint64_t shape[] = {rows, columns};
    clstep_error error;

    check_clstep(clstep_layout_add(layout, name, rank, shape, group, &error),
                 &error);
}

static const char *const weight_names[LAYERS] = {
    "layer1.weight", "layer2.weight", "output.weight"};
static const char *const bias_names[LAYERS] = {"layer1.bias", "layer2.bias",
                                               "output.bias"};

/* Names every tensor, then asks the layout where each has its place. */
static void lay_out(struct model *model)
{
    const struct sizes *sizes = &model->sizes;
    const size_t widths[LAYERS + 1] = {sizes->context * sizes->embedding,
                                       sizes->hidden, sizes->hidden,
                                       sizes->vocabulary};
    clstep_error error;

    check_clstep(clstep_layout_create(&model->layout, &error), &error);
    add_tensor(model->layout, "embedding.weight", 2, sizes->vocabulary,
               sizes->embedding, WEIGHTS);
    for (size_t i = 0; i < LAYERS; i++) {
        struct layer *layer = &model->layers[i];

        layer->inputs = widths[i];
        layer->outputs = widths[i + 1];
        add_tensor(model->layout, weight_names[i], 2, layer->outputs,
                   layer->inputs, WEIGHTS);
        add_tensor(model->layout, bias_names[i], 1, layer->outputs, 1, BIASES);
    }
    clstep_layout_find(model->layout, "embedding.weight", &model->embedding);
    for (size_t i = 0; i < LAYERS; i++) {
        struct layer *layer = &model->layers[i];

        clstep_layout_find(model->layout, weight_names[i], &layer->weight);
        clstep_layout_find(model->layout, bias_names[i], &layer->bias);
    }
}

static cl_mem create_buffer(cl_context context, size_t count, float *values)
{
    cl_int code;
    cl_mem buffer =
        clCreateBuffer(context, CL_MEM_READ_WRITE | CL_MEM_COPY_HOST_PTR,
                       count * sizeof(*values), values, &code);

    check_cl(code, "cannot create a buffer");
    return buffer;
}

/* Enqueues the first numbers of the tensor called 'name'. */
static void initialise(const struct model *model, clstep_device *device,
                       const char *name, const char *initializer, uint64_t seed)
{
    clstep_tensor tensor;
    clstep_error error;

    for (size_t t = 0; clstep_layout_tensor(model->layout, t, &tensor); t++)
        if (strcmp(tensor.name, name) == 0)
            check_clstep(clstep_initialize(device, model->queue, model->layout,
                                           t, initializer, NULL, seed,
                                           model->parameters, 0, 0, NULL, NULL,
                                           &error),
                         &error);
}

/* Biases begin at 0, an embedding's numbers between -1 and 1. */
static void
create_parameters(struct model *model, cl_context context,
                  clstep_device *device, const clstep_initializer *initializer,
                  uint64_t seed)
{
    const size_t count = (size_t)clstep_layout_count(model->layout);
    float *zeros = allocate(count, sizeof(*zeros));

    model->gradients = create_buffer(context, count, zeros);
    model->parameters = create_buffer(context, count, zeros);
    free(zeros);
    initialise(model, device, "embedding.weight", "uniform", seed);
    for (size_t i = 0; i < LAYERS; i++)
        initialise(model, device, weight_names[i],
                   clstep_initializer_name(initializer), seed);
}

static void create_activations(struct model *model, cl_context context)
{
    const size_t batch = model->sizes.batch;
    size_t widest = model->layers[0].inputs;

    for (size_t i = 0; i < LAYERS; i++)
        if (widest < model->layers[i].outputs)
            widest = model->layers[i].outputs;
    float *zeros = allocate(batch * widest, sizeof(*zeros));
    for (size_t i = 0; i < LAYERS; i++) {
        const size_t count = batch * model->layers[i].inputs;

        model->values[i] = create_buffer(context, count, zeros);
        model->backs[i] = create_buffer(context, count, zeros);
    }
    model->values[LAYERS] =
        create_buffer(context, batch * model->sizes.vocabulary, zeros);
    model->bits = create_buffer(context, batch, zeros);
    free(zeros);
}

static cl_kernel create_kernel(cl_program program, const char *name)
{
    cl_int code;
    cl_kernel kernel = clCreateKernel(program, name, &code);

    check_cl(code, name);
    return kernel;
}

static void
create_kernels(struct model *model, cl_context context, cl_device_id device)
{
    const char *source = example_kernel_text("model");
    cl_int code;
    char log[512] = "";

    model->program =
        clCreateProgramWithSource(context, 1, &source, NULL, &code);
    check_cl(code, "cannot create the model's program");
    code =
        clBuildProgram(model->program, 1, &device, "-cl-std=CL1.2", NULL, NULL);
    if (code == CL_BUILD_PROGRAM_FAILURE)
        clGetProgramBuildInfo(model->program, device, CL_PROGRAM_BUILD_LOG,
                              sizeof(log) - 1, log, NULL);
    if (code != CL_SUCCESS)
        die("cannot build model.cl: OpenCL error %d %s", (int)code, log);
    model->gather = create_kernel(model->program, "gather");
    model->scatter = create_kernel(model->program, "scatter");
    model->activate = create_kernel(model->program, "activate");
    model->activate_back = create_kernel(model->program, "activate_back");
    model->sum_columns = create_kernel(model->program, "sum_columns");
    model->cross_entropy = create_kernel(model->program, "cross_entropy");
}

struct model
model_create(cl_context context, cl_device_id id, clstep_device *device,
             cl_command_queue queue, const struct sizes *sizes,
             const clstep_initializer *initializer, uint64_t seed)
{
    struct model model = {.sizes = *sizes, .queue = queue};

    check_cl(clRetainCommandQueue(queue), "cannot retain the queue");
    create_kernels(&model, context, id);
    lay_out(&model);
    create_parameters(&model, context, device, initializer, seed);
    create_activations(&model, context);
    return model;
}

void model_release(struct model *model)
{
    const cl_kernel kernels[] = {model->gather,      model->scatter,
                                 model->activate,    model->activate_back,
                                 model->sum_columns, model->cross_entropy};

    for (size_t i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++)
        clReleaseKernel(kernels[i]);
    clReleaseProgram(model->program);
    for (size_t i = 0; i <= LAYERS; i++)
        clReleaseMemObject(model->values[i]);
    for (size_t i = 0; i < LAYERS; i++)
        clReleaseMemObject(model->backs[i]);
    clReleaseMemObject(model->bits);
    clReleaseMemObject(model->parameters);
    clReleaseMemObject(model->gradients);
    clstep_layout_release(model->layout);
    clReleaseCommandQueue(model->queue);
}

/* --- launches ------------------------------------------------------------- */

/* A matrix within a buffer, stored row by row. */
struct matrix {
    cl_mem buffer;
    uint64_t offset;
    size_t columns;
    CLBlastTranspose transpose;
};

static struct matrix plain(cl_mem buffer, uint64_t offset, size_t columns)
{
    return (struct matrix){buffer, offset, columns, CLBlastTransposeNo};
}

static struct matrix transposed(cl_mem buffer, uint64_t offset, size_t columns)
{
    return (struct matrix){buffer, offset, columns, CLBlastTransposeYes};
}

/* c = a * b, where a is 'rows' x 'inner' and b 'inner' x 'columns'. */
static void
multiply(const struct model *model, size_t rows, size_t columns, size_t inner,
         struct matrix a, struct matrix b, struct matrix c)
{
    cl_command_queue queue = model->queue;

    check_clblast(CLBlastSgemm(CLBlastLayoutRowMajor, a.transpose, b.transpose,
                               rows, columns, inner, 1.0f, a.buffer, a.offset,
                               a.columns, b.buffer, b.offset, b.columns, 0.0f,
                               c.buffer, c.offset, c.columns, &queue, NULL),
                  "cannot multiply matrices");
}

/* The arguments of a kernel, set one after the other. */
struct call {
    cl_kernel kernel;
    cl_uint count;
};

static void pass(struct call *call, size_t size, const void *value)
{
    check_cl(clSetKernelArg(call->kernel, call->count++, size, value),
             "cannot set an argument of a kernel");
}

static void pass_buffer(struct call *call, cl_mem buffer)
{
    pass(call, sizeof(buffer), &buffer);
}

static void pass_count(struct call *call, size_t value)
{
    const cl_uint count = (cl_uint)value;

    pass(call, sizeof(count), &count);
}

static void pass_offset(struct call *call, uint64_t value)
{
    const cl_ulong offset = value;

    pass(call, sizeof(offset), &offset);
}

/* Runs at least 'count' work-items. */
static void
launch(const struct model *model, const struct call *call, size_t count)
{
    const size_t local = 64;
    const size_t global = (count + local - 1) / local * local;

    check_cl(clEnqueueNDRangeKernel(model->queue, call->kernel, 1, NULL,
                                    &global, &local, 0, NULL, NULL),
             "cannot launch a kernel");
}

/* --- forward -------------------------------------------------------------- */

static void gather(const struct model *model, const struct device_text *text,
                   size_t first, size_t rows)
{
    const struct sizes *sizes = &model->sizes;
    struct call call = {model->gather, 0};

    pass_buffer(&call, text->tokens);
    pass_buffer(&call, text->positions);
    pass_count(&call, first);
    pass_count(&call, rows);
    pass_count(&call, sizes->context);
    pass_count(&call, sizes->embedding);
    pass_buffer(&call, model->parameters);
    pass_offset(&call, model->embedding.offset);
    pass_buffer(&call, model->values[0]);
    launch(model, &call, rows * sizes->context * sizes->embedding);
}

static void activate(const struct model *model, size_t index, size_t rows)
{
    const struct layer *layer = &model->layers[index];
    struct call call = {model->activate, 0};

    pass_buffer(&call, model->values[index + 1]);
    pass_count(&call, rows);
    pass_count(&call, layer->outputs);
    pass_buffer(&call, model->parameters);
    pass_offset(&call, layer->bias.offset);
    pass_count(&call, index + 1 < LAYERS);
    launch(model, &call, rows * layer->outputs);
}

/* From the characters to the scores, values[LAYERS]. */
static void forward(const struct model *model, const struct device_text *text,
                    size_t first, size_t rows)
{
    gather(model, text, first, rows);
    for (size_t i = 0; i < LAYERS; i++) {
        const struct layer *layer = &model->layers[i];

        multiply(
            model, rows, layer->outputs, layer->inputs,
            plain(model->values[i], 0, layer->inputs),
            transposed(model->parameters, layer->weight.offset, layer->inputs),
            plain(model->values[i + 1], 0, layer->outputs));
        activate(model, i, rows);
    }
}

/* Adds the loss of each row to 'bits'; turns the scores to gradients. */
static void
cross_entropy(const struct model *model, const struct device_text *text,
              size_t first, size_t rows)
{
    struct call call = {model->cross_entropy, 0};

    pass_buffer(&call, text->tokens);
    pass_buffer(&call, text->positions);
    pass_count(&call, first);
    pass_count(&call, rows);
    pass_count(&call, model->sizes.vocabulary);
    pass_buffer(&call, model->values[LAYERS]);
    pass_buffer(&call, model->bits);
    launch(model, &call, rows);
}

/* --- backward ------------------------------------------------------------- */

static void sum_columns(const struct model *model, cl_mem values,
                        const struct layer *layer, size_t rows)
{
    struct call call = {model->sum_columns, 0};

    pass_buffer(&call, values);
    pass_count(&call, rows);
    pass_count(&call, layer->outputs);
    pass_offset(&call, layer->bias.offset);
    pass_buffer(&call, model->gradients);
    launch(model, &call, layer->outputs);
}

static void activate_back(const struct model *model, size_t index, size_t rows)
{
    const size_t count = rows * model->layers[index].inputs;
    struct call call = {model->activate_back, 0};

    pass_buffer(&call, model->backs[index]);
    pass_buffer(&call, model->values[index]);
    pass_count(&call, count);
    launch(model, &call, count);
}

/* Some rows a launch, for llvmpipe ends the loops of a work-item after 65,535
 * rounds in all. */
static void scatter(const struct model *model, const struct device_text *text,
                    size_t first, size_t rows)
{
    const struct sizes *sizes = &model->sizes;
    const size_t rounds = sizes->context * (sizes->embedding + 1) + 1;
    const size_t most = rounds < 50000 ? 50000 / rounds : 1;

    for (size_t row = 0; row < rows; row += most) {
        struct call call = {model->scatter, 0};

        pass_buffer(&call, text->tokens);
        pass_buffer(&call, text->positions);
        pass_count(&call, first);
        pass_count(&call, row);
        pass_count(&call, rows - row < most ? rows : row + most);
        pass_count(&call, sizes->context);
        pass_count(&call, sizes->embedding);
        pass_count(&call, sizes->vocabulary);
        pass_buffer(&call, model->backs[0]);
        pass_offset(&call, model->embedding.offset);
        pass_buffer(&call, model->gradients);
        launch(model, &call, sizes->vocabulary);
    }
}

/*
 * With y = x W^T + b and the gradient dy of y at hand: dW = dy^T x, db is the
 * sum of dy's rows, and dx = dy W.
 */
static void backward_layer(const struct model *model, size_t index, size_t rows)
{
    const struct layer *layer = &model->layers[index];
    const size_t inputs = layer->inputs, outputs = layer->outputs;
    cl_mem back =
        index + 1 < LAYERS ? model->backs[index + 1] : model->values[LAYERS];

    multiply(model, outputs, inputs, rows, transposed(back, 0, outputs),
             plain(model->values[index], 0, inputs),
             plain(model->gradients, layer->weight.offset, inputs));
    sum_columns(model, back, layer, rows);
    multiply(model, rows, inputs, outputs, plain(back, 0, outputs),
             plain(model->parameters, layer->weight.offset, inputs),
             plain(model->backs[index], 0, inputs));
}

void model_gradients(const struct model *model, const struct device_text *text,
                     size_t first, size_t rows)
{
    forward(model, text, first, rows);
    cross_entropy(model, text, first, rows);
    for (size_t i = LAYERS; i-- > 0;) {
        backward_layer(model, i, rows);
        if (i > 0)
            activate_back(model, i, rows);
    }
    scatter(model, text, first, rows);
}

/* --- losses and predictions ----------------------------------------------- */

double model_take_bits(const struct model *model)
{
    const size_t batch = model->sizes.batch;
    const cl_float zero = 0;
    float *bits = allocate(batch, sizeof(*bits));
    double sum = 0;

    check_cl(clEnqueueReadBuffer(model->queue, model->bits, CL_TRUE, 0,
                                 batch * sizeof(*bits), bits, 0, NULL, NULL),
             "cannot read the losses");
    check_cl(clEnqueueFillBuffer(model->queue, model->bits, &zero, sizeof(zero),
                                 0, batch * sizeof(*bits), 0, NULL, NULL),
             "cannot reset the losses");
    for (size_t i = 0; i < batch; i++)
        sum += (double)bits[i];
    free(bits);
    return sum;
}

double model_evaluate(const struct model *model, const struct device_text *text,
                      size_t count)
{
    const size_t batch = model->sizes.batch;

    for (size_t first = 0; first < count; first += batch) {
        const size_t left = count - first;
        const size_t rows = left < batch ? left : batch;

        forward(model, text, first, rows);
        cross_entropy(model, text, first, rows);
    }
    return model_take_bits(model) / (double)count;
}

void model_predict(const struct model *model, struct device_text *scratch,
                   const uint16_t *tokens, float *scores)
{
    check_cl(clEnqueueWriteBuffer(model->queue, scratch->tokens, CL_TRUE, 0,
                                  model->sizes.context * sizeof(*tokens),
                                  tokens, 0, NULL, NULL),
             "cannot write the context");
    forward(model, scratch, 0, 1);
    check_cl(clEnqueueReadBuffer(model->queue, model->values[LAYERS], CL_TRUE,
                                 0, model->sizes.vocabulary * sizeof(*scores),
                                 scores, 0, NULL, NULL),
             "cannot read the scores");
}

/* --- texts ---------------------------------------------------------------- */

static cl_mem upload(cl_context context, void *data, size_t size)
{
    cl_int code;
    cl_mem buffer = clCreateBuffer(
        context, CL_MEM_READ_ONLY | CL_MEM_COPY_HOST_PTR, size, data, &code);

    check_cl(code, "cannot copy the text to the device");
    return buffer;
}

struct device_text
model_upload(const struct model *model, const struct text *text)
{
    cl_context context;

    check_cl(clGetCommandQueueInfo(model->queue, CL_QUEUE_CONTEXT,
                                   sizeof(context), &context, NULL),
             "cannot ask the queue for its context");
    return (struct device_text){
        upload(context, text->tokens,
               text->token_count * sizeof(*text->tokens)),
        upload(context, text->positions,
               text->count * sizeof(*text->positions)),
        text->count};
}

void model_release_text(struct device_text *text)
{
    clReleaseMemObject(text->tokens);
    clReleaseMemObject(text->positions);
}
