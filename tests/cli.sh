#!/bin/sh
# cli.sh - the command line: every way to use it, and every mistake
# SPDX-License-Identifier: MIT
#
#     cli.sh CLSTEP
#
# Each mistake must give what expect.sh says, and leave every file as it was.
set -u

clstep=${1:?"usage: cli.sh CLSTEP"}
. "$(dirname "$0")/expect.sh"

run() {
    "$launch" "$clstep" "$@"
}

# is_object - stdout is one JSON object, as far as its lines show.
is_object() {
    [ "$(head -n 1 "$folder/out")" = '{' ] || fail "the JSON begins with no {"
    [ "$(tail -n 1 "$folder/out")" = '}' ] || fail "the JSON ends with no }"
    [ "$(grep -c '^[{}]' "$folder/out")" -eq 2 ] || fail "no single object"
}

# --- files --------------------------------------------------------------------

# tensors FILE HEADER DATA - DATA are escapes for printf, of numbers below.
tensors() {
    length=$(printf '%s' "$2" | wc -c)
    {
        # shellcheck disable=SC2059
        printf "$(printf '\\%03o\\%03o\\0\\0\\0\\0\\0\\0' \
            $((length % 256)) $((length / 256)))"
        printf '%s' "$2"
        # shellcheck disable=SC2059
        printf "$3"
    } >"$1"
}

zero='\0\0\0\0'
quarter='\0\0\200\076'
half='\0\0\0\077'
one='\0\0\200\077'
two='\0\0\0\100'

# entry NAME SHAPE BEGIN END
entry() {
    printf '"%s":{"dtype":"F32","shape":%s,"data_offsets":[%d,%d]}' "$@"
}

# Three parameters, one of them a scalar, and a tensor without elements.
tensors P "{$(entry w '[2]' 0 8),$(entry s '[]' 8 12),$(entry e '[0]' 12 12)}" \
    "$one$one$two"
# Two slices of gradients.
tensors G "{$(entry s '[2]' 0 8),$(entry w '[2,2]' 8 24),$(entry e '[2,0]' 24 \
    24)}" "$one$zero$half$zero$quarter$one"
# P after one step of sgd with lr=1, and after two.
tensors P1 "{$(entry w '[2]' 0 8),$(entry s '[]' 8 12)}" "$half$one$one"
tensors P2 "{$(entry w '[2]' 0 8),$(entry s '[]' 8 12)}" "$quarter$zero$one"

# data FILE - everything behind the header, in hexadecimal.
data() {
    length=$(od -An -tu1 -N2 "$1" | awk '{ print $1 + 256 * $2 }')
    tail -c +$((length + 9)) "$1" | od -An -v -tx1
}

# same A B - two files hold the same data.
same() {
    [ "$(data "$1")" = "$(data "$2")" ] || fail "$1 and $2 differ"
}

# Every file is tried on the device and with the reference.
engines='--json --reference'

# --- help and version ---------------------------------------------------------

expect 0 --help
for name in devices rules bench verify replay schedule initializers path; do
    "$clstep" --help | grep -q "^  $name " || fail "--help lacks $name"
done
expect 0 --version
has out '^clstep [0-9]*\.[0-9]*\.[0-9]*$'
for option in --version --help -h; do
    for extra in extra --frob devices --help; do
        expect 2 $option $extra
        has err "^clstep: the argument '$extra' is one too many$"
    done
done
for name in devices rules schedule initializers replay; do
    expect 0 $name --help
    has out "^Usage: clstep $name"
    has out '--json'
    expect 0 $name --json --help
done
for option in rule set params grads out copy-out evaluated-out loss-scale \
    steps reference state-in state-out device; do
    has out "--$option"
done

expect 2
expect 2 --nothing
has err '--nothing'
expect 2 nothing
has err "'nothing'"
expect 2 devices --nothing
expect 2 devices nothing
has err "'nothing'"
expect 2 rules --nothing
expect 2 rules sgd adam
has err "'adam'"
expect 2 rules nothing
has err "'nothing'"
for name in devices rules bench verify replay schedule initializers; do
    expect 2 $name --nothing
    has err "^clstep: --nothing: unknown option; \`clstep $name --help\` lists"
    [ $name = rules ] && continue
    [ $name = schedule ] && continue
    [ $name = initializers ] && continue
    expect 2 $name extra
    has err "^clstep: the argument 'extra' is one too many"
done
for name in bench verify replay; do
    set -- $name --rule Adam
    [ $name = replay ] && set -- "$@" --params P --grads G --out X
    expect 2 "$@"
    has err "^clstep: no rule is called 'Adam'; \`clstep rules\` lists them"
    expect 2 $name -r sgd
    has err '^clstep: -r: unknown option'
done
expect 2 rules "$(printf 'a\nb')"
has err 'a\\x0ab'

# --- rules --------------------------------------------------------------------

expect 0 rules
for rule in sgd momentum adam adamw ftrl lion; do
    has out "^$rule "
done
expect 0 rules adam
for word in 'lr  *0.001, in' 'eps_form  *outside | inside | hat' \
    'grad_scale .*, acts if given' \
    'amsgrad  *0, a flag' 'max_exp_avg_sq .*(with amsgrad=1)' '^  28' \
    'Kingma' 'weight_decay ' 'clip_norm ' 'check_finite  *0, a flag' \
    'scale_interval  *2000, in' 'grad_type  *f32 | f16 | bf16' \
    'copy_type  *none | f16 | bf16' 'ema_form  *exponential | equal' \
    'device_scale ' 'max_norm ' '8 for the slot ema' '4 for the slot pruned' \
    'prune_every  *100, in'; do
    has out "$word"
