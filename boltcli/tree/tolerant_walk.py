"""A walk over one bucket's tree that damage doesn't end: what is sound, and in between what isn't."""

from __future__ import annotations

from ..errors import Corrupted
from ..format.constants import BRANCH_PAGE, ELEMENT_SIZE, LEAF_PAGE
from .bucket import BucketRef, children, inline_page, next_child

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..storage.snapshot import Page, Snapshot


# Elements and references that are followed, for each one that the file has room for: pages may claim each other's.
_TIMES = 4
_LEAST = 1 << 18
_DAMAGES = 1 << 12


class Allowance:
    """How many elements may be looked at until it is clear that pages claim each other's bytes."""

    __slots__ = ("left", "snapshot")

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.left = _TIMES * snapshot.size // ELEMENT_SIZE + _LEAST

    def spend(self, page: Page, stack: Sequence[int] = ()) -> None:
        """Before the elements of ``page`` are read. Raises :class:`~boltcli.errors.Corrupted` if they are too many."""
        self.left -= page.count
        if self.left < 0:
            raise self.snapshot.corrupted(
                "its elements are not looked at: with those of other pages they are more than the file has room for",
                page.pgid, stack,
            )  # fmt: skip


def survey(
    snapshot: Snapshot, bucket: BucketRef, seen: bytearray
) -> Iterator[tuple[Page, tuple[int, ...]] | Corrupted]:
    """The pages of ``bucket``'s tree in key order, a branch page before its children, each with its stack.

    A page that cannot be read is a :class:`~boltcli.errors.Corrupted` in its
    place, and what lies below it is left out. ``seen`` has a byte for each
    page of the file; a page that has a 1 there was met before, and is damage.
    """
    left = 2 * snapshot.page_count + _DAMAGES  # damages: a page may be referenced by every element there is
    for found in _pages(snapshot, bucket, seen):
        if isinstance(found, Corrupted):
            found.in_bucket(bucket.names)
            left -= 1
        yield found
        if left < 0:
            return


def _pages(
    snapshot: Snapshot, bucket: BucketRef, seen: bytearray
) -> Iterator[tuple[Page, tuple[int, ...]] | Corrupted]:
    if not bucket.root:
        try:
            yield inline_page(snapshot, bucket), ()
        except Corrupted as damage:
            yield damage
        return
    stack = [bucket.root]
    pending: list[Iterator[int]] = []
    while True:
        try:
            page, below = _visit(snapshot, stack, seen)
        except Corrupted as damage:
            yield damage
            below = None
        else:
            yield page, tuple(stack)
        if below is None:
            stack.pop()
        else:
            pending.append(iter(below))
        if not next_child(stack, pending):
            return


def _visit(snapshot: Snapshot, stack: list[int], seen: bytearray) -> tuple[Page, list[int] | None]:
    """The page at the end of ``stack``, and its children; None for a leaf."""
    pgid = stack[-1]
    page = snapshot.page(pgid, stack)
    if seen[pgid]:
        raise snapshot.corrupted("the page is referenced more than once", pgid, stack)
    seen[pgid] = 1
    if page.flags == LEAF_PAGE:
        return page, None
    if page.flags != BRANCH_PAGE:
        raise snapshot.corrupted(f"a tree cannot hold a page of its type (flags: {page.flags:x})", pgid, stack)
    if not page.count:
        raise snapshot.corrupted("a branch page without elements", pgid, stack)
    return page, children(snapshot, page, stack)
