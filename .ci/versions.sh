#!/usr/bin/env bash
# Run the core and cli tests on every CPython from 3.11 on that is found on PATH or under pyenv.
set -euo pipefail
cd "$(dirname "$0")/.."
found=0
for minor in 11 12 13 14 15; do
	python=
	for candidate in "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3."$minor".*/bin/python3 "$(command -v "python3.$minor" || true)"; do
		if [ -x "$candidate" ] && "$candidate" -c pass 2>/dev/null; then python=$candidate; fi
	done
	[ -n "$python" ] || continue
	found=$((found + 1))
	environment=build/python3.$minor
	echo "== $("$python" --version), in $environment"
	"$python" -m venv --upgrade-deps "$environment"
	"$environment/bin/python" -m pip install --quiet --editable . --group dev
	"$environment/bin/python" -m pip install --quiet --editable '.[all]' ||
		echo "   without the extras: some of them have no wheel for this Python"
	"$environment/bin/python" -m pytest -n auto tests/format tests/kernel tests/ops tests/storage tests/text tests/tree tests/cli
done
[ "$found" -gt 0 ] || { echo "no Python 3.11 or newer was found" >&2; exit 1; }
