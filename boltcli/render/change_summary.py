"""The summary of ``diff`` for a terminal: how much each bucket changed, all together first."""

from __future__ import annotations

from ..text.sizes import counted, size
from ..text.values import path_text
from ..text.visible import one_line
from .screen import BAD, FAIR, GOOD, Screen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..ops.compare.change import BucketChanges


def change_screen(screen: Screen, rows: list[BucketChanges], *, every: bool) -> None:
    """Show all changes together, then those of each bucket; nested ones are folded, unless ``every`` one is shown."""
    top = rows[0]
    screen.verdict(FAIR, "DIFFERENT", f"{_words(top)}; {size(top.bytes_before)} before, {size(top.bytes_after)} after")
    least = len(top.bucket) + 1
    shown = [row for row in rows[1:] if every or len(row.bucket) == least]
    cells = [(f"+{row.added:,}", f"-{row.removed:,}", f"~{row.changed:,}", _growth(row)) for row in shown]
    widths = [max(map(len, column)) for column in zip(*cells)]
    for row, line in zip(shown, cells):
        parts = [
            screen.paint(f"{cell:>{width}}", style if cell[1:] != "0" else "dim")
            for cell, width, style in zip(line, widths, (GOOD, BAD, FAIR, ""))
        ]
        room = screen.width - sum(widths) - 2 * len(widths)
        screen.line("  ".join([*parts, screen.paint(screen.cut(one_line(path_text(row.bucket)), room), "name")]))
    folded = len(rows) - 1 - len(shown)
    if folded:
        screen.text(f"in these: {counted(folded, 'nested bucket')} with changes (--all)", style="dim")


def _words(row: BucketChanges) -> str:
    counts = ((row.added, "added"), (row.removed, "removed"), (row.changed, "changed"))
    return ", ".join(f"{number:,} {word}" for number, word in counts if number)


def _growth(row: BucketChanges) -> str:
    growth = row.bytes_after - row.bytes_before
    return "+" * (growth >= 0) + size(growth)
