/*
 * clstep.h - the public interface of clstep, and its manual
 * SPDX-License-Identifier: MIT
 *
 * clstep applies the update rules of training (SGD, Adam, ...) to parameters
 * that live on an OpenCL device.  A whole program:
 *
 *     #include <clstep/clstep.h>
 *     #include <stdio.h>
 *
 *     int main(void)
 *     {
 *         float w[] = {1, 2, 3, 4}, g[] = {1, -1, 0.5f, 0};
 *         clstep_setting settings[] = {{.name = "lr", .value = 0.1}, {0}};
 *         clstep_device *device;
 *         clstep_layout *layout;
 *         clstep_optimizer *adam;
 *         clstep_error error;
 *         cl_platform_id platform;
 *         cl_device_id id;
 *
 *         if (clGetPlatformIDs(1, &platform, NULL) ||
 *             clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 1, &id, NULL))
 *             return puts("no OpenCL device"), 1;
 *         cl_context context = clCreateContext(NULL, 1, &id, NULL, NULL, NULL);
 *         cl_command_queue queue = clCreateCommandQueue(context, id, 0, NULL);
 *         clstep_buffers b = {
 *             .parameters = clCreateBuffer(context, CL_MEM_COPY_HOST_PTR,
 *                                          sizeof(w), w, NULL),
 *             .gradients = clCreateBuffer(context, CL_MEM_COPY_HOST_PTR,
 *                                         sizeof(g), g, NULL),
 *         };
 *
 *         if (clstep_device_create(context, id, &device, &error) ||
 *             clstep_layout_create(&layout, &error) ||
 *             clstep_layout_add(layout, "w", 1, (uint64_t[]){4}, 0, &error) ||
 *             clstep_optimizer_create(device, "adam", settings, layout, &adam,
 *                                     &error) ||
 *             clstep_optimizer_step(adam, queue, &b, 0, NULL, NULL, &error))
 *             return puts(error.message), 1;
 *         clEnqueueReadBuffer(queue, b.parameters, CL_TRUE, 0, sizeof(w), w, 0,
 *                             NULL, NULL);
 *         printf("%g %g %g %g\n", w[0], w[1], w[2], w[3]);
 *         clstep_optimizer_release(adam);
 *         clstep_layout_release(layout);
 *         clstep_device_release(device);
 *         return 0;
 *     }
 *
 * It prints 0.9 2.1 2.9 4.  (examples/first.c; the caller releases what it has
 * made itself, which is left out here.)
 *
 * Words.  A *rule* is the mathematics of an update; a *slot* is one number of
 * state for each parameter; a *setting* is a named number or choice; a
 * *feature* is what any rule can have around it (clipping, decay, ...),
 * switched on by giving its setting; a *layout* names the tensors of a flat
 * buffer.
 *
 * Units.  Counts and offsets are in elements (floats), never in bytes, and have
 * 64 bits.  A buffer of a layout has clstep_layout_count() * sizeof(float)
 * bytes.
 *
 * Ownership.  The caller owns every OpenCL object that it passes in.  The
 * library retains what it keeps, and releases exactly that.  The optimizer owns
 * its state.  A release function takes NULL, and may be called while work that
 * uses the object is still in flight: OpenCL keeps the memory until it is done.
 *
 * Threads.  Different optimizers may be used by different threads at once, also
 * on one device and on one queue.  One optimizer, and one layout that is still
 * growing, serve one thread at a time.  A device may be shared freely.
 *
 * Blocking.  A step never waits for the device.  The functions that wait say
 * so.
 *
 * Errors.  A function that can fail returns a clstep_status, 0 for success, and
 * fills in 'error' unless that is NULL.  A failed call changes nothing.  What
 * cannot fail (a name, a count) is NULL or 0 where the handle is NULL.  The
 * library never prints, exits or aborts, has no global state, and reads no
 * environment variable.
 *
 * Bits.  On a device whose numerics are CLSTEP_EXACT or
 * CLSTEP_EXACT_THROUGH_DOUBLE, every float that a step writes equals that of
 * the scalar C reference (src/reference/, docs/numerics.md) bit for bit, for
 * any count, offset, queue and driver.  A NaN equals a NaN.
 */
#ifndef CLSTEP_H
#define CLSTEP_H

#ifndef CL_TARGET_OPENCL_VERSION
#define CL_TARGET_OPENCL_VERSION 120
#endif
#include <CL/cl.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__) || defined(__clang__)
#define CLSTEP_API __attribute__((visibility("default")))
#else
#define CLSTEP_API
#endif

/* ========================================================================== */
/*                                  Version                                   */
/* ========================================================================== */

#define CLSTEP_VERSION_MAJOR 0
#define CLSTEP_VERSION_MINOR 1
#define CLSTEP_VERSION_PATCH 0

/* The version of the library that runs: "0.1.0". */
CLSTEP_API const char *clstep_version(void);

/* ========================================================================== */
/*                                   Errors                                   */
/* ========================================================================== */

typedef enum clstep_status {
    CLSTEP_OK = 0,
    CLSTEP_INVALID_ARGUMENT, /* NULL, unknown name, bad buffer, wrong form */
    CLSTEP_OUT_OF_RANGE,     /* a number outside its interval, or a NaN */
    CLSTEP_OUT_OF_MEMORY,    /* on the host or on the device */
    CLSTEP_BUILD_FAILED,     /* the device's compiler refused a kernel */
    CLSTEP_CL_FAILED,        /* an OpenCL call failed: see 'cl_code' */
    CLSTEP_STATE_TORN,       /* an earlier step failed on the device: only
                                loading of state, reset and release work */
    CLSTEP_CALLBACK_FAILED   /* a function of the caller's said so */
} clstep_status;

typedef struct clstep_error {
    clstep_status status;
    cl_int cl_code;    /* what OpenCL returned, or 0 */
    char message[640]; /* one line of English: the argument, its value, and
                          what is allowed */
} clstep_error;

/* The name of 'status' in words: "out of range". */
CLSTEP_API const char *clstep_status_name(clstep_status status);

/* ========================================================================== */
/*                             Rules and settings                             */
/* ========================================================================== */

