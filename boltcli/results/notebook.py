"""Results as HTML for notebooks: escaped, and bounded in size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from itertools import islice
from typing import Any

from ..errors import BoltError
from ..text.cells import cell_text
from ..text.columns import Column
from ..text.values import text_of

_ROWS = 20  # rows that are shown
_CHARACTERS = 120  # characters of a cell


def page(title: str, *parts: str) -> str:
    """Return a title and parts of HTML as one piece."""
    return f"<div><p><b>{escape(_short(title))}</b></p>{''.join(parts)}</div>"


def facts(**values: object) -> str:
    """Return a table of names and values."""
    return table(
        (Column("fact"), Column("value")), ((name.replace("_", " "), str(each)) for name, each in values.items())
    )


def table(columns: Sequence[Column], rows: Iterable[Sequence[Any]]) -> str:
    """Return the first rows as a table, and whether there are more; an error ends it and is shown below it."""
    head = "".join(f"<th>{escape(column.name)}</th>" for column in columns)
    body, end = [], ""
    source = iter(rows)
    try:
        for row in islice(source, _ROWS):
            cells = (f"<td>{escape(_cell(value, column.type))}</td>" for value, column in zip(row, columns))
            body.append(f"<tr>{''.join(cells)}</tr>")
        if next(source, None) is not None:
            end = f"<p>The first {_ROWS} rows; there are more.</p>"
    except BoltError as error:
        end = f"<p>Error: {escape(_short(str(error)))}</p>"
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>{end}"


def elements(content: Iterable[tuple[bytes, Any]]) -> str:
    """Return a table of keys with values; ``(bucket)`` is the value of what is not bytes."""
    columns = Column("key", "bytes"), Column("value", "bytes")

    def rows() -> Iterator[tuple[bytes, bytes]]:
        for key, value in content:
            yield key, value if isinstance(value, bytes) else b"(bucket)"

    return table(columns, rows())


def _cell(value: Any, kind: str) -> str:
    if isinstance(value, bytes) and kind == "bytes" and len(value) > 4 * _CHARACTERS:
        value = value[: 4 * _CHARACTERS]
        # Text that was cut inside of a character is text all the same.
        value = next((part for end in range(4) if text_of(part := value[: len(value) - end]) is not None), value)
    return _short(cell_text(value, kind))


def _short(text: str) -> str:
    return text if len(text) <= _CHARACTERS else f"{text[: _CHARACTERS - 1]}…"
