"""Write the densest copy: full pages, no free pages, no space after the last page.

bbolt's own compaction leaves half-filled pages where buckets are nested, the
free pages of its last transactions, and a file that is extended in large steps.
Every version of bolt reads and writes the result.
"""

from __future__ import annotations

from ....format.constants import (
    BUCKET_LEAF_FLAG,
    ELEMENT_SIZE,
    FREELIST_PAGE,
    LEAF_PAGE,
    PAGE_HEADER_SIZE,
)
from ....format.encode import branch_page, meta_page
from ....format.page import BUCKET_HEADER, HEADER, LEAF_ELEMENT
from .leaf_slices import cut, data_before, element, first_key, fit, holds_buckets, inline_bucket, leaf_page
from .page_writer import PageWriter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ....format.encode import Piece
    from .leaf_slices import Chunk
    from .source_reader import Child

# Large values are packed into runs of up to this many pages: five of 3 KiB take four pages of 4 KiB, not five.
_RUN = 16
_FULL = 7 / 8  # share of its pages that a leaf must use
_LEAST = 2  # fewest keys of a branch page
_ENOUGH = 8  # fewest keys of a branch page if each takes a quarter of a page; fewer would make the tree deep


class Dense:
    """One compaction into pages that are filled up to ``fill_percent``."""

    transactions = 1

    def __init__(self, fd: int, page_size: int, fill_percent: int) -> None:
        self.page_size = page_size
        self.capacity = page_size * fill_percent // 100
        self.writer = PageWriter(fd, page_size)
        self.hwm = 3  # after two metas and the freelist
        self.path = [_Packer(self, b"", 0)]
        self.sequence = 0  # of the root bucket

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self.hwm * self.page_size

    def put(self, pages: int, pieces: list[Piece], size: int) -> None:
        """Write the next page run; its id is ``hwm``."""
        self.writer.put(self.hwm, pages, pieces, size)
        self.hwm += pages

    def enter(self, child: Child) -> None:
        """Create a bucket and go into it."""
        self.path.append(_Packer(self, child.name, child.sequence))

    def pairs(self, chunks: list[Chunk]) -> None:
        """Put pairs into the innermost bucket."""
        for chunk in chunks:
            self.path[-1].append(chunk)

    def large(self, key: bytes, value: bytes) -> None:
        """Put a pair with a value of many pages into the innermost bucket, without a copy of that."""
        self.path[-1].large(key, value)

    def mixed(self, chunk: Chunk, weights: list[int]) -> None:
        """Put pairs and inline buckets into the innermost bucket."""
        self.path[-1].append(chunk, True)

    def leave(self) -> None:
        """Complete the innermost bucket."""
        packer = self.path.pop()
        self.path[-1].append(element(BUCKET_LEAF_FLAG, packer.name, packer.finish()), True)

    def finish(self) -> None:
        """Write what is left, an empty freelist, and both metas, which say the same."""
        self.end(self.path[0].finish_tree(), self.hwm)

    def end(self, root: int, hwm: int) -> None:
        """Do the same if the pages of all trees are already written."""
        self.hwm = hwm
        self.writer.put(2, 1, [HEADER.pack(2, FREELIST_PAGE, 0, 0)], PAGE_HEADER_SIZE)
        for txid in (0, 1):
            content = meta_page(
                txid, page_size=self.page_size, root=root, freelist=2, hwm=self.hwm, sequence=self.sequence
            )
            self.writer.put(txid, 1, [content], len(content))
        self.writer.flush()
        self.writer.truncate(self.size)


