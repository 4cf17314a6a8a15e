"""Parse bucket names and keys in arguments: literal, or in a notation for binary ones."""

from __future__ import annotations

import os

from ..read_errors import ArgumentError
from .values import parse_uint64

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_SIZES = {"u64:": 8, "u32:": 4}  # bytes


def address(argument: str) -> bytes:
    """Return the bytes that ``argument`` stands for.

    ``hex:00ff`` is the bytes 00 and ff, ``u64:42`` and ``u32:42`` a big-endian
    number of 8 or 4 bytes (so that keys sort by number), and ``str:x`` is x
    itself, for names that begin with one of these prefixes. Any other argument is literal.
    Raises :class:`~boltcli.errors.ArgumentError`.
    """
    if argument[3:4] != ":":
        return os.fsencode(argument)
    from ..text.values import NOTATIONS

    notation, text = argument[:4], argument[4:]
    if notation not in NOTATIONS:
        return os.fsencode(argument)
    if notation == "str:":
        return os.fsencode(text)
    try:
        if notation == "hex:":
            from ..text.values import parse

            return parse(os.fsencode(text), "hex")
        return _number(text, _SIZES[notation])
    except ArgumentError as error:
        raise ArgumentError(f"{argument}: {error} (str:{argument} is the name as it stands)") from None


def addresses(arguments: Iterable[str]) -> list[bytes]:
    """Return :func:`address` of each argument."""
    return [address(argument) for argument in arguments]


def _number(text: str, size: int) -> bytes:
    number = parse_uint64(text)
    if number >> 8 * size:
        raise ArgumentError(f"the number doesn't fit into {size} bytes")
    return number.to_bytes(size, "big")
