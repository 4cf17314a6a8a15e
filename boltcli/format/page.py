"""A page, and the columns of branch, leaf and freelist pages.

A page knows where it is and which bucket it belongs to, and its elements know
their page: what is wrong with them is a :class:`~boltcli.errors.Corrupted`
that says where.

On the hot paths the unit is a page's worth: a column is one field of all
elements of a page, pulled out by C in one strided slice; no object is made
for an element.
"""

from __future__ import annotations

import struct
import sys
from _operator import add, lt  # operator itself is Python code that takes as long to load as all of this
from itertools import islice

from ..errors import Corrupted
from .constants import COUNT_IN_FIRST_ID, ELEMENT_SIZE, LEAF_PAGE, PAGE_HEADER_SIZE, PAGE_TYPES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from mmap import mmap
    from typing import Literal, Protocol

    Buffer = bytes | mmap
    Header = tuple[int, int, int, int]  # page id, flags, count, overflow

    class Owner(Protocol):
        """The bucket whose tree a page belongs to; ``parent`` is the bucket that holds it."""

        name: bytes
        parent: Owner | None

        @property
        def names(self) -> Sequence[bytes]:
            """The names that lead to it from the root bucket."""


HEADER = struct.Struct("<QHHI")  # pgid, flags, count, overflow
PAGE_WORDS = struct.Struct("<QQ")  # the same as two numbers: pgid, flags | count << 16 | overflow << 32
LEAF_ELEMENT = struct.Struct("<IIII")  # flags, pos, ksize, vsize
BRANCH_ELEMENT = struct.Struct("<IIQ")  # pos, ksize, pgid
BUCKET_HEADER = struct.Struct("<QQ")  # root pgid, sequence
INLINE_BUCKET = struct.Struct("<Q8x8xHH4x")  # the same and the inline page's header: root pgid, flags, count

_U32 = 0xFFFFFFFF
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


def ascend(keys: Sequence[bytes] | Sequence[int]) -> bool:
    """Return whether each of ``keys``, or of page ids, is above the one before it."""
    return all(map(lt, keys, islice(keys, 1, None)))  # type: ignore[arg-type]


class Page:
    """One page run (a page and its overflow pages), located; nothing copied.

    The header stands at ``offset`` of ``buffer``. ``end`` is where the run
    ends, ``limit`` where the readable bytes end (bbolt, which checks no bounds,
    reads elements up to there). ``file_offset`` is the byte offset in the file.
    An inline page has the page id 0 and no limit beyond its bucket's value.

    ``path`` is the file, ``stack`` the page ids that lead to the page from the
    root of its tree, ``bucket`` whose tree that is: for errors.
    """

    __slots__ = (
        "bucket", "buffer", "count", "end", "file_offset", "flags", "limit", "offset", "overflow", "path", "pgid",
        "stack",
    )  # fmt: skip

    def __init__(
        self, header: Header, buffer: Buffer, offset: int, end: int, limit: int, file_offset: int,
        path: str | None = None, stack: tuple[int, ...] = (), bucket: Owner | None = None,
    ) -> None:  # fmt: skip
        self.pgid, self.flags, self.count, self.overflow = header
        self.buffer = buffer
        self.offset = offset
        self.end = end
        self.limit = limit
        self.file_offset = file_offset
        self.path = path
        self.stack = stack
        self.bucket = bucket

    def damaged(self, problem: str) -> Corrupted:
        """Return the error for ``problem`` on this page."""
        return Corrupted(
            problem, page=self.pgid, offset=self.file_offset, stack=self.stack, path=self.path,
            bucket=self.bucket.names if self.bucket is not None else (),
        )  # fmt: skip

    def unfit(self) -> Corrupted:
        """Return the error for a page in a tree that is neither branch nor leaf."""
        return self.damaged(f"a tree cannot hold a page of its type (flags: {self.flags:x})")

    def table(self, count: int, end: int) -> tuple[int, int]:
        """Where ``count`` elements begin and end in ``buffer``.

        Raises :class:`~boltcli.errors.Corrupted` if that is beyond ``end``.
        """
        start = self.offset + PAGE_HEADER_SIZE
        stop = start + ELEMENT_SIZE * count
        if stop > end:
            raise self.damaged(f"{count} elements do not fit")
        return start, stop

    def children(self) -> list[int]:
        """The child page ids of a branch page, as bbolt's cursor comes to them.

        The cursor goes to the first element of a branch page before it asks for
        their number, so one with the count 0 has one child. Raises
        :class:`~boltcli.errors.Corrupted`.
        """
        return _columns(self.buffer, *self.table(self.count or 1, self.limit), "Q")[1::2].tolist()

    def holds_buckets(self) -> bool:
        """Whether a bucket is among the elements of a leaf page. Raises :class:`~boltcli.errors.Corrupted`."""
        start, stop = self.table(self.count, self.limit)
        # The low byte of each element's flags, and of those what is left when the even ones go.
        return bool(self.buffer[start:stop:ELEMENT_SIZE].translate(None, EVEN))

    def used(self) -> int:
        """The bytes in use of a branch or leaf page, its header included, as bbolt counts them.

        The position of the last element is the sum of all sizes before it, so
        that element alone tells. Its fields add up in 32 bits.
        """
        if not self.count:
            return PAGE_HEADER_SIZE
        last = PAGE_HEADER_SIZE + ELEMENT_SIZE * (self.count - 1)
        if self.offset + last + ELEMENT_SIZE > self.limit:
            return last
        fields: tuple[int, ...] = LEAF_ELEMENT.unpack_from(self.buffer, self.offset + last)
        return last + (sum(fields[1:] if self.flags == LEAF_PAGE else fields[:2]) & _U32)

    def freelist_ids(self, end: int, most: int | None = None) -> list[int]:
        """The page ids stored in a freelist page, in stored order.

        Raises :class:`~boltcli.errors.Corrupted` if they would not end at or
        before ``end``, or are more than ``most``: nothing is allocated by a
        count from the disk before that is known.
        """
        count, start = self.count, self.offset + PAGE_HEADER_SIZE
        if count == COUNT_IN_FIRST_ID:
            if start + 8 > end:
                raise self.damaged("the freelist's count lies beyond its page")
            count = int.from_bytes(self.buffer[start : start + 8], "little")
            start += 8
        if start + 8 * count > end:
            raise self.damaged(f"{count} free page ids do not fit")
        if most is not None and count > most:
            raise self.damaged(f"{count} free page ids are more than the file has pages")
        return _columns(self.buffer, start, start + 8 * count, "Q").tolist()


