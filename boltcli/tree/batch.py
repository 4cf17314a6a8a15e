"""Read many pages at a time, as long as they are laid out as bbolt writes them.

These readers are fast because they only verify that a batch of pages is
regular. If it isn't, they raise :class:`Irregular`, which doesn't say what is
wrong; the caller then reads page by page (``walk.py``).
"""

from __future__ import annotations

import sys
from itertools import chain, compress, islice, repeat
from operator import add, le

from ..format.constants import BUCKET_HEADER_SIZE, BUCKET_LEAF_FLAG, ELEMENT_SIZE, LEAF_PAGE, PAGE_HEADER_SIZE
from ..format.page import BUCKET_HEADER, PAGE_WORDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

    from ..storage.snapshot import Snapshot


# The tables read here begin in the page header, after the page id.
TABLE_START = 8


class Irregular(Exception):
    """A page isn't laid out as bbolt writes it. It may be sound, but must be read on its own."""


class Batch:
    """A reader of many pages of ``snapshot`` at a time. Every method raises :class:`Irregular`.

    A page is given by its byte ``offset`` and its ``word``: the second half of
    its header as one number (flags | count << 16 | overflow << 32). ``limit``
    is the number of whole pages in the file. Close it before the snapshot.
    """

    __slots__ = ("_halves", "_numbers", "buffer", "limit", "page_size")

    def __init__(self, snapshot: Snapshot) -> None:
        if sys.byteorder != "little":
            raise Irregular
        self.buffer = snapshot.buffer
        self.page_size = snapshot.page_size
        self.limit = snapshot.size // snapshot.page_size
        pages = memoryview(snapshot.buffer)[: self.limit * self.page_size]
        self._numbers = pages.cast("Q")
        self._halves = pages.cast("I")

    def close(self) -> None:
        """Release the snapshot's buffer."""
        self._numbers.release()
        self._halves.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def heads(self, pgids: list[int]) -> tuple[list[int], list[int]]:
        """Return offsets and words of ``pgids``, after checking that each is whole and bears its own id."""
        if max(pgids) >= self.limit:
            raise Irregular
        page_size = self.page_size
        first, last = pgids[0], pgids[-1]
        if last - first == len(pgids) - 1 and pgids == list(range(first, last + 1)):
            # Consecutive pages, as in a file written in order: their headers are columns of the file.
            step = page_size // 8
            start = first * step
            stop = start + step * len(pgids)
            offsets = list(range(first * page_size, last * page_size + 1, page_size))
            bears = self._numbers[start:stop:step].tolist()
            words = self._numbers[start + 1 : stop : step].tolist()
        else:
            offsets = [pgid * page_size for pgid in pgids]
            heads = list(chain.from_iterable(map(PAGE_WORDS.unpack_from, repeat(self.buffer), offsets)))
            bears = heads[0::2]
            words = heads[1::2]
        if bears != pgids:
            raise Irregular
        if has_overflow(words) and max(pgid + (word >> 32) for pgid, word in zip(pgids, words)) >= self.limit:
            raise Irregular
        return offsets, words

    def table_ends(self, offsets: list[int], words: list[int]) -> list[int]:
        """Return the end offsets of the element tables of leaf pages."""
        sizes = {}
        for word in set(words):
            sizes[word] = size = PAGE_HEADER_SIZE + ELEMENT_SIZE * (word >> 16 & 0xFFFF)
            if size > ((word >> 32) + 1) * self.page_size:
                raise Irregular
        return [offset + sizes[word] for offset, word in zip(offsets, words)]

    def tables(self, offsets: list[int], words: list[int]) -> list[bytes]:
        """Return the element tables of leaf pages, each from ``TABLE_START`` of its page."""
        buffer = self.buffer
        return [buffer[at + TABLE_START : end] for at, end in zip(offsets, self.table_ends(offsets, words))]

    def leaves(self, offsets: list[int], words: list[int], roots: list[int] | None = None) -> list[list[bytes]]:
        """Return a list of keys for each leaf page; append the root page ids of nested buckets to ``roots``."""
        if len(of_type(words, LEAF_PAGE)) < len(words):
            raise Irregular
        buffer = self.buffer
        counts = [word >> 16 & 0xFFFF for word in words]
        ends = self.table_ends(offsets, words)
        tables = [offset + PAGE_HEADER_SIZE for offset in offsets]
        # All pages' elements are handled together, as columns, because most pages have layouts of their own.
        fields = self.fields(offsets, ends)
        elements = chain.from_iterable(map(range, tables, ends, repeat(ELEMENT_SIZE)))
        starts = list(map(add, elements, fields[1::4]))
        stops = list(map(add, starts, fields[2::4]))
        after = list(map(add, stops, fields[3::4]))
        # Each element's data must begin where the previous ones end, and the last must end within their page.
        stop = 0
        for offset, end, word, count in zip(offsets, ends, words, counts):
            begin, stop = stop, stop + count
            if count:
                if starts[begin] < end or after[stop - 1] > offset + ((word >> 32) + 1) * self.page_size:
                    raise Irregular
                after[stop - 1 : stop] = starts[stop : stop + 1]  # the next page's, to compare all in one step
        if after[: len(starts) - 1] != starts[1:]:
            raise Irregular
        if roots is not None and any(fields[0::4]):
            are_buckets = [flags & BUCKET_LEAF_FLAG for flags in fields[0::4]]
            sizes = list(compress(fields[3::4], are_buckets))
            values = compress(stops, are_buckets)
            if min(sizes, default=BUCKET_HEADER_SIZE) < BUCKET_HEADER_SIZE:
                raise Irregular
            found = [BUCKET_HEADER.unpack_from(buffer, value)[0] for value in values]
            if not all(root or size > BUCKET_HEADER_SIZE for root, size in zip(found, sizes)):
                raise Irregular  # an inline bucket without its page
            roots += filter(None, found)
        keys = iter([buffer[start:stop] for start, stop in zip(starts, stops)])
        return [list(islice(keys, count)) for count in counts]

    def fields(self, offsets: list[int], ends: list[int]) -> list[int]:
        """Return the four numbers of each element of leaf pages, in sequence; ``ends`` are the ends of the tables."""
        numbers = self._halves
        fields: list[int] = []
        for offset, end in zip(offsets, ends):
            fields += numbers[(offset + PAGE_HEADER_SIZE) // 4 : end // 4].tolist()
        return fields

    def children(self, offset: int, word: int) -> list[int]:
        """Return the child page ids of a branch page; raises Irregular if it has none."""
        start, stop = self._table(offset, word)
        return self._numbers[start + 1 : stop : 2].tolist()

    def branch(self, offset: int, word: int) -> tuple[list[bytes], list[int]]:
        """Return keys and child page ids of a branch page; raises Irregular if it has none."""
        start, stop = self._table(offset, word)
        columns = self._halves[2 * start : 2 * stop]
        elements = range(8 * start, 8 * stop, ELEMENT_SIZE)
        starts = list(map(add, elements, columns[0::4].tolist()))
        stops = list(map(add, starts, columns[1::4].tolist()))
        # Keys must lie in the page, each after the one before it.
        if stops[-1] > offset + ((word >> 32) + 1) * self.page_size or starts[0] < 8 * stop:
            raise Irregular
        if not all(map(le, stops, islice(starts, 1, None))):
            raise Irregular
        return list(map(self.buffer.__getitem__, map(slice, starts, stops))), self._numbers[
            start + 1 : stop : 2
        ].tolist()

    def _table(self, offset: int, word: int) -> tuple[int, int]:
        """Return start and end of a page's elements in ``_numbers``; there is at least one, and they fit."""
        count = word >> 16 & 0xFFFF
        if not count or PAGE_HEADER_SIZE + ELEMENT_SIZE * count > ((word >> 32) + 1) * self.page_size:
            raise Irregular
        start = (offset + PAGE_HEADER_SIZE) // 8
        return start, start + 2 * count


def has_overflow(words: list[int]) -> bool:
    """Return whether one of ``words`` belongs to a page with overflow pages."""
    return max(words) >> 32 != 0


def of_type(words: list[int], flags: int) -> list[int]:
    """Return the indexes of the ``words`` that belong to pages of the type ``flags``."""
    if {word & 0xFFFF for word in set(words)} == {flags}:
        return list(range(len(words)))
    return [index for index, word in enumerate(words) if word & 0xFFFF == flags]
