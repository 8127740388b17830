#!/bin/sh
# pictures.sh - draws the pictures of docs/pictures.md
# SPDX-License-Identifier: MIT
#
#     pictures.sh [CLSTEP [FOLDER]]
#
# CLSTEP is build/release/bin/clstep, FOLDER docs/ by default.  The commands
# are run as they stand in docs/pictures.md.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
command=${1:-$root/build/release/bin/clstep}
folder=${2:-$root/docs}
clstep=$(cd "$(dirname "$command")" && pwd)/$(basename "$command")
cd "$folder"

# What stands between ```sh and ```.
sed -n '/^```sh$/,/^```$/p' "$root/docs/pictures.md" | grep -v '^```' |
    sed "s|^clstep |'$clstep' |" | sh -eu
