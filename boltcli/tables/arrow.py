"""Arrow: relations as batches and as a dataset that is read when it is scanned; Parquet and Arrow files and back.

The only module that imports pyarrow.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, BinaryIO

from ..apps.contract import Column
from ..errors import ArgumentError
from ..extras import need
from ..ops.read.content import Bounds, Enter, Pairs, bucket_at
from ..text.cells import cell, row_chunks
from ..text.json import plain_text
from .relations import PAIRS, Relation, TableFile, name_bytes, name_text, pair_columns

if TYPE_CHECKING:
    from pyarrow import RecordBatchReader

    from ..ops.read.content import Placed

    __all__ = ["RecordBatchReader"]

Columns = dict[str, list[Any]]

_ROWS = 8192  # rows in a batch, at most
_BYTES = 1 << 20  # bytes of keys and values at which a batch is complete
_BATCH = 256  # rows of a file that are read together


class TooWide(ArgumentError):
    """An integer that does not fit 64 bits, signed: the schema must be the wide one."""


def pyarrow() -> Any:
    """Return the library. Raises :class:`~boltcli.errors.MissingExtra`."""
    return need("pyarrow", "sql", "Arrow")


def schema(columns: Sequence[Column], *, wide: bool = False) -> Any:
    """Return the Arrow schema of a table; ``wide`` has room for unsigned integers of 64 bits."""
    pa = pyarrow()
    types = {
        "integer": pa.decimal128(20, 0) if wide else pa.int64(),
        "number": pa.float64(),
        "boolean": pa.bool_(),
        "bytes": pa.binary(),
        "time": pa.timestamp("ns", "UTC"),
        "names": pa.list_(pa.string()),
    }
    return pa.schema([(column.name, types.get(column.type, pa.string())) for column in columns])


def batches(
    relation: Relation, files: Sequence[TableFile], columns: Sequence[str] | None, bounds: Bounds, *, wide: bool
) -> Iterator[Any]:
    """Yield the record batches of ``relation`` over ``files``; of columns but ``columns`` (None: all) none is read.

    A batch has the relation's columns, those not read full of nulls. Raises TooWide and Corrupted.
    """
    whole = schema(relation.columns, wide=wide)
    names = [name for name in whole.names if columns is None or name in columns]
    for file in files:
        if relation is PAIRS:
            parts = _gathered(pair_columns(file, names or ["key"], bounds))
        else:
            parts = _columns(relation.columns[1:], relation.rows(file), names)
        for count, part in parts:
            yield _batch(whole, count, {"path": [file.path] * count, **part} if "path" in names else part)


def write_rows(file: BinaryIO, form: str, columns: Sequence[Column], rows: Iterable[Any]) -> int:
    """Write a table to ``file`` as parquet or arrow; return the number of rows.

    If an integer needs it all are written again, with room for more than 64 bits. Raises TooWide if ``rows`` can't be
    read again, MissingExtra, and what reading them raises.
    """

    def write(*, wide: bool) -> int:
        whole = schema(columns, wide=wide)
        parts = (_batch(whole, count, part) for count, part in _columns(columns, rows, whole.names))
        return write_batches(file, form, parts, whole)

    try:
        return write(wide=False)
    except TooWide:
        if iter(rows) is rows:
            raise
        file.seek(0)
        file.truncate()
        return write(wide=True)


def write_batches(file: BinaryIO, form: str, batches: Iterator[Any], schema: Any) -> int:
    """Write Arrow batches to ``file`` as parquet or arrow; return the number of rows.

    Raises MissingExtra, and ArgumentError if Parquet has no type for a column.
    """
    writer: Any
    if form == "parquet":
        # Values are hardly ever twice there, and a dictionary of them is another copy.
        once = [field.name for field in schema if not str(field.type).endswith("binary")]
        parquet = need("pyarrow.parquet", "sql", "Parquet")
        try:
            writer = parquet.ParquetWriter(
                file, schema, compression="zstd", use_dictionary=once, write_statistics=once, data_page_size=_BYTES
            )
        except NotImplementedError as error:  # of intervals, for one
            what = f"Parquet has no such type ({error}): cast the column to text, or write an .arrow file"
            raise ArgumentError(what) from None
    else:
        writer = need("pyarrow.ipc", "sql", "Arrow").new_file(file, schema)
    count = 0
    with writer:
        for batch in batches:
            writer.write_batch(batch)
            count += batch.num_rows
    return count


def reader(whole: Any, parts: Iterator[Any], columns: Sequence[str] | None) -> RecordBatchReader:
    """Return a reader of batches of the schema ``whole``, with ``columns`` in their order (None: all)."""
    pa = pyarrow()
    names = whole.names if columns is None else list(columns)
    chosen = pa.schema([whole.field(name) for name in names])
    found: RecordBatchReader = pa.RecordBatchReader.from_batches(chosen, (batch.select(names) for batch in parts))
    return found


def _batch(whole: Any, count: int, part: Columns) -> Any:
    pa = pyarrow()
    arrays = [
        _array(pa, part[field.name], field.type) if field.name in part else pa.nulls(count, field.type)
        for field in whole
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=whole)


def _columns(columns: Sequence[Column], rows: Iterable[Any], names: Sequence[str]) -> Iterator[tuple[int, Columns]]:
    """Yield the columns called ``names`` of some rows at a time, and how many these are."""
    wanted = [(place, column) for place, column in enumerate(columns) if column.name in names]
    for chunk in row_chunks(rows, _ROWS):
        yield len(chunk), {column.name: [_cell(row[at], column.type) for row in chunk] for at, column in wanted}


def _cell(value: Any, type: str) -> Any:
    found = cell(value, type)
    return found if type != "json" or value is None else plain_text(found)


def _gathered(parts: Iterable[Columns]) -> Iterator[tuple[int, Columns]]:
    """Join columns of a few rows into larger ones; yields the number of rows, too. A large value stays alone."""
    held: Columns = {}
    count = size = 0
    for part in parts:
        long = next((part[name] for name in ("value", "value_text", "value_json", "key") if part.get(name)), [])
        more = sum(len(each) for each in long if each)
        if count and (count >= _ROWS or size + more >= _BYTES):
            yield count, held
            held, count, size = {}, 0, 0
        for name, values in part.items():
            held.setdefault(name, []).extend(values)
        count += len(next(iter(part.values())))
        size += more
    if count:
        yield count, held


def _array(pa: Any, values: list[Any], kind: Any) -> Any:
    if len(values) == 1 and isinstance(values[0], bytes) and len(values[0]) > _BYTES:  # a large one is not copied
        offsets = struct.pack("<qq" if kind == pa.large_binary() else "<ii", 0, len(values[0]))
        return pa.Array.from_buffers(kind, 1, [None, pa.py_buffer(offsets), pa.py_buffer(values[0])])
    if pa.types.is_decimal(kind):
        values = [None if value is None else Decimal(value) for value in values]
    try:
        return pa.array(values, kind)
    except (OverflowError, pa.ArrowInvalid) as error:
        if pa.types.is_integer(kind):
            raise TooWide("an integer does not fit in signed 64 bits; use wide=True") from error
        if pa.types.is_timestamp(kind):
            return pa.array([value if -(1 << 63) <= value < 1 << 63 else None for value in values], kind)
        if pa.types.is_string(kind):  # lone surrogates
            return pa.array([None if v is None else v.encode("utf-8", "replace").decode() for v in values], kind)
        raise


def dataset(
    relation: Relation, files: Sequence[TableFile], bounds: Bounds, *, wide: bool, failures: list[Exception]
) -> Any:
    """Return an Arrow dataset whose every scan reads ``files`` anew, and only the columns that it is asked for.

    C++ replaces an error that ends a scan by one of its own, so the first real error is appended to ``failures``.
    """
    pa = pyarrow()
    datasets: Any = need("pyarrow.dataset", "sql", "Arrow")
    whole = schema(relation.columns, wide=wide)

    def scanned(columns: Sequence[str] | None) -> Iterator[Any]:
        try:
            yield from batches(relation, files, columns, bounds, wide=wide)
        except Exception as error:
            failures.append(error)
            raise

    class Lazy(datasets.InMemoryDataset):  # type: ignore[misc]
        """DuckDB asks it for a scanner of columns, and that for a reader. Arrow's own scanner reads far ahead."""

        def scanner(self, columns: list[str] | None = None, filter: Any = None, **_: Any) -> Any:
            # An expression can only be read as text: it may need any column whose name is in that.
            text = str(filter)
            needed = None if columns is None else [name for name in whole.names if name in columns or name in text]
            parts = (batch if filter is None else batch.filter(filter) for batch in scanned(needed))
            found = reader(whole, parts, columns)
            return SimpleNamespace(to_reader=lambda: found)

    return Lazy(pa.table({field.name: pa.array([], field.type) for field in whole}, schema=whole))


