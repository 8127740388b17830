#!/bin/sh
# example.sh - the first program is the same everywhere, and works
# SPDX-License-Identifier: MIT
#
#     example.sh SOURCE_FOLDER LIBRARY_FOLDER
#
# The program of the header's comment and that of README.md are the lines of
# examples/first.c, which any compiler of C11 takes.  77 says that a library
# with sanitizers in it cannot be linked with a program that has none; the
# texts have been compared by then.
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
fi

if nm -u "$library/libclstep.a" | grep -q __asan_; then
    exit 77
fi
for compiler in gcc clang; do
    command -v "$compiler" >/dev/null || continue
    "$compiler" -std=c11 -Wall -Wextra -Wpedantic -Werror \
        -Wno-missing-field-initializers -I"$source/include" \
        "$source/examples/first.c" -o "$folder/program" -L"$library" -lclstep \
        -lOpenCL || fail "$compiler does not take examples/first.c"
    output=$(LD_LIBRARY_PATH=$library "$folder/program") ||
        fail "examples/first.c fails: $output"
    [ "$output" = "$expected" ] || fail "it prints '$output', not '$expected'"
done
echo "example.sh: $expected"
