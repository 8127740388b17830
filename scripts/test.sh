#!/bin/sh
# Sets up, builds and runs all tests, in 9 to 21 minutes on two cores.
#
#   scripts/test.sh             everything that a change must pass
#   scripts/test.sh --mutants   and every mutant of the kernels and the scalars
#   scripts/test.sh --drivers   and the suite on Oclgrind and on rusticl, where
#                               they are installed, and on Intel's CPU runtime
#                               where INTEL_OPENCL_ICD names its .icd file
#   scripts/test.sh --deep      and all sizes, and all subsets of the features
#                               on all rules and choices: many hours
set -eu
cd "$(dirname "$0")/.."
jobs=$(nproc)
mutants="" drivers="" deep=""
for argument; do
    case $argument in
    --mutants) mutants=yes ;;
    --drivers) drivers=yes ;;
    --deep) deep=yes ;;
    *)
        echo "test: '$argument' is not one of --mutants, --drivers, --deep" >&2
        exit 2
        ;;
    esac
done

scripts/setup.sh

# What tries the host's code hardest, with ASan and UBSan; the others without.
cmake --preset release >/dev/null
cmake --build --preset release
cmake --preset dev >/dev/null
cmake --build --preset dev
ctest --preset dev -j "$jobs" -L sanitize
ctest --preset release -j "$jobs" -LE sanitize

[ -z "$mutants" ] || python3 scripts/mutants.py build/release
[ -z "$drivers" ] || scripts/drivers.sh build/release
[ -z "$deep" ] || CLSTEP_TEST_DEEP=1 ctest --preset release -j "$jobs" \
    -R 'rules|features|large'
