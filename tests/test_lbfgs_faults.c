/*
 * test_lbfgs_faults.c - the k-th call of L-BFGS fails, for each k
 * SPDX-License-Identifier: MIT
 *
 * A scenario runs with the first call that may fail (faults.h) failing, then
 * the second, and so on; once, or from there on.  After each fault: a message
 * that names the call, parameters and state bit for bit as before the operation
 * (or it says that they are torn, and they are put back), the right bits when
 * the operation is done again, and no object and no memory left over.
 */
#include "faults.h"
#include "problem.h"
#include "scene.h"

#include <stdlib.h>
#include <string.h>

enum { COUNT = 300, MOST_SLOTS = 10, MOST_OPERATIONS = 12 };

static const long counts[] = {200, 44, -1};

/* One iteration a call, so that a call that fails before its direction has
 * changed nothing. */
static const clstep_setting wolfe[] = {{.name = "max_iterations", .value = 1},
                                       {.name = "history", .value = 3},
                                       {.name = "lr", .value = 3},
                                       {0}};
static const clstep_setting none[] = {{.name = "max_iterations", .value = 2},
                                      {.name = "max_evaluations", .value = 1},
                                      {.name = "history", .value = 2},
                                      {.name = "lr", .value = 0.1},
                                      {.name = "line_search", .choice = "none"},
                                      {0}};

static const clstep_setting *settings = wolfe;

struct run {
    struct problem problem;
    clstep_device *device;
    clstep_lbfgs *lbfgs;
    cl_command_queue other; /* out-of-order, where there is such */
    float data[COUNT];
    bool torn; /* it was so once */
};

/* What there is between two operations. */
struct record {
    clstep_lbfgs_progress progress;
    float w[COUNT], slots[MOST_SLOTS][COUNT];
};

struct operation {
    const char *name;
    clstep_status (*act)(struct run *run, clstep_error *error);
};

/* Of a run without faults: in front of each operation, and at the end. */
static struct record records[MOST_OPERATIONS + 1];

/* A device that has the program. */
static clstep_device *shared;

/* --- operations ----------------------------------------------------------- */

static clstep_status create(struct run *run, clstep_error *error)
{
    const clstep_status status = clstep_lbfgs_create(
        run->device, settings, run->problem.layout, &run->lbfgs, error);

    assert_true((status == CLSTEP_OK) == (run->lbfgs != NULL));
    return status;
}

/* The closure's own calls do not fail. */
static int closure(void *user, double *loss)
{
    const bool armed = fault.armed;

    fault.armed = false;

    const int code = problem_closure(user, loss);

    fault.armed = armed;
    return code;
}

static clstep_status
step_on(struct run *run, cl_command_queue queue, clstep_error *error)
{
    clstep_lbfgs_result result;

    return clstep_lbfgs_step(run->lbfgs, queue, &run->problem.buffers, closure,
                             &run->problem, &result, error);
}

static clstep_status step(struct run *run, clstep_error *error)
{
    return step_on(run, run->problem.queue, error);
}

static clstep_status step_elsewhere(struct run *run, clstep_error *error)
{
    return step_on(run, run->other, error);
}

static clstep_status write_slot(struct run *run, clstep_error *error)
{
    memset(run->data, 0, sizeof(run->data)); /* it stays a pair */
    return clstep_lbfgs_write(run->lbfgs, run->problem.queue, "s1", 100, 50,
                              run->data, error);
}

static clstep_status read_slot(struct run *run, clstep_error *error)
{
    return clstep_lbfgs_read(run->lbfgs, run->problem.queue, "y1", 100, 50,
                             run->data, error);
}

static const struct operation creation[] = {{"create", create}, {0}};

static const struct operation life[] = {
    {"create", create},
    {"step", step},
    {"step again", step},
    {"read a slot", read_slot},
    {"step on another queue", step_elsewhere},
    {"write a slot", write_slot},
    {"step after writing", step},
    {"step with a full history", step},
    {"and on", step},
    {0},
};

/* --- records -------------------------------------------------------------- */

static void take(struct run *run, struct record *record)
{
    struct problem *p = &run->problem;
    const char *slot;

    memset(record, 0, sizeof(*record));
    problem_read(p, record->w);
    clstep_lbfgs_state(run->lbfgs, &record->progress);
    for (size_t i = 0; (slot = clstep_lbfgs_slot(run->lbfgs, i)) != NULL; i++) {
        clstep_error error;

        assert_true(i < MOST_SLOTS);
        fixture_ok(clstep_lbfgs_read(run->lbfgs, p->queue, slot, 0, p->count,
                                     record->slots[i], &error),
                   &error);
    }
}

static void check_vector(const struct problem *p, const char *name,
                         const float *a, const float *b)
{
    for (size_t t = 0; t < p->tensor_count; t++)
        check_floats(name, a + p->tensors[t].offset, b + p->tensors[t].offset,
                     p->tensors[t].count);
}

/* All is as it is in 'expected'; but a call that has failed may have evaluated.
 */
static void check(struct run *run, const struct record *expected)
{
    struct record found;

    take(run, &found);
    check_vector(&run->problem, "parameters", found.w, expected->w);
    assert_int_equal(found.progress.iterations, expected->progress.iterations);
    assert_int_equal(found.progress.pairs, expected->progress.pairs);
    for (size_t i = 0; clstep_lbfgs_slot(run->lbfgs, i) != NULL; i++)
        check_vector(&run->problem, clstep_lbfgs_slot(run->lbfgs, i),
                     found.slots[i], expected->slots[i]);
}

