"""Lines of JSON as one array, with an element a line; and such an array as lines again."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..errors import BoltError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import BinaryIO, Protocol

    class Readable(Protocol):
        """What can be read from front to back."""

        def read(self, size: int, /) -> bytes: ...


_BEGIN = b"[\n"
_BETWEEN = b",\n"
_AROUND = b",]\n\r "  # what an element may be followed by; none ends with it


class ArrayWriter:
    """A stream of lines that writes them to ``out`` as an array; :meth:`end` closes it."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._mark = _BEGIN

    def write(self, data: Any) -> int:
        """Write lines, or a part of one."""
        part = bytes(data)
        if part:
            self._out.write(self._mark)
            ends = part.endswith(b"\n")
            self._out.write((part[:-1] if ends else part).replace(b"\n", _BETWEEN))
            self._mark = _BETWEEN if ends else b""
        return len(part)

    def writelines(self, parts: Iterable[bytes]) -> None:
        """Write each of them."""
        for part in parts:
            self.write(part)

    def end(self) -> None:
        """Close the array."""
        self._out.write(b"[]\n" if self._mark == _BEGIN else b"\n]\n")


@contextmanager
def as_array(file: BinaryIO) -> Iterator[ArrayWriter]:
    """Context manager: a stream for lines, which become one array in ``file``, also before a BoltError."""
    array = ArrayWriter(file)
    try:
        yield array
    except BoltError:
        array.end()  # the last element says what is wrong
        raise
    array.end()


class ArrayReader:
    """Reads ``file`` as lines of JSON, also if it is an array as :class:`ArrayWriter` writes it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._is_array: bool | None = None  # None: not known yet
        self._held = b""

    def read(self, size: int) -> bytes:
        """Return some bytes; none at the end."""
        if self._is_array is False:
            return self._file.read(size)
        while block := self._file.read(size):
            if self._is_array is None:
                if block == _BEGIN[:1]:
                    block += self._file.read(1)
                self._is_array = block.startswith(_BEGIN)
                if not self._is_array:
                    return block
                block = block[1:]  # the number of each line stays
            data = self._held + block
            end = len(data.rstrip(_AROUND))
            self._held = data[end:]
            if end:
                return data[:end].replace(_BETWEEN, b"\n")
        held, self._held = self._held, b""
        return b"\n" if held else b""
