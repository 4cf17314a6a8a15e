"""Rows as a table on a terminal, by rich: those of a view whole, those of a statement cut to the width."""

from __future__ import annotations

from io import StringIO
from itertools import islice
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from .table_rows import shown
from .view_rows import cell
from .visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ..apps.contract import Column
    from .table_rows import Row

_MOST = 1000  # rows of a statement: what is longer belongs into a file


def rich_table(title: str, columns: Sequence[Column], rows: Iterable[tuple[Any, ...]], *, styled: bool = True) -> bytes:
    """Return ``rows`` as a table in the terminal's width; columns that are empty in all rows are left out.

    Unless ``styled`` it has no escape sequences.
    """
    cells = [[cell(value, column) for column, value in zip(columns, row)] for row in rows]
    kept = [index for index in range(len(columns)) if not cells or any(row[index] for row in cells)]
    table = Table(title=visible(title), title_justify="left", header_style="bold", pad_edge=False, box=None)
    for index in kept:
        number = columns[index].type in ("integer", "number")
        table.add_column(columns[index].name, justify="right" if number else "left", overflow="fold")
    for row in cells:
        table.add_row(*(Text(row[index]) for index in kept))
    return _printed(styled, table)


def rich_rows(names: Sequence[str], rows: Iterable[Row], *, styled: bool = True) -> bytes:
    """Return the first rows as a table, cut to the width; how many are left out is said below it."""
    table = Table(header_style="bold cyan", show_lines=False)
    for name in names:
        table.add_column(visible(name), overflow="ellipsis", no_wrap=True)
    rows = iter(rows)
    for row in islice(rows, _MOST):
        table.add_row(*(Text(visible(shown(value))) for value in row))
    left = sum(1 for _ in rows)
    return _printed(styled, table, *([f"and {left} more rows: use --json, --csv or --output"] if left else []))


def _printed(styled: bool, *parts: Table | str) -> bytes:
    text = StringIO()
    console = Console(file=text, force_terminal=styled, no_color=not styled, width=Console().width)
    for part in parts:
        console.print(part)
    return text.getvalue().encode("utf-8", "surrogateescape")
