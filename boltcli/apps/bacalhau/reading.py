"""Reading what both stores have in common, each bucket once: records, numbered rows of a history, the event store."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ...text.json import load_record
from ..values import find
from .records import name, number, part, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..contract import Path, Store
    from ..meter import Meter
    from .records import Record

_WORD = 8  # bytes of a sequence number, and of a time
_MOST_GAPS = 100_000  # missing numbers that are listed: a false counter or key must make no list without end


class Reader:
    """Reads pairs and records, counting them on ``meter``; ``undecodable`` are the values that are no JSON objects."""

    def __init__(self, meter: Meter) -> None:
        self.meter = meter
        self.undecodable: list[tuple[Path, bytes]] = []

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
            return {}
        return found

    def positions(self, db: Store, bucket: bytes) -> dict[str, int | None]:
        """Return each watcher's position, or the sequence numbers of whatever else the bucket tracks."""
        return {
            name(key): int.from_bytes(value, "big") if len(value) == _WORD else None
            for key, value in self.pairs(find(db, bucket), (bucket,))
        }


@dataclass(slots=True)
class History:
    """The rows of a history: how many, how many of them are numbered, their bytes, and the numbers that are missing.

    ``whole``: each state follows from the one before; ``end`` is the last new state.
    """

    rows: int = 0
    numbered: int = 0
    bytes: int = 0
    missing: list[int] = field(default_factory=list)
    whole: bool = True
    end: Any = None

    def read(self, reader: Reader, store: Store, path: Path) -> Iterator[Record]:
        """Yield the rows as they are counted."""
        seen: list[int] = []
        for key, record, size in reader.records(store, path):
            self.whole = self.whole and (not self.rows or record.get("PreviousState") == self.end)
            self.end = record.get("NewState")
            self.rows += 1
            self.bytes += size
            seq = row_number(key)
            if seq is not None:
                seen.append(seq)
            yield record
        self.numbered = len(seen)
        self.missing = _gaps(seen, store.sequence)


def row_number(key: bytes) -> int | None:
    """Return the number of a history row: its key is decimal digits, or since 1.5.0 a big-endian number of 8 bytes."""
    if len(key) == _WORD and not key.isdigit():
        return int.from_bytes(key, "big")
    return int(key) if key.isdigit() and len(key) <= 20 else None


def _gaps(seen: list[int], sequence: int) -> list[int]:
    """Return the numbers from 1 to ``sequence`` that aren't in ``seen``."""
    if len(seen) == sequence and (not seen or seen[-1] == sequence):
        return []
    have = set(seen)
    return [wanted for wanted in range(1, min(sequence, len(seen) + _MOST_GAPS) + 1) if wanted not in have]


class Events:
    """What an audit needs of an event store.

    ``executions`` are those that events are about, ``upserts`` maps the ones of
    ExecutionUpsert events to the revision in the last.
    """

    def __init__(self, sequence: int = 0) -> None:
        self.sequence = sequence
        self.first: int | None = None
        self.last: int | None = None
        self.missing: list[int] = []
        self.differ: list[int] = []  # whose key and value don't agree
        self.kinds: Counter[str] = Counter()
        self.executions: set[str] = set()
        self.upserts: dict[str, int | None] = {}
        self.checkpoints: dict[str, int | None] = {}

    @property
    def head(self) -> int:
        """The sequence number that a watcher which has seen everything has come to."""
        return self.sequence if self.last is None else self.last

    def add(self, key: bytes, record: Record) -> None:
        """Take in an event."""
        kind = text(record, "objectType")
        self.kinds[f"{text(record, 'operation')} {kind}"] += 1
        execution, current = subject_of(record)
        if execution and kind in ("ExecutionUpsert", "LocalStateHistory"):
            self.executions.add(execution)
            if kind == "ExecutionUpsert":
                self.upserts[execution] = number(current, "Revision")
        parts = split_key(key)
        if parts is None:
            return
        seq, at = parts
        if self.last is None:
            self.first = seq
        else:
            room = max(_MOST_GAPS - len(self.missing), 0)
            self.missing.extend(range(self.last + 1, min(seq, self.last + 1 + room)))
        self.last = seq
        if record and (number(record, "seqNum") != seq or number(record, "timestamp") != at):
            self.differ.append(seq)

    def gone(self, revisions: dict[str, int | None]) -> list[str]:
        """Return the executions that events tell of and that have no record; ``revisions`` are those of the records."""
        return sorted(self.executions - revisions.keys())

    def disagreeing(self, revisions: dict[str, int | None]) -> list[dict[str, Any]]:
        """Return the executions whose record has another revision than their last event."""
        return [
            {"execution": id, "revision": revisions[id], "revision_in_last_event": revision}
            for id, revision in sorted(self.upserts.items())
            if id in revisions and revision is not None and revisions[id] != revision
        ]

    def answers(self, revisions: dict[str, int | None]) -> dict[str, Any]:
        """Return the answers on events; ``revisions`` are those of the records, by execution."""
        return {
            "bucket_sequence": self.sequence,
            "by_operation_and_type": dict(sorted(self.kinds.items())),
            "checkpoints": {
                watcher: {
                    "ahead_of_last_event": seq is not None and seq > self.head,
                    "lag": None if seq is None else self.head - seq,
                    "seq": seq,
                }
                for watcher, seq in self.checkpoints.items()
            },
            "count": self.kinds.total(),
            "executions_in_events_without_record": self.gone(revisions),
            "first_seq": self.first,
            "key_and_value_seq_differ": self.differ,
            "last_seq": self.last,
            "missing_seqs": self.missing,
            "record_revision_differs_from_last_event": self.disagreeing(revisions),
        }


def read_events(reader: Reader, db: Store, events: bytes, checkpoints: bytes) -> Events | None:
    """Read the event store in the buckets of those names; None if there is none."""
    store = find(db, events)
    if store is None:
        return None
    found = Events(store.sequence)
    for key, record, _ in reader.records(store, (events,)):
        found.add(key, record)
    found.checkpoints = reader.positions(db, checkpoints)
    return found


def split_key(key: bytes) -> tuple[int, int] | None:
    """Return the sequence number and the nanoseconds of an event's key, or None if it isn't one."""
    if len(key) != 2 * _WORD:
        return None
    return int.from_bytes(key[:_WORD], "big"), int.from_bytes(key[_WORD:], "big")


def subject_of(record: Record) -> tuple[str, Record]:
    """Return the id of the execution or evaluation that an event is about, and the record of it in the event."""
    found = part(record, "object")
    current = part(found, "Current") or part(found, "Previous")
    if current:
        return text(current, "ID"), current
    return text(found, "ID") or text(found, "ExecutionID"), found
