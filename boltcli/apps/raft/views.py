"""Raft's log as tables."""

from __future__ import annotations

from ..contract import View
from ..values import columns
from .commands import names_of, type_text
from .log import COMMAND, conf, ends, entries, gaps, type_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ..store import Store

    Row = tuple[Any, ...]


def status(db: Store) -> Iterator[Row]:
    first, last = ends(db)
    current, vote, candidate = conf(db)
    count = size = 0
    term = None

    def indexes() -> Iterator[int]:
        nonlocal count, size, term
        for entry in entries(db):
            count += 1
            size += entry.size
            term = entry.term
            yield entry.key

    holes = [list(hole) for hole in gaps(indexes())]
    yield first, last, count, size, current, term, vote, candidate, holes


def logs(db: Store) -> Iterator[Row]:
    for entry in entries(db):
        yield (
            entry.key, entry.term, entry.type_name if entry.sound else None, entry.appended_at, len(entry.data),
            entry.data, entry.extensions, entry.servers,
        )  # fmt: skip


def servers(db: Store) -> Iterator[Row]:
    newest = None
    for entry in entries(db):
        if entry.servers is not None:
            newest = entry
    for each in newest.servers or () if newest is not None else ():
        yield each["id"], each["address"], each["suffrage"], newest.key if newest is not None else None


def types(db: Store) -> Iterator[Row]:
    found: dict[tuple[int | None, int | None], list[int]] = {}
    samples: dict[int, bytes] = {}
    for entry in entries(db):
        kind = entry.type, entry.data[0] if entry.type == COMMAND and entry.data else None
        row = found.setdefault(kind, [0, 0, 0])
        row[0] += 1
        row[1] += len(entry.data)
        row[2] = max(row[2], len(entry.data))
        if kind[1] is not None:
            samples.setdefault(kind[1], entry.data)
    names = names_of(samples)
    for type_, first in sorted(found, key=lambda each: (each[0] or 0, -1 if each[1] is None else each[1])):
        count, size, largest = found[type_, first]
        number, name = names.get(first, (None, None)) if first is not None else (None, None)
        yield (
            type_name(type_), first, None if first is None else type_text(first, None), count, size, largest, number,
            name, None if number is None else first != number,
        )  # fmt: skip


VIEWS = (
    View("status", columns(
        "first_index:integer last_index:integer entries:integer bytes:integer CurrentTerm:integer "
        "last_log_term:integer LastVoteTerm:integer LastVoteCand gaps:json"
    ), status, "Where the log stands; gaps are the first and last index of each hole"),
    View("logs", columns(
        "index:integer term:integer type appended_at:time size:integer data:bytes extensions:bytes servers:json"
    ), logs, "Entries, in order; servers where they are a configuration"),
    View("servers", columns("id address suffrage index:integer"), servers,
         "Servers by the newest configuration in the log"),
    View("types", columns(
        "type first_byte:integer shown count:integer bytes:integer largest:integer command:integer name "
        "ignorable:boolean"
    ), types,
         "Entries by type; commands by the first byte of their data, with what Consul or Nomad call it"),
)  # fmt: skip
