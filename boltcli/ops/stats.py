"""Counts and sizes of buckets, as bbolt's ``Bucket.Stats`` computes them."""

from __future__ import annotations

from ..format.constants import BRANCH_PAGE, ELEMENT_SIZE, LEAF_PAGE, PAGE_HEADER_SIZE
from ..format.page import BRANCH_ELEMENT, LEAF_ELEMENT
from ..tree.bucket import BucketRef, children, leaf_elements, open_bucket
from .listing import top_buckets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..storage.snapshot import Page, Snapshot

_U32 = 0xFFFFFFFF


class BucketStats:
    """Statistics of a bucket and all buckets inside it; the names are bbolt's, spelled out.

    Counts are of pages, pairs or buckets; ``*_alloc`` and ``*_inuse`` are
    bytes. ``depth`` is levels: where buckets nest, their depths add up, and
    for a sum over buckets it is the greatest.
    """

    __slots__ = (
        "branch_alloc", "branch_inuse", "branch_overflow_pages", "branch_pages",
        "buckets", "depth", "inline_bucket_inuse", "inline_buckets", "keys",
        "leaf_alloc", "leaf_inuse", "leaf_overflow_pages", "leaf_pages",
    )  # fmt: skip

    def __init__(self) -> None:
        self.branch_pages = 0
        self.branch_overflow_pages = 0
        self.leaf_pages = 0
        self.leaf_overflow_pages = 0
        self.keys = 0
        self.depth = 0
        self.branch_alloc = 0
        self.branch_inuse = 0
        self.leaf_alloc = 0
        self.leaf_inuse = 0
        self.buckets = 0
        self.inline_buckets = 0
        self.inline_bucket_inuse = 0

    def add(self, other: BucketStats) -> None:
        """Add ``other`` to this: depths don't add up here, the greater one holds."""
        depth = max(self.depth, other.depth)
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.depth = depth


def database_stats(snapshot: Snapshot, prefix: bytes = b"") -> tuple[int, BucketStats]:
    """Number and summed statistics of the top-level buckets whose name begins with ``prefix``.

    Raises :class:`~boltcli.errors.Corrupted`.
    """
    total = BucketStats()
    count = 0
    for name, bucket in top_buckets(snapshot):
        if name.startswith(prefix):
            if bucket is None:
                raise snapshot.corrupted(
                    f"the entry {name!r} of the root bucket is not a bucket", snapshot.meta.root
                )
            total.add(bucket_stats(snapshot, bucket))
            count += 1
    return count, total


def bucket_stats(snapshot: Snapshot, bucket: BucketRef, _open: frozenset[int] = frozenset()) -> BucketStats:
    """Statistics of ``bucket`` and everything below it.

    Raises :class:`~boltcli.errors.Corrupted` for a damaged page, a page met
    twice in one bucket, and a bucket inside itself.
    """
    stats = BucketStats()
    stats.buckets = 1
    if bucket.root == 0:
        stats.inline_buckets = 1
        assert bucket.inline is not None
        _add_inline(stats, bucket.inline)
        return stats
    if bucket.root in _open:
        raise snapshot.corrupted("the bucket is nested in itself", bucket.root)
    _open = _open | {bucket.root}
    nested = BucketStats()
    seen: set[int] = set()
    level = [(bucket.root, (bucket.root,))]
    while level:
        stats.depth += 1
        below: list[tuple[int, tuple[int, ...]]] = []
        for pgid, stack in level:
            page = snapshot.page(pgid, stack)
            if pgid in seen:
                raise snapshot.corrupted("the page is referenced more than once", pgid, stack)
            seen.add(pgid)
            if page.flags == LEAF_PAGE:
                leaf = leaf_elements(snapshot, page, stack, lenient=True)
                stats.keys += page.count
                stats.leaf_pages += 1
                stats.leaf_overflow_pages += page.overflow
                stats.leaf_inuse += _leaf_used(page)
                for index in leaf.bucket_indexes():
                    nested.add(bucket_stats(snapshot, open_bucket(snapshot, page, leaf, index), _open))
            elif page.flags == BRANCH_PAGE:
                stats.branch_pages += 1
                stats.branch_overflow_pages += page.overflow
                stats.branch_inuse += _branch_used(page)
                below.extend((child, (*stack, child)) for child in children(snapshot, page, stack))
            # Other types: bbolt's statistics pass over them without a word.
        level = below
    stats.branch_alloc = (stats.branch_pages + stats.branch_overflow_pages) * snapshot.page_size
    stats.leaf_alloc = (stats.leaf_pages + stats.leaf_overflow_pages) * snapshot.page_size
    stats.depth += nested.depth
    own_depth = stats.depth
    stats.add(nested)
    stats.depth = own_depth
    return stats


def _add_inline(stats: BucketStats, page: Page) -> None:
    stats.depth = 1
    if page.flags == LEAF_PAGE:
        stats.keys = page.count
        stats.inline_bucket_inuse = _leaf_used(page)


# The position of the last element is the sum of all sizes before it, so that
# element alone tells the bytes in use. Its three fields add up in 32 bits.


def _leaf_used(page: Page) -> int:
    if not page.count:
        return PAGE_HEADER_SIZE
    before = ELEMENT_SIZE * (page.count - 1)
    at = page.offset + PAGE_HEADER_SIZE + before
    if at + ELEMENT_SIZE > page.limit:
        return PAGE_HEADER_SIZE + before
    _, pos, ksize, vsize = LEAF_ELEMENT.unpack_from(page.buffer, at)
    return PAGE_HEADER_SIZE + before + (pos + ksize + vsize & _U32)


def _branch_used(page: Page) -> int:
    before = ELEMENT_SIZE * (page.count - 1)
    pos, ksize, _ = BRANCH_ELEMENT.unpack_from(page.buffer, page.offset + PAGE_HEADER_SIZE + before)
    return PAGE_HEADER_SIZE + before + (pos + ksize & _U32)


