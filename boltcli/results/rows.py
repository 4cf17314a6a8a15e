"""Rows that are read anew by each ``iter()``, and as a stream of Arrow batches."""

from __future__ import annotations

from ..text.columns import Again

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Any, TypeVar

    from ..text.columns import Column

    T = TypeVar("T")


class Rows(Again["T"]):
    """Rows with named columns, of the types of :class:`~boltcli.text.columns.Column`. Each ``iter()`` reads them anew.

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
