/*
 * test_apart.c - tensors that lie apart
 * SPDX-License-Identifier: MIT
 *
 * Bit for bit as the reference has it.  Linked with
 * --wrap=clEnqueueNDRangeKernel, which counts.
 */
#include "launches.h"
#include "scene.h"
#include "whole.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { GUARD = 9 };

static const struct whole_shape shapes[] = {
    {1, {300}, 0},  {1, {0}, 1},   {2, {5, 77}, 2},   {1, {1}, 0},
    {2, {0, 4}, 1}, {1, {256}, 1}, {2, {2, 4099}, 2}, {1, {257}, 0},
    {1, {4096}, 1}, {1, {512}, 0}, {2, {3, 6000}, 1}, {2, {7, 43}, 0},
};
enum { SHAPES = sizeof(shapes) / sizeof(*shapes) };

/* --- buffers -------------------------------------------------------------- */

/* The tensors in buffers of their own, or packed in one. */
struct apart {
    struct whole whole;
    bool packed;
    clstep_buffers entries[SHAPES];
};

static size_t size_of(enum whole_type type)
{
    return type == WHOLE_F32 ? sizeof(float) : sizeof(uint16_t);
}

/* A buffer of 'count' elements of 1s (as bytes) with guards around. */
static cl_mem create_buffer(uint64_t count, size_t size)
{
    const size_t bytes = (size_t)(count + 2 * GUARD) * size;
    void *data = test_malloc(bytes);
    cl_int code;

    memset(data, 1, bytes);

    cl_mem buffer = clCreateBuffer(fixture_place()->context,
                                   CL_MEM_READ_WRITE | CL_MEM_COPY_HOST_PTR,
                                   bytes, data, &code);

    assert_int_equal(code, CL_SUCCESS);
    test_free(data);
    return buffer;
}

static void
create_entry(struct apart *apart, clstep_buffers *entry, uint64_t count)
{
    struct whole *whole = &apart->whole;

    entry->parameters = create_buffer(count, sizeof(float));
    entry->gradients = create_buffer(count, size_of(whole->grad_type));
    if (whole->copy_type != WHOLE_F32)
        entry->copy = create_buffer(count, sizeof(uint16_t));
}

static void write_tensor(cl_mem buffer, uint64_t offset, const void *from,
                         uint64_t at, uint64_t count, size_t size)
{
    if (count != 0)
        assert_int_equal(clEnqueueWriteBuffer(queue_of_all(), buffer, CL_TRUE,
                                              offset * size, count * size,
                                              (const char *)from + at * size, 0,
                                              NULL, NULL),
                         CL_SUCCESS);
}

static void write_all(struct apart *apart, bool gradients)
{
    const struct whole *whole = &apart->whole;

    for (size_t t = 0; t < SHAPES; t++) {
        const struct reference_tensor *tensor = &whole->tensors[t];
        const clstep_buffers *e = &apart->entries[t];

        if (gradients)
            write_tensor(e->gradients, e->gradients_offset, whole_g(whole),
                         tensor->offset, tensor->count,
                         size_of(whole->grad_type));
        else
            write_tensor(e->parameters, e->parameters_offset, whole_w(whole),
                         tensor->offset, tensor->count, sizeof(float));
        if (!gradients && e->copy != NULL)
            write_tensor(e->copy, e->copy_offset, whole_c(whole),
                         tensor->offset, tensor->count, sizeof(uint16_t));
    }
}

static void open_apart(struct apart *apart, const char *rule,
                       const clstep_setting *settings, bool packed)
{
    struct whole *whole = &apart->whole;

    *apart = (struct apart){.packed = packed};
    whole_open(whole, rule, settings, shapes, SHAPES, fixture_seed());
    for (size_t t = 0; t < SHAPES; t++) {
        clstep_buffers *entry = &apart->entries[t];
        clstep_tensor tensor;

        assert_true(clstep_layout_tensor(whole->layout, t, &tensor));
        if (packed && t != 0)
            *entry = apart->entries[0];
        else
            create_entry(apart, entry,
                         packed ? clstep_layout_parameters(whole->layout)
                                : tensor.count);
        entry->parameters_offset = packed ? GUARD + tensor.packed : t % GUARD;
        entry->gradients_offset = packed ? 1 + tensor.packed : GUARD - t / 2;
        if (entry->copy != NULL)
            entry->copy_offset = packed ? 2 + tensor.packed : t % 3;
        entry->scale = t == 0 ? whole->buffers.scale : NULL;
        entry->scale_offset = whole->buffers.scale_offset;
    }
    write_all(apart, false);
    write_all(apart, true);
}

static void close_apart(struct apart *apart)
{
    for (size_t t = 0; t < (apart->packed ? 1 : SHAPES); t++) {
        clReleaseMemObject(apart->entries[t].parameters);
        clReleaseMemObject(apart->entries[t].gradients);
        if (apart->entries[t].copy != NULL)
            clReleaseMemObject(apart->entries[t].copy);
    }
    whole_close(&apart->whole);
}

