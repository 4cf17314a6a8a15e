"""Guess what bytes of no known program are: a format is guessed only where no other fits as well."""

from collections.abc import Iterator
from struct import unpack
from typing import Any

from ...errors import MissingExtra
from ...text.json import load
from ...text.times import go_time, time_text
from .compressed import kind_of, unpacked
from .gob import gob
from .integers import whole_uvarint
from .messagepack import messagepack
from .wire import any_message, may_be_message, printable

Guess = tuple[str, Any]  # a format's name, and what its decoder made of the bytes
_MAPS = (*range(0x80, 0xA0), 0xDC, 0xDD, 0xDE, 0xDF)  # first bytes of MessagePack's maps and lists
_LARGEST = {8: 1 << 48, 4: 1 << 24, 2: 1 << 16}  # integers by size: larger ones are rather ids or hashes
_FLOATS = {8: "d", 4: "f"}
OR = " or "  # between the names of two formats that fit equally well


def guess(data: bytes, depth: int = 0, *, is_key: bool = False) -> Guess | None:
    r"""Return a format's name and the decoded value; None if ``data`` is text, or of no format that is known here.

    Where two fit equally well, both are named, and the value has each by its name; where more do, nothing is guessed.
    Keys are sorted by their bytes, so that their numbers are big-endian wherever they can be.

    >>> guess(b'{"a": 1}'), guess(b"plain text"), guess((42).to_bytes(8, "big"))
    (('json', {'a': 1}), None, ('u64 big-endian', 42))
    >>> guess(b"\x3f\xf0\0\0\0\0\0\0")
    ('float64 big-endian or u64 little-endian', {'float64 big-endian': 1.0, 'u64 little-endian': 61503})
    """
    if not data:
        return None
    if data.lstrip()[:1] in (b"{", b"["):
        found = load(data)
        if found is not data:
            return "json", found
    text = printable(data)
    if text is not None:
        message = any_message(data) if may_be_message(data) else None
        return None if message is None else _one_of([("protobuf", message), ("text", text)])
    packed = kind_of(data)
    if packed is not None and depth < 3:
        return _unpacked(data, packed, depth)
    moment = go_time(data)
    if moment is not None:
        return "go time", time_text(moment)
    # A varint may be signed or not, so that it is never guessed; but what may be one is no more surely anything else.
    is_varint = len(data) > 1 and data[-1] != 0 and whole_uvarint(data) is not None
    return None if is_varint else _one_of([*_structures(data), *_numbers(data, is_key)])


def _one_of(found: list[Guess]) -> Guess | None:
    if len(found) == 1:
        return found[0]
    return (OR.join(name for name, _ in found), dict(found)) if len(found) == 2 else None


def _structures(data: bytes) -> Iterator[Guess]:
    for name, decode, likely in (
        ("msgpack", messagepack, data[0] in _MAPS and len(data) > 1),
        ("gob", gob, len(data) > 3),
        ("protobuf", any_message, len(data) > 2),
    ):
        try:
            value = decode(data) if likely else None
        except ValueError:
            continue
        # Field numbers beyond 4096 are rare: whoever has them isn't protobuf.
        if value is not None and (name != "protobuf" or all(int(field) <= 4096 for field in value)):
            yield name, value


def _unpacked(data: bytes, kind: str, depth: int) -> Guess | None:
    try:
        inner = unpacked(data, kind)
    except (ValueError, MissingExtra):
        return None
    found, text = guess(inner, depth + 1), printable(inner)
    return (kind, inner if text is None else text) if found is None else (f"{kind}, {found[0]}", found[1])


def _numbers(data: bytes, is_key: bool) -> list[Guess]:
    """Return the numbers that ``data`` may be; floats only beside an integer: one of eight in any 8 bytes is likely."""
    size = len(data)
    found: list[Guess] = []
    for order in ("big", "little") if size in _LARGEST else ():
        if found and is_key:
            break
        number = int.from_bytes(data, order)
        if number < _LARGEST[size] and (size > 2 or order == "big" or not is_key):
            found.append((f"u{8 * size} {order}-endian", number))
        if size in _FLOATS:
            (real,) = unpack((">" if order == "big" else "<") + _FLOATS[size], data)
            if not real or 1e-4 <= abs(real) < 1e15:
                found.append((f"float{8 * size} {order}-endian", real))
    if not any(name.startswith("u") for name, _ in found):
        return []
    return [each for at, each in enumerate(found) if each[1] not in [value for _, value in found[:at]]]
