"""A walk over one bucket's tree that continues after damage."""

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


# Limit on elements and references, as a multiple of those that the file has room for: damaged pages may overlap.
_TIMES = 4
_LEAST = 1 << 18
_DAMAGES = 1 << 12


class Allowance:
    """A limit on the elements to read, against pages that claim each other's bytes."""

    __slots__ = ("left",)

    def __init__(self, snapshot: Snapshot) -> None:
        self.left = _TIMES * snapshot.size // ELEMENT_SIZE + _LEAST

    def spend(self, page: Page) -> None:
        """Count the elements of ``page``, before they are read. Raises Corrupted beyond the limit."""
        self.left -= page.count
        if self.left < 0:
            raise page.damaged(
                "its elements are not read: all pages together claim more elements than the file has room for"
            )


def survey(snapshot: Snapshot, bucket: BucketRef, once: Once) -> Iterator[Page | Corrupted]:
    """Yield the pages of ``bucket``'s tree in key order, a branch page before its children.

    For a page that cannot be read, a :class:`~boltcli.errors.Corrupted` is
    yielded, and the pages below it are left out. A page that ``once`` has
    already seen is damage.
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
    """Return the children of a branch page; None for a leaf. Raises :class:`~boltcli.errors.Corrupted`."""
    once.visit(page)
    if page.flags == LEAF_PAGE:
        return None
    if page.flags != BRANCH_PAGE:
        raise page.unfit()
    if not page.count:
        raise page.damaged("a branch page without elements")
    return page.children()
