#!/usr/bin/env bash
# Build dist/boltcli.pyz: boltcli and its dependencies in one file, compiled parts too, and try it without any of them
# installed. It is for the system and the Python that it was built with, says so to others, and unpacks itself to
# ~/.shiv once. EXTRAS names extras that are in it.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
umask 022
rm -rf build/try
mkdir -p dist
.venv/bin/python -m pip install --quiet --group zipapp
.venv/bin/python - --quiet --compressed --reproducible --python '/usr/bin/env python3' --console-script boltcli \
	--output-file dist/boltcli.pyz ".${EXTRAS:+[$EXTRAS]}" <<'PYTHON'
import sys

from shiv import builder, cli

# What is compiled in it is for one Python. Any Python, however old, must understand these lines.
python = ".".join(map(str, sys.version_info[:2]))
builder.MAIN_TEMPLATE = f"""\
import sys
if sys.version_info[:2] != {sys.version_info[:2]}:
    found = ".".join(str(part) for part in sys.version_info[:3])
    sys.exit("Error: this boltcli.pyz was built for Python {python}; this is Python " + found)
""" + "import {module}\n{module}.{fn}()\n"
cli.main()
PYTHON
chmod 755 dist/boltcli.pyz
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
