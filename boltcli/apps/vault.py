"""Vault's integrated storage (vault.db): what paths there are and what they take, never what is in them.

Source: hashicorp/vault ``physical/raft/fsm.go`` (buckets data and config) and ``types.proto``.
"""

from __future__ import annotations

from ..errors import ArgumentError
from .codecs.wire import Message
from .contract import CERTAIN, LIKELY, Application, Codec, Recognition, View
from .store import find
from .values import as_text, columns, pairs_at, text_or_bytes, value_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from .contract import Pattern, Plain
    from .store import Store

_DATA, _CONFIG = b"data", b"config"
_INDEXES, _SERVERS = b"latest_indexes", b"latest_config"
_ROOTS = (b"core/", b"sys/", b"logical/", b"auth/", b"audit/", b"wal/")
_SUFFRAGE = ("Voter", "Nonvoter", "Staging")
_DEPTH = 2


def _status(db: Store) -> Iterator[tuple[Any, ...]]:
    config = find(db, _CONFIG)
    found = None if config is None else value_of(config, _INDEXES)
    indexes = None if found is None else Message(found)
    count = size = 0
    for key, value in pairs_at(db, _DATA):
        count += 1
        size += len(key) + len(value)
    yield (
        None if indexes is None else indexes.unsigned(2), None if indexes is None else indexes.unsigned(1), count, size,
    )  # fmt: skip


def _servers(db: Store) -> Iterator[tuple[Any, ...]]:
    config = find(db, _CONFIG)
    found = Message(None if config is None else config.get(_SERVERS))
    for server in map(Message, found.all_bytes(2)):
        suffrage = server.number(1)
        named = _SUFFRAGE[suffrage] if 0 <= suffrage < len(_SUFFRAGE) else str(suffrage)
        yield server.text(2), server.text(3), named, found.unsigned(1)


def _paths(db: Store, depth: str = str(_DEPTH)) -> Iterator[tuple[Any, ...]]:
    if not depth.isascii() or not depth.isdigit() or not int(depth):
        raise ArgumentError(f"depth is a number of path parts from 1 on, not {depth!r}")
    parts = int(depth)
    previous, count, key_bytes, value_bytes = None, 0, 0, 0
    for key, value in pairs_at(db, _DATA):
        # A prefix ends in / and so does not name a path that has one part more.
        pieces = key.split(b"/")
        prefix = b"/".join(pieces[:parts]) + b"/" if len(pieces) > parts else key
        if prefix != previous:
            if previous is not None:
                yield as_text(previous), count, key_bytes + value_bytes, key_bytes, value_bytes
            previous, count, key_bytes, value_bytes = prefix, 0, 0, 0
        count += 1
        key_bytes += len(key)
        value_bytes += len(value)
    if previous is not None:
        yield as_text(previous), count, key_bytes + value_bytes, key_bytes, value_bytes


def _hidden(key: bytes, value: bytes) -> Plain:
    return {"bytes": len(value)}


def _config_value(key: bytes, value: bytes) -> Plain:
    message = Message(value)
    if key == _INDEXES and message.sound:
        return {"index": message.unsigned(2), "term": message.unsigned(1)}
    return value


_CODECS: dict[Pattern, Codec] = {
    (_DATA,): Codec(text_or_bytes, _hidden),
    (_CONFIG,): Codec(text_or_bytes, _config_value),
}


class Vault(Application):
    name = "vault"
    title = "Vault's integrated storage (vault.db): paths and sizes, never contents"
    hints = ("view FILE paths --sort -bytes --limit 20", "view FILE paths --set depth=3", "view FILE servers")
    places = ("vault.db",)
    codecs = _CODECS
    views = (
        View("status", columns("index:integer term:integer paths:integer bytes:integer"), _status,
             "The last entry of the raft log that was applied, and what there is"),
        View("paths", columns("prefix count:integer bytes:integer key_bytes:integer value_bytes:integer"), _paths,
             "Paths by prefix, with counts and bytes",
             {"depth": f"how many parts of a path make a prefix; {_DEPTH}"}),
        View("servers", columns("id address suffrage index:integer"), _servers, "Servers of the raft cluster"),
    )  # fmt: skip

    def recognise(self, db: Store) -> Recognition | None:
        data, config = find(db, _DATA), find(db, _CONFIG)
        if data is None or config is None:
            return None
        sure = value_of(config, _INDEXES) is not None
        known = any(next(data.prefix(root), None) is not None for root in _ROOTS[:3])
        if not sure and not known:
            return None
        return Recognition(self.name, "integrated storage", CERTAIN if sure and known else LIKELY)


APPLICATION = Vault()
