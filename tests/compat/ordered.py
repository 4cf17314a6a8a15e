"""A build of the real bbolt in which one thing is settled that Go leaves to chance.

When a transaction is committed, bbolt writes the buckets inside a bucket in the
order in which Go happens to walk a map, another one each time, and pages are
numbered in that order. Here the walk is made one in the order of their names.
What this build writes is thus one of the files that bbolt may write.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.compat.live import GENERATOR, go, go_build

BY_CHANCE = "\tfor name, child := range b.buckets {\n\t\t// If the child bucket is small enough"
BY_NAME = (
    "\tfor _, name := range slices.Sorted(maps.Keys(b.buckets)) {\n"
    "\t\tchild := b.buckets[name]\n\t\t// If the child bucket is small enough"
)


def build(directory: Path) -> tuple[Path, Path]:
    """Build bbolt and the generator so, in a folder of their own; returns both programs."""
    module = "go.etcd.io/bbolt"
    found = subprocess.run(
        [go(), "list", "-m", "-f", "{{.Dir}}", module], cwd=GENERATOR, capture_output=True, text=True, check=True
    )
    source = directory / "source"
    shutil.copytree(found.stdout.strip(), source)
    changed = source / "bucket.go"
    changed.chmod(0o644)
    text = changed.read_text()
    assert text.count(BY_CHANCE) == 1, "bbolt walks its buckets in another way: look there again"
    text = text.replace(BY_CHANCE, BY_NAME).replace("import (\n", 'import (\n\t"maps"\n\t"slices"\n', 1)
    changed.write_text(text)
    # A go.mod of our own, which says to take that folder for the module.
    settings = directory / "ordered.mod"
    settings.write_text((GENERATOR / "go.mod").read_text() + f"\nreplace {module} => {source}\n")
    shutil.copy(GENERATOR / "go.sum", directory / "ordered.sum")
    programs = directory / "bbolt-ordered", directory / "generator-ordered"
    for program, package in zip(programs, (f"{module}/cmd/bbolt", "."), strict=True):
        go_build(program, package, "-modfile", str(settings))
    return programs
