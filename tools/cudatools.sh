#!/usr/bin/env bash
# Installs NVIDIA's assembler ptxas 13.0 from PyPI into a folder (default
# build/cudatools, ignored by git) and prints its path. A second run takes no
# time. Nothing of the wheel is committed or shipped: its licence is NVIDIA's.
set -euo pipefail
dir=${1:-build/cudatools}
want=nvidia-cuda-nvcc==13.0.88 # targets sm_75 to sm_121, PTX up to 9.0
if [ ! -e "$dir/.$want" ]; then
	python3 -m pip install -q --disable-pip-version-check --no-deps --no-compile --no-warn-script-location \
		--root-user-action=ignore --upgrade --target "$dir" "$want" >&2
	chmod +x "$dir/nvidia/cu13/bin/ptxas"
	touch "$dir/.$want"
fi
echo "$(cd "$dir" && pwd)/nvidia/cu13/bin/ptxas"
