"""Compute how the space of a file is used: by bucket, free, lost, and the size of a dense copy."""

from __future__ import annotations

import mmap
from itertools import islice

from ...errors import Corrupted
from ...format.bucket import BucketRef, buckets_in
from ...format.constants import LEAF_PAGE
from ...kernel import Buckets, buckets
from ...tree.bucket import root_bucket
from ...tree.walk import Whole, own_tree, tree_pages
from ..write.compact import measure
from .free_pages import free_pages
from .trail import Trail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...storage.snapshot import Snapshot


class BucketUsage:
    """A bucket: its ``name``, its own ``pairs``, and ``bytes``: of its pages and of nested buckets.

    An ``inline`` bucket has no pages: its bytes are those of its value, which
    are also part of its parent's. ``keys`` counts the pairs of the bucket and
    all nested buckets. ``depth`` is the number of levels of its own tree.
    """

    __slots__ = ("bytes", "depth", "inline", "keys", "level", "name", "pairs", "parent", "sequence")

    def __init__(self, name: bytes, parent: BucketUsage | None, sequence: int) -> None:
        self.name = name
        self.parent = parent
        self.level: int = 0 if parent is None else parent.level + 1  # the length of its path
        self.sequence = sequence
        self.pairs = 0
        self.keys = 0
        self.bytes = 0
        self.depth = 1
        self.inline = False

    @property
    def path(self) -> tuple[bytes, ...]:
        """The bucket's path. It isn't stored, because buckets may nest deep."""
        return tuple(Trail(bytes)(self))


class Usage:
    """The bytes of a file. ``buckets`` are all buckets, parents first, beginning with the root bucket.

    ``root`` is the root bucket's own pages, ``meta`` and ``freelist`` those
    pages, ``free`` the free pages, ``unused`` the space after the high-water
    mark, ``lost`` the pages that nothing refers to.
    """

    __slots__ = ("buckets", "free", "freelist", "lost", "meta", "problem", "root", "size", "unused")

    def __init__(self, size: int) -> None:
        self.size = size
        self.problem: Corrupted | None = None
        self.buckets: list[BucketUsage] = []
        self.root = self.meta = self.freelist = self.free = self.lost = self.unused = 0


def usage(snapshot: Snapshot) -> Usage:
    """Return the use of the space. Raises :class:`~boltcli.errors.Corrupted`."""
    page_size, meta = snapshot.page_size, snapshot.meta
    result = Usage(snapshot.size)
    result.buckets = bucket_usage(snapshot)
    top = result.buckets[0]
    inside = sum(bucket.bytes for bucket in result.buckets if bucket.parent is top and not bucket.inline)
    result.root = top.bytes - inside
    result.meta = 2 * page_size
    stored = meta.has_freelist
    if stored:
        try:
            result.free = len(free_pages(snapshot)) * page_size
            result.freelist = (1 + snapshot.any_page(meta.freelist).overflow) * page_size
        except Corrupted as damage:
            result.problem = damage  # lost and free pages can't be distinguished
            stored = False
    result.unused = max(snapshot.size - meta.hwm * page_size, 0)
    rest = snapshot.size - result.unused - result.meta - result.freelist - result.free - top.bytes
    # Without a stored freelist the unreferenced pages are the free ones.
    if stored:
        result.lost = max(rest, 0)
    else:
        result.free = max(rest, 0)
    return result


def bucket_usage(snapshot: Snapshot, damages: list[Corrupted] | None = None) -> list[BucketUsage]:
    """Return all buckets, parents first.

    Raises :class:`~boltcli.errors.Corrupted`, or appends it to ``damages`` if that is given; a bucket with a damaged
    tree then has no pairs, no bytes and no nested buckets.
    """
    columns = buckets(snapshot)
    found = _walk(snapshot, damages) if columns is None else _from_columns(snapshot, columns)
    for bucket in reversed(found):
        bucket.keys += bucket.pairs
        if bucket.parent is not None:
            bucket.parent.keys += bucket.keys
            if not bucket.inline:
                bucket.parent.bytes += bucket.bytes
    return found


def _from_columns(snapshot: Snapshot, columns: Buckets) -> list[BucketUsage]:
    """Return the kernel's columns as buckets; the sums over nested buckets are made later."""
    top = BucketUsage(b"", None, snapshot.meta.sequence)
    found = [top]
    rows = zip(columns.names, columns.parents, columns.sequences, columns.roots)
    for name, parent, sequence, root in islice(rows, 1, None):
        above = found[parent]
        bucket = BucketUsage(name, above, sequence)
        bucket.inline = not root
        found.append(bucket)
    page_size = snapshot.page_size
    for bucket, pairs, size, levels in zip(found, columns.pairs, columns.sizes, columns.levels):
        bucket.pairs = pairs
        bucket.depth = levels
        bucket.bytes = size if bucket.inline else size * page_size
    return found


def _walk(snapshot: Snapshot, damages: list[Corrupted] | None) -> list[BucketUsage]:
    """Find the buckets and count each one's own tree."""
    guard = Whole(snapshot)
    met: set[int] = set()
    found: list[BucketUsage] = []
    todo = [(BucketUsage(b"", None, snapshot.meta.sequence), root_bucket(snapshot))]
    while todo:
        bucket, ref = todo.pop()
        found.append(bucket)
        page = ref.inline
        if page is not None:
            bucket.inline = True
            bucket.pairs = page.count
            bucket.bytes = page.end - page.offset
            continue
        try:
            own_tree(snapshot, ref, met)
            inner = _tree(snapshot, guard, bucket, ref)
        except Corrupted as damage:
            if damages is None:
                raise
            damages.append(damage)
            bucket.pairs = bucket.bytes = 0
            bucket.depth = 1
            continue
        todo += reversed(inner)
    return found


def _tree(snapshot: Snapshot, guard: Whole, bucket: BucketUsage, ref: BucketRef) -> list[tuple[BucketUsage, BucketRef]]:
    """Count the pages of one bucket's own tree; return the buckets in it."""
    inner: list[BucketRef] = []
    for page in tree_pages(snapshot, ref, guard):
        bucket.bytes += (1 + page.overflow) * snapshot.page_size
        if page.flags == LEAF_PAGE:
            bucket.pairs += page.count
            bucket.depth = max(bucket.depth, len(page.stack))
            inner += buckets_in(page)
    bucket.pairs -= len(inner)
    return [(BucketUsage(child.name, bucket, child.sequence), child) for child in inner]


def dense_size(snapshot: Snapshot) -> int:
    """Return the size in bytes that ``compact --dense`` would write. Raises :class:`~boltcli.errors.Corrupted`."""
    return measure(snapshot, mmap.PAGESIZE)
