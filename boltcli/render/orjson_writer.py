"""JSON by orjson: the only module that imports it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import orjson
else:
    try:
        import orjson
    except ImportError:  # in a zipapp
        from . import plain_json as orjson


def line(record: Any) -> bytes:
    """``record`` as one line of JSON, the newline included."""
    return orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)


def lines(records: Iterable[Any]) -> bytes:
    """A line for each."""
    return b"".join(map(line, records))


def indented(data: bytes) -> bytes | None:
    """``data`` with two spaces a level if it is JSON, else None."""
    try:
        return orjson.dumps(orjson.loads(data), option=orjson.OPT_INDENT_2)
    except (orjson.JSONDecodeError, orjson.JSONEncodeError, RecursionError):
        return None


def embedded(data: bytes) -> orjson.Fragment | None:
    """``data``, if it is JSON, as a part of a record, its numbers as they stand there; else None."""
    try:
        orjson.loads(data)
    except (orjson.JSONDecodeError, RecursionError):
        return None
    # Line ends stand between tokens only: a string has none.
    return orjson.Fragment(data.replace(b"\n", b" ").replace(b"\r", b" "))


def parsed(text: bytes) -> Any:
    """The value that ``text`` is; raises ValueError."""
    return orjson.loads(text)