class _Elements:
    """The elements of ``page``, whose data must end at or before ``end`` of its buffer (default: in the page's run).

    What reads an element raises :class:`~boltcli.errors.Corrupted` if its data lie elsewhere.
    """

    __slots__ = ("buffer", "count", "end", "key_sizes", "page", "positions", "start")

    key_sizes: list[int]
    positions: list[int]

    def __init__(self, page: Page, end: int | None = None) -> None:
        self.page = page
        self.buffer = page.buffer
        self.count = page.count
        self.end = page.end if end is None else end
        self.start, stop = page.table(page.count, self.end)
        self._read(_columns(page.buffer, self.start, stop, "I"))

    def _read(self, table: memoryview[int]) -> None:
        """Take the columns out of the element table."""
        raise NotImplementedError

    def key_starts(self) -> list[int]:
        """Where each key begins in ``buffer``."""
        start = self.start
        return list(map(add, self.positions, range(start, start + ELEMENT_SIZE * self.count, ELEMENT_SIZE)))

    def key(self, index: int, most: int = 1 << 32) -> bytes:
        """One key, of which only the first ``most`` bytes."""
        start = self.start + ELEMENT_SIZE * index + self.positions[index]
        stop = start + min(self.key_sizes[index], most)
        if stop > self.end:
            raise self._beyond("key", index, stop)
        return self.buffer[start:stop]

    def keys(self) -> list[bytes]:
        """All keys, in page order."""
        starts = self.key_starts()
        return self._slices("key", starts, list(map(add, starts, self.key_sizes)))

    def _slices(self, what: str, starts: list[int], ends: list[int]) -> list[bytes]:
        if ends and max(ends) > self.end:
            index = next(i for i, stop in enumerate(ends) if stop > self.end)
            raise self._beyond(what, index, ends[index])
        return list(map(self.buffer.__getitem__, map(slice, starts, ends)))

    def _beyond(self, what: str, index: int, stop: int) -> Corrupted:
        return self.page.damaged(f"{what} {index} ends {stop - self.end} bytes beyond its page")


class LeafElements(_Elements):
    """The element table of a leaf page as columns; keys and values on demand."""

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
                # One size of keys, one of values, no gaps: one call unpacks the page.
                return list(_uniform_keys(ksize, vsize, count).unpack_from(self.buffer, self.start + first))
        return super().keys()

    def value_starts(self) -> list[int]:
        """Where each value begins in ``buffer``."""
        return list(map(add, self.key_starts(), self.key_sizes))

    def value_span(self, index: int) -> tuple[int, int]:
        """Start and end of one value in ``buffer``."""
        start = self.start + ELEMENT_SIZE * index + self.positions[index] + self.key_sizes[index]
        stop = start + self.value_sizes[index]
        if stop > self.end:
            raise self._beyond("value", index, stop)
        return start, stop

    def value(self, index: int) -> bytes:
        """One value."""
        start, stop = self.value_span(index)
        value = self.buffer[start:stop]
        if stop - start > _LARGE:
            unload(self.buffer, start, stop)
        return value

    def values(self) -> list[bytes]:
        """All values, in page order."""
        starts = self.value_starts()
        ends = list(map(add, starts, self.value_sizes))
        values = self._slices("value", starts, ends)
        if ends and max(self.value_sizes) > _LARGE:
            unload(self.buffer, min(starts), max(ends))
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

    def _read(self, table: memoryview[int]) -> None:
        self.positions = table[0::4].tolist()
        self.key_sizes = table[1::4].tolist()
        self.pgids = _columns(self.buffer, self.start, self.start + ELEMENT_SIZE * self.count, "Q")[1::2].tolist()


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


def unload(buffer: Buffer, start: int = 0, stop: int | None = None) -> None:
    """Drop a part of a mapped file from this process's memory; it can still be read."""
    if sys.platform == "linux" and not isinstance(buffer, bytes):
        from mmap import MADV_DONTNEED, PAGESIZE

        start -= start % PAGESIZE
        buffer.madvise(MADV_DONTNEED, start, (len(buffer) if stop is None else stop) - start)
