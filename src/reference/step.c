/*
 * step.c - the order of a step
 * SPDX-License-Identifier: MIT
 *
 * First all gradients are read, for the finite check and the norm, which are of
 * all tensors of all optimizers; then each tensor is stepped by itself.  What
 * is common to all is as the first optimizer has it.
 */
#include "internal.h"

#include <math.h>

/* The step of the tensor at 'index'. */
static struct step step_of(struct reference *r, size_t index, float *w)
{
    const struct reference_tensor *tensor = &r->tensors[index];
    const struct group *group = &r->groups[tensor->group];
    const size_t offset = (size_t)tensor->offset;

    return (struct step){.reference = r,
                         .group = group,
                         .t = group->steps + 1,
                         .index = index,
                         .offset = offset,
                         .count = (size_t)tensor->count,
                         .rows = (size_t)tensor->rows,
                         .x = r->x + offset,
                         .w = w + offset,
                         .u = r->u + offset};
}

static bool frozen(const struct reference *r, size_t index)
{
    return r->groups[r->tensors[index].group].frozen;
}

static bool all_frozen(const struct reference *r)
{
    for (size_t i = 0; i < r->group_count; i++)
        if (!r->groups[i].frozen)
            return false;
    return true;
}

/* Whether the step needs the norm, which the report tells too. */
static bool needs_norm(const struct reference *first)
{
    return flag(first->groups, "check_finite") ||
           given(first->groups, "clip_norm") ||
           given(first->groups, "clip_norm_tensor");
}

/* Whether gradients are scaled, and then the factor, in '*k'. */
static bool find_scale(const struct reference *first, float *k)
{
    if (first->dynamic)
        *k = 1.0f / first->report.scale;
    else if (flag(first->groups, "device_scale"))
        *k = 1.0f / first->device_scale;
    else if (given(first->groups, "grad_scale"))
        *k = 1.0f / (float)number(first->groups, "grad_scale");
    else
        return false;
    return true;
}

/*
 * Reads the gradients of an optimizer as far as the norm, whose sums it leaves
 * in 'sums'.  Returns whether all were finite.
 */
static bool read_gradients(struct reference *r, const struct reference *first,
                           float *w, const void *g)
{
    float k = 1.0f;
    const bool scaled = find_scale(first, &k);
    bool finite = true;

    for (size_t i = 0; i < r->tensor_count; i++) {
        r->sums[i] = 0.0f;
        if (frozen(r, i))
            continue;

        const struct step s = step_of(r, i, w);
        const struct group *clip = r == first ? s.group : first->groups;

        reference_read_gradient(&s, g, scaled, k);
        finite = reference_finite(&s) && finite;
        if (flag(s.group, "maximize"))
            reference_maximize(&s);
        if (given(clip, "clip_value"))
            reference_clip_value(&s, number(clip, "clip_value"));
        if (needs_norm(first))
            r->sums[i] = reference_sum(s.x, s.count);
    }
    return finite;
}

static void move(const struct step *s, float a)
{
    for (size_t i = 0; i < s->count; i++)
        s->w[i] = s->w[i] - a * s->u[i];
}

/* Steps a tensor whose gradient was read. */
static void step_tensor(const struct step *s, uint16_t *copy)
{
    const struct rule *rule = s->reference->rule;

    reference_regularize(s);
    reference_before(s);

    const float a = rule->step(s);

    if (!rule->sets_w) {
        if (flag(s->group, "cautious_update"))
            reference_cautious_update(s);
        reference_between(s);
        move(s, a);
    }
    reference_after(s, copy);
}

/* Steps an optimizer whose gradients were read, all with the one norm. */
static void take_step(struct reference *r, const struct reference *first,
                      float norm, float *w, uint16_t *copy)
{
    for (size_t i = 0; i < r->tensor_count; i++) {
        if (frozen(r, i))
            continue;

        const struct step s = step_of(r, i, w);

        if (given(first->groups, "clip_norm"))
            reference_clip_norm(&s, number(first->groups, "clip_norm"), norm);
        if (given(first->groups, "clip_norm_tensor"))
            reference_clip_norm(&s, number(first->groups, "clip_norm_tensor"),
                                sqrtf(r->sums[i]));
        step_tensor(&s, copy);
    }
    for (size_t i = 0; i < r->group_count; i++)
        if (!r->groups[i].frozen)
            r->groups[i].steps++;
    if (!all_frozen(r))
        r->report.steps++;
}

