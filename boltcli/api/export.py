"""Export a database: pairs as lines of JSON; pairs or views as CSV, SQLite, Parquet or Arrow."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from itertools import repeat
from typing import TYPE_CHECKING, Any, BinaryIO, Unpack

from ..apps.contract import Column
from ..database import Database
from ..errors import ArgumentError, Corrupted
from ..ops.read.content import Bounds, Enter, placed, whole_content
from ..render import records
from ..render.element_lines import element_lines
from ..render.row_files import complete, format_of, lines_into
from ..render.table import Table
from ..storage.destination import check_destination
from ..storage.opened import refuse_output
from ..tables.relations import GENERAL, Relation, TableFile, name_text, relations
from ..text.columns import Again
from ..tree.bucket import bucket_path
from . import opened

if TYPE_CHECKING:
    from ..apps.decode import Decoder
    from ..ops.read.content import Path, Placed
    from . import Given, Opening, Progress

__all__ = ["export", "export_form"]

LINES = ("ndjson", "json")


def export(
    source: Given, destination: str | os.PathLike[str] | BinaryIO, *, format: str = "",
    bucket: bytes | str | Sequence[bytes | str] = (), view: str = "", all_views: bool = False, decode: str = "off",
    proto: str = "", message: str = "", replace: bool = False, sync: bool = True,
    warn: Callable[[str], object] | None = None, progress: Progress | None = None, **opening: Unpack[Opening],
) -> dict[str, int]:  # fmt: skip
    """Write all buckets and pairs of a database to ``destination``, and return how many rows of each kind there are.

    ``source`` is a path or an open database, ``destination`` a path, where the file appears when it is complete, or a
    binary stream. ``format`` is ndjson (lines of JSON), json (an array), csv, sqlite, parquet or arrow; "": by the
    ending of the destination, else ndjson. ``bucket`` (a name or a path) exports only that bucket and those in it,
    ``view`` a view of the application instead of the pairs; ``all_views`` with sqlite also a table for each view.
    ``decode``, ``proto`` and ``message`` add what keys and values mean to lines of JSON, as the command's options do.
    ``warn`` is called with sentences about the file, ``progress(done, total)`` with pages. ``replace`` replaces an
    existing file; without ``sync`` nothing is synced to the disk. The other arguments are those of
    :func:`boltcli.open`.

    Raises what that raises, ArgumentError, BucketNotFound, MissingExtra, Corrupted (of lines the last one then says so)
    and the errors of a destination.

    >>> import boltcli, io
    >>> lines = io.BytesIO()
    >>> boltcli.export("fixtures/document.db", lines, bucket="execution")
    {'pairs': 4, 'buckets': 1}
    >>> lines.getvalue().splitlines()[0]
    b'{"bucket":["execution"],"sequence":0}'
    """
    path = bucket_path(bucket)
    output = os.fspath(destination) if isinstance(destination, (str, os.PathLike)) else ""
    decoded = decode != "off" or bool(proto or message)
    form = export_form(format, output, view=view, bucket=bool(path), all_views=all_views, decoded=decoded)
    with opened(source, opening) as snapshot:
        if not isinstance(destination, (str, os.PathLike)):
            refuse_output(destination)
        file = TableFile(snapshot.path, snapshot, warn, progress)
        if view or form not in LINES:
            return _tables(file, path, view, all_views, form, destination, replace, sync)
        decoder = None
        if decoded:
            from ..apps.decode import decoder as chosen

            decoder = chosen(Database(snapshot), decode, proto, message)
        if not isinstance(destination, (str, os.PathLike)):
            with lines_into(destination, form) as stream:
                return _write_lines(file, path, decoder, stream)
        with complete(output, replace=replace, sync=sync) as target, lines_into(target, form) as stream:
            counts = _write_lines(file, path, decoder, stream)
            snapshot.finish()
        return counts


def export_form(
    format: str, output: str, *, view: str = "", bucket: bool = False, all_views: bool = False, decoded: bool = False
) -> str:
    """Return the form of an export to ``output``, "" for a stream. Raises ArgumentError for what doesn't fit it."""
    form = format or ("sqlite" if output.lower().endswith(".sqlite") else format_of(output) or "ndjson")
    if form not in (*LINES, "csv", "sqlite", "parquet", "arrow"):
        raise ArgumentError(f"there is no format {form!r}")
    if form in ("sqlite", "parquet", "arrow") and not output:
        raise ArgumentError(f"--format {form} needs --output")
    if all_views and form != "sqlite":
        raise ArgumentError("--all-views needs --format sqlite: the other formats have one table per file")
    if decoded and (form not in LINES or view):
        raise ArgumentError("--decode works only for pairs as lines of JSON")
    if view and bucket:
        raise ArgumentError("--view and --bucket can't be combined")
    return form


