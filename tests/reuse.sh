#!/bin/sh
# reuse.sh - the example reuse: what it loads, and what it refuses
# SPDX-License-Identifier: MIT
#
#     reuse.sh REUSE
set -u
export LC_ALL=C # sed meets bytes

reuse=${1:?"usage: reuse.sh REUSE"}
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
failures=0

fail() {
    printf 'reuse.sh: %s\n' "$*" >&2
    failures=$((failures + 1))
}

# loss FILE WORDS - the loss in the line that begins with the words, times 1e5.
loss() {
    sed -n "s/^$2.*loss 0\.0*\([0-9]\)/\1/p" "$1"
}

"$reuse" "$folder/net" >"$folder/first" || fail 'the first run fails'
[ "$(loss "$folder/first" three)" -lt 2000 ] || fail 'nothing is learned'
[ "$(loss "$folder/first" 'a fourth')" -lt 6000 ] ||
    fail 'nothing is learned on the body'
grep -q '^the body is as it was$' "$folder/first" || fail 'the body moves'
[ "$(grep -c '^loaded body' "$folder/first")" -eq 4 ] || fail 'not loaded twice'
grep -q 'head' "$folder/net" || fail 'the file has no head'

# The file alone is enough, and gives the same.
"$reuse" "$folder/net" >"$folder/second" || fail 'the second run fails'
sed 1d "$folder/first" | cmp -s - "$folder/second" ||
    fail 'the file gives something else'

# refused WORDS - the file is, with these words.
refused() {
    "$reuse" "$folder/net" >"$folder/out" 2>"$folder/err"
    code=$?
    [ $code -eq 1 ] || fail "exit code $code, not 1"
    [ "$(wc -l <"$folder/err")" -eq 1 ] || fail 'not one line on stderr'
    grep -q "^reuse: .*$1" "$folder/err" ||
        fail "no '$1' in $(cat "$folder/err")"
}

# As long as before, with another name, shape or type.
cp "$folder/net" "$folder/good"
sed 's/"body.weight"/"body.height"/' "$folder/good" >"$folder/net"
refused "tensor 'body.weight' is not in the file"
sed 's/\[24, *2\]/[2,24]/' "$folder/good" >"$folder/net"
refused "tensor 'body.weight' has another shape in the file"
head -c 100 "$folder/good" >"$folder/net"
refused 'net'
"$reuse" >/dev/null 2>"$folder/err"
[ $? -eq 2 ] || fail 'no file is no mistake'

if [ $failures -ne 0 ]; then
    printf 'reuse.sh: %d failures\n' $failures >&2
    exit 1
fi
echo 'reuse.sh: all is well'
