"""etcd's hashes: of the whole file, as ``etcdutl snapshot status`` prints it, and of the history up to a revision.

Source: etcd's ``etcdutl/snapshot/v3_snapshot.go`` (Status) and ``server/storage/mvcc/hash.go`` (kvHasher),
``key_index.go`` (keep).
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from hashlib import blake2b

from ..codecs.crc32c import crc32c
from ..contract import Store
from ..values import pairs_at
from .history import latest
from .layout import KEY, Revision, revision, standing
from .records import KeyValue


def file_hash(db: Store) -> tuple[int | None, int]:
    """Return the hash of all buckets' names, keys and values, and the number of keys that exist.

    With a malformed key among the revisions there is no hash: etcdutl prints none either.
    """
    crc = 0
    live: set[bytes] = set()
    sound = True
    for name, bucket in db.range():
        crc = crc32c(name, crc)
        for key, value in bucket.range() if not isinstance(bucket, bytes) else ():
            crc = crc32c(key, crc)
            at = revision(key) if name == KEY else None
            sound = sound and (at is not None or name != KEY)
            if not isinstance(value, bytes):
                continue
            crc = crc32c(value, crc)
            if at is not None:
                (live.discard if at.tombstone else live.add)(KeyValue(value).key)
    return crc if sound else None, len(live)


def history_hash(db: Store, until: int) -> tuple[int, int]:
    """Return the hash of the revisions up to ``until``, and the compacted revision that it counts from.

    Members that have compacted the same revision have the same hash, wherever
    their compactions stand: of what is compacted only the newest revision of
    each key counts, and no delete.
    """
    at = standing(db)
    compacted = max(-1 if each is None else each for each in (at.compacted, at.scheduled))  # -1: none, as etcd says
    keep = {key for key, exists in latest(db, until).values() if exists}
    crc = crc32c(KEY)
    for key, value in pairs_at(db, KEY):
        found = revision(key)
        if found is None:
            continue
        if found.main > until:
            break
        if found.main <= compacted and ((keep and key not in keep) or (found.main == compacted and found.tombstone)):
            continue
        crc = crc32c(value, crc32c(key, crc))
    return crc, compacted


class History:
    """The revisions of a store as digests, in order: enough to compare it with another one's when both are closed.

    What is compared is what :func:`history_hash` hashes, so it doesn't hang on where the two compactions stand.
    """

    def __init__(self) -> None:
        self._revisions = array("q")
        self._keys = array("Q")
        self._marks = array("Q")
        self._tombstones = bytearray()

    def add(self, at: Revision, name: bytes, key: bytes, value: bytes) -> None:
        """Add the next revision: ``name`` is the key in its record, ``key`` and ``value`` the pair in the file."""
        self._revisions.append(at.main)
        self._keys.append(_mark(name))
        self._marks.append(_mark(key + value))
        self._tombstones.append(at.tombstone)

    def first_difference(self, other: History, compacted: int, until: int) -> int | None:
        """Return the first revision up to ``until`` whose records differ; None if there is none.

        Of what either has ``compacted`` only the newest revision of each key counts, and no delete.
        """
        odd = set(self._counted(compacted, until)) ^ set(other._counted(compacted, until))
        return min((revision for _, revision in odd), default=None)

    def _counted(self, compacted: int, until: int) -> Iterator[tuple[int, int]]:
        """Yield digest and revision of each record that counts."""
        newest = {key: number for number, key in enumerate(self._keys) if self._revisions[number] <= until}
        keep = {number for number in newest.values() if not self._tombstones[number]}
        for number, main in enumerate(self._revisions):
            if main <= until and (main > compacted or number in keep):
                yield self._marks[number], main


def _mark(data: bytes) -> int:
    """Return a digest of 8 bytes."""
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "big")
