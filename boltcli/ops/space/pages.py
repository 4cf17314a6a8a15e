"""The pages of a file in a list, and the bytes that they take: by bucket, free, lost."""

from __future__ import annotations

from ...format.page import header_columns
from ...tree.page_map import used_and_free

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...storage.snapshot import Snapshot

FREE = -1
_BATCH = 512


def page_rows(snapshot: Snapshot, free: list[int]) -> Iterator[list[tuple[int, int]]]:
    """Yield all pages up to the high-water mark, in batches, without overflow pages.

    For each page: its id, and :data:`FREE` or the half of its header that :func:`header_columns` describes. ``free``
    are the ids of the free pages, ascending. Raises Corrupted at the first page beyond the end of the file.
    """
    is_free = set(free)
    known = snapshot.size // snapshot.page_size
    _, heads = header_columns(snapshot.buffer, snapshot.page_size, known)
    rows: list[tuple[int, int]] = []
    pgid, hwm = 0, snapshot.meta.hwm
    while pgid < hwm:
        if pgid in is_free:
            head = FREE
        elif pgid < known:
            head = heads[pgid]
        else:
            if rows:
                yield rows  # the pages before the first one beyond the file
            rows = []
            page = snapshot.any_page(pgid)
            head = page.flags | page.count << 16 | page.overflow << 32
        rows.append((pgid, head))
        pgid += 1 if head == FREE else 1 + (head >> 32)
        if len(rows) == _BATCH:
            yield rows
            rows = []
    if rows:
        yield rows


class Usage:
    """The bytes of a file. ``buckets`` are all buckets, parents first, beginning with the root bucket.

    ``root`` is the root bucket's own pages, ``unused`` the space after the high-water mark, ``lost`` the pages that
    nothing refers to. ``problem`` is that of a freelist that can't be read: then lost pages count as free.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        from ..stats.buckets import bucket_usage

        self.buckets = bucket_usage(snapshot)
        mapped = used_and_free(snapshot)
        self.problem = mapped.problem
        pages, page_size = mapped.count(), snapshot.page_size
        self.meta, self.freelist, self.free, self.lost = (
            pages[kind] * page_size for kind in ("meta", "freelist", "free", "lost")
        )
        top = self.buckets[0]
        self.root = top.bytes - sum(each.bytes for each in self.buckets if each.parent is top and not each.inline)
        self.size = snapshot.size
        self.unused = max(snapshot.size - snapshot.meta.hwm * page_size, 0)
