"""Tell versions of one bucket's page from those of another: they have names in common.

Of a bucket that holds buckets every transaction leaves a page. So pages fall into families, and elements of one
family that lead to pages of another say which of the two is the outer one.
"""

from __future__ import annotations

from collections import Counter

from ...format.constants import BUCKET_HEADER_SIZE
from .recovered_tree import page_elements

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .lenient_page import Elements
    from .page_table import PageTable

_MOST_ALIKE = 8  # families that a page is compared with


class BucketPages:
    """The leaf pages that hold nothing but buckets, in families. ``family`` by page, ``names`` by family."""

    __slots__ = ("_leads", "bucketish", "family", "names")

    def __init__(self, table: PageTable, bucketish: bytearray) -> None:
        """``bucketish`` marks the pages that lead to nothing but bucket elements."""
        self.bucketish = bucketish
        self.family: dict[int, int] = {}
        self.names: list[frozenset[bytes]] = []
        links: list[tuple[int, int]] = []
        by_name: dict[bytes, list[int]] = {}
        for page in range(2, table.pages):
            if bucketish[page] and table.is_tree(page):
                found = page_elements(table, page)
                if found is not None and found.leaf:
                    self.family[page] = self._family(frozenset(found.keys), by_name)
                    links += [(page, root) for root in roots_in(found)]
        self._leads = Counter(
            (self.family[page], self.family[root])
            for page, root in links
            if root in self.family and self.family[page] != self.family[root]
        )

    def _family(self, names: frozenset[bytes], by_name: dict[bytes, list[int]]) -> int:
        """That of pages which have half of these names, or a new one."""
        met = Counter(number for name in names for number in by_name.get(name, ()))
        for number, common in met.most_common(_MOST_ALIKE):
            if 2 * common >= min(len(names), len(self.names[number])):
                return number
        self.names.append(names)
        for name in names:
            by_name.setdefault(name, []).append(len(self.names) - 1)
        return len(self.names) - 1

    def alike(self, page: int) -> list[int]:
        """The other pages of the family of one."""
        number = self.family.get(page)
        return [each for each, other in self.family.items() if other == number and each != page]

    def is_nested(self, page: int) -> bool:
        """Whether pages of another family lead to pages of this one's, more often than the other way round."""
        number = self.family.get(page)
        return number is not None and any(
            inner == number and count > self._leads[inner, outer] for (outer, inner), count in self._leads.items()
        )


def roots_in(found: Elements) -> list[int]:
    """The root pages of the buckets in a leaf page."""
    return [
        root
        for i, flag in enumerate(found.flags)
        if flag and found.ends[i] - found.mids[i] >= BUCKET_HEADER_SIZE
        and (root := int.from_bytes(found.value(i)[:8], "little"))
    ]  # fmt: skip
