/*
 * settings.h - from the caller's names and values to a rule's checked values
 * SPDX-License-Identifier: MIT
 *
 * The settings of a rule are its own, in the order of its row, followed by the
 * features, in the order of cs_feature.  An index means a place in that list.
 */
#ifndef CS_SETTINGS_H
#define CS_SETTINGS_H

#include "rule.h"

#include <stdbool.h>

/* What any rule can have around it. */
enum cs_feature {
    CS_GRAD_SCALE,
    CS_DEVICE_SCALE,
    CS_SCALE_START,
    CS_SCALE_GROWTH,
    CS_SCALE_INTERVAL,
    CS_SCALE_BACKOFF,
    CS_CHECK_FINITE,
    CS_MAXIMIZE,
    CS_CLIP_VALUE,
    CS_CLIP_NORM,
    CS_CLIP_NORM_TENSOR,
    CS_L1,
    CS_L2,
    CS_WEIGHT_DECAY,
    CS_DECAY_FORM,
    CS_LR_MAX,
    CS_PROX_L1,
    CS_MAX_NORM,
    CS_PRUNE,
    CS_PRUNE_BEGIN,
    CS_PRUNE_END,
    CS_PRUNE_EVERY,
    CS_EMA_DECAY,
    CS_EMA_FORM,
    CS_EMA_BEGIN,
    CS_COPY_TYPE,
    CS_CAUTIOUS_UPDATE,
    CS_GRAD_TYPE,
    CS_ZERO_GRAD,
    CS_FEATURES
};

/* The values of ema_form, and of grad_type and copy_type. */
enum { CS_EMA_EXPONENTIAL, CS_EMA_EQUAL };
enum { CS_TYPE_F32, CS_TYPE_F16, CS_TYPE_BF16 };

/* The values of decay_form. */
enum {
    CS_DECAY_LR,
    CS_DECAY_INDEPENDENT,
    CS_DECAY_CORRECTED,
    CS_DECAY_CAUTIOUS,
    CS_DECAY_PROXIMAL
};

enum { CS_MAX_SETTINGS = CS_MAX_OWN + CS_FEATURES };

/* A number or a flag as it is, a choice as the index of its value. */
struct cs_settings {
    const clstep_rule *rule;
    size_t own; /* settings that are the rule's, in front of the features */
    double value[CS_MAX_SETTINGS];
    bool given[CS_MAX_SETTINGS]; /* by the caller, or by the rule's default */
};

/* The number of settings that are the rule's own. */
size_t cs_settings_own(const clstep_rule *rule);

/* Checks the caller's list for 'rule' and fills in '*settings'. */
clstep_status
cs_settings_resolve(const clstep_rule *rule, const clstep_setting *list,
                    struct cs_settings *settings, clstep_error *error);

/* Gives the number called 'name' a new value, or changes nothing. */
clstep_status cs_settings_set(struct cs_settings *settings, const char *name,
                              double value, clstep_error *error);

/* Fails because no setting is called 'name', and says which there are. */
clstep_status cs_settings_unknown(const clstep_rule *rule, const char *name,
                                  clstep_error *error);

/* The index of the setting called 'name', or -1. */
int cs_settings_find(const clstep_rule *rule, const char *name);

double cs_settings_feature(const struct cs_settings *settings,
                           enum cs_feature feature);
bool cs_settings_has_feature(const struct cs_settings *settings,
                             enum cs_feature feature);

/* Says whether the loss scale is the device's own, section 6 of
 * docs/numerics.md. */
bool cs_settings_has_dynamic_scale(const struct cs_settings *settings);

/* Says whether the device keeps an average of the parameters. */
bool cs_settings_has_average(const struct cs_settings *settings);

/* Says whether a step needs a sum over all gradients first. */
bool cs_settings_has_norm(const struct cs_settings *settings);

/* The pass before the step that these settings need, or NULL. */
const struct cs_pass *cs_settings_pass(const struct cs_settings *settings);

/* Says whether that reads the slot called 'name', or "parameters". */
bool cs_settings_pass_reads(const struct cs_settings *settings,
                            const char *name);

/* Takes over from 'first' what is the same for all groups. */
void cs_settings_share(struct cs_settings *settings,
                       const struct cs_settings *first);

/* Says whether the setting called 'name' has to be the same in all groups. */
bool cs_settings_is_shared(const char *name);

/* Says whether 'slot' is there under these settings. */
bool cs_settings_has_slot(const struct cs_settings *settings,
                          const struct cs_slot *slot);

#endif /* CS_SETTINGS_H */
