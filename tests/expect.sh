# expect.sh - what tests of the command share; read by them, not run
# SPDX-License-Identifier: MIT
#
# The script that reads it has $clstep, the program that is tested, and run(),
# which runs it.  They work in the folder $folder/work, which is gone afterwards.

# Oclgrind 21.10 loses track of what is initialised in vectors, and ends by a
# signal: here it looks for races and for accesses out of bounds alone.
unset OCLGRIND_UNINITIALIZED

case $clstep in
*/*) clstep=$(cd "$(dirname "$clstep")" && pwd)/$(basename "$clstep") ;;
esac
script=$(basename "$0")
program=$(basename "$clstep") # what its sentences begin with
launch=$(cd "$(dirname "$0")" && pwd)/launch.sh
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/work" && cd "$folder/work" || exit 1
failures=0

fail() {
    printf '%s: %s\n' "$script" "$*" >&2
    failures=$((failures + 1))
}

# expect CODE ARGUMENT... - runs it; its output is in $folder/out and err.  A
# mistake gives its exit code, one line on stderr, and nothing on stdout, but
# where $tells says that the program tells what it did before.
expect() {
    wanted=$1
    shift
    run "$@" >"$folder/out" 2>"$folder/err" </dev/null
    code=$?
    [ "$code" -eq "$wanted" ] || {
        fail "$*: exit code $code, not $wanted"
        cat "$folder/err" >&2
    }
    if [ "$wanted" -eq 0 ]; then
        # rusticl warns of what its compiler does with loads in loops.
        grep -v '^MESA: warning: ' "$folder/err" >&2 &&
            fail "$*: it wrote on stderr"
        return
    fi
    lines=$(wc -l <"$folder/err")
    [ "$lines" -eq 1 ] || fail "$*: $lines lines on stderr, not 1"
    grep -q "^$program: " "$folder/err" || fail "$*: no '$program: '"
    [ -n "${tells:-}" ] || [ ! -s "$folder/out" ] ||
        fail "$*: it wrote on stdout"
}

# has FILE PATTERN - a line of the file fits.
has() {
    grep -q -e "$2" "$folder/$1" || {
        fail "$1 has no '$2':"
        head -n 3 "$folder/$1" >&2
    }
}
