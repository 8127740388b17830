/*
 * table.cl - what a step finds in the device's memory, see src/table.h
 * SPDX-License-Identifier: MIT
 *
 * The table is an array of words: a header, an entry for each group, and the
 * rows of scalars.  An entry's first word is where the group's row is, or that
 * there is none in this step.
 */
enum {
    TABLE_BAD,     /* 1: some x is not finite; else 0 */
    TABLE_COUNTED, /* 1: the host says which step each group takes, and the
                      steps of all calls; 0: the device has counted */
    TABLE_STEPS,   /* taken before this one: low word, high word */
    TABLE_STEPS_HIGH,
    TABLE_CLIP,   /* clip_norm or clip_norm_tensor, a float */
    TABLE_GROWTH, /* of the dynamic scale, floats */
    TABLE_INTERVAL,
    TABLE_BACKOFF,
    TABLE_UNUSED,
    TABLE_HEADER,
};

enum {
    ENTRY_ROW,    /* where the row of the step begins, or one of the below */
    ENTRY_ACTIVE, /* 0: frozen */
    ENTRY_FIRST,  /* the step that the first row is for: low word, high word */
    ENTRY_FIRST_HIGH,
    ENTRY_ROWS,   /* where the group's rows begin */
    ENTRY_FLOATS, /* in a row of the group */
    ENTRY_WORDS,
};

#define ROW_SKIPPED 0xfffffffeu
#define ROW_FROZEN  0xffffffffu

/* Of a kernel that follows the step: its arguments, where the row of a group
 * is, and the scalars that are there. */
#ifdef ROWS
#define SCALARS       const global uint *restrict table, const uint entries
#define ROW_OF(group) table[entries + ENTRY_WORDS * (uint)(group) + ENTRY_ROW]
#define HYPER(row)    *(const global struct hyper *)(table + (row))
#else
#define SCALARS       const struct hyper hyper
#define ROW_OF(group) 0
#define HYPER(row)    hyper
#endif

/* The row of the block that the work-item is in: a block is 256 elements, and a
 * work-group is in one of them. */
static inline ulong block_of(ulong first)
{
    return first / 256 + get_group_id(0) * get_local_size(0) / 256;
}

/* What is kept of a tensor while prune chooses elements: its elements are
 * chosen whose value is below SELECTION_VALUE, and of those that equal it the
 * ones in front of the place SELECTION_END of the layout. */
enum {
    SELECTION_OPEN,  /* 1: the digits go on */
    SELECTION_VALUE, /* as far as is known */
    SELECTION_INDEX,
    SELECTION_LEFT, /* to be chosen among those that agree with these */
    SELECTION_END,  /* low word, high word */
    SELECTION_END_HIGH,
    SELECTION_WORDS,
};

/* The absolute value of 'w' as prune orders it; what is held is 0 already, and
 * one NaN is as another. */
static inline uint size_of(float w, float held)
{
    const uint bits = as_uint(w) & 0x7fffffffu;

    return held != 0.0f ? 0 : min(bits, 0x7f800001u);
}
