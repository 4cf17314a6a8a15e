"""An open database file, its lock, and the bytes of it at a position."""

from __future__ import annotations

import os

from ..errors import OpenError, SourceNotFound, refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .remote import Remote

_MAGIC = (0xED0CDAED).to_bytes(4, "little")  # of a meta page, after the page header

# Bytes; without importing mmap for it.
HOST_PAGE: int = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


# Types of files (stat(2)) that are no files.
_NO_FILES = {0o010000: "FIFO", 0o020000: "character device", 0o060000: "block device", 0o140000: "socket"}


class Source:
    """An open database file: ``fd``, its ``path``, and whether our shared lock is on it (``locked``).

    If not, ``reason`` says why: ``held`` by another process, ``unasked``, or
    the system's own words. ``private``: it is a copy that nobody else can
    reach, as what was unpacked. ``remote``: the object elsewhere of which it
    has a part. Closing the last duplicate drops the lock.
    """

    __slots__ = ("_alone", "fd", "locked", "path", "private", "reason", "remote")

    def __init__(self, fd: int, path: str, *, private: bool = False, remote: Remote | None = None) -> None:
        self.fd = fd
        self.path = path
        self.private = private
        self.remote = remote
        self.locked = False
        self.reason = "unasked"
        self._alone = True  # no duplicate of it was made

    def duplicate(self) -> Source:
        """The same open file, with the same lock, to be closed on its own."""
        other = Source(os.dup(self.fd), self.path, private=self.private, remote=self.remote)
        other.locked, other.reason = self.locked, self.reason
        self._alone = other._alone = False
        return other

    def unlock(self) -> None:
        """Drop our lock, unless a duplicate of this shares it."""
        if self.locked and self._alone and self.fd >= 0:
            import fcntl

            fcntl.flock(self.fd, fcntl.LOCK_UN)

    @property
    def steady(self) -> bool:
        """Whether no other process changes what is read: one look at the metas will do."""
        return self.locked or self.private

    def try_lock(self) -> bool:
        """flock(2), shared, without waiting: it excludes a bbolt writer, and not another reader."""
        try:
            import fcntl
        except ImportError:  # Windows: bbolt uses LockFileEx there, we don't ask for it yet
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


def is_elsewhere(path: str) -> bool:
    """Whether ``path`` is standard input or an address, and not a path of the file system."""
    return path == "-" or "://" in path


def begins_with_meta(fd: int) -> bool:
    """Whether the first page is a sound-looking meta page of bolt, and so the file not packed: of most files it is."""
    head = read_at(fd, 0, 20)
    return head[16:] == _MAGIC and not head[0]  # page 0 bears its id; a packed file begins otherwise


def check_source(path: str) -> None:
    """Raise :class:`SourceNotFound` or :class:`OpenError` unless there is a file at ``path``: bbolt's first step.

    A folder passes: what bbolt says of it comes later. A FIFO or a device doesn't, which can't be read at any place.
    ``FILE!member`` passes where FILE does.
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
        if split_member(path)[1]:  # ENOTDIR: the member's name has slashes
            return
        raise refused("stat", path, error) from error
    kind = _NO_FILES.get(mode & 0o170000)
    if kind is not None:
        raise OpenError("open", path, f"it is a {kind}, not a file; copy what is in it to a file first")


def split_member(path: str) -> tuple[str, list[str]]:
    """Split ``FILE!member``: the file, and the names of the members; none if there is no such file."""
    at = path.find("!")
    while at >= 0:
        if at and path[at + 1 :] and os.path.isfile(path[:at]):
            return path[:at], path[at + 1 :].split("!")
        at = path.find("!", at + 1)
    return path, []


def open_if_there(path: str) -> int:
    """Open ``path`` as :func:`open_for_reading` does; -1 if it is ``FILE!member``."""
    if "!" in path and not os.path.exists(path):
        return -1
    return open_for_reading(path)


def open_for_reading(path: str) -> int:
    """Open ``path`` without a lock; returns the file descriptor. Raises :class:`OpenError`."""
    # O_NONBLOCK: opening a FIFO without a writer must not hang; files don't care.
    flags = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        return os.open(path, flags)
    except OSError as error:
        raise refused("open", path, error) from error


def read_at(fd: int, position: int, size: int) -> bytes:
    """Up to ``size`` bytes from ``position``: fewer at the file's end, none where nothing is readable."""
    try:
        return read_or_raise(fd, position, size)
    except OSError:  # a directory, a bad sector
        return b""


def read_or_raise(fd: int, position: int, size: int) -> bytes:
    """Up to ``size`` bytes from ``position``: fewer at the file's end only. Raises OSError."""
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
