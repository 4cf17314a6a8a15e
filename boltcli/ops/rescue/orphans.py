"""Find the pages that nothing refers to, with what they lead to, and what can be said of their pairs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from typing import NamedTuple

from .elements import Elements, page_elements
from .roots import Link, PageGraph
from .tree import Hits, Pairs, Path, RecoveredTree, sample

PAIRS, BUCKETS = 1, 2
UNRANKED = 50
_DIGITS = "0123456789abcdefABCDEF-"
_START = 8  # bytes of values that are compared
_SEVERAL = 3  # values that begin alike hardly by chance
_MOST_LEVELS = 64  # levels of a tree


@dataclass(slots=True, eq=False)
class Group:
    """An orphan page and what it leads to. ``first`` and ``last`` are its least and greatest keys.

    ``samples`` are some of its pairs; ``holds`` says whether pairs (1) or buckets (2) or both (3). ``evidence`` has
    points by bucket path, ``stale`` the same for parts of the tree where nothing is missing. ``before``: the lost pages
    that it was written before. ``rank``: of two versions of a key the lower one stays; a leaf to which no page leads
    comes from the lost tree. ``size`` is the bytes of a leaf.
    """

    page: int
    leaf: bool
    size: int
    first: bytes
    last: bytes
    samples: Pairs
    holds: int
    shape: Shape
    evidence: dict[Path, float] = field(default_factory=dict)
    stale: dict[Path, float] = field(default_factory=dict)
    before: set[int] = field(default_factory=set)
    rank: int = UNRANKED

    def found_in(self, hits: Hits) -> dict[Path, tuple[int, int]]:
        """Return how many of the samples stand in a bucket, and how many of them with the same value, not empty."""
        found: Counter[Path] = Counter()
        equal: Counter[Path] = Counter()
        for key, (flag, value) in self.samples.items():
            places = [(path, digest == hash(value)) for path, kind, digest in hits.get(key, ()) if kind == flag]
            found.update({path for path, _ in places})
            equal.update({path for path, same in places if same and value})
        return {path: (count, equal[path]) for path, count in found.items()}

    def points_in(self, hits: Hits) -> dict[Path, float]:
        """Return up to 20 points for a bucket that holds the samples, up to 10 if only the keys are the same."""
        each = 10.0 / max(1, len(self.samples))
        return {path: each * (same + equal) for path, (same, equal) in self.found_in(hits).items()}


def wanted_of(groups: list[Group]) -> set[bytes]:
    """Return the keys of the groups' samples, to be looked up."""
    return {key for group in groups for key in group.samples}


def kinds_of(flags: Collection[int]) -> int:
    """Return what is among elements with these flags: pairs, buckets, or both."""
    return (BUCKETS if any(flags) else 0) | (0 if all(flags) else PAIRS)


class Shape(NamedTuple):
    """What the pairs of a page or a bucket look like: sizes, kinds of bytes of keys, how values begin.

    ``alphabets``: 1 for keys of hexadecimal digits and hyphens, 2 for other text, 4 for others, added. ``values``
    counts the values that were looked at, ``least`` and ``most`` are their sizes.
    """

    shortest: int
    longest: int
    alphabets: int
    values: int
    least: int
    most: int
    start: bytes


def shape_of(pairs: Pairs) -> Shape:
    """Return the shape of ``pairs``: key to whether it is a bucket's name, value."""
    names = pairs.keys()
    values = [value for flag, value in pairs.values() if not flag]
    lengths, sizes = list(map(len, names)), list(map(len, values))
    start = values[0][: min(_START, common(min(values), max(values)))] if values else b""
    alphabets = reduce(or_, map(_alphabet, names))
    least, most = min(sizes, default=-1), max(sizes, default=-1)
    return Shape(min(lengths), max(lengths), alphabets, len(values), least, most, start)


def _alphabet(name: bytes) -> int:
    if not name.isascii():
        return 4
    text = name.decode("ascii")
    return 1 if not text.strip(_DIGITS) else 2 if text.isprintable() else 4


