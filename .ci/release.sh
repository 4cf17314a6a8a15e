#!/usr/bin/env bash
# What must hold before a release, beside .ci/run: versions agree, packages are reproducible and install, the tests pass
# from the sdist, the zipapp is the same twice, every dependency names its licence.
set -euo pipefail
cd "$(dirname "$0")/.."
version=$(sed -n 's/^__version__ = "\(.*\)"/\1/p' boltcli/__init__.py)
grep -m 1 '^## ' CHANGELOG.md | grep -qF "[$version] - " ||
	{ echo "the newest section of CHANGELOG.md is not about $version" >&2; exit 1; }
tag=$(git describe --exact-match --tags 2>/dev/null || true)
[ -z "$tag" ] || [ "$tag" = "v$version" ] || { echo "the tag is $tag, the version $version" >&2; exit 1; }
[ -z "$tag" ] || ! grep -m 1 '^## ' CHANGELOG.md | grep -q Unreleased ||
	{ echo "CHANGELOG.md gives $version no date" >&2; exit 1; }

make dist
ls dist/boltcli-"$version".tar.gz dist/boltcli-"$version"-*.whl >/dev/null
echo "== the tests, from the sdist"
make -C "build/again/boltcli-$version" quick
echo "== the zipapp"
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
make zipapp
mv dist/boltcli.pyz build/again/
make zipapp >/dev/null
cmp dist/boltcli.pyz build/again/boltcli.pyz
[ "$(stat -c %a dist/boltcli.pyz)" = 755 ]
make sbom
make man
echo "$version is ready: dist/ has the sdist, this system's wheel, the zipapp and the SBOM; build/boltcli.1 is the manual page"
