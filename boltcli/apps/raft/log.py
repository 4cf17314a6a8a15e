"""Entries of raft's log. Source: hashicorp/raft-boltdb ``v2/bolt_store.go``, hashicorp/raft ``log.go``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from ...text.times import ZERO, go_time
from ...text.values import as_text
from ..codecs.integers import u64
from ..codecs.messagepack import Extension, timestamp, unpack
from ..contract import CERTAIN, LIKELY, Recognition, Store
from ..values import find, pairs_at, text_of

LOGS, CONF = b"logs", b"conf"
TYPES = ["LogCommand", "LogNoop", "LogAddPeerDeprecated", "LogRemovePeerDeprecated", "LogBarrier", "LogConfiguration"]
COMMAND, CONFIGURATION = 0, 5
SUFFRAGE = ("Voter", "Nonvoter", "Staging")
_NEAR = 64  # keys at either end that are looked at


class Entry:
    """A log entry under the index ``key``; ``sound`` False if its record can't be read.

    ``appended_at`` is in nanoseconds since 1970: raft's zero time for entries
    that were never appended, None where an old raft wrote no time.
    """

    def __init__(self, key: int, value: bytes) -> None:
        self.key = key
        self.size = len(value)
        record = _record(value)
        self.sound = record is not None
        record = record or {}
        self.index, self.term, self.type = (_number(record.get(name)) for name in (b"Index", b"Term", b"Type"))
        self.data, self.extensions = (_bytes(record.get(name)) for name in (b"Data", b"Extensions"))
        self.appended_at = appended_at(record[b"AppendedAt"]) if b"AppendedAt" in record else None

    @property
    def type_name(self) -> str:
        """The type as raft names it; an unknown one is its number."""
        return type_name(self.type)

    @property
    def servers(self) -> list[dict[str, str]] | None:
        """The servers of a configuration, each with ID, Address and Suffrage; None for other entries."""
        return servers(self.data) if self.type == CONFIGURATION else None


def type_name(number: int | None) -> str:
    """Return the type as raft names it."""
    if number is None:
        return ""
    return TYPES[number] if 0 <= number < len(TYPES) else str(number)


def servers(data: bytes) -> list[dict[str, str]] | None:
    """Return the servers in a configuration's data, or None if that can't be read."""
    record = _record(data)
    found = None if record is None else record.get(b"Servers")
    if not isinstance(found, list):
        return None
    return [_server(each) for each in found if isinstance(each, dict)]


def _server(record: dict[Any, Any]) -> dict[str, str]:
    suffrage = _number(record.get(b"Suffrage")) or 0
    return {
        "id": as_text(_bytes(record.get(b"ID"))),
        "address": as_text(_bytes(record.get(b"Address"))),
        "suffrage": SUFFRAGE[suffrage] if 0 <= suffrage < len(SUFFRAGE) else str(suffrage),
    }


def appended_at(value: object) -> int | None:
    """Return a time in any of the forms that raft has written, as nanoseconds since 1970; None for anything else.

    By default Go's binary time; with MsgpackUseNewTimeFormat a MessagePack
    timestamp (4, 8 or 12 bytes), also without its head, nil for the zero time.
    """
    if value is None:
        return ZERO
    if isinstance(value, Extension):
        value = value.data
    if not isinstance(value, bytes):
        return None
    moment = timestamp(value)
    return go_time(value) if moment is None else moment


def entries(db: Store) -> Iterator[Entry]:
    """Yield all entries in the order of their indexes; other keys are left out."""
    for key, value in pairs_at(db, LOGS):
        index = u64(key)
        if index is not None:
            yield Entry(index, value)


def conf(db: Store) -> tuple[int | None, int | None, str | None]:
    """Return CurrentTerm, LastVoteTerm and LastVoteCand."""
    store = find(db, CONF)
    if store is None:
        return None, None, None
    return u64(store.get(b"CurrentTerm")), u64(store.get(b"LastVoteTerm")), text_of(store, b"LastVoteCand")


def ends(db: Store) -> tuple[int, int]:
    """Return the first and the last index; 0 and 0 for an empty log, as raft has it."""
    store = find(db, LOGS)
    if store is None:
        return 0, 0
    first, last = (
        next((u64(key) or 0 for key, value in store.range(reverse=reverse) if is_index(key, value)), 0)
        for reverse in (False, True)
    )
    return first, last


def is_index(key: bytes, value: object) -> bool:
    """Say whether a pair of ``logs`` is an entry by its key; no number may be taken from another."""
    return u64(key) is not None and isinstance(value, bytes)


def malformed_keys(db: Store) -> list[bytes]:
    """Return the keys of ``logs`` that are no index."""
    store = find(db, LOGS)
    return [key for key, value in store.range() if not is_index(key, value)] if store is not None else []


def gaps(indexes: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Yield first and last index of each hole.

    >>> list(gaps([3, 4, 7, 8, 10]))
    [(5, 6), (9, 9)]
    """
    previous = None
    for index in indexes:
        if previous is not None and index != previous + 1:
            yield previous + 1, index - 1
        previous = index


def recognise(db: Store) -> Recognition | None:
    """Say whether ``db`` is raft's log: its two buckets, and the first entry or the terms."""
    logs, terms = find(db, LOGS), conf(db)
    if logs is None or find(db, CONF) is None:
        return None
    if next(logs.range(), None) is None:
        return None if terms[0] is None else Recognition("raft-boltdb", "no entries", LIKELY)
    first = _near(logs, reverse=False)
    index = None if first is None else u64(first[0])
    if first is None or index is None:
        return None
    entry = Entry(index, first[1])
    if entry.index is None or entry.term is None:
        return Recognition("raft-boltdb", "unknown records", LIKELY) if terms[0] is not None else None
    last = _near(logs, reverse=True) or first
    record = _record(last[1])
    time = (record or {}).get(b"AppendedAt", b"")
    new = time is None or isinstance(time, Extension) or (isinstance(time, bytes) and timestamp(time) is not None)
    layout = "MessagePack timestamps" if new else "Go times" if b"AppendedAt" in (record or {}) else "without times"
    return Recognition("raft-boltdb", layout, CERTAIN)


def _near(logs: Store, *, reverse: bool) -> tuple[bytes, bytes] | None:
    """Return the first or the last entry, if it is near that end: damage may have put other keys beside them."""
    for key, value in islice(logs.range(reverse=reverse), _NEAR):
        if is_index(key, value) and isinstance(value, bytes):
            return key, value
    return None


def _record(value: bytes) -> dict[Any, Any] | None:
    try:
        found = unpack(value)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else b""
