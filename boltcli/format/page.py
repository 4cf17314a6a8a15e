"""A page, and the columns of branch, leaf and freelist pages; their errors say where the damage is.

For speed, elements are read a page at a time: a column is one field of all elements, taken with one strided slice in C.
"""

from __future__ import annotations

import sys
from _operator import add, lt  # operator and struct are Python code and take longer to load
from _struct import Struct, unpack_from
from itertools import accumulate, islice

from ..read_errors import Corrupted
from .constants import BUCKET_LEAF_FLAG, COUNT_IN_FIRST_ID, ELEMENT_SIZE, LEAF_PAGE, PAGE_HEADER_SIZE, PAGE_TYPES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from mmap import mmap
    from typing import Literal, Protocol, Self

    Buffer = bytes | mmap
    Header = tuple[int, int, int, int]  # page id, flags, count, overflow

    class Owner(Protocol):
        """The bucket whose tree a page belongs to; ``parent`` is the bucket that holds it."""

        depth: int
        root: int
        name: bytes
        parent: Owner | None

        @property
        def names(self) -> Sequence[bytes]: ...


HEADER = Struct("<QHHI")  # pgid, flags, count, overflow
LEAF_ELEMENT = Struct("<IIII")  # flags, pos, ksize, vsize
BRANCH_ELEMENT = Struct("<IIQ")  # pos, ksize, pgid
BUCKET_HEADER = Struct("<QQ")  # root pgid, sequence

_U32 = 0xFFFFFFFF
_AT_ONCE = 1 << 20  # bytes of values that are read from a page at once
_MOST_ELEMENTS = 0xFFFF  # that the count in a page header can say
_TAIL = 1 << 20  # bytes looked at after the last element of a page
_LARGE = 16 << 20  # bytes; the mapped memory of a larger value is released once it is copied

EVEN = bytes(range(0, 256, 2))
_SWAP = sys.byteorder == "big"


def find(buffer: Buffer, needle: bytes, start: int, end: int) -> int:
    """Return the lowest offset of ``needle`` between ``start`` and ``end``, or -1.

    ``mmap.find`` before Python 3.11.4 reads one byte after its end (python/cpython#105235): not at the end of a map.
    """
    last = len(buffer)
    if end < last:
        return buffer.find(needle, start, end)
    at = buffer.find(needle, start, last - 1)
    if at < 0 and last - len(needle) >= start and buffer[last - len(needle) : last] == needle:
        return last - len(needle)
    return at


def type_name(flags: int) -> str:
    """Return bbolt's name of a page type: ``branch``, ``leaf``, ``meta``, ``freelist`` or ``unknown<hex>``."""
    return PAGE_TYPES.get(flags) or f"unknown<{flags:02x}>"


def _columns(buffer: Buffer, start: int, end: int, code: Literal["I", "Q"]) -> memoryview[int]:
    if _SWAP:
        from array import array

        swapped = array(code, buffer[start:end])
        swapped.byteswap()
        return memoryview(swapped)
    return memoryview(buffer)[start:end].cast(code)


def header_columns(buffer: Buffer, page_size: int, count: int) -> tuple[memoryview[int], memoryview[int]]:
    """Return two columns of the first ``count`` page headers of a file: the page ids, and the second half.

    That has the flags in bits 0-15, the count in bits 16-31, and the overflow above; ``page_size`` is a multiple of 8.
    """
    words = _columns(buffer, 0, page_size * count, "Q")
    step = page_size // 8
    return words[0::step], words[1::step]


def ascend(keys: Sequence[bytes] | Sequence[int]) -> bool:
    """Return whether each of ``keys``, or of page ids, is above the one before it."""
    return all(map(lt, keys, islice(keys, 1, None)))  # type: ignore[arg-type]


