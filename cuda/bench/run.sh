#!/usr/bin/env bash
# Runs on a machine with a GPU, Python and PyTorch, and without Go: first whether the
# GPU gives the CPU's bits, then how fast it is, beside PyTorch on the same GPU in
# the same run. From the root of the repository, with build/gpu of build.sh:
#
#	OUT=results.d bash cuda/bench/run.sh
#
# Every step has a limit, so that all end within seven minutes, and leaves its output
# in OUT. No time is taken of a GPU that does not conform; BENCH_ANYWAY=1 takes it.
set -uo pipefail
mkdir -p "${OUT:?names the folder for the results}"
out=$(cd "$OUT" && pwd) fail=0
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=$root/build/gpu
export HEAVYTAIL_TEST_DRIVER=real
say() { echo "== $* ($SECONDS s)"; }
# step NAME SECONDS COMMAND… : its output in OUT/NAME.txt, its end here.
step() {
	local name=$1 limit=$2 rc=0
	shift 2
	say "$name"
	timeout -k 5 "$limit" "$@" >"$out/$name.txt" 2>&1 || rc=$?
	grep -E '^(--- FAIL|FAIL|panic|ok|PASS)|ERROR SUMMARY|FAILED|Error' "$out/$name.txt" | head -n 20
	[ $rc = 0 ] || { echo "$name: exit $rc"; tail -n 5 "$out/$name.txt"; }
	return $rc
}
nvidia-smi --query-gpu=name,driver_version,clocks.max.sm,clocks.sm,memory.total,power.limit --format=csv,noheader | tee "$out/device.txt"
"$build/heavytail" info | tee "$out/info.txt"

cd "$root/cuda/internal/cudrv"
step driver 20 "$build/cudrv.test" -test.v || fail=1
cd "$root/cuda"
step bits 60 "$build/cuda.test" -test.v -test.run '^(TestPinnedBits|TestTilings|TestNoise|TestNoise64|TestStableNoise|TestNetworks|TestSampling|TestTraining)$' || fail=1
step conformance 40 "$build/cuda.test" -test.v -test.run '^TestConformance$' || fail=1
cd "$build"
rm -rf gpu gpu.run
step golden 35 bash "$root/cuda/bench/golden.sh" cuda gpu || fail=1
(cd gpu && sha256sum -c ../golden.sha256) || fail=1
if [ $fail = 1 ] && [ -z "${BENCH_ANYWAY-}" ]; then
	say "not conforming: no times"
	exit 1
fi
if command -v compute-sanitizer >/dev/null; then
	cd "$root/cuda"
	for tool in memcheck racecheck; do
		step "$tool" 20 compute-sanitizer --tool $tool "$build/cuda.test" -test.run '^TestConformance$/^(SiLU|Linear|GroupNorm|Attention)'
	done
fi
# The fast modes promise bounds, not bits: they have no times if they break them, and
# keep nobody from those of the exact one.
cd "$root/cuda"
rounded=1
step fast 25 "$build/cuda.test" -test.v -test.run '^(TestFastConformance|TestFastTilings|TestFastNetworks|TestFastBatches|TestFastBiases)$' || rounded=0 fail=1
cd "$root"
# ours FILE SECONDS DEVICE : the times of a mode.
ours() {
	say "ours, $3"
	timeout "$2" "$build/heavytail" bench cuda -device "$3" -config cifar10_lt -batch 64 -count 20 -json >"$out/$1.jsonl" 2>"$out/$1.err" || { fail=1; tail -n 3 "$out/$1.err"; }
}
ours ours 45 cuda
: >"$out/tf32.jsonl" >"$out/bf16.jsonl"
[ $rounded = 0 ] || { ours tf32 20 cuda,tf32; ours bf16 20 cuda,bf16; }
say torch
PYTHONUNBUFFERED=1 timeout 115 python3 cuda/bench/torch_ref.py "$out/ours.jsonl" "$out/tf32.jsonl" "$out/bf16.jsonl" "$out/both.json" | tee "$out/table.txt"
say "done, exit $fail"
exit $fail