/*
 * A setting that the caller gives: a number or a flag by 'value', a choice by
 * the name of its value in 'choice'.  A list, which only schedules have, is
 * given once for each of its numbers, in their order.
 *
 *     {.name = "lr", .value = 3e-4}, {.name = "amsgrad", .value = 1},
 *     {.name = "eps_form", .choice = "inside"}, {0}
 *
 * A list of settings ends with a setting whose name is NULL.  Names are
 * PyTorch's where it has one, with one meaning under every rule: 'l2' is decay
 * that is added to the gradient, 'weight_decay' is decoupled decay, so
 * PyTorch's Adam(weight_decay=x) is l2=x here.
 */
typedef struct clstep_setting {
    const char *name;
    double value;
    const char *choice; /* NULL for a number or a flag */
} clstep_setting;

typedef enum clstep_setting_kind {
    CLSTEP_NUMBER, /* may change at every step */
    CLSTEP_FLAG,   /* 0 or 1, fixed when the optimizer is created */
    CLSTEP_CHOICE, /* one of 'choices', fixed when the optimizer is created */
    CLSTEP_COUNT,  /* a whole number; of schedules and lbfgs */
    CLSTEP_LIST    /* numbers, none by default; of schedules */
} clstep_setting_kind;

/* What is known of a setting of a rule or of a schedule. */
typedef struct clstep_setting_info {
    const char *name;
    const char *summary; /* one line */
    clstep_setting_kind kind;
    int feature;     /* 1: one that every rule has, or every schedule */
    int optional;    /* 1: a number that acts only if it was given at
                        creation; set later, it must have been given */
    double initial;  /* the default; of a choice, the index in 'choices' */
    double min, max; /* the closed interval of a number, also in a list */
    const char *const *choices; /* names, ended by NULL; NULL for no choice */
    int given; /* 1: an optional number that the rule itself gives, as adamw
                  its weight_decay */
} clstep_setting_info;

/* One number of state for each parameter, or for each tensor. */
typedef struct clstep_slot_info {
    const char *name;
    const char *summary;
    const char *condition; /* "amsgrad=1": when it is there; NULL for always */
    int read_only;  /* 1: a step reads it, and only the caller writes it */
    int per_tensor; /* 1: it has a number for each tensor of the layout */
} clstep_slot_info;

typedef struct clstep_rule clstep_rule;

/* The rule at 'index', or NULL past the last: rules can be enumerated. */
CLSTEP_API const clstep_rule *clstep_rule_at(size_t index);

/* The rule called 'name', or NULL. */
CLSTEP_API const clstep_rule *clstep_rule_find(const char *name);

CLSTEP_API const char *clstep_rule_name(const clstep_rule *rule);
CLSTEP_API const char *clstep_rule_summary(const clstep_rule *rule);

/*
 * The bytes that a step of a rule with sums over tensors reads for each
 * parameter in the pass before the update, with gradients of 32 bits; 0 for
 * other rules.
 */
CLSTEP_API uint64_t clstep_rule_sums_bytes(const clstep_rule *rule);

/* The comment on top of the rule's kernel: formula, source, dialects. */
CLSTEP_API const char *clstep_rule_formula(const clstep_rule *rule);

/*
 * The setting at 'index': the rule's own first, then the features.  Returns 0
 * past the last, else 1 with '*info' filled in.
 */
CLSTEP_API int clstep_rule_setting(const clstep_rule *rule, size_t index,
                                   clstep_setting_info *info);

/* The same for the slots that the rule can have. */
CLSTEP_API int
clstep_rule_slot(const clstep_rule *rule, size_t index, clstep_slot_info *info);

/*
 * Says whether an optimizer of 'rule' could be created with 'settings', without
 * a device: names, forms, ranges and combinations.  'settings' may be NULL.
 */
CLSTEP_API clstep_status clstep_rule_check(const clstep_rule *rule,
                                           const clstep_setting *settings,
                                           clstep_error *error);

/* ========================================================================== */
/*                                   Device                                   */
/* ========================================================================== */

/*
 * A cl_device_id within a cl_context, what the probe found of its arithmetic,
 * and the programs that were built for it.  It may be used by several threads
 * at once, and outlives its release until the last of its optimizers is gone.
 */
typedef struct clstep_device clstep_device;

typedef enum clstep_verdict {
    CLSTEP_EXACT,                /* division and root round correctly */
    CLSTEP_EXACT_THROUGH_DOUBLE, /* they do when computed in double */
    CLSTEP_INEXACT               /* results may differ in the last bits */
} clstep_verdict;

/* What the probe found: wrong results out of 'cases' for each operation. */
typedef struct clstep_numerics {
    clstep_verdict verdict;
    uint32_t cases;
    uint32_t wrong_division;
    uint32_t wrong_root;
    uint32_t wrong_contraction; /* a * b + c rounded once instead of twice */
    uint32_t wrong_subnormal;   /* flushed to zero */
    char build_options[96];     /* what every kernel is built with */
} clstep_numerics;

/*
 * Retains 'context' and 'id' and runs the numerics probe, which builds one
 * small kernel; blocks until it has run.  On failure '*out' is NULL.
 */
CLSTEP_API clstep_status clstep_device_create(cl_context context,
                                              cl_device_id id,
                                              clstep_device **out,
                                              clstep_error *error);

CLSTEP_API void clstep_device_release(clstep_device *device);

CLSTEP_API void
clstep_device_numerics(const clstep_device *device, clstep_numerics *numerics);

/* The name of 'verdict': "exact", "exact through double", "inexact". */
CLSTEP_API const char *clstep_verdict_name(clstep_verdict verdict);

/*
 * Copies the compiler's log of the device's last failed build to 'text', cut to
 * 'size' bytes with the final NUL, and returns its whole length without it: 0
 * while no build has failed.  'text' may be NULL if 'size' is 0.
 */
CLSTEP_API size_t clstep_device_build_log(clstep_device *device, char *text,
                                          size_t size);

/* ========================================================================== */
/*                                   Layout                                   */
/* ========================================================================== */

/*
 * The named tensors of a flat buffer, in the order in which they were added.
 * Each starts at a multiple of CLSTEP_ALIGNMENT elements, and there is no
 * padding behind the last: tensors of 100 and 1 elements make a count of 257.
 * What stands in the padding never changes a result, be it NaN or not written
 * yet, and may be overwritten.  A plain count of parameters is a layout of one
 * tensor.
 *
 * Each tensor belongs to a *group*, a number from 0 on.  The numbers of an
 * optimizer's settings may differ by group, and a group may be frozen.
 */
