#!/bin/sh
# bench.sh - `clstep bench` on small sizes, and what it says of mistakes
# SPDX-License-Identifier: MIT
#
#     bench.sh CLSTEP
#
# It says nothing of speed: the sizes are tiny, and any share is accepted.
set -u

clstep=${1:?"usage: bench.sh CLSTEP"}
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
path=$PATH # of the command that is tested
failures=0

fail() {
    printf 'bench.sh: %s\n' "$*" >&2
    failures=$((failures + 1))
}

# expect CODE ARGUMENT... - runs bench; its output is in $folder/out and err.
expect() {
    wanted=$1
    shift
    PATH=$path "$clstep" bench "$@" >"$folder/out" 2>"$folder/err" </dev/null
    code=$?
    [ "$code" -eq "$wanted" ] || {
        fail "bench $*: exit code $code, not $wanted"
        cat "$folder/err" >&2
    }
    if [ "$wanted" -eq 0 ]; then
        [ ! -s "$folder/err" ] || fail "bench $*: it wrote on stderr"
    else
        lines=$(wc -l <"$folder/err")
        [ "$lines" -eq 1 ] || fail "bench $*: $lines lines on stderr, not 1"
    fi
    if [ "$wanted" -eq 2 ] && [ -s "$folder/out" ]; then
        fail "bench $*: it wrote on stdout"
    fi
}

# has FILE PATTERN - a line of the file fits.
has() {
    grep -q -e "$2" "$folder/$1" || fail "$1 has no '$2'"
}

# count FILE PATTERN NUMBER - so many lines of the file fit.
count() {
    found=$(grep -c -e "$2" "$folder/$1")
    [ "$found" -eq "$3" ] || fail "$1 has $found lines with '$2', not $3"
}

# --- results ------------------------------------------------------------------

expect 0 --size 4096 --rounds 15 --rule adam --json
head -c 1 "$folder/out" | grep -q '{' || fail "the JSON begins with no {"
tail -n 1 "$folder/out" | grep -q '^}$' || fail "the JSON ends with no }"
for key in context benchmarks device driver version date name rule count \
    tensors best_ms median_ms runs bytes_per_parameter gb_per_s \
    limit_gb_per_s share; do
    count out "\"$key\": " 1
done
has out '"name": "adam/4096"'
has out '"rule": "adam"'
has out '"count": 4096,'
has out '"tensors": 1,'
has out '"runs": 15,'
has out '"bytes_per_parameter": 28,'
for key in best_ms median_ms gb_per_s limit_gb_per_s share; do
    has out "\"$key\": [0-9][0-9]*\\.[0-9]"
done

# The columns of the CSV are the keys; each size and each rule is a row.
expect 0 --size 1k --size 10^3 --rounds 1 --rule sgd --rule adam \
    --csv "$folder/csv"
count out '^adam ' 2
count out '^sgd ' 2
count csv '' 5
columns=name,rule,count,tensors,best_ms,median_ms,runs,bytes_per_parameter
has csv "^$columns,gb_per_s,limit_gb_per_s,share\$"
count csv '^sgd/1024,sgd,1024,1,' 1
count csv '^adam/1000,adam,1000,1,' 1

# A gradient that is zeroed is one more array that is written.
expect 0 --size 300 --rounds 2 --rule sgd --set zero_grad=1 --json
has out '"bytes_per_parameter": 16,'
has out '"zero_grad=1"'

if gnuplot --version >/dev/null 2>&1; then
    expect 0 --size 4096 --rounds 1 --rule adam --rule sgd \
        --plot "$folder/it's a plot.svg"
    mv "$folder/it's a plot.svg" "$folder/svg"
    has svg '</svg>'
    has svg '>adam<'
    has svg 'One step of 4,096 parameters'
else
    echo 'bench.sh: no gnuplot, so no plot is tried'
fi

expect 0 --help
for option in rule set size model device rounds csv plot json; do
    has out "--$option"
done

# --- mistakes -----------------------------------------------------------------

expect 2 --rule nosuch
has err nosuch
expect 2 --model nosuch
has err nosuch
for size in 0 -1 '' x 12x 1.5 4kk 2^ ^2 0^3 2^64 99999999999999999999 \
    18446744073709551615G ' 4'; do
    expect 2 --rule sgd --size "$size"
done
expect 2 --rounds 0
expect 2 --rounds -3
expect 2 --rounds many
expect 2 --nosuch
has err nosuch
expect 2 stray
has err stray
expect 2 --rule sgd --rule adam --set beta1=0.9 --size 16
has err beta1
expect 2 --rule adam --set beta1=2 --size 16
has err beta1
expect 2 --rule adam --set beta1 --size 16
expect 2 --rule sgd --size 16 --csv "$folder/no/such/folder"
has err no/such/folder

expect 1 --rule sgd --size 16 --device nosuchdevice
has err nosuchdevice
expect 1 --rule adam --size 2^50
expect 1 --rule sgd --size 2^63

# A gnuplot that is missing is noticed before anything is measured or opened.
path=$folder
expect 1 --rule sgd --size 16 --plot "$folder/never.svg"
path=$PATH
has err gnuplot
[ ! -e "$folder/never.svg" ] || fail "a plot without gnuplot"

if [ -e /dev/full ]; then
    expect 1 --rule sgd --size 16 --rounds 1 --csv /dev/full --json
    has err /dev/full
fi

[ "$failures" -eq 0 ] || exit 1
echo 'bench.sh: as expected'
