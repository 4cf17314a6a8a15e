"""``scan``: find bolt databases by the content of files. bbolt has no such command."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, count
from typing import TYPE_CHECKING, Annotated, Any

from ...apps.contract import Column
from ...errors import ArgumentError
from ...fleet.files import Files
from ...fleet.scan import scan
from ...render import records
from ...render.table import Table
from ...storage.source import is_elsewhere
from ...text.sizes import counted
from ...text.times import short_age
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
    found = Files()
    looked, databases, bad = count(), count(), count()
    with out.progress("scanning", "files") as progress:

        def rows() -> Iterator[dict[str, Any]]:
            for row in scan(dirs, found, lambda: progress(next(looked) + 1, 0)):
                progress.clear()
                next(databases)
                if row["error"] is not None:
                    next(bad)
                yield row

        all_rows = rows()
        for first in all_rows:  # without any there is no table
            whole = chain([first], all_rows)
            out.rows(Table(_COLUMNS, map(_cells, whole)), records=map(_record, whole), human=human)
    out.text(f"{counted(next(databases), 'database')}, {counted(next(looked), 'file')} examined\n")
    out.flush()
    for path, error in found.failed.items():
        out.complain(error, path)
    say_passed(found, out)
    return 1 if next(bad) or found.failed else 0


def _record(row: dict[str, Any]) -> records.Record:
    path = row.pop("path")
    error = row["error"] and records.error(row["error"], path)
    return records.of_file(path) | row | {"error": error}


def _cells(row: dict[str, Any]) -> list[Any]:
    name = f"{row['path']}: {row['error']}" if row["error"] else row["path"]
    return [row["kind"], row["size"], row["txid"], short_age(row["age"]), row["lock"], row["application"], name]
