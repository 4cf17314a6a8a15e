"""Entries of raft's log. Source: hashicorp/raft-boltdb ``v2/bolt_store.go``, hashicorp/raft ``log.go``."""

from collections.abc import Iterator
from functools import cached_property
from heapq import nlargest
from itertools import islice, starmap
from typing import Any

from ...text.times import ZERO, go_time
from ...text.values import as_text
from ..codecs.integers import u64
from ..codecs.messagepack import Extension, timestamp, unpack
from ..contract import CERTAIN, LIKELY, Recognition, Store
from ..values import decoded_by, find, named, pairs, text_of, value_of
from .commands import names_of

LOGS, CONF = b"logs", b"conf"
TYPES = ["LogCommand", "LogNoop", "LogAddPeerDeprecated", "LogRemovePeerDeprecated", "LogBarrier", "LogConfiguration"]
COMMAND, CONFIGURATION = 0, 5
SUFFRAGE = ("Voter", "Nonvoter", "Staging")
_MOST = 8  # largest entries


class Entry:
    """A log entry under the index ``key``; ``sound`` False if its record can't be read."""

    def __init__(self, key: int, value: bytes) -> None:
        self.key = key
        self.size = len(value)
        found = _record(value)
        self.sound = found is not None
        self.record = record = found or {}
        self.index, self.term, self.type = (_number(record.get(name)) for name in (b"Index", b"Term", b"Type"))
        self.data, self.extensions = (_bytes(record.get(name)) for name in (b"Data", b"Extensions"))

    @property
    def first(self) -> int | None:
        """The first byte of a command's data."""
        return self.data[0] if self.type == COMMAND and self.data else None

    @property
    def appended_at(self) -> int | None:
        """Nanoseconds since 1970: raft's zero time if it never was, None where an old raft wrote no time."""
        return appended_at(self.record[b"AppendedAt"]) if b"AppendedAt" in self.record else None

    @property
    def servers(self) -> list[dict[str, str]] | None:
        """The servers of a configuration, each with ID, Address and Suffrage; None for other entries."""
        listed = (_record(self.data) or {}).get(b"Servers") if self.type == CONFIGURATION else None
        return [_server(each) for each in listed if isinstance(each, dict)] if isinstance(listed, list) else None


def type_name(number: int | None) -> str:
    return "" if number is None else str(named(TYPES, number))


def _server(record: dict[Any, Any]) -> dict[str, str]:
    return {
        "id": as_text(_bytes(record.get(b"ID"))),
        "address": as_text(_bytes(record.get(b"Address"))),
        "suffrage": str(named(SUFFRAGE, _number(record.get(b"Suffrage")) or 0)),
    }


def appended_at(value: object) -> int | None:
    """Return a time as nanoseconds since 1970; None for anything else.

    By default raft writes Go's binary time; with MsgpackUseNewTimeFormat a MessagePack timestamp (4, 8 or 12 bytes),
    also without its head, nil for the zero time.
    """
    if value is None:
        return ZERO
    if isinstance(value, Extension):
        value = value.data
    if not isinstance(value, bytes):
        return None
    moment = timestamp(value)
    return go_time(value) if moment is None else moment


def entry_of(key: bytes, value: bytes | Store) -> Entry | None:
    """Return the entry that a pair of ``logs`` is; None if its key is no index, and no number may be taken from it."""
    index = u64(key)
    return Entry(index, value) if index is not None and isinstance(value, bytes) else None


def entries(db: Store) -> Iterator[Entry]:
    """Yield all entries in the order of their indexes; other keys are left out."""
    return filter(None, starmap(entry_of, pairs(db, LOGS)))


