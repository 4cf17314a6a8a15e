"""Find what takes the space: buckets, key prefixes, the largest pairs, sizes, fill of pages, free runs.

One pass over the leaf pages. A page whose first and last key share a prefix is counted as a whole, so most keys
are never looked at.
"""

from __future__ import annotations

from collections import Counter
from heapq import heappush, heappushpop

from ...format.page import DamagedElements
from ...tree.bucket import BucketRef, damaged, find_bucket, leaf_elements, leaf_pages, open_bucket
from .page_map import FREE, LEAF, OVERFLOW, PageMap, page_map

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ...format.page import LeafElements
    from ...storage.snapshot import Snapshot

SEPARATORS = (b"/", b":", b".", b"|", b"-", b"_")
_WORDS = (b"-", b"_")  # these also stand inside of names and ids: one common prefix says nothing
_SAMPLE = 512  # keys of a bucket from which a separator is guessed
_SHARE = 0.8  # of the sample has it
_MOST_SIZES = 1 << 16  # different ones that are counted until they go into bins
_MOST_PREFIXES = 100_000  # of one bucket; further ones are counted together
OTHERS = b""
_SMALLEST_MAP = 1 << 15
_GROWTH = 1 << 24
FILL_BINS = 10  # of ten percent each


class Group:
    """Pairs counted together: ``pairs``, and the ``bytes`` of their keys, values and elements."""

    __slots__ = ("bytes", "pairs")

    def __init__(self) -> None:
        self.pairs = 0
        self.bytes = 0


class SpaceTop:
    """What takes the space in a file, or in some of its buckets.

    ``groups`` has a :class:`Group` for each (bucket path, key prefix); buckets
    deeper than ``levels`` count with the bucket that holds them.
    ``separators`` has the separator used in each bucket. ``largest`` are (bytes of
    key and value, bucket path, key), largest first. ``key_sizes`` and
    ``value_sizes`` count pairs by the power of two that their size is below
    (bin n: 2**(n-1) to 2**n - 1 bytes, bin 0: empty). ``fills`` counts leaf
    pages by tenths of their room in use. ``free_runs`` counts runs of free
    pages by the power of two of their length. Sizes are in bytes.
    """

    __slots__ = (
        "fills", "free_runs", "freelist_bytes", "groups", "key_sizes", "largest", "leaf_pages", "overflow_pages",
        "pairs", "separators", "value_sizes",
    )  # fmt: skip

    def __init__(self) -> None:
        self.pairs = 0
        self.groups: dict[tuple[tuple[bytes, ...], bytes], Group] = {}
        self.separators: dict[tuple[bytes, ...], bytes] = {}
        self.largest: list[tuple[int, tuple[bytes, ...], bytes]] = []
        self.key_sizes: dict[int, int] = {}
        self.value_sizes: dict[int, int] = {}
        self.fills = [0] * FILL_BINS
        self.free_runs: dict[int, int] = {}
        self.freelist_bytes = 0
        self.leaf_pages = self.overflow_pages = 0


def space_top(
    snapshot: Snapshot,
    path: Sequence[bytes] = (),
    *,
    separator: bytes | None = None,
    depth: int = 1,
    levels: int = 1,
    most: int = 10,
    mapped: PageMap | None = None,
) -> SpaceTop:
    """Count what is in the bucket at ``path`` (default: the whole file) and in the buckets inside it.

    ``separator`` ends the parts of a key (None: guess it for each bucket, an
    empty one: no prefixes), ``depth`` is how many parts make a prefix, ``levels``
    how many levels of buckets are told apart, ``most`` how many of the largest
    pairs are kept. ``mapped`` spares a second walk over the
    pages. Raises :class:`~boltcli.errors.BucketNotFound` and :class:`~boltcli.errors.Corrupted`.
    """
    result = SpaceTop()
    sizes = _Sizes(result, most)
    bucket = find_bucket(snapshot, path)
    met = {bucket.root}
    todo = [(tuple(path), bucket)]
    while todo:
        names, ref = todo.pop()
        inner = _bucket(snapshot, sizes, names, ref, separator, depth, levels)
        for name, child in reversed(inner):
            if child.root and child.root in met:
                raise snapshot.corrupted("two buckets share the page, or one is nested in itself", child.root)
            met.add(child.root)
            todo.append(((*names, name), child))
    sizes.bin()
    result.largest.sort(reverse=True)
    _pages(result, mapped or page_map(snapshot))
    return result


