/*
 * table.h - the scalars of a step in the device's memory, a row for each group
 * SPDX-License-Identifier: MIT
 *
 * Each call writes the table anew, in one piece: a header, an entry for each
 * group and the rows (kernels/table.cl).  Where a step may be skipped, only the
 * device knows which step a group has come to.  The host then sends a row for
 * each step that it may be: from the last count that it has read back, without
 * waiting, to that of the calls that were made.
 */
#ifndef CS_TABLE_H
#define CS_TABLE_H

#include "optimizer.h"

struct cs_sums;
struct cs_flight;

struct cs_table {
    clstep_device *device;
    clstep_optimizer **members; /* one, or those of a joint */
    size_t member_count;
    size_t group_count; /* of all members */
    size_t entry_count; /* behind those of the groups, one for each member,
                           which counts its steps and has no rows */
    size_t floats;      /* of one row of each group together */

    cl_mem words;
    unsigned most; /* calls that may be under way */

    /* The calls that have not ended, the oldest first. */
    struct cs_flight *oldest, **end;
    unsigned flights;
    unsigned uncounted; /* those whose counts the host does not know yet */
    bool counted;       /* the next table says the step of each group */

    struct cs_sums *sums; /* what the device decides, or NULL */
};

/* A table for 'count' optimizers, which it does not retain. */
clstep_status cs_table_create(clstep_optimizer *const *members, size_t count,
                              struct cs_table **table, clstep_error *error);
void cs_table_release(struct cs_table *table);

/*
 * Enqueues the table and what the device decides by it, then the update of each
 * member: one step of all.  '*torn' says on failure whether state may have been
 * changed.
 */
clstep_status cs_table_step(struct cs_table *table, struct cs_call *call,
                            const clstep_buffers *buffers, bool apart,
                            bool *torn, clstep_error *error);

/* Where the device keeps the steps of a member, in the buffer 'control'. */
size_t cs_table_steps_at(const struct cs_table *table, size_t member);

/* Takes in what the calls that have ended have counted. */
void cs_table_look(struct cs_table *table);

/* The same after waiting for all calls. */
clstep_status cs_table_wait(struct cs_table *table, clstep_error *error);

/* Makes the hosts' counts those of the next step; none are under way, or 'drop'
 * says that those that are do not count. */
void cs_table_recount(struct cs_table *table, bool drop);

/* The words of the table in front of its entries, and of an entry; as in
 * kernels/table.cl. */
enum { CS_TABLE_HEADER = 9, CS_ENTRY_WORDS = 6 };

#endif /* CS_TABLE_H */
