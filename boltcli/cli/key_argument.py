"""Names of buckets and keys as arguments: as they are, or, if they are binary, by a notation with a prefix."""

from __future__ import annotations

import os

from ..errors import ArgumentError
from .values import parse_uint64

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_SIZES = {"u64:": 8, "u32:": 4}  # bytes


def address(argument: str) -> bytes:
    """Return the bytes that ``argument`` stands for.

    ``hex:00ff`` are the bytes 00 and ff, ``u64:42`` and ``u32:42`` a number in
    8 or 4 bytes, big-endian (the order in which keys sort), and ``str:x`` is x
    itself, for names that begin with one of these. All others stand for themselves.
    Raises :class:`~boltcli.errors.ArgumentError`.
    """
    if argument[3:4] != ":":
        return os.fsencode(argument)
    from ..render.names import NOTATIONS

    notation, text = argument[:4], argument[4:]
    if notation not in NOTATIONS:
        return os.fsencode(argument)
    if notation == "str:":
        return os.fsencode(text)
    try:
        if notation == "hex:":
            from ..render.formats import parse

            return parse(os.fsencode(text), "hex")
        return _number(text, _SIZES[notation])
    except ArgumentError as error:
        raise ArgumentError(f"{argument}: {error} (str:{argument} is the name as it stands)") from None


def addresses(arguments: Iterable[str]) -> list[bytes]:
    """:func:`address` of each."""
    return [address(argument) for argument in arguments]


def _number(text: str, size: int) -> bytes:
    number = parse_uint64(text)
    if number >> 8 * size:
        raise ArgumentError(f"the number doesn't fit into {size} bytes")
    return number.to_bytes(size, "big")
