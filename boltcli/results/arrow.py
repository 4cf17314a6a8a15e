"""Arrow: columns with names and types as a schema, rows as batches of bounded size, batches as a stream.

The only module that imports pyarrow itself.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import chain
from typing import TYPE_CHECKING, Any

from ..errors import ArgumentError
from ..extras import need
from ..text.cells import cell, row_chunks
from ..text.columns import Column
from ..text.json import plain_text

if TYPE_CHECKING:
    from pyarrow import RecordBatchReader

    __all__ = ["RecordBatchReader"]

Columns = dict[str, list[Any]]

_ROWS = 8192  # rows in a batch, at most
BATCH_BYTES = 1 << 20  # bytes of keys and values at which a batch is complete


class TooWide(ArgumentError):
    """An integer that does not fit 64 bits, signed: the schema must be the wide one."""


def pyarrow() -> Any:
    """Return the library. Raises :class:`~boltcli.errors.MissingExtra`."""
    return need("pyarrow", "sql", "Arrow")


def schema(columns: Sequence[Column], *, wide: bool = False) -> Any:
    """Return the Arrow schema of a table; ``wide`` has room for unsigned integers of 64 bits."""
    pa = pyarrow()
    types = {
        "unsigned": pa.uint64(),
        "integer": pa.decimal128(20, 0) if wide else pa.int64(),
        "number": pa.float64(),
        "boolean": pa.bool_(),
        "bytes": pa.binary(),
        "time": pa.timestamp("ns", "UTC"),
        "names": pa.list_(pa.string()),
    }
    return pa.schema([(column.name, types.get(column.type, pa.string())) for column in columns])


def stream(columns: Sequence[Column], parts: Iterator[tuple[int, Columns]], requested: object) -> object:
    """Return parts of a table as an Arrow C stream. The first one is read at once: it shows which integers are wide."""
    first = next(parts, None)
    known = first[1] if first else {}
    wide = [
        column.type == "integer" and any(v is not None and not -(1 << 63) <= v < 1 << 63 for v in known[column.name])
        for column in columns if known
    ]  # fmt: skip
    plain, decimal = schema(columns), schema(columns, wide=True)
    whole = (
        pyarrow().schema([(decimal if each else plain).field(at) for at, each in enumerate(wide)]) if wide else plain
    )
    batches = (record_batch(whole, count, part) for count, part in chain([first] if first else [], parts))
    return reader(whole, batches, None).__arrow_c_stream__(requested)


def reader(whole: Any, parts: Iterator[Any], columns: Sequence[str] | None) -> RecordBatchReader:
    """Return a reader of batches of the schema ``whole``, with ``columns`` in their order (None: all)."""
    pa = pyarrow()
    names = whole.names if columns is None else list(columns)
    chosen = pa.schema([whole.field(name) for name in names])
    found: RecordBatchReader = pa.RecordBatchReader.from_batches(chosen, (batch.select(names) for batch in parts))
    return found


def record_batch(whole: Any, count: int, part: Columns) -> Any:
    pa = pyarrow()
    arrays = [
        _array(pa, part[field.name], field.type) if field.name in part else pa.nulls(count, field.type)
        for field in whole
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=whole)


def row_columns(columns: Sequence[Column], rows: Iterable[Any], names: Sequence[str]) -> Iterator[tuple[int, Columns]]:
    """Yield the columns called ``names`` of some rows at a time, and how many these are."""
    wanted = [(place, column) for place, column in enumerate(columns) if column.name in names]
    for chunk in row_chunks(rows, _ROWS):
        yield len(chunk), {column.name: [_cell(row[at], column.type) for row in chunk] for at, column in wanted}


def _cell(value: Any, type: str) -> Any:
    found = cell(value, type)
    return found if type != "json" or value is None else plain_text(found)


def gathered(parts: Iterable[Columns]) -> Iterator[tuple[int, Columns]]:
    """Join columns of a few rows into larger ones; yields the number of rows, too. A large value stays alone."""
    held: Columns = {}
    count = size = 0
    for part in parts:
        long = next((part[name] for name in ("value", "value_text", "value_json", "key") if part.get(name)), [])
        more = sum(len(each) for each in long if each)
        if count and (count >= _ROWS or size + more >= BATCH_BYTES):
            yield count, held
            held, count, size = {}, 0, 0
        for name, values in part.items():
            held.setdefault(name, []).extend(values)
        count += len(next(iter(part.values())))
        size += more
    if count:
        yield count, held


def _array(pa: Any, values: list[Any], kind: Any) -> Any:
    if len(values) == 1 and isinstance(values[0], bytes) and len(values[0]) > BATCH_BYTES:  # a large one is not copied
        offsets = struct.pack("<qq" if kind == pa.large_binary() else "<ii", 0, len(values[0]))
        return pa.Array.from_buffers(kind, 1, [None, pa.py_buffer(offsets), pa.py_buffer(values[0])])
    if pa.types.is_decimal(kind):
        values = [None if value is None else Decimal(value) for value in values]
    try:
        return pa.array(values, kind)
    except (OverflowError, pa.ArrowInvalid) as error:
        if pa.types.is_integer(kind):
            raise TooWide("an integer does not fit 64 bits, signed: ask for the wide form (wide=True)") from error
        if pa.types.is_timestamp(kind):
            return pa.array([v if v is not None and -(1 << 63) <= v < 1 << 63 else None for v in values], kind)
        if pa.types.is_string(kind):  # lone surrogates
            return pa.array([None if v is None else v.encode("utf-8", "replace").decode() for v in values], kind)
        raise