typedef struct clstep_layout clstep_layout;

enum { CLSTEP_ALIGNMENT = 256, CLSTEP_MAX_RANK = 64 };

typedef struct clstep_tensor {
    const char *name; /* owned by the layout */
    size_t rank;
    const uint64_t *shape; /* 'rank' extents, owned by the layout */
    uint64_t offset;       /* of its first element within the flat buffer */
    uint64_t packed;       /* the same without any padding */
    uint64_t count;        /* the product of the extents; 1 for rank 0 */
    size_t group;
} clstep_tensor;

/* An empty layout.  On failure '*out' is NULL. */
CLSTEP_API clstep_status clstep_layout_create(clstep_layout **out,
                                              clstep_error *error);

CLSTEP_API void clstep_layout_release(clstep_layout *layout);

/*
 * Adds a tensor.  'name' is any UTF-8 that the layout does not have yet; name
 * and shape are copied.  'rank' is at most CLSTEP_MAX_RANK, and 'shape' may be
 * NULL where it is 0.  An extent may be 0: such a tensor has no elements.
 * 'group' is a group that there is already, or the next: 0 at first; there are
 * 65536 at most.
 */
CLSTEP_API clstep_status clstep_layout_add(clstep_layout *layout,
                                           const char *name, size_t rank,
                                           const uint64_t *shape, size_t group,
                                           clstep_error *error);

/* The elements that a buffer of this layout holds, padding included. */
CLSTEP_API uint64_t clstep_layout_count(const clstep_layout *layout);

/* The elements of all tensors, without padding. */
CLSTEP_API uint64_t clstep_layout_parameters(const clstep_layout *layout);

/* The number of tensors, and of groups. */
CLSTEP_API size_t clstep_layout_tensors(const clstep_layout *layout);
CLSTEP_API size_t clstep_layout_groups(const clstep_layout *layout);

/*
 * The tensor at 'index', or the one called 'name'.  Returns 0 if there is none,
 * else 1 with '*tensor' filled in; its pointers live as long as the layout
 * does.
 */
CLSTEP_API int clstep_layout_tensor(const clstep_layout *layout, size_t index,
                                    clstep_tensor *tensor);
CLSTEP_API int clstep_layout_find(const clstep_layout *layout, const char *name,
                                  clstep_tensor *tensor);

/* ========================================================================== */
/*                               Initialisation                               */
/* ========================================================================== */

/*
 * How parameters begin: with a constant, or with random numbers that depend on
 * nothing but the seed and their place in the layout, and have the same bits on
 * every device (docs/numerics.md, section 9).
 *
 *     clstep_initialize(device, queue, layout, CLSTEP_ALL_TENSORS, "he_normal",
 *                       NULL, seed, parameters, 0, 0, NULL, NULL, &error);
 *
 * An initializer has settings, as a rule has: names, defaults and closed
 * intervals, which can be listed.
 */
typedef struct clstep_initializer clstep_initializer;

/* The initializer at 'index', or NULL past the last, and the one called 'name',
 * or NULL. */
CLSTEP_API const clstep_initializer *clstep_initializer_at(size_t index);
CLSTEP_API const clstep_initializer *clstep_initializer_find(const char *name);

CLSTEP_API const char *
clstep_initializer_name(const clstep_initializer *initializer);
CLSTEP_API const char *
clstep_initializer_summary(const clstep_initializer *initializer);

/* The formula and its source, in lines. */
CLSTEP_API const char *
clstep_initializer_formula(const clstep_initializer *initializer);

/* The setting at 'index'.  Returns 0 past the last, else 1 with '*info' filled
 * in. */
CLSTEP_API int
clstep_initializer_setting(const clstep_initializer *initializer, size_t index,
                           clstep_setting_info *info);

/* In place of a tensor's index. */
#define CLSTEP_ALL_TENSORS SIZE_MAX

/*
 * Enqueues the beginning of the tensor at index 'tensor' of 'layout', or with
 * CLSTEP_ALL_TENSORS of all, by the initializer called 'name'.  'settings' may
 * be NULL; what it leaves out has its default.  'parameters' holds the layout
 * from 'offset' on.  What lies between tensors keeps its bits.
 *
 * A tensor has the same numbers whether it is initialised alone or with all.
 * Two tensors have different ones under the same seed.
 *
 * The work begins when the 'wait_count' events of 'wait_list' have completed (0
 * and NULL together for none); '*done', unless 'done' is NULL, becomes an event
 * that covers the whole call, which the caller releases.  Waits for nothing
 * else but the compiler, where the device has not built this kernel yet.  There
 * is one launch for each tensor: if one of them fails, those in front of it
 * have been enqueued.
 */
CLSTEP_API clstep_status clstep_initialize(
    clstep_device *device, cl_command_queue queue, const clstep_layout *layout,
    size_t tensor, const char *name, const clstep_setting *settings,
    uint64_t seed, cl_mem parameters, uint64_t offset, cl_uint wait_count,
    const cl_event *wait_list, cl_event *done, clstep_error *error);

/* ========================================================================== */
/*                                 Optimizer                                  */
/* ========================================================================== */

/*
 * A rule with its settings, and its state on a device.  It serves one thread at
 * a time.
 */
typedef struct clstep_optimizer clstep_optimizer;

/*
 * The caller's buffers.  Each range begins 'offset' elements into its cl_mem
 * and is as long as the layout's count; sub-buffers are welcome.  An element of
 * the gradients has the type that grad_type says, one of the copy that of
 * copy_type: 2 bytes for f16 and bf16.  Ranges may share a buffer but must not
 * overlap.
 */
typedef struct clstep_buffers {
    cl_mem parameters; /* float, read and written */
    uint64_t parameters_offset;
    cl_mem gradients; /* read; written only with zero_grad */
    uint64_t gradients_offset;
    cl_mem copy; /* with copy_type: written; else NULL */
    uint64_t copy_offset;
    cl_mem scale; /* with device_scale: one float, read; else NULL */
    uint64_t scale_offset;
} clstep_buffers;