def row_schema() -> Any:
    """Return the schema of an exported database: of a bucket its path and sequence, of a pair also key and value."""
    pa = pyarrow()
    names = pa.list_(pa.string())
    return pa.schema([("bucket", names), ("sequence", pa.uint64()), ("key", pa.binary()), ("value", pa.large_binary())])


def row_batches(content: Iterable[Placed]) -> Iterator[Any]:
    """Yield record batches of the buckets and pairs of a database, in their order."""
    return (_batch(row_schema(), count, part) for count, part in _gathered(map(_row_columns, content)))


def _row_columns(part: Placed) -> Columns:
    path, event = part
    names = list(map(name_text, path))
    if isinstance(event, Enter):
        return {"bucket": [names], "sequence": [event.sequence], "key": [None], "value": [None]}
    count = len(event.keys)
    return {"bucket": [names] * count, "sequence": [None] * count, "key": [*event.keys], "value": [*event.values]}


def read_rows(path: str) -> Iterator[Placed]:
    """Yield what :func:`row_batches` wrote to a Parquet or Arrow file. Raises ArgumentError for other columns."""
    pa = need("pyarrow", "sql", "Parquet")
    columns = ["bucket", "sequence", "key", "value"]
    try:
        with open(path, "rb") as file:
            is_parquet = file.read(4) == b"PAR1"
        batches: Iterator[Any]
        if is_parquet:
            parquet = need("pyarrow.parquet", "sql", "Parquet").ParquetFile(path, pre_buffer=False)
            names = parquet.schema_arrow.names
            batches = parquet.iter_batches(_BATCH, columns=columns, use_threads=False)
        else:
            arrow = need("pyarrow.ipc", "sql", "Arrow").open_file(pa.memory_map(path))
            names, batches = arrow.schema.names, map(arrow.get_batch, range(arrow.num_record_batches))
        missing = [name for name in columns if name not in names]
        if missing:
            raise ArgumentError(f"{path}: it has no column {missing[0]}, so export did not write it")
        for part in slices(batches):
            for bucket, sequence, key, value in zip(*(part.column(name).to_pylist() for name in columns)):
                place = tuple(map(name_bytes, bucket))
                if key is None:
                    yield bucket_at(place, int(sequence or 0))
                else:
                    yield place, Pairs([key], [value if value is not None else b""])
    except pa.ArrowException as error:
        raise ArgumentError(f"{path}: {str(error).splitlines()[0]}") from None


def slices(batches: Iterable[Any]) -> Iterator[Any]:
    """Yield record batches in parts of about a megabyte, of which objects are made together."""
    for batch in batches:
        together = max(1, batch.num_rows * _BYTES // max(batch.nbytes, 1))
        yield from (batch.slice(start, together) for start in range(0, batch.num_rows, together))
