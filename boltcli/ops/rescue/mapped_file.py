"""Open a file for rescue: map all of it, without validating anything."""

from __future__ import annotations

import mmap
import os

from ...errors import OpenError
from ...storage.files import cut, read_or_raise
from ...storage.guard import map_file
from ...storage.source import LOCK_PATIENCE, Source, open_source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...format.page import Buffer
    from ...storage.guard import Guard
    from ...storage.snapshot import Snapshot
    from ...storage.source import Way

_SMALL = 1 << 20  # bytes; such a file is read, not mapped


class MappedFile:
    """The bytes of a file. ``buffer`` has ``size`` bytes; ``mode`` is the permission bits.

    Use as a context manager. Unless ``lock`` is ``none`` the shared lock is taken, and a file whose lock another
    process holds is refused. Raises :class:`~boltcli.errors.SourceNotFound`, :class:`~boltcli.errors.OpenError`,
    :class:`~boltcli.errors.Locked`.
    """

    __slots__ = ("_guard", "_source", "buffer", "mode", "path", "size")

    def __init__(self, path: str, lock: Way = "wait", timeout: float = LOCK_PATIENCE) -> None:
        self.path = path
        self._guard: Guard | None = None
        # Rescue never reads beside a writer unless it is told to: "auto" is "wait" here.
        self._source: Source = open_source(path, "none" if lock == "none" else "wait", timeout)
        try:
            status = os.fstat(self._source.fd)
            self.size = status.st_size
            self.mode = status.st_mode & 0o7777
            self.buffer: Buffer = self._map()
        except OSError as error:
            self._source.close()
            raise OpenError("read", path, error.strerror or str(error)) from error

    def _map(self) -> Buffer:
        if self.size <= _SMALL:
            content = read_or_raise(self._source.fd, 0, self.size)
            self.size = len(content)
            return content
        mapping, self._guard = map_file(self._source, self.size)
        return mapping

    def check_unchanged(self) -> None:
        """Raise :class:`~boltcli.errors.Changed` if the file was cut short while it was read."""
        if self._guard is not None and self._guard.is_cut():
            raise cut(self.path)

    def snapshot(self) -> Snapshot:
        """Open the file as a database, which the caller closes. Raises what opening raises."""
        from ...storage.snapshot import Snapshot

        return Snapshot(self.path, self._source.duplicate())

    def close(self) -> None:
        if self._guard is not None:
            self._guard.release()
            self._guard = None
        if isinstance(self.buffer, mmap.mmap):
            try:
                self.buffer.close()
            except BufferError:
                pass  # a view of it is still held: it goes when the view goes
        self._source.close()

    def __enter__(self) -> MappedFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
