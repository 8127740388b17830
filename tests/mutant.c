/*
 * mutant.c - the trials that should notice a mistake in a kernel or a scalar
 * SPDX-License-Identifier: MIT
 *
 *     mutant --list
 *     mutant VERDICT [RULE:INDEX]... [--kernel NAME FILE [RULE:INDEX]...]...
 *
 * scripts/mutants.py runs it.  The configurations of a rule are its choices,
 * some special trials, then its features one by one, and all of them together
 * with each form of decay.  --list prints the probe's verdict, and each
 * configuration with the macros that its kernel is built with.
 *
 * Else each group of configurations is run, five steps with many values, until
 * something differs; behind --kernel, FILE stands for the text of
 * kernels/NAME.cl.  Prints "at NAME" for each configuration, and for each group
 * "group 0 nothing", "group 1" and what differs (the numbers or the probe's
 * verdict), or "group 2" and which operation failed.
 */
#include "device.h"
#include "fixture.h"
#include "guard.h"
#include "kernels.h"
#include "mutant_scenes.h"
#include "sweep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    STEPS = 5,
    RANDOM_VALUES = 2,
    MAX_CONFIGURATIONS = 128,
    SECONDS = 20 /* for one configuration; then SIGALRM ends the program */
};

/* With the first all values are tried; the last is a multiple of a work-group.
 */
static const uint64_t counts[] = {257, 1, 17, 256};

/* --- what the linker puts in the library's way (-Wl,--wrap) --------------- */

static const char *mutant_name; /* of the kernel, or NULL */
static char *mutant_text;

const char *__real_cs_kernel_text(const char *name);
const char *__wrap_cs_kernel_text(const char *name);

const char *__wrap_cs_kernel_text(const char *name)
{
    if (mutant_name != NULL && strcmp(mutant_name, name) == 0)
        return mutant_text;
    return __real_cs_kernel_text(name);
}

cl_int __real_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel,
                                     cl_uint dimensions, const size_t *offset,
                                     const size_t *global, const size_t *local,
                                     cl_uint count, const cl_event *list,
                                     cl_event *event);
cl_int __wrap_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel,
                                     cl_uint dimensions, const size_t *offset,
                                     const size_t *global, const size_t *local,
                                     cl_uint count, const cl_event *list,
                                     cl_event *event);

/* Leaves out the warm-up for large counts, which compiles once more. */
cl_int __wrap_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel,
                                     cl_uint dimensions, const size_t *offset,
                                     const size_t *global, const size_t *local,
                                     cl_uint count, const cl_event *list,
                                     cl_event *event)
{
    if (event == NULL && *global >= 65536)
        return CL_SUCCESS;
    return __real_clEnqueueNDRangeKernel(queue, kernel, dimensions, offset,
                                         global, local, count, list, event);
}

/* The file at 'path' as a string, or NULL. */
static char *read_text(const char *path)
{
    FILE *file = fopen(path, "rb");
    char *text = NULL;
    long size;

    if (file == NULL)
        return NULL;
    if (fseek(file, 0, SEEK_END) == 0 && (size = ftell(file)) >= 0 &&
        fseek(file, 0, SEEK_SET) == 0)
        text = calloc((size_t)size + 1, 1);
    if (text != NULL && fread(text, 1, (size_t)size, file) != (size_t)size) {
        free(text);
        text = NULL;
    }
    fclose(file);
    return text;
}

/* --- configurations ------------------------------------------------------- */

struct configuration {
    struct sweep_list list;
    bool features;        /* vary their numbers, not the rule's */
    struct trial special; /* the only one to run where it has a count */
};

