"""Read a whole file ahead that isn't in the page cache.

Measured against no advice (1M pairs, 280 MB; 100k values, 630 MB; disks with a
read-ahead of 128 KiB and of 8 MiB): bbolt's MADV_RANDOM takes 6 to 40 times as
long; MADV_SEQUENTIAL and MADV_WILLNEED for the whole file make no difference.
On the disk with the small read-ahead, WILLNEED in windows saves a quarter, and
a process that reads the file from front to back saves a third to a half; on
the other disk neither saves time. A cached file needs nothing. So a process is
started if the file isn't cached and fits in memory. If it doesn't fit,
MADV_SEQUENTIAL keeps its pages from displacing those of others.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .forked import Forked
    from .snapshot import Snapshot

_WORTH = 32 << 20  # bytes; a smaller file is read before the process has started
_SAMPLES = 32  # pages sampled
_AT_ONCE = 1 << 20  # bytes


class ReadAhead:
    """Context manager that reads the file of ``snapshot`` ahead, if that saves time.

    ``wanted``: whether the job reads most of the file and may use another
    process, which ends with the ``with`` block at the latest.
    """

    __slots__ = ("_process", "_snapshot", "_wanted")

    def __init__(self, snapshot: Snapshot, wanted: bool) -> None:
        self._snapshot = snapshot
        self._wanted = wanted
        self._process: Forked | None = None

    def __enter__(self) -> ReadAhead:
        snapshot = self._snapshot
        size = snapshot.size
        buffer = snapshot.buffer
        if not self._wanted or isinstance(buffer, bytes) or size < _WORTH or not hasattr(os, "fork"):
            return self
        if not is_cold(snapshot.fd, size):
            return self
        if size > available_memory() // 2:
            import mmap

            buffer.madvise(mmap.MADV_SEQUENTIAL)
            return self
        from .forked import Died, Forked

        try:
            self._process = Forked(lambda: _read_all(snapshot.fd, size))
        except Died:
            pass  # continue without reading ahead
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.close()
            self._process = None


def is_cold(fd: int, size: int) -> bool:
    """Return whether a good part of a file isn't in the page cache; False if unknown."""
    if not hasattr(os, "RWF_NOWAIT"):
        return False
    missing = 0
    byte = bytearray(1)
    for sample in range(_SAMPLES):
        try:
            os.preadv(fd, [byte], sample * size // _SAMPLES, os.RWF_NOWAIT)
        except BlockingIOError:
            missing += 1
        except OSError:
            return False
    return missing > _SAMPLES // 4


def available_memory() -> int:
    """Return the bytes of available memory; 0 if unknown."""
    try:
        with open("/proc/meminfo", "rb") as file:
            for line in file:
                if line.startswith(b"MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    return 0


def _read_all(fd: int, size: int) -> Iterator[None]:
    buffer = bytearray(_AT_ONCE)
    for start in range(0, size, _AT_ONCE):
        os.preadv(fd, [buffer], start)
    yield from ()
