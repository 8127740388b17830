/*
 * mutant_scenes.c - see mutant_scenes.h
 * SPDX-License-Identifier: MIT
 *
 * A scene is one optimizer, or two in a joint, and a script of what happens to
 * them (mutant_scene_list.c).  After each act everything that can be seen is
 * compared with the reference: each tensor, what lies between and around them,
 * slots, counts and the report.
 */
#include "mutant_scene_list.h"
#include "device.h"
#include "reference.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_GROUPS = 8,
    MAX_KEPT = 64,
    MARGIN = 16, /* elements in front of a range and behind it */
    SCALES = 4,
    SCALE_AT = 2,
};

/* --- a scene -------------------------------------------------------------- */

enum type { F32, F16, BF16 };
enum array { PARAMETERS, GRADIENTS, COPY, ARRAYS };

/* A caller's buffer, and what is expected in it. */
struct image {
    cl_mem buffer;
    enum type type;
    uint64_t total;           /* elements */
    uint64_t at[MAX_TENSORS]; /* where each tensor is */
    uint64_t begin;           /* where tensor 0 is, the layout's offset */
    unsigned char *bytes;     /* guards and all */
    unsigned char *from;      /* what the device has */
};

struct part {
    clstep_optimizer *optimizer;
    struct reference *reference;
    struct list list;
    const clstep_rule *rule;
    clstep_tensor tensors[MAX_TENSORS];
    clstep_layout *layout;
    size_t tensor_count, group_count;
    bool frozen[MAX_GROUPS];
    float *w;
    void *g;
    uint16_t *copy;
    float *slot;
    struct image images[ARRAYS];
};

struct stage {
    const struct trial_place *place;
    struct part parts[PARTS];
    size_t part_count;
    bool apart;
    clstep_joint *joint;
    cl_mem scale;
    cl_event gate;
    void *kept[MAX_KEPT]; /* what the device may still read */
    size_t kept_count;
    struct trial_random random;
    uint64_t skipped;
    unsigned act; /* of the script */
    char *message;
    size_t size;
    int code; /* what scenes_run() returns */
};

static void fails(struct stage *s, int code, const char *what, double number)
{
    if (s->code != 0)
        return;
    s->code = code;
    snprintf(s->message, s->size, "act %u: %s, %a", s->act, what, number);
}

static void
check_status(struct stage *s, clstep_status status, const clstep_error *error)
{
    if (status != CLSTEP_OK)
        fails(s, 2, error->message, 0.0);
}

static void check_code(struct stage *s, cl_int code)
{
    if (code != CL_SUCCESS)
        fails(s, 2, "OpenCL failed", code);
}

static size_t size_of(enum type type)
{
    return type == F32 ? sizeof(float) : sizeof(uint16_t);
}

static enum type type_of(const struct list *list, const char *name)
{
    for (const clstep_setting *t = list->settings; t->name != NULL; t++)
        if (strcmp(t->name, name) == 0)
            return strcmp(t->choice, "f16") == 0 ? F16 : BF16;
    return F32;
}

static bool is_given(const struct list *list, const char *name)
{
    for (const clstep_setting *t = list->settings; t->name != NULL; t++)
        if (strcmp(t->name, name) == 0)
            return true;
    return false;
}

/* Keeps 'memory' until the device is done. */
static void keep(struct stage *s, void *memory)
{
    if (s->kept_count == MAX_KEPT || memory == NULL)
        fails(s, 2, "no memory", 0.0);
    else
        s->kept[s->kept_count++] = memory;
}

/* --- numbers -------------------------------------------------------------- */

static float float_of(uint32_t bits)
{
    float x;

    memcpy(&x, &bits, sizeof(x));
    return x;
}

/* Ordinary, with a few zeros and subnormals: 2^'exponent' and eight octaves
 * below. */
static float ordinary(struct trial_random *random, int exponent)
{
    const uint64_t r = trial_random_next(random);
    const unsigned kind = (unsigned)(r >> 40 & 63);
    const uint32_t sign = (uint32_t)(r >> 63) << 31;

    if (kind == 0)
        return float_of(sign);
    if (kind == 1)
        return float_of(sign | (uint32_t)(r & 0x7fffff));
    return float_of(sign |
                    (uint32_t)(127 + exponent - (int)(r >> 30 & 7)) << 23 |
                    (uint32_t)(r & 0x7fffff));
}

