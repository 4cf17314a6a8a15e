"""Up to which index a raft log has been applied: by the snapshots beside it, by Vault's store, or by the operator.

raft begins with its newest snapshot and replays the log from the next index on. What lies below may have holes:
``Raft.Restore`` and InstallSnapshot leave one. Source: hashicorp/raft ``file_snapshot.go`` (names in .tmp aren't
finished) and ``api.go`` (restoreSnapshot, NewRaft); hashicorp/vault ``physical/raft/snapshot.go``, where the newest
snapshot is vault.db itself.
"""

from dataclasses import dataclass
from pathlib import Path

from ...errors import ArgumentError
from ...text.json import load_record
from ..beside import place_of, read_database
from ..codecs.wire import Message
from ..contract import Store
from ..values import find, value_of

_META = "meta.json"


@dataclass(frozen=True)
class Applied:
    """The ``index`` that is in the newest snapshot (0: there is none), and where that is said (``source``)."""

    index: int
    source: str
    term: int | None = None


def applied(db: Store, given: str = "") -> Applied | None:
    """Return what the newest snapshot holds: by ``given``, else by what lies beside the log; None if nothing says it.

    ``given`` is an index, or the path of a meta.json or of a folder of snapshots; a wrong one raises ArgumentError.
    """
    if given:
        return _given(given)
    path = place_of(db)
    if path is None:
        return None
    folder = Path(path).parent
    found = [_vault(each / "vault.db") for each in (folder, folder.parent)]
    found += map(_newest, folder.glob("*snapshots"))  # rqlite's folder is called rsnapshots
    return max(filter(None, found), key=lambda each: each.index, default=None)


def _given(given: str) -> Applied:
    if given.isascii() and given.isdigit():
        return Applied(int(given), "--snapshot")
    found = _meta(Path(given)) or _meta(Path(given, _META)) or _newest(Path(given))
    if found is None:
        raise ArgumentError(
            f"--snapshot takes an index, a snapshot's meta.json, or a folder of snapshots, not {given!r}"
        )
    return found


def _newest(folder: Path) -> Applied | None:
    """Return what the newest snapshot in ``folder`` holds; None if it has none: that of Vault is always empty."""
    finished = (path for path in folder.glob(f"*/{_META}") if path.parent.suffix != ".tmp")
    return max(filter(None, map(_meta, finished)), key=lambda each: (each.term or 0, each.index), default=None)


def _meta(path: Path) -> Applied | None:
    try:
        with path.open("rb") as file:
            record = load_record(file.read(1 << 20)) or {}
    except (OSError, ValueError):
        return None
    index, term = record.get("Index"), record.get("Term")
    if not isinstance(index, int) or isinstance(index, bool) or index < 0:
        return None
    return Applied(index, str(path), term if isinstance(term, int) else None)


def _vault(path: Path) -> Applied | None:
    """Return the index that Vault has applied; None if there is no such store, or if it can't be read."""
    indexes = Message(read_database(str(path), lambda db: value_of(find(db, b"config"), b"latest_indexes")))
    index = indexes.unsigned(2)
    return Applied(index, str(path), indexes.unsigned(1)) if indexes.sound and index else None
