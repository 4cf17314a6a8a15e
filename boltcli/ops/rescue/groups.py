"""Orphan pages with what they lead to, and what can be said of their pairs."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from .key_index import Hit
    from .lenient_page import Elements

    Path = tuple[bytes, ...]

PAIRS, BUCKETS = 1, 2
_SAMPLES = 8  # keys of a group that are looked up


class Group:
    """An orphan page and what it leads to. ``first`` and ``last`` are its least and greatest keys.

    ``samples`` are some of its pairs; ``holds`` says whether pairs (1) or buckets (2) or both (3). ``evidence`` has
    points by bucket path; ``stale`` is the share of samples that stand in parts of the tree where nothing is missing,
    by path. ``before``: the lost pages that it was written before. ``rank``: of two versions of a key the lower one
    stays; a leaf to which no page leads comes from the lost tree. ``size`` is the bytes of a leaf.
    """

    __slots__ = (
        "before",
        "evidence",
        "first",
        "holds",
        "last",
        "leaf",
        "page",
        "rank",
        "samples",
        "size",
        "stale",
    )

    def __init__(
        self,
        page: int,
        leaf: bool,
        size: int,
        first: bytes,
        last: bytes,
        samples: dict[bytes, tuple[int, bytes]],
        holds: int,
    ) -> None:
        self.page = page
        self.leaf = leaf
        self.size = size
        self.first = first
        self.last = last
        self.samples = samples
        self.holds = holds
        self.evidence: dict[Path, float] = {}
        self.before: set[int] = set()
        self.rank = 50
        self.stale: dict[Path, float] = {}


def follows(one: Group, other: Group) -> bool:
    """Whether two neighbouring pages may be of one bucket, written together."""
    return one.last < other.first and bool(shape_of(one.samples)[1] & shape_of(other.samples)[1])


def wanted_of(groups: list[Group]) -> set[bytes]:
    """The keys of the groups' samples, to be looked up."""
    return {key for group in groups for key in group.samples}


def shares(group: Group, hits: dict[bytes, list[Hit]], paths: list[Path]) -> dict[Path, tuple[int, int]]:
    """How many of the group's samples stand in a bucket, and how many of them with the same value."""
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
    """Up to 20 points for a bucket that holds the group's samples, up to 10 if only the keys are the same."""
    each = 10.0 / max(1, len(group.samples))
    return {path: each * (same + equal) for path, (same, equal) in shares(group, hits, paths).items()}


def holds(leaf: Elements) -> int:
    """What is in a leaf: pairs, buckets, or both."""
    return (BUCKETS if any(leaf.flags) else 0) | (0 if all(leaf.flags) else PAIRS)


def sample(leaf: Elements) -> dict[bytes, tuple[int, bytes]]:
    """Some pairs of a leaf, evenly spaced."""
    count = leaf.count
    step = max(1, count // _SAMPLES)
    return {leaf.keys[i]: (leaf.flags[i], leaf.value(i)) for i in range(0, count, step)}


def shape_of(keys: Iterable[bytes]) -> tuple[int, int, bytes]:
    """The commonest length of keys, what kinds of bytes they have, and the prefix that they share."""
    names = list(keys)
    lengths = list(map(len, names))
    kinds = 0
    for name in names:
        kinds |= 1 if name.isascii() and name.decode("ascii", "replace").isprintable() else 2
    prefix = min(names)
    last = max(names)
    return max(set(lengths), key=lengths.count), kinds, prefix[: common(prefix, last)]


def common(one: bytes, other: bytes) -> int:
    count = 0
    for a, b in zip(one, other):
        if a != b:
            break
        count += 1
    return count
