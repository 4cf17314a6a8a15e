"""Exact walks over the tree of a bucket, page by page, depth first, guarded; and over a range of keys."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from ..format.constants import BRANCH_PAGE, ELEMENT_SIZE, LEAF_PAGE
from ..format.page import BranchElements, LeafElements, Page, ascend
from ..read_errors import Corrupted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import TypeAlias, TypeVar

    from ..format.bucket import BucketRef
    from ..progress import Progress
    from ..storage.snapshot import Snapshot

    # The elements of a leaf page, their keys, and the range of indexes in question.
    LeafRange: TypeAlias = tuple[LeafElements, list[bytes], int, int]
    T = TypeVar("T")
    # What a generator yields that recurses: things, and generators of more at their places.
    Nested: TypeAlias = Iterator["T | Nested[T]"]

# One limit for every walk: it may read so many elements for each that the file has room for, and some more. A visit
# counts as a few elements; one of a page that was entered before, or a damage that is passed over, as many.
_TIMES = 4
_LEAST = 1 << 15
_AS_BBOLT = 1 << 27  # the same for what bbolt reads, too
_VISIT = 16
_MANY = 128
_UNBOUNDED: tuple[bytes, bytes | None] = (b"", None)
_GENERATOR = type(None for _ in ())


def flat(part: Nested[T]) -> Iterator[T]:
    """Yield what a recursive generator yields: ``yield from`` for any depth, beyond Python's own limit."""
    stack: list[Nested[T]] = [part]
    while stack:
        for found in stack[-1]:
            if type(found) is _GENERATOR:
                stack.append(found)  # type: ignore[arg-type]
                break
            yield found  # type: ignore[misc]
        else:
            stack.pop()


def pages_or_damage(
    snapshot: Snapshot, bucket: BucketRef, seen: Seen, children: Callable[[Page], Sequence[int]] = Page.children,
    *, as_bbolt: bool = False,
) -> Iterator[Page | Corrupted]:  # fmt: skip
    """Yield the pages of the tree of ``bucket``, a branch page before those of its ``children``, in that order.

    For a page that cannot be read, that ``seen`` refuses, or that hides what is below it, a Corrupted is yielded. With
    ``as_bbolt`` a page of another type is taken for a branch page, as by bbolt's cursor.
    """
    pending: list[tuple[tuple[int, ...], Iterator[int]]] = [((), iter((bucket.root,)))]  # pages above, pages to visit
    while pending:
        above, pgids = pending[-1]
        pgid = next(pgids, None)
        if pgid is None:
            pending.pop()
            continue
        try:
            if bucket.root:
                page = snapshot.page(pgid, (*above, pgid), bucket)
                seen.visit(page)
                if not as_bbolt:
                    refuse_hiding(page, below=False)
            else:
                page = inline_page(snapshot, bucket)
                seen.spend(page)
            below = children(page) if page.flags != LEAF_PAGE else ()
        except Corrupted as damage:
            yield damage
            if not seen.pass_over():
                return
        else:
            yield page
            if below:
                pending.append((page.stack, iter(below)))


def tree_pages(
    snapshot: Snapshot, bucket: BucketRef, seen: Seen, children: Callable[[Page], Sequence[int]] = Page.children
) -> Iterator[Page]:
    """Yield the pages of the tree of ``bucket`` as bbolt reads them, see :func:`pages_or_damage`. Raises Corrupted."""
    for page in pages_or_damage(snapshot, bucket, seen, children, as_bbolt=True):
        if isinstance(page, Corrupted):
            raise page
        yield page


def inline_page(snapshot: Snapshot, bucket: BucketRef) -> Page:
    """Return the page of an inline bucket. Raises Corrupted if it is no leaf."""
    page = bucket.inline
    if page is None:  # only the root bucket, which a damaged meta page describes
        raise snapshot.corrupted("the root bucket has neither a page nor an inline one", snapshot.meta.page)
    if page.flags != LEAF_PAGE:
        raise page.damaged(f"an inline bucket's page must be a leaf (flags: {page.flags:x})")
    return page


