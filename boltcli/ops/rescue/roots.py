"""Find the roots of databases among the pages of a file, those of earlier transactions too, and judge them.

A root bucket holds buckets: its page is a leaf of these, or a branch over such, and no other page refers to it. Another
bucket of buckets looks the same once the page above it is lost, so a candidate must share names with the largest. Of
these buckets every transaction leaves a page: pages with names in common are versions of one.
"""

from __future__ import annotations

from array import array
from collections import Counter
from functools import cached_property, cmp_to_key
from typing import TYPE_CHECKING, NamedTuple

from ...format.meta import Meta
from ...tree.walk import flat
from .elements import is_reused, page_elements, readable
from .pages import PageTable, Path
from .tree import REUSED, RecoveredTree, Recovery, find_keys, sample

if TYPE_CHECKING:
    from ...tree.walk import Nested

_MOST_ALIKE = 8  # families that a page is compared with
_MOST_CANDIDATES = 48
_BUDGET = 6  # times the pages of the file that candidates may have together
_VERSIONS = 4  # others, of a root, that are looked at
_NEAR, _WRITTEN = 64, 4  # pages before the lost root, and how many of those with content are looked at


class Link(NamedTuple):
    """That a page leads to ``page``, by key or as a bucket's root; ``right``: it is there, and begins with the key."""

    page: int
    by_key: bool
    right: bool


class PageGraph:
    """Which pages lead to which, over all pages that bear their own id, whatever generation they are of.

    ``links`` has by page those that it leads to; ``sizes`` how many pages it leads to. ``bucketish``: it leads to
    nothing but bucket elements; ``names`` has these of its leaves. ``contained``: a whole page leads to it.
    """

    def __init__(self, table: PageTable) -> None:
        self.table = table
        self.links: dict[int, list[Link]] = {}
        self.sizes = array("Q", bytes(8 * table.pages))  # 0: it was not looked at yet, or not all that it leads to
        self.bucketish = bytearray(table.pages)
        self.names: dict[int, frozenset[bytes]] = {}
        self.contained = bytearray(table.pages)
        self._firsts: dict[int, bytes] = {}
        self._whole = bytearray(table.pages)  # so is all that it leads to
        for page in range(2, table.pages):
            if table.is_tree(page) and page not in self.links:
                list(flat(self._evaluate(page)))

    def _evaluate(self, page: int) -> Nested[None]:
        table = self.table
        found = page_elements(table, page)
        links = self.links[page] = []
        whole = found is not None and found.sound and not table.is_torn(page)
        if found is None or not found.count:
            self.sizes[page] = 1
            self._whole[page] = whole
            return
        self._firsts[page] = found.key(0)
        roots = [root for _, _, root, _ in found.roots() if root and not is_reused(table, found.keys, root)]
        for child in reversed(found.pgids or roots):
            if table.is_tree(child) and child not in self.links:
                yield self._evaluate(child)
        links += [Link(child, True, self._firsts.get(child) == key) for child, key in zip(found.pgids, found.keys)]
        links += [Link(root, False, table.is_tree(root)) for root in roots]
        bucketish, size = all(found.flags), 1
        for child, by_key, right in links:
            closed = right and self.sizes[child]
            size += closed
            whole = whole and bool(closed and self._whole[child])
            bucketish = bucketish and not (by_key and not (closed and self.bucketish[child]))
        self.sizes[page] = min(size, 1 << 40)
        self.bucketish[page] = bucketish
        if bucketish and found.leaf:
            self.names[page] = frozenset(found.keys)
        self._whole[page] = whole
        for child, by_key, right in links:
            # A branch's key proves that its child is still the same; the root of a bucket may have been reused.
            if right and (whole or by_key):
                self.contained[child] = 1

    @cached_property
    def family(self) -> dict[int, int]:
        """The number of each page of ``names``: the same for those that have half of the names of a family's first."""
        numbers: dict[int, int] = {}
        first: list[frozenset[bytes]] = []
        by_name: dict[bytes, list[int]] = {}
        for page, names in sorted(self.names.items(), key=lambda each: each[0]):
            matches = Counter(number for name in names for number in by_name.get(name, ())).most_common(_MOST_ALIKE)
            alike = (number for number, same in matches if 2 * same >= min(len(names), len(first[number])))
            number = numbers[page] = next(alike, len(first))
            if number == len(first):
                first.append(names)
                for name in names:
                    by_name.setdefault(name, []).append(number)
        return numbers

    def alike(self, page: int) -> list[int]:
        number = self.family.get(page)
        return [each for each, other in self.family.items() if other == number and each != page]

    def versions(self, page: int) -> list[int]:
        """Return those that have half of their names in common with it."""
        names = self.names.get(page, frozenset())
        pairs = ((each, self.names[each]) for each in self.alike(page))
        return [each for each, other in pairs if 2 * len(names & other) >= max(len(names), len(other))]