class Log:
    """What one pass over a log finds.

    ``holes`` are the first and the last index of each, ``falling`` entries whose term is lower than one before,
    ``types`` number, bytes and largest of the entries by type and first byte of a command, ``names`` types and names
    of commands by that byte, ``largest`` sizes and indexes.
    """

    def __init__(self, db: Store) -> None:
        self.first = self.last = self.count = self.bytes = 0
        self.holes: list[tuple[int, int]] = []
        self.falling: list[int] = []
        self.mismatched: list[tuple[int, int | None]] = []
        self.unreadable: list[int] = []
        self.malformed: list[bytes] = []  # keys
        self.bad_configurations: list[int] = []
        self.servers: list[dict[str, str]] | None = None
        self.configured_at: int | None = None
        self.types: dict[tuple[int | None, int | None], tuple[int, int, int]] = {}
        self.term: int | None = None
        self.oldest: int | None = None
        self._samples: dict[int, bytes] = {}  # data of commands by their first byte, as in ``names``
        self._sizes: list[tuple[int, int]] = []
        store = find(db, LOGS)
        for key, value in store.range() if store is not None else ():
            entry = entry_of(key, value)
            if entry is None:
                self.malformed.append(key)
            else:
                self._note(entry)
        self.largest = nlargest(_MOST, self._sizes)
        conf = find(db, CONF)
        self.current, self.vote_term = (u64(value_of(conf, name)) for name in (b"CurrentTerm", b"LastVoteTerm"))
        self.candidate = text_of(conf, b"LastVoteCand")

    @cached_property
    def names(self) -> dict[int, tuple[int, str | None]]:
        """The numbers and names of commands by their first byte, as far as their data tell."""
        return names_of(self._samples)

    def _note(self, entry: Entry) -> None:
        if not self.count:
            self.first = entry.key
        elif entry.key != self.last + 1:
            self.holes.append((self.last + 1, entry.key - 1))
        self.count += 1
        self.bytes += entry.size
        self.last = entry.key
        self._sizes.append((entry.size, entry.key))
        if len(self._sizes) > 256:
            self._sizes = nlargest(_MOST, self._sizes)
        count, size, largest = self.types.get((entry.type, entry.first), (0, 0, 0))
        size, largest = size + len(entry.data), max(largest, len(entry.data))
        self.types[entry.type, entry.first] = count + 1, size, largest
        if not entry.sound:
            self.unreadable.append(entry.key)
            return
        if entry.index != entry.key:
            self.mismatched.append((entry.key, entry.index))
        if entry.term is not None:
            if self.term is not None and entry.term < self.term:
                self.falling.append(entry.key)
            self.term = entry.term
        if self.oldest is None and (entry.appended_at or 0) > 0:
            self.oldest = entry.appended_at
        if entry.type == CONFIGURATION:
            servers = entry.servers
            if servers is None:
                self.bad_configurations.append(entry.key)
            else:
                self.servers, self.configured_at = servers, entry.key
        if entry.first is not None:
            self._samples.setdefault(entry.first, entry.data)


def recognise(db: Store) -> Recognition | None:
    """Say whether ``db`` is raft's log: its two buckets, and the first entry or the terms."""
    logs, conf = find(db, LOGS), find(db, CONF)
    if logs is None or conf is None:
        return None
    has_term = u64(conf.get(b"CurrentTerm")) is not None
    if next(logs.range(), None) is None:
        return Recognition("raft-boltdb", "no entries", LIKELY) if has_term else None
    # The first and the last entry near that end: damage may have put other keys beside them.
    first, last = (
        next(filter(None, starmap(entry_of, islice(logs.range(reverse=reverse), 64))), None)
        for reverse in (False, True)
    )
    if first is None:
        return None
    if first.index is None or first.term is None:
        return Recognition("raft-boltdb", "unknown records", LIKELY) if has_term else None
    time = (last or first).record.get(b"AppendedAt", b"")
    if time is None or isinstance(time, Extension) or timestamp(_bytes(time)) is not None:
        layout = "MessagePack timestamps"
    else:
        layout = "Go times" if time else "without times"
    return Recognition("raft-boltdb", layout, CERTAIN)


def _record(value: bytes) -> dict[Any, Any] | None:
    found = decoded_by(value, unpack)
    return found if isinstance(found, dict) else None


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else b""
