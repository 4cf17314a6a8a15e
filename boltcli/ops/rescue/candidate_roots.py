"""Find the roots of databases among the pages of a file, those of earlier transactions too.

A root bucket holds buckets. Its page is a leaf of bucket elements, or a branch over such; no other page refers to it.
Nested buckets of buckets look the same once the page above them is lost, so a candidate must share bucket names with
the largest one.
"""

from __future__ import annotations

from array import array
from typing import NamedTuple

from ...format.constants import BUCKET_HEADER_SIZE
from ...format.page import BUCKET_HEADER
from .bucket_pages import BucketPages
from .elements import first_key, is_reused, page_elements
from .pages import bitmap_of, find_freelists
from .tree import REUSED, RecoveredTree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from .elements import Elements
    from .pages import PageTable

_UNKNOWN, _OPEN, _WHOLE, _BROKEN = range(4)
_MOST_CANDIDATES = 48
_BUDGET = 6  # times the pages of the file that candidates may have together


class Links:
    """Which pages lead to which, over all pages that bear their own id, whatever generation they are of.

    ``state`` says whether all that a page leads to is whole, ``sizes`` how many pages it leads to. ``bucketish``: it
    leads to nothing but bucket elements. ``contained``: a whole page leads to it.
    """

    __slots__ = ("bucketish", "contained", "sizes", "state", "table")

    def __init__(self, table: PageTable) -> None:
        self.table = table
        self.state = bytearray(table.pages)
        self.sizes = array("Q", bytes(8 * table.pages))
        self.bucketish = bytearray(table.pages)
        self.contained = bytearray(table.pages)
        for page in range(2, table.pages):
            if table.is_tree(page):
                self._evaluate(page)

    def _evaluate(self, top: int) -> None:
        """Post-order over what ``top`` leads to, each page once."""
        if self.state[top]:
            return
        stack: list[tuple[int, list[tuple[int, bytes | None]], Elements | None]] = [(top, [], None)]
        state, table = self.state, self.table
        while stack:
            page, links, found = stack[-1]
            if state[page] == _UNKNOWN:
                state[page] = _OPEN
                found = page_elements(table, page)
                links = [] if found is None else outgoing(table, found)
                stack[-1] = page, links, found
                for child, _ in links:
                    if child < table.pages and table.is_tree(child) and state[child] == _UNKNOWN:
                        stack.append((child, [], None))
                continue
            stack.pop()
            if state[page] == _OPEN:
                self._close(page, links, found)

    def _close(self, page: int, links: list[tuple[int, bytes | None]], found: Elements | None) -> None:
        table, state = self.table, self.state
        whole = found is not None and found.sound and not table.is_torn(page)
        size = 1
        bucketish = found is not None and bool(found.keys)
        if found is not None and found.leaf:
            bucketish = bucketish and all(found.flags)
        for child, key in links:
            if not (child < table.pages and state[child] in (_WHOLE, _BROKEN) and self._belongs(child, key)):
                whole = False
                bucketish = bucketish and key is None
                continue
            size += self.sizes[child]
            whole = whole and state[child] == _WHOLE
            if key is not None and not self.bucketish[child]:
                bucketish = False
        self.sizes[page] = min(size, 1 << 40)
        self.bucketish[page] = bucketish
        state[page] = _WHOLE if whole else _BROKEN
        for child, key in links:
            # A branch's key proves that its child is still the same; the root of a bucket may have been reused.
            if child < table.pages and (whole or (key is not None and self._belongs(child, key))):
                self.contained[child] = 1

    def _belongs(self, child: int, key: bytes | None) -> bool:
        """Return whether the page is still what it was when the branch element with ``key`` was written."""
        return key is None or first_key(self.table, child) == key

    def is_whole(self, page: int) -> bool:
        return self.state[page] == _WHOLE

    def roots(self) -> list[int]:
        """Return pages that may be roots, the one that leads to most pages first."""
        table = self.table
        found = [
            page for page in range(2, table.pages)
            if self.bucketish[page] and not self.contained[page] and table.is_tree(page)
        ]  # fmt: skip
        found.sort(key=lambda page: -self.sizes[page])
        return found


def outgoing(table: PageTable, found: Elements) -> list[tuple[int, bytes | None]]:
    """Return where a page leads: child pages with the keys they must begin with, roots of buckets with None."""
    if not found.leaf:
        return list(zip(found.pgids, found.keys))
    links: list[tuple[int, bytes | None]] = []
    for i, flag in enumerate(found.flags):
        if flag and found.ends[i] - found.mids[i] >= BUCKET_HEADER_SIZE:
            root, _ = BUCKET_HEADER.unpack_from(found.buffer, found.mids[i])
            if root and not is_reused(table, found.keys, root):
                links.append((root, None))
    return links


class Signs(NamedTuple):
    """What tells a tree's age: sequences added, the number of pairs, and by bucket least and greatest key, count."""

    sequences: int
    pairs: int
    lasts: dict[tuple[bytes, ...], tuple[bytes, bytes, int]]


