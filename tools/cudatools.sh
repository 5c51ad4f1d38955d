#!/usr/bin/env bash
# Installs NVIDIA's assembler ptxas 13.0, and nvdisasm beside it, from PyPI into a
# folder (default build/cudatools, ignored by git) and prints the assembler's path.
# A second run takes no time. Nothing of the wheels is committed or shipped: their
# licence is NVIDIA's.
set -euo pipefail
dir=${1:-build/cudatools}
# ptxas: targets sm_75 to sm_121, PTX up to 9.0
want=(nvidia-cuda-nvcc==13.0.88 nvidia-cuda-nvdisasm==13.5.37)
mark="$dir/.${want[*]}"
if [ ! -e "$mark" ]; then
	# both at once: a second one would replace the folder that they share
	python3 -m pip install -q --disable-pip-version-check --no-deps --no-compile --no-warn-script-location \
		--root-user-action=ignore --upgrade --target "$dir" "${want[@]}" >&2
	chmod +x "$dir"/nvidia/cu13/bin/{ptxas,nvdisasm}
	touch "$mark"
fi
echo "$(cd "$dir" && pwd)/nvidia/cu13/bin/ptxas"
