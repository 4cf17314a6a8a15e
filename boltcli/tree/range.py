"""The keys of a bucket that begin with a prefix, found without a look at what lies before or behind them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from ..format.constants import BRANCH_PAGE, BUCKET_LEAF_FLAG, LEAF_PAGE
from ..format.page import DamagedElements
from .bucket import MAX_DEPTH, BucketRef, branch_elements, damaged, leaf_elements

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..storage.snapshot import Page, Snapshot


def keys_with_prefix(snapshot: Snapshot, bucket: BucketRef, prefix: bytes) -> Iterator[tuple[bytes, bool]]:
    """The keys, in order, and whether each is a bucket. Raises :class:`~boltcli.errors.Corrupted`."""
    seen: set[int] = set()
    pending: list[Iterator[int]] = []
    page = bucket.inline or snapshot.page(bucket.root)
    while True:
        try:
            if page.flags == LEAF_PAGE:
                leaf = leaf_elements(snapshot, page)
                keys = leaf.keys()
                for index in range(bisect_left(keys, prefix), len(keys)):
                    if not keys[index].startswith(prefix):
                        return
                    yield keys[index], bool(leaf.flags[index] & BUCKET_LEAF_FLAG)
            elif page.flags == BRANCH_PAGE:
                if page.pgid in seen or len(pending) >= MAX_DEPTH:
                    raise DamagedElements("the page is its own ancestor, or the tree has no end")
                seen.add(page.pgid)
                branch = branch_elements(snapshot, page)
                # On the pages right of the range's beginning that is all children.
                pending.append(iter(branch.pgids[max(bisect_right(branch.keys(), prefix) - 1, 0) :]))
        except DamagedElements as damage:
            raise damaged(snapshot, page, damage) from None
        pgid = None
        while pending and pgid is None:
            pgid = next(pending[-1], None)
            if pgid is None:
                pending.pop()
        if pgid is None:
            return
        page = snapshot.page(pgid)


def last_with_prefix(snapshot: Snapshot, bucket: BucketRef, prefix: bytes) -> bytes | None:
    """The last of the keys, or None. Raises :class:`~boltcli.errors.Corrupted`."""
    page: Page = bucket.inline or snapshot.page(bucket.root)
    beyond = _successor(prefix)
    for _ in range(MAX_DEPTH):
        try:
            branch = branch_elements(snapshot, page) if page.flags == BRANCH_PAGE else None
            keys = (branch or leaf_elements(snapshot, page)).keys()
        except DamagedElements as damage:
            raise damaged(snapshot, page, damage) from None
        index = (len(keys) if beyond is None else bisect_left(keys, beyond)) - 1
        if index < 0:
            return None
        if branch is None:
            return keys[index] if keys[index].startswith(prefix) else None
        page = snapshot.page(branch.pgids[index])
    raise snapshot.corrupted("the tree has no end", page.pgid)


def _successor(prefix: bytes) -> bytes | None:
    """The least byte string above all that begin with ``prefix``; None if there is none."""
    head = prefix.rstrip(b"\xff")
    return head[:-1] + bytes([head[-1] + 1]) if head else None
