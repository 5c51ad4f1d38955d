#!/usr/bin/env bash
# Installs NVIDIA's assembler ptxas 13.0, and nvdisasm beside it, from PyPI into a
# folder (default build/cudatools, ignored by git) and prints the assembler's path.
# In 12 below that folder it puts ptxas 12.9, the last that knows sm_70. A second run
# takes no time. Nothing of the wheels is committed or shipped: their
# licence is NVIDIA's.
set -euo pipefail
dir=${1:-build/cudatools}
# ptxas: targets sm_75 to sm_121, PTX up to 9.0
want=(nvidia-cuda-nvcc==13.0.88 nvidia-cuda-nvdisasm==13.5.37)
older=(nvidia-cuda-nvcc-cu12==12.9.86)

# install FOLDER PACKAGE… : all at once, since a second one would replace the folder
# that they share.
install() {
	local mark="$1/.${*:2}"
	[ ! -e "$mark" ] || return 0
	python3 -m pip install -q --disable-pip-version-check --no-deps --no-compile --no-warn-script-location \
		--root-user-action=ignore --upgrade --target "$1" "${@:2}" >&2
	chmod +x "$1"/nvidia/*/bin/*
	touch "$mark"
}

install "$dir" "${want[@]}"
install "$dir/12" "${older[@]}"
echo "$(cd "$dir" && pwd)/nvidia/cu13/bin/ptxas"
