"""Lines of JSON as records of keys and values: read with the number of their line, their fields checked."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from ..errors import ArgumentError
from ..text.json import parsed, refuse_repeated
from .long_json_lines import LongLine, line_blocks

if TYPE_CHECKING:
    from collections.abc import Iterator, Set

    from .json_array import Readable

    Path = tuple[bytes, ...]
    Record = dict[str, Any]

_AT_ONCE = 256  # lines that come together


def line_batches(file: Readable) -> Iterator[tuple[int, list[bytes], dict[str, bytes]]]:
    """Yield lines of ``file``, some together, after the number of the first; of a long one alone the long strings, too.

    These are missing in the line. Raises :class:`~boltcli.errors.ArgumentError` (``line 3: ...``).
    """
    number = 1
    blocks = line_blocks(file)
    while True:
        try:
            block = next(blocks, None)
        except (ArgumentError, MemoryError) as error:
            raise at_line(number, error) from None
        if block is None:
            return
        if isinstance(block, LongLine):
            yield number, [block.text], block.strings
            number += 1
            continue
        for start in range(0, len(block), _AT_ONCE):
            lines = block[start : start + _AT_ONCE]
            yield number, lines, {}
            number += len(lines)


def at_line(number: int, error: ArgumentError | MemoryError) -> ArgumentError:
    """Return ``error`` with the number of its line."""
    return ArgumentError(f"line {number}: {error if str(error) else 'not enough memory for it'}")


def record_of(text: bytes) -> Record:
    """Return the object that a line is. Raises ArgumentError, also for an object with a field twice."""
    try:
        record = parsed(text)
    except ValueError as error:
        raise ArgumentError(f"not JSON: {error}") from None
    if not isinstance(record, dict):
        raise ArgumentError("not an object")
    if not has_fields_once(text, len(record), _strings_in(record)):
        refuse_repeated(text)
    return record


def refuse_unknown(record: Record, known: Set[str]) -> None:
    """Raise ArgumentError for a field that is not among those that are known."""
    unknown = sorted(record.keys() - known)
    if unknown:
        raise ArgumentError(f"unknown field {unknown[0]!r}")


def path_of(record: Record) -> Path:
    """Return the bucket of a record: a list ``bucket`` of names, or ``bucket_hex``. Raises ArgumentError."""
    names, in_hex = _one(record, "bucket", list)
    return names_of(names, in_hex=in_hex)


def names_of(names: list[Any], *, in_hex: bool) -> Path:
    """Return the names of a path. Raises ArgumentError."""
    if not all(isinstance(name, str) for name in names):
        raise ArgumentError("a bucket's name must be a string")
    return tuple([_from_hex(name) if in_hex else name.encode() for name in names])


def bytes_of(record: Record, name: str) -> bytes:
    """Return the bytes of a field that is text, or the same in hexadecimal. Raises ArgumentError."""
    text, in_hex = _one(record, name, str)
    return _from_hex(text) if in_hex else text.encode()


def has_bytes(record: Record, name: str) -> bool:
    """Return whether a record has a field, as text or in hexadecimal."""
    return name in record or f"{name}_hex" in record


def message_of(failure: Any) -> str:
    """Return the message of the ``error`` in the last record of what an error ended."""
    return str((failure.get("message") if isinstance(failure, dict) else failure) or "an error")


def is_u64(number: Any) -> bool:
    """Return whether ``number`` is one of 64 bits."""
    return type(number) is int and 0 <= number < 1 << 64


def _one(record: Record, name: str, kind: type) -> tuple[Any, bool]:
    """Return the value of a field or of the same in hexadecimal, and which of both it is."""
    found = [field for field in (name, f"{name}_hex") if field in record]
    if len(found) != 1 or not isinstance(record[found[0]], kind):
        what = "a list" if kind is list else "a string"
        raise ArgumentError(f"there must be {what} {name} or {name}_hex, and one of them only")
    return record[found[0]], found[0] != name


def _from_hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise ArgumentError(f"{text[:40]!r} is not hexadecimal") from None


def _strings_in(record: Record) -> int:
    """Return how many strings the values of ``record`` are, and the lists in it have."""
    lists = [value if isinstance(value, list) else [value] for value in record.values()]
    return sum(isinstance(part, str) for part in chain.from_iterable(lists))


def has_fields_once(text: bytes, fields: int, strings: int) -> bool:
    """Return whether objects that are parsed as so many fields and strings have no more: parsers keep one of a name.

    Each has two quotes, but for those inside strings, which are escaped.
    """
    if b"\\" in text:
        text = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    return text.count(b'"') == 2 * (fields + strings)
