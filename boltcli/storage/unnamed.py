"""A file without a name: in memory while it is small, else on the disk. Closing its descriptor deletes it."""

from __future__ import annotations

import os

from ..errors import OpenError
from .positions import write_all

IN_MEMORY = 64 << 20  # bytes; larger files are on the disk


class Unnamed:
    """A file to be written from front to back; zeros become holes. ``path`` is its name in errors.

    :meth:`take` hands over the descriptor; otherwise :meth:`close` it.
    """

    __slots__ = ("_fd", "_in_memory", "path", "size")

    def __init__(self, path: str) -> None:
        self.path = path
        self.size = 0
        self._in_memory = hasattr(os, "memfd_create")
        self._fd = os.memfd_create("boltcli", os.MFD_CLOEXEC) if self._in_memory else self._temporary()

    def write(self, data: bytes) -> None:
        """Append ``data``. Raises :class:`~boltcli.errors.OpenError` if the disk is full."""
        end = self.size + len(data)
        if self._in_memory and end > IN_MEMORY:
            self._move()
        if data.count(0) < len(data):
            self._put(data, self.size)
        self.size = end

    def take(self, mode: int = 0o600) -> int:
        """Return the descriptor of the complete file, with the permissions ``mode``."""
        try:
            os.truncate(self._fd, self.size)
            if hasattr(os, "fchmod"):
                os.fchmod(self._fd, mode)
        except OSError as error:
            raise self._error(error) from error
        fd, self._fd = self._fd, -1
        return fd

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _put(self, data: bytes, position: int) -> None:
        try:
            write_all(self._fd, data, position)
        except OSError as error:
            raise self._error(error) from error

    def _move(self) -> None:
        old, self._fd = self._fd, self._temporary()
        self._in_memory = False
        try:
            os.lseek(old, 0, os.SEEK_SET)
            for position in range(0, self.size, 1 << 20):
                part = os.read(old, 1 << 20)  # memory: all of it at once
                if part.strip(b"\0"):
                    self._put(part, position)
        finally:
            os.close(old)

    def _temporary(self) -> int:
        return temporary_file(self.path)

    def _error(self, error: OSError) -> OpenError:
        return OpenError("unpack", self.path, error.strerror or str(error))


def temporary_file(path: str) -> int:
    """Return the descriptor of a new unnamed file on the disk. Raises :class:`~boltcli.errors.OpenError`."""
    from tempfile import TemporaryFile

    try:
        with TemporaryFile(prefix="boltcli-") as file:
            return os.dup(file.fileno())
    except OSError as error:
        raise OpenError("unpack", path, error.strerror or str(error)) from error
