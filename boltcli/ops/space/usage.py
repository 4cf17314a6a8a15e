"""Compute how the space of a file is used: by bucket, free, lost."""

from __future__ import annotations

from ...tree.page_map import page_map
from ..stats.buckets import bucket_usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...errors import Corrupted
    from ...storage.snapshot import Snapshot
    from ..stats.buckets import BucketRecord


class Usage:
    """The bytes of a file. ``buckets`` are all buckets, parents first, beginning with the root bucket.

    ``root`` is the root bucket's own pages, ``meta`` and ``freelist`` those
    pages, ``free`` the free pages, ``unused`` the space after the high-water
    mark, ``lost`` the pages that nothing refers to. ``problem`` is that of a
    freelist that can't be read: then lost pages count as free.
    """

    __slots__ = ("buckets", "free", "freelist", "lost", "meta", "problem", "root", "size", "unused")

    def __init__(
        self, snapshot: Snapshot, buckets: list[BucketRecord], pages: dict[str, int], problem: Corrupted | None
    ) -> None:
        page_size, top = snapshot.page_size, buckets[0]
        self.size = snapshot.size
        self.problem = problem
        self.buckets = buckets
        self.root = top.bytes - sum(bucket.bytes for bucket in buckets if bucket.parent is top and not bucket.inline)
        self.meta, self.freelist, self.free, self.lost = (
            pages[kind] * page_size for kind in ("meta", "freelist", "free", "lost")
        )
        self.unused = max(snapshot.size - snapshot.meta.hwm * page_size, 0)


def usage(snapshot: Snapshot) -> Usage:
    """Return the use of the space. Raises :class:`~boltcli.errors.Corrupted`."""
    buckets = bucket_usage(snapshot)
    mapped = page_map(snapshot)
    pages = mapped.count()
    if mapped.problem is not None:
        pages |= {"free": pages["lost"] + pages["damaged"], "lost": 0}
    return Usage(snapshot, buckets, pages, mapped.problem)
