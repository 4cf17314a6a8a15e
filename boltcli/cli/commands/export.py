"""``export``: write a database or a bucket as lines of JSON, or as tables. bbolt has no such command."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager, nullcontext
from itertools import repeat
from typing import TYPE_CHECKING, Any

from ...apps.contract import Column
from ...errors import ArgumentError, Corrupted
from ...ops.read.content import Bounds, Enter, placed, whole_content
from ...render import records
from ...render.element_lines import bucket_row, element_lines, end_row
from ...render.table import Table
from ...storage.destination import check_destination
from ...tables.relations import TableFile, name_text, views_of
from ..command import command
from ..decoding import asked, is_asked
from ..row_output import complete, format_of, lines_into

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Annotated, BinaryIO, Literal

    from typer import Option

    from ...apps.decode import Decoder
    from ...ops.read.content import Path, Placed
    from ...tables.relations import Relation
    from ..option import check_choice
    from ..options import Database, Decode, Force, Message, Proto, buckets, results
    from ..output import Output

LINES = ("ndjson", "json")
_COPY = 1 << 20


def _form(format: str, output: str) -> str:
    """Return the format that the options ask for."""
    if format:
        return format
    return "sqlite" if output.lower().endswith(".sqlite") else format_of(output) or "ndjson"


def prepare(
    format: str, output: str, view: str, bucket: list[bytes], all_views: bool, decode: str, proto: str, message: str
) -> None:
    form = _form(format, output)
    if form in ("sqlite", "parquet", "arrow") and not output:
        raise ArgumentError(f"--format {form} needs --output")
    if all_views and form != "sqlite":
        raise ArgumentError("--all-views needs --format sqlite: the other formats have one table per file")
    if is_asked(decode, proto, message) and (form not in LINES or view):
        raise ArgumentError("--decode works only for pairs as lines of JSON")
    if view and bucket:
        raise ArgumentError("--view and --bucket can't be combined")


@command(
    "export",
    example="boltcli export --bucket execution fixtures/document.db",
    group="Write",
    json="Write errors and warnings as JSON too; the rows are always JSON.",
    validate=prepare,
)
def export(
    db: Database,
    out: Output,
    *,
    bucket: Annotated[
        list[bytes],
        Option(help="Only this bucket; repeat it for a nested one.", metavar="NAME", autocompletion=buckets),
    ] = [],
    format: Annotated[
        Literal["", "ndjson", "json", "csv", "sqlite", "parquet", "arrow"],
        Option(
            "--format",
            "-f",
            help="ndjson|json (an array)|csv|sqlite|parquet|arrow; default: by the suffix of --output, else ndjson.",
            metavar="FORMAT",
            callback=check_choice,
        ),
    ] = "",
    output: Annotated[
        str,
        Option(
            "--output",
            "-o",
            help="Write to this file, which appears when it is complete; default: standard output.",
            metavar="DEST",
            autocompletion=results,
        ),
    ] = "",
    view: Annotated[
        str, Option(help="Write this view of the file's application instead of the pairs.", metavar="NAME")
    ] = "",
    all_views: Annotated[
        bool, Option(help="With --format sqlite: also a table for each view of the application.")
    ] = False,
    force: Force = False,
    decode: Decode = "off",
    proto: Proto = "",
    message: Message = "",
) -> None:
    """Write all buckets and pairs as lines of JSON, or pairs and views as CSV, SQLite, Parquet or Arrow."""
    form = _form(format, output)
    file = TableFile(out.path, db, out.warn)
    chosen = [_view(file, view)] if view else []
    if form == "sqlite":
        if all_views:
            chosen = list(views_of([file]).values())
        counts = _write_sqlite(file, None if view else tuple(bucket), chosen, output, force)
        words = ", ".join(f"{count} {name}" for name, count in counts.items())
        out.raw(f"{words} -> {output}\n".encode("utf-8", "surrogateescape"))
    elif chosen:
        table = Table(chosen[0].columns[1:], _ViewRows(chosen[0], file))
        out.rows(table, form=form, output=output, force=force, finish=db.finish)
    elif form in LINES:
        decoder = asked(db, decode, proto, message)
        with _lines_into(out, form, output, force) as target:
            _write_lines(file, tuple(bucket), decoder, target)
            if output:
                db.finish()
    else:
        table = _pairs(_content(file, tuple(bucket)), as_arrow=form != "csv")
        out.rows(table, form=form, output=output, force=force, finish=db.finish)


def _view(file: TableFile, name: str) -> Relation:
    found = views_of([file])
    if name not in found:
        raise ArgumentError(f"there is no view {name!r}; this file has: {', '.join(found) or 'none'}")
    return found[name]


def _content(file: TableFile, path: Path) -> Iterator[Placed]:
    return placed(whole_content(file.snapshot, Bounds(path), warn=file.warn), file.snapshot.meta.sequence)


@contextmanager
def _lines_into(out: Output, form: str, output: str, force: bool) -> Iterator[BinaryIO]:
    """Context manager: a stream for lines, or for the elements of an array, to standard output or a file."""
    with complete(output, replace=force) if output else nullcontext(out.out) as file, lines_into(file, form) as target:
        yield target


def _write_lines(file: TableFile, path: Path, decoder: Decoder | None, out: BinaryIO) -> None:
    """Write the rows, then their number or the error, so that a truncated export can be recognised."""
    pairs = buckets = 0
    try:
        for place, event in _content(file, path):
            if isinstance(event, Enter):
                out.write(records.line(bucket_row(place, event.sequence)))
                buckets += bool(place)
            else:
                out.writelines(element_lines(place, event.keys, event.values, decoder=decoder))
                pairs += len(event.keys)
    except Corrupted as error:
        out.write(records.line({"end": False, "error": records.error(error, file.path)}))
        raise
    out.write(records.line(end_row(pairs, buckets)))


def _pairs(content: Iterator[Placed], *, as_arrow: bool) -> Table:
    """Return the buckets and pairs as a table."""
    columns = [Column("bucket", "names"), Column("sequence", "integer"), Column("key", "hex"), Column("value", "hex")]
    if not as_arrow:
        return Table(columns, _rows(content))
    from ...tables.arrow_files import row_batches, row_schema

    return Table(columns, (), batches=(row_schema(), row_batches(content)))


def _rows(content: Iterator[Placed]) -> Iterator[tuple[Any, ...]]:
    for path, event in content:
        names = list(map(name_text, path))
        if isinstance(event, Enter):
            yield names, event.sequence, None, None
        else:
            yield from zip(repeat(names), repeat(None), event.keys, event.values)


class _ViewRows:
    """The rows of a view, which can be read again."""

    def __init__(self, view: Relation, file: TableFile) -> None:
        self._view = view
        self._file = file

    def __iter__(self) -> Iterator[Any]:
        return self._view.rows(self._file)


def _write_sqlite(
    file: TableFile, path: Path | None, views: list[Relation], output: str, force: bool
) -> dict[str, int]:
    """Write the pairs of the bucket at ``path`` (None: none) and ``views``; return the number of rows by table."""
    from ...tables.sqlite_file import write_database

    check_destination(output, replace=force)  # before the long work
    with tempfile.TemporaryDirectory(prefix="boltcli-") as folder:
        made = os.path.join(folder, "export.sqlite")
        counts = write_database(made, None if path is None else _content(file, path), file, views)
        file.snapshot.finish()
        with complete(output, replace=force) as target, open(made, "rb") as source:
            shutil.copyfileobj(source, target, _COPY)
    return counts
