"""Compute the statistics of buckets many pages at a time, in Python; used if there is no compiled kernel.

The results are those of ``exact_stats.py``.
"""

from __future__ import annotations

from itertools import chain, compress, repeat
from operator import add, gt, not_, sub
from struct import Struct

from ...format.constants import (
    BRANCH_PAGE,
    BUCKET_HEADER_SIZE,
    ELEMENT_SIZE,
    INLINE_HEADERS_SIZE,
    LEAF_PAGE,
    PAGE_HEADER_SIZE,
)
from ...format.page import BRANCH_ELEMENT, EVEN
from ...tree.batch import TABLE_START, Irregular, has_overflow, of_type
from ...tree.batch_reader import Walk
from .buckets import BucketStats

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...format.bucket import BucketRef
    from ...storage.snapshot import Snapshot
    from ...tree.batch_reader import Progress

_PAGES = 256  # pages read at once
_NESTING = 64  # levels of nested buckets; deeper ones are left to the exact walk
_U32 = 0xFFFFFFFF

_SIZES = Struct("<III")  # of a leaf element: pos, ksize, vsize
_INLINE_HEAD = Struct("<Q16xQ")  # of a bucket's value: root page id, and flags | count << 16 of an inline page
_HEAD = PAGE_HEADER_SIZE - TABLE_START


def bulk_stats(snapshot: Snapshot, buckets: Sequence[BucketRef], progress: Progress | None = None) -> BucketStats:
    """Return the sum of the statistics of ``buckets``, each with everything below it. Raises Irregular."""
    with _Counting(snapshot, progress) as counting:
        total = counting.total
        for bucket in buckets:
            if bucket.root:
                total.depth = max(total.depth, counting.tree(bucket.root, 1))
            else:
                counting.inline(bucket)
                total.depth = max(total.depth, 1)
        counting.settled()
    total.branch_alloc = (total.branch_pages + total.branch_overflow_pages) * snapshot.page_size
    total.leaf_alloc = (total.leaf_pages + total.leaf_overflow_pages) * snapshot.page_size
    return total


