"""Rows of a view as a table on a terminal, by rich."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from .view_rows import cell
from .visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ..apps.contract import Column


def rich_table(title: str, columns: Sequence[Column], rows: Iterable[tuple[Any, ...]], *, styled: bool = True) -> bytes:
    """Return ``rows`` as a table in the terminal's width; columns that are empty in all rows are left out.

    Unless ``styled`` it has no escape sequences.
    """
    cells = [[cell(value, column) for column, value in zip(columns, row)] for row in rows]
    shown = [index for index in range(len(columns)) if not cells or any(row[index] for row in cells)]
    table = Table(title=visible(title), title_justify="left", header_style="bold", pad_edge=False, box=None)
    for index in shown:
        number = columns[index].type in ("integer", "number")
        table.add_column(columns[index].name, justify="right" if number else "left", overflow="fold")
    for row in cells:
        table.add_row(*(Text(row[index]) for index in shown))
    text = StringIO()
    Console(file=text, force_terminal=styled, no_color=not styled, width=Console().width).print(table)
    return text.getvalue().encode("utf-8", "surrogateescape")