/* Near the middle of two halves, or of two bfloats. */
static float middle(struct trial_random *random, enum type type)
{
    static const uint32_t near[] = {0, 0, 1, 0xffffffff};
    const uint64_t r = trial_random_next(random);
    const uint16_t bits = (uint16_t)r;
    const uint32_t step = near[r >> 32 & 3];
    uint32_t result;
    float x;

    if (type == BF16)
        return float_of(((uint32_t)bits << 16 | 0x8000) + step);
    if ((bits & 0x7c00) == 0x7c00) /* around the largest, and the smallest */
        return (r & 0x10000 ? 65520.0f : 0x1p-25f) * (r & 0x20000 ? 1.0f
                                                      : r & 0x40000
                                                          ? 0x1.fffffep-1f
                                                          : 0x1.000002p0f);
    x = (reference_from_f16(bits) + reference_from_f16((uint16_t)(bits + 1))) *
        0.5f;
    memcpy(&result, &x, sizeof(result));
    return float_of(result + (x != 0.0f ? step : 0));
}

/* A parameter at the beginning. */
static float
parameter(struct trial_random *random, unsigned kind, enum type copy_type)
{
    if ((kind & MIDDLES) != 0)
        return middle(random, copy_type);
    if ((kind & WILD) != 0)
        return float_of((uint32_t)trial_random_next(random));
    return ordinary(random, 0);
}

/* A gradient as the script says it. */
static float gradient(struct trial_random *random, char act)
{
    switch (act) {
    case 'o':
        return ordinary(random, 0) * 0x1p66f;
    case 'i':
        return ordinary(random, -22);
    case 'd':
        return float_of((uint32_t)trial_random_next(random));
    default:
        return ordinary(random, 0);
    }
}

/* The same as 16 bits: any for 'd', a number else. */
static uint16_t
short_gradient(struct trial_random *random, char act, enum type type)
{
    const uint16_t any = (uint16_t)trial_random_next(random);

    if (act == 'd') /* now and then an infinity */
        return any % 16 != 0 ? any
                             : (uint16_t)((any & 0x8000) |
                                          (type == F16 ? 0x7c00 : 0x7f80));
    if (act == 'o') /* as large as finite ones are */
        return type == F16 ? 0x7bff : 0x7f00;
    return type == F16 ? reference_to_f16(gradient(random, act))
                       : reference_to_bf16(gradient(random, act));
}

static void put_gradient(void *g, enum type type, uint64_t i, float x)
{
    if (type == F32)
        ((float *)g)[i] = x;
    else
        ((uint16_t *)g)[i] =
            type == F16 ? reference_to_f16(x) : reference_to_bf16(x);
}

/* --- images --------------------------------------------------------------- */

/* Copies the tensors of an array of the reference's into the image. */
static void draw(const struct part *part, struct image *image, const void *x)
{
    const size_t size = size_of(image->type);

    for (size_t t = 0; t < part->tensor_count; t++)
        if (part->tensors[t].count != 0)
            memcpy(image->bytes + image->at[t] * size,
                   (const unsigned char *)x + part->tensors[t].offset * size,
                   part->tensors[t].count * size);
}

static bool is_nan(const unsigned char *bytes, enum type type)
{
    uint32_t word = 0;
    uint16_t half = 0;

    if (type == F32) {
        memcpy(&word, bytes, sizeof(word));
        return (word & 0x7fffffff) > 0x7f800000;
    }
    memcpy(&half, bytes, sizeof(half));
    return (half & 0x7fff) > (type == F16 ? 0x7c00 : 0x7f80);
}

/* Compares 'count' elements; a NaN equals a NaN. */
static bool same(const unsigned char *a, const unsigned char *b, enum type type,
                 uint64_t count)
{
    const size_t size = size_of(type);

    if (memcmp(a, b, count * size) == 0)
        return true;
    for (uint64_t i = 0; i < count; i++)
        if (memcmp(a + i * size, b + i * size, size) != 0 &&
            !(is_nan(a + i * size, type) && is_nan(b + i * size, type)))
            return false;
    return true;
}

