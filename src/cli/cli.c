/*
 * cli.c - messages, options and settings of the subcommands
 * SPDX-License-Identifier: MIT
 */
#define _POSIX_C_SOURCE 200809L

#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- messages ------------------------------------------------------------- */

static bool progress_shown;

/* Prints "clstep: <sentence>" as one line, whatever names are part of it. */
static void complain(const char *format, va_list arguments)
{
    char sentence[8192];

    cli_progress_end();
    vsnprintf(sentence, sizeof(sentence), format, arguments);
    fputs("clstep: ", stderr);
    for (const char *at = sentence; *at != '\0'; at++) {
        const unsigned char byte = (unsigned char)*at;

        if (byte < 0x20 || byte == 0x7f)
            fprintf(stderr, "\\x%02x", byte);
        else
            fputc(byte, stderr);
    }
    fputc('\n', stderr);
}

int cli_fail(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    complain(format, arguments);
    va_end(arguments);
    return CLI_FAILED;
}

int cli_misuse(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    complain(format, arguments);
    va_end(arguments);
    return CLI_MISUSED;
}

void cli_progress(const char *format, ...)
{
    va_list arguments;

    if (!isatty(STDERR_FILENO))
        return;
    fputs("\r\033[K", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fflush(stderr);
    progress_shown = true;
}

void cli_progress_end(void)
{
    if (!progress_shown)
        return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
    progress_shown = false;
}

int cli_flush(void)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return CLI_OK;
    clearerr(stdout);
    return cli_fail("cannot write to standard output: %s",
                    errno != 0 ? strerror(errno) : "a write failed");
}

int cli_print_json(json_t *object)
{
    char *text = json_dumps(object, JSON_INDENT(2));

    json_decref(object);
    if (text == NULL)
        return cli_fail("no memory for the JSON text");
    cli_progress_end();
    puts(text);
    free(text);
    return cli_flush();
}

/* --- options -------------------------------------------------------------- */

enum { HELP = 0x48454c50, MAX_OPTIONS = 32 };

/*
 * The subcommand's options as popt gets them: each returns its place from 1 on,
 * and a text is handed over instead of being stored.
 */
static struct poptOption own[MAX_OPTIONS + 1];

static int type_of(const struct poptOption *option)
{
    return (int)(option->argInfo & POPT_ARG_MASK);
}

static bool copy_options(const struct poptOption *options)
{
    int count = 0;

    for (; options[count].longName != NULL; count++) {
        if (count == MAX_OPTIONS)
            return false;
        own[count] = options[count];
        own[count].val = count + 1;
        if (type_of(&own[count]) == POPT_ARG_STRING)
            own[count].arg = NULL;
    }
    own[count] = options[count];
    return true;
}

/* Adds the option's name and 'value', which is the list's then, to its list. */
static int add_in_order(const struct poptOption *option, char *value)
{
    char ***const to = option->arg;
    size_t count = 0;

    while (*to != NULL && (*to)[count] != NULL)
        count++;

    char **grown = realloc(*to, (count + 3) * sizeof(*grown));
    char *name = strdup(option->longName);

    if (grown != NULL)
        *to = grown;
    if (grown == NULL || name == NULL || value == NULL) {
        if (grown != NULL)
            grown[count] = NULL;
        free(name);
        free(value);
        return cli_fail("no memory for the options");
    }
    grown[count] = name;
    grown[count + 1] = value;
    grown[count + 2] = NULL;
    return -1;
}

/* Stores 'value', which must be freed, as that of 'option'. */
static int take_text(const struct poptOption *option, char *value)
{
    char **const to = option->arg;
    int code = -1;

    if (option->val != CLI_IN_ORDER && *to != NULL)
        code = cli_misuse("--%s is given twice", option->longName);
    else if (value != NULL && strncmp(value, "--", 2) == 0)
        code = cli_misuse("--%s needs a %s, but the option '%s' follows",
                          option->longName,
                          option->val == CLI_FILE ? "file" : "value", value);
    if (code < 0 && option->val == CLI_IN_ORDER)
        return add_in_order(option, value);
    if (code < 0)
        *to = value;
    else
        free(value);
    return code;
}

