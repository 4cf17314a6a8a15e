"""The exact walk: over the tree of a bucket, page by page, depth first, and over nested buckets.

The caller decides which children to enter and what counts as damage, so a walk
can continue after damage. Nothing here is recursive: trees and buckets may
nest deeper than Python's call stack allows.
"""

from __future__ import annotations

from ..errors import Corrupted
from ..format.bucket import BucketRef, buckets_in
from ..format.constants import BRANCH_PAGE, LEAF_PAGE
from ..format.page import BranchElements, Page, ascend
from .freelist import stored_free_pages

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Protocol, Self, TypeVar

    from ..format.page import LeafElements
    from ..storage.snapshot import Snapshot

    T = TypeVar("T")

    class Guard(Protocol):
        """A walk over a tree calls it for each page, before the pages below."""

        def visit(self, page: Page) -> object:
            """Raise :class:`~boltcli.errors.Corrupted` if the walk must not go on here."""


# Far more levels than the tree of any file has: bbolt puts at least two keys into a branch page.
MAX_DEPTH = 1 << 16
_TIMES = 4
_LEAST = 1 << 20
_LEAST_OF_A_LIST = 1 << 10
_FEW = 64  # pages that a guard remembers by their ids
_UNBOUNDED: tuple[bytes, bytes | None] = (b"", None)


class Walk:
    """An iterator over the pages of the tree of ``bucket``; it goes below a page only where :meth:`enter` is called.

    Raises :class:`~boltcli.errors.Corrupted` for a page that cannot be read;
    the next call continues with the next page.
    """

    __slots__ = ("_above", "_bucket", "_pending", "_snapshot", "_stack")

    def __init__(self, snapshot: Snapshot, bucket: BucketRef) -> None:
        self._snapshot = snapshot
        self._bucket = bucket
        self._above: tuple[int, ...] = ()  # the branch pages from the root to the next page
        self._stack: tuple[int, ...] = ()  # the pages from the root to the last page, including it
        self._pending: list[Iterator[int]] = [iter((bucket.root,))]  # children to visit, by level

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Page:
        pending = self._pending
        while pending:
            pgid = next(pending[-1], None)
            if pgid is None:
                pending.pop()
                self._above = self._above[:-1]
                continue
            if not self._bucket.root:
                return inline_page(self._snapshot, self._bucket)
            self._stack = (*self._above, pgid)
            return self._snapshot.page(pgid, self._stack, self._bucket)
        raise StopIteration

    def enter(self, children: Iterable[int]) -> None:
        """Visit ``children`` of the last page next, before all others."""
        self._above = self._stack
        self._pending.append(iter(children))


def inline_page(snapshot: Snapshot, bucket: BucketRef) -> Page:
    """Return the page of an inline bucket. Raises :class:`~boltcli.errors.Corrupted` if it is no leaf."""
    page = bucket.inline
    if page is None:  # only the root bucket, which a damaged meta page describes
        meta = snapshot.meta.page
        raise snapshot.corrupted("the root bucket has neither a page nor an inline one", meta)
    if page.flags != LEAF_PAGE:
        raise page.damaged(f"an inline bucket's page must be a leaf (flags: {page.flags:x})")
    return page


def tree_pages(
    snapshot: Snapshot,
    bucket: BucketRef,
    guard: Guard,
    children: Callable[[Page], Iterable[int]] = Page.children,
) -> Iterator[Page]:
    """Yield the pages of the tree of ``bucket``, a branch page before those of its ``children``, in that order.

    Raises :class:`~boltcli.errors.Corrupted` for a page that cannot be read, and what ``guard`` raises.
    """
    walk = Walk(snapshot, bucket)
    for page in walk:
        if bucket.root:
            guard.visit(page)
        if page.flags == LEAF_PAGE:
            yield page
        else:  # bbolt's cursor treats a page of any other type as a branch
            below = children(page)
            yield page
            walk.enter(below)


def all_pages(snapshot: Snapshot, guard: Guard | None = None) -> Iterator[Page]:
    """Yield the pages of all buckets' trees. Raises as :func:`tree_pages` does, and if two buckets share a tree."""
    guard = guard or Descent(snapshot)
    # A root bucket on page 0 would be inline: bbolt skips it.
    pending = [BucketRef(snapshot.meta.root, snapshot.meta.sequence)] if snapshot.meta.root else []
    met: set[int] = set()
    while pending:
        bucket = pending.pop()
        own_tree(snapshot, bucket, met)
        inside: list[BucketRef] = []
        for page in tree_pages(snapshot, bucket, guard):
            yield page
            if page.flags == LEAF_PAGE:
                inside += [child for child in buckets_in(page) if child.root]
        pending += reversed(inside)


