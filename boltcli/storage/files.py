"""Read, write and lock files, copy them, and make files without names; not every system has pread(2)."""

from __future__ import annotations

import errno
import os

from ..read_errors import BoltError, Changed, os_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Self

    from ..format.page import Buffer

IN_MEMORY = 64 << 20  # bytes; larger unnamed files are on the disk
_CHUNK = 1 << 20  # bytes
_FICLONE = 0x40049409  # ioctl_ficlone(2)


class Trying:
    """Context manager: an OSError inside ``with Trying("read", path)`` becomes an OpenError."""

    def __init__(self, operation: str, path: str) -> None:
        self._what = operation, path

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: object, _trace: object) -> None:
        if isinstance(error, OSError) and not isinstance(error, BoltError):
            raise os_error(*self._what, error) from error


class Closing:
    """What is closed at the end of a ``with`` block."""

    def close(self) -> None:
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def read_at(fd: int, position: int, size: int) -> bytes:
    """Return up to ``size`` bytes from ``position``: fewer at the file's end, none if they can't be read."""
    try:
        return read_or_raise(fd, position, size)
    except OSError:  # a directory, a bad sector
        return b""


def read_or_raise(fd: int, position: int, size: int) -> bytes:
    """Return up to ``size`` bytes from ``position``: fewer at the file's end only. Raises OSError."""
    parts = []
    while size > 0:
        if hasattr(os, "pread"):
            part = os.pread(fd, size, position)
        else:
            os.lseek(fd, position, os.SEEK_SET)
            part = os.read(fd, size)
        if not part:
            break
        parts.append(part)
        position += len(part)
        size -= len(part)
    return b"".join(parts)


def sha256_of(fd: int, size: int, progress: Callable[[int, int], None]) -> str:
    """Return the SHA-256 in hexadecimal of the first ``size`` bytes. ``progress`` gets bytes. Raises OSError."""
    from hashlib import sha256

    digest = sha256()
    for start in range(0, size, _CHUNK):
        digest.update(read_or_raise(fd, start, min(_CHUNK, size - start)))
        progress(start, size)
    return digest.hexdigest()


def read_whole(fd: int, start: int, stop: int, path: str) -> bytes:
    """Return all bytes from ``start`` to ``stop``. Raises OpenError; Changed if there are fewer."""
    with Trying("read", path):
        content = read_or_raise(fd, start, stop - start)
    if len(content) < stop - start:
        raise cut(path)
    return content


def cut(path: str) -> Changed:
    return Changed("the file was cut short, or its disk failed, during the read", path=path)


def write_all(fd: int, data: Buffer | bytearray | memoryview, at: int | None = None) -> None:
    """Write all of ``data`` to ``fd`` at the position ``at``; None: where the file stands. Raises OSError."""
    view = memoryview(data)
    if at is not None and not hasattr(os, "pwrite"):
        os.lseek(fd, at, os.SEEK_SET)
        at = None
    while view:
        done = os.write(fd, view) if at is None else os.pwrite(fd, view, at)
        view = view[done:]
        if at is not None:
            at += done


def copy_sparse(source: int, target: int, first: int = 0) -> None:
    """Copy a file, from the byte ``first`` on; holes stay holes. Raises OSError."""
    end = first
    for start, end in _data(source, first):
        _copy_range(source, target, start, end, first)
    size = os.fstat(source).st_size
    if size > end:  # a hole at the end, or data appended in the meantime
        os.truncate(target, size - first)


def _data(fd: int, position: int) -> Iterator[tuple[int, int]]:
    """Yield the ranges of a file that hold data; the whole file if the system doesn't report holes."""
    size = os.fstat(fd).st_size
    if hasattr(os, "SEEK_DATA"):
        try:
            while position < size:
                start = os.lseek(fd, position, os.SEEK_DATA)
                position = os.lseek(fd, start, os.SEEK_HOLE)
                yield start, position
            return
        except OSError as error:
            if error.errno == errno.ENXIO:  # no data from here on
                return
    yield position, max(size, 1)  # reading a folder must raise an error, even where its size is 0