/* The options' part of popt's help, without its first line. */
static void print_options(poptContext context)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);

    if (stream == NULL)
        return;
    poptSetOtherOptionHelp(context, "");
    poptPrintHelp(context, stream, 0);
    if (fclose(stream) == 0 && strchr(text, '\n') != NULL)
        fputs(strchr(text, '\n') + 1, stdout);
    free(text);
}

static int print_help(poptContext context, const char *usage)
{
    const size_t length = strlen(usage);

    printf("Usage: %s", usage);
    if (length > 0 && usage[length - 1] != '\n')
        putchar('\n');
    putchar('\n');
    print_options(context);
    return cli_flush();
}

int cli_options(int argc, const char **argv, const struct poptOption *options,
                const char *usage, const char *const **rest)
{
    /* popt's memory stays in reach, since 'rest' points into it. */
    static poptContext context;
    static const char *none[] = {NULL};
    static const struct poptOption all[] = {
        {NULL, '\0', POPT_ARG_INCLUDE_TABLE, own, 0, NULL, NULL},
        {"help", 'h', POPT_ARG_NONE, NULL, HELP, "Print this text", NULL},
        POPT_TABLEEND};
    int code;

    if (!copy_options(options))
        return cli_fail("%s has too many options", argv[0]);
    if (context != NULL)
        poptFreeContext(context);
    context = poptGetContext("clstep", argc, argv, all, 0);
    if (context == NULL)
        return cli_fail("no memory for the options");
    while ((code = poptGetNextOpt(context)) >= 0) {
        if (code == HELP)
            return print_help(context, usage);
        if (type_of(&options[code - 1]) != POPT_ARG_STRING)
            continue;
        code = take_text(&options[code - 1], poptGetOptArg(context));
        if (code >= 0)
            return code;
    }
    if (code == POPT_ERROR_BADOPT)
        return cli_misuse("%s: unknown option; `clstep %s --help` lists them",
                          poptBadOption(context, 0), argv[0]);
    if (code < -1)
        return cli_misuse("%s: %s", poptBadOption(context, 0),
                          poptStrerror(code));
    *rest = poptGetArgs(context);
    if (*rest == NULL)
        *rest = none;
    return -1;
}

int cli_no_arguments(const char *const *rest)
{
    if (rest[0] == NULL)
        return -1;
    return cli_misuse("the argument '%s' is one too many", rest[0]);
}

int cli_rule(const char *name, const clstep_rule **rule)
{
    *rule = clstep_rule_find(name);
    if (*rule != NULL)
        return -1;
    if (strcmp(name, CLI_LBFGS) == 0)
        return cli_misuse("%s is no rule by element, but evaluates the loss "
                          "itself: a program has it by clstep_lbfgs_create(), "
                          "and `clstep rules %s` describes it",
                          name, name);
    return cli_misuse("no rule is called '%s'; `clstep rules` lists them",
                      name);
}

bool cli_parse_count(const char *text, uint64_t *count)
{
    *count = 0;
    if (*text == '\0')
        return false;
    for (; *text != '\0'; text++) {
        const uint64_t digit = (uint64_t)(*text - '0');

        if (*text < '0' || *text > '9' || *count > (UINT64_MAX - digit) / 10)
            return false;
        *count = 10 * *count + digit;
    }
    return true;
}

bool cli_parse_number(const char *text, double *number)
{
    char *end;

    if (text[0] == '\0' || strchr(" \t\n\v\f\r", text[0]) != NULL)
        return false;
    *number = strtod(text, &end);
    return *end == '\0';
}

int cli_count(const char *option, const char *text, uint64_t most,
              uint64_t *count)
{
    if (cli_parse_count(text, count) && *count >= 1 && *count <= most)
        return -1;
    return cli_misuse("%s is '%s'; it is a whole number from 1 to %" PRIu64,
                      option, text, most);
}

