"""A table on a terminal, by rich: cut to its width."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from io import StringIO
from itertools import islice
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from .table_rows import shown
from .visible import visible

if TYPE_CHECKING:
    from .table_rows import Row

_MOST = 1000  # rows: what is longer belongs into a file


def rich_rows(names: Sequence[str], rows: Iterable[Row]) -> bytes:
    """Return the first rows as a table in colours; how many are left out is said below it."""
    table = Table(header_style="bold cyan", show_lines=False)
    for name in names:
        table.add_column(visible(name), overflow="ellipsis", no_wrap=True)
    rows = iter(rows)
    for row in islice(rows, _MOST):
        table.add_row(*(Text(visible(shown(value))) for value in row))
    text = StringIO()
    console = Console(file=text, force_terminal=True, width=Console().width)
    console.print(table)
    left = sum(1 for _ in rows)
    if left:
        console.print(f"and {left} more rows: use --json, --csv or --output")
    return text.getvalue().encode("utf-8", "surrogateescape")
