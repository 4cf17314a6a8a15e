"""The rows in lines of JSON: many at a time where they are as export writes them, else line by line."""

from __future__ import annotations

from binascii import Error, unhexlify
from itertools import islice
from typing import TYPE_CHECKING

from ..errors import ArgumentError
from .ndjson import PLAIN, End, pair_head, parse_row
from .orjson_writer import parsed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from ..ops.write.load_rows import Row

    Many = tuple[tuple[bytes, ...], list[bytes], list[bytes]]

_LONGEST = 1 << 31  # bytes of a line
_BLOCK = 1 << 20  # bytes read at once
_AT_ONCE = 256  # pairs that are given together, and
_BYTES_AT_ONCE = 1 << 16  # bytes of their lines


def parsed_lines(file: BinaryIO) -> Iterator[tuple[Row | End, bytes]]:
    """Yield what each line of ``file`` says, and the line; or pairs of one bucket together, and no line.

    Empty lines are passed over. Raises :class:`~boltcli.errors.ArgumentError` (``line 3: ...``).
    """
    number = 0
    head: bytes | None = None  # how the line of the pair before began, up to its key
    path: tuple[bytes, ...] = ()  # of its bucket
    ended = False
    for lines in _blocks(file):
        done = exact = 0  # how many of these; how many have to be taken one by one
        while done < len(lines):
            if head is not None and done >= exact:
                count, many = _alike(lines, done, head, path)
                if many is not None:
                    done += count
                    number += count
                    yield many, b""
                    continue
                exact = done + count
            line = lines[done]
            done += 1
            number += 1
            if not line.strip():
                continue
            try:
                if len(line) >= _LONGEST:
                    raise ArgumentError(f"it is longer than {_LONGEST} bytes, and no row is")
                if ended:
                    raise ArgumentError("there is a line after the end of the export")
                row = parse_row(line)
            except (ArgumentError, MemoryError) as error:
                raise ArgumentError(f"line {number}: {error or 'not enough memory for it'}") from None
            ended = isinstance(row, End)
            if isinstance(row, End) or len(row) == 2 or row[0] != path:
                head = None
            elif head is None:  # the second of a bucket in a row: there may be more
                head = pair_head(path)
            path = () if isinstance(row, End) else row[0]
            yield row, line


def _blocks(file: BinaryIO) -> Iterator[list[bytes]]:
    """Yield the lines, without their ends, some together. Of one that is longer than a row may be, the beginning."""
    rest: list[bytes] = []
    size = 0
    while block := file.read(_BLOCK):
        end = block.rfind(b"\n")
        if end < 0 and size + len(block) < _LONGEST:
            rest.append(block)
            size += len(block)
            continue
        rest.append(block[:end] if end >= 0 else block)
        yield b"".join(rest).split(b"\n")
        rest = [block[end + 1 :]] if end >= 0 else []
        size = sum(map(len, rest))
    if size:
        yield [b"".join(rest)]


def _alike(lines: list[bytes], at: int, head: bytes, path: tuple[bytes, ...]) -> tuple[int, Many | None]:
    """Read the lines from ``at`` on that begin with ``head``, at most some hundred.

    Returns how many these are, and their pairs: None if not all about them is plain.
    """
    first = lines[at]
    key_in_hex, value_in_hex = first.startswith(head + b'"key_hex":"'), b'","value_hex":"' in first
    before = head + (b'"key_hex":"' if key_in_hex else b'"key":"')
    between = b'","value_hex":"' if value_in_hex else b'","value":"'
    keys: list[bytes] = []
    values: list[bytes] = []
    size, start = 0, len(before)
    for line in islice(lines, at, at + _AT_ONCE):
        key, found, value = line[start:-2].partition(between)
        if not (found and line.startswith(before) and line.endswith(b'"}')):
            break
        keys.append(key)
        values.append(value)
        size += len(line)
        if size > _BYTES_AT_ONCE:
            break
    try:
        if key_in_hex:
            keys = list(map(unhexlify, keys))
        elif b"".join(keys).translate(None, PLAIN):
            return len(keys), None
        if value_in_hex:
            values = list(map(unhexlify, values))
        elif b"".join(values).translate(None, PLAIN):
            # A quote that isn't escaped makes it no string of JSON.
            values = [parsed(b'"%b"' % value).encode() if value.translate(None, PLAIN) else value for value in values]
    except (Error, ValueError):
        return len(values), None
    return len(keys), (path, keys, values) if keys else None
