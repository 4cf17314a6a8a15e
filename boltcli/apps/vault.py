"""Vault's integrated storage (vault.db): what paths there are and what they take, never what is in them.

Source: hashicorp/vault ``physical/raft/fsm.go`` (buckets data and config) and ``types.proto``.
"""

from itertools import groupby

from ..text.values import as_text, text_or_bytes
from .codecs.wire import Message, one_of
from .contract import CERTAIN, LIKELY, Codec, Pattern, Plain, Recognition, Store
from .values import find, key_parts, pairs, prefix_of, value_of
from .views import Rows, view

_DATA, _CONFIG = b"data", b"config"
_INDEXES, _SERVERS = b"latest_indexes", b"latest_config"
_SUFFRAGE = one_of({0: "Voter", 1: "Nonvoter", 2: "Staging"})
_DEPTH = "2"


@view(
    "The last applied entry of the raft log, and the numbers of paths and bytes",
    "index:integer term:integer paths:integer bytes:integer",
)
def status(db: Store) -> Rows:
    found = value_of(db, _CONFIG, _INDEXES)
    indexes = Message(found)
    sizes = [len(key) + len(value) for key, value in pairs(db, _DATA)]
    index, term = (None, None) if found is None else (indexes.unsigned(2), indexes.unsigned(1))
    yield index, term, len(sizes), sum(sizes)


@view("Servers of the raft cluster", "id address suffrage index:integer")
def servers(db: Store) -> Rows:
    found = Message(value_of(db, _CONFIG, _SERVERS))
    for server in map(Message, found.all_bytes(2)):
        yield server.text(2), server.text(3), _SUFFRAGE(server, 1), found.unsigned(1)


@view(
    "Paths by prefix, with counts and bytes",
    "prefix count:integer bytes:integer key_bytes:integer value_bytes:integer",
    options={"depth": f"how many parts of a path make a prefix; {_DEPTH}"},
)
def paths(db: Store, depth: str = _DEPTH) -> Rows:
    parts = key_parts(depth, "path")
    for name, group in groupby(pairs(db, _DATA), lambda pair: prefix_of(pair[0], parts)):
        count = key_bytes = value_bytes = 0
        for key, value in group:
            count += 1
            key_bytes += len(key)
            value_bytes += len(value)
        yield as_text(name), count, key_bytes + value_bytes, key_bytes, value_bytes


def _config_value(key: bytes, value: bytes) -> Plain:
    message = Message(value)
    if key == _INDEXES and message.sound:
        return {"index": message.unsigned(2), "term": message.unsigned(1)}
    return value


CODECS: dict[Pattern, Codec] = {
    (_DATA,): Codec(text_or_bytes, lambda key, value: {"bytes": len(value)}),
    (_CONFIG,): Codec(text_or_bytes, _config_value),
}
VIEWS = (status, paths, servers)


def recognise(db: Store) -> Recognition | None:
    """Say whether ``db`` is Vault's storage: by the index that it keeps, and by paths that are always there."""
    data, config = find(db, _DATA), find(db, _CONFIG)
    if data is None or config is None:
        return None
    sure = value_of(config, _INDEXES) is not None
    known = any(next(data.prefix(root), None) is not None for root in (b"core/", b"sys/", b"logical/"))
    if not sure and not known:
        return None
    return Recognition("vault", "integrated storage", CERTAIN if sure and known else LIKELY)
