/*
 * schedule_values.h - the settings of schedules by number, and their formulas
 * SPDX-License-Identifier: MIT
 */
#ifndef CS_SCHEDULE_VALUES_H
#define CS_SCHEDULE_VALUES_H

#include "schedule.h"

/* The place of each setting in its schedule's row; 'lr' is the first of all
 * that have one. */
enum { FIRST_LR };
enum { STEP_LR, STEP_SIZE, STEP_GAMMA };
enum { MULTISTEP_LR, MULTISTEP_MILESTONES, MULTISTEP_GAMMA };
enum { PIECEWISE_BOUNDARIES, PIECEWISE_VALUES, PIECEWISE_SIDE };
enum { SQRT_LR, SQRT_K, SQRT_FIRST };
enum { EPOCH_LR, EPOCH_GAMMA, EPOCH_FIRST };
enum {
    INVERSE_LR,
    INVERSE_DECAY,
    INVERSE_STEPS,
    INVERSE_STAIRCASE,
    INVERSE_FIRST
};
enum {
    EXPONENTIAL_LR,
    EXPONENTIAL_GAMMA,
    EXPONENTIAL_STEPS,
    EXPONENTIAL_STAIRCASE
};
enum { TEN_LR, TEN_STEPS, TEN_STAIRCASE };
enum { POWER_LR, POWER_STEPS, POWER_EXPONENT };
enum { POLY_LR, POLY_STEPS, POLY_POWER, POLY_ETA_MIN, POLY_CYCLE };
enum { COSINE_LR, COSINE_STEPS, COSINE_ETA_MIN, COSINE_AFTER };
enum {
    RESTARTS_LR,
    RESTARTS_STEPS,
    RESTARTS_FACTOR,
    RESTARTS_ETA_MIN,
    RESTARTS_GAMMA,
    RESTARTS_FORM
};
enum { NOAM_LR, NOAM_MODEL, NOAM_WARMUP, NOAM_FIRST };
enum { ROOT_LR, ROOT_TIMESCALE };
enum { WSD_LR, WSD_STABLE, WSD_DECAY, WSD_TYPE, WSD_ETA_MIN };
enum {
    ONE_MAX_LR,
    ONE_STEPS,
    ONE_START,
    ONE_STRATEGY,
    ONE_DIV,
    ONE_FINAL_DIV,
    ONE_THREE,
    ONE_CYCLES,
    ONE_BASE,
    ONE_MAX
};
enum {
    CYCLIC_BASE_LR,
    CYCLIC_MAX_LR,
    CYCLIC_UP,
    CYCLIC_DOWN,
    CYCLIC_MODE,
    CYCLIC_GAMMA,
    CYCLIC_CYCLES,
    CYCLIC_BASE,
    CYCLIC_MAX
};
enum {
    PLATEAU_LR,
    PLATEAU_FACTOR,
    PLATEAU_PATIENCE,
    PLATEAU_COOLDOWN,
    PLATEAU_MIN_LR,
    PLATEAU_EPS,
    PLATEAU_FORM
};

cs_schedule_lr cs_constant_lr, cs_cosine_lr, cs_cosine_restarts_lr,
    cs_cyclic_lr, cs_exponential_10_lr, cs_exponential_epoch_lr,
    cs_exponential_lr, cs_inverse_sqrt_lr, cs_inverse_time_lr, cs_multistep_lr,
    cs_noam_lr, cs_one_cycle_lr, cs_piecewise_lr, cs_plateau_lr,
    cs_polynomial_lr, cs_power_lr, cs_sqrt_lr, cs_step_lr, cs_wsd_lr;
cs_schedule_momentum cs_cyclic_momentum, cs_one_cycle_momentum;
cs_schedule_check cs_piecewise_check;
cs_schedule_watch cs_plateau_watch;

#endif /* CS_SCHEDULE_VALUES_H */
