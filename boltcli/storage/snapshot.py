"""A snapshot: the state of a database file as of one transaction."""

from __future__ import annotations

import os

from ..format.constants import ELEMENT_SIZE, FREELIST_PAGE, META_SIZE, PAGE_HEADER_SIZE, PAGE_SIZE_SEARCH, PAGE_TYPES
from ..format.meta import Meta, choose
from ..format.page import HEADER, Page, type_name
from ..read_errors import Changed, Corrupted, DatabaseClosed, InvalidDatabase, OpenError
from .files import cut, read_at, read_whole
from .source import HOST_PAGE, Source, open_source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from ..format.page import Buffer, Owner
    from ..progress import Progress
    from .guard import Guard
    from .remote import RemotePages

_PROBE = 0x1000  # bytes that bbolt reads for a meta page before it knows the page size
_META_END = PAGE_HEADER_SIZE + META_SIZE
SMALL = 1 << 20  # bytes; files up to this size are read as a whole
_ALONE = 100  # pages read by themselves: it takes as long as mapping the file, and most look-ups need fewer
BEYOND = 1 << 20  # page ids beyond the end of the file that are accepted; a damaged page may claim any number


class FilePages:
    """The pages of a local file: the first ones are read by themselves, then it is mapped (a small one is read)."""

    def __init__(self, source: Source, size: int, page_size: int) -> None:
        self._source = source
        self._size = size
        self._page_size = page_size
        self._left = _ALONE if size else 0
        self._buffer: Buffer | None = None
        self._guard: Guard | None = None

    def alone(self, pgid: int) -> bytes | None:
        """Return the bytes of the page run ``pgid``; None if it is irregular, or enough were read by themselves."""
        page_size = self._page_size
        start = pgid * page_size
        if not self._left or start + page_size > self._size:
            return None
        self._left -= 1
        content = read_at(self._source.fd, start, page_size)
        _, _, count, overflow = HEADER.unpack_from(content.ljust(page_size, b"\0"))
        size = (overflow + 1) * page_size
        if size > min(self._size - start, SMALL):
            return None
        if overflow:
            content = read_at(self._source.fd, start, size)
        return content if len(content) == size and PAGE_HEADER_SIZE + ELEMENT_SIZE * count <= size else None

    def whole(self) -> Buffer:
        if self._buffer is None:
            if self._size <= SMALL:  # quicker than mapping it
                self._buffer = read_whole(self._source.fd, 0, self._size, self._source.path)
            else:
                from .guard import map_file

                self._buffer, self._guard = map_file(self._source, self._size)
        return self._buffer

    def check_unchanged(self) -> None:
        if self._guard is not None and self._guard.is_cut():
            raise cut(self._source.path)

    def close(self) -> None:
        """Unmap the file. Raises BufferError if a view of the map still exists."""
        if self._guard is not None:
            self._guard.release()
        buffer, self._buffer = self._buffer, None
        if buffer is not None and not isinstance(buffer, bytes):
            buffer.close()


