"""The pages of a bucket's tree, a level at a time: for what looks at page headers more than at keys."""

from __future__ import annotations

from ..format.constants import BRANCH_PAGE, LEAF_PAGE
from ..format.page import DamagedElements, branch_pgids, header_columns, holds_buckets
from .bucket import BucketRef, damaged, leaf_elements, leaf_pages, open_bucket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..storage.snapshot import Page, Snapshot


class Levels:
    """The page headers of a whole snapshot, and walks over its trees by way of them.

    ``heads`` is the half of each header that :func:`~boltcli.format.page.header_columns` describes.
    """

    __slots__ = ("_ids", "heads", "snapshot")

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._ids, self.heads = header_columns(
            snapshot.buffer, snapshot.page_size, snapshot.size // snapshot.page_size
        )  # fmt: skip

    def tree(self, root: int) -> tuple[list[int], list[int]]:
        """The ids of the branch pages and of the leaf pages of the tree at page ``root``, each in key order.

        Raises :class:`~boltcli.errors.Corrupted` for a page of another type, one that
        bears another id or is met twice, and one beyond the end of the file.
        """
        snapshot, ids, heads = self.snapshot, self._ids, self.heads
        buffer, page_size, size = snapshot.buffer, snapshot.page_size, snapshot.size
        branches: list[int] = []
        leaves: list[int] = []
        level = [root]
        met = set(level)
        known = len(ids)
        while level:
            below: list[int] = []
            for pgid in level:
                if pgid >= known or ids[pgid] != pgid:
                    return self._page_by_page(root)
                head = heads[pgid]
                flags = head & 0xFFFF
                if flags == LEAF_PAGE:
                    leaves.append(pgid)
                elif flags == BRANCH_PAGE:
                    if not head >> 16 & 0xFFFF:
                        return self._page_by_page(root)
                    branches.append(pgid)
                    try:
                        below += branch_pgids(buffer, pgid * page_size, head >> 16 & 0xFFFF, size)
                    except DamagedElements:
                        return self._page_by_page(root)
                else:
                    return self._page_by_page(root)
            total = len(met) + len(below)
            met.update(below)
            if len(met) != total or (below and leaves):
                return self._page_by_page(root)
            level = below
        return branches, leaves

    def _page_by_page(self, root: int) -> tuple[list[int], list[int]]:
        """The same, slowly: it knows where the damage is, and what to do with leaves of different depth."""
        branches: list[int] = []
        leaves = [page.pgid for page in leaf_pages(self.snapshot, BucketRef(root, 0), branches)]
        return branches, leaves

    def with_buckets(self, leaves: list[int]) -> Iterator[Page]:
        """Those of the leaf pages ``leaves`` that hold buckets, in order. Raises :class:`~boltcli.errors.Corrupted`."""
        snapshot = self.snapshot
        buffer, page_size, size = snapshot.buffer, snapshot.page_size, snapshot.size
        heads = self.heads
        known = len(heads)
        for pgid in leaves:
            try:
                if pgid >= known or holds_buckets(buffer, pgid * page_size, heads[pgid] >> 16 & 0xFFFF, size):
                    yield snapshot.page(pgid)
            except DamagedElements as damage:
                raise damaged(snapshot, snapshot.any_page(pgid), damage) from None

    def roots(self, leaves: list[int]) -> Iterator[int]:
        """The root pages of the buckets in the leaf pages ``leaves``, in order; inline ones have none.

        Raises :class:`~boltcli.errors.Corrupted`.
        """
        for page in self.with_buckets(leaves):
            leaf = leaf_elements(self.snapshot, page)
            for index in leaf.bucket_indexes():
                bucket = open_bucket(self.snapshot, page, leaf, index)
                if bucket.root:
                    yield bucket.root
