/*
 * lbfgs_step.c - a call of L-BFGS: its iterations, and what may go wrong
 * SPDX-License-Identifier: MIT
 */
#include "lbfgs.h"
#include "error.h"

#include <math.h>

/* --- commands and evaluations --------------------------------------------- */

clstep_status cs_lbfgs_begin(const struct cs_lbfgs_call *call,
                             struct cs_call *commands, clstep_error *error)
{
    *commands = (struct cs_call){.queue = call->queue};
    return call->out_of_order ? cs_call_mark(commands, error) : CLSTEP_OK;
}

static clstep_status
finish(const struct cs_lbfgs_call *call, clstep_error *error)
{
    const cl_int code = clFinish(call->queue);

    return code == CL_SUCCESS ? CLSTEP_OK : cs_fail_cl(error, code, "clFinish");
}

clstep_status cs_lbfgs_evaluate(struct cs_lbfgs_call *call, clstep_error *error)
{
    clstep_status status = CLSTEP_OK;

    /* On such a queue nothing else keeps the closure's commands behind. */
    if (call->out_of_order)
        status = finish(call, error);
    if (status != CLSTEP_OK)
        return status;
    call->result->evaluations++;
    call->loss = NAN;

    const int code = call->closure(call->user, &call->loss);

    if (code != 0)
        return cs_fail(error, CLSTEP_CALLBACK_FAILED,
                       "closure returned %d in evaluation %llu of this call; "
                       "it returns 0, or ends the call",
                       code, (unsigned long long)call->result->evaluations);
    return CLSTEP_OK;
}

/* Asks for the largest of the gradient, and where 'reach' of the direction. */
static clstep_status
measure(struct cs_lbfgs_call *call, bool reach, clstep_error *error)
{
    clstep_lbfgs *l = call->lbfgs;
    float answers[2] = {0};
    struct cs_call commands;
    clstep_status status = cs_lbfgs_begin(call, &commands, error);

    l->asks[0] = (struct cs_question){CS_LARGEST, CS_GRADIENT, CS_GRADIENT};
    l->asks[1] = (struct cs_question){CS_LARGEST, CS_DIRECTION, CS_DIRECTION};

    if (status == CLSTEP_OK)
        status = cs_vectors_ask(&l->vectors, &commands, call->buffers, l->asks,
                                reach ? 2 : 1, answers, error);
    cs_call_end(&commands);
    call->largest = (double)answers[0];
    call->reach = (double)answers[1];
    return status;
}

static bool is_finite(const struct cs_lbfgs_call *call)
{
    return isfinite(call->loss) && isfinite(call->largest);
}

/* --- an iteration --------------------------------------------------------- */

/* Begins an iteration: the direction stands in its buffer, the search's base is
 * the parameters; '*t' is how far to go first. */
static clstep_status begin_iteration(struct cs_lbfgs_call *call, double *slope,
                                     double *t, clstep_error *error)
{
    clstep_lbfgs *l = call->lbfgs;
    const double lr = l->value[CS_LBFGS_LR];
    struct cs_call commands;
    double size = 0.0;
    clstep_status status = cs_lbfgs_direction(call, slope, &size, error);

    if (status != CLSTEP_OK)
        return status;
    *t = lr;
    if (l->state.pairs == 0) {
        const double r = 1.0 / size;

        *t = (r < 1.0 ? r : 1.0) * lr;
    }
    *t = (double)(float)*t;
    call->reach = -1.0;

    /* The pairs have changed, and so will the base. */
    call->changes = true;
    status = cs_lbfgs_begin(call, &commands, error);
    if (status == CLSTEP_OK)
        status =
            cs_vectors_direct(&l->vectors, &commands, call->buffers,
                              l->coefficients, l->first, l->state.pairs, error);
    cs_call_end(&commands);
    call->moves = status == CLSTEP_OK;
    l->state.iterations++;
    call->result->iterations++;
    return status;
}

/* The move of line_search=none; '*goes' becomes false where it leads to what is
 * not finite. */
static clstep_status go(struct cs_lbfgs_call *call, double t, bool is_last,
                        bool *goes, clstep_error *error)
{
    struct cs_call commands;
    clstep_status status = cs_lbfgs_begin(call, &commands, error);

    if (status == CLSTEP_OK)
        status = cs_vectors_move(&call->lbfgs->vectors, &commands,
                                 call->buffers, (float)t, error);
    cs_call_end(&commands);
    if (is_last || status != CLSTEP_OK)
        return status;
    status = cs_lbfgs_evaluate(call, error);
    if (status == CLSTEP_OK)
        status = measure(call, true, error);
    *goes = is_finite(call);
    return status;
}

