#!/bin/sh
# bench.sh - `clstep bench` on small sizes, and what it says of mistakes
# SPDX-License-Identifier: MIT
#
#     bench.sh CLSTEP
#
# It says nothing of speed: the sizes are tiny, and any share is accepted.
set -u

clstep=${1:?"usage: bench.sh CLSTEP"}
. "$(dirname "$0")/expect.sh"
path=$PATH # of the command that is tested

run() {
    PATH=$path "$clstep" bench "$@"
}

# count FILE PATTERN NUMBER - so many lines of the file fit.
count() {
    found=$(grep -c -e "$2" "$folder/$1")
    [ "$found" -eq "$3" ] || fail "$1 has $found lines with '$2', not $3"
}

# The sizes of which there has to be something to see; on a slow simulator they
# are smaller, and all else is as it is.
large_size=64k
large=65536
printed=65,536
many=100000
if [ -n "${CLSTEP_TEST_SMALL:-}" ]; then
    large_size=5k
    large=5120
    printed=5,120
    many=3000
fi

# --- results ------------------------------------------------------------------

expect 0 --size 4096 --rounds 15 --rule adam --json
head -c 1 "$folder/out" | grep -q '{' || fail "the JSON begins with no {"
tail -n 1 "$folder/out" | grep -q '^}$' || fail "the JSON ends with no }"
for key in context benchmarks device driver version date name rule count \
    tensors best_ms median_ms runs bytes_per_parameter gb_per_s \
    limit_gb_per_s share part host_us groups; do
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
columns=$columns,gb_per_s,limit_gb_per_s,share,settings,part,host_us,groups
has csv "^$columns\$"
count csv '[0-9],,step,-*[0-9.e+-]*,1$' 4
count csv '^sgd/1024,sgd,1024,1,' 1
count csv '^adam/1000,adam,1000,1,' 1

# A gradient that is zeroed is one more array that is written.
expect 0 --size 300 --rounds 2 --rule sgd --set zero_grad=1 --json
has out '"bytes_per_parameter": 16,'
has out '"zero_grad=1"'
has out '"settings": "zero_grad=1"'

# The settings are told wherever the results are.
expect 0 --size 1e2 --rounds 1 --rule adam --set amsgrad=1 --set lr=0.5 \
    --csv "$folder/csv"
has out '^settings  amsgrad=1 lr=0.5$'
has csv '^adam/100,adam,100,.*,amsgrad=1 lr=0.5,step,'

# Halves, copies and averages, and what scales in the device's memory.
expect 0 --size 300 --rounds 1 --rule sgd --rule lion --set grad_type=bf16 \
    --set copy_type=f16 --set ema_decay=0.5 --set device_scale=1 --json
has out '"bytes_per_parameter": 20,'
has out '"bytes_per_parameter": 28,'
expect 0 --size 300 --rounds 1 --rule sgd --set grad_type=f16 \
    --set zero_grad=1 --set clip_norm=1 --json
has out '"bytes_per_parameter": 14,'

# What acts on matrices acts on those of a model; a simulator has no time for it.
if [ -z "${CLSTEP_TEST_SMALL:-}" ]; then
    expect 0 --model resnet50 --rounds 1 --rule sgd --set prune=0.5 --json
    has out '"bytes_per_parameter": 16,'
fi

# A size in tensors and groups.
expect 0 --size 1000 --size 7 --tensors 7 --groups 3 --rounds 1 --rule adam \
    --set clip_norm_tensor=1 --json
count out '"tensors": 7,' 2
count out '"groups": 3$' 2
has out '"count": 1000,'
expect 0 --size $many --tensors 9 --rounds 1 --rule sgd --json
has out "\"count\": $many,"

# The whole step: its parts, and what is added for each.
expect 0 --whole-step --size $large_size --size 1000 --rounds 2 --csv "$folder/csv"
has out '^rule  *part  *parameters .* share  host us$'
for part in update 'with norm' everything; do
    count out "^adamw  *$part  *$large  *[0-9]" 1
    count out "^adamw  *$part  *1000  *[0-9]" 1