/* What the sweeps do not meet. */
static const struct {
    const char *rule;
    clstep_setting settings[4];
    struct trial trial;
} specials[] = {
    /* Past the beginning of the rectification, with an eps that counts. */
    {"radam", {{"eps", 0.0625, NULL}}, {.count = 257, .steps = 12}},
    /* Long after, when the length of the mean is the threshold. */
    {"radam",
     {{"beta2", 0.75, NULL}, {"threshold", 7.0, NULL}},
     {.count = 17, .steps = 200}},
    /* A share whose last bits turn one sign in many. */
    {"lion", {{"beta1", 0.9999995, NULL}}, {.count = 60007, .steps = 5}},
    /* Until the average begins, and after; the same of the warmups. */
    {"asgd",
     {{"lambd", 0.25, NULL}, {"t0", 3.0, NULL}},
     {.count = 257, .steps = 12}},
    {"ademamix",
     {{"alpha_warmup", 5.0, NULL}, {"beta3_warmup", 6.5, NULL}},
     {.count = 257, .steps = 12}},
    {"adabelief",
     {{"rectify", 1.0, NULL}, {"eps", 0.0625, NULL}},
     {.count = 257, .steps = 12}},
    {"schedule_free_sgd", {{"warmup", 3.5, NULL}}, {.count = 257, .steps = 12}},
    {"schedule_free_adamw",
     {{"warmup", 3.5, NULL}, {"weight_lr_power", 1.5, NULL}},
     {.count = 257, .steps = 12}},
    /* No rectification where none is asked for, after many steps too. */
    {"adabelief", {{"eps", 0.0625, NULL}}, {.count = 257, .steps = 12}},
    /* What is remembered of the steps before, when it does not hold any more.
     */
    {"schedule_free_sgd",
     {{"warmup", 1.5, NULL}},
     {.count = 257, .steps = 9, .disturb = true}},
    {"nadam", {{NULL}}, {.count = 257, .steps = 9, .disturb = true}},
    /* Momenta that are beta1, to the bit, after a while. */
    {"nadam",
     {{"beta1", 0.99, NULL}, {"momentum_decay", 10.0, NULL}},
     {.count = 257, .before = 85, .steps = 15}},
    /* Weights that are not added any more: in the warmup, as it ends, without
     * one, and far away. */
    {"schedule_free_sgd",
     {{"warmup", 4101.5, NULL}, {"r", 1.5, NULL}},
     {.count = 17, .before = 4093, .steps = 12}},
    {"schedule_free_sgd",
     {{"weight_lr_power", 1.5, NULL}, {"r", 0.5, NULL}},
     {.count = 17, .before = 4093, .steps = 6}},
    {"schedule_free_sgd",
     {{"warmup", 1e6, NULL}, {"r", 3.0, NULL}},
     {.count = 17, .before = (uint64_t)1 << 40, .steps = 2}},
    {"adamp",
     {{"weight_decay", 0.25, NULL}},
     {.count = 257, .steps = 2, .seed = 2}},
    {"sgdp",
     {{"weight_decay", 0.25, NULL}},
     {.count = 257, .steps = 2, .seed = 2}},
    {"sgdp",
     {{"weight_decay", 0.25, NULL}},
     {.count = 17, .steps = 2, .seed = 2, .zero_gradients = true}},
    {"sgdp",
     {{"weight_decay", 0.25, NULL}, {"delta", 1e9, NULL}},
     {.count = 17, .steps = 2, .seed = 2}},
    /* Defaults that act late, or together with another setting. */
    {"schedule_free_adamw",
     {{"warmup", 3.5, NULL}},
     {.count = 257, .steps = 6}},
    {"asgd", {{NULL}}, {.count = 17, .before = 1000003, .steps = 3}},
    {"adan", {{"weight_decay", 0.25, NULL}}, {.count = 257, .steps = 2}},
    /* A decay of one; norms of zero. */
    {"lamb", {{"weight_decay", 1.0, NULL}}, {.count = 257, .steps = 2}},
    {"lars", {{"weight_decay", 1.0, NULL}}, {.count = 257, .steps = 2}},
    {"novograd", {{"weight_decay", 1.0, NULL}}, {.count = 257, .steps = 2}},
    {"lamb", {{NULL}}, {.count = 17, .steps = 1, .zero_parameters = true}},
    {"lars", {{NULL}}, {.count = 17, .steps = 1, .zero_parameters = true}},
    {"lamb",
     {{"weight_decay", 0.0, NULL}},
     {.count = 17, .steps = 1, .zero_gradients = true}},
    {"lars",
     {{"weight_decay", 0.25, NULL}},
     {.count = 17, .steps = 1, .zero_gradients = true}},
};

