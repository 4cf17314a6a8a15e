"""The library: a database is a read-only mapping of buckets, a bucket one of bytes to bytes or buckets."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from .errors import KeyNotFound
from .format.constants import BUCKET_LEAF_FLAG
from .format.page import DamagedElements
from .ops.bucket_stats import BucketStats
from .ops.check import check
from .ops.findings import Finding
from .ops.listing import key_pages, keyed_leaves
from .ops.stats import bucket_stats, database_stats
from .storage.snapshot import Snapshot
from .tree.bucket import BucketRef, damaged, find_bucket, leaf_pages, open_bucket, root_bucket, seek


def open(path: str | os.PathLike[str]) -> Database:
    """Open the database file at ``path`` for reading, with bbolt's shared lock.

    Raises :class:`~boltcli.errors.SourceNotFound`,
    :class:`~boltcli.errors.OpenError` or
    :class:`~boltcli.errors.InvalidDatabase`. Use it in a ``with`` statement,
    or call :meth:`Database.close`.
    """
    return Database(Snapshot(os.fspath(path)))


class Bucket(Mapping[bytes, "bytes | Bucket"]):
    """A bucket: keys in byte order, to values (bytes) or nested buckets.

    Keys may be given as str, which is encoded as UTF-8. A missing key raises
    :class:`~boltcli.errors.KeyNotFound`, which is a KeyError. Reading a
    damaged page raises :class:`~boltcli.errors.Corrupted`.
    """

    def __init__(self, snapshot: Snapshot, ref: BucketRef) -> None:
        self._snapshot = snapshot
        self._ref = ref

    def __getitem__(self, key: bytes | str) -> bytes | Bucket:
        wanted = _as_bytes(key)
        page, leaf, index = seek(self._snapshot, self._ref, wanted)
        try:
            if index >= leaf.count or leaf.key(index) != wanted:
                raise KeyNotFound(wanted)
            if leaf.flags[index] & BUCKET_LEAF_FLAG:
                return Bucket(self._snapshot, open_bucket(self._snapshot, page, leaf, index))
            return leaf.value(index)
        except DamagedElements as damage:
            raise damaged(self._snapshot, page, damage) from None

    def __iter__(self) -> Iterator[bytes]:
        for keys in key_pages(self._snapshot, self._ref):
            yield from keys

    def __len__(self) -> int:
        """The number of keys, nested buckets' names included; reads the headers of all leaf pages."""
        return sum(page.count for page in leaf_pages(self._snapshot, self._ref))

    def bucket(self, *path: bytes | str) -> Bucket:
        """The bucket at ``path`` below this one; raises :class:`~boltcli.errors.BucketNotFound`."""
        return Bucket(self._snapshot, find_bucket(self._snapshot, map(_as_bytes, path), self._ref))

    def pairs(self) -> Iterator[tuple[bytes, bytes]]:
        """Keys and values in order, without the nested buckets; a page at a time inside."""
        for page, leaf, keys in keyed_leaves(self._snapshot, self._ref):
            try:
                for key, value, flag in zip(keys, leaf.values(), leaf.flags):
                    if not flag & BUCKET_LEAF_FLAG:
                        yield key, value
            except DamagedElements as damage:
                raise damaged(self._snapshot, page, damage) from None

    @property
    def sequence(self) -> int:
        """The bucket's own counter (``NextSequence`` in bbolt)."""
        return self._ref.sequence

    def stats(self) -> BucketStats:
        """Counts and sizes of this bucket and all inside it."""
        return bucket_stats(self._snapshot, self._ref)


class Database(Bucket):
    """An open database: its root bucket, which holds the top-level buckets. See :func:`open`."""

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__(snapshot, root_bucket(snapshot))

    def close(self) -> None:
        """Unmap the file and drop its lock; buckets of it can't be read any more."""
        self._snapshot.close()

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def page_size(self) -> int:
        """Bytes."""
        return self._snapshot.page_size

    @property
    def txid(self) -> int:
        """The transaction that is being read."""
        return self._snapshot.meta.txid

    def check(self, from_page: int = 0) -> Iterator[Finding]:
        """What is wrong with the file, as ``boltcli check`` finds it; nothing if it is sound."""
        return check(self._snapshot, from_page)

    def stats(self, prefix: bytes = b"") -> BucketStats:
        """Summed statistics of the top-level buckets whose name begins with ``prefix``."""
        return database_stats(self._snapshot, prefix)[1]


def _as_bytes(key: bytes | str) -> bytes:
    return key.encode() if isinstance(key, str) else key
