"""A private copy of what a database uses, in a nameless sparse file, kept up to date page by page."""

from __future__ import annotations

import os
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

from ..errors import Changed, Corrupted, OpenError
from .live import _clone
from .snapshot import Snapshot
from .source import Source, read_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    # The pages of a state that are free, ascending.
    FreePages = Callable[[Snapshot], list[int]]

_CHUNK = 1 << 20  # bytes copied between two looks


class CopyFile:
    """The copy of one transaction's state. It takes as much of the disk as the pages of the database that are not free.

    Use as a context manager, or call :meth:`close`.
    """

    __slots__ = ("_fd", "path")

    def __init__(self, source: Source, free_pages: FreePages, wait: Callable[[], bool] | None = None) -> None:
        """Copy the newest state of ``source``; ``free_pages`` says which of its pages need not be copied.

        A file system that can do that gives a copy of one moment. Else it is
        copied a part at a time, and goes from transaction to transaction
        meanwhile: the next one writes only to pages that are free, so all
        others that were copied stay right. If one is missed it begins again,
        after ``wait()``; when that is False it gives up.

        Raises :class:`~boltcli.errors.Changed` when it gave up,
        :class:`~boltcli.errors.InvalidDatabase`, and
        :class:`~boltcli.errors.OpenError` if there is no room.
        """
        self.path = source.path
        clone = _clone(source)
        if clone is not None:
            self._fd = clone.fd
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
        copied = bytearray()  # of each page, whether what was copied of it is right
        done = 0
        before: tuple[int, int, list[int]] | None = None  # the state that this is so of: txid, checksum, free pages
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
                    state.settled = True  # nothing more is asked of it
            if (before is None or copied.count(1) <= done) and not wait():
                raise Changed("the database is written to too fast to be copied", path=self.path)

    def _copy(self, state: Snapshot, fd: int, copied: bytearray, free: list[int]) -> None:
        """Copy what isn't yet, each part followed by a look; then the meta pages. Raises Changed."""
        page_size = state.page_size
        self.update(state.size, ())
        for first, last in _runs(copied, free, min(state.meta.hwm, state.page_count), max(_CHUNK // page_size, 1)):
            content = read_at(fd, first * page_size, (last - first) * page_size)
            state.verify()
            self.update(state.size, [(first * page_size, content)])
            copied[first:last] = b"\1" * (last - first)
        state.settle()
        self.update(state.size, [(page * page_size, head) for page, head in enumerate(state._seen)])

    def snapshot(self) -> Snapshot:
        """The state that the copy holds; to be closed before the next :meth:`update`."""
        return Snapshot(self.path, Source(os.dup(self._fd), self.path, private=True))

    def update(self, size: int, parts: Iterable[tuple[int, bytes]]) -> None:
        """Write ``parts`` at their offsets; the file that is copied has ``size`` bytes now. Raises OpenError."""
        try:
            os.ftruncate(self._fd, size)
            for position, content in parts:
                view = memoryview(content)
                while view:
                    done = os.pwrite(self._fd, view, position)
                    view = view[done:]
                    position += done
        except OSError as error:
            raise OpenError("copy", self.path, error.strerror or str(error)) from error

    def close(self) -> None:
        """Give the copy up."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> CopyFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Unsettled(Snapshot):
    """A snapshot that doesn't take even a small file in at once."""

    __slots__ = ()

    def _read(self) -> None:
        pass


def _free(state: Snapshot, free_pages: FreePages) -> list[int] | None:
    """The free pages of ``state``; None if they can't be known. Raises Changed."""
    try:
        free = free_pages(state)
    except Corrupted:
        state.verify()
        return None
    state.verify()
    return free


def follows(new: Snapshot, txid: int, checksum: int) -> bool:
    """Whether ``new`` is the one transaction after that one, whose meta page its file must still hold."""
    before = new.metas[1 - new.meta.page]
    return (
        new.meta.txid == txid + 1
        and (before.txid, before.checksum) == (txid, checksum)
        and before.problem() is None
    )  # fmt: skip


def _renew(copied: bytearray, state: Snapshot, txid: int, checksum: int, free: list[int]) -> bool:
    """Bring ``copied`` from the state described to ``state``; False if that can't be known."""
    if (state.meta.txid, state.meta.checksum) == (txid, checksum):
        return True
    if not follows(state, txid, checksum):
        return False
    for pgid in free:
        if pgid < len(copied):
            copied[pgid] = 0
    return True


def _runs(copied: bytearray, free: list[int], stop: int, most: int) -> Iterator[tuple[int, int]]:
    """The pages from 2 to before ``stop`` that are neither copied nor free, in runs of at most ``most``."""
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
