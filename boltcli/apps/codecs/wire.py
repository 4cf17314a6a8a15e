"""Protobuf's wire format: fields by number, for messages whose few fields are known, and for those of no schema.

Source: protobuf's "Encoding" page. A field is a varint tag (number << 3 | wire type), then a varint (0), 8 bytes (1), a
length and as many bytes (2), or 4 bytes (5). Groups (3, 4) are out of use, and are taken for no protobuf.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping
from math import isfinite
from typing import Any, TypeVar
from unicodedata import category, name

from ...text.values import as_text
from .integers import signed, uvarint

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_FIXED = {FIXED64: 8, FIXED32: 4}
T = TypeVar("T")


def fields(data: bytes) -> Iterator[tuple[int, int, int | bytes]]:
    """Yield number, wire type and value of each field. Raises ValueError where ``data`` isn't a message."""
    at, size = 0, len(data)
    while at < size:
        tag, at = uvarint(data, at)
        number, kind = tag >> 3, tag & 7
        if not 0 < number < 1 << 29:
            raise ValueError("no field number")
        if kind == VARINT:
            value, at = uvarint(data, at)
            yield number, kind, value
            continue
        if kind == BYTES:
            length, at = uvarint(data, at)
        elif kind in _FIXED:
            length = _FIXED[kind]
        else:
            raise ValueError("no wire type")
        end = at + length
        if end > size:
            raise ValueError("cut short")
        yield number, kind, data[at:end] if kind == BYTES else int.from_bytes(data[at:end], "little")
        at = end


class Message:
    """A message's fields by number, else their defaults; not ``sound``: those before the damage, or no message."""

    def __init__(self, data: object) -> None:
        self._fields: dict[int, list[int | bytes]] = {}
        self.sound = isinstance(data, bytes)
        try:
            for number, _, value in fields(data) if isinstance(data, bytes) else ():
                self._fields.setdefault(number, []).append(value)
        except ValueError:
            self.sound = False

    def __contains__(self, number: int) -> bool:
        return number in self._fields

    def number(self, number: int) -> int:
        """Return an int64 field (or one of a smaller type), 0 by default."""
        value = self._fields.get(number, [0])[-1]
        return signed(value) if isinstance(value, int) else 0

    def unsigned(self, number: int) -> int:
        """Return a uint64 field, 0 by default."""
        return self.number(number) % (1 << 64)

    def data(self, number: int) -> bytes:
        """Return a field of bytes, or a message's, b"" by default."""
        value = self._fields.get(number, [b""])[-1]
        return value if isinstance(value, bytes) else b""

    def text(self, number: int) -> str:
        """Return a string field, "" by default; bytes that aren't UTF-8 are escaped in it."""
        return as_text(self.data(number))

    def message(self, number: int) -> Message:
        return Message(self.data(number))

    def all_bytes(self, number: int) -> list[bytes]:
        """Return all values of a repeated field of strings, bytes or messages."""
        return [value for value in self._fields.get(number, ()) if isinstance(value, bytes)]

    def all_text(self, number: int) -> list[str]:
        return [*map(as_text, self.all_bytes(number))]

    def text_map(self, number: int) -> dict[str, str]:
        return {entry.text(1): entry.text(2) for entry in map(Message, self.all_bytes(number))}

    def record(self, *names: str) -> dict[str, Any]:
        """Return the fields that a message declares under these names."""
        return {name: getattr(self, name) for name in names}


def declared(read: Callable[[Any, int], T], number: int) -> T:
    """Declare the field ``number`` of a kind of message, as an attribute: ``lease = declared(Message.number, 6)``."""
    return property(lambda message: read(message, number))  # type: ignore[return-value]


def one_of(names: Mapping[int, str]) -> Callable[[Message, int], str]:
    """Read a number of an enumeration by its name."""
    return lambda message, number: names.get(message.number(number), str(message.number(number)))


def any_message(data: bytes, depth: int = 0) -> dict[str, Any] | None:
    """Return what a message without a schema holds, by field number; None if ``data`` isn't a message.

    Strings are those values that are printable UTF-8, messages those that can be read as one; others stay bytes. What
    can be both is shown as both, as ``message`` and ``text``. A field that occurs several times is a list.

    >>> any_message(b"\\x0a\\x03pod\\x10\\x07\\x1a\\x02\\x08\\x01")
    {'1': 'pod', '2': 7, '3': {'1': 1}}
    """
    if not data or depth > 24:  # messages in messages: more is no message that anybody wrote
        return None
    found: dict[str, list[Any]] = {}
    try:
        for number, kind, value in fields(data):
            found.setdefault(str(number), []).append(_shown(kind, value, depth))
    except ValueError:
        return None
    return {number: values if len(values) > 1 else values[0] for number, values in found.items()}


def _shown(kind: int, value: int | bytes, depth: int) -> Any:
    if value == b"":
        return ""
    if isinstance(value, bytes):
        text = printable(value)
        inner = any_message(value, depth + 1) if text is None or may_be_message(value) else None
        if inner is None:
            return value if text is None else text
        return inner if text is None else {"message": inner, "text": text}
    if kind == VARINT:
        return value
    name, form, size = ("double", "<d", 8) if kind == FIXED64 else ("float", "<f", 4)
    (number,) = struct.unpack(form, value.to_bytes(size, "little"))
    # Infinite numbers and NaN are not in JSON.
    return {f"fixed{size * 8}": value} | ({name: number} if isfinite(number) else {})


def may_be_message(data: bytes) -> bool:
    """Say whether printable bytes may be meant as a message: field 1 is white space, others may be one whole string."""
    return data[:1] in (b"\t", b"\n", b"\r") or (len(data) > 2 and data[0] & 7 == BYTES and data[1] == len(data) - 2)


def printable(data: bytes) -> str | None:
    """Return ``data`` as text if it is UTF-8 of printable characters, tabs and line ends, each word of one script."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    if not text.translate({9: 32, 10: 32, 13: 32}).isprintable():
        return None
    return text if text.isascii() or _clashes(text[:4096]) < 2 else None


# Scripts that are written beside each other without a space: those of Japanese, and formulas' letters.
_TOGETHER = {
    "HIRAGANA": "CJK", "KATAKANA": "CJK", "HALFWIDTH": "CJK", "FULLWIDTH": "CJK", "IDEOGRAPHIC": "CJK",
    "GREEK": "LATIN", "MICRO": "LATIN", "OHM": "LATIN", "KELVIN": "LATIN", "ANGSTROM": "LATIN",
}  # fmt: skip


def _clashes(text: str) -> int:
    """Return how often letters of two scripts stand side by side: words have one, a hash that looks like UTF-8 many."""
    found, before = 0, ""
    for char in text:
        script = "LATIN" if char.isascii() and char.isalpha() else ""
        if not char.isascii() and category(char)[0] in "LM":
            script = name(char, "").partition(" ")[0]
            if script in ("COMBINING", "MODIFIER", "VARIATION"):
                continue  # belong to the letter before, whichever it is
            script = _TOGETHER.get(script, script)
        found += script != before and "" not in (script, before) and {script, before} != {"LATIN", "CJK"}
        before = script
    return found
