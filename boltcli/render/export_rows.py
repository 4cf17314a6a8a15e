"""The lines of an export, and of deleted, back: an object for each bucket and for each pair, and the end."""

from __future__ import annotations

from binascii import unhexlify
from itertools import groupby
from typing import TYPE_CHECKING, Any

from ..errors import ArgumentError
from ..ops.read.content import Pairs, bucket_at
from ..text.json import all_parsed
from .json_fields import (
    at_line,
    bytes_of,
    has_bytes,
    has_fields_once,
    is_u64,
    line_batches,
    message_of,
    names_of,
    path_of,
    record_of,
    refuse_unknown,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..ops.read.content import Placed
    from .json_array import Readable

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