done
# Every number that is optional says so.
"$clstep" rules adam --json | awk '/"name"/ { name = $2; kind = 0 }
    /"kind": "number"/ { kind = 1 }
    /"optional": true/ && kind { gsub(/[",]/, "", name); print name }' \
    >"$folder/optional"
[ -s "$folder/optional" ] || fail 'adam has no optional number'
while read -r name; do
    has out "^  $name .*, acts if given"
done <"$folder/optional"
# What is no rule by element is told, and refused by name.
expect 0 rules
has out '^lbfgs  *- .*clstep_lbfgs_create()'
expect 0 rules lbfgs
for word in 'no rule by element' 'lr  *1, in' 'history  *10, whole, in' \
    'line_search  *wolfe | none' 'max_iterations  *20, whole' \
    'max_evaluations  *25' 'tolerance_gradient  *1e-07' \
    'tolerance_change  *1e-09' 'Nocedal' '^  Dialects:$' \
    '^      torch.optim.LBFGS() -> lbfgs history=100 line_search=none$'; do
    has out "$word"
done
! grep -q 'SPDX\|grad_scale' "$folder/out" || fail "lbfgs has what it has not"
expect 0 rules lbfgs --json
is_object
[ "$(grep -c '"formula":' "$folder/out")" -eq 1 ] || fail "more than lbfgs"
has out '"by_element": false'
has out '"theirs": "torch.optim.LBFGS()"'
has out '"ours": "lbfgs history=100 line_search=none"'
expect 2 rules lbfgs adam
expect 2 verify --rule lbfgs
has err '^clstep: lbfgs is no rule by element, .* clstep_lbfgs_create()'
expect 2 bench --rule lbfgs --whole-step
has err '^clstep: --whole-step has no parts of lbfgs'
expect 2 bench --rule lbfgs --set lr=1
has err "--set is 'lr=1'; lbfgs is measured with history=N alone, N from 1 to 100"
expect 2 bench --rule lbfgs --set history=1 --set history=2
has err 'history of lbfgs is given twice'
for value in 0 101 x ''; do
    expect 2 bench --rule lbfgs --set "history=$value"
    has err "history of lbfgs is '$value'; .* from 1 to 100"
done
expect 0 bench --rule lbfgs --set history=2 --size 1027 --size 1 --rounds 2 --json
is_object
has out '"name": "lbfgs/1027"'
has out '"bytes_per_parameter": 104'
expect 2 replay --rule lbfgs --params p --grads g --out o
has err '^clstep: lbfgs is no rule by element, .* clstep_lbfgs_create()'
expect 0 rules adamw
has out 'weight_decay  *0.01, in'
expect 0 rules --json
is_object
for key in rules name summary settings slots bytes_per_parameter formula kind \
    default min max choices meaning feature optional condition; do
    has out "\"$key\":"
done
expect 0 rules adam --json
is_object
[ "$(grep -c '"formula":' "$folder/out")" -eq 1 ] || fail "more than one rule"
has out '"theirs": "torch.optim.Adam(weight_decay=x)"'
has out '"ours": "adam l2=x"'
has out '"ours": "none: '
grep -q 'AdamW' "$folder/out" && ! grep -q '"theirs": .*AdamW' "$folder/out" ||
    fail "adam has adamw's dialects"
expect 0 rules adamw --json
has out '"theirs": "torch.optim.AdamW()"'
grep -q '"ours": "none: ' "$folder/out" && fail "adamw has adam's dialects"
expect 0 rules --markdown
has out '^# The rules$'
has out '^| `torch.optim.AdamW()` | `adamw` |$'
expect 2 rules adam --markdown
has err 'leave the NAME out'
expect 2 rules --json --markdown
has err 'leave --json out'

# --- initializers -------------------------------------------------------------

expect 0 initializers
for name in zeros uniform normal xavier_uniform xavier_normal lecun_uniform \
    lecun_normal he_uniform he_normal; do
    has out "^$name "
    "$clstep" initializers $name | grep -q '^Formula' ||
        fail "initializers $name has no formula"
done
expect 0 initializers he_normal
for word in '^he_normal: ' 'fan  *in | out | average' 'gain  *1, in' \
    'He, Zhang'; do
    has out "$word"
done
expect 0 initializers xavier_uniform
has out 'fan  *average | in | out'
expect 0 initializers zeros
has out '^  none'
expect 0 initializers --json
is_object
for key in initializers name summary settings formula default choices; do
    has out "\"$key\":"
done
expect 0 initializers normal --json
is_object
has out '"std"'
expect 2 initializers kaiming
has err "^clstep: no initializer is called 'kaiming'; \`clstep initializers\`"
expect 2 initializers normal uniform
has err "the argument 'uniform' is one too many"

# --- schedule -----------------------------------------------------------------

expect 0 schedule --help
for option in set steps metrics state-in state-out csv plot json; do
    has out "--$option"
done
kinds='constant step multistep piecewise sqrt_epoch exponential_epoch
    inverse_time exponential exponential_10 power polynomial cosine
    cosine_restarts noam inverse_sqrt one_cycle cyclic wsd plateau'
expect 0 schedule
for kind in $kinds; do
    has out "^$kind  *[a-z]"
done
has out 'warm-up .*early stopping'
for kind in $kinds; do
    expect 0 schedule "$kind"
    for word in "^$kind: " '^Settings' '^Formula' '^Features' \
        '^  stop_patience  *10, whole, in .*, acts if given'; do
        has out "$word"
    done
    set -- "$kind" --steps 3
    [ "$kind" = piecewise ] && set -- "$@" --set values=1
    expect 0 schedule "$@"
    has out '^step lr'
    [ "$(wc -l <"$folder/out")" -eq 4 ] || fail "$kind: no 3 steps"
    expect 0 schedule "$@" --json
    is_object
    has out "\"schedule\": \"$kind\""
    [ "$(grep -c '"step":' "$folder/out")" -eq 3 ] || fail "$kind: no 3 values"
done
expect 0 schedule cosine
for word in 'lr  *1, in ' 'T_max  *100, in ' 'after  *hold | rise' \
    'warmup_clock  *after | along' 'warmup_first  *0, a flag' 'cos(pi'; do
    has out "$word"
done
expect 0 schedule piecewise
has out 'boundaries  *none, a list of numbers in '
expect 0 schedule --json
is_object
for key in schedules name summary settings formula kind default min max \
    choices meaning feature optional; do
    has out "\"$key\":"
done
for kind in number flag choice count list; do
    has out "\"kind\": \"$kind\""
done
expect 0 schedule step --json
is_object
[ "$(grep -c '"formula":' "$folder/out")" -eq 1 ] || fail "more than one kind"

# values WANTED ARGUMENT... - the values of the schedule, in one line.
values() {
    wanted_values=$1
    shift
    expect 0 schedule "$@"
    found=$(awk 'NR > 1 { printf " %s", $2 }' "$folder/out")
    [ "$found" = " $wanted_values" ] ||
        fail "schedule $*: the values are$found, not $wanted_values"
}

values '1 1 0.5 0.5 0.25' step --set step_size=2 --set gamma=0.5 --steps 5
values '3 3 2 1' piecewise --set boundaries=1,2 --set values=3,2,1 --steps 4
values '3 2 1 1' piecewise --set boundaries=1 --set values=3 --set values=2 \
    --set boundaries=2 --set values=1 --set side=right --steps 4
values '0 0.25 0.5 0.25 0.125' exponential --set lr=0.5 --set gamma=0.5 \
    --set warmup=2 --steps 5
values '0.5 0.75 1' constant --set warmup=2 --set warmup_start=0.5 --steps 3
values '0 0.125 0.25' noam --set d_model=4 --set warmup=4 --set lr=2 --steps 3
expect 0 schedule one_cycle --set total_steps=5 --steps 2
has out '^step lr momentum$'
has out '^0 0.04 0.95$'
expect 0 schedule one_cycle --set total_steps=5 --steps 2 --json
has out '"momentum": 0.9'
has out '"total_steps=5"'
has out '"stop": false'
expect 0 schedule cyclic --set cycle_momentum=0 --steps 2
has out '^step lr$'

# Metrics, early stopping, and going on from a state.
printf '5 4\n4 4\t4.5 4\r\n\n 4 4 nan 3\n' >"$folder/metrics"
values '1 1 1 1 0.5 0.5 0.25 0.25 0.125 0.125' plateau --metrics \
    "$folder/metrics" --set patience=1 --set factor=0.5
has out '^step lr metric$'
has out '^8 0.125 nan$'
expect 0 schedule plateau --metrics "$folder/metrics" --set patience=1 \
    --set stop_patience=5
[ "$(tail -n 1 "$folder/out")" = stop ] || fail 'early stopping is not told'
has out '^6 '
grep -q '^7 ' "$folder/out" && fail 'early stopping does not stop'
expect 0 schedule plateau --metrics "$folder/metrics" --set stop_patience=5 \
    --json
has out '"stop": true'
expect 0 schedule plateau --metrics "$folder/metrics" --json
has out '"metric": null'
set -- plateau --set patience=1 --set cooldown=1 --set stop_patience=7
expect 0 schedule "$@" --metrics "$folder/metrics" --state-out all
cp "$folder/out" "$folder/once"
expect 0 schedule "$@" --metrics "$folder/metrics" --steps 4 --state-out state
cp "$folder/out" "$folder/twice"
tr -s ' \t\r\n' '\n' <"$folder/metrics" | tail -n +5 >"$folder/rest"
expect 0 schedule "$@" --metrics "$folder/rest" --state-in state \
    --state-out state
tail -n +2 "$folder/out" >>"$folder/twice"
cmp -s "$folder/once" "$folder/twice" || fail 'a resumed plateau differs'
cmp -s all state || fail "a resumed plateau's state differs"
expect 0 schedule "$@" --metrics "$folder/rest" --state-in all
[ "$(tail -n 1 "$folder/out")" = stop ] || fail 'it forgot that it stopped'
printf -- '-inf\n' >"$folder/rest"
expect 0 schedule plateau --metrics "$folder/rest" --state-out all
grep -q '"best":"-inf"' all || fail 'an infinity is not kept'
expect 0 schedule plateau --metrics "$folder/rest" --state-in all

# Files.
expect 0 schedule cyclic --steps 3 --csv csv
has work/csv '^step,lr,momentum$'
has work/csv '^0,0.1,0.9$'
[ "$(wc -l <csv)" -eq 4 ] || fail "the CSV has not 4 lines"
if gnuplot --version >/dev/null 2>&1; then
    expect 0 schedule one_cycle --steps 100 --plot "it's.svg"
    grep -q '</svg>' "it's.svg" || fail 'the plot is no SVG'
    grep -q 'one_cycle' "it's.svg" || fail 'the plot has no title'
    grep -q 'momentum' "it's.svg" || fail 'the plot has no momentum'
    expect 0 schedule constant --steps 1 --plot one.svg --json
    is_object
    rm "it's.svg" one.svg
fi

# wrong WORDS ARGUMENT... - bad usage, whose line has the words.
wrong() {
    words=$1
    shift
    expect 2 schedule "$@"
    has err "$words"
}

wrong "^clstep: no schedule is called 'Cosine'; \`clstep schedule\` lists them" \
    Cosine --steps 3
wrong "^clstep: the argument 'step' is one too many" cosine step --steps 3
for steps in 0 -1 1.5 '' two 10000001; do
    wrong "^clstep: --steps is '$steps'; it is a whole number from 1 to" \
        cosine --steps "$steps"
done
for option in set:lr=1 steps:3 metrics:M state-in:S state-out:S csv:F \
    plot:F.svg; do
    wrong "^clstep: --${option%%:*} needs the NAME of a schedule" \
        "--${option%%:*}" "${option#*:}"
    [ $option = steps:3 ] || [ $option = metrics:M ] ||
        wrong "^clstep: --${option%%:*} needs --steps$" \
            cosine "--${option%%:*}" "${option#*:}"
    # Where metrics can be told, there is a step for each.
    case $option in
    steps:* | metrics:*) continue ;;
    set:*) option=set:patience=2 ;;
    esac
    wrong "^clstep: --${option%%:*} needs --steps or --metrics$" \
        plateau "--${option%%:*}" "${option#*:}"
done
wrong '^clstep: --set needs --steps or --metrics$' cosine --set stop_patience=3
wrong "^clstep: lr of cosine is 'x'" cosine --set lr=x
for value in '' ten 1x nan inf -1; do
    wrong 'lr of cosine is ' cosine --steps 3 --set "lr=$value"
done
for value in 1,,2 , 1, ten '' 1,nan; do
    wrong 'milestones of multistep is ' multistep --steps 3 \
        --set "milestones=$value"
done
wrong "'T_min'" cosine --steps 3 --set T_min=3
wrong 'given twice' cosine --steps 3 --set lr=1 --set lr=1
wrong "'lr' is not of the form" cosine --steps 3 --set lr
wrong 'side of piecewise' piecewise --steps 3 --set values=1 --set side=up
wrong 'values of piecewise has 0 numbers' piecewise --steps 3
wrong 'needs warmup' cosine --steps 3 --set warmup_start=0.5
wrong 'whole number' plateau --steps 3 --set patience=0.5
wrong 'takes no metrics' cosine --steps 3 --metrics "$folder/metrics"
wrong 'takes no metrics' cosine --steps 3 --state-out X
wrong "11, but '.*' has 10 metrics" plateau --steps 11 --metrics \
    "$folder/metrics"
wrong "ends in .svg" cosine --steps 3 --plot X
wrong '^clstep: --csv and --plot are the same file' cosine --steps 3 \
    --csv X.svg --plot ./X.svg
wrong '^clstep: --state-out and --metrics are the same file' plateau \
    --metrics "$folder/metrics" --state-out "$folder/metrics"

# unusable WORDS ARGUMENT... - input that cannot be used.
unusable() {
    words=$1
    shift
    expect 1 schedule "$@"
    has err "$words"
}

unusable "--metrics: cannot open 'missing': No such file" plateau --metrics \
    missing
printf '1 2 x3' >"$folder/rest"
unusable "--metrics: '.*' has 'x3', which is not a number" plateau --metrics \
    "$folder/rest"
printf ' \n' >"$folder/rest"
unusable 'has no numbers' plateau --metrics "$folder/rest"
unusable "cannot open 'missing': No such file" plateau --steps 2 \
    --state-in missing
unusable "--csv: cannot write 'missing/X': No such file" cosine --steps 2 \
    --csv missing/X
unusable "--state-out: cannot write 'missing/X': No such file" plateau \
    --steps 2 --state-out missing/X
unusable "of the schedule 'plateau', not of 'step'" step --steps 2 \
    --set stop_patience=3 --state-in all
tensors bad '{"__metadata__":{"step":"3"}}' ''
unusable 'is no state of a schedule' plateau --steps 2 --state-in bad
tensors bad '{"__metadata__":{"schedule":"plateau"}}' ''
unusable "has no 'metrics'" plateau --steps 2 --state-in bad
printf '{' >bad
unusable "^clstep: --state-in: " plateau --steps 2 --state-in bad

# bad_schedule_state WORDS NAME=TEXT CODE - a state with this text in it.
bad_schedule_state() {
    all=
    for field in metrics=1 best_at=0 since=0 bad=0 cooldown=0 reductions=0 \
        stop=0 best=3 lr=1; do
        [ "${field%=*}" = "${2%=*}" ] && field=$2
        all="$all,\"${field%=*}\":\"${field#*=}\""
    done
    tensors bad "{\"__metadata__\":{\"schedule\":\"plateau\"$all}}" ''
    expect "$3" schedule plateau --steps 2 --state-in bad
    [ "$3" -eq 0 ] || has err "$1"
}
bad_schedule_state '' metrics=1 0
has out '^1 1$'
bad_schedule_state 'lr of the state of plateau is 2' lr=2 1
bad_schedule_state "its lr is 'x', which is not a number" lr=x 1
for text in -1 1.5 '' x; do
    bad_schedule_state "its metrics is '$text', which is not a whole number" \
        "metrics=$text" 1
done
bad_schedule_state 'best of the state of plateau is nan' best=nan 1
bad_schedule_state 'stop of the state of plateau is 1' stop=1 1

rm -f all state bad csv

# What fails later leaves an old file as it was, and makes no new one.
echo old >keep.csv
for name in keep.csv new.csv; do
    unusable '--state-out: cannot write' plateau --steps 2 --csv $name \
        --state-out missing/X
done
if [ -c /dev/full ]; then
    "$clstep" schedule cosine --steps 2 --csv keep.csv >/dev/full 2>&1
    [ $? -eq 1 ] || fail 'schedule on a full stdout: not 1'
fi
[ "$(cat keep.csv)" = old ] || fail 'a failure changed an old CSV'
[ ! -e new.csv ] || fail 'a failure left a CSV'

# A stdout that takes nothing.
mkfifo "$folder/full"
exec 9<>"$folder/full"
dd if=/dev/zero of="$folder/full" oflag=nonblock bs=4096 2>/dev/null

# pending NUMBER - waits until there are so many files with temporary names.
pending() {
    tries=0
    until [ "$(find . -name '.clstep-*.tmp' | wc -l)" -eq "$1" ]; do
        sleep 0.1
        tries=$((tries + 1))
        [ $tries -lt 600 ] || return 1
    done
}

# interrupted NUMBER ARGUMENT... - a command whose files are written, but wait for
# that stdout: a signal removes these NUMBER files, and ends it.
interrupted() {
    number=$1
    shift
    for signal in HUP:129 INT:130 TERM:143; do
        # A shell lets what runs in the background ignore INT.
        env --default-signal=INT "$clstep" "$@" >&9 2>"$folder/err" &
        started=$!
        pending "$number" || fail "$*: it does not write $number files"
        kill -s ${signal%:*} $started
        wait $started
        code=$?
        [ $code -eq ${signal#*:} ] || fail "$*: ${signal%:*} gives $code"
        [ -z "$(find . -name '.clstep-*.tmp')" ] || {
            fail "$*: ${signal%:*} leaves $(find . -name '.clstep-*.tmp')"
            rm -f .clstep-*.tmp
        }
    done
}
interrupted 2 schedule plateau --steps 3 --csv keep.csv --state-out new
interrupted 2 replay --rule adam --params P --grads G --out keep.csv \
    --state-out new --reference --json
interrupted 1 path --rule sgd --csv keep.csv --reference
# A driver's compiler catches signals too; a simulator runs the command itself.
[ -n "${CLSTEP_TEST_SMALL:-}" ] ||
    interrupted 2 replay --rule adam --params P --grads G --out keep.csv \
        --state-out new --json
[ "$(cat keep.csv)" = old ] || fail 'a signal changed an old file'
[ ! -e new ] || fail 'a signal made a file'
rm keep.csv

# What is ignored, as by nohup, stays so.
(
    trap '' HUP
    "$clstep" schedule cosine --steps 3 --csv new >&9 2>/dev/null &
    echo $! >"$folder/started"
    pending 1
    kill -s HUP "$(cat "$folder/started")"
    sleep 0.3
    kill -s TERM "$(cat "$folder/started")"
    wait "$(cat "$folder/started")"
)
code=$?
[ $code -eq 143 ] || fail "HUP was to be ignored, and TERM to end it: $code"
exec 9>&-

# --- devices ------------------------------------------------------------------

expect 0 devices
has out 'numerics  *[eiu]'
expect 0 devices --json
is_object
for key in devices index name platform version driver verdict limits \
    max_alloc_bytes global_memory_bytes compute_units \
    max_work_group_size fp64 out_of_order; do
    has out "\"$key\":"
done
OCL_ICD_VENDORS=/nonexistent expect 1 devices
OCL_ICD_VENDORS=/nonexistent expect 1 devices --json

# --- replay: results ----------------------------------------------------------

for engine in $engines; do
    expect 0 replay --rule sgd --set lr=1 --params P --grads G --out O "$engine"
    same O P2
    [ "$engine" = --json ] && is_object
    expect 0 replay --rule sgd --set lr=0x1p0 --params P --grads G --out O \
        --steps 1 "$engine"
    same O P1

    # Both steps at once, or one, its state, and the other; also in place.
    for rule in 'adam amsgrad=1' 'rmsprop momentum=0.5' 'momentum form=ema'; do
        set -- --rule "${rule% *}" --set "${rule#* }"
        tensors G1 "{$(entry s '[1]' 0 4),$(entry w '[1,2]' 4 12),$(entry e \
            '[1,0]' 12 12)}" "$zero$quarter$one"
        expect 0 replay "$@" --params P --grads G --out O2 --state-out S2 \
            "$engine"
        expect 0 replay "$@" --params P --grads G --out O --state-out S \
            --steps 1 "$engine"
        expect 0 replay "$@" --params O --grads G1 --out O --state-in S \
            --state-out S "$engine"
        cmp -s O O2 || fail "$rule, resumed: the parameters differ"
        cmp -s S S2 || fail "$rule, resumed: the state differs"
    done
done

# Where a schedule-free rule is evaluated: with z1 = z0 - g1, z2 = z1 - g2, at
# their mean, z1 - g2 / 2; before a step at the parameters.
tensors E "{$(entry w '[2]' 0 8),$(entry s '[]' 8 12)}" '\0\0\300\076'"$half$one"
for engine in $engines; do
    expect 0 replay --rule schedule_free_sgd --set lr=1 --set momentum=0.5 \
        --params P --grads G --out O --evaluated-out O2 --state-out S "$engine"
    same O2 E
    expect 0 replay --rule schedule_free_adamw --params P --grads G --out O \
        --evaluated-out O2 "$engine"
    [ "$engine" = --json ] && cp O2 O2.device
    cmp -s O2 O2.device || fail 'what is evaluated differs'
    cmp -s O2 O && fail 'what is evaluated are the parameters'
    for rule in sgd adam; do
        expect 2 replay --rule $rule --params P --grads G --out X \
            --evaluated-out X2 "$engine"
        has err 'evaluated at its parameters; only the schedule-free rules are'
    done
done
rm E O2.device

expect 0 replay --rule nadam --params P --grads G --out O --state-out S
[ ! -s "$folder/out" ] || fail "it wrote on stdout without --json"
expect 0 replay --rule nadam --params P --grads G --out O2 --state-out S2 \
    --reference
cmp -s O O2 || fail "nadam: the device and the reference differ"
cmp -s S S2 || fail "nadam: their states differ"
expect 0 replay --rule sgd --params P --grads G --out O --device 0 --json
for key in rule steps step tensors parameters device verdict seconds; do
    has out "\"$key\":"
done
expect 1 replay --rule sgd --params P --grads G --out X --device nothing
has err "'nothing'"
expect 1 replay --rule sgd --params P --grads G --out X --device 99
has err "'99'"
expect 1 replay --rule sgd --params P --grads G --out X --device ''
expect 0 replay --rule sgd --params P --grads G --out O --json --reference
has out '"reference": true'
has out '"steps": 2'
has out '"parameters": 3'

# Nothing but tensors without elements, and no tensor.
tensors none "{$(entry e '[0,3]' 0 0)}" ''
tensors none_G "{$(entry e '[4,0,3]' 0 0)}" ''
tensors no_tensors '{}' ''
for engine in --json --reference; do
    expect 0 replay --rule adam --params none --grads none_G --out O \
        --state-out S --json "$engine"
    has out '"step": 4'
    expect 0 replay --rule adam --params none --grads none_G --out O \
        --state-in S --state-out S --json "$engine"
    has out '"step": 8'
    expect 0 replay --rule adam --params no_tensors --grads no_tensors \
        --out O --state-out S "$engine"
done

# --- replay: the whole step -----------------------------------------------------

# numbers KIND SEED COUNT NAN - escapes of COUNT numbers of both signs, where the
# one at NAN, from 0 on, is a NaN.
numbers() {
    awk -v kind="$1" -v seed="$2" -v count="$3" -v at="$4" '
        function next_byte() {
            x = (x * 1103 + 12345) % 1048576
            return int(x / 4096)
        }
        BEGIN {
            x = seed * 7919
            for (i = 0; i < count; i++) {
                sign = next_byte() % 2 * 128
                high = (kind == "F16" ? 40 : 58) + next_byte() % 4
                third = next_byte()
                if (i == at) {
                    high = kind == "F16" ? 126 : 127
                    third = 192
                }
                if (kind == "F32")
                    printf "\\%03o\\%03o", next_byte(), next_byte()
                printf "\\%03o\\%03o", third, sign + high
            }
        }'
}

# typed KIND NAME SHAPE FIRST COUNT - an entry; FIRST and COUNT are elements.
typed() {
    [ "$1" = F32 ] && size=4 || size=2
    printf '"%s":{"dtype":"%s","shape":%s,"data_offsets":[%d,%d]}' "$2" "$1" \
        "$3" $((size * $4)) $((size * ($4 + $5)))
}

# A matrix, a tensor without elements, a scalar, and one of two chunks.
tensors many "{$(typed F32 m '[3,40]' 0 120),$(typed F32 e '[0,3]' 120 0),$(
    typed F32 s '[]' 120 1),$(typed F32 v '[4200]' 121 4200)}" \
    "$(numbers F32 1 4321 -1)"
# slices FILE KIND FIRST COUNT - gradients from slice FIRST on; a NaN is in 2.
slices() {
    all=
    for tensor in m:120 s:1 v:4200; do
        slice=$3
        while [ "$slice" -lt $(($3 + $4)) ]; do
            at=-1
            [ $tensor = v:4200 ] && [ "$slice" -eq 2 ] && at=77
            all=$all$(numbers "$2" $((${tensor#*:} + slice)) ${tensor#*:} $at)
            slice=$((slice + 1))
        done
    done
    tensors "$1" "{$(typed "$2" m "[$4,3,40]" 0 $((120 * $4))),$(typed "$2" e \
        "[$4,0,3]" $((120 * $4)) 0),$(typed "$2" s "[$4]" $((120 * $4)) "$4"),$(
        typed "$2" v "[$4,4200]" $((121 * $4)) $((4200 * $4)))}" "$all"
}
for kind in F32 F16 BF16; do
    slices $kind $kind 0 5
    slices $kind.a $kind 0 3
    slices $kind.b $kind 3 2
done

# decided - what the last run's JSON tells of the device's decisions.
decided() {
    grep -e '"step":' -e '"skipped":' -e '"norm":' -e '"scale":' "$folder/out"
}

# whole GRADIENTS ARGUMENT... - device and reference agree in every byte, at
# once and in two parts.
whole() {
    kind=$1
    shift
    set -- --params many --out O --state-out S --json "$@"
    for engine in --json --reference; do
        copy=
        case $* in *copy_type*) copy=C ;; esac
        expect 0 replay "$@" --grads "$kind" ${copy:+--copy-out C} $engine
        if [ $engine = --json ]; then
            cp O O.device
            cp S S.device
            [ -z "$copy" ] || cp C C.device
            decided >"$folder/decided"
        fi
        cmp -s O O.device || fail "$*: the parameters differ"
        cmp -s S S.device || fail "$*: the states differ"
        [ -z "$copy" ] || cmp -s C C.device || fail "$*: the copies differ"
        decided | cmp -s - "$folder/decided" || fail "$*: the decisions differ"

        expect 0 replay "$@" --grads "$kind.a" $engine
        shift 2
        expect 0 replay --params O "$@" --grads "$kind.b" --state-in S \
            ${copy:+--copy-out C} $engine
        set -- --params many "$@"
        cmp -s O O.device || fail "$*, resumed: the parameters differ"
        cmp -s S S.device || fail "$*, resumed: the states differ"
        [ -z "$copy" ] || cmp -s C C.device ||
            fail "$*, resumed: the copies differ"
        decided | cmp -s - "$folder/decided" || fail "$*: the decisions differ"
    done
}

whole F32 --rule adamw --set grad_scale=4 --set check_finite=1 \
    --set clip_norm=0.5 --set max_norm=1 --set ema_decay=0.9 \
    --set copy_type=bf16 --set zero_grad=1
has out '"steps": 2'
has out '"step": 4'
has out '"skipped": 1'
has out '"norm": 0'
"$clstep" replay --rule adam --params many --grads F32 --out O \
    --set clip_norm=1 --steps 2 --json >"$folder/out"
grep -q '"skipped"' "$folder/out" && fail 'skipped steps without check_finite'
grep -q '"scale"' "$folder/out" && fail 'a scale without a dynamic one'
data C | head -n 1 | grep -q . || fail 'the copies have no data'
whole F16 --rule adam --set check_finite=1 --set scale_start=0x1.8p3 \
    --set scale_interval=2 --set scale_growth=1.7 --set scale_backoff=0.3 \
    --set clip_norm_tensor=0.1 --set ema_form=equal --set ema_begin=1 \
    --set grad_type=f16 --set copy_type=f16
has out '"scale": 10.40'
grep -q '"scale_steps":"0"' S || fail 'the state has no scale_steps'
grep -q '"skipped":"1"' S || fail 'the state has no skipped steps'
# A scale does not shrink to 0.
whole F32 --rule adam --set check_finite=1 --set scale_start=2e-38 \
    --set scale_backoff=1e-10
has out '"scale": 1.1754943508222875e-38'
whole BF16 --rule lion --set check_finite=1 --set device_scale=1 \
    --loss-scale 8.5 --set clip_norm=3 --set max_norm=0.5 \
    --set grad_type=bf16 --set maximize=1 --set clip_value=0.1
whole F32 --rule momentum --set prune=0.6 --set prune_begin=2 \
    --set prune_end=4 --set prune_every=1 --set ema_decay=0.5 \
    --set check_finite=1
has out '"zeros": 72'
has out '"zeros": 0'
grep -q '"m.pruned":' S || fail 'the state has no slot pruned'
expect 0 replay --rule sgd --params many --grads F32 --out O --set prune=0.6
has out '^m: 72 of 120 are zero (60 %)$'
has out '^e: 0 of 0 are zero (0 %)$'
[ "$(wc -l <"$folder/out")" -eq 4 ] || fail 'the zeros are not in four lines'
# Where every step is skipped, the copies are those of the first parameters.
slices N F32 2 1
expect 0 replay --rule sgd --params many --grads N --out O2 --copy-out C \
    --set copy_type=bf16 --set check_finite=1 --json
has out '"step": 0'
has out '"skipped": 1'
has out '"norm": null'
same O2 many
[ "$(data C | wc -c)" -gt 8000 ] || fail 'the copies are too few'
rm -f many N O O2 O.device S S.device C C.device F32* F16* BF16*

# --- replay: bad usage --------------------------------------------------------

rm -f X Y O O2 S S2
ls -A >"$folder/before"

# misused WORDS ARGUMENT... - bad usage, whose line has the words.
misused() {
    words=$1
    shift
    expect 2 replay "$@"
    has err "$words"
}

misused 'needs --rule' --params P --grads G --out X
misused 'needs --params' --rule sgd --grads G --out X
misused 'needs --grads' --rule sgd --params P --out X
misused 'needs --out' --rule sgd --params P --grads G
for option in --rule --set --params --grads --out --steps --state-in \
    --state-out --device; do
    misused "$option" --params P $option
done
set -- --params P --grads G --out X --state-out Y --reference
misused "'nothing'" --rule nothing "$@"
misused "'extra'" --rule sgd "$@" extra
for steps in 0 -1 1.5 1e1 '' ' 1' +1 two 18446744073709551616 0x1; do
    misused "^clstep: --steps is '$steps'; it is a whole number from 1 to " \
        --rule sgd "$@" --steps "$steps"
done
misused "3, but 'G' has 2" --rule sgd "$@" --steps 3
misused 'leave --device out' --rule sgd "$@" --device 0

# Files that would be lost are not written to, and nothing is read before.
misused "^clstep: --out and --state-out are the same file, 'X'" --rule sgd \
    --params missing --grads G --out X --state-out ./X
misused "^clstep: --out and --grads are the same file, './G'" --rule sgd \
    --params missing --grads G --out ./G
misused "^clstep: --out and --state-in are the same file, 'S'" --rule sgd \
    --params missing --grads G --out S --state-in "$PWD/S"
misused "^clstep: --state-out and --params are the same file, 'P'" --rule sgd \
    --params P --grads missing --out X --state-out P
misused "^clstep: --state-out and --grads are the same file, 'G'" --rule sgd \
    --params missing --grads G --out X --state-out G

misused "^clstep: --copy-out and --params are the same file, 'P'" --rule sgd \
    --params P --grads missing --out X --copy-out P
misused "^clstep: --copy-out and --out are the same file, './X'" --rule sgd \
    --params missing --grads G --out X --copy-out ./X
for option in params grads out copy-out state-in state-out; do
    set -- --rule sgd --params missing --grads G --out X
    case $option in
    params) set -- --rule sgd --params Z --grads G --out X ;;
    grads) set -- --rule sgd --params missing --grads Z --out X ;;
    out) set -- --rule sgd --params missing --grads G --out Z ;;
    *) set -- "$@" --$option Z ;;
    esac
    misused "^clstep: --evaluated-out and --$option are the same file, 'Z'" \
        "$@" --evaluated-out Z
