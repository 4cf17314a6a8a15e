"""Find what takes the space: buckets, key prefixes, the largest pairs, sizes, fill of pages, free runs.

One walk over the pages. Keys are sorted, so pages between two with the same prefix are counted as a whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from heapq import nlargest
from itertools import groupby
from typing import TYPE_CHECKING, Any

from ...format.bucket import BucketRef, open_bucket
from ...format.constants import BUCKET_LEAF_FLAG, ELEMENT_SIZE, LEAF_PAGE, PAGE_HEADER_SIZE
from ...format.page import LeafElements, Page
from ...storage.snapshot import Snapshot
from ...tree.bucket import find_bucket
from ...tree.page_map import FREE, used_and_free
from ...tree.walk import Whole, tree_pages

if TYPE_CHECKING:
    from ...progress import Progress

Path = tuple[bytes, ...]

SEPARATORS = (b"/", b":", b".", b"|", b"-", b"_")
_WORDS = (b"-", b"_")  # also common inside names and ids, so a single common prefix doesn't make them separators
_SAMPLE = 512  # keys of a bucket from which the separator is guessed
_SHARE = 0.8  # share of the sample that must contain it
_MOST_PREFIXES = 100_000  # prefixes of one bucket; the others are counted together, as the empty one
_NEARLY_ALL = 0.9
_MOST_LEVELS = 8
_FEW = 1000  # buckets that a table shows separately by default
FILL_BINS = 10  # bins of ten percent each


@dataclass(slots=True)
class Group:
    """Pairs counted together: ``pairs``, and the ``bytes`` of their keys, values and elements."""

    pairs: int = 0
    bytes: int = 0


class SpaceTop:
    """What takes the space in a file, or in one of its buckets. Sizes are in bytes.

    ``groups`` has a :class:`Group` for each (bucket path, key prefix); buckets that are not shown separately are
    counted with their parent; ``deeper`` are those of one more level. ``largest`` are (bytes of key and value, bucket
    path, key). ``key_sizes`` and ``value_sizes`` count pairs by powers of two (bin n: 2**(n-1) to 2**n - 1 bytes),
    ``free_runs`` those of free pages, ``fills`` leaf pages by tenths of their space in use.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.groups: dict[tuple[Path, bytes], Group] = {}
        self.largest: list[tuple[int, Path, bytes]] = []
        self.key_sizes: Counter[int] = Counter()
        self.value_sizes: Counter[int] = Counter()
        self.fills = [0] * FILL_BINS
        self.free_runs: Counter[int] = Counter()
        self.pairs = self.leaf_pages = self.overflow_pages = self.deeper = 0
        self.free = self.lost = self.freelist_bytes = 0


def space_top(
    snapshot: Snapshot,
    path: Sequence[bytes] = (),
    *,
    separator: bytes | None = None,
    depth: int = 1,
    levels: int = 1,
    most: int = 10,
    progress: Progress | None = None,
) -> SpaceTop:
    """Count what is in the bucket at ``path`` and in the buckets inside it. Raises BucketNotFound and Corrupted.

    ``separator`` ends the parts of a key (None: guess it for each bucket; empty: no prefixes), ``depth`` is the number
    of parts in a prefix, ``levels`` that of levels of buckets to show, ``most`` that of largest pairs.
    """
    walk, top = _Walk(snapshot, most, progress), tuple(path)
    result = walk.result
    queue = [(find_bucket(snapshot, path), top, _Shown(top, separator, depth))]  # each with what its pairs count for
    for number, (ref, place, shown) in enumerate(queue):
        level = len(place) - len(top)
        for child in walk.bucket(ref, number, shown, is_own=place == shown.path):
            inner = (*place, child.name)
            result.deeper += level == levels
            queue.append((child, inner, _Shown(inner, separator, depth) if level < levels else shown))
    for _, place, shown in queue:
        if place == shown.path:
            result.groups |= {(place, prefix): group for prefix, group in shown.groups.items() if group.pairs}
    result.largest = sorted(
        ((size, queue[number][1], key) for size, _, number, key in walk.largest), key=lambda pair: (-pair[0], *pair[1:])
    )
    for sizes, bins in ((walk.key_sizes, result.key_sizes), (walk.value_sizes, result.value_sizes)):
        for size, count in sizes.items():
            bins[size.bit_length()] += count
    mapped = used_and_free(snapshot)
    pages = mapped.count()
    result.free, result.lost, result.freelist_bytes = (
        pages[kind] * snapshot.page_size for kind in ("free", "lost", "freelist")
    )
    for is_free, run in groupby(mapped.kinds, FREE.__eq__):
        if is_free:
            result.free_runs[sum(1 for _ in run).bit_length()] += 1
    return result


@dataclass(slots=True, eq=False)
class _Shown:
    """A bucket that is shown separately: its pairs, and those of nested buckets that are not, by prefix."""

    path: Path
    separator: bytes | None
    depth: int
    groups: dict[bytes, Group] = field(default_factory=dict)

    def add(self, prefix: bytes, pairs: int, size: int) -> None:
        groups = self.groups
        group = groups.get(prefix)
        if group is None:
            group = groups.setdefault(prefix if len(groups) < _MOST_PREFIXES else b"", Group())
        group.pairs += pairs
        group.bytes += size

    def count(self, leaf: LeafElements, pairs: int, size: int) -> None:
        """Count the pairs of a leaf page of the bucket, of ``size`` bytes: keys between two with one prefix have it."""
        if self.separator is None and leaf.count:
            self.separator = guess_separator(leaf.keys()[:_SAMPLE])
        separator, depth = self.separator, self.depth
        if not separator or not leaf.count:
            self.add(b"", pairs, size)
            return
        first, last = (_prefix(leaf.key(at), separator, depth) for at in (0, leaf.count - 1))
        if first == last and first.count(separator) >= depth:
            self.add(first, pairs, size)
            return
        for key, flags, ksize, vsize in zip(leaf.keys(), leaf.flags, leaf.key_sizes, leaf.value_sizes):
            if not flags & BUCKET_LEAF_FLAG:
                self.add(_prefix(key, separator, depth), 1, ELEMENT_SIZE + ksize + vsize)


