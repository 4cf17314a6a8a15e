"""Many pages at a time, for as long as they are as bbolt writes them.

What reads here is quick because it only ever asks whether all is well, of a
thousand pages in one go. Where the answer is no (:class:`Irregular`) it can't
say what is wrong: then those decide who look at one page after the other.
"""

from __future__ import annotations

import sys
from itertools import chain, compress, islice, repeat
from operator import add

from ..format.constants import BUCKET_HEADER_SIZE, BUCKET_LEAF_FLAG, ELEMENT_SIZE, LEAF_PAGE, PAGE_HEADER_SIZE
from ..format.layout import TABLE_START, Layouts
from ..format.page import BUCKET_HEADER, PAGE_WORDS, DamagedElements

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Self

    from ..storage.snapshot import Snapshot


class Irregular(Exception):
    """Something isn't as bbolt writes it. Maybe no fault, but nothing for a reader in bulk."""


class Batch:
    """Reads pages of ``snapshot`` in bulk. Every method raises :class:`Irregular`.

    A page here is its byte ``offset`` and its ``word``: the second half of its
    header as one number (flags | count << 16 | overflow << 32). ``limit`` is
    the number of whole pages in the file. Close it before the snapshot.
    """

    __slots__ = ("_halves", "_layouts", "_numbers", "buffer", "limit", "page_size")

    def __init__(self, snapshot: Snapshot) -> None:
        if sys.byteorder != "little":
            raise Irregular
        self.buffer = snapshot.buffer
        self.page_size = snapshot.page_size
        self.limit = snapshot.size // snapshot.page_size
        pages = memoryview(snapshot.buffer)[: self.limit * self.page_size]
        self._numbers = pages.cast("Q")
        self._halves = pages.cast("I")
        self._layouts = Layouts(self.page_size)

    def close(self) -> None:
        """Let go of the snapshot's buffer."""
        self._numbers.release()
        self._halves.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def heads(self, pgids: list[int]) -> tuple[list[int], list[int]]:
        """Offsets and words of ``pgids``, each of which lies whole in the file and bears its own id."""
        if max(pgids) >= self.limit:
            raise Irregular
        page_size = self.page_size
        first, last = pgids[0], pgids[-1]
        if last - first == len(pgids) - 1 and pgids == list(range(first, last + 1)):
            # Neighbours, as in a file written in order: their headers are columns of the file.
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

    def tables(self, offsets: list[int], words: list[int]) -> list[bytes]:
        """The element tables of leaf pages, each from ``TABLE_START`` of its page."""
        buffer = self.buffer
        ends = {}
        for word in set(words):
            ends[word] = end = PAGE_HEADER_SIZE + ELEMENT_SIZE * (word >> 16 & 0xFFFF)
            if end > ((word >> 32) + 1) * self.page_size:
                raise Irregular
        return [buffer[at + TABLE_START : at + ends[word]] for at, word in zip(offsets, words)]

    def leaves(self, offsets: list[int], words: list[int], roots: list[int] | None = None) -> list[Sequence[bytes]]:
        """The keys of leaf pages, a list for each; the root page ids of buckets among the values go to ``roots``."""
        if len(of_type(words, LEAF_PAGE)) < len(words):
            raise Irregular
        buffer = self.buffer
        tables = self.tables(offsets, words)
        layouts = list(map(self._layouts.leaf, tables))
        if None in layouts:
            try:
                layouts = [known or self._layouts.learn_leaf(table) for known, table in zip(layouts, tables)]
            except DamagedElements:
                raise Irregular from None
        pages: list[Sequence[bytes]] = [
            layout.keys(buffer, offset) if layout else () for layout, offset in zip(layouts, offsets)
        ]
        if roots is not None:
            for layout, offset in zip(layouts, offsets):
                if layout and layout.buckets:
                    _add_roots(roots, layout.roots(buffer, offset), [size for _, size in layout.buckets], layout.bare)
        if None in layouts:
            unlike = [index for index, layout in enumerate(layouts) if layout is None]
            keys = self._unlike([offsets[index] for index in unlike], [words[index] for index in unlike], roots)
            for index, page in zip(unlike, keys):
                pages[index] = page
        return pages

    def _unlike(self, offsets: list[int], words: list[int], roots: list[int] | None) -> Iterator[list[bytes]]:
        """:meth:`leaves` for pages of which none is laid out like another: the elements of all together, as columns."""
        buffer = self.buffer
        counts = [word >> 16 & 0xFFFF for word in words]
        tables = [offset + PAGE_HEADER_SIZE for offset in offsets]
        ends = [table + ELEMENT_SIZE * count for table, count in zip(tables, counts)]
        fields = self.fields(offsets, ends)
        elements = chain.from_iterable(map(range, tables, ends, repeat(ELEMENT_SIZE)))
        starts = list(map(add, elements, fields[1::4]))
        stops = list(map(add, starts, fields[2::4]))
        after = list(map(add, stops, fields[3::4]))
        # Each element's data begin where the ones before end, as bbolt writes them, and the last end in their page.
        stop = 0
        for offset, word, count in zip(offsets, words, counts):
            stop += count
            if count:
                if after[stop - 1] > offset + ((word >> 32) + 1) * self.page_size:
                    raise Irregular
                after[stop - 1 : stop] = starts[stop : stop + 1]  # the next page's, in order to compare all at once
        if after[: len(starts) - 1] != starts[1:]:
            raise Irregular
        if roots is not None and any(fields[0::4]):
            are_buckets = [flags & BUCKET_LEAF_FLAG for flags in fields[0::4]]
            sizes = list(compress(fields[3::4], are_buckets))
            values = compress(stops, are_buckets)
            if min(sizes, default=BUCKET_HEADER_SIZE) < BUCKET_HEADER_SIZE:
                raise Irregular
            found = [BUCKET_HEADER.unpack_from(buffer, value)[0] for value in values]
            _add_roots(roots, found, sizes, True)
        keys = iter([buffer[start:stop] for start, stop in zip(starts, stops)])
        return (list(islice(keys, count)) for count in counts)

    def fields(self, offsets: list[int], ends: list[int]) -> list[int]:
        """The four numbers of each element of some leaf pages, one after the other; ``ends`` are their tables'."""
        numbers = self._halves
        fields: list[int] = []
        for offset, end in zip(offsets, ends):
            fields += numbers[(offset + PAGE_HEADER_SIZE) // 4 : end // 4].tolist()
        return fields

    def children(self, offset: int, word: int) -> list[int]:
        """The child page ids of a branch page, which has at least one."""
        start, stop = self._table(offset, word)
        return self._numbers[start + 1 : stop : 2].tolist()

    def branch(self, offset: int, word: int) -> tuple[Sequence[bytes], list[int]]:
        """Keys and child page ids of a branch page, which has at least one."""
        start, stop = self._table(offset, word)
        end = ((word >> 32) + 1) * self.page_size
        table = self._numbers[start:stop:2].tobytes()
        try:
            layout = self._layouts.branch(table) or self._layouts.learn_branch(table, end)
        except DamagedElements:
            raise Irregular from None
        if layout.end > end:
            raise Irregular
        return layout.keys(self.buffer, offset), self._numbers[start + 1 : stop : 2].tolist()

    def _table(self, offset: int, word: int) -> tuple[int, int]:
        """Where in ``_numbers`` the elements of a page begin and end; it has some, and they fit."""
        count = word >> 16 & 0xFFFF
        if not count or PAGE_HEADER_SIZE + ELEMENT_SIZE * count > ((word >> 32) + 1) * self.page_size:
            raise Irregular
        start = (offset + PAGE_HEADER_SIZE) // 8
        return start, start + 2 * count


def _add_roots(roots: list[int], found: Sequence[int], sizes: Sequence[int], bare: bool) -> None:
    """Add the root page ids ``found`` in values of ``sizes`` bytes; ``bare``: some have no room for an inline page."""
    if any(found):
        roots += filter(None, found)
    if bare and not all(root or size > BUCKET_HEADER_SIZE for root, size in zip(found, sizes)):
        raise Irregular  # an inline bucket without its page


def has_overflow(words: list[int]) -> bool:
    """Whether any of ``words`` is the word of a page with overflow pages."""
    return max(words) >> 32 != 0


def of_type(words: list[int], flags: int) -> list[int]:
    """Which of ``words`` are of pages of one type, by index."""
    if {word & 0xFFFF for word in set(words)} == {flags}:
        return list(range(len(words)))
    return [index for index, word in enumerate(words) if word & 0xFFFF == flags]
