"""Make, or check, fixtures/golden: what bbolt answers, one case a line.

Usage: python -m tests.compat.goldens --bbolt PATH [--check] [NAME ...]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.compat import bbolt, matrix, raw_cases
from tests.compat.model import Case, Outcome, from_json, to_json

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
GOLDEN = FIXTURES / "golden"
ARGUMENTS = "arguments"
"""Name of the golden file of the cases that are about no database in particular."""
ARGUMENT_FIXTURE = "one-bucket"
"""The database those are tried on; any sound one does."""


@dataclass(frozen=True)
class Golden:
    """A golden file: the cases for one fixture."""

    name: str
    fixture: str
    sha256: str
    cases: tuple[tuple[Case, Outcome], ...]


def fixture_names() -> list[str]:
    """Name the fixtures that are there, and the arguments file."""
    return [ARGUMENTS, *sorted(path.stem for path in FIXTURES.glob("*.db"))]


def golden_names() -> list[str]:
    """Name the golden files that are there."""
    return sorted(path.stem for path in GOLDEN.glob("*.json"))


def load(name: str) -> Golden:
    """Read a golden file."""
    record = json.loads((GOLDEN / f"{name}.json").read_text("ascii"))
    cases = tuple(from_json(line) for line in record["cases"])
    return Golden(name, record["fixture"], record["sha256"], cases)


def lay_out(name: str, directory: Path) -> Path:
    """Put the files a golden file's cases name into a directory of their own.

    Returns the database, whose sha256 the golden file records.  Copies, so
    that a program that writes to its database does no harm and is found out.
    """
    source = FIXTURES / f"{ARGUMENT_FIXTURE if name == ARGUMENTS else name}.db"
    if name == ARGUMENTS:
        matrix.make_argument_files(directory, source.read_bytes())
        return directory / "a.db"
    database = Path(shutil.copy(source, directory / source.name))
    add_companion(database)
    return database


def add_companion(database: Path) -> None:
    """Put the same file without a freelist beside it."""
    database.with_name(raw_cases.companion(database.name)).write_bytes(
        raw_cases.without_freelist(database.read_bytes())
    )


def sha256(path: Path) -> str:
    """Hash a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def render(program: Path, name: str) -> str:
    """Ask bbolt all the cases of a golden file and write the file's text."""
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        database = lay_out(name, directory)
        digest = sha256(database)
        known = bbolt.discover(program, directory, database.name)
        about_arguments = name == ARGUMENTS
        cases = matrix.argument_cases(*_bucket_key_and_leaf(known)) if about_arguments else matrix.database_cases(known)
        lines = [line for line in _answers(program, cases, directory) if line]
        if sha256(database) != digest:
            raise RuntimeError(f"bbolt changed {database.name}")
    fixture = f"{ARGUMENT_FIXTURE}.db" if name == ARGUMENTS else f"{name}.db"
    head = f'{{"fixture": {json.dumps(fixture)}, "sha256": "{digest}", "cases": [\n'
    return head + ",\n".join(lines) + "\n]}\n"


def _bucket_key_and_leaf(known: bbolt.Database) -> tuple[str, str, str]:
    def plain(name: bytes) -> bool:
        return name[:1].isalnum() and name.isascii() and name.decode().isprintable()

    for bucket in known.buckets:
        keys = [key for key in bucket.keys if key not in bucket.children and plain(key)]
        if len(bucket.path) == 1 and keys and plain(bucket.path[0]):
            leaf = max((page for page in known.pages if page.type == "leaf"), key=lambda page: page.count)
            return bbolt.argument(bucket.path[0]), bbolt.argument(keys[0]), str(leaf.id)
    raise RuntimeError(f"{known.name} has no bucket with a plain name and key")


def _answers(program: Path, cases: Sequence[Case], directory: Path) -> list[str | None]:
    def answer(case: Case) -> str | None:
        outcome = bbolt.outcome(program, case, directory)
        return None if outcome is None else to_json(case, outcome)

    with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        return list(pool.map(answer, cases))


def difference(program: Path, name: str) -> str | None:
    """Say how a golden file differs from what bbolt answers now, if it does."""
    path = GOLDEN / f"{name}.json"
    stored = path.read_text("ascii") if path.is_file() else ""
    fresh = render(program, name)
    if stored == fresh:
        return None
    old, new = set(stored.splitlines()), set(fresh.splitlines())
    lines = [f"-{line}" for line in stored.splitlines() if line not in new]
    lines += [f"+{line}" for line in fresh.splitlines() if line not in old]
    shown = "\n".join(line[:400] for line in lines[:12])
    return f"{path.name}: {len(lines)} lines differ (- stored, + bbolt now)\n{shown}"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bbolt", type=Path, required=True, help="the bbolt program")
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    parser.add_argument("names", nargs="*", help="fixture names without .db, or 'arguments'; default all")
    options = parser.parse_args(argv)
    program = options.bbolt.resolve()
    names = options.names or fixture_names()
    if options.check:
        found = [text for name in names if (text := difference(program, name))]
        print("\n".join(found) or f"{len(names)} golden files are what bbolt answers")
        return 1 if found else 0
    GOLDEN.mkdir(exist_ok=True)
    for name in names:
        text = render(program, name)
        (GOLDEN / f"{name}.json").write_text(text, "ascii")
        print(f"{name}: {text.count(chr(10)) - 2} cases, {len(text)} bytes")
    for stale in set(golden_names()) - set(names) if not options.names else ():
        (GOLDEN / f"{stale}.json").unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