class Generation:
    """A tree that is or was the database's: its ``root`` page, the ``tree`` below it, and signs of its age.

    ``reused`` counts the pages that it leads to which were used for something else since: the newest tree has none,
    whatever else is missing in it.
    """

    __slots__ = ("_signs", "bitmap", "reused", "root", "tree")

    def __init__(self, table: PageTable, root: int, sequence: int = 0) -> None:
        self.root = root
        self.tree = RecoveredTree(table)
        self.tree.top.root, self.tree.top.sequence = root, sequence
        self.tree.walk(self.tree.top, root, strict=True)
        self.reused = sum(gap.reason in REUSED for gap in self.tree.gaps)
        self.bitmap = int.from_bytes(self.tree.used.translate(_BITS), "little")
        self._signs: Signs | None = None

    def signs(self) -> Signs:
        """Return what tells the age of a tree."""
        if self._signs is None:
            sequences = pairs = 0
            lasts = {}
            for bucket in self.tree.buckets:
                low, high, count, inner = self._sum_up(bucket.leaves)
                sequences += bucket.sequence + inner
                pairs += count
                lasts[bucket.path()] = low, high, count
            self._signs = Signs(sequences, pairs, lasts)
        return self._signs

    def _sum_up(self, leaves: array[int]) -> tuple[bytes, bytes, int, int]:
        """Least and greatest key of leaf pages, the number of keys, and the sequences of inline buckets added."""
        low, high, count, sequences = b"", b"", 0, 0
        for number, page in enumerate(leaves):
            found = page_elements(self.tree.table, page)
            if found is None or not found.count:
                continue
            if not number:
                low = found.key(0)
            high = found.key(-1)
            count += found.count
            for i, flag in enumerate(found.flags):
                if flag and found.ends[i] - found.mids[i] > BUCKET_HEADER_SIZE:
                    sequences += BUCKET_HEADER.unpack_from(found.buffer, found.mids[i])[1]
        return low, high, count, sequences

    @property
    def reached(self) -> int:
        """How many pages the tree has."""
        return self.bitmap.bit_count()

    def shares_pages(self, other: Generation) -> bool:
        """Return whether the two trees have pages in common."""
        return bool(self.bitmap & other.bitmap)

    def unaccounted(self, freelists: list[int]) -> int:
        """Return how many pages neither the tree nor the best freelist accounts for; those of both count four times."""
        ones = ((1 << 8 * self.tree.table.pages) - 1) // 255
        best = (ones & ~self.bitmap).bit_count()
        for listed in freelists:
            wrong = 4 * (listed & self.bitmap).bit_count()
            best = min(best, (ones & ~(self.bitmap | listed)).bit_count() + wrong)
        return best


_BITS = bytes([0] + [1] * 255)


def is_newer(one: Generation, other: Generation, freelists: list[int]) -> bool:
    """Return whether ``one`` is the younger of two trees, by the signs that decide, the surest first."""
    accounts = one.unaccounted(freelists), other.unaccounted(freelists)
    if accounts[0] != accounts[1]:
        return accounts[0] < accounts[1]
    older, newer = other.signs(), one.signs()
    if newer.sequences != older.sequences:
        return newer.sequences > older.sequences
    votes = cut = 0
    for path, (low, high, count) in newer.lasts.items():
        if path in older.lasts and path:
            low2, high2, count2 = older.lasts[path]
            votes += (high > high2) - (high < high2)
            if high == high2 and low != low2:  # a log that is cut at its beginning
                cut += (low > low2 and count < count2) - (low < low2 and count > count2)
    if votes:
        return votes > 0
    if cut:
        return cut > 0
    return newer.pairs > older.pairs


def generations(
    table: PageTable, links: Links, pages: BucketPages, names: set[bytes] | None, *, every: bool = False,
    without: Collection[int] = (),
) -> list[Generation]:  # fmt: skip
    """Return the trees of all candidate roots that share bucket names with ``names``, or with the largest one of them.

    Newest first. Those of which no page was used again only, if there are such, unless ``every`` one is wanted.
    ``without``: pages that are known to be no roots.
    """
    roots = links.roots()
    budget = _BUDGET * table.pages + 10_000
    found: list[Generation] = []
    known = names
    if names is None:
        roots = [page for page in roots if page not in without]
        roots = [page for page in roots if not pages.is_nested(page)] or roots
    for page in roots:
        if len(found) == _MOST_CANDIDATES or budget < 0:
            break
        made = Generation(table, page)
        budget -= links.sizes[page]
        own = made.tree.names
        if known is None:
            known = own
        common = len(own & known)
        if common and 2 * common >= min(len(own), len(known)):
            found.append(made)
    if not every:
        largest = max((made.reached for made in found), default=0)
        found = _not_reused([made for made in found if 2 * made.reached >= largest])
    return _in_order(found, [bitmap_of(table, [page, *ids]) for page, ids in find_freelists(table)])


def newest_first(found: list[Generation], freelists: list[int]) -> list[Generation]:
    """Sort versions of one tree by age; versions with reused pages are included only if there are no others."""
    return _in_order(_not_reused(found), freelists)


def _not_reused(found: list[Generation]) -> list[Generation]:
    return [made for made in found if not made.reused] or found


def _in_order(found: list[Generation], freelists: list[int]) -> list[Generation]:
    ordered: list[Generation] = []
    for made in found:
        at = 0
        while at < len(ordered) and not is_newer(made, ordered[at], freelists):
            at += 1
        ordered.insert(at, made)
    return ordered