/*
 * Creates an optimizer of the rule called 'rule' for the tensors of 'layout',
 * which is copied: the caller may release or extend it afterwards.  'settings'
 * may be NULL; what it leaves out has its default.
 *
 * Builds the kernel, allocates the state, sets it to its initial values, and
 * warms the kernel up, so that no step ever waits for a compiler.  Blocks until
 * that is done.  On failure '*out' is NULL.
 */
CLSTEP_API clstep_status clstep_optimizer_create(
    clstep_device *device, const char *rule, const clstep_setting *settings,
    const clstep_layout *layout, clstep_optimizer **out, clstep_error *error);

CLSTEP_API void clstep_optimizer_release(clstep_optimizer *optimizer);

/*
 * Enqueues one step on 'queue', which belongs to the device's context and may
 * be in-order or out-of-order: moves the parameters and the state.  Never waits
 * for the device; only where CLSTEP_IN_FLIGHT calls of this optimizer have not
 * ended yet does it wait for the oldest.  With check_finite and very many
 * groups there are fewer: 2^22 scalars, those of a group counted once for each
 * call under way, but never fewer than 2 calls.
 *
 * The step begins when the 'wait_count' events of 'wait_list' have completed
 * (0 and NULL together for none) and the optimizer's last call has, on
 * whichever queue that was.  '*done', unless 'done' is NULL, becomes an event
 * that covers the whole call; the caller releases it.  The buffers must live
 * until then.
 *
 * Nothing is flushed: who waits for '*done' on another queue calls clFlush().
 * Buffers that share memory in a way that OpenCL does not tell, as two on one
 * host pointer do, must not overlap either; that is not checked.
 */
CLSTEP_API clstep_status clstep_optimizer_step(
    clstep_optimizer *optimizer, cl_command_queue queue,
    const clstep_buffers *buffers, cl_uint wait_count,
    const cl_event *wait_list, cl_event *done, clstep_error *error);

/* So many calls of one optimizer can be under way at once. */
enum { CLSTEP_IN_FLIGHT = 256 };

/*
 * The same for tensors that the layout does not place: 'buffers' has one entry
 * for each tensor of the layout, in its order, and each range is as long as its
 * tensor.  Tensors that are packed in one buffer without padding have its
 * cl_mem in each entry, and clstep_tensor.packed as the offset.  The ranges of
 * different tensors must not overlap either; that is not checked.  'scale' is
 * that of the first entry; no tensor that takes part may overlap it.  Slots are
 * laid out as always.
 */
CLSTEP_API clstep_status clstep_optimizer_step_tensors(
    clstep_optimizer *optimizer, cl_command_queue queue,
    const clstep_buffers *buffers, cl_uint wait_count,
    const cl_event *wait_list, cl_event *done, clstep_error *error);

/*
 * The kernels that a step launches: clstep_optimizer_step(), or where 'apart'
 * is not 0 clstep_optimizer_step_tensors().  The former does not grow with the
 * tensors, the groups or the elements; the latter has up to three for each
 * tensor, or eight with max_norm, and one more where the rule sums over
 * tensors, and beside these some small ones for norm, check and sums, however
 * many tensors there are.  With prune it is the most: that of a step that
 * chooses elements, which takes up to 19 more, or 20, in the latter for each
 * tensor.
 */
CLSTEP_API size_t clstep_optimizer_launches(const clstep_optimizer *optimizer,
                                            int apart);

/*
 * Exchanges the parameters and their average (ema_decay): once to evaluate with
 * the average, once more to train on.  A step in between is the caller's error.
 * A group that has not taken a step has no average yet and is left alone; where
 * only the device knows whether it has (check_finite), this waits for it.
 * Else it only enqueues, with wait list and event as a step has.
 */
CLSTEP_API clstep_status clstep_optimizer_swap(
    clstep_optimizer *optimizer, cl_command_queue queue,
    const clstep_buffers *buffers, cl_uint wait_count,
    const cl_event *wait_list, cl_event *done, clstep_error *error);

/*
 * Of a schedule-free rule: writes the parameters to evaluate at to 'output',
 * which is laid out as the parameters are and is another buffer.  The
 * parameters themselves are where gradients are taken, and training goes on
 * with them.  A group that has not taken a step is copied; where only the
 * device knows whether it has (check_finite), this waits for it.  Else it only
 * enqueues, with wait list and event as a step has.
 */
CLSTEP_API clstep_status clstep_optimizer_evaluate(
    clstep_optimizer *optimizer, cl_command_queue queue,
    const clstep_buffers *buffers, cl_mem output, uint64_t output_offset,
    cl_uint wait_count, const cl_event *wait_list, cl_event *done,
    clstep_error *error);

/*
 * Sets a number for the steps to come, in every group: any number of the rule,
 * and any optional one that was given at creation, as those of the features
 * are.  Never rebuilds anything.
 *
 * 'prune' acts in the steps that choose elements, and does nothing after the
 * last of them.  By default that is step 1 alone; with prune_end above
 * prune_begin (1 where that is 0) they are prune_begin, every prune_every-th
 * step from there, and prune_end.  Steps are those of the group.
 */
CLSTEP_API clstep_status clstep_optimizer_set(clstep_optimizer *optimizer,
                                              const char *name, double value,
                                              clstep_error *error);

/* The same in one group.  grad_scale, the scale_* settings, clip_value,
 * clip_norm and clip_norm_tensor are the same for all groups. */
CLSTEP_API clstep_status clstep_optimizer_set_group(clstep_optimizer *optimizer,
                                                    size_t group,
                                                    const char *name,
                                                    double value,
                                                    clstep_error *error);

/* The present value of a setting, in group 0 or in 'group'; of a choice, the
 * index of its value. */
CLSTEP_API clstep_status clstep_optimizer_get(const clstep_optimizer *optimizer,
                                              const char *name, double *value,
                                              clstep_error *error);
CLSTEP_API clstep_status clstep_optimizer_get_group(
    const clstep_optimizer *optimizer, size_t group, const char *name,
    double *value, clstep_error *error);

/*
 * Freezes a group (not 0) or thaws it (0), for the steps to come.  Nothing of a
 * frozen group is read or written, and its steps are not counted.  A step with
 * all groups frozen does nothing and does not count.
 */
