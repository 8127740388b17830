/*
 * table.c - see table.h
 * SPDX-License-Identifier: MIT
 */
#include "table.h"
#include "error.h"
#include "factors.h"
#include "plan.h"
#include "sums.h"

#include <stdlib.h>
#include <string.h>

/* The header's words and an entry's; as in kernels/table.cl. */
enum {
    TABLE_COUNTED = 1,
    TABLE_STEPS,
    TABLE_STEPS_HIGH,
    TABLE_CLIP,
    TABLE_GROWTH,
    TABLE_INTERVAL,
    TABLE_BACKOFF
};
enum {
    ENTRY_ROW,
    ENTRY_ACTIVE,
    ENTRY_FIRST,
    ENTRY_FIRST_HIGH,
    ENTRY_ROWS,
    ENTRY_FLOATS
};
static const uint32_t row_frozen = 0xffffffffu;

enum { MOST_WORDS = 1 << 22 }; /* of a table, as far as the choice goes */

/* A call that has not ended: the memory that it reads and writes. */
struct cs_flight {
    struct cs_flight *next;
    cl_event end;
    bool counts; /* it tells the host the counts */
    uint32_t *words;
    size_t word_count;
    cl_ulong *counted; /* struct cs_control, then the groups' */
};

static size_t control_bytes(const struct cs_table *table)
{
    return sizeof(struct cs_control) + table->entry_count * sizeof(cl_ulong);
}

size_t cs_table_steps_at(const struct cs_table *table, size_t member)
{
    return sizeof(struct cs_control) +
           (table->group_count + member) * sizeof(cl_ulong);
}

static bool device_counts(const struct cs_table *table)
{
    return cs_settings_feature(table->members[0]->settings, CS_CHECK_FINITE) !=
           0.0;
}

/* --- create --------------------------------------------------------------- */

clstep_status cs_table_create(clstep_optimizer *const *members, size_t count,
                              struct cs_table **out, clstep_error *error)
{
    struct cs_table *table = calloc(1, sizeof(*table));
    clstep_status status = CLSTEP_OK;
    uint64_t words;

    *out = table;
    if (table != NULL)
        table->members = malloc(count * sizeof(*table->members));
    if (table == NULL || table->members == NULL)
        return cs_fail(error, CLSTEP_OUT_OF_MEMORY, "no memory for a table");
    memcpy(table->members, members, count * sizeof(*table->members));
    table->member_count = count;
    table->device = members[0]->device;
    table->end = &table->oldest;
    table->counted = true;
    for (size_t i = 0; i < count; i++) {
        table->group_count += members[i]->group_count;
        table->floats += members[i]->group_count * members[i]->floats;
    }
    table->entry_count = table->group_count + count;

    /* As many rows as calls can be under way, and one. */
    table->most = CLSTEP_IN_FLIGHT;
    while (device_counts(table) && table->most > 2 &&
           (uint64_t)table->floats * table->most > MOST_WORDS)
        table->most /= 2;
    words = (uint64_t)table->floats * (device_counts(table) ? table->most : 1);
    words += CS_TABLE_HEADER + CS_ENTRY_WORDS * (uint64_t)table->entry_count;
    status = cs_device_buffer(table->device, words, "the table of scalars",
                              &table->words, error);
    if (status == CLSTEP_OK && cs_sums_needed(members[0]->settings))
        status = cs_sums_create(table, &table->sums, error);
    return status;
}

static void flight_release(struct cs_flight *flight)
{
    if (flight == NULL)
        return;
    if (flight->end != NULL)
        clReleaseEvent(flight->end);
    free(flight->words);
    free(flight->counted);
    free(flight);
}

static void CL_CALLBACK landed(cl_event event, cl_int state, void *flight)
{
    (void)event;
    (void)state;
    flight_release(flight);
}

/* Lets a flight go as soon as the device is done with its memory.  The event is
 * not released by the callback: drivers that call it at once use the event
 * after it. */
static void leave(struct cs_flight *flight)
{
    const cl_event end = flight->end;

    flight->end = NULL;
    if (clSetEventCallback(end, CL_COMPLETE, landed, flight) != CL_SUCCESS) {
        clWaitForEvents(1, &end);
        flight_release(flight);
    }
    clReleaseEvent(end);
}

void cs_table_release(struct cs_table *table)
{
    if (table == NULL)
        return;

    for (struct cs_flight *f = table->oldest, *next; f != NULL; f = next) {
        next = f->next;
        leave(f);
    }
    cs_sums_release(table->sums);
    if (table->words != NULL)
        clReleaseMemObject(table->words);
    free(table->members);
    free(table);
}

/* --- what has ended ------------------------------------------------------- */

