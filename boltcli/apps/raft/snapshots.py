"""Up to which index a raft log has been applied: by the snapshots beside it, by Vault's store, or by the operator.

raft begins with its newest snapshot and replays the log from the next index on. What lies below may have holes:
``Raft.Restore`` and InstallSnapshot leave one. Source: hashicorp/raft ``file_snapshot.go`` (names in .tmp aren't
finished) and ``api.go`` (restoreSnapshot, NewRaft); hashicorp/vault ``physical/raft/snapshot.go``, where the newest
snapshot is vault.db itself.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from ...errors import ArgumentError
from ...text.json import load_record
from ..beside import names_in, place_of, read_database
from ..codecs.wire import Message
from ..contract import Store
from ..values import find, value_of

_META = "meta.json"
_ENDING = "snapshots"  # rqlite's folder is called rsnapshots
_UNFINISHED = ".tmp"
_LARGEST = 1 << 20  # bytes of a meta.json
_VAULT = "vault.db"


@dataclass
class Applied:
    """The ``index`` that is in the newest snapshot, and where that is said (``source``).

    The operator may say 0: there is no snapshot.
    """

    index: int
    source: str
    term: int | None = None


def applied(db: Store, given: str = "") -> Applied | None:
    """Return what the newest snapshot holds: by ``given``, else by what lies beside the log; None if nothing says it.

    ``given`` is an index, or the path of a meta.json or of a folder with snapshots. Raises ArgumentError for a wrong
    one.
    """
    if given:
        return _given(given)
    path = place_of(db)
    if path is None:
        return None
    folder = os.path.dirname(path)
    found = [_vault(os.path.join(each, _VAULT)) for each in (folder, os.path.dirname(folder))]
    found += [
        _newest(os.path.join(folder, name))
        for name in names_in(folder) or ()
        if name.endswith(_ENDING) and os.path.isdir(os.path.join(folder, name))
    ]
    return max((each for each in found if each is not None), key=lambda each: each.index, default=None)


def _given(given: str) -> Applied:
    if given.isascii() and given.isdigit():
        return Applied(int(given), "--snapshot")
    found = _meta(given) or _meta(os.path.join(given, _META)) or _newest(given)
    if found is None:
        raise ArgumentError(
            f"--snapshot takes an index, a snapshot's meta.json, or a folder of snapshots, not {given!r}"
        )
    return found


def _newest(folder: str) -> Applied | None:
    """Return what the newest snapshot in ``folder`` holds; None if it has none: that of Vault is always empty."""
    found = [
        _meta(os.path.join(folder, name, _META)) for name in names_in(folder) or () if not name.endswith(_UNFINISHED)
    ]
    known = [each for each in found if each is not None]
    return max(known, key=lambda each: (each.term or 0, each.index), default=None)


def _meta(path: str) -> Applied | None:
    """Return what a snapshot's meta.json says, or None."""
    try:
        with open(path, "rb") as file:
            record = load_record(file.read(_LARGEST))
    except (OSError, ValueError):
        return None
    if record is None:
        return None
    index, term = record.get("Index"), record.get("Term")
    if not isinstance(index, int) or isinstance(index, bool) or index < 0:
        return None
    return Applied(index, path, term if isinstance(term, int) else None)


def _vault(path: str) -> Applied | None:
    """Return the index that Vault has applied; None if there is no such store, or if it can't be read."""
    indexes = Message(read_database(path, lambda db: value_of(find(db, b"config"), b"latest_indexes")))
    index = indexes.unsigned(2)
    return Applied(index, path, indexes.unsigned(1)) if indexes.sound and index else None
