"""One side of a comparison: a cursor over a bucket's tree that opens subtrees only when necessary."""

from __future__ import annotations

from bisect import bisect_left

from ...format.constants import BRANCH_PAGE, MAX_KEY_SIZE
from ...format.page import BranchElements, LeafElements, ascend
from ...tree.walk import Seen, inline_page, refuse_hiding, within
from ..read.select_items import elements

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...errors import Corrupted
    from ...format.bucket import BucketRef
    from ...format.page import Page
    from ...storage.snapshot import Snapshot
    from ..read.select_items import Value

_DEEPEST = 1 << 16  # levels below a page that are counted: there may be a circle


class Side(Seen):
    """A database that is compared: the guard of its walk, which enters each page at most once.

    ``damage`` is the first thing that was read and can't be right, though it could be read.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__(snapshot)
        self.snapshot = snapshot
        self.damage: Corrupted | None = None

    def visit(self, page: Page) -> None:
        super().visit(page)
        beyond = page.file_offset + (page.overflow + 1) * self.snapshot.page_size - self.snapshot.size
        if beyond > 0:
            self.note(page, f"its last {beyond} bytes lie beyond the end of the file")

    def note(self, page: Page, problem: str) -> None:
        """Remember that something on ``page`` can't be right."""
        if self.damage is None:
            self.damage = page.damaged(f"{problem}: what is said of {self.snapshot.path} may be wrong")


class TreeCursor:
    """The elements of ``bucket`` (None: of none) in key order, from ``start`` to before ``stop``.

    The current ones are ``keys`` and ``values`` from index ``at``. After them come the subtrees ``heads``. Raises
    Corrupted.
    """

    def __init__(self, side: Side, bucket: BucketRef | None, start: bytes = b"", stop: bytes | None = None) -> None:
        self._side = side
        self._bucket = bucket
        self._start, self._stop = start, stop
        self.keys: list[bytes] = []
        self.values: list[Value] = []
        self.at = 0
        # The subtrees to come, the next one last: page id, depth below the root, and the key that is in front of it.
        self.heads: list[tuple[int, int, bytes]] = []
        self._last = b""  # the last key of the leaf before; no key is empty
        self._page: Page | None = None  # the page of the head, if it was opened
        # The rest of the leaf of the current elements.
        self._rest: Iterator[tuple[list[bytes], list[Value]]] = iter(())
        if bucket is not None:
            if bucket.root:
                self.heads.append((bucket.root, 0, b""))
            else:
                self._rest = self._parts(inline_page(side.snapshot, bucket), b"")

    @property
    def is_empty(self) -> bool:
        """Whether there are no more elements before the head."""
        if self.at == len(self.keys):
            self.keys, self.values = next(self._rest, ([], []))
            self.at = 0
        return self.at == len(self.keys)

    def skip(self) -> None:
        """Skip the head. Raises Corrupted if it was met before: then it can't be in the same place on both sides."""
        pgid = self.heads.pop()[0]
        if self._page is None and not self._side.skip(pgid):
            raise self._side.snapshot.corrupted("the page is referenced more than once", pgid, bucket=self._bucket)
        self._page = None

    def is_branch(self) -> bool:
        """Return whether the head has subtrees of its own."""
        return self._open().flags == BRANCH_PAGE

    def height(self) -> int:
        """Return how many levels are below the head."""
        page, height = self._open(), 0
        while page.flags == BRANCH_PAGE and height < _DEEPEST:
            page = self._side.snapshot.page(page.children()[0], (), self._bucket)
            height += 1
        return height

    def expand(self) -> None:
        """Replace the head, a branch page, by its subtrees."""
        page = self._open()
        _, depth, _ = self.heads.pop()
        self._page = None
        branch = BranchElements(page)
        keys = branch.keys()
        if not ascend(keys):
            self._side.note(page, "keys that are not in order")
        wanted = within(keys, self._start, self._stop)
        self.heads += [(child, depth + 1, key) for child, key in zip(branch.pgids[wanted], keys[wanted])][::-1]

    def fill(self) -> bool:
        """Read more elements if there are no current ones; return whether there are any."""
        while self.is_empty:
            if not self.heads:
                return False
            page = self._open()
            if page.flags == BRANCH_PAGE:
                self.expand()
            else:
                self._rest = self._parts(page, self.heads.pop()[2])
                self._page = None
        return True

    def _open(self) -> Page:
        """Return the page of the head."""
        if self._page is None:
            pgid, depth, _ = self.heads[-1]
            page = self._side.snapshot.page(pgid, (), self._bucket)
            self._side.visit(page)
            refuse_hiding(page, below=depth > 0)
            self._page = page
        return self._page

    def _parts(self, page: Page, least: bytes) -> Iterator[tuple[list[bytes], list[Value]]]:
        """Yield the elements of a leaf page, whose keys should not be below ``least``, a batch at a time."""
        self._side.snapshot.poll()
        leaf = LeafElements(page)
        keys = leaf.keys()
        self._verify(leaf, keys, least)
        low = bisect_left(keys, self._start) if self._start else 0
        high = len(keys) if self._stop is None else bisect_left(keys, self._stop, low)
        for first, last in leaf.batches(low, high):
            yield elements(leaf, keys, first, last)

    def _verify(self, leaf: LeafElements, keys: list[bytes], least: bytes) -> None:
        """Note keys that no sound leaf has: two sides are merged by the order of their keys."""
        if not keys:
            return
        if not keys[0] or max(leaf.key_sizes) > MAX_KEY_SIZE:
            self._side.note(leaf.page, "a key of a size that is not possible")
        elif not (keys[0] > self._last and keys[0] >= least and ascend(keys)):
            self._side.note(leaf.page, "keys that are not in order")
        self._last = keys[-1]