class Page:
    """A page run (a page and its overflow pages) at its position; no bytes are copied.

    The header is at ``offset`` of ``buffer``, nothing after ``end`` is read; ``file_offset`` is that in the file. An
    inline page has the id 0. For errors: ``stack`` are the page ids from the root to it, ``bucket`` its owner.
    """

    __slots__ = (
        "bucket", "buffer", "count", "end", "file_offset", "flags", "offset", "overflow", "path", "pgid", "stack",
    )  # fmt: skip

    def __init__(
        self, header: Header, buffer: Buffer, offset: int, end: int, file_offset: int, path: str | None = None,
        stack: tuple[int, ...] = (), bucket: Owner | None = None,
    ) -> None:  # fmt: skip
        self.pgid, self.flags, self.count, self.overflow = header
        self.buffer = buffer
        self.offset = offset
        self.end = end
        self.file_offset = file_offset
        self.path = path
        self.stack = stack
        self.bucket = bucket

    def damaged(self, problem: str) -> Corrupted:
        return Corrupted(
            problem, page=self.pgid, offset=self.file_offset, stack=self.stack, path=self.path,
            bucket=self.bucket.names if self.bucket is not None else (),
        )  # fmt: skip

    def unfit(self) -> Corrupted:
        return self.damaged(f"a tree cannot hold a page of its type (flags: {self.flags:x})")

    def table(self, count: int) -> tuple[int, int]:
        """Return start and end of a table of ``count`` elements. Raises Corrupted if they are beyond the page."""
        start = self.offset + PAGE_HEADER_SIZE
        stop = start + ELEMENT_SIZE * count
        if stop > self.end:
            raise self.damaged(f"{count} elements do not fit")
        return start, stop

    def children(self) -> list[int]:
        """Return the child page ids of a branch page (at least one, as bbolt's cursor visits it). Raises Corrupted."""
        return _columns(self.buffer, *self.table(self.count or 1), "Q")[1::2].tolist()

    def holds_buckets(self) -> bool:
        """Return whether an element of a leaf page is a bucket. Raises Corrupted."""
        start, stop = self.table(self.count)
        # The low byte of each element's flags: bytes other than the even ones are odd, which means a bucket.
        return bool(self.buffer[start:stop:ELEMENT_SIZE].translate(None, EVEN))

    def used(self) -> int:
        """Return the bytes in use of a branch or leaf page, by its last element; like in bbolt, added in 32 bits."""
        if not self.count:
            return PAGE_HEADER_SIZE
        last = PAGE_HEADER_SIZE + ELEMENT_SIZE * (self.count - 1)
        if self.offset + last + ELEMENT_SIZE > self.end:
            return last
        fields: tuple[int, ...] = LEAF_ELEMENT.unpack_from(self.buffer, self.offset + last)
        return last + (sum(fields[1:] if self.flags == LEAF_PAGE else fields[:2]) & _U32)

    def freelist_ids(self, most: int | None = None) -> list[int]:
        """Return the page ids in a freelist page, as stored. Raises Corrupted, before memory is taken for too many."""
        count, start = self.count, self.offset + PAGE_HEADER_SIZE
        if count == COUNT_IN_FIRST_ID:
            if start + 8 > self.end:
                raise self.damaged("the freelist's count lies beyond its page")
            count = int.from_bytes(self.buffer[start : start + 8], "little")
            start += 8
        if start + 8 * count > self.end:
            raise self.damaged(f"{count} free page ids do not fit")
        if most is not None and count > most:
            raise self.damaged(f"{count} free page ids are more than the file has pages")
        return _columns(self.buffer, start, start + 8 * count, "Q").tolist()

    def freelist_size(self, ids: int) -> int:
        """Return the bytes that the header and ``ids`` page ids take in this freelist page, as they are stored."""
        return PAGE_HEADER_SIZE + 8 * (ids + (self.count == COUNT_IN_FIRST_ID))


class _Elements:
    """The elements of ``page``. Raises Corrupted where data leave the page."""

    __slots__ = ("buffer", "count", "end", "key_sizes", "page", "positions", "start")

    key_sizes: list[int]
    positions: list[int]

    def __init__(self, page: Page) -> None:
        self.page = page
        self.buffer = page.buffer
        self.count = page.count
        self.end = page.end
        self.start, stop = page.table(page.count)
        self._read(_columns(page.buffer, self.start, stop, "I"))

    def _read(self, table: memoryview[int]) -> None:
        raise NotImplementedError

    def key_starts(self) -> list[int]:
        start = self.start
        return list(map(add, self.positions, range(start, start + ELEMENT_SIZE * self.count, ELEMENT_SIZE)))

    def key(self, index: int, most: int = 1 << 32) -> bytes:
        """Return one key, or its first ``most`` bytes."""
        start = self.start + ELEMENT_SIZE * index + self.positions[index]
        stop = start + min(self.key_sizes[index], most)
        if stop > self.end:
            raise self._beyond("key", index, stop)
        return self.buffer[start:stop]

    def keys(self) -> list[bytes]:
        starts = self.key_starts()
        return self._slices("key", starts, list(map(add, starts, self.key_sizes)))

    def _slices(self, what: str, starts: list[int], ends: list[int]) -> list[bytes]:
        self._refuse_beyond(what, ends)
        return list(map(self.buffer.__getitem__, map(slice, starts, ends)))

    def _refuse_beyond(self, what: str, ends: list[int]) -> None:
        if ends and max(ends) > self.end:
            raise next(self._beyond(what, index, stop) for index, stop in enumerate(ends) if stop > self.end)

    def _sizes(self) -> list[int]:
        return self.key_sizes

    def verify_whole(self) -> Self | None:
        """Verify the layout: a size or a count that is too small leaves a gap, or bytes at the end. Raises Corrupted.

        Such a count is also set by ``bbolt surgery clear-page-elements``: then all elements are returned.
        """
        page, whole = self.page, None
        more, odd = divmod(self.positions[0] - ELEMENT_SIZE * self.count, ELEMENT_SIZE) if self.count else (0, 0)
        if page.stack and more > 0 and not odd and self.count + more <= _MOST_ELEMENTS:
            from copy import copy

            shown = copy(page)
            shown.count += more
            whole = type(self)(shown)
        for problem in (whole or self).layout_problems():
            raise page.damaged(problem)
        return whole

    def layout_problems(self) -> Iterator[str]:
        """Say where the elements aren't as bbolt writes them: their data right after their table, then zeros."""
        first = PAGE_HEADER_SIZE + ELEMENT_SIZE * self.count
        *expected, end = accumulate(self._sizes(), initial=first)
        places = list(map(add, self.positions, range(PAGE_HEADER_SIZE, first, ELEMENT_SIZE)))
        size = self.end - self.page.offset
        if places != expected:
            wrong = [index for index, (place, right) in enumerate(zip(places, expected)) if place != right]
            others = len(wrong) - 1
            more = f"; misplaced elements after it: {others}" if others else ""
            at = wrong[0]
            yield f"element {at} has its data at byte {places[at]} of the page, expected at {expected[at]}{more}"
        elif end > size:
            index, stop = next((index, stop) for index, stop in enumerate([*expected[1:], end]) if stop > size)
            yield f"element {index} ends beyond its page, at byte {stop} of it"
        elif self.buffer[self.page.offset + end : min(self.end, self.page.offset + end + _TAIL)].strip(b"\0"):
            yield f"there are bytes after its {self.count} elements, which end at byte {end} of the page"

    def _beyond(self, what: str, index: int, stop: int) -> Corrupted:
        return self.page.damaged(f"{what} {index} ends {stop - self.end} bytes beyond its page")


