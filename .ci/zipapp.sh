#!/usr/bin/env bash
# Build dist/boltcli.pyz: boltcli and its pure-Python dependencies in one file, and try it without any of them installed.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
rm -rf build/zipapp build/try
mkdir -p build/zipapp dist
BOLTCLI_BUILD_KERNEL=0 .venv/bin/python -m pip install --quiet --target build/zipapp .
# An archive cannot hold compiled modules: boltcli/render/plain_json.py stands in for orjson.
rm -rf build/zipapp/orjson* build/zipapp/bin
find build/zipapp -name '*.so' -delete
find build/zipapp -name __pycache__ -prune -exec rm -rf {} +
.venv/bin/python -m zipapp --compress --python '/usr/bin/env python3' --main boltcli.__main__:process --output dist/boltcli.pyz build/zipapp
python3 -m venv --without-pip build/try
(
	cd /
	python="$root/build/try/bin/python"
	"$python" "$root/dist/boltcli.pyz" check "$root/fixtures/document.db"
	"$python" "$root/dist/boltcli.pyz" check --json "$root/fixtures/document.db"
	"$python" "$root/dist/boltcli.pyz" help keys >/dev/null
	"$python" "$root/dist/boltcli.pyz" help json >/dev/null
)
ls -l dist/boltcli.pyz
