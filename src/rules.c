/*
 * rules.c - every update rule of the library
 * SPDX-License-Identifier: MIT
 *
 * To add one: a row here, its scalars in scalars.c, kernels/rules/<name>.cl,
 * and a function in src/reference/.  CONTRIBUTING.md says it in ten lines;
 * docs/numerics.md says what each number is.
 */
#include "scalars.h"

#include <float.h>

#define ANY      .min = 0.0, .max = FLT_MAX
#define POSITIVE .min = FLT_MIN, .max = FLT_MAX
#define FRACTION .min = 0.0, .max = 0x1.fffffep-1 /* [0, 1) in float */
#define SHARE    .min = 0.0, .max = 1.0
#define STEPS    .min = 0.0, .max = 0x1p53
#define FLAG     .kind = CLSTEP_FLAG, .min = 0.0, .max = 1.0

/* The names of a choice's values. */
#define CHOICE(...)                                                            \
    .kind = CLSTEP_CHOICE, .choices = (const char *const[])                    \
    {                                                                          \
        __VA_ARGS__, NULL                                                      \
    }

/* What adam and adamw share. */
#define ADAM_ROW                                                               \
    .kernel = "adam",                                                          \
    .settings =                                                                \
        {[ADAM_LR] = {"lr", "step size", .initial = 1e-3, ANY},                \
         [ADAM_BETA1] = {"beta1", "decay of exp_avg", .initial = 0.9,          \
                         FRACTION},                                            \
         [ADAM_BETA2] = {"beta2", "decay of exp_avg_sq", .initial = 0.999,     \
                         FRACTION},                                            \
         [ADAM_EPS] = {"eps", "keeps the divisor from zero", .initial = 1e-8,  \
                       ANY},                                                   \
         [ADAM_EPS_FORM] = {"eps_form",                                        \
                            "eps beside the corrected root (torch), under it," \
                            " or beside the uncorrected one (keras)",          \
                            CHOICE("outside", "inside", "hat")},               \
         [ADAM_AMSGRAD] = {"amsgrad",                                          \
                           "1: divide by the largest exp_avg_sq so far",       \
                           FLAG}},                                             \
    .slots = {{"exp_avg", "mean of the gradients"},                            \
              {"exp_avg_sq", "mean of the squared gradients"},                 \
              {"max_exp_avg_sq", "the largest exp_avg_sq so far",              \
               .condition = "amsgrad=1"}},                                     \
    .scalars = {"step_size", "mix1", "mix2", "correction2", "eps"},            \
    .prepare = cs_adam_prepare