int cli_two_files(const char *option, const char *file,
                  const char *other_option, const char *other_file)
{
    if (file == NULL || other_file == NULL ||
        !output_same_target(file, other_file))
        return -1;
    return cli_misuse("%s and %s are the same file, '%s'", option, other_option,
                      file);
}

/* Whether 'name' is there and no regular file. */
static bool is_special(const char *name)
{
    struct stat status;

    if (lstat(name, &status) != 0)
        return false;
    return stat(name, &status) != 0 || !S_ISREG(status.st_mode);
}

int cli_file_open(struct cli_file *file, const char *option, const char *name)
{
    const char *why;

    *file = (struct cli_file){.option = option, .name = name};
    if (name == NULL)
        return CLI_OK;
    why = is_special(name) ? output_open_device(name, &file->output)
                           : output_open(name, &file->output);
    if (why != NULL)
        return cli_fail("%s: cannot write '%s': %s", option, name, why);
    return CLI_OK;
}

int cli_file_finish(struct cli_file *file)
{
    if (file->output.stream == NULL)
        return CLI_OK;
    if (output_finish(&file->output) != NULL)
        return cli_fail("%s: could not write all of '%s'", file->option,
                        file->name);
    return CLI_OK;
}

int cli_file_commit(struct cli_file *file)
{
    const char *why = output_commit(&file->output);

    if (why != NULL)
        return cli_fail("%s: cannot write '%s': %s", file->option, file->name,
                        why);
    return CLI_OK;
}

void cli_file_release(struct cli_file *file)
{
    output_release(&file->output);
}

void cli_list_release(char **list)
{
    for (size_t i = 0; list != NULL && list[i] != NULL; i++)
        free(list[i]);
    free(list);
}

char *cli_list_join(const char *const *texts)
{
    size_t size = 1, used = 0;

    for (size_t i = 0; texts != NULL && texts[i] != NULL; i++)
        size += strlen(texts[i]) + 1;

    char *joined = calloc(size, 1);

    for (size_t i = 0; joined != NULL && texts != NULL && texts[i] != NULL; i++)
        used += (size_t)snprintf(joined + used, size - used, "%s%s",
                                 i > 0 ? " " : "", texts[i]);
    return joined;
}

/* --- settings ------------------------------------------------------------- */

/* Whose settings: those of a rule, or those of a kind of schedule. */
struct owner {
    const clstep_rule *rule;
    const clstep_schedule_kind *kind;
};

static const char *name_of(const struct owner *owner)
{
    return owner->rule != NULL ? clstep_rule_name(owner->rule)
                               : clstep_schedule_kind_name(owner->kind);
}

static bool
setting_at(const struct owner *owner, size_t index, clstep_setting_info *info)
{
    return owner->rule != NULL
               ? clstep_rule_setting(owner->rule, index, info)
               : clstep_schedule_kind_setting(owner->kind, index, info);
}

static bool find_setting(const struct owner *owner, const char *name,
                         clstep_setting_info *info)
{
    for (size_t i = 0; setting_at(owner, i, info); i++)
        if (strcmp(info->name, name) == 0)
            return true;
    return false;
}

static clstep_status
check_settings(const struct owner *owner, const clstep_setting *list,
               clstep_error *error)
{
    clstep_schedule *schedule = NULL;
    clstep_status status;

    if (owner->rule != NULL)
        return clstep_rule_check(owner->rule, list, error);
    status = clstep_schedule_create(name_of(owner), list, &schedule, error);
    clstep_schedule_release(schedule);
    return status;
}

