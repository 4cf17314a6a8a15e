"""The raft snapshots beside a member's database: how far the log was applied when the newest one was made.

Source: etcd's ``server/etcdserver/api/snap/snapshotter.go`` (names, the newest first by name) and
``server/storage/backend.go`` (RecoverSnapshotBackend): a server whose database is older than the newest snapshot
needs the database that the leader sent, ``INDEX.snap.db``, and ends without it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from ..beside import names_in, place_of
from ..contract import Store

_DIGITS = 16
_ENDING = ".snap"


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
    names = names_in(os.path.dirname(path)) if path is not None else None
    newest = max((name for name in names or () if _numbers(name) is not None), default=None)
    numbers = None if newest is None else _numbers(newest)
    if newest is None or names is None or numbers is None:
        return None
    term, index = numbers
    return RaftSnapshot(newest, term, index, f"{index:016x}.snap.db" in names)


def _numbers(name: str) -> tuple[int, int] | None:
    """Return term and index of a name such as 0000000000000003-0000000000000261.snap.

    >>> _numbers("0000000000000003-0000000000000261.snap"), _numbers("0000000000000261.snap.db")
    ((3, 609), None)
    """
    stem = name.removesuffix(_ENDING)
    term, dash, index = stem.partition("-")
    if stem == name or not dash or len(term) != _DIGITS or len(index) != _DIGITS:
        return None
    try:
        return int(term, 16), int(index, 16)
    except ValueError:
        return None
