/*
 * mutant_scene_list.c - see mutant_scene_list.h
 * SPDX-License-Identifier: MIT
 */
#include "mutant_scene_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct scene_row scenes[] = {
    /* A table without sums: groups, tails, and what follows the rule. */
    {"zero_grad=1 ema_decay=0.75 ema_begin=1 copy_type=bf16 l2=0.01",
     {{"adagrad", "lr_decay=0.25", "300 256/1 1 3x100/2 0/1 515/2"}},
     "F1 s w w q1 s h0 s T1 s w w F0 s q s C1 s s c s",
     0},
    {"ema_form=equal ema_begin=2",
     {{"adagrad", "lr_decay=0.25", "100 1/1 37/2"}},
     "s q2 s s s C1 s s w w c s",
     MIDDLES},
    {"weight_decay=0.1 l1=0.01 clip_value=0.5",
     {{"momentum", "form=classical", "512 256/1"}},
     "s F0 s T0 h1 s q s",
     0},
    {"copy_type=f16", {{"sgd", "lr=1e38", "300"}}, "s o s", 0},

    /* Norms. */
    {"clip_norm=0.75",
     {{"sgd", "lr=0.5", "10000 4096/1 17 0/1 255/2 9x500"}},
     "s F1 s i o T1 F0 s h s q2 i T0 d s",
     0},
    {"clip_norm=0.75",
     {{"sgd", "lr=0.5", "10000 4096/1 17 0/1 255/2 9x500"}},
     "s F1 s i o T1 F0 s h s q2 i T0 d s",
     GROUPED},
    {"clip_norm_tensor=0.75 maximize=1",
     {{"sgd", "lr=0.5", "5000 256/1 17 0/1 255/2 9x50"}},
     "s F1 s i o T1 F0 s h s q2 i T0 d s",
     0},
    {"clip_norm=4 clip_value=0.5 grad_scale=3 maximize=1 grad_type=f16",
     {{"sgd", "lr=0.5", "4700 300/1 4112"}},
     "s d F1 s i h s q d o",
     0},
    {"clip_norm=4 clip_value=0.5 grad_scale=3 maximize=1 grad_type=f16",
     {{"sgd", "lr=0.5", "4700 300/1 4112"}},
     "s d F1 s i h s q d o",
     GROUPED},
    {"clip_norm=0.75 clip_value=0",
     {{"sgd", "lr=0.5", "300 4700/1"}},
     "s s",
     0},
    {"clip_norm=0.75 clip_value=0",
     {{"sgd", "lr=0.5", "300 4700/1"}},
     "s s",
     GROUPED},
    {"clip_norm=4 device_scale=1 grad_type=bf16",
     {{"sgd", "lr=0.5", "4700 300/1 4112"}},
     "s d F1 s i h s q d o",
     0},
    {"clip_norm=4 device_scale=1 grad_type=bf16 zero_grad=1 check_finite=1",
     {{"sgd", "lr=0.5", "4700 300/1"}},
     "s d F1 s i h s q o o o o o o o (sbs)",
     GROUPED},
    {"clip_norm=2", {{"sgd", "lr=0.5", "3*300 5/1"}}, "s F1 s", 0},
    {"clip_norm=2", {{"sgd", "lr=0.5", "1100000 20"}}, "s o", 0},
    {"clip_norm=2", {{"sgd", "lr=0.5", "300 0*65600 3/1 0*300 5"}}, "s", 0},
    {"clip_norm=2", {{"sgd", "lr=0.5", "300 0*65400 3/1 5"}}, "s", 0},
    {"clip_norm=2", {{"sgd", "lr=0.5", "2*255 5/1"}}, "s", 0},
    {"clip_norm=0", {{"sgd", "lr=0.5", "300 5/1"}}, "s s", 0},
    {"clip_norm_tensor=0", {{"sgd", "lr=0.5", "300 5/1"}}, "s s", 0},
    {"clip_norm=2 grad_type=f16",
     {{"sgd", "lr=0.5", "512 2/1"}},
     "s b s b s b s b",
     0},
    {"device_scale=1 l1=0.1", {{"sgd", "lr=0.5", "700"}}, "s s d", 0},
    {"device_scale=1", {{"adam", "", "70 300/1"}}, "s F0 s q1 s T0 s", 0},

    /* Skips. */
    {"check_finite=1 zero_grad=1 scale_start=1024 scale_interval=2",
     {{"adagrad", "lr_decay=0.25", "300 256/1 1 5000/2"}},
     "s b s s F1 b s T1 s s q1 (sbsF0sbsT0ss) s (bbb) s (bss) h (sbs) r s b s",
     0},
    {"check_finite=1 zero_grad=1 scale_growth=3 scale_interval=3 "
     "scale_backoff=0.3 grad_type=f16 ema_decay=0.5 clip_norm=0.5",
     {{"adagrad", "lr_decay=0.25", "300 256/1 1 5000/2"}},
     "s F1 b w w s s b (sbsssss) T1 w w (sb) s r s C1 s b (sb) c s",
     GROUPED},
    {"check_finite=1 grad_scale=2 copy_type=f16",
     {{"adagrad", "lr_decay=0.25", "5000"}},
     "s b o d s (sbs) s",
     0},
    {"check_finite=1 device_scale=1 clip_norm_tensor=1 clip_value=0.25 "
     "grad_type=bf16",
     {{"adagrad", "lr_decay=0.25", "255 300/1 9000"}},
     "s b b b b b o d s (sbs) F1 b b b s",
     0},
    {"check_finite=1 ema_form=equal ema_begin=1 scale_growth=1e38 "
     "scale_interval=1",
     {{"sgd", "", "5 3/1"}},
     "F1 b w w s T1 w w s s b C1 (ss) s",
     0},

    {"check_finite=1 clip_norm=2 clip_value=1",
     {{"sgd", "lr=0.5", "300"}},
     "s b b b b b b b b s",
     0},
    {"check_finite=1 clip_norm=2 clip_value=1",
     {{"sgd", "lr=0.5", "300"}},
     "s b b b b b b b b s",
     GROUPED},
    {"check_finite=1 clip_norm=2 grad_type=f16",
     {{"sgd", "lr=0.5", "4700"}},
     "s b b b b b b b b s",
     0},

    /* Rows. */
    {"max_norm=1.5 ema_decay=0.75 copy_type=f16",
     {{"sgd", "lr=0.25", "7x33 300 3x2x5 1x5000 0x4 2x4096"}},
     "s s w w q s h s d",
     0},
    {"max_norm=1.5 ema_decay=0.75 copy_type=bf16",
     {{"adagrad", "lr_decay=0.25", "7x33/0 2x300/1 9 3x2x5/2 2x5000"}},
     "s q1 s F1 w w s T1 F0 s h s T0 d s",
     0},
    {"max_norm=16", {{"sgd", "lr=0.25", "2x1050000 3x4"}}, "s", 0},
    {"max_norm=8", {{"sgd", "lr=0.25", "2x600000 1x1048576"}}, "s", 0},
    {"max_norm=8 check_finite=1", {{"sgd", "", "2x5000 3x4"}}, "s b s", 0},
    {"max_norm=4",
     {{"sgd", "lr=0.25", "2x8193 3x4 3x4097/1 2x4096 1x12289/1"}},
     "s s F1 s",
     0},
    {"max_norm=8 check_finite=1 copy_type=f16",
     {{"sgd", "", "20x33/0 100/1 2x300/1"}},
     "s b F1 (sbs) s",
     WILD},
    {"max_norm=0.5", {{"sgd", "", "16x16 3x100/1"}}, "s F0 s q1 s", 0},

    /* Beginnings. */
    {"", {{"sgd", "lr=0.25", "300 256/1 5x7x3 0 4100 1x3"}}, "n s u s z Z", 0},
    {"", {{"sgd", "lr=0.25", "33x2x3 70000 1x1"}}, "Z u Z n u n", 0},

    /* Pruning; zeros are equal, so that the index decides. */
    {"prune=0.7 prune_begin=2 prune_end=6 prune_every=2 ema_decay=0.75 "
     "copy_type=bf16",
     {{"momentum", "", "7x33 300 200x100 1x1 0x4 1x5"}},
     "s s Z s s h s s q s z s",
     0},
    {"prune=0.7 prune_end=4.5 prune_every=2.5 ema_decay=0.75",
     {{"adagrad", "", "7x33 300/1 200x100 2x300/2 1x5/1"}},
     "s q1 s F1 s s T1 h2 s s s C1 s c s",
     GROUPED},
    {"prune=0.8 lr=0",
     {{"sgd", "", "300x300 2x9 16384x1"}},
     "z s Z u s c n s",
     0},
    {"prune=0.3 lr=0",
     {{"sgd", "", "300x300 2x9 1x16385"}},
     "s z s c z s",
     GROUPED},
    /* Shares of counts that lie at a half, or beside it. */
    {"prune=0.7 lr=0 prune_begin=4 prune_end=4",
     {{"sgd", "",
       "1x5 1x15 1x25 1x35 1x45 1x55 1x65 1x75 1x85 1x95 1x105 1x115 1x125 "
       "1x135 1x145 1x155 1x165 1x175 1x185 1x195 1x1005 1x9995 1x3 1x1"}},
     "c s q c s q c s q c h s c q s c q s c h s c q s c q s c s",
     WILD},
    {"prune=0.9 lr=0 prune_end=50 prune_every=1",
     {{"sgd", "", "1x1*3 2x1 3x1 7x1 11x1 30x1 99x1 1x1000 5x5000"}},
     "s s s c s s s s c h s s s",
     WILD},
    {"prune=0.5 lr=0 prune_end=3 prune_every=1",
     {{"sgd", "", "1x5 3x7 5x1 2x2 17x1 99x7"}},
     "s s s c z s",
     WILD},
    {"prune=1e-30 lr=0", {{"sgd", "", "5x7"}}, "s", WILD},
    {"prune=0.16666666666666666 lr=0", {{"sgd", "", "1x3"}}, "s", 0},
    {"prune=1.3805671369798711e-05 lr=0", {{"sgd", "", "1x36217"}}, "s", 0},
    /* Chunks of one element; zeros of which none are chosen; a step that would
     * choose, but is skipped. */
    {"prune=0.5 lr=0 prune_end=3 prune_every=1",
     {{"sgd", "", "1x16385*8"}},
     "u s n s u s",
     0},
    {"prune=0.4 lr=0 prune_end=6 prune_every=1",
     {{"sgd", "", "1x1 2x1 3x3"}},
     "z s s s s s s s",
     0},
    {"prune=0.5 prune_end=9 prune_every=1 check_finite=1",
     {{"sgd", "lr=0.5", "5x7 300/1"}},
     "s b s b s",
     0},
    /* It begins at a step that is far, but reached. */
    {"prune=0.5 lr=0 prune_begin=4294967295 prune_end=4294967295",
     {{"sgd", "", "300 7x33/1"}},
     "s C1 s s",
     WILD},
    {"prune=0.6 prune_end=9 prune_every=3 max_norm=4 check_finite=1 "
     "ema_decay=0.5 copy_type=f16",
     {{"adam", "", "20x33 100/1 2x300/1 40x500"}},
     "s b F1 (sbs) s T1 (bsssss) s s s s",
     0},
    {"prune=0.6 prune_end=5 prune_every=2 max_norm=1",
     {{"sgd", "lr=0.5", "20x33 100 2x300"}},
     "s s z s s s",
     GROUPED},
    {"prune=0.6 prune_end=9 prune_every=3 check_finite=1 ema_decay=0.5",
     {{"adopt", "", "20x33 100/1 2x300/1 40x500"}},
     "s b F1 (sbs) s T1 (bsssss) s s s s",
     GROUPED},
    {"prune=0.5 prune_end=3 prune_every=2 copy_type=f16 ema_decay=0.75",
     {{"momentum", "", "300 2x256 1 3x100/1 0 200x100 5x5"}},
     "s s F1 s T1 s s",
     APART},
    {"prune=0.5 lr=0 prune_end=3 prune_every=1",
     {{"sgd", "", "1x16384 4x100 2x16384 5x5"}},
     "s s s s",
     APART},
    {"prune=0.5 prune_end=3 max_norm=2",
     {{"momentum", "", "2x256 30 3x100 200x100"}},
     "s s s s",
     APART | GROUPED},
    {"check_finite=1",
     {{"adam", "prune=0.5", "300 2x256/1 50x10/1"},
      {"sgd", "prune=0.75 prune_begin=3 lr=0.5", "10x10 30x30/1 7/1"}},
     "s b s s F1 s (sbs) T1 q1 s",
     0},

    /* 16 bits, and features in front of them. */
    {"copy_type=f16 lr=0", {{"sgd", "", "5000"}}, "s s", MIDDLES},
    {"copy_type=bf16 lr=0", {{"sgd", "", "5000"}}, "s s", MIDDLES},
    {"copy_type=f16 lr=0", {{"sgd", "", "5000 20/1"}}, "s s", WILD},
    {"copy_type=bf16 lr=0", {{"sgd", "", "5000 20/1"}}, "s s", WILD},
    {"grad_type=f16 zero_grad=1", {{"sgd", "", "5000"}}, "s d d", 0},
    {"grad_type=bf16", {{"sgd", "", "5000"}}, "s d d", 0},
    {"ema_decay=0 copy_type=f16 grad_type=bf16 grad_scale=8",
     {{"momentum", "nesterov=1", "300"}},
     "s w w s s q s",
     0},
    {"ema_form=equal ema_begin=1", {{"ftrl", "", "300"}}, "w s s s w w c s", 0},

    /* Tensors apart. */
    {"zero_grad=1 ema_decay=0.75 ema_begin=1 copy_type=bf16 clip_norm=1",
     {{"adagrad", "lr_decay=0.25", "300 256/1 1 3x100/2 0/1 5015/2"}},
     "s F1 q2 s T1 F0 s s",
     APART},
    {"check_finite=1 clip_norm_tensor=0.5 max_norm=2 ema_decay=0.75 "
     "grad_type=f16 device_scale=1 clip_value=0.25",
     {{"adagrad", "lr_decay=0.25", "300 2x256/1 1 3x100/2 0/1 5000/2 2x2"}},
     "s b F1 s (sbs) T1 F0 s s",
     APART | GROUPED},
    {"max_norm=1 copy_type=f16",
     {{"sgd", "lr=0.25", "300 2x256 3x4100 0 3x100 2x9000 5"}},
     "s s",
     APART},
    {"", {{"momentum", "", "300 256/1 5 0/1"}}, "s F1 s T1 s", APART},

    /* Joints. */
    {"check_finite=1 clip_norm=1 scale_interval=2",
     {{"adam", "ema_decay=0.5", "300 256/1 5000/1"},
      {"sgd", "zero_grad=1 lr=0.5", "100 9000/1 7/1"}},
     "s b s s F1 s (sbs) T1 q1 s c b s (sb) s",
     0},
    {"clip_norm=1",
     {{"adam", "", "300 5000"}, {"sgd", "lr=0.5", "100 9000/1 7/1"}},
     "s F1 s T1 s",
     0},
    {"clip_norm_tensor=1",
     {{"adam", "max_norm=1", "300 2x256/1 500/1"},
      {"sgd", "lr=0.5", "100 900/1 7/1"}},
     "s s F1 s T1 q1 s",
     GROUPED},

    /* Sums over tensors: of all lengths, frozen, skipped, in one's own. */
    {"weight_decay=0.1 l2=0.01",
     {{"lars", "nesterov=1 lr=10", "10000 4096/1 17 0/1 255/2 9x500 2x2 0"}},
     "s F1 s i T1 F0 s h s q2 i T0 d s",
     0},
    {"clip_norm_tensor=0.75 grad_type=f16 ema_decay=0.5 copy_type=bf16",
     {{"lamb", "lr=0.25", "5000 256/1 17 0/1 255/2 9x50"}},
     "s w w F1 s i T1 F0 s h s q2 i T0 d s",
     GROUPED},
    {"clip_norm=2 maximize=1 grad_scale=3",
     {{"lamb", "lr=0.25", "9000 2 256 0 4112"}},
     "s s i d",
     0},
    {"check_finite=1 zero_grad=1 scale_start=1024 scale_interval=2",
     {{"novograd", "lr=0.25", "300 256/1 1 0/1 5000/2"}},
     "s b s s F1 b s T1 s s q1 (sbsF0sbsT0ss) s (bbb) s (bss) h (sbs) r s b s",
     0},
    {"check_finite=1 weight_decay=0.1",
     {{"novograd", "lr=0.25", "300 256/1 1 0/1 5000/2"}},
     "s b s F1 b s T1 C1 (sbs) c s",
     GROUPED | APART},
    {"", {{"stable_adamw", "lr=0.5", "300 9000 0 4096 1"}}, "s i s d h s", 0},
    {"clip_value=0.25",
     {{"stable_adamw", "lr=0.5", "300 0/1 5000/1 3/2"}},
     "s F1 i s T1 s",
     APART},
    {"", {{"lars", "lr=10", "1100000 20 2100000"}}, "s", 0},
    {"", {{"novograd", "lr=10", "300 0*65600 3/1 5"}}, "s", 0},

    /* Sums over rows: many and few, short and long, small and not. */
    {"weight_decay=0.1 l2=0.01",
     {{"adamp", "delta=2",
       "7x33 300 3x2x5 1x5000 0x4 2x4096 1000x3 300x1 2x2 20x41 9x47"}},
     "s s s i s h s q s d",
     0},
    {"weight_decay=0.1 prox_l1=0.01",
     {{"sgdp", "delta=1", "7x33 300/1 3x2x5 2x5000/2 0x4 5x255 600x7/2 9x256"}},
     "s s F1 s s T1 i s h s q2 s",
     GROUPED},
    {"check_finite=1 weight_decay=0.1",
     {{"adamp", "delta=0.5 nesterov=1", "70x33 5x5000/1 30x257/2 400x5 3/1"}},
     "s b s F1 b s T1 (sbs) s i s",
     0},
    {"weight_decay=0.1 max_norm=2 ema_decay=0.5 copy_type=f16",
     {{"sgdp", "delta=1.5", "7x33 300/1 3x2x5 2x5000/2 0x4 600x7/2 40x9"}},
     "s s F1 s T1 s i s",
     APART},
    {"weight_decay=0.1",
     {{"adamp", "delta=1e9", "1x1050000 70000x2 300x300"}},
     "s s",
     0},
    {"weight_decay=0.1",
     {{"sgdp", "delta=1.7", "70000x2 2x1100000"}},
     "s s",
     0},
    {"", {{"sgdp", "delta=0.9", "140000x1"}}, "s s s", 0},

    /* What goes against the gradient. */
    {"cautious_update=1 weight_decay=0.1 decay_form=cautious",
     {{"adamw", "lr=0.5", "300 5000/1 0 1/2 3x3000"}},
     "s s F1 s i T1 s h s q2 s d s",
     0},
    {"cautious_update=1 clip_norm=1 check_finite=1 l1=0.1 grad_type=bf16",
     {{"lion", "lr=0.5", "300 5000/1 0 1/2 1100000"}},
     "s s b F1 (sbs) i T1 s",
     GROUPED},
    {"cautious_update=1",
     {{"lion", "lr=0.5", "300 5000/1 0 1/2 3x3000"}},
     "s s F1 s i T1 s",
     APART},

    /* Joints of such. */
    {"clip_norm_tensor=1",
     {{"lamb", "", "300 2x256/1 500/1"}, {"novograd", "", "100 900/1 7/1"}},
     "s s F1 s T1 q1 s",
     0},
    {"check_finite=1",
     {{"adamp", "delta=1", "30x10 2x256/1 500/1"},
      {"sgd", "lr=0.5", "100 900/1 7/1"}},
     "s b s F1 s (sbs) T1 q1 s",
     GROUPED},
};

