"""Write the densest copy: full pages, no free pages, no space after the last page. Every version of bolt reads it."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate, islice

from ...format.constants import BUCKET_LEAF_FLAG, ELEMENT_SIZE, PAGE_HEADER_SIZE
from ...format.encode import branch_page, leaf_page
from ...format.page import BUCKET_HEADER
from .pager import PageWriter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...format.encode import Piece

# Large values are packed into runs of up to this many pages: five of 3 KiB take four pages of 4 KiB, not five.
_RUN = 16
_FULL = 7 / 8  # share of its pages that a leaf must use
_LEAST = 2  # fewest keys of a branch page
_ENOUGH = 8  # fewest keys of a branch page if each takes a quarter of a page; fewer would make the tree deep


class DenseWriter:
    """Writes content, which must be in key order, into pages that are filled up to ``fill_percent``."""

    transactions = 1

    def __init__(self, fd: int | None, page_size: int, fill_percent: int = 100, sequence: int = 0) -> None:
        """``fd`` None: write nothing, only find out the size. ``sequence`` is that of the root bucket."""
        self.page_size = page_size
        self.capacity = page_size * fill_percent // 100
        self.writer = None if fd is None else PageWriter(fd, page_size)
        self.hwm = 3  # after two metas and the freelist
        self._open = [_Bucket(self, b"", sequence)]

    @property
    def size(self) -> int:
        return self.hwm * self.page_size

    def put(self, pieces: list[Piece], pages: int, size: int) -> None:
        """Write the next page run; its id is ``hwm``."""
        if self.writer is not None:
            self.writer.put(self.hwm, pages, pieces, size)
        self.hwm += pages

    def enter(self, name: bytes, sequence: int) -> None:
        self._open.append(_Bucket(self, name, sequence))

    def pairs(self, keys: Sequence[bytes], values: Sequence[Piece]) -> None:
        self._open[-1].append(keys, values, [0] * len(keys))

    def leave(self) -> None:
        bucket = self._open.pop()
        self._open[-1].append([bucket.name], [bucket.finish()], [BUCKET_LEAF_FLAG])

    def finish(self) -> None:
        """Write what is left and both metas, which say the same."""
        root = self._open[0].finish_tree()
        if self.writer is not None:
            self.writer.end([(txid, root, 2, self.hwm) for txid in (0, 1)], self.size, self._open[0].sequence)


class _Bucket:
    """A bucket that is being written: elements that wait for their page, and the branch levels above."""

    def __init__(self, file: DenseWriter, name: bytes, sequence: int) -> None:
        self.file = file
        self.name = name
        self.sequence = sequence
        self._keys: list[bytes] = []
        self._values: list[Piece] = []
        self._flags: list[int] = []
        self._ends = [0]  # bytes of all elements up to the first that waits, and to the end of each
        self._levels: list[_Level] = []

    def append(self, keys: Sequence[bytes], values: Sequence[Piece], flags: list[int]) -> None:
        self._keys += keys
        self._values += values
        self._flags += flags
        sizes = [ELEMENT_SIZE + len(key) + len(value) for key, value in zip(keys, values)]
        self._ends += islice(accumulate(sizes, initial=self._ends[-1]), 1, None)
        # As much must be at hand as a run could take.
        most = _RUN * self.file.page_size
        if self._waiting() > most:
            self._write_leaves(most)

    def finish(self) -> bytes:
        """Write what is left; returns the value of the bucket's element in its parent."""
        if self._waiting() <= self.file.page_size // 4 and not any(self._flags) and not self._levels:
            page = leaf_page(0, 0, self._flags, self._keys, self._values)
            return BUCKET_HEADER.pack(0, self.sequence) + b"".join(page)
        return BUCKET_HEADER.pack(self.finish_tree(), self.sequence)

    def finish_tree(self) -> int:
        """Write what is left; returns the id of the root page."""
        self._write_leaves(PAGE_HEADER_SIZE)
        if not self._levels:
            self._levels.append(_Level(self.file))
            self._write_leaf(0, 0)
        for number, level in enumerate(self._levels, 1):  # it grows meanwhile
            if number == len(self._levels) and len(level.children) == 1:
                break
            for entry in level.finish():
                self._add(number, entry)
        return level.children[0]

    def _waiting(self) -> int:
        return PAGE_HEADER_SIZE + self._ends[-1] - self._ends[0]

    def _write_leaves(self, left: int) -> None:
        """Write leaf pages until no more than ``left`` bytes wait."""
        ends, at = self._ends, 0
        while PAGE_HEADER_SIZE + ends[-1] - ends[at] > left:
            start, at = at, self._choose(at)
            self._write_leaf(start, at)
        del self._keys[:at], self._values[:at], self._flags[:at], ends[:at]

    def _choose(self, at: int) -> int:
        """Return before which element the page run that begins with element ``at`` ends.

        One page if it is put to good use, else the shortest run that is, else the best one. Pages that are to be filled
        in part only become runs only if an element is too large for one.
        """
        ends, page_size, capacity = self._ends, self.file.page_size, self.file.capacity
        last, before = len(ends) - 1, ends[at] - PAGE_HEADER_SIZE
        # The cost of a run is that of its pages and of its element in a branch page, which repeats its first key.
        above = ELEMENT_SIZE + len(self._keys[at])
        best, most = at + 1, 0.0  # a single element larger than the longest run
        for run in range(_RUN):
            stop = bisect_right(ends, before + run * page_size + capacity, at) - 1
            used = ends[stop] - before
            if stop == at:
                continue
            share = used / (-(-used // page_size) * page_size + above)
            if share > most:
                best, most = stop, share
            if stop == last or capacity < page_size or share >= _FULL:
                break
        return best

    def _write_leaf(self, start: int, stop: int) -> None:
        keys, pgid = self._keys[start:stop], self.file.hwm
        size = PAGE_HEADER_SIZE + self._ends[stop] - self._ends[start]
        pages = -(-size // self.file.page_size)
        page = leaf_page(pgid, pages - 1, self._flags[start:stop], keys, self._values[start:stop])
        self.file.put(page, pages, size)
        self._add(0, (keys[0] if keys else b"", pgid))

    def _add(self, level: int, entry: tuple[bytes, int]) -> None:
        """Note a page of the level below, and what becomes full by that above."""
        if level == len(self._levels):
            self._levels.append(_Level(self.file))
        full = self._levels[level].add(*entry)
        if full is not None:  # one more entry fills one page at most
            self._add(level + 1, full)


class _Level:
    """The branch page of one level that is being filled."""

    def __init__(self, file: DenseWriter) -> None:
        self.file = file
        self.keys: list[bytes] = []
        self.children: list[int] = []
        self._size = PAGE_HEADER_SIZE
        self._fitting = 0  # how many of the keys the page takes

    def add(self, key: bytes, child: int) -> tuple[bytes, int] | None:
        """Add a child; if that makes a page full it is written, and its first key and id are returned."""
        self.keys.append(key)
        self.children.append(child)
        grown = self._size + ELEMENT_SIZE + len(key)
        if len(self.keys) == self._fitting + 1 and (grown <= self.file.capacity or self._fitting < self._wanted(grown)):
            self._size = grown
            self._fitting += 1
        # What is left for the next page must be enough for one.
        elif len(self.keys) == self._fitting + _LEAST:
            return self._write(self._fitting)
        return None

    def _wanted(self, size: int) -> int:
        """Return how many keys a page should have, whatever its size, if as many as now take ``size`` bytes."""
        return _ENOUGH if 4 * size > self.file.capacity * (self._fitting + 1) else _LEAST

    def finish(self) -> list[tuple[bytes, int]]:
        both = _LEAST < self._fitting < len(self.keys)
        first = [self._write(self._fitting - 1)] if both else []
        return [*first, self._write(len(self.keys))]

    def _write(self, count: int) -> tuple[bytes, int]:
        keys, children = self.keys[:count], self.children[:count]
        del self.keys[:count], self.children[:count]
        self._fitting, self._size = len(self.keys), _branch_size(self.keys)
        size = _branch_size(keys)
        pages = -(-size // self.file.page_size)
        pgid = self.file.hwm
        self.file.put(branch_page(pgid, pages - 1, keys, children), pages, size)
        return keys[0], pgid


def _branch_size(keys: list[bytes]) -> int:
    return PAGE_HEADER_SIZE + ELEMENT_SIZE * len(keys) + sum(map(len, keys))
