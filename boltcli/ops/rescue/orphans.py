"""Find the pages that nothing refers to, with what they lead to, and what can be said of their pairs."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from ...format.constants import LEAF_PAGE
from .elements import Elements, first_key, page_elements
from .roots import outgoing
from .tree import Hit, RecoveredTree

Path = tuple[bytes, ...]
Pairs = dict[bytes, tuple[int, bytes]]  # key: whether it is a bucket's name, value
# By page, the pages that lead to it, and whether as a branch does: by its keys.
Parents = dict[int, dict[int, bool]]
PAIRS, BUCKETS = 1, 2
UNRANKED = 50
_DIGITS = "0123456789abcdefABCDEF-"
_START = 8  # bytes of values that are compared
_SEVERAL = 3  # values that begin alike hardly by chance
_SAMPLES = 8  # keys of a group that are looked up
_MOST_LEVELS = 64  # levels of a tree


class Group:
    """An orphan page and what it leads to. ``first`` and ``last`` are its least and greatest keys.

    ``samples`` are some of its pairs; ``holds`` says whether pairs (1) or buckets (2) or both (3). ``evidence`` has
    points by bucket path, ``stale`` the same for parts of the tree where nothing is missing. ``before``: the lost pages
    that it was written before. ``rank``: of two versions of a key the lower one stays; a leaf to which no page leads
    comes from the lost tree. ``size`` is the bytes of a leaf.
    """

    __slots__ = (
        "before", "evidence", "first", "holds", "last", "leaf", "page", "rank", "samples", "shape", "size", "stale",
    )  # fmt: skip

    def __init__(self, page: int, leaf: bool, size: int, first: bytes, last: bytes, samples: Pairs, holds: int) -> None:
        self.page = page
        self.leaf = leaf
        self.size = size
        self.first = first
        self.last = last
        self.samples = samples
        self.shape = shape_of(samples)
        self.holds = holds
        self.evidence: dict[Path, float] = {}
        self.before: set[int] = set()
        self.rank = UNRANKED
        self.stale: dict[Path, float] = {}


def ascends(one: Group, other: Group) -> bool:
    """Return whether the second of two pages goes on in key order."""
    return one.last < other.first


def wanted_of(groups: list[Group]) -> set[bytes]:
    """Return the keys of the groups' samples, to be looked up."""
    return {key for group in groups for key in group.samples}


def found_in(group: Group, hits: dict[bytes, list[Hit]], paths: list[Path]) -> dict[Path, tuple[int, int]]:
    """Return how many of the group's samples stand in a bucket, and how many of them with the same value."""
    found: dict[Path, tuple[int, int]] = {}
    for key, (flag, value) in group.samples.items():
        seen: dict[Path, bool] = {}
        for index, kind, digest in hits.get(key, ()):
            if kind == flag:
                path = paths[index]
                seen[path] = seen.get(path, False) or (bool(value) and digest == hash(value))  # empty ones are equal
        for path, equal in seen.items():  # anywhere
            same, alike = found.get(path, (0, 0))
            found[path] = same + 1, alike + equal
    return found


def points_of(group: Group, hits: dict[bytes, list[Hit]], paths: list[Path]) -> dict[Path, float]:
    """Return up to 20 points for a bucket that holds the group's samples, up to 10 if only the keys are the same."""
    each = 10.0 / max(1, len(group.samples))
    return {path: each * (same + equal) for path, (same, equal) in found_in(group, hits, paths).items()}


def kinds_of(flags: Collection[int]) -> int:
    """Return what is among elements with these flags: pairs, buckets, or both."""
    return (BUCKETS if any(flags) else 0) | (0 if all(flags) else PAIRS)