done
set -- --params P --grads G --out X --state-out Y --reference

# Options that go with settings.
misused '^clstep: --copy-out needs --set copy_type=f16 or bf16' --rule sgd \
    "$@" --copy-out Z
misused '^clstep: --copy-out needs' --rule sgd "$@" --copy-out Z \
    --set copy_type=none
misused '^clstep: device_scale=1 needs --loss-scale' --rule sgd "$@" \
    --set device_scale=1
misused '^clstep: --loss-scale needs --set device_scale=1' --rule sgd "$@" \
    --loss-scale 2
misused '^clstep: --loss-scale needs' --rule sgd "$@" --loss-scale 2 \
    --set device_scale=0
for scale in '' x 0 -1 nan inf 1e39 1e-60 ' 1'; do
    misused "^clstep: --loss-scale is '$scale'; it is a number above 0" \
        --rule sgd "$@" --set device_scale=1 --loss-scale "$scale"
done

# An option in place of a value, and a value that is given twice.
misused "^clstep: --params needs a file, but the option '--grads' follows" \
    --rule sgd --params --grads G --out X
misused "^clstep: --steps needs a value, but the option '--out' follows" \
    --rule sgd --params P --grads G --steps --out X
misused '^clstep: --out is given twice' --rule sgd "$@" --out Z
misused '^clstep: --rule is given twice' --rule sgd --rule sgd "$@"

