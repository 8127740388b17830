/*
 * mutant_scene_list.h - what happens in each scene
 * SPDX-License-Identifier: MIT
 */
#ifndef MUTANT_SCENE_LIST_H
#define MUTANT_SCENE_LIST_H

#include "mutant_scenes.h"
#include "reference.h"

enum { PARTS = 2, MAX_SETTINGS = 24, MAX_TENSORS = 66000 };

/* What a scene is like. */
enum {
    GROUPED = 1, /* sums by work-groups, as on a GPU */
    APART = 2,   /* each tensor has buffers of its own */
    MIDDLES = 4, /* parameters in the middle of two numbers of 16 bits */
    WILD = 8,    /* parameters of any bits */
};

/*
 * Settings are those of all parts, and of one.  Tensors are extents with a
 * group, "3x100/1", and how many there are of it, "3*300".  The script:
 *
 *     s o i d b   a step: gradients ordinary, with a norm that overflows, tiny,
 *                 of any bits, with one that is not finite
 *     F1 T1       freezes a group, thaws it
 *     h h1        halves all numbers, or those of one group
 *     q q1        the same with a quarter more
 *     c C1        sets the steps, of all groups or of one
 *     w           swaps
 *     r           resumes from another report
 *     n u z       parameters begin anew: normal, uniform, zero
 *     Z           counts the parameters that are zero
 *     ( )         the steps between are enqueued before one of them runs
 */
struct scene_row {
    const char *settings;
    struct {
        const char *rule, *settings, *tensors;
    } parts[PARTS];
    const char *script;
    unsigned kind;
};

extern const struct scene_row scenes[]; /* scenes_count() of them */

/* Settings as text: "lr=0.5 grad_type=f16". */
struct list {
    char text[256];
    clstep_setting settings[MAX_SETTINGS + 1];
    struct reference_setting expected[MAX_SETTINGS + 1];
};

/* Reads the settings of all parts, and of one. */
void read_settings(const char *first, const char *second, struct list *list);

struct shape {
    uint64_t extents[3];
    size_t rank, group;
};

/* Reads tensors as text, and returns their number, MAX_TENSORS at most. */
size_t read_tensors(const char *text, struct shape *shapes);

#endif /* MUTANT_SCENE_LIST_H */