def own_tree(snapshot: Snapshot, bucket: BucketRef, met: set[int]) -> None:
    """Add the root of ``bucket`` to ``met``. Raises :class:`~boltcli.errors.Corrupted` if it is there already."""
    if bucket.root in met:
        raise snapshot.corrupted("two buckets share the page, or one is nested in itself", bucket.root, bucket=bucket)
    if bucket.root:
        met.add(bucket.root)


class Descent:
    """The guard of a walk that follows every reference: it finds cycles and bounds the number of visits.

    As in bbolt, a page may be referenced more than once. A small file can then
    describe a walk that practically never ends, so the number of visits is
    limited, far above what a sound file of that size can need. One guard is
    used for a whole walk over several buckets.
    """

    __slots__ = ("_left",)

    def __init__(self, snapshot: Snapshot) -> None:
        self._left = _TIMES * snapshot.page_count + _LEAST

    def visit(self, page: Page) -> None:
        """Count a visit of ``page``; raises :class:`~boltcli.errors.Corrupted`."""
        self._left -= 1
        if page.pgid in page.stack[:-1]:
            raise page.damaged("the page is its own ancestor")
        if self._left < 0:
            raise page.damaged("pages are referenced so often that a walk over all references does not end")


class Once:
    """The guard of a walk that visits each page once."""

    __slots__ = ("_seen",)

    def __init__(self, snapshot: Snapshot) -> None:
        self._seen = bytearray(snapshot.page_count)

    def __contains__(self, pgid: int) -> bool:
        return pgid < len(self._seen) and self._seen[pgid] == 1

    def add(self, pgid: int) -> None:
        """Record that the page was passed over."""
        if pgid < len(self._seen):
            self._seen[pgid] = 1

    def visit(self, page: Page) -> None:
        """Record a visit of ``page``; raises :class:`~boltcli.errors.Corrupted` if it is the second one."""
        if self._seen[page.pgid]:
            raise page.damaged("the page is referenced more than once")
        self._seen[page.pgid] = 1


class Whole(Descent):
    """The guard of a walk that must not pass over a page that hides what is below it.

    bbolt's commands read a damaged tree as far as they can, and so do those of
    ours that print the same. Lists of ours raise :class:`~boltcli.errors.Corrupted`,
    also at far fewer visits: each page may be read a few times.
    """

    __slots__ = ()

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__(snapshot)
        self._left = _TIMES * snapshot.page_count + _LEAST_OF_A_LIST

    def visit(self, page: Page) -> None:
        if page.flags not in (BRANCH_PAGE, LEAF_PAGE):
            raise page.unfit()
        if not page.count and page.flags == BRANCH_PAGE:
            raise page.damaged("a branch page without elements")
        if not page.count and len(page.stack) > 1:
            raise page.damaged("a leaf without elements below a branch page")
        super().visit(page)

    def leaf(self, leaf: LeafElements, keys: list[bytes]) -> None:
        """Verify a leaf page, of which ``keys`` are all keys; the page may be inline. Raises Corrupted."""


class Sound(Whole):
    """The guard of a walk over a range of keys: also no page may be referenced twice, and the keys must be in order.

    A key outside its branch page's bounds is not found in a range. The pages that are read are verified, no others.
    """

    __slots__ = ("_bounds", "_count", "_seen")

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__(snapshot)
        self._count = snapshot.page_count
        self._seen: set[int] | bytearray = set()  # a few small buckets need no byte for each page of the file
        # By page id, for pages to come: the bounds of their keys.
        self._bounds: dict[int, tuple[bytes, bytes | None]] = {}

    def visit(self, page: Page) -> None:
        super().visit(page)
        self._claim(page)
        if page.flags != BRANCH_PAGE:
            return
        branch = BranchElements(page)
        self._verify_page(branch)
        keys = branch.keys()
        _, high = self._verify_keys(page, keys)
        self._bounds.update(zip(branch.pgids, zip(keys, [*keys[1:], high])))

    def leaf(self, leaf: LeafElements, keys: list[bytes]) -> None:
        self._verify_page(leaf)
        self._verify_keys(leaf.page, keys)

    def _claim(self, page: Page) -> None:
        """Mark the page and its overflow pages: with runs that overlap a small file describes a very large one."""
        seen, first = self._seen, page.pgid
        if isinstance(seen, set):
            if not page.overflow and len(seen) < _FEW:
                if first in seen:
                    raise page.damaged("the page is referenced more than once")
                seen.add(first)
                return
            marks = bytearray(self._count)
            for pgid in seen:
                marks[pgid] = 1
            self._seen = seen = marks
        stop = min(first + page.overflow + 1, self._count)  # the overflow may be damaged
        if seen.find(1, first, stop) >= 0:
            raise page.damaged("the page is referenced more than once")
        seen[first:stop] = b"\1" * (stop - first)

    def _verify_page(self, elements: LeafElements | BranchElements) -> None:
        """Raise Corrupted for a page that this walk doesn't accept."""

    def _verify_keys(self, page: Page, keys: list[bytes]) -> tuple[bytes, bytes | None]:
        """Verify the order of keys and their bounds, which are returned."""
        low, high = self._bounds.pop(page.pgid, _UNBOUNDED) if page.stack else _UNBOUNDED
        if not ascend(keys):
            raise page.damaged("its keys are out of order")
        if keys and (keys[0] < low or (high is not None and keys[-1] >= high)):
            raise page.damaged("its keys are outside the bounds that its branch page gives them")
        return low, high


