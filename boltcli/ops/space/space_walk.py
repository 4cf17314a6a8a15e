"""Count what takes the space in one walk over the pages of a bucket; ``space_top.py`` makes groups of it."""

from __future__ import annotations

import mmap
from array import array
from collections import Counter
from heapq import heappush, heappushpop

from ...format.bucket import BucketRef, open_bucket
from ...format.constants import ELEMENT_SIZE, LEAF_PAGE, PAGE_HEADER_SIZE
from ...format.page import LeafElements
from ...tree.walk import Whole, tree_pages

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...format.page import Page
    from ...storage.snapshot import Snapshot

FILL_BINS = 10  # bins of ten percent each
_LARGE = 16  # pages; the longest run that a dense copy fills with several pairs


class Place:
    """A bucket that is shown separately: its ``name``, the index of its ``parent``, ``pairs`` and ``bytes``.

    ``bytes`` counts keys, values and element headers. ``pairs`` and ``bytes``
    include nested buckets that are not shown separately. Its own leaf pages are
    those from ``first`` to before ``last`` in the walk's ``leaves``.
    """

    __slots__ = ("bytes", "first", "last", "name", "pairs", "parent")

    def __init__(self, name: bytes, parent: int) -> None:
        self.name = name
        self.parent = parent
        self.pairs = self.bytes = self.first = self.last = 0


class SpaceWalk:
    """The result of a walk. ``places`` are the buckets that are shown separately, the outermost first.

    ``leaves`` has four numbers for each of their leaf pages that isn't empty:
    start and end in the file, number of pairs, and their bytes. ``largest`` are
    (bytes of key and value, path below the outermost bucket, key), largest
    first. ``key_sizes`` and ``value_sizes`` count pairs by the number of bits of
    their size, ``fills`` leaf pages by tenths of their space in use.
    ``dense_pages`` estimates the pages of a dense copy. ``reached`` has a 1 for
    each page of the trees. ``deeper`` is the number of buckets that one more
    level would show.
    """

    def __init__(self) -> None:
        self.places: list[Place] = []
        self.leaves = array("Q")
        self.largest: list[tuple[int, tuple[bytes, ...], bytes]] = []
        self.key_sizes: dict[int, int] = {}
        self.value_sizes: dict[int, int] = {}
        self.fills = [0] * FILL_BINS
        self.pairs = self.leaf_pages = self.overflow_pages = self.dense_pages = 0
        self.reached: bytes | bytearray = b""
        self.deeper = 0


def space_walk(snapshot: Snapshot, bucket: BucketRef, levels: int, most: int) -> SpaceWalk:
    """Walk over ``bucket`` and nested buckets, and show ``levels`` of them separately; keep the ``most`` largest pairs.

    Raises :class:`~boltcli.errors.Corrupted`.
    """
    return _Walk(snapshot, levels, most).go(bucket)