for text in lr '' =1; do
    misused "'$text' is not of the form" --rule sgd "$@" --set "$text"
done
for value in '' ten 1,5 1x ' 1' 0x 1e; do
    misused "'$value', which is not a number" --rule sgd "$@" --set "lr=$value"
done
for value in -1 nan inf -inf 1e39 1e999; do
    misused 'lr of sgd is .*not in' --rule sgd "$@" --set "lr=$value"
done
misused 'is 3.40282347e+38, which is not in .*, 3.402823466e+38' --rule sgd \
    "$@" --set lr=3.40282347e38
misused "no setting 'beta1'" --rule sgd "$@" --set beta1=0.9
misused 'given twice' --rule sgd "$@" --set lr=1 --set lr=2
misused 'amsgrad of adam is 2' --rule adam "$@" --set amsgrad=2
misused "'true', which is not 0 or 1" --rule adam "$@" --set amsgrad=true
misused "'beside'" --rule adam "$@" --set eps_form=beside
misused "''" --rule adam "$@" --set eps_form=
misused 'nesterov' --rule momentum "$@" --set form=ema --set nesterov=1

# --- replay: bad input --------------------------------------------------------

# refused WORDS ARGUMENT... - input that cannot be used.
refused() {
    words=$1
    shift
    for engine in $engines; do
        expect 1 replay --rule adam "$@" "$engine"
        has err "$words"
    done
}

