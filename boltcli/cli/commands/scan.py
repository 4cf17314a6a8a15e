"""``scan``: find bolt databases by the content of files. bbolt has no such command."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, count
from typing import TYPE_CHECKING, Annotated, Any

from ...api.fleet import Scanned, scan
from ...apps.contract import Column
from ...errors import ArgumentError
from ...render import records
from ...render.table import Table
from ...storage.source import is_elsewhere
from ...text.sizes import counted
from ...text.times import short_age, time_text
from ..command import command
from ..many import say_passed

if TYPE_CHECKING:
    from ..options import Human, argument, files
    from ..output import Output

_COLUMNS = (
    Column("kind"), Column("size", "size"), Column("txid", "integer"), Column("age"), Column("lock"),
    Column("application"), Column("file"),
)  # fmt: skip


def prepare(dirs: list[str]) -> None:
    for argument in dirs:
        if is_elsewhere(argument):
            raise ArgumentError(f"{argument}: scan takes local folders; verify --recursive takes an address")


@command(
    "scan",
    example="boltcli scan .",
    group="Verify",
    statuses={0: "databases were found", 1: "a folder has none, or a database could not be read"},
    validate=prepare,
)
def scan_(
    out: Output, *, dirs: Annotated[list[str], argument("DIR", "Folders, or files.", files)], human: Human = False
) -> int:
    """Find bolt databases in folders by content, including packed ones, and name their applications."""
    databases, bad = count(), count()
    with out.progress("scanning", "files") as progress:
        found = scan(dirs, progress=progress)

        def rows() -> Iterator[Scanned]:
            for row in found:
                progress.clear()
                next(databases)
                if row.error is not None:
                    next(bad)
                yield row

        all_rows = rows()
        for first in all_rows:  # without any there is no table
            whole = chain([first], all_rows)
            out.rows(Table(_COLUMNS, map(_cells, whole)), records=map(_record, whole), human=human)
    out.text(f"{counted(next(databases), 'database')}, {counted(found.looked, 'file')} examined\n")
    out.flush()
    for path, error in found.failed.items():
        out.complain(error, path)
    say_passed(found.files, out)
    return 1 if next(bad) or found.failed else 0


def _record(row: Scanned) -> records.Record:
    fields = records.of_record(row)
    return {
        "modified" if name == "modified_ns" else name: time_text(value) if name == "modified_ns" else value
        for name, value in fields.items()
    }


def _cells(row: Scanned) -> list[Any]:
    name = f"{row.path}: {row.error}" if row.error else row.path
    return [row.kind, row.size, row.txid, short_age(row.age), row.lock, row.application, name]