def _copy_range(source: int, target: int, position: int, end: int, first: int) -> None:
    if hasattr(os, "copy_file_range"):
        try:
            while position < end and (
                count := os.copy_file_range(source, target, min(end - position, 1 << 30), position, position - first)
            ):
                position += count
        except OSError:
            pass  # not supported between these file systems: read and write, which reports real errors
    while position < end and (data := read_or_raise(source, position, min(end - position, _CHUNK))):
        write_all(target, data, position - first)
        position += len(data)


def take_lock(fd: int, *, exclusive: bool = False) -> None:
    """Take bbolt's shared lock of the file ``fd``, or a writer's ``exclusive`` one, without waiting: flock(2).

    Raises BlockingIOError if another process holds it in the way, OSError if this file system has no locks.
    """
    try:
        import fcntl
    except ImportError:
        from .windows_lock import lock_byte

        lock_byte(fd, exclusive=exclusive)
        return
    fcntl.flock(fd, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)


def release_lock(fd: int) -> None:
    """Release the lock of the file ``fd``. Raises OSError."""
    try:
        import fcntl
    except ImportError:
        from .windows_lock import lock_byte

        lock_byte(fd, release=True)
        return
    fcntl.flock(fd, fcntl.LOCK_UN)


def clone(fd: int, path: str) -> int:
    """Return an unnamed clone of the file ``fd`` at ``path``, of one moment, with its mode; -1 if that can't be."""
    try:
        import fcntl

        folder = os.path.dirname(os.path.realpath(path))
        made = os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except (ImportError, AttributeError, OSError):
        return -1
    try:
        fcntl.ioctl(made, _FICLONE, fd)
    except OSError:
        os.close(made)
        return -1
    return with_mode(made, os.fstat(fd).st_mode)


def with_mode(fd: int, mode: int) -> int:
    """Give the file ``fd`` permissions, whatever the umask is; return it."""
    if hasattr(os, "fchmod"):
        os.fchmod(fd, mode & 0o7777)
    return fd


def unnamed_file(size: int, path: str, mode: int = 0o600) -> int:
    """Return a new unnamed file for ``size`` bytes of ``path``, in memory if they are few. Raises OpenError."""
    in_memory = size <= IN_MEMORY and hasattr(os, "memfd_create")
    return with_mode(os.memfd_create("boltcli", os.MFD_CLOEXEC) if in_memory else temporary_file(path, "copy"), mode)


def unnamed_copy(fd: int, path: str, first: int = 0) -> int:
    """Return an unnamed copy of the file ``fd`` from the byte ``first`` on, with its permissions. Raises OpenError."""
    status = os.fstat(fd)
    copy = unnamed_file(status.st_size - first, path, status.st_mode)
    try:
        with Trying("copy", path):
            copy_sparse(fd, copy, first)
    except BaseException:
        os.close(copy)
        raise
    return copy


def temporary_file(path: str, operation: str = "unpack") -> int:
    """Return the descriptor of a new unnamed file on the disk. Raises OpenError."""
    from tempfile import TemporaryFile

    with Trying(operation, path), TemporaryFile(prefix="boltcli-") as file:
        return os.dup(file.fileno())


class Unnamed(Closing):
    """A file without a name, written from front to back, in memory while it is small; zeros become holes."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.size = 0
        self._in_memory = hasattr(os, "memfd_create")
        self._fd = unnamed_file(0, path)

    def write(self, data: bytes) -> None:
        """Append ``data``. Raises OpenError if the disk is full."""
        end = self.size + len(data)
        if self._in_memory and end > IN_MEMORY:
            old, self._fd = self._fd, temporary_file(self.path)
            self._in_memory = False
            try:
                with Trying("unpack", self.path):
                    copy_sparse(old, self._fd)
            finally:
                os.close(old)
        if data.count(0) < len(data):
            with Trying("unpack", self.path):
                write_all(self._fd, data, self.size)
        self.size = end

    def take(self, mode: int = 0o600) -> int:
        """Return the descriptor of the complete file, with the permissions ``mode``."""
        with Trying("unpack", self.path):
            os.truncate(self._fd, self.size)
        fd, self._fd = self._fd, -1
        return with_mode(fd, mode)

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
