"""Look up keys in one state of a file: the first ones page by page, then in the kernel, or with parsed branch pages."""

from __future__ import annotations

from bisect import bisect_right
from functools import partial

from ..format.constants import LEAF_PAGE
from ..format.page import LeafElements, ascend
from ..kernel import look_ups
from ..read_errors import Corrupted
from .bucket import descend
from .walk import inline_page, refuse_hiding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import NotImplementedType
    from typing import Any, TypeAlias

    from ..format.bucket import BucketRef
    from ..format.page import BranchElements, Page
    from ..storage.snapshot import Snapshot

    Ids: TypeAlias = tuple[int, ...]
    # An element: the pages from the root to its leaf (none if it is inline), the index in each, its key, and its value;
    # NotImplemented for a bucket, and for a value that is read when it is asked for.
    Spot: TypeAlias = tuple[Ids, Ids, bytes, bytes | NotImplementedType]

_FEW = 32  # look-ups that are made page by page; more of them pay for mapping the file and for parsing whole pages
_ROOM = 4 << 20


def lookups(snapshot: Snapshot) -> Lookups:
    """Return what the look-ups in ``snapshot`` share; it is dropped with it."""
    found: Lookups | None = snapshot.memo.get("lookups")
    if found is None:
        found = snapshot.memo["lookups"] = Lookups()
    return found


def _declined(*_: object) -> Any:
    return NotImplemented