const clstep_rule cs_rules[] = {
    {
        .name = "sgd",
        .summary = "gradient descent",
        .settings = {{"lr", "step size", .initial = 1e-2, ANY}},
        .scalars = {"step_size"},
        .prepare = cs_sgd_prepare,
    },
    {
        .name = "momentum",
        .summary = "gradient descent with a velocity, also Nesterov's",
        .settings =
            {[MOMENTUM_LR] = {"lr", "step size", .initial = 1e-2, ANY},
             [MOMENTUM_B] = {"momentum", "decay of the velocity",
                             .initial = 0.9, FRACTION},
             [MOMENTUM_FORM] = {"form",
                                "lr outside the velocity (torch) or inside it "
                                "(classical, keras), a mean, a corrected mean, "
                                "or the velocity applied twice",
                                CHOICE("torch", "classical", "ema",
                                       "ema_debiased", "twice")},
             [MOMENTUM_NESTEROV] = {"nesterov", "1: Nesterov's look ahead",
                                    FLAG},
             [MOMENTUM_DAMPENING] = {"dampening",
                                     "share of the gradient that is left out "
                                     "after the first step",
                                     FRACTION}},
        .needs = {{"nesterov", "form", "torch|classical"},
                  {"dampening", "form", "torch"},
                  {"dampening", "nesterov", "0"}},
        .slots = {{"momentum_buffer", "the velocity"}},
        .scalars = {"step_size", "decay", "gain"},
        .prepare = cs_momentum_prepare,
    },
    {
        .name = "adagrad",
        .summary = "divides by the root of the sum of squared gradients",
        .settings =
            {[ADAGRAD_LR] = {"lr", "step size", .initial = 1e-2, ANY},
             [ADAGRAD_EPS] = {"eps", "keeps the divisor from zero",
                              .initial = 1e-10, ANY},
             [ADAGRAD_EPS_FORM] = {"eps_form",
                                   "eps beside the root (torch) or under it "
                                   "(keras)",
                                   CHOICE("outside", "inside")},
             [ADAGRAD_LR_DECAY] = {"lr_decay",
                                   "lr is divided by 1 + (t - 1) lr_decay",
                                   ANY},
             {"initial_accumulator", "where sum begins", ANY}},
        .slots = {{"sum", "sum of the squared gradients",
                   .initial = "initial_accumulator"}},
        .scalars = {"step_size", "eps"},
        .prepare = cs_adagrad_prepare,
    },
    {
        .name = "adadelta",
        .summary = "scales by the ratio of two means of squares",
        .settings = {[ADADELTA_LR] = {"lr", "step size", .initial = 1.0, ANY},
                     [ADADELTA_RHO] = {"rho", "decay of both means",
                                       .initial = 0.9, FRACTION},
                     [ADADELTA_EPS] = {"eps", "added under both roots",
                                       .initial = 1e-6, ANY}},
        .slots = {{"square_avg", "mean of the squared gradients"},
                  {"acc_delta", "mean of the squared updates"}},
        .scalars = {"step_size", "share", "eps"},
        .prepare = cs_adadelta_prepare,
    },
    {
        .name = "rmsprop",
        .summary = "divides by the root of the mean of squared gradients",
        .settings =
            {[RMSPROP_LR] = {"lr", "step size", .initial = 1e-2, ANY},
             [RMSPROP_ALPHA] = {"alpha", "decay of the means", .initial = 0.99,
                                FRACTION},
             [RMSPROP_EPS] = {"eps", "keeps the divisor from zero",
                              .initial = 1e-8, ANY},
             [RMSPROP_EPS_FORM] = {"eps_form",
                                   "eps beside the root (torch) or under it "
                                   "(keras)",
                                   CHOICE("outside", "inside")},
             [RMSPROP_CENTERED] = {"centered",
                                   "1: subtract the square of the mean", FLAG},
             [RMSPROP_MOMENTUM] = {"momentum",
                                   "decay of a velocity of the quotients",
                                   .optional = 1, FRACTION},
             [RMSPROP_MOMENTUM_FORM] = {"momentum_form",
                                        "where momentum is given: lr outside "
                                        "the velocity or inside it",
                                        CHOICE("torch", "keras")},
             {"initial_square", "where square_avg begins", ANY}},
        .slots = {{"square_avg", "mean of the squared gradients",
                   .initial = "initial_square"},
                  {"grad_avg", "mean of the gradients",
                   .condition = "centered=1"},
                  {"momentum_buffer", "the velocity", .condition = "momentum"}},
        .scalars = {"step_size", "share", "eps", "decay"},
        .prepare = cs_rmsprop_prepare,
    },
    {
        .name = "adam",
        .summary = "the mean of the gradients over the root of their squares",
        ADAM_ROW,
    },
    {
        .name = "adamw",
        .summary = "adam with decoupled decay",
        .feature_default = {"weight_decay", 1e-2, NULL},
        ADAM_ROW,
    },
    {
        .name = "adamax",
        .summary = "adam with a decaying maximum in place of the root",
        .settings =
            {[ADAMAX_LR] = {"lr", "step size", .initial = 2e-3, ANY},
             [ADAMAX_BETA1] = {"beta1", "decay of exp_avg", .initial = 0.9,
                               FRACTION},
             [ADAMAX_BETA2] = {"beta2", "decay of exp_inf", .initial = 0.999,
                               FRACTION},
             [ADAMAX_EPS] = {"eps", "keeps the divisor from zero",
                             .initial = 1e-8, ANY},
             [ADAMAX_EPS_FORM] = {"eps_form",
                                  "eps inside the maximum (torch) or beside it "
                                  "(keras)",
                                  CHOICE("max", "outside")}},
        .slots = {{"exp_avg", "mean of the gradients"},
                  {"exp_inf", "decaying maximum of the gradients"}},
        .scalars = {"step_size", "mix1", "beta2", "eps"},
        .prepare = cs_adamax_prepare,
    },
    {
        .name = "nadam",
        .summary = "adam with Nesterov's look ahead",
        .settings =
            {[NADAM_LR] = {"lr", "step size", .initial = 2e-3, ANY},
             [NADAM_BETA1] = {"beta1", "decay of exp_avg", .initial = 0.9,
                              FRACTION},
             [NADAM_BETA2] = {"beta2", "decay of exp_avg_sq", .initial = 0.999,
                              FRACTION},
             [NADAM_EPS] = {"eps", "keeps the divisor from zero",
                            .initial = 1e-8, ANY},
             [NADAM_FORM] = {"form",
                             "momentum that warms up as torch's or as keras' "
                             "does, or a constant one (NAdamW)",
                             CHOICE("torch", "keras", "simple")},
             [NADAM_MOMENTUM_DECAY] = {"momentum_decay",
                                       "how fast the momentum warms up",
                                       .initial = 4e-3, ANY}},
        .needs = {{"momentum_decay", "form", "torch"}},
        .slots = {{"exp_avg", "mean of the gradients"},
                  {"exp_avg_sq", "mean of the squared gradients"}},
        .scalars = {"step_size", "mix1", "mix2", "correction2", "eps",
                    "gradient_share", "mean_share"},
        .prepare = cs_nadam_prepare,
    },
    {
        .name = "radam",
        .summary = "adam whose early steps are rectified",
        .settings =
            {[RADAM_LR] = {"lr", "step size", .initial = 1e-3, ANY},
             [RADAM_BETA1] = {"beta1", "decay of exp_avg", .initial = 0.9,
                              FRACTION},
             [RADAM_BETA2] = {"beta2", "decay of exp_avg_sq", .initial = 0.999,
                              FRACTION},
             [RADAM_EPS] = {"eps", "added to the uncorrected root",
                            .initial = 1e-8, ANY},
             [RADAM_THRESHOLD] = {"threshold",
                                  "rectified where the length of the mean is "
                                  "above it",
                                  .initial = 5.0, .min = 4.0, .max = FLT_MAX}},
        .slots = {{"exp_avg", "mean of the gradients"},
                  {"exp_avg_sq", "mean of the squared gradients"}},
        .scalars = {"step_size", "mix1", "mix2", "eps", "rectified"},
        .prepare = cs_radam_prepare,
    },
    {
        .name = "ftrl",
        .summary = "follow the regularised leader, proximal: sparse weights",
        .settings =
            {[FTRL_LR] = {"lr", "step size", .initial = 1e-3, POSITIVE},
             [FTRL_LAMBDA1] = {"lambda1", "weight of the 1-norm", ANY},
             [FTRL_LAMBDA2] = {"lambda2",
                               "weight of the squared 2-norm, twice keras' l2",
                               ANY},
             [FTRL_BETA] = {"beta", "smooths the rates of rare elements", ANY},
             {"initial_accumulator", "where accumulator begins", .initial = 0.1,
              ANY},
             {"keep_initial",
              "1: the first step starts from the given parameters", FLAG}},
        .slots = {{"accumulator", "sum of the squared gradients",
                   .initial = "initial_accumulator"},
                  {"linear", "sum of the shifted gradients"}},
        .scalars = {"inverse_lr", "lambda1", "quadratic", "first"},
        .prepare = cs_ftrl_prepare,
        .sets_parameter = 1,
    },
    {
        .name = "lion",
        .summary = "the sign of an interpolated mean",
        .settings = {[LION_LR] = {"lr", "step size", .initial = 1e-4, ANY},
                     [LION_BETA1] = {"beta1", "decay of the mean within a step",
                                     .initial = 0.9, FRACTION},
                     [LION_BETA2] = {"beta2", "decay of exp_avg",
                                     .initial = 0.99, FRACTION}},
        .slots = {{"exp_avg", "mean of the gradients"}},
        .scalars = {"step_size", "mix1", "mix2"},
        .prepare = cs_lion_prepare,
    },
    {
        .name = "signsgd",
        .summary = "the sign of the gradient",
        .settings = {{"lr", "step size", .initial = 1e-3, ANY}},
        .scalars = {"step_size"},
        .prepare = cs_sgd_prepare,
    },
    {
        .name = "signum",
        .summary = "the sign of the gradients' mean",
        .settings = {[SIGNUM_LR] = {"lr", "step size", .initial = 1e-3, ANY},
                     [SIGNUM_MOMENTUM] = {"momentum", "decay of exp_avg",
                                          .initial = 0.9, FRACTION}},
        .slots = {{"exp_avg", "mean of the gradients"}},
        .scalars = {"step_size", "share"},
        .prepare = cs_signum_prepare,
    },
    {
        .name = "rprop",
        .summary = "a step size for each element, which the signs adapt",
        .settings =
            {[RPROP_LR] = {"lr", "the first step size", .initial = 1e-2, ANY},
             [RPROP_ETA_MINUS] = {"eta_minus",
                                  "factor where the gradient changed its sign",
                                  .initial = 0.5, .min = FLT_MIN,
                                  .max = 0x1.fffffep-1},
             [RPROP_ETA_PLUS] = {"eta_plus",
                                 "factor where the gradient kept its sign",
                                 .initial = 1.2, .min = 0x1.000002p0,
                                 .max = FLT_MAX},
             [RPROP_STEP_MIN] = {"step_min", "the smallest step size",
                                 .initial = 1e-6, POSITIVE},
             [RPROP_STEP_MAX] = {"step_max", "the largest step size",
                                 .initial = 50, POSITIVE}},
        .slots = {{"prev", "the gradient before, 0 where its sign changed"},
                  {"step_size", "the step size of each element"}},
        .scalars = {"lr", "eta_minus", "eta_plus", "step_min", "step_max",
                    "first"},
        .prepare = cs_rprop_prepare,
    },
    {
        .name = "asgd",
        .summary = "gradient descent that decays and is averaged",
        .settings = {[ASGD_LR] = {"lr", "the first step size", .initial = 1e-2,
                                  ANY},
                     [ASGD_LAMBD] = {"lambd", "decay of the parameters",
                                     .initial = 1e-4, ANY},
                     [ASGD_ALPHA] = {"alpha",
                                     "power by which the step size falls",
                                     .initial = 0.75, ANY},
                     [ASGD_T0] = {"t0", "steps before the average begins",
                                  .initial = 1e6, ANY}},
        .slots = {{"ax", "average of the parameters"}},
        .scalars = {"rate", "shrink", "share"},
        .prepare = cs_asgd_prepare,
        .sets_parameter = 1,
    },
    {
        .name = "adabelief",
        .summary = "divides by how far the gradients are from their mean",
        .settings =
            {[TWO_LR] = {"lr", "step size", .initial = 1e-3, ANY},
             [TWO_BETA1] = {"beta1", "decay of exp_avg", .initial = 0.9,
                            FRACTION},
             [TWO_BETA2] = {"beta2", "decay of exp_avg_var", .initial = 0.999,
                            FRACTION},
             [TWO_EPS] = {"eps",
                          "added to the root, and in each step to exp_avg_var",
                          .initial = 1e-16, ANY},
             [TWO_MORE] =
                 {"rectify", "1: early steps are rectified, as radam's", FLAG}},
        .slots = {{"exp_avg", "mean of the gradients"},
                  {"exp_avg_var",
                   "mean of the squared distances to that mean"}},
        .scalars = {"step_size", "mix1", "mix2", "correction2", "eps",
                    "rectified"},
        .prepare = cs_adabelief_prepare,
    },
    {
        .name = "yogi",
        .summary = "adam whose divisor changes by bounded amounts",
        .settings = {[TWO_LR] = {"lr", "step size", .initial = 1e-2, ANY},
                     [TWO_BETA1] = {"beta1", "decay of exp_avg", .initial = 0.9,
                                    FRACTION},
                     [TWO_BETA2] = {"beta2", "1 minus the gain of exp_avg_sq",
                                    .initial = 0.999, FRACTION},
                     [TWO_EPS] = {"eps", "keeps the divisor from zero",
                                  .initial = 1e-3, ANY},
                     [TWO_MORE] = {"initial_accumulator",
                                   "where both slots begin", .initial = 1e-6,
                                   ANY}},
        .slots = {{"exp_avg", "mean of the gradients",
                   .initial = "initial_accumulator"},
                  {"exp_avg_sq", "follows the squared gradients",
                   .initial = "initial_accumulator"}},
        .scalars = {"step_size", "mix1", "mix2", "correction2", "eps"},
        .prepare = cs_two_prepare,
    },
    {
        .name = "adan",
        .summary = "adam with Nesterov's momentum by gradients' differences",
        .settings = {[ADAN_LR] = {"lr", "step size", .initial = 1e-3, ANY},
                     [ADAN_BETA1] = {"beta1", "decay of exp_avg",
                                     .initial = 0.98, FRACTION},
                     [ADAN_BETA2] = {"beta2",
                                     "decay of exp_avg_diff, and its weight",
                                     .initial = 0.92, FRACTION},
                     [ADAN_BETA3] = {"beta3", "decay of exp_avg_sq",
                                     .initial = 0.99, FRACTION},
                     [ADAN_EPS] = {"eps", "keeps the divisor from zero",
                                   .initial = 1e-8, ANY}},
        .slots = {{"exp_avg", "mean of the gradients"},
                  {"exp_avg_diff", "mean of their differences"},
                  {"exp_avg_sq", "mean of the squares of what is ahead"},
                  {"prev", "the gradient before"}},
        .feature_default = {"decay_form", 0.0, "proximal"},
        .scalars = {"step_size", "mix1", "mix2", "mix3", "beta2", "correction1",
                    "correction2", "correction3", "eps", "first"},
        .prepare = cs_adan_prepare,
    },
    {
        .name = "ademamix",
        .summary = "adam with a second, slow mean",
        .settings =
            {[ADEMAMIX_LR] = {"lr", "step size", .initial = 1e-3, ANY},
             [ADEMAMIX_BETA1] = {"beta1", "decay of exp_avg", .initial = 0.9,
                                 FRACTION},
             [ADEMAMIX_BETA2] = {"beta2", "decay of exp_avg_sq",
                                 .initial = 0.999, FRACTION},
             [ADEMAMIX_BETA3] = {"beta3", "decay of exp_avg_slow",
                                 .initial = 0.9999, FRACTION},
             [ADEMAMIX_ALPHA] = {"alpha", "weight of exp_avg_slow",
                                 .initial = 5, ANY},
             [ADEMAMIX_EPS] = {"eps", "keeps the divisor from zero",
                               .initial = 1e-8, ANY},
             [ADEMAMIX_ALPHA_WARMUP] = {"alpha_warmup",
                                        "steps until alpha is reached", STEPS},
             [ADEMAMIX_BETA3_WARMUP] = {"beta3_warmup",
                                        "steps until beta3 is reached, from "
                                        "beta1 on",
                                        STEPS}},
        .slots = {{"exp_avg", "mean of the gradients"},
                  {"exp_avg_slow", "slow mean of the gradients"},
                  {"exp_avg_sq", "mean of the squared gradients"}},
        .scalars = {"step_size", "mix1", "mix2", "mix3", "correction1",
                    "slow_share", "correction2", "eps"},
        .prepare = cs_ademamix_prepare,
    },
    {
        .name = "qhm",
        .summary = "a weighted mean of the gradient and its momentum",
        .settings = {[QHM_LR] = {"lr", "step size", .initial = 1e-2, ANY},
                     [QHM_MOMENTUM] = {"momentum", "decay of momentum_buffer",
                                       .initial = 0.999, FRACTION},
                     [QHM_NU] = {"nu", "weight of the momentum, 0 for sgd",
                                 .initial = 0.7, SHARE}},
        .slots = {{"momentum_buffer", "mean of the gradients"}},
        .scalars = {"step_size", "share", "mean_share", "gradient_share"},
        .prepare = cs_qhm_prepare,
    },
    {
        .name = "qhadam",
        .summary = "adam with weights for the gradient itself",
        .settings = {[QHADAM_LR] = {"lr", "step size", .initial = 1e-3, ANY},
                     [QHADAM_BETA1] = {"beta1", "decay of exp_avg",
                                       .initial = 0.9, FRACTION},
                     [QHADAM_BETA2] = {"beta2", "decay of exp_avg_sq",
                                       .initial = 0.999, FRACTION},
                     [QHADAM_NU1] = {"nu1",
                                     "weight of exp_avg beside the gradient",
                                     .initial = 0.7, SHARE},
                     [QHADAM_NU2] = {"nu2",
                                     "weight of exp_avg_sq beside the square",
                                     .initial = 1, SHARE},
                     [QHADAM_EPS] = {"eps", "keeps the divisor from zero",
                                     .initial = 1e-8, ANY}},
        .slots = {{"exp_avg", "mean of the gradients"},
                  {"exp_avg_sq", "mean of the squared gradients"}},
        .scalars = {"step_size", "mix1", "mix2", "mean_share", "gradient_share",
                    "square_mean_share", "square_share", "eps"},
        .prepare = cs_qhadam_prepare,
    },
    {
        .name = "laprop",
        .summary = "the mean of gradients that were divided by their root",
        .settings = {[TWO_LR] = {"lr", "step size", .initial = 4e-4, ANY},
                     [TWO_BETA1] = {"beta1", "decay of exp_avg", .initial = 0.9,
                                    FRACTION},
                     [TWO_BETA2] = {"beta2", "decay of exp_avg_sq",
                                    .initial = 0.999, FRACTION},
                     [TWO_EPS] = {"eps", "keeps the divisor from zero",
                                  .initial = 1e-15, ANY}},
        .slots = {{"exp_avg", "mean of the divided gradients"},
                  {"exp_avg_sq", "mean of the squared gradients"}},
        .scalars = {"step_size", "mix1", "mix2", "correction2", "eps"},
        .prepare = cs_two_prepare,
    },
    {
        .name = "adopt",
        .summary = "the mean of gradients divided by the root before them",
        .settings = {[ADOPT_LR] = {"lr", "step size", .initial = 1e-3, ANY},
                     [ADOPT_BETA1] = {"beta1", "decay of exp_avg",
                                      .initial = 0.9, FRACTION},
                     [ADOPT_BETA2] = {"beta2", "decay of exp_avg_sq",
                                      .initial = 0.9999, FRACTION},
                     [ADOPT_EPS] = {"eps", "the divisor is at least this",
                                    .initial = 1e-6, ANY}},
        .slots = {{"exp_avg", "mean of the divided gradients"},
                  {"exp_avg_sq", "mean of the squared gradients"}},
        .scalars = {"step_size", "mix1", "mix2", "eps", "bound", "first"},
        .prepare = cs_adopt_prepare,
        .rests_first = 1,
    },
    {
        .name = "sophia",
        .summary = "divides by the caller's estimate of the curvature",
        .settings = {[SOPHIA_LR] = {"lr", "step size", .initial = 1e-4, ANY},
                     [SOPHIA_BETA1] = {"beta1", "decay of exp_avg",
                                       .initial = 0.965, FRACTION},
                     [SOPHIA_RHO] = {"rho", "times hessian is the divisor",
                                     .initial = 0.04, ANY},
                     [SOPHIA_EPS] = {"eps", "keeps the divisor from zero",
                                     .initial = 1e-15, ANY}},
        .slots =
            {{"exp_avg", "mean of the gradients"},
             {"hessian",
              "the Hessian's diagonal, at least 0, which the caller writes",
              .read_only = 1}},
        .scalars = {"step_size", "mix1", "rho", "eps"},
        .prepare = cs_sophia_prepare,
    },
    {
        .name = "schedule_free_sgd",
        .summary = "gradient descent that needs no schedule of lr",
        .settings =
            {[FREE_SGD_LR] = {"lr", "step size", .initial = 1, ANY},
             [FREE_SGD_MOMENTUM] = {"momentum",
                                    "how near the parameters are to what is "
                                    "evaluated",
                                    .initial = 0.9, .min = FLT_MIN,
                                    .max = 0x1.fffffep-1},
             [FREE_SGD_SCHEDULE +
                 FREE_WARMUP] = {"warmup", "steps until lr is reached", STEPS},
             [FREE_SGD_SCHEDULE +
                 FREE_R] = {"r", "power of t in the weight of a step", ANY},
             [FREE_SGD_SCHEDULE +
                 FREE_POWER] = {"weight_lr_power",
                                "power of the warmup in the weight of a step",
                                .initial = 2, ANY}},
        .slots = {{"z", "where the steps alone lead"}},
        .scalars = {"rate", "share", "lead", "first"},
        .prepare = cs_free_sgd_prepare,
        .sets_parameter = 1,
        .decays_itself = 1,
        .evaluated = "momentum",
    },
    {
        .name = "schedule_free_adamw",
        .summary = "adamw that needs no schedule of lr",
        .settings =
            {[FREE_ADAMW_LR] = {"lr", "step size", .initial = 2.5e-3, ANY},
             [FREE_ADAMW_BETA1] = {"beta1",
                                   "how near the parameters are to what is "
                                   "evaluated",
                                   .initial = 0.9, .min = FLT_MIN,
                                   .max = 0x1.fffffep-1},
             [FREE_ADAMW_BETA2] = {"beta2", "decay of exp_avg_sq",
                                   .initial = 0.999, FRACTION},
             [FREE_ADAMW_EPS] = {"eps", "keeps the divisor from zero",
                                 .initial = 1e-8, ANY},
             [FREE_ADAMW_SCHEDULE +
                 FREE_WARMUP] = {"warmup", "steps until lr is reached", STEPS},
             [FREE_ADAMW_SCHEDULE +
                 FREE_R] = {"r", "power of t in the weight of a step", ANY},
             [FREE_ADAMW_SCHEDULE +
                 FREE_POWER] = {"weight_lr_power",
                                "power of the warmup in the weight of a step",
                                .initial = 2, ANY}},
        .slots = {{"z", "where the steps alone lead"},
                  {"exp_avg_sq", "mean of the squared gradients"}},
        .scalars = {"rate", "share", "lead", "first", "mix2", "correction2",
                    "eps"},
        .prepare = cs_free_adamw_prepare,
        .sets_parameter = 1,
        .decays_itself = 1,
        .evaluated = "beta1",
    },
    {0},
};
