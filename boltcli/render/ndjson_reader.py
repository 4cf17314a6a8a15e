"""Read buckets and pairs from lines of JSON: many at a time if they are as export writes them, else line by line."""

from __future__ import annotations

from binascii import unhexlify
from itertools import groupby
from typing import TYPE_CHECKING, Any

from ..errors import ArgumentError
from ..ops.read.content import Pairs, bucket_at
from .long_lines import LongLine, line_blocks
from .ndjson import End, has_fields_once, hex_names, parse_row, plain_names
from .orjson_writer import all_parsed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..ops.read.content import Placed
    from .json_array import Readable

_AT_ONCE = 256  # lines that are parsed together


def parsed_lines(file: Readable) -> Iterator[tuple[Placed | End, bytes]]:
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
            found = None if strings or ended else _all_plain(lines)
            if found is not None:
                number += len(lines)
                for part in found:
                    yield part, b""
                continue
            for line in lines:
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


def _all_plain(lines: list[bytes]) -> list[Placed] | None:
    """Return what ``lines`` say, if each is as export writes them; else None."""
    try:
        records = all_parsed(lines)
        found: list[Placed] = []
        strings = fields = 0
        for place, run in _runs(records):
            is_pair, plain, in_hex = place
            part = list(run)
            names = plain if in_hex is None else in_hex
            if type(names) is not list or {*map(len, part)} != {3 if is_pair else 2}:
                return None
            path = plain_names(names) if in_hex is None else hex_names(names)
            strings += len(part) * len(path)
            fields += len(part) * len(part[0])
            if is_pair:
                found.append((path, Pairs(_column(part, "key", "key_hex"), _column(part, "value", "value_hex"))))
                strings += 2 * len(part)
                continue
            for record in part:
                sequence = record["sequence"]
                if type(sequence) is not int or not 0 <= sequence < 1 << 64:
                    return None
                found.append(bucket_at(path, sequence))
    except (ArgumentError, AttributeError, KeyError, MemoryError, TypeError, ValueError):
        return None
    return found if has_fields_once(b"".join(lines), fields, strings) else None


def _runs(records: list[Any]) -> Iterable[tuple[tuple[bool, Any, Any], Iterable[Any]]]:
    """Return the lines that are taken together, with their place: mostly all, which a look at a column shows."""
    first = records[0].get("bucket")
    is_one = first is not None and len({*map(len, records)}) == 1
    if is_one and [record.get("bucket") for record in records].count(first) == len(records):
        return [(_place(records[0]), records)]
    return groupby(records, _place)


def _place(record: Any) -> tuple[bool, Any, Any]:
    """Return what the lines have in common that are taken together: pairs or buckets, and of which bucket."""
    return "sequence" not in record, record.get("bucket"), record.get("bucket_hex")


def _column(records: list[dict[str, str]], name: str, in_hex: str) -> list[bytes]:
    return [record[name].encode() if name in record else unhexlify(record[in_hex]) for record in records]