class _Packer:
    """A bucket that is being written: elements that wait for their page, and the branch levels above."""

    __slots__ = ("_chunks", "_holds_buckets", "_levels", "_size", "file", "name", "sequence")

    def __init__(self, file: Dense, name: bytes, sequence: int) -> None:
        self.file = file
        self.name = name
        self.sequence = sequence
        self._chunks: list[Chunk] = []
        self._size = PAGE_HEADER_SIZE
        self._holds_buckets = False
        self._levels: list[_Level] = []

    def append(self, chunk: Chunk, mixed: bool = False) -> None:
        """Append the elements of ``chunk``; if it is ``mixed``, there may be buckets among them."""
        if mixed and not self._holds_buckets:
            self._holds_buckets = holds_buckets(chunk)
        self._chunks.append(chunk)
        self._size += ELEMENT_SIZE * chunk[2] + chunk[4]
        # As much must be at hand as a run could take.
        if self._size > _RUN * self.file.page_size:
            self._write_leaves(_RUN * self.file.page_size)

    def large(self, key: bytes, value: bytes) -> None:
        """Write what waits, then a pair in a page run of its own."""
        self._write_leaves(PAGE_HEADER_SIZE)
        size = PAGE_HEADER_SIZE + ELEMENT_SIZE + len(key) + len(value)
        pages, pgid = -(-size // self.file.page_size), self.file.hwm
        head = HEADER.pack(pgid, LEAF_PAGE, 1, pages - 1) + LEAF_ELEMENT.pack(0, ELEMENT_SIZE, len(key), len(value))
        self.file.put(pages, [head + key, value], size)
        self._add(0, (key, pgid))

    def finish(self) -> bytes:
        """Write what is left; returns the value of the bucket's element in its parent."""
        inline = self._size <= self.file.page_size // 4
        if inline and not self._holds_buckets and not self._levels:
            return inline_bucket(self.sequence, self._chunks)
        return BUCKET_HEADER.pack(self.finish_tree(), self.sequence)

    def finish_tree(self) -> int:
        """Write what is left; returns the id of the root page."""
        self._write_leaves(PAGE_HEADER_SIZE)
        if not self._levels:
            self._levels.append(_Level(self.file))
            self._write_leaf([], PAGE_HEADER_SIZE, 1)
        level = 0
        while level < len(self._levels) - 1 or len(self._levels[level].children) > 1:
            for entry in self._levels[level].finish():
                self._add(level + 1, entry)
            level += 1
        return self._levels[level].children[0]

    def _write_leaves(self, left: int) -> None:
        """Write leaf pages until no more than ``left`` bytes wait."""
        chunks = self._chunks
        at = 0
        while self._size > left:
            group, size, pages, stop = self._one_page(at)
            if not group:
                stop, part, pages = self._choose(at)
                group = chunks[at:stop]
                if part:
                    front, chunks[stop] = cut(chunks[stop], part)
                    group.append(front)
                size = PAGE_HEADER_SIZE + sum([ELEMENT_SIZE * chunk[2] + chunk[4] for chunk in group])
            at = stop
            self._size -= size - PAGE_HEADER_SIZE
            self._write_leaf(group, size, pages)
        del chunks[:at]

    def _one_page(self, start: int) -> tuple[list[Chunk], int, int, int]:
        """Return the elements of one page, if they put it to good use: chunks, size, 1, and where the rest begins.

        That is the common case; no chunks if it isn't so.
        """
        chunks = self._chunks
        capacity = self.file.capacity
        stop, size = start, PAGE_HEADER_SIZE
        rest = None
        while stop < len(chunks):
            rest = chunks[stop]
            after = size + ELEMENT_SIZE * rest[2] + rest[4]
            if after > capacity:
                break
            size = after
            stop += 1
            rest = None
        group = chunks[start:stop]
        if rest is not None:
            part = fit(rest, capacity - size, ELEMENT_SIZE)
            if part:
                front, chunks[stop] = cut(rest, part)
                group.append(front)
                size += ELEMENT_SIZE * part + front[4]
            if size < _FULL * (self.file.page_size + ELEMENT_SIZE + (len(first_key(group[0])) if group else 0)):
                chunks[stop] = rest
                return [], 0, 0, start
        return group, size, 1, stop

    def _choose(self, start: int) -> tuple[int, int, int]:
        """Return which elements make the next page run: chunks up to which one, how many elements of that, pages.

        One page if it is put to good use, else the shortest run that is, else
        the best one. Pages that are to be filled in part only become runs only
        if an element is too large for one.
        """
        chunks = self._chunks
        page_size, capacity = self.file.page_size, self.file.capacity
        best, found = 0.0, (0, 0, 0)
        above = ELEMENT_SIZE + len(first_key(chunks[start]))
        at, size = start, PAGE_HEADER_SIZE
        for run in range(_RUN):
            room = run * page_size + capacity
            while at < len(chunks) and size + ELEMENT_SIZE * chunks[at][2] + chunks[at][4] <= room:
                size += ELEMENT_SIZE * chunks[at][2] + chunks[at][4]
                at += 1
            part, used = 0, size
            if at < len(chunks):
                part = fit(chunks[at], room - size, ELEMENT_SIZE)
                used += ELEMENT_SIZE * part + data_before(chunks[at], part)
            if at == start and not part:
                continue
            pages = -(-used // page_size)
            # Its cost is that of its pages and of its element in a branch page, which repeats its first key.
            share = used / (pages * page_size + above)
            if share > best:
                best, found = share, (at, part, pages)
            if at == len(chunks) or capacity < page_size or share >= _FULL:
                break
        if found[2]:
            return found
        # A single element larger than the longest run.
        pages = -(-(PAGE_HEADER_SIZE + ELEMENT_SIZE + data_before(chunks[start], 1)) // page_size)
        return (start, 1, pages) if chunks[start][2] > 1 else (start + 1, 0, pages)

    def _write_leaf(self, group: list[Chunk], size: int, pages: int) -> None:
        count = sum([chunk[2] for chunk in group])
        pgid = self.file.hwm
        self.file.put(pages, leaf_page(pgid, pages - 1, count, group), size)
        self._add(0, (first_key(group[0]) if group else b"", pgid))

    def _add(self, level: int, entry: tuple[bytes, int]) -> None:
        """Note a page of the level below, and what becomes full by that above."""
        entries = [entry]
        while entries:
            if level == len(self._levels):
                self._levels.append(_Level(self.file))
            # One more entry fills one page at most.
            entries = [full for entry in entries for full in self._levels[level].add(*entry)]
            level += 1


class _Level:
    """The branch page of one level that is being filled."""

    def __init__(self, file: Dense) -> None:
        self.file = file
        self.keys: list[bytes] = []
        self.children: list[int] = []
        self._size = PAGE_HEADER_SIZE
        self._fitting = 0  # how many of the keys the page takes

    def add(self, key: bytes, child: int) -> list[tuple[bytes, int]]:
        """Add a child; if that makes a page full it is written, and its first key and id are returned."""
        self.keys.append(key)
        self.children.append(child)
        grown = self._size + ELEMENT_SIZE + len(key)
        if len(self.keys) == self._fitting + 1 and (grown <= self.file.capacity or self._fitting < self._wanted(grown)):
            self._size = grown
            self._fitting += 1
        # What is left for the next page must be enough for one.
        elif len(self.keys) == self._fitting + _LEAST:
            return [self._write(self._fitting)]
        return []

    def _wanted(self, size: int) -> int:
        """Return how many keys a page should have, whatever its size, if as many as now take ``size`` bytes."""
        return _ENOUGH if 4 * size > self.file.capacity * (self._fitting + 1) else _LEAST

    def finish(self) -> list[tuple[bytes, int]]:
        """Write what is left, one page or two."""
        written = []
        if self._fitting < len(self.keys) and self._fitting > _LEAST:
            written.append(self._write(self._fitting - 1))
        written.append(self._write(len(self.keys)))
        return written

    def _write(self, count: int) -> tuple[bytes, int]:
        keys, children = self.keys[:count], self.children[:count]
        del self.keys[:count], self.children[:count]
        self._fitting = len(self.keys)
        self._size = _branch_size(self.keys)
        size = _branch_size(keys)
        pages = -(-size // self.file.page_size)
        pgid = self.file.hwm
        self.file.put(pages, branch_page(pgid, pages - 1, keys, children), size)
        return keys[0], pgid


def _branch_size(keys: list[bytes]) -> int:
    return PAGE_HEADER_SIZE + ELEMENT_SIZE * len(keys) + sum(map(len, keys))
