"""Write pages in batches, in the order of the file."""

from __future__ import annotations

import os

from ...storage.files import write_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...format.encode import Piece

_BATCH = 1 << 20  # bytes gathered before they are written
_PIECES = 1000  # a writev takes 1024


class PageWriter:
    """Puts pages into a file; those that follow each other go in one call."""

    def __init__(self, fd: int, page_size: int) -> None:
        self.fd = fd
        self.page_size = page_size
        self._zeros = memoryview(bytes(page_size))
        self._waiting: list[tuple[int, int, list[Piece]]] = []
        self._bytes = 0

    def put(self, pgid: int, pages: int, pieces: list[Piece], size: int) -> None:
        """Write ``pieces``, ``size`` bytes in all, at the start of a run of ``pages`` pages, followed by zeros.

        No two runs put between two calls of :meth:`flush` may overlap.
        """
        rest = pages * self.page_size - size
        if rest:
            pieces.append(self._zeros[:rest])
        self._waiting.append((pgid, pages, pieces))
        self._bytes += size
        if self._bytes >= _BATCH:
            self.flush()

    def truncate(self, size: int) -> None:
        """Let the file end there."""
        os.truncate(self.fd, size)

    def flush(self) -> None:
        """Write what waits."""
        waiting = self._waiting
        waiting.sort()
        start = end = 0
        gathered: list[Piece] = []
        for pgid, pages, pieces in waiting:
            if pgid != end or len(gathered) + len(pieces) > _PIECES:
                self._write(start, end, gathered)
                start = pgid
                gathered = []
            gathered += pieces
            end = pgid + pages
        self._write(start, end, gathered)
        self._waiting = []
        self._bytes = 0

    def write(self, start: int, end: int, data: memoryview) -> None:
        """Write ``data``, which fills the pages from ``start`` up to ``end``, now."""
        self._write(start, end, [data])

    def _write(self, start: int, end: int, pieces: Sequence[Piece]) -> None:
        """Write ``pieces``, which fill the pages from ``start`` up to ``end``."""
        if not pieces:
            return
        offset = start * self.page_size
        done = 0
        if hasattr(os, "pwritev") and len(pieces) <= _PIECES:
            done = os.pwritev(self.fd, pieces, offset)
            if done == (end - start) * self.page_size:
                return
        for piece in pieces:
            size = memoryview(piece).nbytes
            if done < size:
                write_all(self.fd, memoryview(piece)[done:], offset + done)  # a full disk raises here
            done -= min(done, size)
            offset += size


class NoWriter(PageWriter):
    """Takes pages and writes none, for those who only want to know how many there would be."""

    def put(self, pgid: int, pages: int, pieces: list[Piece], size: int) -> None:
        pass

    def truncate(self, size: int) -> None:
        pass