/* Why it stops after a move of length 't' from where the loss was 'before'. */
static clstep_lbfgs_stop
reason(const struct cs_lbfgs_call *call, double t, double before)
{
    const double *value = call->lbfgs->value;
    const double change = value[CS_LBFGS_TOLERANCE_CHANGE];
    const clstep_lbfgs_result *result = call->result;

    /* Nothing moved: the next call would do the same. */
    if (t == 0.0)
        return CLSTEP_LBFGS_STEP;
    if ((double)result->iterations >= value[CS_LBFGS_MAX_ITERATIONS])
        return CLSTEP_LBFGS_ITERATIONS;
    if ((double)result->evaluations >= value[CS_LBFGS_MAX_EVALUATIONS])
        return CLSTEP_LBFGS_EVALUATIONS;
    if (call->largest <= value[CS_LBFGS_TOLERANCE_GRADIENT])
        return CLSTEP_LBFGS_GRADIENT;
    if (t * call->reach <= change)
        return CLSTEP_LBFGS_STEP;
    if (fabs(call->loss - before) < change)
        return CLSTEP_LBFGS_LOSS;
    return CLSTEP_LBFGS_GOES_ON;
}

static clstep_status iterate(struct cs_lbfgs_call *call, clstep_error *error)
{
    const double *value = call->lbfgs->value;
    const double before = call->loss;
    double slope = 0.0, t = 0.0;
    bool goes = true;
    clstep_status status = begin_iteration(call, &slope, &t, error);

    if (status != CLSTEP_OK)
        return status;
    if (!(slope <= -value[CS_LBFGS_TOLERANCE_CHANGE])) {
        call->result->stop = CLSTEP_LBFGS_SLOPE;
        return CLSTEP_OK;
    }
    if (value[CS_LBFGS_LINE_SEARCH] == CS_LBFGS_WOLFE)
        status = cs_lbfgs_search(call, slope, &t, error);
    else
        status = go(call, t,
                    (double)call->result->iterations >=
                        value[CS_LBFGS_MAX_ITERATIONS],
                    &goes, error);
    if (status == CLSTEP_OK)
        call->moves = call->changes = false;
    call->result->stop =
        goes ? reason(call, t, before) : CLSTEP_LBFGS_NOT_FINITE;
    return status;
}

/* --- a call --------------------------------------------------------------- */

static clstep_status run(struct cs_lbfgs_call *call, clstep_error *error)
{
    clstep_status status = cs_lbfgs_evaluate(call, error);

    if (status == CLSTEP_OK)
        status = measure(call, false, error);
    if (status != CLSTEP_OK)
        return status;
    call->result->first_loss = call->loss;
    call->result->stop =
        !is_finite(call) ? CLSTEP_LBFGS_NOT_FINITE
        : call->largest <= call->lbfgs->value[CS_LBFGS_TOLERANCE_GRADIENT]
            ? CLSTEP_LBFGS_GRADIENT
            : CLSTEP_LBFGS_GOES_ON;
    while (status == CLSTEP_OK && call->result->stop == CLSTEP_LBFGS_GOES_ON)
        status = iterate(call, error);
    return status;
}

/* Puts the parameters back to where the search began. */
static clstep_status go_back(const struct cs_lbfgs_call *call)
{
    const struct cs_vectors *vectors = &call->lbfgs->vectors;
    const struct cs_place to = {call->buffers->parameters,
                                call->buffers->parameters_offset};
    struct cs_call commands;
    clstep_status status = cs_lbfgs_begin(call, &commands, NULL);

    if (status == CLSTEP_OK)
        status = cs_vectors_copy(&call->lbfgs->vectors, &commands,
                                 cs_vectors_place(vectors, CS_BASE), to, NULL);
    cs_call_end(&commands);
    return status;
}

clstep_status cs_lbfgs_run(struct cs_lbfgs_call *call, clstep_error *error)
{
    clstep_lbfgs *l = call->lbfgs;
    clstep_status status = run(call, error);
    const bool ours = status != CLSTEP_OK && status != CLSTEP_CALLBACK_FAILED;

    l->state.evaluations += call->result->evaluations;
    call->result->loss = call->loss;
    if (status == CLSTEP_OK) {
        status = finish(call, error);
        l->torn = status != CLSTEP_OK;
        return status;
    }

    /* Without the closure's own mistakes all commands have been right. */
    const bool restored = !call->moves || go_back(call) == CLSTEP_OK;
    const bool finished = finish(call, NULL) == CLSTEP_OK;

    l->torn = (ours && call->changes) || !restored || !finished;
    return status;
}