class Seen:
    """The guard of a walk, perhaps over several buckets: which pages it has entered.

    A page is entered once, the second time is damage; with ``runs`` its overflow pages too: with runs that overlap a
    small file describes a very large one. With ``twice`` it may be entered several times, as bbolt does, but not below
    itself. What all pages together hold is limited, far above what a sound file of that size can.
    """

    def __init__(
        self, snapshot: Snapshot, *, twice: bool = False, runs: bool = False, progress: Progress | None = None
    ) -> None:
        self._twice = twice
        self._runs = runs
        self._left = _TIMES * snapshot.size // ELEMENT_SIZE + (_AS_BBOLT if twice else _LEAST)
        # A byte for each page of the file: 1 if it was entered, or with ``runs`` is one of a run that was.
        self.marks = bytearray(snapshot.page_count)
        self.visited = 0  # pages, with overflow pages
        self.show = snapshot.show  # is called with each page
        if progress is not None:
            total = snapshot.used_pages()
            self.show = lambda: progress(min(self.visited, total), total)

    def visit(self, page: Page) -> None:
        """Record a visit of ``page``. Raises Corrupted."""
        if self.show is not None:
            self.visited += 1 + page.overflow
            self.show()
        if self._enter(page.pgid, page.overflow * self._runs):
            self.spend(page)
            return
        if not self._twice:
            raise page.damaged("the page is referenced more than once")
        if page.pgid in page.stack[:-1]:
            raise page.damaged("the page is its own ancestor")
        self.spend(page, _MANY)

    def spend(self, page: Page, least: int = 0) -> None:
        """Count the elements of ``page``, before they are read. Raises Corrupted beyond the limit."""
        self._left -= max(page.count + _VISIT, least)
        if self._left < 0:
            what = "pages are referenced so often, or overlap so much, that a walk over all elements does not end"
            raise page.damaged(what)

    def pass_over(self) -> bool:
        """Count a damage after which a walk goes on; return whether it may."""
        self._left -= _MANY
        return self._left >= 0

    def _enter(self, first: int, overflow: int) -> bool:
        """Mark a page and its ``overflow`` pages; return whether none was marked."""
        marks = self.marks
        stop = min(first + 1 + overflow, len(marks))  # the overflow may be damaged
        is_new = marks.find(1, first, stop) < 0
        marks[first:stop] = b"\1" * (stop - first)
        return is_new

    def enter_all(self, pgids: list[int]) -> int | None:
        """Mark pages without their overflow pages; return the first that was marked before, if there is one."""
        marks = self.marks
        self.visited += len(pgids)
        for pgid in pgids:
            if pgid < len(marks):
                if marks[pgid]:
                    return pgid
                marks[pgid] = 1
        return None


def in_order(keys: list[bytes], low: bytes | None, high: bytes | None) -> bool:
    """Return whether ``keys`` ascend, from ``low`` to before ``high``; None is no bound."""
    if not keys:
        return True
    return (low is None or low <= keys[0]) and (high is None or keys[-1] < high) and ascend(keys)


def refuse_hiding(page: Page, *, below: bool) -> None:
    """Raise Corrupted for a page of a tree that hides what is below it; ``below``: a branch page leads to it."""
    if page.flags not in (BRANCH_PAGE, LEAF_PAGE):
        raise page.unfit()
    if not page.count and page.flags == BRANCH_PAGE:
        raise page.damaged("a branch page without elements")
    if not page.count and below:
        raise page.damaged("a leaf without elements below a branch page")


