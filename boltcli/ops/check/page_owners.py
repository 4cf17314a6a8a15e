"""Find the owner of each page: a bucket, the freelist, or nothing."""

from __future__ import annotations

from array import array

from ...errors import Corrupted
from ...format.constants import FREELIST_PAGE, PAGE_TYPES
from .findings import Finding, stack_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...format.bucket import BucketRef
    from ...format.page import Page
    from ...storage.snapshot import Snapshot

_RUNS = 4  # limit on the pages claimed by all runs, as a multiple of the pages in the file
_NOBODY, _META, _FREELIST, _FREE, _BUCKETS = range(5)


class Accounts:
    """The owner of each page in the file; it takes four bytes of memory a page."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._owners = array("I", bytes(4 * max(snapshot.page_count, 2)))
        self._owners[0] = self._owners[1] = _META
        self._buckets: list[BucketRef] = []
        self._left = _RUNS * len(self._owners)

    def freelist(self) -> Iterator[Finding]:
        """Record the pages of the freelist and the free pages; yield findings about them."""
        snapshot = self._snapshot
        pgid, hwm = snapshot.meta.freelist, snapshot.meta.hwm
        if not snapshot.meta.has_freelist:
            return
        try:
            page = snapshot.any_page(pgid)
            if page.flags != FREELIST_PAGE:
                return  # already reported by the check
        except Corrupted:
            return
        yield from self._claim(page, pgid, _FREELIST)
        try:
            ids = page.freelist_ids(page.end, snapshot.page_count)
        except Corrupted as damage:
            words = f"page {pgid} at offset {page.file_offset}: {damage.problem}, in a freelist page"
            yield Finding("freelist", pgid, words)
            return
        if page.pgid != pgid:
            yield Finding("freelist", pgid, f"page {pgid}: the freelist identifies itself as page {page.pgid}")
        if ids != sorted(ids):
            yield Finding("freelist", pgid, f"page {pgid}: the freelist isn't in ascending order")
        owners = self._owners
        for free in ids:
            if not 2 <= free < hwm:
                yield Finding("freelist", free, f"page {free}: freed, expected one in [2, {hwm})")
            elif free < len(owners):
                if owners[free] == _FREELIST:
                    yield Finding("freelist", free, f"page {free}: freed, and it holds the freelist")
                else:
                    owners[free] = _FREE
        slack = page.buffer[page.offset + 16 + 8 * (len(ids) + (page.count == 0xFFFF)) : page.end]
        if slack.strip(b"\0"):
            yield Finding("freelist", pgid, f"page {pgid}: there are bytes after the freelist's ids")

    def bucket(self, bucket: BucketRef) -> int:
        """Return the owner number of ``bucket``."""
        self._buckets.append(bucket)
        return _BUCKETS + len(self._buckets) - 1

    def claim(self, page: Page, owner: int) -> Iterator[Finding]:
        """Record a bucket as the owner of a page run; yield findings if another owner has a page of it."""
        return self._claim(page, page.pgid, owner)

    def _claim(self, page: Page, pgid: int, owner: int) -> Iterator[Finding]:
        owners, hwm = self._owners, self._snapshot.meta.hwm
        stop = pgid + page.overflow + 1
        way = f" {stack_text(page.stack)}" if page.stack else ""
        if stop > hwm:
            beyond = f"its last page is {stop - 1}, beyond the high-water mark, {hwm}"
            yield Finding("owner", pgid, f"page {pgid}: in {self._name(owner)}, {beyond}{way}")
        if self._left < 0:
            stop = pgid + 1  # too many overlapping runs: record only their first pages
        stop = min(stop, len(owners))
        self._left -= stop - pgid
        said = set()
        for part in range(pgid, stop):
            before = owners[part]
            if before and before not in said:
                said.add(before)
                also = "twice" if before == owner else f"in {self._name(before)} and"
                yield Finding("owner", part, f"page {part}: {also} in {self._name(owner)}{way}")
            owners[part] = owner

    def _name(self, owner: int) -> str:
        if owner < _BUCKETS:
            return ("nothing", "the meta pages", "the freelist", "the free pages")[owner]
        return self._buckets[owner - _BUCKETS].label

    def lost(self) -> Iterator[Finding]:
        """Yield a finding for each page without an owner."""
        snapshot = self._snapshot
        pgid = 2
        while pgid < min(snapshot.meta.hwm, len(self._owners)):
            if self._owners[pgid] == _NOBODY:
                try:
                    page = snapshot.page(pgid)
                except Corrupted:
                    yield Finding("lost", pgid, f"page {pgid}: it has no owner, and its type is unknown")
                else:
                    what = f"a {PAGE_TYPES[page.flags]} page of {page.count} elements, {page.overflow + 1} pages long"
                    yield Finding("lost", pgid, f"page {pgid}: it has no owner, and looks like {what}")
                    pgid += page.overflow
            pgid += 1
