"""JSON by orjson: the only module that imports it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

LARGEST_JSON = 4 << 20  # bytes; a larger value isn't parsed as JSON, as its objects take many times its size


def line(record: Any) -> bytes:
    """Return ``record`` as one line of JSON, including the newline."""
    try:
        return orjson.dumps(record, _joined, orjson.OPT_APPEND_NEWLINE)
    except orjson.JSONEncodeError:  # orjson refuses integers that 64 bits don't hold, JSON doesn't
        return orjson.dumps(_with_large_numbers(record), _joined, orjson.OPT_APPEND_NEWLINE)


def _with_large_numbers(value: Any) -> Any:
    if isinstance(value, int) and not -1 << 63 <= value < 1 << 64:
        return orjson.Fragment(str(value).encode())
    if isinstance(value, dict):
        return {name: _with_large_numbers(part) for name, part in value.items()}
    return [*map(_with_large_numbers, value)] if isinstance(value, (list, tuple)) else value


def _joined(value: Any) -> orjson.Fragment:
    """Join JSON that comes in pieces."""
    return orjson.Fragment(b"".join(value))


def lines(records: Iterable[Any]) -> bytes:
    """Return a line for each."""
    return b"".join(map(line, records))


def indented(data: bytes) -> bytes | None:
    """Return ``data`` indented by two spaces a level if it is JSON and not too large, else None."""
    if len(data) > LARGEST_JSON:
        return None
    try:
        return orjson.dumps(orjson.loads(data), option=orjson.OPT_INDENT_2)
    except (orjson.JSONDecodeError, orjson.JSONEncodeError, RecursionError):
        return None


def embedded(data: bytes) -> orjson.Fragment | None:
    """Return ``data`` as a part of a record, with unchanged numbers, if it is JSON and not too large; else None."""
    if len(data) > LARGEST_JSON:
        return None
    try:
        orjson.loads(data)
    except (orjson.JSONDecodeError, RecursionError):
        return None
    # Line ends stand between tokens only: a string has none.
    return orjson.Fragment(data.replace(b"\n", b" ").replace(b"\r", b" "))


def all_parsed(texts: Iterable[bytes]) -> list[Any]:
    """Return the value that each of ``texts`` is; raises ValueError."""
    return list(map(orjson.loads, texts))


def parsed(text: bytes) -> Any:
    """Return the value that ``text`` is; raises ValueError."""
    return orjson.loads(text)
