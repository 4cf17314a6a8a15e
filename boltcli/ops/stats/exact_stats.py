"""Counts and sizes of buckets, a page at a time, whatever the pages are like: what bbolt counts, and its errors."""

from __future__ import annotations

from ...format.constants import BRANCH_PAGE, ELEMENT_SIZE, LEAF_PAGE, PAGE_HEADER_SIZE
from ...format.page import BRANCH_ELEMENT, LEAF_ELEMENT, DamagedElements, holds_buckets
from ...tree.bucket import BucketRef, children, damaged, leaf_elements, open_bucket
from ...tree.descent import Descent
from .bucket_stats import BucketStats

TYPE_CHECKING = False
if TYPE_CHECKING:
    from struct import Struct

    from ...storage.snapshot import Page, Snapshot

_U32 = 0xFFFFFFFF


def exact_stats(snapshot: Snapshot, bucket: BucketRef) -> BucketStats:
    """Statistics of ``bucket`` and all below it, page by page; see ``database_stats.py``."""
    total = BucketStats()
    descent = Descent(snapshot)
    inside: set[int] = set()  # the roots of the buckets around the one that is looked at
    # A list and not recursion: buckets may nest deeper than Python calls may. A root alone: that bucket is done.
    todo: list[tuple[BucketRef, int] | int] = [(bucket, -1)]
    parents: list[int] = []
    levels: list[int] = []
    while todo:
        entry = todo.pop()
        if isinstance(entry, int):
            inside.discard(entry)
            continue
        bucket, parent = entry
        if bucket.root in inside:
            raise snapshot.corrupted("the bucket is nested in itself", bucket.root)
        parents.append(parent)
        total.buckets += 1
        if bucket.root == 0:
            levels.append(1)
            _add_inline(total, bucket.inline)
        else:
            nested: list[BucketRef] = []
            with bucket:
                levels.append(_add_tree(total, snapshot, bucket, descent, nested))
            this = len(parents) - 1
            inside.add(bucket.root)
            todo.append(bucket.root)
            todo.extend((child, this) for child in nested)
    # A bucket's depth is its own levels and those of its deepest child; children come after parents.
    below = [0] * len(parents)
    for index in range(len(parents) - 1, 0, -1):
        parent = parents[index]
        below[parent] = max(below[parent], levels[index] + below[index])
    total.depth = levels[0] + below[0]
    total.branch_alloc = (total.branch_pages + total.branch_overflow_pages) * snapshot.page_size
    total.leaf_alloc = (total.leaf_pages + total.leaf_overflow_pages) * snapshot.page_size
    return total


def _add_tree(
    total: BucketStats, snapshot: Snapshot, bucket: BucketRef, descent: Descent, nested: list[BucketRef]
) -> int:
    """Add the pages of one bucket's own tree, put its child buckets into ``nested``, return its levels."""
    levels = 0
    level: list[tuple[int, tuple[int, ...]]] = [(bucket.root, (bucket.root,))]
    while level:
        levels += 1
        below: list[tuple[int, tuple[int, ...]]] = []
        for pgid, stack in level:
            page = snapshot.page(pgid, stack)
            descent.visit(stack)
            if page.flags == LEAF_PAGE:
                total.keys += page.count
                total.leaf_pages += 1
                total.leaf_overflow_pages += page.overflow
                total.leaf_inuse += _leaf_used(page)
                try:
                    has_children = holds_buckets(page.buffer, page.offset, page.count, page.limit)
                except DamagedElements as damage:
                    raise damaged(snapshot, page, damage, stack) from None
                if has_children:
                    leaf = leaf_elements(snapshot, page, stack, lenient=True)
                    nested.extend(open_bucket(snapshot, page, leaf, index, bucket) for index in leaf.bucket_indexes())
            elif page.flags == BRANCH_PAGE:
                total.branch_pages += 1
                total.branch_overflow_pages += page.overflow
                if page.count:
                    below.extend((child, (*stack, child)) for child in children(snapshot, page, stack))
                total.branch_inuse += _branch_used(page)
            # Other types: bbolt's statistics pass over them without a word.
        level = below
    return levels


def _add_inline(total: BucketStats, page: Page | None) -> None:
    total.inline_buckets += 1
    if page is not None and page.flags == LEAF_PAGE:
        total.keys += page.count
        total.inline_bucket_inuse += _leaf_used(page)
    elif page is not None and page.flags == BRANCH_PAGE:
        total.branch_pages += 1
        total.branch_overflow_pages += page.overflow
        total.branch_inuse += _branch_used(page)


# The position of the last element is the sum of all sizes before it, so that
# element alone tells the bytes in use. Its three fields add up in 32 bits.


def _leaf_used(page: Page) -> int:
    return _used(page, LEAF_ELEMENT, 1, 4)  # pos, ksize, vsize


def _branch_used(page: Page) -> int:
    return _used(page, BRANCH_ELEMENT, 0, 2)  # pos, ksize


def _used(page: Page, element: Struct, first: int, stop: int) -> int:
    """Bytes in use; the fields of ``element`` from ``first`` to before ``stop`` are those that add up."""
    if not page.count:
        return PAGE_HEADER_SIZE
    before = ELEMENT_SIZE * (page.count - 1)
    at = page.offset + PAGE_HEADER_SIZE + before
    if at + ELEMENT_SIZE > page.limit:
        return PAGE_HEADER_SIZE + before
    sizes: tuple[int, ...] = element.unpack_from(page.buffer, at)[first:stop]
    return PAGE_HEADER_SIZE + before + (sum(sizes) & _U32)
