"""One side of a comparison: a cursor over a bucket's tree that opens subtrees only when necessary."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from ...format.bucket import BucketRef, open_bucket
from ...format.constants import BRANCH_PAGE, BUCKET_LEAF_FLAG
from ...format.page import BranchElements, LeafElements
from ...tree.walk import inline_page, refuse_hiding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...format.page import Page
    from ...storage.snapshot import Snapshot
    from ...tree.walk import Seen

    Value = bytes | BucketRef


_DEEPEST = 1 << 16  # levels below a page that are counted: there may be a circle


class TreeCursor:
    """The elements of ``bucket`` (None: of none) in key order, from ``start`` to before ``stop``.

    The current elements are ``keys`` and ``values`` from index ``at``; some are
    buckets only if ``mixed`` is set. After them come subtrees, of which ``head``
    is the first (None: no more). Raises :class:`~boltcli.errors.Corrupted` for
    damaged pages.
    """

    __slots__ = (
        "_bucket", "_heads", "_page", "_rest", "_seen", "_snapshot", "_start", "_stop", "at", "keys", "mixed", "values",
    )  # fmt: skip

    def __init__(
        self, snapshot: Snapshot, seen: Seen, bucket: BucketRef | None, start: bytes = b"", stop: bytes | None = None
    ) -> None:
        self._snapshot = snapshot
        self._seen = seen
        self._bucket = bucket
        self._start, self._stop = start, stop
        self.keys: list[bytes] = []
        self.values: list[Value] = []
        self.at = 0
        self.mixed = False
        # The subtrees to come, the next one last: page id, and depth below the root.
        self._heads: list[tuple[int, int]] = []
        self._page: Page | None = None  # the page of the head, if it was opened
        # The rest of the leaf of the current elements.
        self._rest: Iterator[tuple[list[bytes], list[Value]]] = iter(())
        if bucket is not None:
            if bucket.root:
                self._heads.append((bucket.root, 0))
            else:
                self._take(inline_page(snapshot, bucket))

    @property
    def is_empty(self) -> bool:
        """Whether there are no more elements before the head."""
        if self.at == len(self.keys):
            self._next_part()
        return self.at == len(self.keys)

    @property
    def head(self) -> int | None:
        """The page id of the first subtree to come."""
        return self._heads[-1][0] if self._heads else None

    def skip(self) -> None:
        """Skip the head."""
        self._heads.pop()
        self._page = None

    def is_branch(self) -> bool:
        """Return whether the head has subtrees of its own."""
        return self._open().flags == BRANCH_PAGE

    def height(self) -> int:
        """Return how many levels are below the head."""
        page, height = self._open(), 0
        while page.flags == BRANCH_PAGE and height < _DEEPEST:
            page = self._snapshot.page(page.children()[0], (), self._bucket)
            height += 1
        return height

    def expand(self) -> None:
        """Replace the head, a branch page, by its subtrees."""
        page = self._open()
        _, depth = self._heads.pop()
        self._page = None
        branch = BranchElements(page)
        children = branch.pgids
        if self._start or self._stop is not None:
            keys = branch.keys()
            low = max(bisect_right(keys, self._start) - 1, 0)
            high = len(keys) if self._stop is None else max(bisect_left(keys, self._stop), 1)
            children = children[low:high]
        self._heads += [(child, depth + 1) for child in reversed(children)]

    def fill(self) -> bool:
        """Read more elements if there are no current ones; return whether there are any."""
        while self.at == len(self.keys):
            self._next_part()
            if self.keys:
                return True
            if not self._heads:
                return False
            page = self._open()
            if page.flags == BRANCH_PAGE:
                self.expand()
            else:
                self._heads.pop()
                self._page = None
                self._take(page)
        return True

    def _open(self) -> Page:
        """Return the page of the head."""
        if self._page is None:
            pgid, depth = self._heads[-1]
            page = self._snapshot.page(pgid, (), self._bucket)
            self._seen.visit(page)
            refuse_hiding(page, below=depth > 0)
            self._page = page
        return self._page

    def _take(self, page: Page) -> None:
        """Read the first elements of a leaf page."""
        self._snapshot.glance()
        self._rest = self._parts(page)
        self._next_part()

    def _next_part(self) -> None:
        self.keys, self.values = next(self._rest, ([], []))
        self.at = 0

    def _parts(self, page: Page) -> Iterator[tuple[list[bytes], list[Value]]]:
        """Yield the elements of a leaf page, as many at a time as may be in memory together."""
        leaf = LeafElements(page)
        keys = leaf.keys()
        self.mixed = bool(leaf.bucket_indexes())
        low = bisect_left(keys, self._start) if self._start else 0
        high = len(keys) if self._stop is None else bisect_left(keys, self._stop, low)
        for first, last in leaf.batches(low, high):
            if not self.mixed and last - first == len(keys):
                values: list[Value] = [*leaf.values()]
            else:
                values = [
                    open_bucket(leaf, at, keys[at]) if leaf.flags[at] & BUCKET_LEAF_FLAG else leaf.value(at)
                    for at in range(first, last)
                ]
            yield keys[first:last], values