# bad_params WORDS HEADER DATA, bad_grads WORDS HEADER DATA - the same with a
# file like this.
bad_params() {
    tensors "$folder/bad" "$2" "$3"
    refused "$1" --params "$folder/bad" --grads G --out X --state-out Y
}
bad_grads() {
    tensors "$folder/bad" "$2" "$3"
    refused "$1" --params P --grads "$folder/bad" --out X --state-out Y
}

refused "^clstep: --params: cannot open 'missing': No such file" \
    --params missing --grads G --out X
refused "^clstep: --grads: cannot open 'missing': No such file" \
    --params P --grads missing --out X
refused "^clstep: --state-in: cannot open 'missing': No such file" \
    --params P --grads G --out X --state-in missing
refused "^clstep: --params: cannot open '': No such file" \
    --params '' --grads G --out X
refused "--params: cannot read '.': it is not a regular file" \
    --params . --grads G --out X
refused "--out: cannot write 'missing/X'" --params P --grads G --out missing/X
refused 'not a regular file' --params P --grads G --out .
refused 'not a regular file' --params P --grads G --out /dev/null
refused 'No such file' --params P --grads G --out ''
refused "--state-out: cannot write 'missing/X'" --params P --grads G --out X \
    --state-out missing/X
printf 'This is a text.' >"$folder/text"
refused 'at most 100000000 are allowed; is it a safetensors file?' \
    --params "$folder/text" --grads G --out X

