"""From a path to an open, locked file descriptor."""

from __future__ import annotations

import os
import time

from ..errors import OpenError, SourceNotFound

# bbolt waits for the lock without end; a reader that hangs helps nobody.
LOCK_PATIENCE = 1.0  # seconds
_LOCK_RETRY = 0.05  # seconds, as bbolt's


def open_source(path: str) -> int:
    """Open ``path`` for reading and take the shared lock, as bbolt's read commands do.

    Returns the file descriptor, which the caller closes (that drops the lock).
    Raises :class:`SourceNotFound`, or :class:`OpenError` if the system refuses
    or another process holds the exclusive lock for longer than
    :data:`LOCK_PATIENCE`.
    """
    try:
        os.stat(path)
    except FileNotFoundError:
        raise SourceNotFound(path) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise OpenError("stat", path, _reason(error)) from error
    # O_NONBLOCK: opening a FIFO without a writer must not hang; files don't care.
    flags = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        fd = os.open(path, flags)
    except OSError as error:
        raise OpenError("open", path, _reason(error)) from error
    try:
        _lock_shared(fd, path)
    except BaseException:
        os.close(fd)
        raise
    return fd


def _lock_shared(fd: int, path: str) -> None:
    """flock(2), shared: it excludes a bbolt writer, and not another reader."""
    try:
        import fcntl
    except ImportError:  # Windows: bbolt uses LockFileEx there; we read without a lock
        return
    give_up = time.monotonic() + LOCK_PATIENCE
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= give_up:
                raise OpenError("lock", path, "another process holds the database open for writing") from None
            time.sleep(_LOCK_RETRY)
        except OSError as error:
            raise OpenError("lock", path, _reason(error)) from error


def _reason(error: OSError | ValueError) -> str:
    return str(getattr(error, "strerror", None) or error)
