"""The records and the statistics of buckets, read page by page as bbolt reads them."""

from __future__ import annotations

from ...format.bucket import BucketRef, buckets_in
from ...format.constants import BRANCH_PAGE, LEAF_PAGE
from ...format.page import Page
from ...read_errors import Corrupted
from ...tree.bucket import root_bucket
from ...tree.walk import Seen, Whole, flat, refuse_nested, tree_pages
from ..read.key_pages import top_buckets
from . import BucketRecord, BucketStats

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...progress import Progress
    from ...storage.snapshot import Snapshot
    from ...tree.walk import Nested


def records(snapshot: Snapshot, *, whole: bool = False, damages: list[Corrupted] | None = None) -> list[BucketRecord]:
    """Return what :func:`~boltcli.ops.stats.buckets.inspect` does."""
    seen = Whole(snapshot) if whole else Seen(snapshot, twice=True)

    def read(ref: BucketRef, parent: BucketRecord | None) -> Nested[BucketRecord]:
        snapshot.poll()
        record = BucketRecord(ref.name, parent, ref.sequence, not ref.root)
        yield record
        inside: list[BucketRef] = []
        try:
            for page in tree_pages(snapshot, refuse_nested(snapshot, ref), seen):
                record.depth = max(record.depth, len(page.stack))
                record.bytes += (1 + page.overflow) * snapshot.page_size if ref.root else page.end - page.offset
                if page.flags != LEAF_PAGE:
                    continue
                children = buckets_in(page)
                record.pairs += page.count - len(children)
                for child in children:
                    if damages is None:
                        yield read(child, record)
                    else:
                        inside.append(child)
        except Corrupted as damage:
            if damages is None:
                raise
            damages.append(damage)
            record.pairs = record.bytes = 0
            record.depth = 1
            return
        for child in inside:
            yield read(child, record)

    return list(flat(read(root_bucket(snapshot), None)))


def top_level_stats(snapshot: Snapshot, prefix: bytes, progress: Progress | None) -> tuple[int, BucketStats]:
    """Return the number and summed statistics of the top-level buckets with this ``prefix``. Raises Corrupted."""
    sums = Statistics(snapshot, progress)
    count = 0
    for name, bucket in top_buckets(snapshot):
        if name.startswith(prefix):
            if bucket is None:
                raise snapshot.corrupted(f"the entry {name!r} of the root bucket is not a bucket", snapshot.meta.root)
            sums.add(bucket)
            count += 1
    return count, sums.total


def _below(page: Page) -> list[int]:
    return page.children() if page.flags == BRANCH_PAGE and page.count else []


class Statistics:
    """Sums the statistics of buckets and all inside them, as bbolt's ``Bucket.Stats``: it passes over odd pages."""

    def __init__(self, snapshot: Snapshot, progress: Progress | None = None) -> None:
        self._snapshot = snapshot
        self._progress = progress
        self._done = 0
        self.total = BucketStats()
        self._depth = 0  # of the last bucket, with those inside it

    def add(self, bucket: BucketRef) -> BucketStats:
        """Add the statistics of ``bucket`` and return the total. Raises Corrupted."""
        total, page_size = self.total, self._snapshot.page_size
        self._seen = Seen(self._snapshot, twice=True)
        for _ in flat(self._bucket(bucket)):
            pass
        total.depth = max(total.depth, self._depth)
        total.branch_alloc = (total.branch_pages + total.branch_overflow_pages) * page_size
        total.leaf_alloc = (total.leaf_pages + total.leaf_overflow_pages) * page_size
        return total

    def _bucket(self, ref: BucketRef) -> Nested[None]:
        snapshot, total = self._snapshot, self.total
        snapshot.poll()
        total.buckets += 1
        depth, deepest = 1, 0
        if not ref.root:
            total.inline_buckets += 1
            if ref.inline is not None:
                self._seen.spend(ref.inline)
                self._count(ref.inline, is_inline=True)
        else:
            for page in tree_pages(snapshot, refuse_nested(snapshot, ref), self._seen, _below):
                self._done += 1 + page.overflow
                if self._progress is not None:
                    self._progress(min(self._done, snapshot.used_pages()), snapshot.used_pages())
                depth = max(depth, len(page.stack))
                self._count(page)
                if page.flags == LEAF_PAGE and page.holds_buckets():
                    deepest = max(deepest, 1)
                    for child in buckets_in(page):
                        yield self._bucket(child)
                        deepest = max(deepest, self._depth)
        self._depth = depth + deepest

    def _count(self, page: Page, *, is_inline: bool = False) -> None:
        total = self.total
        if page.flags == BRANCH_PAGE:
            total.branch_pages += 1
            total.branch_overflow_pages += page.overflow
            total.branch_inuse += page.used()
        elif page.flags == LEAF_PAGE:
            page.table(page.count)  # raises an error if they don't fit
            total.keys += page.count
            if is_inline:
                total.inline_bucket_inuse += page.used()
            else:
                total.leaf_pages += 1
                total.leaf_overflow_pages += page.overflow
                total.leaf_inuse += page.used()
