"""Export pairs or views as tables: CSV, SQLite, Parquet or Arrow; views as lines of JSON too."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from itertools import repeat
from typing import TYPE_CHECKING, Any

from ..apps.contract import Column
from ..errors import ArgumentError
from ..ops.read.content import Bounds, Enter, placed, whole_content
from ..render.table import Table
from ..storage.destination import check_destination
from ..storage.snapshot import Snapshot
from ..tables.relations import GENERAL, Relation, TableFile, name_text, relations
from ..text.cells import Again
from .output import Output
from .row_output import complete

if TYPE_CHECKING:
    from ..ops.read.content import Path, Placed
    from ..progress import Progress


def export_tables(
    db: Snapshot, out: Output, path: Path, view: str, *, all_views: bool, form: str, output: str, force: bool,
    progress: Progress | None = None,
) -> None:  # fmt: skip
    """Write the content of the bucket at ``path``, or a view, in ``form`` to ``output``. Raises BoltError."""
    file = TableFile(out.path, db, out.warn, progress)
    found = relations([file]) if view or all_views else {}
    views = {name: relation for name, relation in found.items() if name not in GENERAL}
    if view and view not in views:
        raise ArgumentError(f"there is no view {view!r}; this file has: {', '.join(views) or 'none'}")
    if form == "sqlite":
        chosen = list(views.values()) if all_views else [views[view]] if view else []
        counts = _write_sqlite(file, None if view else path, chosen, output, force)
        words = ", ".join(f"{count} {name}" for name, count in counts.items())
        out.raw(f"{words} -> {output}\n".encode("utf-8", "surrogateescape"))
        return
    if view:
        table = Table(views[view].columns[1:], Again(lambda: views[view].rows(file)))
    else:
        table = _pairs(_content(file, path), as_arrow=form != "csv")
    out.rows(table, form=form, output=output, force=force, finish=db.finish)


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
    file: TableFile, path: Path | None, views: list[Relation], output: str, force: bool
) -> dict[str, int]:
    """Write the pairs of the bucket at ``path`` (None: none) and ``views``; return the number of rows by table."""
    from ..tables.sqlite_file import write_database

    check_destination(output, replace=force)  # before the long work
    with tempfile.TemporaryDirectory(prefix="boltcli-") as folder:
        made = os.path.join(folder, "export.sqlite")
        counts = write_database(made, None if path is None else _content(file, path), file, views)
        file.snapshot.finish()
        with complete(output, replace=force) as target, open(made, "rb") as source:
            shutil.copyfileobj(source, target, 1 << 20)
    return counts
