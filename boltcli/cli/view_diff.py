"""``diff --view``: compare the same view of two databases."""

from __future__ import annotations

from ..apps.rows import view_rows
from ..apps.store import SnapshotStore
from ..errors import ArgumentError
from ..render.table import Table
from ..text.cells import cell_text
from ..text.json import line
from ..text.visible import visible
from .commands.view import recognised

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, BinaryIO

    from ..apps.contract import View
    from ..storage.snapshot import Snapshot

    Row = tuple[Any, ...]

_SIGNS = {"add": "+", "remove": "-", "change": "~"}


def view_diff(old: Snapshot, new: Snapshot, name: str, out: BinaryIO, *, json: bool) -> bool:
    """Write the differences between the rows of a view in two databases; return whether there are any.

    Rows with the same first column are compared (if several rows have it, in order). Memory is in proportion to the
    rows of one file. Raises :class:`~boltcli.errors.ArgumentError`, and :class:`~boltcli.errors.Corrupted` also for
    keys that are out of order.
    """
    (application, _), (other, _) = (recognised(SnapshotStore(each), "auto") for each in (old, new))
    before, after = SnapshotStore(old, ordered=True), SnapshotStore(new, ordered=True)
    if application.name != other.name:
        raise ArgumentError(f"the files are of different programs: {application.name} and {other.name}")
    view = application.view(name)
    if view is None:
        known = ", ".join(each.name for each in application.views) or "none"
        raise ArgumentError(f"{application.name} has no view {name!r}; its views: {known}")
    options, facts = application.common(before, after)
    options = {key: value for key, value in options.items() if key in view.options}
    if facts:
        words = ", ".join(
            f"{key.replace('_', ' ')} {'none' if value is None else value}" for key, value in facts.items()
        )
        out.write(line({"view": view.name, "facts": facts}) if json else f"# {words}\n".encode())
    there = _by_name(view_rows(view, before, options))
    different = False
    met: dict[Any, int] = {}
    for row in view_rows(view, after, options):
        place = met[_name(row)] = met.get(_name(row), -1) + 1
        former = there.pop((_name(row), place), None)
        if former != row:
            different = True
            _write(view, former, row, out, json)
    for row in there.values():
        different = True
        _write(view, row, None, out, json)
    return different


def _name(row: Row) -> Any:
    return row[0] if isinstance(row[0], (str, bytes, int, type(None))) else repr(row[0])


def _by_name(rows: Any) -> dict[tuple[Any, int], Row]:
    found: dict[tuple[Any, int], Row] = {}
    met: dict[Any, int] = {}
    for row in rows:
        place = met[_name(row)] = met.get(_name(row), -1) + 1
        found[_name(row), place] = row
    return found


def _write(view: View, old: Row | None, new: Row | None, out: BinaryIO, json: bool) -> None:
    op = "add" if old is None else "remove" if new is None else "change"
    if json:
        from ..text.json import parsed

        record: dict[str, Any] = {"op": op, "view": view.name}
        for name, row in (("old", old), ("new", new)):
            if row is not None:
                record[name] = parsed(b"".join(Table(view.columns, [row]).json_lines()))
        out.write(line(record))
        return
    row = new if new is not None else old
    assert row is not None
    fields = [cell_text(row[0], view.columns[0].type)]
    for index, column in enumerate(view.columns):
        if old is not None and new is not None and old[index] != new[index]:
            one, other = (cell_text(each[index], column.type) for each in (old, new))
            fields.append(f"{column.name}: {one} -> {other}")
    text = visible("\t".join(field.replace("\t", "\\t").replace("\n", "\\n") for field in fields))
    out.write(f"{_SIGNS[op]} {text}\n".encode("utf-8", "surrogateescape"))
