"""Who votes: by raft's own configuration, which is in ``meta``, and by the attribute of the members' records.

``meta/confState`` is what raft works by. 3.5 left the attribute ``isLearner`` at members that were promoted, and 3.6
reads the members from here and fails (etcd#19557, #20793).
"""

from __future__ import annotations

from typing import Any

from ...text.json import load_record
from ..contract import Store
from ..values import find, pairs_at, value_of
from .layout import MEMBERS, META


class Member:
    """A member: ``key`` is its id in hex. ``learner`` is what raft says where it says it, else the ``attribute``.

    ``configured`` says whether raft's configuration names it: None if there is no configuration.
    """

    def __init__(self, key: bytes, record: dict[str, Any], conf: Configuration | None) -> None:
        self.key = key
        self.record = record
        self.id = member_id(key)
        self.attribute = bool(record.get("isLearner"))
        self.learner = self.attribute
        self.configured: bool | None = None
        if conf is not None:
            self.configured = self.id in conf.voters or self.id in conf.learners
            if self.configured:
                self.learner = self.id not in conf.voters


class Configuration:
    """Raft's configuration: the ids of those that vote, and of learners."""

    def __init__(self, record: dict[str, Any]) -> None:
        self.voters = _ids(record, "voters") | _ids(record, "voters_outgoing")
        self.learners = _ids(record, "learners") | _ids(record, "learners_next")


def _ids(record: dict[str, Any], field: str) -> set[int]:
    found = record.get(field)
    return {each for each in found if isinstance(each, int)} if isinstance(found, list) else set()


def configuration(db: Store) -> Configuration | None:
    """Return raft's configuration; None where none is kept, as before 3.5, or it can't be read."""
    record = load_record(value_of(find(db, META), b"confState"))
    conf = None if record is None else Configuration(record)
    return conf if conf is not None and conf.voters else None


def members(db: Store) -> list[Member]:
    """Return the members that the store has."""
    conf = configuration(db)
    return [Member(key, load_record(value) or {}, conf) for key, value in pairs_at(db, MEMBERS)]


def member_id(key: bytes) -> int | None:
    """Return the id that a key of ``members`` is, or None."""
    try:
        return int(key, 16)
    except ValueError:
        return None