/* Compares the buffer with the array 'x' and the guards.  Padding may be
 * anything. */
static void compare_image(struct stage *s, const struct part *part,
                          enum array array, const void *x)
{
    static const char *const names[] = {"parameters", "gradients", "copy"};
    struct image *image = (struct image *)&part->images[array];
    const size_t size = size_of(image->type);
    uint64_t end = image->begin;

    if (image->buffer == NULL)
        return;
    check_code(s, clEnqueueReadBuffer(s->place->queue, image->buffer, CL_TRUE,
                                      0, image->total * size, image->from, 0,
                                      NULL, NULL));
    draw(part, image, x);
    if (s->apart) {
        if (!same(image->bytes, image->from, image->type, image->total))
            fails(s, 1, names[array], 0.0);
        return;
    }
    for (size_t t = 0; t < part->tensor_count; t++) {
        const uint64_t at = image->at[t] * size;

        if (!same(image->bytes + at, image->from + at, image->type,
                  part->tensors[t].count))
            fails(s, 1, names[array], (double)t);
        end = image->at[t] + part->tensors[t].count;
    }
    if (memcmp(image->bytes, image->from, image->begin * size) != 0 ||
        memcmp(image->bytes + end * size, image->from + end * size,
               (image->total - end) * size) != 0)
        fails(s, 1, "a guard", (double)array);
}

static void
open_image(struct stage *s, struct part *part, enum array array, enum type type)
{
    struct image *image = &part->images[array];
    const size_t size = size_of(type);
    uint64_t at = 3 + 2 * (uint64_t)array;

    image->type = type;
    image->begin = at;
    for (size_t t = 0; t < part->tensor_count; t++) {
        image->at[t] = s->apart ? at : image->begin + part->tensors[t].offset;
        at = image->at[t] + part->tensors[t].count + (array == GRADIENTS);
    }
    image->total = at + MARGIN;
    image->bytes = malloc(image->total * size);
    image->from = malloc(image->total * size);
    if (image->bytes == NULL || image->from == NULL) {
        fails(s, 2, "no memory", 0.0);
        return;
    }
    memset(image->bytes, 0x7f, image->total * size); /* NaNs in each type */
}

/* --- beginning and end ---------------------------------------------------- */

static void open_layout(struct stage *s, struct part *part, const char *text)
{
    static struct shape shapes[MAX_TENSORS];
    const size_t count = read_tensors(text, shapes);
    clstep_error error;

    check_status(s, clstep_layout_create(&part->layout, &error), &error);
    for (size_t t = 0; t < count && s->code == 0; t++) {
        char name[24];

        snprintf(name, sizeof(name), "%zu", t);
        check_status(s,
                     clstep_layout_add(part->layout, name, shapes[t].rank,
                                       shapes[t].extents, shapes[t].group,
                                       &error),
                     &error);
        clstep_layout_tensor(part->layout, t, &part->tensors[t]);
    }
    part->tensor_count = count;
    part->group_count = clstep_layout_groups(part->layout);
}

static void open_reference(struct stage *s, struct part *part)
{
    static struct reference_tensor tensors[MAX_TENSORS];

    for (size_t t = 0; t < part->tensor_count; t++) {
        const clstep_tensor *tensor = &part->tensors[t];
        const bool matrix = tensor->rank > 1 && tensor->count != 0;

        tensors[t] = (struct reference_tensor){tensor->offset, tensor->count,
                                               matrix ? tensor->shape[0] : 0,
                                               tensor->group};
    }
    part->reference = reference_create_layout(clstep_rule_name(part->rule),
                                              part->list.expected, tensors,
                                              part->tensor_count);
    if (part->reference == NULL)
        fails(s, 2, "no reference", 0.0);
}