class LeafElements(_Elements):
    """The element table of a leaf page as columns; keys and values are read on demand."""

    __slots__ = ("flags", "value_sizes")

    def _read(self, table: memoryview[int]) -> None:
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
                # All keys have one size, all values another, without gaps: one call unpacks the page.
                return list(unpack_from("<" + f"{ksize}s{vsize}x" * count, self.buffer, self.start + first))
        return super().keys()

    def _sizes(self) -> list[int]:
        return list(map(add, self.key_sizes, self.value_sizes))

    def layout_problems(self) -> Iterator[str]:
        index = next((index for index, flag in enumerate(self.flags) if flag > BUCKET_LEAF_FLAG), None)
        if index is not None:
            yield f"element {index} has the flags {self.flags[index]:x}, expected 0 or 1"
        yield from super().layout_problems()

    def value_starts(self) -> list[int]:
        return list(map(add, self.key_starts(), self.key_sizes))

    def value_span(self, index: int) -> tuple[int, int]:
        start = self.start + ELEMENT_SIZE * index + self.positions[index] + self.key_sizes[index]
        stop = start + self.value_sizes[index]
        if stop > self.end:
            raise self._beyond("value", index, stop)
        return start, stop

    def value(self, index: int) -> bytes:
        start, stop = self.value_span(index)
        value = self.buffer[start:stop]
        if stop - start > _LARGE:
            unload(self.buffer, start, stop)
        return value

    def values(self) -> list[bytes]:
        starts = self.value_starts()
        ends = list(map(add, starts, self.value_sizes))
        values = self._slices("value", starts, ends)
        if ends and max(self.value_sizes) > _LARGE:
            unload(self.buffer, min(starts), max(ends))
        return values

    def verify_values(self) -> None:
        """Raise Corrupted if a value leaves the page."""
        self._refuse_beyond("value", list(map(add, self.value_starts(), self.value_sizes)))

    def batches(self, low: int, high: int) -> Iterator[tuple[int, int]]:
        """Split the elements into ranges whose values fit in memory: those of a damaged page may overlap."""
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
        flags = self.flags
        return [i for i, flag in enumerate(flags) if flag & 1] if any(flags) else []


class BranchElements(_Elements):
    """The element table of a branch page as columns."""

    __slots__ = ("pgids",)

    def _read(self, table: memoryview[int]) -> None:
        self.positions = table[0::4].tolist()
        self.key_sizes = table[1::4].tolist()
        self.pgids = _columns(self.buffer, self.start, self.start + ELEMENT_SIZE * self.count, "Q")[1::2].tolist()


def unload(buffer: Buffer, start: int = 0, stop: int | None = None) -> None:
    """Release a part of a mapped file from this process's memory; it can still be read."""
    if sys.platform == "linux" and not isinstance(buffer, bytes):
        from mmap import MADV_DONTNEED, PAGESIZE

        start -= start % PAGESIZE
        buffer.madvise(MADV_DONTNEED, start, (len(buffer) if stop is None else stop) - start)
