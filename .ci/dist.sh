#!/usr/bin/env bash
# Build the sdist and the wheel, then install each into a fresh environment and run the main job from another folder.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
rm -rf dist/*.tar.gz dist/*.whl build/try
.venv/bin/python -m pip install --quiet build
.venv/bin/python -m build --outdir dist .
for package in dist/*.tar.gz dist/*.whl; do
	rm -rf build/try
	python3 -m venv --upgrade-deps build/try
	build/try/bin/python -m pip install --quiet "$package"
	(
		cd /
		"$root/build/try/bin/boltcli" check "$root/fixtures/document.db"
		"$root/build/try/bin/boltcli" help library >/dev/null
		"$root/build/try/bin/python" -c "import boltcli, importlib.resources as r
assert (r.files('boltcli') / 'py.typed').is_file() and (r.files('boltcli') / 'schema.json').is_file()"
	)
	echo "$package works"
done