static void
open_part(struct stage *s, struct part *part, size_t index, size_t which)
{
    const char *settings = scenes[index].parts[which].settings;
    clstep_error error;

    part->rule = clstep_rule_find(scenes[index].parts[which].rule);
    read_settings(scenes[index].settings, settings, &part->list);
    open_layout(s, part, scenes[index].parts[which].tensors);
    open_reference(s, part);

    const uint64_t count = clstep_layout_count(part->layout);
    const enum type grad_type = type_of(&part->list, "grad_type");
    const enum type copy_type = type_of(&part->list, "copy_type");

    open_image(s, part, PARAMETERS, F32);
    open_image(s, part, GRADIENTS, grad_type);
    if (copy_type != F32)
        open_image(s, part, COPY, copy_type);
    part->w = calloc(count, sizeof(float));
    part->g = calloc(count, sizeof(float));
    part->copy = calloc(count, sizeof(*part->copy));
    part->slot = calloc(count + part->tensor_count, sizeof(float));
    if (part->w == NULL || part->g == NULL || part->copy == NULL ||
        part->slot == NULL)
        fails(s, 2, "no memory", 0.0);
    if (s->code != 0)
        return;
    for (uint64_t i = 0; i < count; i++)
        part->w[i] = parameter(&s->random, scenes[index].kind, copy_type);
    memset(part->copy, 0x7f, count * sizeof(*part->copy));
    draw(part, &part->images[PARAMETERS], part->w);
    draw(part, &part->images[GRADIENTS], part->g);
    for (int a = 0; a < ARRAYS; a++) {
        struct image *image = &part->images[a];
        cl_int code = CL_SUCCESS;

        if (image->bytes != NULL)
            image->buffer = clCreateBuffer(
                s->place->context, CL_MEM_READ_WRITE | CL_MEM_COPY_HOST_PTR,
                image->total * size_of(image->type), image->bytes, &code);
        check_code(s, code);
    }
    check_status(s,
                 clstep_optimizer_create(s->place->device,
                                         clstep_rule_name(part->rule),
                                         part->list.settings, part->layout,
                                         &part->optimizer, &error),
                 &error);
}

static void open_stage(struct stage *s, size_t index)
{
    float ones[SCALES] = {7.0f, 7.0f, 1.0f, 7.0f};
    clstep_error error;
    cl_int code;

    s->place->device->grouped = (scenes[index].kind & GROUPED) != 0;
    s->apart = (scenes[index].kind & APART) != 0;
    s->scale = clCreateBuffer(s->place->context,
                              CL_MEM_READ_WRITE | CL_MEM_COPY_HOST_PTR,
                              sizeof(ones), ones, &code);
    check_code(s, code);
    for (size_t p = 0; p < PARTS && s->code == 0; p++)
        if (scenes[index].parts[p].rule != NULL)
            open_part(s, &s->parts[s->part_count++], index, p);
    if (s->part_count > 1 && s->code == 0) {
        clstep_optimizer *const optimizers[] = {s->parts[0].optimizer,
                                                s->parts[1].optimizer};

        check_status(s, clstep_joint_create(optimizers, 2, &s->joint, &error),
                     &error);
    }
}

static void let_go(struct stage *s)
{
    if (s->gate != NULL) {
        clSetUserEventStatus(s->gate, CL_COMPLETE);
        clReleaseEvent(s->gate);
        s->gate = NULL;
    }
    check_code(s, clFinish(s->place->queue));
    while (s->kept_count != 0)
        free(s->kept[--s->kept_count]);
}

static void close_part(struct part *part)
{
    clstep_optimizer_release(part->optimizer);
    clstep_layout_release(part->layout);
    if (part->reference != NULL)
        reference_release(part->reference);
    for (int a = 0; a < ARRAYS; a++) {
        if (part->images[a].buffer != NULL)
            clReleaseMemObject(part->images[a].buffer);
        free(part->images[a].bytes);
        free(part->images[a].from);
    }
    free(part->w);
    free(part->g);
    free(part->copy);
    free(part->slot);
}

static void close_stage(struct stage *s)
{
    let_go(s);
    clstep_joint_release(s->joint);
    for (size_t p = 0; p < s->part_count; p++)
        close_part(&s->parts[p]);
    if (s->scale != NULL)
        clReleaseMemObject(s->scale);
}

/* --- comparison ----------------------------------------------------------- */

