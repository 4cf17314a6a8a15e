"""Many pages at a time, for as long as they are as bbolt writes them.

What reads here is quick because it only ever asks whether all is well, of a
thousand pages in one go. Where the answer is no (:class:`Irregular`) it can't
say what is wrong: then those decide who look at one page after the other.
"""

from __future__ import annotations

import sys
from itertools import chain, repeat

from ..format.constants import ELEMENT_SIZE, PAGE_HEADER_SIZE
from ..format.layout import TABLE_START, Layouts
from ..format.page import PAGE_WORDS, DamagedElements

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..format.layout import LeafLayout
    from ..storage.snapshot import Snapshot


class Irregular(Exception):
    """Something isn't as bbolt writes it. Maybe no fault, but nothing for a reader in bulk."""


class Batch:
    """Reads pages of ``snapshot`` in bulk. Every method raises :class:`Irregular`.

    A page here is its byte ``offset`` and its ``word``: the second half of its
    header as one number (flags | count << 16 | overflow << 32). ``limit`` is
    the number of whole pages in the file. Close it before the snapshot.
    """

    __slots__ = ("_layouts", "_numbers", "buffer", "limit", "page_size")

    def __init__(self, snapshot: Snapshot) -> None:
        if sys.byteorder != "little":
            raise Irregular
        self.buffer = snapshot.buffer
        self.page_size = snapshot.page_size
        self.limit = snapshot.size // snapshot.page_size
        self._numbers = memoryview(snapshot.buffer)[: self.limit * self.page_size].cast("Q")
        self._layouts = Layouts(self.page_size)

    def close(self) -> None:
        """Let go of the snapshot's buffer."""
        self._numbers.release()

    def __enter__(self) -> Batch:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def heads(self, pgids: list[int]) -> tuple[list[int], list[int]]:
        """Offsets and words of ``pgids``, each of which lies whole in the file and bears its own id."""
        if max(pgids) >= self.limit:
            raise Irregular
        page_size = self.page_size
        offsets = [pgid * page_size for pgid in pgids]
        heads = list(chain.from_iterable(map(PAGE_WORDS.unpack_from, repeat(self.buffer), offsets)))
        words = heads[1::2]
        if heads[0::2] != pgids:
            raise Irregular
        if has_overflow(words) and max(pgid + (word >> 32) for pgid, word in zip(pgids, words)) >= self.limit:
            raise Irregular
        return offsets, words

    def leaves(self, offsets: list[int], words: list[int]) -> list[LeafLayout]:
        """The layouts of leaf pages."""
        buffer = self.buffer
        head = PAGE_HEADER_SIZE
        ends = {word: head + ELEMENT_SIZE * (word >> 16 & 0xFFFF) for word in set(words)}
        known = self._layouts.leaf
        learn = self._layouts.learn_leaf
        try:
            return [
                known(table) or learn(table)
                for table in [buffer[at + TABLE_START : at + ends[word]] for at, word in zip(offsets, words)]
            ]
        except DamagedElements:
            raise Irregular from None

    def branch(self, offset: int, word: int) -> tuple[Sequence[bytes], list[int]]:
        """Keys and child page ids of a branch page, which has at least one."""
        count = word >> 16 & 0xFFFF
        end = ((word >> 32) + 1) * self.page_size
        start = (offset + PAGE_HEADER_SIZE) // 8
        stop = start + 2 * count
        if not count or PAGE_HEADER_SIZE + ELEMENT_SIZE * count > end:
            raise Irregular
        table = self._numbers[start:stop:2].tobytes()
        try:
            layout = self._layouts.branch(table) or self._layouts.learn_branch(table, end)
        except DamagedElements:
            raise Irregular from None
        if layout.end > end:
            raise Irregular
        return layout.keys(self.buffer, offset), self._numbers[start + 1 : stop : 2].tolist()


def has_overflow(words: list[int]) -> bool:
    """Whether any of ``words`` is the word of a page with overflow pages."""
    return max(words) >> 32 != 0


def of_type(words: list[int], flags: int) -> list[int]:
    """Which of ``words`` are of pages of one type, by index."""
    if {word & 0xFFFF for word in set(words)} == {flags}:
        return list(range(len(words)))
    return [index for index, word in enumerate(words) if word & 0xFFFF == flags]
