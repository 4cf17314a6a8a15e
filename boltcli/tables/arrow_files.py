"""Arrow batches as Parquet and Arrow files, and such files as rows of a database."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

from ..errors import ArgumentError
from ..extras import need
from .relations import name_bytes, name_text

if TYPE_CHECKING:
    from ..ops.write.load_rows import Row

FORMATS = ("parquet", "arrow")
_ROWS = 8192
_BYTES = 1 << 20
_BATCH = 256  # rows that are read together


def write_batches(file: BinaryIO, form: str, batches: Iterator[Any], schema: Any) -> int:
    """Write Arrow batches to ``file`` as parquet or arrow; return the number of rows.

    Raises :class:`~boltcli.errors.MissingExtra`, and what ``batches`` raises.
    """
    writer: Any
    if form == "parquet":
        # Values are hardly ever twice there, and a dictionary of them is another copy.
        once = [field.name for field in schema if not str(field.type).endswith("binary")]
        parquet = need("pyarrow.parquet", "sql", "Parquet")
        writer = parquet.ParquetWriter(
            file, schema, compression="zstd", use_dictionary=once, write_statistics=once, data_page_size=_BYTES
        )
    else:
        writer = need("pyarrow.ipc", "sql", "Arrow").new_file(file, schema)
    count = 0
    with writer:
        for batch in batches:
            writer.write_batch(batch)
            count += batch.num_rows
    return count


def row_schema() -> Any:
    """Return the schema of an exported database: of a bucket its path and sequence, of a pair also key and value."""
    pa = need("pyarrow", "sql", "Arrow")
    names = pa.list_(pa.string())
    return pa.schema([("bucket", names), ("sequence", pa.uint64()), ("key", pa.binary()), ("value", pa.large_binary())])


def row_batches(rows: Iterator[Row]) -> Iterator[Any]:
    """Yield record batches of the rows of a database, in their order."""
    pa = need("pyarrow", "sql", "Arrow")
    schema = row_schema()
    columns: tuple[list[Any], ...] = ([], [], [], [])
    size = 0
    for row in rows:
        columns[0].append(list(map(name_text, row[0])))
        if len(row) == 2:
            values: tuple[Any, Any, Any] = (row[1], None, None)
        else:
            values = (None, row[1], row[2])
            size += len(row[1]) + len(row[2])
        for column, value in zip(columns[1:], values):
            column.append(value)
        if len(columns[0]) >= _ROWS or size >= _BYTES:
            yield _batch(pa, schema, columns)
            columns = ([], [], [], [])
            size = 0
    if columns[0]:
        yield _batch(pa, schema, columns)


def _batch(pa: Any, schema: Any, columns: tuple[list[Any], ...]) -> Any:
    arrays = [array(pa, column, field.type) for column, field in zip(columns, schema)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def array(pa: Any, values: list[Any], kind: Any) -> Any:
    """Make an Arrow array of ``values``; a single large one, bytes, is not copied."""
    if len(values) == 1 and isinstance(values[0], bytes) and len(values[0]) > _BYTES:
        offsets = struct.pack("<qq" if kind == pa.large_binary() else "<ii", 0, len(values[0]))
        return pa.Array.from_buffers(kind, 1, [None, pa.py_buffer(offsets), pa.py_buffer(values[0])])
    return pa.array(values, kind)


def read_rows(path: str) -> Iterator[Row]:
    """Yield the rows of a database from a Parquet or Arrow file that :func:`row_batches` was written to.

    Raises :class:`~boltcli.errors.ArgumentError` for a file with other columns.
    """
    pa = need("pyarrow", "sql", "Parquet")
    columns = ["bucket", "sequence", "key", "value"]
    try:
        with open(path, "rb") as file:
            is_parquet = file.read(4) == b"PAR1"
        if is_parquet:
            parquet = need("pyarrow.parquet", "sql", "Parquet").ParquetFile(path, pre_buffer=False)
            names, batches = (
                parquet.schema_arrow.names,
                parquet.iter_batches(_BATCH, columns=columns, use_threads=False),
            )
        else:
            arrow = need("pyarrow.ipc", "sql", "Arrow").open_file(pa.memory_map(path))
            names, batches = arrow.schema.names, map(arrow.get_batch, range(arrow.num_record_batches))
        missing = [name for name in columns if name not in names]
        if missing:
            raise ArgumentError(f"{path}: there is no column {missing[0]}: it was not written by export")
        for batch in batches:
            together = max(1, batch.num_rows * _BYTES // max(batch.nbytes, 1))
            for start in range(0, batch.num_rows, together):
                part = batch.slice(start, together)
                for bucket, sequence, key, value in zip(*(part.column(name).to_pylist() for name in columns)):
                    path_ = tuple(map(name_bytes, bucket))
                    if key is None:
                        yield path_, int(sequence or 0)
                    else:
                        yield path_, key, value if value is not None else b""
    except pa.ArrowException as error:
        raise ArgumentError(f"{path}: {str(error).splitlines()[0]}") from None


def write_records(file: BinaryIO, form: str, names: list[str], records: list[dict[str, Any]]) -> None:
    """Write records as parquet or arrow: numbers, booleans and text as they are, lists and objects as JSON text."""
    import json

    pa = need("pyarrow", "sql", "Parquet")
    columns = {}
    for name in names:
        values = [record.get(name) for record in records]
        values = [json.dumps(value) if isinstance(value, (list, dict)) else value for value in values]
        kinds = {type(value) for value in values if value is not None}
        if len(kinds) > 1:
            values = [None if value is None else str(value) for value in values]
        kind = pa.int64() if kinds == {int} else pa.bool_() if kinds == {bool} else pa.float64()
        columns[name] = pa.array(values, kind if kinds <= {int, bool, float} and len(kinds) == 1 else pa.string())
    table = pa.table(columns)
    write_batches(file, form, iter(table.to_batches()), table.schema)


def read_table(path: str) -> list[dict[str, Any]]:
    """Return the rows of a Parquet or Arrow file. Raises ValueError if it is neither."""
    pa = need("pyarrow", "sql", "Parquet")
    dataset = need("pyarrow.dataset", "sql", "Parquet")
    with open(path, "rb") as file:
        form = "parquet" if file.read(4) == b"PAR1" else "ipc"
    try:
        rows: list[dict[str, Any]] = dataset.dataset(path, format=form).to_table().to_pylist()
    except pa.ArrowException as error:
        raise ValueError(str(error).splitlines()[0]) from None
    return rows
