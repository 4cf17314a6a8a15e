"""Buckets of a snapshot: the root bucket, lookup of a bucket by its path, and of a key in a bucket."""

from __future__ import annotations

from ..format.bucket import BucketRef, open_bucket
from ..format.constants import BRANCH_PAGE, BUCKET_LEAF_FLAG, ELEMENT_SIZE, LEAF_PAGE, PAGE_HEADER_SIZE
from ..format.page import BranchElements, LeafElements
from ..read_errors import BucketNotFound, Corrupted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TypeVar

    from ..format.page import Page
    from ..storage.snapshot import Snapshot

    _Either = TypeVar("_Either", LeafElements, BranchElements)


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


def seek(snapshot: Snapshot, bucket: BucketRef, key: bytes, *, lenient: bool = False) -> tuple[LeafElements, int]:
    """Return where ``key`` is or would be: the elements of a leaf page, and an index (perhaps past the last).

    Reads only the pages on the way down, and only the keys that the binary
    search compares. These are the keys that bbolt compares, so on a damaged
    page both find the same element. Raises :class:`~boltcli.errors.Corrupted`.
    """
    if lenient:
        return _seek(snapshot, bucket, key, lenient=True)
    try:
        return _seek(snapshot, bucket, key, lenient=False)
    except Corrupted:
        # As in bbolt, the search may compare a key that lies outside its page; the element found must lie inside.
        leaf, index = _seek(snapshot, bucket, key, lenient=True)
        leaf.end = leaf.page.end
        return leaf, index


def _seek(snapshot: Snapshot, bucket: BucketRef, key: bytes, *, lenient: bool) -> tuple[LeafElements, int]:
    if lenient:
        snapshot.read_beyond_pages()
    page = bucket.inline or snapshot.page(bucket.root, (bucket.root,), bucket)
    while page.flags == BRANCH_PAGE:
        if bucket.root == 0:
            raise page.damaged("an inline bucket's page must be a leaf")
        branch = _to_search(BranchElements, page) if lenient else BranchElements(page)
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
    leaf = _to_search(LeafElements, page) if lenient else LeafElements(page)
    index, _ = _search(leaf, key)
    if len(leaf.positions) <= index < leaf.count:
        raise page.damaged(f"{leaf.count} elements do not fit")
    leaf.count = len(leaf.positions)
    return leaf, index


def _to_search(kind: type[_Either], page: Page) -> _Either:
    """Return the elements of a page as far as they lie in the file, with the ``count`` that the page claims.

    A search needs only some of them, and their keys may lie anywhere in the file.
    """
    claimed = page.count
    page.count = min(claimed, (page.limit - page.offset - PAGE_HEADER_SIZE) // ELEMENT_SIZE)
    elements = kind(page, page.limit)
    elements.count = page.count = claimed
    return elements


def _search(elements: LeafElements | BranchElements, key: bytes) -> tuple[int, bool]:
    """Return the index of the first key that isn't below ``key``, and whether ``key`` was found."""
    low, high = 0, elements.count
    exact = False
    more = len(key) + 1
    while low < high:
        middle = (low + high) // 2
        if middle >= len(elements.positions):
            raise elements.page.damaged(f"{elements.count} elements do not fit")
        found = elements.key(middle, more)
        if found < key:
            low = middle + 1
        else:
            exact = exact or found == key
            high = middle
    return low, exact


def child_bucket(snapshot: Snapshot, bucket: BucketRef, name: bytes, *, lenient: bool = False) -> BucketRef | None:
    """Return the bucket called ``name`` inside ``bucket``, or None."""
    leaf, index = seek(snapshot, bucket, name, lenient=lenient)
    if index < leaf.count and leaf.flags[index] & BUCKET_LEAF_FLAG and leaf.key(index) == name:
        return open_bucket(leaf, index, name, lenient=lenient)
    return None


def bucket_path(given: bytes | str | Iterable[bytes | str]) -> tuple[bytes, ...]:
    """Return a bucket's path as names in bytes; the library also takes text, and a single name as it is."""
    names = (given,) if isinstance(given, (bytes, str)) else given
    return tuple(name.encode() if isinstance(name, str) else name for name in names)


def find_bucket(snapshot: Snapshot, path: Iterable[bytes], start: BucketRef | None = None) -> BucketRef:
    """Return the bucket at ``path`` (outermost name first) below ``start`` (default: the root bucket).

    Raises :class:`~boltcli.errors.BucketNotFound`.
    """
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