class _Counting(Walk):
    """The state of one count."""

    __slots__ = ("nested", "total")

    def __init__(self, snapshot: Snapshot, progress: Progress | None) -> None:
        super().__init__(snapshot, progress)
        self.total = BucketStats()
        self.nested: list[int] = []  # root pages of the nested buckets in the current tree

    def inline(self, bucket: BucketRef) -> None:
        """Count a single inline bucket."""
        page = bucket.inline
        if page is None or page.buffer is not self.buffer:
            raise Irregular
        start = page.offset - BUCKET_HEADER_SIZE
        self._inline([start], [page.end - start], [page.flags | page.count << 16])

    def tree(self, root: int, nesting: int) -> int:
        """Count the tree at ``root`` and its nested buckets; return its depth, including theirs."""
        if nesting > _NESTING:
            raise Irregular
        total = self.total
        total.buckets += 1
        inline = total.inline_buckets
        self.nested = []
        level = [root]
        levels = 0
        while level:
            levels += 1
            level = self._level(level)
        nested = self.nested
        below = 1 if total.inline_buckets > inline else 0
        return levels + max(below, self._forest(nested, nesting + 1))

    def _forest(self, roots: list[int], nesting: int) -> int:
        """Count the trees at ``roots``, single-page trees together; return the depth of the deepest."""
        if nesting > _NESTING:
            raise Irregular
        total = self.total
        inline = total.inline_buckets
        self.nested = []
        branches: list[int] = []
        leaves = 0
        for start in range(0, len(roots), _PAGES):
            pgids = roots[start : start + _PAGES]
            offsets, words = self.heads(pgids)
            here = of_type(words, LEAF_PAGE)
            if len(here) < len(words):
                branches += [pgid for pgid, word in zip(pgids, words) if word & 0xFFFF != LEAF_PAGE]
                pgids, offsets, words = ([column[index] for index in here] for column in (pgids, offsets, words))
            if pgids:
                leaves += len(pgids)
                self.mark(pgids, words)
                self._leaves(offsets, words)
        total.buckets += leaves
        depth = 0
        if leaves:
            below = 1 if total.inline_buckets > inline else 0
            depth = 1 + max(below, self._forest(self.nested, nesting + 1))
        for root in branches:
            depth = max(depth, self.tree(root, nesting))
        return depth

    def _level(self, level: list[int]) -> list[int]:
        """Count the pages of one level of a tree; return the level below it."""
        below: list[int] = []
        for start in range(0, len(level), _PAGES):
            pgids = level[start : start + _PAGES]
            offsets, words = self.heads(pgids)
            self.mark(pgids, words)
            leaves = of_type(words, LEAF_PAGE)
            if len(leaves) == len(words):
                self._leaves(offsets, words)
                continue
            branches = of_type(words, BRANCH_PAGE)
            if len(leaves) + len(branches) < len(words):
                raise Irregular
            if leaves:
                self._leaves([offsets[index] for index in leaves], [words[index] for index in leaves])
            for index in branches:
                below += self._branch(offsets[index], words[index])
        return below

    def _branch(self, offset: int, word: int) -> list[int]:
        children = self.children(offset, word)
        total = self.total
        total.branch_pages += 1
        total.branch_overflow_pages += word >> 32
        before = ELEMENT_SIZE * (len(children) - 1)
        pos, ksize, _ = BRANCH_ELEMENT.unpack_from(self.buffer, offset + PAGE_HEADER_SIZE + before)
        total.branch_inuse += PAGE_HEADER_SIZE + before + (pos + ksize & _U32)
        return children

    def _leaves(self, offsets: list[int], words: list[int]) -> None:
        total = self.total
        total.leaf_pages += len(words)
        if has_overflow(words):
            total.leaf_overflow_pages += sum([word >> 32 for word in words])
        tables = self.tables(offsets, words)
        keys, used, holders = _used(tables)
        total.keys += keys
        total.leaf_inuse += used
        if holders:
            places = [place for place in zip(offsets, tables, words) if place[1] in holders]
            self._buckets(
                [at for at, _, _ in places],
                [at + TABLE_START + len(table) for at, table, _ in places],
                [at + (1 + (word >> 32)) * self.page_size for at, _, word in places],
            )

    def _buckets(self, offsets: list[int], tables: list[int], ends: list[int]) -> None:
        """Count the inline buckets in the leaves at ``offsets``, and append the roots of the others to ``nested``.

        ``tables`` are the ends of the element tables, ``ends`` the ends of the pages.
        """
        fields = self.fields(offsets, tables)
        elements = map(range, [at + PAGE_HEADER_SIZE for at in offsets], tables, repeat(ELEMENT_SIZE))
        values = map(add, map(add, chain.from_iterable(elements), fields[1::4]), fields[2::4])
        are_buckets = [flags & 1 for flags in fields[0::4]]
        starts, sizes = list(compress(values, are_buckets)), list(compress(fields[3::4], are_buckets))
        counts = [(table - at - PAGE_HEADER_SIZE) // ELEMENT_SIZE for at, table in zip(offsets, tables)]
        limits = compress(chain.from_iterable(map(repeat, ends, counts)), are_buckets)
        if any(map(gt, map(add, starts, sizes), limits)):
            raise Irregular
        self._values(starts, sizes)

    def _values(self, starts: list[int], sizes: list[int]) -> None:
        """Count buckets by their values, which begin at ``starts``."""
        if max(starts) + INLINE_HEADERS_SIZE > len(self.buffer):
            raise Irregular
        heads = list(chain.from_iterable(map(_INLINE_HEAD.unpack_from, repeat(self.buffer), starts)))
        roots = heads[0::2]
        words = heads[1::2]
        if any(roots):
            if min(sizes) < BUCKET_HEADER_SIZE:
                raise Irregular
            self.nested += filter(None, roots)
            are_inline = list(map(not_, roots))
            starts, sizes, words = (list(compress(column, are_inline)) for column in (starts, sizes, words))
        if starts:
            self._inline(starts, sizes, words)

    def _inline(self, starts: list[int], sizes: list[int], words: list[int]) -> None:
        """Count inline buckets: their values' starts and sizes, and the words of their pages."""
        if len(of_type(words, LEAF_PAGE)) < len(words):
            raise Irregular
        ends = list(map(add, starts, sizes))
        if max(ends) > len(self.buffer):
            raise Irregular
        heads = [start + BUCKET_HEADER_SIZE for start in starts]
        tables = self.tables(heads, words)
        if min(map(sub, ends, map(add, heads, map(len, tables)))) < TABLE_START:
            raise Irregular  # an element table longer than its bucket
        keys, used, _ = _used(tables)
        total = self.total
        total.buckets += len(starts)
        total.inline_buckets += len(starts)
        total.keys += keys
        total.inline_bucket_inuse += used


def _count_in_python(counts: dict[bytes, int], items: list[bytes]) -> None:
    """Count ``items`` in ``counts``."""
    get = counts.get
    for item in items:
        counts[item] = get(item, 0) + 1


try:
    # The C function of collections.Counter; importing collections takes longer than it saves.
    from _collections import _count_elements as _count  # type: ignore[import-not-found,unused-ignore]
except ImportError:
    _count = _count_in_python


def _used(tables: list[bytes]) -> tuple[int, int, dict[bytes, int]]:
    """Return the elements and bytes in use of leaf pages with these element tables, and the tables with buckets.

    The tables with buckets are counted by the number of pages that have them.

    Pages with the same layout have the same table, and are counted together.
    As in ``exact_stats.py``, the last element gives the bytes in use.
    """
    pages: dict[bytes, int] = {}
    _count(pages, tables)
    keys = used = 0
    holders = {}
    for table, number in pages.items():
        count = (len(table) - _HEAD) // ELEMENT_SIZE
        keys += number * count
        if not count:
            used += number * PAGE_HEADER_SIZE
            continue
        pos, ksize, vsize = _SIZES.unpack_from(table, len(table) - _SIZES.size)
        used += number * (ELEMENT_SIZE * count + (pos + ksize + vsize & _U32))
        # The low byte of each element's flags: bytes other than the even ones are odd, which means a bucket.
        if table[_HEAD::ELEMENT_SIZE].translate(None, EVEN):
            holders[table] = number
    return keys, used, holders
