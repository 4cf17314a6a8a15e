"""Arrow: relations as batches and as a dataset that is read when it is scanned; Parquet and Arrow files and back.

What is of every table is in ``results/arrow.py``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, BinaryIO

from ..apps.contract import Column
from ..errors import ArgumentError
from ..extras import need
from ..ops.read.content import Bounds, Enter, Pairs, bucket_at
from ..results.arrow import (
    BATCH_BYTES,
    Columns,
    TooWide,
    gathered,
    pyarrow,
    reader,
    record_batch,
    row_columns,
    schema,
)  # fmt: skip
from .relations import PAIRS, Relation, TableFile, name_bytes, name_text, pair_columns

if TYPE_CHECKING:
    from ..ops.read.content import Placed
    from ..progress import Progress

_BATCH = 256  # rows of a file that are read together


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
            parts = gathered(pair_columns(file, names or ["key"], bounds))
        else:
            parts = row_columns(relation.columns[1:], relation.rows(file), names)
        for count, part in parts:
            yield record_batch(whole, count, {"path": [file.path] * count, **part} if "path" in names else part)


def write_rows(file: BinaryIO, form: str, columns: Sequence[Column], rows: Iterable[Any]) -> int:
    """Write a table to ``file`` as parquet or arrow; return the number of rows.

    If an integer needs it all are written again, with room for more than 64 bits. Raises TooWide if ``rows`` can't be
    read again, MissingExtra, and what reading them raises.
    """

    def write(*, wide: bool) -> int:
        whole = schema(columns, wide=wide)
        parts = (record_batch(whole, count, part) for count, part in row_columns(columns, rows, whole.names))
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
                file, schema, compression="zstd", use_dictionary=once, write_statistics=once, data_page_size=BATCH_BYTES
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
    return (record_batch(row_schema(), count, part) for count, part in gathered(map(_row_columns, content)))


def _row_columns(part: Placed) -> Columns:
    path, event = part
    names = list(map(name_text, path))
    if isinstance(event, Enter):
        return {"bucket": [names], "sequence": [event.sequence], "key": [None], "value": [None]}
    count = len(event.keys)
    return {"bucket": [names] * count, "sequence": [None] * count, "key": [*event.keys], "value": [*event.values]}


def read_rows(path: str, progress: Progress | None = None) -> Iterator[Placed]:
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
            total = parquet.metadata.num_rows
        else:
            arrow = need("pyarrow.ipc", "sql", "Arrow").open_file(pa.memory_map(path))
            names, batches = arrow.schema.names, map(arrow.get_batch, range(arrow.num_record_batches))
            total = 0  # only the batches say how many rows they have
        missing = [name for name in columns if name not in names]
        if missing:
            raise ArgumentError(f"{path}: it has no column {missing[0]}, so export did not write it")
        done = 0
        for part in slices(batches):
            done += part.num_rows
            if progress is not None:
                progress(done, total)
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
        together = max(1, batch.num_rows * BATCH_BYTES // max(batch.nbytes, 1))
        yield from (batch.slice(start, together) for start in range(0, batch.num_rows, together))
