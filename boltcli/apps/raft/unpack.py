"""The part of MessagePack that raft's records are made of, so that they are read without a package.

Strings and bytes are both bytes here: old writers, raft among them, know one family for both. A timestamp (extension
-1) is its bytes too, since raft writes it without the extension's head. Source: the MessagePack specification.
"""

from __future__ import annotations

import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_DEEPEST = 32
_UNSIGNED = {0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8}
_SIGNED = {0xD0: 1, 0xD1: 2, 0xD2: 4, 0xD3: 8}
_RAW = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4}
_LISTS = {0xDC: 2, 0xDD: 4}
_MAPS = {0xDE: 2, 0xDF: 4}
_EXTENSIONS = {0xD4: 1, 0xD5: 2, 0xD6: 4, 0xD7: 8, 0xD8: 16}
_SIZED_EXTENSIONS = {0xC7: 1, 0xC8: 2, 0xC9: 4}
_CONSTANTS = {0xC0: None, 0xC2: False, 0xC3: True}


def unpack(data: bytes) -> Any:
    """Return the one value that ``data`` is; a map's keys are bytes or numbers. Raises ValueError if it isn't one."""
    reader = _Reader(data)
    try:
        value = reader.value(0)
    except (IndexError, struct.error) as error:
        raise ValueError("cut short") from error
    if reader.at != len(data):
        raise ValueError("more than one value")
    return value


class _Reader:
    __slots__ = ("at", "data")

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
            return [self.value(depth + 1) for _ in range(self.count(_LISTS[head]))]
        if head in (0xCA, 0xCB):
            return struct.unpack(">f" if head == 0xCA else ">d", self.take(4 if head == 0xCA else 8))[0]
        if head in _EXTENSIONS or head in _SIZED_EXTENSIONS:
            size = _EXTENSIONS[head] if head in _EXTENSIONS else self.number(_SIZED_EXTENSIONS[head])
            self.take(1)  # its type
            return self.take(size)
        raise ValueError("no MessagePack")

    def count(self, size: int) -> int:
        """Return how many values follow, each of a byte at least."""
        number = self.number(size)
        if number > len(self.data) - self.at:
            raise ValueError("cut short")
        return number

    def map(self, count: int, depth: int) -> dict[Any, Any]:
        found = {}
        for _ in range(min(count, len(self.data))):
            key = self.value(depth + 1)
            if isinstance(key, (list, dict)):
                raise ValueError("no key")
            found[key] = self.value(depth + 1)
        if count > len(self.data):
            raise ValueError("cut short")
        return found