/* Puts all back to what it is in 'record'. */
static void mend(struct run *run, const struct record *record)
{
    struct problem *p = &run->problem;
    clstep_error error;
    const char *slot;

    assert_int_equal(clstep_lbfgs_step(run->lbfgs, p->queue, &p->buffers,
                                       closure, p, NULL, &error),
                     CLSTEP_STATE_TORN);
    assert_int_equal(clEnqueueWriteBuffer(
                         p->queue, p->buffers.parameters, CL_TRUE,
                         PROBLEM_FRONT * sizeof(float),
                         p->count * sizeof(float), record->w, 0, NULL, NULL),
                     CL_SUCCESS);
    fixture_ok(clstep_lbfgs_restore(run->lbfgs, &record->progress, &error),
               &error);
    for (size_t i = 0; (slot = clstep_lbfgs_slot(run->lbfgs, i)) != NULL; i++)
        fixture_ok(clstep_lbfgs_write(run->lbfgs, p->queue, slot, 0, p->count,
                                      record->slots[i], &error),
                   &error);
    run->torn = true;
}

/* After a failure: nothing has changed, or it is torn. */
static void look(struct run *run, const struct record *before)
{
    clstep_error error;

    if (run->lbfgs == NULL)
        return;
    fixture_finish(run->problem.queue);
    fixture_finish(run->other);
    if (clstep_lbfgs_read(run->lbfgs, run->problem.queue, "base", 0, 1,
                          run->data, &error) == CLSTEP_STATE_TORN)
        mend(run, before);
    check(run, before);
}

/* --- runs ----------------------------------------------------------------- */

static void open_run(struct run *run, const struct operation *operations)
{
    clstep_error error;

    *run = (struct run){.device = shared};
    problem_open(&run->problem, wells, NULL, counts, wells_start);
    assert_true(run->problem.count <= COUNT);
    if (operations == creation)
        fixture_ok(clstep_device_create(fixture_place()->context, fixture_id(),
                                        &run->device, &error),
                   &error);
    run->other = create_queue(has_out_of_order());
}

static void close_run(struct run *run)
{
    clstep_lbfgs_release(run->lbfgs);
    if (run->device != shared)
        clstep_device_release(run->device);
    fault.armed = false;
    fixture_finish(run->problem.queue);
    clReleaseCommandQueue(run->other);
    problem_close(&run->problem);
}

/* A run without faults. */
static void record_all(const struct operation *operations)
{
    struct record *record = records;
    clstep_error error;
    struct run run;

    open_run(&run, operations);
    take(&run, record++);
    for (; operations->name != NULL; operations++) {
        fixture_ok(operations->act(&run, &error), &error);
        take(&run, record++);
    }
    close_run(&run);
}

struct sums {
    unsigned faults, torn;
};

/* Does an operation; where it fails, does it again without a fault.  False
 * where it failed and once is enough. */
static bool operate(struct run *run, const struct operation *operation,
                    const struct record *before, bool give_up)
{
    clstep_error error = {0};
    clstep_status status;

    fault.armed = fault.struck == 0 || fault.from;
    status = operation->act(run, &error);
    fault.armed = false;
    if (status == CLSTEP_OK)
        return true;
    check_fault(&error);
    if (give_up)
        return false;
    look(run, before);
    status = operation->act(run, &error);
    if (status != CLSTEP_OK)
        fail_msg("%s, without a fault: %s", operation->name, error.message);
    return true;
}

static bool run_once(const struct operation *operations, unsigned at, bool from,
                     struct sums *sums)
{
    const struct record *record = records;
    long before[KINDS];
    struct run run;
    bool goes = true;

    memcpy(before, fault.live, sizeof(before));
    open_run(&run, operations);
    fault.at = at;
    fault.from = from;
    fault.calls = fault.struck = 0;
    for (; operations->name != NULL && goes; operations++) {
        goes = operate(&run, operations, record++, from);
        if (goes && operations->act == step)
            check(&run, record);
    }
    if (goes) {
        check(&run, record);
    } else {
        /* Where no call works, nobody can wait for what still runs. */
        fixture_finish(run.problem.queue);
        fixture_finish(run.other);
        fault.armed = true;
    }
    close_run(&run);
    for (int kind = 0; kind < KINDS; kind++)
        if (fault.live[kind] != before[kind])
            fail_msg("fault %u in %s: %ld objects of kind %d are left", at,
                     fault.struck != 0 ? fault.first : "nothing",
                     fault.live[kind] - before[kind], kind);
    sums->faults += fault.struck != 0;
    sums->torn += run.torn;
    return fault.struck != 0;
}

static void run_all(const struct operation *operations, const char *name)
{
    struct sums sums = {0};
    struct fault_way way;

    record_all(operations);
    for (unsigned i = 0; fault_way(i, 211, &way); i++) {
        unsigned at = way.first;

        fault.other_code = way.other_code;
        while (run_once(operations, at, way.from, &sums))
            at += way.stride;
        assert_true(at > 20);
    }
    print_message("%s: %u faults, 0 lost, %u states torn and mended\n", name,
                  sums.faults, sums.torn);
}

static void faults_of_creation(void **state)
{
    (void)state;
    run_all(creation, "creation");
}

static void faults_of_a_life(void **state)
{
    (void)state;
    run_all(life, "life, wolfe");
    if (fixture_is_small())
        return;
    settings = none;
    run_all(life, "life, none");
    settings = wolfe;
}

/* The shared device keeps its programs. */
static int open_all(void **state)
{
    if (fixture_open(state) != 0)
        return -1;
    shared = fixture_place()->device;
    return 0;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_of_a_life),
        cmocka_unit_test(faults_of_creation),
    };

    return cmocka_run_group_tests(tests, open_all, fixture_close);
}
