/*
 * schedules.c - every learning rate schedule of the library
 * SPDX-License-Identifier: MIT
 *
 * To add one: a row here, with its formula as a text, and a function of the
 * step in schedule_values.c.  docs/schedules.md says which of other frameworks
 * each one is.
 */
#include "schedule_values.h"

#include <float.h>

#define ANY      .min = 0.0, .max = FLT_MAX
#define FRACTION .min = 0.0, .max = 0x1.fffffep-1 /* [0, 1) in float */
#define SHARE    .min = 0.0, .max = 1.0
#define STEPS    .min = 1.0, .max = 0x1p53
#define FROM_0   .min = 0.0, .max = 0x1p53
#define COUNT    .kind = CLSTEP_COUNT, .min = 0.0, .max = 0x1p53
#define FLAG     .kind = CLSTEP_FLAG, .min = 0.0, .max = 1.0
#define LIST     .kind = CLSTEP_LIST

/* The names of a choice's values. */
#define CHOICE(...)                                                            \
    .kind = CLSTEP_CHOICE, .choices = (const char *const[])                    \
    {                                                                          \
        __VA_ARGS__, NULL                                                      \
    }

#define LR                                                                     \
    {                                                                          \
        "lr", "the learning rate at first; 1: the schedule is a factor",       \
            .initial = 1.0, ANY                                                \
    }
#define ETA_MIN                                                                \
    {                                                                          \
        "eta_min", "the learning rate at the end", .initial = 0.0, ANY         \
    }
#define STAIRCASE                                                              \
    {                                                                          \
        "staircase", "1: only whole multiples of steps count", FLAG            \
    }
#define FIRST_EPOCH                                                            \
    {                                                                          \
        "first_epoch", "e at step 0", .initial = 1.0, COUNT                    \
    }
#define MOMENTA(low, high)                                                     \
    {"cycle_momentum", "0: the momentum does not cycle", .initial = 1.0,       \
     FLAG},                                                                    \
        {"base_momentum", "momentum at the largest learning rate",             \
         .initial = low, FRACTION},                                            \
    {                                                                          \
        "max_momentum", "momentum at the smallest learning rate",              \
            .initial = high, FRACTION                                          \
    }

