#!/usr/bin/env bash
# Prints what a build with the tag cuda needs in its environment, for eval:
#
#	eval "$(tools/cudaenv.sh)"; go build -tags cuda ./cmd/heavytail
#	eval "$(tools/cudaenv.sh 12)"; go test -tags cuda ./cuda/...
#
# The number chooses NVIDIA's header cuda.h, of CUDA 13.0 (the default) or 12.9,
# from PyPI into build; CUDA_INC names the folder of another. Nothing of
# it is committed. No CUDA is needed otherwise: the driver is loaded when a GPU is
# first asked for, and the linker is given an empty libcuda.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
case ${1:-13} in
13) want=nvidia-cuda-runtime==13.0.96 inc=nvidia/cu13/include ;;
12) want=nvidia-cuda-runtime-cu12==12.9.79 inc=nvidia/cuda_runtime/include ;;
*) echo "$1: give 12 or 13" >&2; exit 2 ;;
esac
command -v ar >/dev/null && command -v "$(go env CC)" >/dev/null || { echo "a C compiler and ar are needed (Debian: gcc)" >&2; exit 1; }
if [ -n "${CUDA_INC-}" ]; then
	inc=$CUDA_INC
else
	dir=$PWD/build/$want # one for each: pip replaces the folder nvidia of another
	if [ ! -e "$dir/.done" ]; then
		python3 -m pip install -q --disable-pip-version-check --no-deps --no-compile --no-warn-script-location \
			--root-user-action=ignore --upgrade --target "$dir" "$want" >&2
		touch "$dir/.done"
	fi
	inc=$dir/$inc
fi
[ -e "$inc/cuda.h" ] || { echo "no cuda.h in $inc" >&2; exit 1; }
mkdir -p build/lib
[ -e build/lib/libcuda.a ] || ar rcs build/lib/libcuda.a
printf 'export CGO_ENABLED=1 CGO_CFLAGS=%q CGO_LDFLAGS=%q\n' "-O2 -I$PWD/cuda/shim -I$inc" "-L$PWD/build/lib"
