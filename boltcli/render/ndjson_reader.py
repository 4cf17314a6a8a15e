"""Read rows from lines of JSON: many at a time if they are as export writes them, else line by line."""

from __future__ import annotations

from binascii import Error, unhexlify
from itertools import islice, repeat
from typing import TYPE_CHECKING

from ..errors import ArgumentError
from ..kernel import load_kernel
from .long_lines import LongLine, line_blocks
from .ndjson import PLAIN, End, pair_head, parse_row
from .orjson_writer import parsed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..ops.write.load_rows import Row
    from .json_array import Readable

    Many = tuple[tuple[bytes, ...], list[bytes], list[bytes]]

_AT_ONCE = 256  # pairs that are given together, and
_BYTES_AT_ONCE = 1 << 16  # bytes of their lines


def parsed_lines(file: Readable) -> Iterator[tuple[Row | End, bytes]]:
    """Yield what each line of ``file`` says, and the line; or pairs of one bucket together, and no line.

    Empty lines are passed over. Raises :class:`~boltcli.errors.ArgumentError` (``line 3: ...``).
    """
    number = 0
    head: bytes | None = None  # how the line of the pair before began, up to its key
    path: tuple[bytes, ...] = ()  # of its bucket
    ended = False
    kernel = load_kernel()
    blocks = line_blocks(file)
    while True:
        try:
            lines = next(blocks, None)
        except (ArgumentError, MemoryError) as error:
            raise _at(number + 1, error) from None
        if lines is None:
            return
        strings: dict[str, bytes] = {}
        if isinstance(lines, LongLine):
            head, strings, lines = None, lines.strings, [lines.text]
        done = exact = 0  # how many of these; how many have to be taken one by one
        while done < len(lines):
            if kernel is not None and not (ended or strings):
                rows, count = kernel.parse(lines, done)
                done += count
                number += count
                yield from zip(rows, repeat(b""))
                if done == len(lines):
                    break
            elif head is not None and done >= exact:
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
                if ended:
                    raise ArgumentError("there is a line after the end of the export")
                row = parse_row(line, strings)
            except (ArgumentError, MemoryError) as error:
                raise _at(number, error) from None
            ended = isinstance(row, End)
            if isinstance(row, End) or len(row) == 2 or row[0] != path:
                head = None
            elif head is None:  # the second of a bucket in a row: there may be more
                head = pair_head(path)
            path = () if isinstance(row, End) else row[0]
            yield row, line


def _at(number: int, error: ArgumentError | MemoryError) -> ArgumentError:
    return ArgumentError(f"line {number}: {error if str(error) else 'not enough memory for it'}")


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
