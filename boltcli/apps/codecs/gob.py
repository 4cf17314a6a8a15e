"""Go's gob streams, as far as records of stores go: types are in the stream, a value is read by its type.

Source: the package documentation of Go's ``encoding/gob``, and its ``type.go`` for the ids of the basic types. Not
read: complex numbers (they stay as a pair), and types whose own ``GobEncode`` writes something unknown (they stay
bytes; Go's times are read). What a struct leaves out is its zero value, as Go's decoder leaves it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ...text.times import ZERO, go_time, time_text

_ZEROS = {1: False, 2: 0, 3: 0, 4: 0, 6: ""}  # by the ids of basic types
_DEEPEST = 48
_MOST_VALUES = 1_000_000


@dataclass
class Type:
    """A type that the stream defines: ``kind`` array, slice, struct, map or own (it encodes itself)."""

    kind: str
    name: str = ""
    key: int = 0
    elem: int = 0
    fields: list[tuple[str, int]] = field(default_factory=list)


def gob(data: bytes) -> Any:
    """Return the one value that the stream ``data`` holds. Raises ValueError if it isn't a whole stream of one."""
    stream = _Stream(data)
    try:
        value = stream.value()
    except (IndexError, RecursionError, struct.error, OverflowError) as error:
        raise ValueError("no gob stream") from error
    if stream.at != len(data):
        raise ValueError("more than one value")
    return value


class _Stream:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0
        self.stop = 0  # of the message
        self.types: dict[int, Type] = {}
        self.left = _MOST_VALUES

    # Numbers.

    def unsigned(self) -> int:
        first = self.data[self.at]
        self.at += 1
        if first < 0x80:
            return first
        size = 256 - first
        if size > 8:
            raise ValueError("no number")
        return int.from_bytes(self.take(size), "big")

    def signed(self) -> int:
        number = self.unsigned()
        return ~(number >> 1) if number & 1 else number >> 1

    def take(self, size: int) -> bytes:
        if size < 0 or self.at + size > len(self.data):
            raise ValueError("cut short")
        self.at += size
        return self.data[self.at - size : self.at]

    def text(self) -> str:
        return self.take(self.unsigned()).decode("utf-8", "backslashreplace")

    # Messages.

    def value(self) -> Any:
        """Read type definitions, then the value."""
        while True:
            self.message()
            type_id = self.signed()
            if type_id >= 0:
                return self.top(type_id)
            self.define(-type_id)
            if self.at != self.stop:
                raise ValueError("more in a definition")

    def message(self) -> None:
        size = self.unsigned()
        self.stop = self.at + size
        if not size or self.stop > len(self.data):
            raise ValueError("cut short")

    def top(self, type_id: int) -> Any:
        """Return a value that isn't in another one: anything but a struct has a zero byte before it."""
        found = self.types.get(type_id)
        if (found is None or found.kind != "struct") and self.unsigned():
            raise ValueError("no value")
        return self.read(type_id, 0)

    def numbers(self) -> Iterator[int]:
        """Yield the numbers of the fields of a struct that are there; each is read before the next."""
        number = -1
        while delta := self.unsigned():
            number += delta
            yield number

    def define(self, type_id: int) -> None:
        """A wireType: the one of its fields that is there says what kind of type it is."""
        defined = None
        for number in self.numbers():
            if number > 6 or defined is not None:
                raise ValueError("no type")
            defined = self.definition(("array", "slice", "struct", "map", "own", "own", "own")[number])
        if defined is None or type_id in self.types:
            raise ValueError("no type")
        self.types[type_id] = defined

    def definition(self, kind: str) -> Type:
        found = Type(kind)
        for number in self.numbers():
            if number == 0:
                found.name, _ = self.named()
            elif kind == "struct" and number == 1:
                found.fields = [self.named() for _ in range(self.count())]
            elif kind in ("array", "slice") and number == 1:
                found.elem = self.signed()
            elif kind == "array" and number == 2:
                self.signed()  # its length
            elif kind == "map" and number == 1:
                found.key = self.signed()
            elif kind == "map" and number == 2:
                found.elem = self.signed()
            else:
                raise ValueError("no type")
        return found

    def named(self) -> tuple[str, int]:
        """Return name and type of a field, or name and id of a type."""
        name, type_id = "", 0
        for number in self.numbers():
            if number == 0:
                name = self.text()
            elif number == 1:
                type_id = self.signed()
            else:
                raise ValueError("no type")
        return name, type_id

    def count(self) -> int:
        """Return how many elements follow; each takes a byte at least."""
        number = self.unsigned()
        if number > len(self.data) - self.at:
            raise ValueError("cut short")
        return number

    # Values.

    def read(self, type_id: int, depth: int) -> Any:
        self.left -= 1
        if depth > _DEEPEST or self.left < 0:
            raise ValueError("too deep")
        match type_id:
            case 1:  # bool
                return self.unsigned() != 0
            case 2:  # int
                return self.signed()
            case 3:  # uint
                return self.unsigned()
            case 4:  # float
                return self.decimal()
            case 5:  # bytes
                return self.take(self.unsigned())
            case 6:  # string
                return self.text()
            case 7:  # complex
                return [self.decimal(), self.decimal()]
            case 8:
                return self.interface(depth)
        found = self.types.get(type_id)
        if found is None:
            raise ValueError("unknown type")
        if found.kind == "struct":
            return self.struct(found, depth)
        if found.kind == "map":
            pairs = [(self.read(found.key, depth + 1), self.read(found.elem, depth + 1)) for _ in range(self.count())]
            return {key if isinstance(key, str) else str(key): value for key, value in pairs}
        if found.kind == "own":
            return _own(self.take(self.unsigned()))
        return [self.read(found.elem, depth + 1) for _ in range(self.count())]

    def decimal(self) -> float | str:
        (number,) = struct.unpack("<d", self.unsigned().to_bytes(8, "big"))
        return float(number) if number - number == 0 else str(number)  # JSON has no NaN

    def struct(self, type_: Type, depth: int) -> dict[str, Any]:
        record = {name: self.zero(type_id, depth + 1) for name, type_id in type_.fields}
        for number in self.numbers():
            name, type_id = type_.fields[number]
            record[name] = self.read(type_id, depth + 1)
        return record

    def interface(self, depth: int) -> Any:
        """Decode an interface value: the type's name (none: nil), its id (after any definitions), the value."""
        if not self.text():
            return None
        while (type_id := self.signed()) < 0:
            self.define(-type_id)
            if self.at < self.stop:
                self.unsigned()  # the length of the rest of the message
            else:
                self.message()
        self.unsigned()  # the length of the value
        found = self.types.get(type_id)
        if (found is None or found.kind != "struct") and self.unsigned():
            raise ValueError("no value")
        return self.read(type_id, depth + 1)

    def zero(self, type_id: int, depth: int) -> Any:
        """Return what Go's decoder leaves in a field that isn't in the stream."""
        if type_id in _ZEROS:
            return _ZEROS[type_id]
        found = self.types.get(type_id)
        if found is None:
            return None
        if found.kind == "struct" and depth < 8:
            return {name: self.zero(inner, depth + 1) for name, inner in found.fields}
        return time_text(ZERO) if found.kind == "own" and found.name == "Time" else None


def _own(data: bytes) -> Any:
    """Return what a type encodes itself: Go's time is known, text is text."""
    moment = go_time(data)
    return data if moment is None else time_text(moment)
