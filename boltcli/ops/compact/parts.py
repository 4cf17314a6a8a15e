"""What is in the source, in key order, as large as it comes: stretches of elements, and buckets to be gone into.

An inline bucket that the copy will hold as it is counts as an element like
any other; of the rest only what has to be looked at is looked at.
"""

from __future__ import annotations

import struct

from ...format.constants import (
    BUCKET_HEADER_SIZE,
    BUCKET_LEAF_FLAG,
    ELEMENT_SIZE,
    LEAF_PAGE,
    MAX_KEY_SIZE,
    PAGE_HEADER_SIZE,
)
from ...format.page import DamagedElements, LeafElements
from ...storage.snapshot import Page
from ...tree.bucket import damaged, leaf_elements, leaf_pages, open_bucket
from .chunks import elements, ones

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...storage.snapshot import Snapshot
    from ...tree.bucket import BucketRef
    from .chunks import Chunk, View

_LANE = 8 * ELEMENT_SIZE  # bits
_U32 = 0xFFFFFFFF
_INLINE = struct.Struct("<QQQHHI")  # a bucket header with root 0, and the header of its page
_INLINE_HEADERS = BUCKET_HEADER_SIZE + PAGE_HEADER_SIZE
_KNOWN_LIMIT = 1024


class Stretch:
    """Elements that go into the copy as they are.

    ``weights`` is how many bytes of keys and values each stands for, those in
    an inline bucket included; None if that is the size of its data. ``weight``
    is the sum. ``pairs`` and ``buckets`` count what is in it.
    """

    __slots__ = ("buckets", "chunk", "pairs", "weight", "weights")

    def __init__(self, chunk: Chunk, weights: list[int] | None = None, buckets: int = 0, pairs: int = 0) -> None:
        self.chunk = chunk
        self.weights = weights
        self.weight = chunk[4] if weights is None else sum(weights)
        self.buckets = buckets
        self.pairs = pairs or chunk[2]


class Child:
    """A bucket to be gone into: its name, sequence, and parts."""

    __slots__ = ("name", "parts", "sequence")

    def __init__(self, name: bytes, sequence: int, parts: Iterator[Stretch | Child]) -> None:
        self.name = name
        self.sequence = sequence
        self.parts = parts


