#!/bin/sh
# train_text.sh - the example: a short training, and every mistake
# SPDX-License-Identifier: MIT
#
#     train_text.sh TRAIN_TEXT
#
# Each mistake must give its exit code and one line on stderr.  77 says that
# the licences which are learned from are not on this system.
set -u

clstep=${1:?"usage: train_text.sh TRAIN_TEXT"}
[ -e /usr/share/common-licenses/Apache-2.0 ] || exit 77
. "$(dirname "$0")/expect.sh"
tells=yes
path=$PATH # of the program that is tested

run() {
    PATH=$path "$clstep" "$@"
}

# silent - the last command wrote nothing on stdout.
silent() {
    [ ! -s "$folder/out" ] || fail "stdout, then '$(cat "$folder/err")'"
}

# refuse PATTERN ARGUMENT... - exit code 2, nothing else, and a fitting line.
refuse() {
    pattern=$1
    shift
    expect 2 "$@"
    has err "$pattern"
    silent
    [ -z "$(ls)" ] || {
        fail "$*: it left $(ls)"
        rm -rf ./*
    }
}

# kept FILE - it still is what it was.
kept() {
    [ "$(cat "$1")" = old ] || fail "$1 has changed at '$(cat "$folder/err")'"
}

# losses CSV - it without the times.
losses() {
    cut -d, -f1,3- "$1"
}

plot=
if command -v gnuplot >/dev/null; then
    plot=a.svg
fi

# --- mistakes -----------------------------------------------------------------

for value in 0 '' -1 x 1.5 ' 3' 1000000001 99999999999999999999; do
    refuse "^train_text: --steps is '$value'; .* from 1 to 1000000000$" \
        --steps "$value"
done
for value in 0 '' -1 x 1s nan inf 1e10; do
    refuse "^train_text: --seconds is '$value'; .* above 0, up to 1e9$" \
        --seconds "$value"
done
for value in -1 x '' 9223372036854775808; do
    refuse "^train_text: --seed is '$value'; .* from 0 to 9[0-9]*$" \
        --seed "$value"
done
refuse "--hidden is '1.5'; .* from 1 to 16384$" --hidden 1.5
refuse "--batch is '0'; .* from 1 to 65536$" --batch 0
refuse "--context is 'x'; .* from 1 to 1024$" --context x
refuse "--embedding is '1025'; .* from 1 to 1024$" --embedding 1025
refuse "--sample is '-1'; .* from 0 to 1000000$" --sample -1
refuse "--batch 65536 is too large" --batch 65536 --context 1024 \
    --embedding 1024
refuse "--steps and --seconds exclude" --steps 3 --seconds 3
refuse "--device is ''" --device ''
refuse "no rule 'nope'; 'clstep rules' lists them" --rule nope
refuse "lbfgs is no rule by element: it evaluates the loss .*examples/lbfgs.c$" \
    --rule lbfgs
refuse "^train_text: --rule sophia is not for .* writes its slot hessian" \
    --rule sophia
refuse "lr is 'x'" --set lr=x
refuse "NAME=VALUE" --set lr
refuse "^train_text: --unset nope: adamw has no such default" --unset nope
refuse "^train_text: --unset weight_decay: sgd has" --rule sgd \
    --unset weight_decay
refuse "clip_norm and clip_norm_tensor" --set clip_norm_tensor=1
refuse "must be cosine or constant" --schedule linear
refuse "no initializer 'zero'; 'clstep initializers' lists them" --init zero
refuse "nope" --nope
refuse "steps" --steps
refuse "must end in .svg" --plot plot.png
refuse "must end in .svg" --plot .svg
refuse "--plot is ''" --plot ''
refuse "--csv is ''" --csv ''
refuse "same file" --csv a.svg --plot a.svg
refuse "same file" --csv ./a.svg --plot a.svg
refuse "overwrite the text ../out" --csv ../out ../out
refuse "overwrite the text ../out" --csv ../out --held-out ../out

# The texts that are read if none are named, under another name.  Without the
# device nothing would be written even if it were not refused.
licences=/usr/share/common-licenses
learned=$(find $licences -type f ! -name Apache-2.0 ! -name MPL-2.0 | head -n 1)
for text in $licences/Apache-2.0 $licences/MPL-2.0 "$learned"; do
    ln -s "$text" ../text.svg
    for option in csv plot; do
        refuse "^train_text: --$option ../text.svg would .* the text $text$" \
            --$option ../text.svg --device 'no such device'
    done
    rm ../text.svg
done

# What this program does not do its part of, before an old file is touched.
echo old >../keep.csv
echo old >../keep.svg
for setting in grad_type=f16 grad_type=bf16 copy_type=f16 copy_type=bf16 \
    device_scale=1 grad_scale=2 scale_start=8 scale_growth=2 scale_interval=9 \
    scale_backoff=0.5; do
    refuse "^train_text: --set ${setting%=*} is not for this example: it" \
        --steps 1 --set "$setting" --csv ../keep.csv
done

# What is known before a training leaves the files as they are.
expect 1 --device 'no such device' --csv ../keep.csv ${plot:+--plot ../keep.svg}
has err "no such device"
silent
kept ../keep.csv
kept ../keep.svg
expect 1 --device 'no such device' --csv a.csv ${plot:+--plot a.svg}
expect 1 --steps 1 --csv missing/a.csv
has err "cannot write missing/a.csv: "
silent
expect 1 --csv ../keep.csv --plot missing/a.svg
has err "cannot write missing/a.svg: "
silent
kept ../keep.csv
path=$folder
expect 1 --steps 1 --csv ../keep.csv --plot a.svg
path=$PATH
has err "^train_text: --plot needs gnuplot"
silent
kept ../keep.csv
expect 1 --csv ../keep.csv nothing.txt
has err "cannot open nothing.txt: "
kept ../keep.csv
[ -z "$(ls)" ] || fail "it left $(ls)"

if [ -c /dev/full ]; then
    "$clstep" --help >/dev/full 2>"$folder/err"
    code=$?
    [ "$code" -eq 1 ] || fail "--help on a full disk: exit code $code, not 1"
    has err "^train_text: cannot write to standard output$"
fi

# --- training -----------------------------------------------------------------

if [ -n "${CLSTEP_TEST_SMALL:-}" ]; then
    echo 'train_text.sh: skipped: a training, which takes a simulator hours'
    [ "$failures" -eq 0 ] || exit 1
    exit 0
fi

expect 0 --steps 3 --sample 40 --csv a.csv ${plot:+--plot "$plot"}
has out "^training .* kinds ([0-9]* with 'unknown')$"
has out '^held out  *[0-9.]* bits per character on all [0-9]* characters$'
has out '^steps  *3 taken, 0 skipped, last norm [0-9.]*$'
has out '^raw  *[0-9.]* bits without the average$'
has out '^sample:$'
[ "$(head -n 1 a.csv)" = \
    step,seconds,training_bits,held_out_bits,held_out_all_bits ] ||
    fail "the header of the CSV is $(head -n 1 a.csv)"
rows=$(grep -c '^[0-9]*\(,[0-9.]*\)\{4\}$' a.csv)
{ [ "$rows" -ge 1 ] && [ "$(wc -l <a.csv)" -eq $((rows + 1)) ]; } ||
    fail "the CSV has $(wc -l <a.csv) lines, $rows of them rows"
[ "$(grep '[0-9]$' a.csv)" = "$(tail -n 1 a.csv | grep '^3,')" ] ||
    fail "not the last row, and it only, has the whole held-out text"
[ -z "$plot" ] || { grep -q '</svg>' a.svg && [ -s a.svg ]; } ||
    fail "the plot is no SVG"

# Gradients are those of the loss, and the check leaves the parameters.  What is
# set to be as it is changes nothing.
expect 0 --steps 3 --sample 0 --check-gradient --csv b.csv \
    --set grad_type=f32 --set copy_type=none --set grad_scale=1 \
    --set device_scale=0
[ "$(grep -c ' agrees: error ' "$folder/out")" -eq 7 ] ||
    fail "the gradients of 7 tensors do not agree"
[ "$(losses a.csv)" = "$(losses b.csv)" ] ||
    fail "the check of the gradients changed the training"

# The same seed gives the same losses, another one does not.
expect 0 --steps 3 --sample 0 --csv b.csv
[ "$(losses a.csv)" = "$(losses b.csv)" ] ||
    fail "the same seed gave other losses"
expect 0 --steps 3 --sample 0 --seed 2 --csv b.csv
[ "$(losses a.csv)" != "$(losses b.csv)" ] ||
    fail "another seed gave the same losses"

# The biases decay only if asked to.  Without the average there is one loss.
expect 0 --steps 3 --sample 0 --set weight_decay=50 --csv b.csv
expect 0 --steps 3 --sample 0 --set weight_decay=50 --decay-biases --csv c.csv
[ "$(losses b.csv)" != "$(losses c.csv)" ] ||
    fail "--decay-biases changed nothing"
expect 0 --steps 1 --sample 0 --unset ema_decay --unset check_finite \
    --unset clip_norm
has out '^steps  *1 taken, 0 skipped, last norm 0$'
! grep -q '^raw' "$folder/out" || fail "there is an average all the same"

# Any bytes may be learned from; what cannot be shown is a dot.
head -c 20000 "$clstep" >binary
expect 0 --steps 1 --sample 300 binary
sed '1,/^sample:$/d' "$folder/out" | LC_ALL=C tr -d '\n\t -~\200-\377' |
    grep -q . && fail "the sample has control characters"

# --- failures -----------------------------------------------------------------

rm -f ./*
expect 1 --steps 3 --set lr=1e38 --schedule constant --csv a.csv \
    ${plot:+--plot a.svg}
has err "loss is not finite"
[ -z "$(ls)" ] || fail "a failed training left $(ls)"
echo old >a.csv
echo old >a.svg
expect 1 --steps 3 --set lr=1e38 --schedule constant --csv a.csv \
    ${plot:+--plot a.svg}
kept a.csv
kept a.svg
if [ -c /dev/full ]; then
    expect 1 --csv /dev/full
    has err "cannot write /dev/full: "
    ln -s /dev/full full.svg
    [ -z "$plot" ] || {
        expect 1 --steps 1 --sample 0 --plot full.svg
        has err "cannot write full.svg: "
    }
fi

[ "$failures" -eq 0 ] || exit 1
echo "train_text.sh: passed"
