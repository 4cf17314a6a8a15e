"""Comparing boltcli with bbolt on a database, case by case, now."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tests.compat import bbolt, matrix, ours
from tests.compat.differences import command, difference
from tests.compat.goldens import FIXTURES, add_companion, sha256
from tests.compat.matrix import Effort
from tests.compat.model import Case

GENERATOR = FIXTURES / "generator"


@dataclass(frozen=True)
class Tools:
    """The real bbolt and the maker of databases."""

    bbolt: Path
    generator: Path


@dataclass
class Comparison:
    """What came of comparing databases."""

    compared: int = 0
    not_comparable: int = 0
    differences: list[str] = field(default_factory=list)

    def add(self, other: Comparison) -> None:
        """Take another comparison's findings in."""
        self.compared += other.compared
        self.not_comparable += other.not_comparable
        self.differences += other.differences


def build(directory: Path) -> Tools:
    """Build bbolt and the generator from the pinned Go module.

    BOLTCLI_BBOLT names a bbolt that is there already.
    """
    generator = directory / "generator"
    go_build(generator, ".")
    given = os.environ.get("BOLTCLI_BBOLT")
    if given:
        return Tools(Path(given).resolve(), generator)
    go_build(directory / "bbolt", "go.etcd.io/bbolt/cmd/bbolt")
    return Tools(directory / "bbolt", generator)


def go() -> str:
    """The go command; a missing one is a failure."""
    found = shutil.which("go")
    if found is None:
        raise RuntimeError("comparing with bbolt needs the go command, which is not on PATH")
    return found


def go_build(output: Path, package: str, *options: str) -> None:
    """Build a package of the generator's module, or of one that it depends on."""
    done = subprocess.run(
        [go(), "build", *options, "-o", output, package], cwd=GENERATOR, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"go build {package} failed:\n{done.stderr}")


def compare_database(program: Path, database: Path, effort: Effort) -> Comparison:
    """Run the matrix for a database with both programs.

    Where bbolt crashes there is nothing to compare with, but boltcli still has
    to end in an orderly way.  Neither may touch the file.
    """
    directory = database.parent
    add_companion(database)
    before = sha256(database), database.stat().st_mtime_ns
    limits = bbolt.THOROUGH if effort is Effort.FULL else bbolt.CURSORY
    known = bbolt.discover(program, directory, database.name, limits)
    result = _compare(program, matrix.database_cases(known, effort), directory, f"[{database.name}] ")
    if (sha256(database), database.stat().st_mtime_ns) != before:
        result.differences.append(f"[{database.name}] the file was changed")
    return result


def _compare(program: Path, cases: Iterable[Case], directory: Path, where: str) -> Comparison:
    result = Comparison()
    for case in cases:
        expected = bbolt.outcome(program, case, directory)
        done = ours.in_process(case.argv, directory)
        got = ours.outcome(case, done, directory)
        broken = ours.crash(done)
        if broken:
            result.differences.append(f"{command(case, where)}\n  {broken}")
        if expected is None:
            result.not_comparable += 1
            continue
        result.compared += 1
        text = difference(case, expected, got, where)
        if text and not broken:
            result.differences.append(text)
    return result
