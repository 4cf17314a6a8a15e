"""Page headers, and the columns of branch, leaf and freelist pages.

On the hot paths the unit is a page's worth: a column is one field of all
elements of a page, pulled out by C in one strided slice; no object is made
for an element.
"""

from __future__ import annotations

import struct
import sys
from _operator import add  # operator itself is Python code that takes as long to load as all of this

from .constants import COUNT_IN_FIRST_ID, ELEMENT_SIZE, PAGE_HEADER_SIZE, PAGE_TYPES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from mmap import mmap
    from typing import Literal

    Buffer = bytes | mmap

HEADER = struct.Struct("<QHHI")  # pgid, flags, count, overflow
PAGE_WORDS = struct.Struct("<QQ")  # the same as two numbers: pgid, flags | count << 16 | overflow << 32
LEAF_ELEMENT = struct.Struct("<IIII")  # flags, pos, ksize, vsize
BRANCH_ELEMENT = struct.Struct("<IIQ")  # pos, ksize, pgid
BUCKET_HEADER = struct.Struct("<QQ")  # root pgid, sequence
INLINE_BUCKET = struct.Struct("<Q8x8xHH4x")  # the same and the inline page's header: root pgid, flags, count

_AT_ONCE = 1 << 20  # bytes of values that are taken out of a page together
_LARGE = 16 << 20  # bytes of a value that isn't to be in memory twice

EVEN = bytes(range(0, 256, 2))
_SWAP = sys.byteorder == "big"


def type_name(flags: int) -> str:
    """``branch``, ``leaf``, ``meta``, ``freelist`` or ``unknown<hex>``, as bbolt names them."""
    return PAGE_TYPES.get(flags) or f"unknown<{flags:02x}>"


def _columns(buffer: Buffer, start: int, end: int, code: Literal["I", "Q"]) -> memoryview[int]:
    """``buffer[start:end]`` as integers of ``code`` (I or Q), whatever the host's byte order."""
    if _SWAP:
        from array import array

        swapped = array(code, buffer[start:end])
        swapped.byteswap()
        return memoryview(swapped)
    return memoryview(buffer)[start:end].cast(code)


def header_columns(buffer: Buffer, page_size: int, count: int) -> tuple[memoryview[int], memoryview[int]]:
    """Of the first ``count`` pages of a file: the ids that they bear, and the other half of each header.

    That half holds the flags in bits 0-15, the count in bits 16-31, the overflow above.
    ``page_size`` must be a multiple of 8.
    """
    words = _columns(buffer, 0, page_size * count, "Q")
    step = page_size // 8
    return words[0::step], words[1::step]


class DamagedElements(Exception):
    """Elements or their data leave the room they may use. The caller knows which page it is."""


def _table_span(offset: int, count: int, end: int) -> tuple[int, int]:
    """Where the ``count`` elements of the page at ``offset`` begin and end; that must not be beyond ``end``."""
    start = offset + PAGE_HEADER_SIZE
    stop = start + ELEMENT_SIZE * count
    if stop > end:
        raise DamagedElements(f"{count} elements do not fit")
    return start, stop


class _Elements:
    """What leaf and branch elements share.

    ``offset`` is where the page header stands in ``buffer``; element data must
    end at or before ``end`` (a position in ``buffer``).
    """

    __slots__ = ("buffer", "count", "end", "key_sizes", "offset", "positions", "start")

    buffer: Buffer
    count: int
    end: int
    key_sizes: list[int]
    offset: int
    positions: list[int]
    start: int

    def _table(self, buffer: Buffer, offset: int, count: int, end: int) -> memoryview[int]:
        start, stop = _table_span(offset, count, end)
        self.buffer = buffer
        self.offset = offset
        self.start = start
        self.count = count
        self.end = end
        return _columns(buffer, start, stop, "I")

    def key_starts(self) -> list[int]:
        """Where each key begins in ``buffer``."""
        start = self.start
        return list(map(add, self.positions, range(start, start + ELEMENT_SIZE * self.count, ELEMENT_SIZE)))

    def key(self, index: int, most: int = 1 << 32) -> bytes:
        """One key, of which only the first ``most`` bytes. Raises :class:`DamagedElements` if these leave its page."""
        start = self.start + ELEMENT_SIZE * index + self.positions[index]
        stop = start + min(self.key_sizes[index], most)
        if stop > self.end:
            raise DamagedElements(f"key {index} ends {stop - self.end} bytes beyond its page")
        return self.buffer[start:stop]

    def keys(self) -> list[bytes]:
        """All keys, in page order. Raises :class:`DamagedElements` if one leaves its page."""
        starts = self.key_starts()
        ends = list(map(add, starts, self.key_sizes))
        if ends and max(ends) > self.end:
            raise DamagedElements(_first_beyond("key", ends, self.end))
        return list(map(self.buffer.__getitem__, map(slice, starts, ends)))