static void zero_gradients(struct reference *r, float *w, void *g)
{
    for (size_t i = 0; i < r->tensor_count; i++) {
        const struct step s = step_of(r, i, w);

        if (!frozen(r, i))
            reference_zero_grad(&s, g);
    }
}

/* The dynamic scale after a step: PyTorch's GradScaler. */
static void update_scale(struct reference *first, bool skipped)
{
    struct reference_report *report = &first->report;
    const struct group *group = first->groups;
    const float growth = (float)number(group, "scale_growth");
    const float interval = (float)number(group, "scale_interval");
    const float backoff = (float)number(group, "scale_backoff");

    if (skipped) {
        report->scale = fmaxf(report->scale * backoff, FLT_MIN);
        report->scale_steps = 0;
        return;
    }
    report->scale_steps++;
    if ((float)report->scale_steps < interval)
        return;
    report->scale_steps = 0;

    const float grown = report->scale * growth;

    if (isfinite(grown))
        report->scale = grown;
}

/* Gives an optimizer what was decided for all. */
static void share_report(struct reference *r, const struct reference *first)
{
    const uint64_t steps = r->report.steps;

    r->report = first->report;
    r->report.steps = steps;
}

void reference_joint_step(struct reference *const *references, size_t count,
                          float *const *w, void *const *g, void *const *copy)
{
    struct reference *const *r = references;
    struct reference *first = r[0];
    const bool check = flag(first->groups, "check_finite");
    bool thawed = false;
    bool finite = true;

    for (size_t i = 0; i < count; i++)
        thawed = thawed || !all_frozen(r[i]);
    if (!thawed)
        return;
    for (size_t i = 0; i < count; i++)
        finite = read_gradients(r[i], first, w[i], g[i]) && finite;

    const float norm = sqrtf(reference_total(r, count));
    const bool skipped = check && !finite;

    if (!skipped)
        for (size_t i = 0; i < count; i++)
            take_step(r[i], first, norm, w[i], copy != NULL ? copy[i] : NULL);
    for (size_t i = 0; i < count; i++)
        zero_gradients(r[i], w[i], g[i]);
    if (needs_norm(first))
        first->report.norm = norm;
    if (skipped)
        first->report.skipped++;
    if (first->dynamic)
        update_scale(first, skipped);
    for (size_t i = 1; i < count; i++)
        share_report(r[i], first);
}

void reference_step(struct reference *reference, float *w, void *g,
                    uint16_t *copy)
{
    void *const copies[] = {copy};

    reference_joint_step(&reference, 1, &w, &g, copies);
}

void reference_swap(struct reference *reference, float *w)
{
    for (size_t i = 0; i < reference->tensor_count; i++) {
        const struct step s = step_of(reference, i, w);
        float *e = slot(&s, "ema");

        if (e == NULL || s.group->steps == 0)
            continue;
        for (size_t j = 0; j < s.count; j++) {
            const float kept = e[j];

            e[j] = s.w[j];
            s.w[j] = kept;
        }
    }
}

bool reference_evaluate(struct reference *reference, float *w, float *x)
{
    const char *by = reference->rule->evaluated_by;

    if (by == NULL)
        return false;
    for (size_t i = 0; i < reference->tensor_count; i++) {
        const struct step s = step_of(reference, i, w);
        const float k = (float)(1.0 - 1.0 / number(s.group, by));
        const float *z = slot(&s, "z");

        for (size_t j = 0; j < s.count; j++)
            x[s.offset + j] =
                s.group->steps == 0 ? s.w[j] : s.w[j] + k * (z[j] - s.w[j]);
    }
    return true;
}
