"""etcd's hashes: of the whole file, as ``etcdutl snapshot status`` prints it, and of the history up to a revision.

Source: etcd's ``etcdutl/snapshot/v3_snapshot.go`` (Status) and ``server/storage/mvcc/hash.go`` (kvHasher),
``key_index.go`` (keep).
"""

from __future__ import annotations

from ..codecs.crc32c import Crc32c
from .history import latest
from .layout import KEY, compaction, pairs, revision
from .records import KeyValue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..store import Store


def file_hash(db: Store) -> tuple[int, int]:
    """Return the hash of all buckets' names, keys and values, and the number of keys that exist."""
    crc = Crc32c()
    live: set[bytes] = set()
    for name, bucket in db.range():
        crc.update(name)
        for key, value in bucket.range() if not isinstance(bucket, bytes) else ():
            crc.update(key)
            if not isinstance(value, bytes):
                continue
            crc.update(value)
            at = revision(key) if name == KEY else None
            if at is not None:
                (live.discard if at.tombstone else live.add)(KeyValue(value).key)
    return crc.value, len(live)


def history_hash(db: Store, until: int) -> tuple[int, int]:
    """Return the hash of the revisions up to ``until``, and the compacted revision that it counts from.

    Members that have compacted the same revision have the same hash, wherever
    their compactions stand: of what is compacted only the newest revision of
    each key counts, and no delete.
    """
    compacted = max(-1 if each is None else each for each in compaction(db))  # -1: nothing was compacted, as etcd says
    keep = {key for key in latest(db, until).values() if not _deletes(key)}
    crc = Crc32c()
    crc.update(KEY)
    for key, value in pairs(db, KEY):
        at = revision(key)
        if at is None:
            continue
        if at.main > until:
            break
        if at.main <= compacted and ((keep and key not in keep) or (at.main == compacted and at.tombstone)):
            continue
        crc.update(key)
        crc.update(value)
    return crc.value, compacted


def _deletes(key: bytes) -> bool:
    at = revision(key)
    return at is None or at.tombstone