class Backup(Sound):
    """The guard of a walk that makes a backup: each page must also be laid out as bbolt writes it.

    So counts and sizes that are wrong are found. For a page whose count leaves out elements that are still there, as
    ``bbolt surgery clear-page-elements`` makes it, ``warn`` is called with a sentence.
    """

    __slots__ = ("_left_out", "_snapshot", "_warn")

    def __init__(self, snapshot: Snapshot, warn: Callable[[str], object] | None = None) -> None:
        super().__init__(snapshot)
        self._snapshot = snapshot
        self._warn = warn
        self._left_out: list[tuple[Corrupted, list[int]]] = []

    def _verify_page(self, elements: LeafElements | BranchElements) -> None:
        whole = elements.verify_whole()
        if whole is None:
            return
        page, count = elements.page, elements.count
        found = page.damaged(
            f"its count leaves out {whole.count - count} elements that are still in the page, after {count} others"
        )
        if self._warn is not None:
            self._warn(f"{found}: they are not read, as by bbolt")
        if isinstance(whole, BranchElements):
            self._left_out.append((found, whole.pgids[count:]))

    def finish(self) -> None:
        """Raise Corrupted if elements that were left out lead to pages in use: call it after a walk over all buckets.

        After surgery these pages are free, or belong to another page.
        """
        snapshot, seen = self._snapshot, self._seen
        free: set[int] | None = None
        for found, pgids in self._left_out:
            for pgid in pgids:
                if not 2 <= pgid < min(snapshot.meta.hwm, self._count):
                    continue
                if pgid in seen if isinstance(seen, set) else seen[pgid]:
                    continue
                if free is None:
                    free = _not_in_trees(snapshot)
                if pgid not in free:
                    raise found


def _not_in_trees(snapshot: Snapshot) -> set[int]:
    """Return the ids of the free pages and of those that hold the freelist; none if no freelist is stored."""
    meta = snapshot.meta
    if not meta.has_freelist:
        return set()
    overflow = min(snapshot.any_page(meta.freelist).overflow, snapshot.page_count)
    return {*stored_free_pages(snapshot, meta), *range(meta.freelist, meta.freelist + overflow + 1)}


def guard_for(snapshot: Snapshot, start: bytes = b"", stop: bytes | None = None) -> Whole:
    """Return the guard for a list of the keys from ``start`` to before ``stop``."""
    return Sound(snapshot) if start or stop is not None else Whole(snapshot)


class Nest:
    """The guard of a walk over nested buckets: no bucket may be inside itself."""

    __slots__ = ("_roots", "_snapshot")

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._roots: set[int] = set()

    def enter(self, bucket: BucketRef) -> None:
        """Enter ``bucket``. Raises :class:`~boltcli.errors.Corrupted` if it is inside itself."""
        if bucket.root:
            if bucket.root in self._roots:
                raise self._snapshot.corrupted("the bucket is nested in itself", bucket.root, bucket=bucket)
            self._roots.add(bucket.root)

    def leave(self, root: int) -> None:
        """Leave the bucket whose tree has the root page ``root``."""
        self._roots.discard(root)


def refuse_nested(snapshot: Snapshot, bucket: BucketRef) -> BucketRef:
    """Return ``bucket``, for readers that keep no :class:`Nest`. Raises Corrupted if it is inside itself."""
    above = bucket.parent if bucket.root else None
    while above is not None:
        if above.root == bucket.root:
            raise snapshot.corrupted("the bucket is nested in itself", bucket.root, bucket=bucket)
        above = above.parent
    return bucket


def visit_buckets(
    snapshot: Snapshot, bucket: BucketRef, note: T, visit: Callable[[BucketRef, T], Iterable[tuple[BucketRef, T]]]
) -> None:
    """Call ``visit`` with ``bucket`` and ``note``, then with each (bucket, note) that it returns, depth first.

    A bucket comes before the buckets in it, in the order in which ``visit``
    returns them. Raises :class:`~boltcli.errors.Corrupted` for a bucket inside itself.
    """
    nest = Nest(snapshot)
    pending: list[tuple[int, Iterator[tuple[BucketRef, T]]]] = [(0, iter(((bucket, note),)))]
    while pending:
        root, inside = pending[-1]
        found = next(inside, None)
        if found is None:
            pending.pop()
            nest.leave(root)
            continue
        nest.enter(found[0])
        pending.append((found[0].root, iter(visit(*found))))