const clstep_schedule_kind cs_schedule_kinds[] = {
    {
        .name = "constant",
        .summary = "always the same; with the features, a warm-up or early "
                   "stopping alone",
        .formula = "lr",
        .settings = {LR},
        .lr = cs_constant_lr,
    },
    {
        .name = "step",
        .summary = "a factor every so many steps",
        .formula = "lr gamma^floor(s / step_size)\n"
                   "PyTorch's StepLR.",
        .settings = {[STEP_LR] = LR,
                     [STEP_SIZE] = {"step_size", "steps between two factors",
                                    .initial = 30.0, STEPS},
                     [STEP_GAMMA] = {"gamma", "the factor", .initial = 0.1,
                                     ANY}},
        .lr = cs_step_lr,
    },
    {
        .name = "multistep",
        .summary = "a factor at each of some steps",
        .formula = "lr gamma^(how many milestones are <= s)\n"
                   "PyTorch's MultiStepLR; a milestone given twice counts "
                   "twice.",
        .settings = {[MULTISTEP_LR] = LR,
                     [MULTISTEP_MILESTONES] = {"milestones",
                                               "the steps that begin with a "
                                               "factor, in any order",
                                               LIST, FROM_0},
                     [MULTISTEP_GAMMA] = {"gamma", "the factor", .initial = 0.1,
                                          ANY}},
        .lr = cs_multistep_lr,
    },
    {
        .name = "piecewise",
        .summary = "a constant for each piece between boundaries",
        .formula = "values[how many boundaries are < s]     side=left: a "
                   "boundary belongs to the left\n"
                   "values[how many boundaries are <= s]    side=right: to the "
                   "right\n"
                   "left is Keras' PiecewiseConstantDecay; right is optax' "
                   "piecewise_constant_schedule.",
        .settings = {[PIECEWISE_BOUNDARIES] = {"boundaries",
                                               "where a piece ends; they "
                                               "increase",
                                               LIST, FROM_0},
                     [PIECEWISE_VALUES] = {"values",
                                           "learning rates, one more than "
                                           "boundaries",
                                           LIST, ANY},
                     [PIECEWISE_SIDE] = {"side",
                                         "the piece that a boundary belongs "
                                         "to",
                                         CHOICE("left", "right")}},
        .check = cs_piecewise_check,
        .lr = cs_piecewise_lr,
    },
    {
        .name = "sqrt_epoch",
        .summary = "falls with the root of the epoch",
        .formula = "lr k / sqrt(e), e = s + first_epoch\n"
                   "Ng's course, k / sqrt(epoch).",
        .settings = {[SQRT_LR] = LR,
                     [SQRT_K] = {"k", "a factor", .initial = 1.0, ANY},
                     [SQRT_FIRST] = {"first_epoch", "e at step 0",
                                     .kind = CLSTEP_COUNT, .initial = 1.0,
                                     STEPS}},
        .lr = cs_sqrt_lr,
    },
    {
        .name = "exponential_epoch",
        .summary = "a factor for every epoch, the first too",
        .formula = "lr gamma^e, e = s + first_epoch\n"
                   "Ng's course, 0.95^epoch; with first_epoch=0 PyTorch's "
                   "ExponentialLR.",
        .settings = {[EPOCH_LR] = LR,
                     [EPOCH_GAMMA] = {"gamma", "the factor", .initial = 0.95,
                                      ANY},
                     [EPOCH_FIRST] = FIRST_EPOCH},
        .lr = cs_exponential_epoch_lr,
    },
    {
        .name = "inverse_time",
        .summary = "falls with the inverse of the epoch",
        .formula = "lr / (1 + decay_rate e / steps), e = s + first_epoch\n"
                   "lr / (1 + decay_rate floor(e / steps))     staircase=1\n"
                   "Ng's course; with first_epoch=0 Keras' InverseTimeDecay.",
        .settings = {[INVERSE_LR] = LR,
                     [INVERSE_DECAY] = {"decay_rate", "how fast it falls",
                                        .initial = 1.0, ANY},
                     [INVERSE_STEPS] = {"steps", "the unit of e",
                                        .initial = 1.0, STEPS},
                     [INVERSE_STAIRCASE] = STAIRCASE,
                     [INVERSE_FIRST] = FIRST_EPOCH},
        .lr = cs_inverse_time_lr,
    },
    {
        .name = "exponential",
        .summary = "a factor for every so many steps, smooth or in stairs",
        .formula = "lr gamma^(s / steps)\n"
                   "lr gamma^floor(s / steps)     staircase=1\n"
                   "Keras' ExponentialDecay; with steps=1 PyTorch's "
                   "ExponentialLR.",
        .settings = {[EXPONENTIAL_LR] = LR,
                     [EXPONENTIAL_GAMMA] = {"gamma", "the factor",
                                            .initial = 0.95, ANY},
                     [EXPONENTIAL_STEPS] = {"steps", "steps for one factor",
                                            .initial = 1.0, STEPS},
                     [EXPONENTIAL_STAIRCASE] = STAIRCASE},
        .lr = cs_exponential_lr,
    },
    {
        .name = "exponential_10",
        .summary = "a tenth after every so many steps, smooth or in stairs",
        .formula = "lr 10^(-s / steps)\n"
                   "lr 10^-floor(s / steps)     staircase=1\n"
                   "Geron's book, exponential scheduling.",
        .settings = {[TEN_LR] = LR,
                     [TEN_STEPS] = {"steps", "steps to a tenth",
                                    .initial = 100.0, STEPS},
                     [TEN_STAIRCASE] = STAIRCASE},
        .lr = cs_exponential_10_lr,
    },
    {
        .name = "power",
        .summary = "falls by a power of the steps",
        .formula = "lr (1 + s / steps)^-c\n"
                   "Geron's book, power scheduling.",
        .settings = {[POWER_LR] = LR,
                     [POWER_STEPS] = {"steps", "steps to half of it, for c=1",
                                      .initial = 100.0, STEPS},
                     [POWER_EXPONENT] = {"c", "the power", .initial = 1.0,
                                         ANY}},
        .lr = cs_power_lr,
    },
    {
        .name = "polynomial",
        .summary = "down to the end by a power of what is left",
        .formula = "eta_min + (lr - eta_min) (1 - min(s, T) / T)^power, T = "
                   "total_iters\n"
                   "with cycle=1, T is total_iters ceil(s / total_iters), and "
                   "at least total_iters\n"
                   "Keras' PolynomialDecay; with eta_min=0 PyTorch's "
                   "PolynomialLR.  power=1 is linear.",
        .settings = {[POLY_LR] = LR,
                     [POLY_STEPS] = {"total_iters", "steps to the end",
                                     .initial = 5.0, STEPS},
                     [POLY_POWER] = {"power", "1: a line", .initial = 1.0, ANY},
                     [POLY_ETA_MIN] = ETA_MIN,
                     [POLY_CYCLE] = {"cycle", "1: longer and longer runs",
                                     FLAG}},
        .lr = cs_polynomial_lr,
    },
    {
        .name = "cosine",
        .summary = "down to the end by half a cosine",
        .formula = "eta_min + (lr - eta_min) (1 + cos(pi min(s, T_max) / "
                   "T_max)) / 2     after=hold\n"
                   "the same without the min, which rises again, after=rise\n"
                   "Keras' CosineDecay; PyTorch's CosineAnnealingLR rises.",
        .settings = {[COSINE_LR] = LR,
                     [COSINE_STEPS] = {"T_max", "steps to the end",
                                       .initial = 100.0, STEPS},
                     [COSINE_ETA_MIN] = ETA_MIN,
                     [COSINE_AFTER] = {"after", "what it does behind the end",
                                       CHOICE("hold", "rise")}},
        .lr = cs_cosine_lr,
    },
    {
        .name = "cosine_restarts",
        .summary = "half a cosine again and again, each run longer (SGDR)",
        .formula = "eta_min + (lr m_mul^i - eta_min) (1 + cos(pi r)) / 2     "
                   "form=peak\n"
                   "eta_min + (lr - eta_min) m_mul^i (1 + cos(pi r)) / 2     "
                   "form=range\n"
                   "run i has T_0 T_mult^i steps; r, from 0 to 1, is the part "
                   "of it that has passed\n"
                   "PyTorch's CosineAnnealingWarmRestarts has m_mul=1; Keras' "
                   "CosineDecayRestarts is range.",
        .settings = {[RESTARTS_LR] = LR,
                     [RESTARTS_STEPS] = {"T_0", "steps of the first run",
                                         .initial = 10.0, STEPS},
                     [RESTARTS_FACTOR] = {"T_mult",
                                          "factor of a run's length to the "
                                          "next",
                                          .initial = 1.0, .min = 1.0,
                                          .max = 1024.0},
                     [RESTARTS_ETA_MIN] = ETA_MIN,
                     [RESTARTS_GAMMA] = {"m_mul",
                                         "factor of a run's beginning to the "
                                         "next",
                                         .initial = 1.0, ANY},
                     [RESTARTS_FORM] = {"form", "what m_mul is a factor of",
                                        CHOICE("peak", "range")}},
        .lr = cs_cosine_restarts_lr,
    },
    {
        .name = "noam",
        .summary = "a linear warm-up, then the inverse root of the step",
        .formula = "lr d_model^-0.5 min(t^-0.5, t warmup^-1.5), t = s + "
                   "first_step\n"
                   "Vaswani et al. 2017, whose first step is 1.",
        .settings = {[NOAM_LR] = LR,
                     [NOAM_MODEL] = {"d_model", "the model's width",
                                     .initial = 512.0, STEPS},
                     [NOAM_WARMUP] = {"warmup", "steps of the warm-up",
                                      .initial = 4000.0, STEPS},
                     [NOAM_FIRST] = {"first_step", "t at step 0", COUNT}},
        .has_warmup = 1,
        .lr = cs_noam_lr,
    },
    {
        .name = "inverse_sqrt",
        .summary = "falls with the root of the step",
        .formula = "lr / sqrt((s + timescale) / timescale), s from the end of "
                   "the warm-up on\n"
                   "without a timescale, that is warmup, or 10000 without one\n"
                   "transformers' get_inverse_sqrt_schedule.",
        .settings = {[ROOT_LR] = LR,
                     [ROOT_TIMESCALE] = {"timescale",
                                         "three times that many steps halve it",
                                         .optional = 1, .initial = 10000.0,
                                         STEPS}},
        .lr = cs_inverse_sqrt_lr,
    },
    {
        .name = "one_cycle",
        .summary = "up and down once, the momentum down and up",
        .formula = "steps 0 to a: from max_lr / div_factor to max_lr, a = "
                   "pct_start total_steps - 1\n"
                   "to total_steps - 1: to max_lr / (div_factor "
                   "final_div_factor)\n"
                   "with three_phase=1, first down to where it began, at step "
                   "2 a\n"
                   "by half a cosine (anneal_strategy=cos) or a line (linear); "
                   "momentum between max_momentum and base_momentum\n"
                   "Smith and Topin 2017; PyTorch's OneCycleLR.",
        .settings = {[ONE_MAX_LR] = {"max_lr", "the largest learning rate",
                                     .initial = 1.0, ANY},
                     [ONE_STEPS] = {"total_steps", "steps of the cycle",
                                    .initial = 100.0, STEPS},
                     [ONE_START] = {"pct_start", "the share of the way up",
                                    .initial = 0.3, SHARE},
                     [ONE_STRATEGY] = {"anneal_strategy", "the form of the way",
                                       CHOICE("cos", "linear")},
                     [ONE_DIV] = {"div_factor",
                                  "max_lr divided by the first learning rate",
                                  .initial = 25.0, .min = 1.0, .max = FLT_MAX},
                     [ONE_FINAL_DIV] = {"final_div_factor",
                                        "the first divided by the last",
                                        .initial = 1e4, .min = FLT_MIN,
                                        .max = FLT_MAX},
                     [ONE_THREE] = {"three_phase",
                                    "1: the way down has two parts", FLAG},
                     MOMENTA(0.85, 0.95)},
        .needs = {{"base_momentum", "cycle_momentum", "1"},
                  {"max_momentum", "cycle_momentum", "1"}},
        .lr = cs_one_cycle_lr,
        .momentum = cs_one_cycle_momentum,
    },
    {
        .name = "cyclic",
        .summary = "up and down again and again, the momentum down and up",
        .formula = "base_lr + (max_lr - base_lr) h c\n"
                   "h is 0 to 1 in step_size_up steps, and back in "
                   "step_size_down\n"
                   "c is 1 (mode=triangular), 0.5^(cycles that have passed) "
                   "(triangular2) or gamma^s (exp_range)\n"
                   "momentum: max_momentum - (max_momentum - base_momentum) h "
                   "c\n"
                   "Smith 2015; PyTorch's CyclicLR.  Early stopping looks for "
                   "the least metric here.",
        .settings = {[CYCLIC_BASE_LR] = {"base_lr",
                                         "the smallest learning rate",
                                         .initial = 0.1, ANY},
                     [CYCLIC_MAX_LR] = {"max_lr", "the largest learning rate",
                                        .initial = 1.0, ANY},
                     [CYCLIC_UP] = {"step_size_up", "steps of the way up",
                                    .initial = 2000.0, STEPS},
                     [CYCLIC_DOWN] = {"step_size_down",
                                      "steps of the way down; by default those "
                                      "of the way up",
                                      .optional = 1, .initial = 2000.0, STEPS},
                     [CYCLIC_MODE] = {"mode", "what becomes of the height",
                                      CHOICE("triangular", "triangular2",
                                             "exp_range")},
                     [CYCLIC_GAMMA] = {"gamma", "factor of every step",
                                       .initial = 1.0, SHARE},
                     MOMENTA(0.8, 0.9)},
        .needs = {{"gamma", "mode", "exp_range"},
                  {"base_momentum", "cycle_momentum", "1"},
                  {"max_momentum", "cycle_momentum", "1"}},
        .has_mode = 1,
        .lr = cs_cyclic_lr,
        .momentum = cs_cyclic_momentum,
    },
    {
        .name = "wsd",
        .summary = "a constant, then a way down; with warmup, warm-up-stable-"
                   "decay",
        .formula = "lr for stable_steps, then\n"
                   "eta_min + (lr - eta_min) f(p), p the part of decay_steps "
                   "that has passed, at most 1\n"
                   "f(p) is 1 - p (decay_type=linear), (1 + cos(pi p)) / 2 "
                   "(cosine) or 1 - sqrt(p) (1-sqrt)\n"
                   "Hu et al. 2024; transformers' get_wsd_schedule.",
        .settings = {[WSD_LR] = LR,
                     [WSD_STABLE] = {"stable_steps", "steps before it falls",
                                     .initial = 100.0, FROM_0},
                     [WSD_DECAY] = {"decay_steps", "steps in which it falls",
                                    .initial = 100.0, STEPS},
                     [WSD_TYPE] = {"decay_type", "how it falls",
                                   CHOICE("linear", "cosine", "1-sqrt")},
                     [WSD_ETA_MIN] = ETA_MIN},
        .lr = cs_wsd_lr,
    },
    {
        .name = "plateau",
        .summary = "a factor when a metric has stopped to become better",
        .formula = "after more than patience metrics that were not better "
                   "(form=torch), or after patience (keras):\n"
                   "lr = max(lr factor, min_lr), unless torch would change it "
                   "by no more than eps\n"
                   "then cooldown metrics do not count (keras: the last of "
                   "them does)\n"
                   "PyTorch's and Keras' ReduceLROnPlateau; Keras' has "
                   "threshold_mode=abs.",
        .settings = {[PLATEAU_LR] = LR,
                     [PLATEAU_FACTOR] = {"factor", "the factor", .initial = 0.1,
                                         FRACTION},
                     [PLATEAU_PATIENCE] = {"patience",
                                           "metrics that may be no better",
                                           .initial = 10.0, COUNT},
                     [PLATEAU_COOLDOWN] = {"cooldown",
                                           "metrics that do not count after a "
                                           "factor",
                                           COUNT},
                     [PLATEAU_MIN_LR] = {"min_lr", "the smallest learning rate",
                                         .initial = 0.0, ANY},
                     [PLATEAU_EPS] = {"eps", "the smallest change",
                                      .initial = 1e-8, ANY},
                     [PLATEAU_FORM] = {"form", "whose patience and cooldown",
                                       CHOICE("torch", "keras")}},
        .needs = {{"eps", "form", "torch"}},
        .lr = cs_plateau_lr,
        .watch = cs_plateau_watch,
    },
    {0},
};