/* Takes over what the oldest call has counted, and forgets it. */
static void land(struct cs_table *table, bool failed)
{
    struct cs_flight *flight = table->oldest;

    if (flight->counts) {
        const struct cs_control *control = (const void *)flight->counted;
        const cl_ulong *counts = (const void *)(control + 1);
        const cl_ulong *steps = counts + table->group_count;

        for (size_t m = 0; m < table->member_count && !failed; m++) {
            clstep_optimizer *opt = table->members[m];

            opt->steps = steps[m];
            for (size_t g = 0; g < opt->group_count; g++)
                opt->groups[g].steps = *counts++;
        }
        table->uncounted--;
    }
    table->oldest = flight->next;
    if (table->oldest == NULL)
        table->end = &table->oldest;
    table->flights--;
    flight_release(flight);
}

void cs_table_look(struct cs_table *table)
{
    while (table->oldest != NULL) {
        cl_int state = CL_QUEUED;
        const cl_int code = clGetEventInfo(table->oldest->end,
                                           CL_EVENT_COMMAND_EXECUTION_STATUS,
                                           sizeof(state), &state, NULL);

        if (code != CL_SUCCESS || state > CL_COMPLETE)
            return;
        land(table, state < 0);
    }
}

/* Waits until at most 'most' calls are under way. */
static clstep_status
wait_for(struct cs_table *table, unsigned most, clstep_error *error)
{
    while (table->flights > most) {
        const cl_int code = clWaitForEvents(1, &table->oldest->end);

        if (code != CL_SUCCESS &&
            code != CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST)
            return cs_fail_cl(error, code, "clWaitForEvents");
        land(table, code != CL_SUCCESS);
    }
    return CLSTEP_OK;
}

clstep_status cs_table_wait(struct cs_table *table, clstep_error *error)
{
    return wait_for(table, 0, error);
}

void cs_table_recount(struct cs_table *table, bool drop)
{
    for (struct cs_flight *f = table->oldest; f != NULL && drop; f = f->next)
        f->counts = false;
    table->uncounted = drop ? 0 : table->uncounted;
    table->counted = true;
}

/* --- a step --------------------------------------------------------------- */

static uint32_t bits_of(double value)
{
    const float rounded = (float)value;
    uint32_t bits;

    memcpy(&bits, &rounded, sizeof(bits));
    return bits;
}

static void write_header(const struct cs_table *table, uint32_t *words)
{
    const clstep_optimizer *opt = table->members[0];
    const struct cs_settings *settings = opt->settings;
    const enum cs_feature clip = cs_settings_has_feature(settings, CS_CLIP_NORM)
                                     ? CS_CLIP_NORM
                                     : CS_CLIP_NORM_TENSOR;

    words[TABLE_COUNTED] = table->counted;
    words[TABLE_STEPS] = (uint32_t)opt->steps;
    words[TABLE_STEPS_HIGH] = (uint32_t)(opt->steps >> 32);
    words[TABLE_CLIP] = bits_of(cs_settings_feature(settings, clip));
    words[TABLE_GROWTH] =
        bits_of(cs_settings_feature(settings, CS_SCALE_GROWTH));
    words[TABLE_INTERVAL] =
        bits_of(cs_settings_feature(settings, CS_SCALE_INTERVAL));
    words[TABLE_BACKOFF] =
        bits_of(cs_settings_feature(settings, CS_SCALE_BACKOFF));
}

/* Writes a group's entry, and its rows from word 'at' on; returns where the
 * next ones begin. */
static size_t write_group(const struct cs_table *table, clstep_optimizer *opt,
                          struct cs_group *group, size_t candidates, size_t at,
                          uint32_t *entry, uint32_t *words)
{
    const uint64_t first = group->steps + 1;

    entry[ENTRY_ROW] = group->frozen ? row_frozen : (uint32_t)at;
    entry[ENTRY_ACTIVE] = !group->frozen;
    entry[ENTRY_FIRST] = (uint32_t)first;
    entry[ENTRY_FIRST_HIGH] = (uint32_t)(first >> 32);
    entry[ENTRY_ROWS] = (uint32_t)at;
    entry[ENTRY_FLOATS] = (uint32_t)opt->floats;
    for (size_t c = 0; c < candidates && !group->frozen; c++) {
        const clstep_optimizer *leader = table->members[0];
        const struct cs_settings *settings = &group->settings;
        struct cs_settings common;
        float row[CS_MAX_FLOATS];

        if (opt != leader) {
            common = group->settings;
            cs_settings_share(&common, leader->settings);
            settings = &common;
        }
        cs_plan_pack(settings, first + c, &group->memo, row);
        memcpy(words + at, row, opt->floats * sizeof(*row));
        at += opt->floats;
    }
    return at;
}

