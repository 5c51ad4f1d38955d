#!/usr/bin/env bash
# Assembles every kernel of cuda/ptx for the processors that its .target allows
# and prints a line for each: registers of a thread, bytes of static shared
# memory, bytes of spills. sm_70 is assembled by the older ptxas that cudatools.sh
# installs too. cuda/ptx/ptxas.txt holds the output:
#
#	tools/ptxas.sh "$(tools/cudatools.sh)" >cuda/ptx/ptxas.txt
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export PTXAS=$1 OLDER=${1%/nvidia/*}/12/nvidia/cuda_nvcc/bin/ptxas
archs="70 75 80 86 89 90 100 120"

one() { # FILE ARCH
	local ptxas=$PTXAS
	[ "$2" != 70 ] || ptxas=$OLDER
	"$ptxas" -v -arch="sm_$2" -o /dev/null "$1" 2>&1 | awk -v arch="sm_$2" '
		/error|fatal|warning/ { print; bad = 1 }
		/Compiling entry function/ { split($0, q, "\047"); name = q[2] }
		/spill stores/ { stores = $5; loads = $9 }
		/Used/ {
			shared = 0
			for (i = 2; i <= NF; i++) if ($i ~ /^smem/) shared = $(i - 2)
			print name, arch, $5, shared, stores, loads
		}
		END { exit bad }'
}
export -f one

echo "# ptxas 13.0, and 12.9 for sm_70: kernel, processor, registers, bytes of static shared memory, bytes of spill stores and loads"
for f in cuda/ptx/*.ptx; do
	least=$(sed -n 's/^\.target sm_//p' "$f")
	for a in $archs; do
		if [ "$a" -ge "$least" ]; then echo "$f $a"; fi
	done
done | xargs -P "$(getconf _NPROCESSORS_ONLN)" -L 1 bash -c 'set -o pipefail; one "$0" "$1"' | LC_ALL=C sort
