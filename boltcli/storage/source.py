"""Open a database file, with or without bbolt's lock.

bbolt locks the file while it is open (``take_lock``): exclusively for writing, shared for reading. boltcli takes the
shared lock. While another process holds the lock: ``auto`` waits until ``timeout``, then reads without it (see
``live.py``), ``wait`` then fails, ``try`` doesn't wait and reads without it, ``none`` doesn't lock.

A database may also be packed, behind another one in a file, on standard input ("-"), or in an object store; then it is
opened as a private copy, or as a part of one.
"""

from __future__ import annotations

import os
import time

from ..format.constants import MAGIC, PAGE_HEADER_SIZE
from ..read_errors import ArgumentError, OpenError, SourceNotFound, os_error
from .files import Closing, Trying, read_at, release_lock, take_lock, unnamed_copy
from .opened import OPEN, hold, hold_local, note_unknown, split_member, stdin_file, take_stdin

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Literal

    from ..progress import Progress
    from .opened import Held
    from .remote import Remote

    Way = Literal["auto", "wait", "try", "none"]
    Waiting = Callable[[str, float], None]

LOCK_WAYS = ("auto", "wait", "try", "none")

# bbolt waits for the lock for ever; a tool that hangs is no help.
LOCK_PATIENCE = 1.0  # seconds
_LOCK_NOTICE = 3.0  # seconds between two calls of ``waiting``
_LOCK_RETRY = 0.05  # seconds, as bbolt's

_CHUNK = 1 << 20  # bytes of standard input
HOST_PAGE: int = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096  # bytes; without importing mmap

# File types (stat(2)) other than regular files and folders.
_NO_FILES = {0o010000: "FIFO", 0o020000: "character device", 0o060000: "block device", 0o140000: "socket"}


