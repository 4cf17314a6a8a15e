"""Read a range of keys of a bucket: only the pages that can hold the range are visited."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from ..format.constants import BUCKET_LEAF_FLAG, LEAF_PAGE
from ..format.page import BranchElements, LeafElements
from .walk import Seen, Whole, tree_pages

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..format.bucket import BucketRef
    from ..format.page import Page
    from ..storage.snapshot import Snapshot

    # The elements of a leaf page, their keys, and the range of indexes in question.
    LeafRange = tuple[LeafElements, list[bytes], int, int]


def leaf_pages(
    snapshot: Snapshot,
    bucket: BucketRef,
    start: bytes = b"",
    stop: bytes | None = None,
    *,
    reverse: bool = False,
    guard: Seen | None = None,
) -> Iterator[Page]:
    """Yield the leaf pages of ``bucket`` that can hold keys from ``start`` to before ``stop``.

    They come in key order, or with ``reverse`` from the last to the first; a
    page that is referenced twice comes twice. Yields the pages before a
    damaged one, then raises :class:`~boltcli.errors.Corrupted`. ``guard`` is
    that of a walk over several buckets; by default it is one that reads as
    bbolt does, which passes over a page that hides what is below it.
    """

    def children(page: Page) -> list[int]:
        below = page.children()
        if page.count and (start or stop is not None):
            # The keys below a child begin at its key (except the first child's) and end before the next child's key.
            keys = BranchElements(page).keys()
            low = max(bisect_right(keys, start) - 1, 0)
            below = below[low : len(keys) if stop is None else max(bisect_left(keys, stop), 1)]
        if reverse:
            below.reverse()
        return below

    for page in tree_pages(snapshot, bucket, guard or Seen(snapshot, twice=True), children):
        if page.flags == LEAF_PAGE:
            yield page


def leaf_ranges(
    snapshot: Snapshot,
    bucket: BucketRef,
    start: bytes = b"",
    stop: bytes | None = None,
    *,
    reverse: bool = False,
    guard: Whole | None = None,
) -> Iterator[LeafRange]:
    """Yield the elements of ``bucket`` whose keys are at least ``start`` and below ``stop``, a leaf page at a time.

    With ``reverse`` the pages come from the last to the first; the order
    within each page stays ascending. Raises as :func:`leaf_pages` does, and what
    ``guard`` raises; by default one for a list, or for a range of keys.
    """
    guard = guard or Whole(snapshot, ordered=bool(start) or stop is not None)
    for page in leaf_pages(snapshot, bucket, start, stop, reverse=reverse, guard=guard):
        leaf = LeafElements(page)
        keys = leaf.keys()
        guard.leaf(leaf, keys)
        low = bisect_left(keys, start) if start else 0
        high = len(keys) if stop is None else bisect_left(keys, stop, low)
        if low < high:
            yield leaf, keys, low, high


def keys_with_prefix(snapshot: Snapshot, bucket: BucketRef, prefix: bytes) -> Iterator[tuple[bytes, bool]]:
    """Yield each key that begins with ``prefix``, and whether it is a bucket. Raises Corrupted."""
    for leaf, keys, low, high in leaf_ranges(snapshot, bucket, prefix, successor(prefix)):
        for index in range(low, high):
            yield keys[index], bool(leaf.flags[index] & BUCKET_LEAF_FLAG)


def last_with_prefix(snapshot: Snapshot, bucket: BucketRef, prefix: bytes) -> bytes | None:
    """Return the last key that begins with ``prefix``, or None. Raises :class:`~boltcli.errors.Corrupted`."""
    for _, keys, _, high in leaf_ranges(snapshot, bucket, prefix, successor(prefix), reverse=True):
        return keys[high - 1]
    return None


def successor(prefix: bytes) -> bytes | None:
    """Return the smallest byte string above all that begin with ``prefix``; None if there is none."""
    head = prefix.rstrip(b"\xff")
    return head[:-1] + bytes([head[-1] + 1]) if head else None


def bounds(prefix: bytes, start: bytes = b"", stop: bytes | None = None) -> tuple[bytes, bytes | None]:
    """Return the bounds of the keys that begin with ``prefix`` and lie from ``start`` to before ``stop``."""
    end = successor(prefix)
    if stop is None or (end is not None and end < stop):
        stop = end
    return max(prefix, start), stop
