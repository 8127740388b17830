#!/bin/sh
# path.sh - `clstep path`: the steps, the files, the pictures, every mistake
# SPDX-License-Identifier: MIT
#
#     path.sh CLSTEP
#
# Each mistake must give what expect.sh says, and leave every file as it was.
set -u

clstep=${1:?"usage: path.sh CLSTEP"}
. "$(dirname "$0")/expect.sh"
path=$PATH # of the command that is tested

run() {
    "$launch" env PATH="$path" "$clstep" path "$@"
}

# --- steps --------------------------------------------------------------------

expect 0 --help
for option in rule set function start steps device reference csv plot json; do
    has out "--$option"
done
has out 'the gradient is computed'

# one START STEP FUNCTION - with lr=1, a step of sgd from START leads to STEP.
one() {
    expect 0 --function "$3" --start "$1" --rule sgd --set lr=1 --steps 1 \
        --csv csv
    has work/csv "^1,sgd,lr=1,0,$1,"
    has work/csv "^1,sgd,lr=1,1,$2,"
}
one 1,1 -1,-1 circle
one 1,1 -1,-15 ellipse
one 0.5,-0.25 -0.5,3.75 ellipse
one -1.5,1 753.5,251 rosenbrock # g = -5 - 600 1.25 and -250
one 1,1 1,1 rosenbrock
one 1,1 1,-26.75 beale
one 0,0 12.75,0 beale
one 3,0.5 3,0.5 beale
# At (2, -1), where t is -2.5, 2.25, -1.375 and the derivatives by w1 are -2, 0
# and -2, those by w2 are 2, -4 and 6.
one 2,-1 -13.5,43.5 beale

# value F ARGUMENT... - what f is at the start.
value() {
    wanted_value=$1
    shift
    expect 0 --rule sgd --steps 1 --csv csv "$@"
    found=$(awk -F, 'NR == 2 { print $7 }' csv)
    [ "$found" = "$wanted_value" ] || fail "path $*: f is $found"
}
value 2 --function circle
value 2
value 9 --function ellipse
value 156.25 --function rosenbrock --start 1,-0.25 --reference
value 14.203125 --function beale
value 0 --function beale --start 3,0.5
rm csv

# The steps of every rule are the reference's, and on each function those of
# some.  lbfgs needs more than a step.
rules=$("$clstep" rules --json | awk -F'"' '/^      "name"/ { print $4 }' |
    grep -v lbfgs)
[ "$(echo "$rules" | wc -l)" -ge 27 ] || fail 'clstep rules tells too few'
set --
for rule in $rules; do
    set -- "$@" --rule "$rule"
done
for function in ellipse circle rosenbrock beale; do
    expect 0 --function $function --steps 9 --csv device "$@"
    head -n 1 "$folder/out" | grep -q '^f = .* after 9 steps, by ' ||
        fail 'the head is missing'
    expect 0 --function $function --steps 9 --csv reference "$@" --reference
    head -n 1 "$folder/out" | grep -q 'by the scalar reference$' ||
        fail 'the reference is not told'
    cmp -s device reference || fail "$function: the steps differ"
    lines=$(wc -l <device)
    paths=$(echo "$*" | tr ' ' '\n' | grep -c -e '^--rule$')
    [ "$lines" -eq $((10 * paths + 1)) ] || fail "$lines lines of $paths paths"
    set -- --rule adam --set lr=0.1 --set amsgrad=1 --rule sophia --set lr=0.1 \
        --rule sgd --set grad_type=f16 --rule momentum --set lr=0.01 --set \
        grad_type=bf16 --set copy_type=f16 --rule nadam --set clip_norm=1 \
        --set check_finite=1
done
rm device reference

# A setting belongs to the rule before it.
expect 0 --rule sgd --set lr=0.25 --rule sgd --rule adam --set eps=1 --set \
    eps_form=inside --set lr=0.5 --steps 2 --csv csv
has out '^sgd lr=0.25  *0.25  *0.25  *0.125$'
has out '^sgd  *0.9604  *0.9604 '
has work/csv '^1,sgd,lr=0.25,2,0.25,0.25,0.125$'
has work/csv '^2,sgd,,0,1,1,2$'
has work/csv '^3,adam,eps=1 eps_form=inside lr=0.5,0,1,1,2$'
[ "$(wc -l <csv)" -eq 10 ] || fail 'the CSV has not 10 lines'
expect 0 --rule sgd --rule adam --set lr=0.5 --json --steps 3 --start 0.5,-2
[ "$(head -n 1 "$folder/out")" = '{' ] || fail 'the JSON begins with no {'
[ "$(grep -c '^[{}]' "$folder/out")" -eq 2 ] || fail 'no single object'
for key in function formula start steps device verdict paths rule settings \
    points; do
    has out "\"$key\":"
