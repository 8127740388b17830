/*
 * rules_markdown.c - docs/rules.md, made from the table of rules
 * SPDX-License-Identifier: MIT
 */
#include "rules.h"

#include <float.h>
#include <stdio.h>
#include <string.h>

static const char head[] =
    "# The rules\n"
    "\n"
    "Made by `clstep rules --markdown` from the table of rules and the comments"
    " of their kernels; a test compares.\n"
    "\n"
    "In formulas w is the parameter, g its gradient behind the features that"
    " act in front of the rule, t the number of the step\n"
    "from 1 on; the other letters are slots, with the names given. The order of"
    " every rounding stands in [numerics.md](numerics.md).\n"
    "\n"
    "*Bytes* are what a step reads and writes for each parameter of 32 bits, its"
    " gradient included. A *dialect* is how a framework or a\n"
    "paper calls the rule, and what to ask for here to get exactly that: x, y, z"
    " and w stand for numbers; what a line does not name has\n"
    "the default, there and here. Most of them are held against the"
    " frameworks' own steps: [golden.md](golden.md).\n";

/* How others call features: theirs, ours, and what is to be said of it. */
static const char *const feature_dialects[][3] = {
    {"torch.optim.R(weight_decay=x)", "l2=x", ", unless R is AdamW"},
    {"torch.optim.AdamW(weight_decay=x)", "weight_decay=x", ""},
    {"torch.optim.R(maximize=True)", "maximize=1", ""},
    {"torch.nn.utils.clip_grad_value_(p, x)", "clip_value=x", ""},
    {"torch.nn.utils.clip_grad_norm_(p, x)", "clip_norm=x", ""},
    {"torch.amp.GradScaler(init_scale=x)", "check_finite=1 scale_start=x", ""},
    {"keras.optimizers.R(weight_decay=x)", "weight_decay=x", ""},
    {"keras.optimizers.R(clipvalue=x)", "clip_value=x", ""},
    {"keras.optimizers.R(clipnorm=x)", "clip_norm_tensor=x",
     ", but for the 1e-6 that is added to the norm here"},
    {"keras.optimizers.R(global_clipnorm=x)", "clip_norm=x",
     ", but for that 1e-6"},
    {"keras.optimizers.R(loss_scale_factor=x)", "grad_scale=x", ""},
    {"optax.chain(add_decayed_weights(x), r)", "l2=x", ""},
    {"optax.chain(r, add_decayed_weights(-x))",
     "weight_decay=x decay_form=independent", ""},
    {"optax.chain(clip(x), r)", "clip_value=x", ""},
    {"optax.chain(clip_by_global_norm(x), r)", "clip_norm=x",
     ", but for that 1e-6"},
    {"timm.optim.R(corrected_weight_decay=True)", "decay_form=corrected", ""},
};

/* --- texts ---------------------------------------------------------------- */

/* Prints 'length' bytes, none of which shall mean anything to Markdown. */
static void print_plain(const char *text, size_t length)
{
    for (size_t i = 0; i < length && text[i] != '\0'; i++) {
        if (strchr("*_<>|[]", text[i]) != NULL)
            putchar('\\');
        putchar(text[i]);
    }
}

static void print_cell(const char *text)
{
    print_plain(text, strlen(text));
}

/* The lines that are indented are formulas, the others prose. */
static void print_formula(const char *formula)
{
    const char *const end = formula + cli_formula_length(formula);
    bool code = false, blank = false;

    for (const char *line = formula; line < end;) {
        const size_t length = strcspn(line, "\n");
        const bool indented = line[0] == ' ';

        if (indented != code && length > 0) {
            puts(indented ? "```text" : "```");
            if (!indented)
                putchar('\n');
            code = indented;
        }
        if (code && length > 0)
            printf("%.*s\n", (int)length - 4, line + 4);
        else if (!code) {
            print_plain(line, length);
            putchar('\n');
        }
        blank = !code && length == 0;
        line += length + 1;
    }
    if (code)
        puts("```");
    if (!blank)
        putchar('\n');
}

/* --- settings ------------------------------------------------------------- */

static void print_range(const clstep_setting_info *info)
{
    if (info->kind == CLSTEP_FLAG) {
        printf("0 or 1");
    } else if (info->kind == CLSTEP_CHOICE) {
        for (int i = 0; info->choices[i] != NULL; i++)
            printf("%s%s", i > 0 ? ", " : "", info->choices[i]);
    } else {
        char min[32], max[32];

        cli_bound_text(info, info->min, min);
        if (info->max >= (double)FLT_MAX)
            printf("%s or more", min);
        else
            printf("%s to %s", min, cli_bound_text(info, info->max, max));
    }
}

static void print_setting(const clstep_setting_info *info)
{
    char text[32];

    printf("| `%s` | %s | ", info->name,
           info->kind == CLSTEP_CHOICE ? info->choices[(int)info->initial]
                                       : cli_default_text(info, text));
    print_range(info);
    printf(" | ");
    print_cell(info->summary);
    puts(" |");
}

static const char setting_titles[] = "| setting | default | allowed | meaning"
                                     " |\n|---|---|---|---|\n";

/* Whether a feature's default under 'rule' is not that of most rules: then it
 * differs from that under the first or the second rule. */
static bool is_particular(const clstep_setting_info *info)
{
    clstep_setting_info other;

    for (size_t r = 0; r < 2; r++)
        for (size_t i = 0; clstep_rule_setting(clstep_rule_at(r), i, &other);
             i++)
            if (other.feature && strcmp(other.name, info->name) == 0 &&
                other.initial == info->initial &&
                other.optional == info->optional)
                return false;
    return true;
}

