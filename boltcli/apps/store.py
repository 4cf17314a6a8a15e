"""What an application reads: a bucket of keys to values or further buckets, in key order and lazily."""

from __future__ import annotations

from struct import Struct

from ..format.bucket import BucketRef, open_bucket
from ..format.constants import BUCKET_LEAF_FLAG, LEAF_PAGE, PAGE_HEADER_SIZE
from ..ops.read.key_pages import keyed_leaves
from ..ops.read.select_items import items
from ..tree.bucket import child_bucket, get, root_bucket
from ..tree.walk import Whole, bounds, refuse_nested
from .contract import Store as Store

_ELEMENT = 16  # bytes of an element in a leaf page's table
_TABLES = [Struct(f"<{4 * count}I") for count in range(17)]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..format.page import Page
    from ..storage.snapshot import Snapshot


class SnapshotStore:
    """A bucket of a snapshot as a store; without ``bucket`` the root bucket, which holds all others.

    With ``ordered`` keys that are out of order are damage wherever it is read, also in buckets inside it.
    """

    __slots__ = ("_ordered", "_ref", "_snapshot")

    def __init__(self, snapshot: Snapshot, bucket: BucketRef | None = None, *, ordered: bool = False) -> None:
        self._snapshot = snapshot
        self._ref = root_bucket(snapshot) if bucket is None else bucket
        self._ordered = ordered

    @property
    def sequence(self) -> int:
        return self._ref.sequence

    def get(self, key: bytes, /) -> bytes | SnapshotStore | None:
        if self._ordered:  # a descent looks at few keys
            return next((value for _, value in self._some(key, key + b"\0")), None)
        value = get(self._snapshot, self._ref, key)
        if value is not None:
            return value
        bucket = child_bucket(self._snapshot, self._ref, key)
        return None if bucket is None else self._inside(bucket)

    def range(
        self, start: bytes = b"", stop: bytes | None = None, *, reverse: bool = False
    ) -> Iterator[tuple[bytes, bytes | SnapshotStore]]:
        if not start and stop is None and not reverse and not self._ordered:
            return self._all()
        return self._some(start, stop, reverse)

    def _some(
        self, start: bytes, stop: bytes | None, reverse: bool = False
    ) -> Iterator[tuple[bytes, bytes | SnapshotStore]]:
        guard = Whole(self._snapshot, ordered=True) if self._ordered else None
        for part in items(self._snapshot, self._ref, start=start, stop=stop, reverse=reverse, guard=guard):
            for key, value in zip(part.keys, part.values):
                yield key, self._inside(value) if isinstance(value, BucketRef) else value

    def _all(self) -> Iterator[tuple[bytes, bytes | SnapshotStore]]:
        """Yield the whole bucket: applications read many small ones, for which this has fewer layers."""
        snapshot, ref = self._snapshot, self._ref
        page = ref.inline
        if page is not None:
            pairs = _small(page)
            if pairs is not None:
                yield from pairs
                return
        for leaf, keys in keyed_leaves(snapshot, ref, Whole(snapshot)):
            snapshot.poll()
            values = leaf.values()
            buckets = leaf.bucket_indexes()
            if not buckets:
                yield from zip(keys, values)
                continue
            flags = leaf.flags
            for index, (key, value) in enumerate(zip(keys, values)):
                if flags[index] & BUCKET_LEAF_FLAG:
                    yield key, self._inside(open_bucket(leaf, index, key))
                else:
                    yield key, value

    def prefix(self, prefix: bytes) -> Iterator[tuple[bytes, bytes | SnapshotStore]]:
        start, stop = bounds(prefix)
        return self.range(start, stop)

    def _inside(self, bucket: BucketRef) -> SnapshotStore:
        """Return a nested bucket; one that is inside itself would lead an application round and round."""
        return SnapshotStore(self._snapshot, refuse_nested(self._snapshot, bucket), ordered=self._ordered)


def _small(page: Page) -> list[tuple[bytes, bytes]] | None:
    """Return the pairs of an inline bucket; None if they aren't few, or anything is odd: then others look closer."""
    count = page.count
    if page.flags != LEAF_PAGE or count >= len(_TABLES):
        return None
    base, end, buffer = page.offset + PAGE_HEADER_SIZE, page.end, page.buffer
    if base + count * _ELEMENT > end:
        return None
    table = _TABLES[count].unpack_from(buffer, base)
    pairs = []
    for flags, position, key_size, value_size in zip(table[::4], table[1::4], table[2::4], table[3::4]):
        start = base + position
        middle = start + key_size
        if flags or middle + value_size > end:
            return None
        pairs.append((buffer[start:middle], buffer[middle : middle + value_size]))
        base += _ELEMENT
    return pairs


def find(store: Store, *path: bytes) -> Store | None:
    """Return the bucket at ``path`` below ``store``, or None if there is none."""
    for name in path:
        child = store.get(name)
        if child is None or isinstance(child, bytes):
            return None
        store = child
    return store


def names(store: Store, limit: int = 256) -> list[bytes]:
    """Return the first ``limit`` keys of a store, of pairs and of buckets: enough to recognise one by."""
    found = []
    for key, _ in store.range():
        found.append(key)
        if len(found) >= limit:
            break
    return found


def space(db: Store) -> tuple[int, int] | None:
    """Return the bytes of the database's pages, and those of its free ones; None for a store that isn't in a file.

    Raises :class:`~boltcli.errors.Corrupted`. Without a stored freelist (as etcd's files) it takes a walk.
    """
    snapshot: Snapshot | None = getattr(db, "_snapshot", None)
    if snapshot is None:
        return None
    from ..tree.page_map import free_pages

    size = snapshot.meta.page_size
    return snapshot.meta.hwm * size, len(free_pages(snapshot)) * size
