"""Lines of JSON as records whose fields are checked; and the rows of an export."""

from __future__ import annotations

from binascii import unhexlify
from collections.abc import Callable, Iterable, Iterator, Set
from dataclasses import dataclass
from itertools import chain, groupby
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

from ..errors import ArgumentError
from ..ops.read.content import Pairs, bucket_at
from ..text.json import parsed, refuse_repeated
from .json_streams import line_lists

if TYPE_CHECKING:
    from ..ops.read.content import Placed

Path = tuple[bytes, ...]
Record = dict[str, Any]
Strings = dict[str, bytes]  # the strings of a long line, which are missing in it, by their fields
Said = TypeVar("Said")


def parsed_lines(
    file: BinaryIO,
    parse: Callable[[bytes, Strings], Said],
    together: Callable[[list[bytes]], Iterable[Said] | None] = lambda _: None,
) -> Iterator[tuple[int, bytes, Said]]:
    """Yield what each line of ``file`` says, after its number and the line; empty ones are passed over.

    What many say ``together``, if that takes them, comes without a line. Raises ArgumentError (``line 3: ...``).
    """
    number = 1
    try:
        for lines, strings in line_lists(file):
            found = None if strings else together(lines)
            if found is not None:
                yield from ((number, b"", said) for said in found)
                number += len(lines)
                continue
            for text in lines:
                if text.strip():
                    yield number, text, parse(text, strings)
                number += 1
    except (ArgumentError, MemoryError) as error:
        raise ArgumentError(f"line {number}: {error if str(error) else 'not enough memory for it'}") from None


def record_of(text: bytes) -> Record:
    """Return the object that a line is. Raises ArgumentError, also for an object with a field twice."""
    try:
        record = parsed(text)
    except ValueError as error:
        raise ArgumentError(f"not JSON: {error}") from None
    if not isinstance(record, dict):
        raise ArgumentError("not an object")
    lists = [value if isinstance(value, list) else [value] for value in record.values()]
    if not _has_fields_once(text, len(record), sum(isinstance(part, str) for part in chain.from_iterable(lists))):
        refuse_repeated(text)
    return record


def refuse_unknown(record: Record, known: Set[str]) -> None:
    """Raise ArgumentError for a field that is not among those that are known."""
    unknown = sorted(record.keys() - known)
    if unknown:
        raise ArgumentError(f"unknown field {unknown[0]!r}")


def path_of(record: Record) -> Path:
    """Return the bucket of a record: a list ``bucket`` of names, or ``bucket_hex``. Raises ArgumentError."""
    field = _one_of(record, "bucket", list)
    if not all(isinstance(name, str) for name in record[field]):
        raise ArgumentError("a bucket's name must be a string")
    return tuple([_from_hex(name) if field == "bucket_hex" else name.encode() for name in record[field]])


def bytes_of(record: Record, name: str, strings: Strings) -> bytes:
    """Return the bytes of a field that is text, or the same in hexadecimal. Raises ArgumentError."""
    field = _one_of(record, name, str)
    if field in strings:
        return strings[field]
    text: str = record[field]
    return text.encode() if field == name else _from_hex(text)


def has_bytes(record: Record, name: str) -> bool:
    """Return whether a record has a field, as text or in hexadecimal."""
    return name in record or f"{name}_hex" in record


def message_of(failure: Any) -> str:
    """Return the message of the ``error`` in the last record of what an error ended."""
    return str((failure.get("message") if isinstance(failure, dict) else failure) or "an error")


def is_u64(number: Any) -> bool:
    """Return whether ``number`` is one of 64 bits."""
    return type(number) is int and 0 <= number < 1 << 64


def _one_of(record: Record, name: str, kind: type) -> str:
    """Return which of a field and the same in hexadecimal there is."""
    found = [field for field in (name, f"{name}_hex") if field in record]
    if len(found) != 1 or not isinstance(record[found[0]], kind):
        what = "a list" if kind is list else "a string"
        raise ArgumentError(f"it must have either {name} ({what}) or {name}_hex")
    return found[0]