static void compare_slots(struct stage *s, struct part *part)
{
    clstep_error error;
    const char *name;

    for (size_t i = 0;
         (name = clstep_optimizer_slot(part->optimizer, i)) != NULL; i++) {
        const float *expected = reference_slot(part->reference, name);
        const uint64_t count = clstep_optimizer_slot_count(part->optimizer, i);

        check_status(s,
                     clstep_optimizer_read(part->optimizer, s->place->queue,
                                           name, 0, count, part->slot, &error),
                     &error);
        if (expected == NULL) {
            fails(s, 2, "the reference has no such slot", 0.0);
            return;
        }
        if (count != clstep_layout_count(part->layout)) {
            if (count != reference_slot_count(part->reference, name) ||
                !same((const unsigned char *)part->slot,
                      (const unsigned char *)expected, F32, count))
                fails(s, 1, name, (double)count);
            continue;
        }
        for (size_t t = 0; t < part->tensor_count; t++) {
            const uint64_t at = part->tensors[t].offset;

            if (!same((const unsigned char *)(part->slot + at),
                      (const unsigned char *)(expected + at), F32,
                      part->tensors[t].count))
                fails(s, 1, name, (double)t);
        }
    }
}

static void compare_counts(struct stage *s, struct part *part)
{
    if (clstep_optimizer_steps(part->optimizer) !=
        reference_steps(part->reference))
        fails(s, 1, "steps", (double)clstep_optimizer_steps(part->optimizer));
    for (size_t g = 0; g < part->group_count; g++)
        if (clstep_optimizer_group_steps(part->optimizer, g) !=
            reference_group_steps(part->reference, g))
            fails(s, 1, "the steps of a group", (double)g);
}

static void
compare_number(struct stage *s, const char *what, double a, double b)
{
    if (a != b && !(isnan(a) && isnan(b)))
        fails(s, 1, what, a);
}

/* The report, after a step. */
static void compare_report(struct stage *s, struct part *part)
{
    struct reference_report expected;
    clstep_report report;
    clstep_error error;

    check_status(s,
                 clstep_optimizer_report(part->optimizer, s->place->queue,
                                         &report, NULL, &error),
                 &error);
    if (s->code != 0)
        return;
    reference_report(part->reference, &expected);
    compare_number(s, "report.steps", (double)report.steps,
                   (double)expected.steps);
    compare_number(s, "report.skipped", (double)report.skipped,
                   (double)expected.skipped);
    compare_number(s, "report.norm", (double)report.norm,
                   (double)expected.norm);
    compare_number(s, "report.scale", (double)report.scale,
                   (double)expected.scale);
    compare_number(s, "report.scale_steps", report.scale_steps,
                   expected.scale_steps);
    compare_number(s, "report.skip", report.skip,
                   expected.skipped > s->skipped);
}

static void compare_all(struct stage *s, bool stepped)
{
    for (size_t p = 0; p < s->part_count && s->code == 0; p++) {
        struct part *part = &s->parts[p];

        if (stepped)
            compare_report(s, part);
        compare_image(s, part, PARAMETERS, part->w);
        compare_image(s, part, GRADIENTS, part->g);
        compare_image(s, part, COPY, part->copy);
        compare_slots(s, part);
        compare_counts(s, part);
    }
}

/* --- acts ----------------------------------------------------------------- */

/* Makes the gradient at 'i' an infinity, or a NaN with or without its last bit.
 */
static void put_bad(const struct part *part, uint64_t i, size_t which)
{
    static const uint32_t words[] = {0x7f800000, 0xff800000, 0x7fc00000,
                                     0x7fc00001};
    static const uint16_t halves[][4] = {
        [F16] = {0x7c00, 0xfc00, 0x7e00, 0x7e01},
        [BF16] = {0x7f80, 0xff80, 0x7fc0, 0x7fc1},
    };
    const enum type type = part->images[GRADIENTS].type;

    if (type == F32)
        ((uint32_t *)part->g)[i] = words[which];
    else
        ((uint16_t *)part->g)[i] = halves[type][which];
}

