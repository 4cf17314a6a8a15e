"""Raft's log as tables."""

from ..contract import Store
from ..views import Rows, view
from .commands import type_text
from .log import Log, entries, type_name


@view(
    "State of the log; gaps are the first and last index of each hole",
    "first_index:integer last_index:integer entries:integer bytes:integer current_term:integer last_log_term:integer "
    "last_vote_term:integer last_vote_candidate gaps:json",
)
def status(db: Store) -> Rows:
    log = Log(db)
    holes = [*map(list, log.holes)]
    yield log.first, log.last, log.count, log.bytes, log.current, log.term, log.vote_term, log.candidate, holes


@view(
    "Entries, in order; servers where they are a configuration",
    "index:integer term:integer type appended_at:time size:integer data:bytes extensions:bytes servers:json",
)
def logs(db: Store) -> Rows:
    for each in entries(db):
        kind = type_name(each.type) if each.sound else None
        yield each.key, each.term, kind, each.appended_at, len(each.data), each.data, each.extensions, each.servers


@view("Servers by the newest configuration in the log", "id address suffrage index:integer")
def servers(db: Store) -> Rows:
    log = Log(db)
    for each in log.servers or ():
        yield each | {"index": log.configured_at}


@view(
    "Entries by type; commands by the first byte of their data, with the names that Consul or Nomad give them",
    "type first_byte:integer shown count:integer bytes:integer largest:integer command:integer name ignorable:boolean",
)
def types(db: Store) -> Rows:
    log = Log(db)
    for kind, first in sorted(log.types, key=lambda each: (each[0] or 0, -1 if each[1] is None else each[1])):
        shown, number, name = None, None, None
        if first is not None:
            shown, (number, name) = type_text(first, None), log.names.get(first, (None, None))
        yield (type_name(kind), first, shown, *log.types[kind, first], number, name,
            None if number is None else first != number)  # fmt: skip


VIEWS = (status, logs, servers, types)