bad_params 'cannot be parsed' '{"w":' ''
bad_params "'w' is of dtype F64; only F32, F16 and BF16 are supported" \
    '{"w":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}}' "$one$one"
bad_params "'w' is F16, but parameters are F32" \
    '{"w":{"dtype":"F16","shape":[1],"data_offsets":[0,2]}}' '\0\0'
bad_params 'truncated' "{$(entry w '[2]' 0 8)}" "$one"
bad_params 'belong to no tensor' "{$(entry w '[1]' 0 4)}" "$one$one"

refused "^clstep: 'G': tensor 'w' is F32, but grad_type=f16 takes F16" \
    --params P --grads G --out X --set grad_type=f16
for kind in F16 BF16; do
    bad_grads "tensor 'w' is $kind, but grad_type=f32 takes F32" \
        "{$(typed $kind w '[2,2]' 0 4),$(typed $kind s '[2]' 4 2),$(typed \
            $kind e '[2,0]' 6 0)}" "$one$one$one"
done
refused "--evaluated-out: cannot write 'missing/X'" --params P --grads G \
    --out X --evaluated-out missing/X
refused "--copy-out: cannot write 'missing/X'" --params P --grads G --out X \
    --set copy_type=f16 --copy-out missing/X
w=$(entry w '[2,2]' 0 16)
e=$(entry e '[2,0]' 16 16)
four=$one$one$one$one
bad_grads "no tensor 's'" "{$w,$e}" "$four"
bad_grads "has a tensor 'x'" \
    "{$w,$e,$(entry s '[2]' 16 24),$(entry x '[]' 24 28)}" "$four$one$one$one"
