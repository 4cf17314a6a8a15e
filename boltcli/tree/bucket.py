"""Buckets of a snapshot: the root bucket, lookup of a bucket by its path, and of a key in a bucket."""

from __future__ import annotations

from ..format.bucket import BucketRef, open_bucket
from ..format.constants import BRANCH_PAGE, BUCKET_LEAF_FLAG, LEAF_PAGE
from ..format.page import BranchElements, LeafElements
from ..read_errors import BucketNotFound, Corrupted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..storage.snapshot import Snapshot


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
    page = bucket.inline or snapshot.page(bucket.root, (bucket.root,), bucket)
    while page.flags == BRANCH_PAGE:
        if bucket.root == 0:
            raise page.damaged("an inline bucket's page must be a leaf")
        branch = BranchElements(page)
        if not branch.count:
            raise page.damaged("a branch page without elements")
        index, exact = _search(branch, key)
        if not exact and index > 0:
            index -= 1
        if index >= len(branch.pgids):  # possible if the keys are out of order; bbolt would crash
            raise page.damaged("its keys are out of order")
        child = branch.pgids[index]
        if child in page.stack:
            raise page.damaged(f"its child {child} is its own ancestor")
        page = snapshot.page(child, (*page.stack, child), bucket)
    if page.flags != LEAF_PAGE:
        raise page.unfit()
    leaf = LeafElements(page)
    return leaf, _search(leaf, key)[0]


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


def bucket_path(given: bytes | str | Iterable[bytes | str]) -> tuple[bytes, ...]:
    """Return a bucket's path as names in bytes; the library also takes text, and a single name as it is."""
    names = (given,) if isinstance(given, (bytes, str)) else given
    return tuple(name.encode() if isinstance(name, str) else name for name in names)


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
