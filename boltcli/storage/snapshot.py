"""A snapshot: the state of a database file as of one transaction."""

from __future__ import annotations

import os

from ..errors import Changed, Corrupted, DatabaseClosed, InvalidDatabase, OpenError
from ..format.constants import ELEMENT_SIZE, META_SIZE, PAGE_HEADER_SIZE, PAGE_SIZE_SEARCH, PAGE_TYPES
from ..format.meta import Meta, choose
from ..format.page import HEADER, Page
from .open_source import open_source
from .source import HOST_PAGE, Source, read_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..format.page import Buffer, Owner
    from .guard import Guard

# Bytes that bbolt reads for a meta page before it knows the page size.
_PROBE = 0x1000
_META_END = PAGE_HEADER_SIZE + META_SIZE
# Files up to this many bytes are read as a whole.
SMALL = 1 << 20
# Pages of a larger file that are read one by one before it is mapped, which costs as much as reading them.
_LONE = 100


class Snapshot:
    """The database as described by the newest valid meta page, or with ``previous`` by the other one.

    ``metas`` are both meta pages, ``meta`` the one in use. ``size`` is the
    file's size and ``page_size`` the page size, in bytes; ``page_count`` is the
    number of pages in the file (a partial last page counts), ``mode`` its
    permission bits. Use as a context manager, or call :meth:`close`.

    The opening look reads the meta pages when the snapshot is opened; the
    closing look (:meth:`check_unchanged`), taken at the end of the ``with`` block, reads
    them again to find out whether the state changed in the meantime.
    ``finished`` is True after the last closing look.
    """

    __slots__ = (
        "_buffer",
        "_guard",
        "_lone",
        "_readable",
        "_seen",
        "_source",
        "finished",
        "meta",
        "metas",
        "mode",
        "page_count",
        "page_size",
        "path",
        "size",
    )  # fmt: skip

    piecemeal = False  # whether reading the whole file costs much more than reading single pages

    def __init__(self, path: str, source: Source | None = None, *, previous: bool = False) -> None:
        """Validate ``source``, which the snapshot then owns; by default ``path`` is opened and locked.

        Raises :class:`~boltcli.errors.SourceNotFound`,
        :class:`~boltcli.errors.OpenError`,
        :class:`~boltcli.errors.InvalidDatabase` or
        :class:`~boltcli.errors.Changed`.
        """
        self.path = path
        self.finished = False
        self._buffer: Buffer | None = None
        self._guard: Guard | None = None
        self._lone = _LONE
        self._source = source or open_source(path)
        try:
            self._open(previous)
        except BaseException:
            self.close()
            raise

    def _open(self, previous: bool) -> None:
        fd = self._source.fd
        status = os.fstat(fd)
        self.mode = status.st_mode & 0o7777
        self.size = status.st_size
        if self.size == 0:
            # bbolt tries to initialise an empty file through a read-only descriptor; this is its error.
            raise OpenError("write", self.path, "Bad file descriptor")
        self.page_size = find_page_size(fd, self.size)
        if self.size < self.page_size * 2:
            raise InvalidDatabase(f"file size too small {self.size}", path=self.path)
        # The opening look comes before everything else that is read, the closing look after it.
        self._seen = self._look()
        self.metas = Meta.at(self._seen[0], 0), Meta.at(self._seen[1], 1)
        self.meta = choose(*self.metas)
        if previous:
            self.meta = self._previous()
        self.size = os.fstat(fd).st_size  # again: the file may have grown before the look
        # A map reads as zeros from the file's end to the end of the host's page.
        self._readable = -(-self.size // HOST_PAGE) * HOST_PAGE
        self.page_count = -(-self.size // max(self.page_size, 1))
        if self._page_size_is_impossible():
            self._lone = 0
        else:
            self._read()

    def _page_size_is_impossible(self) -> bool:
        """Return whether the page size is too small for a meta page, so that no page can be read.

        Such a meta page with a good checksum was made by hand; bbolt opens the file, and fails at the first page.
        """
        return self.page_size < _META_END or self.page_size % 8 != 0

    def _refuse_odd(self) -> None:
        if self._page_size_is_impossible():
            raise InvalidDatabase(f"invalid database: page size {self.page_size}", page=self.meta.page)

    def _look(self) -> tuple[bytes, bytes]:
        """Read the beginnings of both meta pages from the file."""
        fd = self._source.fd
        return read_at(fd, 0, _META_END), read_at(fd, self.page_size, _META_END)

    def _read(self) -> None:
        """Read a small file that may change as a whole, with the closing look at once; other files are read later."""
        if self.size <= SMALL and not self._source.locked:
            self._buffer = self._whole()
            self.finish()

    def _whole(self) -> bytes:
        content = read_at(self._source.fd, 0, self.size)
        if len(content) < self.size:
            raise self._cut()
        return content

    @property
    def buffer(self) -> Buffer:
        """The file's bytes: the mapped file, or the content of a small one.

        The first access raises :class:`~boltcli.errors.OpenError`, :class:`~boltcli.errors.InvalidDatabase`
        (an impossible page size) or :class:`~boltcli.errors.Changed`; an access after :meth:`close` raises
        :class:`~boltcli.errors.DatabaseClosed`.
        """
        if self._buffer is None:
            if self._source.fd < 0:
                raise DatabaseClosed
            self._refuse_odd()
            # Reading a small file is quicker than mapping it.
            self._buffer = self._whole() if self.size <= SMALL else self._map()
        return self._buffer

    def _map(self) -> Buffer:
        import mmap

        source = self._source
        try:
            mapping = mmap.mmap(source.fd, self.size, access=mmap.ACCESS_READ)
        except ValueError:  # the file is shorter now
            raise self._cut() from None
        except OSError as error:
            raise OpenError("mmap", self.path, error.strerror or str(error)) from error
        if os.name == "posix" and not source.is_own_copy:  # Windows doesn't allow truncating a mapped file
            from .guard import Guard

            try:
                self._guard = Guard(mapping, source.fd)
            except OSError as error:  # a Python without ctypes callbacks; under the lock boltcli does as bbolt does
                if not source.locked:
                    raise Changed(f"no protection against its truncation: {error}", path=self.path) from None
        return mapping

    def _previous(self) -> Meta:
        """Return the other meta page: the state before the newest transaction."""
        other = self.metas[1 - self.meta.page]
        problem = other.problem()
        if problem is not None:
            raise InvalidDatabase(
                f"there is no transaction before {self.meta.txid}: the other meta page is not valid ({problem})",
                page=other.page, path=self.path,
            )  # fmt: skip
        return other

    def reopened(self, *, previous: bool = False) -> Snapshot:
        """Return a new snapshot of the same open file, of the newest or the ``previous`` state; close it separately."""
        return Snapshot(self.path, self._source.duplicate(), previous=previous)

    def expect_whole(self) -> None:
        """Tell the system that most of the file will be read, so that it reads ahead further."""
        if hasattr(os, "posix_fadvise"):
            try:
                os.posix_fadvise(self._source.fd, 0, 0, os.POSIX_FADV_SEQUENTIAL)
            except OSError:
                pass  # advice only

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return self._source.fd < 0

    @property
    def fd(self) -> int:
        """The file descriptor; raises DatabaseClosed once this is closed."""
        return self._source.fd

    @property
    def locked(self) -> bool:
        """Whether this process holds the shared lock, so that no bbolt can write."""
        return self._source.locked

    def check_unchanged(self) -> None:
        """Take the closing look: raise :class:`~boltcli.errors.Changed` unless everything read belongs to one state.

        With the lock it does, unless the file was truncated. Without it, the
        newest transaction must still be that of the opening look: bbolt never
        overwrites a page that the newest meta page reaches. No output may be
        shown before this look.
        """
        if self.finished:
            return
        if self._source.fd < 0:
            raise Changed("the file was closed before the closing look", path=self.path)
        if self._guard is not None and self._guard.is_cut():
            raise self._cut()
        if not (self._source.locked or self._source.is_own_copy):
            now = self._look()
            if now != self._seen:
                self._compare(Meta.at(now[0], 0), Meta.at(now[1], 1))

    def _cut(self) -> Changed:
        return Changed("the file was cut short, or its disk failed, while it was read", path=self.path)

    def poll(self) -> None:
        """Raise :class:`~boltcli.errors.Changed` if the closing look is bound to fail. Long jobs call it repeatedly."""

    def finish(self) -> None:
        """Take the closing look for the last time; nothing that could change may be read afterwards.

        This is for results that must be known to be consistent before the end of the ``with`` block.
        """
        self.check_unchanged()
        self.finished = True

    def _compare(self, *metas: Meta) -> None:
        try:
            newest = choose(*metas)
        except InvalidDatabase:
            raise Changed("the file was overwritten while it was read", path=self.path) from None
        before = choose(*self.metas)
        if newest.txid == before.txid and newest.checksum == before.checksum:
            return  # the other meta page is being written
        raise Changed(
            f"it went from transaction {before.txid} to {newest.txid} while it was read",
            path=self.path, before=before.txid, after=newest.txid,
        )  # fmt: skip

    def close(self) -> None:
        """Unmap and close the file, which releases the lock."""
        if self._guard is not None:
            self._guard.release()
        if self._buffer is not None and not isinstance(self._buffer, bytes):
            try:
                self._buffer.close()
            except BufferError:
                # A view of the map still exists, perhaps in an error's traceback, and keeps the map open. The map
                # has a duplicate of the descriptor, so release the lock explicitly.
                self._source.unlock()
        self._buffer = None
        self._source.close()

    def __enter__(self) -> Snapshot:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        # An error caused by torn pages isn't one of the database. An interruption needs no closing look.
        try:
            if kind is None or issubclass(kind, Exception):
                self.finish()
        finally:
            self.close()

    def page(
        self, pgid: int, stack: Sequence[int] = (), bucket: Owner | None = None, *, lone: bool = False
    ) -> Page:  # fmt: skip
        """Return the page run at ``pgid``, with the two assertions that bbolt makes about every page.

        They are: the page bears its own id, and it has exactly one of the four
        types. For errors, ``stack`` is the page ids that led here, ``bucket``
        the owner of the tree. ``lone``: few other pages will be read, and
        nothing after the run's end, so the file need not be mapped. Raises
        :class:`~boltcli.errors.Corrupted`.
        """
        page = self._lone_page(pgid, stack, bucket) if lone and self._buffer is None else None
        if page is None:
            page = self.any_page(pgid, stack, bucket)
        if page.pgid != pgid:
            raise self.corrupted(f"the page identifies itself as page {page.pgid}", pgid, stack, bucket)
        if page.flags not in PAGE_TYPES:
            raise page.damaged(f"unexpected page type (flags: {page.flags:x})")
        return page

    def any_page(self, pgid: int, stack: Sequence[int] = (), bucket: Owner | None = None) -> Page:
        """Return the page run at ``pgid`` like :meth:`page`, but without the assertions."""
        page_size = self.page_size
        buffer = self._buffer
        if buffer is None:
            buffer = self.buffer
        start = offset = pgid * page_size
        size = self.size
        if start + page_size > size:
            if start + PAGE_HEADER_SIZE > self._readable:
                raise self.corrupted(
                    f"the page lies beyond the end of the file ({size} bytes)", pgid, stack, bucket
                )  # fmt: skip
            # The last page is partial: its missing bytes read as zeros.
            buffer = buffer[start:].ljust(self._readable - start, b"\0")
            offset, size = 0, len(buffer)
        header = HEADER.unpack_from(buffer, offset)
        end = offset + (header[3] + 1) * page_size
        end = end if end < size else size
        return Page(header, buffer, offset, end, size, start, self.path, tuple(stack), bucket)

    def _lone_page(self, pgid: int, stack: Sequence[int], bucket: Owner | None) -> Page | None:
        """Read a single page run without mapping the file; return None if it is irregular."""
        page_size = self.page_size
        start = pgid * page_size
        if self._lone and start + page_size <= self.size:
            self._lone -= 1
            buffer = read_at(self._source.fd, start, page_size)
            header = HEADER.unpack_from(buffer.ljust(page_size, b"\0"))
            overflow = header[3]
            size = (overflow + 1) * page_size
            if size <= min(self.size - start, SMALL):
                if overflow:
                    buffer = read_at(self._source.fd, start, size)
                if len(buffer) == size and PAGE_HEADER_SIZE + ELEMENT_SIZE * header[2] <= size:
                    return Page(header, buffer, 0, size, size, start, self.path, tuple(stack), bucket)
        return None

    def corrupted(
        self, problem: str, pgid: int, stack: Sequence[int] = (), bucket: Owner | None = None
    ) -> Corrupted:  # fmt: skip
        """Return the error for ``problem`` on page ``pgid``, with its offset."""
        return Corrupted(
            problem, page=pgid, offset=pgid * self.page_size, stack=stack, path=self.path,
            bucket=bucket.names if bucket is not None else (),
        )  # fmt: skip


def find_page_size(fd: int, size: int) -> int:
    """Return the page size in bytes, found as bbolt finds it.

    It is taken from meta 0 if that is valid, else from a valid meta 1, searched
    for at every power of two from 1 KiB to 16 MiB, else (if bytes could be read
    there) it is the host's. Raises :class:`~boltcli.errors.InvalidDatabase`.
    """
    readable = False
    for position in (0, *PAGE_SIZE_SEARCH):
        if position and position >= size - 1024:
            break
        data = read_at(fd, position, _PROBE)
        if len(data) == _PROBE or (position and len(data) == size - position):
            readable = True
            meta = Meta.at(data, 0)
            if meta.problem() is None:
                return meta.page_size
    if not readable:
        raise InvalidDatabase()
    return HOST_PAGE
