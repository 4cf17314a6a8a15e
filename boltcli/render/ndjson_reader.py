"""Read rows from lines of JSON: many at a time if they are as export writes them, else line by line."""

from __future__ import annotations

from binascii import unhexlify
from itertools import islice
from typing import TYPE_CHECKING

from ..errors import ArgumentError
from .long_lines import LongLine, line_blocks
from .ndjson import End, has_fields_once, hex_names, parse_row, plain_names
from .orjson_writer import all_parsed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from ..ops.write.load_rows import Row
    from .json_array import Readable

    Names = Callable[[list[Any]], tuple[bytes, ...]]

_AT_ONCE = 256  # lines that are parsed together
_PATHS = {"bucket": plain_names, "bucket_hex": hex_names}
# The fields of a pair as export writes them, and what makes bytes of each.
_PAIRS: dict[tuple[str, ...], tuple[Names, Callable[[str], bytes], Callable[[str], bytes]]] = {
    (bucket, f"key{key}", f"value{value}"): (decode_path, decode_key, decode_value)
    for bucket, decode_path in _PATHS.items()
    for key, decode_key in (("", str.encode), ("_hex", unhexlify))
    for value, decode_value in (("", str.encode), ("_hex", unhexlify))
}
_BUCKETS: dict[tuple[str, ...], Names] = {(bucket, "sequence"): decode_path for bucket, decode_path in _PATHS.items()}


def parsed_lines(file: Readable) -> Iterator[tuple[Row | End, bytes]]:
    """Yield what each line of ``file`` says, and the line; or pairs of one bucket together, and no line.

    Empty lines are passed over. Raises :class:`~boltcli.errors.ArgumentError` (``line 3: ...``).
    """
    number = 0
    ended = False
    blocks = line_blocks(file)
    while True:
        try:
            block = next(blocks, None)
        except (ArgumentError, MemoryError) as error:
            raise _at(number + 1, error) from None
        if block is None:
            return
        strings, block = (block.strings, [block.text]) if isinstance(block, LongLine) else ({}, block)
        for start in range(0, len(block), _AT_ONCE):
            lines = block[start : start + _AT_ONCE]
            records = None if strings or ended else _records(lines)
            done = 0
            while done < len(lines):
                if records is not None and not ended:
                    for row, count in _plain_rows(records, done):
                        yield row, b""
                        done += count
                        number += count
                    if done == len(lines):
                        break
                line = lines[done]
                done += 1
                number += 1
                if not line.strip():
                    continue
                try:
                    if ended:
                        raise ArgumentError("there is a line after the end of the export")
                    said = parse_row(line, strings)
                except (ArgumentError, MemoryError) as error:
                    raise _at(number, error) from None
                ended = isinstance(said, End)
                yield said, line


def _at(number: int, error: ArgumentError | MemoryError) -> ArgumentError:
    return ArgumentError(f"line {number}: {error if str(error) else 'not enough memory for it'}")


def _records(lines: list[bytes]) -> list[dict[str, Any]] | None:
    """Return the objects that ``lines`` are; None if one of them has to be looked at on its own."""
    try:
        records = all_parsed(lines)
    except (ValueError, MemoryError):
        return None
    if set(map(type, records)) != {dict}:
        return None
    return records if has_fields_once(b"".join(lines), sum(map(len, records))) else None


def _plain_rows(records: list[dict[str, Any]], at: int) -> Iterator[tuple[Row, int]]:
    """Yield rows of ``records`` from ``at`` on, each with the number of records in it, up to one that isn't plain."""
    last: tuple[Any, Any] | None = None  # the bucket of the pairs that are collected, as it is written
    path: tuple[bytes, ...] = ()
    keys: list[bytes] = []
    values: list[bytes] = []
    for record in islice(records, at, None):
        fields = tuple(record)
        kinds = _PAIRS.get(fields)
        try:
            if kinds is not None:
                decode_path, decode_key, decode_value = kinds
                names, shown_key, shown_value = record.values()
                key, value = decode_key(shown_key), decode_value(shown_value)
                if last is None or names != last[0] or decode_path is not last[1]:
                    if keys:
                        yield (path, keys, values), len(keys)
                        keys, values = [], []
                    path = _path(decode_path, names)
                    last = names, decode_path
                keys.append(key)
                values.append(value)
                continue
            if keys:
                yield (path, keys, values), len(keys)
                keys, values = [], []
            if fields not in _BUCKETS:
                return
            names, sequence = record.values()
            if type(sequence) is not int or not 0 <= sequence < 1 << 64:
                return
            yield (_path(_BUCKETS[fields], names), sequence), 1
            last = None
        except (ArgumentError, TypeError, ValueError):
            break
    if keys:
        yield (path, keys, values), len(keys)


def _path(decode: Names, names: Any) -> tuple[bytes, ...]:
    if type(names) is not list:
        raise TypeError
    return decode(names)