def likeness(one: Shape, other: Shape) -> float:
    """Return points for pages that look alike; negative ones for pages that don't."""
    points = 0.0
    if one.shortest == one.longest == other.shortest == other.longest:
        points += 1.5
    elif one.shortest > other.longest or one.longest < other.shortest:
        points -= 1.5
    points += 1.0 if one.alphabets == other.alphabets else -1.0 if one.alphabets & other.alphabets else -3.0
    if one.least >= 0 and other.least >= 0:
        if (one.most == 0) != (other.most == 0):
            # An index without values against values.
            points -= 3.0
        elif one.start and other.start:
            alike = common(one.start, other.start)
            if alike == min(len(one.start), len(other.start)):
                points += 1.5 if alike > 1 else 0.0
            elif not alike or min(one.values, other.values) >= _SEVERAL:
                points -= 2.0
    return points


def common(one: bytes, other: bytes) -> int:
    """Return how many bytes the two begin with are the same."""
    return next((i for i, (a, b) in enumerate(zip(one, other)) if a != b), min(len(one), len(other)))


class Orphans:
    """The orphans of a tree: ``pages``, and a byte of 1 for each of them in ``marks``."""

    def __init__(self, tree: RecoveredTree, graph: PageGraph, free: bytearray | None, roots: set[int]) -> None:
        """``free`` marks the pages of a freelist that can be trusted. ``roots`` are those of older trees."""
        self.table = tree.table
        self.links = graph.links
        self.pages = [page for page in tree.unreached(free) if page not in roots and not tree.table.is_torn(page)]
        self.marks = self.table.marks(self.pages)

    def groups(self) -> list[Group]:
        """Return those that no other one leads to, with what they lead to."""
        return [group for page in self._tops() if (group := self.group(page)) is not None]

    def below(self, page: int) -> list[int]:
        """Return the orphans that an orphan leads to."""
        return [link.page for link in self._links(page) if link.right]

    def _links(self, page: int) -> list[Link]:
        """Return how a page leads to orphans."""
        marks, count = self.marks, len(self.marks)
        return [link for link in self.links[page] if link.page != page and link.page < count and marks[link.page]]

    def _tops(self) -> list[int]:
        """Return the orphans without a parent among the orphans, except branch pages older than their children."""
        parents: dict[int, set[int]] = {}  # by page the orphans that lead to it
        branches: dict[int, set[int]] = {}  # those that do by its first key
        older: list[int] = []  # a child was used for other keys since
        for page in self.pages:
            for child, by_key, right in self._links(page):
                if right:
                    parents.setdefault(child, set()).add(page)
                    branches.setdefault(child, set()).update([page] * by_key)
                else:
                    older.append(page)
        # Of two versions of a branch page at most one is live. What leads to an older page is older, too.
        older += [page for above in branches.values() if len(above) > 1 for page in above]
        dissolved = _reached(older, lambda page: branches.get(page, ()))
        live = [page for page in self.pages if page not in dissolved]
        tops = [page for page in live if parents.get(page, dissolved) <= dissolved]
        # Pages in a ring lead to each other: all of them are tops.
        seen = _reached(tops, self.below)
        return tops + [page for page in live if page not in seen]

    def group(self, page: int) -> Group | None:
        """Return what is below an orphan; None if it holds nothing."""
        top = page_elements(self.table, page)
        leaf, end = self._outermost(page, 1), self._outermost(page, -1)
        if top is None or leaf is None or end is None:
            return None
        samples = sample(leaf) | sample(end)
        size = max(leaf.ends) - leaf.first if top.leaf else self.table.page_size
        last = max(top.keys[-1], end.keys[-1], end.keys[0])
        holds = kinds_of(leaf.flags) | kinds_of(end.flags)
        return Group(page, top.leaf, size, top.keys[0], last, samples, holds, shape_of(samples))

    def _outermost(self, page: int | None, step: int) -> Elements | None:
        """Return the outermost leaf on a side that a page still leads to."""
        for _ in range(_MOST_LEVELS):
            found = page_elements(self.table, page) if page is not None else None
            if page is None or found is None or not found.keys:
                return None
            if found.leaf:
                return found
            page = next((link.page for link in self.links[page][::step] if link.right), None)
        return None


def _reached(pages: Iterable[int], onward: Callable[[int], Iterable[int]]) -> set[int]:
    """Return these pages and all to which ``onward`` leads from them."""
    seen: set[int] = set()
    waiting = list(pages)
    while waiting:
        page = waiting.pop()
        if page not in seen:
            seen.add(page)
            waiting += onward(page)
    return seen
