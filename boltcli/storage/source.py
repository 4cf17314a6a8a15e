"""An open database file, its lock, and reading bytes at a position."""

from __future__ import annotations

import os

from ..errors import OpenError, SourceNotFound, refused
from .members import split_member
from .opened import hold, hold_again, let_go

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .opened import Key
    from .remote import Remote

_MAGIC = (0xED0CDAED).to_bytes(4, "little")  # of a meta page, after the page header

# Bytes; found without importing mmap.
HOST_PAGE: int = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


# File types (stat(2)) other than regular files and folders.
_NO_FILES = {0o010000: "FIFO", 0o020000: "character device", 0o060000: "block device", 0o140000: "socket"}


class Source:
    """An open database file: ``fd``, its ``path``, and whether this process holds the shared lock (``locked``).

    If not, ``reason`` says why: ``held`` by another process, ``unasked``, or
    the system's message. ``is_own_copy``: it is a copy that no other process can
    open, for example an unpacked file. ``remote``: the remote object of which
    it has a part. Closing the last duplicate releases the lock.
    """

    __slots__ = ("_alone", "_held", "fd", "is_own_copy", "locked", "path", "reason", "remote")

    def __init__(self, fd: int, path: str, *, is_own_copy: bool = False, remote: Remote | None = None) -> None:
        self.fd = fd
        self.path = path
        self.is_own_copy = is_own_copy
        self.remote = remote
        self.locked = False
        self.reason = "unasked"
        self._alone = True  # whether it has no duplicate
        self._held: Key | None = None

    def hold(self, fd: int) -> None:
        """Keep results from replacing the file ``fd``, which this is or was made of, until it is closed.

        Raises :class:`~boltcli.errors.DestinationIsSource` if standard output goes into it.
        """
        self._held = hold(fd, self.path)

    def duplicate(self) -> Source:
        """Return the same open file with the same lock; close it separately."""
        other = self.copy(os.dup(self.fd), is_own_copy=self.is_own_copy)
        other.locked, other.reason = self.locked, self.reason
        self._alone = other._alone = False
        return other

    def copy(self, fd: int, *, is_own_copy: bool = True) -> Source:
        """Return ``fd``, which has the same content, as a source."""
        other = Source(fd, self.path, is_own_copy=is_own_copy, remote=self.remote)
        other._held = hold_again(self._held)
        return other

    def unlock(self) -> None:
        """Release the lock, unless a duplicate shares it."""
        if self.locked and self._alone and self.fd >= 0:
            import fcntl

            fcntl.flock(self.fd, fcntl.LOCK_UN)

    @property
    def is_stable(self) -> bool:
        """Whether no other process can change what is read, so that one look at the meta pages is enough."""
        return self.locked or self.is_own_copy

    def try_lock(self) -> bool:
        """Try to take the shared flock(2) without waiting: it excludes bbolt writers, not other readers."""
        try:
            import fcntl
        except ImportError:  # Windows: bbolt uses LockFileEx there, which is not implemented here
            return False
        try:
            fcntl.flock(self.fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            self.reason = "held"
            return False
        except OSError as error:  # a file system without locks
            self.reason = _reason(error)
            return False
        self.locked = True
        return True

    def close(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1
            let_go(self._held)


def is_elsewhere(path: str) -> bool:
    """Return whether ``path`` is standard input or an address, not a path in the file system."""
    return path == "-" or "://" in path


def begins_with_meta(fd: int) -> bool:
    """Return whether the file begins with a meta page, like most databases; then it is not packed."""
    head = read_at(fd, 0, 20)
    return head[16:] == _MAGIC and not head[0]  # page id 0; packed files begin with other bytes


def check_source(path: str) -> None:
    """Raise :class:`SourceNotFound` or :class:`OpenError` unless there is a file at ``path``: bbolt's first step.

    A folder passes, as bbolt reports it later. A FIFO or a device doesn't pass, as it is not seekable.
    ``FILE!member`` passes if FILE does.
    """
    if is_elsewhere(path):
        return
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        if split_member(path)[1]:
            return
        raise SourceNotFound(path) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        if split_member(path)[1]:  # ENOTDIR: the member's name contains slashes
            return
        raise refused("stat", path, error) from error
    kind = _NO_FILES.get(mode & 0o170000)
    if kind is not None:
        raise OpenError("open", path, f"it is a {kind}, not a file; copy what is in it to a file first")


def open_if_there(path: str) -> int:
    """Open ``path`` as :func:`open_for_reading` does; -1 if it is ``FILE!member``."""
    if "!" in path and not os.path.exists(path):
        return -1
    return open_for_reading(path)


def open_for_reading(path: str) -> int:
    """Open ``path`` without a lock; returns the file descriptor. Raises :class:`OpenError`."""
    # O_NONBLOCK: opening a FIFO without a writer must not hang; it has no effect on files.
    flags = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        return os.open(path, flags)
    except OSError as error:
        raise refused("open", path, error) from error


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


def _reason(error: OSError | ValueError) -> str:
    return str(getattr(error, "strerror", None) or error)
