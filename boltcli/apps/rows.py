"""Rows of a view: those that are wanted, in the order that is wanted, and their values as text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from heapq import nlargest, nsmallest
from typing import Any

from ..errors import ArgumentError
from ..text.cells import cell_text
from ..text.json import plain_text
from .contract import Store, View

Row = tuple[Any, ...]


class Selection:
    """Which rows and columns of ``view``. Raises :class:`~boltcli.errors.ArgumentError` for a column it hasn't.

    ``columns`` are names (none: all), ``where`` pairs of a name and the text that its value must have, ``sort`` a name
    (with - before it: descending), ``limit`` the most rows (0: all).
    """

    def __init__(
        self,
        view: View,
        columns: Sequence[str] = (),
        where: Sequence[tuple[str, str]] = (),
        sort: str = "",
        limit: int = 0,
    ) -> None:
        names = [column.name for column in view.columns]
        for name in (*columns, *(name for name, _ in where), *([sort.removeprefix("-")] if sort else [])):
            if name not in names:
                raise ArgumentError(f"view {view.name} has no column {name!r}: it has {', '.join(names)}")
        self._indexes = [names.index(name) for name in columns or names]
        self._where = [(names.index(name), text) for name, text in where]
        self._sort = names.index(sort.removeprefix("-")) if sort else None
        self._descending = sort.startswith("-")
        self._types = [column.type for column in view.columns]
        self._limit = limit
        self.columns = [view.columns[index] for index in self._indexes]

    def rows(self, source: Iterator[Row]) -> Iterator[Row]:
        """Yield what is wanted of ``source``; only sorting keeps rows in memory, all or ``limit`` of them."""
        rows = (row for row in source if self._fits(row)) if self._where else source
        if self._sort is not None:
            rows = iter(self._sorted(rows, _order(self._types[self._sort], self._sort)))
        everything = self._indexes == list(range(len(self._types)))
        for number, row in enumerate(rows, 1):
            yield row if everything else tuple(row[index] for index in self._indexes)
            if number == self._limit:
                break

    def _fits(self, row: Row) -> bool:
        return all(cell_text(row[index], self._types[index]) == text for index, text in self._where)

    def _sorted(self, rows: Iterator[Row], key: Callable[[Row], Any]) -> list[Row]:
        if not self._limit:
            return sorted(rows, key=key, reverse=self._descending)
        return (nlargest if self._descending else nsmallest)(self._limit, rows, key=key)


def _order(type: str, index: int) -> Callable[[Row], Any]:
    """Return the key to sort by: rows without a value come first, JSON is sorted as text.

    In the other columns values may be of several types: numbers come before text, text before bytes, all else follows
    as JSON.
    """
    if type == "json":
        return lambda row: (row[index] is not None, plain_text(row[index]))
    return lambda row: _rank(row[index])


def _rank(value: Any) -> tuple[int, Any]:
    if value is None:
        return 0, 0
    if isinstance(value, (int, float)):
        return (1, value) if value == value else (1, float("-inf"))  # NaN has no order
    if isinstance(value, str):
        return 2, value
    return (3, value) if isinstance(value, bytes) else (4, plain_text(value))


def view_rows(view: View, db: Store, options: dict[str, str]) -> Iterator[Row]:
    """Return the rows of ``view`` with ``options``; raises ArgumentError for an option that it hasn't."""
    for name in options:
        if name not in view.options:
            known = f"it takes {', '.join(view.options)}" if view.options else "it takes none"
            raise ArgumentError(f"view {view.name} has no option {name!r}: {known}")
    return view.rows(db, **options)