static void print_settings(const clstep_rule *rule)
{
    clstep_setting_info info;

    fputs(setting_titles, stdout);
    for (size_t i = 0; clstep_rule_setting(rule, i, &info); i++)
        if (!info.feature || is_particular(&info))
            print_setting(&info);
    putchar('\n');
}

/* --- slots, dialects ------------------------------------------------------ */

static void print_slots(const clstep_rule *rule)
{
    clstep_slot_info slot;

    printf("%zu bytes a parameter", rules_bytes(rule));
    for (size_t i = 0; clstep_rule_slot(rule, i, &slot); i++)
        if (slot.condition != NULL)
            printf(", and %d with %s", (int)RULES_SLOT_BYTES, slot.name);
    if (clstep_rule_sums_bytes(rule) != 0)
        printf("; %d of these before the update, for sums over tensors",
               (int)clstep_rule_sums_bytes(rule));
    printf(".\n\n");
    if (!clstep_rule_slot(rule, 0, &slot))
        return;
    puts("| slot | meaning | when |\n|---|---|---|");
    for (size_t i = 0; clstep_rule_slot(rule, i, &slot); i++) {
        printf("| `%s` | ", slot.name);
        print_cell(slot.summary);
        if (slot.per_tensor)
            printf(", one number a tensor");
        if (slot.condition == NULL)
            puts(slot.read_only ? " | always; the caller writes it |"
                                : " | always |");
        else
            printf(" | with `%s` |\n", slot.condition);
    }
    putchar('\n');
}

/* Of L-BFGS if 'rule' is NULL. */
static void print_dialects(const clstep_rule *rule)
{
    struct cli_dialect dialect;

    if (!cli_dialect(rule, 0, &dialect))
        return;
    puts("| dialect | here |\n|---|---|");
    for (size_t i = 0; cli_dialect(rule, i, &dialect); i++) {
        printf("| `%s` | ", dialect.theirs);
        if (strncmp(dialect.ours, "none:", 5) == 0)
            print_cell(dialect.ours);
        else
            printf("`%s`", dialect.ours);
        puts(" |");
    }
    putchar('\n');
}

/* The rule before 'index' that has the same formula, or NULL. */
static const clstep_rule *find_same(size_t index)
{
    const char *formula = clstep_rule_formula(clstep_rule_at(index));

    for (size_t i = 0; i < index && formula != NULL; i++) {
        const char *other = clstep_rule_formula(clstep_rule_at(i));

        if (other != NULL && strcmp(other, formula) == 0)
            return clstep_rule_at(i);
    }
    return NULL;
}

static void print_rule(size_t index)
{
    const clstep_rule *rule = clstep_rule_at(index), *same = find_same(index);
    const char *formula = clstep_rule_formula(rule);

    printf("## %s\n\n", clstep_rule_name(rule));
    if (same != NULL)
        printf("The formula is that of [%s](#%s).\n\n", clstep_rule_name(same),
               clstep_rule_name(same));
    else if (formula != NULL)
        print_formula(formula);
    print_settings(rule);
    print_slots(rule);
    print_dialects(rule);
}

/* --- lbfgs ---------------------------------------------------------------- */

static void print_lbfgs(void)
{
    clstep_setting_info info;

    printf("## %s\n\nNo rule by element: clstep\\_lbfgs\\_create() makes it, it"
           " evaluates the loss itself, and it has none\nof the features.\n\n",
           CLI_LBFGS);
    print_formula(clstep_lbfgs_formula());
    fputs(setting_titles, stdout);
    for (size_t i = 0; clstep_lbfgs_setting(i, &info); i++)
        print_setting(&info);
    puts("\nIt keeps 2 history + 6 floats for each parameter.\n");
    print_dialects(NULL);
}

/* --- the page ------------------------------------------------------------- */

static void print_features(void)
{
    clstep_setting_info info;

    puts(
        "## Features, for every rule\n\n"
        "What a rule cannot have is refused: a `decay_form` but lr where it decays by itself, cautious where"
        " it sets the\nparameter, and `cautious_update` without a sign to go by: adamw and lion have it.\n\n"
        "With the slot `ema` a step moves 8 bytes"
        " more, with the slot `pruned` 4, with a copy 2, with zero\\_grad\n"
        "and with a norm 4 each; of gradients of 16 bits each reading and writing is 2 and not"
        " 4.\n");
    fputs(setting_titles, stdout);
    for (size_t i = 0; clstep_rule_setting(clstep_rule_at(0), i, &info); i++)
        if (info.feature)
            print_setting(&info);
    puts("\nThe dialects of most rules; R and r are one of them.\n\n"
         "| dialect | here |\n|---|---|");
    for (size_t i = 0;
         i < sizeof(feature_dialects) / sizeof(feature_dialects[0]); i++) {
        const char *const *dialect = feature_dialects[i];

        printf("| `%s` | `%s`%s |\n", dialect[0], dialect[1], dialect[2]);
    }
}

void rules_print_markdown(void)
{
    fputs(head, stdout);
    puts("\n| rule | bytes | what it does |\n|---|---|---|");
    for (size_t i = 0; clstep_rule_at(i) != NULL; i++) {
        const clstep_rule *rule = clstep_rule_at(i);
        const char *name = clstep_rule_name(rule);

        printf("| [%s](#%s) | %zu | ", name, name, rules_bytes(rule));
        print_cell(clstep_rule_summary(rule));
        puts(" |");
    }
    putchar('\n');
    for (size_t i = 0; clstep_rule_at(i) != NULL; i++)
        print_rule(i);
    print_lbfgs();
    print_features();
}