size_t scenes_count(void)
{
    return sizeof(scenes) / sizeof(*scenes);
}

void read_settings(const char *first, const char *second, struct list *list)
{
    size_t n = 0;

    memset(list, 0, sizeof(*list));
    snprintf(list->text, sizeof(list->text), "%s %s", first, second);
    for (char *word = strtok(list->text, " "); word != NULL && n < MAX_SETTINGS;
         word = strtok(NULL, " ")) {
        char *value = strchr(word, '='), *end;

        *value++ = '\0';

        const double number = strtod(value, &end);
        const char *choice = *end != '\0' ? value : NULL;

        list->settings[n] = (clstep_setting){word, number, choice};
        list->expected[n++] = (struct reference_setting){word, number, choice};
    }
}

size_t read_tensors(const char *text, struct shape *shapes)
{
    size_t n = 0;

    while (*text != '\0') {
        struct shape shape = {.rank = 1};
        unsigned long copies = 1;
        char *end;

        shape.extents[0] = strtoul(text, &end, 10);
        while (*end == 'x')
            shape.extents[shape.rank++] = strtoul(end + 1, &end, 10);
        if (*end == '*')
            copies = strtoul(end + 1, &end, 10);
        if (*end == '/')
            shape.group = strtoul(end + 1, &end, 10);
        while (copies-- > 0 && n < MAX_TENSORS)
            shapes[n++] = shape;
        text = end + (*end == ' ');
    }
    return n;
}
