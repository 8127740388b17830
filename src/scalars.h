/*
 * scalars.h - the settings of rules by number, and the scalars made of them
 * SPDX-License-Identifier: MIT
 */
#ifndef CS_SCALARS_H
#define CS_SCALARS_H

#include "rule.h"

/* The place of each setting in its rule's row. */
enum {
    MOMENTUM_LR,
    MOMENTUM_B,
    MOMENTUM_FORM,
    MOMENTUM_NESTEROV,
    MOMENTUM_DAMPENING
};
enum { ADAGRAD_LR, ADAGRAD_EPS, ADAGRAD_EPS_FORM, ADAGRAD_LR_DECAY };
enum { ADADELTA_LR, ADADELTA_RHO, ADADELTA_EPS };
enum {
    RMSPROP_LR,
    RMSPROP_ALPHA,
    RMSPROP_EPS,
    RMSPROP_EPS_FORM,
    RMSPROP_CENTERED,
    RMSPROP_MOMENTUM,
    RMSPROP_MOMENTUM_FORM
};
enum { ADAM_LR, ADAM_BETA1, ADAM_BETA2, ADAM_EPS, ADAM_EPS_FORM, ADAM_AMSGRAD };
enum { ADAMAX_LR, ADAMAX_BETA1, ADAMAX_BETA2, ADAMAX_EPS, ADAMAX_EPS_FORM };
enum {
    NADAM_LR,
    NADAM_BETA1,
    NADAM_BETA2,
    NADAM_EPS,
    NADAM_FORM,
    NADAM_MOMENTUM_DECAY
};
enum { RADAM_LR, RADAM_BETA1, RADAM_BETA2, RADAM_EPS, RADAM_THRESHOLD };
enum { FTRL_LR, FTRL_LAMBDA1, FTRL_LAMBDA2, FTRL_BETA };
enum { LION_LR, LION_BETA1, LION_BETA2 };
enum { SIGNUM_LR, SIGNUM_MOMENTUM };
enum {
    RPROP_LR,
    RPROP_ETA_MINUS,
    RPROP_ETA_PLUS,
    RPROP_STEP_MIN,
    RPROP_STEP_MAX
};
enum { ASGD_LR, ASGD_LAMBD, ASGD_ALPHA, ASGD_T0 };
enum { TWO_LR, TWO_BETA1, TWO_BETA2, TWO_EPS, TWO_MORE };
enum { ADAN_LR, ADAN_BETA1, ADAN_BETA2, ADAN_BETA3, ADAN_EPS };
enum {
    ADEMAMIX_LR,
    ADEMAMIX_BETA1,
    ADEMAMIX_BETA2,
    ADEMAMIX_BETA3,
    ADEMAMIX_ALPHA,
    ADEMAMIX_EPS,
    ADEMAMIX_ALPHA_WARMUP,
    ADEMAMIX_BETA3_WARMUP
};
enum { QHM_LR, QHM_MOMENTUM, QHM_NU };
enum {
    QHADAM_LR,
    QHADAM_BETA1,
    QHADAM_BETA2,
    QHADAM_NU1,
    QHADAM_NU2,
    QHADAM_EPS
};
enum { ADOPT_LR, ADOPT_BETA1, ADOPT_BETA2, ADOPT_EPS };
enum { SOPHIA_LR, SOPHIA_BETA1, SOPHIA_RHO, SOPHIA_EPS };
enum { FREE_SGD_LR, FREE_SGD_MOMENTUM, FREE_SGD_SCHEDULE };
enum {
    FREE_ADAMW_LR,
    FREE_ADAMW_BETA1,
    FREE_ADAMW_BETA2,
    FREE_ADAMW_EPS,
    FREE_ADAMW_SCHEDULE
};

/* What both have behind their own settings. */
enum { FREE_WARMUP, FREE_R, FREE_POWER };
enum { LAMB_LR, LAMB_BETA1, LAMB_BETA2, LAMB_EPS };
enum { LARS_LR, LARS_MOMENTUM, LARS_NESTEROV, LARS_TRUST, LARS_EPS };
enum { NOVOGRAD_LR, NOVOGRAD_BETA1, NOVOGRAD_BETA2, NOVOGRAD_EPS };
enum { STABLE_LR, STABLE_BETA1, STABLE_BETA2, STABLE_EPS };

/* Those that end in _SETTINGS are how many there are: the features follow. */
enum {
    ADAMP_LR,
    ADAMP_BETA1,
    ADAMP_BETA2,
    ADAMP_EPS,
    ADAMP_DELTA,
    ADAMP_WD_RATIO,
    ADAMP_NESTEROV,
    ADAMP_SETTINGS
};
enum {
    SGDP_LR,
    SGDP_MOMENTUM,
    SGDP_DAMPENING,
    SGDP_NESTEROV,
    SGDP_EPS,
    SGDP_DELTA,
    SGDP_WD_RATIO,
    SGDP_SETTINGS
};

/* What a row has as 'prepare'. */
cs_prepare cs_sgd_prepare, cs_momentum_prepare, cs_adagrad_prepare,
    cs_adadelta_prepare, cs_rmsprop_prepare, cs_adam_prepare, cs_adamax_prepare,
    cs_nadam_prepare, cs_radam_prepare, cs_ftrl_prepare, cs_lion_prepare,
    cs_signum_prepare, cs_rprop_prepare, cs_asgd_prepare, cs_two_prepare,
    cs_adabelief_prepare, cs_adan_prepare, cs_ademamix_prepare, cs_qhm_prepare,
    cs_qhadam_prepare, cs_adopt_prepare, cs_sophia_prepare, cs_free_sgd_prepare,
    cs_free_adamw_prepare, cs_lamb_prepare, cs_lars_prepare,
    cs_novograd_prepare, cs_stable_adamw_prepare, cs_adamp_prepare,
    cs_sgdp_prepare;

#endif /* CS_SCALARS_H */