class Source(Closing):
    """An open database file: ``fd``, its ``path``, and whether this process holds the shared lock (``locked``).

    If not, ``reason`` says why: ``held`` by another process, ``unasked``, or the system's message. ``is_own_copy``: no
    other process can open it; ``copied_live``: others could write while it was made. ``remote``: the object of which it
    has a part. ``held``: the file that it is or was made of, which results can't replace. Closing the last duplicate
    releases the lock.
    """

    def __init__(self, fd: int, path: str, *, is_own_copy: bool = False, remote: Remote | None = None) -> None:
        self.fd = fd
        self.path = path
        self.is_own_copy = is_own_copy
        self.copied_live = False
        self.remote = remote
        self.locked = False
        self.reason = "unasked"
        self._alone = True  # whether it has no duplicate
        self.held: Held | None = None

    def duplicate(self) -> Source:
        """Return the same open file with the same lock; close it separately."""
        other = self.copy(os.dup(self.fd), is_own_copy=self.is_own_copy)
        other.locked, other.reason = self.locked, self.reason
        self._alone = other._alone = False
        return other

    def copy(self, fd: int, *, is_own_copy: bool = True) -> Source:
        """Return ``fd``, which has the same content, as a source."""
        other = Source(fd, self.path, is_own_copy=is_own_copy, remote=self.remote)
        other.copied_live = self.copied_live
        other.held = self.held
        if other.held is not None:
            OPEN.append(other.held)
        return other

    def unlock(self) -> None:
        """Release the lock, unless a duplicate shares it."""
        if self.locked and self._alone and self.fd >= 0:
            release_lock(self.fd)

    @property
    def is_stable(self) -> bool:
        """Whether no other process can change what is read, so that one look at the meta pages is enough."""
        return self.locked or self.is_own_copy

    @property
    def may_have_writer(self) -> bool:
        """Whether another process may be writing to the file, or have been when this copy of it was made."""
        return self.copied_live or not self.is_stable

    def try_lock(self, *, exclusive: bool = False) -> bool:
        """Try to take the shared lock, which excludes writers, or a writer's ``exclusive`` one, without waiting."""
        try:
            take_lock(self.fd, exclusive=exclusive)
        except BlockingIOError:
            self.reason = "held"
            return False
        except OSError as error:  # a file system without locks
            self.reason = error.strerror or str(error)
            return False
        self.locked = True
        return True

    def close(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1
            if self.held is not None:
                OPEN.remove(self.held)


def is_elsewhere(path: str) -> bool:
    """Return whether ``path`` is standard input or an address, not a path in the file system."""
    return path == "-" or "://" in path


def at_offset(path: str, offset: int) -> str:
    """Return the path of the database that begins at byte ``offset`` of the local file ``path``."""
    if not isinstance(offset, int) or offset < 0:
        raise ArgumentError(f"offset {offset!r}: must be a number of bytes, 0 or more")
    if not offset:
        return path
    if is_elsewhere(path) or os.path.isdir(path) or split_member(path)[1]:
        raise ArgumentError(f"{path}: an offset needs a local file that is not packed")
    return f"{path}!@{offset}"


def begins_with_meta(fd: int, offset: int = 0) -> bool:
    """Return whether a meta page begins the file, as in most databases, or the part from ``offset`` on."""
    head = read_at(fd, offset, PAGE_HEADER_SIZE + 4)
    return head[PAGE_HEADER_SIZE:] == MAGIC.to_bytes(4, "little") and not head[0]  # page id 0


def _is_packed(fd: int) -> bool:
    if begins_with_meta(fd):  # packed files begin with other bytes
        return False
    from ..format.magic import is_packed

    return is_packed(read_at(fd, 0, 512))


def check_source(path: str) -> None:
    """Raise SourceNotFound or OpenError unless there is a file, or a folder, at ``path``: bbolt's first step."""
    if is_elsewhere(path):
        return
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        if split_member(path)[1]:
            return
        if isinstance(error, FileNotFoundError):
            raise SourceNotFound(_split_offset(path)[0]) from None
        raise os_error("stat", path, error) from error
    kind = _NO_FILES.get(mode & 0o170000)
    if kind is not None:
        raise OpenError("open", path, f"it is a {kind}, not a file; copy its content to a file first")


def open_for_reading(path: str) -> int:
    """Open ``path`` without a lock; returns the file descriptor. Raises :class:`OpenError`."""
    # O_NONBLOCK: opening a FIFO without a writer must not hang; it has no effect on files.
    flags = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    with Trying("open", path):
        return os.open(path, flags)


def check_waiting(lock: Way, timeout: float) -> None:
    """Raise ArgumentError unless these say how to wait for the lock, and for how many seconds."""
    if lock not in LOCK_WAYS:
        raise ArgumentError(f"lock {lock!r}: must be one of {', '.join(LOCK_WAYS)}")
    if not isinstance(timeout, (int, float)) or not timeout >= 0:  # not NaN either
        raise ArgumentError(f"timeout {timeout!r}: must be a number of seconds, 0 or more")


def open_source(
    path: str, lock: Way = "wait", timeout: float = LOCK_PATIENCE, *, max_unpacked: int = 0,
    progress: Progress | None = None, waiting: Waiting | None = None,
) -> Source:  # fmt: skip
    """Open ``path`` for reading and lock it as ``lock`` says; ``timeout`` is in seconds, 0: wait for ever.

    A packed file is unpacked to an unnamed file of at most ``max_unpacked`` bytes; "-" is standard input, an address
    like ``s3://...`` a remote object. ``waiting`` is called every few seconds with the lock's holder and the seconds
    waited. The caller closes the result. Raises SourceNotFound, OpenError if the system refuses, Locked with ``wait``
    if the lock isn't released, ArgumentError, and what ``unpack`` raises.
    """
    check_waiting(lock, timeout)
    if is_elsewhere(path):
        return _open_elsewhere(path, max_unpacked, progress)
    check_source(path)
    file, members = split_member(path) if "!" in path and not os.path.exists(path) else (path, [])
    source = Source(open_for_reading(file), path)
    try:
        source.held = hold(source.fd, path)
        if members or _is_packed(source.fd):
            return _private_copy(source, members, max_unpacked, progress)
        _lock(source, lock, timeout, waiting)
    except BaseException:
        source.close()
        raise
    return source


def open_descriptor(fd: int, path: str, offset: int = 0, *, is_own_copy: bool = False) -> Source:
    """Return the open file ``fd`` as a source, which then owns it, without a lock; ``path`` is what it is called.

    What is packed, or begins at the byte ``offset``, becomes a private copy. Raises as :func:`open_source`.
    """
    at = [f"@{offset}"] if offset else []
    source = Source(fd, "!".join([path, *at]), is_own_copy=is_own_copy)
    try:
        source.held = hold(fd, path)
        packed = bool(at) or _is_packed(fd)
    except BaseException:
        source.close()
        raise
    return _private_copy(source, at, 0, None) if packed else source


def _lock(source: Source, lock: Way, timeout: float, waiting: Waiting | None) -> None:
    if lock == "none" or source.try_lock() or lock == "try" or wait_for_lock(source, timeout, waiting=waiting):
        return
    if lock != "wait":
        return
    if source.reason != "held":
        raise OpenError("lock", source.path, source.reason)
    from ..errors import Locked
    from .holders import describe_holder

    raise Locked(source.path, describe_holder(source))


def wait_for_lock(source: Source, timeout: float, *, exclusive: bool = False, waiting: Waiting | None = None) -> bool:
    """Wait for the lock while another process holds it, ``timeout`` seconds at most; return whether it was taken."""
    began = time.monotonic()
    say = began + _LOCK_NOTICE
    while not source.try_lock(exclusive=exclusive):
        now = time.monotonic()
        left = began + timeout - now if timeout else _LOCK_RETRY
        if source.reason != "held" or left <= 0:
            return False
        if waiting is not None and now >= say:
            from .holders import describe_holder

            waiting(describe_holder(source), now - began)
            say += _LOCK_NOTICE
        time.sleep(min(left, _LOCK_RETRY))
    return True


def _private_copy(source: Source, members: list[str], max_unpacked: int, progress: Progress | None) -> Source:
    """Return the database that is packed in ``source``, or at an offset, and close ``source`` in any case."""
    fd, path = source.fd, source.path
    try:
        offset = _split_offset(path)[1] if len(members) == 1 else 0
        if not offset:
            from .packed import unpack

            return source.copy(unpack(fd, path, members, max_unpacked, progress))
        if offset >= (size := os.fstat(fd).st_size):
            raise OpenError("open", path, f"it has only {size} bytes, so nothing begins at byte {offset}")
        if _is_packed(fd) and not begins_with_meta(fd, offset):
            raise ArgumentError(f"{path}: the file is packed: unpack it, then open the database at that offset")
        return source.copy(unnamed_copy(fd, path, offset))
    finally:
        source.close()


def _split_offset(path: str) -> tuple[str, int]:
    file, mark, offset = path.rpartition("!@")
    return (file, int(offset)) if mark and offset.isascii() and offset.isdigit() else (path, 0)


def _open_elsewhere(path: str, max_unpacked: int, progress: Progress | None) -> Source:
    if path == "-":
        fd = stdin_file(lambda: _stdin(path, max_unpacked))
        if not read_at(fd, 0, 1):  # standard input is empty: "-" is a file name, as for bbolt
            os.close(fd)
            raise SourceNotFound(path)
        source = Source(fd, path, is_own_copy=True)
        return _private_copy(source, [], max_unpacked, progress) if _is_packed(fd) else source
    from .remote import open_remote
    from .secrets import original_url, redact_url

    note_unknown()
    address, *members = original_url(path).split("!")
    path = redact_url(path)
    remote = open_remote(address, path)
    source = Source(remote.fd, path, is_own_copy=True, remote=remote)
    try:
        source.held = hold_local(address, path)
        if not (members or _is_packed(remote.fd)):
            return source
        source.remote = None
        remote.fetch_all()
        remote.verify()
    except BaseException:
        source.close()
        raise
    return _private_copy(source, members, max_unpacked, progress)


def _stdin(path: str, max_unpacked: int) -> int:
    from .files import Unnamed
    from .packed import MAX_UNPACKED

    take_stdin("a database")
    limit = max_unpacked or MAX_UNPACKED
    with Trying("read", "standard input"), Unnamed(path) as target:
        while part := os.read(0, _CHUNK):
            target.write(part)
            if target.size > limit:
                raise OpenError("read", "standard input", f"it has more than {limit} bytes (--max-unpacked)")
        return target.take()