static bool has(const struct sweep_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->settings[i].name, name) == 0)
            return true;
    return false;
}

/* Adds to '*list' all features that go with what it has. */
static void add_features(const clstep_rule *rule, struct sweep_list *list)
{
    struct sweep_list way;

    for (size_t i = 0; sweep_feature(rule, i, &way); i++)
        sweep_join(rule, list, &way);
}

/* Adds the special trials of 'rule' to 'all', which has 'n' entries. */
static size_t
add_specials(const clstep_rule *rule, struct configuration *all, size_t n)
{
    for (size_t i = 0; i < sizeof(specials) / sizeof(*specials); i++) {
        if (strcmp(specials[i].rule, clstep_rule_name(rule)) != 0)
            continue;
        all[n] = (struct configuration){.special = specials[i].trial};
        for (size_t k = 0; specials[i].settings[k].name != NULL; k++)
            sweep_add(&all[n].list, specials[i].settings[k]);
        n++;
    }
    return n;
}

/* Fills in the configurations of 'rule' and returns their number. */
static size_t configure(const clstep_rule *rule, struct configuration *all)
{
    struct sweep_list list;
    size_t n = 0;

    for (size_t i = 0; sweep_choices(rule, i, &list); i++)
        all[n++] = (struct configuration){.list = list};
    n = add_specials(rule, all, n);
    for (size_t i = 0; sweep_feature(rule, i, &list); i++)
        if (list.count != 0)
            all[n++] = (struct configuration){.list = list, .features = true};
    for (size_t i = 0; sweep_feature(rule, i, &list); i++) {
        if (!has(&list, "decay_form"))
            continue;
        add_features(rule, &list);
        all[n++] = (struct configuration){.list = list, .features = true};
    }
    return n;
}

static int list_all(void)
{
    static struct configuration all[MAX_CONFIGURATIONS];
    const clstep_rule *rule;
    clstep_numerics numerics;

    clstep_device_numerics(fixture_place()->device, &numerics);
    printf("verdict %s\n", clstep_verdict_name(numerics.verdict));
    for (size_t r = 0; (rule = clstep_rule_at(r)) != NULL; r++) {
        const size_t n = configure(rule, all);

        for (size_t i = 0; i < n; i++) {
            printf("%s %s:%zu", all[i].features ? "features" : "choices",
                   clstep_rule_name(rule), i);
            scenes_print(rule, all[i].list.settings, false, false);
            printf("\n");
        }
    }
    for (size_t i = 0; i < scenes_count(); i++) {
        printf("features scene:%zu", i);
        scenes_print_macros(i);
        printf("\n");
    }
    return 0;
}

/* --- trials --------------------------------------------------------------- */

static struct trial_place place; /* of the group */
static char message[640];        /* what differs, or what failed */

static int run_trial(const clstep_rule *rule, const struct sweep_list *list,
                     const struct trial *like, struct trial_random *random)
{
    struct trial trial = *like;
    struct trial_result result = {0};
    clstep_error error;

    trial.rule = rule;
    trial.settings = list->settings;
    trial.parameters_offset = trial_random_next(random) % 8;
    trial.gradients_offset = trial_random_next(random) % 8;
    if (trial.seed == 0)
        trial.seed = trial_random_next(random);
    if (trial_run(&place, &trial, &result, &error) != CLSTEP_OK) {
        snprintf(message, sizeof(message), "%s", error.message);
        return 2;
    }

    const bool overrun = guard_overrun();

    snprintf(message, sizeof(message), "%s",
             overrun ? "a slot was written past its end" : result.first);
    return overrun || result.mismatches != 0;
}

/* Gives 'list' the values at 'index'; false past the last. */
static bool
give_values(const clstep_rule *rule, const struct configuration *configuration,
            size_t index, struct trial_random *random, struct sweep_list *list)
{
    *list = configuration->list;
    return configuration->features
               ? sweep_feature_values(rule, index, random, list)
               : sweep_values(rule, index, RANDOM_VALUES, random, list);
}

