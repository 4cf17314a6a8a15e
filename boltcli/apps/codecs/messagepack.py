"""MessagePack, old and new. Source: the MessagePack specification.

Strings and bytes are both bytes here: old writers, raft among them, know one family for both.
"""

from __future__ import annotations

import struct
from typing import Any, NamedTuple

from ...text.times import SECOND, time_text
from .wire import printable

_DEEPEST = 48
_SIZES = (1, 2, 4, 8)
_UNSIGNED, _SIGNED = (dict(zip(range(first, first + 4), _SIZES)) for first in (0xCC, 0xD0))
_RAW = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4}
_LISTS, _MAPS = {0xDC: 2, 0xDD: 4}, {0xDE: 2, 0xDF: 4}
_FLOATS = {0xCA: (">f", 4), 0xCB: (">d", 8)}
_EXTENSIONS = {0xD4: 1, 0xD5: 2, 0xD6: 4, 0xD7: 8, 0xD8: 16}
_SIZED_EXTENSIONS = {0xC7: 1, 0xC8: 2, 0xC9: 4}
_CONSTANTS = {0xC0: None, 0xC2: False, 0xC3: True}
_TIMESTAMP = -1


class Extension(NamedTuple):
    """A value of an application's own type ``code``; -1 is a timestamp."""

    code: int
    data: bytes


def unpack(data: bytes) -> Any:
    """Return the one value that ``data`` is; a map's keys are bytes or numbers. Raises ValueError if it isn't one.

    >>> unpack(bytes.fromhex("82 a1 61 01 a1 62 93 c3 ff c4 01 00"))
    {b'a': 1, b'b': [True, -1, b'\\x00']}
    """
    reader = _Reader(data)
    try:
        value = reader.value(0)
    except (IndexError, struct.error) as error:
        raise ValueError("cut short") from error
    if reader.at != len(data):
        raise ValueError("more than one value")
    return value


def messagepack(data: bytes) -> Any:
    """Return the one value that ``data`` is, as JSON can say it: printable bytes as text, timestamps in RFC 3339.

    Raises ValueError if it isn't one.
    """
    return _plain(unpack(data))


def timestamp(data: bytes) -> int | None:
    """Return a timestamp of 4, 8 or 12 bytes as nanoseconds since 1970; None for bytes of another size."""
    number = int.from_bytes(data, "big")
    if len(data) == 4:
        return number * SECOND
    if len(data) == 8:
        seconds, fraction = number & (1 << 34) - 1, number >> 34
    elif len(data) == 12:
        seconds, fraction = int.from_bytes(data[4:], "big", signed=True), number >> 64
    else:
        return None
    return seconds * SECOND + (fraction if fraction < SECOND else 0)


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, size: int) -> bytes:
        end = self.at + size
        if end > len(self.data):
            raise ValueError("cut short")
        found = self.data[self.at : end]
        self.at = end
        return found

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def value(self, depth: int) -> Any:
        if depth > _DEEPEST:
            raise ValueError("too deep")
        head = self.data[self.at]
        self.at += 1
        if head < 0x80:
            return head
        if head >= 0xE0:
            return head - 0x100
        if head < 0x90:
            return self.map(head & 0x0F, depth)
        if head < 0xA0:
            return [self.value(depth + 1) for _ in range(head & 0x0F)]
        if head < 0xC0:
            return self.take(head & 0x1F)
        if head in _CONSTANTS:
            return _CONSTANTS[head]
        if head in _RAW:
            return self.take(self.number(_RAW[head]))
        if head in _UNSIGNED:
            return self.number(_UNSIGNED[head])
        if head in _SIGNED:
            return int.from_bytes(self.take(_SIGNED[head]), "big", signed=True)
        if head in _MAPS:
            return self.map(self.number(_MAPS[head]), depth)
        if head in _LISTS:
            return [self.value(depth + 1) for _ in range(self.count(self.number(_LISTS[head])))]
        if head in _FLOATS:
            form, size = _FLOATS[head]
            return struct.unpack(form, self.take(size))[0]
        if head in _EXTENSIONS or head in _SIZED_EXTENSIONS:
            size = _EXTENSIONS[head] if head in _EXTENSIONS else self.number(_SIZED_EXTENSIONS[head])
            code = int.from_bytes(self.take(1), "big", signed=True)
            if code >= _TIMESTAMP:  # those below are reserved
                return Extension(code, self.take(size))
        raise ValueError("no MessagePack")

    def count(self, number: int) -> int:
        """Return how many values follow, each of a byte at least."""
        if number > len(self.data) - self.at:
            raise ValueError("cut short")
        return number

    def map(self, count: int, depth: int) -> dict[Any, Any]:
        found = {}
        for _ in range(self.count(count)):
            key = self.value(depth + 1)
            if isinstance(key, (list, dict)):
                raise ValueError("no key")
            found[key] = self.value(depth + 1)
        return found


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        text = printable(value)
        return value if text is None else text
    if isinstance(value, dict):
        return {_name(_plain(key)): _plain(part) for key, part in value.items()}
    if isinstance(value, Extension):
        moment = timestamp(value.data) if value.code == _TIMESTAMP else None
        return {"extension": value.code, "data": value.data} if moment is None else time_text(moment)
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return str(value) if isinstance(value, float) and value - value != 0 else value  # JSON has no NaN


def _name(key: Any) -> str:
    if isinstance(key, str):
        return key
    return f"0x{key.hex()}" if isinstance(key, bytes) else str(key)