class Candidate:
    """A tree that is or was the database's. ``bitmap`` has a byte of 1 for each of its ``reached`` pages.

    ``reused`` counts the pages that it leads to which were used for something else since: the newest tree has none.
    """

    def __init__(self, table: PageTable, root: int, sequence: int = 0) -> None:
        self.root = root
        self.tree = RecoveredTree(table, root, sequence, strict=True)
        self.reused = sum(gap.reason in REUSED for gap in self.tree.gaps)
        self.bitmap = int.from_bytes(self.tree.used, "little")
        self.reached = sum(self.tree.used)

    @cached_property
    def signs(self) -> tuple[int, int, dict[Path, tuple[bytes, bytes, int]]]:
        """The sequences added, the number of pairs, and of each bucket least and greatest key and their count."""
        sequences = sum(bucket.sequence for bucket in self.tree.buckets)
        ends = {}
        for bucket in self.tree.buckets:
            low, high, count = b"", b"", 0
            for _, found in readable(self.tree.table, bucket.leaves):
                low, high, count = low or found.key(0), found.key(-1), count + found.count
                sequences += sum(inner for _, _, root, inner in found.roots() if not root)
            ends[bucket.path()] = low, high, count
        return sequences, sum(count for _, _, count in ends.values()), ends

    @cached_property
    def unaccounted(self) -> int:
        """How many pages neither the tree nor the best freelist accounts for; those of both count four times."""
        table = self.tree.table
        last = table.own.rfind(1)  # zeros may follow it, where the file grew
        pages = int.from_bytes(table.marks(range(2, last + 1)), "little")
        return min(
            (pages & ~(self.bitmap | listed)).bit_count() + 4 * (listed & self.bitmap).bit_count()
            for listed in (0, *(int.from_bytes(marks, "little") for _, marks in table.freelists))
        )


def _by_age(one: Candidate, other: Candidate) -> int:
    if one.unaccounted != other.unaccounted:
        return one.unaccounted - other.unaccounted
    sequences, pairs, ends = one.signs
    sequences2, pairs2, ends2 = other.signs
    votes = cut = 0
    for path, (low, high, count) in ends.items():
        if path in ends2 and path:
            low2, high2, count2 = ends2[path]
            votes += (high > high2) - (high < high2)
            if high == high2 and low != low2:  # a log that is cut at its beginning
                cut += (low > low2 and count < count2) - (low < low2 and count > count2)
    return sequences2 - sequences or -votes or -cut or pairs2 - pairs


def candidates(table: PageTable, graph: PageGraph, names: set[bytes] | None) -> list[Candidate]:
    """Return the trees of roots that share bucket names with ``names`` (None: with the largest one), newest first."""
    budget = _BUDGET * table.pages + 10_000
    found: list[Candidate] = []
    roots = (page for page in sorted(graph.links) if graph.bucketish[page] and not graph.contained[page])
    for page in sorted(roots, key=lambda page: -graph.sizes[page]):
        if len(found) == _MOST_CANDIDATES or budget < 0:
            break
        made = Candidate(table, page)
        budget -= graph.sizes[page]
        own = made.tree.names
        names = own if names is None else names
        common = len(own & names)
        if common and 2 * common >= min(len(own), len(names)):
            found.append(made)
    return newest_first(found)