CLSTEP_API clstep_status clstep_optimizer_freeze(clstep_optimizer *optimizer,
                                                 size_t group, int frozen,
                                                 clstep_error *error);

/* What the device has decided. */
typedef struct clstep_report {
    uint64_t steps;       /* taken */
    uint64_t skipped;     /* because of check_finite */
    float norm;           /* of the gradients that were looked at last, or 0 */
    float scale;          /* the dynamic scale, for the next loss, or 0 */
    uint32_t scale_steps; /* taken since the scale last changed */
    uint32_t skip;        /* 1: the last call was skipped */
} clstep_report;

/*
 * Reads the report after the optimizer's last call.  With 'done' it only
 * enqueues: '*report' is filled in when the event '*done' has completed, and
 * must live until then.  Without ('done' is NULL) it waits.
 */
CLSTEP_API clstep_status clstep_optimizer_report(clstep_optimizer *optimizer,
                                                 cl_command_queue queue,
                                                 clstep_report *report,
                                                 cl_event *done,
                                                 clstep_error *error);

/* Sets the skipped steps, the scale and its steps from 'report', for training
 * that goes on; the norm and the steps are left, and so is what the optimizer
 * does not keep without check_finite or a dynamic scale.  Waits. */
CLSTEP_API clstep_status clstep_optimizer_resume(clstep_optimizer *optimizer,
                                                 cl_command_queue queue,
                                                 const clstep_report *report,
                                                 clstep_error *error);

/*
 * The buffer of one float in which the dynamic scale is kept, for a kernel that
 * multiplies the loss by it; the optimizer's, to be read only.  NULL where
 * there is none.
 */
CLSTEP_API cl_mem clstep_optimizer_scale(const clstep_optimizer *optimizer);

/*
 * The number of steps taken.  Each group has its own; t in a bias correction is
 * the group's.  With check_finite only the device knows, and these wait for the
 * last call.
 */
CLSTEP_API uint64_t clstep_optimizer_steps(clstep_optimizer *optimizer);
CLSTEP_API uint64_t clstep_optimizer_group_steps(clstep_optimizer *optimizer,
                                                 size_t group);

/* Says that 'steps' steps were taken, by every group or by one: for state that
 * was written from outside.  The steps of the optimizer are set by the former
 * alone.  With check_finite they wait for the last call. */
CLSTEP_API clstep_status clstep_optimizer_set_steps(clstep_optimizer *optimizer,
                                                    uint64_t steps,
                                                    clstep_error *error);
CLSTEP_API clstep_status
clstep_optimizer_set_group_steps(clstep_optimizer *optimizer, size_t group,
                                 uint64_t steps, clstep_error *error);

/* The name of the slot at 'index', or NULL past the last. */
CLSTEP_API const char *
clstep_optimizer_slot(const clstep_optimizer *optimizer, size_t index);

/* The elements of that slot: as many as the layout has, or as many as it has
 * tensors; 0 past the last. */
CLSTEP_API uint64_t
clstep_optimizer_slot_count(const clstep_optimizer *optimizer, size_t index);

/*
 * Copies 'count' elements of the slot called 'slot', from element 'offset' on,
 * to or from the host's memory at 'data', after the optimizer's last call, and
 * blocks until that is done.  In the state STATE_TORN a write works; when every
 * slot was written, from its front to its end, clstep_optimizer_set_steps()
 * ends that state.
 */
CLSTEP_API clstep_status clstep_optimizer_read(
    clstep_optimizer *optimizer, cl_command_queue queue, const char *slot,
    uint64_t offset, uint64_t count, float *data, clstep_error *error);
CLSTEP_API clstep_status clstep_optimizer_write(
    clstep_optimizer *optimizer, cl_command_queue queue, const char *slot,
    uint64_t offset, uint64_t count, const float *data, clstep_error *error);

/*
 * Sets every slot to its initial value and the steps to 0, after the
 * optimizer's last call, and ends the state STATE_TORN.  Settings keep their
 * values. Enqueues on 'queue' and does not wait; only of a joint's member,
 * whose joint keeps the skipped steps and the scale, does it wait with
 * check_finite.
 */
CLSTEP_API clstep_status clstep_optimizer_reset(clstep_optimizer *optimizer,
                                                cl_command_queue queue,
                                                clstep_error *error);

/*
 * The bytes that a step reads and writes for each parameter: those of the
 * update, those of the pass before it that reads the gradients once for norm
 * and finite check (0 without), and those of the pass in which a rule sums over
 * tensors (0 without, and where it sums over rows and no tensor is a matrix).
 * Not what the sums and their factors take: little but for adamp and sgdp,
 * which where rows have less than 255 elements (and not 128) keep 4 bytes more
 * for each element, and write and read these.
 */
CLSTEP_API uint64_t clstep_optimizer_bytes(const clstep_optimizer *optimizer);
CLSTEP_API uint64_t
clstep_optimizer_norm_bytes(const clstep_optimizer *optimizer);
CLSTEP_API uint64_t
clstep_optimizer_sums_bytes(const clstep_optimizer *optimizer);

/*
 * How many elements of each tensor of 'layout' are zero, of either sign, in
 * 'parameters', which hold the layout from 'offset' on, after the commands in
 * front of this on 'queue'; on an out-of-order queue these have been waited
 * for.  What prune, prox_l1 or a large l1 has come to.  'zeros' has room for a
 * number for each tensor.  Counted on the device; waits.
 */
CLSTEP_API clstep_status clstep_count_zeros(
    clstep_device *device, cl_command_queue queue, const clstep_layout *layout,
    cl_mem parameters, uint64_t offset, uint64_t *zeros, clstep_error *error);

/* ========================================================================== */
/*                                   Joint                                    */
/* ========================================================================== */

/*
 * Several optimizers that step together: different rules for different tensors
 * with one norm and one finite check over all of them.  Their settings agree
 * in check_finite, grad_type, grad_scale, device_scale, the scale_* settings,
 * clip_value, clip_norm and clip_norm_tensor; the first optimizer's numbers of
 * these count, and its entry of the buffers gives 'scale', while that of others
 * is not looked at.  The members are
 * set, read and written as ever, but stepped only through the joint, until that
 * is released.  The joint begins with no skipped steps and with scale_start;
 * afterwards a member has its own again.  Ranges of different members must not
 * overlap; that is not checked.
 */
