/*
 * test_models.c - the models of `clstep bench` are the published ones
 * SPDX-License-Identifier: MIT
 */
#include "models.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

/* What the frameworks say of their own models. */
static const struct {
    const char *name;
    size_t tensors;
    uint64_t parameters;
} expected[] = {
    {"gpt2", 148, 124439808},
    {"resnet50", 161, 25557032},
};

enum { MODELS = sizeof(expected) / sizeof(expected[0]) };

/* A tensor here and there, by its framework's name and shape. */
static const struct {
    const char *model, *name;
    size_t rank;
    uint64_t shape[4];
} samples[] = {
    {"gpt2", "wte.weight", 2, {50257, 768}},
    {"gpt2", "wpe.weight", 2, {1024, 768}},
    {"gpt2", "h.0.attn.c_attn.weight", 2, {768, 2304}},
    {"gpt2", "h.11.mlp.c_proj.weight", 2, {3072, 768}},
    {"gpt2", "h.5.ln_2.bias", 1, {768}},
    {"gpt2", "ln_f.weight", 1, {768}},
    {"resnet50", "conv1.weight", 4, {64, 3, 7, 7}},
    {"resnet50", "layer1.0.conv1.weight", 4, {64, 64, 1, 1}},
    {"resnet50", "layer1.0.downsample.0.weight", 4, {256, 64, 1, 1}},
    {"resnet50", "layer2.0.conv1.weight", 4, {128, 256, 1, 1}},
    {"resnet50", "layer3.5.conv2.weight", 4, {256, 256, 3, 3}},
    {"resnet50", "layer4.2.bn3.bias", 1, {2048}},
    {"resnet50", "fc.weight", 2, {1000, 2048}},
    {"resnet50", "fc.bias", 1, {1000}},
};

static clstep_layout *layout_of(const char *model)
{
    clstep_layout *layout = NULL;
    clstep_error error;

    assert_int_equal(clstep_layout_create(&layout, &error), CLSTEP_OK);
    assert_int_equal(bench_model_add(model, layout, &error), CLSTEP_OK);
    return layout;
}

static void every_model_is_expected(void **state)
{
    (void)state;
    for (size_t i = 0; i < MODELS; i++)
        assert_string_equal(bench_model_at(i), expected[i].name);
    assert_null(bench_model_at(MODELS));
}

static void totals_are_the_published_ones(void **state)
{
    (void)state;
    for (size_t i = 0; i < MODELS; i++) {
        clstep_layout *layout = layout_of(expected[i].name);

        assert_int_equal(clstep_layout_tensors(layout), expected[i].tensors);
        assert_int_equal(clstep_layout_parameters(layout),
                         expected[i].parameters);
        clstep_layout_release(layout);
    }
}

static void names_are_unique(void **state)
{
    (void)state;
    for (size_t i = 0; i < MODELS; i++) {
        clstep_layout *layout = layout_of(expected[i].name);
        clstep_tensor a, b;

        for (size_t j = 0; clstep_layout_tensor(layout, j, &a); j++)
            for (size_t k = 0; k < j; k++) {
                assert_true(clstep_layout_tensor(layout, k, &b));
                assert_string_not_equal(a.name, b.name);
            }
        clstep_layout_release(layout);
    }
}

static void samples_have_their_shapes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        clstep_layout *layout = layout_of(samples[i].model);
        clstep_tensor tensor;

        assert_true(clstep_layout_find(layout, samples[i].name, &tensor));
        assert_int_equal(tensor.rank, samples[i].rank);
        assert_memory_equal(tensor.shape, samples[i].shape,
                            tensor.rank * sizeof(uint64_t));
        clstep_layout_release(layout);
    }
}

static void unknown_model_is_refused(void **state)
{
    clstep_layout *layout = NULL;
    clstep_error error;

    (void)state;
    assert_int_equal(clstep_layout_create(&layout, &error), CLSTEP_OK);
    assert_int_equal(bench_model_add("gpt17", layout, &error),
                     CLSTEP_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, "gpt17"));
    assert_int_equal(bench_model_add("gpt17", layout, NULL),
                     CLSTEP_INVALID_ARGUMENT);
    assert_int_equal(clstep_layout_tensors(layout), 0);
    clstep_layout_release(layout);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_model_is_expected),
        cmocka_unit_test(totals_are_the_published_ones),
        cmocka_unit_test(names_are_unique),
        cmocka_unit_test(samples_have_their_shapes),
        cmocka_unit_test(unknown_model_is_refused),
    };

    return cmocka_run_group_tests_name("models", tests, NULL, NULL);
}
