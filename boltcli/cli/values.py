"""Parse option values as pflag and strconv do. All raise :class:`~boltcli.errors.ArgumentError`, with Go's messages."""

from __future__ import annotations

import os

from ..read_errors import ArgumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_MAX_U64 = 0xFFFFFFFFFFFFFFFF
_MAX_I64 = 0x7FFFFFFFFFFFFFFF
_DIGITS = "0123456789"
_NUMBER = "0123456789."
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_SIZES = {"u64:": 8, "u32:": 4}  # bytes of numbers in names
_TRUE = ("1", "t", "T", "TRUE", "true", "True")


def parse_string(text: str) -> str:
    """Return ``text``: any text is valid."""
    return text


def parse_uint64(text: str, most: int = _MAX_U64) -> int:
    """Parse like Go's ``strconv.ParseUint(text, 0, 64)``: decimal, 0x, 0o, 0b or 0 before octal, with underscores."""
    is_octal = len(text) > 1 and text[0] == "0" and text[1] not in "bBoOxX"
    return _unsigned(text, f"0o{text[1:]}" if is_octal else text, 0, most)


def parse_uint32(text: str) -> int:
    """Parse like Go's ``strconv.ParseUint(text, 0, 32)``; see :func:`parse_uint64`."""
    return parse_uint64(text, 0xFFFFFFFF)


def parse_decimal(text: str) -> int:
    """Parse like Go's ``strconv.ParseUint(text, 10, 64)``: only digits."""
    return _unsigned(text, text.replace("_", "?").lstrip("0") or text[-1:], 10)


def _unsigned(text: str, digits: str, base: int, most: int = _MAX_U64) -> int:
    """Parse ``digits``, which stand for ``text``, in Python's notation."""
    try:
        # Python also takes a sign, spaces, and other digits.
        if not (digits.isascii() and digits[:1].isdigit() and digits[-1:].isalnum()):
            raise ValueError
        # It refuses thousands of decimal digits, and those are no other notation.
        value = int(digits, base) if len(digits) < 4000 or not digits.isdigit() else _MAX_U64 + 1
    except ValueError:
        raise _number_error("ParseUint", text, "invalid syntax") from None
    if value > most:
        raise _number_error("ParseUint", text, "value out of range")
    return value


def parse_int64(text: str) -> int:
    """Parse like Go's ``strconv.ParseInt(text, 0, 64)``: a sign, then as :func:`parse_uint64`."""
    negative = text[:1] == "-"
    try:
        value = parse_uint64(text[1:] if text[:1] in ("+", "-") else text)
    except ArgumentError as error:
        raise _number_error("ParseInt", text, error.message.rpartition(": ")[2]) from None
    if value > _MAX_I64 + negative:
        raise _number_error("ParseInt", text, "value out of range")
    return -value if negative else value


def parse_count(text: str) -> int:
    """Parse a number like :func:`parse_uint64`, for options that bbolt doesn't have, with a message of our own."""
    try:
        return parse_uint64(text)
    except ArgumentError:
        raise ArgumentError(f"must be a whole number from 0 to {_MAX_U64}") from None


def parse_size(text: str) -> int:
    """Parse a number of bytes: 4096, 10k, 500M, 64GiB (units of 1024)."""
    number = text.strip().lower().removesuffix("b").removesuffix("i")
    unit = "kmgtp".find(number[-1:]) + 1 if number else 0
    digits = number[:-1] if unit else number
    if not (digits.isascii() and digits.isdigit()):
        raise ArgumentError("must be a size such as 500M or 64GiB")
    return parse_count(digits) << 10 * unit


def parse_page_ids(texts: Iterable[str]) -> list[int]:
    """Parse page ids as bbolt does: decimal; empty arguments are skipped."""
    return [parse_decimal(text) for text in texts if text]


def parse_bool(text: str) -> bool:
    """Parse like Go's ``strconv.ParseBool``."""
    if text not in (*_TRUE, "0", "f", "F", "FALSE", "false", "False"):
        raise _number_error("ParseBool", text, "invalid syntax")
    return text in _TRUE


def parse_string_slice(text: str) -> list[str]:
    """Parse like pflag's StringSlice: the fields of one CSV record."""
    from .csv_record import first_record

    return first_record(text) if text else []


def parse_name(text: str) -> list[str]:
    """Return ``text`` as a list of one name."""
    return [text]


def parse_choice(text: str, choices: tuple[str, ...] = ()) -> str:
    """Return ``text`` if it is one of ``choices``, those of the option."""
    if text not in choices:
        raise ArgumentError(f"must be one of {', '.join(choices)}")
    return text


def parse_timeout(text: str) -> str:
    """Parse a duration of waiting: Go's notation, or a number of seconds."""
    if text and not text.strip(_NUMBER):
        text += "s"
    if seconds(text) < 0:
        raise ArgumentError(f"negative duration {go_quote(text)}")
    return text


def seconds(duration: str) -> float:
    """Parse like Go's ``time.ParseDuration`` (``1s``, ``1m30s``, ``500ms``, ``0``) and return seconds."""
    rest = duration[1:] if duration[:1] in ("+", "-") else duration
    if rest == "0":
        return 0.0
    total = 0.0
    problem = "" if rest else "invalid duration"
    while rest and not problem:
        behind = rest.lstrip(_DIGITS)
        if behind[:1] == ".":
            behind = behind[1:].lstrip(_DIGITS)
        number = rest[: len(rest) - len(behind)]
        unit = behind[: next((index for index, char in enumerate(behind) if char in _NUMBER), len(behind))]
        rest = behind[len(unit) :]
        if number in ("", "."):
            problem = "invalid duration"
        elif not unit:
            problem = "missing unit in duration"
        elif unit not in _UNITS:
            problem = f"unknown unit {go_quote(unit)} in duration"
        else:
            total += float(number) * _UNITS[unit]
    if problem:
        raise ArgumentError(f"time: {problem} {go_quote(duration)}")
    return -total if duration[0] == "-" else total


def address(argument: str) -> bytes:
    """Return the bytes that the name of a bucket or a key stands for: literal, or in a notation for binary ones.
    ``hex:00ff`` is the bytes 00 and ff, ``u64:42`` and ``u32:42`` a big-endian number of 8 or 4 bytes (so that keys
    sort by number), and ``str:x`` is x itself, for names that begin with one of these prefixes."""
    notation, text = argument[:4], argument[4:]
    if notation == "str:":
        return os.fsencode(text)
    try:
        if notation == "hex:":
            from ..text.values import parse

            return parse(os.fsencode(text), "hex")
        if notation in _SIZES:
            number, size = parse_uint64(text), _SIZES[notation]
            if number >> 8 * size:
                raise ArgumentError(f"the number doesn't fit into {size} bytes")
            return number.to_bytes(size, "big")
    except ArgumentError as error:
        raise ArgumentError(f"{argument}: {error} (str:{argument} is the literal name)") from None
    return os.fsencode(argument)


def addresses(arguments: Iterable[str]) -> list[bytes]:
    """Return :func:`address` of each argument."""
    return [address(argument) for argument in arguments]


def _number_error(function: str, text: str, why: str) -> ArgumentError:
    return ArgumentError(f"strconv.{function}: parsing {go_quote(text)}: {why}")


def go_quote(text: str) -> str:
    """Quote an argument like Go's ``%q``; ``text`` has bytes that aren't UTF-8 in the form of os.fsdecode."""
    from ..text.golang import quote

    return quote(text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")