typedef struct clstep_joint clstep_joint;

/* 'optimizers' are 'count' different ones on one device, each in no joint.
 * Waits for their last steps.  On failure '*out' is NULL. */
CLSTEP_API clstep_status
clstep_joint_create(clstep_optimizer *const *optimizers, size_t count,
                    clstep_joint **out, clstep_error *error);

/* Waits for the joint's last step.  To be called before its optimizers are
 * released. */
CLSTEP_API void clstep_joint_release(clstep_joint *joint);

/* One step of all: 'buffers' has one entry for each optimizer. */
CLSTEP_API clstep_status clstep_joint_step(clstep_joint *joint,
                                           cl_command_queue queue,
                                           const clstep_buffers *buffers,
                                           cl_uint wait_count,
                                           const cl_event *wait_list,
                                           cl_event *done, clstep_error *error);

/* ========================================================================== */
/*                                 Schedules                                  */
/* ========================================================================== */

/*
 * The learning rate as a function of the step.  Everything here is computed on
 * the host, in double, and needs no device:
 *
 *     const clstep_setting settings[] = {
 *         {.name = "lr", .value = 3e-4}, {.name = "T_max", .value = 10000},
 *         {.name = "warmup", .value = 500}, {0}};
 *     clstep_schedule *cosine;
 *
 *     clstep_schedule_create("cosine", settings, &cosine, &error);
 *     for (...) {
 *         clstep_optimizer_set(optimizer, "lr",
 *                              clstep_schedule_at(cosine, step), &error);
 *         clstep_optimizer_step(...);
 *     }
 *
 * Units.  A step is what the caller counts, from 0 on: the steps, or the
 * epochs, that are completed.  What a formula calls the number of an epoch
 * begins at its setting first_epoch.  With lr=1, the default, a schedule is a
 * factor; what it gives may be set as any number of an optimizer, not only lr.
 *
 * Kinds.  A kind of schedule has settings, as a rule has: names (PyTorch's
 * where it has one), defaults and closed intervals, which can be listed.  Every
 * kind also has these *features*; only that noam has a warmup of its own, and
 * cyclic a mode, and then looks for the least metric:
 *
 *   warmup         steps in which the value climbs to the schedule's first one;
 *                  with warmup_start (the share at step 0), warmup_type, and
 *                  warmup_first=1 for (s + 1) / W and not s / W.  The schedule
 *                  begins behind it (warmup_clock=after), or runs beside it and
 *                  is multiplied (along).
 *   stop_patience  early stopping, once it is given: training should stop after
 *                  so many metrics that were not better than the best.
 *   mode, threshold, threshold_mode
 *                  what is better, for early stopping and plateau.  With rel,
 *                  less than best (1 - threshold), or with mode=max more than
 *                  best (1 + threshold); with abs, by more than threshold.
 *
 * Metrics.  The kind plateau, and any kind with stop_patience, is told a metric
 * after every epoch, by clstep_schedule_watch(); its values then depend on what
 * it was told, too.  That is its state, a clstep_watch, which can be kept with
 * a checkpoint: it is a few numbers, and the caller's to write.
 *
 * Threads.  A schedule may be asked by several threads at once, but not while
 * one of them tells it a metric or restores it.
 */
typedef struct clstep_schedule_kind clstep_schedule_kind;
typedef struct clstep_schedule clstep_schedule;

/* The kind at 'index', or NULL past the last, and the one called 'name', or
 * NULL. */
CLSTEP_API const clstep_schedule_kind *clstep_schedule_kind_at(size_t index);
CLSTEP_API const clstep_schedule_kind *
clstep_schedule_kind_find(const char *name);

CLSTEP_API const char *
clstep_schedule_kind_name(const clstep_schedule_kind *kind);
CLSTEP_API const char *
clstep_schedule_kind_summary(const clstep_schedule_kind *kind);

/* The formula and its source, in lines; s is the step, from 0 on. */
CLSTEP_API const char *
clstep_schedule_kind_formula(const clstep_schedule_kind *kind);

/*
 * The setting at 'index': the kind's own first, then the features.  Returns 0
 * past the last, else 1 with '*info' filled in.
 */
CLSTEP_API int
clstep_schedule_kind_setting(const clstep_schedule_kind *kind, size_t index,
                             clstep_setting_info *info);

/*
 * Creates a schedule of the kind called 'kind'.  'settings' may be NULL; what
 * it leaves out has its default; numbers and names are copied.  Fails with a
 * sentence about the name, the number or the combination that is wrong, and
 * '*out' is NULL then.  The caller releases it; NULL is fine there.
 */
CLSTEP_API clstep_status clstep_schedule_create(const char *kind,
                                                const clstep_setting *settings,
                                                clstep_schedule **out,
                                                clstep_error *error);
CLSTEP_API void clstep_schedule_release(clstep_schedule *schedule);

/*
 * The learning rate for step number 'step': of the first step, 0.  Never a NaN,
 * an infinity or below 0; 0 for NULL.  What no step can have (beyond a
 * one-cycle's end, say) has the last value.
 */
CLSTEP_API double
clstep_schedule_at(const clstep_schedule *schedule, uint64_t step);

/*
 * The momentum (or beta1) for step number 'step', where the schedule cycles
 * one: returns 1 with '*momentum' filled in, else 0.
 */
CLSTEP_API int clstep_schedule_momentum(const clstep_schedule *schedule,
                                        uint64_t step, double *momentum);

/* What the metrics have done so far: the whole state of a schedule. */
typedef struct clstep_watch {
    uint64_t metrics;    /* told so far */
    uint64_t best_at;    /* which of them was the best, from 0 on */
    uint64_t since;      /* metrics since the best */
    uint64_t bad;        /* those that plateau counts towards its patience */
    uint64_t cooldown;   /* that plateau still waits */
    uint64_t reductions; /* of lr by plateau */
    double best;         /* an infinity before the first */
    double lr;           /* plateau's at present; of other kinds, 0 */
    uint64_t stop;       /* 1: early stopping says to stop */
} clstep_watch;

/*
 * Tells 'metric', of the epoch that has just ended.  A NaN is never better.
 * Fails if the schedule watches nothing: it is not plateau, and has no
 * stop_patience.
 */
