"""JSON, read and written: the only module that imports orjson.

Written: :func:`line` (bytes, of what JSON can say) and :func:`plain_text` (str, of what may hold bytes too). Read:
:func:`parsed` raises, :func:`load` and :func:`load_record` never do.
"""

from collections import Counter
from collections.abc import Callable, Collection
from typing import Any

import orjson

from ..errors import ArgumentError

LARGEST_JSON = 4 << 20  # bytes; a larger value isn't parsed as JSON, as its objects take many times its size


def line(record: Any) -> bytes:
    """Return ``record`` as one line of JSON, including the newline."""
    return lines([record])


def lines(records: Collection[Any]) -> bytes:
    """Return a line for each."""
    try:
        return b"".join([orjson.dumps(record, _joined, orjson.OPT_APPEND_NEWLINE) for record in records])
    except orjson.JSONEncodeError:  # orjson refuses integers that 64 bits don't hold, JSON doesn't
        return b"".join([orjson.dumps(_acceptable(each), _joined, orjson.OPT_APPEND_NEWLINE) for each in records])


def _acceptable(value: Any) -> Any:
    """Return ``value`` in a form that orjson takes: large integers as they are, text that isn't UTF-8 escaped."""
    if isinstance(value, int) and not -1 << 63 <= value < 1 << 64:
        return orjson.Fragment(str(value).encode())
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_acceptable(name): _acceptable(part) for name, part in value.items()}
    return [*map(_acceptable, value)] if isinstance(value, (list, tuple)) else value


def _joined(value: Any) -> orjson.Fragment:
    return orjson.Fragment(b"".join(value))


parsed = orjson.loads  # raises ValueError


def refuse_repeated(text: bytes) -> None:
    """Raise :class:`~boltcli.errors.ArgumentError` for an object that has a field twice: parsers keep one of them."""
    import json

    def once(fields: list[tuple[str, Any]]) -> None:
        for name, count in Counter(name for name, _ in fields).items():
            if count > 1:
                raise ArgumentError(f"the field {name!r} is there twice")

    json.loads(text, object_pairs_hook=once)


def load(value: bytes) -> Any:
    """Return what the JSON text ``value`` says, or ``value`` itself if it isn't JSON in UTF-8."""
    try:
        return orjson.loads(value)
    except (ValueError, RecursionError):
        return value


def load_record(value: object) -> dict[str, Any] | None:
    """Return the JSON object ``value``, or None if it is anything else."""
    found = load(value) if isinstance(value, bytes) else None
    return found if isinstance(found, dict) else None


def _text(value: bytes) -> str | None:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None


def jsonable(value: Any, text: Callable[[bytes], str | None] = _text) -> Any:
    """Return ``value`` with the bytes in it as ``text`` says, which returns None for what isn't: else as 0x and hex."""
    if isinstance(value, bytes):
        found = text(value)
        return f"0x{value.hex()}" if found is None else found
    if isinstance(value, dict):
        return {
            jsonable(key, text) if isinstance(key, bytes) else str(key): jsonable(part, text)
            for key, part in value.items()
        }
    return [jsonable(part, text) for part in value] if isinstance(value, (list, tuple)) else value


def plain_text(value: Any) -> str:
    """Return what JSON can say as one line of JSON; bytes in it as text, or as 0x and hex digits."""
    return line(jsonable(value))[:-1].decode()


def indented(data: bytes) -> bytes | None:
    """Return ``data`` indented by two spaces a level if it is JSON and not too large, else None."""
    try:
        return orjson.dumps(orjson.loads(data), option=orjson.OPT_INDENT_2) if len(data) <= LARGEST_JSON else None
    except (ValueError, orjson.JSONEncodeError, RecursionError):
        return None


def is_json(data: bytes) -> bool:
    """Return whether ``data`` is JSON, and not too large."""
    return len(data) <= LARGEST_JSON and load(data) is not data


def embedded(data: bytes) -> orjson.Fragment | None:
    """Return ``data`` as a part of a record, with unchanged numbers, if it is JSON and not too large; else None."""
    if not is_json(data):
        return None
    # Line ends stand between tokens only: a string has none.
    return orjson.Fragment(data.replace(b"\n", b" ").replace(b"\r", b" "))
