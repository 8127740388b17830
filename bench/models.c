/*
 * models.c - see models.h
 * SPDX-License-Identifier: MIT
 *
 * The shapes follow from the architectures.  What counts here is what an
 * optimizer meets: how many tensors, how large, how many of them tiny.
 */
#include "models.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/*
 * A layout that grows.  A failure is remembered, not reported: a model adds all
 * of its tensors, and the status is looked at once, at the end.
 */
struct growth {
    clstep_layout *layout;
    clstep_error *error;
    clstep_status status;
    char prefix[32]; /* stands in front of every name */
};

static void set_prefix(struct growth *g, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void set_prefix(struct growth *g, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(g->prefix, sizeof(g->prefix), format, arguments);
    va_end(arguments);
}

static void add(struct growth *g, const char *name, const char *kind,
                size_t rank, const uint64_t *shape)
{
    char whole[96];

    if (g->status != CLSTEP_OK)
        return;
    snprintf(whole, sizeof(whole), "%s%s.%s", g->prefix, name, kind);
    g->status = clstep_layout_add(g->layout, whole, rank, shape, 0, g->error);
}

static void
add_matrix(struct growth *g, const char *name, uint64_t rows, uint64_t columns)
{
    add(g, name, "weight", 2, (const uint64_t[]){rows, columns});
}

static void add_bias(struct growth *g, const char *name, uint64_t width)
{
    add(g, name, "bias", 1, &width);
}

/* A layer or batch norm. */
static void add_norm(struct growth *g, const char *name, uint64_t width)
{
    add(g, name, "weight", 1, &width);
    add_bias(g, name, width);
}

/* A square convolution without a bias. */
static void add_convolution(struct growth *g, const char *name, uint64_t out,
                            uint64_t in, uint64_t side)
{
    add(g, name, "weight", 4, (const uint64_t[]){out, in, side, side});
}

/*
 * GPT-2 as published (Radford et al. 2019, 124M), with the names of its
 * checkpoint.  Its linear layers are stored as [in, out].
 */
static void add_gpt2(struct growth *g)
{
    enum { BLOCKS = 12, WIDTH = 768, WORDS = 50257, POSITIONS = 1024 };

    add_matrix(g, "wte", WORDS, WIDTH);
    add_matrix(g, "wpe", POSITIONS, WIDTH);
    for (int i = 0; i < BLOCKS; i++) {
        set_prefix(g, "h.%d.", i);
        add_norm(g, "ln_1", WIDTH);
        add_matrix(g, "attn.c_attn", WIDTH, 3 * WIDTH);
        add_bias(g, "attn.c_attn", 3 * WIDTH);
        add_matrix(g, "attn.c_proj", WIDTH, WIDTH);
        add_bias(g, "attn.c_proj", WIDTH);
        add_norm(g, "ln_2", WIDTH);
        add_matrix(g, "mlp.c_fc", WIDTH, 4 * WIDTH);
        add_bias(g, "mlp.c_fc", 4 * WIDTH);
        add_matrix(g, "mlp.c_proj", 4 * WIDTH, WIDTH);
        add_bias(g, "mlp.c_proj", WIDTH);
    }
    set_prefix(g, "%s", "");
    add_norm(g, "ln_f", WIDTH);
}

/* A bottleneck block of ResNet from 'in' channels to 4 'width'. */
static void
add_bottleneck(struct growth *g, uint64_t in, uint64_t width, bool downsample)
{
    add_convolution(g, "conv1", width, in, 1);
    add_norm(g, "bn1", width);
    add_convolution(g, "conv2", width, width, 3);
    add_norm(g, "bn2", width);
    add_convolution(g, "conv3", 4 * width, width, 1);
    add_norm(g, "bn3", 4 * width);
    if (downsample) {
        add_convolution(g, "downsample.0", 4 * width, in, 1);
        add_norm(g, "downsample.1", 4 * width);
    }
}

/* ResNet-50 (He et al. 2015) for ImageNet, with torchvision's names. */
static void add_resnet50(struct growth *g)
{
    static const int blocks[] = {3, 4, 6, 3};
    uint64_t in = 64, width = 64;

    add_convolution(g, "conv1", in, 3, 7);
    add_norm(g, "bn1", in);
    for (int layer = 0; layer < 4; layer++, width *= 2)
        for (int i = 0; i < blocks[layer]; i++, in = 4 * width) {
            set_prefix(g, "layer%d.%d.", layer + 1, i);
            add_bottleneck(g, in, width, i == 0);
        }
    set_prefix(g, "%s", "");
    add_matrix(g, "fc", 1000, in);
    add_bias(g, "fc", 1000);
}

static const struct {
    const char *name;
    void (*add)(struct growth *g);
} models[] = {
    {"gpt2", add_gpt2},
    {"resnet50", add_resnet50},
};

enum { MODELS = sizeof(models) / sizeof(models[0]) };

const char *bench_model_at(size_t index)
{
    return index < MODELS ? models[index].name : NULL;
}

clstep_status
bench_model_add(const char *name, clstep_layout *layout, clstep_error *error)
{
    struct growth g = {.layout = layout, .error = error};

    for (size_t i = 0; i < MODELS; i++)
        if (strcmp(models[i].name, name) == 0) {
            models[i].add(&g);
            return g.status;
        }
    if (error != NULL) {
        *error = (clstep_error){.status = CLSTEP_INVALID_ARGUMENT};
        snprintf(error->message, sizeof(error->message),
                 "there is no model called '%s'", name);
    }
    return CLSTEP_INVALID_ARGUMENT;
}
