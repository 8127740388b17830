#!/bin/sh
# Runs the suite of a build folder on every other driver that is installed:
# Oclgrind (a simulator: small counts, and it must report no race, no access out
# of bounds and no use of memory that was never written), rusticl on llvmpipe,
# and Intel's CPU runtime where INTEL_OPENCL_ICD names its .icd file (and
# LD_LIBRARY_PATH its libraries, without a libOpenCL.so.1 among them).
#
#   scripts/drivers.sh [BUILD [oclgrind | rusticl | intel]...]
#
# All that the tests print is left in BUILD/drivers.
set -eu
cd "$(dirname "$0")/.."
build=$(cd "${1:-build/release}" && pwd)
[ $# -eq 0 ] || shift
wanted=${*:-oclgrind rusticl intel}
logs=$build/drivers
mkdir -p "$logs"
ran=0
failed=""

# wants NAME: it is one of those to run.
wants() {
    case " $wanted " in
    *" $1 "*) return 0 ;;
    esac
    return 1
}

# suite NAME: the tests that need a device, with the driver of the environment.
suite() {
    echo "== $1"
    code=0
    begin=$(date +%s)
    rm -f "$logs/$1.log"
    ctest --test-dir "$build" -j "${CTEST_PARALLEL_LEVEL:-$(nproc)}" -V \
        --timeout 1800 --output-log "$logs/$1.log" \
        -E 'mutants|install|example|symbols|models|sizes' >/dev/null || code=$?
    grep '% tests passed' "$logs/$1.log" || code=1
    echo "$(grep -c '\[       OK \]' "$logs/$1.log") cases," \
        "$(($(date +%s) - begin)) seconds"
    skipped "$logs/$1.log"
    [ "$code" -ne 0 ] || return 0
    grep -E '\*\*\*|Failed|Failure|FAILED|\.sh: ' "$logs/$1.log" | head -40
    echo "drivers: the suite fails on $1; see $logs/$1.log" >&2
    return 1
}

# skipped LOG: each case that was left out, with the line in front, which says
# why.  A number in front of each line says which test it is of.
skipped() {
    awk '{ test = $1; sub(/^[0-9]+: /, "") }
        /^\[  SKIPPED \] / && !/listed below:$/ {
            name = substr($0, 14)
            if (!((test, name) in seen))
                print "skipped: " name ": " last[test]
            seen[test, name] = 1
        }
        / skipped: / { print }
        { last[test] = $0; sub(/^skipped: /, "", last[test]) }' "$1"
}

# What Oclgrind says of a kernel that does wrong, whichever test runs it.
reports='Invalid (read|write|memory)|ninitialized (value|address|index)'
reports="$reports|data race|divergence detected|naligned address"

oclgrind=/usr/lib/oclgrind/liboclgrind-rt-icd.so
if ! wants oclgrind; then
    :
elif [ -e "$oclgrind" ]; then
    ran=1
    (
        export OCL_ICD_VENDORS=$oclgrind CLSTEP_TEST_SMALL=1
        export OCLGRIND_UNINITIALIZED=1 OCLGRIND_DATA_RACES=1
        export OCLGRIND_CHECK_API=1
        # It keeps Oclgrind's record of written memory right.
        export LD_PRELOAD="$build/tests/oclgrind.so"
        [ -e "$LD_PRELOAD" ] || {
            echo "drivers: $LD_PRELOAD is not built" >&2
            exit 1
        }
        suite oclgrind
    ) || failed=yes
    if [ ! -e "$logs/oclgrind.log" ]; then
        failed=yes
    elif grep -nE "$reports" "$logs/oclgrind.log" >"$logs/oclgrind.reports"; then
        head -20 "$logs/oclgrind.reports"
        echo "drivers: Oclgrind reports the above; see $logs/oclgrind.log" >&2
        failed=yes
    else
        echo "no races, no bounds, no uninitialised reads"
    fi
else
    echo "== oclgrind is not installed"
fi

rusticl=/etc/OpenCL/vendors/rusticl.icd
if ! wants rusticl; then
    :
elif [ -e "$rusticl" ]; then
    ran=1
    (
        export OCL_ICD_VENDORS=$rusticl RUSTICL_ENABLE=llvmpipe
        suite rusticl
    ) || failed=yes
else
    echo "== rusticl is not installed"
fi

if wants intel && [ -n "${INTEL_OPENCL_ICD:-}" ]; then
    ran=1
    (
        export OCL_ICD_VENDORS="$INTEL_OPENCL_ICD"
        suite intel
    ) || failed=yes
fi

[ "$ran" -ne 0 ] || {
    echo "drivers: none of $wanted is installed:" \
        "apt-get install oclgrind mesa-opencl-icd" >&2
    exit 1
}
[ -z "$failed" ] || exit 1
