"""JSON in values: read it fast, and never raise. The door of orjson for the applications."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import orjson


def load(value: bytes) -> Any:
    """Return what the JSON text ``value`` says, or ``value`` itself if it isn't JSON in UTF-8."""
    try:
        return orjson.loads(value)
    except (ValueError, RecursionError):
        return value


def load_record(value: object) -> dict[str, Any] | None:
    """Return the JSON object ``value``, or None if it is anything else."""
    if not isinstance(value, bytes):
        return None
    found = load(value)
    return found if isinstance(found, dict) else None


def plain_text(value: Any) -> str:
    """Return what JSON can say as one line of JSON; bytes in it as text, or as 0x and hex digits."""
    return json.dumps(jsonable(value), ensure_ascii=False, separators=(",", ":"))


def jsonable(value: Any, text: Callable[[bytes], str | None] | None = None) -> Any:
    """Return ``value`` with the bytes in it as text where they are UTF-8, else as 0x and hex digits.

    ``text``, if it is given, says instead what is text: it returns None for what isn't.
    """
    if isinstance(value, bytes):
        found = (text or _text)(value)
        return f"0x{value.hex()}" if found is None else found
    if isinstance(value, dict):
        return {
            jsonable(key, text) if isinstance(key, bytes) else str(key): jsonable(part, text)
            for key, part in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [jsonable(part, text) for part in value]
    return value


def _text(value: bytes) -> str | None:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None
