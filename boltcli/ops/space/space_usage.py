"""Compute how the space of a file is used: by bucket, free, lost, and the size of a dense copy."""

from __future__ import annotations

from ...errors import Corrupted
from ..stats.buckets import bucket_usage
from .free_pages import free_pages

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...storage.snapshot import Snapshot
    from ..stats.buckets import BucketRecord


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
        self.buckets: list[BucketRecord] = []
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
