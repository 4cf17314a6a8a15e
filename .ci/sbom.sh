#!/usr/bin/env bash
# Write dist/boltcli.cdx.json: what an environment with boltcli and all of its extras holds, with licences (CycloneDX).
set -euo pipefail
cd "$(dirname "$0")/.."
environment=build/sbom
rm -rf "$environment"
mkdir -p dist
.venv/bin/python -m pip install --quiet --group release
.venv/bin/python -m venv "$environment"
"$environment/bin/python" -m pip install --quiet '.[all]'
rm -f "$environment"/lib/python*/site-packages/boltcli-*.dist-info/direct_url.json  # a path of this machine
"$environment/bin/python" -m pip uninstall --quiet --yes pip setuptools
.venv/bin/cyclonedx-py environment --output-reproducible --gather-license-texts --of JSON -o dist/boltcli.cdx.json "$environment/bin/python"
.venv/bin/python - <<'PYTHON'
import json

with open("dist/boltcli.cdx.json", encoding="utf-8") as file:
    found = json.load(file)
for part in sorted(found["components"], key=lambda part: part["name"].lower()):
    licences = [each.get("expression") or each["license"].get("id") or each["license"].get("name", "").partition("\n")[0]
                for each in part.get("licenses", [])]
    if not any(licences):
        raise SystemExit(f"{part['name']} names no licence")
    print(f"{part['name']} {part['version']}: {', '.join(licences)[:90]}")
PYTHON
