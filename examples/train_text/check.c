/*
 * check.c - see check.h
 * SPDX-License-Identifier: MIT
 */
#include "check.h"

#include "fail.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct batch {
    const struct model *model;
    const struct device_text *text;
};

/* The loss that the gradients are of: in nats, not in bits. */
static int loss(void *user, double *loss)
{
    const struct batch *batch = user;

    *loss = log(2.0) * model_evaluate(batch->model, batch->text,
                                      batch->model->sizes.batch);
    show_progress("checking gradients, loss %.6f", *loss);
    return 0;
}

int check_gradients(const struct model *model, const struct device_text *text)
{
    const size_t tensors = clstep_layout_tensors(model->layout);
    clstep_gradient_result *results = allocate(tensors, sizeof(*results));
    struct batch batch = {model, text};

    /* The mean of so many losses, each rounded, is rounded less. */
    const clstep_gradient_options options = {
        .precision = 0x1p-23 / sqrt((double)model->sizes.batch)};
    clstep_tensor tensor;
    clstep_error error;
    int right = 1;

    model_gradients(model, text, 0, model->sizes.batch);
    model_take_bits(model);
    check_clstep(clstep_check_gradient(model->layout, model->queue,
                                       model->parameters, 0, model->gradients,
                                       0, loss, &batch, &options, results,
                                       &error),
                 &error);
    wipe_progress();
    for (size_t t = 0; clstep_layout_tensor(model->layout, t, &tensor); t++) {
        const clstep_gradient_result *r = &results[t];

        printf("%-10s %s %s: error %.1e, of it noise %.1e at most, in %llu of "
               "%llu parameters\n",
               t == 0 ? "gradients" : "", tensor.name,
               clstep_agreement_name(r->agreement), r->error, r->noise,
               (unsigned long long)r->samples,
               (unsigned long long)tensor.count);
        right = right && r->agreement != CLSTEP_WRONG;
    }
    fflush(stdout);
    free(results);
    return right;
}
