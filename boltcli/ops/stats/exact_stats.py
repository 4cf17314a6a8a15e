"""Compute the statistics of buckets page by page, also of damaged files, with bbolt's results."""

from __future__ import annotations

from ...format.bucket import BucketRef, open_bucket
from ...format.constants import BRANCH_PAGE, LEAF_PAGE
from ...format.page import LeafElements
from ...tree.walk import Descent, Walk, visit_buckets
from .bucket_stats import BucketStats

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ...format.page import Page
    from ...storage.snapshot import Snapshot


def exact_stats(
    snapshot: Snapshot, bucket: BucketRef, progress: Callable[[int, int], None] | None = None, done: int = 0
) -> BucketStats:
    """Return the statistics of ``bucket`` and everything below it, page by page; see ``database_stats.py``.

    ``progress`` is called with the number of pages visited, ``done`` of them before, and the high-water mark.
    """
    total = BucketStats()
    snapshot.read_beyond_pages()
    descent = Descent(snapshot)

    def visit(bucket: BucketRef, above: int) -> Iterable[tuple[BucketRef, int]]:
        """Add a bucket; ``above`` is the depth of the buckets around it, as the depths of nested buckets add up."""
        nested: list[BucketRef] = []
        levels, below = 1, 0
        snapshot.poll()
        if progress is not None:
            progress(done + total.branch_pages + total.leaf_pages, snapshot.meta.hwm)
        inline = total.inline_buckets
        if bucket.root:
            total.buckets += 1
            levels = _add_tree(total, snapshot, bucket, descent, nested)
            below = int(total.inline_buckets > inline)
        else:
            _add_inline(total, bucket.inline)
        total.depth = max(total.depth, above + levels + below)
        return [(child, above + levels) for child in nested]

    visit_buckets(snapshot, bucket, 0, visit)
    total.branch_alloc = (total.branch_pages + total.branch_overflow_pages) * snapshot.page_size
    total.leaf_alloc = (total.leaf_pages + total.leaf_overflow_pages) * snapshot.page_size
    return total


def _add_tree(
    total: BucketStats, snapshot: Snapshot, bucket: BucketRef, descent: Descent, nested: list[BucketRef]
) -> int:
    """Add the pages of one bucket's own tree and the inline buckets in it; append the others to ``nested``.

    Returns its levels.
    """
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
                for index in leaf.bucket_indexes():
                    child = open_bucket(leaf, index)
                    if child.root:
                        nested.append(child)
                    else:
                        _add_inline(total, child.inline)
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
    total.buckets += 1
    total.inline_buckets += 1
    if page is not None and page.flags == LEAF_PAGE:
        total.keys += page.count
        total.inline_bucket_inuse += page.used()
    elif page is not None and page.flags == BRANCH_PAGE:
        _add_branch(total, page)