CLSTEP_API clstep_status clstep_schedule_watch(clstep_schedule *schedule,
                                               double metric,
                                               clstep_error *error);

/* 1: early stopping says to stop.  It goes on saying so. */
CLSTEP_API int clstep_schedule_stops(const clstep_schedule *schedule);

/*
 * The state, and a schedule of the same settings set to it: it then goes on as
 * the other would have.  A number that is outside of its range is refused; that
 * all of them belong together is the caller's care.
 */
CLSTEP_API void
clstep_schedule_state(const clstep_schedule *schedule, clstep_watch *state);
CLSTEP_API clstep_status clstep_schedule_restore(clstep_schedule *schedule,
                                                 const clstep_watch *state,
                                                 clstep_error *error);

/* ========================================================================== */
/*                               Gradient check                               */
/* ========================================================================== */

/*
 * Are the gradients that a program computes those of its loss?  For some
 * parameters of each tensor the loss is evaluated at w + h and w - h, and its
 * central difference in double held against the gradient.
 *
 * A function of the caller's: writes the loss at what the parameters' buffer
 * holds now to '*loss', and returns 0, or another number to end the check.  It
 * waits for the device.  It may use the gradients' buffer as it likes.
 */
typedef int clstep_loss(void *user, double *loss);

typedef struct clstep_gradient_options {
    uint64_t samples; /* tried of each tensor; 0: 16; of a smaller one, all */
    uint64_t seed;    /* of their places: one in each of as many equal parts */
    double step;      /* h = step max(1, |w|), above 0 and at most 1; 0: 2^-8 */
    double precision; /* of the loss, relative, below 1; 0: a float's, 2^-23 */
} clstep_gradient_options;

typedef enum clstep_agreement {
    CLSTEP_AGREES,     /* the error is at most 0.001, apart from noise */
    CLSTEP_SUSPICIOUS, /* at most 0.01; or the noise is so large that nothing
                          can be said */
    CLSTEP_WRONG       /* above 0.01 */
} clstep_agreement;

/* What was found in one tensor; n are the differences, a the gradients. */
typedef struct clstep_gradient_result {
    uint64_t samples; /* parameters that were tried; 0 in an empty tensor */
    double error;     /* ||n - a|| / max(||n||, ||a||), 0 where both are 0 */
    double noise;     /* what the loss's own rounding may add to that, at most:
                         'precision' |loss| / (2 h) for each n */
    uint64_t worst;   /* the element of the tensor where |n - a| is largest */
    double numeric;   /* n there */
    double analytic;  /* a there */
    clstep_agreement agreement;
} clstep_gradient_result;

/* The name of 'agreement': "agrees", "suspicious", "wrong". */
CLSTEP_API const char *clstep_agreement_name(clstep_agreement agreement);

/*
 * Checks 'gradients', float, which were computed at 'parameters' by commands in
 * front of this on 'queue', or have been waited for.  Both hold the layout from
 * their offset on.  'options' may be NULL.  'results' has room for a result of
 * each tensor.
 *
 * Changes parameters one by one, and puts each back: in the end, and after a
 * failure of 'loss', they have the bits that they had.  Waits.  After
 * Goodfellow, Bengio and Courville, "Deep Learning" (2016), section 11.5.
 */
CLSTEP_API clstep_status clstep_check_gradient(
    const clstep_layout *layout, cl_command_queue queue, cl_mem parameters,
    uint64_t parameters_offset, cl_mem gradients, uint64_t gradients_offset,
    clstep_loss *loss, void *user, const clstep_gradient_options *options,
    clstep_gradient_result *results, clstep_error *error);

/* ========================================================================== */
/*                                   L-BFGS                                   */
/* ========================================================================== */

/*
 * The limited-memory BFGS method: a direction from the gradient and from the
 * last few moves, and a search along it for how far to go.  It is for losses
 * that are the same function each time they are evaluated (all of the data, no
 * drop-out), and needs few, but whole, evaluations.  It is no rule of a
 * clstep_optimizer, since it evaluates the loss itself, several times in one
 * step, and its sums run over all parameters:
 *
 *     int evaluate(void *user, double *loss)
 *     {
 *         ... enqueue the gradient at the parameters, read the loss ...
 *         return 0;
 *     }
 *
 *     clstep_lbfgs_create(device, settings, layout, &lbfgs, &error);
 *     do
 *         status = clstep_lbfgs_step(lbfgs, queue, &buffers, evaluate, user,
 *                                    &result, &error);
 *     while (status == CLSTEP_OK && result.stop <= CLSTEP_LBFGS_EVALUATIONS);
 *
 * After J. Nocedal, "Updating quasi-Newton matrices with limited storage"
 * (1980), with the line search of Nocedal and Wright, "Numerical Optimization"
 * (2006), section 3.5, in the form of PyTorch's LBFGS.  docs/numerics.md has
 * all of it: parameters and state have the bits of the scalar reference, and a
 * run that is repeated has the bits of the first, where the losses and
 * gradients have.
 *
 * Settings, as rules have them: lr, history, line_search, max_iterations,
 * max_evaluations, tolerance_gradient, tolerance_change;
 * clstep_lbfgs_setting() lists them.  The features of rules are none of these:
 * what is added to the loss (decay, say) is the closure's to add.
 *
 * Groups of the layout mean nothing here: every tensor moves alike, and none
 * can be frozen.  Tensors that are packed without padding are one tensor of as
 * many elements.
 *
 * Memory: 2 history + 6 floats for each parameter, in three buffers, of which
 * two have history + 1 each.
 *
 * Threads and ownership are those of an optimizer.  All functions here that
 * take a queue wait for the device; when they return nothing is under way.
 */
typedef struct clstep_lbfgs clstep_lbfgs;

/*
 * A function of the caller's: writes the loss at what the parameters' buffer
 * holds to '*loss', and its gradient to the gradients' buffer; returns 0, or
 * another number to end the call.
 *
 * The parameters were moved by commands on the queue of the call: the closure's
 * own commands on that queue come behind them, and those on another one have to
 * wait for it.  (If the queue is out-of-order, it has been waited for.)  The
 * gradient is written by commands on that queue, or has been waited for.
 */
typedef int clstep_closure(void *user, double *loss);