/* --- steps ---------------------------------------------------------------- */

static clstep_status
step(struct apart *apart, const clstep_buffers *entries, clstep_error *error)
{
    return clstep_optimizer_step_tensors(apart->whole.optimizer, queue_of_all(),
                                         entries, 0, NULL, NULL, error);
}

/* Whether the tensor's group is frozen; the last call has set it. */
static bool frozen[SHAPES];

static void step_both(struct apart *apart)
{
    clstep_buffers entries[SHAPES];
    clstep_error error;
    bool thawed = true;

    memcpy(entries, apart->entries, sizeof(entries));
    for (size_t t = 0; t < SHAPES; t++) {
        thawed = thawed && !frozen[shapes[t].group];
        if (frozen[shapes[t].group] || apart->whole.tensors[t].count == 0)
            entries[t] =
                (clstep_buffers){.scale = entries[t].scale,
                                 .scale_offset = entries[t].scale_offset};
    }
    launches = 0;
    fixture_ok(step(apart, entries, &error), &error);
    if (thawed)
        assert_int_equal(launches,
                         clstep_optimizer_launches(apart->whole.optimizer, 1));
    whole_step_host(&apart->whole);
}

/* --- comparison ----------------------------------------------------------- */

static bool is_nan(const char *bits, enum whole_type type)
{
    uint16_t half;
    float x;

    if (type == WHOLE_F32) {
        memcpy(&x, bits, sizeof(x));
        return isnan(x);
    }
    memcpy(&half, bits, sizeof(half));
    return (half & 0x7fff) > (type == WHOLE_F16 ? 0x7c00 : 0x7f80);
}

static void
check_buffer(struct apart *apart, const char *what, size_t t, cl_mem buffer,
             uint64_t offset, const void *expected, enum whole_type type)
{
    const size_t size = size_of(type);
    const struct reference_tensor *tensor = &apart->whole.tensors[t];
    const uint64_t count = tensor->count + (apart->packed ? 0 : 2 * GUARD);
    const uint64_t begin = apart->packed ? 0 : offset;
    char *data = test_malloc((size_t)count * size + 1);
    const char *want = (const char *)expected + tensor->offset * size;

    if (count != 0)
        assert_int_equal(
            clEnqueueReadBuffer(queue_of_all(), buffer, CL_TRUE,
                                (apart->packed ? offset : 0) * size,
                                count * size, data, 0, NULL, NULL),
            CL_SUCCESS);
    for (uint64_t i = 0; i < begin * size; i++)
        assert_int_equal(data[i], 1);
    for (uint64_t i = (begin + tensor->count) * size; i < count * size; i++)
        assert_int_equal(data[i], 1);
    data += begin * size;
    for (uint64_t i = 0; i < tensor->count; i++) {
        if (memcmp(data + i * size, want + i * size, size) == 0 ||
            (is_nan(data + i * size, type) && is_nan(want + i * size, type)))
            continue;
        fail_msg("%s of tensor %zu: element %llu differs", what, t,
                 (unsigned long long)i);
    }
    test_free(data - begin * size);
}

static void check_apart(struct apart *apart)
{
    struct whole *whole = &apart->whole;
    clstep_error error;
    const char *slot;

    whole_check_report(whole);
    for (size_t t = 0; t < SHAPES; t++) {
        const clstep_buffers *e = &apart->entries[t];

        check_buffer(apart, "parameters", t, e->parameters,
                     e->parameters_offset, whole_w(whole), WHOLE_F32);
        check_buffer(apart, "gradients", t, e->gradients, e->gradients_offset,
                     whole_g(whole), whole->grad_type);
        if (e->copy != NULL)
            check_buffer(apart, "copy", t, e->copy, e->copy_offset,
                         whole_c(whole), whole->copy_type);
    }
    for (size_t i = 0;
         (slot = clstep_optimizer_slot(whole->optimizer, i)) != NULL; i++) {
        fixture_ok(clstep_optimizer_read(whole->optimizer, queue_of_all(), slot,
                                         0, whole->count, whole->scratch,
                                         &error),
                   &error);
        for (size_t t = 0; t < SHAPES; t++)
            check_floats(slot,
                         (float *)whole->scratch + whole->tensors[t].offset,
                         reference_slot(whole->reference, slot) +
                             whole->tensors[t].offset,
                         whole->tensors[t].count);
    }
}

/* --- tests: apart --------------------------------------------------------- */

