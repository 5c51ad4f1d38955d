#!/usr/bin/env bash
# Counts the instructions that one evaluation of the built-in model's U-Net takes
# on arm64, with a step of its sampler, in NEON and by the Go reference: a sample
# of two steps less one of one step, on one thread, in qemu with the plugin of
# tools/qemucount.sh. Only what computes counts: not Go's runtime, nor the command
# and the threads that wait, whose instructions depend on the time. Prints the
# table of results/neon.md:
#
#	tools/neoncount.sh               both
#	tools/neoncount.sh neon          the sum for NEON alone
#	tools/neoncount.sh noise         the second table: variates
#	tools/neoncount.sh noise neon    its laws with the numbers of NEON, after a tab
#	tools/neoncount.sh tail          the third one: an estimate of tails
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
tools/qemucount.sh
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
CGO_ENABLED=0 GOARCH=arm64 go build -trimpath -o "$tmp/heavytail" ./cmd/heavytail
count() { # LEVEL
	for steps in 1 2; do
		HEAVYTAIL_ISA=$1 tools/qemucount.sh "$tmp/$1.$steps" "$tmp/heavytail" sample -n 1 -steps $steps -threads 1 -seed 7 -o "$tmp/$1.$steps.png" >/dev/null
	done
	awk -v level="$1" '
		NR == FNR { before[$2] += $1; next }
		{ after[$2] += $1 }
		END {
			for (f in after) {
				if (f !~ /^heavytail\/(simd|kernels|tensor|nn|diffusion|stable)\./) continue
				n = after[f] - before[f]
				sub(/^heavytail\//, "", f); sub(/\.abi0$/, "", f)
				if (f ~ /^simd\.(tile|runTiles|block|neonPart|\(\*Tiles\))/) k = "products: convolutions, attention, linear layers"
				else if (f ~ /^simd\.(wino|\(\*lanes\))/) k = "transforms of Winograd’s forms"
				else if (f ~ /^simd\.(norm|chan|silu|sig|exp|scale|softmax|vmax|max|col(Max|Exp|Scale)|\(\*ColSoftmax|NewColSoftmax)/) k = "norms, SiLU, softmax"
				else if (f ~ /^simd\.FMA|^simd\.fma/) k = "FMA, which the Go reference of the others calls"
				else k = "everything else"
				print level "\t" k "\t" n
			}
		}' "$tmp/$1.1" "$tmp/$1.2"
}
if [ "${1-}" = tail ]; then
	qemu-aarch64 "$tmp/heavytail" noise -law stable:1.6,0 -n 3000 -seed 3 -o "$tmp/x.npy"
	for level in generic neon; do
		HEAVYTAIL_ISA=$level tools/qemucount.sh "$tmp/tail.$level" "$tmp/heavytail" tail "npy:$tmp/x.npy" >/dev/null
	done
	awk '$2 !~ /^heavytail\// { next }
		{ k = $2 ~ /^heavytail\/(simd|internal\/dmath)/ }
		NR == FNR { g[k] += $1; next }
		{ n[k] += $1 }
		function row(name, g, n) { printf "| %s | %.1f | %.1f | %.1f |\n", name, g / 1e6, n / 1e6, g / n }
		END {
			print "| millions of instructions | Go reference | NEON | ratio |\n|---|---|---|---|"
			row("elementary functions", g[1], n[1])
			row("what calls them", g[0], n[0])
			row("all", g[0] + g[1], n[0] + n[1])
		}' "$tmp/tail.generic" "$tmp/tail.neon"
	exit
fi
if [ "${1-}" = noise ]; then
	per() { # LEVEL FLAGS…: instructions of the million variates after 1,000, a variate
		for n in 1000 1001000; do
			HEAVYTAIL_ISA=$1 tools/qemucount.sh "$tmp/noise.$n" "$tmp/heavytail" noise "${@:2}" -n $n -threads 1 -seed 7 -o "$tmp/noise.npy" >/dev/null
		done
		awk 'NR == FNR { before[$2] = $1; next } $2 ~ /^heavytail\/(simd|internal\/dmath)/ { n += $1 - before[$2] } END { printf "%.1f", n / 1e6 }' "$tmp/noise.1000" "$tmp/noise.1001000"
	}
	[ "${2-}" = neon ] || printf '| instructions a variate | Go reference | NEON |\n|---|---|---|\n'
	for law in uniform exponential: normal: stable:1.7,0 "stable:1.7,0 -method table" "stable:1.5,0.5 -param s1" positive:0.7 \
		{uniform,exponential:,normal:,stable:1.7\,0,stable:0.8\,0,student:3,gamma:1.5,gamma:0.5}" -type f64" "stable:1.5,0.5 -param "{s0,s1}" -type f64"; do
		name=${law%:}
		name=${name/: / }
		if [ "${2-}" = neon ]; then
			printf '%s\t%s\n' "$name" "$(per neon -law $law)"
		else
			printf '| %s | %s | %s |\n' "$name" "$(per generic -law $law)" "$(per neon -law $law)"
		fi
	done
	exit
fi
if [ "${1-}" = neon ]; then
	count neon | awk -F'\t' '{ n += $3 } END { printf "%.1f\n", n / 1e6 }'
	exit
fi
{ count generic; count neon; } | awk -F'\t' '
	{ n[$1, $2] += $3; all[$1] += $3; seen[$2] }
	function row(name, g, v) { return sprintf("| %s | %.1f | %.1f | %s |", name, g / 1e6, v / 1e6, v > 0 ? sprintf("%.1f", g / v) : "") }
	END {
		print "| millions of instructions | Go reference | NEON | ratio |\n|---|---|---|---|"
		for (k in seen) print row(k, n["generic", k], n["neon", k]) | "LC_ALL=C sort -t\"|\" -k3,3nr"
		close("LC_ALL=C sort -t\"|\" -k3,3nr")
		print row("all", all["generic"], all["neon"])
	}'