/* Writes the entry that counts a member's own steps. */
static void write_member(const clstep_optimizer *opt, uint32_t *entry)
{
    const uint64_t first = opt->steps + 1;

    entry[ENTRY_ROW] = row_frozen;
    entry[ENTRY_ACTIVE] = !cs_is_frozen(opt);
    entry[ENTRY_FIRST] = (uint32_t)first;
    entry[ENTRY_FIRST_HIGH] = (uint32_t)(first >> 32);
}

/* The table of the next call. */
static clstep_status
prepare(struct cs_table *table, struct cs_flight **out, clstep_error *error)
{
    const size_t candidates = table->uncounted + 1;
    const size_t entries =
        CS_TABLE_HEADER + CS_ENTRY_WORDS * table->entry_count;
    struct cs_flight *flight = calloc(1, sizeof(*flight));
    size_t at = entries, group = 0;

    *out = flight;
    if (flight != NULL) {
        flight->words = calloc(entries + candidates * table->floats,
                               sizeof(*flight->words));
        flight->counts = table->sums != NULL && device_counts(table);
        if (flight->counts)
            flight->counted = malloc(control_bytes(table));
    }
    if (flight == NULL || flight->words == NULL ||
        (flight->counts && flight->counted == NULL))
        return cs_fail(error, CLSTEP_OUT_OF_MEMORY,
                       "no memory for the scalars of %zu groups",
                       table->group_count);
    write_header(table, flight->words);
    for (size_t m = 0; m < table->member_count; m++) {
        clstep_optimizer *opt = table->members[m];

        for (size_t g = 0; g < opt->group_count; g++, group++)
            at = write_group(table, opt, &opt->groups[g], candidates, at,
                             flight->words + CS_TABLE_HEADER +
                                 CS_ENTRY_WORDS * group,
                             flight->words);
        write_member(opt, flight->words + CS_TABLE_HEADER +
                              CS_ENTRY_WORDS * (table->group_count + m));
    }
    flight->word_count = at;
    return CLSTEP_OK;
}

/* Keeps the flight, which takes over the call's last event, until that has
 * completed. */
static void
keep(struct cs_table *table, struct cs_flight *flight, struct cs_call *call)
{
    call->lent = true;
    flight->end = call->last;
    *table->end = flight;
    table->end = &flight->next;
    table->flights++;
    table->uncounted += flight->counts;
}

/* Enqueues it all; '*torn' becomes true with the first command that changes
 * state. */
static clstep_status
enqueue(struct cs_table *table, struct cs_flight *flight, struct cs_call *call,
        const clstep_buffers *buffers, bool apart, bool *torn,
        clstep_error *error)
{
    clstep_status status = cs_call_write(
        call, table->words, CL_FALSE, 0,
        flight->word_count * sizeof(*flight->words), flight->words, error);

    if (status == CLSTEP_OK && table->sums != NULL) {
        status = cs_sums_add(table->sums, table, call, buffers, apart, error);
        if (status == CLSTEP_OK)
            status = cs_sums_decide(table->sums, table, call, buffers, error);
        *torn = status == CLSTEP_OK;
        if (status == CLSTEP_OK && flight->counts)
            status = cs_call_read(call, table->sums->control, CL_FALSE, 0,
                                  control_bytes(table), flight->counted, error);
    }
    for (size_t m = 0; m < table->member_count && status == CLSTEP_OK; m++) {
        clstep_optimizer *opt = table->members[m];
        const uint64_t before = call->taken;

        if (opt->factors != NULL)
            status = cs_factors_add(opt, call, &buffers[m], apart, error);
        if (status == CLSTEP_OK)
            status = cs_launch_update(opt, call, &buffers[m], apart, error);
        *torn = *torn || call->taken != before;
    }
    return status;
}

clstep_status cs_table_step(struct cs_table *table, struct cs_call *call,
                            const clstep_buffers *buffers, bool apart,
                            bool *torn, clstep_error *error)
{
    struct cs_flight *flight = NULL;
    clstep_status status;

    *torn = false;
    cs_table_look(table);
    status = wait_for(table, table->most - 1, error);
    if (status == CLSTEP_OK)
        status = prepare(table, &flight, error);
    if (status != CLSTEP_OK) {
        flight_release(flight);
        return status;
    }

    status = enqueue(table, flight, call, buffers, apart, torn, error);
    flight->counts = flight->counts && status == CLSTEP_OK;
    if (call->last != NULL)
        keep(table, flight, call);
    else
        flight_release(flight);
    if (status != CLSTEP_OK)
        return status;

    table->counted = !device_counts(table);
    for (size_t m = 0; m < table->member_count && table->counted; m++) {
        clstep_optimizer *opt = table->members[m];

        opt->steps += !cs_is_frozen(opt);
        for (size_t g = 0; g < opt->group_count; g++)
            opt->groups[g].steps += !opt->groups[g].frozen;
    }
    return CLSTEP_OK;
}