/* Why a call has ended. */
typedef enum clstep_lbfgs_stop {
    CLSTEP_LBFGS_GOES_ON,     /* never of a call that has ended */
    CLSTEP_LBFGS_ITERATIONS,  /* max_iterations: there may be more to do */
    CLSTEP_LBFGS_EVALUATIONS, /* max_evaluations: the same */
    CLSTEP_LBFGS_GRADIENT,    /* no element is above tolerance_gradient */
    CLSTEP_LBFGS_STEP,        /* no parameter moved by tolerance_change, or the
                                 search has found nothing better */
    CLSTEP_LBFGS_LOSS,        /* it changed by less than tolerance_change */
    CLSTEP_LBFGS_SLOPE,       /* no descent of tolerance_change in sight: the
                                 end of what floats can do, if lr is right */
    CLSTEP_LBFGS_NOT_FINITE   /* the loss, or an element of the gradient, at
                                 the first parameters, or with line_search=none
                                 at those that it has moved to */
} clstep_lbfgs_stop;

/* The name of 'stop': "iterations", "gradient", "not finite". */
CLSTEP_API const char *clstep_lbfgs_stop_name(clstep_lbfgs_stop stop);

typedef struct clstep_lbfgs_result {
    double first_loss;    /* at the parameters that were given */
    double loss;          /* the last one: at those that are left, but with
                             line_search=none those before the last move */
    uint64_t iterations;  /* directions, of this call */
    uint64_t evaluations; /* calls of the closure, of this call */
    clstep_lbfgs_stop stop;
} clstep_lbfgs_result;

/* The setting at 'index'.  Returns 0 past the last, else 1 with '*info' filled
 * in. */
CLSTEP_API int clstep_lbfgs_setting(size_t index, clstep_setting_info *info);

/* The formula, its source and its dialects, in lines. */
CLSTEP_API const char *clstep_lbfgs_formula(void);

/*
 * Creates one for the tensors of 'layout', which is copied.  'settings' may be
 * NULL; what it leaves out has its default.  Builds the kernels, and waits.  On
 * failure '*out' is NULL.
 */
CLSTEP_API clstep_status clstep_lbfgs_create(clstep_device *device,
                                             const clstep_setting *settings,
                                             const clstep_layout *layout,
                                             clstep_lbfgs **out,
                                             clstep_error *error);

CLSTEP_API void clstep_lbfgs_release(clstep_lbfgs *lbfgs);

/*
 * Moves the parameters: an evaluation where they are, then up to max_iterations
 * iterations, each a direction and an evaluation for each length that is tried
 * on it; and goes on from the call before.  The parameters may be changed
 * between two calls.
 *
 * 'buffers' has parameters and gradients, both read and written; copy and scale
 * are NULL.  Afterwards the gradients are those at the parameters, but with
 * line_search=none those before the last move.  '*result' may be NULL.
 *
 * Where the closure fails, the parameters go back to where its iteration began
 * and the call fails; the iterations before stand, and the next call goes on
 * from them.  Where OpenCL fails after a direction was begun, the parameters go
 * back too if it can still be done, and then only clstep_lbfgs_reset(),
 * clstep_lbfgs_restore() and release work.
 */
CLSTEP_API clstep_status clstep_lbfgs_step(clstep_lbfgs *lbfgs,
                                           cl_command_queue queue,
                                           const clstep_buffers *buffers,
                                           clstep_closure *closure, void *user,
                                           clstep_lbfgs_result *result,
                                           clstep_error *error);

/* Sets a number for the calls to come, or gives the present value of a setting;
 * of line_search, the index of its value.  history and line_search are fixed at
 * creation. */
CLSTEP_API clstep_status clstep_lbfgs_set(clstep_lbfgs *lbfgs, const char *name,
                                          double value, clstep_error *error);
CLSTEP_API clstep_status clstep_lbfgs_get(const clstep_lbfgs *lbfgs,
                                          const char *name, double *value,
                                          clstep_error *error);

/* Forgets all moves: the next call begins anew.  Settings keep their values. */
CLSTEP_API clstep_status clstep_lbfgs_reset(clstep_lbfgs *lbfgs,
                                            clstep_error *error);

/*
 * The state is these numbers and the slots: vectors of the layout's count, base
 * and before (the parameters and their gradient where the last iteration
 * began), then s1, y1, s2, y2 ... from the oldest pair on.  Before the first
 * iteration there are none.  Who keeps all of it, and the parameters, goes on
 * with the same bits: clstep_lbfgs_restore() of the same settings makes room,
 * and clstep_lbfgs_write() writes the slots.  What is not written is zero or
 * what it was; a step refuses pairs that no iteration can have left.
 */
typedef struct clstep_lbfgs_progress {
    uint64_t iterations;  /* of all calls */
    uint64_t evaluations; /* of all calls */
    uint64_t pairs;       /* that are kept: at most history, and fewer than the
                             iterations */
} clstep_lbfgs_progress;

/* All 0 where 'lbfgs' is NULL. */
CLSTEP_API void
clstep_lbfgs_state(const clstep_lbfgs *lbfgs, clstep_lbfgs_progress *progress);
CLSTEP_API clstep_status
clstep_lbfgs_restore(clstep_lbfgs *lbfgs, const clstep_lbfgs_progress *progress,
                     clstep_error *error);

/* The name of the slot at 'index', or NULL past the last; the library's, and
 * good until release. */
CLSTEP_API const char *
clstep_lbfgs_slot(const clstep_lbfgs *lbfgs, size_t index);

/* Copies 'count' elements of the slot called 'slot', from element 'offset' on,
 * to or from the host's memory at 'data'.  Waits. */
CLSTEP_API clstep_status clstep_lbfgs_read(clstep_lbfgs *lbfgs,
                                           cl_command_queue queue,
                                           const char *slot, uint64_t offset,
                                           uint64_t count, float *data,
                                           clstep_error *error);
CLSTEP_API clstep_status clstep_lbfgs_write(clstep_lbfgs *lbfgs,
                                            cl_command_queue queue,
                                            const char *slot, uint64_t offset,
                                            uint64_t count, const float *data,
                                            clstep_error *error);

#ifdef __cplusplus
}
#endif

#endif /* CLSTEP_H */