bad_grads "'s' has the shape \[2, 1\]" "{$w,$e,$(entry s '[2,1]' 16 24)}" \
    "$four$one$one"
bad_grads "'s' has the shape \[\]" "{$w,$e,$(entry s '[]' 16 20)}" "$four$one"
bad_grads "'w' has the shape \[4\]" \
    "{$(entry w '[4]' 0 16),$e,$(entry s '[2]' 16 24)}" "$four$one$one"
bad_grads "'s' has 1 slices, but tensor 'w' has 2" \
    "{$w,$e,$(entry s '[1]' 16 20)}" "$four$one"
bad_grads "'e' has 3 slices" \
    "{$w,$(entry e '[3,0]' 16 16),$(entry s '[2]' 16 24)}" "$four$one$one"
bad_grads "'w' has no slice" \
    "{$(entry w '[0,2]' 0 0),$(entry e '[0,0]' 0 0),$(entry s '[0]' 0 0)}" ''

# --- replay: bad states -------------------------------------------------------

tensors "$folder/P" "{$(entry w '[]' 0 4)}" "$one"
tensors "$folder/G" "{$(entry w '[2]' 0 8)}" "$one$one"
m="$(entry w.exp_avg '[]' 0 4)"
v="$(entry w.exp_avg_sq '[]' 4 8)"

