"""Rows that are read anew by each ``iter()``, as named tuples or other records, and as a stream of Arrow batches."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import Any, TypeVar

from ..text.cells import Again, Column
from ..text.times import moment

T = TypeVar("T")


class Rows(Again[T]):
    """Rows with named columns, of the types of :class:`~boltcli.text.cells.Column`. Each ``iter()`` reads them anew.

    polars, pandas, pyarrow and DuckDB take them as they are (``polars.DataFrame(rows)``, ``pyarrow.table(rows)``), a
    batch of about a megabyte at a time. What is raised after the first batch is the message of an error of
    that library.
    """

    def __init__(
        self, columns: Iterable[Column], read: Callable[[], Iterator[Sequence[Any]]], records: Callable[[], Iterator[T]]
    ) -> None:
        """``read`` returns plain rows, a value for each column, ``records`` what iteration yields of these."""
        super().__init__(records)
        self.columns = tuple(columns)
        self._read = read

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Return the rows as an Arrow C stream. Raises MissingExtra without pyarrow, and what reading the first raises.

        A column of integers has 64 bits, signed, or is decimal if one in the first batch doesn't fit.
        """
        from .arrow import stream

        return stream(self.columns, self._batches(), requested_schema)

    def _batches(self) -> Iterator[tuple[int, dict[str, list[Any]]]]:
        """Yield the number of rows of each batch, and their values by column."""
        from .arrow import row_columns

        return row_columns(self.columns, self._read(), [column.name for column in self.columns])

    def _repr_html_(self) -> str:
        from .notebook import page, table

        return page(type(self).__name__, table(self.columns, self._read()))

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {', '.join(column.name for column in self.columns)}>"


class ViewRows(Rows[Any]):
    """The rows of a view, named tuples; a time is a ``datetime`` in UTC, cut to microseconds.

    A time that no ``datetime`` can be is an integer, nanoseconds since 1970. In Arrow times have nanoseconds, and one
    beyond the years 1677 to 2262 is null.
    """

    def __init__(self, columns: Sequence[Column], read: Callable[[], Iterator[Sequence[Any]]]) -> None:
        record = _record(tuple(column.name for column in columns))
        times = [place for place, column in enumerate(columns) if column.type == "time"]

        def with_times(row: Sequence[Any]) -> Any:
            values = list(row)
            for place in times:
                if values[place] is not None:
                    values[place] = moment(values[place])
            return record._make(values)

        super().__init__(columns, read, lambda: map(with_times if times else record._make, read()))


@cache
def _record(names: tuple[str, ...]) -> Any:
    """Return the type of rows with these names; a row can be pickled and copied, though the type has no place."""
    base = namedtuple("Row", names, rename=True)  # type: ignore[misc]
    return type("Row", (base,), {"__slots__": (), "__reduce__": lambda row: (_row, (names, tuple(row)))})


def _row(names: tuple[str, ...], values: tuple[Any, ...]) -> Any:
    return _record(names)(*values)