def newest_first(found: list[Candidate]) -> list[Candidate]:
    return sorted(found, key=cmp_to_key(_by_age))


def whole_ones(found: list[Candidate]) -> list[Candidate]:
    return [made for made in found if not made.reused] or found


def is_torn(tree: RecoveredTree, metas: list[Meta], free: bytearray | None) -> bool:
    """Return whether pages of the newest tree were reused since: the file was written to while it was copied."""
    reused = [gap for gap in tree.gaps if gap.reason in REUSED]
    # A damaged branch element may lead to one page that has its place elsewhere in the tree.
    if len(reused) > 1 or any(not tree.used[gap.page] for gap in reused):
        return True
    if free is not None or not metas:
        return False
    freelist = metas[0].freelist
    return (tree.table.is_tree(freelist) and not tree.used[freelist]) or is_other_root(tree, metas)


def is_other_root(tree: RecoveredTree, metas: list[Meta]) -> bool:
    """Return whether the root page was used for something else since: it has pairs, or no name of the older tree."""
    if any(not all(found.flags) for _, found in readable(tree.table, tree.top.leaves)):
        return True
    older = [Candidate(tree.table, meta.root) for meta in metas[1:]] if tree.names else []
    return any(made.reached > sum(tree.used) and made.tree.names.isdisjoint(tree.names) for made in older)


def versions_of_root(found: list[Candidate], graph: PageGraph, done: Recovery) -> list[Candidate]:
    """Return the trees that are older states of the one whose root is lost, not nested buckets."""
    family = {made.root: graph.family.get(made.root, -made.root) for made in found}
    sure = {family[made.root] for made in found if _is_version_of_root(made, graph, done.metas, done.free)}
    return [made for made in found if family[made.root] in sure]


def _is_version_of_root(made: Candidate, graph: PageGraph, metas: list[Meta], free: bytearray | None) -> bool:
    if any(made.root == meta.root for meta in metas):
        return True
    # There is another version of a tree: one that has pages of it, or the same names. Of a nested bucket the page that
    # leads to that would be there too. Buckets side by side don't share pages.
    table = made.tree.table
    for page in graph.alike(made.root)[:_VERSIONS]:
        other = Candidate(table, page)
        if other.bitmap & made.bitmap if made.reached > 1 else other.tree.names == made.tree.names:
            return True
    # The pages written just before the lost root, or last, hold other versions of what is in a tree. If it has the very
    # last one, the lost root leads to the tree itself.
    root = metas[0].root if metas else table.pages
    near = range(min(root, table.pages) - 1, max(1, root - _NEAR), -1)
    below = [page for page in near if table.is_tree(page) and not table.is_torn(page)][:_WRITTEN]
    if below and not made.tree.used[below[0]]:
        inside, count = _inside(made, [page for page in below if not made.tree.used[page]])
        if 2 * inside > count:
            return True
    # A quarter of what lies outside a tree is in it: of a nested bucket nothing would be.
    inside, count = _inside(made, [page for page in made.tree.unreached(free) if not table.is_torn(page)])
    return 4 * inside >= count


def _inside(made: Candidate, pages: list[int]) -> tuple[int, int]:
    """Return of how many of these pages that are leaves most pairs are in a tree, and how many there are."""
    groups = [sample(found) for _, found in readable(made.tree.table, pages) if found.leaf]
    hits = find_keys(made.tree, {key for pairs in groups for key in pairs})
    inside = 0
    for pairs in groups:
        # An index has the keys of what it is an index of, but not the values; those of buckets change.
        equal = sum(
            any(kind == flag and (flag or digest == hash(value)) for _, kind, digest in hits.get(key, ()))
            for key, (flag, value) in pairs.items()
        )
        inside += equal > len(pairs) // 2
    return inside, len(groups)
