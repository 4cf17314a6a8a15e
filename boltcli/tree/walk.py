"""The exact walk: over the tree of one bucket, page by page, depth first, and over the buckets in a bucket.

Whoever walks says what to enter, and what is damage beside a page that cannot
be read. So a walk goes on after damage, if whoever walks wants that. None of
it is recursive: trees and buckets may nest deeper than Python calls may.
"""

from __future__ import annotations

from ..format.bucket import BucketRef, buckets_in
from ..format.constants import LEAF_PAGE
from ..format.page import Page

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Protocol, Self, TypeVar

    from ..storage.snapshot import Snapshot

    T = TypeVar("T")

    class Guard(Protocol):
        """What a walk over a tree calls for each page, before those below it."""

        def visit(self, page: Page) -> object:
            """Raise :class:`~boltcli.errors.Corrupted` if the walk must not go on here."""


# Far more levels than any tree has that fits a file: bbolt fills branch pages with two keys at least.
MAX_DEPTH = 1 << 16
_TIMES = 4
_LEAST = 1 << 20


class Walk:
    """The pages of the tree of ``bucket``, each before those that :meth:`enter` was called with for it.

    Raises :class:`~boltcli.errors.Corrupted` for a page that cannot be read, and
    then goes on with the next one. ``lone`` as for :meth:`Snapshot.page`.
    """

    __slots__ = ("_above", "_bucket", "_lone", "_pending", "_snapshot", "_stack")

    def __init__(self, snapshot: Snapshot, bucket: BucketRef, *, lone: bool = False) -> None:
        self._snapshot = snapshot
        self._bucket = bucket
        self._lone = lone
        self._above: tuple[int, ...] = ()  # the branch pages that lead to the next page
        self._stack: tuple[int, ...] = ()  # and to the last one, itself included
        self._pending: list[Iterator[int]] = [iter((bucket.root,))]  # of the root, and of each branch page above

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
            return self._snapshot.page(pgid, self._stack, self._bucket, lone=self._lone)
        raise StopIteration

    def enter(self, children: Iterable[int]) -> None:
        """Visit ``children`` of the last page next, before all others."""
        self._above = self._stack
        self._pending.append(iter(children))


def inline_page(snapshot: Snapshot, bucket: BucketRef) -> Page:
    """The page of an inline bucket. Raises :class:`~boltcli.errors.Corrupted` if it is no leaf."""
    page = bucket.inline
    if page is None:  # as a meta page can say; all other buckets have one or the other
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
    *,
    lone: bool = False,
) -> Iterator[Page]:
    """Yield the pages of the tree of ``bucket``, a branch page before those of its ``children``, in that order.

    Raises :class:`~boltcli.errors.Corrupted` for a page that cannot be read, and what ``guard`` finds.
    """
    walk = Walk(snapshot, bucket, lone=lone)
    for page in walk:
        if bucket.root:
            guard.visit(page)
        if page.flags == LEAF_PAGE:
            yield page
        else:  # bbolt's cursor takes a page of any other type for a branch
            below = children(page)
            yield page
            walk.enter(below)


def all_pages(snapshot: Snapshot) -> Iterator[Page]:
    """Yield the pages of the trees of all buckets. Raises as :func:`tree_pages` does, and for a tree of two buckets."""
    descent = Descent(snapshot)
    # A root bucket on page 0 would be an inline one: bbolt passes over it.
    pending = [BucketRef(snapshot.meta.root, snapshot.meta.sequence)] if snapshot.meta.root else []
    met: set[int] = set()
    while pending:
        bucket = pending.pop()
        own_tree(snapshot, bucket, met)
        inside: list[BucketRef] = []
        for page in tree_pages(snapshot, bucket, descent):
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
    """The guard of a walk that follows each reference: no page below itself, and an end to it.

    A page may be referenced more than once, as bbolt allows. Then a small file
    can describe a walk that never ends in practice, so the number of visits is
    bounded, far above what a sound tree of that file can have. One for each
    walk, over however many buckets that goes.
    """

    __slots__ = ("_left",)

    def __init__(self, snapshot: Snapshot) -> None:
        self._left = _TIMES * snapshot.page_count + _LEAST

    def visit(self, page: Page) -> None:
        """Count a visit of ``page``; raises :class:`~boltcli.errors.Corrupted`."""
        self._left -= 1
        if page.pgid in page.stack[:-1]:
            raise page.damaged("the page is below itself")
        if self._left < 0:
            raise page.damaged("pages refer to each other so often that a walk over all of them does not end")


class Once:
    """The guard of a walk that visits each page once."""

    __slots__ = ("_seen",)

    def __init__(self, snapshot: Snapshot) -> None:
        self._seen = bytearray(snapshot.page_count)

    def visit(self, page: Page) -> None:
        """Note a visit of ``page``; raises :class:`~boltcli.errors.Corrupted` if it is the second one."""
        if self._seen[page.pgid]:
            raise page.damaged("the page is referenced more than once")
        self._seen[page.pgid] = 1


class Nest:
    """The buckets around the one that is looked at: none may be inside itself."""

    __slots__ = ("_roots", "_snapshot")

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._roots: set[int] = set()

    def enter(self, bucket: BucketRef) -> None:
        """Go into ``bucket``. Raises :class:`~boltcli.errors.Corrupted` if it is inside itself."""
        if bucket.root:
            if bucket.root in self._roots:
                raise self._snapshot.corrupted("the bucket is nested in itself", bucket.root, bucket=bucket)
            self._roots.add(bucket.root)

    def leave(self, root: int) -> None:
        """Come out of the bucket whose tree begins at page ``root``."""
        self._roots.discard(root)


def visit_buckets(
    snapshot: Snapshot, bucket: BucketRef, note: T, visit: Callable[[BucketRef, T], Iterable[tuple[BucketRef, T]]]
) -> None:
    """Call ``visit`` with ``bucket`` and ``note``, then with each pair that it returns or yields, and so on.

    A bucket comes before those inside it, these in the order in which ``visit``
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
