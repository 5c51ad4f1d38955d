#!/usr/bin/env bash
# Makes models/returns.safetensors anew, in the folder DIR (default: runs/returns-model):
# days.csv, a table of r, the daily logarithmic return, and vol, the volatility that was
# known before it, v^2 <- 0.94 v^2 + 0.06 r^2 from the mean of the first 50 days, which
# are left out; the run; the model; and what models/returns.md says of it.
#
#   bash models/returns.sh [DIR]
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-runs/returns-model}
mkdir -p "$out"
[ -s "$out/data/bmw.csv" ] || bash results/real-data.sh "$out/data"
awk '{ if (NR <= 50) { v += $1 * $1 / 50; if (NR == 50) print "r,vol"; next }
	printf "%.9g,%.9g\n", $1, sqrt(v); v = 0.94 * v + 0.06 * $1 * $1 }' "$out/data/bmw.csv" >"$out/days.csv"
go build -o "$out/heavytail" ./cmd/heavytail
cd "$out"
[ -s run/model.safetensors ] && go_on=-resume || go_on=
./heavytail train -data csv:days.csv -columns r -given vol -window 10 -held 0.2 -process tedm -nu 4 \
	-steps 4000 -batch 256 -lr 3e-3 -seed 1 -preview-every 0 -out run $go_on
./heavytail convert run/model.safetensors returns.safetensors -ema
sha256sum returns.safetensors
./heavytail density csv:days.csv -model returns.safetensors -held-out -steps 32 -o density.csv
./heavytail eval csv:days.csv returns.safetensors -held-out -n 1200
