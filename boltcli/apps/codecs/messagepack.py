"""MessagePack, old and new. Source: the MessagePack specification.

Strings and bytes are both bytes here: old writers, raft among them, know one family for both.
"""

import struct
from typing import Any, NamedTuple

from ...text.times import SECOND, time_text
from .integers import Reader
from .wire import printable

_TIMESTAMP = -1
_CONSTANTS = {0xC0: None, 0xC2: False, 0xC3: True}
_NUMBERS = dict(enumerate([">f", ">d", ">B", ">H", ">I", ">Q", ">b", ">h", ">i", ">q"], 0xCA))
_RAW, _LIST, _MAP, _EXTENSION = range(4)
_COUNTED = {  # what follows, after how many bytes of its count
    0xC4: (_RAW, 1), 0xC5: (_RAW, 2), 0xC6: (_RAW, 4), 0xD9: (_RAW, 1), 0xDA: (_RAW, 2), 0xDB: (_RAW, 4),
    0xDC: (_LIST, 2), 0xDD: (_LIST, 4), 0xDE: (_MAP, 2), 0xDF: (_MAP, 4),
    0xC7: (_EXTENSION, 1), 0xC8: (_EXTENSION, 2), 0xC9: (_EXTENSION, 4),
}  # fmt: skip


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
    value = reader.value(0)
    if reader.at != len(data):
        raise ValueError("more than one value")
    return value


def messagepack(data: bytes) -> Any:
    """Return the one value that ``data`` is, in terms of JSON, times in RFC 3339. Raises ValueError if it isn't one."""
    return _plain(unpack(data))


def timestamp(data: bytes) -> int | None:
    """Return a timestamp of 4, 8 or 12 bytes as nanoseconds since 1970; None for bytes of another size."""
    number = int.from_bytes(data, "big")
    if len(data) not in (4, 8, 12):
        return None
    seconds, fraction = number & (1 << 34) - 1, number >> 34
    if len(data) == 12:
        seconds, fraction = int.from_bytes(data[4:], "big", signed=True), number >> 64
    return seconds * SECOND + (fraction if fraction < SECOND else 0)


class _Reader(Reader):
    def value(self, depth: int) -> Any:
        if depth > 48:
            raise ValueError("too deep")
        head = self.take(1)[0]
        if head < 0x80:
            return head
        if head >= 0xE0:
            return head - 0x100
        if head in _CONSTANTS:
            return _CONSTANTS[head]
        if head in _NUMBERS:
            form = _NUMBERS[head]
            return struct.unpack(form, self.take(struct.calcsize(form)))[0]
        kind, count = self.counted(head)
        if kind == _RAW:
            return self.take(count)
        if kind == _EXTENSION:
            code = int.from_bytes(self.take(1), "big", signed=True)
            if code < _TIMESTAMP:
                raise ValueError("reserved")
            return Extension(code, self.take(count))
        numbers = range(self.within(count))
        return (
            [self.value(depth + 1) for _ in numbers] if kind == _LIST else dict(self.pair(depth + 1) for _ in numbers)
        )

    def counted(self, head: int) -> tuple[int, int]:
        if head < 0xA0:
            return _MAP if head < 0x90 else _LIST, head & 0x0F
        if head < 0xC0:
            return _RAW, head & 0x1F
        if 0xD4 <= head <= 0xD8:
            return _EXTENSION, 1 << (head - 0xD4)
        if head not in _COUNTED:
            raise ValueError("no MessagePack")
        kind, size = _COUNTED[head]
        return kind, int.from_bytes(self.take(size), "big")

    def pair(self, depth: int) -> tuple[Any, Any]:
        key = self.value(depth)
        if isinstance(key, (list, dict)):
            raise ValueError("no key")
        return key, self.value(depth)


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
