"""Find what takes the space: buckets, key prefixes, the largest pairs, sizes, fill of pages, free runs.

This takes one walk over the pages. Keys are sorted, so pages between two with the same prefix are counted as a whole,
and most keys are never read.
"""

from __future__ import annotations

import mmap
from collections import Counter

from ...errors import Corrupted
from ...format.page import HEADER, LeafElements, Page
from ...tree.bucket import find_bucket, root_bucket
from ...tree.page_map import free_pages
from .space_walk import FILL_BINS, SpaceWalk, space_walk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from array import array
    from collections.abc import Sequence
    from typing import Any

    from ...storage.snapshot import Snapshot
    from .space_walk import Place

SEPARATORS = (b"/", b":", b".", b"|", b"-", b"_")
_WORDS = (b"-", b"_")  # also common inside names and ids, so a single common prefix doesn't make them separators
_SAMPLE = 512  # keys of a bucket from which the separator is guessed
_SHARE = 0.8  # share of the sample that must contain it
_MOST_PREFIXES = 100_000  # prefixes of one bucket; the others are counted together
OTHERS = b""
_NEARLY_ALL = 0.9
_MOST_LEVELS = 8
_FEW = 1000  # buckets that a table shows separately by default
_SMALLEST_MAP = 1 << 15
_GROWTH = 1 << 24
_OTHER_PAGES = 3  # pages of a dense copy that are in no tree: two metas and the freelist


class Group:
    """Pairs counted together: ``pairs``, and the ``bytes`` of their keys, values and elements."""

    __slots__ = ("bytes", "pairs")

    def __init__(self, pairs: int = 0, size: int = 0) -> None:
        self.pairs = pairs
        self.bytes = size


class SpaceTop:
    """What takes the space in a file, or in one of its buckets.

    ``groups`` has a :class:`Group` for each (bucket path, key prefix); buckets
    that are not shown separately are counted with their parent. ``largest``
    are (bytes of key and value, bucket path, key), largest first. ``key_sizes``
    and ``value_sizes`` count pairs by their size in powers of two (bin n:
    2**(n-1) to 2**n - 1 bytes, bin 0: empty). ``fills`` counts leaf pages by
    tenths of their space in use. ``deeper`` is the number of buckets that one
    more level would show. ``size``, ``free``, ``lost``, ``freelist_bytes``,
    ``dense_size`` (an estimate for a dense copy), ``compact_size`` (an estimate
    for ``compact``) and ``free_runs`` (runs of free pages by the power of two
    of their length) are of the whole file. Sizes are in bytes.
    """

    __slots__ = (
        "compact_size", "deeper", "dense_size", "fills", "free", "free_runs", "freelist_bytes", "groups", "key_sizes",
        "largest", "leaf_pages", "lost", "overflow_pages", "pairs", "size", "value_sizes",
    )  # fmt: skip

    def __init__(self, size: int) -> None:
        self.size = size
        self.groups: dict[tuple[tuple[bytes, ...], bytes], Group] = {}
        self.largest: list[tuple[int, tuple[bytes, ...], bytes]] = []
        self.key_sizes: dict[int, int] = {}
        self.value_sizes: dict[int, int] = {}
        self.fills = [0] * FILL_BINS
        self.free_runs: dict[int, int] = {}
        self.pairs = self.leaf_pages = self.overflow_pages = self.deeper = 0
        self.free = self.lost = self.freelist_bytes = self.dense_size = self.compact_size = 0