/* Makes one gradient of a thawed tensor a NaN or an infinity. */
static void spoil(struct stage *s)
{
    for (;;) {
        const uint64_t r = trial_random_next(&s->random);
        const struct part *part = &s->parts[r % s->part_count];
        const size_t t = (r >> 8) % part->tensor_count;
        const clstep_tensor *tensor = &part->tensors[t];

        if (tensor->count == 0 || part->frozen[tensor->group])
            continue;
        put_bad(part, tensor->offset + (r >> 20) % tensor->count, r >> 62);
        return;
    }
}

static void write_gradients(struct stage *s, struct part *part)
{
    struct image *image = &part->images[GRADIENTS];
    const size_t bytes = image->total * size_of(image->type);
    void *copy = malloc(bytes);

    keep(s, copy);
    if (s->code != 0)
        return;
    draw(part, image, part->g);
    memcpy(copy, image->bytes, bytes);
    check_code(s, clEnqueueWriteBuffer(s->place->queue, image->buffer, CL_FALSE,
                                       0, bytes, copy, 0, NULL, NULL));
}

/* New gradients, also for what is frozen; there they are not finite. */
static void make_gradients(struct stage *s, char act)
{
    for (size_t p = 0; p < s->part_count; p++) {
        struct part *part = &s->parts[p];
        const enum type type = part->images[GRADIENTS].type;

        for (size_t t = 0; t < part->tensor_count; t++) {
            const clstep_tensor *tensor = &part->tensors[t];

            for (uint64_t i = tensor->offset;
                 i < tensor->offset + tensor->count; i++)
                if (part->frozen[tensor->group])
                    put_gradient(part->g, type, i, i % 2 ? 3.0f : (float)NAN);
                else if (type == F32)
                    ((float *)part->g)[i] = gradient(&s->random, act);
                else
                    ((uint16_t *)part->g)[i] =
                        short_gradient(&s->random, act, type);
        }
    }
    if (act == 'b')
        spoil(s);
    for (size_t p = 0; p < s->part_count && s->code == 0; p++)
        write_gradients(s, &s->parts[p]);
}

/* Another number in the device's memory to divide the gradients by. */
static void make_scale(struct stage *s)
{
    static const float scales[] = {1.0f, 3.7f, 65536.0f, 0x1p-20f};
    float *scale = malloc(sizeof(*scale));

    keep(s, scale);
    if (s->code != 0)
        return;
    *scale = scales[trial_random_next(&s->random) % 4];
    for (size_t p = 0; p < s->part_count; p++)
        reference_set_device_scale(s->parts[p].reference, *scale);
    check_code(s, clEnqueueWriteBuffer(s->place->queue, s->scale, CL_FALSE,
                                       SCALE_AT * sizeof(*scale),
                                       sizeof(*scale), scale, 0, NULL, NULL));
}

/* The buffers of the tensor at 't', or of the whole layout; none of a frozen
 * tensor. */
static clstep_buffers
buffers_of(const struct stage *s, const struct part *part, size_t t)
{
    const struct image *images = part->images;
    const bool scaled = is_given(&part->list, "device_scale");
    static char nothing[1024]; /* no buffer: who touches it fails */
    clstep_buffers buffers = {.gradients = (cl_mem)(void *)nothing};

    if (!s->apart || !part->frozen[part->tensors[t].group])
        buffers = (clstep_buffers){
            .parameters = images[PARAMETERS].buffer,
            .parameters_offset = images[PARAMETERS].at[t],
            .gradients = images[GRADIENTS].buffer,
            .gradients_offset = images[GRADIENTS].at[t],
            .copy = images[COPY].buffer,
            .copy_offset = images[COPY].at[t],
        };
    if (scaled) {
        buffers.scale = s->scale;
        buffers.scale_offset = SCALE_AT;
    }
    return buffers;
}