class Source:
    """The source of a compaction into pages of ``page_size`` bytes.

    Everything here raises :class:`~boltcli.errors.Corrupted` for a page that
    cannot be read whole.
    """

    def __init__(self, snapshot: Snapshot, page_size: int) -> None:
        self.snapshot = snapshot
        self.view = memoryview(snapshot.buffer)
        self._inline_limit = page_size // 4
        # Element tables of inline buckets met before, to how many bytes of data belong to them.
        self._known: dict[bytes, int] = {}

    def parts(self, bucket: BucketRef) -> Iterator[Stretch | Child]:
        """What is in ``bucket``."""
        for page in leaf_pages(self.snapshot, bucket):
            if page.count:
                yield from self._leaf(page)

    def inside(self, chunk: Chunk) -> Child:
        """The first element of ``chunk``, an inline bucket, as a bucket to be gone into."""
        page = self._page_of(chunk, 0)
        return self._child(page, LeafElements(page.buffer, page.offset, page.count, page.end), 0)

    def _leaf(self, page: Page) -> Iterator[Stretch | Child]:
        view: View = self.view if page.buffer is self.snapshot.buffer else page.buffer
        table = page.offset + PAGE_HEADER_SIZE
        chunk, flags = _as_chunk(view, table, page.count, page.end)
        if chunk is None:
            chunk, flags = self._rewritten(page)
        if not flags:
            yield Stretch(chunk)
            return
        yield from self._mixed(page.pgid, chunk)

    def _rewritten(self, page: Page) -> tuple[Chunk, int]:
        """A page that isn't laid out as bbolt does it, laid out so."""
        leaf = leaf_elements(self.snapshot, page)
        try:
            keys, values = leaf.keys(), leaf.values()
        except DamagedElements as damage:
            raise damaged(self.snapshot, page, damage) from None
        for index, key in enumerate(keys):
            if not 0 < len(key) <= MAX_KEY_SIZE:
                raise damaged(self.snapshot, page, DamagedElements(f"key {index} has {len(key)} bytes"))
        chunk = elements(leaf.flags, keys, values)
        return chunk, any(leaf.flags)

    def _mixed(self, pgid: int, chunk: Chunk) -> Iterator[Stretch | Child]:
        """The parts of a page that holds buckets."""
        buffer, _, count, data, _ = chunk
        page = self._page_of(chunk, pgid)
        leaf = LeafElements(page.buffer, page.offset, count, page.end)
        place = data
        first, begin = 0, data  # of the stretch that grows
        weights: list[int] = []
        buckets = pairs = 0
        for index, (flag, ksize, vsize) in enumerate(zip(leaf.flags, leaf.key_sizes, leaf.value_sizes)):
            end = place + ksize + vsize
            if not flag:
                weights.append(ksize + vsize)
                pairs += 1
            else:
                inner = self._inline_pairs(buffer, place + ksize, end)
                if inner is None:
                    if weights:
                        yield Stretch(_part(chunk, first, index, begin, place), weights, buckets, pairs)
                    yield self._child(page, leaf, index)
                    first, begin, weights, buckets, pairs = index + 1, end, [], 0, 0
                else:
                    weights.append(ksize + vsize - _INLINE_HEADERS - ELEMENT_SIZE * inner)
                    buckets += 1
                    pairs += inner
            place = end
        if weights:
            yield Stretch(_part(chunk, first, count, begin, place), weights, buckets, pairs)

    def _inline_pairs(self, buffer: View, start: int, end: int) -> int | None:
        """The number of pairs in the inline bucket at ``start``, if it will be the same bytes in the copy."""
        table = start + _INLINE_HEADERS
        if table > end or end - start - BUCKET_HEADER_SIZE > self._inline_limit:
            return None
        root, _, pgid, flags, count, overflow = _INLINE.unpack_from(buffer, start)
        if root or pgid or flags != LEAF_PAGE or overflow:
            return None
        count = int(count)
        data = table + ELEMENT_SIZE * count
        if data > end:
            return None
        headers = bytes(buffer[table:data])
        length = self._known.get(headers)
        if length is None:
            if count:
                chunk, marked = _as_chunk(buffer, table, count, end)
                if chunk is None or marked:
                    return None
                length = chunk[4]
            else:
                length = 0
            if len(self._known) >= _KNOWN_LIMIT:
                self._known.clear()
            self._known[headers] = length
        return count if data + length == end else None

    def _page_of(self, chunk: Chunk, pgid: int) -> Page:
        buffer, table, count, data, length = chunk
        plain = self.snapshot.buffer if buffer is self.view else buffer
        offset, end = table - PAGE_HEADER_SIZE, data + length
        return Page(pgid, LEAF_PAGE, count, 0, plain, offset, end, end, offset)

    def _child(self, page: Page, leaf: LeafElements, index: int) -> Child:
        bucket = open_bucket(self.snapshot, page, leaf, index)
        return Child(leaf.key(index), bucket.sequence, self.parts(bucket))


def _as_chunk(buffer: View, table: int, count: int, end: int) -> tuple[Chunk | None, int]:
    """The page whose element table is at ``table`` as a chunk, and whether it has marked elements.

    None if it isn't laid out as bbolt does it: keys and values behind the
    table, in its order, without gaps, not beyond ``end``; keys of 1 to 32768
    bytes; no flags but that of a bucket.
    """
    data = table + ELEMENT_SIZE * count
    if data > end:
        return None, 0
    # All elements at once: one big integer, 128 bits an element, of which fields are taken by masks.
    one = ones(count)
    mask = one * _U32
    headers = int.from_bytes(buffer[table:data], "little")
    flags = headers & mask
    sizes = headers >> 64 & mask
    positions = headers >> 32 & mask
    # Where each element's data ends, less where the next one's begins: 16 for all but the last, if there are no gaps.
    steps = positions + sizes + (headers >> 96 & mask) - (positions >> _LANE)
    last = _LANE * (count - 1)
    length = (steps >> last) - ELEMENT_SIZE
    if (
        steps != ELEMENT_SIZE * one + (length << last)
        or positions & _U32 != ELEMENT_SIZE * count
        or data + length > end
        or flags & ~one
        or (sizes - one) & (one * (_U32 & -MAX_KEY_SIZE))
    ):
        return None, 0
    return (buffer, table, count, data, length), flags


def _part(chunk: Chunk, first: int, stop: int, begin: int, end: int) -> Chunk:
    buffer, table, _, _, _ = chunk
    return buffer, table + ELEMENT_SIZE * first, stop - first, begin, end - begin