done
[ "$(grep -c '"rule"' "$folder/out")" -eq 2 ] || fail 'not two paths'
has out '"lr=0.5"'
expect 0 --rule sgd --json --reference --steps 1
has out '"reference": true'

# Sophia's hessian is the function's, and 0 where that is negative: with beta1=0
# and rho=1 a step is half of g / h, or of the sign of g.
set -- --rule sophia --set lr=0.5 --set beta1=0 --set rho=1 --steps 1
expect 0 "$@" --function ellipse
has out ' 0.5  *0.5  *2.25$'
expect 0 "$@" --function circle --start 2,4
has out ' 1.5  *3.5  *14.5$' # g / h is 2 and 4, but 1 at most
expect 0 "$@" --function rosenbrock --start 0.5,0
has out ' 0.418874  *0.125 ' # 49 / 302 and 50 / 200
expect 0 "$@" --function rosenbrock --start 0,1
has out ' 0.5  *0.5 '
expect 0 "$@" --function beale --start 2,-1
has out ' 1.51562  *-0.863497 ' # 15.5 / 16 and 44.5 / 163

# What leaves the numbers is told as such.
expect 0 --rule sgd --set lr=1e38 --steps 4 --csv csv --json
has work/csv ',4,nan,nan,nan$'
has out 'null'
rm csv

# --- pictures -----------------------------------------------------------------

if gnuplot --version >/dev/null 2>&1; then
    expect 0 --rule momentum --set lr=0.1 --rule adam --set lr=0.1 \
        --function ellipse --plot "it's.svg"
    for text in '</svg>' 'f = w1^2 + 8 w2^2, 50 steps from (1, 1)' \
        '>momentum lr=0.1<' '>adam lr=0.1<' '>w1<'; do
        grep -q "$text" "it's.svg" || fail "the SVG has no '$text'"
    done
    expect 0 --rule sgd --set lr=1e38 --steps 200 --plot far.svg
    grep -q '</svg>' far.svg || fail 'a path that leaves has no picture'
    expect 0 --rule sgd --function beale --start -300,400 --steps 1 \
        --plot far.svg
    grep -q '</svg>' far.svg || fail 'a far start has no picture'
    rm "it's.svg" far.svg

    # A title or a label that is too long has more lines.
    long='adam lr=0.1 weight_decay=0.1'
    rest='decay_form=independent ema_decay=0.9'
    set --
    for word in lr=0.1 weight_decay=0.1 $rest; do
        set -- "$@" --set "$word"
    done
    expect 0 --rule adam "$@" --function beale --plot long.svg
    for text in '(2.625 - w1 + w1 w2^3)^2<' '>50 steps from (1, 1)<' ">$long<" \
        ">$rest<"; do
        grep -q -F "$text" long.svg || fail "the long texts have no '$text'"
    done
    expect 0 --rule sgd --set "lr=0.$(printf '%050d' 1)" --plot long.svg
    grep -q '>lr=0\.0*<' long.svg || fail 'a long number is not cut'
    [ "$(grep -c '>0*1<' long.svg)" -ge 1 ] || fail 'a long number has no end'

    # Paths of one colour have other dashes.
    set --
    for i in 1 2 3 4 5 6 7 8; do
        set -- "$@" --rule sgd --set lr=0.$i
    done
    expect 0 "$@" --plot long.svg
    ! grep -q stroke-dasharray long.svg || fail 'eight paths have dashes'
    expect 0 "$@" --rule adam --plot long.svg
    grep -q stroke-dasharray long.svg || fail 'the ninth path has no dashes'
    rm long.svg

    if gnuplot -e 'set terminal pngcairo' >/dev/null 2>&1; then
        expect 0 --rule adam --function rosenbrock --plot a.png
        head -c 4 a.png | tail -c 3 | grep -q PNG || fail 'the PNG is none'
        rm a.png
        expect 1 --rule sgd --plot no/such/a.png
        has err "cannot write 'no/such/a.png'"
    fi
    if [ -c /dev/full ]; then
        ln -s /dev/full full.svg
        expect 1 --rule sgd --plot full.svg --reference
        has err "could not write all of 'full.svg'"
        rm full.svg
    fi

    # A plot that is cut leaves the old file, and makes no new one.
    mkdir "$folder/bin"
    printf '#!/bin/sh\ncat >/dev/null\nprintf "<svg>"\n' >"$folder/bin/gnuplot"
    chmod +x "$folder/bin/gnuplot"
    path=$folder/bin:$PATH
    for name in cut.svg cut.png; do
        expect 1 --rule sgd --plot $name --csv new --reference
        has err 'gnuplot could not draw all of the plot'
        [ ! -e $name ] || fail 'a part of a plot'
        [ ! -e new ] || fail 'a CSV of a failure'
        echo old >$name
        expect 1 --rule sgd --plot $name --csv $name.csv --reference
        [ "$(cat $name)" = old ] || fail 'an old plot is gone'
        rm $name
    done
    path=$PATH
