#!/bin/sh
# Runs a program under LeakSanitizer.  That stops all threads of the program when
# it ends, the driver's too, and now and then crashes itself as it does so; which
# says nothing of the program: it runs again, without looking for leaks.
#
#     launch.sh PROGRAM ARGUMENT...
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
"$@" >"$folder/out" 2>"$folder/err"
code=$?
if [ $code -ne 0 ] &&
    grep -q 'LeakSanitizer has encountered a fatal error' "$folder/err"; then
    LSAN_OPTIONS=detect_leaks=0 "$@"
    exit
fi
cat "$folder/out"
cat "$folder/err" >&2
exit $code
