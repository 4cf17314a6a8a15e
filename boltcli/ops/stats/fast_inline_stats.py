"""The inline buckets of leaf pages that are laid out alike, for counting them a page in three calls."""

from __future__ import annotations

from ...format.constants import BUCKET_HEADER_SIZE, ELEMENT_SIZE, LEAF_PAGE, PAGE_HEADER_SIZE
from ...format.layout import unpacker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...format.page import Buffer

_HEAD = "Q16xQ"  # of a bucket's value: root page id, then flags | count << 16 | overflow << 32 of its inline page
_HEAD_SIZE = BUCKET_HEADER_SIZE + PAGE_HEADER_SIZE
_SIZES = "III"  # of the last element of an inline page: pos, ksize, vsize
_SIZES_SIZE = 12
_MOST_ROWS = 64


class InlineBuckets:
    """The buckets in leaf pages of one layout, if all are inline: values of ``sizes`` bytes at ``starts`` in the page.

    ``count`` them in a page: how many elements are in all of them together,
    and how many bytes are in use; None for a page whose buckets aren't plain.
    """

    __slots__ = ("_heads", "_rows", "_sizes", "_starts", "number")

    def __init__(self, starts: list[int], sizes: Sequence[int]) -> None:
        self.number = len(starts)
        self._starts = starts
        self._sizes = sizes
        self._heads = unpacker(starts, [_HEAD] * self.number, [_HEAD_SIZE] * self.number)
        # By the words of a page's inline pages: their elements, their bytes but for data, a reader of their last sizes.
        self._rows: dict[tuple[int, ...], _Row] = {}

    def count(self, buffer: Buffer, offset: int) -> tuple[int, int] | None:
        heads = self._heads(buffer, offset)
        words = heads[1::2]
        row = self._rows.get(words) or self._learn(words)
        if row is None or any(heads[0::2]):
            return None
        data = sum(row.lasts(buffer, offset))
        return None if data >> 32 else (row.elements, row.before + data)

    def _learn(self, words: tuple[int, ...]) -> _Row | None:
        if len(self._rows) == _MOST_ROWS:
            return None
        row = _Row()
        ends = []
        for start, size, word in zip(self._starts, self._sizes, words):
            count = word >> 16 & 0xFFFF
            end = _HEAD_SIZE + ELEMENT_SIZE * count  # of the element table
            if word & 0xFFFF != LEAF_PAGE or end > size:
                return None
            row.elements += count
            row.before += ELEMENT_SIZE * count if count else PAGE_HEADER_SIZE
            if count:
                ends.append(start + end - _SIZES_SIZE)
        row.lasts = unpacker(ends, [_SIZES] * len(ends), [_SIZES_SIZE] * len(ends))
        self._rows[words] = row
        return row


class _Row:
    __slots__ = ("before", "elements", "lasts")

    def __init__(self) -> None:
        self.elements = 0
        self.before = 0
        self.lasts = unpacker([], [], [])
