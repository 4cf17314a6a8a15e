"""A walk over one bucket's tree that damage doesn't end: what is sound, and in between what isn't."""

from __future__ import annotations

from ..errors import Corrupted
from ..format.constants import BRANCH_PAGE, ELEMENT_SIZE, LEAF_PAGE
from .walk import Once, Walk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..format.bucket import BucketRef
    from ..format.page import Page
    from ..storage.snapshot import Snapshot


# Elements and references that are followed, for each one that the file has room for: pages may claim each other's.
_TIMES = 4
_LEAST = 1 << 18
_DAMAGES = 1 << 12


class Allowance:
    """How many elements may be looked at until it is clear that pages claim each other's bytes."""

    __slots__ = ("left",)

    def __init__(self, snapshot: Snapshot) -> None:
        self.left = _TIMES * snapshot.size // ELEMENT_SIZE + _LEAST

    def spend(self, page: Page) -> None:
        """Before the elements of ``page`` are read. Raises :class:`~boltcli.errors.Corrupted` if they are too many."""
        self.left -= page.count
        if self.left < 0:
            raise page.damaged(
                "its elements are not looked at: with those of other pages they are more than the file has room for"
            )


def survey(snapshot: Snapshot, bucket: BucketRef, once: Once) -> Iterator[Page | Corrupted]:
    """Yield the pages of ``bucket``'s tree in key order, a branch page before its children.

    A page that cannot be read is a :class:`~boltcli.errors.Corrupted` in its
    place, and what lies below it is left out. A page that ``once`` has seen
    before is damage.
    """
    walk = Walk(snapshot, bucket)
    left = 2 * snapshot.page_count + _DAMAGES  # damages: a page may be referenced by every element there is
    while left >= 0:
        try:
            page = next(walk, None)
            if page is None:
                return
            below = _below(page, once) if bucket.root else None
        except Corrupted as damage:
            yield damage
            left -= 1
        else:
            yield page
            if below is not None:
                walk.enter(below)


def _below(page: Page, once: Once) -> list[int] | None:
    """The children of a branch page; None for a leaf. Raises :class:`~boltcli.errors.Corrupted`."""
    once.visit(page)
    if page.flags == LEAF_PAGE:
        return None
    if page.flags != BRANCH_PAGE:
        raise page.unfit()
    if not page.count:
        raise page.damaged("a branch page without elements")
    return page.children()
