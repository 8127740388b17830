#!/bin/sh
# Installs what is missing to build, run and test clstep on Debian 12 or later:
# compilers and CMake, OpenCL with the CPU driver PoCL, and the libraries of the
# command, the example and the tests.  With sudo where the user is not root.
set -eu

packages="gcc g++ libc6-dev cmake ninja-build pkg-config python3
    opencl-c-headers ocl-icd-opencl-dev pocl-opencl-icd
    libjansson-dev libpopt-dev libcmocka-dev libclblast-dev gnuplot-nox"

missing=""
for package in $packages; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null |
        grep -q '^install ok installed$' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

as_root=""
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || {
        echo "setup: as root, please: apt-get install$missing" >&2
        exit 1
    }
    as_root=sudo
fi

echo "setup: installing$missing"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
install() {
    # shellcheck disable=SC2086
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y \
        --no-install-recommends $missing >"$log" 2>&1
}
$as_root apt-get update >"$log" 2>&1 && install || {
    cat "$log" >&2
    echo "setup: the packages could not be installed" >&2
    exit 1
}