done
count out "^adamw  *everything: update pass  *$large  *[0-9]" 1
count out "^adamw  *norm pass  *$large  *[0-9]" 1
count out pass 2
count csv '' 9
has csv "^$columns\$"
has csv "^adamw/$large/update,adamw,$large,1,.*,2,28,.*,,update,-*[0-9]"
has csv '^adamw/1000/with norm,.*,2,32,.*,check_finite=1 clip_norm=1,with norm,'
has csv "^adamw/$large/everything,.*,2,46,.*zero_grad=1,everything,-*[0-9]"
has csv '/everything: update pass,.*,2,42,.*,everything: update pass,,1$'
has csv "^adamw/$large/norm pass,.*,2,4,.*,norm pass,,1\$"
expect 0 --whole-step --rule sgd --rule lion --size 4096 --tensors 4 \
    --groups 2 --rounds 1 --json --set clip_norm_tensor=2 --set scale_start=8 \
    --set grad_type=f16 --set ema_form=equal --set check_finite=1
count out '"part": ' 10
count out '"host_us": null' 4
has out '"name": "lion/4096/everything: update pass"'
count out '"bytes_per_parameter": 2,' 2
has out '"settings": "clip_norm_tensor=2 .* copy_type=bf16 zero_grad=1"'

if gnuplot --version >/dev/null 2>&1; then
    expect 0 --size 4096 --rounds 1 --rule adam --rule sgd \
        --plot "$folder/it's a plot.svg"
    mv "$folder/it's a plot.svg" "$folder/svg"
    has svg '</svg>'
    has svg '>adam<'
    has svg 'One step of 4,096 parameters on'

    # The bar divided by the mark is the share: here by their heights.
    expect 0 --size $large_size --rounds 5 --rule adam --set amsgrad=1 \
        --csv "$folder/csv" --plot "$folder/svg.svg"
    mv "$folder/svg.svg" "$folder/svg"
    has svg "One step of $printed parameters with amsgrad=1 on"
    share=$(awk -F, 'NR == 2 { print $11 }' "$folder/csv")
    awk -F '[ ,M]+' -v share="$share" '
        /gnuplot_plot_/ { part = $0 ~ /plot_1/ ? 1 : $0 ~ /plot_2/ ? 2 : 3 }
        part == 1 && sub(/.*points = ./, "") { bottom = $2; bar = $2 - $6 }
        part == 2 && sub(/.* d=.M/, "") { mark = bottom - $2 }
        END { exit !(bar > 0 && (bar / mark / share - 1) ^ 2 < 1e-4) }
    ' "$folder/svg" || fail 'the bar and the mark differ from the share'

    # A plot that cannot be written, by a disk or by gnuplot.
    if [ -e /dev/full ]; then
        expect 1 --rule sgd --size 16 --rounds 1 --plot /dev/full --json
        has err /dev/full
        ln -s /dev/full "$folder/full.svg"
        expect 1 --rule sgd --size 16 --rounds 1 --plot "$folder/full.svg" \
            --json
        has err full.svg
    fi
    mkdir "$folder/bin"
    printf '#!/bin/sh\nexec %s | head -c 99\n' "$(command -v gnuplot)" \
        >"$folder/bin/gnuplot"
    chmod +x "$folder/bin/gnuplot"
    path=$folder/bin:$PATH
    expect 1 --rule sgd --size 16 --rounds 1 --plot "$folder/cut.svg" --json
    has err 'all of the plot'
    [ ! -e "$folder/cut.svg" ] || fail "a part of a plot"
    echo old >"$folder/cut.svg"
    expect 1 --rule sgd --size 16 --rounds 1 --plot "$folder/cut.svg" --json
    path=$PATH
    [ "$(cat "$folder/cut.svg")" = old ] || fail "an old plot is gone"

    # A CSV whose plot fails keeps what it was.
    path=$folder/bin:$PATH
    echo old >"$folder/csv"
    expect 1 --rule sgd --size 16 --rounds 1 --plot "$folder/cut.svg" --json \
        --csv "$folder/csv"
    path=$PATH
    [ "$(cat "$folder/csv")" = old ] || fail "an old CSV is gone"
else
    echo 'bench.sh: no gnuplot, so no plot is tried'
fi

expect 0 --help
for option in rule set size tensors groups model whole-step device rounds csv \
    plot json; do
    has out "--$option"
done
tr '\n' ' ' <"$folder/out" >"$folder/help"
has help "'norm pass') .* not of rules with sums of their own (sgdp, adamp,"

# --- mistakes -----------------------------------------------------------------

