"""A page run of a redacted copy, which is put together of what is kept and of filler."""

from __future__ import annotations

from ...storage.files import write_all

FILLER = b"x"
_CHUNK = 1 << 20  # bytes filled at a time


class Image:
    """A page run of the copy, all zeros at first."""

    def __init__(self, start: int, stop: int) -> None:
        self.start = start
        self.data = bytearray(stop - start)

    def fill(self, at: int, size: int, filler: bytes = FILLER) -> None:
        """Put filler at the place ``at`` of the file."""
        self.put(at, filler * size)

    def put(self, at: int, data: bytes) -> None:
        """Put ``data`` there."""
        at -= self.start
        data = data[: len(self.data) - at]
        self.data[at : at + len(data)] = data

    def write(self, fd: int) -> None:
        """Write the run."""
        write_all(fd, self.data, self.start)


class LargeImage(Image):
    """A long run, which is never in memory."""

    def __init__(self, fd: int, start: int, stop: int) -> None:
        self.fd = fd
        self.stop = stop
        self.fill(start, stop - start, b"\0")  # there may be headers of pages that aren't any

    def fill(self, at: int, size: int, filler: bytes = FILLER) -> None:
        filler *= min(size, _CHUNK)
        for place in range(at, at + size, _CHUNK):
            self.put(place, filler[: at + size - place])

    def put(self, at: int, data: bytes) -> None:
        write_all(self.fd, data[: self.stop - at], at)

    def write(self, fd: int) -> None:
        pass
