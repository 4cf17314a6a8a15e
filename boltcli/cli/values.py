"""Parse option values as pflag and strconv do."""

from __future__ import annotations

from ..read_errors import ArgumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_MAX_U32 = 0xFFFFFFFF
_MAX_U64 = 0xFFFFFFFFFFFFFFFF
_MAX_I64 = 0x7FFFFFFFFFFFFFFF
_PREFIXES = {"0b": 2, "0o": 8, "0x": 16}
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_TRUE = ("1", "t", "T", "TRUE", "true", "True")
_FALSE = ("0", "f", "F", "FALSE", "false", "False")


def parse_string(text: str) -> str:
    """Return ``text``: any text is valid."""
    return text


def parse_uint64(text: str) -> int:
    """Parse like Go's ``strconv.ParseUint(text, 0, 64)``: decimal, 0x, 0o, 0b or 0 before octal, with underscores.

    Raises :class:`~boltcli.errors.ArgumentError` with strconv's message.
    """
    base = 10
    digits = text.lower()
    if digits[:1] == "0" and len(digits) > 1:
        # strconv reads a bare prefix such as "0x" as octal "0" and a bad digit: an error in any case.
        base = _PREFIXES.get(digits[:2], 8) if len(digits) > 2 else 8
        digits = digits[1 if base == 8 and digits[1] != "o" else 2 :]
    if not _underscores_ok(text):
        raise _number_error("ParseUint", text, "invalid syntax")
    return _unsigned(text, digits.replace("_", ""), base)


def parse_count(text: str) -> int:
    """Parse a number like :func:`parse_uint64`, for options that bbolt doesn't have, with error messages of our own."""
    try:
        return parse_uint64(text)
    except ArgumentError:
        raise ArgumentError(f"must be a whole number from 0 to {_MAX_U64}") from None


def parse_size(text: str) -> int:
    """Parse a number of bytes: 4096, 10k, 500M, 64GiB (units of 1024). Raises ArgumentError."""
    number = text.strip().lower().removesuffix("b").removesuffix("i")
    unit = "kmgtp".find(number[-1:]) + 1 if number else 0
    digits = number[:-1] if unit else number
    if not (digits.isascii() and digits.isdigit()):
        raise ArgumentError("must be a size such as 500M or 64GiB")
    return parse_count(digits) << 10 * unit


def parse_uint32(text: str) -> int:
    """Parse like Go's ``strconv.ParseUint(text, 0, 32)``; see :func:`parse_uint64`."""
    value = parse_uint64(text)
    if value > _MAX_U32:
        raise _number_error("ParseUint", text, "value out of range")
    return value


def parse_decimal(text: str) -> int:
    """Parse like Go's ``strconv.ParseUint(text, 10, 64)``: only digits; see :func:`parse_uint64`."""
    return _unsigned(text, text, 10)


def parse_page_ids(texts: Iterable[str]) -> list[int]:
    """Parse page ids as bbolt does: decimal; empty arguments are skipped."""
    return [parse_decimal(text) for text in texts if text]


def _unsigned(text: str, digits: str, base: int) -> int:
    valid = _DIGITS[:base]
    if not digits or any(digit not in valid for digit in digits.lower()):
        raise _number_error("ParseUint", text, "invalid syntax")
    # Python refuses to convert thousands of digits.
    significant = digits.lstrip("0")
    value = int(significant or "0", base) if len(significant) <= 64 else _MAX_U64 + 1
    if value > _MAX_U64:
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


def parse_bool(text: str) -> bool:
    """Parse like Go's ``strconv.ParseBool``; raises :class:`~boltcli.errors.ArgumentError`."""
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise ArgumentError(f"strconv.ParseBool: parsing {go_quote(text)}: invalid syntax")


def parse_string_slice(text: str) -> list[str]:
    """Parse like pflag's StringSlice: the fields of one CSV record.

    Raises :class:`~boltcli.errors.ArgumentError` with the message of Go's ``encoding/csv``.
    """
    from .csv_record import first_record

    return first_record(text) if text else []


def parse_name(text: str) -> list[str]:
    """Return ``text`` as a list of one name."""
    return [text]


def parse_choice(text: str) -> str:
    """Return ``text``; an option with this parser takes only the words of its type."""
    return text


def one_of(choices: tuple[str, ...]) -> Callable[[str], str]:
    """Return a function that returns a text if it is one of ``choices``, and raises ArgumentError if not."""

    def chosen(text: str) -> str:
        if text not in choices:
            raise ArgumentError(f"must be one of {', '.join(choices)}")
        return text

    return chosen


def parse_timeout(text: str) -> str:
    """Parse a duration of waiting: Go's notation, or a number of seconds. Raises ArgumentError."""
    if text and not text.strip(_DIGITS[:10] + "."):
        text += "s"
    if seconds(text) < 0:
        raise ArgumentError(f"negative duration {go_quote(text)}")
    return text


def seconds(duration: str) -> float:
    """Parse like Go's ``time.ParseDuration`` (``1s``, ``1m30s``, ``500ms``, ``0``) and return seconds.

    Raises :class:`~boltcli.errors.ArgumentError` with that function's message.
    """
    rest = duration[1:] if duration[:1] in ("+", "-") else duration
    if rest == "0":
        return 0.0
    if not rest:
        raise _duration_error("invalid duration", duration)
    total = 0.0
    while rest:
        length = _span(rest, _DIGITS[:10])
        if rest[length : length + 1] == ".":
            length += 1 + _span(rest[length + 1 :], _DIGITS[:10])
        number, rest = rest[:length], rest[length:]
        if number in ("", "."):
            raise _duration_error("invalid duration", duration)
        unit = rest[: next((index for index, char in enumerate(rest) if char in ".0123456789"), len(rest))]
        if not unit:
            raise _duration_error("missing unit in duration", duration)
        if unit not in _UNITS:
            raise _duration_error(f"unknown unit {go_quote(unit)} in duration", duration)
        total += float(number) * _UNITS[unit]
        rest = rest[len(unit) :]
    return -total if duration[0] == "-" else total


def _span(text: str, chars: str) -> int:
    """Return the number of characters at the beginning of ``text`` that are in ``chars``."""
    return len(text) - len(text.lstrip(chars))


def _duration_error(what: str, duration: str) -> ArgumentError:
    return ArgumentError(f"time: {what} {go_quote(duration)}")


def _underscores_ok(text: str) -> bool:
    """Return whether underscores stand only between digits or after a base prefix, and a base prefix or 0 is there."""
    if "_" not in text:
        return True
    has_prefix = text[:1] == "0"
    rest = text[2:] if text[:2].lower() in _PREFIXES else text
    follows_prefix = rest is not text
    if not has_prefix:
        return _between_digits(text)
    return not (rest.endswith("_") or "__" in rest or (rest.startswith("_") and not follows_prefix))


def _between_digits(text: str) -> bool:
    return not (text.startswith("_") or text.endswith("_") or "__" in text)


def _number_error(function: str, text: str, why: str) -> ArgumentError:
    return ArgumentError(f"strconv.{function}: parsing {go_quote(text)}: {why}")


def go_quote(text: str) -> str:
    """Quote an argument like Go's ``%q``; ``text`` has bytes that aren't UTF-8 in the form of os.fsdecode."""
    from ..text.golang import quote

    return quote(text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")
