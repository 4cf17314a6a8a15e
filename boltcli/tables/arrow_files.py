"""Arrow batches as Parquet and Arrow files, and such files as rows of a database."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

from ..errors import ArgumentError
from ..extras import need
from ..ops.read.content import Enter, Pairs, bucket_at
from .relations import name_bytes, name_text

if TYPE_CHECKING:
    from ..ops.read.content import Path, Placed

FORMATS = ("parquet", "arrow")
_ROWS = 8192  # rows in a batch, at most
_BYTES = 1 << 20  # bytes of keys and values at which a batch is complete
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


def row_batches(content: Iterable[Placed]) -> Iterator[Any]:
    """Yield record batches of the buckets and pairs of a database, in their order."""
    pa = need("pyarrow", "sql", "Arrow")
    schema = row_schema()
    for _, part in gathered(map(_row_columns, content)):
        arrays = [array(pa, part[field.name], field.type) for field in schema]
        yield pa.RecordBatch.from_arrays(arrays, schema=schema)


def _row_columns(part: Placed) -> dict[str, list[Any]]:
    path, event = part
    names = list(map(name_text, path))
    if isinstance(event, Enter):
        return {"bucket": [names], "sequence": [event.sequence], "key": [None], "value": [None]}
    count = len(event.keys)
    return {"bucket": [names] * count, "sequence": [None] * count, "key": [*event.keys], "value": [*event.values]}


def gathered(parts: Iterable[dict[str, list[Any]]]) -> Iterator[tuple[int, dict[str, list[Any]]]]:
    """Join columns of a few rows into larger ones; yields the number of rows, too. A large value stays alone."""
    held: dict[str, list[Any]] = {}
    count = size = 0
    for part in parts:
        more = sum(len(each) for each in part.get("value") or part.get("value_text") or part.get("key") or () if each)
        if count and (count >= _ROWS or size + more >= _BYTES):
            yield count, held
            held, count, size = {}, 0, 0
        for name, values in part.items():
            held.setdefault(name, []).extend(values)
        count += len(next(iter(part.values())))
        size += more
    if count:
        yield count, held


def array(pa: Any, values: list[Any], kind: Any) -> Any:
    """Make an Arrow array of ``values``; a single large one, bytes, is not copied."""
    if len(values) == 1 and isinstance(values[0], bytes) and len(values[0]) > _BYTES:
        offsets = struct.pack("<qq" if kind == pa.large_binary() else "<ii", 0, len(values[0]))
        return pa.Array.from_buffers(kind, 1, [None, pa.py_buffer(offsets), pa.py_buffer(values[0])])
    return pa.array(values, kind)


def read_rows(path: str) -> Iterator[Placed]:
    """Yield the buckets and pairs of a database from a Parquet or Arrow file that :func:`row_batches` was written to.

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
                    place: Path = tuple(map(name_bytes, bucket))
                    if key is None:
                        yield bucket_at(place, int(sequence or 0))
                    else:
                        yield place, Pairs([key], [value if value is not None else b""])
    except pa.ArrowException as error:
        raise ArgumentError(f"{path}: {str(error).splitlines()[0]}") from None


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
