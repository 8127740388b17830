/*
 * mutant_programs.c - what the programs of a configuration are built with
 * SPDX-License-Identifier: MIT
 *
 * scripts/mutants.py runs a kernel's mutant where its text can differ.
 */
#include "mutant_scene_list.h"
#include "plan.h"
#include "sums.h"

#include <stdio.h>
#include <string.h>

/* Prints " NAME" for each "#define NAME" in front of the structs. */
static void print_macros(struct cs_text *text)
{
    static const char define[] = "#define ";
    const char *at = text->failed ? "" : text->data;

    for (; strncmp(at, define, strlen(define)) == 0;
         at += strcspn(at, "\n") + 1)
        printf(" %.*s", (int)strcspn(at + strlen(define), " \n"),
               at + strlen(define));
    cs_text_release(text);
}

void scenes_print(const clstep_rule *rule, const clstep_setting *settings,
                  bool groups, bool grouped)
{
    struct cs_settings resolved;
    struct cs_text text = {0};

    if (cs_settings_resolve(rule, settings, &resolved, NULL) != CLSTEP_OK)
        return;

    const bool sums = cs_sums_needed(&resolved);
    const bool factors = cs_settings_pass(&resolved) != NULL;
    const bool rows = groups || sums || factors;
    const bool prunes = cs_settings_has_feature(&resolved, CS_PRUNE);

    for (int tail = 0; tail <= rows; tail++) {
        const char *macro = tail ? " TAIL" : "";

        printf(" | step/%s:%s", clstep_rule_name(rule), macro);
        cs_plan_write(&resolved, rows, &text);
        print_macros(&text);
        if (cs_settings_has_feature(&resolved, CS_MAX_NORM)) {
            printf(" | rows:%s", macro);
            cs_plan_write(&resolved, rows, &text);
            print_macros(&text);
        }
        if (!cs_settings_has_feature(&resolved, CS_MAX_NORM) && !prunes)
            continue;
        printf(" | finish:%s", macro);
        cs_plan_write(&resolved, rows, &text);
        print_macros(&text);
    }
    if (prunes) {
        printf(" | prune:%s", grouped ? " GROUP_A_CHUNK" : "");
        cs_plan_write(&resolved, rows, &text);
        print_macros(&text);
    }
    if (cs_settings_has_average(&resolved))
        printf(" | swap:%s", rows ? " ROWS" : "");
    if (factors) {
        printf(" | factors/%s:%s", clstep_rule_name(rule),
               grouped ? " GROUP_A_CHUNK" : "");
        cs_plan_write(&resolved, rows, &text);
        print_macros(&text);
    }
    if (sums) {
        printf(" | sums:");
        cs_plan_write_sums(&resolved, grouped, &text);
        print_macros(&text);
    }
}

void scenes_print_macros(size_t index)
{
    for (size_t p = 0; p < PARTS; p++) {
        struct list list;

        if (scenes[index].parts[p].rule == NULL)
            continue;
        read_settings(scenes[index].settings, scenes[index].parts[p].settings,
                      &list);
        scenes_print(clstep_rule_find(scenes[index].parts[p].rule),
                     list.settings,
                     strchr(scenes[index].parts[p].tensors, '/') != NULL,
                     (scenes[index].kind & GROUPED) != 0);
    }
    if (strchr(scenes[index].script, 'n') != NULL)
        printf(" | initialize: NORMAL");
    if (strchr(scenes[index].script, 'u') != NULL)
        printf(" | initialize: UNIFORM");
    if (strchr(scenes[index].script, 'z') != NULL)
        printf(" | initialize: CONSTANT");
    if (strchr(scenes[index].script, 'Z') != NULL)
        printf(" | zeros:");
}
