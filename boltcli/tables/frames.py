"""Rows of a view as the library gives them: an iterator, which pandas can take whole. The only module with pandas."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import MissingExtra

if TYPE_CHECKING:
    from ..apps.contract import Column


class ViewRows(Iterator[Any]):
    """The rows of a view, named tuples, as they are read; ``columns`` have their names and types."""

    def __init__(self, rows: Iterator[Any], columns: Sequence[Column]) -> None:
        self._rows = rows
        self.columns = tuple(columns)

    def __next__(self) -> Any:
        return next(self._rows)

    def to_pandas(self) -> Any:
        """Return the rows that are left as a ``pandas.DataFrame``.

        Times are timestamps in UTC, integers ``Int64`` (Python's own where 64
        bits are too few), lists and dicts and bytes stay what they are. Raises
        :class:`~boltcli.errors.MissingExtra` without pandas, and what reading
        raises.
        """
        try:
            import pandas
        except ImportError:
            raise MissingExtra("pandas", "", "to_pandas") from None
        rows = list(self)
        return pandas.DataFrame(
            {
                column.name: _series(pandas, [row[place] for row in rows], column.type)
                for place, column in enumerate(self.columns)
            },
            columns=[column.name for column in self.columns],
        )


def _series(pandas: Any, values: list[Any], kind: str) -> Any:
    if kind == "time":
        kept = [value if value is not None and -(1 << 63) < value < 1 << 63 else None for value in values]
        return pandas.Series(pandas.array(kept, dtype="Int64")).astype("datetime64[ns]").dt.tz_localize("UTC")
    if kind == "integer":
        try:
            return pandas.Series(values, dtype="Int64")
        except (OverflowError, TypeError, ValueError):
            return pandas.Series(values, dtype=object)
    if kind in ("boolean", "number"):
        return pandas.Series(values, dtype="boolean" if kind == "boolean" else "Float64")
    return pandas.Series(values, dtype=object)
