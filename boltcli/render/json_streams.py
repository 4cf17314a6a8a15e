"""Streams of lines of JSON: as one array and back, and with lines that are too long for memory."""

import re
from binascii import unhexlify
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any, BinaryIO

from ..errors import ArgumentError, BoltError
from ..text.json import parsed

_BEGIN = b"[\n"
_BETWEEN = b",\n"


class _ArrayWriter:
    """A stream of lines that writes them to ``out`` as the elements of an array."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self.mark = _BEGIN

    def write(self, data: Any) -> int:
        """Write lines, or a part of one."""
        part = bytes(data)
        if part:
            self._out.write(self.mark)
            self._out.write(part.removesuffix(b"\n").replace(b"\n", _BETWEEN))
            self.mark = _BETWEEN if part.endswith(b"\n") else b""
        return len(part)

    def writelines(self, parts: Iterable[bytes]) -> None:
        for part in parts:
            self.write(part)


@contextmanager
def as_array(file: BinaryIO) -> Iterator[_ArrayWriter]:
    """Context manager: a stream for lines, which become one array in ``file``, also before a BoltError."""
    array = _ArrayWriter(file)
    failure = None
    try:
        yield array
    except BoltError as error:  # the last element says what is wrong
        failure = error
    file.write(b"[]\n" if array.mark == _BEGIN else b"\n]\n")
    if failure is not None:
        raise failure


_AT_ONCE = 256  # lines
LONGEST = 1 << 31  # bytes of a line
BLOCK = 1 << 20  # bytes read at once
_LONG = 2 << 20  # bytes of a line that is read in this way
_MOST_ELSE = 16 << 20  # bytes of such a line without its long strings
_HELD_BACK = 12  # bytes: two escapes \uXXXX that are one character
_FIELD = re.compile(rb'"(\w+)"\s*:\s*\Z')
_MARK = re.compile(rb'\\.|"', re.DOTALL)  # an escape, or a quote


def line_lists(file: BinaryIO) -> Iterator[tuple[list[bytes], dict[str, bytes]]]:
    """Yield what :func:`line_blocks` does, at most 256 lines at once; of an array a line for each element."""
    first = None
    for lines, strings in line_blocks(file):
        first = lines[0] if first is None else first
        if first == b"[":
            lines = [line.rstrip(b",]\r ") if line != b"[" else b"" for line in lines]
        yield from ((lines[start : start + _AT_ONCE], strings) for start in range(0, len(lines), _AT_ONCE))


def line_blocks(file: BinaryIO) -> Iterator[tuple[list[bytes], dict[str, bytes]]]:
    """Yield lines without their ends, some together, a long one alone; and the long strings of that by their fields.

    They are decoded, and empty in the line. Raises ArgumentError for a long line that can be no row, or is no JSON.
    """
    rest: list[bytes] = []
    while block := file.read(BLOCK):
        whole, newline, begun = block.rpartition(b"\n")
        if newline:
            yield b"".join([*rest, whole]).split(b"\n"), {}
            rest = []
        rest.append(begun)
        if sum(map(len, rest)) >= _LONG:
            yield _LongLine(file, b"".join(rest)).read()
            rest = []
    if any(rest):
        yield b"".join(rest).split(b"\n"), {}


class _LongLine:
    """A line that is read from ``file``, of which the bytes ``begun`` were read."""

    def __init__(self, file: BinaryIO, begun: bytes) -> None:
        self._file = file
        self._buffer = begun
        self._size = len(begun)
        self._ended = False

    def read(self) -> tuple[list[bytes], dict[str, bytes]]:
        """Read the line to its end."""
        text = bytearray()
        strings: dict[str, bytes] = {}
        while True:
            end = _outside(self._buffer)
            text += self._buffer[:end]
            self._buffer = self._buffer[end:]
            if len(text) > _MOST_ELSE:
                raise ArgumentError(f"it has more than {_MOST_ELSE} bytes besides its value, which no row has")
            if len(self._buffer) >= BLOCK:  # a string that goes on
                field = _FIELD.search(text)
                if field is None:
                    raise ArgumentError(f"a string of more than {BLOCK} bytes is no field's value")
                name = field[1].decode()
                strings[name] = self._string(_from_hex if name.endswith("_hex") else _from_json)
                text += b'""'
            elif not self._more():
                return [bytes(text + self._buffer)], strings

    def _more(self) -> bool:
        line = b"" if self._ended else self._file.readline(BLOCK)
        part = line.removesuffix(b"\n")
        self._ended = part != line or not line
        self._buffer += part
        self._size += len(part)
        if self._size >= LONGEST:
            raise ArgumentError(f"it is longer than {LONGEST} bytes, which no row is")
        return bool(part)

    def _string(self, decoded: Callable[[bytes, int], tuple[bytes, int]]) -> bytes:
        """Read and decode a string from the quote that begins it to the one that ends it."""
        self._buffer = self._buffer[1:]
        content = BytesIO()  # gives its bytes away without a copy
        while True:
            end = _inside(self._buffer, 0)
            is_whole = self._buffer[end : end + 1] == b'"'
            data, taken = decoded(self._buffer[:end], 0 if is_whole else _HELD_BACK)
            content.write(data)
            self._buffer = self._buffer[taken + is_whole :]
            if is_whole:
                return content.getvalue()
            if not self._more():
                raise ArgumentError("not JSON: a string has no end")


def _inside(text: bytes, start: int) -> int:
    """Return where the content of a string that begins at ``start`` ends: at a quote, or at half of an escape, or with
    the text."""
    for mark in _MARK.finditer(text, start):
        start = mark.end()
        if start == mark.start() + 1:
            return mark.start()
    return len(text) - text.endswith(b"\\", start)


def _outside(text: bytes) -> int:
    """Return the length of the part that ends outside of strings."""
    at = 0
    while (quote := text.find(b'"', at)) >= 0:
        end = _inside(text, quote + 1)
        if end == len(text) or text[end] != 34:
            return quote
        at = end + 1
    return len(text)


def _from_hex(text: bytes, held: int) -> tuple[bytes, int]:
    taken = len(text) - (len(text) % 2 if held else 0)
    try:
        return unhexlify(text[:taken]), taken
    except ValueError:
        raise ArgumentError(f"{text[:40].decode('utf-8', 'replace')!r} is not hexadecimal") from None


def _from_json(text: bytes, held: int) -> tuple[bytes, int]:
    """Return what the beginning of a string says, and how much of it was taken: all but ``held`` bytes at most."""
    # No string of JSON ends within an escape, nor between the halves of a character.
    for taken in range(len(text), max(len(text) - held, 0) - 1, -1):
        try:
            string: str = parsed(b'"%b"' % text[:taken])
            return string.encode(), taken
        except ValueError as error:
            problem = str(error)  # not the error itself: it keeps all this in memory
    raise ArgumentError(f"not JSON: {problem}")
