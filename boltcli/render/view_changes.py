"""Changes of the rows of a view, as JSON and as text."""

from typing import Any

from ..apps.contract import View
from ..apps.view_diff import ViewChange
from ..text.cells import cell_text
from ..text.json import line
from ..text.visible import field_text
from .change_lines import SIGNS
from .table import Table


def facts_text(facts: dict[str, Any]) -> str:
    """Return on what rows are compared, as a line."""
    words = [f"{key.replace('_', ' ')} {'none' if value is None else value}" for key, value in facts.items()]
    return f"# {', '.join(words)}\n"


def row_record(view: View, change: ViewChange) -> bytes:
    """Return a change as a line of JSON."""
    rows = {name: row for name, row in zip(("old", "new"), change) if row is not None}
    records = {name: next(Table(view.columns, [row]).records()) for name, row in rows.items()}
    return line({"op": _op(change), "view": view.name, **records})


def change_line(view: View, change: ViewChange) -> bytes:
    """Return a change as a line: its sign, the first column, and the columns that differ."""
    old, new = ([] if row is None else row for row in change)
    fields = [cell_text((new or old)[0], view.columns[0].type)]
    for column, *values in zip(view.columns, old, new):
        if values[0] != values[1]:
            fields.append(f"{column.name}: {' -> '.join(cell_text(value, column.type) for value in values)}")
    text = "\t".join(map(field_text, fields))
    return f"{SIGNS[_op(change)]} {text}\n".encode("utf-8", "surrogateescape")


def _op(change: ViewChange) -> str:
    return "add" if change.old is None else "remove" if change.new is None else "change"