static const struct {
    const char *rule;
    clstep_setting settings[16];
} lists[] = {
    {"sgd", {{0}}},
    {"adam", {NUMBER("zero_grad", 1)}},
    {"momentum", {NUMBER("clip_norm", 0.5)}},
    {"adam", {NUMBER("clip_norm_tensor", 0.5), NUMBER("check_finite", 1)}},
    {"rmsprop", {NUMBER("max_norm", 0.5)}},
    {"ftrl", {NUMBER("device_scale", 1), CHOICE("copy_type", "f16")}},
    {"nadam",
     {CHOICE("grad_type", "bf16"), NUMBER("scale_start", 8),
      NUMBER("scale_interval", 2), NUMBER("check_finite", 1),
      NUMBER("clip_value", 3), NUMBER("clip_norm", 0.75), NUMBER("l2", 0.02),
      NUMBER("weight_decay", 0.1), CHOICE("decay_form", "cautious"),
      NUMBER("max_norm", 0.5), NUMBER("ema_decay", 0.75),
      CHOICE("copy_type", "bf16"), NUMBER("zero_grad", 1)}},
    {"adamax",
     {CHOICE("grad_type", "f16"), NUMBER("device_scale", 1),
      NUMBER("check_finite", 1), NUMBER("clip_norm_tensor", 0.75),
      CHOICE("ema_form", "equal"), CHOICE("copy_type", "f16")}},
    /* Elements are chosen in the first, third and fifth step of each group. */
    {"momentum",
     {NUMBER("prune", 0.7), NUMBER("prune_end", 5), NUMBER("prune_every", 2)}},
    {"adam",
     {NUMBER("prune", 0.6), NUMBER("prune_end", 5), NUMBER("prune_every", 2),
      NUMBER("check_finite", 1), NUMBER("clip_norm", 0.5),
      NUMBER("max_norm", 0.75), NUMBER("ema_decay", 0.5),
      CHOICE("copy_type", "bf16")}},
};

static void tensors_apart(bool packed)
{
    for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
        struct apart apart;

        open_apart(&apart, lists[i].rule, lists[i].settings, packed);
        for (size_t k = 0; k < 6; k++) {
            for (size_t g = 0; g < 3; g++) {
                frozen[g] = k != 0 && (k + g) % 3 == 0;
                whole_freeze(&apart.whole, g, frozen[g]);
            }
            if (apart.whole.buffers.scale != NULL)
                whole_scale(&apart.whole, (float)(k + 1));
            whole_gradients(&apart.whole, k % 3 == 2 ? WHOLE_WILD : WHOLE_CALM);
            write_all(&apart, true);
            step_both(&apart);
            check_apart(&apart);
        }
        close_apart(&apart);
    }
}

static void packed_in_one_buffer(void **state)
{
    (void)state;
    tensors_apart(true);
}

static void each_in_its_own_buffer(void **state)
{
    (void)state;
    tensors_apart(false);
}

/* What is wrong with one tensor's buffers says so, and nothing happens. */
static void errors_of_tensors(void **state)
{
    struct apart apart;
    clstep_buffers entries[SHAPES];
    clstep_error error = {0};

    (void)state;
    memset(frozen, 0, sizeof(frozen));
    open_apart(&apart, "ftrl", lists[5].settings, false);
    assert_int_equal(step(&apart, NULL, &error), CLSTEP_INVALID_ARGUMENT);
    check_error(&error, CLSTEP_INVALID_ARGUMENT, "buffers|NULL");

    memcpy(entries, apart.entries, sizeof(entries));
    entries[6].gradients = NULL;
    step(&apart, entries, &error);
    check_error(&error, CLSTEP_INVALID_ARGUMENT, "gradients|NULL");

    memcpy(entries, apart.entries, sizeof(entries));
    entries[6].parameters_offset += 2 * GUARD;
    step(&apart, entries, &error);
    check_error(&error, CLSTEP_INVALID_ARGUMENT, "parameters|too few|8198");

    memcpy(entries, apart.entries, sizeof(entries));
    entries[6].copy = NULL;
    step(&apart, entries, &error);
    check_error(&error, CLSTEP_INVALID_ARGUMENT, "copy|NULL");

    /* The scale is that of the first entry, whatever its tensor is. */
    memcpy(entries, apart.entries, sizeof(entries));
    entries[0].scale = NULL;
    step(&apart, entries, &error);
    check_error(&error, CLSTEP_INVALID_ARGUMENT, "scale|NULL");
    whole_freeze(&apart.whole, 0, true);
    step(&apart, entries, &error);
    check_error(&error, CLSTEP_INVALID_ARGUMENT, "scale|NULL");
    whole_freeze(&apart.whole, 0, false);

    /* It may lie in no tensor's buffers, its own entry's or another's. */
    memcpy(entries, apart.entries, sizeof(entries));
    entries[0].scale = entries[6].parameters;
    entries[0].scale_offset = entries[6].parameters_offset;
    step(&apart, entries, &error);
    check_error(&error, CLSTEP_INVALID_ARGUMENT,
                "tensor 6|parameters and scale overlap");
    entries[0].scale = entries[0].gradients;
    entries[0].scale_offset = entries[0].gradients_offset;
    step(&apart, entries, &error);
    check_error(&error, CLSTEP_INVALID_ARGUMENT,
                "tensor 0|gradients and scale overlap");
    check_apart(&apart);
    step_both(&apart);
    check_apart(&apart);
    close_apart(&apart);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(packed_in_one_buffer),
        cmocka_unit_test(each_in_its_own_buffer),
        cmocka_unit_test(errors_of_tensors),
    };

    return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