fi

# --- mistakes -----------------------------------------------------------------

echo old >F
ls -A >"$folder/before"

# wrong WORDS ARGUMENT... - bad usage, whose line has the words.
wrong() {
    words=$1
    shift
    expect 2 "$@"
    has err "$words"
}

wrong 'path needs --rule'
wrong "no rule is called 'Sgd'; \`clstep rules\` lists them" --rule Sgd
wrong "^clstep: --set 'lr=1' stands in front of the first --rule" --set lr=1 \
    --rule sgd
wrong "'lr' is not of the form NAME=VALUE" --rule sgd --set lr
wrong "no setting 'beta1'" --rule adam --set beta1=0.5 --rule sgd --set \
    beta1=0.5
wrong 'lr of sgd is -1' --rule sgd --set lr=-1
wrong 'given twice' --rule sgd --set lr=1 --set lr=2
wrong '^clstep: device_scale=1 needs a loss that is scaled' --rule sgd --set \
    device_scale=1
wrong "^clstep: --rule needs a value, but the option '--set' follows" --rule \
    --set lr=1
wrong "^clstep: the argument 'sgd' is one too many" sgd
wrong '--nothing: unknown option' --nothing
for name in '' Circle parabola; do
    wrong "^clstep: --function is '$name'; it is circle, ellipse, rosenbrock or" \
        --rule sgd --function "$name"
done
for start in '' 1 '1,' ,1 1,x 1,1,1 1,nan inf,1 1,1e39 ' 1,1' '1, 1' 1.5; do
    wrong "^clstep: --start is '$start'; it is two numbers with a comma" \
        --rule sgd --start "$start"
done
for steps in 0 -1 1.5 '' two 100001; do
    wrong "^clstep: --steps is '$steps'; it is a whole number from 1 to 100000" \
        --rule sgd --steps "$steps"
done
wrong 'leave --device out' --rule sgd --reference --device 0
wrong 'given twice' --rule sgd --steps 1 --steps 2
for name in X '' X.svg.gz X.pdf; do
    wrong "^clstep: --plot is '$name'; .*ends in .svg or .png" --rule sgd \
        --plot "$name"
done
wrong '^clstep: --csv and --plot are the same file' --rule sgd --csv X.svg \
    --plot ./X.svg
set --
while [ $# -lt 130 ]; do
    set -- "$@" --rule sgd
done
wrong 'more than 64 times' "$@"

# unusable WORDS ARGUMENT... - what cannot be done.
unusable() {
    words=$1
    shift
    expect 1 "$@"
    has err "$words"
}
unusable "--csv: cannot write 'no/such/F': No such file" --rule sgd --csv \
    no/such/F
unusable "'nothing'" --rule sgd --device nothing --csv F
unusable "'99'" --rule sgd --device 99 --csv F
path=$folder
unusable '--plot needs gnuplot' --rule sgd --plot X.svg
path=$PATH
ls -A >"$folder/after"
cmp -s "$folder/before" "$folder/after" || {
    fail 'a failure left or removed files:'
    diff "$folder/before" "$folder/after" >&2
}
[ "$(cat F)" = old ] || fail 'a failure changed a file'

if [ $failures -ne 0 ]; then
    printf 'path.sh: %d failures\n' $failures >&2
    exit 1
fi
echo 'path.sh: all is well'