class Whole(Seen):
    """The guard of a walk that must not pass over a page that hides what is below it, as bbolt's commands do.

    A page that is referenced twice comes twice, unless ``once`` is set. With ``ordered``, for a range of keys, each
    page comes once and keys must be in order. With ``laid_out``, for a backup, each page must also be laid out as bbolt
    writes it; for one whose count leaves out elements that are there, ``warn`` is called with a sentence.
    """

    def __init__(
        self, snapshot: Snapshot, *, once: bool = False, ordered: bool = False, laid_out: bool = False,
        warn: Callable[[str], object] | None = None, progress: Progress | None = None,
    ) -> None:  # fmt: skip
        super().__init__(snapshot, runs=True, progress=progress)
        self._twice = not (once or ordered or laid_out)
        self._snapshot = snapshot
        self._ordered = ordered or laid_out
        self._laid_out = laid_out
        self._warn = warn
        # By page id, for pages to come: the bounds of their keys.
        self._bounds: dict[int, tuple[bytes, bytes | None]] = {}
        self._left_out: list[tuple[Corrupted, list[int]]] = []

    def visit(self, page: Page) -> None:
        refuse_hiding(page, below=len(page.stack) > 1)
        super().visit(page)
        if not self._ordered or page.flags != BRANCH_PAGE:
            return
        branch = BranchElements(page)
        if self._laid_out:
            self._verify_layout(branch)
        keys = branch.keys()
        _, high = self._verify_keys(page, keys)
        self._bounds.update(zip(branch.pgids, zip(keys, [*keys[1:], high])))

    def leaf(self, leaf: LeafElements, keys: list[bytes]) -> None:
        """Verify a leaf page, of which ``keys`` are all keys; the page may be inline. Raises Corrupted."""
        if self._laid_out:
            self._verify_layout(leaf)
        if self._ordered:
            self._verify_keys(leaf.page, keys)

    def _verify_keys(self, page: Page, keys: list[bytes]) -> tuple[bytes, bytes | None]:
        low, high = self._bounds.pop(page.pgid, _UNBOUNDED) if page.stack else _UNBOUNDED
        if not in_order(keys, low, high):
            what = "outside the range of its branch page" if ascend(keys) else "out of order"
            raise page.damaged(f"its keys are {what}")
        return low, high

    def _verify_layout(self, elements: LeafElements | BranchElements) -> None:
        whole = elements.verify_whole()
        if whole is None:
            return
        page, count = elements.page, elements.count
        left_out = f"{whole.count - count} elements that are still in the page after the first {count}"
        found = page.damaged(f"its count leaves out {left_out}")
        if self._warn is not None:
            self._warn(f"{found}; they are not read, as in bbolt")
        if isinstance(whole, BranchElements):
            self._left_out.append((found, whole.pgids[count:]))

    def finish(self) -> None:
        """After a walk over all buckets, raise Corrupted if elements that were left out lead to pages in use."""
        snapshot, marks = self._snapshot, self.marks
        stop = min(snapshot.meta.hwm, len(marks))
        unread = [(pgid, found) for found, pgids in self._left_out for pgid in pgids if 2 <= pgid < stop]
        unread = [(pgid, found) for pgid, found in unread if not marks[pgid]]
        others: set[int] = set()  # free pages, and those that hold the freelist
        if unread and snapshot.meta.has_freelist:
            page, ids = snapshot.freelist()
            first = snapshot.meta.freelist
            others = {*ids, *range(first, first + min(page.overflow, snapshot.page_count) + 1)}
        for pgid, found in unread:
            if pgid not in others:
                raise found


def leaf_pages(snapshot: Snapshot, bucket: BucketRef, *, guard: Seen | None = None) -> Iterator[Page]:
    """Yield the leaf pages of ``bucket`` in order; without a ``guard`` as bbolt does. Raises Corrupted."""
    pages = tree_pages(snapshot, bucket, guard or Seen(snapshot, twice=True))
    return (page for page in pages if page.flags == LEAF_PAGE)


def within(keys: list[bytes], start: bytes, stop: bytes | None) -> slice:
    """Return which children of a branch page with these ``keys`` can hold keys from ``start`` to before ``stop``.

    The keys below a child begin at its key (except the first child's) and end before the next child's key.
    """
    return slice(max(bisect_right(keys, start) - 1, 0), None if stop is None else max(bisect_left(keys, stop), 1))


def leaf_ranges(
    snapshot: Snapshot, bucket: BucketRef, start: bytes = b"", stop: bytes | None = None,
    *, reverse: bool = False, guard: Whole | None = None,
) -> Iterator[LeafRange]:  # fmt: skip
    """Yield the elements of ``bucket`` whose keys are at least ``start`` and below ``stop``, a leaf page at a time.

    With ``reverse`` the pages come from the last to the first; the order within each page stays ascending. The default
    ``guard`` is one for a list, or for a range of keys. Raises Corrupted.
    """
    guard = guard or Whole(snapshot, ordered=bool(start) or stop is not None)

    def children(page: Page) -> list[int]:
        below = page.children()
        if page.count and (start or stop is not None):
            below = below[within(BranchElements(page).keys(), start, stop)]
        return below[::-1] if reverse else below

    for page in tree_pages(snapshot, bucket, guard, children):
        if page.flags != LEAF_PAGE:
            continue
        leaf = LeafElements(page)
        keys = leaf.keys()
        guard.leaf(leaf, keys)
        low = bisect_left(keys, start) if start else 0
        high = len(keys) if stop is None else bisect_left(keys, stop, low)
        if low < high:
            yield leaf, keys, low, high


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


def refuse_nested(snapshot: Snapshot, bucket: BucketRef) -> BucketRef:
    """Return ``bucket``, which is to be entered. Raises Corrupted if it is inside itself."""
    above = bucket.parent if bucket.root else None
    while above is not None:
        if above.root == bucket.root:
            raise snapshot.corrupted("the bucket is nested in itself", bucket.root, bucket=bucket)
        above = above.parent
    return bucket
