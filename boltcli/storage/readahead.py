"""Reading a whole file that isn't in memory yet.

What was measured (1M pairs, 280 MB; 100k values, 630 MB; disks with a
read-ahead of 128 KiB and of 8 MiB), against no advice at all: MADV_RANDOM,
which is bbolt's, takes 6 to 40 times as long; MADV_SEQUENTIAL and
MADV_WILLNEED for the whole are no quicker; WILLNEED in windows saves a quarter
on the slow read-ahead, a process of its own that reads the file from front to
back a third to a half, and neither anything on the quick one. A file that is
in memory is best left alone. So it's that process, for a file that isn't
there and has room. For one that hasn't, MADV_SEQUENTIAL costs nothing and
tells the system not to keep its pages before everybody else's.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .forked import Forked
    from .snapshot import Snapshot

_WORTH = 32 << 20  # bytes; a smaller file is there before a process is
_SAMPLES = 32  # places looked at
_AT_ONCE = 1 << 20  # bytes


class ReadAhead:
    """For the time of a ``with``, has the file of ``snapshot`` read in advance, if that helps.

    ``wanted``: whether the job looks at most of the file, and may take a
    process for this, which ends with the ``with`` at the latest.
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
            pass  # it goes without
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.close()
            self._process = None


def is_cold(fd: int, size: int) -> bool:
    """Whether a good part of a file isn't in memory; False where the system doesn't tell."""
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
    """Bytes that may be used without pushing out what is in use; 0 where the system doesn't tell."""
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
