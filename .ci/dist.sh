#!/usr/bin/env bash
# Build the sdist and the wheel twice, in two folders, and compare; then install each into a fresh environment and run
# the main job from another folder.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
# Times in packages are those of the last commit; outside of a clone of an own sdist, whose time pyproject.toml keeps.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || stat -c %Y pyproject.toml)}
export SOURCE_DATE_EPOCH
umask 022
rm -rf dist/*.tar.gz dist/*.whl build/try build/again
mkdir -p build/again
.venv/bin/python -m pip install --quiet --group release
.venv/bin/python -m build --outdir dist .
tar -xzf dist/*.tar.gz -C build/again
.venv/bin/python -m build --outdir build/again/dist build/again/boltcli-*/
for package in dist/*.tar.gz dist/*.whl; do
	cmp "$package" "build/again/$package" || { echo "$package is not the same when it is built from the sdist" >&2; exit 1; }
done
.venv/bin/python -m twine check --strict dist/*.tar.gz dist/*.whl
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
