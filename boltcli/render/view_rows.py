"""Rows of a view as lines of text, CSV or JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..apps.json_values import jsonable
from ..apps.rows import value_text
from ..apps.words import time_text
from ..tables.row_chunks import row_chunks
from ..text.json import line
from ..text.visible import visible
from .records import put

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ..apps.contract import Column

    Row = tuple[Any, ...]

_BLOCK = 256  # rows that are written at once, and fewer where they are large


def json_lines(columns: Sequence[Column], rows: Iterable[Row]) -> Iterator[bytes]:
    """Yield an object a row, in blocks: times are RFC 3339 text, bytes as everywhere ``name`` or ``name_hex``."""
    for chunk in row_chunks(rows, _BLOCK):
        yield b"".join([line(_record(columns, row)) for row in chunk])


def _record(columns: Sequence[Column], row: Row) -> dict[str, Any]:
    record: dict[str, Any] = {}
    for column, value in zip(columns, row):
        if isinstance(value, bytes):
            put(record, column.name, value)
        elif column.type == "time":
            record[column.name] = time_text(value) or None
        elif isinstance(value, (dict, list, tuple)):
            record[column.name] = jsonable(value)
        else:
            record[column.name] = value if not _too_large(value) else str(value)
    return record


def csv_lines(columns: Sequence[Column], rows: Iterable[Row]) -> Iterator[bytes]:
    """Yield CSV with a head line, in blocks: line ends are those of Unix, JSON is one field."""
    import csv
    from io import StringIO

    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([column.name for column in columns])
    yield _taken(text)
    for chunk in row_chunks(rows, _BLOCK):
        writer.writerows([value_text(value, column.type) for column, value in zip(columns, row)] for row in chunk)
        yield _taken(text)


def text_lines(columns: Sequence[Column], rows: Iterable[Row]) -> Iterator[bytes]:
    """Yield lines of fields with tabs between them, after a head line; what isn't printable is escaped."""
    yield _encoded(["\t".join(column.name for column in columns)])
    for chunk in row_chunks(rows, _BLOCK):
        yield _encoded(["\t".join(cell(value, column) for column, value in zip(columns, row)) for row in chunk])


def aligned(columns: Sequence[Column], rows: Sequence[Row]) -> bytes:
    """Return a small table with its columns aligned, for people; numbers to the right."""
    cells = [[column.name for column in columns]]
    cells += [[cell(value, column) for column, value in zip(columns, row)] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells)]
    right = [column.type in ("integer", "number") for column in columns]
    lines = (
        "  ".join(
            cell.rjust(width) if to else cell.ljust(width) for cell, width, to in zip(row, widths, right)
        ).rstrip()
        for row in cells
    )
    return "".join(f"{text}\n" for text in lines).encode("utf-8", "surrogateescape")


def cell(value: Any, column: Column) -> str:
    """Return a value as text on one line, that a terminal shows and does not obey."""
    return visible(value_text(value, column.type)).replace("\n", "\\n").replace("\t", "\\t")


def _too_large(value: object) -> bool:
    """Return whether a number is beyond what JSON's writers here take."""
    return isinstance(value, int) and not -(1 << 63) <= value < 1 << 64


def _encoded(block: list[str]) -> bytes:
    return "".join(f"{text}\n" for text in block).encode("utf-8", "surrogateescape")


def _taken(text: Any) -> bytes:
    data: bytes = text.getvalue().encode("utf-8", "surrogateescape")
    text.seek(0)
    text.truncate()
    return data