class _Walk:
    """The walk: a leaf page's columns at a time."""

    def __init__(self, snapshot: Snapshot, levels: int, most: int) -> None:
        self.snapshot = snapshot
        self._levels = levels
        self._most = most
        self._keys: Counter[int] = Counter()
        self._values: Counter[int] = Counter()
        self._largest: list[tuple[int, int, int, bytes]] = []  # size, minus the key's position, bucket's index, key
        self._seen = Whole(snapshot, once=True)
        self.result = SpaceWalk()

    def go(self, bucket: BucketRef) -> SpaceWalk:
        """Walk over the buckets in the order of their depth."""
        result = self.result
        names = [(b"", 0, 0, 0)]  # name, parent, group, nesting
        result.places.append(Place(b"", 0))
        queue = [bucket]
        for self_, ref in enumerate(queue):
            _, _, group, nesting = names[self_]
            for child in self._bucket(ref, self_, group):
                apart = nesting < self._levels
                if apart:
                    result.places.append(Place(child.name, self_))
                result.deeper += nesting == self._levels
                names.append((child.name, self_, len(result.places) - 1 if apart else group, nesting + 1))
                queue.append(child)
        for size, _, at, key in sorted(self._largest, reverse=True):
            path = []
            while at:
                path.append(names[at][0])
                at = names[at][1]
            result.largest.append((size, tuple(reversed(path)), key))
        for counted, bins in ((self._keys, result.key_sizes), (self._values, result.value_sizes)):
            for size, count in counted.items():
                bins[size.bit_length()] = bins.get(size.bit_length(), 0) + count
        result.reached = self._seen.marks
        return result

    def _bucket(self, ref: BucketRef, self_: int, group: int) -> list[BucketRef]:
        """Count the pairs of one bucket; return the buckets in it."""
        snapshot, result = self.snapshot, self.result
        place = result.places[group]
        inner: list[BucketRef] = []
        elements = size = key_size = 0
        if group == self_:
            place.first = place.last = len(result.leaves) // 4
        for page in tree_pages(snapshot, ref, self._seen):
            snapshot.poll()
            if ref.root:  # the overflow may be damaged
                result.overflow_pages += min(page.overflow, snapshot.page_count - page.pgid - 1)
            if page.flags != LEAF_PAGE:
                continue
            leaf = LeafElements(page)
            children = leaf.bucket_indexes()
            inner += [open_bucket(leaf, at) for at in children]
            keys = sum(leaf.key_sizes)
            whole = keys + sum(leaf.value_sizes) + ELEMENT_SIZE * leaf.count
            count, used = self._pairs(page, leaf, children, self_)
            elements, size, key_size = elements + leaf.count, size + whole, key_size + keys
            result.pairs += count
            place.pairs += count
            place.bytes += used
            if group == self_ and leaf.count:
                start = page.file_offset
                result.leaves.extend((start, start + page.end - page.offset, count, used))
                place.last += 1
            if ref.root:
                result.leaf_pages += 1
                tenth = FILL_BINS * (PAGE_HEADER_SIZE + whole) // (page.end - page.offset)
                result.fills[min(tenth, FILL_BINS - 1)] += 1
        if ref.root:
            result.dense_pages += dense_pages(elements, size, key_size, bool(inner) or not self_, mmap.PAGESIZE)
        return inner

    def _pairs(self, page: Page, leaf: LeafElements, children: list[int], self_: int) -> tuple[int, int]:
        """Count the sizes of a leaf's pairs and record large ones; return the number of pairs and their bytes."""
        indexes: Sequence[int] = range(leaf.count)
        ksizes, vsizes = leaf.key_sizes, leaf.value_sizes
        if children:
            skip = set(children)
            indexes = [at for at in indexes if at not in skip]
            ksizes = [ksizes[at] for at in indexes]
            vsizes = [vsizes[at] for at in indexes]
        if not ksizes:
            return 0, 0
        self._keys.update(ksizes)
        self._values.update(vsizes)
        largest, most = self._largest, self._most
        if most and (len(largest) < most or (max(ksizes) + max(vsizes), -page.file_offset) > largest[0][:2]):
            starts = leaf.key_starts()
            for at, ksize, vsize in zip(indexes, ksizes, vsizes):
                pair = ksize + vsize, page.offset - page.file_offset - starts[at], self_, leaf.key(at)
                if len(largest) < most:
                    heappush(largest, pair)
                elif pair > largest[0]:
                    heappushpop(largest, pair)
        return len(ksizes), sum(ksizes) + sum(vsizes) + ELEMENT_SIZE * len(ksizes)


def dense_pages(elements: int, size: int, key_size: int, holds_buckets: bool, page_size: int) -> int:
    """Estimate the number of pages of a bucket in a dense copy; 0 if it becomes inline.

    ``size`` is the bytes of its elements, keys and values, ``key_size`` those of
    the keys. A leaf page is full except for half an element; if elements are
    larger than an eighth of a page, runs of about four pages are filled to
    15/16, and a pair larger than the longest run begins a page.
    """
    if not holds_buckets and PAGE_HEADER_SIZE + size <= page_size // 4:
        return 0
    if PAGE_HEADER_SIZE + size <= page_size:
        return 1
    mean = size // elements
    small = 8 * mean <= page_size
    room = page_size - PAGE_HEADER_SIZE - mean // 2 if small else page_size * 15 // 16
    large = mean > _LARGE * page_size
    pages = (size + elements * page_size // 2) // page_size if large else -(-size // room)
    level = pages if small else -(-min(elements, pages) // 4)
    fan = max((page_size - PAGE_HEADER_SIZE) // (ELEMENT_SIZE + key_size // elements), 2)
    while level > 1:
        level = -(-level // fan)
        pages += level
    return pages
