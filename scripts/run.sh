#!/usr/bin/env bash
# Sets up, builds, and does the main job on real input: lists the devices,
# measures every rule, and trains a language model of characters on the licence
# texts of this system.  Tables and pictures land in one folder, out/ or the
# first argument.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-out}

scripts/setup.sh
cmake --preset release >/dev/null
cmake --build --preset release
mkdir -p "$out"
clstep=build/release/bin/clstep

echo
echo "== The devices"
$clstep devices | tee "$out/devices.txt"

echo
echo "== Every rule on 2^25 parameters, against this device's memory limit"
$clstep bench --csv "$out/bench.csv" --plot "$out/bench.svg" |
    tee "$out/bench.txt"

echo
echo "== The tensors of real models"
$clstep bench --rule sgd --rule adamw --model resnet50 --model gpt2 \
    --csv "$out/models.csv" | tee "$out/models.txt"

echo
echo "== A language model of characters, trained on licence texts"
build/release/bin/train_text --csv "$out/losses.csv" \
    --plot "$out/losses.svg" | tee "$out/train.txt"

echo
echo "Tables and pictures are in $(cd "$out" && pwd):"
ls "$out"
