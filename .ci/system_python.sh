#!/usr/bin/env bash
# Run the tests of the core rooms on the system's own Python, if that is 3.11 or newer and not the one of `make test`:
# distributions keep early releases (Debian 12 has 3.11.2), with faults that later ones no longer have.
set -euo pipefail
cd "$(dirname "$0")/.."
python=/usr/bin/python3
full='import sys; print(".".join(map(str, sys.version_info[:3])))'
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "the system has no Python 3.11 or newer: nothing to run on it"
elif [ "$("$python" -c "$full")" = "$(python3 -c "$full")" ]; then
    echo "the system's Python is the one that the tests ran on"
elif ! "$python" -c 'import ensurepip' 2>/dev/null; then
    echo "the system's Python cannot make environments (package python3-venv): not run on it"
else
    make --no-print-directory PYTHON="$python" VENV=build/system_python build/system_python/.ready
    build/system_python/bin/python -m pytest -n auto tests/format tests/kernel tests/ops tests/text tests/tree
fi
