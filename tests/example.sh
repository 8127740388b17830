#!/bin/sh
# example.sh - the first program is the same everywhere, and works
# SPDX-License-Identifier: MIT
#
#     example.sh SOURCE_FOLDER LIBRARY_FOLDER
#
# The program of the header's comment and that of README.md are the lines of
# examples/first.c, which any compiler of C11 takes, as it takes the other short
# examples and the functions in README.md.  77 says that a library with sanitizers in it
# cannot be linked with a program that has none; the texts have been compared by
# then.
set -u

source=${1:?"usage: example.sh SOURCE_FOLDER LIBRARY_FOLDER"}
library=${2:?}
expected="0.9 2.1 2.9 4"
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT

fail() {
    printf 'example.sh: %s\n' "$*" >&2
    exit 1
}

# From its first #include to the brace that ends main().
program() {
    sed -n '/^#include <clstep/,/^}/p'
}

program <"$source/examples/first.c" >"$folder/first"
sed 's/^ \* \{0,1\}//; s/^    //' "$source/include/clstep/clstep.h" | program \
    >"$folder/header"
[ "$(wc -l <"$folder/first")" -ge 30 ] || fail "examples/first.c was not read"
diff -u "$folder/first" "$folder/header" ||
    fail "the header's program is not examples/first.c"
grep -q "prints $expected" "$source/include/clstep/clstep.h" ||
    fail "the header does not say what it prints"
if [ -e "$source/README.md" ]; then
    sed -n '/^```c$/,/^```$/p' "$source/README.md" | program >"$folder/readme"
    diff -u "$folder/first" "$folder/readme" ||
        fail "README.md's program is not examples/first.c"

    # The functions that README.md shows are C.
    {
        echo '#include <clstep/clstep.h>'
        echo '#include <stdio.h>'
        sed -n '/^```c$/,/^```$/p' "$source/README.md" |
            sed -n '/^int train(/,/^}/p; /^int anneal(/,/^}/p; /^int minimise(/,/^}/p'
    } >"$folder/train.c"
    [ "$(wc -l <"$folder/train.c")" -ge 35 ] || fail "README.md was not read"
    for compiler in gcc clang; do
        command -v "$compiler" >/dev/null || continue
        "$compiler" -std=c11 -Wall -Wextra -Wpedantic -Werror \
            -Wno-missing-field-initializers -Wno-missing-prototypes \
            -I"$source/include" -c "$folder/train.c" -o "$folder/train.o" ||
            fail "$compiler does not take README.md's functions"
    done
fi

if nm -u "$library/libclstep.a" | grep -q __asan_; then
    exit 77
fi

# build NAME COMPILER - makes examples/NAME.c, and runs it; see $output.
build() {
    "$2" -std=c11 -Wall -Wextra -Wpedantic -Werror \
        -Wno-missing-field-initializers -I"$source/include" \
        "$source/examples/$1.c" -o "$folder/program" -L"$library" -lclstep \
        -lOpenCL -lm || fail "$2 does not take examples/$1.c"
    output=$(LD_LIBRARY_PATH=$library "$folder/program") ||
        fail "examples/$1.c fails: $output"
}

for compiler in gcc clang; do
    command -v "$compiler" >/dev/null || continue
    build first "$compiler"
    [ "$output" = "$expected" ] || fail "it prints '$output', not '$expected'"

    # The step with a NaN is skipped, and the loss falls all the same.
    build joint "$compiler"
    echo "$output" | tail -n 1 | grep -q '^loss 0\.000.* 99 steps, 1 skipped$' ||
        fail "examples/joint.c prints $output"

    # It is the minimum: the curve that the points were made from.
    build lbfgs "$compiler"
    echo "$output" | grep -q '^4\.009 exp(-0\.702 t) + 0\.999, loss 0\.00416' ||
        fail "examples/lbfgs.c prints $output"
done
echo "example.sh: $expected"
