/*
 * dialects.c - see dialects.h
 * SPDX-License-Identifier: MIT
 */
#include "dialects.h"

#include <stdio.h>
#include <string.h>

static const char title[] = "Dialects:\n";
static const char arrow[] = " ->";

enum { INDENT = 4 }; /* of a dialect; the line that goes on has more */

size_t cli_formula_length(const char *formula)
{
    const char *found = formula != NULL ? strstr(formula, title) : NULL;

    if (found != NULL)
        return (size_t)(found - formula);
    return formula != NULL ? strlen(formula) : 0;
}

/* Appends the words of a line of 'length' bytes to 'text'. */
static void append(char *text, size_t size, const char *line, size_t length)
{
    const size_t blanks = strspn(line, " "), used = strlen(text);

    snprintf(text + used, size - used, "%s%.*s", used > 0 ? " " : "",
             (int)(length - blanks), line + blanks);
}

/* Takes the dialect that begins at '*at', and moves '*at' behind it. */
static bool take(const char **at, struct cli_dialect *dialect)
{
    char whole[sizeof(dialect->theirs) + sizeof(dialect->ours)] = "";
    char *split;

    do {
        const size_t length = strcspn(*at, "\n");

        append(whole, sizeof(whole), *at, length);
        *at += length + ((*at)[length] == '\n');
    } while (strspn(*at, " ") > INDENT);

    split = strstr(whole, arrow);
    if (split == NULL)
        return false;
    *split = '\0';
    split += strlen(arrow);
    snprintf(dialect->theirs, sizeof(dialect->theirs), "%.159s", whole);
    snprintf(dialect->ours, sizeof(dialect->ours), "%.239s",
             split + strspn(split, " "));
    return true;
}

/* Whether 'ours' is "none: ...", or begins with 'rule'. */
static bool is_none(const struct cli_dialect *dialect)
{
    return strncmp(dialect->ours, "none:", 5) == 0;
}

static bool is_of(const struct cli_dialect *dialect, const char *rule)
{
    const size_t length = strcspn(dialect->ours, " ");

    return strlen(rule) == length && strncmp(dialect->ours, rule, length) == 0;
}

/* L-BFGS has its dialects here: its comment tells of them in a sentence. */
static bool lbfgs_dialect(size_t index, struct cli_dialect *dialect)
{
    static const struct cli_dialect all[] = {
        {"torch.optim.LBFGS()", "lbfgs history=100 line_search=none"},
        {"torch.optim.LBFGS(line_search_fn=\"strong_wolfe\")",
         "lbfgs history=100"}};

    if (index >= sizeof(all) / sizeof(all[0]))
        return false;
    *dialect = all[index];
    return true;
}

bool cli_dialect(const clstep_rule *rule, size_t index,
                 struct cli_dialect *dialect)
{
    const char *formula = rule != NULL ? clstep_rule_formula(rule) : NULL;
    const char *at = formula;
    bool of_rule = true; /* what is none of ours goes with the line before */

    if (rule == NULL)
        return lbfgs_dialect(index, dialect);
    if (formula == NULL)
        return false;
    at += cli_formula_length(formula);
    if (*at == '\0')
        return false;
    at += strlen(title);
    while (*at != '\0' && take(&at, dialect)) {
        if (!is_none(dialect))
            of_rule = is_of(dialect, clstep_rule_name(rule));
        if (of_rule && index-- == 0)
            return true;
    }
    return false;
}
