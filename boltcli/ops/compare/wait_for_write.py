"""Wait until a file is written to or replaced, with inotify where it exists, else by polling."""

from __future__ import annotations

import os
import select
import sys
import time
from _thread import allocate_lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from threading import Event
    from typing import Any

_EVENT_INTERVAL = 0.1  # seconds between two looks at an event
_MODIFY, _MOVED_TO, _CREATE = 0x2, 0x80, 0x100  # inotify(7)
_ROOM = 1 << 16  # bytes of events read at a time


class Waiter:
    """Waits for writes to the file at ``path``, at most ``interval`` seconds. Use as a context manager.

    Another thread or a signal handler ends it with :meth:`stop`; so do ``timeout`` (seconds from now) and ``event``,
    once it is set.
    """

    def __init__(
        self,
        path: str,
        interval: float,
        *,
        notify: bool = True,
        timeout: float | None = None,
        event: Event | None = None,
    ) -> None:
        self.path = path
        self._deadline = None if timeout is None else time.monotonic() + timeout
        self._event = event
        self._guard = allocate_lock()  # of the descriptors: they must not be closed while one is written to
        self._open = True
        self.interval = interval
        self.stopped = False
        self._reading, self._writing = os.pipe()
        os.set_blocking(self._writing, False)
        self._library: Any = None
        self._events = _inotify() if notify else None
        if self._events is not None:
            self._watch(os.path.dirname(os.path.realpath(path)) or ".", _MOVED_TO | _CREATE)
            self.renew()

    @property
    def notified(self) -> bool:
        """Whether the system reports writes."""
        return self._events is not None

    def renew(self) -> None:
        """Watch the file that is now at the path."""
        self._watch(self.path, _MODIFY)

    def _watch(self, path: str, events: int) -> None:
        if self._events is not None and self._events.add(path, events) < 0:
            self._events.close()  # too many watches, or not supported by the file system
            self._events = None

    def wait(self) -> bool:
        """Return when the file may have changed, or after the interval; False once it was stopped."""
        interval = self.interval
        if self._deadline is not None:
            left = self._deadline - time.monotonic()
            self.stopped = self.stopped or left <= 0
            interval = min(interval, max(left, 0))
        if self._event is not None:
            self.stopped = self.stopped or self._event.is_set()
            interval = min(interval, _EVENT_INTERVAL)
        if not self.stopped:
            descriptors = [self._reading]
            if self._events is not None:
                descriptors.append(self._events.fd)
            try:
                ready = select.select(descriptors, (), (), interval)[0]
            except ValueError:  # a descriptor too large for select
                ready = []
            if self._events is not None and self._events.fd in ready:
                os.read(self._events.fd, _ROOM)
        return not self.stopped

    def pause(self, seconds: float) -> bool:
        """Wait ``seconds``, whatever happens; False once it was stopped."""
        if not self.stopped:
            select.select([self._reading], (), (), seconds)
        return not self.stopped

    def stop(self) -> None:
        """End the waiting, now and from now on."""
        self.stopped = True
        if not self._guard.acquire(blocking=False):
            return  # it is being closed, or told so by a signal handler in the middle of this
        try:
            if self._open:
                os.write(self._writing, b"\0")
        except OSError:
            pass  # told more than once
        finally:
            self._guard.release()

    def close(self) -> None:
        """Close the descriptors."""
        with self._guard:
            self._open = False
            for fd in (self._reading, self._writing):
                os.close(fd)
        if self._events is not None:
            self._events.close()

    def __enter__(self) -> Waiter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Inotify:
    """An inotify instance, through the C library."""

    def __init__(self, library: Any, fd: int) -> None:
        self._library = library
        self.fd = fd

    def add(self, path: str, events: int) -> int:
        """Watch ``path``; negative on failure."""
        try:
            return int(self._library.inotify_add_watch(self.fd, os.fsencode(path), events))
        except ValueError:  # a NUL in the path
            return -1

    def close(self) -> None:
        os.close(self.fd)


def _inotify() -> _Inotify | None:
    if not sys.platform.startswith("linux"):
        return None
    try:
        import ctypes

        library = ctypes.CDLL(None)
        fd = library.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
    except (ImportError, OSError, AttributeError):
        return None
    return _Inotify(library, fd) if fd >= 0 else None
