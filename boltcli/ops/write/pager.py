"""The pages of a database that is written: which are free, how the file grows, as in bbolt's ``db.go``, ``tx.go``."""

from __future__ import annotations

import os

from ...format.constants import FREELIST_PAGE, LEAF_PAGE, PAGE_HEADER_SIZE
from ...format.encode import freelist_bytes, freelist_page
from ...format.meta import meta_page
from ...format.page import HEADER
from ...storage.files import read_or_raise, write_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ...format.encode import Piece

    Meta = tuple[int, int, int, int]  # transaction, root, freelist, high-water mark

ALLOC_SIZE = 16 << 20  # bbolt's DB.AllocSize: beyond it files grow in steps of so many bytes
_MMAP_STEP = 1 << 30
_LARGE = 1 << 18  # bytes; a larger page is not joined before it is written


class PageWriter:
    """Puts pages into a new file, which begins as bbolt's: room for metas, an empty freelist, an empty root leaf."""

    def __init__(self, fd: int, page_size: int) -> None:
        self.fd = fd
        self.page_size = page_size
        for pgid, flags in (2, FREELIST_PAGE), (3, LEAF_PAGE):
            self.put(pgid, 1, [HEADER.pack(pgid, flags, 0, 0)], PAGE_HEADER_SIZE)

    def put(self, pgid: int, pages: int, pieces: list[Piece], size: int) -> None:
        """Write ``pieces``, of ``size`` bytes, and zeros to the end of the run of ``pages`` pages from ``pgid`` on."""
        zeros = bytes(pages * self.page_size - size)
        self.write(pgid, pgid + pages, *([b"".join([*pieces, zeros])] if size <= _LARGE else [*pieces, zeros]))

    def write(self, start: int, _end: int, *pieces: Piece) -> None:
        """Write ``pieces``, which fill the pages from ``start`` on."""
        offset = start * self.page_size
        for piece in pieces:
            write_all(self.fd, piece, offset)
            offset += len(piece)

    def end(self, metas: Iterable[Meta], size: int, sequence: int = 0) -> None:
        """Write the metas, and let the file end there; ``sequence`` is that of the root bucket."""
        for txid, root, freelist, hwm in metas:
            page_size = self.page_size
            head = meta_page(txid, page_size=page_size, root=root, freelist=freelist, hwm=hwm, sequence=sequence)
            self.put(txid % 2, 1, [head], len(head))
        os.truncate(self.fd, size)


class Space:
    """The pages of a file of ``size`` bytes as transactions allocate them; free runs as in bbolt's array freelist."""

    def __init__(self, page_size: int, hwm: int, size: int) -> None:
        self.page_size = page_size
        self.hwm = self._hwm_before = hwm
        self.size = size
        self._mapped = mmap_size(size, page_size)
        self._free: list[tuple[int, int]] = []  # first page id, number of pages; no two adjoin
        self._released: list[tuple[int, int]] = []  # by the transaction: free after it

    def begin(self) -> None:
        self._free = self.free_runs()
        self._released = []
        self._hwm_before = self.hwm

    def allocate(self, pages: int) -> int:
        """Return a run of so many pages: the first place where they are free, or new ones at the end."""
        for index, (start, length) in enumerate(self._free):
            if length >= pages:
                self._free[index : index + 1] = [(start + pages, length - pages)] if length > pages else []
                return start
        pgid = self.hwm
        needed = (pgid + pages + 1) * self.page_size
        if needed >= self._mapped:
            self._mapped = mmap_size(max(needed, self.size), self.page_size)
        self.hwm += pages
        return pgid

    def release(self, pgid: int, pages: int) -> None:
        """Release a run, which is free from the next transaction on."""
        self._released.append((pgid, pages))

    def end(self) -> tuple[int, int, bytes]:
        """End the transaction: let the file grow; return page id, number of pages, and content of the freelist."""
        pages = freelist_bytes(sum(length for _, length in self._free + self._released)) // self.page_size + 1
        pgid = self.allocate(pages)
        needed = (self.hwm + 1) * self.page_size
        if self.hwm > self._hwm_before and needed > self.size:
            self.size = self._mapped if self._mapped <= ALLOC_SIZE else needed + ALLOC_SIZE
        free = [page for start, length in self.free_runs() for page in range(start, start + length)]
        return pgid, pages, freelist_page(pgid, pages - 1, free)

    def free_runs(self) -> list[tuple[int, int]]:
        """Return all free runs, those just released among them, ascending."""
        merged: list[tuple[int, int]] = []
        for start, length in sorted(self._free + self._released):
            if merged and start == sum(merged[-1]):
                start, length = merged[-1][0], merged.pop()[1] + length
            merged.append((start, length))
        return merged


class BboltFile(Space):
    """A database created by bbolt, in which write transactions follow each other; the last two metas are written."""

    def __init__(self, fd: int, page_size: int) -> None:
        super().__init__(page_size, 4, 4 * page_size)
        self.writer = PageWriter(fd, page_size)
        self.root = 3
        self.txid = 1
        self._freelist = (2, 1)
        self._metas: list[Meta] = [(0, 3, 2, 4), (1, 3, 2, 4)]  # by txid % 2

    def begin(self) -> None:
        super().begin()
        self.txid += 1

    def read(self, pgid: int) -> bytes:
        """Return a committed page run."""
        page_size, fd = self.page_size, self.writer.fd
        data = read_or_raise(fd, pgid * page_size, page_size)
        overflow = HEADER.unpack_from(data)[3]
        return read_or_raise(fd, pgid * page_size, page_size * (overflow + 1)) if overflow else data

    def commit(self, root: int) -> None:
        """End the transaction; ``root`` is the root bucket's page."""
        self.root = root
        self.release(*self._freelist)
        pgid, pages, content = self.end()
        self.writer.put(pgid, pages, [content], len(content))
        self._freelist = pgid, pages
        self._metas[self.txid % 2] = self.txid, root, pgid, self.hwm

    def finish(self) -> None:
        """Write the metas and give the file its size."""
        self.writer.end(self._metas, self.size)


def mmap_size(size: int, page_size: int) -> int:
    """Return the size of bbolt's map for a file of ``size`` bytes: doubled from 32 KiB, then in steps of 1 GiB."""
    if size <= _MMAP_STEP:
        return 1 << max((size - 1).bit_length(), 15)
    size = -(-size // _MMAP_STEP) * _MMAP_STEP
    return -(-size // page_size) * page_size
