"""Restore lost bucket names and whole pages from older versions.

The names are what placing the pages of those buckets needs. Of where the older version leads only that is taken which
other old pages don't contradict.
"""

from __future__ import annotations

from ...format.page import BUCKET_HEADER
from .elements import fits, page_elements
from .evidence import SameBucket
from .roots import Candidate, newest_first
from .tree import OLDER, OTHER_BUCKET, PLACED, Bucket, Gap, RecoveredTree

_MOST_VERSIONS = 16
_DEEP = 64  # levels of buckets whose pages are lost


def bring_back_names(tree: RecoveredTree, same_bucket: SameBucket, free: bytearray | None) -> None:
    """For each bucket of buckets whose root page is lost: the names in the newest older version of that page.

    ``free`` marks the free pages, if they are known.
    """
    done = 0
    for _ in range(_DEEP):
        gaps = tree.gaps[done:]
        done = len(tree.gaps)
        for gap in gaps:
            bucket = gap.bucket
            if bucket.parent is None or bucket.leaves or gap.low or gap.high is not None or gap.elements:
                continue
            versions = [page for page in same_bucket.versions(bucket.path()) if not tree.owner[page]][:_MOST_VERSIONS]
            if versions:
                live = [page for page in versions if free is not None and not free[page]]
                made = newest_first([Candidate(tree.table, page) for page in live or versions], [])
                _take(tree, bucket, made[0].root, same_bucket, free)
                gap.filled += 1
        if len(tree.gaps) == done:
            break


def _take(tree: RecoveredTree, bucket: Bucket, page: int, same_bucket: SameBucket, free: bytearray | None) -> None:
    """Give ``bucket`` the names in ``page``, and of their pages those that are still theirs."""
    table = tree.table
    found = page_elements(table, page)
    if found is None:
        return
    live = free is not None and not free[page]
    bucket.leaves.append(page)
    bucket.origins.append(PLACED if live else OLDER)
    tree.used[page] = 1
    tree.owner[page] = bucket.index + 1
    for i, flag in enumerate(found.flags):
        name = found.keys[i]
        if not flag or found.ends[i] - found.mids[i] < BUCKET_HEADER.size or name in bucket.children:
            continue
        root, sequence = BUCKET_HEADER.unpack_from(found.buffer, found.mids[i])
        if not root:
            continue
        made = tree.bucket(bucket, name, root, sequence)
        if live or (table.is_tree(root) and not (free and free[root]) and same_bucket.name(root) == made.path()):
            tree.walk(made, root, origin=PLACED, strict=True)
        else:
            tree.gap(made, b"", None, root, OTHER_BUCKET)


def take_skeleton(tree: RecoveredTree, reference: RecoveredTree) -> None:
    """With the root lost: the buckets of an older root, and of their pages those that may still be theirs."""
    top = tree.top
    for page in reference.top.leaves:
        found = page_elements(tree.table, page)
        if found is None:
            continue
        tree.top.leaves.append(page)
        tree.top.origins.append(OLDER)
        tree.names.update(reference.names)
        for name, child in reference.top.children.items():
            if name not in top.children:
                made = tree.bucket(top, name, child.root, child.sequence)
                tree.walk(made, child.root, b"", None, PLACED, strict=True)
        break
    tree.gaps[:] = [gap for gap in tree.gaps if gap.bucket is not top]


def fill_from_older(tree: RecoveredTree, references: list[RecoveredTree]) -> int:
    """Fill gaps to which nothing was found from the newest older tree that has something there.

    Return the number of leaf pages added.
    """
    pages = 0
    for reference in references:
        by_path = {bucket.path(): bucket for bucket in reference.buckets}
        for gap in list(tree.gaps):
            if gap.filled or gap.complete or gap.elements:
                continue
            source = by_path.get(gap.bucket.path())
            if source is not None:
                pages += _fill(tree, gap, source)
    return pages


def _fill(tree: RecoveredTree, gap: Gap, source: Bucket) -> int:
    """Fill a gap from an older version of its bucket; return the number of leaf pages added."""
    first = len(gap.bucket.leaves)
    for page in source.leaves:
        if tree.owner[page]:
            continue
        found = page_elements(tree.table, page)
        if found is None or not found.keys or not fits(found, gap.low, gap.high, 3):
            continue
        tree.walk(gap.bucket, page, gap.low, gap.high, OLDER)
        gap.filled += 1
    return len(gap.bucket.leaves) - first
