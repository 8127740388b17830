#!/bin/sh
# docs.sh - docs/rules.md is the table's, and its dialects are settings
# SPDX-License-Identifier: MIT
#
#     docs.sh CLSTEP SOURCE_FOLDER
set -u

clstep=${1:?"usage: docs.sh CLSTEP SOURCE_FOLDER"}
source=${2:?}
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
failures=0

fail() {
    printf 'docs.sh: %s\n' "$*" >&2
    failures=$((failures + 1))
}

"$clstep" rules --markdown >"$folder/rules.md" || fail 'no page'
diff -u "$source/docs/rules.md" "$folder/rules.md" | head -n 20 >"$folder/diff"
[ ! -s "$folder/diff" ] || {
    fail 'docs/rules.md is out of date; make it by clstep rules --markdown'
    cat "$folder/diff" >&2
}

# check RULE SETTING... - the settings exist, and those with a number are valid.
# What stands for a number is left out.
check() {
    rule=$1
    shift
    "$clstep" rules "$rule" --json >"$folder/rule" || fail "no rule $rule"
    set -- "$@" --
    while [ "$1" != -- ]; do
        setting=$1
        shift
        grep -q "\"name\": \"${setting%%=*}\"" "$folder/rule" ||
            fail "$rule has no ${setting%%=*}"
        case ${setting#*=} in
        [xyzw] | 2x) ;;
        *) set -- "$@" --set "$setting" ;;
        esac
    done
    shift
    [ "$rule" != lbfgs ] || return 0 # path has no steps of it
    "$clstep" path --reference --steps 1 --rule "$rule" "$@" \
        >"$folder/out" 2>&1 || fail "$rule $*: $(cat "$folder/out")"
}

"$clstep" rules --json | sed -n 's/.*"ours": "\(.*\)".*/\1/p' >"$folder/ours"
found=0
while read -r words; do
    case $words in
    none:*) ;;
    *)
        found=$((found + 1))
        # shellcheck disable=SC2086
        check $words
        ;;
    esac
done <"$folder/ours"
[ $found -ge 100 ] || fail "only $found dialects"

# Each line of a kernel's comment with an arrow is one of them, and each file's
# dialects are those of rules that there are.  L-BFGS has no such lines.
written=$(cat "$source"/kernels/rules/*.cl | grep -c '^ \*     [^ ].* ->')
told=$(grep -vc '^lbfgs ' "$folder/ours")
[ "$told" -eq "$written" ] || fail "$told dialects of $written are told"

if [ $failures -ne 0 ]; then
    printf 'docs.sh: %d failures\n' $failures >&2
    exit 1
fi
echo "docs.sh: $found dialects"
