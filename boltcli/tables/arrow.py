"""Relations as Arrow: schemas, record batches, and a dataset that reads the file when it is scanned.

The only module that imports pyarrow, together with its siblings for files (``arrow_files.py``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import ArgumentError
from ..extras import need
from ..ops.read.content import EVERYTHING, Bounds
from ..text.cells import cell, row_chunks
from ..text.json import plain_text
from .arrow_files import array, gathered, write_batches
from .relations import Relation, TableFile, pair_columns

if TYPE_CHECKING:
    from typing import BinaryIO

    from pyarrow import RecordBatchReader

    from ..apps.contract import Column

    __all__ = ["RecordBatchReader"]

_ROWS = 8192  # rows in a batch, at most


class TooWide(ArgumentError):
    """An integer that does not fit 64 bits, signed: the schema must be the wide one."""

    def __init__(self) -> None:
        super().__init__("an integer does not fit 64 bits, signed: ask for the wide form (wide=True)")


def pyarrow() -> Any:
    """Return the library. Raises :class:`~boltcli.errors.MissingExtra`."""
    return need("pyarrow", "sql", "Arrow")


def schema(columns: Sequence[Column], *, wide: bool = False) -> Any:
    """Return the Arrow schema of a table; ``wide`` has room for unsigned integers of 64 bits."""
    pa = pyarrow()
    return pa.schema([(column.name, _type(pa, column, wide)) for column in columns])


def _type(pa: Any, column: Column, wide: bool) -> Any:
    types = {
        "integer": (lambda: pa.decimal128(20, 0)) if wide else pa.int64,
        "number": pa.float64,
        "boolean": pa.bool_,
        "bytes": pa.binary,
        "time": lambda: pa.timestamp("ns", "UTC"),
        "names": lambda: pa.list_(pa.string()),
    }
    return types.get(column.type, pa.string)()


def batches(
    relation: Relation,
    files: Sequence[TableFile],
    columns: Sequence[str] | None = None,
    bounds: Bounds = EVERYTHING,
    *,
    wide: bool = False,
) -> Iterator[Any]:
    """Yield the record batches of ``relation`` over ``files``; of ``columns`` that are not asked for none is read.

    A batch has the relation's columns in their order, those left out filled with nulls, and holds bounded memory.
    Raises :class:`TooWide` and :class:`~boltcli.errors.Corrupted`.
    """
    whole = schema(relation.columns, wide=wide)
    names = [name for name in whole.names if columns is None or name in columns]
    for file in files:
        if relation.name == "pairs":
            parts = gathered(pair_columns(file, names or ["key"], bounds))
        else:
            parts = _columns(relation.columns[1:], relation.rows(file), names)
        for count, part in parts:
            yield _batch(whole, count, {"path": [file.path] * count, **part} if "path" in names else part)


def write_rows(file: BinaryIO, form: str, columns: Sequence[Column], rows: Iterable[Any]) -> int:
    """Write a table to ``file`` as parquet or arrow; return the number of rows.

    If an integer needs it they are written again, with room for more than 64 bits, if ``rows`` can be read again.
    Raises :class:`TooWide`, :class:`~boltcli.errors.MissingExtra`, and what reading the rows raises.
    """
    for wide in (False, True):
        whole = schema(columns, wide=wide)
        parts = (_batch(whole, count, part) for count, part in _columns(columns, rows, whole.names))
        try:
            return write_batches(file, form, parts, whole)
        except TooWide:
            if wide or iter(rows) is rows:
                raise
            file.seek(0)
            file.truncate()
    raise AssertionError


def _batch(whole: Any, count: int, part: dict[str, list[Any]]) -> Any:
    pa = pyarrow()
    arrays = [
        _array(pa, part[field.name], field.type) if field.name in part else pa.nulls(count, field.type)
        for field in whole
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=whole)


def reader(
    relation: Relation, parts: Iterator[Any], columns: Sequence[str] | None, *, wide: bool = False
) -> RecordBatchReader:
    """Return a reader of batches, as :func:`batches` yields them, with ``columns`` in their order (None: all)."""
    pa = pyarrow()
    whole = schema(relation.columns, wide=wide)
    if columns is None:
        return pa.RecordBatchReader.from_batches(whole, parts)
    chosen = pa.schema([whole.field(name) for name in columns])
    return pa.RecordBatchReader.from_batches(chosen, (batch.select(list(columns)) for batch in parts))


def _columns(
    columns: Sequence[Column], rows: Iterable[Any], names: Sequence[str]
) -> Iterator[tuple[int, dict[str, list[Any]]]]:
    """Yield the columns called ``names`` of some rows at a time, and how many these are."""
    wanted = [(place, column) for place, column in enumerate(columns) if column.name in names]
    for chunk in row_chunks(rows, _ROWS):
        yield (
            len(chunk),
            {column.name: [_cell(row[place], column.type) for row in chunk] for place, column in wanted},
        )


def _cell(value: Any, type: str) -> Any:
    found = cell(value, type)
    return found if type != "json" or value is None else plain_text(found)


def _array(pa: Any, values: list[Any], kind: Any) -> Any:
    if pa.types.is_decimal(kind):
        from decimal import Decimal

        values = [None if value is None else Decimal(value) for value in values]
    try:
        return array(pa, values, kind)
    except (OverflowError, pa.ArrowInvalid) as error:
        if pa.types.is_integer(kind):
            raise TooWide from error
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
    from importlib import import_module

    datasets: Any = import_module("pyarrow.dataset")
    whole = schema(relation.columns, wide=wide)

    def scanned(columns: Sequence[str] | None) -> Iterator[Any]:
        try:
            yield from batches(relation, files, columns, bounds, wide=wide)
        except Exception as error:
            failures.append(error)
            raise

    class Lazy(datasets.InMemoryDataset):  # type: ignore[misc]
        """DuckDB asks a dataset for a scanner of the columns that a statement needs, and that for a reader."""

        def scanner(self, columns: list[str] | None = None, filter: Any = None, **_: Any) -> Any:
            needed = None
            if columns is not None:
                needed = sorted({*columns, *_fields(filter, whole.names)})
            names = whole.names if columns is None else columns
            parts = ((batch if filter is None else batch.filter(filter)).select(names) for batch in scanned(needed))
            return _Scanner(pa.RecordBatchReader.from_batches(pa.schema([whole.field(name) for name in names]), parts))

    return Lazy(pa.table({field.name: pa.array([], field.type) for field in whole}, schema=whole))


class _Scanner:
    """Arrow's own reads ahead, as much as comes: this reads a batch when it is asked for."""

    def __init__(self, reader: RecordBatchReader) -> None:
        self._reader = reader

    def to_reader(self) -> RecordBatchReader:
        return self._reader


def _fields(filter: Any, names: Sequence[str]) -> Iterator[str]:
    """Yield the columns that an Arrow expression may name: it can only be read as text."""
    if filter is not None:
        text = str(filter)
        yield from (name for name in names if name in text)