class LeafElements(_Elements):
    """The element table of a leaf page as columns; keys and values on demand."""

    __slots__ = ("flags", "value_sizes")

    def __init__(self, buffer: Buffer, offset: int, count: int, end: int) -> None:
        table = self._table(buffer, offset, count, end)
        self.flags = table[0::4].tolist()
        self.positions = table[1::4].tolist()
        self.key_sizes = table[2::4].tolist()
        self.value_sizes = table[3::4].tolist()

    def keys(self) -> list[bytes]:
        count = self.count
        if count > 1:
            ksize = self.key_sizes[0]
            vsize = self.value_sizes[0]
            step = ksize + vsize - ELEMENT_SIZE
            first = self.positions[0]
            if (
                step > 0
                and self.key_sizes.count(ksize) == count
                and self.value_sizes.count(vsize) == count
                and self.positions == list(range(first, first + step * count, step))
                and self.start + first + (ksize + vsize) * count <= self.end
            ):
                # One size of keys, one of values, no gaps: one call unpacks the page.
                return list(_uniform_keys(ksize, vsize, count).unpack_from(self.buffer, self.start + first))
        return super().keys()

    def value_starts(self) -> list[int]:
        """Where each value begins in ``buffer``."""
        return list(map(add, self.key_starts(), self.key_sizes))

    def value_span(self, index: int) -> tuple[int, int]:
        """Start and end of one value in ``buffer``; raises :class:`DamagedElements`."""
        start = self.start + ELEMENT_SIZE * index + self.positions[index] + self.key_sizes[index]
        stop = start + self.value_sizes[index]
        if stop > self.end:
            raise DamagedElements(f"value {index} ends {stop - self.end} bytes beyond its page")
        return start, stop

    def value(self, index: int) -> bytes:
        """One value; raises :class:`DamagedElements`."""
        start, stop = self.value_span(index)
        value = self.buffer[start:stop]
        if stop - start > _LARGE:
            _unload(self.buffer, start, stop)
        return value

    def values(self) -> list[bytes]:
        """All values, in page order; raises :class:`DamagedElements`."""
        starts = self.value_starts()
        ends = list(map(add, starts, self.value_sizes))
        if ends and max(ends) > self.end:
            raise DamagedElements(_first_beyond("value", ends, self.end))
        values = list(map(self.buffer.__getitem__, map(slice, starts, ends)))
        if ends and max(self.value_sizes) > _LARGE:
            _unload(self.buffer, min(starts), max(ends))
        return values

    def batches(self, low: int, high: int) -> Iterator[tuple[int, int]]:
        """Cut the elements from ``low`` to before ``high`` into stretches whose values can be in memory together.

        A small page may claim values that overlap: each of its elements as large as all of it.
        """
        sizes = self.value_sizes
        if sum(sizes[low:high]) <= _AT_ONCE:
            yield low, high
            return
        total = 0
        for index in range(low, high):
            total += sizes[index]
            if total > _AT_ONCE and index > low:
                yield low, index
                low, total = index, sizes[index]
        yield low, high

    def bucket_indexes(self) -> list[int]:
        """Indexes of the elements whose value is a bucket."""
        flags = self.flags
        if not any(flags):
            return []
        return [i for i, flag in enumerate(flags) if flag & 1]


class BranchElements(_Elements):
    """The element table of a branch page as columns."""

    __slots__ = ("pgids",)

    def __init__(self, buffer: Buffer, offset: int, count: int, end: int) -> None:
        table = self._table(buffer, offset, count, end)
        self.positions = table[0::4].tolist()
        self.key_sizes = table[1::4].tolist()
        self.pgids = branch_pgids(buffer, offset, count, end)


def branch_pgids(buffer: Buffer, offset: int, count: int, end: int) -> list[int]:
    """The child page ids of the branch page at ``offset``, in order; raises :class:`DamagedElements`."""
    return _columns(buffer, *_table_span(offset, count, end), "Q")[1::2].tolist()


def holds_buckets(buffer: Buffer, offset: int, count: int, end: int) -> bool:
    """Whether the leaf page at ``offset`` has a bucket among its elements; raises :class:`DamagedElements`."""
    start, stop = _table_span(offset, count, end)
    # The low byte of each element's flags, and of those what is left when the even ones go.
    return bool(buffer[start:stop:ELEMENT_SIZE].translate(None, EVEN))


def freelist_ids(buffer: Buffer, offset: int, count: int, end: int, most: int | None = None) -> list[int]:
    """The page ids stored in the freelist page at ``offset``, in stored order.

    ``count`` is the header's. Raises :class:`DamagedElements` if the ids
    would not end at or before ``end``, or are more than ``most``: nothing is
    allocated by a count from the disk before that is known.
    """
    start = offset + PAGE_HEADER_SIZE
    if count == COUNT_IN_FIRST_ID:
        if start + 8 > end:
            raise DamagedElements("the freelist's count lies beyond its page")
        count = int.from_bytes(buffer[start : start + 8], "little")
        start += 8
    if start + 8 * count > end:
        raise DamagedElements(f"{count} free page ids do not fit")
    if most is not None and count > most:
        raise DamagedElements(f"{count} free page ids are more than the file has pages")
    return _columns(buffer, start, start + 8 * count, "Q").tolist()


_UNIFORM: dict[tuple[int, int, int], struct.Struct] = {}


def _uniform_keys(ksize: int, vsize: int, count: int) -> struct.Struct:
    """A Struct that unpacks ``count`` keys of ``ksize`` bytes, each followed by ``vsize`` others."""
    shape = ksize, vsize, count
    found = _UNIFORM.get(shape)
    if found is None:
        if len(_UNIFORM) >= 256:  # sizes come from the file: don't let them fill the memory
            _UNIFORM.clear()
        found = _UNIFORM[shape] = struct.Struct("<" + f"{ksize}s{vsize}x" * count)
    return found


def _unload(buffer: Buffer, start: int, stop: int) -> None:
    """Drop a part of a mapped file from this process's memory: a copy of it was made."""
    if sys.platform == "linux" and not isinstance(buffer, bytes):
        from mmap import MADV_DONTNEED, PAGESIZE

        start -= start % PAGESIZE
        buffer.madvise(MADV_DONTNEED, start, stop - start)


def _first_beyond(what: str, ends: list[int], limit: int) -> str:
    index = next(i for i, stop in enumerate(ends) if stop > limit)
    return f"{what} {index} ends {ends[index] - limit} bytes beyond its page"
