"""What is where in etcd's store, and how its revisions and numbers are written.

Source: etcd's ``server/storage/schema`` and ``server/storage/mvcc/revision.go`` (3.6; in 3.5 ``server/mvcc``).
"""

from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from ..codecs.integers import u64
from ..contract import CERTAIN, LIKELY, Recognition, Store
from ..values import find, text_of, value_of
from .kubernetes import is_object
from .records import KeyValue

KEY, META, LEASE, ALARM, CLUSTER = b"key", b"meta", b"lease", b"alarm", b"cluster"
MEMBERS, MEMBERS_REMOVED = b"members", b"members_removed"
AUTH, USERS, ROLES = b"auth", b"authUsers", b"authRoles"
_REVISION_SIZE = 17  # u64 main, "_", u64 sub


@dataclass(slots=True)
class Revision:
    """A key of the bucket ``key``: revision ``main``, operation ``sub`` of it; ``tombstone``: a delete."""

    main: int
    sub: int
    tombstone: bool


def revision(key: object) -> Revision | None:
    """Return the revision that ``key`` is, or None: such a key is malformed, and no number may be taken from it.

    >>> found = revision(bytes.fromhex("00000000000000075f000000000000000174"))
    >>> found.main, found.sub, found.tombstone
    (7, 1, True)
    """
    if not isinstance(key, bytes) or key[_REVISION_SIZE:] not in (b"", b"t") or key[8:9] != b"_":
        return None
    # etcd's numbers are int64: they have no sign.
    if len(key) < _REVISION_SIZE or key[0] >= 0x80 or key[9] >= 0x80:
        return None
    main, sub = int.from_bytes(key[:8], "big"), int.from_bytes(key[9:17], "big")
    return Revision(main, sub, len(key) > _REVISION_SIZE)


def recognise(db: Store) -> Recognition | None:
    """Say whether ``db`` is a store of etcd: by its buckets, and by the first key of ``key`` if there is one."""
    keys, meta = find(db, KEY), find(db, META)
    if keys is None or meta is None:
        return None
    empty = next(keys.range(), None) is None
    # Damage may have put other keys beside the revisions.
    if not empty and all(revision(key) is None for key, _ in _at_both_ends(keys, 64)):
        return None
    others = (LEASE, ALARM, AUTH, USERS, ROLES, MEMBERS, MEMBERS_REMOVED)
    sure = u64(meta.get(b"consistent_index")) is not None and any(find(db, name) is not None for name in others)
    if empty and not sure:
        return None
    layout = standing(db).version or "unknown version"
    if any(is_object(KeyValue(value).value) for _, value in _at_both_ends(keys, 21)):
        layout += ", with Kubernetes' objects"
    return Recognition("etcd", layout, CERTAIN if sure else LIKELY)


def _at_both_ends(keys: Store, most: int) -> list[tuple[bytes, bytes]]:
    found = (each for reverse in (False, True) for each in islice(keys.range(reverse=reverse), most))
    return [(key, value) for key, value in found if isinstance(value, bytes)]


class Standing(NamedTuple):
    """Where a store stands, and the versions that it names; a number that it lacks is None, a version "".

    ``revision`` is where a server that opens the store begins, 1 if nothing was ever written. The compactions are the
    last that was done and the last that was begun, 0 for none. ``version`` is that of the layout, in words.
    """

    revision: int
    compacted_revision: int
    scheduled_compact_revision: int
    term: int | None
    consistent_index: int | None
    version: str
    storage_version: str
    cluster_version: str

    @property
    def unfinished(self) -> int | None:
        """The compaction that was begun and isn't done."""
        return self.scheduled_compact_revision if self.scheduled_compact_revision > self.compacted_revision else None

    @property
    def oldest(self) -> int:
        """The oldest revision that is whole; 0 if nothing was compacted."""
        return max(self.compacted_revision, self.scheduled_compact_revision)


def standing(db: Store) -> Standing:
    meta, keys = find(db, META), find(db, KEY)
    marks = [revision(value_of(meta, name)) for name in (b"finishedCompactRev", b"scheduledCompactRev")]
    done, begun = (0 if each is None else each.main for each in marks)
    found = map(revision, (key for key, _ in keys.range(reverse=True))) if keys is not None else iter(())
    newest = next((each.main for each in found if each is not None), 0)  # malformed keys say nothing
    term, index = (u64(value_of(meta, name)) for name in (b"term", b"consistent_index"))
    storage, cluster = text_of(meta, b"storageVersion") or "", text_of(db, CLUSTER, b"clusterVersion") or ""
    version = ".".join((storage or cluster).split(".")[:2])
    if not version and meta is not None:
        # 3.5 began to keep the term and the configuration; an older store has only the index.
        version = "3.4 or older" if meta.get(b"term") is None and meta.get(b"confState") is None else "3.5"
    return Standing(max(1, newest, done, begun), done, begun, term, index, version, storage, cluster)
