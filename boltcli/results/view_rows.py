"""The rows of a view as named tuples."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

from ..text.columns import Column
from ..text.times import moment
from .rows import Rows


class ViewRows(Rows[Any]):
    """The rows of a view, named tuples; a time is a ``datetime`` in UTC, cut to microseconds.

    A time that no ``datetime`` can be is an integer, nanoseconds since 1970. In Arrow times have nanoseconds, and one
    beyond the years 1677 to 2262 is null.
    """

    def __init__(self, columns: Sequence[Column], read: Callable[[], Iterator[Sequence[Any]]]) -> None:
        super().__init__(columns, read, lambda: map(as_records(columns), read()))


def as_records(columns: Sequence[Column]) -> Callable[[Sequence[Any]], Any]:
    """Return a function that makes a named tuple of a row with these columns, with times as ``datetime``."""
    record = _record(tuple(column.name for column in columns))
    times = [place for place, column in enumerate(columns) if column.type == "time"]

    def with_times(row: Sequence[Any]) -> Any:
        values = list(row)
        for place in times:
            if values[place] is not None:
                values[place] = moment(values[place])
        return record._make(values)

    return with_times if times else record._make


@cache
def _record(names: tuple[str, ...]) -> Any:
    """Return the type of rows with these names; a row can be pickled and copied, though the type has no place."""
    base = namedtuple("Row", names, rename=True)  # type: ignore[misc]
    return type("Row", (base,), {"__slots__": (), "__reduce__": lambda row: (_row, (names, tuple(row)))})


def _row(names: tuple[str, ...], values: tuple[Any, ...]) -> Any:
    return _record(names)(*values)