/* Takes "name=value" into '*setting', whose name and choice are one copy. */
static int parse_setting(const struct owner *owner, const char *text,
                         size_t length, clstep_setting *setting)
{
    const char *equals = memchr(text, '=', length);
    clstep_setting_info info;

    if (equals == NULL || equals == text)
        return cli_misuse("--set: '%s' is not of the form NAME=VALUE", text);
    char *name = strndup(text, length);
    if (name == NULL)
        return cli_fail("no memory for the settings");
    char *value = name + (equals - text);

    *value++ = '\0';
    setting->name = name;
    if (!find_setting(owner, name, &info))
        return -1; /* The library says what there is. */
    if (info.kind == CLSTEP_CHOICE)
        setting->choice = value;
    else if (!cli_parse_number(value, &setting->value))
        return info.kind == CLSTEP_FLAG
                   ? cli_misuse("%s of %s is '%s', which is not 0 or 1", name,
                                name_of(owner), value)
                   : cli_misuse("%s of %s is '%s', which is not a number from"
                                " %g to %g",
                                name, name_of(owner), value, info.min,
                                info.max);
    return -1;
}

/*
 * The same for a text that may be that of a list, "name=1,2,3", as so many
 * settings of that name; moves '*setting' behind the last.
 */
static int parse_settings(const struct owner *owner, const char *text,
                          clstep_setting **setting)
{
    const size_t name = strcspn(text, "="), all = strlen(text);
    clstep_setting_info info;
    char *part;
    int code = -1;

    part = strndup(text, name);
    if (part == NULL)
        return cli_fail("no memory for the settings");

    const bool list = name < all && find_setting(owner, part, &info) &&
                      info.kind == CLSTEP_LIST;

    free(part);
    if (!list)
        return parse_setting(owner, text, all, (*setting)++);
    for (const char *at = text + name + 1; code < 0; at++) {
        const size_t length = strcspn(at, ",");

        part = calloc(name + length + 2, 1);
        if (part == NULL)
            return cli_fail("no memory for the settings");
        memcpy(part, text, name + 1);
        memcpy(part + name + 1, at, length);
        code = parse_setting(owner, part, name + 1 + length, (*setting)++);
        free(part);
        at += length;
        if (*at == '\0')
            break;
    }
    return code;
}

/* The most settings that 'texts' can be. */
static size_t count_settings(const char *const *texts)
{
    size_t count = 0;

    for (; texts != NULL && *texts != NULL; texts++) {
        count++;
        for (const char *at = *texts; *at != '\0'; at++)
            count += *at == ',';
    }
    return count;
}

static int take_settings(const struct owner *owner, const char *const *texts,
                         clstep_setting **list)
{
    clstep_setting *next;
    clstep_error error;
    int code = -1;

    *list = next = calloc(count_settings(texts) + 1, sizeof(**list));
    if (*list == NULL)
        return cli_fail("no memory for the settings");
    for (; texts != NULL && *texts != NULL && code < 0; texts++)
        code = parse_settings(owner, *texts, &next);
    if (code < 0 && check_settings(owner, *list, &error) != CLSTEP_OK)
        code = cli_misuse("%s", error.message);
    if (code >= 0) {
        cli_settings_release(*list);
        *list = NULL;
    }
    return code;
}

int cli_settings(const clstep_rule *rule, const char *const *texts,
                 clstep_setting **list)
{
    const struct owner owner = {.rule = rule};

    return take_settings(&owner, texts, list);
}

int cli_schedule_settings(const clstep_schedule_kind *kind,
                          const char *const *texts, clstep_setting **list)
{
    const struct owner owner = {.kind = kind};

    return take_settings(&owner, texts, list);
}

void cli_settings_release(clstep_setting *list)
{
    for (size_t i = 0; list != NULL && list[i].name != NULL; i++)
        free((void *)(uintptr_t)list[i].name);
    free(list);
}

const char *cli_number_text(double number, char text[32])
{
    if (isnan(number)) /* has a sign, which says nothing */
        return strcpy(text, "nan");
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, 32, "%.*g", digits, number);
        if (strtod(text, NULL) == number)
            break;
    }

    /* "2000" is shorter than "2e+03". */
    if (fabs(number) < 1e7 && number == floor(number) &&
        strchr(text, 'e') != NULL)
        snprintf(text, 32, "%.0f", number);
    return text;
}
