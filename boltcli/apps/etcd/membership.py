"""What raft says of a member: who votes, and how far its log was applied when the newest snapshot was made.

``meta/confState`` is what raft works by. 3.5 left the attribute ``isLearner`` at members that were promoted, and 3.6
reads the members from there and fails (etcd#19557, #20793).

A server whose database is older than the newest snapshot beside it needs the database that the leader sent,
``INDEX.snap.db``, and ends without it. Source: etcd's ``server/etcdserver/api/snap/snapshotter.go`` (names, the newest
first by name) and ``server/storage/backend.go`` (RecoverSnapshotBackend).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from ...text.json import load_record
from ..beside import place_of
from ..contract import Store
from ..values import pairs, value_of
from .layout import MEMBERS, META

_SNAPSHOT = re.compile(r"([0-9a-f]{16})-([0-9a-f]{16})\.snap")  # term and index


class Configuration(NamedTuple):
    """Raft's configuration: the ids of those that vote, and of learners."""

    voters: set[int]
    learners: set[int]


class Member(NamedTuple):
    """A member: ``key`` is its id in hex. ``learner`` is what raft says where it says it, else ``learner_attribute``.

    ``configured`` says whether raft's configuration names it: None if there is no configuration.
    """

    key: bytes
    id: int | None
    name: Any
    peer_urls: Any
    client_urls: Any
    learner: bool
    learner_attribute: bool
    configured: bool | None


def configuration(db: Store) -> Configuration | None:
    """Return raft's configuration; None where none is kept, as before 3.5, or it can't be read."""
    record = load_record(value_of(db, META, b"confState")) or {}

    def ids(*names: str) -> set[int]:
        lists = [found for name in names if isinstance(found := record.get(name), list)]
        return {each for found in lists for each in found if isinstance(each, int)}

    conf = Configuration(ids("voters", "voters_outgoing"), ids("learners", "learners_next"))
    return conf if conf.voters else None


def members(db: Store) -> Iterator[Member]:
    conf = configuration(db)
    for key, value in pairs(db, MEMBERS):
        record, id_ = load_record(value) or {}, member_id(key)
        attribute = bool(record.get("isLearner"))
        named = None if conf is None else id_ in conf.voters | conf.learners
        learner = id_ not in conf.voters if conf is not None and named else attribute
        named_as = record.get("name", ""), record.get("peerURLs"), record.get("clientURLs")
        yield Member(key, id_, *named_as, learner, attribute, named)


def member_id(key: bytes) -> int | None:
    try:
        return int(key, 16)
    except ValueError:
        return None


@dataclass
class RaftSnapshot:
    """The newest snapshot: its file's ``name``, ``term`` and ``index``; ``has_database``: the leader's lies there."""

    name: str
    term: int
    index: int
    has_database: bool


def newest_snapshot(db: Store) -> RaftSnapshot | None:
    """Return the newest snapshot beside the file of ``db``; None if there is none, or if that isn't known."""
    path = place_of(db)
    names = sorted(each.name for each in Path(path).parent.glob("*.snap*")) if path is not None else []
    found = next(filter(None, map(_SNAPSHOT.fullmatch, reversed(names))), None)
    if found is None:
        return None
    index = int(found[2], 16)
    return RaftSnapshot(found[0], int(found[1], 16), index, f"{index:016x}.snap.db" in names)
