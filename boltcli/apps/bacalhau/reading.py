"""Reading what both stores have in common, each bucket once: records, and the numbered rows of a history."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from ...text.json import load_record
from ..codecs.integers import u64
from ..contract import Path, Store
from ..meter import Meter
from ..values import find
from .records import Record, name

_WORD = 8  # bytes of a sequence number, and of a time
MOST_GAPS = 100_000  # missing numbers that are listed: a false counter or key must make no list without end


class Reader:
    """Reads pairs and records, counting them on ``meter``; ``undecodable`` are the values that are no JSON objects."""

    def __init__(self, meter: Meter) -> None:
        self.meter = meter
        self.undecodable: list[tuple[Path, bytes]] = []

    def buckets(self, db: Store, bucket: bytes) -> Iterator[tuple[bytes, Store]]:
        """Yield the buckets in a top-level bucket."""
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
        """Return the record of a pair; an empty one where it is none."""
        found = load_record(value)
        if found is None:
            self.undecodable.append((path, key))
        return found or {}

    def positions(self, db: Store, bucket: bytes) -> dict[str, int | None]:
        """Return each watcher's position, or the sequence numbers of whatever else the bucket tracks."""
        return {name(key): u64(value) for key, value in self.pairs(find(db, bucket), (bucket,))}


@dataclass(slots=True)
class History:
    """The rows of a history: how many, how many of them are numbered, their bytes, and the numbers that are missing.

    ``whole``: each state follows from the one before; ``end`` is the last new state.
    """

    rows: int
    numbered: int
    size: int
    missing: list[int]
    whole: bool
    end: Any

    @classmethod
    def of(cls, rows: list[tuple[bytes, Record, int]], sequence: int) -> History:
        """Return what the ``rows`` of a bucket with that ``sequence`` are: key, record and bytes of each."""
        seen = [number for key, _, _ in rows if (number := row_number(key)) is not None]
        have = set(seen)
        records = [record for _, record, _ in rows]
        return cls(
            len(rows),
            len(seen),
            sum(size for _, _, size in rows),
            [wanted for wanted in range(1, min(sequence, len(seen) + MOST_GAPS) + 1) if wanted not in have],
            all(after.get("PreviousState") == before.get("NewState") for before, after in pairwise(records)),
            records[-1].get("NewState") if records else None,
        )


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
    """Return the sequence number and the nanoseconds of an event's key, or None if it isn't one."""
    if len(key) != 2 * _WORD:
        return None
    return int.from_bytes(key[:_WORD], "big"), int.from_bytes(key[_WORD:], "big")
