#!/bin/sh
# symbols.sh - the library exports its header, and prints and exits nowhere
# SPDX-License-Identifier: MIT
#
#     symbols.sh HEADER SHARED_LIBRARY STATIC_LIBRARY
#
# 77 says that a library with sanitizers in it cannot be looked at.
set -u
export LC_ALL=C

header=${1:?"usage: symbols.sh HEADER SHARED_LIBRARY STATIC_LIBRARY"}
shared=${2:?}
static=${3:?}
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
failures=0

fail() {
    printf 'symbols.sh: %s\n' "$*" >&2
    failures=$((failures + 1))
}

if nm -u "$static" | grep -q __asan_; then
    exit 77
fi

# The names behind CLSTEP_API, without comments and macros.
${CC:-cc} -fpreprocessed -dD -E -P "$header" 2>/dev/null | grep -v '^#' |
    tr '\n' ' ' | grep -o 'CLSTEP_API [^;]*;' |
    sed 's/(.*//; s/.*[ *]//' | sort >"$folder/declared"
nm -D --defined-only "$shared" | awk '{ print $3 }' | sort >"$folder/exported"

[ "$(wc -l <"$folder/declared")" -ge 30 ] || fail "the header was not read"
comm -13 "$folder/declared" "$folder/exported" >"$folder/more"
comm -23 "$folder/declared" "$folder/exported" >"$folder/less"
[ ! -s "$folder/more" ] || fail "exported, not declared:" "$(cat "$folder/more")"
[ ! -s "$folder/less" ] || fail "declared, not exported:" "$(cat "$folder/less")"

# What a library must not do: print, exit, abort, read the environment.
nm -u "$static" | awk '$1 == "U" { print $2 }' | sort -u >"$folder/used"
grep -E -x -e '(__)?v?f?printf(_chk)?|puts|fputs|putchar|fputc|putc|fwrite' \
    -e 'write|perror|stdout|stderr|fopen|open|system|signal|raise' \
    -e '_?_?[Ee]xit|abort|atexit|quick_exit|__assert_fail' \
    -e '(secure_)?getenv|setenv|environ|setlocale|rand|srand|time' \
    "$folder/used" >"$folder/forbidden"
[ ! -s "$folder/forbidden" ] || fail "uses" "$(cat "$folder/forbidden")"
grep -q '^clBuildProgram$' "$folder/used" || fail "the library was not read"

# No global state: nothing that can be written.
size -A "$static" | awk '$1 ~ /^\.(data|bss|tdata|tbss)$/ && $2 > 0' \
    >"$folder/state"
[ ! -s "$folder/state" ] || fail "global state:" "$(cat "$folder/state")"

[ "$failures" -eq 0 ] || exit 1
echo "symbols.sh: $(wc -l <"$folder/exported") functions"
