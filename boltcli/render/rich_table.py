"""Rows as a table on a terminal, by rich, cut to its width."""

from __future__ import annotations

from io import StringIO
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..text.visible import visible
from .table_rows import shown
from .view_rows import cell

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ..apps.contract import Column
    from .table_rows import Row

_LEAST = 16  # columns of the terminal that a column takes, if it has as much to show
_GAP = 2
_MOST = 1000  # rows of a statement: what is longer belongs into a file


def rich_table(title: str, columns: Sequence[Column], rows: Iterable[tuple[Any, ...]], *, styled: bool = True) -> bytes:
    """Return ``rows`` as a table in the terminal's width; columns that are empty in all rows are left out.

    What there is no room for is named below it. Unless ``styled`` it has no escape sequences.
    """
    cells = [[cell(value, column) for column, value in zip(columns, row)] for row in rows]
    kept = [index for index in range(len(columns)) if not cells or any(row[index] for row in cells)]
    names = [columns[index].name for index in kept]
    right = [columns[index].type in ("integer", "number") for index in kept]
    table, without = _table(names, [[row[index] for index in kept] for row in cells], right)
    if without and len(cells) == 1:  # a record: a line a column
        table, without = Table(show_header=False, pad_edge=False, box=None), []
        for index in kept:
            table.add_row(Text(columns[index].name, "bold"), Text(cells[0][index], overflow="fold"))
    table.title, table.title_justify = visible(title), "left"
    left = [f"no room for {', '.join(without)}: --columns chooses, --json shows all"] if without else []
    return _printed(styled, table, *left)


def rich_rows(names: Sequence[str], rows: Iterable[Row], *, styled: bool = True) -> bytes:
    """Return the first rows as a table, cut to the width; how many are left out is said below it."""
    rows = iter(rows)
    cells = [[visible(shown(value)).replace("\n", "\\n") for value in row] for row in islice(rows, _MOST)]
    table, without = _table([visible(name) for name in names], cells, [False] * len(names))
    left = sum(1 for _ in rows)
    notes = [f"no room for {', '.join(without)}: --json shows all"] if without else []
    return _printed(styled, table, *notes, *([f"and {left} more rows: use --json, --csv or --output"] if left else []))


def _table(names: Sequence[str], cells: Sequence[Sequence[str]], right: Sequence[bool]) -> tuple[Table, list[str]]:
    """Return the table, and the names of the columns that there is no room for."""
    wanted = [max(map(cell_len, (name, *column))) for name, *column in zip(names, *cells)]
    widths = fitted(wanted, Console().width, last=names[-1:] == ["file"])
    table = Table(header_style="bold cyan", pad_edge=False, box=None)
    for name, width, to in zip(names, widths, right):
        if width:
            justify: Literal["right", "left"] = "right" if to else "left"
            table.add_column(name, justify=justify, width=width, no_wrap=True, overflow="ellipsis")
    for row in cells:
        table.add_row(*(Text(text) for text, width in zip(row, widths) if width))
    return table, [name for name, width in zip(names, widths) if not width]


def fitted(wanted: Sequence[int], room: int, *, last: bool = False) -> list[int]:
    """Return widths of columns that fit ``room``, two blanks between them; 0 for a column that is left out.

    The first one, what the row is about, shrinks last, the widest of the others first; with ``last`` the last one
    stays as well. A column that would have less than ``_LEAST`` of the room that it wants is left out.
    """
    least = [min(width, room if at == 0 else _LEAST) for at, width in enumerate(wanted)]
    left = room + _GAP
    widths = [0] * len(wanted)
    for at in [0, *[len(wanted) - 1] * last, *range(1, len(wanted))] if wanted else []:
        if not widths[at] and least[at] + _GAP <= left:
            widths[at] = least[at]
            left -= least[at] + _GAP
    while left > 0:
        narrow = [at for at, width in enumerate(widths) if 0 < width < wanted[at]]
        if not narrow:
            break
        widths[min(narrow, key=widths.__getitem__)] += 1
        left -= 1
    return widths


def _printed(styled: bool, *parts: Table | str) -> bytes:
    text = StringIO()
    console = Console(file=text, force_terminal=styled, no_color=not styled, width=Console().width)
    for part in parts:
        console.print(part)
    return text.getvalue().encode("utf-8", "surrogateescape")
