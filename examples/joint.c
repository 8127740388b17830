/*
 * joint.c - two rules that step together, with one norm and one finite check
 * SPDX-License-Identifier: MIT
 *
 * Each of 16 words has an embedding of 8 numbers, whose product with a weight
 * is to come near the word's target.  adamw moves the embeddings, momentum the
 * weight.  The gradients are computed on the host, to keep this short; at one
 * step there is a NaN among them.
 */
#include <clstep/clstep.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { WORDS = 16, WIDTH = 8, STEPS = 100, BAD = 40 };

static float words[WORDS][WIDTH], word_gradients[WORDS][WIDTH];
static float weight[WIDTH], weight_gradients[WIDTH];

static clstep_error error;

static void check(clstep_status status)
{
    if (status == CLSTEP_OK)
        return;
    puts(error.message);
    exit(1);
}

/* Returns the mean loss, and writes its gradients. */
static double compute_gradients(void)
{
    double loss = 0;

    for (int i = 0; i < WIDTH; i++)
        weight_gradients[i] = 0;
    for (int word = 0; word < WORDS; word++) {
        float off = 2 - (float)(word % 5); /* the target is word % 5 - 2 */

        for (int i = 0; i < WIDTH; i++)
            off += words[word][i] * weight[i];
        for (int i = 0; i < WIDTH; i++) {
            word_gradients[word][i] = 2 * off * weight[i] / WORDS;
            weight_gradients[i] += 2 * off * words[word][i] / WORDS;
        }
        loss += (double)(off * off) / WORDS;
    }
    return loss;
}

static cl_mem buffer(cl_context context, size_t size, void *values)
{
    return clCreateBuffer(context, CL_MEM_COPY_HOST_PTR, size, values, NULL);
}

/* What a joint does once for all must be set alike in each optimizer. */
static clstep_optimizer *create(clstep_device *device, const char *rule,
                                double lr, const clstep_layout *layout)
{
    const clstep_setting settings[] = {{.name = "lr", .value = lr},
                                       {.name = "clip_norm", .value = 1},
                                       {.name = "check_finite", .value = 1},
                                       {0}};
    clstep_optimizer *optimizer = NULL;

    check(clstep_optimizer_create(device, rule, settings, layout, &optimizer,
                                  &error));
    return optimizer;
}

int main(void)
{
    clstep_device *device;
    clstep_layout *first, *second;
    clstep_joint *joint;
    clstep_report report;
    cl_platform_id platform;
    cl_device_id id;

    if (clGetPlatformIDs(1, &platform, NULL) ||
        clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 1, &id, NULL))
        return puts("no OpenCL device"), 1;
    cl_context context = clCreateContext(NULL, 1, &id, NULL, NULL, NULL);
    cl_command_queue queue = clCreateCommandQueue(context, id, 0, NULL);

    for (int i = 0; i < WORDS * WIDTH; i++)
        words[i / WIDTH][i % WIDTH] = (float)(i * 37 % 64) / 64 - 0.5f;
    const clstep_buffers b[2] = {
        {.parameters = buffer(context, sizeof(words), words),
         .gradients = buffer(context, sizeof(words), word_gradients)},
        {.parameters = buffer(context, sizeof(weight), weight),
         .gradients = buffer(context, sizeof(weight), weight_gradients)}};

    check(clstep_device_create(context, id, &device, &error));
    check(clstep_layout_create(&first, &error));
    check(clstep_layout_create(&second, &error));
    check(clstep_layout_add(first, "words", 2, (uint64_t[]){WORDS, WIDTH}, 0,
                            &error));
    check(
        clstep_layout_add(second, "weight", 1, (uint64_t[]){WIDTH}, 0, &error));
    clstep_optimizer *opts[] = {create(device, "adamw", 0.02, first),
                                create(device, "momentum", 0.05, second)};
    check(clstep_joint_create(opts, 2, &joint, &error));

    for (int step = 1; step <= STEPS; step++) {
        const double loss = compute_gradients();

        if (step == BAD)
            weight_gradients[0] = NAN; /* the embeddings stay as well */
        clEnqueueWriteBuffer(queue, b[0].gradients, CL_FALSE, 0, sizeof(words),
                             word_gradients, 0, NULL, NULL);
        clEnqueueWriteBuffer(queue, b[1].gradients, CL_FALSE, 0, sizeof(weight),
                             weight_gradients, 0, NULL, NULL);
        check(clstep_joint_step(joint, queue, b, 0, NULL, NULL, &error));
        clEnqueueReadBuffer(queue, b[0].parameters, CL_FALSE, 0, sizeof(words),
                            words, 0, NULL, NULL);
        clEnqueueReadBuffer(queue, b[1].parameters, CL_TRUE, 0, sizeof(weight),
                            weight, 0, NULL, NULL);
        if (step % 20 != 0)
            continue;
        check(clstep_optimizer_report(opts[0], queue, &report, NULL, &error));
        printf("loss %.5f, norm %.4f, %u steps, %u skipped\n", loss,
               (double)report.norm, (unsigned)report.steps,
               (unsigned)report.skipped);
    }
    clstep_joint_release(joint); /* before its optimizers */
    clstep_optimizer_release(opts[0]);
    clstep_optimizer_release(opts[1]);
    return 0; /* the system releases the rest */
}