def _bucket(
    snapshot: Snapshot,
    sizes: _Sizes,
    path: tuple[bytes, ...],
    bucket: BucketRef,
    separator: bytes | None,
    depth: int,
    levels: int,
) -> list[tuple[bytes, BucketRef]]:
    """Count the pairs of one bucket; return the buckets in it."""
    inner: list[tuple[bytes, BucketRef]] = []
    groups: dict[bytes, Group] = {}
    shown = path[: max(levels, 1)]
    guess = separator if len(path) == len(shown) else b""
    with bucket:
        for page in leaf_pages(snapshot, bucket):
            snapshot.glance()
            leaf = leaf_elements(snapshot, page)
            if not leaf.count:
                continue
            try:
                places = leaf.bucket_indexes()
                inner += [(leaf.key(place), open_bucket(snapshot, page, leaf, place, bucket)) for place in places]
                if guess is None:
                    guess = guess_separator(leaf.keys()[:_SAMPLE])
                sizes.add(leaf, path, places)
                _prefixes(groups, leaf, places, guess, depth)
            except DamagedElements as damage:
                raise damaged(snapshot, page, damage) from None
    result = sizes.result
    for prefix, group in groups.items():
        known = result.groups.setdefault((shown, prefix), group)
        if known is not group:
            known.pairs += group.pairs
            known.bytes += group.bytes
    if guess:
        result.separators[path] = guess
    return inner


