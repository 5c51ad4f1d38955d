#!/usr/bin/env bash
# Assembles the products, convolutions and attention of cuda/ptx for sm_80 and
# sm_90, reads the machine code, and prints a line for the main loop of each, the
# one with most multiply-adds: its instructions, and how many of them are
# multiply-adds, on tensor cores, loads of shared memory, of matrices, copies to
# shared memory, and accesses of local memory, of which there must be none. It fails
# otherwise, and if a product has no copies. cuda/ptx/loops.txt holds the output:
#
#	tools/loops.sh "$(tools/cudatools.sh)" >cuda/ptx/loops.txt
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export PTXAS=$1 NVDISASM=${1%/*}/nvdisasm
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export tmp

one() { # FILE ARCH
	local name=${1##*/}
	name=${name%.ptx}
	"$PTXAS" -arch="sm_$2" -o "$tmp/$name.$2" "$1"
	"$NVDISASM" -c "$tmp/$name.$2" | awk -v name="$name" -v arch="sm_$2" '
		BEGIN { n = m = 0 }
		/^\.L_/ { sub(/:.*/, ""); at[$1] = n; next }
		/^ +\/\*[0-9a-f]+\*\// {
			i = 2
			if ($i ~ /^@/) i++
			split($i, o, ".")
			op[n] = o[1]
			if (o[1] == "BRA" && match($0, /\.L_[A-Za-z0-9_]+/)) {
				to = substr($0, RSTART, RLENGTH)
				if (to in at) { from[m] = at[to]; end[m++] = n } # backwards
			}
			n++
		}
		END {
			for (l = 0; l < m; l++) {
				split("", c)
				for (i = from[l]; i <= end[l]; i++) c[op[i]]++
				if (c["FFMA"] + c["HMMA"] <= most) continue
				most = c["FFMA"] + c["HMMA"]
				local = c["LDL"] + c["STL"]
				copies = c["LDGSTS"]
				line = (end[l] - from[l] + 1) " " c["FFMA"] + 0 " " c["HMMA"] + 0 " " c["LDS"] + 0 " " c["LDSM"] + 0 " " copies + 0 " " local
			}
			print name, arch, line
			if (most == 0) { print name, arch, "error: no loop with multiply-adds"; exit 1 }
			if (local > 0) { print name, arch, "error: the main loop uses local memory"; exit 1 }
			if (copies == 0 && name !~ /^attention/) { print name, arch, "error: the main loop copies nothing"; exit 1 }
		}'
}
export -f one

echo "# main loops: kernel, processor, instructions, FFMA, HMMA, LDS, LDSM, LDGSTS, accesses of local memory"
for f in cuda/ptx/{sgemm,sconv,sany,wgrad,attention,mma}_*.ptx; do
	for a in 80 90; do echo "$f $a"; done
done | xargs -P "$(getconf _NPROCESSORS_ONLN)" -L 1 bash -c 'set -o pipefail; one "$0" "$1"' | LC_ALL=C sort