class Snapshot:
    """The database as described by the newest valid meta page, or with ``previous`` by the other one.

    ``metas`` are both meta pages, ``heads`` their beginnings, ``meta`` the one in use. ``size`` and ``page_size`` are
    in bytes; in ``page_count`` a partial last page counts. The opening look reads the meta pages; the closing look, at
    the end of the ``with`` block, reads them again to find out whether the state changed in the meantime. ``finished``
    is True after it. ``memo`` is for what is found out about this state once.
    """

    def __init__(
        self, path: str, source: Source | None = None, *, previous: bool = False,
        on_page: Callable[[Snapshot, Page], None] | None = None, at_once: bool = True,
    ) -> None:  # fmt: skip
        """Validate ``source``, which the snapshot then owns; by default ``path`` is opened and locked.

        ``on_page`` is called with each page that is read. A small file that may change is read as a whole, with the
        closing look, unless ``at_once`` is False. Raises SourceNotFound, OpenError, InvalidDatabase or Changed.
        """
        self.path = path
        self.finished = False
        self.memo: dict[str, Any] = {}
        self._buffer: Buffer | None = None  # the whole file, once it was asked for
        self._on_page = on_page
        self.show: Callable[[], object] | None = None  # is called with each page that a walk visits
        self._source = source or open_source(path)
        self._pages: FilePages | RemotePages = FilePages(self._source, 0, 0)  # until the page size is known
        self._written: int | None = None
        try:
            self._open(previous)
            if (
                at_once
                and self.size <= SMALL
                and not (self._source.locked or self._source.remote is not None or self._page_size_is_impossible())
            ):
                self._buffer = self._pages.whole()
                self.finish()
        except BaseException:
            self.close()
            raise

    def _open(self, previous: bool) -> None:
        source = self._source
        fd, remote = source.fd, source.remote
        if remote is not None:
            from .remote import RemotePages, fetch_metas

            fetch_metas(remote)
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
        self.heads = self._look()
        self.metas = Meta.at(self.heads[0], 0), Meta.at(self.heads[1], 1)
        self.meta = choose(*self.metas)
        if previous:
            before = self.metas[1 - self.meta.page]
            problem = before.problem()
            if problem is not None:
                what = f"there is no transaction before {self.meta.txid}: the other meta page is not valid ({problem})"
                raise InvalidDatabase(what, page=before.page, path=self.path)
            self.meta = before
            # Of that state a writer may reuse the pages without changing a meta page.
            self._written = None if source.is_stable else status.st_mtime_ns
        self.size = os.fstat(fd).st_size  # again: the file may have grown before the look
        # A map reads as zeros from the file's end to the end of the host's page.
        self._readable = -(-self.size // HOST_PAGE) * HOST_PAGE
        self.page_count = -(-self.size // max(self.page_size, 1))
        if remote is not None:
            self._pages = RemotePages(remote, fd, self.size, self.page_size)
        elif not self._page_size_is_impossible():
            self._pages = FilePages(source, self.size, self.page_size)

    def _page_size_is_impossible(self) -> bool:
        """Return whether a meta page made by hand has no room for itself: bbolt fails at the first page, too."""
        return self.page_size < _META_END or self.page_size % 8 != 0

    def _look(self) -> tuple[bytes, bytes]:
        fd = self._source.fd
        return read_at(fd, 0, _META_END), read_at(fd, self.page_size, _META_END)

    @property
    def buffer(self) -> Buffer:
        """The file's bytes; of a remote object all. Raises OpenError, InvalidDatabase, Changed, DatabaseClosed."""
        if self._buffer is None:
            self._readable_pages()
            self._buffer = self._pages.whole()
        return self._buffer

    def _readable_pages(self) -> None:
        if self._source.fd < 0:
            raise DatabaseClosed
        if self._page_size_is_impossible():
            raise InvalidDatabase(f"invalid database: page size {self.page_size}", page=self.meta.page)

    def reopened(self, *, previous: bool = False) -> Snapshot:
        """Return a new snapshot of the same open file, of the newest or the ``previous`` state; close it separately."""
        return Snapshot(self.path, self._source.duplicate(), previous=previous)

    @property
    def closed(self) -> bool:
        return self._source.fd < 0

    @property
    def fd(self) -> int:
        return self._source.fd

    @property
    def locked(self) -> bool:
        return self._source.locked

    @property
    def is_at_hand(self) -> bool:
        """Whether pages may be read in any way: those of a local file, while nobody is told of each (``on_page``)."""
        return self._on_page is None and self._source.remote is None

    @property
    def is_own_copy(self) -> bool:
        """Whether this is a private copy, or a part, of what ``path`` names: packed, remote, or standard input."""
        return self._source.is_own_copy

    @property
    def may_have_writer(self) -> bool:
        return self._source.may_have_writer

    def check_unchanged(self) -> None:
        """Take the closing look: raise Changed unless all that was read is of one state. Show nothing before."""
        if self.finished:
            return
        if self._source.fd < 0:
            raise Changed("the file was closed before the last check of its meta pages", path=self.path)
        self._pages.check_unchanged()
        self.poll()
        if self._written is not None:
            from .holders import writer

            if writer(self._source) is not None or os.fstat(self._source.fd).st_mtime_ns != self._written:
                what = "the file was written while its previous state was read"
                raise Changed(what, path=self.path)

    def poll(self) -> None:
        """Raise Changed if the closing look is bound to fail. Long jobs call it repeatedly."""
        if self._source.is_stable or self.finished:
            return
        now = self._look()
        if now == self.heads:
            return
        try:
            newest = choose(Meta.at(now[0], 0), Meta.at(now[1], 1))
        except InvalidDatabase:
            raise Changed("the file was overwritten while it was read", path=self.path) from None
        before = choose(*self.metas)
        if (newest.txid, newest.checksum) == (before.txid, before.checksum):
            return  # the other meta page is being written
        raise Changed(
            f"it went from transaction {before.txid} to {newest.txid} while it was read",
            path=self.path, before=before.txid, after=newest.txid,
        )  # fmt: skip

    def finish(self) -> None:
        """Take the closing look for the last time: nothing that could change may be read afterwards."""
        self.check_unchanged()
        self.finished = True

    def close(self) -> None:
        try:
            self._pages.close()
        except BufferError:
            # A view of the map still exists, perhaps in an error's traceback, and keeps the map open. The map
            # has a duplicate of the descriptor, so release the lock explicitly.
            self._source.unlock()
        self._buffer = None
        self.memo.clear()
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

    def page(self, pgid: int, stack: Sequence[int] = (), bucket: Owner | None = None) -> Page:
        """Return the page run at ``pgid``, with bbolt's assertions: its own id, one of four types. Raises Corrupted."""
        page = self.any_page(pgid, stack, bucket)
        if page.pgid != pgid:
            raise self.corrupted(f"the page identifies itself as page {page.pgid}", pgid, stack, bucket)
        if page.flags not in PAGE_TYPES:
            raise page.damaged(f"unexpected page type (flags: {page.flags:x})")
        return page

    def any_page(self, pgid: int, stack: Sequence[int] = (), bucket: Owner | None = None) -> Page:
        """Return the page run at ``pgid`` like :meth:`page`, but without the assertions."""
        page_size = self.page_size
        start = offset = pgid * page_size
        size = self.size
        buffer = self._buffer
        if buffer is None:
            buffer = self._pages.alone(pgid)
            if buffer is not None:
                offset, size = 0, len(buffer)
            elif isinstance(self._pages, FilePages):
                buffer = self.buffer
            else:
                self._readable_pages()
                buffer = self._pages.holding(pgid)
        if offset + page_size > size:
            if start + PAGE_HEADER_SIZE > self._readable:
                beyond = f"the page lies beyond the end of the file ({size} bytes)"
                raise self.corrupted(beyond, pgid, stack, bucket)
            # The last page is partial: its missing bytes read as zeros.
            buffer = buffer[start:].ljust(self._readable - start, b"\0")
            offset, size = 0, len(buffer)
        header = HEADER.unpack_from(buffer, offset)
        end = offset + (header[3] + 1) * page_size
        end = end if end < size else size
        page = Page(header, buffer, offset, end, start, self.path, tuple(stack), bucket)
        if self._on_page is not None:
            self._on_page(self, page)
        return page

    def freelist(self, meta: Meta | None = None) -> tuple[Page, list[int]]:
        """Return the freelist page of ``meta`` (None: that in use), and the ids in it, as stored. Raises Corrupted."""
        pgid = (meta or self.meta).freelist
        page = self.any_page(pgid)
        claimed, page.pgid = page.pgid, pgid  # bbolt doesn't check this page's id
        if page.flags != FREELIST_PAGE:
            raise page.damaged(f"invalid freelist page, its type is {type_name(page.flags)}")
        ids = page.freelist_ids(self.page_count + BEYOND)
        page.pgid = claimed
        return page, ids

    def used_pages(self) -> int:
        """Return how many pages a walk has to read, for its progress: those below the high-water mark, without the free
        ones in a large local file with a sound freelist."""
        if "used pages" not in self.memo:
            free = 0
            if self.meta.has_freelist and self.size > SMALL and self._source.remote is None:
                try:
                    free = len(self.freelist()[1])
                except Corrupted:
                    pass
            self.memo["used pages"] = max(min(self.meta.hwm, self.page_count) - free, 1)
        found: int = self.memo["used pages"]
        return found

    def watch(self, progress: Progress) -> None:
        """Show the pages that are visited by walks without a progress of their own, for a job of many small walks."""
        visited, total = 0, self.used_pages()

        def show() -> None:
            nonlocal visited
            visited += 1
            progress(min(visited, total), total)

        self.show = show

    def corrupted(
        self, problem: str, pgid: int, stack: Sequence[int] = (), bucket: Owner | None = None
    ) -> Corrupted:  # fmt: skip
        """Return the error for ``problem`` on page ``pgid``, with its offset."""
        return Corrupted(
            problem, page=pgid, offset=pgid * self.page_size, stack=stack, path=self.path,
            bucket=bucket.names if bucket is not None else (),
        )  # fmt: skip


def find_page_size(fd: int, size: int) -> int:
    """Return the page size in bytes, found as bbolt finds it. Raises InvalidDatabase.

    It is taken from meta 0 if that is valid, else from a valid meta 1, searched for at every power of two from 1 KiB to
    16 MiB, else (if bytes could be read there) it is the host's.
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