static void take_step(struct stage *s)
{
    static clstep_buffers buffers[MAX_TENSORS];
    struct part *part = &s->parts[0];
    const cl_uint waits = s->gate != NULL;
    const cl_event *list = s->gate != NULL ? &s->gate : NULL;
    cl_event done = NULL;
    clstep_error error;
    clstep_status status;

    if (s->joint != NULL) {
        for (size_t p = 0; p < s->part_count; p++)
            buffers[p] = buffers_of(s, &s->parts[p], 0);
        status = clstep_joint_step(s->joint, s->place->queue, buffers, waits,
                                   list, &done, &error);
    } else if (s->apart) {
        for (size_t t = 0; t < part->tensor_count; t++)
            buffers[t] = buffers_of(s, part, t);
        status =
            clstep_optimizer_step_tensors(part->optimizer, s->place->queue,
                                          buffers, waits, list, &done, &error);
    } else {
        buffers[0] = buffers_of(s, part, 0);
        status = clstep_optimizer_step(part->optimizer, s->place->queue,
                                       buffers, waits, list, &done, &error);
    }
    check_status(s, status, &error);
    if (done == NULL)
        fails(s, 2, "no event of a step", 0.0);
    else
        clReleaseEvent(done);
}

static void take_reference_step(struct stage *s)
{
    struct reference *references[PARTS];
    struct reference_report report;
    float *w[PARTS];
    void *g[PARTS], *copy[PARTS];

    reference_report(s->parts[0].reference, &report);
    s->skipped = report.skipped;
    for (size_t p = 0; p < s->part_count; p++) {
        references[p] = s->parts[p].reference;
        w[p] = s->parts[p].w;
        g[p] = s->parts[p].g;
        copy[p] = s->parts[p].copy;
    }
    reference_joint_step(references, s->part_count, w, g, copy);
}

/* Multiplies the numbers of all groups, or of one (-1: all). */
static void change_numbers(struct stage *s, int group, double factor)
{
    clstep_setting_info info;
    double value;

    for (size_t p = 0; p < s->part_count; p++) {
        struct part *part = &s->parts[p];
        const size_t from = group < 0 ? 0 : (size_t)group;

        for (size_t i = 0; clstep_rule_setting(part->rule, i, &info); i++) {
            if (clstep_optimizer_get_group(part->optimizer, from, info.name,
                                           &value, NULL) != CLSTEP_OK)
                continue;
            value *= factor;
            if (group < 0 && clstep_optimizer_set(part->optimizer, info.name,
                                                  value, NULL) == CLSTEP_OK)
                reference_set(part->reference, info.name, value);
            if (group >= 0 &&
                clstep_optimizer_set_group(part->optimizer, from, info.name,
                                           value, NULL) == CLSTEP_OK)
                reference_set_group(part->reference, from, info.name, value);
        }
    }
}

static void freeze(struct stage *s, size_t group, bool frozen)
{
    for (size_t p = 0; p < s->part_count; p++) {
        struct part *part = &s->parts[p];

        clstep_optimizer_freeze(part->optimizer, group, frozen, NULL);
        reference_freeze(part->reference, group, frozen);
        part->frozen[group] = frozen;
    }
}

/* Sets the steps: of all groups to few, of one to nearly 2^32. */
static void set_steps(struct stage *s, int group)
{
    const uint64_t many = ((uint64_t)1 << 32) - 2;
    struct part *part = &s->parts[0];
    clstep_error error;

    if (group < 0) {
        check_status(s, clstep_optimizer_set_steps(part->optimizer, 3, &error),
                     &error);
        reference_set_steps(part->reference, 3);
    } else {
        check_status(s,
                     clstep_optimizer_set_group_steps(
                         part->optimizer, (size_t)group, many, &error),
                     &error);
        reference_set_group_steps(part->reference, (size_t)group, many);
    }
}

static void swap(struct stage *s)
{
    struct part *part = &s->parts[0];
    const clstep_buffers buffers = buffers_of(s, part, 0);
    clstep_error error;

    check_status(s,
                 clstep_optimizer_swap(part->optimizer, s->place->queue,
                                       &buffers, 0, NULL, NULL, &error),
                 &error);
    reference_swap(part->reference, part->w);
}

static void resume(struct stage *s)
{
    const clstep_report report = {.skipped = 7, .scale = 48, .scale_steps = 1};
    const struct reference_report expected = {
        .skipped = 7, .scale = 48, .scale_steps = 1};
    clstep_error error;

    check_status(s,
                 clstep_optimizer_resume(s->parts[0].optimizer, s->place->queue,
                                         &report, &error),
                 &error);
    reference_resume(s->parts[0].reference, &expected);
}

