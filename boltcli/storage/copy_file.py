"""A private copy of what a database uses, in a nameless sparse file, kept up to date page by page."""

from __future__ import annotations

import mmap
import os
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

from ..errors import OpenError
from .live import _clone, _Copy, _copy_range, _Room
from .snapshot import Snapshot
from .source import Source

if TYPE_CHECKING:
    from collections.abc import Iterable


class CopyFile:
    """The copy of one transaction's state. It takes as much of the disk as the pages of the database that are not free.

    Use as a context manager, or call :meth:`close`.
    """

    __slots__ = ("_fd", "path")

    def __init__(self, source: Source) -> None:
        """Copy the newest state of ``source``, as of one moment where the file system can do that.

        Raises :class:`~boltcli.errors.Changed` if another transaction came
        meanwhile, :class:`~boltcli.errors.InvalidDatabase`, and
        :class:`~boltcli.errors.OpenError` if there is no room.
        """
        self.path = source.path
        clone = _clone(source)
        if clone is not None:
            self._fd = clone.fd
            return
        room = _File()
        try:
            _Copy(source.path, source.duplicate(), room).close()
        except BaseException:
            room.close()
            raise
        self._fd = room.fd

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


class _File(_Room):
    """Room for a copy that is always a file, and stays."""

    def __init__(self) -> None:
        super().__init__()
        self.fd = -1

    def prepare(self, size: int, path: str) -> None:
        self._path = path
        try:
            with TemporaryFile(prefix="boltcli-") as file:
                self.fd = os.dup(file.fileno())
            os.ftruncate(self.fd, size)
        except OSError as error:
            raise self._error(error) from error

    def copy(self, fd: int, start: int, stop: int) -> None:
        try:
            while start < stop:
                done = _copy_range(fd, self.fd, start, stop - start)
                if not done:
                    break
                start += done
        except OSError as error:
            raise self._error(error) from error

    def take(self) -> mmap.mmap:
        return mmap.mmap(self.fd, 0, access=mmap.ACCESS_READ)

    def close(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1