def space_top(
    snapshot: Snapshot,
    path: Sequence[bytes] = (),
    *,
    separator: bytes | None = None,
    depth: int = 1,
    levels: int = 1,
    most: int = 10,
) -> SpaceTop:
    """Count what is in the bucket at ``path`` (default: the whole file) and in the buckets inside it.

    ``separator`` ends the parts of a key (None: guess it for each bucket;
    empty: no prefixes), ``depth`` is the number of parts in a prefix, ``levels``
    the number of levels of buckets below ``path`` to show separately, ``most``
    the number of largest pairs to keep. Raises
    :class:`~boltcli.errors.BucketNotFound` and :class:`~boltcli.errors.Corrupted`.
    """
    result = SpaceTop(snapshot.size)
    walk = space_walk(snapshot, find_bucket(snapshot, path), levels, most)
    start = tuple(path)
    result.largest = sorted(
        ((size, (*start, *names), key) for size, names, key in walk.largest), key=lambda pair: (-pair[0], *pair[1:])
    )
    for name in ("key_sizes", "value_sizes", "fills", "pairs", "leaf_pages", "overflow_pages", "deeper"):
        setattr(result, name, getattr(walk, name))
    paths: list[tuple[bytes, ...]] = []
    for place in walk.places:
        paths.append((*paths[place.parent], place.name) if paths else start)
        for prefix, group in _prefixes(snapshot, walk, place, separator, depth).items():
            if group.pairs:
                result.groups[paths[-1], prefix] = group
    _whole_file(snapshot, result, space_walk(snapshot, root_bucket(snapshot), 0, 0) if path else walk)
    return result


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
        if len(parts) > max(len(having) // 2, 1) or not all(map(_printable, parts)):
            continue  # different prefixes for all keys group nothing, and binary keys contain any byte
        if len(parts) > 1 or candidate not in _WORDS:
            return candidate
    return b""


def _printable(part: bytes) -> bool:
    return part.isascii() and part.decode().isprintable()


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


def _prefixes(
    snapshot: Snapshot, walk: SpaceWalk, place: Place, separator: bytes | None, depth: int
) -> dict[bytes, Group]:
    """Count the pairs of a bucket by prefix; pairs of nested buckets that aren't shown separately have none."""
    groups: dict[bytes, Group] = {}
    leaves, at, stop = walk.leaves, place.first, place.last
    if separator is None and at < stop:
        separator = guess_separator(_elements(snapshot, leaves, at).keys()[:_SAMPLE])
    if not separator:
        return {b"": Group(place.pairs, place.bytes)}
    while at < stop:
        leaf = _elements(snapshot, leaves, at)
        first = _prefix(leaf.key(0), separator, depth)
        if first.count(separator) < depth or first != _prefix(leaf.key(leaf.count - 1), separator, depth):
            _count_keys(groups, leaf, separator, depth)
            at += 1
            continue
        # Find the last page whose last key has the same prefix, with steps that double, then halve.
        step, last = 1, at
        while step:
            middle = min(last + step, stop - 1)
            elements = _elements(snapshot, leaves, middle)
            alike = middle > last and _prefix(elements.key(elements.count - 1), separator, depth) == first
            last = middle if alike else last
            step = 2 * step if alike else step // 2
        _add(groups, first, *_sums(leaves, at, last + 1))
        at = last + 1
    pairs, size = _sums(leaves, place.first, stop)
    _add(groups, b"", place.pairs - pairs, place.bytes - size)
    return groups


def _sums(leaves: array[int], first: int, stop: int) -> tuple[int, int]:
    """Return the number of pairs of some leaf pages, and their bytes."""
    return sum(leaves[4 * first + 2 : 4 * stop : 4]), sum(leaves[4 * first + 3 : 4 * stop : 4])


def _elements(snapshot: Snapshot, leaves: array[int], at: int) -> LeafElements:
    """Return the elements of a leaf page that the walk went over, or of an inline one."""
    offset, end = leaves[4 * at], leaves[4 * at + 1]
    buffer = snapshot.buffer
    if end > len(buffer):  # the file was cut: the missing bytes of its last page read as zeros, as everywhere
        buffer = buffer[offset:].ljust(end - offset, b"\0")
        offset, end = 0, len(buffer)
    page = Page(HEADER.unpack_from(buffer, offset), buffer, offset, end, end, offset, snapshot.path)
    leaf = LeafElements(page)
    leaf.keys()  # all of them are on the page
    return leaf


def _count_keys(groups: dict[bytes, Group], leaf: LeafElements, separator: bytes, depth: int) -> None:
    """Count the pairs of a leaf page one by one."""
    for key, flags, ksize, vsize in zip(leaf.keys(), leaf.flags, leaf.key_sizes, leaf.value_sizes):
        if not flags & 1:
            _add(groups, _prefix(key, separator, depth), 1, 16 + ksize + vsize)


def _add(groups: dict[bytes, Group], prefix: bytes, pairs: int, size: int) -> None:
    group = groups.get(prefix)
    if group is None:
        group = groups.setdefault(prefix if len(groups) < _MOST_PREFIXES else OTHERS, Group())
    group.pairs += pairs
    group.bytes += size


def _whole_file(snapshot: Snapshot, result: SpaceTop, walk: SpaceWalk) -> None:
    """Count free and lost pages, and estimate the sizes of copies. ``walk`` is over all trees."""
    page_size, meta = snapshot.page_size, snapshot.meta
    last = min(meta.hwm, snapshot.size // page_size)
    reached = walk.reached[:last].ljust(last, b"\0")
    free: Sequence[int] = ()
    unreached = last - 2 - reached.count(1)
    stored = meta.has_freelist
    if stored:
        try:
            free = free_pages(snapshot)
            own = 1 + snapshot.any_page(meta.freelist).overflow
        except Corrupted:
            stored = False  # free and lost pages can't be distinguished
    if stored:
        flags = bytearray(last)
        for pgid in free:
            if pgid < last:
                flags[pgid] = 1
        result.lost = max(unreached - own - len(free), 0) * page_size
        result.freelist_bytes = -(-(16 + 8 * (len(free) + (len(free) >= 0xFFFF))) // page_size) * page_size
    else:
        flags = bytearray(reached.translate(bytes((1, 0)) * 128))
        flags[:2] = bytes(2)
    result.free = flags.count(1) * page_size
    runs = Counter(map(len, flags.split(b"\0")))
    for length, count in runs.items():
        if length:
            result.free_runs[length.bit_length()] = result.free_runs.get(length.bit_length(), 0) + count
    result.dense_size = (_OTHER_PAGES + walk.dense_pages) * mmap.PAGESIZE
    result.compact_size = compact_estimate(result.dense_size)


def compact_estimate(dense: int) -> int:
    """Estimate the size of the file that ``compact`` writes, if a dense copy has ``dense`` bytes.

    bbolt extends a file to powers of two up to 16 MiB, then by 16 MiB (``grow`` in bbolt's db.go).
    """
    size = _SMALLEST_MAP
    while size < dense and size < _GROWTH:
        size *= 2
    return size if size >= dense else -(-dense // _GROWTH) * _GROWTH