def guess_separator(keys: Sequence[bytes]) -> bytes:
    """Return the separator that most of ``keys`` contain, empty if there is none."""
    if len(keys) < 2:
        return b""
    for candidate in SEPARATORS:
        having = [key for key in keys if candidate in key[1:]]
        if len(having) < _SHARE * len(keys):
            continue
        parts = {_prefix(key, candidate, 1) for key in having}
        if len(parts) > max(len(having) // 2, 1) or not all(map(_printable, parts)):
            continue  # as many prefixes as keys group nothing, and binary keys hold any byte
        if len(parts) > 1 or candidate not in _WORDS:
            return candidate
    return b""


def _printable(part: bytes) -> bool:
    return part.isascii() and part.decode().isprintable()


def _prefix(key: bytes, separator: bytes, depth: int) -> bytes:
    """Return the first ``depth`` parts of ``key``, each with the separator after it; empty if it has fewer."""
    end = 0
    for _ in range(depth):
        # A separator at the very beginning starts the first part.
        at = key.find(separator, end + 1 if end == 0 else end)
        if at < 0:
            return key[:end]
        end = at + len(separator)
    return key[:end]


def _prefixes(groups: dict[bytes, Group], leaf: LeafElements, places: list[int], separator: bytes, depth: int) -> None:
    """Count the pairs of a leaf page by prefix. Its keys are read only if they have several."""
    count, ksizes, vsizes = leaf.count, leaf.key_sizes, leaf.value_sizes
    first = _prefix(leaf.key(0), separator, depth) if separator else b""
    last = _prefix(leaf.key(count - 1), separator, depth) if separator else b""
    if not separator or (first and first == last and first.count(separator) >= depth):
        group = _group(groups, first)
        group.pairs += count - len(places)
        group.bytes += sum(ksizes) + sum(vsizes) + 16 * count
        for place in places:
            group.bytes -= 16 + ksizes[place] + vsizes[place]
        return
    skip = set(places)
    for index, key in enumerate(leaf.keys()):
        if index not in skip:
            group = _group(groups, _prefix(key, separator, depth))
            group.pairs += 1
            group.bytes += 16 + ksizes[index] + vsizes[index]


def _group(groups: dict[bytes, Group], prefix: bytes) -> Group:
    group = groups.get(prefix)
    if group is None:
        if len(groups) >= _MOST_PREFIXES and prefix:
            return _group(groups, OTHERS)
        group = groups[prefix] = Group()
    return group


class _Sizes:
    """Sizes of keys and values, counted one by one and put into the bins of ``result`` now and then, and the
    ``most`` largest pairs.
    """

    def __init__(self, result: SpaceTop, most: int) -> None:
        self.result = result
        self._most = most
        self._keys: Counter[int] = Counter()
        self._values: Counter[int] = Counter()

    def add(self, leaf: LeafElements, path: tuple[bytes, ...], places: list[int]) -> None:
        """Count the pairs of a leaf page; at ``places`` are buckets."""
        indexes: Sequence[int] = range(leaf.count)
        ksizes, vsizes = leaf.key_sizes, leaf.value_sizes
        if places:
            skip = set(places)
            indexes = [index for index in indexes if index not in skip]
            ksizes = [ksizes[index] for index in indexes]
            vsizes = [vsizes[index] for index in indexes]
        if not ksizes:
            return
        self.result.pairs += len(ksizes)
        self._keys.update(ksizes)
        self._values.update(vsizes)
        if len(self._keys) + len(self._values) > _MOST_SIZES:
            self.bin()
        largest = self.result.largest
        if len(largest) >= self._most and max(ksizes) + max(vsizes) <= largest[0][0]:
            return
        for index, ksize, vsize in zip(indexes, ksizes, vsizes):
            size = ksize + vsize
            if len(largest) < self._most:
                heappush(largest, (size, path, leaf.key(index)))
            elif size > largest[0][0]:
                heappushpop(largest, (size, path, leaf.key(index)))

    def bin(self) -> None:
        """Put what was counted into the bins."""
        for counted, bins in ((self._keys, self.result.key_sizes), (self._values, self.result.value_sizes)):
            for size, count in counted.items():
                bins[size.bit_length()] = bins.get(size.bit_length(), 0) + count
            counted.clear()


def _count(bins: dict[int, int], sizes: Iterable[int]) -> None:
    for size in map(int.bit_length, sizes):
        bins[size] = bins.get(size, 0) + 1


def compact_estimate(dense: int) -> int:
    """Estimate the size of what ``compact`` writes for a file whose dense copy has ``dense`` bytes.

    bbolt lets a file grow to powers of two up to 16 MiB, and then by 16 MiB (``grow`` in bbolt's db.go).
    """
    size = _SMALLEST_MAP
    while size < dense and size < _GROWTH:
        size *= 2
    return size if size >= dense else -(-dense // _GROWTH) * _GROWTH


def _pages(result: SpaceTop, mapped: PageMap) -> None:
    """Count what the page map tells: fill of leaf pages, overflow pages, runs of free pages, the freelist."""
    kinds, fills = mapped.kinds, mapped.fills
    run = free = 0
    for pgid, kind in enumerate(kinds):
        if kind == FREE:
            run += 1
            free += 1
            continue
        if run:
            _count(result.free_runs, (run,))
            run = 0
        if kind == LEAF:
            result.leaf_pages += 1
            result.fills[min(fills[pgid] * FILL_BINS // 100, FILL_BINS - 1)] += 1
        elif kind == OVERFLOW:
            result.overflow_pages += 1
    if run:
        _count(result.free_runs, (run,))
    snapshot = mapped.snapshot
    if snapshot.meta.has_freelist:
        used = 16 + 8 * (free + (free >= 0xFFFF))
        result.freelist_bytes = -(-used // snapshot.page_size) * snapshot.page_size
