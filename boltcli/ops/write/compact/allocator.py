"""Allocate pages for the file that is written, extend it, and write its metas.

This does what bbolt's write transactions do (``tx.go``, ``db.go``,
``freelist``), except that each transaction's meta is written only if it is one
of the last two.
"""

from __future__ import annotations

from ....format.constants import FREELIST_PAGE, LEAF_PAGE
from ....format.encode import freelist_bytes, freelist_page, meta_page
from ....format.page import HEADER
from .free_runs import FreeRuns
from .page_writer import PageWriter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    Meta = tuple[int, int, int, int]  # transaction, root, freelist, high-water mark

ALLOC_SIZE = 16 << 20  # bbolt's DB.AllocSize: beyond it files grow in steps of so many bytes
_MMAP_STEP = 1 << 30


class NewFile:
    """A database created by bbolt, in which write transactions follow each other."""

    def __init__(self, fd: int, page_size: int) -> None:
        self.page_size = page_size
        self.writer = PageWriter(fd, page_size)
        # As created: two metas, an empty freelist, an empty leaf for the root bucket.
        self.hwm = 4
        self.root = 3
        self.sequence = 0  # of the root bucket
        self.txid = 1
        self._freelist = (2, 1)
        self._metas: list[Meta] = [(0, 3, 2, 4), (1, 3, 2, 4)]  # by txid % 2
        for pgid, flags in (2, FREELIST_PAGE), (3, LEAF_PAGE):
            self.writer.put(pgid, 1, [HEADER.pack(pgid, flags, 0, 0)], 16)
        self.writer.flush()
        self.size = 4 * page_size
        self._mapped = mmap_size(self.size, page_size)
        self._free = FreeRuns()
        self._hwm_before = 4

    def begin(self) -> None:
        """Begin a write transaction."""
        self.txid += 1
        self._free.begin()
        self._hwm_before = self.hwm

    def allocate(self, pages: int) -> int:
        """Return a run of so many pages: free ones, or new ones at the end."""
        pgid = self._free.allocate(pages)
        if pgid:
            return pgid
        pgid = self.hwm
        needed = (pgid + pages + 1) * self.page_size
        if needed >= self._mapped:
            self._mapped = mmap_size(max(needed, self.size), self.page_size)
        self.hwm += pages
        return pgid

    def release(self, pgid: int, pages: int) -> None:
        """Release a run, which is free from the next transaction on."""
        self._free.release(pgid, pages)

    def commit(self, root: int) -> None:
        """End the transaction: freelist, growth, meta; ``root`` is the root bucket's page."""
        free = self._free
        self.root = root
        free.release(*self._freelist)
        pages = freelist_bytes(free.count + free.pending_count) // self.page_size + 1
        pgid = self.allocate(pages)
        content = freelist_page(pgid, pages - 1, free.ids())
        self.writer.put(pgid, pages, [content], len(content))
        self._freelist = pgid, pages
        if self.hwm > self._hwm_before:
            self._grow((self.hwm + 1) * self.page_size)
        self.writer.flush()
        self._metas[self.txid % 2] = self.txid, root, pgid, self.hwm

    def take_over(self, metas: Sequence[Meta], size: int) -> None:
        """Take the metas and size of a file whose transactions were written by the kernel."""
        self._metas, self.size = list(metas), size

    def _grow(self, size: int) -> None:
        if size > self.size:
            self.size = self._mapped if self._mapped <= ALLOC_SIZE else size + ALLOC_SIZE

    def finish(self) -> None:
        """Write the metas and give the file its size."""
        for txid, root, freelist, hwm in self._metas:
            content = meta_page(txid, page_size=self.page_size, root=root, freelist=freelist, hwm=hwm)
            self.writer.put(txid % 2, 1, [content], len(content))
        self.writer.flush()
        self.writer.truncate(self.size)


def mmap_size(size: int, page_size: int) -> int:
    """Return the size of bbolt's map for a file of ``size`` bytes: doubled from 32 KiB, then in steps of 1 GiB."""
    for bits in range(15, 31):
        if size <= 1 << bits:
            return 1 << bits
    size = -(-size // _MMAP_STEP) * _MMAP_STEP
    return -(-size // page_size) * page_size
