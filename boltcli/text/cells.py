"""Cells of tables: what stands in a column of a type, and its text; the same wherever a table comes out.

The types are those of :class:`~boltcli.text.columns.Column`, and ``unsigned``. A record's field may hold anything: a
cell of text takes all of it (what is not text as JSON), a cell of another type is empty where the value is of no use.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from .json import jsonable, plain_text
from .times import ZERO, go_time, parse_time, time_text
from .values import bytes_text

Row = TypeVar("Row", bound=Sequence[Any])

_AT_ONCE = 1 << 20  # bytes and characters in a chunk
_SIZES: dict[type, int] = {bytes: 1, str: 1, tuple: 16, list: 16}  # for a path: an estimate of a name's length


def row_chunks(rows: Iterable[Row], most: int) -> Iterator[list[Row]]:
    """Yield the rows in lists of at most ``most``, and fewer where their values are large."""
    held: list[Row] = []
    size = 0
    for row in rows:
        held.append(row)
        size += sum([len(value) * _SIZES[type(value)] for value in row if type(value) in _SIZES])
        if len(held) >= most or size >= _AT_ONCE:
            yield held
            held, size = [], 0
    if held:
        yield held


def cell(value: Any, type: str) -> Any:
    """Return ``value`` as a column of ``type`` holds it; None: the cell is empty.

    >>> cell({"x": 1}, "text"), cell("5", "integer"), cell(7, "number"), cell(b"\\xff", "json"), cell(None, "text")
    ('{"x":1}', None, 7.0, '0xff', None)
    """
    make: Callable[[Any], Any] = _CELLS.get(type, _text)
    try:
        return None if value is None else make(value)
    except RecursionError:
        return None


def cell_text(value: Any, type: str) -> str:
    """Return the text of a cell, as CSV has it and ``--where`` compares it: times in RFC 3339; "" for an empty one."""
    found = cell(value, type)
    return "" if found is None else _TEXTS.get(type, str)(found)


def _text(value: Any) -> str:
    found = jsonable(value)
    return found if isinstance(found, str) else plain_text(found)


def _integer(value: Any) -> int | None:
    is_whole = value.is_integer() if isinstance(value, float) else isinstance(value, int)
    return int(value) if is_whole else None


def _time(value: Any) -> int | None:
    """Return a time in nanoseconds: a number of these, RFC 3339 text, or Go's own bytes; None for Go's zero time."""
    if isinstance(value, str):
        return parse_time(value)
    found = go_time(value) if isinstance(value, bytes) else _integer(value)
    return None if found == ZERO else found


def _number(value: Any) -> float | None:
    try:
        return float(value) if isinstance(value, (int, float)) else None
    except OverflowError:
        return None


def _bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else _text(value).encode("utf-8", "surrogateescape")


_CELLS: dict[str, Callable[[Any], Any]] = {
    "integer": _integer,
    "unsigned": _integer,
    "number": _number,
    "boolean": lambda value: bool(value) if isinstance(value, int) else None,
    "bytes": _bytes,
    "hex": _bytes,
    "time": _time,
    "json": jsonable,
    "names": jsonable,
    "size": _integer,
    "growth": _integer,
}
_TEXTS: dict[str, Callable[[Any], str]] = {
    "boolean": lambda value: "true" if value else "false",
    "bytes": bytes_text,
    "hex": bytes.hex,
    "time": time_text,
    "json": plain_text,
    "names": plain_text,
}
