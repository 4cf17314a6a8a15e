"""Find the subtrees that two databases share, by page ids alone, or by comparing the bytes of pages.

Two transactions of one file share each page that both reach, as the newest transaction wrote only to pages that were
free. Two copies of a file may not: between them a child may have been freed and written again at its old place, under a
parent with the same bytes. So equal bytes of a parent prove nothing about its children, and all pages are compared. The
keys of equal pages are not read.
"""

from __future__ import annotations

from ...errors import Corrupted
from ...format.bucket import buckets_in
from ...format.constants import BRANCH_PAGE, ELEMENT_SIZE, LEAF_PAGE, PAGE_HEADER_SIZE
from ...format.page import EVEN, BranchElements, header_columns
from ...storage.files import read_or_raise
from ...tree.walk import flat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...storage.snapshot import Snapshot
    from ...tree.walk import Nested

_CHUNK = 1 << 16  # bytes compared at a time; larger chunks are slower
_SAME, _DIFFERENT = 1, 2  # states of a page, 0: not known
_CLEAN, _CHANGED, _OPEN = 1, 2, 3  # states of a subtree, 0: not known


class SharedPages:
    """For two files with the same page size, of which one may be a copy of the other. Takes ten bytes a page."""

    def __init__(self, old: Snapshot, new: Snapshot) -> None:
        self._old, self._new = old, new
        self.page_size = page_size = new.page_size
        self.limit = min(old.size, new.size) // page_size
        self._per_chunk = max(_CHUNK // page_size, 1)
        self._same = bytearray(self.limit)
        self._below = bytearray(self.limit)
        self._stack: list[int] = []  # the pages whose children are being looked at
        # The second half of each page header. (Not an array.array, which takes long to import.)
        self._words = memoryview(bytearray(8 * self.limit)).cast("Q")

    def clean(self, pgid: int) -> bool:
        """Return whether the trees of both at page ``pgid`` are the same, with all buckets in them."""
        if pgid >= self.limit:
            return False
        if not self._below[pgid]:
            for _ in flat(self._look(pgid)):
                pass
        return self._below[pgid] == _CLEAN

    def _look(self, pgid: int) -> Nested[None]:
        """Find out about a page and all below it; yields nothing."""
        children = self._open(pgid)
        if not children:
            return
        below = self._below
        below[pgid] = _OPEN
        self._stack.append(pgid)
        result = _CLEAN
        for child in children:
            if child < self.limit and not below[child]:
                yield self._look(child)
            elif child < self.limit and below[child] == _OPEN:
                raise self._new.corrupted("the page is its own ancestor", child, (*self._stack, child))
            if child >= self.limit or below[child] == _CHANGED:
                result = _CHANGED
        self._stack.pop()
        below[pgid] = result

    def _open(self, pgid: int) -> list[int]:
        """Return the pages that decide about ``pgid``; none if it is decided."""
        children = None
        if self._is_same(pgid):
            page = self._new.any_page(pgid)
            try:
                page.table(page.count)
                if page.count and page.flags == BRANCH_PAGE:
                    children = self._without_leaves(BranchElements(page).pgids)
                elif page.count and page.flags == LEAF_PAGE:
                    children = [bucket.root for bucket in buckets_in(page) if bucket.root]
            except Corrupted:
                pass
        if not children:  # an irregular page is compared element by element
            self._below[pgid] = _CHANGED if children is None else _CLEAN
        return children or []

    def _without_leaves(self, children: list[int]) -> list[int]:
        """Return those of ``children`` that aren't known to be plain leaves which are the same."""
        self._new.poll()
        self._old.poll()
        if max(children) >= self.limit:
            return children
        for chunk in {child // self._per_chunk for child in children}:
            if not self._same[chunk * self._per_chunk]:
                self._compare(chunk)
        below = self._below
        return [child for child in children if below[child] != _CLEAN] or children[:1]

    def _is_same(self, pgid: int) -> bool:
        """Return whether the page run at ``pgid`` has the same bytes in both."""
        per_chunk, same = self._per_chunk, self._same
        if not same[pgid]:
            self._compare(pgid // per_chunk)
        stop = pgid + (self._words[pgid] >> 32) + 1
        if stop > self.limit:
            return False
        for first in range(pgid - pgid % per_chunk, stop, per_chunk):
            if not same[first]:
                self._compare(first // per_chunk)
        return same.find(_DIFFERENT, pgid, stop) < 0

    def _compare(self, chunk: int) -> None:
        """Compare the pages of one chunk, and find the plain leaves among those that are the same."""
        first = chunk * self._per_chunk
        last = min(first + self._per_chunk, self.limit)
        page_size, same, below = self.page_size, self._same, self._below
        size = (last - first) * page_size
        old, new = (_piece(side, first * page_size, size) for side in (self._old, self._new))
        _, heads = header_columns(new, page_size, last - first)
        self._words[first:last] = heads
        equal = old == new
        for pgid, at, word in zip(range(first, last), range(0, size, page_size), heads.tolist()):
            if not equal and old[at : at + page_size] != new[at : at + page_size]:
                same[pgid] = _DIFFERENT
                continue
            same[pgid] = _SAME
            # Leaves of one page without buckets, like most pages of a file.
            if word < 1 << 32 and word & 0xFFFF == LEAF_PAGE:
                end = PAGE_HEADER_SIZE + ELEMENT_SIZE * (word >> 16)
                flags = new[at + PAGE_HEADER_SIZE : at + end : ELEMENT_SIZE]
                if end <= page_size and not flags.translate(None, EVEN):
                    below[pgid] = _CLEAN


def _piece(snapshot: Snapshot, start: int, size: int) -> bytes:
    """Return a part of the file as bytes, zeros where there is none any more."""
    buffer = snapshot.buffer
    if isinstance(buffer, bytes):
        return buffer[start : start + size]
    return read_or_raise(snapshot.fd, start, size).ljust(size, b"\0")
