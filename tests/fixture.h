/*
 * fixture.h - what the tests share: a device, and a seed
 * SPDX-License-Identifier: MIT
 *
 * The device is the first that the loader offers; OCL_ICD_VENDORS chooses the
 * driver.  No device is a failure.  CLSTEP_TEST_SEED repeats a run.
 */
#ifndef FIXTURE_H
#define FIXTURE_H

#include "trial.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

/* Open and close the device of a group of tests. */
int fixture_open(void **state);
int fixture_close(void **state);

/* The device that fixture_open() has opened. */
const struct trial_place *fixture_place(void);
cl_device_id fixture_id(void);

/* A setting that is a number, or a choice. */
#define NUMBER(setting, number)                                                \
    {                                                                          \
        .name = (setting), .value = (number)                                   \
    }
#define CHOICE(setting, words)                                                 \
    {                                                                          \
        .name = (setting), .choice = (words)                                   \
    }

/* The queue of the place; further ones, and events that the test sets. */
cl_command_queue queue_of_all(void);
bool has_out_of_order(void);
cl_command_queue create_queue(bool out_of_order);
cl_event create_event(void);
void set_event(cl_event event, cl_int status);
cl_int status_of(cl_event event);

/* The seed of this run, printed once. */
uint64_t fixture_seed(void);

/* Says whether the environment variable CLSTEP_TEST_DEEP asks for everything,
 * or CLSTEP_TEST_SMALL for the counts that a slow simulator can do. */
bool fixture_is_deep(void);
bool fixture_is_small(void);

/* Ends the test with the words of 'error' unless 'status' is CLSTEP_OK. */
void fixture_ok(clstep_status status, const clstep_error *error);

/* A layout of one tensor, and an optimizer for it. */
clstep_layout *fixture_layout(uint64_t count);
clstep_optimizer *
fixture_optimizer(const char *rule, const clstep_setting *settings,
                  uint64_t count);

/* A buffer that holds 'count' floats of 'from', or zeros where it is NULL. */
cl_mem fixture_buffer(uint64_t count, const float *from);

/* Waits for all that was enqueued.  The clFinish() of rusticl 22.3.6 does not
 * wait for what was flushed before. */
void fixture_finish(cl_command_queue queue);

/* Reads 'count' floats of 'buffer'. */
void fixture_read(cl_mem buffer, float *to, uint64_t count);

/*
 * Runs 'test' once for each rule, which it gets as its state: all of them, or
 * those that the arguments of main() name.
 */
int fixture_run_rules(const char *group, CMUnitTestFunction test, int argc,
                      char **argv);

/*
 * Deals the cases of such a test to processes that run side by side: called
 * once for each case, it says whether the case is one of this process's.  That
 * is so for each, or with --shard K/N for every N-th from K on.
 */
bool fixture_is_mine(void);

/* The first two of the device's parts of one compute unit; false if it cannot
 * be divided. */
bool fixture_divide(cl_device_id parts[2]);

#endif /* FIXTURE_H */
