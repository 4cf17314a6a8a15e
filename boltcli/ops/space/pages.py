"""The pages of a file in a list, and the bytes that they take: by bucket, free, lost."""

from __future__ import annotations

from bisect import bisect_left

from ...format.page import header_columns
from ...tree.page_map import used_and_free

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...storage.snapshot import Snapshot

FREE = -1
_BATCH = 512
_OVERFLOW = 1 << 32  # the second half of a header is at least this if there are overflow pages


def page_rows(snapshot: Snapshot, free: list[int]) -> Iterator[list[tuple[int, int]]]:
    """Yield all pages up to the high-water mark, in batches, without overflow pages.

    For each page: its id, and :data:`FREE` or the half of its header that
    :func:`~boltcli.format.page.header_columns` describes. ``free`` are the ids of the free pages, ascending.
    Raises :class:`~boltcli.errors.Corrupted` at the first page beyond the end of the file.
    """
    is_free = set(free)
    known = snapshot.size // snapshot.page_size
    _, heads = header_columns(snapshot.buffer, snapshot.page_size, known)
    hwm = snapshot.meta.hwm
    pgid = 0
    runs = False  # whether pages just before had overflow pages, whose headers are best not touched
    while pgid < hwm:
        stop = min(hwm, pgid + _BATCH)
        if not runs and stop <= known and bisect_left(free, pgid) == bisect_left(free, stop):
            # None of these pages is free; if none has overflow pages, they can be taken as a batch.
            batch = heads[pgid:stop].tolist()
            if max(batch) < _OVERFLOW:
                yield list(zip(range(pgid, stop), batch))
                pgid = stop
                continue
        rows: list[tuple[int, int]] = []
        first = pgid
        while pgid < stop:
            if pgid in is_free:
                rows.append((pgid, FREE))
            elif pgid < known:
                head = heads[pgid]
                rows.append((pgid, head))
                pgid += head >> 32
            else:
                if rows:
                    yield rows  # the pages before the first one beyond the file
                    rows = []
                page = snapshot.any_page(pgid)
                rows.append((pgid, page.flags | page.count << 16 | page.overflow << 32))
                pgid += page.overflow
            pgid += 1
        runs = len(rows) < pgid - first
        yield rows


class Usage:
    """The bytes of a file. ``buckets`` are all buckets, parents first, beginning with the root bucket.

    ``root`` is the root bucket's own pages, ``meta`` and ``freelist`` those
    pages, ``free`` the free pages, ``unused`` the space after the high-water
    mark, ``lost`` the pages that nothing refers to. ``problem`` is that of a
    freelist that can't be read: then lost pages count as free.
    """

    __slots__ = ("buckets", "free", "freelist", "lost", "meta", "problem", "root", "size", "unused")

    def __init__(self, snapshot: Snapshot) -> None:
        """Raises :class:`~boltcli.errors.Corrupted`."""
        from ..stats.buckets import bucket_usage

        self.buckets = bucket_usage(snapshot)
        mapped = used_and_free(snapshot)
        pages, page_size = mapped.count(), snapshot.page_size
        self.problem = mapped.problem
        if self.problem is not None:
            pages |= {"free": pages["lost"] + pages["damaged"], "lost": 0}
        self.meta, self.freelist, self.free, self.lost = (
            pages[kind] * page_size for kind in ("meta", "freelist", "free", "lost")
        )
        top = self.buckets[0]
        self.root = top.bytes - sum(each.bytes for each in self.buckets if each.parent is top and not each.inline)
        self.size = snapshot.size
        self.unused = max(snapshot.size - snapshot.meta.hwm * page_size, 0)
