"""The pages of a database that bbolt's write transactions write: which are free, how the file grows, its metas.

This does what bbolt does in ``db.go``, ``tx.go`` and its array freelist.
"""

from __future__ import annotations

from ...format.constants import FREELIST_PAGE, LEAF_PAGE
from ...format.encode import freelist_bytes, freelist_page, meta_page
from ...format.page import HEADER
from ...storage.files import read_or_raise
from .page_writer import PageWriter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    Meta = tuple[int, int, int, int]  # transaction, root, freelist, high-water mark

ALLOC_SIZE = 16 << 20  # bbolt's DB.AllocSize: beyond it files grow in steps of so many bytes
_MMAP_STEP = 1 << 30


class FreeRuns:
    """Free pages as runs, as bbolt's array freelist has them; those that a transaction releases are free after it."""

    __slots__ = ("_runs", "count", "pending", "pending_count")

    def __init__(self) -> None:
        self._runs: list[tuple[int, int]] = []  # first page id, number of pages; no two adjoin
        self.count = 0
        self.pending: list[tuple[int, int]] = []
        self.pending_count = 0

    def allocate(self, pages: int) -> int:
        """Return the first place where so many pages follow each other, or 0."""
        for index, (start, length) in enumerate(self._runs):
            if length >= pages:
                if length == pages:
                    del self._runs[index]
                else:
                    self._runs[index] = (start + pages, length - pages)
                self.count -= pages
                return start
        return 0

    def release(self, start: int, pages: int) -> None:
        """Note that the transaction no longer uses a run."""
        self.pending.append((start, pages))
        self.pending_count += pages

    def begin(self) -> None:
        """Begin a transaction: pages released before may be allocated."""
        self._runs = self._all()
        self.count += self.pending_count
        self.pending = []
        self.pending_count = 0

    def ids(self) -> list[int]:
        """Return all page ids, those just released among them, ascending."""
        return [pgid for start, length in self._all() for pgid in range(start, start + length)]

    def _all(self) -> list[tuple[int, int]]:
        merged: list[tuple[int, int]] = []
        end = -1
        for start, length in sorted(self._runs + self.pending):
            if start == end:
                first, before = merged[-1]
                merged[-1] = (first, before + length)
            else:
                merged.append((start, length))
            end = start + length
        return merged


class BboltFile:
    """A database created by bbolt, in which write transactions follow each other.

    Each transaction's meta is written only if it is one of the last two.
    """

    def __init__(self, fd: int, page_size: int) -> None:
        self.page_size = page_size
        self.writer = PageWriter(fd, page_size)
        # As created: two metas, an empty freelist, an empty leaf for the root bucket.
        self.hwm = 4
        self.root = 3
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

    def read(self, pgid: int) -> bytes:
        """Return a committed page run."""
        page_size, fd = self.page_size, self.writer.fd
        data = read_or_raise(fd, pgid * page_size, page_size)
        overflow = HEADER.unpack_from(data)[3]
        if overflow:
            data = read_or_raise(fd, pgid * page_size, page_size * (overflow + 1))
        return data

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
            self.size = grown(self.size, (self.hwm + 1) * self.page_size, self._mapped)
        self.writer.flush()
        self._metas[self.txid % 2] = self.txid, root, pgid, self.hwm

    def take_over(self, metas: Sequence[Meta], size: int) -> None:
        """Take the metas and size of a file whose transactions were written by the kernel."""
        self._metas, self.size = list(metas), size

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


def grown(size: int, needed: int, mapped: int) -> int:
    """Return the size to which bbolt extends a file when ``needed`` bytes of it are in use, ``mapped`` by its map."""
    if needed <= size:
        return size
    return mapped if mapped <= ALLOC_SIZE else needed + ALLOC_SIZE
