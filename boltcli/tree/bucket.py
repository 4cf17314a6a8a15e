"""Buckets of a snapshot: the root bucket, lookup of a bucket by its path, and of a key in a bucket."""

from __future__ import annotations

from ..format.bucket import BucketRef, open_bucket
from ..format.constants import BRANCH_PAGE, BUCKET_LEAF_FLAG, LEAF_PAGE
from ..format.page import BranchElements, LeafElements
from ..read_errors import BucketNotFound, Corrupted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Protocol

    from ..storage.snapshot import Snapshot

    class Parsed(Protocol):
        """Pages that were parsed."""

        def child(self, pgid: int, key: bytes) -> tuple[int, int] | None:
            """Return the index and the page id of the child that may have ``key``; None if the page isn't there."""

        def leaf_at(self, bucket: BucketRef, ids: tuple[int, ...]) -> LeafElements | None: ...
        def keep(self, branch: BranchElements) -> None: ...


def root_bucket(snapshot: Snapshot) -> BucketRef:
    """Return the bucket that holds all others; its root page is in the meta page."""
    return BucketRef(snapshot.meta.root, snapshot.meta.sequence)


def keys_on_one_page(snapshot: Snapshot, bucket: BucketRef) -> list[bytes] | None:
    """Return the keys of ``bucket`` if one sound page has them all; None if only a walk can say what it holds."""
    try:
        page = bucket.inline or snapshot.page(bucket.root, (bucket.root,), bucket)
        return LeafElements(page).keys() if page.flags == LEAF_PAGE else None
    except Corrupted:
        return None


def seek(snapshot: Snapshot, bucket: BucketRef, key: bytes) -> tuple[LeafElements, int]:
    """Return the leaf page and the index (perhaps past its last) where ``key`` is or would be. Raises Corrupted."""
    leaf, indexes = descend(snapshot, bucket, key)
    return leaf, indexes[-1]


def descend(
    snapshot: Snapshot, bucket: BucketRef, key: bytes, parsed: Parsed | None = None
) -> tuple[LeafElements, list[int]]:
    """Return the leaf page where ``key`` is or would be, and the index in each page from the root to it.

    Pages that are ``parsed`` already aren't read again. Raises Corrupted.
    """
    inline = bucket.inline
    stack: tuple[int, ...] = (bucket.root,) if inline is None else ()
    indexes: list[int] = []
    while True:
        found = parsed.child(stack[-1], key) if parsed is not None and stack else None
        if found is None:
            leaf = parsed.leaf_at(bucket, stack) if parsed is not None else None
            page = leaf.page if leaf is not None else inline or snapshot.page(stack[-1], stack, bucket)
            if page.flags != BRANCH_PAGE:
                break
            if bucket.root == 0:
                raise page.damaged("an inline bucket's page must be a leaf")
            branch = BranchElements(page)
            if not branch.count:
                raise page.damaged("a branch page without elements")
            index, exact = _search(branch, key)
            if not exact and index > 0:
                index -= 1
            if parsed is not None:
                parsed.keep(branch)
            found = index, branch.pgids[index]
        index, child = found
        if child in stack:
            raise snapshot.corrupted(f"its child {child} is its own ancestor", stack[-1], stack, bucket)
        indexes.append(index)
        stack = (*stack, child)
    if page.flags != LEAF_PAGE:
        raise page.unfit()
    if leaf is None:
        leaf = LeafElements(page)
    indexes.append(_search(leaf, key)[0])
    return leaf, indexes


def _search(elements: LeafElements | BranchElements, key: bytes) -> tuple[int, bool]:
    """Return the index of the first key that isn't below ``key``, and whether it was met; reads what bbolt compares."""
    low, high = 0, elements.count
    exact = False
    more = len(key) + 1
    while low < high:
        middle = (low + high) // 2
        found = elements.key(middle, more)
        if found < key:
            low = middle + 1
        else:
            exact = exact or found == key
            high = middle
    return low, exact


def child_bucket(snapshot: Snapshot, bucket: BucketRef, name: bytes) -> BucketRef | None:
    """Return the bucket called ``name`` inside ``bucket``, or None."""
    leaf, index = seek(snapshot, bucket, name)
    if index < leaf.count and leaf.flags[index] & BUCKET_LEAF_FLAG and leaf.key(index) == name:
        return open_bucket(leaf, index, name)
    return None


def as_bytes(key: bytes | str) -> bytes:
    """Return ``key``, a str as UTF-8."""
    return key.encode() if isinstance(key, str) else key


def bucket_path(given: bytes | str | Iterable[bytes | str]) -> tuple[bytes, ...]:
    """Return a bucket's path as names in bytes; the library also takes text, and a single name as it is."""
    names = (given,) if isinstance(given, (bytes, str)) else given
    return tuple(map(as_bytes, names))


def find_bucket(snapshot: Snapshot, path: Iterable[bytes], start: BucketRef | None = None) -> BucketRef:
    """Return the bucket at ``path`` below ``start`` (default: the root bucket). Raises BucketNotFound."""
    bucket = start or root_bucket(snapshot)
    names = list(path)
    for name in names:
        child = child_bucket(snapshot, bucket, name)
        if child is None:
            raise BucketNotFound(names, snapshot.path)
        bucket = child
    return bucket


def get(snapshot: Snapshot, bucket: BucketRef, key: bytes) -> bytes | None:
    """Return the value of ``key``; None if there is no such key or if it is a nested bucket."""
    leaf, index = seek(snapshot, bucket, key)
    if index < leaf.count and not leaf.flags[index] & BUCKET_LEAF_FLAG and leaf.key(index) == key:
        return leaf.value(index)
    return None
