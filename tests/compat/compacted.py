"""Make fixtures/COMPACTED: the hash of what bbolt's compaction makes of each fixture, a line a call.

Usage: python -m tests.compat.compacted

It is made by the build whose order of sibling buckets is settled (``ordered.py``).
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.compat import ordered
from tests.compat.goldens import FIXTURES, sha256

COMPACTED = FIXTURES / "COMPACTED"
HEAD = "# What bbolt's compaction makes of the fixtures. Made by tests/compat/compacted.py.\n"
TX_MAX_SIZES = (0, 1, 1000, 20000, 65536, 1048576)
PAGE_SIZES = (1024, 16384, 65536)


@dataclass(frozen=True)
class Line:
    """One call and its result: ``page_size`` of the copy, ``size`` and ``sha256`` of the file."""

    name: str
    page_size: int
    tx_max_size: int
    size: int
    sha256: str


def calls() -> Iterator[tuple[int, int]]:
    """Page size and transaction size of each call."""
    for tx_max_size in TX_MAX_SIZES:
        yield 4096, tx_max_size
    for page_size in PAGE_SIZES:
        yield page_size, 65536
        yield page_size, 1000


def load() -> list[Line]:
    """Read what was made."""
    rows = [line.split() for line in COMPACTED.read_text().splitlines() if not line.startswith("#")]
    return [Line(name, int(page), int(tx), int(size), digest) for name, page, tx, size, digest in rows]


def render(generator: Path) -> str:
    """Make the file's text."""
    text = HEAD + "# name\tpage-size\ttx-max-size\tsize\tsha256\n"
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "copy.db")
        for database in sorted(FIXTURES.glob("*.db")):
            for page_size, tx_max_size in calls():
                run(generator, database, copy, page_size, tx_max_size)
                fields = database.stem, page_size, tx_max_size, copy.stat().st_size, sha256(copy)
                text += "\t".join(map(str, fields)) + "\n"
                copy.unlink()
    return text


def run(generator: Path, source: Path, copy: Path, page_size: int, tx_max_size: int) -> None:
    """Have bbolt's library compact a database."""
    options = [f"-page-size={page_size}", f"-tx-max-size={tx_max_size}"]
    done = subprocess.run(
        [generator, "compact", *options, "-o", copy, source], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def main() -> int:
    """Run the program."""
    with tempfile.TemporaryDirectory() as folder:
        _, generator = ordered.build(Path(folder))
        COMPACTED.write_text(render(generator))
    return 0


if __name__ == "__main__":
    sys.exit(main())
