"""What is where in etcd's store, and how its revisions and numbers are written.

Source: etcd's ``server/storage/schema`` and ``server/storage/mvcc/revision.go`` (3.6; in 3.5 ``server/mvcc``).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

from ..codecs.integers import u64
from ..contract import CERTAIN, LIKELY, Recognition, Store
from ..values import find, text_of
from .kubernetes import is_object
from .records import KeyValue

KEY, META, LEASE, ALARM, CLUSTER = b"key", b"meta", b"lease", b"alarm", b"cluster"
MEMBERS, MEMBERS_REMOVED = b"members", b"members_removed"
AUTH, USERS, ROLES = b"auth", b"authUsers", b"authRoles"
_OTHERS = (LEASE, ALARM, AUTH, USERS, ROLES, MEMBERS, MEMBERS_REMOVED)

_REVISION_SIZE = 17  # u64 main, "_", u64 sub
_TOMBSTONE = 0x74  # "t" after it
_UNDERSCORE = 0x5F
_SIGN = 0x80  # etcd's numbers are int64: a first byte from here on is no revision
_NEAR, _FEW = 64, 21  # keys at either end that are looked at, and their values


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
    if not isinstance(key, bytes) or not _REVISION_SIZE <= len(key) <= _REVISION_SIZE + 1 or key[8] != _UNDERSCORE:
        return None
    if len(key) > _REVISION_SIZE and key[_REVISION_SIZE] != _TOMBSTONE:
        return None
    if key[0] >= _SIGN or key[9] >= _SIGN:
        return None
    main, sub = int.from_bytes(key[:8], "big"), int.from_bytes(key[9:17], "big")
    return Revision(main, sub, len(key) > _REVISION_SIZE)


def recognise(db: Store) -> Recognition | None:
    """Say whether ``db`` is a store of etcd: by its buckets, and by the first key of ``key`` if there is one."""
    keys, meta = find(db, KEY), find(db, META)
    if keys is None or meta is None:
        return None
    first = next(keys.range(), None)
    if first is not None and not _has_revisions(keys):
        return None
    others = sum(find(db, name) is not None for name in _OTHERS)
    position = u64(meta.get(b"consistent_index")) is not None
    if first is None and not (position and others):
        return None
    layout = versions(db)[0] or "unknown version"
    if _is_kubernetes(keys):
        layout += ", with Kubernetes' objects"
    return Recognition("etcd", layout, CERTAIN if position and others else LIKELY)


def _has_revisions(keys: Store) -> bool:
    """Say whether keys near either end of the bucket are revisions: damage may have put others beside them."""
    return any(
        revision(key) is not None and isinstance(value, bytes)
        for reverse in (False, True)
        for key, value in islice(keys.range(reverse=reverse), _NEAR)
    )


def versions(db: Store) -> tuple[str, str, str]:
    """Return the layout's version in words, ``storageVersion`` (from 3.6 on) and ``clusterVersion``, "" where unset."""
    meta, cluster = find(db, META), find(db, CLUSTER)
    storage, running = text_of(meta, b"storageVersion") or "", text_of(cluster, b"clusterVersion") or ""
    version = storage or running
    if version:
        return ".".join(version.split(".")[:2]), storage, running
    # 3.5 began to keep the term and the configuration; an older store has only the index.
    newer = meta is not None and (meta.get(b"term") is not None or meta.get(b"confState") is not None)
    return "3.5" if newer else "3.4 or older" if meta is not None else "", storage, running


def number(db: Store, bucket: bytes, key: bytes) -> int | None:
    """Return a u64, big-endian, or None."""
    store = find(db, bucket)
    return None if store is None else u64(store.get(key))


def compaction(db: Store) -> tuple[int | None, int | None]:
    """Return the revision that was last compacted, and the one for which a compaction was last begun."""
    meta = find(db, META)
    if meta is None:
        return None, None
    done, begun = revision(meta.get(b"finishedCompactRev")), revision(meta.get(b"scheduledCompactRev"))
    return None if done is None else done.main, None if begun is None else begun.main


def current_revision(db: Store) -> int:
    """Return the revision at which a server that opens ``db`` stands; 1 if nothing was ever written."""
    keys = find(db, KEY)
    found = map(revision, (key for key, _ in keys.range(reverse=True))) if keys is not None else iter(())
    newest = next((each.main for each in found if each is not None), 0)  # malformed keys say nothing
    return max(1, newest, *(each or 0 for each in compaction(db)))


def _is_kubernetes(keys: Store) -> bool:
    """Look at a few revisions, the first and the last ones."""
    return any(
        isinstance(value, bytes) and is_object(KeyValue(value).value)
        for reverse in (False, True)
        for _, value in islice(keys.range(reverse=reverse), _FEW)
    )
