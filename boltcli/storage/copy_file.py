"""A private copy of a database in use, in an unnamed sparse file, which is kept up to date page by page."""

from __future__ import annotations

import os
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

from ..errors import Changed, Corrupted, OpenError
from .live import _clone, read_whole
from .positions import write_all
from .snapshot import Snapshot
from .source import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    # Returns the free pages of a state, ascending.
    FreePages = Callable[[Snapshot], list[int]]

_CHUNK = 1 << 20  # bytes copied between two looks at the meta pages


class CopyFile:
    """A copy of one transaction's state, without its free pages.

    Use as a context manager, or call :meth:`close`.
    """

    __slots__ = ("_fd", "path")

    def __init__(self, source: Source, free_pages: FreePages, wait: Callable[[], bool] | None = None) -> None:
        """Copy the newest state of ``source``, except the pages that ``free_pages`` returns.

        If the file system can clone files, the copy is of one moment. Else the
        file is copied in parts. When a transaction is committed meanwhile, the
        copy follows it: it wrote only to free pages, so the other pages copied
        so far are still valid. If two were committed, copying begins again
        after ``wait()``; when that returns False, it gives up.

        Raises :class:`~boltcli.errors.Changed` when it gave up,
        :class:`~boltcli.errors.InvalidDatabase`, and
        :class:`~boltcli.errors.OpenError` if the disk is full.
        """
        self.path = source.path
        clone = _clone(source)
        if clone is not None:
            self._fd = os.dup(clone.fd)
            clone.close()
            return
        try:
            with TemporaryFile(prefix="boltcli-") as file:
                self._fd = os.dup(file.fileno())
        except OSError as error:
            raise OpenError("copy", self.path, error.strerror or str(error)) from error
        try:
            self._fill(source, free_pages, wait or (lambda: False))
        except BaseException:
            self.close()
            raise

    def _fill(self, source: Source, free_pages: FreePages, wait: Callable[[], bool]) -> None:
        copied = bytearray()  # for each page, whether its copy is valid
        done = 0
        before: tuple[int, int, list[int]] | None = None  # the state that ``copied`` is for: txid, checksum, free pages
        while True:
            with _Unsettled(self.path, source.duplicate()) as state:
                try:
                    free = _free(state, free_pages)
                    if before is None or not _renew(copied, state, *before):
                        copied = bytearray()
                    copied.extend(bytes(max(state.page_count - len(copied), 0)))
                    before = None if free is None else (state.meta.txid, state.meta.checksum, free)
                    done = copied.count(1)
                    self._copy(state, source.fd, copied, free or [])
                    return
                except Changed:
                    state.finished = True  # it is not read again
            if (before is None or copied.count(1) <= done) and not wait():
                raise Changed("the database is written to too fast to be copied", path=self.path)

    def _copy(self, state: Snapshot, fd: int, copied: bytearray, free: list[int]) -> None:
        """Copy the missing pages, looking at the meta pages after each part; then the meta pages. Raises Changed."""
        page_size = state.page_size
        self.update(state.size, ())
        for first, last in _runs(copied, free, min(state.meta.hwm, state.page_count), max(_CHUNK // page_size, 1)):
            content = read_whole(fd, first * page_size, min(last * page_size, state.size), self.path)
            state.check_unchanged()
            self.update(state.size, [(first * page_size, content)])
            copied[first:last] = b"\1" * (last - first)
        state.finish()
        self.update(state.size, [(page * page_size, head) for page, head in enumerate(state._seen)])

    def snapshot(self) -> Snapshot:
        """Return a snapshot of the copy; close it before the next :meth:`update`."""
        return Snapshot(self.path, Source(os.dup(self._fd), self.path, is_own_copy=True))

    def update(self, size: int, parts: Iterable[tuple[int, bytes]]) -> None:
        """Write ``parts`` at their offsets; ``size`` is the new size of the source. Raises OpenError."""
        try:
            os.ftruncate(self._fd, size)
            for position, content in parts:
                write_all(self._fd, content, position)
        except OSError as error:
            raise OpenError("copy", self.path, error.strerror or str(error)) from error

    def close(self) -> None:
        """Delete the copy."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> CopyFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Unsettled(Snapshot):
    """A snapshot that never reads the whole file in advance, not even a small one."""

    __slots__ = ()

    def _read(self) -> None:
        pass


def _free(state: Snapshot, free_pages: FreePages) -> list[int] | None:
    """Return the free pages of ``state``; None if its freelist is damaged. Raises Changed."""
    try:
        free = free_pages(state)
    except Corrupted:
        state.check_unchanged()
        return None
    state.check_unchanged()
    return free


def follows(new: Snapshot, txid: int, checksum: int) -> bool:
    """Return whether ``new`` is the transaction right after ``txid``, whose meta page must still be in the file."""
    before = new.metas[1 - new.meta.page]
    return (
        new.meta.txid == txid + 1
        and (before.txid, before.checksum) == (txid, checksum)
        and before.problem() is None
    )  # fmt: skip


def _renew(copied: bytearray, state: Snapshot, txid: int, checksum: int, free: list[int]) -> bool:
    """Update ``copied`` from the earlier state to ``state``; return False if that isn't possible."""
    if (state.meta.txid, state.meta.checksum) == (txid, checksum):
        return True
    if not follows(state, txid, checksum):
        return False
    for pgid in free:
        if pgid < len(copied):
            copied[pgid] = 0
    return True


def _runs(copied: bytearray, free: list[int], stop: int, most: int) -> Iterator[tuple[int, int]]:
    """Yield the pages from 2 to before ``stop`` that are neither copied nor free, in runs of at most ``most`` pages."""
    done = bytearray(copied[:stop])
    for pgid in free:
        if pgid < stop:
            done[pgid] = 1
    first = done.find(0, 2)
    while first >= 0:
        last = done.find(1, first, min(first + most, stop))
        if last < 0:
            last = min(first + most, stop)
        yield first, last
        first = done.find(0, last)
