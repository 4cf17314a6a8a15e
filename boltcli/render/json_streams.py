"""Streams of lines of JSON: as one array and back, and with lines that are too long for memory."""

from __future__ import annotations

import re
from binascii import unhexlify
from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING, Any

from ..errors import ArgumentError, BoltError
from ..text.json import parsed

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


LONGEST = 1 << 31  # bytes of a line
BLOCK = 1 << 20  # bytes read at once
_LONG = 2 << 20  # bytes of a line that is read in this way
_MOST_ELSE = 16 << 20  # bytes of such a line without its long strings
_HELD_BACK = 12  # bytes: two escapes \uXXXX that are one character
_BACKSLASH = ord("\\")
_FIELD = re.compile(rb'"(\w+)"\s*:\s*\Z')


class LongLine:
    """A line: its ``text`` with empty strings in the place of long ones, and these, decoded, by their fields' names."""

    __slots__ = ("strings", "text")

    def __init__(self, text: bytes, strings: dict[str, bytes]) -> None:
        self.text = text
        self.strings = strings


def line_blocks(file: Readable) -> Iterator[list[bytes] | LongLine]:
    """Yield the lines, without their ends, some together, a long one alone.

    Raises :class:`~boltcli.errors.ArgumentError` for a long one that is longer than a row may be, or no JSON.
    """
    rest: list[bytes] = []
    size = 0
    after = b""  # what was read with a long line, of which it may be more lines
    while block := after or file.read(BLOCK):
        after = b""
        end = block.rfind(b"\n")
        if end < 0 and size + len(block) < _LONG:
            rest.append(block)
            size += len(block)
            continue
        if end < 0:
            reader = _LongLineReader(file, b"".join([*rest, block]))
            rest.clear()
            yield reader.read()
            after, size = reader.rest, 0
            continue
        rest.append(block[:end])
        yield b"".join(rest).split(b"\n")
        rest = [block[end + 1 :]]
        size = len(rest[0])
    if size:
        yield b"".join(rest).split(b"\n")


class _LongLineReader:
    def __init__(self, file: Readable, begun: bytes) -> None:
        self.rest = b""  # what comes after the line
        self._file = file
        self._buffer = begun
        self._size = len(begun)
        self._ended = False

    def _more(self) -> bool:
        """Read on; returns whether there was more of the line."""
        if self._ended:
            return False
        block = self._file.read(BLOCK)
        part, newline, self.rest = block.partition(b"\n")
        self._ended = not block or bool(newline)
        self._buffer += part
        self._size += len(part)
        if self._size >= LONGEST:
            raise ArgumentError(f"it is longer than {LONGEST} bytes, and no row is")
        return bool(part)

    def read(self) -> LongLine:
        """Read the line to its end."""
        text = bytearray()
        strings: dict[str, bytes] = {}
        while True:
            end = self._strings()
            text += self._buffer[:end]
            self._buffer = self._buffer[end:]
            if len(text) > _MOST_ELSE:
                raise ArgumentError(f"it has more than {_MOST_ELSE} bytes beside its value, and no row has")
            if len(self._buffer) >= BLOCK:  # a string that goes on
                field = _FIELD.search(text)
                if field is None:
                    raise ArgumentError(f"a string of more than {BLOCK} bytes is no field's value")
                name = field[1].decode()
                self._buffer = self._buffer[1:]
                strings[name] = self._string(in_hex=name.endswith("_hex"))
                text += b'""'
            elif not self._more():
                return LongLine(bytes(text + self._buffer), strings)

    def _strings(self) -> int:
        """Return how much of what is at hand is outside of strings, or whole strings."""
        end = 0
        while (start := self._buffer.find(b'"', end)) >= 0:
            quote = _end(self._buffer, start + 1)
            if quote < 0:
                return start
            end = quote + 1
        return len(self._buffer)

    def _string(self, *, in_hex: bool) -> bytes:
        """Read and decode a string up to the quote that ends it."""
        content = BytesIO()  # gives its bytes away without a copy
        decoded = _from_hex if in_hex else _from_json
        while True:
            quote = _end(self._buffer, 0)
            if quote >= 0:
                content.write(decoded(self._buffer[:quote], 0)[0])
                self._buffer = self._buffer[quote + 1 :]
                return content.getvalue()
            data, taken = decoded(self._buffer, _HELD_BACK)
            content.write(data)
            self._buffer = self._buffer[taken:]
            if not self._more():
                raise ArgumentError("not JSON: a string has no end")


def _end(text: bytes, start: int) -> int:
    """Return the index of the quote that ends the string at ``start``; -1 if it isn't there."""
    quote = text.find(b'"', start)
    while quote >= 0:
        before = quote
        while before > start and text[before - 1] == _BACKSLASH:
            before -= 1
        if (quote - before) % 2 == 0:  # not escaped
            return quote
        quote = text.find(b'"', quote + 1)
    return -1


def _from_hex(text: bytes, held: int) -> tuple[bytes, int]:
    taken = len(text) - (len(text) % 2 if held else 0)
    try:
        return unhexlify(text[:taken]), taken
    except ValueError:
        raise ArgumentError(f"{text[:40].decode('utf-8', 'replace')!r} is not hexadecimal") from None


def _from_json(text: bytes, held: int) -> tuple[bytes, int]:
    """Return what the beginning of a string says, and how much of it was taken: all but ``held`` bytes at most.

    No string of JSON ends within an escape, nor between the halves of a character.
    """
    for taken in range(len(text), max(len(text) - held, 0) - 1, -1):
        try:
            string: str = parsed(b'"%b"' % text[:taken])
            return string.encode(), taken
        except ValueError as error:
            problem = str(error)  # not the error itself: it keeps all this in memory
    raise ArgumentError(f"not JSON: {problem}")
