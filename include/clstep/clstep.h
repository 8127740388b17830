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
 *             clstep_layout_add(layout, "w", 1, (uint64_t[]){4}, &error) ||
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
    CLSTEP_STATE_TORN        /* an earlier step failed on the device: only
                                loading of state, reset and release work */
} clstep_status;

typedef struct clstep_error {
    clstep_status status;
    cl_int cl_code;    /* what OpenCL returned, or 0 */
    char message[480]; /* one line of English: the argument, its value, and
                          what is allowed */
} clstep_error;

/* The name of 'status' in words: "out of range". */
CLSTEP_API const char *clstep_status_name(clstep_status status);

/* ========================================================================== */
/*                             Rules and settings                             */
/* ========================================================================== */

/*
 * A setting that the caller gives: a number or a flag by 'value', a choice by
 * the name of its value in 'choice'.
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
    CLSTEP_CHOICE  /* one of 'choices', fixed when the optimizer is created */
} clstep_setting_kind;

/* What is known of a setting of a rule. */
typedef struct clstep_setting_info {
    const char *name;
    const char *summary; /* one line */
    clstep_setting_kind kind;
    int feature;     /* 1: one that every rule has */
    int optional;    /* 1: a number that acts only if it was given at
                        creation; set later, it must have been given */
    double initial;  /* the default; of a choice, the index in 'choices' */
    double min, max; /* the closed interval of a number */
    const char *const *choices; /* names, ended by NULL; NULL for no choice */
} clstep_setting_info;

/* One number of state for each parameter. */
typedef struct clstep_slot_info {
    const char *name;
    const char *summary;
    const char *condition; /* "amsgrad=1": when it is there; NULL for always */
} clstep_slot_info;

typedef struct clstep_rule clstep_rule;

/* The rule at 'index', or NULL past the last: rules can be enumerated. */
CLSTEP_API const clstep_rule *clstep_rule_at(size_t index);

/* The rule called 'name', or NULL. */
CLSTEP_API const clstep_rule *clstep_rule_find(const char *name);

CLSTEP_API const char *clstep_rule_name(const clstep_rule *rule);
CLSTEP_API const char *clstep_rule_summary(const clstep_rule *rule);

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
 */
typedef struct clstep_layout clstep_layout;

enum { CLSTEP_ALIGNMENT = 256 };

typedef struct clstep_tensor {
    const char *name; /* owned by the layout */
    size_t rank;
    const uint64_t *shape; /* 'rank' extents, owned by the layout */
    uint64_t offset;       /* of its first element within the flat buffer */
    uint64_t count;        /* the product of the extents; 1 for rank 0 */
} clstep_tensor;

/* An empty layout.  On failure '*out' is NULL. */
CLSTEP_API clstep_status clstep_layout_create(clstep_layout **out,
                                              clstep_error *error);

CLSTEP_API void clstep_layout_release(clstep_layout *layout);

/*
 * Adds a tensor.  'name' is any UTF-8 that the layout does not have yet; name
 * and shape are copied.  'shape' may be NULL where 'rank' is 0.  An extent may
 * be 0: such a tensor has no elements.
 */
CLSTEP_API clstep_status clstep_layout_add(clstep_layout *layout,
                                           const char *name, size_t rank,
                                           const uint64_t *shape,
                                           clstep_error *error);

/* The elements that a buffer of this layout holds, padding included. */
CLSTEP_API uint64_t clstep_layout_count(const clstep_layout *layout);

/* The elements of all tensors, without padding. */
CLSTEP_API uint64_t clstep_layout_parameters(const clstep_layout *layout);

/* The number of tensors. */
CLSTEP_API size_t clstep_layout_tensors(const clstep_layout *layout);

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
/*                                 Optimizer                                  */
/* ========================================================================== */

/*
 * A rule with its settings, and its state on a device.  It serves one thread at
 * a time.
 */
typedef struct clstep_optimizer clstep_optimizer;

/*
 * The caller's buffers.  Each range begins 'offset' elements into its cl_mem
 * and is as long as the layout's count; sub-buffers are welcome.  'parameters'
 * are read and written, 'gradients' are read, and written only with zero_grad.
 * The two ranges may share a buffer but must not overlap.
 */
typedef struct clstep_buffers {
    cl_mem parameters;
    uint64_t parameters_offset;
    cl_mem gradients;
    uint64_t gradients_offset;
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
 * be in-order or out-of-order: moves the parameters and the state by one
 * launch.  Never waits for the device.
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

/*
 * Sets a number for the steps to come: any number of the rule, and any optional
 * one that was given at creation, as those of the features are.  Never rebuilds
 * anything.
 */
CLSTEP_API clstep_status clstep_optimizer_set(clstep_optimizer *optimizer,
                                              const char *name, double value,
                                              clstep_error *error);

/* The present value of a setting; of a choice, the index of its value. */
CLSTEP_API clstep_status clstep_optimizer_get(const clstep_optimizer *optimizer,
                                              const char *name, double *value,
                                              clstep_error *error);

/* The number of steps taken; the bias corrections of step t use t = steps. */
CLSTEP_API uint64_t clstep_optimizer_steps(const clstep_optimizer *optimizer);

/* Says that 'steps' steps were taken: for state that was written from outside.
 */
CLSTEP_API clstep_status clstep_optimizer_set_steps(clstep_optimizer *optimizer,
                                                    uint64_t steps,
                                                    clstep_error *error);

/* The name of the slot at 'index', or NULL past the last. */
CLSTEP_API const char *
clstep_optimizer_slot(const clstep_optimizer *optimizer, size_t index);

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
 * values. Enqueues on 'queue' and does not wait.
 */
CLSTEP_API clstep_status clstep_optimizer_reset(clstep_optimizer *optimizer,
                                                cl_command_queue queue,
                                                clstep_error *error);

/* The bytes that a step reads and writes for each parameter. */
CLSTEP_API uint64_t clstep_optimizer_bytes(const clstep_optimizer *optimizer);

#ifdef __cplusplus
}
#endif

#endif /* CLSTEP_H */