class _Walk:
    """A walk over the pages of a bucket and of those inside it, a leaf page's columns at a time."""

    def __init__(self, snapshot: Snapshot, most: int, progress: Progress | None) -> None:
        self.snapshot = snapshot
        self.key_sizes: Counter[int] = Counter()
        self.value_sizes: Counter[int] = Counter()
        self.largest: list[tuple[int, int, int, bytes]] = []  # size, minus the key's position, bucket's index, key
        self.result = SpaceTop(snapshot.size)
        self._most = most
        self._seen = Whole(snapshot, once=True, progress=progress)

    def bucket(self, ref: BucketRef, number: int, shown: _Shown, *, is_own: bool) -> list[BucketRef]:
        """Count the pairs of one bucket; return the buckets in it."""
        snapshot, result = self.snapshot, self.result
        inner: list[BucketRef] = []
        for page in tree_pages(snapshot, ref, self._seen):
            snapshot.poll()
            if ref.root:  # the overflow may be damaged
                result.overflow_pages += min(page.overflow, snapshot.page_count - page.pgid - 1)
            if page.flags != LEAF_PAGE:
                continue
            leaf = LeafElements(page)
            children = leaf.bucket_indexes()
            inner += [open_bucket(leaf, at) for at in children]
            count, used = self._pairs(page, leaf, children, number)
            result.pairs += count
            if is_own:
                shown.count(leaf, count, used)
            else:
                shown.add(b"", count, used)
            if ref.root:
                result.leaf_pages += 1
                whole = PAGE_HEADER_SIZE + ELEMENT_SIZE * leaf.count + sum(leaf.key_sizes) + sum(leaf.value_sizes)
                tenth = FILL_BINS * whole // (page.end - page.offset)
                result.fills[min(tenth, FILL_BINS - 1)] += 1
        return inner

    def _pairs(self, page: Page, leaf: LeafElements, children: list[int], number: int) -> tuple[int, int]:
        """Count the sizes of a leaf's pairs and record large ones; return the number of pairs and their bytes."""
        indexes: Sequence[int] = range(leaf.count)
        ksizes, vsizes = leaf.key_sizes, leaf.value_sizes
        if children:
            indexes = sorted({*indexes}.difference(children))
            ksizes, vsizes = [ksizes[at] for at in indexes], [vsizes[at] for at in indexes]
        if not ksizes:
            return 0, 0
        self.key_sizes.update(ksizes)
        self.value_sizes.update(vsizes)
        largest, most = self.largest, self._most
        if most and (len(largest) < most or (max(ksizes) + max(vsizes), -page.file_offset) > largest[-1][:2]):
            starts, before = leaf.key_starts(), page.offset - page.file_offset
            pairs = [
                (ksize + vsize, before - starts[at], number, leaf.key(at))
                for at, ksize, vsize in zip(indexes, ksizes, vsizes)
            ]
            self.largest = nlargest(most, largest + pairs)
        return len(ksizes), sum(ksizes) + sum(vsizes) + ELEMENT_SIZE * len(ksizes)


def top_levels(snapshot: Snapshot, path: Sequence[bytes] = (), **how: Any) -> SpaceTop:
    """Return :func:`space_top` with one level of buckets, or more if one bucket has nearly everything."""
    levels = 1
    while True:
        found = space_top(snapshot, path, levels=levels, **how)
        sizes: Counter[tuple[bytes, ...]] = Counter()
        for (names, _), group in found.groups.items():
            sizes[names] += group.bytes
        most = max(sizes.values(), default=0)
        if not 0 < found.deeper <= _FEW or levels == _MOST_LEVELS or most < _NEARLY_ALL * sizes.total():
            return found
        levels += 1


def guess_separator(keys: Sequence[bytes]) -> bytes:
    """Return the separator that most of ``keys`` contain, empty if there is none."""
    if len(keys) < 2:
        return b""
    for candidate in SEPARATORS:
        having = [key for key in keys if candidate in key[1:]]
        if len(having) < _SHARE * len(keys):
            continue
        parts = {_prefix(key, candidate, 1) for key in having}
        joined = b"".join(parts)
        if len(parts) > max(len(having) // 2, 1) or not (joined.isascii() and joined.decode().isprintable()):
            continue  # different prefixes for all keys group nothing, and binary keys contain any byte
        if len(parts) > 1 or candidate not in _WORDS:
            return candidate
    return b""


def _prefix(key: bytes, separator: bytes, depth: int) -> bytes:
    """Return the first ``depth`` parts of ``key``, each with its separator; empty if it has fewer."""
    end = 0
    for _ in range(depth):
        # A separator at the very beginning belongs to the first part.
        at = key.find(separator, end + 1 if end == 0 else end)
        if at < 0:
            return key[:end]
        end = at + len(separator)
    return key[:end]
