"""Raft's log as tables."""

from __future__ import annotations

from ..contract import Store
from ..views import Rows, view
from .commands import names_of, type_text
from .log import COMMAND, conf, ends, entries, gaps, type_name


@view(
    "Where the log stands; gaps are the first and last index of each hole",
    "first_index:integer last_index:integer entries:integer bytes:integer current_term:integer last_log_term:integer "
    "last_vote_term:integer last_vote_candidate gaps:json",
)
def status(db: Store) -> Rows:
    indexes = []
    size, term = 0, None
    for entry in entries(db):
        indexes.append(entry.key)
        size += entry.size
        term = entry.term
    first, last = ends(db)
    current, vote, candidate = conf(db)
    yield first, last, len(indexes), size, current, term, vote, candidate, [list(hole) for hole in gaps(indexes)]


@view(
    "Entries, in order; servers where they are a configuration",
    "index:integer term:integer type appended_at:time size:integer data:bytes extensions:bytes servers:json",
)
def logs(db: Store) -> Rows:
    for entry in entries(db):
        yield {
            "index": entry.key,
            "term": entry.term,
            "type": entry.type_name if entry.sound else None,
            "appended_at": entry.appended_at,
            "size": len(entry.data),
            "data": entry.data,
            "extensions": entry.extensions,
            "servers": entry.servers,
        }


@view("Servers by the newest configuration in the log", "id address suffrage index:integer")
def servers(db: Store) -> Rows:
    newest, index = None, 0
    for entry in entries(db):
        if entry.servers is not None:
            newest, index = entry.servers, entry.key
    for each in newest or ():
        yield each | {"index": index}


@view(
    "Entries by type; commands by the first byte of their data, with what Consul or Nomad call it",
    "type first_byte:integer shown count:integer bytes:integer largest:integer command:integer name ignorable:boolean",
)
def types(db: Store) -> Rows:
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
        yield {
            "type": type_name(type_),
            "first_byte": first,
            "shown": None if first is None else type_text(first, None),
            "count": count,
            "bytes": size,
            "largest": largest,
            "command": number,
            "name": name,
            "ignorable": None if number is None else first != number,
        }


VIEWS = (status, logs, servers, types)
