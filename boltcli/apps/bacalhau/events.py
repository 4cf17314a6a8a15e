"""The event store of 1.5.0 and newer: what is in it, and where it deviates from the records."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from ..contract import ERROR, INFO, WARNING, Store
from ..rules import Deviation, Rule
from ..values import find
from .executions import Execution
from .records import MOST_GAPS, Reader, Record, number, part, rows_text, split_key, text

# fmt: off
_RESTART = "Restart the node, so that its watchers read all records."
MISSING = Rule("events", WARNING, "The event store lacks {rows}: only the oldest events are ever collected.", _RESTART)
LOST = Rule("events", WARNING, "The last event is {last}, but {sequence} were written: the newest ones are lost.",
            _RESTART)
DIFFERS = Rule("events", WARNING, "Event {subject} names another sequence number or time than its key.",
               "Compare with a backup.")
AHEAD = Rule("events", ERROR, "Watcher {subject} has its checkpoint at {seq}, beyond the last event ({end}): it will"
             " miss the events until then.", "Stop the node and delete the checkpoint.")
BEHIND = Rule("events", INFO, "Watcher {subject} is {lag} events behind, at {seq}.",
              "None: it catches up when the node runs.")
REVISION = Rule("events", WARNING, "The record of execution {subject} has revision {revision}, its last event"
                " {revision_in_last_event}.", "Compare both with a backup: one of them was lost or changed.")
NO_REVISION = replace(REVISION, message="The record of execution {subject} has no revision, its last event"
                      " {revision_in_last_event}.")
ALONE = Rule("events", INFO, "There are events of execution {subject}, which no longer exists.",
             "None: it was deleted.")
# fmt: on


class Events:
    """The events in ``store``, which is ``bucket``, and the positions of the watchers of it.

    ``differ`` are the numbers of those whose key and value don't agree, ``upserts`` the executions of ExecutionUpsert
    events with the revision in the last. A watcher that has seen everything has come to ``head``.
    """

    def __init__(self, reader: Reader, store: Store, bucket: bytes, checkpoints: dict[str, int | None]) -> None:
        self.bucket = bucket
        self.sequence = store.sequence
        self.checkpoints = checkpoints
        self.first: int | None = None
        self.last: int | None = None
        self.missing: list[int] = []
        self.differ: list[int] = []
        self.kinds: Counter[str] = Counter()
        self.executions: set[str] = set()
        self.upserts: dict[str, int | None] = {}
        for key, record, _ in reader.records(store, (bucket,)):
            self._add(key, record)
        self.head = self.sequence if self.last is None else self.last

    def _add(self, key: bytes, record: Record) -> None:
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
        seq = parts[0]
        if self.last is None:
            self.first = seq
        else:
            room = max(MOST_GAPS - len(self.missing), 0)
            self.missing.extend(range(self.last + 1, min(seq, self.last + 1 + room)))
        self.last = seq
        if record and (number(record, "seqNum"), number(record, "timestamp")) != parts:
            self.differ.append(seq)

    def _gone(self, there: Mapping[str, Execution]) -> list[str]:
        return sorted(self.executions - there.keys())

    def _disagreeing(self, there: Mapping[str, Execution]) -> list[dict[str, Any]]:
        return [
            {"execution": id, "revision": there[id].revision, "revision_in_last_event": revision}
            for id, revision in sorted(self.upserts.items())
            if id in there and revision is not None and there[id].revision != revision
        ]

    def deviations(self, there: Mapping[str, Execution]) -> Iterator[Deviation]:
        """Yield where the events deviate from what should be in them, and from the executions that are ``there``."""
        at = (self.bucket,)
        if self.missing:
            yield MISSING.at(at, None, "missing_seqs", rows=rows_text(self.missing))
        if self.last is not None and self.last < self.sequence:
            yield LOST.at(at, None, "last_seq", last=self.last, sequence=self.sequence)
        for seq in self.differ:
            yield DIFFERS.at(at, None, str(seq))
        for watcher, position in self.checkpoints.items():
            if position is not None and position > self.head:
                yield AHEAD.at(at, None, watcher, seq=position, end=max(self.last or 0, self.sequence))
            elif position is not None and position < self.head:
                yield BEHIND.at(at, None, watcher, seq=position, lag=self.head - position)
        for found in self._disagreeing(there):
            yield (NO_REVISION if found["revision"] is None else REVISION).at(at, None, found["execution"], **found)
        for id in self._gone(there):
            yield ALONE.at(at, None, id)

    def answers(self, there: Mapping[str, Execution]) -> dict[str, Any]:
        """Return the answers on events; ``there`` are the executions that have a record."""
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
            "executions_in_events_without_record": self._gone(there),
            "first_seq": self.first,
            "key_and_value_seq_differ": self.differ,
            "last_seq": self.last,
            "missing_seqs": self.missing,
            "record_revision_differs_from_last_event": self._disagreeing(there),
        }


def read_events(reader: Reader, db: Store, bucket: bytes, checkpoints: bytes) -> Events | None:
    """Read the event store in the buckets of those names; None if there is none."""
    store = find(db, bucket)
    return None if store is None else Events(reader, store, bucket, reader.positions(db, checkpoints))


def subject_of(record: Record) -> tuple[str, Record]:
    """Return the id of the execution or evaluation that an event is about, and the record of it in the event."""
    found = part(record, "object")
    current = part(found, "Current") or part(found, "Previous")
    if current:
        return text(current, "ID"), current
    return text(found, "ID") or text(found, "ExecutionID"), found
