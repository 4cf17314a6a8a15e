#!/usr/bin/env bash
# Build dist/boltcli.pyz: boltcli and its dependencies in one file, compiled parts too, and try it without any of them
# installed. It is for the system and the Python that it was built with, and unpacks itself to ~/.shiv once.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
rm -rf build/try
mkdir -p dist
.venv/bin/python -m pip install --quiet --group zipapp
.venv/bin/shiv --quiet --compressed --python '/usr/bin/env python3' --console-script boltcli --output-file dist/boltcli.pyz ".${EXTRAS:+[$EXTRAS]}"
.venv/bin/python -m venv --without-pip build/try
(
	cd /
	export SHIV_ROOT="$root/build/try/shiv"
	python="$root/build/try/bin/python"
	"$python" "$root/dist/boltcli.pyz" check "$root/fixtures/document.db"
	"$python" "$root/dist/boltcli.pyz" check --json "$root/fixtures/document.db"
	"$python" "$root/dist/boltcli.pyz" help keys >/dev/null
	"$python" "$root/dist/boltcli.pyz" help json >/dev/null
	"$python" "$root/dist/boltcli.pyz" version | grep "Kernel: "
)
ls -l dist/boltcli.pyz
