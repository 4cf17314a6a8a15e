"""Tell versions of one bucket's page from those of another: they have names in common.

Of a bucket that holds buckets every transaction leaves a page. So pages fall into families, and elements of one
family that lead to pages of another say which of the two is the outer one.
"""

from __future__ import annotations

from collections import Counter

from ...format.constants import BRANCH_PAGE, BUCKET_HEADER_SIZE
from .elements import first_key, page_elements

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .elements import Elements
    from .pages import PageTable

_MOST_LEVELS = 16  # levels of branch pages
_MOST_ALIKE = 8  # families that a page is compared with


class BucketPages:
    """The leaf pages that hold nothing but buckets, in families. ``family`` by page, ``names`` by page.

    ``_leads``: by family, and by the other one that leads to it, the pages of it that are led to.
    """

    __slots__ = ("_leads", "_sets", "_table", "bucketish", "family", "names")

    def __init__(self, table: PageTable, bucketish: bytearray) -> None:
        """``bucketish`` marks the pages that lead to nothing but bucket elements."""
        self._table = table
        self.bucketish = bucketish
        self.family: dict[int, int] = {}
        self.names: dict[int, frozenset[bytes]] = {}
        self._sets: list[frozenset[bytes]] = []  # by family, those of its first page
        links: list[tuple[int, int]] = []
        by_name: dict[bytes, list[int]] = {}
        for page in range(2, table.pages):
            if bucketish[page] and table.is_tree(page):
                found = page_elements(table, page)
                if found is not None and found.leaf:
                    self.names[page] = frozenset(found.keys)
                    self.family[page] = self._family(self.names[page], by_name)
                    links += [(page, root) for root in roots_in(found)]
        self._leads: dict[int, dict[int, list[int]]] = {}
        for page, root in links:
            root = self._leaf(root)
            if root in self.family and self.family[page] != self.family[root]:
                self._leads.setdefault(self.family[root], {}).setdefault(self.family[page], []).append(root)

    def _family(self, names: frozenset[bytes], by_name: dict[bytes, list[int]]) -> int:
        """That of pages which have half of these names, or a new one."""
        met = Counter(number for name in names for number in by_name.get(name, ()))
        for number, common in met.most_common(_MOST_ALIKE):
            if 2 * common >= min(len(names), len(self._sets[number])):
                return number
        self._sets.append(names)
        for name in names:
            by_name.setdefault(name, []).append(len(self._sets) - 1)
        return len(self._sets) - 1

    def _leaf(self, page: int) -> int:
        """Return the first leaf below a page, as far as its branches still lead to what they led to."""
        table = self._table
        for _ in range(_MOST_LEVELS):
            if page >= table.pages or not self.bucketish[page] or table.kind[page] != BRANCH_PAGE:
                break
            found = page_elements(table, page)
            children = zip(found.pgids, found.keys) if found is not None else ()
            page = next((child for child, key in children if first_key(table, child) == key), table.pages)
        return page

    def alike(self, page: int) -> list[int]:
        """Return the other pages of the family of one."""
        number = self.family.get(page)
        return [each for each, other in self.family.items() if other == number and each != page]

    def is_nested(self, page: int) -> bool:
        """Return whether pages of another family lead to pages like this one, more often than the other way round.

        Those must have half the names in common with it: a root may have few names, and nested buckets one of them.
        """
        page = self._leaf(page)
        number = self.family.get(page, -1)
        return any(
            sum(self.are_versions(page, root) for root in roots) > len(self._leads.get(outer, {}).get(number, ()))
            for outer, roots in self._leads.get(number, {}).items()
        )

    def are_versions(self, page: int, other: int) -> bool:
        """Return whether two pages of a family have half of their names in common."""
        one, two = self.names[page], self.names[other]
        return 2 * len(one & two) >= max(len(one), len(two))


def roots_in(found: Elements) -> list[int]:
    """Return the root pages of the buckets in a leaf page."""
    return [
        root
        for i, flag in enumerate(found.flags)
        if flag and found.ends[i] - found.mids[i] >= BUCKET_HEADER_SIZE
        and (root := int.from_bytes(found.value(i)[:8], "little"))
    ]  # fmt: skip
