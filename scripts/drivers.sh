#!/bin/sh
# Runs the suite of a build folder on every other driver that is installed:
# Oclgrind (a simulator: small counts, and it must report no race, no access out
# of bounds and no use of memory that was never written), rusticl on llvmpipe,
# and Intel's CPU runtime where INTEL_OPENCL_ICD names its .icd file.
#
#   scripts/drivers.sh [BUILD]
set -eu
cd "$(dirname "$0")/.."
build=${1:-build/release}
logs=$build/drivers
mkdir -p "$logs"
ran=0

# suite NAME: the tests that need a device, with the driver of the environment.
suite() {
    echo "== $1"

    ctest --test-dir "$build" -j "$(nproc)" -V --output-log "$logs/$1.log" \
        -E 'mutants|install|example|symbols|models|sizes' >/dev/null || {
        grep -E '\*\*\*|Failed|Failure|FAILED' "$logs/$1.log" | head -40
        echo "drivers: the suite fails on $1; see $logs/$1.log" >&2
        exit 1
    }
    grep 'tests passed' "$logs/$1.log"
}

# The driver is found where Debian puts it; CLSTEP_TEST_SMALL leaves out counts
# that a simulator takes hours for.
oclgrind=/usr/lib/oclgrind/liboclgrind-rt-icd.so
if [ -e "$oclgrind" ]; then
    (
        export OCL_ICD_VENDORS=$oclgrind CLSTEP_TEST_SMALL=1
        export OCLGRIND_UNINITIALIZED=1 OCLGRIND_DATA_RACES=1
        export OCLGRIND_CHECK_API=1
        suite oclgrind
        if grep -nE 'Invalid (read|write)|[Uu]ninitialized (value|data)|data race' \
            "$logs/oclgrind.log"; then
            echo "drivers: Oclgrind reports the above; see $logs/oclgrind.log" >&2
            exit 1
        fi
        echo "no races, no bounds, no uninitialised reads"
    )
    ran=1
else
    echo "== oclgrind is not installed"
fi

rusticl=/etc/OpenCL/vendors/rusticl.icd
if [ -e "$rusticl" ]; then
    (
        export OCL_ICD_VENDORS=$rusticl RUSTICL_ENABLE=llvmpipe
        suite rusticl
    )
    ran=1
else
    echo "== rusticl is not installed"
fi

if [ -n "${INTEL_OPENCL_ICD:-}" ]; then
    (
        export OCL_ICD_VENDORS="$INTEL_OPENCL_ICD"
        suite intel
    )
    ran=1
fi

[ "$ran" -ne 0 ] || {
    echo "drivers: none is installed: apt-get install oclgrind mesa-opencl-icd" >&2
    exit 1
}