expect 2 --rule nosuch
has err "^clstep: no rule is called 'nosuch'; \`clstep rules\` lists them"
expect 2 --model nosuch
has err "^clstep: --model is 'nosuch'; it is one of gpt2, resnet50$"
for size in 0 -1 '' x 12x 1.5 4kk 2^ ^2 0^3 2^64 99999999999999999999 \
    18446744073709551615G ' 4' 1.5e6 1e-1 1e 0e3 1e20 2e19 1e3k 1e+3; do
    expect 2 --rule sgd --size "$size"
    has err "^clstep: --size is '$size'; it is .* like .*2^25 or 1e6$"
done
for rounds in 0 -3 many 1e3 nan 1.5 '' 100001 18446744073709551617; do
    expect 2 --rounds "$rounds"
    has err "^clstep: --rounds is '$rounds'; it is a .* from 1 to 100000$"
done
for option in tensors groups; do
    most=1000000
    [ $option = tensors ] || most=65536
    for number in 0 -1 x 1.5 '' $((most + 1)); do
        expect 2 --rule sgd --size 16 --$option "$number"
        has err "^clstep: --$option is '$number'; it is a .* from 1 to $most$"
    done
    expect 2 --rule sgd --model gpt2 --$option 1
    has err '^clstep: --tensors and --groups split a --size: leave --model out'
    for rule in sgd lbfgs; do
        expect 2 --rule $rule --size 16 --model resnet50 --$option 2
        has err '^clstep: --tensors and --groups split a --size: leave --model'
    done
done
for setting in max_norm=0.5 prune=0.5; do
    for size in '--size 16' ''; do
        # shellcheck disable=SC2086
        expect 2 --rule sgd --set $setting $size
        has err "^clstep: ${setting%=*} acts on matrices, .*: give a --model$"
    done
    expect 2 --whole-step --rule adam --size 16 --set $setting
done
expect 2 --rule sgd --size 16 --tensors 17
has err '^clstep: --tensors is 17, more than the elements of --size 16$'
expect 2 --rule sgd --size 16 --tensors 3 --groups 4
has err '^clstep: --groups is 4, more than the --tensors, 3$'
expect 2 --rule sgd --size 16 --groups 2
expect 2 --whole-step --size 16 --plot "$folder/never.svg"
has err '^clstep: --whole-step draws no plot: leave --plot out$'
expect 2 --whole-step --rule nosuch
has err "^clstep: no rule is called 'nosuch'"
expect 2 --whole-step --set beta3=1
has err beta3
expect 2 --whole-step --set clip_norm=-1
has err clip_norm
expect 2 --rounds 1 --rounds 2
has err 'rounds is given twice'
expect 2 --csv --json
has err "csv needs a file, but the option '--json' follows"
for name in x.png x '' .svg.gz; do
    expect 2 --rule sgd --size 16 --plot "$name"
    has err "^clstep: --plot is '$name'; .* ends in .svg$"
done
expect 2 --rule sgd --size 16 --csv "$folder/a.svg" --plot "$folder/./a.svg"
has err "^clstep: --csv and --plot are the same file, '.*a.svg'$"
[ ! -e "$folder/a.svg" ] || fail "one file for two results"
expect 2 --nosuch
has err nosuch
expect 2 stray
has err stray
expect 2 --rule sgd --rule adam --set beta1=0.9 --size 16
has err beta1
expect 2 --rule adam --set beta1=2 --size 16
has err beta1
expect 2 --rule adam --set beta1 --size 16

expect 1 --rule sgd --size 16 --device nosuchdevice
has err nosuchdevice
expect 1 --rule sgd --size 16 --csv "$folder/no/such/folder"
has err "^clstep: --csv: cannot write '.*no/such/folder'"
[ ! -s "$folder/out" ] || fail "a table before the file was open"
expect 1 --rule sgd --size 16 --plot "$folder/no/such/folder.svg"
has err "^clstep: --plot: cannot write '.*no/such/folder.svg'"

# What fails before the first result changes no old file, and leaves no new one.
echo old >"$folder/old"
for name in old new; do
    expect 1 --rule sgd --size 16 --csv "$folder/$name" \
        --plot "$folder/no/such/folder.svg"
done
[ "$(cat "$folder/old")" = old ] || fail "a mistake emptied an old file"
[ ! -e "$folder/new" ] || fail "a mistake left a new file"

# A size that is too large is known before the first is measured.
expect 1 --rule adam --size 16 --size 2^50
[ ! -s "$folder/out" ] || fail "a table before the memory was compared"
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
