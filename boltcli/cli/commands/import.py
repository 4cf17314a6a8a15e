"""``import``: make a database from an export. bbolt has no such command."""

from __future__ import annotations

import mmap
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, BinaryIO

from ...errors import ArgumentError
from ...ops.read.content import Enter
from ...ops.write.compact import PAGE_SIZES
from ...ops.write.load import load
from ...render import records
from ...render.json_rows import End, parsed_rows
from ...storage.files import Trying
from ...storage.opened import take_stdin
from ...text.sizes import written
from ..command import command

if TYPE_CHECKING:
    from ...ops.read.content import Placed
    from ..options import Destination, FillPercent, Force, Human, NoSync, PageSize, argument, files, switch
    from ..output import Output

_SQLITE = b"SQLite format 3\0"
_ARROW = (b"PAR1", b"ARROW1")


@command("import", example="boltcli export fixtures/document.db | boltcli import -o store.db -", group="Write")
def import_(
    out: Output,
    *,
    src: Annotated[
        str, argument("SRC", "Lines of JSON in key order, SQLite, Parquet or Arrow; - reads standard input.", files)
    ],
    output: Destination,
    partial: Annotated[bool, switch("Accept an export that was cut short or ended with an error.")] = False,
    no_sync: NoSync = False,
    force: Force = False,
    fill_percent: FillPercent = 100,
    page_size: PageSize = 0,
    human: Human = False,
) -> None:
    """Make a database, as small as possible, from a file that export wrote."""
    if page_size and page_size not in PAGE_SIZES:
        raise ArgumentError(f"page size {page_size} is not a power of two from {PAGE_SIZES[0]} to {PAGE_SIZES[-1]}")
    done = load(
        _rows(src, partial, out), output, page_size=page_size or mmap.PAGESIZE, fill_percent=fill_percent,
        replace=force, sync=not no_sync,
    )  # fmt: skip
    size = written(done.size, human or out.is_terminal)
    out.record(
        records.result(src, output, pairs=done.pairs, buckets=done.buckets, size=done.size),
        f"{done.pairs} pairs in {done.buckets} buckets -> {size}\n",
    )


def _rows(source: str, partial: bool, out: Output) -> Iterator[Placed]:
    """Yield the rows of the source; its first bytes show the format: lines of JSON, SQLite, Parquet, Arrow."""
    with Trying("read", source):
        if source == "-":
            take_stdin("an export", "-")
        with sys.stdin.buffer if source == "-" else open(source, "rb") as file:
            magic = b"" if source == "-" else file.read(len(_SQLITE))
            if magic == _SQLITE:
                from ...tables.sqlite_file import read_rows as from_sqlite

                with out.progress("importing", "rows") as progress:
                    yield from from_sqlite(source, progress)
            elif magic.startswith(_ARROW):
                from ...tables.arrow import read_rows as from_arrow

                with out.progress("importing", "rows") as progress:
                    yield from from_arrow(source, progress)
            else:
                size = 0  # of a pipe it is not known
                if magic:
                    size = os.fstat(file.fileno()).st_size
                    file.seek(0)
                yield from _parsed(file, size, partial, out)


def _parsed(file: BinaryIO, size: int, partial: bool, out: Output) -> Iterator[Placed]:
    """Yield the rows in lines of JSON, up to the last line of an export; skip empty lines.

    Raises :class:`~boltcli.errors.ArgumentError` if the last line is missing or has other counts; with --partial
    this is a warning.
    """
    pairs = buckets = 0
    counted = True  # the output of deleted has no last line with counts
    end: End | None = None
    with out.progress("importing", "bytes" if size else "pairs") as progress:
        for said, line in parsed_rows(file):
            if not pairs and b'"certainty":' in line:
                counted = False
            if isinstance(said, End):
                end = said
                continue
            path, event = said
            if isinstance(event, Enter):
                buckets += bool(path)
            else:
                pairs += len(event.keys)
            progress(file.tell() if size else pairs, size)
            yield said
    problem = _problem(end, pairs, buckets) if counted or end is not None else ""
    if problem and not partial:
        raise ArgumentError(f"{problem}; --partial imports the {pairs} pairs that it has")
    if problem:
        out.warn(f"{problem}; imported the {pairs} pairs that it has")


def _problem(end: End | None, pairs: int, buckets: int) -> str:
    if end is None:
        return "the export has no last line with counts: it was cut short"
    if end.error is not None:
        return f"the export ended with an error: {end.error}"
    if (end.pairs, end.buckets) != (pairs, buckets):
        return f"its last line counts {end.pairs} pairs in {end.buckets} buckets, but it has {pairs} in {buckets}"
    return ""