def sample(leaf: Elements) -> Pairs:
    """Return some pairs of a leaf, evenly spaced."""
    count = leaf.count
    step = max(1, count // _SAMPLES)
    return {leaf.keys[i]: (leaf.flags[i], leaf.value(i)) for i in range(0, count, step)}


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
    start = b"" if not values else values[0][: common(min(values), max(values))]
    alphabets = 0
    for name in names:
        alphabets |= _alphabet(name)
    return Shape(
        min(lengths), max(lengths), alphabets,
        len(values), min(sizes, default=-1), max(sizes, default=-1), start[:_START],
    )  # fmt: skip


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
    count = 0
    for a, b in zip(one, other):
        if a != b:
            break
        count += 1
    return count


class Orphans:
    """The orphans of a tree: ``pages``, and a byte of 1 for each of them in ``marks``."""

    def __init__(self, tree: RecoveredTree, free: bytearray | None, roots: set[int]) -> None:
        """``free`` marks the pages of a freelist that can be trusted. ``roots`` are those of older trees."""
        self.tree = tree
        self.table = tree.table
        self.free = free
        self._roots = roots
        self.pages = self._orphans()
        self.marks = bytearray(self.table.pages)
        for page in self.pages:
            self.marks[page] = 1

    def groups(self) -> list[Group]:
        """Return those that no other one leads to, with what they lead to."""
        return [group for page in self._tops(self.pages) if (group := self.group(page)) is not None]

    def below(self, page: int) -> list[int]:
        """Return the orphans that an orphan leads to."""
        found = page_elements(self.table, page)
        return [] if found is None else [
            child for child, key in outgoing(self.table, found)
            if child < self.table.pages and self.marks[child]
            and (key is None or first_key(self.table, child) == key)
        ]  # fmt: skip

    def _orphans(self) -> list[int]:
        table, used, free = self.table, self.tree.used, self.free
        return [
            page for page in range(2, table.pages)
            if not used[page] and table.is_tree(page) and not (free and free[page]) and not table.is_torn(page)
            and page not in self._roots
        ]  # fmt: skip

    def _tops(self, orphans: list[int]) -> list[int]:
        """Return the orphans without a parent among the orphans, except branch pages older than their children."""
        parents, older = self._parents(orphans)
        dissolved = _dissolved(parents, older)
        below = {child for child, above in parents.items() if not dissolved.issuperset(above)}
        tops = [page for page in orphans if page not in below and page not in dissolved]
        # Pages in a ring lead to each other: all of them are tops.
        seen = _reached(tops, parents)
        return tops + [page for page in orphans if page not in seen and page not in dissolved]

    def _parents(self, orphans: list[int]) -> tuple[Parents, list[int]]:
        """Return which orphans lead to an orphan, and those of which a child was used for other keys since."""
        members = set(orphans)
        parents: Parents = {}
        older: list[int] = []
        for page in orphans:
            found = page_elements(self.table, page)
            if found is None or not (any(found.flags) or not found.leaf):
                continue
            for child, key in outgoing(self.table, found):
                if child not in members or child == page:
                    continue
                if key is None or first_key(self.table, child) == key:
                    above = parents.setdefault(child, {})
                    above[page] = key is not None or above.get(page, False)
                else:
                    older.append(page)
        return parents, older

    def group(self, page: int) -> Group | None:
        """Return what is below an orphan; None if it holds nothing."""
        leaf, first = self._descend(page, 1)
        end, last = self._descend(page, -1)
        if leaf is None or end is None or not leaf.keys or not end.keys:
            return None
        samples = sample(leaf) | sample(end)
        size = self.table.page_size
        if self.table.kind[page] == LEAF_PAGE:
            size = max(leaf.ends) - leaf.first
        return Group(
            page, self.table.kind[page] == LEAF_PAGE, size, first,
            max(last, end.keys[-1], end.keys[0]), samples, kinds_of(leaf.flags) | kinds_of(end.flags),
        )  # fmt: skip

    def _descend(self, page: int, step: int) -> tuple[Elements | None, bytes]:
        """Return the outermost leaf on a side that a page still leads to, and the outermost key that the pages name."""
        named: bytes | None = None
        for _ in range(_MOST_LEVELS):
            found = page_elements(self.table, page)
            if found is None or not found.keys:
                break
            if named is None:
                named = found.keys[0] if step > 0 else found.keys[-1]
            if found.leaf:
                return found, named
            inner = [
                child for child, key in list(zip(found.pgids, found.keys))[::step]
                if first_key(self.table, child) == key
            ]  # fmt: skip
            if not inner:
                break
            page = inner[0]
        return None, b""


def _dissolved(parents: Parents, older: list[int]) -> set[int]:
    """Return the branch pages that are older than what they lead to: ``older`` ones, and all that lead to such."""
    branches = {child: [page for page, branch in above.items() if branch] for child, above in parents.items()}
    # Of two versions of a branch page at most one is live.
    older = older + [page for above in branches.values() if len(above) > 1 for page in above]
    dissolved: set[int] = set()
    while older:
        page = older.pop()
        if page not in dissolved:
            dissolved.add(page)
            older += branches.get(page, ())
    return dissolved


def _reached(tops: list[int], parents: Parents) -> set[int]:
    """Return the pages that can be reached from ``tops``, with these."""
    leads: dict[int, list[int]] = {}
    for child, above in parents.items():
        for page in above:
            leads.setdefault(page, []).append(child)
    seen = set(tops)
    stack = list(tops)
    while stack:
        for child in leads.get(stack.pop(), ()):
            if child not in seen:
                seen.add(child)
                stack.append(child)
    return seen
