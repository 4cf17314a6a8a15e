"""Rows of a view: those that are wanted, in the order that is wanted, and their values as text."""

from collections.abc import Callable, Iterator, Sequence
from heapq import nlargest, nsmallest
from itertools import islice
from typing import Any

from ..errors import ArgumentError
from ..text.cells import cell_text
from ..text.json import plain_text
from .contract import Column, Store, View

Row = tuple[Any, ...]


def condition(text: str, option: str = "where") -> tuple[str, str]:
    """Return the name and the text of a condition ``FIELD=VALUE``. Raises ArgumentError, which names ``option``."""
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise ArgumentError(f"--{option} takes FIELD=VALUE, not {text!r}")
    return name, value


def selected(
    view: View,
    source: Iterator[Row],
    columns: Sequence[str] = (),
    where: Sequence[tuple[str, str]] = (),
    sort: str = "",
    limit: int = 0,
) -> tuple[list[Column], Iterator[Row]]:
    """Return the columns and rows that are wanted of a view's; only sorting keeps rows in memory, all or ``limit``.

    ``columns`` are names (none: all), ``where`` pairs of a name and the text that its value must have, ``sort`` a name
    (with - before it: descending), ``limit`` the most rows (0: all). Raises :class:`~boltcli.errors.ArgumentError` for
    a column that the view hasn't.
    """
    names = [column.name for column in view.columns]
    by, descending = sort.removeprefix("-"), sort.startswith("-")
    for name in (*columns, *(name for name, _ in where), *([by] if sort else [])):
        if name not in names:
            raise ArgumentError(f"view {view.name} has no column {name!r}: it has {', '.join(names)}")
    indexes = [names.index(name) for name in columns or names]
    types = {column.name: column.type for column in view.columns}
    tests = [(names.index(name), types[name], text) for name, text in where]

    def rows() -> Iterator[Row]:
        fitting = (row for row in source if all(cell_text(row[at], type) == text for at, type, text in tests))
        found = fitting if tests else source
        if sort:
            key, first = _order(types[by], names.index(by)), nlargest if descending else nsmallest
            found = iter(first(limit, found, key=key) if limit else sorted(found, key=key, reverse=descending))
        for row in islice(found, limit or None):
            yield tuple([row[at] for at in indexes]) if columns else row

    return [view.columns[at] for at in indexes], rows()


def _order(type: str, index: int) -> Callable[[Row], Any]:
    """Return the key to sort by: no value before numbers, text, bytes, all else as JSON; a column of JSON as text."""
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
