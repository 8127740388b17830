/*
 * scene.h - an optimizer on the device, and its reference on the host
 * SPDX-License-Identifier: MIT
 *
 * Both begin with the same parameters and get the same gradients, so that at
 * any time each bit of one can be compared with the other.
 */
#ifndef SCENE_H
#define SCENE_H

#include "fixture.h"
#include "reference.h"

enum { SCENE_SLOTS = 6 };

struct scene {
    uint64_t count;
    clstep_optimizer *optimizer;
    struct reference *reference;
    clstep_buffers buffers; /* with offset 0 */
    float *w, *g;           /* the reference's */
    float *scratch;
    struct trial_random random;
};

/* What the device has. */
struct snapshot {
    uint64_t count, steps;
    float *w, *g, *slots[SCENE_SLOTS];
};

/* The layout of a scene with these settings: a vector, but with prune a matrix
 * of one row. */
clstep_layout *scene_layout(const clstep_setting *settings, uint64_t count);

/* 'settings' may be NULL; the numbers are ordinary ones of both signs. */
void scene_open(struct scene *scene, const char *rule,
                const clstep_setting *settings, uint64_t count, uint64_t seed);

/* The same on the device of 'place', with shaped numbers where 'shaped'. */
void scene_open_at(struct scene *scene, const struct trial_place *place,
                   const char *rule, const clstep_setting *settings,
                   uint64_t count, uint64_t seed, bool shaped);
void scene_close(struct scene *scene);

/* Gives both sides a new gradient. */
void scene_gradient(struct scene *scene);

/* Takes a step on both sides: on the device with the scene's own buffers, or
 * with 'buffers', on 'queue'. */
void scene_step(struct scene *scene, cl_command_queue queue);
void scene_step_with(struct scene *scene, cl_command_queue queue,
                     const clstep_buffers *buffers);

/* Ends the test unless every bit of parameters, gradients and slots is that of
 * the reference, and the steps are. */
void scene_check(struct scene *scene);

/* Ends the test unless 'count' floats of 'a' and 'b' are the same, all NaNs
 * being one. */
void check_floats(const char *what, const float *a, const float *b,
                  uint64_t count);

/* Copies what the device has, and compares it with what it has now. */
struct snapshot *snapshot_take(clstep_optimizer *optimizer,
                               const clstep_buffers *buffers, uint64_t count);
void snapshot_check(const struct snapshot *snapshot,
                    clstep_optimizer *optimizer, const clstep_buffers *buffers);
bool snapshot_equal(const struct snapshot *a, const struct snapshot *b);
void snapshot_release(struct snapshot *snapshot);

/*
 * Ends the test unless 'error' has 'status' and a message of one line with all
 * of 'words', which have bars between them.
 */
void check_error(const clstep_error *error, clstep_status status,
                 const char *words);

/*
 * Says whether the driver is Oclgrind, which runs a queue where the host waits
 * for it, and also where the host flushes it: an event that would be set only
 * after the flush is waited for without end.
 */
bool scene_is_simulated(void);

/* Says whether the name of the driver's platform has 'word' in it. */
bool scene_runs_on(const char *word);

/* What must hold for every rule; 'run' finds the rule in '*state'. */
struct property {
    const char *name;
    CMUnitTestFunction run;
};

/* Runs the tests at 'fixed', then each property for each rule. */
int run_properties(const char *group, const struct CMUnitTest *fixed,
                   size_t fixed_count, const struct property *properties,
                   size_t property_count);

/* Flushes a queue, but not on Oclgrind, which runs at a flush all that the
 * queue has, and would wait forever for an event that is set only later. */
void submit(cl_command_queue queue);

#endif /* SCENE_H */
