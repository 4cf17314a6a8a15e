"""The event store: what happened, in the order of its own counter, and how far each watcher has come."""

from __future__ import annotations

from ..json_values import load_record
from ..store import find
from .records import name, number, part, text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ..meter import Meter
    from ..store import Store
    from .records import Record

_WORD = 8  # bytes of a sequence number, and of a time


class Events:
    """What an audit needs of an event store.

    ``executions`` are those that events are about, ``upserts`` maps the ones of
    ExecutionUpsert events to the revision in the last; ``differ`` are the
    sequence numbers of events whose key and value don't agree; ``first_at`` and
    ``last_at`` are nanoseconds.
    """

    __slots__ = (
        "checkpoints", "count", "differ", "executions", "first", "first_at", "kinds", "last", "last_at", "missing",
        "odd_keys", "sequence", "undecodable", "upserts",
    )  # fmt: skip

    def __init__(self) -> None:
        self.sequence = 0
        self.count = 0
        self.first: int | None = None
        self.last: int | None = None
        self.first_at: int | None = None
        self.last_at: int | None = None
        self.missing: list[int] = []
        self.differ: list[int] = []
        self.odd_keys: list[bytes] = []
        self.kinds: dict[str, int] = {}
        self.executions: set[str] = set()
        self.upserts: dict[str, int | None] = {}
        self.checkpoints: dict[str, int | None] = {}
        self.undecodable: list[bytes] = []

    @property
    def head(self) -> int:
        """The sequence number that a watcher which has seen everything has come to."""
        return self.sequence if self.last is None else self.last

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
            "count": self.count,
            "executions_in_events_without_record": sorted(self.executions - revisions.keys()),
            "first_seq": self.first,
            "key_and_value_seq_differ": self.differ,
            "last_seq": self.last,
            "missing_seqs": self.missing,
            "record_revision_differs_from_last_event": [
                {
                    "execution": execution,
                    "revision": revisions[execution],
                    "revision_in_last_event": revision,
                }
                for execution, revision in sorted(self.upserts.items())
                if execution in revisions and revision is not None and revisions[execution] != revision
            ],
        }


def split_key(key: bytes) -> tuple[int, int] | None:
    """Return the sequence number and the nanoseconds of an event's key, or None if it isn't one."""
    if len(key) != 2 * _WORD:
        return None
    return int.from_bytes(key[:_WORD], "big"), int.from_bytes(key[_WORD:], "big")


def read_events(db: Store, meter: Meter, events: bytes, checkpoints: bytes) -> Events | None:
    """Read the event store in the buckets of those names; None if there is none."""
    store = find(db, events)
    if store is None:
        return None
    found = Events()
    found.sequence = store.sequence
    for key, value in meter.read(store, (events,)):
        if isinstance(value, bytes):
            _add(found, key, value)
        else:
            meter.count(value, (events, key))
    found.checkpoints = read_checkpoints(db, meter, checkpoints)
    return found


def read_checkpoints(db: Store, meter: Meter, bucket: bytes) -> dict[str, int | None]:
    """Return each watcher's position, or the sequence numbers of whatever else the bucket tracks."""
    store = find(db, bucket)
    if store is None:
        return {}
    return {
        name(key): int.from_bytes(value, "big") if isinstance(value, bytes) and len(value) == _WORD else None
        for key, value in meter.read(store, (bucket,))
    }


def subject_of(record: Record) -> tuple[str, Record]:
    """Return the id of the execution or evaluation that an event is about, and the record of it in the event."""
    found = part(record, "object")
    current = part(found, "Current") or part(found, "Previous")
    if current:
        return text(current, "ID"), current
    return text(found, "ID") or text(found, "ExecutionID"), found


def event_records(store: Store) -> Iterator[tuple[bytes, bytes, Record | None]]:
    """Yield key, value and record of each event."""
    for key, value in store.range():
        if isinstance(value, bytes):
            yield key, value, load_record(value)


def _add(found: Events, key: bytes, value: bytes) -> None:
    found.count += 1
    record = load_record(value)
    if record is None:
        found.undecodable.append(key)
        record = {}
    kind = f"{text(record, 'operation')} {text(record, 'objectType')}"
    found.kinds[kind] = found.kinds.get(kind, 0) + 1
    if record.get("objectType") in ("ExecutionUpsert", "LocalStateHistory"):
        execution, current = subject_of(record)
        if execution:
            found.executions.add(execution)
            if record["objectType"] == "ExecutionUpsert":
                found.upserts[execution] = number(current, "Revision")
    parts = split_key(key)
    if parts is None:
        found.odd_keys.append(key)
        return
    seq, at = parts
    if found.last is None:
        found.first, found.first_at = seq, at
    elif seq > found.last + 1:
        _miss(found.missing, found.last + 1, seq)
    found.last, found.last_at = seq, at
    if record and (number(record, "seqNum") != seq or number(record, "timestamp") != at):
        found.differ.append(seq)


_MOST_MISSING = 100_000


def _miss(missing: list[int], start: int, stop: int) -> None:
    """Add the numbers from ``start`` to before ``stop``; a false key must not make a list without end."""
    missing.extend(range(start, min(stop, start + max(_MOST_MISSING - len(missing), 0))))
