#!/usr/bin/env bash
# Install the lowest versions that pyproject.toml allows, and run the tests of what those libraries serve.
set -euo pipefail
cd "$(dirname "$0")/.."
environment=build/lowest
python3 -m venv --upgrade-deps "$environment"
"$environment/bin/python" -m pip install --quiet uv
"$environment/bin/uv" pip compile --quiet --resolution lowest-direct --extra all --python-version 3.11 pyproject.toml -o build/lowest.txt
"$environment/bin/python" -m pip install --quiet --requirement build/lowest.txt --group dev
"$environment/bin/python" -m pip install --quiet --no-deps --editable .
# The clients of the servers (`make servers`) ask for newer libraries than these: their tests skip here, they ran in `make test`.
env -u BOLTCLI_ALL_TOOLS "$environment/bin/python" -m pytest -n auto tests/tables tests/apps tests/fleet tests/storage tests/render tests/cli