# state METADATA ENTRIES DATA - a state of adam for that one parameter.
state() {
    tensors "$folder/S" "{\"__metadata__\":{$1},$2}" "$3"
}
# bad_state WORDS - the state is refused.
bad_state() {
    refused "$1" --params "$folder/P" --grads "$folder/G" --out X \
        --state-out Y --state-in "$folder/S"
}

state '"step":"3","rule":"adam"' "$m,$v" "$one$one"
expect 0 replay --rule adam --params "$folder/P" --grads "$folder/G" \
    --out X --state-in "$folder/S" --json --reference
has out '"step": 5'
rm X
state '"rule":"adam"' "$m,$v" "$one$one"
bad_state "no 'step'"
for step in '' -1 +1 ' 1' 1.5 1e3 x 18446744073709551616; do
    state "\"step\":\"$step\"" "$m,$v" "$one$one"
    bad_state "step is '$step'"
done
state '"step":"18446744073709551614"' "$m,$v" "$one$one"
bad_state 'more than 64 bits can count'
state '"step":"3","rule":"adamax"' "$m,$v" "$one$one"
bad_state "the rule 'adamax', not of 'adam'"
state '"step":"3","format":"other"' "$m,$v" "$one$one"
bad_state "format is 'other'"
state '"step":"3"' "$m" "$one"
bad_state "no tensor 'w.exp_avg_sq'"
state '"step":"3"' "$m,$v,$(entry w.max_exp_avg_sq '[]' 8 12)" "$one$one$one"
bad_state "'w.max_exp_avg_sq', which is no slot"
state '"step":"3"' "$m,$v,$(entry x.exp_avg '[]' 8 12)" "$one$one$one"
bad_state "'x.exp_avg', which is no slot"
state '"step":"3"' "$m,$v,$(entry step '[]' 8 12)" "$one$one$one"
bad_state "'step', which is no slot"
state '"step":"3"' "$m,$(entry w.exp_avg_sq '[1]' 4 8)" "$one$one"
bad_state "'w.exp_avg_sq' has the shape \[1\], not \[\]"

state '"step":"3"' "$(typed F16 w.exp_avg '[]' 0 1),$(typed F16 w.exp_avg_sq \
    '[]' 1 1)" "$one"
bad_state "'w.exp_avg' is F16, but slots are F32"

# What a state tells of the scale and of skipped steps counts where they do.
for text in skipped=-1 scale_steps=4294967296 scale=0 scale=1e-39 scale=nan scale=1e39 \
    scale=; do
    state "\"step\":\"3\",\"${text%=*}\":\"${text#*=}\"" "$m,$v" "$one$one"
    set -- --params "$folder/P" --grads "$folder/G" --out X \
        --state-in "$folder/S"
    expect 0 replay --rule adam "$@" --reference
    rm X
    refused "its ${text%=*} is '${text#*=}', which is not" "$@" \
        --set check_finite=1 --set scale_start=2
done
for text in '"scale":"8"' '"scale_steps":"1"'; do
    state "\"step\":\"3\",$text" "$m,$v" "$one$one"
    refused "it has $(echo "$text" | cut -d '"' -f 2), but not scale" "$@" \
        --set check_finite=1 --set scale_start=2
done

# --- replay: outputs that fail ------------------------------------------------

ls -A >"$folder/after"
cmp -s "$folder/before" "$folder/after" || {
    fail "a failure left or removed files:"
    diff "$folder/before" "$folder/after" >&2
}

# A limit on the size of files stands for a full disk; the old file stays.
cp P O
tensors "$folder/P" "{$(entry w '[300]' 0 1200)}" \
    "$(printf '\\0%.0s' $(seq 1200))"
tensors "$folder/G" "{$(entry w '[1,300]' 0 1200)}" \
    "$(printf '\\0%.0s' $(seq 1200))"
(
    ulimit -f 1
    "$clstep" replay --rule adam --params "$folder/P" --grads "$folder/G" \
        --out O --state-out Y --reference 2>/dev/null
)
code=$?
[ $code -eq 1 ] || fail "a full disk: exit code $code, not 1"
cmp -s P O || fail "a full disk: the old file is lost"

# A report that cannot be printed.
if [ -c /dev/full ]; then
    "$clstep" replay --rule sgd --params P --grads G --out O --reference \
        --json >/dev/full 2>"$folder/err"
    code=$?
    [ $code -eq 1 ] || fail "a full stdout: exit code $code, not 1"
    cmp -s P O || fail "a full stdout: the old file is lost"
    "$clstep" rules --json >/dev/full 2>"$folder/err"
    [ $? -eq 1 ] || fail "rules on a full stdout: not 1"
    "$clstep" rules >/dev/full 2>"$folder/err"
    [ $? -eq 1 ] || fail "rules on a full stdout: not 1"
fi
rm O
ls -A >"$folder/after"
cmp -s "$folder/before" "$folder/after" || fail "a failed write left files"

if [ $failures -ne 0 ]; then
    printf 'cli.sh: %d failures\n' $failures >&2
    exit 1
fi
echo 'cli.sh: all is well'
