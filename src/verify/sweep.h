/*
 * sweep.h - every valid combination of a rule's choices, and values to try
 * SPDX-License-Identifier: MIT
 *
 * All of it follows from what the rule says of itself: a new rule, choice or
 * feature is swept by being there.
 */
#ifndef CS_SWEEP_H
#define CS_SWEEP_H

#include "trial.h"

enum { SWEEP_MAX = 64 };

/* A list of settings, ended by a name that is NULL. */
struct sweep_list {
    clstep_setting settings[SWEEP_MAX];
    size_t count;
};

void sweep_add(struct sweep_list *list, clstep_setting setting);

/*
 * The combination at 'index' of the rule's own choices, flags and optional
 * numbers (given at a middling value), without its plain numbers.  Returns
 * false past the last.  Invalid combinations are left out.
 */
bool sweep_choices(const clstep_rule *rule, size_t index,
                   struct sweep_list *list);

/*
 * The values at 'index' of all plain numbers of the rule, in front of those
 * that 'list' has: first the defaults, then each number at each end of its
 * range with the others at their defaults, all at the low end, all at the high
 * end, then 'random' times random values inside.  Returns false past the last.
 */
bool sweep_values(const clstep_rule *rule, size_t index, size_t random,
                  struct trial_random *source, struct sweep_list *list);

/*
 * The way at 'index' of switching on one feature: a number, a flag, or one
 * value of a choice, with what the feature needs.  Numbers have middling
 * values.  Returns false past the last; '*list' is empty where the rule refuses
 * that way.
 */
bool sweep_feature(const clstep_rule *rule, size_t index,
                   struct sweep_list *list);

/*
 * Adds what 'other' gives to 'list'.  Returns false, and changes nothing, where
 * the two give a setting different values, where one says all that the other
 * does (an empty one too), or where the rule does not take them together.
 */
bool sweep_join(const clstep_rule *rule, struct sweep_list *list,
                const struct sweep_list *other);

/*
 * Gives the features' numbers in 'list' the values at 'index': as they are, at
 * the low end, at the high end, random inside, at the high end with an lr above
 * 1 (a decay by more than a float holds), and without lr_max where the list has
 * it.  Returns false past the last.
 */
bool sweep_feature_values(const clstep_rule *rule, size_t index,
                          struct trial_random *source, struct sweep_list *list);

#endif /* CS_SWEEP_H */
