"""Rows of a table as text, as lines of JSON, as CSV.

A row is a sequence of values, one for each of the columns' ``names``: None, bool, int, float, str, bytes, a
Decimal, a datetime, or lists and dicts of these.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from io import StringIO
from itertools import chain
from typing import Any

from ..tables.row_chunks import row_chunks
from ..text.large_values import Sliced, pieces, slices, text_parts, texts
from ..text.values import LARGE, auto
from .records import lines, put

Row = Sequence[Any]

_TOGETHER = 500  # rows that are written at once
_SAMPLE = 1000  # rows from which the widths of a plain table are taken
_WIDEST = 120  # characters of a column that is not the last


def unique(names: Sequence[str]) -> list[str]:
    """Return ``names`` with a number after each that was there before: they become the keys of objects."""
    found: list[str] = []
    for name in names:
        other, number = name, 1
        while other in found:
            number += 1
            other = f"{name}_{number}"
        found.append(other)
    return found


def json_lines(names: Sequence[str], rows: Iterable[Row]) -> Iterator[bytes]:
    """Yield an object a row; bytes are text, or hex in a field ``<name>_hex``."""
    names = unique(names)
    for chunk in row_chunks(rows, _TOGETHER):
        records = []
        for row in chunk:
            record: dict[str, Any] = {}
            for name, value in zip(names, row):
                if isinstance(value, bytes):
                    put(record, name, value)
                elif isinstance(value, str) and len(value) > LARGE:
                    record[name] = Sliced(value)
                else:
                    record[name] = plain(value)
            records.append(record)
        yield lines(records[:-1])
        yield from pieces(records[-1])  # if one is large it is the last


def csv_lines(names: Sequence[str], rows: Iterable[Row]) -> Iterator[bytes]:
    """Yield CSV (RFC 4180) with a line of names; bytes are in hex, lists and dicts JSON, None is empty."""
    yield _csv([names])
    for chunk in row_chunks(rows, _TOGETHER):
        large = chunk[-1] if _is_large(chunk[-1]) else None  # the last one, if any
        yield _csv([[_cell(value) for value in row] for row in (chunk if large is None else chunk[:-1])])
        if large is not None:
            yield from _large_csv(large)


def _is_large(row: Row) -> bool:
    return any(isinstance(value, (bytes, str)) and len(value) > LARGE for value in row)


def _large_csv(row: Row) -> Iterator[bytes]:
    """Yield the line of a row with large values, in pieces."""
    mark = b""
    for value in row:
        yield mark
        mark = b","
        if isinstance(value, bytes):
            yield from slices(value, "hex")
        elif isinstance(value, str) and len(value) > LARGE:
            quote = b'"' * ("," in value or '"' in value)
            yield quote
            for part in text_parts(value):
                yield _one_line(part).replace('"', '""').encode("utf-8", "surrogateescape")
            yield quote
        else:
            yield _csv([[_cell(value), ""]])[:-2]
    yield b"\n"


def _csv(rows: Iterable[Row]) -> bytes:
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode("utf-8", "surrogateescape")


def _cell(value: Any) -> Any:
    return value.hex() if isinstance(value, bytes) else "" if value is None else shown(value)


def plain_table(names: Sequence[str], rows: Iterable[Row]) -> Iterator[bytes]:
    """Yield the rows in columns, under a line of names; the widths are those of the first rows."""
    chunks = row_chunks(rows, _SAMPLE)
    sample = next(chunks, [])
    first = [[_brief(value) for value in row] for row in sample]
    widths = [min(_WIDEST, max(map(len, column))) for column in zip(names, *first)]
    right = [_is_number(column) for column in zip(*first)] if first else [False] * len(names)
    yield _plain_line(names, widths, right)
    yield _plain_line(["-" * width for width in widths], widths, right)
    for row in chain(sample, chain.from_iterable(chunks)):
        if _is_large(row):
            yield from _large_line(row, widths, right)
        else:
            yield _plain_line([shown(value) for value in row], widths, right)


def _brief(value: Any) -> str:
    """Return a value as :func:`shown`, a large one as much of it as tells that it is wider than any column."""
    if isinstance(value, bytes) and len(value) > LARGE:
        return next(texts(value))
    return shown(value[: _WIDEST + 1] if isinstance(value, str) else value)


def _large_line(row: Row, widths: Sequence[int], right: Sequence[bool]) -> Iterator[bytes]:
    """Yield the line of a row with large values, in pieces."""
    for place, value in enumerate(row):
        if place:
            yield b"  "
        if not _is_large([value]):
            yield _padded(shown(value), widths[place], right[place]).encode("utf-8", "surrogateescape")
            continue
        for part in text_parts(value) if isinstance(value, str) else texts(value):
            yield _one_line(part).encode("utf-8", "surrogateescape")
    yield b"\n"


def _is_number(column: Iterable[str]) -> bool:
    found = [text for text in column if text]
    return bool(found) and all(text.lstrip("-").replace(".", "", 1).isdigit() for text in found)


def _plain_line(row: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> bytes:
    return ("  ".join(map(_padded, row, widths, right)).rstrip() + "\n").encode("utf-8", "surrogateescape")


def _padded(text: str, width: int, right: bool) -> str:
    return f"{text:>{width}}" if right else f"{text:<{width}}"


def shown(value: Any) -> str:
    """Return a value as one line of text."""
    if value is None:
        return ""
    if isinstance(value, bytes):
        text = auto(value).decode("utf-8", "replace")
    elif isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, (list, dict)):
        from ..text.json import line

        text = line(plain(value)).decode().rstrip("\n")
    else:
        text = str(plain(value))
    return _one_line(text)


def _one_line(text: str) -> str:
    return text.replace("\n", " ").replace("\t", " ").replace("\r", " ")


def plain(value: Any) -> Any:
    """Return a value as JSON can say it."""
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return {"hex": value.hex()}
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, (datetime, date)):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, list):
        return [plain(part) for part in value]
    if isinstance(value, dict):
        return {str(key): plain(part) for key, part in value.items()}
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)