static int run_configuration(const clstep_rule *rule,
                             const struct configuration *configuration)
{
    struct trial_random random = {fixture_seed()};
    struct sweep_list list = configuration->list;
    int code = 0;

    if (configuration->special.count != 0)
        return run_trial(rule, &list, &configuration->special, &random);
    for (size_t v = 0;
         code == 0 && give_values(rule, configuration, v, &random, &list); v++)
        code = run_trial(rule, &list,
                         &(struct trial){.count = counts[0],
                                         .steps = STEPS,
                                         .disturb = v % 2 == 0},
                         &random);
    for (size_t c = 1; code == 0 && c < sizeof(counts) / sizeof(*counts); c++)
        code = run_trial(rule, &configuration->list,
                         &(struct trial){.count = counts[c], .steps = STEPS},
                         &random);
    return code;
}

static int run_scene(size_t index)
{
    if (index >= scenes_count())
        return 2;

    const int code =
        scenes_run(&place, index, fixture_seed(), message, sizeof(message));

    if (code != 0 || !guard_overrun())
        return code;
    snprintf(message, sizeof(message), "a buffer was written past its end");
    return 1;
}

/* Runs what 'name', "RULE:INDEX" or "scene:INDEX", says. */
static int run_named(const char *name)
{
    static struct configuration all[MAX_CONFIGURATIONS];
    const clstep_rule *rule;
    char rule_name[32];
    size_t index;

    snprintf(message, sizeof(message), "no configuration is called %s", name);
    if (sscanf(name, "%31[^:]:%zu", rule_name, &index) != 2)
        return 2;
    if (strcmp(rule_name, "scene") == 0)
        return run_scene(index);
    place.device->grouped = false;
    rule = clstep_rule_find(rule_name);
    if (rule == NULL || index >= configure(rule, all))
        return 2;
    return run_configuration(rule, &all[index]);
}

/* Opens a device of the group's own: another one has other programs. */
static int open_device(const char *verdict)
{
    clstep_numerics numerics;
    clstep_error error;

    guard_overrun();
    place = *fixture_place();
    if (clstep_device_create(place.context, fixture_id(), &place.device,
                             &error) != CLSTEP_OK) {
        snprintf(message, sizeof(message), "%s", error.message);
        return 2;
    }
    clstep_device_numerics(place.device, &numerics);
    snprintf(message, sizeof(message), "the probe's verdict is %s",
             clstep_verdict_name(numerics.verdict));
    return strcmp(clstep_verdict_name(numerics.verdict), verdict) != 0;
}

/* Runs the 'count' configurations called 'names'. */
static void run_group(const char *verdict, char **names, int count)
{
    int code = open_device(verdict);

    for (int i = 0; i < count && code == 0; i++) {
        printf("at %s\n", names[i]);
        fflush(stdout);
        alarm(SECONDS);
        code = run_named(names[i]);
    }
    alarm(0);
    alarm(SECONDS);
    clstep_device_release(place.device);
    alarm(0);
    printf("group %d %s\n", code, code == 0 ? "nothing" : message);
    fflush(stdout);
}

static bool is_kernel(const char *argument)
{
    return strcmp(argument, "--kernel") == 0;
}

/* Runs all groups of the command line; 'arguments' ends with NULL. */
static int run_groups(const char *verdict, char **arguments)
{
    while (*arguments != NULL) {
        int count = 0;

        if (is_kernel(*arguments)) {
            if (arguments[1] == NULL || arguments[2] == NULL)
                return 2;
            free(mutant_text);
            mutant_name = arguments[1];
            mutant_text = read_text(arguments[2]);
            if (mutant_text == NULL)
                return 2;
            arguments += 3;
        }
        while (arguments[count] != NULL && !is_kernel(arguments[count]))
            count++;
        run_group(verdict, arguments, count);
        arguments += count;
    }
    free(mutant_text);
    return 0;
}

int main(int argc, char **argv)
{
    int code;

    if (argc < 2 || fixture_open(NULL) != 0)
        return 2;
    if (strcmp(argv[1], "--list") == 0)
        code = list_all();
    else
        code = run_groups(argv[1], argv + 2);
    fixture_close(NULL);
    return code;
}
