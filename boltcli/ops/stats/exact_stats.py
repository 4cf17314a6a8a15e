"""Compute the statistics of buckets page by page, for irregular and damaged files too, with bbolt's results."""

from __future__ import annotations

from ...format.bucket import BucketRef, open_bucket
from ...format.constants import BRANCH_PAGE, LEAF_PAGE
from ...format.page import LeafElements
from ...tree.walk import Descent, Walk, visit_buckets
from .bucket_stats import BucketStats

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ...format.page import Page
    from ...storage.snapshot import Snapshot


def exact_stats(snapshot: Snapshot, bucket: BucketRef) -> BucketStats:
    """Return the statistics of ``bucket`` and everything below it, page by page; see ``database_stats.py``."""
    total = BucketStats()
    snapshot.read_beyond_pages()
    descent = Descent(snapshot)

    def visit(bucket: BucketRef, above: int) -> Iterable[tuple[BucketRef, int]]:
        """Add a bucket; ``above`` is the depth of the buckets around it, as the depths of nested buckets add up."""
        total.buckets += 1
        nested: list[BucketRef] = []
        levels = 1
        if bucket.root:
            levels = _add_tree(total, snapshot, bucket, descent, nested)
        else:
            _add_inline(total, bucket.inline)
        total.depth = max(total.depth, above + levels)
        return [(child, above + levels) for child in nested]

    visit_buckets(snapshot, bucket, 0, visit)
    total.branch_alloc = (total.branch_pages + total.branch_overflow_pages) * snapshot.page_size
    total.leaf_alloc = (total.leaf_pages + total.leaf_overflow_pages) * snapshot.page_size
    return total


def _add_tree(
    total: BucketStats, snapshot: Snapshot, bucket: BucketRef, descent: Descent, nested: list[BucketRef]
) -> int:
    """Add the pages of one bucket's own tree, append its child buckets to ``nested``, return its levels."""
    levels = 0
    walk = Walk(snapshot, bucket)
    for page in walk:
        descent.visit(page)
        levels = max(levels, len(page.stack))
        if page.flags == LEAF_PAGE:
            total.keys += page.count
            total.leaf_pages += 1
            total.leaf_overflow_pages += page.overflow
            total.leaf_inuse += page.used()
            if page.holds_buckets():
                leaf = LeafElements(page, page.limit)
                nested.extend(open_bucket(leaf, index) for index in leaf.bucket_indexes())
        elif page.flags == BRANCH_PAGE:
            if page.count:
                walk.enter(page.children())
            _add_branch(total, page)
        # bbolt's statistics silently skip pages of other types.
    return levels


def _add_branch(total: BucketStats, page: Page) -> None:
    total.branch_pages += 1
    total.branch_overflow_pages += page.overflow
    total.branch_inuse += page.used()


def _add_inline(total: BucketStats, page: Page | None) -> None:
    total.inline_buckets += 1
    if page is not None and page.flags == LEAF_PAGE:
        total.keys += page.count
        total.inline_bucket_inuse += page.used()
    elif page is not None and page.flags == BRANCH_PAGE:
        _add_branch(total, page)