def _from_hex(text: str) -> bytes:
    try:
        return unhexlify(text)  # fromhex passes over white space
    except ValueError:
        raise ArgumentError(f"{text[:40]!r} is not hexadecimal") from None


def _has_fields_once(text: bytes, fields: int, strings: int) -> bool:
    """Return whether text has the quotes of so many fields and strings: of a name that is twice parsers keep one."""
    if b"\\" in text:
        text = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    return text.count(b'"') == 2 * (fields + strings)


_FIELDS = {"bucket", "bucket_hex", "key", "key_hex", "value", "value_hex", "sequence"}
# Where the pairs that deleted lists come from, and what pairs mean.
_DECODED = {"key_decoded", "key_guess", "value_decoded", "value_guess"}
_IGNORED = {"page", "certainty", "version_of", "version_of_hex", *_DECODED}


@dataclass(slots=True)
class End:
    """The last line of an export: its counts, or the ``error`` that ended it."""

    pairs: int
    buckets: int
    error: str | None


def parse_row(text: bytes, strings: Strings) -> Placed | End:
    """Return what a line says. Raises ArgumentError."""
    record = record_of(text)
    if "end" in record:
        return _end(record)
    refuse_unknown(record, _FIELDS | _IGNORED)
    if strings and record.keys() & _DECODED:  # the long string may be one inside of what is decoded
        raise ArgumentError("a pair of this size can't be imported decoded: export it with --decode off")
    path = path_of(record)
    if "sequence" in record:
        if not is_u64(record["sequence"]):
            raise ArgumentError("sequence must be a number of 64 bits")
        if has_bytes(record, "key") or has_bytes(record, "value"):
            raise ArgumentError("a bucket has no key and no value")
        return bucket_at(path, record["sequence"])
    return path, Pairs([bytes_of(record, "key", strings)], [bytes_of(record, "value", strings)])


def _end(record: Record) -> End:
    if record["end"] is False:
        return End(0, 0, message_of(record.get("error")))
    pairs, buckets = record.get("pairs"), record.get("buckets")
    if record["end"] is True and isinstance(pairs, int) and isinstance(buckets, int):
        return End(pairs, buckets, None)
    raise ArgumentError("the last line needs the numbers of pairs and buckets")


def parsed_rows(file: BinaryIO) -> Iterator[tuple[Placed | End, bytes]]:
    """Yield what a line of ``file`` says, and the line; or of pairs together, and none. Raises ArgumentError."""
    ends: list[End] = []

    def one(text: bytes, strings: Strings) -> Placed | End:
        if ends:
            raise ArgumentError("there is a line after the end of the export")
        return parse_row(text, strings)

    for _, text, said in parsed_lines(file, one, lambda lines: None if ends else _all_plain(lines)):
        if isinstance(said, End):
            ends.append(said)
        yield said, text


def _all_plain(lines: list[bytes]) -> list[Placed | End] | None:
    """Return what ``lines`` say, if each is as export writes them; else None."""
    found: list[Placed | End] = []
    strings = fields = 0
    try:
        for (is_pair, *_), run in groupby(map(parsed, lines), _place):
            part = list(run)
            if set(map(len, part)) != {3 if is_pair else 2}:
                return None
            path = path_of(part[0])
            strings += len(part) * (len(path) + 2 * is_pair)
            fields += len(part) * len(part[0])
            if is_pair:
                found.append((path, Pairs(_column(part, "key"), _column(part, "value"))))
            elif all(is_u64(record["sequence"]) for record in part):
                found += [bucket_at(path, record["sequence"]) for record in part]
            else:
                return None
    except (ArgumentError, AttributeError, KeyError, MemoryError, TypeError, ValueError):
        return None
    return found if _has_fields_once(b"".join(lines), fields, strings) else None


def _place(record: Any) -> tuple[bool, Any, Any]:
    return "sequence" not in record, record.get("bucket"), record.get("bucket_hex")


def _column(records: list[dict[str, str]], name: str) -> list[bytes]:
    return [record[name].encode() if name in record else unhexlify(record[f"{name}_hex"]) for record in records]
