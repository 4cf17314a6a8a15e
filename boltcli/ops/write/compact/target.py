"""A bucket that is being written: only the right edge of its tree is in memory, since keys come in order.

How full nodes are split into pages is bbolt's (``node.go``): a node of more
than four elements that takes a page or more is cut where the next element
would go over the threshold, at two elements at least, three before the end at most.
"""

from __future__ import annotations

from ....format.constants import BUCKET_LEAF_FLAG, ELEMENT_SIZE, PAGE_HEADER_SIZE
from ....format.encode import branch_page
from ....format.page import BUCKET_HEADER
from .leaf_slices import cut, element, first_key, fit, holds_buckets, inline_bucket, leaf_page

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .allocator import NewFile
    from .leaf_slices import Chunk

_LEAST = 2  # bbolt's MinKeysPerPage


class _Branch:
    """The right-most branch node of one level. ``size`` is that of its page; ``pgid`` 0: it isn't stored yet."""

    __slots__ = ("children", "keys", "pages", "pgid", "size")

    def __init__(self) -> None:
        self.keys: list[bytes] = []
        self.children: list[int] = []
        self.size = PAGE_HEADER_SIZE
        self.pgid = 0
        self.pages = 0


class Target:
    """A bucket that is being written.

    ``full``: something was put into it in this transaction (bbolt fills its
    pages to the brim then, else by half). ``touched``: it, or a bucket inside
    it, was changed in this transaction. ``placed``: its parent has an element for it.
    """

    __slots__ = (
        "branches", "chunks", "count", "file", "full", "holds_buckets", "name", "pages", "pgid",
        "placed", "sequence", "size", "touched",
    )  # fmt: skip

    def __init__(self, file: NewFile, name: bytes, sequence: int) -> None:
        self.file = file
        self.name = name
        self.sequence = sequence
        self.full = False
        self.touched = True
        self.placed = False
        # The right-most leaf node: its elements, its page (0 if it isn't stored).
        self.chunks: list[Chunk] = []
        self.count = 0
        self.size = PAGE_HEADER_SIZE
        self.holds_buckets = False
        self.pgid = 0
        self.pages = 0
        self.branches: list[_Branch] = []  # upwards

    def append(self, chunk: Chunk, mixed: bool = False) -> None:
        """Append the elements of ``chunk``; if it is ``mixed``, there may be buckets among them."""
        if mixed and not self.holds_buckets:
            self.holds_buckets = holds_buckets(chunk)
        self.chunks.append(chunk)
        self.count += chunk[2]
        self.size += ELEMENT_SIZE * chunk[2] + chunk[4]

    def place(self, name: bytes, value: bytes, placed: bool) -> None:
        """Put or update the element of the bucket ``name``, the last one."""
        chunk = element(BUCKET_LEAF_FLAG, name, value)
        if placed:
            old = self.chunks.pop()
            self.count -= 1
            self.size -= ELEMENT_SIZE + old[4]
        self.append(chunk)
        self.holds_buckets = True

    def store(self) -> bytes:
        """Write the bucket's changed pages; returns the value of its element in the parent."""
        if not self.branches and not self.holds_buckets and self.size <= self.file.page_size // 4:
            return inline_bucket(self.sequence, self.chunks)
        return BUCKET_HEADER.pack(self.spill(), self.sequence)

    def spill(self) -> int:
        """Write the changed nodes to new pages, leaves first; returns the id of the root page."""
        page_size = self.file.page_size
        # By half: a bucket that was only passed through on the way to one inside it.
        threshold = page_size if self.full else page_size // 2
        keys, children = self._spill_leaves(threshold)
        level = 0
        while level < len(self.branches) or len(children) > 1:
            if level == len(self.branches):
                self.branches.append(_Branch())
            branch = self.branches[level]
            if branch.children:
                branch.children.pop()
                branch.size -= ELEMENT_SIZE + len(branch.keys.pop())
            branch.keys += keys
            branch.children += children
            branch.size += ELEMENT_SIZE * len(keys) + sum(map(len, keys))
            keys, children = self._spill_branch(branch, threshold)
            level += 1
        return children[0]

    def _spill_leaves(self, threshold: int) -> tuple[list[bytes], list[int]]:
        """Split the leaf node into pages; returns their first keys and ids. The last page's node stays."""
        file = self.file
        page_size = file.page_size
        if self.pgid:
            file.release(self.pgid, self.pages)
        keys = []
        children = []
        chunks = self.chunks
        at = 0  # chunks before this one are written
        while True:
            if self.count > 2 * _LEAST and self.size >= page_size:
                count, size, group, at = self._next_page(at, threshold)
            else:
                count, size, group = self.count, self.size, chunks[at:]
            pages = -(-size // page_size)
            pgid = file.allocate(pages)
            file.writer.put(pgid, pages, leaf_page(pgid, pages - 1, count, group), size)
            keys.append(first_key(group[0]) if count else b"")
            children.append(pgid)
            if count == self.count:
                break
            self.count -= count
            self.size -= size - PAGE_HEADER_SIZE
        self.chunks, self.pgid, self.pages = group, pgid, pages
        return keys, children

    def _next_page(self, at: int, threshold: int) -> tuple[int, int, list[Chunk], int]:
        """Return the elements of the next page, from chunk ``at``: number, size, chunks, and the start of the rest.

        A chunk that is cut leaves its rest in ``self.chunks``.
        """
        chunks = self.chunks
        start = at
        count = 0
        size = PAGE_HEADER_SIZE
        while at < len(chunks):
            chunk = chunks[at]
            after = size + ELEMENT_SIZE * chunk[2] + chunk[4]
            if after > threshold:
                break
            count += chunk[2]
            size = after
            at += 1
        part = fit(chunks[at], threshold - size, ELEMENT_SIZE) if at < len(chunks) else 0
        wanted = min(max(count + part, _LEAST), self.count - _LEAST - 1)
        if count + part != wanted:
            at, count, size = start, 0, PAGE_HEADER_SIZE
            while count + chunks[at][2] <= wanted:
                count += chunks[at][2]
                size += ELEMENT_SIZE * chunks[at][2] + chunks[at][4]
                at += 1
            part = wanted - count
        group = chunks[start:at]
        if part:
            front, chunks[at] = cut(chunks[at], part)
            group.append(front)
            size += ELEMENT_SIZE * part + front[4]
        return count + part, size, group, at

    def _spill_branch(self, branch: _Branch, threshold: int) -> tuple[list[bytes], list[int]]:
        """Return the same for a branch node."""
        file = self.file
        page_size = file.page_size
        if branch.pgid:
            file.release(branch.pgid, branch.pages)
        keys = []
        children = []
        start = 0
        while True:
            count, size = len(branch.keys) - start, branch.size
            if count > 2 * _LEAST and size >= page_size:
                count, size = _branch_split(branch.keys, start, threshold)
            pages = -(-size // page_size)
            pgid = file.allocate(pages)
            stop = start + count
            pieces = branch_page(pgid, pages - 1, branch.keys[start:stop], branch.children[start:stop])
            file.writer.put(pgid, pages, pieces, size)
            keys.append(branch.keys[start])
            children.append(pgid)
            if stop == len(branch.keys):
                break
            start = stop
            branch.size -= size - PAGE_HEADER_SIZE
        del branch.keys[:start], branch.children[:start]
        branch.pgid, branch.pages = pgid, pages
        return keys, children


def _branch_split(keys: list[bytes], start: int, threshold: int) -> tuple[int, int]:
    """Return how many elements from ``start`` on go into the next page, and its size."""
    size = PAGE_HEADER_SIZE
    last = len(keys) - _LEAST - 1
    for index in range(start, last):
        after = size + ELEMENT_SIZE + len(keys[index])
        if index - start >= _LEAST and after > threshold:
            return index - start, size
        size = after
    return last - start, size
