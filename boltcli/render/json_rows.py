"""Lines of JSON as records whose fields are checked; and the rows of an export."""

from __future__ import annotations

from binascii import unhexlify
from itertools import chain, groupby
from typing import TYPE_CHECKING, Any

from ..errors import ArgumentError
from ..ops.read.content import Pairs, bucket_at
from ..text.json import all_parsed, parsed, refuse_repeated
from .json_streams import LongLine, line_blocks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Set

    from .json_streams import Readable

    Path = tuple[bytes, ...]
    Record = dict[str, Any]
    from ..ops.read.content import Placed


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
        found = bytes.fromhex(text)
    except ValueError:
        found = None
    if found is None or len(text) != 2 * len(found):  # fromhex passes over white space
        raise ArgumentError(f"{text[:40]!r} is not hexadecimal")
    return found


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


_FIELDS = {"bucket", "bucket_hex", "key", "key_hex", "value", "value_hex", "sequence"}
# Where the pairs that deleted lists come from, and what pairs mean.
_DECODED = {"key_decoded", "key_guess", "value_decoded", "value_guess"}
_IGNORED = {"page", "certainty", "version_of", "version_of_hex", *_DECODED}


class End:
    """The last line of an export: its counts, or the ``error`` that ended it."""

    __slots__ = ("buckets", "error", "pairs")

    def __init__(self, pairs: int, buckets: int, error: str | None) -> None:
        self.pairs = pairs
        self.buckets = buckets
        self.error = error


def parse_row(text: bytes, long: dict[str, bytes] | None = None) -> Placed | End:
    """Return what a line says; ``long`` are strings left out of it. Raises :class:`~boltcli.errors.ArgumentError`."""
    record = record_of(text)
    if "end" in record:
        return _end(record)
    refuse_unknown(record, _FIELDS | _IGNORED)
    if long and record.keys() & _DECODED:  # the long string may be one inside of what is decoded
        raise ArgumentError("a pair of this size is taken only undecoded: write it with --decode off")
    path = path_of(record)
    if "sequence" in record:
        if not is_u64(record["sequence"]):
            raise ArgumentError("sequence must be a number of 64 bits")
        if has_bytes(record, "key") or has_bytes(record, "value"):
            raise ArgumentError("a bucket has no key and no value")
        return bucket_at(path, record["sequence"])
    texts = {name: bytes_of(record, name) for name in ("key", "value")}
    for field, content in (long or {}).items():
        texts[field.removesuffix("_hex")] = content
    return path, Pairs([texts["key"]], [texts["value"]])


def _end(record: dict[str, Any]) -> End:
    if record["end"] is False:
        return End(0, 0, message_of(record.get("error")))
    pairs, buckets = record.get("pairs"), record.get("buckets")
    if record["end"] is not True or not isinstance(pairs, int) or not isinstance(buckets, int):
        raise ArgumentError("the end needs the numbers of pairs and buckets")
    return End(pairs, buckets, None)


def parsed_rows(file: Readable) -> Iterator[tuple[Placed | End, bytes]]:
    """Yield what each line of ``file`` says, and the line; or pairs of one bucket together, and no line.

    Empty lines are passed over. Raises :class:`~boltcli.errors.ArgumentError` (``line 3: ...``).
    """
    ended = False
    for number, lines, strings in line_batches(file):
        found = None if strings or ended else _all_plain(lines)
        if found is not None:
            yield from ((part, b"") for part in found)
            continue
        for at, text in enumerate(lines, number):
            if not text.strip():
                continue
            try:
                if ended:
                    raise ArgumentError("there is a line after the end of the export")
                said = parse_row(text, strings)
            except (ArgumentError, MemoryError) as error:
                raise at_line(at, error) from None
            ended = isinstance(said, End)
            yield said, text


def _all_plain(lines: list[bytes]) -> list[Placed] | None:
    """Return what ``lines`` say, if each is as export writes them; else None."""
    try:
        records = all_parsed(lines)
        found: list[Placed] = []
        strings = fields = 0
        for place, run in _runs(records):
            is_pair, plain, in_hex = place
            part = list(run)
            names = plain if in_hex is None else in_hex
            if type(names) is not list or {len(record) for record in part} != {3 if is_pair else 2}:
                return None
            path = names_of(names, in_hex=in_hex is not None)
            strings += len(part) * len(path)
            fields += len(part) * len(part[0])
            if is_pair:
                found.append((path, Pairs(_column(part, "key", "key_hex"), _column(part, "value", "value_hex"))))
                strings += 2 * len(part)
                continue
            for record in part:
                if not is_u64(record["sequence"]):
                    return None
                found.append(bucket_at(path, record["sequence"]))
    except (ArgumentError, AttributeError, KeyError, MemoryError, TypeError, ValueError):
        return None
    return found if has_fields_once(b"".join(lines), fields, strings) else None


def _runs(records: list[Any]) -> Iterable[tuple[tuple[bool, Any, Any], Iterable[Any]]]:
    """Return the lines that are taken together, with their place: mostly all, which a look at a column shows."""
    first = records[0].get("bucket")
    is_one = first is not None and len({*map(len, records)}) == 1
    if is_one and [record.get("bucket") for record in records].count(first) == len(records):
        return [(_place(records[0]), records)]
    return groupby(records, _place)


def _place(record: Any) -> tuple[bool, Any, Any]:
    """Return what the lines have in common that are taken together: pairs or buckets, and of which bucket."""
    return "sequence" not in record, record.get("bucket"), record.get("bucket_hex")


def _column(records: list[dict[str, str]], name: str, in_hex: str) -> list[bytes]:
    return [record[name].encode() if name in record else unhexlify(record[in_hex]) for record in records]
