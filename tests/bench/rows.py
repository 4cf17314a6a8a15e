"""What is compared: for each row the two command lines."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from boltcli.cli.command_table import COMMANDS
from tests.bench.databases import BUCKET
from tests.bench.measure import Tool

BOLTCLI = Path(sys.executable).with_name("boltcli")


@dataclass(frozen=True)
class Row:
    """A command with its options; ``writes``: it makes a file, and what it prints is of no account."""

    name: str
    command: str
    options: tuple[str, ...] = ()
    writes: bool = False
    cold: bool = False

    @property
    def is_there(self) -> bool:
        """Whether boltcli has the command."""
        return self.command in COMMANDS

    def tools(self, bbolt: Path, database: Path) -> tuple[Tool, Tool]:
        """boltcli's side and bbolt's."""
        result = database.with_name("compacted.db")
        words: list[str | Path] = [self.command, *self.options]
        if self.writes:
            words += ["-o", result]
        words.append(database)
        if self.command == "keys":
            words.append(BUCKET)
        leftovers = (result,) if self.writes else ()
        return Tool([BOLTCLI, *words], leftovers), Tool([bbolt, *words], leftovers)


ROWS = (
    Row("keys", "keys"),
    Row("check", "check"),
    Row("stats", "stats"),
    Row("pages", "pages"),
    Row("inspect", "inspect"),
    Row("compact", "compact", writes=True),
    Row("compact --no-sync", "compact", ("--no-sync",), writes=True),
    Row("check, cold", "check", cold=True),
    Row("stats, cold", "stats", cold=True),
    Row("keys, cold", "keys", cold=True),
)
GROWING = ("check", "stats", "keys")
"""Commands whose time is shown for databases of growing size."""


def small_get(bbolt: Path, database: Path, key: str) -> tuple[Tool, Tool]:
    """``get`` of one key: what counts is how long the program takes to start."""
    words: list[str | Path] = ["get", database, BUCKET, key]
    return Tool([BOLTCLI, *words]), Tool([bbolt, *words])


def bare_python() -> Tool:
    """An interpreter that does nothing."""
    return Tool([sys.executable, "-c", "pass"])


def small_bucket(database: Path, name: str) -> tuple[Tool, Tool]:
    """``sql`` of one small bucket of a large file, and ``keys`` of it: both of boltcli."""
    statement = f"SELECT key_text FROM pairs WHERE bucket = ['{BUCKET}', '{name}']"
    return Tool([BOLTCLI, "sql", statement, database]), Tool([BOLTCLI, "keys", database, BUCKET, name])


def duckdb_start() -> Tool:
    """What ``sql`` needs before it can begin: DuckDB and Arrow, and a first statement."""
    return Tool(
        [sys.executable, "-c", "import duckdb, pyarrow.dataset; duckdb.connect().execute('SELECT 1').fetchall()"]
    )


def export_parquet(database: Path) -> Tool:
    """A whole database into a Parquet file."""
    made = database.with_name("exported.parquet")
    return Tool([BOLTCLI, "export", "-o", made, database], (made,))
