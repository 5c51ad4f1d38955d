#!/usr/bin/env bash
# golden.sh DEVICE DIR: what must have the same bytes on every device: pictures of
# the built-in model, and networks after a few steps of training. In build/gpu.
set -euo pipefail
device=$1 dir=$2
mkdir -p "$dir"
./heavytail sample -device "$device" -n 16 -seed 7 -steps 5 -o "$dir/dlim.png"
./heavytail sample -device "$device" -n 4 -seed 7 -steps 5 -method dlpm -guidance 2 -class 3 -o "$dir/dlpm.png"
./heavytail train -device "$device" -data npy:set.npy -preset fashion -batch 8 -steps 3 -save-every 3 -preview-every 0 -out "$dir.run" 2>/dev/null
cp "$dir.run/model.safetensors" "$dir/images.safetensors"
rm -r "$dir.run"
./heavytail train -device "$device" -data toy:gmm_grid -batch 64 -steps 20 -save-every 20 -preview-every 0 -out "$dir.run" 2>/dev/null
cp "$dir.run/model.safetensors" "$dir/points.safetensors"
rm -r "$dir.run"
