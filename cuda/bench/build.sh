#!/usr/bin/env bash
# Makes build/gpu, which cuda/bench/run.sh needs on a machine with a GPU: programs
# with NVIDIA's driver behind them, and the bytes that the CPU gives. Less than
# 64 MiB; the machine needs no Go.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
eval "$(tools/cudaenv.sh)"
out=build/gpu
rm -rf $out
mkdir -p $out
for p in ./cuda:cuda.test ./cuda/internal/cudrv:cudrv.test; do
	go test -c -tags cuda -ldflags='-s -w' -o "$out/${p#*:}" "${p%:*}"
done
go build -tags cuda -ldflags='-s -w' -o $out/heavytail ./cmd/heavytail
cd $out
./heavytail sample -device cpu -n 64 -steps 3 -o set.npy
# The pictures, and the model after some steps of training, as run.sh makes them.
bash ../../cuda/bench/golden.sh cpu golden
(cd golden && sha256sum ./*) >golden.sha256
rm -r golden
cat golden.sha256
du -sh . | cut -f1
