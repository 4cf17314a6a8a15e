"""Open a database file, with or without bbolt's lock.

bbolt locks the file with flock(2) while it is open: exclusively for writing,
shared for reading. boltcli takes the shared lock. ``lock`` says what to do
while another process holds the lock:

=========  ====================================================================
``auto``   wait for it until ``timeout``, then read without it
``wait``   wait for it until ``timeout``, then fail
``try``    take it if it is free, else read without it
``none``   don't lock
=========  ====================================================================

``live.py`` describes how a file is read without the lock.
"""

from __future__ import annotations

import os
import time

from ..errors import ArgumentError, Locked, OpenError
from .source import Source, begins_with_meta, check_source, is_elsewhere, open_if_there

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Literal

    Way = Literal["auto", "wait", "try", "none"]

LOCK_WAYS = ("auto", "wait", "try", "none")

# bbolt waits for the lock for ever; a tool that hangs is no help.
LOCK_PATIENCE = 1.0  # seconds
_LOCK_NOTICE = 3.0  # seconds between two calls of ``waiting``
_LOCK_RETRY = 0.05  # seconds, as bbolt's


def open_source(
    path: str,
    lock: Way = "wait",
    timeout: float = LOCK_PATIENCE,
    *,
    max_unpacked: int = 0,
    progress: Callable[[int, int], None] | None = None,
    waiting: Callable[[str, float], None] | None = None,
) -> Source:
    """Open ``path`` for reading and lock it as ``lock`` says; ``timeout`` is in seconds, 0: wait for ever.

    A packed file is unpacked to an unnamed file of at most ``max_unpacked`` bytes (``packed.py``); for a data
    directory the database in it is opened; "-" is standard input, an address like ``s3://...`` a remote object
    (``remote.py``). While this waits for the lock, it calls ``waiting`` every few seconds with the lock's holder
    and the seconds waited. The caller closes the result. Raises :class:`SourceNotFound`, :class:`OpenError` if
    the system refuses, :class:`Locked` with ``wait`` if the lock isn't released, :class:`ArgumentError` for an
    invalid ``lock`` or ``timeout``, and what ``unpack`` raises.
    """
    if lock not in LOCK_WAYS:
        raise ArgumentError(f"lock {lock!r}: must be one of {', '.join(LOCK_WAYS)}")
    if not isinstance(timeout, (int, float)) or not timeout >= 0:  # not NaN either
        raise ArgumentError(f"timeout {timeout!r}: must be a number of seconds, 0 or more")
    if is_elsewhere(path):
        from .elsewhere import open_elsewhere

        return open_elsewhere(path, max_unpacked, progress)
    check_source(path)
    fd = open_if_there(path)
    if fd < 0 or not begins_with_meta(fd):
        from .elsewhere import open_packed

        found = open_packed(fd, path, max_unpacked, progress)
        if isinstance(found, Source):
            return found
        fd = found
    source = Source(fd, path)
    try:
        source.hold(fd)
        _lock(source, lock, timeout, waiting)
    except BaseException:
        source.close()
        raise
    return source


def _lock(source: Source, lock: Way, timeout: float, waiting: Callable[[str, float], None] | None = None) -> None:
    if lock == "none" or source.try_lock():
        return
    began = time.monotonic()
    give_up, say = began + timeout, began + _LOCK_NOTICE
    while source.reason == "held" and lock != "try":
        left = give_up - time.monotonic() if timeout else _LOCK_RETRY
        if left <= 0:
            break
        if waiting is not None and time.monotonic() >= say:
            from .holders import describe_holder

            waiting(describe_holder(source), time.monotonic() - began)
            say += _LOCK_NOTICE
        time.sleep(min(left, _LOCK_RETRY))
        if source.try_lock():
            return
    if lock != "wait" or os.name == "nt":
        return
    if source.reason != "held":
        raise OpenError("lock", source.path, source.reason)
    from .holders import describe_holder

    raise Locked(source.path, describe_holder(source))
