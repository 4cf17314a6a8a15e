"""Go's gob streams, as far as records of stores go: types are in the stream, a value is read by its type.

Source: the package documentation of Go's ``encoding/gob``, and its ``type.go`` for the ids of the basic types and for
the types of definitions, which are gob values themselves. Not read: complex numbers (they stay as a pair), and types
whose own ``GobEncode`` writes something unknown (they stay bytes; Go's times are read). What a struct leaves out is its
zero value, as Go's decoder leaves it.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import Any

from ...text.times import ZERO, go_time, time_text
from ...text.values import as_text
from .integers import Reader

_INT, _STRING, _INTERFACE = 2, 6, 8  # ids of basic types
_ZEROS: dict[TypeId, Any] = {1: False, _INT: 0, 3: 0, 4: 0, _STRING: ""}

TypeId = int | str
"""A type of the stream, or one of definitions by its name in ``type.go``."""


def _struct(**fields: TypeId) -> dict[str, Any]:
    return {"StructT": {"Field": [{"Name": name, "Id": type_id} for name, type_id in fields.items()]}}


_DEFINITIONS: dict[TypeId, dict[str, Any]] = {
    # One of these fields is there. Types of the last three encode themselves.
    "wireType": _struct(
        ArrayT="arrayType", SliceT="sliceType", StructT="structType", MapT="mapType",
        GobEncoderT="own", BinaryMarshalerT="own", TextMarshalerT="own",
    ),
    "arrayType": _struct(CommonType="CommonType", Elem=_INT, Len=_INT),
    "CommonType": _struct(Name=_STRING, Id=_INT),
    "sliceType": _struct(CommonType="CommonType", Elem=_INT),
    "structType": _struct(CommonType="CommonType", Field="fields"),
    "fields": {"SliceT": {"Elem": "fieldType"}},
    "fieldType": _struct(Name=_STRING, Id=_INT),
    "mapType": _struct(CommonType="CommonType", Key=_INT, Elem=_INT),
    "own": _struct(CommonType="CommonType"),
}  # fmt: skip


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


class _Stream(Reader):
    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.stop = 0  # of the message
        self.types = dict(_DEFINITIONS)
        self.left = 1_000_000  # values

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

    def counted(self) -> bytes:
        return self.take(self.unsigned())

    def text(self) -> str:
        return as_text(self.counted())

    def value(self) -> Any:
        while True:
            self.message()
            type_id = self.signed()
            if type_id >= 0:
                return self.single(type_id, 0)
            self.define(-type_id)
            if self.at != self.stop:
                raise ValueError("more in a definition")

    def message(self) -> None:
        size = self.unsigned()
        self.stop = self.at + size
        if not size or self.stop > len(self.data):
            raise ValueError("cut short")

    def define(self, type_id: int) -> None:
        found = dict(self.fields("wireType", 0))
        if len(found) != 1 or type_id in self.types:
            raise ValueError("no type")
        self.types[type_id] = found

    def single(self, type_id: int, depth: int) -> Any:
        """Return a value that isn't in another one: anything but a struct has a zero byte before it."""
        if "StructT" not in self.types.get(type_id, ()) and self.unsigned():
            raise ValueError("no value")
        return self.read(type_id, depth)

    def read(self, type_id: TypeId, depth: int) -> Any:
        self.left -= 1
        if depth > 48 or self.left < 0:
            raise ValueError("too deep")
        if type_id == _INTERFACE:
            return self.interface(depth)
        if type_id in _BASIC:
            return _BASIC[type_id](self)
        if type_id not in self.types:
            raise ValueError("unknown type")
        ((kind, type_),) = self.types[type_id].items()
        if kind == "StructT":
            return self.zeros(type_id, depth + 1) | dict(self.fields(type_id, depth))
        if kind in ("MapT", "ArrayT", "SliceT"):
            numbers = range(self.within(self.unsigned()))
            if kind != "MapT":
                return [self.read(type_["Elem"], depth + 1) for _ in numbers]
            pairs = [(self.read(type_["Key"], depth + 1), self.read(type_["Elem"], depth + 1)) for _ in numbers]
            return {key if isinstance(key, str) else str(key): value for key, value in pairs}
        data = self.counted()  # it encodes itself: Go's time is known
        moment = go_time(data)
        return data if moment is None else time_text(moment)

    def fields(self, type_id: TypeId, depth: int) -> Iterator[tuple[str, Any]]:
        """Yield the fields of a struct that are there: each has the distance from the one before."""
        number = -1
        while delta := self.unsigned():
            number += delta
            field = self.declared(type_id)[number]
            yield field["Name"], self.read(field["Id"], depth + 1)

    def decimal(self) -> float | str:
        (number,) = struct.unpack("<d", self.unsigned().to_bytes(8, "big"))
        return float(number) if number - number == 0 else str(number)  # JSON has no NaN

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
        return self.single(type_id, depth + 1)

    def zeros(self, type_id: TypeId, depth: int) -> dict[str, Any]:
        """Return what Go's decoder leaves in the fields of a struct that aren't in the stream."""
        return {field["Name"]: self.zero(field["Id"], depth) for field in self.declared(type_id)}

    def declared(self, type_id: TypeId) -> list[dict[str, Any]]:
        return self.types[type_id]["StructT"]["Field"] or []

    def zero(self, type_id: TypeId, depth: int) -> Any:
        found = self.types.get(type_id, {})
        if "StructT" in found and depth < 8:
            return self.zeros(type_id, depth + 1)
        own = any(type_["CommonType"]["Name"] == "Time" for kind, type_ in found.items() if kind.endswith("erT"))
        return time_text(ZERO) if own else _ZEROS.get(type_id)


_BASIC: dict[TypeId, Callable[[_Stream], Any]] = {
    1: lambda stream: stream.unsigned() != 0,
    _INT: _Stream.signed,
    3: _Stream.unsigned,
    4: _Stream.decimal,
    5: _Stream.counted,
    _STRING: _Stream.text,
    7: lambda stream: [stream.decimal(), stream.decimal()],
}
