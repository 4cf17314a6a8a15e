"""Reading records, each bucket once: fields that are anything, numbered rows of a history, records at their place."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from ...text.json import jsonable, load_record
from ...text.times import parse_time
from ...text.values import bytes_text
from ..codecs.integers import u64
from ..contract import Path, Store
from ..meter import Meter
from ..rules import Deviation, Rule
from ..values import find, pairs

Record = dict[str, Any]
MOST_GAPS = 100_000  # missing numbers that are listed: a false counter or key must make no list without end


def text(record: Record, field: str) -> str:
    """Return a field that is text; "" if it isn't there, or is something else."""
    value = record.get(field)
    return value if isinstance(value, str) else ""


def number(record: Record, field: str) -> int | None:
    """Return a field that is an integer, or None."""
    value = record.get(field)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def part(record: Record, field: str) -> Record:
    """Return a field that is an object; an empty one if it isn't there, or is something else."""
    value = record.get(field)
    return value if isinstance(value, dict) else {}


def moment(record: Record, field: str) -> int | None:
    """Return a field that is a time, nanoseconds or RFC 3339 text, as nanoseconds; Go's zero time is none."""
    nanoseconds = number(record, field)
    if nanoseconds is None:
        return parse_time(record.get(field))
    return nanoseconds if nanoseconds > 0 else None


def name(key: bytes) -> str:
    """Return a key as text: itself where it is UTF-8, else 0x and its hex digits."""
    return str(jsonable(key))


def place(path: Path) -> str:
    """Return where something is as one line: names joined by /, those that aren't printable as 0x and hex digits.

    >>> place((b"v1_events", bytes(3))), place((b"idx_tags", b"app"))
    ('v1_events/0x000000', 'idx_tags/app')
    """
    return "/".join(map(bytes_text, path))


class Stored:
    """A record, of a ``kind``, in the bucket at a path; ``misplaced``: it says that it is another one, or elsewhere."""

    kind = ""
    misplaced = False

    def __init__(self, bucket: Path, key: bytes, id: bytes) -> None:
        self.bucket = bucket
        self.key = key
        self.id = name(id)

    @property
    def place(self) -> str:
        return place((*self.bucket, self.key))

    def breaks(self, rule: Rule, **facts: Any) -> Deviation:
        return rule.at(self.bucket, self.key, self.id, record=self, **facts)


class Reader:
    """Reads pairs and records, counting them on ``meter``; ``undecodable`` are the paths of values that are none."""

    def __init__(self, meter: Meter) -> None:
        self.meter = meter
        self.undecodable: list[Path] = []

    def buckets(self, db: Store, bucket: bytes) -> Iterator[tuple[bytes, Store]]:
        store = find(db, bucket)
        for key, value in self.meter.read(store, (bucket,)) if store is not None else ():
            if not isinstance(value, bytes):
                yield key, value

    def pairs(self, store: Store | None, path: Path) -> Iterator[tuple[bytes, bytes]]:
        """Yield the pairs of a bucket; buckets inside, which don't belong there, are only counted."""
        for key, value in self.meter.read(store, path) if store is not None else ():
            if isinstance(value, bytes):
                yield key, value
            else:
                self.meter.count(value, (*path, key))

    def records(self, store: Store | None, path: Path) -> Iterator[tuple[bytes, Record, int]]:
        """Yield the key, the record, and the bytes of each pair."""
        for key, value in self.pairs(store, path):
            yield key, self.record(path, key, value), len(key) + len(value)

    def record(self, path: Path, key: bytes, value: bytes) -> Record:
        """Return the record of a pair; an empty one where it is no JSON object."""
        found = load_record(value)
        if found is None:
            self.undecodable.append((*path, key))
        return found or {}

    def positions(self, db: Store, bucket: bytes) -> dict[str, int | None]:
        """Return each watcher's position, or the sequence numbers of whatever else the bucket tracks."""
        return {name(key): u64(value) for key, value in self.pairs(find(db, bucket), (bucket,))}


def records_in(store: Store | None, *path: bytes) -> Iterator[tuple[bytes, Record]]:
    """Yield the key and the record of each pair in the bucket at ``path``, without counting."""
    return ((key, load_record(value) or {}) for key, value in pairs(store, *path))


class History:
    """How many ``rows`` a history has, how many are ``numbered``, their bytes, and the numbers that are ``missing``.

    ``whole``: each state follows from the one before; ``end`` is the last new state.
    """

    __slots__ = ("end", "missing", "numbered", "rows", "size", "whole")

    def __init__(self, rows: list[tuple[bytes, Record, int]], sequence: int) -> None:
        numbers = [number for key, _, _ in rows if (number := row_number(key)) is not None]
        have = set(numbers)
        records = [record for _, record, _ in rows]
        self.rows = len(rows)
        self.numbered = len(numbers)
        self.size = sum(size for _, _, size in rows)
        self.missing = [each for each in range(1, min(sequence, len(numbers) + MOST_GAPS) + 1) if each not in have]
        self.whole = all(after.get("PreviousState") == before.get("NewState") for before, after in pairwise(records))
        self.end = records[-1].get("NewState") if records else None


def row_number(key: bytes) -> int | None:
    """Return the number of a history row: its key is decimal digits, or since 1.5.0 a big-endian number of 8 bytes."""
    if key.isdigit():
        return int(key) if len(key) <= 20 else None
    return u64(key)


def rows_text(missing: list[int]) -> str:
    """Return missing numbers as text: the first of them, and how many there are.

    >>> rows_text([3]), rows_text([1, 2, 3, 4, 5, 6])
    ('row 3', '6 rows: 1, 2, 3, 4, 5, ...')
    """
    shown = ", ".join(map(str, missing[:5]))
    if len(missing) == 1:
        return f"row {shown}"
    return f"{len(missing)} rows: {shown}{', ...' if len(missing) > 5 else ''}"


def split_key(key: bytes) -> tuple[int, int] | None:
    if len(key) != 16:
        return None
    return int.from_bytes(key[:8], "big"), int.from_bytes(key[8:], "big")
