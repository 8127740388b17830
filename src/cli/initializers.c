/*
 * initializers.c - `clstep initializers`: how parameters can begin
 * SPDX-License-Identifier: MIT
 */
#include "cli.h"

#include <stdio.h>

static const char usage[] =
    "clstep initializers [NAME] [--json]\n"
    "\n"
    "Lists the initializers of clstep_initialize(), or describes the one called\n"
    "NAME: its settings and its formula.\n";

static void print_list(void)
{
    const clstep_initializer *initializer;

    printf("%-16s %s\n", "initializer", "what it does");
    for (size_t i = 0; (initializer = clstep_initializer_at(i)) != NULL; i++)
        printf("%-16s %s\n", clstep_initializer_name(initializer),
               clstep_initializer_summary(initializer));
}

static void print_one(const clstep_initializer *initializer)
{
    clstep_setting_info info;
    size_t count = 0;

    printf("%s: %s\n", clstep_initializer_name(initializer),
           clstep_initializer_summary(initializer));
    puts("\nSettings (the default first)");
    for (; clstep_initializer_setting(initializer, count, &info); count++)
        cli_print_setting(&info);
    if (count == 0)
        puts("  none");
    cli_print_formula(clstep_initializer_formula(initializer));
}

static json_t *describe(const clstep_initializer *initializer)
{
    json_t *settings = json_array();
    clstep_setting_info info;

    for (size_t i = 0; clstep_initializer_setting(initializer, i, &info); i++)
        json_array_append_new(settings, cli_describe_setting(&info));
    return json_pack(
        "{s:s, s:s, s:o, s:s}", "name", clstep_initializer_name(initializer),
        "summary", clstep_initializer_summary(initializer), "settings",
        settings, "formula", clstep_initializer_formula(initializer));
}

/* All, or only 'one'. */
static json_t *describe_all(const clstep_initializer *one)
{
    json_t *list = json_array();
    const clstep_initializer *initializer;

    for (size_t i = 0; (initializer = clstep_initializer_at(i)) != NULL; i++)
        if (one == NULL || initializer == one)
            json_array_append_new(list, describe(initializer));
    return json_pack("{s:o}", "initializers", list);
}

int cli_initializers(int argc, const char **argv)
{
    int json = 0;
    const struct poptOption options[] = {
        {"json", '\0', POPT_ARG_NONE, &json, 0, "Print one JSON object", NULL},
        POPT_TABLEEND};
    const char *const *rest;
    const clstep_initializer *initializer = NULL;
    int code = cli_options(argc, argv, options, usage, &rest);

    if (code >= 0)
        return code;
    if (rest[0] != NULL) {
        initializer = clstep_initializer_find(rest[0]);
        if (initializer == NULL)
            return cli_misuse("no initializer is called '%s'; `clstep"
                              " initializers` lists them",
                              rest[0]);
        code = cli_no_arguments(rest + 1);
        if (code >= 0)
            return code;
    }
    if (json)
        return cli_print_json(describe_all(initializer));
    if (initializer == NULL)
        print_list();
    else
        print_one(initializer);
    return CLI_OK;
}
