"""Guess what bytes of no known program are: the first format that takes all of them, from the surest on."""

from __future__ import annotations

from ...errors import MissingExtra
from ..json_values import load
from ..words import time_text
from .compressed import kind_of, unpacked
from .go_time import go_time
from .gob import gob
from .integers import u64
from .messagepack import messagepack
from .wire import any_message, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    # A format's name, and what its decoder made of the bytes.
    Guess = tuple[str, Any]

_MAPS = (*range(0x80, 0xA0), 0xDC, 0xDD, 0xDE, 0xDF)  # first bytes of MessagePack's maps and lists
_LARGEST_FIELD = 4096  # field numbers beyond it are rare: whoever has them isn't protobuf
_LARGEST_INTEGER = 1 << 48  # of 8 bytes: larger ones are rather ids or hashes
_LARGEST_SMALL = 1 << 24  # of 2 and 4 bytes


def guess(data: bytes, depth: int = 0) -> Guess | None:
    """Return a format's name and the decoded value; None if ``data`` is text, or of no format that is known here.

    >>> guess(b'{"a": 1}'), guess(b"plain text"), guess((42).to_bytes(8, "big"))
    (('json', {'a': 1}), None, ('u64 big-endian', 42))
    """
    if not data:
        return None
    if data.lstrip()[:1] in (b"{", b"["):
        found = load(data)
        if found is not data:
            return "json", found
    if printable(data) is not None:
        return None
    packed = kind_of(data)
    if packed is not None and depth < 3:
        return _unpacked(data, packed, depth)
    moment = go_time(data)
    if moment is not None:
        return "go time", time_text(moment)
    if data[0] in _MAPS:
        value = _tried(messagepack, data)
        if value is not None:
            return "msgpack", value
    value = _tried(gob, data) if len(data) > 3 else None
    if value is not None:
        return "gob", value
    number = u64(data)
    if number is not None and number < _LARGEST_INTEGER:
        return "u64 big-endian", number
    message = any_message(data) if len(data) > 2 else None
    if message is not None and all(int(field) <= _LARGEST_FIELD for field in message):
        return "protobuf", message
    return _numbers(data)


def _unpacked(data: bytes, kind: str, depth: int) -> Guess | None:
    try:
        inner = unpacked(data, kind)
    except (ValueError, MissingExtra):
        return None
    found = guess(inner, depth + 1)
    if found is not None:
        return f"{kind}, {found[0]}", found[1]
    text = printable(inner)
    return kind, inner if text is None else text


def _tried(decode: Callable[[bytes], Any], data: bytes) -> Any:
    try:
        return decode(data)
    except (ValueError, MissingExtra):
        return None


def _numbers(data: bytes) -> Guess | None:
    if len(data) == 8:
        little = int.from_bytes(data, "little")
        return ("u64 little-endian", little) if little < _LARGEST_INTEGER else None
    number = int.from_bytes(data, "big")
    if len(data) in (2, 4) and number < _LARGEST_SMALL:
        return f"u{8 * len(data)} big-endian", number
    return None


DECODERS: dict[str, Callable[[bytes], Any]] = {"msgpack": messagepack, "gob": gob}
