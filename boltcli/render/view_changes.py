"""Changes of the rows of a view, as JSON and as text."""

from __future__ import annotations

from typing import Any

from ..apps.contract import View
from ..apps.view_diff import ViewChange
from ..text.cells import cell_text
from ..text.json import line
from ..text.visible import visible
from .table import Table

_SIGNS = {"add": "+", "remove": "-", "change": "~"}


def facts_record(view: View, facts: dict[str, Any]) -> dict[str, Any]:
    """Return on what the rows are compared."""
    return {"view": view.name, "facts": facts}


def facts_text(facts: dict[str, Any]) -> str:
    """Return the same as a line."""
    words = [f"{key.replace('_', ' ')} {'none' if value is None else value}" for key, value in facts.items()]
    return f"# {', '.join(words)}\n"


def row_record(view: View, change: ViewChange) -> bytes:
    """Return a change as a line of JSON."""
    record: dict[str, Any] = {"op": _op(change), "view": view.name}
    for name, row in zip(change._fields, change):
        if row is not None:
            record[name] = next(Table(view.columns, [row]).records())
    return line(record)


def change_line(view: View, change: ViewChange) -> bytes:
    """Return a change as a line: its sign, the first column, and the columns that differ."""
    old, new = change
    row = new if new is not None else old
    assert row is not None
    fields = [cell_text(row[0], view.columns[0].type)]
    for index, column in enumerate(view.columns):
        if old is not None and new is not None and old[index] != new[index]:
            one, other = (cell_text(each[index], column.type) for each in (old, new))
            fields.append(f"{column.name}: {one} -> {other}")
    text = visible("\t".join(field.replace("\t", "\\t").replace("\n", "\\n") for field in fields))
    return f"{_SIGNS[_op(change)]} {text}\n".encode("utf-8", "surrogateescape")


def _op(change: ViewChange) -> str:
    return "add" if change.old is None else "remove" if change.new is None else "change"
