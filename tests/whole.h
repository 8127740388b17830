/*
 * whole.h - an optimizer of many tensors on the device, and its reference
 * SPDX-License-Identifier: MIT
 *
 * Like scene.h, for layouts, groups and everything that a step can write:
 * parameters, gradients, copies, slots and the report.  The padding of the
 * gradients is full of NaNs and infinities, and every buffer has guards around
 * the layout.
 */
#ifndef WHOLE_H
#define WHOLE_H

#include "fixture.h"
#include "reference.h"

enum { WHOLE_FRONT = 67, WHOLE_BACK = 300 }; /* guards, in elements */

struct whole_shape {
    size_t rank; /* 1 or 2 */
    uint64_t shape[2];
    size_t group;
};

enum whole_type { WHOLE_F32, WHOLE_F16, WHOLE_BF16 };

struct whole {
    clstep_optimizer *optimizer;
    struct reference *reference;
    clstep_buffers buffers;
    clstep_layout *layout;
    struct reference_tensor *tensors;
    size_t tensor_count, group_count;
    uint64_t count;
    enum whole_type grad_type, copy_type; /* WHOLE_F32: there is no copy */

    /* The reference's, with guards in front and behind. */
    float *w;
    void *g;
    uint16_t *c;
    void *scratch;
    struct trial_random random;
};

/* What gradients are like. */
enum whole_kind {
    WHOLE_CALM,   /* of a size that a norm can be taken of */
    WHOLE_FINITE, /* of any size */
    WHOLE_WILD    /* with NaNs and infinities */
};

/* An optimizer of 'rule' for tensors of these shapes. */
void whole_open(struct whole *whole, const char *rule,
                const clstep_setting *settings,
                const struct whole_shape *shapes, size_t count, uint64_t seed);
void whole_close(struct whole *whole);

/* Begins again with an optimizer and a reference that are new. */
void whole_renew(struct whole *whole, const char *rule,
                 const clstep_setting *settings);

/* Gives both sides new gradients, or those that 'whole->g' has. */
void whole_gradients(struct whole *whole, enum whole_kind kind);
void whole_write_gradients(struct whole *whole);

/* Puts the number 'bits' (a float's) at element 'at' of the tensor. */
void whole_poison(struct whole *whole, size_t tensor, uint64_t at, float x);

/* With device_scale: gives both sides this number. */
void whole_scale(struct whole *whole, float scale);

/* Where the layout begins in the arrays. */
float *whole_w(const struct whole *whole);
void *whole_g(const struct whole *whole);
uint16_t *whole_c(const struct whole *whole); /* NULL without copies */

/* A step on both sides, or on one. */
void whole_step(struct whole *whole);
void whole_step_host(struct whole *whole);
void whole_step_device(struct whole *whole, cl_command_queue queue,
                       cl_uint count, const cl_event *list, cl_event *done);

/* Sets a number on both sides, in one group. */
void whole_set_group(struct whole *whole, size_t group, const char *name,
                     double value);
void whole_freeze(struct whole *whole, size_t group, bool frozen);

/* Ends the test unless all is as the reference has it. */
void whole_check(struct whole *whole);

/* The same of the report alone. */
void whole_check_report(struct whole *whole);

#endif /* WHOLE_H */
