"""A mapped database file, seen as of its newest transaction."""

from __future__ import annotations

import mmap
import os

from ..errors import Corrupted, InvalidDatabase, OpenError
from ..format.constants import META_SIZE, PAGE_HEADER_SIZE, PAGE_SIZE_SEARCH, PAGE_TYPES
from ..format.meta import Meta, choose
from ..format.page import HEADER
from .source import open_source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..format.page import Buffer

# How much bbolt reads to look at a meta page before it knows the page size.
_PROBE = 0x1000


class Page:
    """One page run (a page and its overflow pages), located; nothing copied.

    The header stands at ``offset`` of ``buffer``. ``end`` is where the run
    ends, ``limit`` where the readable bytes end (bbolt, which checks no bounds,
    reads elements up to there). ``file_offset`` is the byte offset in the file.
    An inline page has the page id 0 and no limit beyond its bucket's value.
    """

    __slots__ = ("buffer", "count", "end", "file_offset", "flags", "limit", "offset", "overflow", "pgid")

    def __init__(
        self, pgid: int, flags: int, count: int, overflow: int,
        buffer: Buffer, offset: int, end: int, limit: int, file_offset: int,
    ) -> None:  # fmt: skip
        self.pgid = pgid
        self.flags = flags
        self.count = count
        self.overflow = overflow
        self.buffer = buffer
        self.offset = offset
        self.end = end
        self.limit = limit
        self.file_offset = file_offset


class Snapshot:
    """The database as the newest valid meta page describes it.

    ``metas`` are both meta pages, ``meta`` the one that rules. ``size`` is the
    file's size in bytes, ``page_size`` in bytes, ``page_count`` the number of
    pages that the file has room for (a cut last page counts). Use as a context
    manager, or call :meth:`close`.
    """

    __slots__ = ("_fd", "_readable", "buffer", "meta", "metas", "page_count", "page_size", "path", "size")

    def __init__(self, path: str) -> None:
        """Open, lock, map and validate ``path``.

        Raises :class:`~boltcli.errors.SourceNotFound`,
        :class:`~boltcli.errors.OpenError` or
        :class:`~boltcli.errors.InvalidDatabase`.
        """
        self.path = path
        self._fd = open_source(path)
        try:
            self._map()
        except BaseException:
            self.close()
            raise

    def _map(self) -> None:
        self.size = os.fstat(self._fd).st_size
        if self.size == 0:
            # bbolt begins to initialise the file, through a descriptor that it cannot write to.
            raise OpenError("write", self.path, "Bad file descriptor")
        self.page_size = find_page_size(self._fd, self.size)
        if self.size < self.page_size * 2:
            raise InvalidDatabase(f"file size too small {self.size}", path=self.path)
        try:
            self.buffer = mmap.mmap(self._fd, 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            raise OpenError("mmap", self.path, getattr(error, "strerror", None) or str(error)) from error
        self.size = len(self.buffer)
        # Past the file's end, up to the end of the host's page, a map reads as zeros.
        self._readable = -(-self.size // mmap.PAGESIZE) * mmap.PAGESIZE
        self.page_count = -(-self.size // self.page_size)
        self.metas = Meta.at(self._bytes_at(0), 0), Meta.at(self._bytes_at(self.page_size), 1)
        self.meta = choose(*self.metas)

    def _bytes_at(self, start: int) -> bytes:
        return self.buffer[start : start + PAGE_HEADER_SIZE + META_SIZE]

    def close(self) -> None:
        """Unmap and close; the lock goes with the descriptor."""
        buffer = getattr(self, "buffer", None)
        if buffer is not None:
            try:
                buffer.close()
            except BufferError:
                pass  # the caller holds a view of it: it goes when the view goes
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> Snapshot:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def page(self, pgid: int, stack: Sequence[int] = ()) -> Page:
        """The page run at ``pgid``, with the two assertions that bbolt makes of every page.

        They are: the page bears its own id, and it has exactly one of the four
        types. ``stack`` is the page ids that led here, for the error.
        Raises :class:`~boltcli.errors.Corrupted`.
        """
        page = self.any_page(pgid, stack)
        if page.pgid != pgid:
            raise self.corrupted(f"the page identifies itself as page {page.pgid}", pgid, stack)
        if page.flags not in PAGE_TYPES:
            raise self.corrupted(f"unexpected page type (flags: {page.flags:x})", pgid, stack)
        return page

    def any_page(self, pgid: int, stack: Sequence[int] = ()) -> Page:
        """Like :meth:`page`, but whatever the header says is taken as it is."""
        page_size = self.page_size
        buffer: Buffer = self.buffer
        start = offset = pgid * page_size
        size = self.size
        if start + page_size > size:
            if start + PAGE_HEADER_SIZE > self._readable:
                raise self.corrupted(f"the page lies beyond the end of the file ({size} bytes)", pgid, stack)
            # The last page is cut short: what is missing of it reads as zeros.
            buffer = buffer[start:].ljust(self._readable - start, b"\0")
            offset, size = 0, len(buffer)
        bears, flags, count, overflow = HEADER.unpack_from(buffer, offset)
        end = offset + (overflow + 1) * page_size
        return Page(bears, flags, count, overflow, buffer, offset, end if end < size else size, size, start)

    def corrupted(self, problem: str, pgid: int, stack: Sequence[int] = ()) -> Corrupted:
        """The error for ``problem`` on page ``pgid``, with its place."""
        return Corrupted(problem, page=pgid, offset=pgid * self.page_size, stack=stack, path=self.path)


def find_page_size(fd: int, size: int) -> int:
    """The page size as bbolt finds it, in bytes.

    From meta 0 if it is valid, else from a valid meta 1 searched for at every
    power of two from 1 KiB to 16 MiB, else (if anything could be read there)
    the host's. Raises :class:`~boltcli.errors.InvalidDatabase`.
    """
    readable = False
    for position in (0, *PAGE_SIZE_SEARCH):
        if position and position >= size - 1024:
            break
        data = _read_at(fd, position)
        if len(data) == _PROBE or (position and len(data) == size - position):
            readable = True
            meta = Meta.at(data, 0)
            if meta.problem() is None:
                return _sane_page_size(meta)
    if not readable:
        raise InvalidDatabase()
    return mmap.PAGESIZE


def _sane_page_size(meta: Meta) -> int:
    # A checksummed meta with such a page size was made by hand. bbolt would index with it blindly.
    if meta.page_size < 256 or meta.page_size % 8:
        raise InvalidDatabase(f"invalid database: page size {meta.page_size}", page=meta.page)
    return meta.page_size


def _read_at(fd: int, position: int) -> bytes:
    try:
        if hasattr(os, "pread"):
            return os.pread(fd, _PROBE, position)
        os.lseek(fd, position, os.SEEK_SET)
        return os.read(fd, _PROBE)
    except OSError:  # a directory, a bad sector: nothing readable here
        return b""