class Lookups:
    """Look-ups in the trees of one state. ``get(root, key)`` is the kernel's, NotImplemented where Python decides.

    In Python branch pages are parsed once, at most 4 MiB of the file, which take some 16 MiB of memory; and so is the
    newest leaf, in which a caller that reads keys in order finds the next one.
    """

    __slots__ = ("_branches", "_count", "_leaf", "_room", "_seek", "_step", "get")

    def __init__(self) -> None:
        self.get = self._seek = self._step = _declined
        self._count = 0
        self._branches: dict[int, tuple[list[bytes], list[int]]] = {}
        self._room = 0  # bytes of branch pages
        self._leaf: LeafElements | None = None

    def _descend(self, snapshot: Snapshot, bucket: BucketRef, key: bytes) -> tuple[LeafElements, list[int]]:
        self._count += 1
        if self._count == _FEW and snapshot.is_at_hand:
            self._room = _ROOM
            kernel = look_ups()
            if kernel is not None:
                page_size = snapshot.page_size
                file = snapshot.buffer, page_size, snapshot.size // page_size
                self.get, self._seek, self._step = (partial(function, *file) for function in kernel)
        leaf, indexes = descend(snapshot, bucket, key, self)
        self._leaf = leaf
        return leaf, indexes

    def child(self, pgid: int, key: bytes) -> tuple[int, int] | None:
        """Return the index and the page id of the child that may have ``key``; None if the page wasn't parsed."""
        parsed = self._branches.get(pgid)
        if parsed is None:
            return None
        keys, pgids = parsed
        index = max(bisect_right(keys, key) - 1, 0)
        return index, pgids[index]

    def keep(self, branch: BranchElements) -> None:
        """Keep a page whose keys can be read and are in order: in another one it depends on the steps of a search."""
        size = branch.end - branch.page.offset
        if self._branches and size > self._room:
            self._branches, self._room = {}, _ROOM
        if size > self._room:
            return
        try:
            keys = branch.keys()
        except Corrupted:
            return
        if ascend(keys):
            self._room -= size
            self._branches[branch.page.pgid] = keys, branch.pgids

    def leaf_at(self, bucket: BucketRef, ids: Ids) -> LeafElements | None:
        """Return the leaf at the end of ``ids``, if it is the one that was read last."""
        leaf = self._leaf
        if leaf is not None and leaf.page.bucket is bucket and leaf.page.stack == ids:
            return leaf
        return None

    def find(self, snapshot: Snapshot, bucket: BucketRef, key: bytes) -> tuple[LeafElements, int] | None:
        """Return the leaf and the index of ``key``, None if it isn't there. Raises Corrupted."""
        leaf, indexes = self._descend(snapshot, bucket, key)
        index = indexes[-1]
        return (leaf, index) if index < leaf.count and leaf.key(index) == key else None

    def seek(self, snapshot: Snapshot, bucket: BucketRef, key: bytes) -> Spot | None:
        """Return the first element whose key isn't below ``key``; None if there is none. Raises Corrupted."""
        found: Spot | None = self._seek(bucket.root, key)
        if found is not NotImplemented:
            return found
        leaf, indexes = self._descend(snapshot, bucket, key)
        refuse_hiding(leaf.page, below=len(indexes) > 1)
        if indexes[-1] == leaf.count:
            moved = self._moved(snapshot, bucket, leaf.page.stack, indexes, True)
            if moved is None:
                return None
            leaf, indexes = moved
        found = self._spot(leaf, indexes)
        if found[2] < key:
            raise leaf.page.damaged("its keys are out of order")
        return found

    def step(self, snapshot: Snapshot, bucket: BucketRef, ids: Ids, indexes: Ids, forward: bool) -> Spot | None:
        """Return the element after, or before, the one at a place; without ``indexes`` the first, or the last.

        None if there is none. Raises Corrupted, also where the keys of both are out of order: so steps come to an end.
        """
        found: Spot | None = self._step(bucket.root, ids, indexes, forward)
        if found is not NotImplemented:
            return found
        before = self.leaf(snapshot, bucket, ids).key(indexes[-1]) if indexes else None
        moved = self._moved(snapshot, bucket, ids, indexes, forward)
        if moved is None:
            return None
        found = self._spot(*moved)
        if before is not None and not (before < found[2] if forward else found[2] < before):
            raise moved[0].page.damaged("its keys are out of order")
        return found

    def _moved(
        self, snapshot: Snapshot, bucket: BucketRef, ids: Ids, indexes: Ids | list[int], forward: bool
    ) -> tuple[LeafElements, list[int]] | None:
        """Return the leaf of the element after, or before, the one at a place, and its indexes."""
        for depth in reversed(range(len(indexes))):
            page = self._page(snapshot, bucket, ids[: depth + 1])
            index = indexes[depth] + (1 if forward else -1)
            if 0 <= index < page.count:
                break
        else:
            if indexes:
                return None
            page, depth = self._page(snapshot, bucket, (bucket.root,) if bucket.root else ()), 0
            if not page.count:
                return None
            index = 0 if forward else page.count - 1
        found = [*indexes[:depth], index]
        while page.flags != LEAF_PAGE:
            child = page.children()[index]
            if child in page.stack:
                raise page.damaged(f"its child {child} is its own ancestor")
            page = self._page(snapshot, bucket, (*page.stack, child))
            index = 0 if forward else page.count - 1
            found.append(index)
        return self.leaf(snapshot, bucket, page.stack), found

    def leaf(self, snapshot: Snapshot, bucket: BucketRef, ids: Ids) -> LeafElements:
        """Return the leaf at the end of ``ids``, the pages from the root to it. Raises Corrupted."""
        return self.leaf_at(bucket, ids) or LeafElements(self._page(snapshot, bucket, ids))

    def _page(self, snapshot: Snapshot, bucket: BucketRef, ids: Ids) -> Page:
        leaf = self.leaf_at(bucket, ids)
        if leaf is not None:
            page = leaf.page
        else:
            page = snapshot.page(ids[-1], ids, bucket) if ids else inline_page(snapshot, bucket)
        refuse_hiding(page, below=len(ids) > 1)
        return page

    def _spot(self, leaf: LeafElements, indexes: list[int]) -> Spot:
        self._leaf = leaf
        return leaf.page.stack, (*indexes,), leaf.key(indexes[-1]), NotImplemented