/* Lets the parameters begin anew. */
static void initialize(struct stage *s, char act)
{
    const char *name = act == 'n'   ? "he_normal"
                       : act == 'u' ? "xavier_uniform"
                                    : "zeros";
    const uint64_t seed = trial_random_next(&s->random);

    for (size_t p = 0; p < s->part_count; p++) {
        struct part *part = &s->parts[p];
        const struct image *image = &part->images[PARAMETERS];
        clstep_error error;

        check_status(s,
                     clstep_initialize(s->place->device, s->place->queue,
                                       part->layout, CLSTEP_ALL_TENSORS, name,
                                       NULL, seed, image->buffer, image->begin,
                                       0, NULL, NULL, &error),
                     &error);
        for (size_t t = 0; t < part->tensor_count; t++) {
            const clstep_tensor *tensor = &part->tensors[t];
            float *w = part->w + tensor->offset;

            if (act == 'z')
                reference_init_zeros(w, tensor->count);
            else
                reference_init_by_shape(name, w, tensor->rank, tensor->shape,
                                        tensor->offset, seed, 1.0, NULL);
        }
    }
}

static void count_zeros(struct stage *s)
{
    static uint64_t zeros[MAX_TENSORS];

    for (size_t p = 0; p < s->part_count; p++) {
        struct part *part = &s->parts[p];
        const struct image *image = &part->images[PARAMETERS];
        clstep_error error;

        check_status(s,
                     clstep_count_zeros(s->place->device, s->place->queue,
                                        part->layout, image->buffer,
                                        image->begin, zeros, &error),
                     &error);
        for (size_t t = 0; t < part->tensor_count && s->code == 0; t++) {
            const float *w = part->w + part->tensors[t].offset;
            uint64_t expected = 0;

            for (uint64_t i = 0; i < part->tensors[t].count; i++)
                expected += w[i] == 0.0f;
            if (zeros[t] != expected)
                fails(s, 1, "the zeros of a tensor", (double)t);
        }
    }
}

static void open_gate(struct stage *s)
{
    cl_int code;

    s->gate = clCreateUserEvent(s->place->context, &code);
    check_code(s, code);
}

/* One act; 'group' is the digit behind it, or -1. */
static void perform(struct stage *s, char act, int group)
{
    const size_t g = group < 0 ? 0 : (size_t)group;
    bool stepped = false;

    switch (act) {
    case 'F':
    case 'T':
        freeze(s, g, act == 'F');
        break;
    case 'h':
    case 'q':
        change_numbers(s, group, act == 'h' ? 0.5 : 1.25);
        break;
    case 'c':
    case 'C':
        set_steps(s, group);
        break;
    case 'w':
        swap(s);
        break;
    case 'r':
        resume(s);
        break;
    case 'n':
    case 'u':
    case 'z':
        initialize(s, act);
        break;
    case 'Z':
        count_zeros(s);
        break;
    case '(':
        open_gate(s);
        break;
    case ')':
        let_go(s);
        stepped = true;
        break;
    default:
        make_scale(s);
        make_gradients(s, act);
        if (s->code != 0)
            return;
        take_step(s);
        take_reference_step(s);
        stepped = true;
        break;
    }
    if (s->gate == NULL && s->code == 0 && act != 'F' && act != 'T') {
        compare_all(s, stepped);
        let_go(s);
    }
}

int scenes_run(const struct trial_place *place, size_t index, uint64_t seed,
               char *message, size_t size)
{
    static struct stage stage;
    struct stage *s = &stage;
    const char *script = scenes[index].script;

    memset(s, 0, sizeof(*s));
    s->place = place;
    s->random.state = seed + index;
    s->message = message;
    s->size = size;
    snprintf(message, size, "nothing differs");
    open_stage(s, index);
    for (; *script != '\0' && s->code == 0; script++) {
        const char act = *script;
        const bool digit = script[1] >= '0' && script[1] <= '9';

        if (act == ' ')
            continue;
        s->act++;
        perform(s, act, digit ? script[1] - '0' : -1);
        script += digit;
    }
    close_stage(s);
    return s->code;
}
