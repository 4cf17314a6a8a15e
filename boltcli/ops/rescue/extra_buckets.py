"""The buckets of a result that the file doesn't have: lost+found, and deleted."""

from __future__ import annotations

from ...format.constants import LEAF_PAGE
from .tree import OLDER, PLACED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .search import Recovery
    from .tree import Bucket

LOST_AND_FOUND = b"lost+found"


def add_lost_and_found(done: Recovery, name: bytes = LOST_AND_FOUND) -> Bucket | None:
    """Put what could not be placed into a bucket ``name``, a nested bucket a page; None if there is nothing.

    So do databases that begin in the middle of the file.
    """
    tree = done.tree
    if not done.left and not done.others:
        return None
    top = tree.top
    while name in tree.names:
        name += b"+"
    bucket = tree.bucket(top, name, 0, 0)
    top.added.add(name)
    gaps = len(tree.gaps)
    for page in done.left:
        if tree.used[page]:
            continue
        inner = str(page).encode()
        made = tree.bucket(bucket, inner, page, 0)
        bucket.added.add(inner)
        tree.walk(made, page, b"", None, PLACED, strict=True)
        done.lost_pages += 1
    del tree.gaps[gaps:]
    for offset, other in done.others:
        inner = b"at-%d" % offset
        add_lost_and_found(other, name)
        tree.joined[tree.bucket(bucket, inner, 0, other.tree.top.sequence).index] = other.tree
        bucket.added.add(inner)
    return bucket


def add_deleted(done: Recovery, name: bytes) -> Bucket | None:
    """Put the leaf pages that the result doesn't use into a bucket ``name``, a nested bucket a page."""
    tree, table = done.tree, done.table
    pages = [
        page for page in range(2, table.pages)
        if not tree.used[page] and table.is_tree(page) and table.kind[page] == LEAF_PAGE and not table.is_torn(page)
    ]  # fmt: skip
    if not pages:
        return None
    while name in tree.names or name in tree.top.children:
        name += b"+"
    bucket = tree.bucket(tree.top, name, 0, 0)
    tree.top.added.add(name)
    for page in pages:
        inner = str(page).encode()
        tree.bucket(bucket, inner, page, 0).leaves.append(page)
        tree.buckets[-1].origins.append(OLDER)
        bucket.added.add(inner)
    return bucket