def _write_lines(file: TableFile, path: Path, decoder: Decoder | None, target: BinaryIO) -> dict[str, int]:
    """Write the rows, then their number or the error, so that a truncated export can be recognised."""
    counts = {"pairs": 0, "buckets": 0}
    try:
        for place, event in _content(file, path):
            if isinstance(event, Enter):
                target.write(records.line(records.of_bucket(place) | {"sequence": event.sequence}))
                counts["buckets"] += bool(place)
            else:
                target.writelines(element_lines(place, event.keys, event.values, decoder=decoder))
                counts["pairs"] += len(event.keys)
    except Corrupted as error:
        target.write(records.line({"end": False, "error": records.error(error, file.path)}))
        raise
    target.write(records.line({"end": True, **counts}))
    return counts


def _tables(
    file: TableFile, path: Path, view: str, all_views: bool, form: str,
    destination: str | os.PathLike[str] | BinaryIO, replace: bool, sync: bool,
) -> dict[str, int]:  # fmt: skip
    """Write the content of the bucket at ``path``, or a view, as a table; return the numbers of rows."""
    found = relations([file]) if view or all_views else {}
    views = {name: relation for name, relation in found.items() if name not in GENERAL}
    if view and view not in views:
        raise ArgumentError(f"there is no view {view!r}; this file has: {', '.join(views) or 'none'}")
    if form == "sqlite":
        assert isinstance(destination, (str, os.PathLike))
        chosen = list(views.values()) if all_views else [views[view]] if view else []
        return _write_sqlite(file, None if view else path, chosen, os.fspath(destination), replace, sync)
    if view:
        table = Table(views[view].columns[1:], Again(lambda: views[view].rows(file)))
    else:
        table = _pairs(_content(file, path), as_arrow=form != "csv")
    if not isinstance(destination, (str, os.PathLike)):
        return {"rows": table.write(destination, form)}
    with complete(os.fspath(destination), replace=replace, sync=sync) as target:
        count = table.write(target, form)
        file.snapshot.finish()
    return {"rows": count}


def _content(file: TableFile, path: Path) -> Iterator[Placed]:
    content = whole_content(file.snapshot, Bounds(path), warn=file.warn, progress=file.progress)
    return placed(content, file.snapshot.meta.sequence)


def _pairs(content: Iterator[Placed], *, as_arrow: bool) -> Table:
    columns = [Column("bucket", "names"), Column("sequence", "integer"), Column("key", "hex"), Column("value", "hex")]
    if not as_arrow:
        return Table(columns, _rows(content))
    from ..tables.arrow import row_batches, row_schema

    return Table(columns, (), batches=(row_schema(), row_batches(content)))


def _rows(content: Iterator[Placed]) -> Iterator[tuple[Any, ...]]:
    for path, event in content:
        names = list(map(name_text, path))
        if isinstance(event, Enter):
            yield names, event.sequence, None, None
        else:
            yield from zip(repeat(names), repeat(None), event.keys, event.values)


def _write_sqlite(
    file: TableFile, path: Path | None, views: list[Relation], output: str, replace: bool, sync: bool
) -> dict[str, int]:
    """Write the pairs of the bucket at ``path`` (None: none) and ``views``; return the number of rows by table."""
    from ..tables.sqlite_file import write_database

    check_destination(output, replace=replace)  # before the long work
    with tempfile.TemporaryDirectory(prefix="boltcli-") as folder:
        made = os.path.join(folder, "export.sqlite")
        counts = write_database(made, None if path is None else _content(file, path), file, views)
        file.snapshot.finish()
        with complete(output, replace=replace, sync=sync) as target, open(made, "rb") as source:
            shutil.copyfileobj(source, target, 1 << 20)
    return counts
