"""Part of a bucket, by its keys: found without a look at what lies before or behind it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from ..format.constants import BUCKET_LEAF_FLAG, LEAF_PAGE
from ..format.page import DamagedElements
from .bucket import BucketRef, branch_elements, children, damaged, leaf_elements
from .descent import Descent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..format.page import LeafElements
    from ..storage.snapshot import Page, Snapshot

    # A leaf page, its elements, their keys, and which of them are meant: from one index to before another.
    Stretch = tuple[Page, LeafElements, list[bytes], int, int]


def stretches(
    snapshot: Snapshot,
    bucket: BucketRef,
    start: bytes = b"",
    stop: bytes | None = None,
    *,
    reverse: bool = False,
    descent: Descent | None = None,
) -> Iterator[Stretch]:
    """The elements of ``bucket`` whose keys are at least ``start`` and below ``stop``, a leaf page's worth at a time.

    With ``reverse`` the pages come from the last to the first; inside of each
    the order stays. Reads the pages on the way to the first one and those
    in between, no other. Raises :class:`~boltcli.errors.Corrupted` when it
    comes to a damaged page. ``descent`` is that of a walk over more buckets.
    """
    with bucket:
        yield from _stretches(snapshot, bucket, start, stop, reverse, descent or Descent(snapshot))


def _stretches(
    snapshot: Snapshot, bucket: BucketRef, start: bytes, stop: bytes | None, reverse: bool, descent: Descent
) -> Iterator[Stretch]:
    stack: list[int] = []
    pending: list[Iterator[int]] = []
    page = bucket.inline or snapshot.page(bucket.root, (bucket.root,), lone=True)
    while True:
        try:
            if page.flags == LEAF_PAGE:
                leaf = leaf_elements(snapshot, page, stack)
                keys = leaf.keys()
                low = bisect_left(keys, start) if start else 0
                high = len(keys) if stop is None else bisect_left(keys, stop, low)
                if low < high:
                    yield page, leaf, keys, low, high
            elif bucket.root:
                branch = branch_elements(snapshot, page, stack)
                keys = branch.keys()
                # What a child holds begins with its key, but for the first one, and ends before the next one's.
                low = max(bisect_right(keys, start) - 1, 0)
                high = len(keys) if stop is None else max(bisect_left(keys, stop), 1)
                below = branch.pgids[low:high] if keys else children(snapshot, page, stack)
                pending.append(reversed(below) if reverse else iter(below))
                stack.append(page.pgid)
            else:
                raise DamagedElements(f"an inline bucket's page must be a leaf (flags: {page.flags:x})")
        except DamagedElements as damage:
            raise damaged(snapshot, page, damage, stack) from None
        pgid = None
        while pending and pgid is None:
            pgid = next(pending[-1], None)
            if pgid is None:
                pending.pop()
                stack.pop()
        if pgid is None:
            return
        way = (*stack, pgid)
        page = snapshot.page(pgid, way, lone=True)
        descent.visit(way)


def keys_with_prefix(snapshot: Snapshot, bucket: BucketRef, prefix: bytes) -> Iterator[tuple[bytes, bool]]:
    """The keys, in order, and whether each is a bucket. Raises :class:`~boltcli.errors.Corrupted`."""
    for _, leaf, keys, low, high in stretches(snapshot, bucket, prefix, successor(prefix)):
        for index in range(low, high):
            yield keys[index], bool(leaf.flags[index] & BUCKET_LEAF_FLAG)


def last_with_prefix(snapshot: Snapshot, bucket: BucketRef, prefix: bytes) -> bytes | None:
    """The last of the keys, or None. Raises :class:`~boltcli.errors.Corrupted`."""
    for _, _, keys, _, high in stretches(snapshot, bucket, prefix, successor(prefix), reverse=True):
        return keys[high - 1]
    return None


def successor(prefix: bytes) -> bytes | None:
    """The least byte string above all that begin with ``prefix``; None if there is none."""
    head = prefix.rstrip(b"\xff")
    return head[:-1] + bytes([head[-1] + 1]) if head else None


def bounds(prefix: bytes, start: bytes = b"", stop: bytes | None = None) -> tuple[bytes, bytes | None]:
    """Where the keys that begin with ``prefix`` and lie from ``start`` to before ``stop`` begin and end."""
    end = successor(prefix)
    if stop is None or (end is not None and end < stop):
        stop = end
    return max(prefix, start), stop
