"""Export pairs or views as CSV, SQLite, Parquet or Arrow."""

from __future__ import annotations

import os
import shutil
import tempfile
from itertools import repeat
from typing import TYPE_CHECKING, Any, BinaryIO

from ..apps.contract import Column
from ..errors import ArgumentError
from ..ops.read.content import Bounds, Enter, placed, whole_content
from ..render.table import Table
from ..tables.relations import name_text, relations
from .key_argument import addresses
from .row_output import complete, write_table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Protocol

    from ..ops.read.content import Path, Placed
    from ..tables.relations import Relation, TableFile

    class Wanted(Protocol):
        """The options of ``export`` that are used here."""

        bucket: list[str]
        output: str
        view: str
        all_views: bool
        force: bool


_COPY = 1 << 20


def export_table(file: TableFile, options: Wanted, form: str, out: BinaryIO) -> None:
    """Write the pairs, or a view, in ``form`` to ``options.output``. Raises BoltError."""
    view = _view(file, options.view) if options.view else None
    path = tuple(addresses(options.bucket))
    if form == "sqlite":
        _sqlite(file, path, view, options, out)
        return
    table = (
        _pairs(file, path, arrow=form in ("parquet", "arrow"))
        if view is None
        else Table(view.columns[1:], _Rows(view, file))
    )
    write_table(table, out, form, output=options.output, force=options.force, finish=file.snapshot.finish)


def _content(file: TableFile, path: Path) -> Iterator[Placed]:
    return placed(whole_content(file.snapshot, Bounds(path), warn=file.warn), file.snapshot.meta.sequence)


def _pairs(file: TableFile, path: Path, *, arrow: bool) -> Table:
    """Return the buckets and pairs as a table."""
    content = _content(file, path)
    columns = [Column("bucket", "names"), Column("sequence", "integer"), Column("key", "hex"), Column("value", "hex")]
    if not arrow:
        return Table(columns, _rows(content))
    from ..tables.arrow_files import row_batches, row_schema

    return Table(columns, (), batches=(row_schema(), row_batches(content)))


def _rows(content: Iterator[Placed]) -> Iterator[tuple[Any, ...]]:
    for path, event in content:
        names = list(map(name_text, path))
        if isinstance(event, Enter):
            yield names, event.sequence, None, None
        else:
            yield from zip(repeat(names), repeat(None), event.keys, event.values)


class _Rows:
    """The rows of a view, which can be read again."""

    def __init__(self, view: Relation, file: TableFile) -> None:
        self._view = view
        self._file = file

    def __iter__(self) -> Iterator[Any]:
        return self._view.rows(self._file)


def _view(file: TableFile, name: str) -> Relation:
    found = relations([file])
    if name not in found:
        known = [each for each in found if each not in ("pairs", "buckets", "pages", "findings", "files")]
        raise ArgumentError(f"there is no view {name!r}; this file has: {', '.join(known) or 'none'}")
    return found[name]


def _sqlite(file: TableFile, path: Path, view: Relation | None, options: Wanted, out: BinaryIO) -> None:
    from ..storage.destination import check_destination
    from ..tables.sqlite_file import write_database

    check_destination(options.output, replace=options.force)  # before the long work
    views = [view] if view is not None else []
    if options.all_views:
        general = {"pairs", "buckets", "pages", "findings", "files"}
        views = [relation for name, relation in relations([file]).items() if name not in general]
    with tempfile.TemporaryDirectory(prefix="boltcli-") as folder:
        made = os.path.join(folder, "export.sqlite")
        counts = write_database(made, _content(file, path) if view is None else None, file, views)
        file.snapshot.finish()
        with complete(options.output, replace=options.force) as target, open(made, "rb") as source:
            shutil.copyfileobj(source, target, _COPY)
    _say(options, counts, out)


def _say(options: Wanted, counts: dict[str, int], out: BinaryIO) -> None:
    words = ", ".join(f"{count} {name}" for name, count in counts.items())
    out.write(f"{words} -> {options.output}\n".encode("utf-8", "surrogateescape"))
